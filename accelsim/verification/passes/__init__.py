"""Passes of the array over a tile, dataflow by dataflow: what is read, written and handed on at each of them.

Written from docs/model.md, which says in words what an array does; the mapping's closed forms are not used. A
module of a dataflow has

    walk(tile, machine)                            what the array counts and how long it takes, pass by pass;
    accumulate(sums, weights, patches, machine)    the same passes on integers.

`SHIPPED_PASSES` names those of accelsim's own dataflows. Another package brings those of its own as

    [project.entry-points."accelsim.passes"]
    row_stationary = "their_package.row_stationary_passes:PASSES"

Layers of the vector unit are in vector.py, products of the host in host.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from accelsim.descriptions import in_words
from accelsim.errors import AccelsimError
from accelsim.hardware.host import HOST
from accelsim.hardware.registry import PASSES_GROUP, entry_point, loaded, offer
from accelsim.verification.functions import Integers
from accelsim.verification.passes import (
    bit_serial,
    host,
    micro_block,
    output_stationary,
    row_stationary,
    systolic_weight_stationary,
    weight_stationary,
)
from accelsim.verification.passes.tile import ArrayMachine, PassCounts, TileWork, folds

__all__ = [
    "SHIPPED_PASSES",
    "ArrayMachine",
    "ArrayPasses",
    "PassCounts",
    "TileWork",
    "folds",
    "passes_of",
]


@dataclass(frozen=True)
class ArrayPasses:
    """How a dataflow goes through a tile.

    Example:
        >>> from accelsim import load_hardware
        >>> machine = ArrayMachine.of(load_hardware("16x16_128k"), "weight_stationary", idle_rows=0)
        >>> tile = TileWork(1, 1, 16, 16, 4, 4, 1, 1, (1, 1), (1, 1), nonzero=256, resumes=False)
        >>> counts = SHIPPED_PASSES["weight_stationary"].walk(tile, machine)
        >>> counts.macs == 16 * 16 * 4 * 4, counts.weight_read_words
        (True, 256)
    """

    walk: Callable[[TileWork, ArrayMachine], PassCounts]
    """What the array counts and how long it takes, pass by pass."""
    accumulate: Callable[[Integers, Integers, Integers, ArrayMachine], None]
    """The same passes on integers: sums, weights, patches and the array; sums are changed in place."""
    skips_zeros: bool
    """Whether a weight that is zero is neither read nor multiplied."""


SHIPPED_PASSES: Mapping[str, ArrayPasses] = MappingProxyType(
    {
        "weight_stationary": ArrayPasses(weight_stationary.walk, weight_stationary.accumulate, False),
        "output_stationary": ArrayPasses(output_stationary.walk, output_stationary.accumulate, True),
        "row_stationary": ArrayPasses(row_stationary.walk, row_stationary.accumulate, False),
        "systolic_weight_stationary": ArrayPasses(
            systolic_weight_stationary.walk, systolic_weight_stationary.accumulate, False
        ),
        "bit_serial": ArrayPasses(bit_serial.walk, bit_serial.accumulate, False),
        "micro_block": ArrayPasses(micro_block.walk, micro_block.accumulate, False),
    }
)


_OF_HOST: Final = ArrayPasses(host.walk, host.accumulate, False)


def passes_of(dataflow: str) -> ArrayPasses:
    """The passes of a dataflow.

    Args:
        dataflow: Its name.

    Returns:
        Those of accelsim, or what a package brings by the entry point.

    Raises:
        KeyError: Nobody has written them down.
        AccelsimError: What a package brings cannot be used: the text says which, and why.

    Example:
        >>> passes_of("output_stationary").skips_zeros
        True
    """
    if dataflow == HOST:
        return _OF_HOST
    if dataflow in SHIPPED_PASSES:
        return SHIPPED_PASSES[dataflow]
    entry = entry_point(dataflow, PASSES_GROUP)
    passes = loaded(entry)
    if not isinstance(passes, ArrayPasses):
        raise AccelsimError(f"{offer(entry)}: must be an object of ArrayPasses, is {in_words(passes)}")
    return passes
