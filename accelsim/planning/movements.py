"""Movements: which operands of a step may move between a pool and the memories outside."""

from itertools import compress, product

from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.staircase import Moved
from accelsim.network.executed import ExecutedGraph
from accelsim.network.layer import Layer


def check_products(graph: ExecutedGraph, hardware: Hardware) -> None:
    """Raises MappingError where the second operand of a product of two activations cannot come as weights do.

    It comes from where activations are; where weights come from elsewhere, it has to lie in the pool.
    """
    if hardware.home(Operand.WEIGHTS) == hardware.home(Operand.INPUTS):
        return
    image_is_outside = hardware.input_place in hardware.names_off_chip
    for node in graph.nodes:
        of_image = node.network_weight_elements and image_is_outside
        if node.layer.multiplies_activations and (of_image or not hardware.keeps("activations")):
            raise MappingError(
                f"{node.name} on {hardware.name}: multiplies two tensors, of which the second comes as "
                "weights do, but weights have another memory than activations; would help: one memory off "
                "chip that holds both, or a memory on chip that keeps activations"
            )


def may_move(hardware: Hardware, layer: Layer) -> list[Moved]:
    """The sets of operands that may move, weights with them: all of them first, as few as may be last.

    The second operand of a product of two activations is one of these; it cannot move where weights have
    another home than activations.

    Args:
        hardware: The machine.
        layer: That of the step.
    """
    activations = [Operand.INPUTS, Operand.OUTPUTS]
    activations += [Operand.RESIDUAL] if layer.residual_elements else []
    weights = frozenset({Operand.WEIGHTS})
    if layer.multiplies_activations:
        moves_too = hardware.home(Operand.WEIGHTS) == hardware.home(Operand.INPUTS)
        activations += [Operand.WEIGHTS] if moves_too else []
        weights = frozenset()
    if hardware.home(Operand.OUTPUTS) is None:
        return [weights]
    if not hardware.keeps("activations"):
        return [weights.union(activations)]
    return [
        weights.union(compress(activations, moves))
        for moves in product((True, False), repeat=len(activations))
    ]
