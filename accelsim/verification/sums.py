"""Outputs while they are computed: partial sums in the output bank, from the first visit to the last."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from accelsim.mapping.regions import Range, Region, Tile
from accelsim.network.layer import Layer
from accelsim.verification.functions import Integers
from accelsim.verification.mismatch import refuse
from accelsim.verification.storage import described, slices


class Contribution(NamedTuple):
    """A part of what adds up to outputs."""

    channels: Range
    """Input channels."""
    tap_rows: Range
    tap_columns: Range

    @classmethod
    def of(cls, tile: Tile) -> "Contribution":
        """What a tile adds."""
        return cls(tile.c, tile.fy, tile.fx)

    @classmethod
    def whole(cls, layer: Layer) -> "Contribution":
        """All of it."""
        return cls((0, layer.C), (0, layer.FY), (0, layer.FX))


@dataclass
class Sums:
    """Of one tile of outputs."""

    room_bytes: int
    values: Integers | None
    """None where they are not computed."""
    whole: Contribution
    """All that has to be added."""
    parts: list[Contribution] = field(default_factory=list)
    """What was added."""

    def add(self, outputs: Region, part: Contribution) -> None:
        """Note that the products of some input channels and kernel taps have been added."""
        for earlier in self.parts:
            axes = zip(part, earlier, strict=True)
            if all(start < high and low < end for (start, end), (low, high) in axes):
                refuse(f"adds input channels {self._words(part)} to {described(outputs)} once more")
        self.parts.append(part)

    def expect_complete(self, outputs: Region) -> None:
        """All input channels and kernel taps have to have been added."""
        missing = np.ones([end for _, end in self.whole], dtype=np.bool_)
        for part in self.parts:
            missing[slices(part)] = False
        if not missing.any():
            return
        channels, *taps = (int(index) for index in np.argwhere(missing)[0])
        if not missing[channels].all():
            row, column = taps
            lacking = f"tap {row}, {column} of input channel {channels}"
        else:
            present = np.flatnonzero(~missing[channels:].all(axis=(1, 2)))
            end = channels + int(present[0]) if len(present) else self.whole.channels[1]
            lacking = f"input channels {_words((channels, end))}"
        refuse(f"completes {described(outputs)} without {lacking}")

    def _words(self, part: Contribution) -> str:
        """`0-3`; where the kernel is cut, also which taps: `0-3, taps 0, 0-2`."""
        if part[1:] == self.whole[1:]:
            return _words(part.channels)
        return f"{_words(part.channels)}, taps {_words(part.tap_rows)}, {_words(part.tap_columns)},"


@dataclass
class OutputBank:
    """The tiles of outputs that are being computed."""

    sums: dict[Region, Sums] = field(default_factory=dict)

    def expect_none(self, outputs: Region) -> None:
        """Sums that are to start anew must not be there yet."""
        if outputs in self.sums:
            refuse(f"starts {described(outputs)} anew while their partial sums wait in the buffer")

    def resume(self, outputs: Region) -> Sums:
        """Go on with what is there."""
        if outputs not in self.sums:
            refuse(f"adds to partial sums of {described(outputs)}, which are not in the buffer")
        return self.sums[outputs]

    def expect_empty(self) -> None:
        """Nothing may be left behind."""
        for outputs in self.sums:
            refuse(f"leaves {described(outputs)} incomplete")


def _words(bounds: Range) -> str:
    start, end = bounds
    return str(start) if end - start == 1 else f"{start}-{end - 1}"
