"""Whole-number arithmetic on plain integers and, entry by entry, on columns of them (accelsim.columns)."""

import math
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from functools import cache, reduce
from operator import attrgetter, mul
from typing import Any, TypeVar

import numpy as np

from accelsim.columns import Count, CountT, Flags, Ints, Real, Selection

ValueT = TypeVar("ValueT")


def column_of(count: Count, length: int) -> Ints:
    """What a formula gave for so many candidates, an entry each; a plain integer holds for all of them."""
    return count if isinstance(count, np.ndarray) else np.full(length, count, dtype=np.int64)


def entries(value: ValueT, which: Selection) -> ValueT:
    """Some entries of a column, or of each column that a value is made of; the same one may come again.

    What is no column holds for every entry: a number, a name, nothing.

    Example:
        >>> entries((7, np.array([1, 2, 3])), np.array([2, 0]))
        (7, array([3, 1]))
    """
    selected: Any = value
    if isinstance(value, np.ndarray):
        selected = value[which]
    elif isinstance(value, int):
        pass  # by far the most
    elif isinstance(value, tuple):
        selected = tuple(_entries_of_parts(value, which))
    elif parts_of := _parts(selected.__class__):
        selected = type(selected)(*_entries_of_parts(parts_of(value), which))
    return selected  # type: ignore[no-any-return]  # of the same type, which the checker cannot see


def _entries_of_parts(parts: tuple[Any, ...], which: Selection) -> list[Any]:
    """Mostly numbers and columns, for which there need be no further call."""
    return [
        part
        if isinstance(part, int)
        else part[which]
        if isinstance(part, np.ndarray)
        else entries(part, which)
        for part in parts
    ]


@cache
def _parts(kind: Hashable) -> Callable[[Any], tuple[Any, ...]] | None:
    """What gives the fields of a dataclass of several, in the order in which it is made of them."""
    return attrgetter(*(field.name for field in fields(kind))) if is_dataclass(kind) else None


def ceil_div(dividend: CountT, divisor: CountT) -> CountT:
    """dividend / divisor, rounded up."""
    if isinstance(divisor, int):
        if divisor == 1:
            return dividend
        return (dividend + (divisor - 1)) // divisor  # a column is gone through twice, not three times
    return -(-dividend // divisor)


def cycles_at(count: Count, per_cycle: float) -> Count:
    """Cycles for so many operations, of which a whole number or a fraction is done in each."""
    if isinstance(per_cycle, int):
        return ceil_div(count, per_cycle)
    if isinstance(count, int):
        return math.ceil(count / per_cycle)
    return np.ceil(count / per_cycle).astype(np.int64)


def equal_part(whole: CountT, limit: CountT) -> CountT:
    """The larger of the parts, as equal as they can be, of which none is more than `limit`."""
    return ceil_div(whole, ceil_div(whole, limit))


def ceil_scaled(count: Count, factor: Real) -> Count:
    """count x factor, rounded up; a product that is whole but for rounding errors stays as it is."""
    if isinstance(count, int) and isinstance(factor, float):
        return math.ceil(count * factor - 1e-9)
    return np.ceil(np.multiply(count, factor) - 1e-9).astype(np.int64)


def times(count: CountT, factor: CountT) -> CountT:
    """count x factor; mostly once."""
    return count if isinstance(factor, int) and factor == 1 else count * factor


def product(*factors: CountT) -> CountT:
    """All factors multiplied: numbers first, which mostly are 1 together, so that fewer columns are made."""
    number = 1
    columns: list[CountT] = []
    for factor in factors:
        if isinstance(factor, int):
            number *= factor
        else:
            columns.append(factor)
    return times(reduce(mul, columns), number) if columns else number


def smaller(a: CountT, b: CountT) -> CountT:
    """The smaller of two, entry by entry."""
    if isinstance(a, int) and isinstance(b, int):
        return a if a < b else b
    return np.minimum(a, b)


def larger(a: CountT, b: CountT) -> CountT:
    """The larger of two, entry by entry."""
    if isinstance(a, int) and isinstance(b, int):
        return a if a > b else b
    return np.maximum(a, b)


def chosen(condition: "bool | Flags", a: Count, b: Count) -> Count:
    """a where a condition holds, else b, entry by entry."""
    if isinstance(condition, bool):
        return a if condition else b
    return np.where(condition, a, b)


def is_none(count: Count) -> bool:
    """Whether a number is zero for all entries of a column, which then need not be there."""
    return isinstance(count, int) and not count


def alike(count: Count) -> Count:
    """A column whose entries are all the same as that number, which formulas take less time for."""
    if isinstance(count, np.ndarray) and count.size and (count == count.flat[0]).all():
        return int(count.flat[0])
    return count


def at_most_one(a: CountT) -> CountT:
    """1 where positive, else 0."""
    return smaller(larger(a, 0), 1)
