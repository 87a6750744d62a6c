"""Stripes, windows and times of cascades, worked out by hand."""

from dataclasses import replace

import pytest
from cascades import small, striped_machine, two_kernels, with_cascades

from accelsim.descriptions import vary
from accelsim.hardware import Operand, Precision
from accelsim.mapping.pinned import pinned_bytes
from accelsim.mapping.stripes import Cascade
from accelsim.network.layer import FusedOperator, Layer, Pooling
from accelsim.planning.cascades.cascade import NoCascade, may_cascade, stripes
from accelsim.planning.tensors import LayerUse, NetworkTensors, Tensor
from accelsim.run import run_plan
from accelsim.simulation import simulate
from accelsim.verification.schedules import verify_plan


def chain(*layers, residuals=None, operands=None):
    """Tensors of layers one behind the other; residuals and other operands by the steps that read them."""
    residuals, operands = residuals or {}, operands or {}
    sizes = [layers[0].input_elements, *(layer.stored_elements for layer in layers)]
    tensors = [Tensor(f"t{n}", size, is_image=n == 0) for n, size in enumerate(sizes)]
    tensors[-1] = tensors[-1]._replace(is_result=True)
    uses = [LayerUse((*operands.get(n, ()), n), residuals.get(n, ()), n + 1) for n in range(len(layers))]
    return layers, NetworkTensors(tuple(tensors), tuple(uses))


def rows(found, step, what):
    return [tuple(getattr(entry, what)) for entry in found.entries if entry.step == step]


def of(layers, network, stripe_rows, **arguments):
    cascade = Cascade(0, len(layers), stripe_rows, **arguments)
    return stripes(layers, network, cascade, Precision(activations_bits=8))


KERNEL_3 = Layer("a", "conv", K=4, C=2, OY=8, OX=5, FY=3, FX=3, IY=8, IX=5, pad_top=1, pad_left=1)
STRIDE_2 = replace(KERNEL_3, name="b", C=4, OY=4, OX=3, stride_y=2, stride_x=2)


def test_two_kernels_of_3_the_second_with_stride_2():
    """Row r of b reads rows 2r - 1 to 2r + 1 of a, of which the first lies in the padding for r = 0; so a
    computes two rows in each stripe, of which it reads one more above and below.
    """
    found = of(*chain(KERNEL_3, STRIDE_2), stripe_rows=1)
    assert rows(found, 1, "outputs") == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert rows(found, 1, "inputs") == [(0, 2), (1, 4), (3, 6), (5, 8)]
    assert rows(found, 0, "outputs") == [(0, 2), (2, 4), (4, 6), (6, 8)]
    assert rows(found, 0, "inputs") == [(0, 3), (1, 5), (3, 7), (5, 8)]
    (window,) = found.windows  # row 1 is still to be read when rows 2 and 3 are written
    assert (window.rows, window.row_bytes) == (3, 5 * 4)
    assert [(entry.layer.pad_top, entry.layer.IY) for entry in found.entries if entry.step == 0] == [
        (1, 3),
        (0, 4),
        (0, 4),
        (0, 3),
    ]


def test_a_pooling_that_overlaps_is_begun_in_one_stripe_and_finished_in_the_next():
    """Windows of 3 rows, 2 apart, over 8 rows: result r is of rows 2r to 2r + 2, and row 7 is of none."""
    pooled = replace(KERNEL_3, pooling=Pooling("pool", "max_pool", 3, 2, 3, 3, 2, 2))
    found = of(*chain(pooled), stripe_rows=1)
    assert rows(found, 0, "outputs") == [(0, 3), (3, 5), (5, 8)]
    assert rows(found, 0, "stored") == [(0, 1), (1, 2), (2, 3)]
    assert [entry.layer.pooling.pad_top for entry in found.entries] == [0, 1, 1]  # rows that were seen before
    (unfinished,) = found.unfinished
    assert unfinished.size_bytes == 4 * 2  # a row of results


def test_a_residual_lags_behind_what_reads_the_same_rows_as_its_input():
    """x, then 1 x 1, 3 x 3 and 1 x 1, which adds x. In stripes of a row: for row r of the sum the 3 x 3 reads
    rows r - 1 to r + 1, so row r + 1 of x is written while row r is still to be added, but not to be read.
    """
    x = replace(KERNEL_3, name="x", FY=1, FX=1, pad_top=0, pad_left=0)
    expand = replace(x, name="expand", K=6, C=4)
    depthwise = replace(KERNEL_3, name="depthwise", G=6, K=1, C=1)
    project = replace(x, name="project", K=4, C=6)
    adding = replace(project, fused=(FusedOperator("add", "add", 160, 160),))
    without = of(*chain(x, expand, depthwise, project), stripe_rows=1)
    lagging = of(*chain(x, expand, depthwise, adding, residuals={3: (1,)}), stripe_rows=1)
    assert rows(lagging, 0, "outputs") == [(0, 2), *((row, row + 1) for row in range(2, 8))]
    assert rows(lagging, 3, "outputs") == [(row, row + 1) for row in range(8)]
    assert [entry.layer.residual_elements for entry in lagging.entries if entry.step == 3] == [20] * 8
    # Rows r and r + 1 of x then, as many as in the first stripe, which fills the halo: no more than without.
    assert [window.rows for window in without.windows] == [2, 3, 1]
    assert [window.rows for window in lagging.windows] == [2, 3, 1]
    read_for_the_last_time = [entry.outputs.first for entry in lagging.entries if entry.step == 3]
    written = [entry.stored.behind for entry in lagging.entries if entry.step == 0]
    assert [end - row for end, row in zip(written, read_for_the_last_time, strict=False)] == [2] * 7


def adding(layer):
    """With a residual of all its outputs."""
    elements = layer.output_elements
    return replace(layer, fused=(FusedOperator("add", "add", elements, elements),))


def test_a_residual_around_a_single_layer_lags_behind_by_the_rows_below():
    """x, then 3 x 3 dilated by 2, which adds x: row r of the sum is of rows r - 2 to r + 2 of x. Those above
    are needed longest, so the row that is added, between them, takes no room of its own.
    """
    x = replace(KERNEL_3, name="x")
    dilated = replace(x, name="dilated", C=4, dilation_y=2, pad_top=2)
    for layers, residuals in (((x, dilated), {}), ((x, adding(dilated)), {1: (1,)})):
        found = of(*chain(*layers, residuals=residuals), stripe_rows=1)
        assert may_cascade(*chain(*layers, residuals=residuals), 0, 2) is None
        assert rows(found, 0, "outputs") == [(0, 3), *((row, row + 1) for row in range(3, 8))]
        assert [window.rows for window in found.windows] == [5]


def test_two_residuals_in_a_row_each_around_a_single_layer():
    """x, a = x + 3 x 3 of x, b = a + 3 x 3 of a: x is two rows ahead of b, a one; of each 3 are in use."""
    x, single = replace(KERNEL_3, name="x"), adding(replace(KERNEL_3, name="a", C=4))
    found = of(*chain(x, single, replace(single, name="b"), residuals={1: (1,), 2: (2,)}), stripe_rows=1)
    assert rows(found, 0, "outputs") == [(0, 3), *((row, row + 1) for row in range(3, 8))]
    assert [window.rows for window in found.windows] == [3, 3]


def test_a_residual_of_what_a_cascade_reads_takes_no_rows():
    """The image, and a = image + 3 x 3 of it: the image is no tensor inside."""
    single = adding(replace(KERNEL_3, C=4))
    network = chain(single, replace(STRIDE_2, C=4), residuals={0: (0,)})
    assert may_cascade(*network, 0, 2) is None
    assert [window.tensor for window in of(*network, stripe_rows=1).windows] == [1]


ADD = Layer("sum", "add", G=4, K=1, C=1, OY=8, OX=5, IY=8, IX=5, operands=2, vector_ops=160)


def test_an_operand_lags_as_a_residual_does_and_one_from_outside_has_no_window():
    """x, then 3 x 3 three times, and the sum of that with x, or with the image: for row r of the sum x is
    written to row r + 3. Rows r to r + 3 are as many as the first stripe writes, which fills the halos.
    """
    x = replace(KERNEL_3, name="x", C=4)
    deeper = [replace(x, name=name) for name in "bcd"]
    inside = of(*chain(x, *deeper, ADD, operands={4: (1,)}), stripe_rows=1)
    outside = of(*chain(x, *deeper, ADD, operands={4: (0,)}), stripe_rows=1)
    for found in (inside, outside):
        assert [window.tensor for window in found.windows] == [1, 2, 3, 4]
        assert [window.rows for window in found.windows] == [4, 3, 3, 1]
        assert rows(found, 4, "inputs") == rows(found, 4, "outputs") == [(row, row + 1) for row in range(8)]
        parts = [entry.layer for entry in found.entries if entry.step == 4]
        assert {(part.operands, part.IY, part.vector_ops) for part in parts} == {(2, 1, 20)}
    begin = [entry.outputs.first for entry in inside.entries if entry.step == 4]
    written = [entry.stored.behind for entry in inside.entries if entry.step == 0]
    assert [end - row for end, row in zip(written, begin, strict=False)] == [4] * 5


def test_what_an_addition_reads_is_told_apart():
    layers, network = chain(replace(KERNEL_3, C=4), replace(KERNEL_3, C=4), ADD, operands={2: (1,)})
    assert may_cascade(layers, network, 0, 3) is None
    assert may_cascade(layers, network, 1, 2) is None
    assert may_cascade(layers, network, 0, 2) is None  # the sum reads a, too, from outside
    parts = (*network.uses[:2], LayerUse((1, 2), (), 2))  # of one tensor, b and the sum
    assert may_cascade(layers, replace(network, uses=parts), 1, 2) is NoCascade.SEVERAL_WRITERS
    parts = (*layers[:2], replace(KERNEL_3, C=8))  # one operand of two tensors
    assert may_cascade(parts, network, 0, 3) is NoCascade.SEVERAL_OPERANDS
    twice = (*network.uses[:2], LayerUse((2,), (), 3))
    assert may_cascade(layers, replace(network, uses=twice), 0, 3) is NoCascade.SEVERAL_OPERANDS
    others = (*network.uses[:2], LayerUse((0, 1), (), 3))
    assert may_cascade(layers, replace(network, uses=others), 1, 2) is NoCascade.OTHER_INPUT
    smaller = (replace(KERNEL_3, C=4, OX=4), replace(KERNEL_3, C=4, IX=4), ADD)
    assert may_cascade(smaller, network, 0, 3) is NoCascade.OTHER_SHAPE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"gate_elements": 6}, NoCascade.SEVERAL_OPERANDS),
        ({"operands": 2}, NoCascade.SEVERAL_OPERANDS),
        ({"IY": 5}, NoCascade.OTHER_SHAPE),
        ({"pad_top": 3}, NoCascade.READS_PADDING_ONLY),
        ({"fused": (FusedOperator("gate", "multiply", 160, 4),)}, NoCascade.UNEVEN),
    ],
)
def test_what_keeps_a_layer_out_of_cascades(change, reason):
    layers, network = chain(KERNEL_3, replace(STRIDE_2, stride_y=1, OY=8, **change))
    assert may_cascade(layers, network, 0, 2) is reason


def test_a_tensor_that_others_read_is_stored_outside_as_well():
    layers, network = chain(KERNEL_3, replace(KERNEL_3, C=4), replace(KERNEL_3, C=4), residuals={2: (1,)})
    assert may_cascade(layers, network, 0, 2) is None
    assert network.wanted_behind(range(2)) == {0}
    assert network.wanted_behind(range(3)) == frozenset()
    (window,) = of(layers[:2], network, stripe_rows=2).windows
    assert (window.tensor, window.rows) == (1, 4)  # of the reader in the chain; the other one has it outside
    assert may_cascade(layers, network, 0, 4) is NoCascade.BEYOND_THE_END


def weights_read(result, layer):
    of_layer = next(row for row in result.layers if row.name == layer)
    return of_layer.memories["dram"].read_bytes["weights"]


def test_resident_weights_come_once_and_streamed_ones_once_a_stripe():
    network, machine = two_kernels(), striped_machine()
    plan = with_cascades(network, machine, Cascade(0, 2, 2, frozenset({0})))
    result = run_plan(plan)
    layers = plan.schedule.striped.layers
    assert weights_read(result, "a") == pinned_bytes(layers[0], machine) == 4 * 2 * 9
    assert weights_read(result, "b") == 4 * pinned_bytes(layers[1], machine) == 4 * (4 * 4 * 9)
    first, second = result.layers
    assert (first.cascade.weights_stay, second.cascade.weights_stay) == (True, False)
    assert (first.cascade.window_rows, second.cascade.window_rows) == (4, None)
    assert first.dram_bytes.write == 0 and second.dram_bytes.write == 4 * 8 * 8


def test_halos_of_what_comes_from_outside_are_read_again_those_inside_are_not():
    """Stripes of two rows of b: a computes 3, 2, 2, 1 rows, and reads rows 0-3, 2-5, 4-7 and 6-7."""
    result = run_plan(with_cascades(two_kernels(), striped_machine(), Cascade(0, 2, 2)))
    first, second = result.layers
    assert first.memories["dram"].read_bytes["inputs"] == (4 + 4 + 4 + 2) * 8 * 2
    assert second.memories["dram"].read_bytes["inputs"] == 0
    inside = run_plan(with_cascades(two_kernels(), striped_machine(inputs="sram"), Cascade(0, 2, 2)))
    assert inside.layers[0].memories["dram"].read_bytes["inputs"] == 0


def test_what_a_cascade_takes_of_the_pool_is_there_from_its_first_entry_to_its_last():
    plan = with_cascades(two_kernels(), striped_machine(), Cascade(0, 2, 2, frozenset({0, 1})))
    window, weights = 4 * 8 * 4, 4 * 2 * 9 + 4 * 4 * 9
    changes = plan.schedule.pool_changes
    assert changes[0].taken_bytes == window + weights == changes[-1].freed_bytes
    assert not any(change.taken_bytes for change in changes[1:])
    assert not any(change.freed_bytes for change in changes[:-1])
    memory_map = plan.schedule.memory_map
    assert sorted(tensor.size_bytes for tensor in memory_map.placed if tensor.in_pool) == [72, 128, 144]
    assert memory_map.address_waste_bytes == 0


def test_a_stripe_begins_when_those_are_done_that_wrote_what_it_reads():
    plan = with_cascades(two_kernels(), striped_machine(), Cascade(0, 2, 2))
    entries = [(entry.layer, entry.stripe.stripe) for entry in plan.schedule.striped.entries]
    assert entries == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2), (0, 3), (1, 3)]
    # b.2 reads rows 3 to 6 of a, written by a.1 (rows 3, 4) and a.2; a.2 writes where rows 1, 2 lay.
    assert plan.schedule.waits_for[5] == (2, 4)
    assert plan.schedule.waits_for[4] == (3,)
    activity = simulate(plan.schedule, plan.hardware)
    for entry, producers in enumerate(plan.schedule.waits_for):
        for producer in producers:
            assert activity.layers[producer].end_cycle <= activity.layers[entry].end_cycle


def test_one_stripe_takes_as_long_as_the_layers_one_after_the_other_in_the_pool():
    network, machine = two_kernels(), striped_machine()
    whole = with_cascades(network, machine, Cascade(0, 2, 8))
    kept = with_cascades(network, machine, in_pool=(1,))
    assert simulate(whole.schedule, machine).layers == simulate(kept.schedule, machine).layers
    assert Operand.INPUTS not in whole.schedule.mappings[1].moved


def with_a_sum():
    """a, b and c are convolutions of 3 x 3 one after the other; the last result is a + c."""
    row = {"operator": "conv", "out_channels": 4, "kernel": 3, "padding": "same"}
    return small(
        {**row, "name": "a", "inputs": ["input"]},
        {**row, "name": "b", "inputs": ["a"]},
        {**row, "name": "c", "inputs": ["b"]},
        {"name": "sum", "operator": "add", "inputs": ["a", "c"]},
    )


def test_what_others_read_goes_outside_once_and_its_rows_stay_for_the_cascade():
    """a and b run so, and c adds a: b reads a in its window of 4 rows, c reads all of it outside."""
    plan = with_cascades(with_a_sum(), striped_machine(), Cascade(0, 2, 2))
    first, second, last = run_plan(plan).layers
    size = 4 * 8 * 8
    assert first.memories["dram"].written_bytes["outputs"] == size
    assert second.memories["dram"].read_bytes["inputs"] == 0
    assert last.memories["dram"].read_bytes["residual"] == size
    a = next(tensor for tensor in plan.schedule.memory_map.tensors if tensor.name == "a")
    assert (a.window_rows, a.in_pool, a.outside) == (4, (0, 1), (0, 2))
    assert (a.size_bytes, a.whole_bytes) == (4 * 4 * 8, size)
    assert verify_plan(plan).proven
    whole = with_cascades(with_a_sum(), striped_machine(), Cascade(0, 3, 2))
    assert run_plan(whole).layers[0].memories["dram"].written_bytes["outputs"] == 0
    assert verify_plan(whole).proven


def test_where_nothing_can_be_outside_others_may_not_read_what_is_inside():
    inside = {"memories.dram.holds": ["weights"], "io": {"inputs": "sram", "outputs": "sram"}}
    machine = vary(striped_machine(), **inside)
    assert with_cascades(with_a_sum(), machine, Cascade(0, 2, 2)) is None
    assert with_cascades(with_a_sum(), machine, Cascade(0, 3, 2)) is not None


def test_json_says_what_runs_stripe_by_stripe():
    result = run_plan(with_cascades(two_kernels(), striped_machine(), Cascade(0, 2, 2, frozenset({1}))))
    first, second = result.to_dict()["layers"]
    keys = ("cascade", "stripes", "stripe_rows", "weights_stay", "window_rows", "window_bytes")
    assert [first[key] for key in keys] == [0, 4, 2, False, 4, 4 * 32]
    assert [second[key] for key in keys] == [0, 4, 2, True, None, None]
    tensors = {tensor["name"]: tensor for tensor in result.to_dict()["tensors"]}
    assert (tensors["a"]["window_rows"], tensors["a"]["whole_bytes"]) == (4, 4 * 8 * 8)
    assert not {"window_rows", "whole_bytes"} & tensors["b"].keys()
    (kept,) = result.to_dict()["kept_by_cascades"]
    assert (kept["name"], kept["size_bytes"], kept["outside"]) == ("b weights", 144, True)
    alone = run_plan(with_cascades(two_kernels(), striped_machine()))
    assert not set(keys) & alone.to_dict()["layers"][0].keys()
    assert "kept_by_cascades" not in alone.to_dict()
