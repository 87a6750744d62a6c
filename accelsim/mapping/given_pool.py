"""Shortlists of a layer on a machine with a pool, within what is said of its mapping beforehand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.given_search import GivenSearch, Tried, is_regular
from accelsim.mapping.grids import Grids, granularity
from accelsim.mapping.mapping import Choice
from accelsim.mapping.pool import Costs, TriedCuts, layer_tiles
from accelsim.mapping.pool_tiles import operands_of
from accelsim.mapping.search import as_executed
from accelsim.mapping.settle import Judge
from accelsim.mapping.shortlist import Shortlist, shortlist
from accelsim.mapping.space import POOL_ORDERS
from accelsim.mapping.staircase import Arriving, Movement, moved_by
from accelsim.mapping.units import dataflows_for
from accelsim.mapping.unmappable import NoDataflowRuns, NotPriced
from accelsim.network.layer import Layer

if TYPE_CHECKING:
    from accelsim.network.given import GivenMapping


def shortlists(
    layer: Layer,
    hardware: Hardware,
    dataflows: Sequence[str],
    batch: int,
    movements: Sequence[Movement],
    grids: Grids,
    judge: Judge,
) -> dict[Movement, Shortlist]:
    """The shortlists of a layer for some of what may move, within what is said of its mapping.

    Args:
        layer: For one image.
        hardware: A machine with a pool.
        dataflows: Of the array, that may be chosen.
        batch: Images that run together.
        movements: What may move.
        grids: The sizes that layers are cut into.
        judge: Says how many cycles a mapping takes.
    """
    given = layer.given
    if given is None:
        tiles = layer_tiles(layer, hardware, dataflows, batch, grids)
        return {movement: shortlist(tiles, movement) for movement in movements}
    executed, images = as_executed(layer, batch)
    names = dataflows_for(executed, dataflows, hardware)
    assert not isinstance(names, NoDataflowRuns | NotPriced)  # else nobody asks
    if not is_regular(given, executed, images, POOL_ORDERS):
        return {
            movement: _tried(given, executed, images, hardware, names, movement, judge)
            for movement in movements
        }
    grids = Grids(given=given)
    if all(grids.of(executed, granularity(name, hardware)).is_empty for name in names):
        return {movement: _listed(executed, images, movement, []) for movement in movements}
    tiles = layer_tiles(layer, hardware, dataflows, batch, grids)
    return {movement: shortlist(tiles, movement) for movement in movements}


def _tried(
    given: "GivenMapping",
    layer: Layer,
    images: int,
    hardware: Hardware,
    dataflows: Sequence[str],
    movement: Movement,
    judge: Judge,
) -> Shortlist:
    """Of mappings that were tried one by one, by time and energy."""
    moved = moved_by(movement)
    placed = frozenset(operands_of(layer)) - moved
    placed |= {Operand.INPUTS} if isinstance(movement, Arriving) else frozenset()
    found = [
        tried
        for dataflow in dataflows
        for tried in GivenSearch(
            given, layer, images, hardware, dataflow, "edp", judge, moved, placed
        ).searched()
    ]
    return _listed(layer, images, movement, found, hardware)


def _listed(
    layer: Layer,
    images: int,
    movement: Movement,
    found: Sequence[Tried],
    hardware: Hardware | None = None,
) -> Shortlist:
    pool = None if hardware is None else hardware.pool
    off_chip = [] if hardware is None else hardware.names_off_chip
    choices, rows = [], []
    for tried in found:
        mapping, counts = tried.mapping, tried.mapping.totals.counts
        choices.append(
            Choice(layer, mapping.dataflow, mapping.tile, mapping.order, parameters=mapping.parameters)
        )
        room_bytes = 0 if pool is None else tried.room.get(pool.name, 0)
        dram_bytes = counts.read_bytes(off_chip) + counts.written_bytes(off_chip)
        rows.append((room_bytes, tried.cycles, tried.energy, dram_bytes, mapping.totals.steps))
    room, cycles, energy, dram, tiles = np.array(rows, dtype=np.float64).reshape(-1, 5).T
    whole = [column.astype(np.int64) for column in (room, dram, tiles)]
    costs = Costs(whole[0], cycles, energy, whole[1], whole[2])
    return Shortlist(layer, images, movement, TriedCuts(tuple(choices)), costs)
