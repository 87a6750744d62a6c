"""Room: what any mapping needs of the banks on chip, whatever its loop order and sizes of tiles are.

The search works the same out for columns of the tiles that it compares (banks.py, pool_room.py); this is for
a mapping whose program is written: of several images or some taps in a tile, or in any order of the loops.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import takewhile
from math import prod
from typing import NamedTuple

from accelsim.hardware.bank import Bank
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.banks import alone_in_turn
from accelsim.mapping.loop_order import ADDING_UP, OF_INPUTS, OF_OUTPUTS, OF_WEIGHTS, Dimension, loops_of
from accelsim.mapping.mapping import Choice, Mapping, ProgramPart, Repeat, Step


class TileRoom(NamedTuple):
    """What the tiles of an operand take.

    Example:
        >>> TileRoom(tile_bytes=1024, at_once=2).bytes
        2048
    """

    tile_bytes: int
    """Of the largest."""
    at_once: int
    """Of how many there is room at a time."""

    @property
    def bytes(self) -> int:
        """Of all of those."""
        return self.tile_bytes * self.at_once


def trips_of(choice: Choice | Mapping, images: int) -> dict[Dimension, int]:
    """How many tiles there are along each loop.

    Args:
        choice: The cut.
        images: That its layer goes through.
    """
    layer, tile = choice.layer, choice.tile
    extents: dict[Dimension, tuple[int, int]] = {
        "image": (images, tile.n),
        "group": (layer.G, tile.g),
        "output_channel": (layer.K, tile.k),
        "input_channel": (layer.C, tile.c),
        "row": (layer.OY, tile.y),
        "column": (layer.OX, tile.x),
        "tap_row": (layer.FY, tile.fy),
        "tap_column": (layer.FX, tile.fx),
    }
    return {dimension: -(-extent // size) for dimension, (extent, size) in extents.items()}


def unfinished_at_once(choice: Choice | Mapping, images: int) -> int:
    """Of how many tiles of outputs the sums are unfinished at a time.

    Those of all iterations of loops over outputs that lie inside a loop of which all iterations add to the
    same ones.

    Example:
        >>> from accelsim.mapping.tile import TileShape
        >>> from accelsim.network.layer import Layer
        >>> layer = Layer("conv1", "conv", K=64, C=64, OY=8, OX=8, FY=1, FX=1, IY=8, IX=8)
        >>> tile = TileShape(1, 1, 16, 32, 8, 8, 1, 1)
        >>> [unfinished_at_once(Choice(layer, "weight_stationary", tile, order), 1)
        ...  for order in ("filters_outer", "channels_filters_pixels")]
        [1, 4]
    """
    trips, loops = trips_of(choice, images), loops_of(choice.order)
    around = takewhile(lambda loop: loop not in ADDING_UP or trips[loop] == 1, loops)
    inside = loops[len(list(around)) :]
    return prod(trips[loop] for loop in inside if loop in OF_OUTPUTS)


def room_of_tiles(mapping: Mapping, images: int, hardware: Hardware) -> dict[Operand, TileRoom]:
    """What the tiles of each operand take: of a step, and of the next one, whose tiles come meanwhile.

    Args:
        mapping: Its program says how large tiles are.
        images: That its layer goes through.
        hardware: The machine.

    Returns:
        Of each operand that takes room as tiles.
    """
    trips = trips_of(mapping, images)
    largest: dict[Operand, int] = defaultdict(int)
    for step in _kinds_of_steps(mapping.program):
        comes = [(operand, size) for operand, size in step.loads.items() if operand not in step.in_place]
        for operand, size in (*comes, *step.takes.items()):
            largest[operand] = max(largest[operand], size)

    def tiles(loops: frozenset[Dimension]) -> int:
        return prod(trips[loop] for loop in loops)

    outputs, unfinished = tiles(OF_OUTPUTS), unfinished_at_once(mapping, images)
    steps = prod(trips.values())
    of_inputs, of_weights = (
        steps if operand in mapping.anew else tiles(loops)
        for operand, loops in ((Operand.INPUTS, OF_INPUTS), (Operand.WEIGHTS, OF_WEIGHTS))
    )
    at_once = {
        Operand.INPUTS: min(2, of_inputs),
        Operand.WEIGHTS: min(2, of_weights),
        Operand.OUTPUTS: unfinished + (outputs > unfinished),
        Operand.RESIDUAL: min(2, outputs),
    }
    if Operand.OUTPUTS in (alone := alone_in_turn(hardware)):
        at_once[Operand.OUTPUTS] = unfinished
    at_once |= dict.fromkeys(alone - {Operand.OUTPUTS}, 1)
    return {
        operand: TileRoom(size, at_once[operand])
        for operand, size in largest.items()
        if operand in hardware.bank_of
    }


def room_in_banks(mapping: Mapping, images: int, hardware: Hardware) -> dict[Bank, int]:
    """Bytes that a mapping needs of each bank in which its tiles lie.

    In a bank of one operand there is room for two tiles at least, so that those of the next layer can come
    meanwhile; in a pool for what the layer needs by itself.

    Args:
        mapping: Of a layer.
        images: That the layer goes through.
        hardware: The machine.

    Returns:
        By bank; it fits where none is larger than its bank, or than what tensors leave of a pool.
    """
    needed: dict[Bank, int] = defaultdict(int)
    for operand, room in room_of_tiles(mapping, images, hardware).items():
        bank = hardware.bank_of[operand]
        needed[bank] += room.bytes if bank is hardware.pool else room.tile_bytes * max(2, room.at_once)
    return needed


def _kinds_of_steps(program: tuple[ProgramPart, ...]) -> Iterator[Step]:
    """Each step of a program; those of a body that repeats once."""
    for part in program:
        if isinstance(part, Repeat):
            yield from _kinds_of_steps(part.body)
        else:
            yield part
