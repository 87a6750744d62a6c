"""What a dataflow says of itself is what it does, whichever are registered; new ones join."""

import math
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given
from machines import conv, machine, with_ports
from strategies import ANY_BITS, array_layers, machines, tiles_of

from accelsim.descriptions import vary
from accelsim.hardware import Operand, dataflow_names
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.tile import TileShape

DATAFLOWS = pytest.mark.parametrize(
    "dataflow", [dataflow_of(name) for name in dataflow_names()], ids=dataflow_names()
)
BOUNDS = {"G": "g", "K": "k", "C": "c", "OY": "y", "OX": "x", "FY": "fy", "FX": "fx"}
"""The bounds of a tile by those of its layer, as `axes` names them."""
ONE = TileShape(1, 1, 1, 1, 1, 1, 1, 1)
LONG = TileShape(n=1, g=4, k=8, c=8, y=8, x=64, fy=3, fx=3)
"""Large enough that what a tile begins and ends with does not matter."""
ROOMY = machine(
    **{
        "pe_array.dataflows": dataflow_names(),
        "pe_array.rows": 8,
        "pe_array.columns": 8,
        "pe_array.port_words_per_column": 64,
    }
)
"""An array that waits for no port."""


SMALL = conv(8, 8, (8, 8))


TALL = vary(ROOMY, **{"pe_array.rows": 32})


WIDE = with_ports(TALL, (1024, 1024), (1024, 1024))
NARROW = {
    "a word by each column": vary(TALL, **{"pe_array.port_words_per_column": 1}),
    "more by the rows": with_ports(TALL, (2, 2), (1, 1)),
    "more by the columns": with_ports(TALL, (1, 0), (8, 3)),
}
"""Arrays of 32 x 8 whose rows and columns exchange as many words a cycle as anybody wants to, or few."""


def worked(dataflow, tile, layer=SMALL, hardware=ROOMY, resumes=0):
    return dataflow.execute(layer, tile, resumes, hardware)


def lying(axis, tile, dataflow, array):
    """How many places of an axis a tile can fill."""
    return math.prod(getattr(tile, BOUNDS[loop]) for loop in dataflow.loops_on(axis, array))


@DATAFLOWS
@given(st.data(), array_layers(), machines(bits=ANY_BITS), st.sampled_from([0, 1]))
def test_a_dataflow_computes_no_more_in_a_cycle_than_the_loops_on_its_axes_fill(
    dataflow, data, layer, hardware, resumes
):
    tile, array = data.draw(tiles_of(layer)), hardware.pe_array
    work = worked(dataflow, tile, layer, hardware, resumes)
    rows, columns = (lying(axis, tile, dataflow, array) for axis in ("rows", "columns"))
    assert work.macs <= work.cycles * min(array.rows, rows) * min(array.columns, columns)


@DATAFLOWS
@pytest.mark.parametrize("packing", [[], ["taps"], ["groups"], ["taps", "groups"]])
@given(
    data=st.data(), layer=array_layers(), hardware=machines(bits=ANY_BITS), resumes=st.sampled_from([0, 1])
)
def test_no_more_products_are_computed_in_a_cycle_than_pes_are_said_to_work(
    dataflow, packing, data, layer, hardware, resumes
):
    if "packing" in dataflow.parameters.model_fields:
        hardware = vary(hardware, **{f"pe_array.dataflows.{dataflow.name}.packing": packing})
    tile = data.draw(tiles_of(layer))
    work, full = worked(dataflow, tile, layer, hardware, resumes), dataflow.array_pass(layer, tile, hardware)
    assert work.macs <= work.cycles * full.pes
    at_work = {
        (row, column)
        for block in full.blocks
        for row in range(block.row, block.row + block.rows)
        for column in range(block.column, block.column + block.columns)
    }
    assert len(at_work) == full.pes
    assert all(row < hardware.pe_array.rows for row, _ in at_work)
    assert all(column < hardware.pe_array.columns for _, column in at_work)


def test_packed_groups_lie_on_the_diagonal():
    dataflow = dataflow_of("weight_stationary")
    packed = vary(ROOMY, **{"pe_array.dataflows.weight_stationary.packing": ["taps", "groups"]})
    depthwise = replace(ONE, g=10, fy=1, fx=2, y=8, x=8)
    assert dataflow.array_pass(SMALL, depthwise, packed).pes == 4 * 2
    assert dataflow.array_pass(SMALL, depthwise, packed).blocks[1] == (2, 1, 2, 1)
    assert dataflow.array_pass(SMALL, depthwise, ROOMY).blocks == ((0, 0, 1, 1),)


@DATAFLOWS
def test_a_loop_on_an_axis_of_a_dataflow_is_worked_on_side_by_side(dataflow):
    loops = (*dataflow.axes["rows"], *dataflow.axes["columns"])
    long = replace(LONG, **{BOUNDS[loop]: 1 for loop in loops})
    once = worked(dataflow, long)
    for loop in loops:
        twice = worked(dataflow, replace(long, **{BOUNDS[loop]: 2}))
        assert twice.macs == 2 * once.macs
        assert twice.cycles < 1.1 * once.cycles


@DATAFLOWS
@given(st.data(), array_layers(), machines(bits=ANY_BITS))
def test_a_dataflow_takes_fewer_products_for_a_pruned_layer_where_it_says_so(dataflow, data, layer, hardware):
    tile = data.draw(tiles_of(layer))
    dense, pruned = replace(layer, weight_density=1.0), replace(layer, weight_density=0.5)
    whole, part = (worked(dataflow, tile, form, hardware) for form in (dense, pruned))
    weights = tile.g * tile.k * tile.c * tile.taps
    assert whole.macs == weights * tile.pixels
    assert part.macs == (-(-weights // 2) * tile.pixels if dataflow.skips_zeros else whole.macs)
    assert dataflow.weight_density(dense, hardware) == 1
    assert dataflow.weight_density(pruned, hardware) == (0.5 if dataflow.skips_zeros else 1)


@DATAFLOWS
def test_a_dataflow_reads_its_stationary_weights_once_for_pixels_that_follow_each_other(dataflow):
    """Pixels of different images never lie side by side, so they follow each other."""
    once, twice = worked(dataflow, ONE), worked(dataflow, replace(ONE, n=2))
    assert (twice.weight_read_words == once.weight_read_words) == (Operand.WEIGHTS in dataflow.kept)


@DATAFLOWS
@given(st.data(), array_layers(), machines(bits=ANY_BITS), st.sampled_from([0, 1]))
def test_each_product_of_a_dataflow_takes_its_weight_from_a_register_where_weights_are_stationary(
    dataflow, data, layer, hardware, resumes
):
    work = worked(dataflow, data.draw(tiles_of(layer)), layer, hardware, resumes)
    assert (work.weight_register_words >= work.macs) == (Operand.WEIGHTS in dataflow.kept)


@DATAFLOWS
@given(st.data(), array_layers(), st.sampled_from([0, 1]))
def test_each_product_of_a_dataflow_is_added_to_a_sum_in_a_register_where_outputs_are_stationary(
    dataflow, data, layer, resumes
):
    """Where they are not, the products of several input channels come together before a sum is touched."""
    tile = replace(data.draw(tiles_of(layer)), c=2)
    work = worked(dataflow, tile, layer, resumes=resumes)
    first = (1 - resumes) * tile.g * tile.k * tile.pixels
    touched = 2 * work.macs - first
    assert (work.partial_sum_register_words >= touched) == (Operand.OUTPUTS in dataflow.kept)


@DATAFLOWS
def test_a_dataflow_keeps_weights_outputs_or_nothing(dataflow):
    """What the laws above can tell from its counts."""
    assert dataflow.stationary in {Operand.WEIGHTS, Operand.OUTPUTS, None}


@pytest.mark.parametrize("dataflow", dataflow_names())
def test_what_does_not_stay_in_a_dataflow_streams(dataflow):
    contract = dataflow_of(dataflow)
    operands = {Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS}
    assert set(contract.streams) == operands - set(contract.kept)


def passed_cycles(dataflow, tile, work, array, resumes, hidden):
    """Of ports that the dataflow hides, or does not hide: how long operands take to pass them at least."""
    words = {
        Operand.INPUTS: work.input_read_words,
        Operand.WEIGHTS: work.weight_read_words,
        Operand.OUTPUTS: tile.g * tile.k * tile.pixels,
    }
    for operand, port in dataflow.ports.items():
        by_side = []
        for side in port.sides:
            used = array.ports_of(side)
            if not port.any_port:
                used = min(used, lying(side, tile, dataflow, array))
            if operand is not Operand.OUTPUTS:
                by_side.append(words[operand] / used / array.words_in(side))
            elif array.words_out(side):
                each = 1 / array.words_out(side) + resumes / array.words_in(side)
                by_side.append(words[operand] / used * each)
        if port.hidden == hidden:
            yield min(by_side)


@DATAFLOWS
@pytest.mark.parametrize("narrow", NARROW)
@pytest.mark.parametrize("resumes", [0, 1])
@pytest.mark.parametrize("taps", [1, 3])
@pytest.mark.parametrize("y", [1, 32])
@pytest.mark.parametrize("x", [1, 8])
@pytest.mark.parametrize("k", [1, 8])
@pytest.mark.parametrize("c", [1, 32])
def test_narrow_ports_cost_a_dataflow_what_passes_them_and_is_not_hidden(
    dataflow, narrow, resumes, taps, y, x, k, c
):
    """Of many groups, so that it does not matter what a tile begins with."""
    tile = TileShape(n=1, g=1000, k=k, c=c, y=y, x=x, fy=taps, fx=taps)
    hardware = NARROW[narrow]
    wide, work = (worked(dataflow, tile, hardware=array, resumes=resumes) for array in (WIDE, hardware))
    exposed, hidden = (
        list(passed_cycles(dataflow, tile, work, hardware.pe_array, resumes, hidden))
        for hidden in (False, True)
    )
    assert max(hidden, default=0) + sum(exposed) <= work.cycles
    assert work.cycles == pytest.approx(max([wide.cycles, *hidden]) + sum(exposed), rel=0.02)


@DATAFLOWS
@given(st.data(), array_layers(), machines(bits=ANY_BITS), st.sampled_from([0, 1]))
def test_no_dataflow_passes_more_words_than_its_ports_take(dataflow, data, layer, hardware, resumes):
    tile = data.draw(tiles_of(layer))
    work = worked(dataflow, tile, layer, hardware, resumes)
    exposed, hidden = (
        list(passed_cycles(dataflow, tile, work, hardware.pe_array, resumes, hidden))
        for hidden in (False, True)
    )
    assert max(hidden, default=0) + sum(exposed) <= work.cycles * (1 + 1e-9)
