"""Given mappings on whole networks: what was chosen, given back, is the same run; what is odd is proven."""

import pytest

from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import vary
from accelsim.hardware import Operand
from accelsim.mapping.chosen import chosen_rules
from accelsim.mapping.given_file import MappingRule, read_mappings
from accelsim.mapping.letters import tile_sizes
from accelsim.mapping.options import MappingOptions
from accelsim.report.text.mappings import mapping_text
from accelsim.run import plan_run, run_plan
from accelsim.verification.schedules import verify_plan

NETWORK = "squeezenet_v1_1@resolution=64"
MACHINE = "16x16_128k"


def chosen(rules, name, network=NETWORK, hardware=MACHINE, options=None):
    """The mapping of a layer of a network that is told these rules."""
    schedule = plan_run(network, hardware, options, mapping=rules).schedule
    return next(
        mapping
        for layer, mapping in zip(schedule.layers, schedule.mappings, strict=True)
        if layer.name == name
    )


def same_again(network, hardware, options, file):
    """Whether the mappings that were chosen, written to a file and given back, come to the same."""
    plan = plan_run(network, hardware, options)
    result = run_plan(plan)
    rules = chosen_rules(plan.schedule, plan.hardware, plan.options)
    file.write_text(mapping_text(rules, plan.schedule, result))
    assert list(read_mappings(file).rules) == rules
    again = run_plan(plan_run(network, hardware, options, mapping=file))
    assert again.layers == result.layers
    for value in ("cycles", "energy", "memories", "dram_bytes", "first_inference", "idle_descriptors"):
        assert getattr(again, value) == getattr(result, value), value


PAIRS = [
    ("squeezenet_v1_1", "16x16_128k"),
    ("shufflenet_v2", "16x16_128k"),
    ("resnet18", "8x8_32k"),
    ("mobilenet_v2", "8x8_32k"),
    ("googlenet", "npu_int8_2m"),
    ("mobilenet_v2", "npu_int8_2m"),
    ("squeezenet_v1_1", "npu_int8_psram"),
    ("resnet18", "npu_int8_psram"),
    ("googlenet", "mcu_l3_l2_l1"),
    ("shufflenet_v2", "mcu_l3_l2_l1"),
]
"""Each network on two machines, and each machine with two networks."""


@pytest.mark.parametrize(("network", "hardware"), PAIRS)
def test_chosen_mappings_given_back_come_to_the_same(network, hardware, tmp_path):
    same_again(network, hardware, None, tmp_path / "chosen.yaml")


@pytest.mark.parametrize(
    ("network", "hardware", "options"),
    [
        ("alexnet", "eyeriss", None),
        ("mlperf_tiny_ad", "gemmini_16x16", MappingOptions(batch=4)),
        ("squeezenet_v1_1@resolution=128", "eyeriss", MappingOptions(batch=4)),
        ("squeezenet_v1_1@resolution=128", "gemmini_16x16", None),
    ],
)
def test_so_they_do_on_machines_with_parameters_images_in_a_tile_and_a_host(
    network, hardware, options, tmp_path
):
    same_again(network, hardware, options, tmp_path / "chosen.yaml")


@pytest.mark.parametrize(
    "network", ["shufflenet_v2_50@resolution=96", "mobilenet_v1@width=0.5,resolution=96"]
)
def test_so_they_do_where_the_host_pools_what_a_batch_goes_through_as_rows(network, tmp_path):
    """Alone a pointwise layer runs in a form in which images are rows; with its pooling it would not."""
    same_again(network, "gemmini_16x16", MappingOptions(batch=2), tmp_path / "chosen.yaml")


THREE = ("squeezenet_v1_1@resolution=128", MappingOptions(batch=3))
TWO_BY_EDP = ("mobilenet_v2@width=0.5", MappingOptions(batch=2, objective="edp"))


@pytest.mark.parametrize(
    ("network", "options", "hardware"),
    [
        (*THREE, "16x16_128k"),
        (*TWO_BY_EDP, "8x8_32k"),
        (*THREE, "npu_int8_2m"),
        (*TWO_BY_EDP, "npu_int8_psram"),
        (*THREE, "mcu_l3_l2_l1"),
    ],
)
def test_so_they_do_of_batches_by_an_objective(network, hardware, options, tmp_path):
    same_again(network, hardware, options, tmp_path / "chosen.yaml")


MOBILE = "mobilenet_v2@width=0.35,resolution=64"
"""Small, with chains in which cascades pay."""
CASCADED = [
    ("mlperf_tiny_ic", "ethos_u55_128", 36000, None),
    ("mlperf_tiny_ic", "npu_int8_psram", 12288, MappingOptions(batch=2)),
    ("mlperf_tiny_vww", "ethos_u55_128", 46000, MappingOptions(objective="edp")),
    ("mlperf_tiny_vww", "npu_int8_psram", 16384, MappingOptions(objective="time")),
    ("mlperf_tiny_kws", "npu_int8_psram", 12288, MappingOptions(objective="energy")),
    (MOBILE, "npu_int8_psram", 24576, MappingOptions(objective="energy")),
    (MOBILE, "npu_int8_256k", 40960, None),
    ("squeezenet_v1_1@resolution=64", "npu_int8_psram", 8192, MappingOptions(objective="energy")),
]


@pytest.mark.parametrize(("network", "hardware", "pool_bytes", "options"), CASCADED)
def test_so_they_do_of_layers_that_run_stripe_by_stripe(network, hardware, pool_bytes, options, tmp_path):
    changes = {"memories.sram.size_bytes": pool_bytes, "cascade": {"layers": 4}}
    small = vary(load_hardware(hardware), **changes)
    assert plan_run(network, small, options).schedule.striped is not None
    same_again(network, small, options, tmp_path / "chosen.yaml")


def test_so_they_do_where_a_tile_holds_a_pooling_only_because_its_inputs_are_on_chip(tmp_path):
    """That it is fused was decided with tiles that find room wherever inputs are."""
    small = vary(load_hardware("npu_int8_psram"), **{"memories.sram.size_bytes": 10240})
    same_again("squeezenet_v1_1@resolution=96", small, None, tmp_path / "chosen.yaml")


@pytest.mark.parametrize("hardware", ["16x16_128k", "npu_int8_2m"])
def test_sizes_lie_within_bounds(hardware):
    bounds = {"K": {"max": 24, "multiple_of": 8}, "OY": {"min": 2}}
    rule = MappingRule.model_validate({"layers": "fire?.expand1x1", "bounds": bounds})
    schedule = plan_run(NETWORK, hardware, mapping=[rule]).schedule
    told = [
        tile_sizes(mapping)
        for layer, mapping in zip(schedule.layers, schedule.mappings, strict=True)
        if layer.name.endswith("expand1x1")
    ]
    assert len(told) == 8
    assert all(sizes["K"] in (8, 16, 24) and sizes["OY"] >= 2 for sizes in told)


TIME = MappingOptions(objective="time")


def test_searching_within_what_is_given_finds_what_trying_each_size_finds():
    layer = "fire5.squeeze1x1"

    def cycles(**given):
        return chosen([MappingRule(layers=layer, **given)], layer, options=TIME).estimated_cycles

    sizes = (4, 16, 32)
    within = MappingRule.model_validate({"layers": layer, "bounds": {"K": {"min": 1}}})
    best = chosen([within], layer, options=TIME).estimated_cycles
    assert best <= min(cycles(tile={"K": size}) for size in sizes) * 1.01


@pytest.mark.parametrize(
    "given",
    [
        {"tile": {"K": 16, "C": 16, "OY": 5, "OX": 7, "FY": 1}},
        {"tile": {"K": 16, "C": 8, "OY": 3, "OX": 4, "FX": 2}, "order": ("K", "FX", "OX", "C", "OY")},
        {"tile": {"OX": 4, "K": 32}, "order": ("FY", "OY", "OX", "K", "C"), "bounds": {"FY": {"max": 2}}},
    ],
)
@pytest.mark.parametrize("hardware", ["16x16_128k", "npu_int8_2m"])
def test_tiles_that_no_search_knows_are_proven_and_simulated_alike_by_both_engines(given, hardware):
    rule = MappingRule.model_validate({"layers": "fire4.expand3x3", **given})
    plan = plan_run(NETWORK, hardware, mapping=[rule])
    told = next(
        mapping
        for layer, mapping in zip(plan.schedule.layers, plan.schedule.mappings, strict=True)
        if layer.name == "fire4.expand3x3"
    )
    assert all(tile_sizes(told)[letter] == size for letter, size in given.get("tile", {}).items())
    assert verify_plan(plan, layers=["fire4.expand3x3"]).proven
    assert run_plan(plan, "fast") == run_plan(plan, "events")


def test_images_of_a_batch_may_share_a_tile():
    rule = MappingRule(layers="fire2.squeeze1x1", tile={"N": 2, "OY": 7})
    network = load_network(NETWORK)
    plan = plan_run(network, MACHINE, MappingOptions(batch=4), mapping=[rule])
    told = plan.schedule.mappings[1]
    assert (told.tile.n, told.tile.y) == (2, 7)
    assert verify_plan(plan, layers=["fire2.squeeze1x1"]).proven


def test_homes_that_are_given_are_where_tensors_lie_and_the_reason_is_that_it_was_said():
    rules = [
        MappingRule(layers="fire2.squeeze1x1", homes={Operand.OUTPUTS: "psram"}),
        MappingRule(layers="fire2.expand*", homes={Operand.INPUTS: "psram"}),
    ]
    network = load_network(NETWORK)
    free = run_network(network, "npu_int8_psram")
    result = run_network(network, "npu_int8_psram", mapping=rules)
    places = {row.name: row.places for row in result.layers}
    assert {row.name: row.places for row in free.layers}["fire2.expand1x1"]["inputs"] == "sram"
    assert places["fire2.squeeze1x1"]["outputs"] == places["fire2.expand1x1"]["inputs"] == "psram"
    by_name = {tensor["name"]: tensor for tensor in result.to_dict()["tensors"]}
    assert by_name["fire2.squeeze1x1"]["why_not"] == {"reason": "told_outside", "layer": "fire2.squeeze1x1"}
