"""Whole-number arithmetic on plain integers and, entry by entry, on numpy arrays.

A dataflow's formulas are written once: the program of a mapping evaluates them on integers, the search on
arrays with an entry for each candidate. Arrays obey the same operators, so to the type checker both are a
`Count`, and only the search, which knows that it works on arrays, converts between the two.
"""

import math
from typing import TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Count: TypeAlias = int
"""A whole number, or an array of them."""
NumberT = TypeVar("NumberT", bound=float)


def count_of(entries: Ints) -> Count:
    """An array as what formulas take."""
    return cast(Count, entries)


def entries_of(count: Count, length: int) -> Ints:
    """What a formula gave for an array of candidates; a plain integer holds for all of them."""
    return count if isinstance(count, np.ndarray) else np.full(length, count, dtype=np.int64)


def taken(number: NumberT, which: Ints | slice) -> NumberT:
    """Some entries of an array; a plain number holds for all of them."""
    return cast(NumberT, number[which]) if isinstance(number, np.ndarray) else number


def ceil_div(dividend: Count, divisor: Count) -> Count:
    """dividend / divisor, rounded up."""
    return -(-dividend // divisor)


def equal_part(whole: Count, most: Count) -> Count:
    """The larger of the parts, as equal as they can be, of which none is more than `most`."""
    return ceil_div(whole, ceil_div(whole, most))


def ceil_scaled(count: Count, factor: float) -> Count:
    """count x factor, rounded up; a product that is whole but for rounding errors stays as it is."""
    if isinstance(count, int) and isinstance(factor, float):
        return math.ceil(count * factor - 1e-9)
    return count_of(np.ceil(np.multiply(count, factor) - 1e-9).astype(np.int64))


def smaller(a: Count, b: Count) -> Count:
    """The smaller of two, entry by entry."""
    if isinstance(a, int) and isinstance(b, int):
        return a if a < b else b
    return count_of(np.minimum(a, b))


def larger(a: Count, b: Count) -> Count:
    """The larger of two, entry by entry."""
    if isinstance(a, int) and isinstance(b, int):
        return a if a > b else b
    return count_of(np.maximum(a, b))


def chosen(where: bool | Flags, a: Count, b: Count) -> Count:
    """a where a condition holds, else b, entry by entry."""
    if isinstance(where, bool):
        return a if where else b
    return count_of(np.where(where, a, b))


def at_most_one(a: Count) -> Count:
    """1 where positive, else 0."""
    return smaller(larger(a, 0), 1)
