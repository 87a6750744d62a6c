"""Functions of single elements and reductions of windows, on whole numbers.

Functions stand for themselves where they keep numbers whole (maximum with 0, clamps) and are another simple
function where they do not (sigmoid, normalisation): what is checked is that each is applied once, to
complete outputs. LRN and softmax are among them, so what they read of neighbouring channels is not. An
average is kept as its sum, since dividing it is the same whoever does it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Integers: TypeAlias = npt.NDArray[Any]
"""Whole numbers, whatever type numpy keeps them in."""


def _rectified(values: Integers) -> Integers:
    return np.maximum(values, 0)


def _clamped(values: Integers) -> Integers:
    return np.clip(values, 0, 6)


def _unchanged(values: Integers) -> Integers:
    return values


def _stand_in(values: Integers) -> Integers:
    return 1 - values


_WHOLE: Final[Mapping[str, Callable[[Integers], Integers]]] = {
    "relu": _rectified,
    "relu6": _clamped,
    "clip": _clamped,
    "batch_norm": _unchanged,  # where it is folded, its shift is the offset
}
"""Functions that keep numbers whole, by operator."""


def element_function(operator: str, values: Integers) -> Integers:
    """A function of single elements, or the one that stands for it."""
    return _WHOLE.get(operator, _stand_in)(values)


def keeps_largest(operator: str) -> bool:
    """Whether a pooling keeps the largest element; else it adds them up."""
    return operator in {"max_pool", "reduce_max", "reduce_arg_max"}


def is_pooling(operator: str) -> bool:
    """Whether an operator reduces windows."""
    return operator.endswith("_pool") or operator.startswith("reduce_")
