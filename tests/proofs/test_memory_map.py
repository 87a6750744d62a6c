"""What lies where on chip, and why the rest does not: from the plan to results, files and words."""

import itertools
import math
from dataclasses import replace

import pytest
from machines import keeping_machine, machine

import accelsim
from accelsim.mapping.bounds import compulsory_dram_bytes
from accelsim.mapping.staircase import StepCost
from accelsim.memory_map import (
    CostsMore,
    CostsMoreTogether,
    MemoryMap,
    PlacedTensor,
    Steps,
    TileRegion,
    TooLarge,
)
from accelsim.planning import LayerUse, NetworkTensors, Pool, ResidencyPlan, StepPlan, Tensor, TensorPlaces
from accelsim.planning.plan_map import memory_map_of
from accelsim.report.tables.residency import residency_report
from accelsim.report.tables.run import run_report
from accelsim.report.text import Style
from accelsim.report.text.energies import duration
from accelsim.report.text.residency import kept_sentence, why_not_words
from accelsim.report.text.table import kibibytes
from accelsim.result import layer_to_dict
from accelsim.run import plan_run

KIB = 1024
NETWORK = "mobilenet_v1@width=0.25,resolution=128"


@pytest.fixture(scope="module")
def plan():
    """Of a network of which a part stays on chip."""
    return plan_run(NETWORK, keeping_machine(48 * KIB))


@pytest.fixture(scope="module")
def result():
    return accelsim.run_network(NETWORK, keeping_machine(48 * KIB))


def kept(name="conv1", size=3000, steps=(0, 1), address=0, **others):
    return PlacedTensor(name, size, Steps(*steps), address, None, last_reader=steps[1], **others)


def absent(name, size, why_not):
    return PlacedTensor(name, size, None, None, Steps(0, 1), last_reader=1, why_not=why_not)


def map_of(*tensors, needed_bytes=1000):
    return MemoryMap("sram", 4096, tensors, (TileRegion(3000, 1096, needed_bytes),) * 2)


def in_pool_at(memory_map, step):
    kept = [tensor for tensor in memory_map.tensors if tensor.in_pool]
    return [tensor for tensor in kept if tensor.in_pool.first <= step <= tensor.in_pool.last]


# --- the plan's facts on a schedule


def test_tensors_lie_in_the_pool_when_the_schedule_takes_and_frees_their_room(plan):
    schedule, memory_map = plan.schedule, plan.schedule.memory_map
    held = schedule.pool_bytes_at_start
    for step, change in enumerate(schedule.pool_changes):
        held += change.taken_bytes
        assert held == sum(tensor.size_bytes for tensor in in_pool_at(memory_map, step))
        assert held == memory_map.tensor_bytes[step]
        held -= change.freed_bytes
    assert held == 0


def test_some_stay_and_the_others_have_a_reason(plan):
    tensors = [tensor for tensor in plan.schedule.memory_map.tensors if not tensor.is_image]
    assert {tensor.stays for tensor in tensors} == {True, False}
    for tensor in tensors:
        assert (tensor.why_not is None) == (tensor.stays or tensor.last_reader is None)
        assert (tensor.address is None) == (tensor.in_pool is None)


def test_tensors_and_the_tiles_of_each_layer_fit_the_pool(plan):
    memory_map = plan.schedule.memory_map
    assert memory_map.address_waste_bytes == 0
    assert max(memory_map.used_bytes) == memory_map.peak_bytes <= 48 * KIB
    for step, region in enumerate(memory_map.tiles):
        assert region.needed_bytes == plan.schedule.mappings[step].room_bytes > 0
        for tensor in in_pool_at(memory_map, step):
            assert (
                tensor.end_address <= region.address or region.address + region.size_bytes <= tensor.address
            )


def test_a_machine_that_keeps_nothing_has_no_memory_map():
    plan = plan_run(NETWORK, "16x16_128k")
    assert plan.schedule.memory_map is None
    assert {mapping.room_bytes for mapping in plan.schedule.mappings} == {0}


# --- values


def test_a_tensor_that_is_given_up_before_its_last_reader_does_not_stay():
    tensor = PlacedTensor("conv1", 8, Steps(0, 2), 0, Steps(0, 4), last_reader=4)
    assert not tensor.stays
    assert tensor._replace(in_pool=Steps(0, 4)).stays
    assert tensor._replace(last_reader=None).stays  # a result that lies in the pool


def test_the_waste_is_what_tiles_lack_in_one_piece_or_tensors_beyond_the_pool():
    assert map_of(kept()).address_waste_bytes == 0
    assert map_of(kept(), needed_bytes=1100).address_waste_bytes == 4
    assert map_of(kept(address=2000)).address_waste_bytes == 5000 - 4096


def test_addresses_span_from_nothing_to_the_end_of_what_is_uppermost():
    assert map_of(kept(), needed_bytes=500).address_span_bytes == 3500
    holes = map_of(kept(size=2000), needed_bytes=500)  # the tiles lie at 3000
    assert (holes.peak_bytes, holes.address_span_bytes) == (2500, 3500)
    above = map_of(kept(size=96, address=4000), needed_bytes=500)
    assert above.address_span_bytes == 4096
    assert MemoryMap("sram", 4096, (), ()).address_span_bytes == 0


def test_where_addresses_waste_bytes_the_span_is_what_the_pool_would_have_to_be():
    assert map_of(kept(), needed_bytes=1100).address_span_bytes == 4096 + 4
    assert map_of(kept(address=2000)).address_span_bytes == 5000


def test_lost_is_room_that_tensors_leave_beside_the_part_that_tiles_have():
    assert map_of(kept(size=2000, address=1000)).lost_bytes == (0, 0)
    in_two_pieces = map_of(kept(size=2000, address=1000, steps=(0, 0)), needed_bytes=1100)
    assert in_two_pieces.lost_bytes == (4096 - 2000 - 1096, 4096 - 1096)
    assert map_of(kept(address=2000, steps=(1, 1))).lost_bytes == (0, 5000 - 4096)


def test_where_nothing_is_kept_after_all_what_would_have_stayed_says_so_and_the_rest_has_its_own_reason():
    together, too_large = CostsMoreTogether(10.0, 11.0), TooLarge(0, 5000, 10, 4096)
    without = map_of(absent("conv1", 3000, None), absent("conv2", 5000, None))
    keeping = map_of(kept(), absent("conv2", 5000, too_large))
    chosen = without.instead_of(keeping, together)
    assert [tensor.why_not for tensor in chosen.tensors] == [together, too_large]
    assert [tensor.in_pool for tensor in chosen.tensors] == [None, None]


def test_the_gap_of_a_plan_for_which_not_all_ways_were_followed_is_in_its_map_in_json_and_in_words():
    network = NetworkTensors((Tensor("image", 8, is_image=True), Tensor("fc", 4)), (LayerUse((0,), (), 1),))
    step = StepPlan(frozenset(), 96, (1,), written=False, kept=True, stair=0, cost=StepCost(100))
    places = TensorPlaces(None, Steps(0, 0)), TensorPlaces(Steps(0, 0), None)
    plan = ResidencyPlan(network, Pool(100), (step,), places, 100.0, 0.0123, (None, None))
    memory_map = memory_map_of(plan, "sram", [90])
    assert memory_map.to_dict(["fc"])["plan_gap"] == 0.0123
    assert kept_sentence(memory_map).endswith("; a better plan may save 1.2% at most")
    exact = memory_map_of(replace(plan, gap=None), "sram", [90])
    assert exact.to_dict(["fc"])["plan_gap"] is None
    assert "better plan" not in kept_sentence(exact)
    assert exact.instead_of(memory_map, CostsMoreTogether(1.0, 2.0)).plan_gap == 0.0123


# --- results


def test_json_lists_each_tensor_with_its_place(result):
    values = result.to_dict()
    names = [layer.name for layer in result.layers]
    assert [tensor["name"] for tensor in values["tensors"]][:2] == ["image", "conv1"]
    for tensor, placed in zip(values["tensors"], result.memory_map.tensors, strict=True):
        if placed.in_pool is None:
            assert {tensor[key] for key in ("memory", "address", "first_layer", "last_layer")} == {None}
            assert tensor["outside"]
        else:
            assert tensor["memory"] == "sram"
            assert tensor["first_layer"] == names[placed.in_pool.first]
            assert tensor["last_layer"] == names[placed.in_pool.last]
    reasons = {tensor["why_not"]["reason"] for tensor in values["tensors"] if tensor["why_not"]}
    assert reasons <= {"too_large", "costs_more"}
    assert reasons
    assert values["address_waste_bytes"] == 0
    assert 0 < values["layer_peak_bytes"] <= values["address_span_bytes"] <= 48 * KIB


def test_places_of_a_layer_are_those_of_the_tensors_that_it_reads_and_writes(result):
    in_pool = {t.name: t.in_pool for t in result.memory_map.tensors}
    for layer in result.layers:
        reads_outside = layer.memories["dram"].read_bytes["inputs"] > 0
        assert layer.places["outputs"] == ("dram" if in_pool[layer.name] is None else "sram")
        assert layer.places["inputs"] == ("dram" if reads_outside else "sram")
        assert "residual" not in layer.places
    assert list(result.layers[0].places) == ["inputs", "weights", "outputs"]
    assert {layer.places["inputs"] for layer in result.layers} == {"dram", "sram"}


def test_a_machine_that_keeps_nothing_has_none_of_this_in_its_json():
    values = accelsim.run_network(NETWORK, "16x16_128k").to_dict()
    of_pools = {"tensors", "address_span_bytes", "address_waste_bytes", "lower_bound_if_kept_cycles"}
    assert not of_pools & values.keys()
    assert {layer["places"]["inputs"] for layer in values["layers"]} == {"dram"}


# --- the bound


@pytest.mark.parametrize("io", [{}, {"inputs": "sram", "outputs": "sram"}])
def test_of_a_network_that_stays_on_chip_only_weights_image_and_results_have_to_move(io):
    hardware = keeping_machine(512 * KIB, io=io)
    plan = plan_run(NETWORK, hardware)
    layers = plan.schedule.layers
    weights = sum(
        compulsory_dram_bytes(layer, hardware)
        - 2 * (layer.stored_elements + layer.residual_elements)
        - inputs_of(layer)
        for layer in layers
    )
    macs = sum(math.ceil(layer.macs / hardware.pe_array.pes) for layer in layers)
    outside = 0 if io else inputs_of(layers[0]) + 2 * layers[-1].stored_elements
    expected = max(macs, math.ceil((weights + outside) / hardware.channels[0].bytes_per_cycle))
    assert accelsim.run_network(NETWORK, hardware).lower_bound_if_kept_cycles == expected


def inputs_of(layer):
    """Bytes of 16 bits of all inputs under a window, none of which is left out here."""
    rows = min((layer.OY - 1) * layer.stride_y + layer.FY - layer.pad_top, layer.IY)
    columns = min((layer.OX - 1) * layer.stride_x + layer.FX - layer.pad_left, layer.IX)
    return 2 * layer.operands * layer.G * layer.C * rows * columns


def test_no_run_is_faster_than_that_and_it_is_less_than_what_moving_everything_takes(result):
    assert result.lower_bound_if_kept_cycles <= result.cycles
    assert result.lower_bound_if_kept_cycles < result.lower_bound_cycles


def test_the_bound_of_a_layer_leaves_out_what_keeping_can_save(result):
    first, *others = result.layers
    assert all(layer.least_cycles == layer.lower_bound_if_kept_cycles for layer in result.layers)
    assert all(layer.least_cycles <= layer.lower_bound_cycles for layer in result.layers)
    assert any(layer.least_cycles < layer.lower_bound_cycles for layer in others)
    assert result.lower_bound_if_kept_cycles <= sum(layer.least_cycles for layer in result.layers)
    bytes_per_cycle = keeping_machine(48 * KIB).channels[0].bytes_per_cycle
    assert first.least_cycles * bytes_per_cycle >= inputs_of(first.form)
    assert layer_to_dict(first)["lower_bound_if_kept_cycles"] == first.least_cycles


def test_a_layer_stores_at_least_the_result_of_which_it_is_the_writer():
    inside, outside = (
        accelsim.run_network(NETWORK, keeping_machine(512 * KIB, io={"outputs": memory})).layers[-1]
        for memory in ("sram", "dram")
    )
    weights = inside.least_cycles * 16
    assert outside.least_cycles == math.ceil((weights + 2 * inside.form.stored_elements) / 16)


def test_of_a_machine_that_keeps_nothing_layers_have_one_bound():
    layers = accelsim.run_network(NETWORK, machine()).layers
    assert {layer.lower_bound_if_kept_cycles for layer in layers} == {None}
    assert [layer.least_cycles for layer in layers] == [layer.lower_bound_cycles for layer in layers]
    assert "lower_bound_if_kept_cycles" not in layer_to_dict(layers[0])


def test_the_table_compares_a_layer_with_the_bound_without_what_keeping_saves(result):
    words = run_report(result, Style(200)).split()
    assert all(f"{layer.cycles / layer.least_cycles:.2f}" in words for layer in result.layers)


def test_what_lies_on_chip_before_and_after_need_not_move():
    inside = accelsim.run_network(
        NETWORK, keeping_machine(512 * KIB, io={"inputs": "sram", "outputs": "sram"})
    )
    outside = accelsim.run_network(NETWORK, keeping_machine(512 * KIB))
    assert inside.lower_bound_if_kept_cycles <= outside.lower_bound_if_kept_cycles
    assert {tensor.stays for tensor in inside.memory_map.tensors} == {True}
    assert inside.dram_bytes.write == 0
    assert outside.dram_bytes.write == outside.memory_map.tensors[-1].size_bytes


# --- words


def test_reasons_in_words():
    layers = ["conv1", "conv2"]
    assert why_not_words(TooLarge(0, 5000, 10, 4096), "sram", layers) == "larger than sram"
    assert why_not_words(TooLarge(1, 3000, 2048, 4096), "sram", layers) == "no room beside 2 KiB at conv2"
    assert why_not_words(CostsMore(1000.0, 1032.0), "sram", layers) == "costs 3.2% more"
    assert why_not_words(CostsMore(1000.0, 1000.0), "sram", layers) == "saves nothing"
    assert why_not_words(CostsMoreTogether(100.0, 110.0), "sram", layers) == "keeping any costs 10.0% more"


def test_the_sentence_counts_and_names_the_largest_of_those_that_do_not_stay():
    too_large, costs_more = TooLarge(0, 5000, 10, 4096), CostsMore(1.0, 2.0)
    memory_map = map_of(
        kept(),
        absent("conv2", 5 * KIB, too_large),
        absent("conv3", 7 * KIB, too_large),
        absent("conv4", 6 * KIB, too_large),
        absent("conv5", KIB, costs_more),
        PlacedTensor("fc", 10, None, None, Steps(1, 1), is_result=True),
        PlacedTensor("image", 10, None, None, Steps(0, 0), last_reader=0, is_image=True),
    )
    assert kept_sentence(memory_map) == (
        "1 of 5 tensors stays in sram; no room for 3 (conv3 of 7 KiB, conv4 of 6 KiB, ...); "
        "not worth their room: 1 (conv5 of 1 KiB)"
    )
    assert kept_sentence(map_of(kept())) == "1 of 1 tensor stays in sram"


def test_of_rows_that_a_cascade_keeps_it_is_the_whole_tensor_that_has_no_room():
    too_large = TooLarge(0, 64 * KIB, 10, 4096)
    rows = PlacedTensor("conv1", KIB, Steps(0, 1), 0, Steps(0, 2), last_reader=2, why_not=too_large)
    memory_map = map_of(
        rows._replace(window_rows=2, whole_bytes=64 * KIB), absent("conv2", 2 * KIB, too_large)
    )
    sentence = kept_sentence(memory_map)
    assert sentence.endswith("no room for 2 (conv1 of 64 KiB, conv2 of 2 KiB)")
    report = residency_report("small", memory_map, "dram", ["a", "b", "c"], Style(width=120))
    assert "all, 64 KiB: larger than sram" in report


def test_the_sentence_says_what_addresses_waste():
    memory_map = map_of(kept(), needed_bytes=1100)
    assert kept_sentence(memory_map).endswith("; their addresses leave 4 bytes too few to tiles in one piece")


def test_where_weights_alone_lie_outside_nothing_else_has_to_move():
    result = accelsim.run_network(NETWORK, "npu_int8_256k")
    assert result.cycles >= result.lower_bound_cycles >= result.lower_bound_if_kept_cycles
    assert sum(layer.compulsory_dram_bytes for layer in result.layers) == result.dram_bytes.read
    assert all(layer.dram_bytes.total >= layer.compulsory_dram_bytes for layer in result.layers)


# --- weights that stay


@pytest.fixture(scope="module")
def pinned():
    """Of a network whose weights stay in part."""
    return accelsim.run_network(NETWORK, keeping_machine(400 * KIB, keeps=("activations", "weights")))


def test_pinned_weights_have_names_sizes_and_addresses_that_no_tensor_has_meanwhile(pinned):
    memory_map, layers = pinned.memory_map, [layer.name for layer in pinned.layers]
    assert {weights.name for weights in memory_map.pinned} <= {f"{name} weights" for name in layers}
    assert 0 < len(memory_map.pinned) < len(layers)
    for step in range(len(layers)):
        blocks = sorted((tensor.address, tensor.end_address) for tensor in in_pool_at(memory_map, step))
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(blocks))
        assert {weights.name for weights in memory_map.pinned} <= {
            tensor.name for tensor in in_pool_at(memory_map, step)
        }


def test_pinned_weights_are_tensors_in_the_json_from_the_first_layer_to_the_last(pinned):
    values = pinned.to_dict()
    weights = [tensor for tensor in values["tensors"] if tensor.get("pinned")]
    assert len(weights) == len(pinned.memory_map.pinned)
    first, last = pinned.layers[0].name, pinned.layers[-1].name
    assert {(row["first_layer"], row["last_layer"]) for row in weights} == {(first, last)}
    assert values["first_inference"]["memories"].keys() == values["memories"].keys()
    assert values["first_inference"]["cycles"] == pinned.first_inference.cycles


def test_totals_say_what_is_pinned_and_what_the_first_inference_takes(pinned):
    count, size = len(pinned.memory_map.pinned), sum(row.size_bytes for row in pinned.memory_map.pinned)
    assert f"weights of {count} layers are pinned, {kibibytes(size)}" in kept_sentence(pinned.memory_map)
    report = " ".join(run_report(pinned, Style(), "none").split())
    assert f"inference, in which pinned weights come: {duration_of(pinned)}" in report


def duration_of(result):
    first = result.first_inference.cycles
    return f"{duration(first / (result.clock_mhz * 1e3))} ({first:,} cycles)"


def test_of_a_machine_that_keeps_weights_alone_the_totals_say_that_no_tensor_stays():
    result = accelsim.run_network(NETWORK, keeping_machine(200 * KIB, keeps=("weights",)))
    assert kept_sentence(result.memory_map).startswith("none of 27 tensors stays in sram; weights of ")
    assert result.lower_bound_if_kept_cycles is None


def test_a_tensor_has_no_room_beside_pinned_weights_of_the_whole_pool(pinned):
    reasons = [tensor.why_not for tensor in pinned.memory_map.tensors]
    assert {row.pool_bytes for row in reasons if isinstance(row, TooLarge)} <= {400 * KIB}


def test_weights_that_are_not_pinned_say_why(pinned):
    memory_map = pinned.memory_map
    on_array = {f"{layer.name} weights" for layer in pinned.layers if layer.params}
    assert {row.name for row in (*memory_map.pinned, *memory_map.unpinned)} == on_array
    assert memory_map.unpinned
    values = {row["name"]: row for row in pinned.to_dict()["tensors"]}
    for row in memory_map.unpinned:
        assert row.why_not is not None
        assert values[row.name]["pinned"] is False
        assert values[row.name]["why_not"]["reason"] in ("too_large", "costs_more", "costs_more_together")
        assert values[row.name]["address"] is None
        if isinstance(row.why_not, TooLarge):
            assert row.why_not.beside_bytes + row.size_bytes > memory_map.size_bytes
    sentence = kept_sentence(memory_map)
    assert f"no room for {len(memory_map.unpinned)} (" in sentence
    assert f"{max(memory_map.unpinned, key=lambda row: row.size_bytes).name} of " in sentence


def test_where_weights_may_stay_and_none_do_the_sentence_says_so():
    name, always, reason = "conv1 weights", Steps(0, 1), CostsMore(100.0, 104.0)
    weights = PlacedTensor(name, 2048, None, None, always, last_reader=0, why_not=reason, is_weights=True)
    sentence = kept_sentence(map_of(kept(), weights))
    assert "weights of no layer are pinned; not worth their room: 1 (conv1 weights of 2 KiB)" in sentence


def test_a_map_without_pins_has_reasons_of_one_with_them():
    name, always, reason = "conv1 weights", Steps(0, 1), CostsMoreTogether(1.0, 2.0)
    weights = PlacedTensor(name, 10, always, 90, always, last_reader=0, is_weights=True)
    unpinned = weights._replace(in_pool=None, address=None, why_not=CostsMore(2.0, 1.0))
    without, pinning = map_of(absent("conv1", 10, None), unpinned), map_of(kept(), weights)
    assert without.instead_of(pinning, reason).tensors[0].why_not == reason
    assert without.instead_of(pinning, reason, weights=True).tensors[1].why_not == reason
    assert without.instead_of(pinning, reason, weights=True).tensors[0].why_not is None


def test_by_time_the_reasons_are_in_cycles_whichever_plan_is_the_faster():
    """Where the plan by energy times delay is faster, its own prices were said, which are sums of both."""
    result = accelsim.run_network(NETWORK, keeping_machine(96 * KIB), objective="time")
    reasons = [tensor.why_not for tensor in result.memory_map.tensors]
    in_cycles = [reason for reason in reasons if isinstance(reason, CostsMore | CostsMoreTogether)]
    assert in_cycles
    for cycles, cycles_if_kept in in_cycles:
        assert 0.5 * result.cycles < cycles <= cycles_if_kept < 2 * result.cycles


def test_pinned_weights_stay_where_a_map_is_preferred_to_another():
    weights = PlacedTensor("conv1 weights", 8, Steps(0, 1), 0, Steps(0, 1), 0, is_weights=True)
    other = map_of(kept(), weights._replace(in_pool=None, address=None))
    chosen = map_of(absent("conv1", 3000, None), weights).instead_of(other, CostsMoreTogether(1.0, 2.0))
    assert [tensor.why_not for tensor in chosen.tensors] == [CostsMoreTogether(1.0, 2.0), None]
    assert chosen.pinned == (weights,)
