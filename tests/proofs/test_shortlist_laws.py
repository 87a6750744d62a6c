"""Shortlists: what is ruled out without being listed would not have been among the best in any room."""

from itertools import product

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given
from strategies import compressed_layers, keeping_machines, layers, unusual_layers

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


@pytest.mark.parametrize("any_layer", [layers(), compressed_layers(), unusual_layers()])
@given(data=st.data())
def test_in_every_room_the_best_are_those_of_all_mappings(any_layer, data):
    layer, hardware = data.draw(any_layer), data.draw(keeping_machines())
    moved = data.draw(st.frozensets(st.sampled_from(Operand)))
    tiles = layer_tiles(layer, hardware, sorted(dataflow_names()), 1, Grids())
    costs = tiles.mappings(np.arange(len(tiles))).costs(moved)
    assume(len(costs.room_bytes))
    rooms_bytes = data.draw(st.lists(st.sampled_from(sorted({*costs.room_bytes.tolist()})), min_size=1))
    least_time, least_energy = float(costs.time_cycles.min()), float(costs.energy.min())
    between = [Weights(cycles=slope * least_energy, energy=least_time) for slope in SLOPES]
    listed = shortlist(tiles, moved)
    for weights, room_bytes in product([Weights(cycles=1), *between, Weights(energy=1)], rooms_bytes):
        of_listed = ranked_by(listed.costs, weights)
        found = [of_listed[number] for number in listed.nearly_best(room_bytes, weights)]
        assert found == best(costs, room_bytes, weights)
