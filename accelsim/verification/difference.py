"""Difference: how a schedule can do something else than its layer or its counts say, in kinds and parts."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import NamedTuple, TypeAlias

from accelsim.hardware.counts import Direction
from accelsim.mapping.regions import Range, Region


class Difference(Enum):
    """How a schedule can do something else than its layer, or than its counts say."""

    NUMBER = auto()
    LOADS_WHAT_IS_NOT = auto()
    FREES_WHAT_IS_NOT_HELD = auto()
    READS_WHAT_IS_NOT_HELD = auto()
    READS_OF_SEVERAL_LOADS = auto()
    BANK_TOO_SMALL = auto()
    FREES_MORE_THAN_IS_TAKEN = auto()
    LEAVES_ELEMENTS = auto()
    LEAVES_ROOM_TAKEN = auto()
    ADDS_CHANNELS_AGAIN = auto()
    ADDS_TAPS_AGAIN = auto()
    LACKS_TAP = auto()
    LACKS_CHANNELS = auto()
    STARTS_ANEW = auto()
    RESUMES_WHAT_IS_NOT_HELD = auto()
    LEAVES_INCOMPLETE = auto()
    STORES_WHAT_IS_NOT = auto()
    STORES_AGAIN = auto()
    NEVER_STORES = auto()
    STORES_NOTHING = auto()
    STORES_OTHER_OUTPUTS = auto()
    STORES_OTHER_IMAGES = auto()
    STORES_UNFINISHED_WINDOW = auto()
    WINDOWS_TOO_LARGE = auto()
    VALUE = auto()
    STEP_WITHOUT_TILE = auto()
    TILE_WITHOUT_STEP = auto()
    IMAGES_ARE_NO_ROWS = auto()
    PIXELS_ARE_NO_CHANNELS = auto()
    OTHER_BOUND = auto()
    NOT_SCHEDULED = auto()
    OUT_OF_ORDER = auto()
    READS_LATER_LAYER = auto()
    DOES_NOT_WAIT = auto()
    POOLING_DOES_NOT_WAIT = auto()
    OTHER_INPUTS = auto()
    OTHER_RESIDUAL = auto()
    OTHER_WEIGHTS = auto()
    NOT_OF_NETWORK = auto()
    NO_SUCH_PLACE = auto()
    OTHER_PLACE = auto()
    MOVES_WHAT_STAYS = auto()
    MOVES_TO_NO_PLACE = auto()
    NEVER_MOVES = auto()
    LIES_NOWHERE = auto()
    WEIGHTS_ELSEWHERE = auto()
    WEIGHTS_COME_AGAIN = auto()
    WEIGHTS_NEVER_COME = auto()
    TAKES_ROOM_AGAIN = auto()
    LOADS_AGAIN = auto()
    NEVER_LOADS = auto()
    READS_ELSEWHERE = auto()
    TENSORS_TOO_LARGE = auto()
    GIVES_UP_WHAT_IS_READ = auto()
    GIVES_UP_RESULT = auto()
    GIVES_UP_NO_TENSOR = auto()
    RESULT_ELSEWHERE = auto()
    LACKS_ROWS = auto()
    READS_LOST_ROW = auto()
    DOES_NOT_WAIT_TO_WRITE = auto()
    WEIGHTS_MOVE_OTHERWISE = auto()


class Quantity(Enum):
    """What a schedule says a number of, where executing it gives another."""

    LOADED_BYTES = auto()
    READ_BYTES = auto()
    WRITTEN_BYTES = auto()
    MOVED_LOAD_BYTES = auto()
    MOVED_STORE_BYTES = auto()
    FREED_BYTES = auto()
    FREED_BY_VECTOR_UNIT_BYTES = auto()
    TAKEN_BYTES = auto()
    TAKEN_AGAIN_BYTES = auto()
    STORED_BYTES = auto()
    STORED_INCOMPLETE_BYTES = auto()
    FREED_INCOMPLETE_BYTES = auto()
    COMPLETES = auto()
    STEPS = auto()
    ARRAY_CYCLES = auto()
    VECTOR_CYCLES = auto()
    PROGRAM_ARRAY_CYCLES = auto()
    PROGRAM_VECTOR_CYCLES = auto()
    ACTIONS = auto()
    ACCESSED_BYTES = auto()
    IMAGE_BYTES = auto()
    IMAGE_AND_WEIGHT_BYTES = auto()
    TENSOR_BYTES = auto()
    LEFT_BYTES = auto()


class Element(NamedTuple):
    """One element of a tensor, by its index along each axis."""

    tensor: str
    indexes: tuple[int, ...]


Part: TypeAlias = str | int | float | Range | Region | Element | Direction | Quantity | tuple[Region, ...]
"""What a mismatch is about: names, numbers, indexes along an axis, elements, what was counted."""


class TileOfStep(NamedTuple):
    """The step at which a program differs."""

    step: int
    ranges: Mapping[str, Range]
    """Of its tile, by the letter of the loop; those of taps where the kernel is cut."""
