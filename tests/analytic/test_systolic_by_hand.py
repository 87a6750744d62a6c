"""A systolic array that keeps weights, and a machine around it: cycles as derived by hand.

The recurrences are those of Gemmini's loops (docs/validation.md, section Gemmini), written once more here.
"""

from math import ceil

import pytest
from machines import machine

from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.tile import TileShape
from accelsim.network.layer import Layer
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.validation.evaluate import shipped_hardware
from accelsim.validation.gemmini import mapped
from accelsim.validation.gemmini_layers import SHIPPED, load_layers
from accelsim.verification.passes.systolic_weight_stationary import walk
from accelsim.verification.passes.tile import ArrayMachine, TileWork

SYSTOLIC = dataflow_of("systolic_weight_stationary")
ARRAY = machine(**{"pe_array.dataflows": ["systolic_weight_stationary"]})
LAYER = Layer("layer", "conv", K=64, C=64, OY=56, OX=56, IY=56, IX=56)


def cycles(**sizes):
    return SYSTOLIC.execute(
        LAYER, TileShape(**dict.fromkeys(("n", "g", "k", "c", "y", "x", "fy", "fx"), 1) | sizes), 0, ARRAY
    ).cycles


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"y": 4, "x": 16}, 4 * 16 + 16),  # four blocks; the array drains
        ({"y": 4, "x": 14}, 3 * 14 + 16 + 16),  # the last block is padded
        ({"y": 14, "x": 2}, 14 * 60 // 8 + 16),  # instructions take longer than pixels
        ({"y": 1, "x": 1}, 16 + 16),
        ({"y": 2, "x": 18}, (16 + 4) + (16 + 16) + 16),  # two blocks a row; two pixels take four cycles
        ({"y": 4, "x": 16, "k": 17, "c": 33, "fy": 3, "fx": 3}, 2 * 3 * 9 * 64 + 16),
        ({"n": 2, "y": 2, "x": 16, "g": 3}, 3 * 64 + 16),
    ],
)
def test_a_tile_takes_its_passes_and_the_drain(sizes, expected):
    assert cycles(**sizes) == expected


@pytest.mark.parametrize(
    ("parameters", "sizes", "of_a_pass"),
    [
        ({"least_block_cycles": 17}, {"y": 4, "x": 16}, 4 * 17),  # full blocks take the least, too
        ({"least_block_cycles": 17}, {"y": 2, "x": 18}, 4 * 17),
        ({"block_pixels": 1, "pairs_in_flight": 64}, {"y": 2, "x": 3}, 6 * 4),
        ({"block_pixels": 6}, {"y": 4, "x": 7, "k": 17, "c": 40, "fx": 3}, 2 * 3 * 3 * 60),
        ({"block_pixels": 6, "pair_cycles": 1}, {"y": 4, "x": 7}, 3 * (6 + 4) + 6 + 6),
    ],
)
def test_no_block_takes_fewer_cycles_than_the_least_and_executing_the_passes_gives_the_same(
    parameters, sizes, of_a_pass
):
    hardware = machine(**{"pe_array.dataflows": {"systolic_weight_stationary": parameters}})
    extents = dict.fromkeys(("n", "g", "k", "c", "y", "x", "fy", "fx"), 1) | sizes
    assert SYSTOLIC.execute(LAYER, TileShape(**extents), 0, hardware).cycles == of_a_pass + 16
    work = TileWork(**extents, stride=(1, 1), dilation=(1, 1), nonzero=1, resumes=False)
    array = ArrayMachine.of(hardware, "systolic_weight_stationary", idle_rows=0)
    assert walk(work, array).cycles == of_a_pass + 16


def by_recurrences(steps, control):
    """When the last step is done; a step is its load, its array and its store in cycles."""
    load_ends = array_ends = store_ends = handed = 0
    done = []
    for number, (load, array, store) in enumerate(steps):
        handed = handed + control.cycles_per_tile if number else control.cycles_per_layer
        if number >= control.tiles_in_flight:
            handed = max(handed, done[number - control.tiles_in_flight] + control.completion_cycles)
        load_ends = max(handed, load_ends) + load
        array_ends = max(array_ends, load_ends + 30) + array
        if store is not None:
            store_ends = max(store_ends, array_ends + 40) + store
        done.append(max([array_ends, store_ends, *done[-1:]]))
    return done[-1]


@pytest.mark.parametrize("number", [47, 46, 40, 26, 9, 89, 2, 0, 78, 152])
def test_measured_layers_are_simulated_as_the_recurrences_have_it(number):
    """Loads take their requests, the array its passes, and what is stored goes when sums are whole."""
    hardware = shipped_hardware("gemmini_16x16")
    (layer,) = [one for one in load_layers(SHIPPED) if one.id == number]
    mapping = mapped(layer, hardware)
    steps = [
        (sum(step.crossing.load_cycles.values()), step.array_cycles, step.crossing.store_cycles)
        for step in mapping.steps()
    ]
    schedule = Schedule((mapping.layer,), (mapping,), ((),))
    activity = simulate_fast(schedule, hardware)
    assert activity.cycles == by_recurrences(steps, hardware.control)
    if mapping.totals.steps < 30:
        assert simulate_events(schedule, hardware) == activity
    assert ceil(sum(array for _, array, _ in steps)) <= activity.cycles
