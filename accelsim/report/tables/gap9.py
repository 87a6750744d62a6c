"""GAP9, measured beside simulated: values, and how they look."""

from dataclasses import asdict
from typing import Any

from accelsim.report.text.table import Column, Style, labelled, table, wrapped
from accelsim.validation.gap9 import Gap9Reproduction, Gap9Row
from accelsim.version import __version__


def gap9_row_dict(row: Gap9Row) -> dict[str, Any]:
    """Plain values of one network."""
    return {**asdict(row), "error": row.error, "predicted": row.measured_cycles is None}


def gap9_dict(reproduction: Gap9Reproduction) -> dict[str, Any]:
    """Plain values of `reproduce gap9 --format json`."""
    chip = reproduction.chip
    return {
        "accelsim": __version__,
        "table": chip.name,
        "source": chip.source,
        "rows": [gap9_row_dict(row) for row in reproduction.rows],
        "fitted": {
            "parameters": list(chip.fitted.keys),
            "on": chip.fitted.to,
            "forms_tried": chip.fitted.forms_tried,
            "forms_are": chip.fitted.forms_are,
        },
        "missed_bars": reproduction.missed_bars,
        "moved": reproduction.moved,
    }


def gap9_report(reproduction: Gap9Reproduction, style: Style) -> str:
    """GAP9 as `accelsim reproduce gap9` prints it.

    Args:
        reproduction: All networks.
        style: What the place that it goes to can show.

    Returns:
        A line for each network, and what was fitted; ends in a newline.

    Example:
        >>> from accelsim.report.text import Style
        >>> from accelsim.validation.gap9 import Gap9Reproduction, Gap9Row, load_gap9
        >>> rows = (Gap9Row("mlperf_tiny_kws", 175922, 176262), Gap9Row("mlperf_tiny_ic", None, 230000))
        >>> print(gap9_report(Gap9Reproduction(load_gap9(), rows), Style()).splitlines()[2])
        mlperf_tiny_kws    175922     176262      +0.2%
    """
    chip, rows = reproduction.chip, reproduction.rows
    columns = [
        Column("network", [row.network for row in rows], "left"),
        Column("measured", [_or_dash(row.measured_cycles) for row in rows], gap=2),
        Column("simulated", [str(row.simulated_cycles) for row in rows], gap=2),
        Column("off", ["predicted" if row.error is None else f"{row.error:+.1%}" for row in rows], gap=2),
    ]
    head, *lines = table(columns, style.width)
    text = [style.strong(f"{chip.title}: cycles of an inference"), style.strong(head), *lines, ""]
    fitted = chip.fitted
    forms = f"{fitted.forms_tried} forms tried: {fitted.forms_are}"
    text += labelled("fitted", f"{'; '.join(fitted.keys)}; to {fitted.to}. {forms}", style)
    text += wrapped(
        "Of a network that is predicted nothing was fitted, and its measured figure was not looked at.", style
    )
    return "\n".join(text) + "\n"


def _or_dash(cycles: int | None) -> str:
    return "-" if cycles is None else str(cycles)
