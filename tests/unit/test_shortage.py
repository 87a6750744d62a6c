"""What a network needs of a pool that does not hold it."""

from itertools import compress, product

import pytest
from graphs import described, row

from accelsim import load_hardware, run_network
from accelsim.descriptions import vary
from accelsim.errors import MappingError
from accelsim.hardware import Operand
from accelsim.mapping.staircase import Staircase, StepCost
from accelsim.network.configuration import configure
from accelsim.planning.programme.shortage import step_needs
from accelsim.planning.residency import Pool
from accelsim.planning.tensors import LayerUse, NetworkTensors, Tensor


def test_what_is_read_beside_an_image_in_the_pool_is_needed_there_too():
    """A layer that reads both as one operand reads both in the pool, or neither: the image cannot leave."""
    tensors = (
        Tensor("image", 60, is_image=True),
        Tensor("conv1", 40),
        Tensor("add", 40, is_result=True),
    )
    network = NetworkTensors(tensors, (LayerUse((0,), (), 1), LayerUse((0, 1), (), 2)))
    moves = product((True, False), repeat=2)
    prices = {
        frozenset({Operand.WEIGHTS, *compress((Operand.INPUTS, Operand.OUTPUTS), some)}): Staircase(
            (20,), (70.0,), (StepCost(9),), (0,)
        )
        for some in moves
    }
    needs = step_needs(network, Pool(50, image_inside=True), [prices, prices])
    assert [(need.tensors, need.tensor_bytes, need.tile_bytes) for need in needs] == [((0, 1), 100, 20)] * 2


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (17, "images of 8 x 8 instead of 17 x 17 pixels (resolution=8)"),
        (20, "images of 8 x 8 instead of 17 x 20 pixels"),
    ],
)
def test_a_resolution_is_named_where_the_network_has_that_parameter(width, words):
    """The smaller image may be square where the network's own is not; then it has none."""
    network = vary(
        described([row("conv", "conv", "input", out_channels=3)], side=17), **{"input.width": width}
    )
    hardware = vary(load_hardware("npu_int8_256k"), **{"memories.sram.size_bytes": 500})
    with pytest.raises(MappingError) as error:
        run_network(configure(network), hardware)
    assert str(error.value).endswith(words)
