"""Energy and power of what was run: joules, milliwatts, and what a battery gives at a frame rate."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from accelsim.descriptions.arguments import positive_number
from accelsim.errors import AccelsimError

STATIC: Final = "static"
"""The component of energy that is drawn at all times: leakage, and what idles."""
ROUNDING: Final = 1e-9
"""By how much, as a part, a rate may exceed the machine's: it may have been computed from a time."""


@dataclass(frozen=True)
class Energy:
    """Energy in the unit of the hardware file's table, and in joules where that tells the unit's."""

    total: float
    unit: str
    by_component: Mapping[str, float]
    """mac, register_file, inter_pe, each memory by its name, vector; `host` of machines that have one;
    `static` of those that draw power at all times."""
    joules: float | None = None

    @property
    def picojoules_per_unit(self) -> float | None:
        """What one unit is [pJ]; None where that is not known, or nothing was spent."""
        return self.joules * 1e12 / self.total if self.joules is not None and self.total else None

    @property
    def dynamic_joules(self) -> float | None:
        """Of all that was done, without what is drawn at all times; None where the unit is not known."""
        static = self.by_component.get(STATIC, 0.0)
        return self.joules * (1 - static / self.total) if self.joules and static else self.joules

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the names of `run --format json`."""
        values = {"total": self.total, "unit": self.unit, "by_component": dict(self.by_component)}
        return values if self.joules is None else values | {"joules": self.joules}


class FrameRate(NamedTuple):
    """What images cost that come at a rate, the machine waiting between them.

    Attributes:
        frames_per_second: The rate.
        duty_cycle: The part of the time in which the machine computes, from 0 to 1.
        energy_uj: Of one image [uJ]: dynamic energy, and static power until the next one comes.
        power_mw: Average [mW]: `energy_uj` times the rate.
        first_energy_uj: Of an image of the first batch, in which pinned weights come [uJ]; None where none
            are pinned.

    Example:
        >>> from accelsim import run_network
        >>> rate = run_network("sqnxt23v5", "npu_int8_2m").at_frame_rate(10)
        >>> 0 < rate.duty_cycle < 1, rate.first_energy_uj is None
        (True, True)
    """

    frames_per_second: float
    duty_cycle: float
    energy_uj: float
    power_mw: float
    first_energy_uj: float | None = None

    def battery_hours(self, capacity_mwh: float) -> float:
        """For how long a battery lasts.

        Args:
            capacity_mwh: What it holds [mWh]: a coin cell CR2032 of 225 mAh at 3 V 675.

        Returns:
            Hours; infinite where nothing costs energy.

        Raises:
            AccelsimError: The capacity is no positive number.

        Example:
            >>> FrameRate(30, duty_cycle=0.5, energy_uj=100, power_mw=3.0).battery_hours(675)
            225.0
        """
        capacity_mwh = positive_number("capacity_mwh", capacity_mwh)
        return capacity_mwh / self.power_mw if self.power_mw else math.inf


class BatchEnergy(NamedTuple):
    """Of a batch, by itself: how long it takes, and what it costs."""

    time_ms: float
    energy: Energy

    def frame_uj(self, images: int, static_power_mw: float, period_ms: float) -> float:
        """Energy of one image [uJ] where a batch of so many comes once in a period, or takes longer."""
        dynamic_uj = (self.energy.dynamic_joules or 0.0) * 1e6
        return (dynamic_uj + static_power_mw * max(period_ms, self.time_ms)) / images


def frame_rate_of(
    batch: BatchEnergy,
    frames_per_second: float,
    *,
    images: int = 1,
    static_power_mw: float = 0.0,
    first: BatchEnergy | None = None,
) -> FrameRate:
    """What images cost that come at a rate.

    Args:
        batch: Of so many images.
        frames_per_second: Images, not batches of them.
        images: Of a batch: the machine waits until they have come.
        static_power_mw: Drawn at all times [mW].
        first: The first batch, where pinned weights come with it; it may take longer than its period.

    Returns:
        Energy of an image and average power.

    Raises:
        AccelsimError: The rate is no positive number or more than the machine makes, or joules are not known.

    Example:
        >>> batch = BatchEnergy(time_ms=20.0, energy=Energy(50e6, "pJ", {"mac": 50e6}, joules=50e-6))
        >>> frame_rate_of(batch, 10, static_power_mw=1.5)
        FrameRate(frames_per_second=10.0, duty_cycle=0.2, energy_uj=200.0, power_mw=2.0, first_energy_uj=None)
    """
    rate = positive_number("frames_per_second", frames_per_second)
    if batch.energy.joules is None:
        sentence = f"no joules are known of a machine that counts in {batch.energy.unit}"
        raise AccelsimError(f"energy.picojoules_per_unit: {sentence}, so no power: must be given for one")
    largest = images / (batch.time_ms * 1e-3)
    if rate > largest * (1 + ROUNDING):
        together = f"{images} images take" if images > 1 else "an image takes"
        sentence = f"must be at most {_rounded_down(largest)}: {together} {batch.time_ms:.4g} ms"
        raise AccelsimError(f"frames_per_second = {rate:g}: {sentence}")
    period_ms = images / rate * 1e3
    energy_uj = batch.frame_uj(images, static_power_mw, period_ms)
    if not (math.isfinite(period_ms) and math.isfinite(energy_uj)):
        raise AccelsimError(
            f"frames_per_second = {rate:g}: must be more: an image takes more than numbers hold"
        )
    return FrameRate(
        rate,
        min(rate / largest, 1.0),
        energy_uj,
        energy_uj * rate * 1e-3,
        None if first is None else first.frame_uj(images, static_power_mw, period_ms),
    )


def _rounded_down(rate: float) -> str:
    """Six digits, none of which claims more than there is."""
    scale = 10.0 ** (5 - math.floor(math.log10(rate)))
    return f"{math.floor(rate * scale) / scale:g}"


class FrameDemand(NamedTuple):
    """How often images come, and on which battery the machine runs.

    Attributes:
        frames_per_second: Images, not batches of them.
        battery_mwh: What the battery holds [mWh]; None where nothing is said of one.

    Example:
        >>> rate = FrameRate(30, duty_cycle=0.5, energy_uj=100, power_mw=3.0)
        >>> FrameDemand(30, battery_mwh=675).to_dict(rate)["battery_hours"]
        225.0
    """

    frames_per_second: float
    battery_mwh: float | None = None

    def battery_hours(self, rate: FrameRate) -> float | None:
        """For how long the battery lasts at a rate; None where nothing is said of one."""
        return None if self.battery_mwh is None else rate.battery_hours(self.battery_mwh)

    def to_dict(self, rate: FrameRate) -> dict[str, Any]:
        """Plain values, with the names of `run --format json`, under `at_frame_rate`.

        Hours are None where nothing costs energy: the battery lasts for ever.
        """
        hours = self.battery_hours(rate)
        battery = {"battery_mwh": self.battery_mwh, "battery_hours": None if hours == math.inf else hours}
        first = {} if rate.first_energy_uj is None else {"first_energy_uj": rate.first_energy_uj}
        return {
            "frames_per_second": rate.frames_per_second,
            "duty_cycle": rate.duty_cycle,
            "energy_uj": rate.energy_uj,
            "power_mw": rate.power_mw,
            **first,
            **({} if self.battery_mwh is None else battery),
        }
