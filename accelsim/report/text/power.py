"""Power for people: what a machine draws at a frame rate, and for how long a battery lasts."""

import math
from dataclasses import replace
from typing import Any

from accelsim.errors import AccelsimError
from accelsim.power import STATIC, FrameDemand, FrameRate
from accelsim.report.text.energies import engineering
from accelsim.report.text.table import percent, si
from accelsim.result import RunResult


def rate_or_none(result: RunResult, demand: FrameDemand) -> FrameRate | None:
    """What a run costs at a rate; None where the machine cannot keep it, or no joules are known."""
    try:
        return result.at_frame_rate(demand.frames_per_second)
    except AccelsimError:
        return None


def rate_values(result: RunResult, demand: FrameDemand | None) -> dict[str, Any]:
    """For JSON: nothing where no rate is asked about, None at one that the machine does not keep."""
    if demand is None:
        return {}
    rate = rate_or_none(result, demand)
    return {"at_frame_rate": None if rate is None else demand.to_dict(rate)}


def with_waiting(result: RunResult, demand: FrameDemand) -> RunResult:
    """A run with the energy until its next images come: static power is drawn while the machine waits, too.

    Raises AccelsimError where the machine does not keep the rate, or no joules are known.
    """
    energy, rate = result.energy, result.at_frame_rate(demand.frames_per_second)
    unit_pj = energy.picojoules_per_unit
    waiting = rate.energy_uj * result.batch * 1e6 / unit_pj - energy.total if unit_pj else 0.0
    if not math.isfinite(waiting):
        sentence = f"must be more: an image takes more {energy.unit} than numbers hold"
        raise AccelsimError(f"frames_per_second = {demand.frames_per_second:g}: {sentence}")
    static = {STATIC: energy.by_component.get(STATIC, 0.0) + waiting} if result.static_power_mw else {}
    return replace(
        result,
        energy=replace(
            energy,
            total=energy.total + waiting,
            joules=rate.energy_uj * result.batch * 1e-6,
            by_component={**energy.by_component, **static},
        ),
    )


def rate_sentence(demand: FrameDemand, rate: FrameRate) -> str:
    """`30 frames/s: 12.3 mW, 410 uJ an image, computes for 5.0% of the time; 675 mWh last 54.9 hours`."""
    text = (
        f"{demand.frames_per_second:g} frames/s: {power_text(rate)}, {image_text(rate)} an image, "
        f"computes for {percent(rate.duty_cycle)} of the time"
    )
    if rate.first_energy_uj is not None:
        text += (
            f" ({engineering(rate.first_energy_uj * 1e-6, 'J')} for the first, in which pinned weights come)"
        )
    hours = demand.battery_hours(rate)
    return text if hours is None else f"{text}; {demand.battery_mwh:g} mWh last {hours_text(hours)}"


def power_text(rate: FrameRate) -> str:
    """`12.3 mW`."""
    return engineering(rate.power_mw * 1e-3, "W")


def image_text(rate: FrameRate) -> str:
    """`410 uJ`."""
    return engineering(rate.energy_uj * 1e-6, "J")


def image_cell(rate: FrameRate) -> str:
    """`410uJ`, for a column of a table."""
    return image_text(rate).replace(" ", "")


def hours_text(hours: float) -> str:
    """`54.9 hours`, `1.21k hours`; for ever where nothing costs energy."""
    return "for ever" if math.isinf(hours) else f"{si(hours)} hours"
