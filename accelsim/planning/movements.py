"""Movements: which operands of a step may move between a pool and the memories outside."""

from itertools import compress, product

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.staircase import Moved


def may_move(hardware: Hardware, *, residual: bool) -> list[Moved]:
    """The sets of operands that may move, weights with them: all of them first, as few as may be last.

    Args:
        hardware: The machine.
        residual: Whether the step reads residuals.
    """
    activations = [Operand.INPUTS, Operand.OUTPUTS, *([Operand.RESIDUAL] if residual else [])]
    if hardware.home(Operand.OUTPUTS) is None:
        return [frozenset({Operand.WEIGHTS})]
    if not hardware.keeps("activations"):
        return [frozenset({Operand.WEIGHTS, *activations})]
    return [
        frozenset({Operand.WEIGHTS, *compress(activations, moves)})
        for moves in product((True, False), repeat=len(activations))
    ]
