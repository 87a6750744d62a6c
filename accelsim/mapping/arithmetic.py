"""Whole-number arithmetic on plain integers and on numpy arrays alike.

A dataflow's formulas are written once: the search evaluates them on arrays of candidates, the program of
the chosen mapping on single integers.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Count: TypeAlias = int | Ints
"""A whole number, or one for each candidate."""


def ceil_div(dividend: Count, divisor: Count) -> Count:
    """dividend / divisor, rounded up."""
    return -(-dividend // divisor)


def smaller(a: Count, b: Count) -> Count:
    """The smaller of two, element by element."""
    if isinstance(a, int) and isinstance(b, int):
        return a if a < b else b
    return np.minimum(a, b)


def larger(a: Count, b: Count) -> Count:
    """The larger of two, element by element."""
    if isinstance(a, int) and isinstance(b, int):
        return a if a > b else b
    return np.maximum(a, b)


def at_most_one(a: Count) -> Count:
    """1 where positive, else 0."""
    return smaller(larger(a, 0), 1)
