"""Mappings onto a pool: what they are said to need and cost is what their programs take and move."""

from itertools import accumulate, chain, combinations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings
from machines import addition, keeping_machine
from strategies import ANY_BITS, compressed_layers, keeping_machines, layers, steps_of, unusual_layers

from accelsim import load_hardware, load_network
from accelsim.energy import total_energy
from accelsim.hardware import Operand, dataflow_names
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.grids import Grids
from accelsim.mapping.pool import layer_tiles
from accelsim.mapping.program import mappings as written
from accelsim.mapping.space import POOL_ORDERS
from accelsim.mapping.tile import TileShape
from accelsim.network import lowered_network
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


@st.composite
def pool_mappings(draw, any_layer, hardware):
    """A layer, all its mappings onto a pool by one dataflow, and of each loop order the number of one."""
    layer, hardware = draw(any_layer), draw(hardware)
    batch = draw(st.sampled_from([1, 1, 2, 3]))
    dataflow = draw(st.sampled_from(sorted(dataflow_names()))) if layer.on_array else VECTOR
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


def programs(found, numbers, moved, hardware):
    """The mappings of these numbers, in which outputs that move lie in the pool as well, or do not."""
    stays = frozenset(Operand) - moved
    for placed in {stays, stays | {OUTPUTS}}:
        choices = [every(found).choice(number, found.layer, 0, moved, placed) for number in numbers]
        yield from zip(numbers, written(choices, found.images, hardware), strict=True)


def room_of(mapping, hardware):
    """The most of the pool that a step and the next one take together, with what steps before have left."""

    def pooled(*moves):
        return sum(sizes.get(operand, 0) for sizes in moves for operand in hardware.pool.operands)

    steps = list(mapping.steps())
    taken = [*accumulate(pooled(step.loads, step.takes) for step in steps)]
    freed = [
        *accumulate(
            pooled(step.freed_by_array, step.freed_by_vector_unit, step.freed_by_store) for step in steps
        )
    ]
    assert taken[-1] == freed[-1]
    with_next = [*taken[1:], taken[-1]]
    return max(after - before for after, before in zip(with_next, [0, *freed[:-1]], strict=True))


@pytest.mark.parametrize("any_layer", [layers(), unusual_layers()])
@SOME
@given(data=st.data())
def test_whatever_moves_costs_are_those_of_the_program(any_layer, data):
    _, hardware, _, found, numbers = data.draw(pool_mappings(any_layer, keeping_machines()))
    for moved in sets_that_move(found.layer):
        costs = found.costs(moved)
        for number, mapping in programs(found, numbers, moved, hardware):
            counts = mapping.totals.counts
            energy = float(total_energy(counts, hardware.prices))
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
@given(case=pool_mappings(layers(), keeping_machines()), data=st.data())
def test_in_the_room_that_it_needs_a_mapping_runs_no_sooner_than_its_bound(case, data):
    _, hardware, _, found, numbers = case
    moved = data.draw(st.sampled_from(sets_that_move(found.layer)))
    costs = found.costs(moved)
    for number, mapping in programs(found, numbers, moved, hardware):
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
    moved = data.draw(st.sampled_from(sets_that_move(found.layer)))
    rooms = found.costs(moved).room_bytes
    for number, mapping in programs(found, numbers, moved, hardware):
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
