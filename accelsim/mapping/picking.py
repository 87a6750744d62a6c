"""Some entries of a value that is made of columns, each column picked when a formula reads it.

A formula reads a few of the columns that a stack of layers has, and tiles have thousands of entries: to pick
all columns for it takes longer than the formula itself. With what else docs/decisions/branch-and-bound.md
("Many layers at once") says, a search does a third fewer numpy operations.
"""

from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from accelsim.columns import Selection
from accelsim.mapping.arithmetic import entries

ValueT = TypeVar("ValueT")
_WHOLE = "picked from"
"""Where a value that is picked keeps the whole, and which of its entries it has."""


def picked(whole: ValueT, which: Selection) -> ValueT:
    """What `entries` gives of a dataclass, but for when: what nobody reads is never picked.

    Args:
        whole: A frozen dataclass, whose fields are columns, or numbers and others that hold for every entry.
        which: Entries; the same one may come again.

    Returns:
        A value of the same kind. What it works out from its fields (properties) is worked out of the whole,
        which has fewer entries, and picked.

    Example:
        >>> import numpy as np
        >>> from accelsim.mapping.tile import TileShape
        >>> tile = TileShape(n=1, g=1, k=np.array([4, 8]), c=1, y=7, x=np.array([7, 14]), fy=3, fx=3)
        >>> picked(tile, np.array([1, 1, 0])).pixels
        array([98, 98, 49])
    """
    kind: Any = type(whole)
    made: ValueT = object.__new__(_picking(kind))
    vars(made)[_WHOLE] = whole, which
    return made


class _Column:
    """A field or a property of a value that is picked; once read, the column stands in its place."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, value: Any, _kind: type) -> Any:
        known = vars(value)
        whole, which = known[_WHOLE]
        column = known[self.name] = entries(getattr(whole, self.name), which)
        return column


class _Picked:
    """What all kinds of values that are picked are."""

    __slots__ = ()


@cache
def _picking(kind: Any) -> type[Any]:
    """The kind of values that are picked from those of a kind."""
    if issubclass(kind, _Picked):
        known: type[Any] = kind
        return known
    parts = [part for base in kind.__mro__ for part in vars(base).items()]
    worked_out = [name for name, part in parts if isinstance(part, property)]
    names = [field.name for field in fields(kind)] + worked_out
    return type(kind.__name__, (_Picked, kind), {name: _Column(name) for name in names})
