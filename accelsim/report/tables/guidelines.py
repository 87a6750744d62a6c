"""ShuffleNet v2's guidelines, published beside simulated: values, and how they look."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from accelsim.report.text.table import Column, Style, labelled, table, wrapped
from accelsim.report.text.words import BOUNDS
from accelsim.validation.guidelines import (
    NOTABLY,
    Experiment,
    GuidelineCell,
    Guidelines,
    Verdict,
    verdicts_of,
)
from accelsim.version import __version__


def guideline_cell_dict(cell: GuidelineCell) -> dict[str, Any]:
    """Plain values of one cell, those of its simulation among them."""
    values: dict[str, Any] = asdict(cell)
    measured: dict[str, Any] = values.pop("measured")
    return {**values, **measured}


def guidelines_dict(guidelines: Guidelines, cells: Sequence[GuidelineCell]) -> dict[str, Any]:
    """Plain values of `reproduce guidelines --format json`."""
    return {
        "accelsim": __version__,
        "table": guidelines.name,
        "source": guidelines.source,
        "slower_by_more_than": NOTABLY,
        "verdicts": [
            asdict(verdict)
            for experiment in guidelines.experiments
            for verdict in verdicts_of(cells, experiment)
        ],
        "rows": [guideline_cell_dict(cell) for cell in cells],
    }


def guidelines_report(guidelines: Guidelines, cells: Sequence[GuidelineCell], style: Style) -> str:
    """ShuffleNet v2's guidelines, as `accelsim reproduce guidelines` prints them.

    Args:
        guidelines: What was published.
        cells: What was simulated beside it.
        style: What the place that it goes to can show.

    Returns:
        Of each guideline its experiments, setting by setting, and what they add up to; ends in a newline.

    Example:
        >>> from accelsim.report.text import Style
        >>> from accelsim.validation.guidelines import load_guidelines
        >>> print(guidelines_report(load_guidelines(), [], Style()).splitlines()[0])
        G1  Equal channel width minimizes memory access cost (table 1)
    """
    text: list[str] = []
    for experiment in guidelines.experiments:
        text += [style.strong(f"{experiment.name}  {experiment.title}"), ""]
        of_experiment = [cell for cell in cells if cell.experiment == experiment.name]
        for platform, platform_cells in groupby(of_experiment, lambda cell: cell.platform):
            head, *lines = table(_columns(experiment, platform, list(platform_cells)), style.width)
            text += [style.strong(head), *lines, ""]
        for verdict in verdicts_of(cells, experiment):
            text += labelled(verdict.where, verdict_words(verdict), style)
        text.append("")
    legend = (
        "Speeds are at equal MACs, relative to the advised setting of the same size; GPU and ARM as "
        "published. bound by: what most cycles are bound by, at each size."
    )
    return "\n".join([*text, *wrapped(legend, style)]) + "\n"


def verdict_words(verdict: Verdict) -> str:
    """`7 of 18 departures over 5% slower, 0.54 to 1.03 x the advised speed`."""
    return (
        f"{verdict.slower} of {verdict.departures} departures over {NOTABLY:.0%} slower, "
        f"{verdict.slowest:.2f} to {verdict.fastest:.2f} x the advised"
    )


def _columns(experiment: Experiment, platform: str, cells: Sequence[GuidelineCell]) -> list[Column]:
    """Of one series: a line for each setting on each machine, and as published."""
    lines = list(_lines(platform, cells))
    labels = list(dict.fromkeys(cell.column for cell in cells))
    return [
        Column(experiment.varied, [setting for setting, _, _, _ in lines], "left"),
        Column("on", [tested_on for _, tested_on, _, _ in lines], "left", least=10, gap=2),
        *(
            Column(label, [f"{speeds[index]:.2f}" for _, _, speeds, _ in lines], gap=2)
            for index, label in enumerate(labels)
        ),
        Column("bound by", [" ".join(bounds) for _, _, _, bounds in lines], "left", gap=2),
    ]


def _lines(
    platform: str, cells: Sequence[GuidelineCell]
) -> Iterator[tuple[str, str, Sequence[float], Sequence[str]]]:
    """(setting, where, relative speeds, what bounds them); a setting is named once, what bounds if known."""
    machines = list(dict.fromkeys(cell.hardware for cell in cells))
    for setting in dict.fromkeys(cell.setting for cell in cells):
        for machine in machines:
            of_setting = [cell for cell in cells if (cell.setting, cell.hardware) == (setting, machine)]
            speeds = [cell.relative_speed for cell in of_setting]
            bounds = [f"{BOUNDS[cell.measured.bound_by]:<4}" for cell in of_setting]
            yield setting if machine == machines[0] else "", machine, speeds, bounds
        yield "", platform, [cell.published_relative_speed for cell in of_setting], ()
