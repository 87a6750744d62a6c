"""Schedules are executed on integers; one that is broken is caught at the first access that differs."""

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
from machines import (
    DRAM,
    addition,
    conv,
    fully_connected,
    gated,
    machine,
    mapped,
    pool,
    schedule,
    with_activation,
    with_gate,
    with_global_pooling,
    with_pooling,
    with_shortcut,
)

from accelsim import load_hardware, load_network, verify
from accelsim.errors import AccelsimError
from accelsim.hardware import Access, Direction, Operand
from accelsim.mapping.mapping import Step
from accelsim.mapping.regions import Region, Visit, visits
from accelsim.mapping.tile import whole_image
from accelsim.run import plan_run
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.verification import sampling, words
from accelsim.verification.case import Case
from accelsim.verification.difference import Difference, Quantity
from accelsim.verification.layers import execute, verify_mapping
from accelsim.verification.mismatch import MismatchError
from accelsim.verification.order import order_mismatches
from accelsim.verification.passes import SHIPPED_PASSES
from accelsim.verification.schedules import verify_plan

INPUTS, WEIGHTS, OUTPUTS, RESIDUAL = Operand
SPARSE = machine(
    **{
        "pe_array.dataflows": tuple(SHIPPED_PASSES),  # those that are shipped later join
        "pe_array.output_stationary.weight_density": 0.6,
        "pe_array.rows": 4,
        "pe_array.columns": 4,
    }
)
WIDE = conv(6, 8, (9, 9), G=2, kernel=(3, 3), dilation=(2, 1), padding=(2, 2, 1, 1), bias=True)
"""Two groups, dilated rows, padding, offsets: tiles of it have halos, and sums that wait."""
STRIDED = conv(6, 4, (11, 11), kernel=(3, 3), stride=(2, 2), padding=(1, 1, 1, 1))


@dataclass
class Program:
    """A program that can be broken: its steps, and what each moves."""

    case: Case
    steps: list[Step]
    visits: list[Visit]

    @classmethod
    def of(cls, layer, dataflow="weight_stationary", *, hardware=SPARSE, batch=1, **tile):
        mapping = mapped(layer, dataflow, hardware, batch=batch, **tile)
        case = Case(layer, mapping, hardware, batch)
        return cls(case, list(mapping.steps()), list(visits(mapping, case.images)))

    def run(self):
        return execute(self.case, lambda: self.visits, self.steps)

    def step(self, number, **changes):
        self.steps[number] = replace(self.steps[number], **changes)

    def move(self, number, operand, **size_bytes):
        """Have other bytes of an operand moved, by the field that moves them."""
        step = self.steps[number]
        moves = {field: {**getattr(step, field), operand: size} for field, size in size_bytes.items()}
        self.step(number, **moves)

    def visit(self, number, **changes):
        self.visits[number] = self.visits[number]._replace(**changes)

    def drop(self, number):
        del self.steps[number], self.visits[number]

    def repeat(self, number):
        self.steps.insert(number, self.steps[number])
        self.visits.insert(number, self.visits[number])

    def load(self, number, tensor):
        return next(region for region in self.visits[number].loads if region.tensor == tensor)

    def reload(self, number, tensor, region):
        """Have another region loaded, and freed, in the place of one."""
        old = self.load(number, tensor)
        for field in ("loads", "frees", "frees_later"):
            regions = getattr(self.visits[number], field)
            self.visit(number, **{field: tuple(region if moved == old else moved for moved in regions)})

    def without(self, number, tensor):
        """Have a tensor neither loaded nor freed."""
        for field in ("loads", "frees", "frees_later"):
            regions = getattr(self.visits[number], field)
            self.visit(number, **{field: tuple(moved for moved in regions if moved.tensor != tensor)})


def caught(program):
    with pytest.raises(MismatchError) as mismatch:
        program.run()
    return str(mismatch.value)


def cut_wide(dataflow="weight_stationary", **options):
    """WIDE in parts along every direction; input channels in two."""
    return Program.of(with_shortcut(WIDE), dataflow, g=1, k=3, c=4, y=4, x=5, **options)


def moved_by(region, axis, elements=1):
    """A region so many elements further along an axis."""
    ranges = list(region.ranges)
    ranges[axis] = (ranges[axis][0] + elements, ranges[axis][1] + elements)
    return Region(region.tensor, tuple(ranges))


def shorter(region, axis):
    """A region without its last element along an axis."""
    ranges = list(region.ranges)
    ranges[axis] = (ranges[axis][0], ranges[axis][1] - 1)
    return Region(region.tensor, tuple(ranges))


# --- what is right passes


@pytest.mark.parametrize("dataflow", sorted(SHIPPED_PASSES))
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    "layer",
    [
        WIDE,
        STRIDED,
        with_pooling(with_activation(STRIDED), 3, 2),
        with_pooling(WIDE, 3, 2, ceil=True),
        with_global_pooling(with_shortcut(STRIDED)),
        with_gate(WIDE),
        with_shortcut(conv(10, 12, (5, 5), bias=True)),
        with_gate(conv(10, 12, (5, 5))),
        conv(1, 1, (7, 7), G=9, kernel=(3, 3), padding=(1, 1, 1, 1)),
        fully_connected(30, 70, bias=True),
    ],
)
def test_whatever_the_array_can_run_executes_to_the_layers_own_outputs(layer, dataflow, batch):
    for tile in ({}, {"c": -(-layer.C // 2), "k": -(-layer.K // 3), "g": 1}):
        mapping = mapped(layer, dataflow, SPARSE, batch=batch, order="filters_outer", **tile)
        walked, everything = verify_mapping(layer, mapping, SPARSE, batch=batch)
        assert everything
        assert walked.products == batch * layer.macs


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    "layer",
    [
        pool(5, (7, 7), (3, 3), (2, 2), 1),
        pool(4, (6, 5), (6, 5), (6, 5)),
        addition(6, (4, 4), operands=3),
        gated(6, (4, 4)),
        replace(addition(6, (4, 4)), operator="channel_shuffle", operands=1),
    ],
)
def test_layers_of_the_vector_unit_do_too(layer, batch):
    for tile in ({}, {"g": 2}):
        verify_mapping(layer, mapped(layer, "vector", SPARSE, batch=batch, **tile), SPARSE, batch=batch)


CUTS = (
    {"fy": 1},
    {"fx": 2, "fy": 2, "c": 2},
    {"n": 2},
    {"n": 2, "fy": 1, "k": 2, "y": 3, "g": 1},
    {"n": 3, "fx": 1, "x": 2},
)
"""Several images in a tile, of three a last one with fewer; kernels in rows, in columns and in both."""


@pytest.mark.parametrize("dataflow", sorted(SHIPPED_PASSES))
@pytest.mark.parametrize("order", ["pixels_outer", "filters_outer"])
@pytest.mark.parametrize(
    "layer",
    [
        WIDE,
        with_shortcut(WIDE),
        conv(4, 4, (11, 8), kernel=(5, 1), stride=(2, 1), padding=(2, 2, 0, 0), bias=True),
        conv(4, 4, (12, 12), kernel=(3, 3), stride=(2, 3), dilation=(2, 3), padding=(1, 2, 3, 0)),
        conv(1, 1, (7, 7), G=9, kernel=(3, 3), padding=(1, 1, 1, 1)),
        with_pooling(with_activation(STRIDED), 3, 2),
        with_global_pooling(with_gate(STRIDED)),
        replace(STRIDED, weight_density=0.4, weight_bits=5, activation_bits=3),
    ],
)
def test_tiles_with_some_of_the_taps_or_several_images_execute_to_the_layers_own_outputs(
    layer, order, dataflow
):
    extents = replace(whole_image(layer), n=3)
    for cut in CUTS:
        tile = {letters: min(size, getattr(extents, letters)) for letters, size in cut.items()}
        mapping = mapped(layer, dataflow, SPARSE, batch=3, order=order, **tile)
        walked, everything = verify_mapping(layer, mapping, SPARSE, batch=3)
        assert everything
        assert walked.products == 3 * layer.macs
        one_layer = schedule(mapping)
        observed = simulate_fast(one_layer, SPARSE)
        assert observed == simulate_events(one_layer, SPARSE)
        assert observed.counts == mapping.totals.counts


@pytest.mark.parametrize("cut", [{"fy": 1}, {"n": 2, "fx": 2}, {"n": 2, "g": 2}])
@pytest.mark.parametrize(
    "layer",
    [
        pool(5, (7, 7), (3, 3), (2, 2), 1),
        replace(pool(5, (7, 7), (3, 3), (2, 2), 1), operator="average_pool"),
        pool(4, (6, 5), (4, 5), (6, 5)),
        gated(6, (4, 4)),
    ],
)
def test_so_do_those_of_the_vector_unit(layer, cut):
    tile = {letters: min(size, getattr(layer, letters.upper(), size)) for letters, size in cut.items()}
    mapping = mapped(layer, "vector", SPARSE, batch=3, **tile)
    verify_mapping(layer, mapping, SPARSE, batch=3)


def test_a_pooling_that_sticks_out_of_the_whole_picture_reads_what_is_under_its_window():
    layer = pool(2, (3, 3), (3, 3), (3, 3), 1)
    mapping = mapped(layer, "vector", SPARSE)
    assert mapping.totals.counts.read_bytes(DRAM) == 2 * 2 * 2 * 2
    verify_mapping(layer, mapping, SPARSE)


def test_images_are_no_rows_of_a_picture_that_is_padded_below():
    layer = conv(4, 4, (5, 5), padding=(0, 1, 0, 0))
    mapping = mapped(layer, "weight_stationary", SPARSE, batch=2)
    assert mapping.layer == layer
    verify_mapping(layer, mapping, SPARSE, batch=2)


def test_traffic_is_counted_by_memory_and_operand():
    layer = conv(8, 4, (4, 4))
    mapping = mapped(layer, "weight_stationary", SPARSE)
    walked, _ = verify_mapping(layer, mapping, SPARSE)
    traffic = walked.traffic.to_dict()
    assert traffic["dram"] == {
        "read": {"inputs": 4 * 16 * 2, "weights": 8 * 4 * 2},
        "written": {"outputs": 8 * 16 * 2},
    }
    assert traffic["global_buffer"] == {
        "read": {
            "inputs": 2 * 4 * 16 * 2,
            "weights": 8 * 4 * 2,
        },  # the inputs once for each fold of the filters
        "written": {"outputs": 8 * 16 * 2},
    }
    assert traffic["register_file"]["written"] == {"outputs": 8 * 16, "weights": 8 * 4}


def test_a_large_layer_has_first_last_edge_and_drawn_tiles_computed_and_all_steps_walked(monkeypatch):
    monkeypatch.setattr(sampling, "MOST_PRODUCTS", 1000)
    monkeypatch.setattr(sampling, "DRAWN_TILES", 3)
    layer = conv(6, 4, (30, 30), kernel=(3, 3), padding=(1, 1, 1, 1))
    program = Program.of(layer, k=3, c=2, y=2, x=2)
    walked, everything = program.run()
    assert not everything
    assert walked.steps == 15 * 15 * 2 * 2
    assert 18 * 12 * 9 * 4 <= walked.products <= 21 * 12 * 9 * 4 < layer.macs
    program.drop(201)
    assert "leaves outputs N 0, G 0, K 0-2, OY 6-7, OX 10-11 incomplete" in caught(program)


def test_of_a_large_pooled_layer_so_are_the_tiles_under_the_windows_that_are_compared(monkeypatch):
    monkeypatch.setattr(sampling, "MOST_PRODUCTS", 1000)
    monkeypatch.setattr(sampling, "DRAWN_TILES", 1)
    layer = with_pooling(conv(4, 4, (31, 31), kernel=(3, 3), padding=(1, 1, 1, 1)), 3, 2)
    program = Program.of(layer, k=2, y=4, x=4)
    walked, _ = program.run()
    assert walked.products < layer.macs
    monkeypatch.setattr(
        "accelsim.verification.coverage._reduced", lambda values, *_: np.zeros((1,) * values.ndim)
    )
    assert "computed directly" in caught(program)


# --- what is broken is caught, and the first access that differs is named


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, r"step 0 \(.*C4:8.*\): adds to partial sums of outputs N 0, G 0, K 0-2"),
        (1, "leaves outputs N 0, G 0, K 0-2, OY 0-3, OX 0-4 incomplete"),
        (-1, "leaves outputs N 0, G 1, K 3-5, OY 8, OX 5-8 incomplete"),
    ],
)
def test_a_step_that_is_dropped(number, words):
    program = cut_wide()
    program.drop(number)
    with pytest.raises(MismatchError, match=words):
        program.run()


def test_a_tile_that_is_dropped():
    program = Program.of(WIDE, y=3)
    program.drop(1)
    assert "leaves" in caught(program) or "never stores results N 0, G 0, K 0, OY 3, OX 0" in caught(program)


def test_a_step_that_is_repeated():
    program = cut_wide()
    program.repeat(1)
    assert "step 2" in caught(program)


def test_products_that_are_added_twice():
    program = Program.of(WIDE, c=4, g=1)
    program.visit(
        1, tile=program.visits[0].tile, loads=program.visits[0].loads[:1] + program.visits[0].loads[2:]
    )
    assert "adds input channels 0-3 to outputs N 0, G 0, K 0-5, OY 0-8, OX 0-8 once more" in caught(program)


def test_taps_that_are_added_twice():
    program = Program.of(conv(6, 8, (11, 11), kernel=(3, 3), bias=True), fy=1)
    program.visit(1, tile=program.visits[0].tile, loads=program.visits[0].loads[::2])
    assert re.search(
        r"^step 1 \(.* FY0:1\): adds input channels 0-7, taps 0, 0-2, to outputs N 0, .* once more$",
        caught(program),
    )


@pytest.mark.parametrize(
    ("dropped", "lacking"),
    [
        ([1], "tap 1, 0 of input channel 0"),
        ([3], "tap 0, 0 of input channel 2"),
        ([3, 4, 5], "input channels 2-3"),
        ([1, 3, 4, 5], "tap 1, 0 of input channel 0"),
    ],
)
def test_taps_that_are_left_out(dropped, lacking):
    """Two input channels after the other, and of each two the three rows of the kernel."""
    program = Program.of(WIDE, c=2, fy=1)
    for number in reversed(dropped):
        program.drop(number)
    assert caught(program).endswith(f"without {lacking}")


def test_weights_of_another_tap():
    program = Program.of(WIDE, fy=1)
    program.reload(0, "weights", moved_by(program.load(0, "weights"), axis=3))
    assert "reads weights at FY 0, which is not in the buffer; it holds weights G 0-1" in caught(program)


def test_inputs_of_another_tap():
    program = Program.of(STRIDED, fy=2, fx=1)
    program.reload(1, "inputs", program.load(0, "inputs"))
    assert "bytes of inputs that are loaded" in caught(program)
    program = Program.of(conv(6, 4, (11, 11), kernel=(3, 3)), fy=1)
    program.reload(1, "inputs", program.load(0, "inputs"))
    assert "reads inputs at IY 9, which is not in the buffer" in caught(program)


@pytest.mark.parametrize(
    ("tensor", "words"), [("inputs", "reads inputs at N 1"), ("residual", "reads residual at N 1")]
)
def test_an_image_of_a_tile_that_does_not_come(tensor, words):
    program = Program.of(with_shortcut(STRIDED), batch=3, n=2)
    program.reload(0, tensor, shorter(program.load(0, tensor), 0))
    operand = Operand(tensor)
    size = program.steps[0].loads[operand] // 2
    freed = "freed_by_array" if operand is INPUTS else "freed_by_vector_unit"
    program.move(0, operand, **{"loads": size, freed: size})
    assert words in caught(program)


def test_an_image_of_a_tile_that_is_not_stored():
    program = Program.of(STRIDED, batch=3, n=2)
    program.visit(0, stores=shorter(program.visits[0].stores, 0))
    size = program.steps[0].stores[OUTPUTS] // 2
    program.move(0, OUTPUTS, stores=size)
    assert "stores results N 0" in caught(program)


def test_pooling_windows_of_other_images():
    program = Program.of(with_pooling(STRIDED, 3, 2), batch=3, n=2)
    program.visit(0, stores=shorter(program.visits[0].stores, 0))
    program.move(0, OUTPUTS, stores=program.steps[0].stores[OUTPUTS] // 2)
    assert "which are of other images than the outputs are" in caught(program)


def test_partial_sums_that_are_not_added_to():
    program = cut_wide()
    program.visit(1, resumes=False)
    assert "anew while their partial sums are in the buffer" in caught(program)


@pytest.mark.parametrize(("axis", "name", "row"), [(4, "IY", 5), (5, "IX", 5)])
def test_a_halo_that_is_short_by_a_row_or_a_column(axis, name, row):
    program = cut_wide()
    halo = program.load(0, "inputs")
    program.reload(0, "inputs", shorter(halo, axis))
    size = 2 * np.prod([end - start for start, end in shorter(halo, axis).ranges])
    program.move(0, INPUTS, loads=int(size), freed_by_array=int(size))
    assert f"reads inputs at {name} {row}, which is not in the buffer" in caught(program)


def test_inputs_that_come_from_a_row_further_down():
    program = cut_wide()
    program.reload(0, "inputs", moved_by(program.load(0, "inputs"), axis=4))
    assert "reads inputs at IY 0" in caught(program)


def test_weights_of_another_group():
    program = cut_wide()
    program.reload(0, "weights", moved_by(program.load(0, "weights"), axis=0))
    assert "reads weights at G 0, which is not in the buffer; it holds weights G 1" in caught(program)


def test_weights_of_two_tiles_that_are_swapped():
    program = cut_wide()
    first, second = program.load(0, "weights"), program.load(1, "weights")
    program.reload(0, "weights", second)
    program.reload(1, "weights", first)
    assert "reads weights at C 0" in caught(program)


def test_offsets_that_are_left_out():
    program = Program.of(WIDE)
    program.without(0, "offsets")
    size = program.steps[0].loads[WEIGHTS] - 2 * 12
    program.move(0, WEIGHTS, loads=size, freed_by_array=size)
    assert "reads offsets at G 0, which is not in the buffer; it holds none" in caught(program)


def test_weights_that_are_freed_while_the_next_tile_needs_them():
    program = Program.of(STRIDED, y=2)  # the weights stay from the first tile to the last
    size, last = program.steps[0].loads[WEIGHTS], len(program.steps) - 1
    program.visit(1, frees=(program.load(0, "weights"), *program.visits[1].frees))
    program.move(1, WEIGHTS, freed_by_array=size)
    program.without(last, "weights")
    program.move(last, WEIGHTS, freed_by_array=0)
    assert caught(program).startswith("step 2 ")
    assert "reads weights at G 0, which is not in the buffer" in caught(program)


def test_a_residual_that_is_read_before_it_is_there():
    program = Program.of(with_shortcut(STRIDED), y=3)
    early, late = program.steps[0].loads[RESIDUAL], program.steps[1].loads[RESIDUAL]
    program.visit(1, loads=(program.load(0, "residual"), *program.visits[1].loads))
    program.without(0, "residual")
    program.move(0, RESIDUAL, loads=0, freed_by_vector_unit=0)
    program.move(1, RESIDUAL, loads=early + late)
    assert caught(program).startswith("step 0 ")
    assert "reads residual at N 0, which is not in the buffer; it holds none" in caught(program)


def test_a_factor_that_is_left_out():
    program = Program.of(gated(6, (4, 4)), "vector", g=3)
    program.without(1, "factors")
    size = program.steps[1].loads[INPUTS] - 3 * 2
    program.move(1, INPUTS, loads=size, freed_by_vector_unit=size)
    assert "reads factors at N 0" in caught(program)


@pytest.mark.parametrize(
    ("field", "operand", "words"),
    [
        ("loads", WEIGHTS, "bytes of weights that are loaded"),
        ("loads", INPUTS, "bytes of inputs that are loaded"),
        ("loads", RESIDUAL, "bytes of residual that are loaded"),
        ("takes", OUTPUTS, "bytes that are taken for outputs"),
        ("freed_by_array", WEIGHTS, "bytes of weights that are freed"),
        ("freed_by_array", INPUTS, "bytes of inputs that are freed"),
        ("freed_by_vector_unit", RESIDUAL, "bytes that the vector unit frees"),
        ("freed_by_store", OUTPUTS, "bytes of outputs that are freed"),
        ("stores", OUTPUTS, "bytes that are stored"),
    ],
)
def test_bytes_of_a_step_that_are_wrong_by_one(field, operand, words):
    program = Program.of(with_shortcut(WIDE), g=1)
    right = getattr(program.steps[1], field)[operand]
    program.move(1, operand, **{field: right + 1})
    assert caught(program) == off_by_one(words, right)


@pytest.mark.parametrize(
    ("field", "words"), [("array_cycles", "array cycles"), ("vector_cycles", "vector cycles")]
)
def test_cycles_of_a_step_that_are_wrong_by_one(field, words):
    program = Program.of(with_shortcut(WIDE), g=1)
    right = getattr(program.steps[1], field)
    program.step(1, **{field: right + 1})
    assert caught(program) == off_by_one(words, right)


def off_by_one(words, right):
    return (
        f"step 1 (N0:1 G1:2 K0:6 C0:8 Y0:9 X0:9): {words}: "
        f"the schedule says {right + 1}, executing it gives {right}"
    )


READ_WEIGHTS = Access("global_buffer", WEIGHTS, Direction.READ)
READ_RESIDUAL = Access("global_buffer", RESIDUAL, Direction.READ)
WRITTEN_OUTPUTS = Access("global_buffer", OUTPUTS, Direction.WRITE)


def changed(counts, count, by):
    """Counts of which one is another: that of a name, or of a kind of access."""
    if isinstance(count, Access):
        return replace(counts, accesses={**counts.accesses, count: counts.accesses[count] + by})
    return replace(counts, **{count: getattr(counts, count) + by})


@pytest.mark.parametrize("dataflow", sorted(SHIPPED_PASSES))
@pytest.mark.parametrize(
    ("count", "words"),
    [
        ("macs", "macs of the array"),
        ("register_file_bytes", "register file bytes of the array"),
        ("inter_pe_bytes", "inter pe bytes of the array"),
        (READ_WEIGHTS, "bytes of weights that the array reads from the global buffer"),
    ],
)
def test_a_count_of_the_array_that_is_off_by_one(count, words, dataflow):
    program = cut_wide(dataflow)
    program.step(3, array_counts=changed(program.steps[3].array_counts, count, -1))
    assert f"{words}: the schedule says" in caught(program)
    assert caught(program).startswith("step 3 ")


@pytest.mark.parametrize(
    ("count", "words"),
    [
        ("vector_ops", "vector ops of the vector unit"),
        (READ_RESIDUAL, "bytes of residual that the vector unit reads from the global buffer"),
        (WRITTEN_OUTPUTS, "bytes of outputs that the vector unit writes to the global buffer"),
    ],
)
def test_a_count_of_the_vector_unit_that_is_off_by_one(count, words):
    program = cut_wide()
    program.step(1, vector_counts=changed(program.steps[1].vector_counts, count, 1))
    assert words in caught(program)


def test_a_store_that_is_dropped():
    program = Program.of(WIDE, y=3)
    program.visit(1, stores=None)
    assert "completes outputs and stores nothing of them" in caught(program)


def test_results_that_are_stored_in_the_place_of_others():
    program = Program.of(WIDE, y=3)
    program.visit(1, stores=program.visits[0].stores)
    assert "stores results N 0, G 0-1, K 0-5, OY 0-2" in caught(program)


def test_outputs_that_are_stored_before_all_input_channels_are_added():
    program = cut_wide()
    program.visit(0, completes=True, stores=program.visits[1].stores)
    assert "step 0" in caught(program)


def test_a_pooling_window_that_is_cut():
    program = Program.of(with_pooling(STRIDED, 3, 2), y=3)
    first, second = program.visits[0].stores, program.visits[1].stores
    assert first.ranges[3:] == ((0, 1), (0, 2))
    program.visit(0, stores=Region("results", (*first.ranges[:3], (0, 2), (0, 2))))
    program.visit(1, stores=Region("results", (*second.ranges[:3], (2, 2), (0, 2))))
    sizes = (2 * 6 * 4, 0)
    for number, size in enumerate(sizes):
        program.move(number, OUTPUTS, stores=size)
    assert "stores results N 0, G 0, K 0, OY 1, OX 0 before its window is complete" in caught(program)


def test_room_that_does_not_hold_the_unfinished_windows(monkeypatch):
    program = Program.of(with_pooling(STRIDED, 3, 2), y=3)
    monkeypatch.setattr("accelsim.verification.counting.Counting.window_room", lambda *_: 1)
    for number, step in enumerate(program.steps):
        size = step.takes[OUTPUTS] - 2 * 6 * 2 + 1
        program.move(number, OUTPUTS, takes=size, freed_by_store=size)
    assert "bytes of unfinished pooling windows, but has taken room for 1" in caught(program)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stride_y": 1}, "bytes of inputs|IY"),
        ({"dilation_y": 1, "FY": 3}, "bytes of inputs|reads inputs at IY"),
        ({"pad_top": 0}, "bytes of inputs|reads inputs at IY"),
        ({"pad_left": 0}, "bytes of inputs|reads inputs at IX"),
        ({"FX": 2}, "bytes of weights"),
    ],
)
def test_regions_of_a_layer_of_another_stride_dilation_or_padding(changes, words):
    layer = conv(4, 4, (13, 13), kernel=(3, 3), stride=(2, 1), dilation=(2, 1), padding=(2, 2, 1, 1))
    program = Program.of(layer, y=2, x=5)
    wrong = replace(program.case.mapping, layer=replace(layer, **changes))
    program.visits = list(visits(wrong, 1))
    with pytest.raises(MismatchError, match=words):
        program.run()


@pytest.mark.parametrize("bound", ["stride_y", "dilation_x", "pad_left", "K", "C", "G", "FX", "operands"])
def test_a_mapping_of_another_layer(bound):
    mapping = mapped(WIDE, "weight_stationary", SPARSE)
    other = replace(mapping, layer=replace(WIDE, **{bound: getattr(WIDE, bound) + 1}))
    with pytest.raises(MismatchError, match="mapped as"):
        verify_mapping(WIDE, other, SPARSE)


def test_an_image_of_a_batch_that_is_repeated():
    program = Program.of(WIDE, batch=2)
    tile = program.visits[1].tile._replace(n=(0, 1))
    program.visit(1, tile=tile)
    assert "reads inputs at N 0, which is not in the buffer; it holds inputs N 1" in caught(program)
    program = Program.of(WIDE, batch=2)
    program.visits[1] = program.visits[0]._replace(
        loads=program.visits[1].loads, frees=program.visits[1].frees
    )
    assert "reads inputs at N 0" in caught(program)


def test_two_steps_that_are_swapped():
    program = cut_wide()
    for moved in (program.steps, program.visits):
        moved[0], moved[1] = moved[1], moved[0]
    assert "which are not in the buffer" in caught(program)


def test_tiles_that_find_no_room():
    layer = with_shortcut(STRIDED)
    program = Program.of(layer, y=2)
    small = machine(**{"pe_array.rows": 4, "pe_array.columns": 4, "global_buffer.size_bytes": 2048})
    program.case = Case(layer, program.case.mapping, small, 1)
    assert "bytes of the bank of inputs together with what is there; it has 512" in caught(program)


def test_a_region_that_reaches_out_of_its_tensor():
    program = Program.of(WIDE)
    whole = program.load(0, "inputs")
    program.reload(0, "inputs", Region("inputs", (*whole.ranges[:4], (0, 10), whole.ranges[5])))
    size = program.steps[0].loads[INPUTS] // 9 * 10
    program.move(0, INPUTS, loads=size)
    assert "loads inputs IY 0 to 9, but there are only 0 to 8" in caught(program)


def test_something_that_is_left_in_the_buffer():
    program = Program.of(WIDE)
    program.without(0, "weights")
    program.visit(0, loads=(*program.visits[0].loads, *Program.of(WIDE).visits[0].loads[:1]))
    program.move(0, WEIGHTS, freed_by_array=24)
    assert "leaves weights" in caught(program)


def test_a_total_that_is_not_the_sum_of_the_steps():
    program = Program.of(WIDE, y=3)
    mapping = program.case.mapping
    totals = replace(
        mapping.totals, counts=replace(mapping.totals.counts, macs=mapping.totals.counts.macs + 1)
    )
    program.case = Case(WIDE, replace(mapping, totals=totals), SPARSE, 1)
    assert "macs of the program: the schedule says" in caught(program)


def test_fewer_steps_than_tiles_and_more():
    program = Program.of(WIDE, y=3)
    program.steps.pop()
    assert "has no step for the tiles behind its last one" in caught(program)
    program = Program.of(WIDE, y=3)
    program.visits.pop()
    assert "has a step 2, but no tile is left for it" in caught(program)


@pytest.mark.parametrize("dataflow", sorted(SHIPPED_PASSES))
def test_an_array_that_computes_something_else(dataflow, monkeypatch):
    right = SHIPPED_PASSES[dataflow]

    def without_the_last_tap(sums, weights, patches, array):
        right.accumulate(sums, weights[..., :-1], patches[..., :-1, :, :], array)

    wrong = {dataflow: replace(right, accumulate=without_the_last_tap)}
    program = cut_wide(dataflow)
    monkeypatch.setattr("accelsim.verification.arithmetic.passes_of", wrong.get)
    assert "step 1" in caught(program)
    assert re.search(r"outputs N 0, G 0, K 0, OY 0, OX \d is -?\d+, computed directly -?\d+", caught(program))


def test_every_kind_of_mismatch_has_its_sentence():
    assert set(words._SENTENCES) == set(Difference)
    assert set(words._QUANTITIES) == set(Quantity)


# --- whole networks


def in_words(mismatches):
    return {name: str(mismatch) for name, mismatch in mismatches.items()}


@pytest.fixture(scope="module")
def plan():
    return plan_run(load_network("sqnxt23v5"), load_hardware("16x16_128k"))


def test_each_layer_waits_for_those_that_it_reads(plan):
    assert order_mismatches(plan.lowered.graph, plan.schedule) == {}


def test_a_residual_that_is_not_waited_for(plan):
    index = next(index for index, layer in enumerate(plan.schedule.layers) if layer.residual_elements)
    name = plan.schedule.layers[index].name
    waits_for = list(plan.schedule.waits_for)
    producer = plan.schedule.layers[waits_for[index][0]].name
    waits_for[index] = waits_for[index][1:]
    schedule = replace(plan.schedule, waits_for=tuple(waits_for))
    sentence = f"reads the outputs of {producer}, but does not wait for it"
    assert in_words(order_mismatches(plan.lowered.graph, schedule)) == {name: sentence}
    verified = verify_plan(replace(plan, schedule=schedule), layers=[name])
    assert in_words(verified.mismatches) == {name: sentence}
    assert not verified.proven


def test_layers_that_run_in_another_order(plan):
    schedule = plan.schedule
    layers = (schedule.layers[1], schedule.layers[0], *schedule.layers[2:])
    wrong = in_words(order_mismatches(plan.lowered.graph, replace(schedule, layers=layers)))
    assert wrong[schedule.layers[0].name] == f"is scheduled where {schedule.layers[1].name} should be"


def test_a_network_is_proven_layer_by_layer_and_layers_of_one_form_once():
    verified = verify(load_network("sqnxt23v5"), load_hardware("16x16_128k"), layers=["stage2.block[345].*"])
    assert verified.proven
    first, *others = verified.layers
    assert first.like is None
    assert first.extent == "all"
    assert first.computed_macs == first.macs
    assert first.name in {layer.like for layer in others}
    assert verified.to_dict()["proven"] is True


def test_a_pattern_that_matches_nothing_is_an_error():
    with pytest.raises(AccelsimError, match="--layers 'conv99': matches none of the"):
        verify(load_network("sqnxt23v5"), load_hardware("16x16_128k"), layers=["conv99"])


def test_a_dataflow_whose_passes_nobody_wrote_down_is_an_error(plan, monkeypatch):
    monkeypatch.setattr("accelsim.verification.passes.SHIPPED_PASSES", {})
    with pytest.raises(AccelsimError, match=r"cannot be verified: .* by the entry point accelsim\.passes$"):
        verify_plan(plan)
