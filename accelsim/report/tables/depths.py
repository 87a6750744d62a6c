"""What a search over depths found: values, and how they look."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from accelsim.descriptions.phrases import counted
from accelsim.report.text.energies import energy_cell
from accelsim.report.text.table import Column, Style, si, table, wrapped
from accelsim.search.depth import DepthCandidate, DepthObjective, DepthSearch
from accelsim.version import __version__

RANKED_BY: Final[dict[DepthObjective, str]] = {
    "time": "time",
    "energy": "energy",
    "edp": "energy x time",
    "pareto": "energy x time",
}
FRONT: Final = "Pareto front of time, energy and parameters"
MARK: Final = "*"


@dataclass(frozen=True)
class Row:
    """A candidate in the table, below a heading."""

    heading: str
    candidate: DepthCandidate
    rank: int | None
    """None where it is not among the ranks that were kept."""
    on_front: bool
    name: str
    """Of the known network that it is."""


def rows(search: DepthSearch) -> list[Row]:
    """The best candidates, known networks that are not among them, and the front."""
    ranks = {candidate.depths: rank for rank, candidate in enumerate(search.ranked, start=1)}
    ranks |= {known.candidate.depths: known.rank for known in search.known}
    front = {candidate.depths for candidate in search.front}
    names: dict[tuple[int, ...], str] = {}
    for known in search.known:
        depths = known.candidate.depths
        names[depths] = f"{names[depths]}, {known.name}" if depths in names else known.name

    def row(heading: str, candidate: DepthCandidate) -> Row:
        depths = candidate.depths
        return Row(heading, candidate, ranks.get(depths), depths in front, names.get(depths, ""))

    best = {candidate.depths for candidate in search.ranked}
    others = {known.candidate.depths: known.candidate for known in search.known}
    by = f"the best by {RANKED_BY[search.objective]}"
    known_rows = [row("known networks", other) for depths, other in others.items() if depths not in best]
    if search.objective == "pareto":
        known_rows = [row("known networks", other) for other in others.values()]
    else:
        known_rows = [*(row(by, candidate) for candidate in search.ranked), *known_rows]
    heading = f"{FRONT}: {len(search.front)}"
    return [*known_rows, *(row(heading, candidate) for candidate in search.front)]


def depth_report(search: DepthSearch, style: Style, most: int) -> str:
    """Tables of at most so many rows each."""
    network, hardware = search.task.network, search.task.hardware
    space = search.space
    fixed = ", ".join(f"{space.stages[place]} = {depth}" for place, depth in space.fixed)
    what = f"{network.name} on {hardware.name}: {counted(search.evaluated, 'way')} to distribute "
    what += f"{counted(space.total_blocks, 'block')} over {', '.join(space.stages)}" + (
        f" with {fixed}" if fixed else ""
    )
    if search.feasible < search.evaluated:
        what += f"; {search.feasible} {'is' if search.feasible == 1 else 'are'} feasible"
    if search.not_executable:
        what += f"; {search.not_executable} cannot be executed, the first because: {search.first_problem}"
    text = [style.strong(line) for line in wrapped(what, style)]
    shown = rows(search)
    head, *lines = table(_columns(search, shown), style.width)
    text += ["", style.strong(head)]
    for heading, members in groupby(zip(shown, lines, strict=True), lambda pair: pair[0].heading):
        of_heading = [line for _, line in members]
        text += [style.strong(heading), *of_heading[:most]]
        if len(of_heading) > most:
            text.append(f"{'':5}... and {len(of_heading) - most} more: --top shows more, JSON has all")
    text += ["", *wrapped(_legend(search), style)]
    return "\n".join(text) + "\n"


def _legend(search: DepthSearch) -> str:
    name = search.task.network.name
    if all(one.name != name for one in search.known):
        name = "the best"
    legend = (
        f"rank: by {RANKED_BY[search.objective]}. x time, x energy: relative to {name}. "
        f"{MARK}: on the front, nothing is as good in time, energy and parameters and better in one."
    )
    if search.excluded:
        legend += f" Not feasible: {', '.join(one.name for one in search.excluded)}."
    return legend


def _reference(search: DepthSearch) -> DepthCandidate:
    """The network as it was given, or the best where that is no candidate."""
    its = (one.candidate for one in search.known if one.name == search.task.network.name)
    return next(its, search.best)


def _columns(search: DepthSearch, shown: Sequence[Row]) -> list[Column]:
    reference, hardware = _reference(search), search.task.hardware
    megahertz, picojoules = hardware.clock_mhz, hardware.energy.picojoules
    candidates = [row.candidate for row in shown]
    return [
        Column("rank", ["" if row.rank is None else str(row.rank) for row in shown]),
        Column("", [MARK if row.on_front else "" for row in shown]),
        Column("depths", [depths_word(one) for one in candidates], "left", least=10),
        Column("params", [si(one.params) for one in candidates], gap=2),
        Column("MACs", [si(one.macs) for one in candidates], gap=2, rank=1),
        Column("ms", [si(one.cycles / (megahertz * 1e3)) for one in candidates], gap=2),
        Column("x time", [f"{one.cycles / reference.cycles:.3f}" for one in candidates], gap=2),
        Column("energy", [energy_cell(one.energy, picojoules) for one in candidates], gap=2),
        Column("x energy", [_ratio(one.energy, reference.energy) for one in candidates], gap=2),
        Column("known as", [row.name for row in shown], "left", gap=2, least=8),
    ]


def _ratio(energy: float, reference: float) -> str:
    return f"{energy / reference:.3f}" if reference else "-"


def depths_word(candidate: DepthCandidate) -> str:
    """`6-6-8-1`."""
    return "-".join(map(str, candidate.depths))


def candidate_dict(candidate: DepthCandidate) -> dict[str, Any]:
    """Plain values, with the names of `run --format json`."""
    return {
        "depths": list(candidate.depths),
        "cycles": candidate.cycles,
        "energy": candidate.energy,
        "params": candidate.params,
        "macs": candidate.macs,
    }


def depth_dict(search: DepthSearch) -> dict[str, Any]:
    """The whole search as plain values."""
    return {
        "accelsim": __version__,
        "network": search.task.network.name,
        "hardware": search.task.hardware.name,
        "objective": search.objective,
        "stages": list(search.space.stages),
        "evaluated": search.evaluated,
        "feasible": search.feasible,
        "not_executable": search.not_executable,
        "best": candidate_dict(search.best),
        "pareto": [candidate_dict(one) for one in search.front],
        "ranked": [candidate_dict(one) for one in search.ranked],
        "known": [
            {
                "name": known.name,
                "rank": known.rank,
                "on_front": known.on_front,
                **candidate_dict(known.candidate),
            }
            for known in search.known
        ],
        "infeasible_known": [one.name for one in search.excluded],
        "from_store": search.reused,
        "seconds": round(search.seconds, 3),
    }


def depth_rows(search: DepthSearch) -> list[dict[str, Any]]:
    """A row for each candidate that the table has, without repetitions."""
    found: dict[tuple[int, ...], dict[str, Any]] = {}
    for row in rows(search):
        one = row.candidate
        found.setdefault(
            one.depths,
            {
                "network": search.task.network.name,
                "hardware": search.task.hardware.name,
                "rank": row.rank,
                **candidate_dict(one),
                "depths": depths_word(one),
                "on_front": row.on_front,
                "known_as": row.name,
            },
        )
    return list(found.values())
