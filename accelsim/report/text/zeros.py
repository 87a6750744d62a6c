"""Zero weights that a run skipped, in words: how many multiply-accumulates, where, and on whose word."""

from collections.abc import Iterator, Sequence
from typing import Final

from accelsim.descriptions.phrases import counted
from accelsim.report.text.table import percent, percent_digits
from accelsim.report.text.words import dataflow_title
from accelsim.report.values.stage_results import StageResult
from accelsim.result import LayerResult, RunResult

MARK: Final = "*"
"""Beside the dataflow of a layer that skips zeros."""
MARK_LEGEND: Final = f"{MARK} = skips zero weights"


def skipped_percent(value: LayerResult | StageResult | RunResult) -> str:
    """Of the multiply-accumulates, the part that was not executed, for a column of a table."""
    return percent_digits(value.skipped_macs / value.macs) if value.skipped_macs else "-"


def zeros_sentence(result: RunResult) -> str:
    """Which share of the work was skipped, in which dataflow, on whose word; nothing where none was."""
    skipping = [layer for layer in result.layers if layer.skipped_macs]
    if not skipping:
        return ""
    share = percent(result.skipped_macs / result.macs)
    dataflows = " or ".join(sorted({dataflow_title(layer.dataflow) for layer in skipping}))
    reasons = " and ".join(_reasons(skipping))
    executed, all_counted = result.utilization, result.nominal_utilization
    beyond = ", more than the 1 that it can execute" if all_counted > 1 else ""
    return (
        f"{share} of the MACs are skipped, in {counted(len(skipping), 'layer')} ({dataflows}), as {reasons}; "
        f"a PE executes {executed:.2f} MACs per cycle, {all_counted:.2f} if those skipped are counted{beyond}"
    )


def _reasons(skipping: Sequence[LayerResult]) -> Iterator[str]:
    """Who says that weights are zero: the network, or the machine where the network says nothing."""
    assumed = {layer.weight_density for layer in skipping if layer.form.weight_density is None}
    for density in sorted(density for density in assumed if density is not None):
        yield f"the machine takes {100 * (1 - density):.3g}% of the weights as zero"
    if any(layer.form.weight_density is not None for layer in skipping):
        yield "the network says how many of its weights are zero"
