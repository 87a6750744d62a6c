"""Passes of the array over a tile, dataflow by dataflow: what is read, written and handed on at each of them.

Written from docs/model.md, which says in words what an array does; the mapping's closed forms are not used. A
module of a dataflow has

    walk(tile, machine)                   what the array counts and how long it takes, pass by pass;
    accumulate(sums, weights, patches)    the same passes on integers.

`ARRAY_PASSES` names them. Layers of the vector unit are in vector.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from accelsim.verification.functions import Integers
from accelsim.verification.passes import output_stationary, weight_stationary
from accelsim.verification.passes.tile import ArrayMachine, PassCounts, TileWork


@dataclass(frozen=True)
class ArrayPasses:
    """How a dataflow goes through a tile."""

    walk: Callable[[TileWork, ArrayMachine], PassCounts]
    accumulate: Callable[[Integers, Integers, Integers, ArrayMachine], None]
    skips_zeros: bool
    """Whether a weight that is zero is neither read nor multiplied."""


ARRAY_PASSES: Mapping[str, ArrayPasses] = MappingProxyType(
    {
        "weight_stationary": ArrayPasses(weight_stationary.walk, weight_stationary.accumulate, False),
        "output_stationary": ArrayPasses(output_stationary.walk, output_stationary.accumulate, True),
    }
)
