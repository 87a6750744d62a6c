"""What a search over depths found: values, and how they look."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Literal, TypeAlias, assert_never

from accelsim.descriptions.phrases import counted
from accelsim.report.text.energies import energy_cell
from accelsim.report.text.table import Column, Style, ratio, si, table, wrapped
from accelsim.report.text.words import inferences_words
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
EACH_PLANNED: Final = (
    "Each candidate is built and planned as a whole, which takes longer than to put it together from blocks: "
    "where tensors stay on chip, what a layer costs depends on those of other layers."
)


Section: TypeAlias = Literal["ranked", "known", "front"]
"""Parts of the table: the best by the objective; known networks that are not among them; the front."""


@dataclass(frozen=True)
class DepthRow:
    """A candidate in the table."""

    section: Section
    candidate: DepthCandidate
    rank: int | None
    """None where it is not among the ranks that were kept."""
    on_front: bool
    name: str
    """Of the known network that it is."""


def rows(search: DepthSearch) -> list[DepthRow]:
    """The best candidates, known networks that are not among them, and the front."""
    ranks = {candidate.depths: rank for rank, candidate in enumerate(search.ranked, start=1)}
    ranks |= {network.candidate.depths: network.rank for network in search.known}
    front = {candidate.depths for candidate in search.front}
    names: dict[tuple[int, ...], str] = {}
    for network in search.known:
        depths = network.candidate.depths
        names[depths] = f"{names[depths]}, {network.name}" if depths in names else network.name

    def row(section: Section, candidate: DepthCandidate) -> DepthRow:
        depths = candidate.depths
        return DepthRow(section, candidate, ranks.get(depths), depths in front, names.get(depths, ""))

    ranked = [] if search.objective == "pareto" else search.ranked
    listed = {candidate.depths for candidate in ranked}
    networks = {network.candidate.depths: network.candidate for network in search.known}
    return [
        *(row("ranked", candidate) for candidate in ranked),
        *(row("known", candidate) for depths, candidate in networks.items() if depths not in listed),
        *(row("front", candidate) for candidate in search.front),
    ]


def heading(section: Section, search: DepthSearch) -> str:
    """What stands above a part of the table."""
    match section:
        case "ranked":
            return f"the best by {RANKED_BY[search.objective]}"
        case "known":
            return "known networks"
        case "front":
            return f"{FRONT}: {len(search.front)}"
        case _:
            assert_never(section)


def depth_report(search: DepthSearch, style: Style, row_limit: int) -> str:
    """Distributions of a network's blocks, as `accelsim search depth` prints them.

    Args:
        search: What a search found.
        style: What the place that it goes to can show.
        row_limit: Of each table, how many rows are shown.

    Returns:
        The best by the objective, known networks that are not among them, and the Pareto front; ends in a
        newline.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.report.text import Style
        >>> from accelsim.search.depth import search_depth
        >>> from accelsim.search.evaluate import SearchTask
        >>> from accelsim.search.space import depth_space
        >>> network = load_network("xception_small")
        >>> space = depth_space(network, fixed={"stage2": 4, "stage3": 8})
        >>> search = search_depth(SearchTask(network, load_hardware("16x16_128k")), space)
        >>> print(depth_report(search, Style(), row_limit=5).splitlines()[0])
        xception_small on 16x16_128k: 1 way to distribute 16 blocks over stage2, stage3,
    """
    text = [style.strong(line) for line in wrapped(_summary(search), style)]
    table_rows = rows(search)
    head, *lines = table(_columns(search, table_rows), style.width)
    text += ["", style.strong(head)]
    for section, members in groupby(zip(table_rows, lines, strict=True), lambda pair: pair[0].section):
        of_section = [line for _, line in members]
        text += [style.strong(heading(section, search)), *of_section[:row_limit]]
        if len(of_section) > row_limit:
            text.append(f"{'':5}... and {len(of_section) - row_limit} more: --top shows more, JSON has all")
    text += ["", *wrapped(_legend(search), style)]
    return "\n".join(text) + "\n"


def _summary(search: DepthSearch) -> str:
    """What was distributed over what, and how many of the candidates are feasible."""
    space = search.space
    fixed = ", ".join(f"{space.stages[stage]} = {depth}" for stage, depth in space.fixed)
    summary = (
        f"{search.task.network.name} on {search.task.hardware.name}: {counted(search.evaluated, 'way')} to "
        f"distribute {counted(space.total_blocks, 'block')} over {', '.join(space.stages)}"
    )
    summary += f" with {fixed}" if fixed else ""
    summary += inferences_words(search.task.inferences)
    if search.feasible < search.evaluated:
        summary += f"; {search.feasible} {'is' if search.feasible == 1 else 'are'} feasible"
    if search.not_executable:
        summary += f"; {search.not_executable} cannot be executed, the first because: {search.first_problem}"
    return summary


def _legend(search: DepthSearch) -> str:
    name = search.task.network.name
    if all(network.name != name for network in search.known):
        name = "the best"
    legend = (
        f"rank: by {RANKED_BY[search.objective]}. x time, x energy: relative to {name}. "
        f"{MARK}: on the front, nothing is as good in time, energy and parameters and better in one."
    )
    if search.excluded:
        legend += f" Not feasible: {', '.join(network.name for network in search.excluded)}."
    if search.task.hardware.tensor_bank is not None:
        legend += " " + EACH_PLANNED
    return legend


def _reference(search: DepthSearch) -> DepthCandidate:
    """The network as it was given, or the best where that is no candidate."""
    name = search.task.network.name
    return next((network.candidate for network in search.known if network.name == name), search.best)


def _columns(search: DepthSearch, table_rows: Sequence[DepthRow]) -> list[Column]:
    reference, hardware = _reference(search), search.task.hardware
    megahertz, picojoules = hardware.clock_mhz, hardware.energy.picojoules
    candidates = [row.candidate for row in table_rows]
    return [
        Column("rank", ["" if row.rank is None else str(row.rank) for row in table_rows]),
        Column("", [MARK if row.on_front else "" for row in table_rows]),
        Column("depths", [depths_word(candidate) for candidate in candidates], "left", least=10),
        Column("params", [si(candidate.params) for candidate in candidates], gap=2),
        Column("MACs", [si(candidate.macs) for candidate in candidates], gap=2, rank=1),
        Column("ms", [si(candidate.cycles / (megahertz * 1e3)) for candidate in candidates], gap=2),
        Column("x time", [_ratio(candidate.cycles, reference.cycles) for candidate in candidates], gap=2),
        Column("energy", [energy_cell(candidate.energy, picojoules) for candidate in candidates], gap=2),
        Column("x energy", [_ratio(candidate.energy, reference.energy) for candidate in candidates], gap=2),
        Column("known as", [row.name for row in table_rows], "left", gap=2, least=8),
    ]


def _ratio(figure: float, reference: float) -> str:
    return ratio(figure / reference, decimals=3) if reference else "-"


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
        "inferences": search.task.inferences,
        "stages": list(search.space.stages),
        "evaluated": search.evaluated,
        "feasible": search.feasible,
        "not_executable": search.not_executable,
        "best": candidate_dict(search.best),
        "pareto": [candidate_dict(candidate) for candidate in search.front],
        "ranked": [candidate_dict(candidate) for candidate in search.ranked],
        "known": [
            {
                "name": network.name,
                "rank": network.rank,
                "on_front": network.on_front,
                **candidate_dict(network.candidate),
            }
            for network in search.known
        ],
        "infeasible_known": [network.name for network in search.excluded],
        "from_store": search.reused,
        "seconds": round(search.seconds, 3),
    }


def depth_rows(search: DepthSearch) -> list[dict[str, Any]]:
    """A row for each candidate that the table has, without repetitions."""
    by_depths: dict[tuple[int, ...], dict[str, Any]] = {}
    for row in rows(search):
        candidate = row.candidate
        by_depths.setdefault(
            candidate.depths,
            {
                "network": search.task.network.name,
                "hardware": search.task.hardware.name,
                "rank": row.rank,
                **candidate_dict(candidate),
                "depths": depths_word(candidate),
                "on_front": row.on_front,
                "known_as": row.name,
            },
        )
    return list(by_depths.values())
