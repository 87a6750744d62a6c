"""What a sweep found: values, and how they look."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Literal, TypeAlias, assert_never

from accelsim.descriptions import flow_text, shown
from accelsim.descriptions.phrases import counted
from accelsim.report.text.energies import energy_cell
from accelsim.report.text.table import Column, Style, fitting, kibibytes, si, table, wrapped
from accelsim.report.text.words import dataflow_word, inferences_words
from accelsim.search.metrics import AT_A_RATE, METRICS
from accelsim.search.spec import Sweep, SweepAxis
from accelsim.search.sweep import SweepCandidate, SweepResult
from accelsim.version import __version__

MARK: Final = "*"
_SAMPLERS: Final = {"exhaustive": "all", "nsga2": "chosen by NSGA-II", "tpe": "chosen by TPE"}
_METRIC_HEADERS: Final = {
    "time_ms": "ms",
    "energy_mj": "mJ",
    "power_mw": "mW",
    "uj_per_inference": "uJ/image",
    "battery_hours": "hours",
    "dram_bytes": "DRAM",
    "utilization": "PE%",
    "area_mm2": "mm2",
    "pes": "PEs",
    "buffer_bytes": "buffer",
    "register_file_bytes": "registers",
    "macs": "MACs",
    "top1": "top-1",
}
"""Where they are not the names."""
_AXIS_HEADERS: Final = {
    "networks": "network",
    "hardware": "machine",
    "pe_array.rows": "rows",
    "pe_array.columns": "cols",
    "pe_array.dataflows": "dataflow",
    "global_buffer.size_bytes": "buffer",
    "dram.bandwidth_bytes_per_cycle": "B/cycle",
    "pe_array.output_stationary.partial_sums_per_pe": "psums",
    "precision.weights_bits": "w bits",
    "precision.activations_bits": "a bits",
}
"""Where they are not the last part of the key."""
_ALWAYS: Final = 5
"""Axes that a table has even where space is short; of the others, as many as fit."""


_Section: TypeAlias = Literal["ranked", "front"]


@dataclass(frozen=True)
class _SweepRow:
    """A candidate in the table: among the best, or on the front."""

    section: _Section
    candidate: SweepCandidate


def sweep_report(result: SweepResult, style: Style, row_limit: int) -> str:
    """Candidates of a sweep, as `accelsim sweep` prints them.

    Args:
        result: What a sweep found.
        style: What the place that it goes to can show.
        row_limit: Of each table, how many rows are shown.

    Returns:
        The best by the first objective, and the Pareto front; ends in a newline.

    Example:
        >>> from accelsim.report.text import Style
        >>> from accelsim.search.sampling import plan_for
        >>> from accelsim.search.spec import read_sweep
        >>> from accelsim.search.sweep import run_sweep
        >>> sweep = read_sweep("docs/examples/small_sweep.yaml")
        >>> result = run_sweep(sweep, plan_for(sweep, samples=4))
        >>> print(sweep_report(result, Style(), row_limit=5).splitlines()[0])
        small_sweep: Three small networks on 54 small machines
    """
    sweep = result.sweep
    text = [style.strong(line) for line in _head(result, style)]
    rows = _rows(result, row_limit)
    columns = _columns(sweep, [row.candidate for row in rows])
    head, *lines = table(columns, style.width)
    text += ["", style.strong(head)]
    for section, members in groupby(zip(rows, lines, strict=True), lambda pair: pair[0].section):
        text += [style.strong(_heading(section, result)), *(line for _, line in members)]
    if len(result.front) > row_limit:
        hidden = len(result.front) - row_limit
        text.append(f"{'':5}... and {hidden} more: --top shows more, JSON and CSV have all")
    text += ["", *wrapped(_legend(result, _hidden(columns, style)), style)]
    return "\n".join(text) + "\n"


def _head(result: SweepResult, style: Style) -> list[str]:
    """What the sweep is called, and how much of it was looked at; on one line where it has no title."""
    sweep = result.sweep
    if not sweep.title:
        return wrapped(f"{sweep.name}: {_summary(result)}", style)
    return [*wrapped(f"{sweep.name}: {sweep.title}", style), *wrapped(_summary(result), style)]


def _summary(result: SweepResult) -> str:
    sweep = result.sweep
    summary = f"{result.evaluated} of {counted(sweep.size, 'candidate')}, {_SAMPLERS[result.plan.name]}"
    if result.plan.name == "exhaustive":
        summary = "the only candidate" if sweep.size == 1 else f"all {sweep.size} candidates"
    summary += inferences_words(sweep.inferences)
    if result.problems:
        summary += f"; {len(result.problems)} cannot be executed"
    if sweep.constraints:
        limits = ", ".join(constraint.text for constraint in sweep.constraints)
        summary += f"; {result.feasible} within {limits}"
    return summary


def _rows(result: SweepResult, row_limit: int) -> list[_SweepRow]:
    rows = [_SweepRow("ranked", candidate) for candidate in result.ranked[:row_limit]]
    if len(result.sweep.objectives) > 1:
        rows += [_SweepRow("front", candidate) for candidate in result.front[:row_limit]]
    return rows


def _heading(section: _Section, result: SweepResult) -> str:
    objectives = [objective.name for objective in result.sweep.objectives]
    match section:
        case "ranked":
            return f"the best by {objectives[0]}"
        case "front":
            names = f"{', '.join(objectives[:-1])} and {objectives[-1]}"
            return f"Pareto front of {names}: {len(result.front)}"
        case _:
            assert_never(section)


def _columns(sweep: Sweep, candidates: Sequence[SweepCandidate]) -> list[Column]:
    settings = [sweep.settings(candidate.index) for candidate in candidates]
    columns = [
        Column("rank", [str(candidate.rank) for candidate in candidates]),
        Column("", [MARK if candidate.on_front else "" for candidate in candidates]),
    ]
    for number, axis in enumerate(sweep.varying):
        cells = [setting_word(axis, of_candidate[axis.name]) for of_candidate in settings]
        rank = max(0, number - _ALWAYS + 1)
        align: Any = "right" if axis.ordered else "left"
        columns.append(Column(axis_word(axis), cells, align, gap=2, rank=rank, least=5))
    picojoules = sweep.picojoules_per_unit
    for name in _metrics(sweep):
        figures = [candidate.figure(name) for candidate in candidates]
        cells = ["-" if figure is None else figure_word(name, figure, picojoules) for figure in figures]
        columns.append(Column(_METRIC_HEADERS.get(name, name), cells, gap=2))
    return columns


def _metrics(sweep: Sweep) -> list[str]:
    """Objectives, then what is constrained beside them."""
    objectives = (objective.name for objective in sweep.objectives)
    constrained = (constraint.metric.name for constraint in sweep.constraints)
    return list(dict.fromkeys([*objectives, *constrained]))


def axis_word(axis: SweepAxis) -> str:
    """The header of an axis's column: `rows` for pe_array.rows, `mac.8` for energy.mac.8."""
    outer, _, last = axis.name.rpartition(".")
    if last.isdecimal():  # bits, or a place in a list, which says nothing by itself
        last = f"{outer.rpartition('.')[2]}.{last}"
    return _AXIS_HEADERS.get(axis.name) or last


def setting_word(axis: SweepAxis, value: Any) -> str:
    """`128 KiB`, `WS+OS`, `6-6-8-1`, `0.5`, `{shares: {outputs: 0.5}}`."""
    if isinstance(value, dict | list):
        return _of_several(axis, value)
    if value is None or isinstance(value, bool):
        return shown(value)
    if axis.name.endswith("_bytes") and isinstance(value, int):
        return kibibytes(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _of_several(axis: SweepAxis, value: dict[str, Any] | list[Any]) -> str:
    """Names of dataflows and lists of numbers in short, anything else as the file has it."""
    inside = value.values() if isinstance(value, dict) else value
    nested = any(isinstance(setting, dict | list) and setting for setting in inside)
    if axis.name.endswith("dataflows") and not nested:
        return "+".join(dataflow_word(name) for name in value)
    return flow_text(value) if nested or isinstance(value, dict) else "-".join(map(str, value))


def figure_word(name: str, value: float, picojoules: float | None = None) -> str:
    """A metric's value as tables show it; energy in joules where a unit's worth is known."""
    if name == "energy":
        return energy_cell(value, picojoules)
    if name == "buffer_bytes":
        return kibibytes(int(value))
    if name == "utilization":
        return f"{100 * value:.0f}"
    return f"{value:.2f}" if name in {"top1", "area_mm2"} else si(value)


def _legend(result: SweepResult, hidden: Sequence[str]) -> str:
    sweep = result.sweep
    names = ", ".join(objective.name for objective in sweep.objectives)
    legend = f"rank: by {sweep.objectives[0].name}."
    if len(sweep.objectives) > 1:
        legend += f" {MARK}: on the front, nothing is as good in {names} and better in one."
    metrics = _metrics(sweep)
    if {"energy", "edp"} & set(metrics) and sweep.picojoules_per_unit is None:
        legend += f" energy: in units of {sweep.energy_unit}."
    elif "edp" in metrics:
        legend += f" edp: in {sweep.energy_unit} x ms."
    if "top1" in metrics:
        legend += " top-1: as published of exactly this network, in percent; never computed here."
    legend += _rate_words(sweep, metrics)
    unranked = result.feasible - len(result.ranked)
    if unranked:
        objectives = (objective.name for objective in sweep.objectives)
        unpublished = [name for name in objectives if name in {"top1", "area_mm2", *AT_A_RATE}]
        verb = "is" if unranked == 1 else "are"
        legend += f" {unranked} without {' or '.join(unpublished)} {verb} not ranked."
    abbreviated = [axis for axis in sweep.varying if axis_word(axis) != axis.name and axis.name.count(".")]
    if abbreviated:
        keys = ", ".join(f"{axis_word(axis)} = {axis.name}" for axis in abbreviated)
        legend += f" {keys}."
    if hidden:
        legend += f" Left out for want of space: {', '.join(hidden)}; JSON and CSV have all."
    return legend


def _rate_words(sweep: Sweep, metrics: Sequence[str]) -> str:
    """At which rate, and on which battery, figures of power are."""
    of_power = [_METRIC_HEADERS[name] for name in AT_A_RATE if name in metrics]
    if not of_power:
        return ""
    if sweep.demand is None:
        return f" {', '.join(of_power)}: while the machine computes without a pause."
    battery = "" if sweep.demand.battery_mwh is None else f", of {sweep.demand.battery_mwh:g} mWh"
    return f" {', '.join(of_power)}: at {sweep.demand.frames_per_second:g} frames/s{battery}."


def _hidden(columns: Sequence[Column], style: Style) -> list[str]:
    """Headers of the columns that the table has no room for."""
    visible = fitting(columns, style.width)
    return [column.header for column in columns if not any(column is of_table for of_table in visible)]


def candidate_dict(result: SweepResult, candidate: SweepCandidate) -> dict[str, Any]:
    """Plain values, with the metrics' names."""
    return {
        "rank": candidate.rank,
        "on_front": candidate.on_front,
        "settings": result.sweep.settings(candidate.index),
        "figures": dict(zip(METRICS, candidate.numbers, strict=True)),
    }


def sweep_dict(result: SweepResult) -> dict[str, Any]:
    """The whole sweep as plain values."""
    sweep = result.sweep
    return {
        "accelsim": __version__,
        "sweep": sweep.name,
        "title": sweep.title,
        "sampler": result.plan.name,
        "seed": result.plan.seed,
        "size": sweep.size,
        "evaluated": result.evaluated,
        "simulated": result.simulated,
        "feasible": result.feasible,
        "not_executable": len(result.problems),
        "objectives": [objective.name for objective in sweep.objectives],
        "constraints": [constraint.text for constraint in sweep.constraints],
        "inferences": sweep.inferences,
        "frames_per_second": None if sweep.demand is None else sweep.demand.frames_per_second,
        "battery_mwh": None if sweep.demand is None else sweep.demand.battery_mwh,
        "energy_unit": sweep.energy_unit,
        "picojoules_per_unit": sweep.picojoules_per_unit,
        "batch": sweep.images,
        "axes": [{"name": axis.name, "values": list(axis.values)} for axis in sweep.axes],
        "best": candidate_dict(result, result.best),
        "pareto": [candidate_dict(result, candidate) for candidate in result.front],
        "candidates": [candidate_dict(result, candidate) for candidate in result.candidates],
        "problems": [
            {"settings": sweep.settings(index), "problem": problem} for index, problem in result.problems
        ],
        "from_store": result.reused,
        "seconds": round(result.seconds, 3),
    }


def sweep_rows(result: SweepResult) -> list[dict[str, Any]]:
    """A row for each candidate within the constraints; lists as tables show them."""
    axes = {axis.name: axis for axis in result.sweep.axes}
    return [
        {
            name: setting_word(axes[name], value) if isinstance(value, list | dict) else value
            for name, value in result.row(candidate).items()
        }
        for candidate in result.candidates
    ]
