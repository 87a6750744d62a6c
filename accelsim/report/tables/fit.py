"""The smallest memory for a network, as `accelsim fit` prints it."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from accelsim.descriptions.phrases import all_of, counted, memory_word
from accelsim.planning.least_arena import LeastArena
from accelsim.report.text.energies import duration
from accelsim.report.text.table import Column, Style, kibibytes, quantity, table, three_digits, wrapped
from accelsim.search.least_memory import MemoryFit, MemoryRun

RUNS: Final = 4
"""That a fit takes beside the one with room for all."""
_LEGEND: Final = (
    "Each line is a run with nothing outside but weights, and the network's ends as the machine's io says: "
    "in a memory in which nothing is short, in the least that holds it, and in a tenth more. x: times the "
    "first line."
)


def fit_report(fit: MemoryFit, style: Style) -> str:
    """The smallest memory without and with cascades, and what it costs.

    Args:
        fit: What was found.
        style: What the place that it goes to can show.

    Returns:
        Text that ends in a newline.
    """
    runs = [fit.roomy, *fit.runs]
    times = [run.result.time_ms for run in runs]
    weights = [run.weight_bytes for run in runs]
    columns = [
        Column(memory_word(fit.memory), [kibibytes(run.size_bytes) for run in runs]),
        Column("", [_which(run) for run in runs], "left", gap=2),
        Column("cascades", [_cascades(run) for run in runs], "left", gap=2),
        Column("time", [duration(time) for time in times], gap=2),
        Column("x", [_times(time, times[0]) for time in times]),
        Column("weights read", [quantity(size, "B") for size in weights], gap=2),
        Column("x", [_times(size, weights[0]) for size in weights]),
    ]
    head, *lines = table(columns, style.width)
    text = [style.strong(f"{fit.network} on {fit.hardware}"), "", style.strong(head), *lines, ""]
    for words, least in zip(("without cascades", "with cascades"), fit.least, strict=True):
        text += wrapped(f"{words}: {_who(least, fit.memory)}", style)
    return "\n".join([*text, "", *wrapped(_LEGEND, style)]) + "\n"


def _which(run: MemoryRun) -> str:
    return "least" if run.is_least else ""


def _cascades(run: MemoryRun) -> str:
    return f"{run.cascades} of up to {run.layers}" if run.layers else "none"


def _times(value: float, reference: float) -> str:
    return three_digits(value / reference) if reference else "-"


def _who(least: LeastArena, memory: str) -> str:
    """Which step, or cascade, needs the least that there has to be."""
    layers = least.layers[0] if len(least.layers) == 1 else f"{least.layers[0]} to {least.layers[-1]}"
    verb = "needs" if len(least.layers) == 1 else "need"
    parts = [f"{name} ({kibibytes(size)})" for name, size in least.tensors]
    parts += [f"{kibibytes(least.rows_bytes)} of rows between layers"] if least.rows_bytes else []
    parts += [f"{kibibytes(least.tile_bytes)} of tiles"]
    return f"{layers} {verb} {counted(least.size_bytes, 'byte')} of {memory_word(memory)}: {all_of(parts)}"


def fit_dict(fit: MemoryFit) -> dict[str, Any]:
    """Plain values of `fit --format json`, with the names of `run --format json`."""
    without, with_cascades = fit.least
    return {
        "network": fit.network,
        "hardware": fit.hardware,
        "memory": fit.memory,
        "least_bytes": min(run.size_bytes for run in fit.runs),
        "decided_by": {"without_cascades": _least_dict(without), "with_cascades": _least_dict(with_cascades)},
        "runs": list(_run_dicts(fit)),
    }


def _least_dict(least: LeastArena) -> dict[str, Any]:
    return {
        "layers": list(least.layers),
        "needed_bytes": least.size_bytes,
        "tensors": [{"name": name, "size_bytes": size} for name, size in least.tensors],
        "rows_bytes": least.rows_bytes,
        "tile_bytes": least.tile_bytes,
    }


def _run_dicts(fit: MemoryFit) -> Iterator[dict[str, Any]]:
    for run in (fit.roomy, *fit.runs):
        yield {
            "size_bytes": run.size_bytes,
            "is_least": run.is_least,
            "cascade_layers": run.layers,
            "cascades": run.cascades,
            "cycles": run.result.cycles,
            "time_ms": run.result.time_ms,
            "weight_bytes": run.weight_bytes,
            "energy": run.result.energy.total,
        }


def fit_rows(fit: MemoryFit) -> Sequence[dict[str, Any]]:
    """A row for each run."""
    return [{"network": fit.network, "hardware": fit.hardware, **row} for row in _run_dicts(fit)]
