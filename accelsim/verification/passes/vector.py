"""Layers of the vector unit: windows, operands put together, and functions of one element."""

from typing import Final

import numpy as np

from accelsim.verification.functions import Integers, element_function, is_pooling, keeps_largest

OUTSIDE_OF_MAXIMUM: Final = -np.inf


def outside(operator: str) -> float:
    """What stands where a window sticks out of the input plane: it changes nothing."""
    return OUTSIDE_OF_MAXIMUM if keeps_largest(operator) else 0.0


def accumulate(sums: Integers, patches: Integers, factors: Integers, operator: str) -> Integers:
    """What a visit makes of the sums so far.

    Args:
        sums: g x 1 x y x x.
        patches: operands x g x c x taps x y x x.
        factors: g x factors, a gate of the layer itself.
        operator: What the layer does.
    """
    if is_pooling(operator):
        reduced = patches[0].max(axis=(1, 2)) if keeps_largest(operator) else patches[0].sum(axis=(1, 2))
        parts = reduced[:, None]
        return np.asarray(np.maximum(sums, parts) if keeps_largest(operator) else sums + parts)
    combine = np.multiply if operator == "multiply" else np.add
    values = combine.reduce(patches[:, :, 0, 0], axis=0)
    gates = factors.astype(np.float64)
    for index in range(gates.shape[1]):
        values = combine(values, gates[:, index, None, None])
    is_function = len(patches) == 1 and not gates.shape[1]
    return np.asarray(sums + (element_function(operator, values) if is_function else values)[:, None])


def finish(
    values: Integers, operators: list[tuple[str, int, int]], residual: Integers, factors: Integers
) -> Integers:
    """Fused operators on complete outputs, in order.

    Args:
        values: g x k x y x x.
        operators: Of each: its name, how many tensors and how many factors for each channel it reads.
        residual: tensors x g x k x y x x.
        factors: g x k x y x factors; those of each row, since images may be rows.
    """
    tensor = factor = 0
    for operator, tensors, gates in operators:
        combine = np.multiply if operator == "multiply" else np.add
        if not tensors and not gates:
            values = element_function(operator, values)
        for operand in residual[tensor : tensor + tensors]:
            values = combine(values, operand)
        for gate in range(factor, factor + gates):
            values = combine(values, factors[..., gate, None])
        tensor, factor = tensor + tensors, factor + gates
    return values
