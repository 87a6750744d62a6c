"""What makes a network run that a machine's pool does not hold, as `accelsim explain` prints it."""

from collections.abc import Sequence
from typing import Any, Final

from accelsim.report.text.energies import duration, energy_text
from accelsim.report.text.table import Column, Style, table, wrapped
from accelsim.search.fitting import FittingOutcome, Misfit

_LEGEND: Final = "Each line is a run of the whole network with that one change."


def misfit_report(misfit: Misfit, style: Style) -> str:
    """Where a network does not fit, and what it takes with each change that makes it.

    Args:
        misfit: The changes, each run.
        style: What the place that it goes to can show.

    Returns:
        Text that ends in a newline.
    """
    runs = [outcome for outcome in misfit.outcomes if outcome.result is not None]
    text = [style.strong(f"{misfit.network} on {misfit.hardware}"), ""]
    text += [*wrapped(f"does not fit: {misfit.problem}", style), ""]
    if runs:
        columns = [
            Column("what if", [outcome.words for outcome in runs], "left", least=16),
            Column("time", [_time(outcome) for outcome in runs], gap=2),
            Column("energy", [_energy(outcome) for outcome in runs], gap=2),
        ]
        head, *lines = table(columns, style.width)
        text += [style.strong(head), *lines]
    for outcome in misfit.outcomes:
        if outcome.result is None:
            text += wrapped(f"{outcome.words}: does not fit: {outcome.problem}", style, indent=2)
    return "\n".join([*text, "", *wrapped(_LEGEND, style)]) + "\n"


def _time(outcome: FittingOutcome) -> str:
    return "" if outcome.result is None else duration(outcome.result.time_ms)


def _energy(outcome: FittingOutcome) -> str:
    if outcome.result is None:
        return ""
    energy = outcome.result.energy
    return energy_text(energy.total, energy.unit, energy.picojoules_per_unit)


def misfit_dict(misfit: Misfit) -> dict[str, Any]:
    """Plain values of `explain --format json`, with the names of `run --format json`."""
    return {
        "network": misfit.network,
        "hardware": misfit.hardware,
        "fits": False,
        "problem": misfit.problem,
        "remedies": [_run_dict(outcome) for outcome in misfit.outcomes if outcome.result is not None],
        "impossible": [
            {"name": outcome.name, "words": outcome.words, "reason": outcome.problem}
            for outcome in misfit.outcomes
            if outcome.result is None
        ],
    }


def _run_dict(outcome: FittingOutcome) -> dict[str, Any]:
    assert outcome.result is not None
    result = outcome.result
    return {
        "name": outcome.name,
        "words": outcome.words,
        "cycles": result.cycles,
        "energy": result.energy.total,
        "macs": result.macs,
        "params": result.params,
    }


def misfit_rows(misfit: Misfit) -> Sequence[dict[str, Any]]:
    """A row for each change with which the network runs."""
    runs = [_run_dict(outcome) for outcome in misfit.outcomes if outcome.result is not None]
    return [{"network": misfit.network, "hardware": misfit.hardware, **row} for row in runs]
