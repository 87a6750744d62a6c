"""What holds for every mapping of every layer on every machine, whatever the dataflow; new ones join."""

import dataclasses
import itertools
import math
import re
from dataclasses import dataclass
from unittest import mock

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings
from machines import DRAM, bank_bytes, engines_may_rest_on, machine, mapped, pairs_of_counts
from strategies import (
    ANY_BITS,
    array_layers,
    cases,
    compressed_layers,
    cut_cases,
    energy_of,
    layers,
    machines,
    packed_cases,
    reordered_cases,
    steps_of,
)

from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import vary
from accelsim.descriptions.limits import MAX_BUFFER_BYTES
from accelsim.errors import MappingError
from accelsim.hardware import Operand, dataflow_names
from accelsim.hardware.siblings import siblings_key
from accelsim.mapping import search, settle, tile_search
from accelsim.mapping.bounds import compulsory_dram_bytes, compulsory_input_bytes, lower_bound_cycles
from accelsim.mapping.candidates import at_least, beside_array, candidates
from accelsim.mapping.costs import VECTOR, array_cost, least_array_cost
from accelsim.mapping.cuts import cuts_of, space_of
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.grids import Grids, granularity
from accelsim.mapping.groundwork import Groundwork
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.ranking import VALUE_ROUNDING, best_first
from accelsim.mapping.relaxation import relaxed
from accelsim.mapping.search import as_executed, map_layer
from accelsim.mapping.space import ORDERS
from accelsim.mapping.tile import UNCUT, Granularity, TileShape, whole_image
from accelsim.mapping.tiling import Axis, tile_sizes
from accelsim.network.build import build
from accelsim.network.layer import Layer
from accelsim.network.lowering import lower
from accelsim.planning.compiler import make_schedule
from accelsim.simulation.alone import Alone

# --- the odometer, told once more: plain loops over tiles, and what each visit touches


@dataclass(frozen=True)
class Visit:
    """One tile: where it begins and how large it is, along each loop."""

    starts: dict[str, int]
    sizes: dict[str, int]

    @property
    def weights(self):
        """Names the weights that the visit needs."""
        return tuple(self.starts[letters] for letters in ("g", "k", "c", "fy", "fx"))

    @property
    def outputs(self):
        """Outputs of the visit."""
        return math.prod(self.sizes[letter] for letter in "ngkyx")

    @property
    def inputs(self):
        """Names the inputs that the visit needs."""
        return tuple(self.starts[letters] for letters in ("n", "g", "c", "y", "x", "fy", "fx"))

    @property
    def begins(self):
        """Whether it is the first that adds to its outputs."""
        return not any(self.starts[letters] for letters in ADDING_UP)

    def ends(self, layer):
        """Whether it is the last."""
        extents = (layer.C, layer.FY, layer.FX)
        return all(
            self.starts[letters] + self.sizes[letters] == extent
            for letters, extent in zip(ADDING_UP, extents, strict=True)
        )


ADDING_UP = ("c", "fy", "fx")


def visits(layer, batch, tile, order):
    """Every tile of a layer in order."""
    extents = dataclasses.asdict(whole_image(layer)) | {"n": batch}
    outer = ("n", "g", *("yxk" if order == "pixels_outer" else "kyx"))

    def nest(inner, starts):
        if not inner:
            sizes = {at: min(getattr(tile, at), extents[at] - starts[at]) for at in extents}
            yield Visit(starts, sizes)
            return
        for start in range(0, extents[inner[0]], getattr(tile, inner[0])):
            yield from nest(inner[1:], {**starts, inner[0]: start})

    yield from nest((*outer, *ADDING_UP), {})


def window_extent(outputs, taps, stride, dilation, pad, inputs):
    """Input rows (or columns) from the first that taps reach at outputs to the last, padding left out.

    Outputs and taps by the first of them and their number.
    """
    first = outputs[0] * stride - pad + taps[0] * dilation
    last = first + (outputs[1] - 1) * stride + (taps[1] - 1) * dilation
    return sum(first <= position <= last for position in range(inputs))


def bytes_of(elements, bits):
    return -(-elements * bits // 8)


def every_step(case):
    """Each tile beside the step that the program has for it."""
    mapping = case.mapping
    tiles = visits(mapping.layer, case.images, mapping.tile, mapping.order)
    return zip(tiles, mapping.steps(), strict=True)


def operands_of(case, visit):
    """Bytes of weights (with biases where partial sums begin) and of inputs that a visit needs."""
    layer, precision = case.mapping.layer, case.hardware.precision
    n, g, k, c, fy, fx = (visit.sizes[letters] for letters in ("n", "g", "k", "c", "fy", "fx"))
    weights = weight_bytes(layer, precision, g * k * c * fy * fx) if layer.on_array else 0
    if layer.bias and visit.begins:
        weights += bytes_of(g * k, bits_of_a_weight(layer, precision))
    y, x, along_fy, along_fx = (
        (visit.starts[letters], visit.sizes[letters]) for letters in ("y", "x", "fy", "fx")
    )
    rows = window_extent(y, along_fy, layer.stride_y, layer.dilation_y, layer.pad_top, layer.IY)
    columns = window_extent(x, along_fx, layer.stride_x, layer.dilation_x, layer.pad_left, layer.IX)
    elements = layer.operands * g * c * rows * columns + g * (layer.gate_elements // layer.G)
    return weights, bytes_of(n * elements, bits_of_an_activation(layer, precision))


def bits_of_a_weight(layer, precision):
    return layer.weight_bits or precision.weights_bits


def bits_of_an_activation(layer, precision):
    return layer.activation_bits or precision.activations_bits


def bits_of_a_distance(layer, precision):
    return precision.pruned_index_bits if layer.pruned_index_bits is None else layer.pruned_index_bits


def weight_bytes(layer, precision, weights):
    """Bytes of weights: all of them, or those that are not zero and where they are, whichever is less."""
    bits = bits_of_a_weight(layer, precision)
    if layer.weight_density is None:
        return bytes_of(weights, bits)
    nonzero = math.ceil(weights * layer.weight_density - 1e-9)
    return min(bytes_of(weights, bits), bytes_of(nonzero, bits + bits_of_a_distance(layer, precision)))


@given(packed_cases() | cut_cases())
def test_a_step_loads_the_operands_that_the_step_before_did_not_have(case):
    before = None
    for visit, step in every_step(case):
        weights, inputs = operands_of(case, visit)
        assert step.loads.get(Operand.WEIGHTS, 0) == (
            0 if before and before.weights == visit.weights else weights
        )
        assert step.loads.get(Operand.INPUTS, 0) == (
            0 if before and before.inputs == visit.inputs else inputs
        )
        before = visit


@given(packed_cases() | cut_cases())
def test_banks_hold_the_operands_of_one_step_after_another_and_are_empty_at_the_end(case):
    half = {bank: size // 2 for bank, size in bank_bytes(case.hardware).items()}
    weights = inputs = outputs = 0
    for visit, step in every_step(case):
        weights += step.loads.get(Operand.WEIGHTS, 0)
        inputs += step.loads.get(Operand.INPUTS, 0)
        outputs += step.takes.get(Operand.OUTPUTS, 0)
        assert (weights, inputs) == operands_of(case, visit)
        assert weights <= half["weights"]
        assert inputs + step.loads.get(Operand.RESIDUAL, 0) <= half["inputs"]
        assert max(outputs, step.store_bytes) <= half["outputs"]
        assert (step.takes.get(Operand.OUTPUTS, 0) > 0) == visit.begins
        weights -= step.freed_by_array.get(Operand.WEIGHTS, 0)
        inputs -= step.freed_by_array.get(Operand.INPUTS, 0) + step.freed_by_vector_unit.get(
            Operand.INPUTS, 0
        )
        outputs -= step.freed_by_store.get(Operand.OUTPUTS, 0)
    assert (weights, inputs, outputs) == (0, 0, 0)


@given(packed_cases() | cut_cases() | reordered_cases())
def test_steps_are_what_both_engines_rest_on(case):
    assert engines_may_rest_on([case.mapping])


@given(packed_cases() | cut_cases())
def test_outputs_are_complete_once_and_stored_once(case):
    layer, precision = case.mapping.layer, case.hardware.precision
    complete = stored_bytes = shortcut_bytes = tiles = 0
    for visit, step in every_step(case):
        assert step.completes == visit.ends(layer)
        if step.completes:
            complete += visit.outputs
            stored_bytes += step.store_bytes
            shortcut_bytes += step.loads.get(Operand.RESIDUAL, 0)
            tiles += 1
        else:
            assert step.store_bytes == step.loads.get(Operand.RESIDUAL, 0) == step.vector_cycles == 0
    assert complete == case.images * layer.output_elements
    packed = bytes_of(case.images * layer.stored_elements, bits_of_an_activation(layer, precision))
    assert packed <= stored_bytes < packed + max(tiles, 1)
    if all(operator.residual_elements in {0, layer.output_elements} for operator in layer.fused):
        packed = bytes_of(case.images * layer.residual_elements, bits_of_an_activation(layer, precision))
        assert packed <= shortcut_bytes < packed + max(tiles, 1)


# --- what the search estimates, and what the program does


@given(cases())
def test_a_candidate_costs_what_the_program_that_it_stands_for_costs(case):
    space, index = candidate_of(case)
    totals = case.mapping.totals
    assert space.array_cycles[index] == totals.array_cycles
    assert counts_of(space, index) == totals.counts
    bound = space.time_cycles[index]
    assert space.energy[index] == pytest.approx(energy_of(case.mapping, case.hardware, bound))


@settings(max_examples=5 * settings.default.max_examples)
@given(packed_cases())
def test_no_mapping_is_faster_than_its_bound(case):
    """Simulated by itself; and the bound is no less than what each resource takes for its own work."""
    space, index = candidate_of(case)
    assert Alone(case.hardware)(case.mapping) >= space.time_cycles[index] >= busiest(case)


def busiest(case):
    """Cycles of the array; of the vector unit and the channel, if neither rounded up (bytes) step by step."""
    totals, hardware = case.mapping.totals, case.hardware
    space, index = candidate_of(case)
    counts = counts_of(space, index)
    moved = (counts.read_bytes(DRAM) + counts.written_bytes(DRAM)) / hardware.channels[0].bytes_per_cycle
    return max(totals.array_cycles, counts.vector_ops / hardware.vector_lanes, math.floor(moved))


@pytest.mark.parametrize("name", ["8x8_32k", "16x16_128k"])
def test_most_bounds_are_what_the_simulation_says(name):
    """The chosen mappings of a network: most take no longer than their bound, to a thousandth."""
    hardware, schedule = load_hardware(name), compiled("squeezenet_v1_1", name)
    alone, missed = Alone(hardware), 0
    for mapping in schedule.mappings:
        images = 1
        space = candidates(mapping.layer, hardware, mapping.dataflow, images)
        index = space.mappings_of(np.arange(len(space))).index((mapping.tile, mapping.order))
        missed += alone(mapping) > 1.001 * space.time_cycles[index]
    assert missed <= len(schedule.mappings) / 2


def compiled(network, machine_name):
    return make_schedule(lower(build(load_network(network))), load_hardware(machine_name))


@given(packed_cases())
def test_packed_elements_are_rounded_up_tile_by_tile_in_the_program_only(case):
    space, index = candidate_of(case)
    totals = case.mapping.totals
    estimate, program = counts_of(space, index), totals.counts
    assert space.array_cycles[index] == totals.array_cycles
    assert (estimate.macs, estimate.vector_ops) == (program.macs, program.vector_ops)
    for estimated, summed in pairs_of_counts(estimate, program):
        # Six operands at most, less than a byte each; and a pruned weight of 40 bits.
        assert abs(estimated - summed) <= (6 + 5) * totals.steps


def candidate_of(case):
    """The candidates of a case's layer, and which of them its mapping is."""
    mapping = case.mapping
    space = candidates(mapping.layer, case.in_use, mapping.dataflow, case.images)
    return space, space.mappings_of(np.arange(len(space))).index((mapping.tile, mapping.order))


def counts_of(space, index):
    """The counts of one candidate; a number that holds for all of them is no array."""
    return space.counts.each(lambda count: int(np.broadcast_to(count, len(space))[index]))


# --- multiply-accumulates and traffic


@given(cases(layer=compressed_layers()) | cut_cases())
def test_multiply_accumulates_are_the_layers_but_for_zero_weights(case):
    executed, macs = case.mapping.totals.counts.macs, case.batch * case.layer.macs
    density = density_of(case.layer, case.hardware)
    if case.mapping.dataflow != "output_stationary" or density == 1:
        assert executed == macs
        return
    # A tile's weights that are not zero are a whole number: at most one more for each of its pixels.
    pixels = sum(math.prod(visit.sizes[letter] for letter in "nyx") for visit, _ in every_step(case))
    assert density * macs - 1e-6 <= executed <= min(macs, density * macs + pixels)


def density_of(layer, hardware):
    """The part of the weights that is not zero: the layer's own, else the machine's."""
    own = layer.weight_density
    return hardware.pe_array.dataflows["output_stationary"].weight_density if own is None else own


@given(cases(layer=array_layers()) | cut_cases(layer=array_layers()))
def test_no_pe_does_two_multiply_accumulates_in_a_cycle(case):
    for step in case.mapping.steps():
        assert step.array_counts.macs <= step.array_cycles * case.in_use.pe_array.pes


@given(compressed_layers(), machines(bits=ANY_BITS), st.integers(1, 3))
def test_compulsory_traffic_is_what_windows_touch_and_what_is_stored(layer, hardware, batch):
    touched = {
        (
            y * layer.stride_y + fy * layer.dilation_y - layer.pad_top,
            x * layer.stride_x + fx * layer.dilation_x - layer.pad_left,
        )
        for y, x in itertools.product(range(layer.OY), range(layer.OX))
        for fy, fx in itertools.product(range(layer.FY), range(layer.FX))
    }
    pixels = len(touched & set(itertools.product(range(layer.IY), range(layer.IX))))
    inputs = layer.operands * layer.G * layer.C * pixels + layer.gate_elements
    precision = hardware.precision
    bits = bits_of_a_weight(layer, precision)
    kept = min(bits, (layer.weight_density or math.inf) * (bits + bits_of_a_distance(layer, precision)))
    weights = math.ceil(layer.weights * kept / 8 - 1e-9)
    biases = bytes_of(layer.G * layer.K, bits) if layer.bias else 0
    activations = (inputs, layer.residual_elements, layer.stored_elements)
    moved = sum(
        bytes_of(batch * elements, bits_of_an_activation(layer, precision)) for elements in activations
    )
    assert compulsory_dram_bytes(layer, hardware, batch) == weights + biases + moved


def test_what_a_crop_leaves_out_is_not_compulsory():
    """Rows 2 to 16 and columns 20 to 29, of 20 x 30 pixels in 8 channels, are under windows of 3 x 3."""
    layer = Layer("c2", "conv", K=8, C=8, OY=13, OX=8, FY=3, FX=3, IY=20, IX=30, pad_top=-2, pad_left=-20)
    assert compulsory_input_bytes(layer, load_hardware("npu_int8_2m")) == 15 * 10 * 8


@given(packed_cases() | cut_cases())
def test_no_mapping_moves_less_than_every_operand_once(case):
    counts = case.mapping.totals.counts
    compulsory = compulsory_dram_bytes(case.layer, case.hardware, case.batch)
    assert counts.read_bytes(DRAM) + counts.written_bytes(DRAM) >= compulsory


@given(layers(), machines(), st.integers(1, 3))
def test_where_everything_fits_and_traffic_is_the_price_every_operand_moves_once(layer, hardware, batch):
    assume(layer.stride_y <= layer.FY or layer.OY == 1)  # else tiles read rows that no window covers
    assume(layer.stride_x <= layer.FX or layer.OX == 1)
    assume((layer.dilation_y, layer.dilation_x) == (1, 1))
    free = dict.fromkeys(("energy.mac", "energy.vector_op", "energy.register_file"), 0)
    free |= {"energy.inter_pe": 0, "energy.global_buffer": 0, "power.idle_mw": 0}
    roomy = vary(hardware, **free, **{"energy.dram": 1, "global_buffer.size_bytes": 1 << 24})
    counts = map_layer(layer, roomy, MappingOptions(batch=batch, objective="energy")).totals.counts
    moved = counts.read_bytes(DRAM) + counts.written_bytes(DRAM)
    assert moved == compulsory_dram_bytes(layer, roomy, batch)


@given(packed_cases() | cut_cases())
def test_no_mapping_is_faster_than_the_bound(case):
    totals, channel = case.mapping.totals, case.hardware.channels[0]
    moved = totals.counts.read_bytes(DRAM) + totals.counts.written_bytes(DRAM)
    least = max(totals.array_cycles, math.ceil(moved / channel.bytes_per_cycle))
    assert lower_bound_cycles(case.layer, case.hardware, case.batch) <= least


# --- the search


OBJECTIVES = {
    "time": lambda time, energy: time,
    "energy": lambda time, energy: energy,
    "edp": lambda time, energy: time * energy,
}


@settings(max_examples=settings.default.max_examples // 2)
@given(layers(), machines(), st.sampled_from([1, 3]), st.sampled_from(sorted(OBJECTIVES)))
def test_no_mapping_of_the_space_is_better_than_the_chosen_one(layer, hardware, batch, objective):
    """By brute force: the program of every tile in every order is built, simulated and priced.

    What is left open is a difference that is not worth a simulation.
    """
    dataflows = sorted(dataflows_of(layer))
    tried = [mapping for dataflow in dataflows for mapping in every_mapping(layer, hardware, dataflow, batch)]
    assume(tried)
    alone = Alone(hardware)
    thorough = settle.THOROUGH._replace(max_judged=len(tried) + 1)
    with mock.patch.object(search, "THOROUGH", thorough):
        found = map_layer(layer, hardware, MappingOptions(batch=batch, objective=objective), judge=alone)

    def cost(mapping):
        cycles = alone(mapping)
        return OBJECTIVES[objective](cycles, energy_of(mapping, hardware, cycles))

    assert cost(found) <= min(map(cost, tried)) * (1 + 1.01 * thorough.gap)
    assert found.estimated_cycles == alone(found)


@given(array_layers(), machines(), st.integers(1, 3))
def test_where_everything_costs_the_same_the_fastest_mapping_is_chosen(layer, hardware, batch):
    prices = ("mac", "vector_op", "register_file", "inter_pe", "global_buffer", "dram")
    free = vary(hardware, **{f"energy.{price}": 0 for price in prices})
    try:
        chosen = [
            map_layer(layer, free, MappingOptions(batch=batch, objective=objective)).estimated_cycles
            for objective in ("time", "energy", "edp")
        ]
    except MappingError:
        assume(False)
    assert len(set(chosen)) == 1


FEW_TILES = st.sampled_from([0, tile_search.FEW_TILES])
"""Up to how many tiles the search lays out before it rules any of them out."""


@given(
    compressed_layers(),
    machines(bits=ANY_BITS),
    st.sampled_from([1, 3]),
    st.sampled_from(sorted(OBJECTIVES)),
    FEW_TILES,
)
def test_bounds_rule_out_no_mapping_that_could_be_the_best(layer, hardware, batch, objective, few_tiles):
    """Branch and bound finds what is found when every candidate is evaluated, ties included.

    Rows are left idle where that is better by more than is left open.
    """
    executed, images = as_executed(layer, batch)
    cost, left_open = OBJECTIVES[objective], settle.THOROUGH.gap
    winner = None
    for idle_rows in idle_rows_tried(executed, hardware, objective):
        best = best_candidate(executed, hardware.with_idle_rows(idle_rows), images, objective)
        if winner is None or cost(*best[:2]) <= cost(*winner[:2]) * (1 - left_open) * (1 + VALUE_ROUNDING):
            winner = (*best, idle_rows)
    with mock.patch.object(tile_search, "FEW_TILES", few_tiles):
        found = map_layer(layer, hardware, MappingOptions(batch=batch, objective=objective))
    assert ((found.tile, found.order), found.idle_rows) == winner[2:]
    assert found.estimated_cycles == int(winner[0])


@given(
    array_layers(),
    machines(),
    st.sampled_from(sorted(dataflow_names())),
    st.sampled_from(sorted(OBJECTIVES)),
    st.sampled_from([0.0, 0.005, 0.5]),
)
def test_bounds_rule_out_nothing_that_promises_nearly_as_much_as_the_best(
    layer, hardware, dataflow, objective, likely
):
    """What may be judged is the same, in the same order, as where every tile is laid out and evaluated."""
    cuts = cuts_of([layer], [dataflow], [Grids().of(layer, granularity(dataflow, hardware))], hardware)

    def best(few):
        searched = tile_search.TileSearch(Groundwork(cuts, hardware, 1), hardware, objective, objective)
        with (
            mock.patch.object(tile_search, "FEW_TILES", few),
            mock.patch.object(tile_search, "FEW_MAPPINGS", few),
        ):
            return searched.best(np.full(1, np.inf), likely, 8)

    assert best(0) == best(1 << 40)


def idle_rows_tried(layer, hardware, objective):
    """None; on the array, where time matters, a quarter, half ...: no fewer rows than columns are in use."""
    rows, columns = hardware.pe_array.rows, hardware.pe_array.columns
    parts = (3 / 4, 1 / 2, 3 / 8, 1 / 4, 3 / 16, 1 / 8, 3 / 32, 1 / 16)
    in_use = [part for part in (math.floor(rows * part) for part in parts) if part >= columns]
    time_matters = objective != "energy" or hardware.static_power_mw > 0
    fewer = [rows - part for part in in_use] if layer.on_array and time_matters else []
    return [0, *fewer]


def best_candidate(layer, hardware, images, objective):
    """Time, energy and tile with order of the best of all candidates."""
    every = [candidates(layer, hardware, name, images, finely=True) for name in dataflows_of(layer)]
    assume(any(len(some) for some in every))
    best = [
        (some.time_cycles[first], some.energy[first], *some.mappings_of(np.array([first])))
        for some in every
        if len(some)
        for first in best_first(some.time_cycles, some.energy, objective)[:1]
    ]
    time, energy_ = (np.array(values) for values in list(zip(*best, strict=True))[:2])
    return best[best_first(time, energy_, objective)[0]]


@settings(max_examples=settings.default.max_examples * 3 // 5)
@given(
    st.lists(compressed_layers(), min_size=2, max_size=6),
    machines(largest_buffer=4096),
    st.sampled_from([1, 3]),
    st.sampled_from([None, *OBJECTIVES]),
    st.sampled_from([1, 50, search.MOST_CUTS]),
    st.sampled_from([1, 50, tile_search.MOST_TILES]),
    FEW_TILES,
)
def test_layers_that_are_looked_at_together_are_mapped_as_each_alone(
    some, hardware, batch, objective, most_cuts, most_tiles, few_tiles
):
    """However many of them are searched together; and each says for itself why it has no mapping."""
    judge, options = Alone(hardware), MappingOptions(batch=batch, objective=objective)
    with (
        mock.patch.object(search, "MOST_CUTS", most_cuts),
        mock.patch.object(tile_search, "MOST_TILES", most_tiles),
        mock.patch.object(tile_search, "FEW_TILES", few_tiles),
    ):
        together = search.map_layers(some, hardware, options, judge=judge)
    for layer, found in zip(some, together, strict=True):
        try:
            alone = map_layer(layer, hardware, options, judge=Alone(hardware))
            assert (found, found.estimated_cycles) == (alone, alone.estimated_cycles)
        except MappingError as error:
            assert str(found) == str(error)


@settings(max_examples=settings.default.max_examples * 3 // 5)
@given(
    st.lists(compressed_layers(), min_size=1, max_size=4),
    machines(largest_buffer=4096),
    st.lists(st.sampled_from([0.5, 1.0, 3.0, 8.0]), min_size=2, max_size=3),
    st.sampled_from([1, 3]),
    st.sampled_from([None, *OBJECTIVES]),
    FEW_TILES,
)
def test_layers_are_mapped_the_same_whatever_siblings_of_the_machine_were_searched_before(
    some, hardware, bandwidths, batch, objective, few_tiles
):
    options, grids = MappingOptions(batch=batch, objective=objective), Grids(objective is not None)
    for bandwidth in bandwidths:
        sibling = vary(hardware, **{"dram.bandwidth_bytes_per_cycle": bandwidth})
        assert siblings_key(sibling) == siblings_key(hardware)
        with mock.patch.object(tile_search, "FEW_TILES", few_tiles):
            found, alone = (
                search.map_layers(some, sibling, options, judge=Alone(sibling), grids=known)
                for known in (grids, None)
            )
        assert found == alone
        assert [getattr(mapping, "estimated_cycles", None) for mapping in found] == [
            getattr(mapping, "estimated_cycles", None) for mapping in alone
        ]


def dataflows_of(layer):
    """That can run it: some refuse kernels that they are not made for."""
    if not layer.on_array:
        return (VECTOR,)
    return tuple(name for name in dataflow_names() if not dataflow_of(name).refusal(layer))


@given(
    compressed_layers().filter(lambda layer: layer.on_array),
    machines(),
    st.sampled_from(sorted(dataflow_names())),
)
def test_cutting_a_layer_saves_the_array_nothing(layer, hardware, dataflow):
    """The bound that the search relies on: what each dataflow says is its least work."""
    assume(layer.on_array)
    space = space_of(layer, hardware, dataflow)
    assume(space.fits.any())
    every = candidates(layer, hardware, dataflow)
    bound = at_least(beside_array(space, hardware, space.whole(1)), hardware)
    least = least_array_cost(layer, dataflow, whole_image(layer), UNCUT, hardware)
    assert np.all(every.array_cycles >= least.cycles)
    for attribute in ("time_cycles", "energy"):
        bounds = getattr(bound, attribute)[space.fitting()]
        assert np.all(getattr(every, attribute) >= bounds * (1 - 1e-12))


@pytest.mark.parametrize("name", ["16x16_128k", "ethos_u55_128", "eyeriss", "gap9_ne16", "gemmini_16x16"])
@pytest.mark.parametrize("channels", [1, 4])
def test_a_tile_costs_by_itself_what_it_costs_among_others(name, channels):
    """Of one input channel, no row of an array hands a sum on, but taps may be added up outside it."""
    hardware = load_hardware(name)
    groups = 8 if channels == 1 else 1
    layer = Layer("conv", "conv", G=groups, K=8 // groups, C=channels, OY=8, OX=8, FY=3, FX=3, IY=10, IX=10)
    tile = TileShape(1, 1, 1, channels, 4, 4, 3, 3)
    column = TileShape(*(np.array([size, size]) for size in dataclasses.astuple(tile)))
    for dataflow in hardware.pe_array.dataflows:
        for resumes in (0, 1):
            alone = array_cost(layer, dataflow, tile, resumes, hardware)
            among = array_cost(layer, dataflow, column, np.array([resumes, resumes]), hardware)
            assert np.array_equal(among.cycles, [alone.cycles] * 2)
            both = among.counts.each(lambda count: int(np.broadcast_to(count, 2)[1]))
            assert both == alone.counts.each(int)


def test_a_window_that_reads_nothing_but_padding_is_mapped():
    pooling = Layer(
        "pool", "max_pool", K=1, C=1, OY=1, OX=1, IY=2, IX=2, stride_y=3, stride_x=3, pad_top=1, pad_left=1
    )
    with mock.patch.object(tile_search, "FEW_TILES", 0):
        assert map_layer(pooling, machine()).totals.counts.read_bytes(DRAM) == 0


@given(compressed_layers(), machines(bits=ANY_BITS), st.sampled_from([1, 3]), st.data())
def test_no_tile_beats_the_relaxed_one_of_its_cuts(layer, hardware, batch, data):
    """What is not better than something with the relaxed partner is not with any."""
    dataflow = data.draw(st.sampled_from(dataflows_of(layer)))
    grid = Grids(finely=data.draw(st.booleans())).of(layer, granularity(dataflow, hardware))
    cuts = cuts_of([layer], [dataflow], [grid], hardware)
    space = cuts.crossed(np.arange(len(cuts.channel_owner)), np.arange(len(cuts.plane_owner)))
    relaxation = relaxed(cuts)
    assert {*space.channel_cut.tolist()} <= {*relaxation.channel_cuts.tolist()}
    assert {*space.plane_cut.tolist()} <= {*relaxation.plane_cuts.tolist()}
    bounds, relaxed_bounds = (
        at_least(beside_array(one, hardware, one.whole(batch)), hardware) for one in (space, relaxation.space)
    )
    of_channels = {int(cut): tile for tile, cut in enumerate(relaxation.channel_cuts)}
    of_plane = {int(cut): len(of_channels) + tile for tile, cut in enumerate(relaxation.plane_cuts)}
    for attribute in ("time_cycles", "energy"):
        bound, least = (getattr(one, attribute).reshape(-1, len(ORDERS)) for one in (bounds, relaxed_bounds))
        for tile, (channels, plane) in enumerate(zip(space.channel_cut, space.plane_cut, strict=True)):
            for relaxed_tile in (of_channels[int(channels)], of_plane[int(plane)]):
                assert np.all(least[relaxed_tile] <= bound[tile] * (1 + 1e-12))


def every_mapping(layer, hardware, dataflow, batch):
    """Every mapping of the finest sizes that fits the banks."""
    executed, images = as_executed(layer, batch)
    unit = Granularity() if dataflow == VECTOR else dataflow_of(dataflow).granularity(hardware)
    tiles = list(every_tile(executed, unit))
    assume(sum(steps_of(executed, images, tile) for tile in tiles) < 20_000)
    some = [
        mapped(layer, dataflow, hardware, order=order, batch=batch, **dataclasses.asdict(tile))
        for tile in tiles
        for order in ("pixels_outer", "filters_outer")
    ]
    return [mapping for mapping in some if fits(mapping, hardware)]


def every_tile(layer, unit):
    """Some of one group, or several whole groups; any part of the picture."""
    for y, x in itertools.product(
        tile_sizes(layer.OY, unit.y, finely=True), tile_sizes(layer.OX, unit.x, finely=True)
    ):
        for k, c in itertools.product(
            tile_sizes(layer.K, unit.k, finely=True), tile_sizes(layer.C, unit.c, finely=True)
        ):
            yield TileShape(1, 1, k, c, y, x, layer.FY, layer.FX)
        for g in range(2, layer.G + 1):
            if g in tile_sizes(layer.G, 1):
                yield TileShape(1, g, layer.K, layer.C, y, x, layer.FY, layer.FX)


def fits(mapping, hardware):
    """Whether no operand takes more than half its bank; shortcuts come beside inputs."""
    most = [
        max((step.loads | step.takes).get(operand, 0) for step in mapping.steps())
        for operand in (Operand.INPUTS, Operand.RESIDUAL, Operand.WEIGHTS, Operand.OUTPUTS)
    ]
    half = {bank: size // 2 for bank, size in bank_bytes(hardware).items()}
    return most[0] + most[1] <= half["inputs"] and most[2] <= half["weights"] and most[3] <= half["outputs"]


@given(array_layers(), machines(), st.integers(1, 3))
def test_to_force_a_dataflow_never_beats_the_choice_by_time(layer, hardware, batch):
    def chosen(dataflow):
        mapping = map_layer(layer, hardware, MappingOptions(batch=batch, dataflow=dataflow, objective="time"))
        return mapping.estimated_cycles

    try:
        assert chosen("auto") == min(map(chosen, dataflows_of(layer)))
    except MappingError:
        assume(False)


@given(layers(), machines(largest_buffer=256))
def test_the_buffer_that_an_error_asks_for_is_enough(layer, hardware):
    try:
        map_layer(layer, hardware)
    except MappingError as error:
        asked = int(re.search(r"global_buffer.size_bytes = (\d+) would", str(error)).group(1))
        assume(asked <= MAX_BUFFER_BYTES)
        assert map_layer(layer, vary(hardware, **{"global_buffer.size_bytes": asked})).totals.steps > 0
    else:
        assume(False)


@given(st.data())
def test_what_tiles_read_together_is_what_each_of_them_reads(data):
    """Padding may be wider than a tile or a window of the pooling, a window larger than the picture.

    Windows of some taps may start behind the first input.
    """
    outputs = data.draw(st.integers(1, 60))
    axis = Axis(
        outputs=outputs,
        inputs=data.draw(st.integers(1, 90)),
        reach=data.draw(st.integers(1, 11)),
        stride=data.draw(st.integers(1, 4)),
        pad=data.draw(st.integers(-8, 8)),
        pooled=data.draw(st.sampled_from([None, (outputs // 2 + 1, 3, 2, 1), (outputs // 2 + 7, 3, 2, 7)])),
    )
    size = data.draw(st.integers(1, outputs))
    each = []
    for start in range(0, outputs, size):
        end = min(start + size, outputs)
        first = min(max(start * axis.stride - axis.pad, 0), axis.inputs)
        last = min((end - 1) * axis.stride - axis.pad + axis.reach, axis.inputs)
        each.append(max(last - first, 0))
    assert axis.reads(size) == (max(each), sum(each), each[0])
    spans = axis.spans(size)
    assert [span.inputs for span in spans for _ in range(span.tiles)] == each
    assert sum(span.tiles * span.size for span in spans) == outputs
    assert sum(span.tiles * span.stored for span in spans) == (axis.pooled[0] if axis.pooled else outputs)


@given(st.integers(1, 5000), st.integers(1, 300))
def test_parts_of_a_pass_are_sizes_from_a_pass_down_to_one(extent, unit):
    parts = [size for size in tile_sizes(extent, unit) if size <= min(extent, unit)]
    assert parts[-1] == 1
    assert all(smaller < larger <= 2 * smaller for larger, smaller in itertools.pairwise(parts))


@given(st.integers(1, 5000), st.integers(1, 300), st.integers(1, 300))
def test_fine_sizes_are_the_same_whatever_the_array_is(extent, unit, other_unit):
    """Any number of tiles up to 16 is there, with the smallest tiles that it takes; smaller ones are near."""
    both = {*tile_sizes(extent, unit, finely=True)} & {*tile_sizes(extent, other_unit, finely=True)}
    assert both >= {-(-extent // tiles) for tiles in range(1, 17)}
    tiles_of = [-(-extent // size) for size in range(1, 9)]
    assert both >= {-(-extent // tiles) for tiles in tiles_of}
    small = sorted(size for size in both if size * 8 <= extent)
    assert all(larger - 1 <= smaller * 9 / 8 for smaller, larger in itertools.pairwise(small))


@pytest.mark.parametrize("pes", [32, 64])
def test_a_buffer_that_just_holds_a_whole_pass_is_not_slower_than_a_smaller_one(pes):
    """The first convolution of sqnxt23v5 by output stationary, whose passes are as large as the array."""
    reference, network = load_hardware("16x16_128k"), load_network("sqnxt23v5")
    square = {"pe_array.rows": pes, "pe_array.columns": pes}

    def cycles(size_kib):
        return run_network(
            network, vary(reference, **square, **{"global_buffer.size_bytes": size_kib * 1024})
        ).cycles

    smaller, larger = {32: (64, 96), 64: (256, 512)}[pes]
    assert cycles(larger) <= cycles(smaller)


@given(st.integers(1, 5000), st.integers(1, 300))
def test_tile_sizes_are_whole_passes_from_everything_down_to_one(extent, unit):
    sizes = [size for size in tile_sizes(extent, unit) if size >= min(extent, unit)]
    assert sizes[0] == extent
    assert sizes[-1] == min(extent, unit)
    assert all(size % unit == 0 for size in sizes[1:])
    passes = [-(-size // unit) for size in sizes]
    assert all(smaller <= larger <= 2 * smaller for larger, smaller in itertools.pairwise(passes))
