"""Ports and block registers: which symmetry an array has, and that more of them is never worse."""

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given
from machines import conv, machine, mapped, schedule, with_ports
from strategies import array_layers, tiles_of

from accelsim.hardware import dataflow_names
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.dataflows.blocks import block_axis
from accelsim.mapping.dataflows.output_stationary import AS_NEEDED, BlockRegister
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast

OUTPUT_STATIONARY, WEIGHT_STATIONARY = dataflow_of("output_stationary"), dataflow_of("weight_stationary")
DATAFLOWS = pytest.mark.parametrize(
    "dataflow", list(map(dataflow_of, dataflow_names())), ids=dataflow_names()
)
SIDE = st.integers(1, 9)
RESUMES = st.sampled_from([0, 1])
ANY_REGISTER = st.just(AS_NEEDED) | st.builds(
    BlockRegister, rows=st.integers(1, 20), columns=st.integers(1, 20)
)
MACHINE = machine(**{"pe_array.dataflows": dataflow_names()})
WORDS = st.integers(1, 5)
OPEN_SIDES = st.tuples(st.tuples(WORDS, WORDS), st.tuples(WORDS, WORDS))
"""Words in and out of each row, and of each column."""


def transposed_layer(layer):
    """Rows of the picture and of the kernel as columns, and columns as rows."""
    turned = {}
    for rows, columns in (("OY", "OX"), ("FY", "FX"), ("IY", "IX")):
        turned |= {rows: getattr(layer, columns), columns: getattr(layer, rows)}
    for name in ("stride", "dilation"):
        turned |= {f"{name}_y": getattr(layer, f"{name}_x"), f"{name}_x": getattr(layer, f"{name}_y")}
    return replace(layer, **turned)


def array_of(rows, columns, ports, register=AS_NEEDED):
    """A machine with so many rows and columns, such ports and block register, which nothing checks."""
    hardware = with_ports(MACHINE, *ports)
    dataflows = dict(hardware.pe_array.dataflows)
    name = OUTPUT_STATIONARY.name
    dataflows[name] = dataflows[name].model_copy(update={"block_register": register})
    array = {"rows": rows, "columns": columns, "dataflows": dataflows}
    return hardware.model_copy(update={"pe_array": hardware.pe_array.model_copy(update=array)})


def worked(dataflow, tile, layer, hardware, resumes=0):
    return dataflow.execute(layer, tile, resumes, hardware)


@given(st.data(), array_layers(), SIDE, SIDE, OPEN_SIDES, ANY_REGISTER, RESUMES)
def test_output_stationary_does_not_tell_rows_from_columns(
    data, layer, rows, columns, ports, register, resumes
):
    """With array, ports, block register and picture turned together, cycles and all counts are the same."""
    tile = data.draw(tiles_of(layer))
    turned = replace(tile, y=tile.x, x=tile.y, fy=tile.fx, fx=tile.fy)
    other = register if register == AS_NEEDED else BlockRegister(rows=register.columns, columns=register.rows)
    work = worked(OUTPUT_STATIONARY, tile, layer, array_of(rows, columns, ports, register), resumes)
    turned_array = array_of(columns, rows, (ports[1], ports[0]), other)
    assert work == worked(OUTPUT_STATIONARY, turned, transposed_layer(layer), turned_array, resumes)


@DATAFLOWS
@given(st.data(), array_layers(), SIDE, SIDE, OPEN_SIDES, OPEN_SIDES, RESUMES)
def test_wider_ports_make_no_tile_slower_and_change_nothing_else(
    dataflow, data, layer, rows, columns, ports, more, resumes
):
    tile = data.draw(tiles_of(layer))
    wider = [tuple(map(sum, zip(*both, strict=True))) for both in zip(ports, more, strict=True)]
    narrow, wide = (
        worked(dataflow, tile, layer, array_of(rows, columns, sides), resumes) for sides in (ports, wider)
    )
    assert wide.cycles <= narrow.cycles
    assert replace(wide, cycles=narrow.cycles) == narrow


@given(st.data(), array_layers(), SIDE, SIDE, OPEN_SIDES, OPEN_SIDES)
def test_weight_stationary_waits_for_what_columns_take_in_and_for_no_other_port(
    data, layer, rows, columns, ports, others
):
    tile, column_words_in = data.draw(tiles_of(layer)), ports[1][0]
    same_columns = (others[0], (column_words_in, others[1][1]))
    works = [
        worked(WEIGHT_STATIONARY, tile, layer, array_of(rows, columns, sides))
        for sides in (ports, same_columns)
    ]
    assert works[0] == works[1]


@DATAFLOWS
@given(st.data(), array_layers(), SIDE, SIDE, WORDS, RESUMES)
def test_words_of_a_column_are_words_in_on_both_sides_and_out_by_the_columns(
    dataflow, data, layer, rows, columns, words, resumes
):
    tile = data.draw(tiles_of(layer))
    spelled = array_of(rows, columns, ((words, 0), (words, words)))
    array = spelled.pe_array.model_copy(update={"ports": None, "port_words_per_column": words})
    short = spelled.model_copy(update={"pe_array": array})
    assert worked(dataflow, tile, layer, spelled, resumes) == worked(dataflow, tile, layer, short, resumes)


SIDES = {"pes": st.integers(1, 12), "register": st.integers(1, 40), "kernel": st.integers(1, 11)}
STEPS = {"stride": st.integers(1, 6), "dilation": st.integers(1, 4)}


@given(**SIDES, **STEPS)
def test_as_much_lies_in_a_block_register_as_it_holds(pes, register, kernel, stride, dilation):
    def reach(outputs, taps):
        return (outputs - 1) * stride + (taps - 1) * dilation + 1

    axis = block_axis(pes, register, kernel, stride, dilation)
    assert 1 <= axis.outputs <= pes
    if axis.loads == 1:
        assert reach(axis.outputs, kernel) <= register
        assert axis.outputs == pes or reach(axis.outputs + 1, kernel) > register
    else:
        most_taps = max(taps for taps in range(1, kernel + 1) if reach(1, taps) <= register)
        assert (axis.outputs, axis.loads) == (1, -(-kernel // most_taps))
        assert axis.first_taps == -(-kernel // axis.loads)
    assert axis.first_load(axis.outputs) <= register


@given(st.data(), array_layers(), SIDE, SIDE, ANY_REGISTER, RESUMES)
def test_a_block_register_that_holds_any_block_costs_nothing_but_its_accesses(
    data, layer, rows, columns, register, resumes
):
    tile = data.draw(tiles_of(layer))
    as_needed, large, small = (
        worked(OUTPUT_STATIONARY, tile, layer, array_of(rows, columns, ((1, 1), (1, 1)), held), resumes)
        for held in (AS_NEEDED, BlockRegister(rows=1000, columns=1000), register)
    )
    channel_sets = -(-tile.k // 8)  # of the machine's 8 partial sums in a PE
    reads = tile.pixels * tile.g * tile.c * channel_sets * tile.taps
    assert large == replace(as_needed, input_register_words=as_needed.input_read_words + reads)
    assert as_needed.input_register_words == 0
    assert small.macs == large.macs
    assert small.weight_read_words >= large.weight_read_words  # a broadcast for each of more blocks
    assert small.input_hop_words <= large.input_hop_words


@pytest.mark.parametrize("ports", [((3, 2), (1, 1)), ((1, 0), (2, 4))])
def test_both_engines_agree_on_layers_of_an_array_of_unequal_ports(ports):
    hardware = array_of(12, 8, ports, BlockRegister(rows=9, columns=14))
    layers = schedule(
        mapped(conv(16, 8, (30, 30), kernel=(3, 3)), "output_stationary", hardware, k=8, c=4, y=12),
        mapped(conv(24, 16, (28, 28), kernel=(3, 3)), "weight_stationary", hardware, k=8, y=7),
    )
    assert simulate_fast(layers, hardware) == simulate_events(layers, hardware)
