"""Limits: every number of a description has documented bounds, and nothing that follows from them wraps."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import page, rows, section

from accelsim import AccelsimError, load_hardware, load_network, run_network
from accelsim.descriptions import limits, vary
from accelsim.errors import MappingError
from accelsim.hardware import Hardware
from accelsim.mapping.costs import vector_ops
from accelsim.mapping.countable import most_counted, uncountable
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.search import map_layer
from accelsim.network.blocks import block_names, block_of
from accelsim.network.blocks.graph import ROWS
from accelsim.network.description import NetworkDescription, PresetDescription
from accelsim.network.layer import FusedOperator, Layer
from accelsim.network.overlay import Overlay
from accelsim.search.spec import SweepDescription

DESCRIPTIONS = {
    "network": NetworkDescription,
    "preset": PresetDescription,
    "machine": Hardware,
    "overlay": Overlay,
    "sweep": SweepDescription,
    **{f"block {name}": block_of(name) for name in block_names() if name != "graph"},
    **{f"operator {name}": kind for name, kind in ROWS.items()},
}
FREE = {
    "NetworkDescription": {"parameters", "default", "allowed", "minimum", "maximum", "at"},
    "PresetDescription": {"parameters", "at"},
}
"""Parameters may be anything that a rule of the stage table makes something of: what it gives is bounded."""


def unbounded(schema, path=()):
    """Paths of the numbers in a JSON schema that have no lower or no upper bound."""
    if isinstance(schema, list):
        for inner in schema:
            yield from unbounded(inner, path)
    if not isinstance(schema, dict):
        return
    if schema.get("type") in {"integer", "number"} and not (
        {"minimum", "exclusiveMinimum"} & schema.keys() and {"maximum", "exclusiveMaximum"} & schema.keys()
    ):
        yield path
    for key, inner in schema.items():
        yield from unbounded(inner, (*path, key))


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_every_number_of_a_description_has_bounds(name):
    kind = DESCRIPTIONS[name]
    free = FREE.get(kind.__name__, set())
    assert [path for path in unbounded(kind.model_json_schema()) if not free & set(path)] == []


def test_a_parameter_of_a_network_is_bounded_too(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(
        "name: net\ntitle: t\nsource: s\ninput: {channels: 3, height: 8, width: 8}\n"
        "parameters: {depth: {default: 4}, width: {default: 1.5}}\n"
        "stages: [{block: conv, out_channels: 8}]\n"
    )
    assert load_network(f"{file}@depth=1000000000000").parameters["depth"] == 10**12
    for value in ("1000000000001", "-1000000000001", "9" * 5000):
        with pytest.raises(AccelsimError, match=r"must be a whole number from -1e\+12 to 1e\+12$"):
            load_network(f"{file}@depth={value}")
    with pytest.raises(AccelsimError, match=r"width = Infinity: must be a number from -1e\+12 to 1e\+12$"):
        load_network(f"{file}@width=1e999")


def test_the_page_has_every_limit_with_its_value():
    table = rows(section(page("decisions/bounds.md"), "## The bounds"))
    written = {name.strip("`"): value for name, value, *_ in table}
    values = {name: value for name, value in vars(limits).items() if name.startswith(("MAX_", "MIN_"))}
    assert written.keys() == values.keys()
    for name, value in values.items():
        assert float(eval(written[name].replace(",", "").replace("^", "**"))) == pytest.approx(value), name


# --- what follows from them


def test_a_batch_beyond_any_is_refused():
    network, hardware = load_network("alexnet"), load_hardware("8x8_32k")
    with pytest.raises(
        AccelsimError, match=r"^batch = 100000000000: must be a whole number from 1 to 65536$"
    ):
        run_network(network, hardware, batch=100_000_000_000)


def test_an_image_of_the_largest_batch_costs_what_one_of_half_of_it_does():
    network, hardware = load_network("squeezenet_v1_1"), load_hardware("8x8_32k")
    whole = run_network(network, hardware, batch=limits.MAX_BATCH)
    half = run_network(network, hardware, batch=limits.MAX_BATCH // 2)
    assert whole.macs == 2 * half.macs
    assert whole.cycles == pytest.approx(2 * half.cycles, rel=1e-3)
    assert whole.energy.total == pytest.approx(2 * half.energy.total, rel=1e-3)


LARGE = load_hardware("16x16_128k")


def test_a_layer_that_cannot_be_counted_is_refused_with_the_batch_that_can():
    layer = Layer("large", "conv", K=10**4, C=10**4, OY=100, OX=100, FY=3, FX=3, IY=102, IX=102)
    sentence = str(uncountable(layer, limits.MAX_BATCH, LARGE))
    batch = int(re.search(r"a batch of (\d+) can$", sentence)[1])
    assert sentence.startswith("what it does for 65536 images together cannot be counted in 64 bits: ")
    assert uncountable(layer, batch, LARGE) is None
    assert uncountable(layer, batch + 1, LARGE) is not None


def test_a_layer_that_cannot_be_counted_for_one_image_is_to_be_made_smaller():
    layer = Layer("l", "conv", K=10**5, C=1, OY=100, OX=100, FY=2, FX=2, dilation_y=9998, dilation_x=9998)
    assert str(uncountable(layer, 1, LARGE)).endswith(
        "for an image cannot be counted in 64 bits: make it smaller"
    )


def test_a_network_that_cannot_be_counted_names_the_layer(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(
        "name: net\ntitle: t\nsource: s\ninput: {channels: 1000, height: 300, width: 300}\n"
        "stages: [{block: conv, name: wide, out_channels: 1000, kernel: 3, padding: 1}]\n"
    )
    network, hardware = load_network(file), load_hardware("8x8_32k")
    with pytest.raises(MappingError, match=r"^wide on 8x8_32k: what it does for 65536 images together"):
        run_network(network, hardware, batch=limits.MAX_BATCH)


SIZES = st.integers(1, 40)


@given(
    layer=st.builds(
        Layer,
        name=st.just("l"),
        operator=st.just("conv"),
        K=SIZES,
        C=SIZES,
        OY=SIZES,
        OX=SIZES,
        FY=st.integers(1, 5),
        FX=st.integers(1, 5),
        IY=st.just(300),
        IX=st.just(300),
        stride_y=st.integers(1, 7),
        dilation_x=st.integers(1, 9),
    ),
    batch=st.integers(1, 3),
    rows=st.integers(1, 20),
)
def test_nothing_of_a_mapped_layer_is_more_than_what_is_taken_to_be_the_most(layer, batch, rows):
    machine = vary(load_hardware("16x16_128k"), **{"pe_array.rows": rows})
    for dataflow in machine.pe_array.dataflows:
        totals = map_layer(layer, machine, MappingOptions(batch=batch, dataflow=dataflow)).totals
        most = batch * most_counted(layer)
        assert max(totals.array_cycles, totals.vector_cycles, totals.counts.largest) <= most


def test_operations_of_a_large_layer_do_not_wrap():
    elements = 10**9
    fused = (FusedOperator("lrn", "lrn", vector_ops=10_003 * elements),)
    layer = Layer("l", "conv", K=1000, C=1, OY=1000, OX=1000, fused=fused)
    np = pytest.importorskip("numpy")
    outputs = np.array([elements, 7])
    assert vector_ops(layer, outputs, outputs).tolist() == [10_003 * elements, 70_021]


def test_operations_that_do_not_divide_are_rounded_up():
    layer = Layer("l", "add", G=3, K=1, C=1, OY=1, OX=1, vector_ops=10)
    assert [vector_ops(layer, outputs, outputs) for outputs in range(4)] == [0, 4, 7, 10]


@pytest.mark.parametrize(
    "changes",
    [
        {"dram.latency_cycles": limits.MAX_LATENCY_CYCLES},
        {"dram.bandwidth_bytes_per_cycle": limits.MIN_BANDWIDTH},
        {"dram.bandwidth_bytes_per_cycle": limits.MAX_BANDWIDTH},
        {"clock_mhz": limits.MIN_CLOCK_MHZ},
        {"clock_mhz": limits.MAX_CLOCK_MHZ},
        {"energy.dram": limits.MAX_PRICE, "energy.mac": limits.MAX_PRICE, "energy.word_bits": 1},
        {"pe_array.port_words_per_column": limits.MAX_PER_COLUMN, "pe_array.columns": limits.MAX_SIDE},
        {"pe_array.output_stationary.partial_sums_per_pe": limits.MAX_PER_PE},
        {"dma.descriptors": limits.MAX_DESCRIPTORS},
        {"pe_array.output_stationary.weight_density": limits.MIN_PART},
    ],
    ids=str,
)
def test_a_machine_at_a_bound_runs(changes):
    result = run_network(load_network("squeezenet_v1_1"), vary(load_hardware("8x8_32k"), **changes))
    assert result.cycles >= result.lower_bound_cycles > 0
    assert 0 < result.energy.total < float("inf")
    json.dumps(result.to_dict(), allow_nan=False)
