"""Functions of single elements and reductions of windows, on whole numbers.

Functions stand for themselves where they keep numbers whole (maximum with 0, clamps) and are another simple
function where they do not (sigmoid, normalisation): what is checked is that each is applied once, to
complete outputs. LRN and softmax are among them, so what they read of neighbouring channels is not. An
average is kept as its sum, since dividing it is the same whoever does it.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Integers: TypeAlias = npt.NDArray[Any]
"""Whole numbers, whatever type numpy keeps them in."""


def element_function(operator: str, values: Integers) -> Integers:
    """A function of single elements, or the one that stands for it."""
    match operator:
        case "relu":
            return np.maximum(values, 0)
        case "relu6" | "clip":
            return np.clip(values, 0, 6)
        case "batch_norm":  # where it is folded, its shift is the offset
            return values
        case _:
            return 1 - values


def keeps_largest(operator: str) -> bool:
    """Whether a pooling keeps the largest element; else it adds them up."""
    return operator == "max_pool"


def is_pooling(operator: str) -> bool:
    """Whether an operator reduces windows."""
    return operator.endswith("_pool")
