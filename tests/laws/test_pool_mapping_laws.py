"""Mappings onto a pool: what they are said to need and cost is what their programs take and move."""

from dataclasses import replace
from itertools import accumulate, chain, combinations

import hypothesis.strategies as st
import numpy as np
import pytest
from engines import pools
from hypothesis import assume, given, settings
from machines import addition, keeping_machine
from strategies import (
    ANY_BITS,
    compressed_layers,
    energy_of,
    keeping_machines,
    layers,
    steps_of,
    unusual_layers,
)

from accelsim import load_hardware, load_network
from accelsim.descriptions import vary
from accelsim.hardware import Operand, dataflow_names
from accelsim.mapping.arrival import may_arrive
from accelsim.mapping.banks import alone_in_turn
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.grids import Grids
from accelsim.mapping.mapping import Choice
from accelsim.mapping.pool import layer_tiles
from accelsim.mapping.program import mappings as written
from accelsim.mapping.space import POOL_ORDERS
from accelsim.mapping.staircase import Arriving, moved_by
from accelsim.mapping.tile import TileShape
from accelsim.network import lowered_network
from accelsim.network.layer import Layer
from accelsim.simulation.alone import Alone
from accelsim.simulation.transitions import Transitions
from accelsim.verification.layers import verify_mapping

INPUTS, WEIGHTS, OUTPUTS, RESIDUAL = Operand
DRAM = ("dram",)
MOST_STEPS = 200
SOME = settings(max_examples=max(25, settings.default.max_examples // 2))


def sets_that_move(layer):
    """Every set of a layer's operands."""
    operands = [INPUTS, OUTPUTS]
    operands += [WEIGHTS] if layer.on_array else []
    operands += [RESIDUAL] if layer.residual_elements else []
    sizes = range(len(operands) + 1)
    return list(map(frozenset, chain.from_iterable(combinations(operands, size) for size in sizes)))


def movements(found, hardware):
    """Whatever may move; inputs that move may come to a place in the pool, of some layers."""
    sets = sets_that_move(found.layer)
    arriving = [Arriving(moved) for moved in sets if INPUTS in moved]
    return [*sets, *arriving] if may_arrive(found.layer, hardware) else sets


@st.composite
def pool_mappings(draw, any_layer, hardware):
    """A layer, all its mappings onto a pool by one dataflow, and of each loop order the number of one."""
    layer, hardware = draw(any_layer), draw(hardware)
    batch = draw(st.sampled_from([1, 1, 2, 3]))
    names = [name for name in sorted(dataflow_names()) if not dataflow_of(name).refusal(layer)]
    dataflow = draw(st.sampled_from(names)) if layer.on_array else VECTOR
    found = every_mapping(layer, hardware, dataflow, batch, Grids(finely=draw(st.booleans())))
    few = np.flatnonzero([steps_of(found.layer, found.images, tile) <= MOST_STEPS for tile in tiles(found)])
    numbers = []
    for order in range(len(POOL_ORDERS)):
        of_order = few[every(found).order[few] == order]
        if len(of_order):
            numbers.append(int(of_order[draw(st.integers(0, len(of_order) - 1))]))
    assume(numbers)
    return layer, hardware, batch, found, numbers


def every_mapping(layer, hardware, dataflow=VECTOR, batch=1, grids=None):
    of_layer = layer_tiles(layer, hardware, [dataflow], batch, grids or Grids())
    return of_layer.mappings(np.arange(len(of_layer)))


def every(found):
    return found.cuts_of(np.arange(len(found)))


def tiles(found):
    cuts, layer = every(found), found.layer
    sizes = zip(*(getattr(cuts, letter).tolist() for letter in "gkcyx"), strict=True)
    return [TileShape(1, *size, layer.FY, layer.FX) for size in sizes]


def programs(found, numbers, movement, hardware):
    """The mappings of these numbers, in which outputs that move lie in the pool as well, or do not."""
    moved = moved_by(movement)
    stays = frozenset(Operand) - moved
    stays |= {INPUTS} if isinstance(movement, Arriving) else set()
    for placed in {stays, stays | {OUTPUTS}}:
        choices = [every(found).choice(number, found.layer, 0, moved, placed) for number in numbers]
        yield from zip(numbers, written(choices, found.images, hardware), strict=True)


def tile_loads(step):
    return {operand: size for operand, size in step.loads.items() if operand not in step.in_place}


def room_of(mapping, hardware):
    """The most of the pool that a step and the next one take together, with what steps before have left. What
    stops the array moves between two steps, so that of it a step's own is all.
    """
    steps, alone = list(mapping.steps()), alone_in_turn(hardware)

    def held(operands, *, with_next):
        def pooled(*moves):
            return sum(sizes.get(operand, 0) for sizes in moves for operand in operands)

        taken = [*accumulate(pooled(tile_loads(step), step.takes) for step in steps)]
        freed = [
            *accumulate(
                pooled(step.freed_by_array, step.freed_by_vector_unit, step.freed_by_store) for step in steps
            )
        ]
        assert taken[-1] == freed[-1]
        after = [*taken[1:], taken[-1]] if with_next else taken
        return [most - before for most, before in zip(after, [0, *freed[:-1]], strict=True)]

    own = held([operand for operand in hardware.pool.operands if operand in alone], with_next=False)
    both = held([operand for operand in hardware.pool.operands if operand not in alone], with_next=True)
    return max(map(sum, zip(own, both, strict=True)))


@pytest.mark.parametrize("any_layer", [layers(), unusual_layers()])
@SOME
@given(data=st.data())
def test_whatever_moves_costs_are_those_of_the_program(any_layer, data):
    machines = st.one_of(keeping_machines(), keeping_machines(), pools())
    _, hardware, _, found, numbers = data.draw(pool_mappings(any_layer, machines))
    for movement in movements(found, hardware):
        costs = found.costs(movement)
        for number, mapping in programs(found, numbers, movement, hardware):
            counts = mapping.totals.counts
            energy = energy_of(mapping, hardware, costs.time_cycles[number])
            assert costs.dram_bytes[number] == counts.read_bytes(DRAM) + counts.written_bytes(DRAM)
            assert costs.energy[number] == pytest.approx(energy, rel=1e-9)
            assert costs.room_bytes[number] >= room_of(mapping, hardware)


@SOME
@given(case=pool_mappings(compressed_layers(), keeping_machines(ANY_BITS)))
def test_packed_elements_are_rounded_up_tile_by_tile_in_the_program_and_in_its_room(case):
    _, hardware, _, found, numbers = case
    for moved in sets_that_move(found.layer):
        costs = found.costs(moved)
        for number, mapping in programs(found, numbers, moved, hardware):
            counts = mapping.totals.counts
            program = counts.read_bytes(DRAM) + counts.written_bytes(DRAM)
            # Four operands at most, less than a byte each; and a pruned weight of 40 bits.
            assert abs(costs.dram_bytes[number] - program) <= (4 + 5) * mapping.totals.steps
            assert costs.room_bytes[number] >= room_of(mapping, hardware)


@SOME
@given(case=pool_mappings(layers(), st.one_of(keeping_machines(), pools())), data=st.data())
def test_in_the_room_that_it_needs_a_mapping_runs_no_sooner_than_its_bound(case, data):
    _, hardware, _, found, numbers = case
    movement = data.draw(st.sampled_from(movements(found, hardware)))
    costs = found.costs(movement)
    for number, mapping in programs(found, numbers, movement, hardware):
        if costs.room_bytes[number] > hardware.pool.size_bytes:
            continue
        tensor_bytes = hardware.pool.size_bytes - int(costs.room_bytes[number])
        assert Alone(hardware, Transitions(), tensor_bytes)(mapping) >= costs.time_cycles[number]


@pytest.mark.parametrize(("moved", "cycles"), [((), 8), ((OUTPUTS,), 8 + 100 + 8), ((INPUTS,), 100 + 24 + 8)])
def test_nobody_waits_for_the_latency_of_what_does_not_move(moved, cycles):
    """Three operands of 64 elements are added on 16 lanes, in one step; 16 bytes a cycle after 100 cycles."""
    layer, hardware = addition(4, (4, 4), operands=3), keeping_machine(4096)
    found = every_mapping(layer, hardware)
    costs = found.costs(frozenset(moved))
    (number,) = [number for number, tile in enumerate(tiles(found)) if tile.g == 4 and tile.y == tile.x == 4]
    (mapping, *_) = [mapping for _, mapping in programs(found, [number], frozenset(moved), hardware)]
    assert Alone(hardware)(mapping) == costs.time_cycles[number] == cycles


@pytest.mark.parametrize("any_layer", [layers(), compressed_layers(), unusual_layers()])
@SOME
@given(data=st.data())
def test_in_the_room_that_it_needs_a_mapping_executes_to_the_layers_own_outputs(any_layer, data):
    layer, hardware, batch, found, numbers = data.draw(pool_mappings(any_layer, keeping_machines()))
    movement = data.draw(st.sampled_from(movements(found, hardware)))
    rooms = found.costs(movement).room_bytes
    for number, mapping in programs(found, numbers, movement, hardware):
        tensor_bytes = hardware.pool.size_bytes - int(rooms[number])
        if tensor_bytes >= 0:
            verify_mapping(layer, mapping, hardware, batch=batch, pool_bytes=tensor_bytes)


def test_the_least_traffic_of_a_layer_in_a_pool_of_32_kb():
    """64 filters of 3 x 1 on 64 channels of 14 x 14, two bytes each: input channels outermost, sums held.

    Each operand is moved once: inputs and outputs of 2 * 64 * 14 * 14 bytes, weights of 128 * (64 * 3 + 1).
    The pool holds inputs of a tile and of the next, 2 * 8 * 14 * 14 bytes each, weights of both with offsets,
    2 * 4 * (8 * 3 + 1) each, and all outputs.
    """
    layer = lowered_network(load_network("sqnxt23v5")).graph["stage3.block2.conv3x1"].layer
    hardware = keeping_machine(32_768, hardware=load_hardware("8x8_32k"))
    found = every_mapping(layer, hardware, "output_stationary")
    costs = found.costs(frozenset(Operand))
    (number,) = [
        number
        for number, tile in enumerate(tiles(found))
        if tile == TileShape(1, 1, 4, 8, 14, 14, 3, 1)
        and POOL_ORDERS[every(found).order[number]] == "channels_filters_pixels"
    ]
    assert costs.room_bytes[number] == 2 * 3_136 + 2 * 200 + 25_088 == 31_760
    assert costs.dram_bytes[number] == 2 * 25_088 + 24_704 == 74_880
    assert costs.dram_bytes[costs.room_bytes <= 32_768].min() == 74_880


def test_of_inputs_that_come_to_a_place_each_row_and_column_comes_once():
    """3 x 3 taps, one apart, on 12 x 12 pixels without padding: tiles of 5 x 5 outputs read 7 x 7 each.

    The first reads 7 x 7, the others 5 rows or columns more: 12 x 12 in all, of two channels, two bytes each,
    whatever filters are cut into. By tiles that bring their halos it is four times 7 x 7, for each tile of
    filters.
    """
    layer = Layer("conv", "conv", K=8, C=2, OY=10, OX=10, FY=3, FX=3, IY=12, IX=12)
    hardware = keeping_machine(4096, hardware=load_hardware("16x16_128k"))
    tile = TileShape(1, 1, 4, 2, 5, 5, 3, 3)

    def inputs_loaded(placed):
        choice = Choice(layer, "weight_stationary", tile, "filters_outer", placed=frozenset(placed))
        (mapping,) = written([choice], 1, hardware)
        return [step.loads.get(INPUTS, 0) for step in mapping.steps()]

    assert inputs_loaded({INPUTS}) == [4 * 49, 4 * 35, 4 * 35, 4 * 25, 0, 0, 0, 0]
    assert sum(inputs_loaded({INPUTS})) == 4 * 144
    assert inputs_loaded(()) == [4 * 49] * 8


@pytest.mark.parametrize(
    ("change", "may"),
    [
        ({}, True),
        ({"stride_y": 4, "OY": 3}, False),  # rows between tiles that no tile reads
        ({"IY": 13}, False),  # a row behind the last window
        ({"pad_top": 3, "OY": 13}, False),  # tiles may lie in the padding
    ],
)
def test_inputs_come_to_a_place_if_the_layer_reads_all_of_them(change, may):
    layer = Layer("conv", "conv", K=8, C=2, OY=10, OX=10, FY=3, FX=3, IY=12, IX=12)
    hardware = keeping_machine(4096, hardware=load_hardware("16x16_128k"))
    assert may_arrive(replace(layer, **change), hardware) == may
    assert not may_arrive(layer, load_hardware("16x16_128k"))
    assert not may_arrive(addition(4, (4, 4), operands=2), hardware)


def test_elements_that_share_a_byte_do_not_come_to_a_place():
    hardware = vary(keeping_machine(4096), **{"precision.activations_bits": 4})
    assert not may_arrive(Layer("conv", "conv", K=8, C=2, OY=10, OX=10, FY=3, FX=3, IY=12, IX=12), hardware)
