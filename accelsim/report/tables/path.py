"""A walk as a story that can be read, and as plain values."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from accelsim.descriptions.phrases import counted
from accelsim.report.text.diagnosis import reason
from accelsim.report.text.energies import duration, energy_cell, energy_text
from accelsim.report.text.excess import excess_words
from accelsim.report.text.table import Column, Style, labelled, percent, si, table, wrapped
from accelsim.search.path import DesignPath, PathStep
from accelsim.search.path_moves import DesignPoint, MoveOutcome
from accelsim.search.worst_stage import WorstStage
from accelsim.version import __version__

SHOWN: Final = 4
"""Moves of a step that are shown, the best first."""
BY: Final = {"time": "time", "energy": "energy", "edp": "energy x time"}


def walk_report(walk: DesignPath, style: Style) -> str:
    """Where the walk began, each step with what was worst, what was tried and what was taken, and a table."""
    budget = walk.budget
    limits = f"at most {si(budget.max_params)} parameters and {si(budget.max_macs)} MACs, at least "
    limits += f"{si(budget.min_params)} parameters"
    text = [style.strong(f"{walk.network.name} on {walk.hardware.name}: a walk by {BY[walk.objective]}"), ""]
    text += [*labelled("budget", limits, style), *labelled("start", _point(walk.start, walk), style)]
    before: PathStep | None = None
    for number, step in enumerate(walk.steps, start=1):
        text += ["", *_step(number, step, before, style)]
        before = step
    text += ["", *_end(walk, style), "", *_summary(walk, style)]
    return "\n".join(text) + "\n"


def _step(number: int, step: PathStep, before: PathStep | None, style: Style) -> Iterator[str]:
    """What was worst, what was tried, what was taken; in short where it is as in the step before."""
    if before is not None and _same(step, before):
        yield style.strong(f"{number}  {step.best.move.words}, again")
        yield from _indented(f"still worst: {_worst(step.worst)}", style)
        yield from _indented(f"again {_gain(step)}", style)
        return
    yield style.strong(f"{number}  {step.best.move.words}")
    yield from _indented(f"worst: {_worst(step.worst)}", style)
    yield from _indented(f"why: {reason(step.worst.diagnosis)}", style)
    yield from _indented(_counts(step), style)
    yield from _moves(step.moves[:SHOWN], step.before, step.best, style)


def _counts(step: PathStep) -> str:
    moves = counted(len(step.moves), "move")
    if step.helping == 1:
        return f"{moves} tried, 1 helps, within the budget"
    allowed = "all of them" if step.allowed == step.helping else f"{step.allowed} of them"
    return f"{moves} tried, {step.helping} help, {allowed} within the budget"


def _same(step: PathStep, before: PathStep) -> bool:
    """Whether a step moves a block between the same two stages as the one before, for the same reason.

    A kernel or a number of channels cannot become the same twice.
    """
    one, other = step.best.move, before.best.move
    return one.kind == other.kind == "block" and (one.stages, step.worst.name) == (
        other.stages,
        before.worst.name,
    )


def _gain(step: PathStep) -> str:
    time, energy, params, macs = _cells(step.after, step.before)
    return f"{time} time, {energy} energy, {params} parameters, {macs} MACs"


def _indented(text: str, style: Style) -> list[str]:
    return wrapped(f"   {text}", style, indent=5)


def _worst(worst: WorstStage) -> str:
    alike = (
        f"{worst.layer} and {worst.layer_count - 1} more like it" if worst.layer_count > 1 else worst.layer
    )
    lost = f"{percent(worst.lost_share)} of the idle PE cycles"
    where = f"{worst.name}, {percent(worst.share)} of the time and {lost}"
    return f"{where}; most in {alike}" if worst.layer != worst.name else where


def _moves(
    tried: Sequence[MoveOutcome], before: DesignPoint, taken: MoveOutcome | None, style: Style
) -> Iterator[str]:
    """A line for each: what it changes, in time, energy, parameters and MACs."""
    cells = [_cells(one.point, before) for one in tried]
    columns = [
        Column("  ", ["->" if one is taken else "" for one in tried], "left"),
        Column("", [one.move.words for one in tried], "left", least=20),
        *(
            Column(header, [row[place] for row in cells])
            for place, header in enumerate(("time", "energy", "params", "MACs"))
        ),
        Column("", [_verdict(one) for one in tried], "left"),
    ]
    yield from (f"   {line}" for line in table(columns, style.width - 3))


def _cells(after: DesignPoint | None, before: DesignPoint) -> tuple[str, str, str, str]:
    """Time, energy, parameters and MACs against those before."""
    if after is None:
        return ("-", "-", "-", "-")
    return (
        _change(after.cycles, before.cycles),
        _change(after.energy, before.energy),
        _more(after.params, before.params),
        _more(after.macs, before.macs),
    )


def _verdict(one: MoveOutcome) -> str:
    if one.problem:
        return "impossible"
    return "over budget" if one.excesses else ""


def _change(after: float, before: float) -> str:
    return f"{100 * (after / before - 1):+.1f}%" if before else "-"


def _more(after: int, before: int) -> str:
    if after == before:
        return "0"
    return f"{'+' if after > before else '-'}{si(abs(after - before))}"


def _end(walk: DesignPath, style: Style) -> Iterator[str]:
    match walk.stopped:
        case "steps":
            yield from labelled("end", f"after {counted(len(walk.steps), 'step')}, as asked for", style)
            return
        case "nothing helps":
            why = _none(len(walk.last_moves))
        case "budget":
            best = walk.last_moves[0]
            why = f"{best.move.words} would help, but has {excess_words(best.excesses)}"
    yield from labelled("end", f"{why}; worst now: {_worst(walk.worst)}", style)
    if walk.last_moves:
        yield from _moves(walk.last_moves[:SHOWN], walk.end, None, style)


def _none(moves: int) -> str:
    """That none of so many moves helps."""
    match moves:
        case 0:
            return "no move is left"
        case 1:
            return "the only move does not help"
        case _:
            return f"none of {moves} moves helps"


def _point(point: DesignPoint, walk: DesignPath) -> str:
    prices = walk.hardware.energy
    energy = f"{energy_text(point.energy, prices.unit, prices.picojoules)} of energy"
    return (
        f"{duration(_time_ms(point, walk))}, {energy}, {si(point.params)} parameters, {si(point.macs)} MACs"
    )


def _time_ms(point: DesignPoint, walk: DesignPath) -> float:
    return point.cycles / (walk.hardware.clock_mhz * 1e3)


def _summary(walk: DesignPath, style: Style) -> Iterator[str]:
    points = [walk.start, *(step.after for step in walk.steps)]
    depths = ["-".join(map(str, each)) for each in (walk.start_depths, *(step.depths for step in walk.steps))]
    start, picojoules = walk.start, walk.hardware.energy.picojoules
    columns = [
        Column("", [str(number) for number in range(len(points))]),
        Column(
            "move",
            ["start", *(step.best.move.words.removeprefix("a ") for step in walk.steps)],
            "left",
            least=16,
        ),
        Column("depths", depths, "left", least=8),
        Column("ms", [si(_time_ms(point, walk)) for point in points]),
        Column("x time", [_ratio(point.cycles, start.cycles) for point in points]),
        Column("energy", [energy_cell(point.energy, picojoules) for point in points], rank=1),
        Column("x energy", [_ratio(point.energy, start.energy) for point in points]),
        Column("params", [si(point.params) for point in points]),
        Column("MACs", [si(point.macs) for point in points]),
    ]
    if not any(depths):
        del columns[2]
    head, *lines = table(columns, style.width)
    yield style.strong(head)
    yield from lines


def _ratio(after: float, before: float) -> str:
    return f"{after / before:.3f}" if before else "-"


# --- plain values


def walk_dict(walk: DesignPath) -> dict[str, Any]:
    """Plain values of `search path --format json`, with the names of `run --format json`."""
    budget = walk.budget
    return {
        "accelsim": __version__,
        "network": walk.network.name,
        "hardware": walk.hardware.name,
        "objective": walk.objective,
        "budget": {
            "max_params": budget.max_params,
            "max_macs": budget.max_macs,
            "min_params": budget.min_params,
        },
        "start": {"depths": list(walk.start_depths), **_point_dict(walk.start)},
        "steps": [_step_dict(step) for step in walk.steps],
        "end": _point_dict(walk.end),
        "worst": _worst_dict(walk.worst),
        "stopped": walk.stopped,
        "last_moves": [_tried_dict(one) for one in walk.last_moves],
        "evaluated": walk.evaluated,
        "seconds": round(walk.seconds, 3),
    }


def _step_dict(step: PathStep) -> dict[str, Any]:
    return {
        "move": step.best.move.words,
        "kind": step.best.move.kind,
        "worst": _worst_dict(step.worst),
        "before": _point_dict(step.before),
        "after": _point_dict(step.after),
        "depths": list(step.depths),
        "helping": step.helping,
        "allowed": step.allowed,
        "moves": [_tried_dict(one) for one in step.moves],
    }


def _point_dict(point: DesignPoint) -> dict[str, Any]:
    return {"cycles": point.cycles, "energy": point.energy, "params": point.params, "macs": point.macs}


def _tried_dict(one: MoveOutcome) -> dict[str, Any]:
    return {
        "move": one.move.words,
        "kind": one.move.kind,
        **(_point_dict(one.point) if one.point else {}),
        "excess": excess_words(one.excesses),
        "problem": one.problem,
    }


def _worst_dict(worst: WorstStage) -> dict[str, Any]:
    return {
        "stage": worst.name,
        "cycles": worst.cycles,
        "share": worst.share,
        "utilization": worst.utilization,
        "lost_share": worst.lost_share,
        "layer": worst.layer,
        "alike": worst.layer_count,
        "reason": reason(worst.diagnosis),
    }


def walk_rows(walk: DesignPath) -> list[dict[str, Any]]:
    """A row for the start and each step."""
    rows = [("start", "", walk.start_depths, walk.start)]
    rows += [(s.best.move.words, s.best.move.kind, s.depths, s.after) for s in walk.steps]
    return [
        {
            "network": walk.network.name,
            "hardware": walk.hardware.name,
            "step": number,
            "move": move,
            "kind": kind,
            "depths": "-".join(map(str, depths)),
            **_point_dict(point),
        }
        for number, (move, kind, depths, point) in enumerate(rows)
    ]
