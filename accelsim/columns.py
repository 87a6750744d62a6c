"""The types of numbers in formulas: a whole number, or a column of them with an entry for each candidate.

A formula is written once. The program of a mapping evaluates it on integers, the search on columns, which
obey the same operators. A value that formulas read (a loop nest, a tile, counts) says of which kind its
numbers are: `LoopNest[int]` is one layer, `LoopNest[Count]` may be a stack of them.
"""

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Union

if TYPE_CHECKING:  # a command that only lists names needs no numpy
    import numpy as np
    import numpy.typing as npt

# Integers have 64 bits. That their type has no word for it is numpy's: the product of two columns has none.
Ints: TypeAlias = "npt.NDArray[np.signedinteger[Any]]"
Flags: TypeAlias = "npt.NDArray[np.bool_]"
Floats: TypeAlias = "npt.NDArray[np.float64]"
Selection: TypeAlias = Union["npt.NDArray[np.signedinteger[Any]]", slice]
"""Which entries of a column."""
Count: TypeAlias = Union[int, "npt.NDArray[np.signedinteger[Any]]"]
"""A whole number, or a column of them; a number holds for every entry."""
Real: TypeAlias = Union[float, "npt.NDArray[np.floating[Any]]"]
"""The same of numbers that are not whole."""
CountT = TypeVar("CountT", int, Count)
"""Of functions: whole numbers give a whole number."""
CountT_co = TypeVar("CountT_co", int, Count, covariant=True)
"""Of frozen values: what may hold columns may hold numbers."""
