"""Bandwidth: how fast a channel streams and how long it takes to answer, in the chip's cycles or by a clock
of its own.
"""

import fractions
import math
from typing import Final, Protocol, Self

from pydantic import model_validator

from accelsim.descriptions import Description, Mistake, refusal
from accelsim.descriptions.quantities import BytesPerCycle, BytesPerSecond, LatencyCycles, LatencySeconds

ROUNDING_CYCLES: Final = 1e-6
"""By how much a latency in seconds may exceed whole cycles because it is no sum of powers of two: 128 ns at
500 MHz are 64 cycles."""
HERTZ_PER_MEGAHERTZ: Final = 1e6


class Latency(Protocol):
    """What says how long a channel takes to answer, in one of two ways or not at all."""

    @property
    def latency_cycles(self) -> int | None:
        """In cycles of the chip's clock."""

    @property
    def latency_seconds(self) -> float | None:
        """Where the channel has a clock of its own."""


class Bandwidth(Description):
    """How fast a channel streams, shared by reads and writes.

    One of both is said: bytes per cycle of the chip's clock, or bytes per second where the channel has a
    clock of its own, which stays as it is when the chip's changes.

    Example:
        >>> Bandwidth(bytes_per_second=5e8).per_cycle(clock_mhz=500)
        1.0
    """

    bytes_per_cycle: BytesPerCycle | None = None
    bytes_per_second: BytesPerSecond | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.bytes_per_cycle is None) == (self.bytes_per_second is None):
            raise ValueError("must give either bytes_per_cycle or bytes_per_second")
        return self

    def per_cycle(self, clock_mhz: float) -> float:
        """Bytes in a cycle of the chip's clock, rounded up where no float says it: so 21 bytes at 0.7 a cycle
        take 30 cycles, and not 31 because 21 / 0.7 is 30.000000000000004.
        """
        if self.bytes_per_second is not None:
            return _rounded_up(_decimal(self.bytes_per_second) / (_decimal(clock_mhz) * 1_000_000))
        return _rounded_up(_decimal(self.bytes_per_cycle or 0.0))  # one of both is said


class Way(Bandwidth):
    """What a memory off chip is read over, or written over, where these are two channels.

    Example:
        >>> Way(bytes_per_cycle=16, latency_cycles=40).per_cycle(clock_mhz=500)
        16.0
    """

    latency_cycles: LatencyCycles | None = None
    """Until the first byte of a transfer comes, or of a store until the first leaves; those of several
    requests overlap."""
    latency_seconds: LatencySeconds | None = None
    """The same where the channel has a clock of its own: whole cycles of the chip's, rounded up."""

    @model_validator(mode="after")
    def _one_latency(self) -> Self:
        refuse_two_latencies("way", self)
        return self


def refuse_two_latencies(what: str, said: Latency) -> None:
    """A latency is said in cycles or in seconds."""
    if said.latency_cycles is not None and said.latency_seconds is not None:
        sentence = "must be left out: latency_cycles says it in cycles"
        raise refusal(what, [Mistake(("latency_seconds",), sentence)])


def in_cycles(said: Latency, clock_mhz: float, default: int) -> int:
    """A latency in whole cycles of the chip's clock."""
    if said.latency_seconds is not None:
        cycles = said.latency_seconds * clock_mhz * HERTZ_PER_MEGAHERTZ
        return math.ceil(cycles - ROUNDING_CYCLES)
    return default if said.latency_cycles is None else said.latency_cycles


def _decimal(number: float) -> fractions.Fraction:
    """The number that a file means: 0.7 is seven tenths, which no float is."""
    return fractions.Fraction(str(number))


def _rounded_up(number: fractions.Fraction) -> float:
    """The smallest float that is no less."""
    nearest = float(number)
    return nearest if nearest >= number else math.nextafter(nearest, math.inf)
