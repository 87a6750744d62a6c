"""What stays on chip: tensors of networks, and plans that can be worked out by hand."""

import math
from itertools import combinations

import pytest
from machines import machine

from accelsim.hardware import Operand
from accelsim.mapping import Staircase, StepCost
from accelsim.mapping.schedule import PoolChange
from accelsim.mapping.staircase import Arriving
from accelsim.network import load_network, lowered_network
from accelsim.network.lowering.splitting import unfused
from accelsim.planning import (
    CostsMore,
    DoesNotFit,
    LayerUse,
    NetworkTensors,
    Pool,
    ResidencyPlan,
    Steps,
    Tensor,
    TensorPlaces,
    TooLarge,
    network_tensors,
    nothing_kept,
    plan_residency,
)

INPUTS, RESIDUAL, OUTPUTS, WEIGHTS = Operand.INPUTS, Operand.RESIDUAL, Operand.OUTPUTS, Operand.WEIGHTS
TILES = 20
"""Bytes of the tiles of any layer."""


def graph_of(name):
    return lowered_network(load_network(name)).graph


def precision(activations_bits):
    return machine(**{"precision.activations_bits": activations_bits}).precision


# --- tensors of networks


def tensors_of(name, bits=8, batch=1, parts=None):
    return network_tensors(graph_of(name), precision(bits), batch, parts)


def test_a_concatenation_is_one_tensor_from_its_first_producer_on():
    network = tensors_of("squeezenet_v1_1")
    steps = {name: step for step, name in enumerate(graph_of("squeezenet_v1_1"))}
    expand1, expand3 = (network.uses[steps[f"fire2.expand{kernel}"]] for kernel in ("1x1", "3x3"))
    following = network.uses[steps["fire3.squeeze1x1"]]
    assert expand1.output == expand3.output == following.inputs[0]
    assert network.tensors[expand1.output] == Tensor("fire2.expand1x1", 128 * 55 * 55)


def test_a_residual_is_read_beside_the_input():
    network = tensors_of("resnet18")
    graph = graph_of("resnet18")
    step = list(graph).index("stage2.block1.conv2")
    use = network.uses[step]
    assert [network.tensors[index].name for index in use.inputs] == ["stage2.block1.conv1"]
    assert [network.tensors[index].name for index in use.residuals] == ["stage2.block1.shortcut"]
    assert network.uses[list(graph).index("stage2.block1.conv1")].residuals == ()


def test_a_layer_of_a_dense_block_writes_into_the_tensor_that_it_descends_from():
    network = tensors_of("densenet121")
    producers = {}
    for step, use in enumerate(network.uses):
        producers.setdefault(use.output, []).append(step)
    assert max(map(len, producers.values())) > 20


def test_sizes_are_of_what_is_stored_of_all_images_in_whole_bytes():
    one, three = tensors_of("squeezenet_v1_1", bits=3), tensors_of("squeezenet_v1_1", bits=3, batch=3)
    conv1 = graph_of("squeezenet_v1_1")["conv1"].layer
    assert conv1.stored_elements == 64 * 55 * 55  # after the pooling
    assert one.tensors[1].size_bytes == math.ceil(64 * 55 * 55 * 3 / 8)
    assert three.tensors[1].size_bytes == math.ceil(64 * 55 * 55 * 3 * 3 / 8)
    assert one.tensors[0] == Tensor("image", math.ceil(3 * 224 * 224 * 3 / 8), is_image=True)


def test_what_the_network_is_asked_for_is_a_result():
    network = tensors_of("squeezenet_v1_1")
    assert [tensor.name for tensor in network.tensors if tensor.is_result] == ["prob"]
    assert sum(tensor.is_image for tensor in network.tensors) == 1


def test_between_the_parts_of_a_layer_there_is_a_tensor():
    graph = graph_of("squeezenet_v1_1")
    parts = [unfused(layer) if layer.name == "conv1" else (layer,) for layer in graph.layers]
    whole, apart = tensors_of("squeezenet_v1_1"), tensors_of("squeezenet_v1_1", parts=parts)
    assert len(apart.uses) == len(whole.uses) + 1
    assert apart.uses[0] == LayerUse((0,), (), 1)
    assert apart.uses[1] == LayerUse((1,), (), 2)
    assert apart.tensors[1] == Tensor("conv1 before pool1", 64 * 111 * 111)
    assert apart.tensors[2:] == whole.tensors[1:]


def test_a_part_that_adds_nothing_reads_no_residual():
    graph = graph_of("resnet18")
    parts = [(layer, layer) if layer.residual_elements else (layer,) for layer in graph.layers]
    network = network_tensors(graph, precision(8), parts=parts)
    assert all(use.residuals for use in network.uses if len(use.reads) > 1)
    parts = [unfused(layer) if layer.pooling else (layer,) for layer in graph.layers]
    network = network_tensors(graph, precision(8), parts=parts)
    pooling = [use for use in network.uses if " before " in network.tensors[use.inputs[0]].name]
    assert pooling and not any(use.residuals for use in pooling)


def test_what_is_read_has_to_be_written_before():
    with pytest.raises(ValueError, match="step 0 reads conv2, which no step before it writes"):
        NetworkTensors((Tensor("image", 1, is_image=True), Tensor("conv2", 1)), (LayerUse((1,), (), 1),))


# --- plans by hand: the price is bytes outside, and tiles take 20 bytes whatever they are


def flat_prices(network, weights=5, pinned=False, tiles=TILES):
    """Each step's: what moves, once, and its weights."""
    sizes = [tensor.size_bytes for tensor in network.tensors]
    prices = []
    for use in network.uses:
        operands = {INPUTS: use.inputs, RESIDUAL: use.residuals, OUTPUTS: (use.output,)}
        of_step = {}
        for combination in range(8):
            moved = [operand for bit, operand in enumerate(operands) if combination >> bit & 1]
            size = sum(sizes[index] for operand in moved for index in operands[operand])
            key = frozenset(moved if pinned else [*moved, WEIGHTS])
            cost = StepCost(cycles=1, dram_bytes=size if pinned else size + weights)
            of_step[key] = Staircase((tiles,), (float(cost.dram_bytes),), (cost,), (0,))
        prices.append(of_step)
    return prices


RESIDUAL_BLOCK = NetworkTensors(
    (
        Tensor("image", 60, is_image=True),
        Tensor("conv1", 40),
        Tensor("conv2", 30),
        Tensor("conv3", 50),
        Tensor("fc", 10, is_result=True),
    ),
    (
        LayerUse((0,), (), 1),
        LayerUse((1,), (), 2),
        LayerUse((2,), (1,), 3),
        LayerUse((3,), (), 4),
    ),
)
IMAGE_WEIGHTS_RESULT = 60 + 4 * 5 + 10


def plan_of(size_bytes, network=RESIDUAL_BLOCK, **places):
    return plan_residency(network, Pool(size_bytes, **places), flat_prices(network))


def test_in_a_large_pool_only_the_image_the_weights_and_the_result_move():
    plan = plan_of(140)  # 120 bytes of tensors at conv3, and tiles
    assert plan.price == IMAGE_WEIGHTS_RESULT
    assert (
        plan.why_not == (TooLarge(0, 60, 60, 140), None, None, None, None) or plan.places[0].in_pool is None
    )
    assert [step.written for step in plan.steps] == [False, False, False, True]
    assert plan.pool_changes == (
        PoolChange(40, 0),
        PoolChange(30, 0),
        PoolChange(50, 70),
        PoolChange(0, 50),
    )
    assert plan.peak_bytes == 120


def test_a_residual_is_written_early_and_given_up_where_the_pool_is_too_small_for_three_tensors():
    # At conv3 80 bytes are left beside tiles: conv2 and its output. To leave the output outside would cost
    # 2 x 50 bytes, conv1 from the start 3 x 40; conv1 written and read once as a residual 2 x 40.
    plan = plan_of(100)
    assert plan.price == IMAGE_WEIGHTS_RESULT + 2 * 40
    assert plan.places[1] == TensorPlaces(in_pool=Steps(0, 1), outside=Steps(0, 2))
    assert plan.places[2] == TensorPlaces(in_pool=Steps(1, 2), outside=None)
    assert plan.steps[1].moved == {WEIGHTS}
    assert plan.steps[2].moved == {RESIDUAL, WEIGHTS}
    assert plan.why_not[1] == CostsMore(plan.price, IMAGE_WEIGHTS_RESULT + 2 * 50)


def test_a_tensor_that_no_pool_has_room_for_is_said_to_be_too_large():
    plan = plan_of(60)
    assert plan.why_not[3] == TooLarge(step=2, size_bytes=50, beside_bytes=20, pool_bytes=60)
    assert plan.places[1].in_pool == Steps(0, 2)
    # conv2 would save 2 x 30 bytes, conv1 saves 3 x 40.
    assert plan.why_not[2] == CostsMore(plan.price, plan.price + 60)


def test_with_nothing_kept_everything_moves():
    plan = nothing_kept(RESIDUAL_BLOCK, Pool(140), flat_prices(RESIDUAL_BLOCK))
    assert plan.price == IMAGE_WEIGHTS_RESULT + 3 * 40 + 2 * 30 + 2 * 50
    assert all(places.in_pool is None for places in plan.places)
    assert plan.pool_changes == (PoolChange(0, 0),) * 4


def test_pinned_weights_do_not_move():
    plan = plan_residency(RESIDUAL_BLOCK, Pool(140), flat_prices(RESIDUAL_BLOCK, pinned=True))
    assert plan.price == 60 + 10
    assert plan.steps[1].moved == frozenset()


def test_image_and_result_that_lie_in_the_pool_are_there_from_the_start_and_to_the_end():
    plan = plan_of(140, image_inside=True, results_inside=True)
    assert plan.price == 4 * 5
    assert plan.pool_bytes_at_start == 60
    assert plan.places[0] == TensorPlaces(Steps(0, 0), None)
    assert plan.places[4] == TensorPlaces(Steps(3, 3), None)
    assert plan.pool_changes[0] == PoolChange(taken_bytes=40, freed_bytes=60)
    assert plan.pool_changes[3] == PoolChange(taken_bytes=10, freed_bytes=50)


def test_what_has_no_place_outside_has_to_fit():
    places = {"outside": False, "image_inside": True, "results_inside": True}
    assert plan_of(140, **places).price == 4 * 5
    assert plan_of(139, **places) == DoesNotFit(step=2, tensors=(1, 2, 3), needed_bytes=140, pool_bytes=139)
    assert plan_of(119, **places) == DoesNotFit(step=0, tensors=(0, 1), needed_bytes=120, pool_bytes=119)


def test_tiles_that_do_not_fit_an_empty_pool_are_named_with_their_step():
    assert plan_of(19) == DoesNotFit(step=0, tensors=(), needed_bytes=20, pool_bytes=19)


def test_without_a_place_outside_image_and_results_lie_in_the_pool():
    with pytest.raises(ValueError, match="outside: must be True"):
        Pool(100, outside=False, results_inside=True)


def test_a_result_that_is_read_within_the_network_is_written_and_may_be_kept():
    network = NetworkTensors(
        (
            Tensor("image", 60, is_image=True),
            Tensor("features", 40, is_result=True),
            Tensor("head", 10, is_result=True),
        ),
        (LayerUse((0,), (), 1), LayerUse((1,), (), 2)),
    )
    plan = plan_of(70, network)
    assert plan.price == 60 + 40 + 10 + 2 * 5
    assert plan.places[1] == TensorPlaces(in_pool=Steps(0, 1), outside=Steps(0, 1))
    assert plan.pool_changes[1].freed_bytes == 40


CONCATENATION = NetworkTensors(
    (
        Tensor("image", 30, is_image=True),
        Tensor("squeeze", 10),
        Tensor("expand1", 40),
        Tensor("fc", 5, is_result=True),
    ),
    (LayerUse((0,), (), 1), LayerUse((1,), (), 2), LayerUse((1,), (), 2), LayerUse((2,), (), 3)),
)


def test_a_concatenation_takes_all_of_its_room_with_its_first_producer():
    plan = plan_of(70, CONCATENATION)
    assert plan.places[2] == TensorPlaces(Steps(1, 3), None)
    assert plan.pool_changes[1] == PoolChange(40, 0)
    assert plan.pool_changes[2] == PoolChange(0, 10)


def test_the_producers_of_a_concatenation_all_write_it_where_it_does_not_stay():
    plan = plan_of(50, CONCATENATION)
    assert [step.written for step in plan.steps] == [False, True, True, True]
    assert plan.places[2] == TensorPlaces(None, Steps(1, 3))


def test_an_operand_of_two_tensors_comes_from_outside_if_one_of_them_does():
    network = NetworkTensors(
        (Tensor("image", 50, is_image=True), Tensor("conv1", 10), Tensor("add", 5, is_result=True)),
        (LayerUse((0,), (), 1), LayerUse((0, 1), (), 2)),
    )
    plan = plan_of(100, network)
    assert plan.price == 50 + 10 + (50 + 10) + 5 + 2 * 5
    assert INPUTS in plan.steps[1].moved


# --- prices and staircases


def test_room_is_worth_its_price():
    """In 80 bytes the tiles of fc read its weights once; beside conv1 there is no room for such tiles."""
    network = NetworkTensors(
        (Tensor("image", 60, is_image=True), Tensor("conv1", 30), Tensor("fc", 10, is_result=True)),
        (LayerUse((0,), (), 1), LayerUse((1,), (), 2)),
    )
    prices = flat_prices(network)
    stairs = {
        frozenset({INPUTS, OUTPUTS}): Staircase(
            (20, 80), (540.0, 140.0), (StepCost(dram_bytes=540), StepCost(dram_bytes=140)), (0, 1)
        ),
        frozenset({OUTPUTS}): Staircase(
            (20, 80), (510.0, 110.0), (StepCost(dram_bytes=510), StepCost(dram_bytes=110)), (0, 1)
        ),
    }
    plan = plan_residency(network, Pool(100), [prices[0], stairs])
    assert plan.places[1].in_pool is None
    assert plan.price == 60 + 30 + 5 + 140
    assert plan.why_not[1] == CostsMore(plan.price, 60 + 5 + 510)
    assert plan.steps[1].stair == 1
    assert plan_residency(network, Pool(110), [prices[0], stairs]).price == 60 + 5 + 110


def test_of_equal_prices_the_plan_moves_fewer_bytes():
    prices = [
        {moved: Staircase(stairs.room_bytes, (1.0,), stairs.costs, (0,)) for moved, stairs in of_step.items()}
        for of_step in flat_prices(RESIDUAL_BLOCK)
    ]
    plan = plan_residency(RESIDUAL_BLOCK, Pool(140), prices)
    assert plan.price == 4.0
    assert plan.cost.dram_bytes == IMAGE_WEIGHTS_RESULT


def test_what_moves_in_no_staircase_is_not_done():
    prices = flat_prices(RESIDUAL_BLOCK)
    del prices[1][frozenset({OUTPUTS, WEIGHTS})], prices[1][frozenset({WEIGHTS})]
    plan = plan_residency(RESIDUAL_BLOCK, Pool(140), prices)
    assert INPUTS in plan.steps[1].moved


def test_weights_move_in_all_staircases_of_a_step_or_in_none():
    prices = flat_prices(RESIDUAL_BLOCK)
    prices[2] = {**prices[2], frozenset(): prices[2][frozenset({WEIGHTS})]}
    with pytest.raises(ValueError, match="prices of step 2: weights must move in all staircases, or in none"):
        plan_residency(RESIDUAL_BLOCK, Pool(140), prices)


def test_what_is_read_beside_an_image_on_chip_is_there_although_nothing_is_to_be_kept():
    tensors = Tensor("image", 10, is_image=True), Tensor("conv1", 20), Tensor("sum", 30, is_result=True)
    network = NetworkTensors(tensors, (LayerUse((0,), (), 1), LayerUse((0, 1), (), 2)))
    plan = nothing_kept(network, Pool(10 + 20 + TILES, image_inside=True), flat_prices(network))
    assert plan.places[1] == TensorPlaces(Steps(0, 1), outside=None)
    assert plan.places[2].in_pool is None


@pytest.mark.parametrize("most_states", [1, 2, 3])
def test_however_few_states_are_followed_what_is_read_beside_an_image_on_chip_is_there(most_states):
    """The state with fewest tensors has conv1 outside: then no layer can read it beside the image."""
    tensors = (
        Tensor("image", 60, is_image=True),
        Tensor("conv1", 40),
        Tensor("conv2", 10),
        Tensor("add", 40, is_result=True),
    )
    uses = LayerUse((0,), (), 1), LayerUse((1,), (), 2), LayerUse((0, 1), (2,), 3)
    moves = (Operand.INPUTS, Operand.OUTPUTS, Operand.RESIDUAL)
    sets = [frozenset(some) for count in range(4) for some in combinations(moves, count)]
    prices = {
        some: Staircase((20,), (10.0 * len(some),), (StepCost(dram_bytes=10 * len(some)),), (0,))
        for some in sets
    }
    network, pool = NetworkTensors(tensors, uses), Pool(400, image_inside=True)
    nothing = nothing_kept(network, pool, [prices] * 3)
    plan = plan_residency(network, pool, [prices] * 3, most_states=most_states)
    assert isinstance(plan, ResidencyPlan)
    assert plan.price <= nothing.price
    assert 1 in plan.steps[2].in_pool


@pytest.mark.parametrize("most_states", [1, 2, 3])
def test_a_tensor_that_may_come_again_is_no_other_state_where_nothing_is_kept(most_states):
    """Where few states are followed, those of the plan that keeps nothing were not found among the others."""
    tensors = (
        Tensor("image", 60, is_image=True),
        Tensor("conv1", 40, is_result=True),
        Tensor("add", 40),
        Tensor("conv2", 10, is_result=True),
        Tensor("conv3", 10, is_result=True),
    )
    uses = LayerUse((0,), (), 1), LayerUse((0, 1), (), 2), LayerUse((2,), (), 3), LayerUse((1,), (), 4)
    sets = [frozenset(some) for count in range(3) for some in combinations((INPUTS, OUTPUTS), count)]

    def stairs(price, room_bytes):
        return Staircase((room_bytes,), (float(price),), (StepCost(dram_bytes=price),), (0,))

    prices = []
    for room_bytes in (20, 20, 370, 20):  # beside the third layer's tiles conv1 has no room
        prices.append({some: stairs(10 * len(some), room_bytes) for some in sets})
        prices[-1] |= {Arriving(some): stairs(15 * len(some), room_bytes) for some in sets if INPUTS in some}
    network, pool = NetworkTensors(tensors, uses), Pool(400, image_inside=True)
    nothing = nothing_kept(network, pool, prices)
    plan = plan_residency(network, pool, prices, most_states=most_states)
    assert plan.price <= nothing.price
