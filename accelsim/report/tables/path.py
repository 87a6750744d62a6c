"""A path of redesigns, step by step: what was worst, what was tried, what helped; and as plain values."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, assert_never

from accelsim.descriptions.phrases import counted
from accelsim.errors import problem_text
from accelsim.report.tables.redesigns import NOT_KEPT, redesign_values
from accelsim.report.text.diagnosis import reason
from accelsim.report.text.energies import duration, energy_cell, energy_text
from accelsim.report.text.excess import excess_words
from accelsim.report.text.table import Column, Style, labelled, percent, ratio, si, table, wrapped
from accelsim.report.text.words import inferences_words
from accelsim.search.changes import RedesignChange
from accelsim.search.graph_moves import GraphMove
from accelsim.search.path import DesignPath, PathStep
from accelsim.search.path_moves import DesignPoint, MoveOutcome
from accelsim.search.redesign import BlockMove, Move
from accelsim.search.words import move_words
from accelsim.search.worst_stage import WorstStage
from accelsim.version import __version__

SHOWN: Final = 4
"""Moves of a step that are shown: the best first, and in any case the one that is taken."""
BY: Final = {"time": "time", "energy": "energy", "edp": "energy x time"}


def path_report(path: DesignPath, style: Style) -> str:
    """A path of redesigns, as `accelsim search path` prints it.

    Args:
        path: From a network to one that suits a machine better.
        style: What the place that it goes to can show.

    Returns:
        Where the path began, each step with what was worst, what was tried and what was taken, and a table;
        ends in a newline.

    Example:
        >>> from accelsim.report.text import Style
        >>> from accelsim.search.path import search_path
        >>> path = search_path("mobilenet_v1@width=0.25,resolution=128", "16x16_128k", steps=0)
        >>> print(path_report(path, Style()).splitlines()[0])
        mobilenet_v1@width=0.25,resolution=128 on 16x16_128k: a path by time
    """
    budget = path.budget
    limits = f"at most {si(budget.max_params)} parameters and {si(budget.max_macs)} MACs, at least "
    limits += f"{si(budget.min_params)} parameters"
    if (side := path.min_resolution) is not None:
        limits += f", images of at least {side} x {side}"
    judged = f"{BY[path.objective]}{inferences_words(path.inferences)}"
    text = [style.strong(f"{path.network.name} on {path.hardware.name}: a path by {judged}"), ""]
    text += [*labelled("budget", limits, style), *labelled("start", _point(path.start, path), style)]
    before: PathStep | None = None
    for number, step in enumerate(path.steps, start=1):
        text += ["", *_step(number, step, before, style)]
        before = step
    text += ["", *_end(path, style), "", *_summary(path, style)]
    if path.is_of_operators and path.steps:
        text += ["", *wrapped(NOT_KEPT, style)]
    return "\n".join(text) + "\n"


def _step(number: int, step: PathStep, before: PathStep | None, style: Style) -> Iterator[str]:
    """What was worst, what was tried, what was taken; in short where it is as in the step before."""
    if before is not None and _repeats(step, before):
        yield style.strong(f"{number}  {move_words(step.best.move)}, again")
        yield from _indented(f"still worst: {_worst(step.worst)}", style)
        yield from _indented(f"again {_gain(step)}", style)
        return
    yield style.strong(f"{number}  {move_words(step.best.move)}")
    yield from _indented(f"worst: {_worst(step.worst)}", style)
    yield from _indented(f"why: {reason(step.worst.diagnosis)}", style)
    yield from _indented(_counts(step), style)
    first = step.moves[:SHOWN]
    shown = first if step.best in first else (*first[:-1], step.best)
    yield from _moves(shown, step.before, step.best, style)


def _counts(step: PathStep) -> str:
    moves = counted(len(step.moves), "move")
    if step.helping == 1:
        return f"{moves} tried, 1 helps, within the budget"
    allowed = "all of them" if step.allowed == step.helping else f"{step.allowed} of them"
    return f"{moves} tried, {step.helping} help, {allowed} within the budget"


def _repeats(step: PathStep, before: PathStep) -> bool:
    """Whether a step moves a block between the same two stages as the one before, for the same reason.

    A kernel or a number of channels cannot become the same twice.
    """
    move, move_before = step.best.move, before.best.move
    if not isinstance(move, BlockMove) or not isinstance(move_before, BlockMove):
        return False
    return (move.stages, step.worst.name) == (move_before.stages, before.worst.name)


def _gain(step: PathStep) -> str:
    time, energy, params, macs = _cells(step.after, step.before)
    return f"{time} time, {energy} energy, {params} parameters, {macs} MACs"


def _indented(text: str, style: Style) -> list[str]:
    return wrapped(f"   {text}", style, indent=5)


def _worst(worst: WorstStage) -> str:
    layers = (
        f"{worst.layer} and {worst.layer_count - 1} more like it" if worst.layer_count > 1 else worst.layer
    )
    lost = f"{percent(worst.lost_share)} of the idle PE cycles"
    stage = f"{worst.name}, {percent(worst.share)} of the time and {lost}"
    return f"{stage}; most in {layers}" if worst.layer != worst.name else stage


def _moves(
    outcomes: Sequence[MoveOutcome], before: DesignPoint, best: MoveOutcome | None, style: Style
) -> Iterator[str]:
    """A line for each: what it changes, in time, energy, parameters and MACs."""
    cells = [_cells(outcome.point, before) for outcome in outcomes]
    columns = [
        Column("  ", ["->" if outcome is best else "" for outcome in outcomes], "left"),
        Column("", [move_words(outcome.move) for outcome in outcomes], "left", least=20),
        *(
            Column(header, [row[column] for row in cells])
            for column, header in enumerate(("time", "energy", "params", "MACs"))
        ),
        Column("", [_verdict(outcome) for outcome in outcomes], "left"),
    ]
    yield from (f"   {line}" for line in table(columns, style.width - 3))


def _cells(after: DesignPoint | None, before: DesignPoint) -> tuple[str, str, str, str]:
    """Time, energy, parameters and MACs against those before."""
    if after is None:
        return ("-", "-", "-", "-")
    return (
        _change(after.cycles, before.cycles),
        _change(after.energy, before.energy),
        _difference(after.params, before.params),
        _difference(after.macs, before.macs),
    )


def _verdict(outcome: MoveOutcome) -> str:
    if outcome.problems:
        return "impossible"
    return "over budget" if outcome.excesses else ""


def _change(after: float, before: float) -> str:
    return f"{100 * (after / before - 1):+.1f}%" if before else "-"


def _difference(after: int, before: int) -> str:
    if after == before:
        return "0"
    return f"{'+' if after > before else '-'}{si(abs(after - before))}"


def _end(path: DesignPath, style: Style) -> Iterator[str]:
    match path.stopped:
        case "steps":
            yield from labelled("end", f"after {counted(len(path.steps), 'step')}, as asked for", style)
            return
        case "nothing helps":
            ending = _none(len(path.last_moves))
        case "budget":
            best = path.last_moves[0]
            ending = f"{move_words(best.move)} would help, but has {excess_words(best.excesses)}"
        case _:
            assert_never(path.stopped)
    yield from labelled("end", f"{ending}; worst now: {_worst(path.worst)}", style)
    if path.last_moves:
        yield from _moves(path.last_moves[:SHOWN], path.end, None, style)


def _none(moves: int) -> str:
    """That none of so many moves helps."""
    match moves:
        case 0:
            return "no move is left"
        case 1:
            return "the only move does not help"
        case _:
            return f"none of {moves} moves helps"


def _point(point: DesignPoint, path: DesignPath) -> str:
    prices = path.hardware.energy
    energy = f"{energy_text(point.energy, prices.unit, prices.picojoules)} of energy"
    return (
        f"{duration(_time_ms(point, path))}, {energy}, {si(point.params)} parameters, {si(point.macs)} MACs"
    )


def _time_ms(point: DesignPoint, path: DesignPath) -> float:
    return point.cycles / (path.hardware.clock_mhz * 1e3)


def _summary(path: DesignPath, style: Style) -> Iterator[str]:
    points = [path.start, *(step.after for step in path.steps)]
    depths = [_depths(path.start_depths), *(_depths(step.depths) for step in path.steps)]
    start, picojoules = path.start, path.hardware.energy.picojoules
    columns = [
        Column("", [str(number) for number in range(len(points))]),
        Column(
            "move",
            ["start", *(_move_cell(step.best.move) for step in path.steps)],
            "left",
            least=16,
        ),
        Column("depths", depths, "left", least=8),
        Column("ms", [si(_time_ms(point, path)) for point in points]),
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


def _depths(depths: Sequence[int]) -> str:
    """`6-6-8-1`."""
    return "-".join(map(str, depths))


def _move_cell(move: Move) -> str:
    """A move in few words: `block from stage1 to stage3`."""
    return f"block from {move.giver} to {move.taker}" if isinstance(move, BlockMove) else move_words(move)


def _ratio(after: float, before: float) -> str:
    return ratio(after / before, decimals=3) if before else "-"


# --- plain values


def path_dict(path: DesignPath) -> dict[str, Any]:
    """Plain values of `search path --format json`, with the names of `run --format json`."""
    budget = path.budget
    return {
        "accelsim": __version__,
        "network": path.network.name,
        "hardware": path.hardware.name,
        "objective": path.objective,
        "inferences": path.inferences,
        "budget": {
            "max_params": budget.max_params,
            "max_macs": budget.max_macs,
            "min_params": budget.min_params,
            **({} if path.min_resolution is None else {"min_resolution": path.min_resolution}),
        },
        "start": {"depths": list(path.start_depths), **_point_dict(path.start)},
        "steps": [_step_dict(step) for step in path.steps],
        "end": _point_dict(path.end),
        "worst": _worst_dict(path.worst),
        "stopped": path.stopped,
        "last_moves": [_outcome_dict(outcome) for outcome in path.last_moves],
        "evaluated": path.evaluated,
        "seconds": round(path.seconds, 3),
    }


def _step_dict(step: PathStep) -> dict[str, Any]:
    return {
        "move": move_words(step.best.move),
        "kind": step.best.move.kind,
        **_change_values(step.best.move),
        "worst": _worst_dict(step.worst),
        "before": _point_dict(step.before),
        "after": _point_dict(step.after),
        "depths": list(step.depths),
        "helping": step.helping,
        "allowed": step.allowed,
        "moves": [_outcome_dict(outcome) for outcome in step.moves],
    }


def _change_values(move: Move) -> dict[str, Any]:
    """What a move changes in a list of operators, row by row; nothing of one of a stage table."""
    return redesign_values(RedesignChange(move.kind, move)) if isinstance(move, GraphMove) else {}


def _point_dict(point: DesignPoint) -> dict[str, Any]:
    return {"cycles": point.cycles, "energy": point.energy, "params": point.params, "macs": point.macs}


def _outcome_dict(outcome: MoveOutcome) -> dict[str, Any]:
    return {
        "move": move_words(outcome.move),
        "kind": outcome.move.kind,
        **(_point_dict(outcome.point) if outcome.point else {}),
        "excess": excess_words(outcome.excesses),
        "problem": problem_text(outcome.problems),
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


def path_rows(path: DesignPath) -> list[dict[str, Any]]:
    """A row for the start and each step."""
    rows = [("start", "", path.start_depths, path.start)]
    rows += [(move_words(s.best.move), s.best.move.kind, s.depths, s.after) for s in path.steps]
    return [
        {
            "network": path.network.name,
            "hardware": path.hardware.name,
            "step": number,
            "move": move,
            "kind": kind,
            "depths": _depths(depths),
            **_point_dict(point),
        }
        for number, (move, kind, depths, point) in enumerate(rows)
    ]
