"""Shortlists: what is ruled out without being listed would not have been among the best in any room."""

from itertools import product

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given
from strategies import compressed_layers, keeping_machines, layers, unusual_layers

from accelsim.descriptions import vary
from accelsim.hardware import Operand, dataflow_names
from accelsim.mapping.grids import Grids
from accelsim.mapping.pool import layer_tiles
from accelsim.mapping.shortlist import MOST_JUDGED, SLOPES, TOLERANCE, shortlist
from accelsim.mapping.staircase import Weights


def ranked_by(costs, weights):
    """What mappings are ranked by: price, then bytes outside, time, tiles and room."""
    prices = weights.cycles * costs.time_cycles + weights.energy * costs.energy
    columns = prices, costs.dram_bytes, costs.time_cycles, costs.tiles, costs.room_bytes
    return list(zip(*(column.tolist() for column in columns), strict=True))


def best(costs, room_bytes, weights):
    """Of all mappings that a room holds the best, the best first."""
    held = [
        rank
        for rank, room in zip(ranked_by(costs, weights), costs.room_bytes, strict=True)
        if room <= room_bytes
    ]
    few = sorted(held)[:MOST_JUDGED]
    return [rank for rank in few if rank[0] <= few[0][0] * (1 + TOLERANCE)]


def sums_of(costs, hardware):
    """By which a network may be planned, of what the pool holds."""
    held = costs.room_bytes <= hardware.pool.size_bytes
    time, energy = (column[held].min() if held.any() else 1.0 for column in (costs.time_cycles, costs.energy))
    between = [Weights(cycles=slope * float(energy), energy=float(time)) for slope in SLOPES]
    return [Weights(cycles=1), *between, Weights(energy=1)]


@pytest.mark.parametrize("any_layer", [layers(), compressed_layers(), unusual_layers()])
@given(data=st.data())
def test_in_every_room_the_best_are_those_of_all_mappings(any_layer, data):
    layer, hardware = data.draw(any_layer), data.draw(keeping_machines())
    moved = data.draw(st.frozensets(st.sampled_from(Operand)))
    tiles = layer_tiles(layer, hardware, sorted(dataflow_names()), 1, Grids())
    costs = tiles.mappings(np.arange(len(tiles))).costs(moved)
    assume(len(costs.room_bytes))
    rooms_bytes = data.draw(st.lists(st.sampled_from(sorted({*costs.room_bytes.tolist()})), min_size=1))
    listed = shortlist(tiles, moved)
    for weights, room_bytes in product(sums_of(costs, hardware), rooms_bytes):
        of_listed = ranked_by(listed.costs, weights)
        found = [of_listed[number] for number in listed.nearly_best(room_bytes, weights)]
        assert found == best(costs, room_bytes, weights)


@given(layers(), keeping_machines(largest_pool=2048), st.data())
def test_a_layer_whose_weights_move_has_the_same_choice_where_others_run_in_cascades(layer, hardware, data):
    moved = data.draw(st.frozensets(st.sampled_from(Operand))) | {Operand.WEIGHTS}
    machines = hardware.model_copy(update={"cascade": None}), vary(hardware, cascade={"layers": 2})
    without, beside_cascades = (
        shortlist(layer_tiles(layer, machine, sorted(dataflow_names()), 1, Grids()), moved).costs
        for machine in machines
    )
    assert held(beside_cascades, hardware) == held(without, hardware)


def held(costs, hardware):
    """Room, time and energy of the mappings that the pool holds."""
    columns = costs.room_bytes, costs.time_cycles, costs.energy
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [row for row in rows if row[0] <= hardware.pool.size_bytes]
