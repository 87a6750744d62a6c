"""Outputs while they are computed: partial sums in the output bank, from the first visit to the last."""

from dataclasses import dataclass, field

from accelsim.mapping.regions import Range, Region
from accelsim.verification.functions import Integers
from accelsim.verification.mismatch import refuse
from accelsim.verification.storage import described


@dataclass
class Sums:
    """Of one tile of outputs."""

    room_bytes: int
    values: Integers | None
    """None where they are not computed."""
    channels: list[Range] = field(default_factory=list)
    """Input channels that were added."""

    def add(self, outputs: Region, channels: Range) -> None:
        """Note that the products of some input channels have been added."""
        for start, end in self.channels:
            if start < channels[1] and channels[0] < end:
                refuse(f"adds input channels {_words(channels)} to {described(outputs)} once more")
        self.channels.append(channels)

    def expect_complete(self, outputs: Region, channels: int) -> None:
        """All input channels have to have been added."""
        reached = 0
        for start, end in sorted(self.channels):
            if start > reached:
                break
            reached = end
        if reached < channels:
            refuse(f"completes {described(outputs)} without input channels {_words((reached, channels))}")


@dataclass
class OutputBank:
    """The tiles of outputs that are being computed."""

    held: dict[Region, Sums] = field(default_factory=dict)

    def expect_none(self, outputs: Region) -> None:
        """Sums that are to start anew must not be there yet."""
        if outputs in self.held:
            refuse(f"starts {described(outputs)} anew while their partial sums wait in the buffer")

    def resume(self, outputs: Region) -> Sums:
        """Go on with what is there."""
        if outputs not in self.held:
            refuse(f"adds to partial sums of {described(outputs)}, which are not in the buffer")
        return self.held[outputs]

    def expect_empty(self) -> None:
        """Nothing may be left behind."""
        for outputs in self.held:
            refuse(f"leaves {described(outputs)} incomplete")


def _words(channels: Range) -> str:
    start, end = channels
    return str(start) if end - start == 1 else f"{start}-{end - 1}"
