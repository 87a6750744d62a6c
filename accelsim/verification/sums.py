"""Outputs while they are computed: partial sums in the output bank, from the first visit to the last."""

from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

import numpy as np

from accelsim.mapping.regions import Range, Region, Tile
from accelsim.network.layer import Layer
from accelsim.verification.difference import Difference
from accelsim.verification.functions import Integers
from accelsim.verification.mismatch import refuse
from accelsim.verification.storage import slices


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
                self._refuse_again(outputs, part)
        self.parts.append(part)

    def expect_complete(self, outputs: Region) -> None:
        """All input channels and kernel taps have to have been added."""
        missing = np.ones([end for _, end in self.whole], dtype=np.bool_)
        for part in self.parts:
            missing[slices(part)] = False
        if not missing.any():
            return
        channel, row, column = (int(index) for index in np.argwhere(missing)[0])
        if not missing[channel].all():
            refuse(Difference.LACKS_TAP, outputs=outputs, row=row, column=column, channel=channel)
        present = np.flatnonzero(~missing[channel:].all(axis=(1, 2)))
        end = channel + int(present[0]) if len(present) else self.whole.channels[1]
        refuse(Difference.LACKS_CHANNELS, outputs=outputs, channels=(channel, end))

    def _refuse_again(self, outputs: Region, part: Contribution) -> NoReturn:
        """Say what is added twice: input channels, and which taps where the kernel is cut."""
        channels, rows, columns = part
        if part[1:] == self.whole[1:]:
            refuse(Difference.ADDS_CHANNELS_AGAIN, outputs=outputs, channels=channels)
        refuse(Difference.ADDS_TAPS_AGAIN, outputs=outputs, channels=channels, rows=rows, columns=columns)


@dataclass
class OutputBank:
    """The tiles of outputs that are being computed."""

    sums: dict[Region, Sums] = field(default_factory=dict)

    def expect_none(self, outputs: Region) -> None:
        """Sums that are to start anew must not be there yet."""
        if outputs in self.sums:
            refuse(Difference.STARTS_ANEW, outputs=outputs)

    def resume(self, outputs: Region) -> Sums:
        """Go on with what is there."""
        if outputs not in self.sums:
            refuse(Difference.RESUMES_WHAT_IS_NOT_HELD, outputs=outputs)
        return self.sums[outputs]

    def expect_empty(self) -> None:
        """Nothing may be left behind."""
        for outputs in self.sums:
            refuse(Difference.LEAVES_INCOMPLETE, outputs=outputs)
