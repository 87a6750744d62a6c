"""Is Eyeriss what was measured of it? Chen et al., JSSC 2017, tables III, V and VI."""

import statistics

import pytest

from accelsim import verify
from accelsim.descriptions import vary
from accelsim.held_against import HELD_AGAINST
from accelsim.mapping.options import MappingOptions
from accelsim.reuse.cache import Cache
from accelsim.run import plan_run
from accelsim.simulation import simulate, simulate_events
from accelsim.validation.evaluate import shipped_hardware
from accelsim.validation.eyeriss import as_told, reproduce_eyeriss
from accelsim.validation.eyeriss_measured import QUANTITIES, load_measured

ALEXNET = next(network for network in load_measured().networks if network.network == "alexnet")
LAYERS = {layer.layer: layer for layer in ALEXNET.layers}


@pytest.fixture(scope="module")
def chip():
    return shipped_hardware("eyeriss")


@pytest.fixture(scope="module")
def eyeriss(chip):
    return reproduce_eyeriss(chip)


def test_every_figure_is_what_it_was_pinned_to(eyeriss):
    assert len(eyeriss.of("alexnet")) == 5 * len(QUANTITIES)
    assert len(eyeriss.of("vgg16")) == 13 * len(QUANTITIES) - 3  # of three layers the buffer was not measured
    assert not eyeriss.moved


def test_as_many_pes_work_as_the_paper_says(eyeriss):
    assert [row.simulated for row in eyeriss.of("alexnet", "active_pes")] == [154, 135, 156, 156, 156]


@pytest.mark.parametrize(
    ("quantity", "of_a_layer", "of_the_sum"),
    [
        ("processing_ms", 0.07, 0.03),
        ("time_ms", 0.11, 0.03),
        ("buffer_megabytes", 0.01, 0.01),
        ("dram_megabytes", 0.15, 0.03),
        ("power_mw", 0.07, 0.07),
    ],
)
def test_alexnet_is_as_near_as_it_has_to_be(eyeriss, quantity, of_a_layer, of_the_sum):
    assert eyeriss.largest_error("alexnet", quantity) <= of_a_layer
    assert abs(eyeriss.error_of_sum("alexnet", quantity)) <= of_the_sum
    assert not eyeriss.missed_bars


def test_the_search_finds_mappings_as_good_as_the_chips(eyeriss):
    ratios = [row.energy_delay for row in eyeriss.mappings if row.network == "alexnet"]
    assert len(ratios) == 5
    assert max(ratios) <= 1.02
    # Of three layers it finds the very mapping that the chip was told: images, filters, channels, p, q, r, t.
    found = {row.layer: (row.told, row.searched) for row in eyeriss.mappings if row.network == "alexnet"}
    assert all(len(set(found[layer])) == 1 for layer in ("CONV3", "CONV4", "CONV5"))


def test_vgg16_to_which_nothing_but_channels_of_a_pass_was_fitted(eyeriss):
    """The constants of power are those of AlexNet."""
    assert eyeriss.largest_error("vgg16", "processing_ms") <= 0.04
    assert eyeriss.largest_error("vgg16", "power_mw") <= 0.13
    assert eyeriss.largest_error("vgg16", "dram_megabytes") <= 0.13
    # Of a search that is free to choose them, the chip would take half of the time.
    told, free = (
        sum(
            row.simulated * factor
            for row, factor in zip(eyeriss.of("vgg16", "time_ms"), factors, strict=True)
        )
        for factors in ([1.0] * 13, [row.time for row in eyeriss.mappings if row.network == "vgg16"])
    )
    assert 2 < told / free < 2.5


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("told", [True, False], ids=["as the chip was told", "as searched"])
def test_both_engines_agree_on_the_chips_layers_and_they_are_proven(chip, name, told):
    layer, images = LAYERS[name], ALEXNET.batch
    rules = [as_told(layer)] if told else None
    network, options = layer.network(images), MappingOptions(batch=images)
    plan = plan_run(network, chip, options, mapping=rules, cache=Cache())
    assert simulate(plan.schedule, chip) == simulate_events(plan.schedule, chip)


@pytest.mark.parametrize(
    "network", ["alexnet", "mobilenet_v2@width=0.5,resolution=96", "resnet18@resolution=64"]
)
def test_networks_are_proven_on_the_chip(chip, network):
    verified = verify(network, chip, batch=2)
    assert verified.proven, verified.mismatches


def test_runs_say_that_the_chip_was_held_against_silicon(chip, eyeriss):
    held = HELD_AGAINST[chip.digest]
    assert held.kind == "silicon"
    for errors, quantity in zip(held.errors, QUANTITIES, strict=True):
        found = [abs(row.log_error) for row in eyeriss.figures if row.quantity == quantity]
        assert len(found) == errors.cells
        assert round(statistics.median(found), 4) == errors.median
        assert round(max(found), 4) == errors.largest


def test_codes_gates_ports_and_stops_are_each_of_use(chip):
    """What is switched off makes the figures worse that it is about."""

    def worst(quantity, **changes):
        return reproduce_eyeriss(vary(chip, **changes), networks=["alexnet"]).largest_error(
            "alexnet", quantity
        )

    rs = "pe_array.dataflows.row_stationary"
    assert worst("dram_megabytes", **{"memories.dram.compress": None}) > 0.5
    assert worst("power_mw", **{f"{rs}.zero_gating": False}) > 0.4
    wide = {f"{rs}.{operand}_words_per_cycle": 1024 for operand in ("filter", "input", "sum")}
    assert worst("processing_ms", **wide) > 0.07
    # What moves while the array works needs room for two tiles.
    beside = {"memories.global_buffer.stops_array": (), "memories.global_buffer.size_bytes": 409600}
    assert worst("time_ms", **beside) > 0.13
