"""Metrics: what a sweep's candidates are judged by, and the constraints on them."""

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from accelsim.descriptions import unknown
from accelsim.descriptions.limits import MAX_BOUND
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware
from accelsim.power import STATIC, BatchEnergy, Energy, FrameDemand, frame_rate_of
from accelsim.search.evaluate import Cost, Size

_SUFFIXES: Final = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_CONSTRAINT: Final = re.compile(r"\s*(\w+)\s*(<=|>=)\s*(\d+(?:\.\d*)?(?:e[+-]?\d{1,2})?)([kmg]?)\s*", re.I)


@dataclass(frozen=True)
class Metric:
    """One figure of a candidate.

    Example:
        >>> METRICS["utilization"].more_is_better, METRICS["utilization"].loss(0.5)
        (True, -0.5)
    """

    name: str
    """As a sweep's file says it."""
    meaning: str
    """As titles of plots say it."""
    unit: str = ""
    """As axes say it in brackets; {energy} stands for the machine's unit of energy."""
    more_is_better: bool = False
    """Whether a larger figure is the better one."""
    simulated: bool = False
    """Whether it is known only after the simulation."""

    def loss(self, value: float) -> float:
        """The value, or its negative: the less the better."""
        return -value if self.more_is_better else value


METRICS: Final = {
    metric.name: metric
    for metric in (
        Metric("time_ms", "time", "ms", simulated=True),
        Metric("cycles", "time", "cycles", simulated=True),
        Metric("energy", "energy", "{energy}", simulated=True),
        Metric("edp", "energy x time", "{energy} ms", simulated=True),
        Metric("energy_mj", "energy", "mJ", simulated=True),
        Metric("power_mw", "average power", "mW", simulated=True),
        Metric("uj_per_inference", "energy of an image", "uJ", simulated=True),
        Metric("battery_hours", "battery life", "hours", more_is_better=True, simulated=True),
        Metric("dram_bytes", "DRAM traffic", "bytes", simulated=True),
        Metric("utilization", "utilization of the PEs", more_is_better=True, simulated=True),
        Metric("area_mm2", "area of the chip", "mm\N{SUPERSCRIPT TWO}"),
        Metric("pes", "processing elements"),
        Metric("buffer_bytes", "memory on chip", "bytes"),
        Metric("register_file_bytes", "register files and accumulators", "bytes"),
        Metric("params", "parameters"),
        Metric("macs", "multiply-accumulates of one image"),
        Metric("top1", "published ImageNet top-1 accuracy", "%", more_is_better=True),
    )
}
"""By the names that a sweep's file and its results use. Costs are those of the whole batch, but for the
energy of an image; that and power are those at a frame rate, where one is asked about."""
IN_JOULES: Final = ("energy_mj", "power_mw", "uj_per_inference", "battery_hours")
"""Those that only machines of known joules have."""
AT_A_RATE: Final = IN_JOULES[1:]
"""Of these, those that a rate changes, and that a machine does not have that cannot keep it."""
METRIC_INDEX: Final = {name: index for index, name in enumerate(METRICS)}
Numbers = tuple[float | None, ...]
"""A value of each metric, in the order of METRICS."""
Figures = Mapping[str, float | None]
"""Of each metric: its value, None where there is none."""


def known_figures(size: Size, hardware: Hardware, top1: float | None) -> Figures:
    """What can be told without a simulation; `top1` is what is published, None where nothing is."""
    return {
        "area_mm2": hardware.area_mm2,
        "pes": hardware.pe_array.pes,
        "buffer_bytes": hardware.on_chip_bytes,
        "register_file_bytes": hardware.register_file_bytes,
        "params": size.params,
        "macs": size.macs,
        "top1": top1,
    }


def simulated_figures(
    cost: Cost, hardware: Hardware, images: int = 1, demand: FrameDemand | None = None
) -> Figures:
    """What the simulation told of a batch of so many images; power at the rate, where one is demanded."""
    time_ms = cost.cycles / (hardware.clock_mhz * 1e3)
    return {
        "time_ms": time_ms,
        "cycles": cost.cycles,
        "energy": cost.energy,
        "edp": cost.energy * time_ms,
        **_figures_in_joules(cost, hardware, images, demand),
        "dram_bytes": cost.dram_bytes,
        "utilization": cost.executed_macs / (hardware.pe_array.pes * cost.cycles) if cost.cycles else 0.0,
    }


def _figures_in_joules(cost: Cost, hardware: Hardware, images: int, demand: FrameDemand | None) -> Figures:
    """Energy of the batch, and what it comes to at a rate, or while the machine computes without a pause."""
    picojoules, time_ms = hardware.energy.picojoules, cost.cycles / (hardware.clock_mhz * 1e3)
    if picojoules is None or not time_ms:
        return {}
    joules = cost.energy * picojoules * 1e-12
    of_batch = {"energy_mj": joules * 1e3}
    if demand is None:
        power_mw = joules * 1e3 / (time_ms * 1e-3)
        return {**of_batch, "power_mw": power_mw, "uj_per_inference": joules * 1e6 / images}
    static = {STATIC: hardware.prices.static_per_cycle * cost.cycles}
    batch = BatchEnergy(time_ms, Energy(cost.energy, hardware.energy.unit, static, joules))
    try:
        rate = frame_rate_of(
            batch, demand.frames_per_second, images=images, static_power_mw=hardware.static_power_mw
        )
    except AccelsimError:  # the machine does not keep the rate
        return of_batch
    hours = demand.battery_hours(rate)
    return {
        **of_batch,
        "power_mw": rate.power_mw,
        "uj_per_inference": rate.energy_uj,
        "battery_hours": None if hours == math.inf else hours,
    }


def unmeasurable(
    names: Collection[str], machines: Iterable[Hardware], demand: FrameDemand | None
) -> Iterator[tuple[str, str]]:
    """Of metrics that some machine has no figures of: the key of a sweep's file to blame, and a sentence."""
    units = sorted({machine.energy.unit for machine in machines})
    if len(units) > 1 and {"energy", "edp"} & set(names):
        yield "hardware", f"energies in {' and in '.join(units)} cannot be compared"
    if "battery_hours" in names and (demand is None or demand.battery_mwh is None):
        yield "objectives", "battery_hours needs frames_per_second and battery_mwh"
    for machine in machines:
        if "area_mm2" in names and machine.area is None:
            yield "hardware", f"{machine.name} has no table of areas (area:), which area_mm2 needs"
        in_joules = [name for name in IN_JOULES if name in names]
        if in_joules and machine.energy.picojoules is None:
            sentence = f"{machine.name} has no energy.picojoules_per_unit, which {in_joules[0]} needs"
            yield "hardware", sentence


@dataclass(frozen=True)
class Constraint:
    """`area_mm2 <= 4`."""

    metric: Metric
    at_most: bool
    bound: float
    text: str

    def excess(self, value: float | None) -> float:
        """By how much a value breaks the constraint: 0 where it does not, infinity where there is none."""
        if value is None:
            return float("inf")
        return max(0.0, value - self.bound if self.at_most else self.bound - value)


def metric(name: str) -> Metric:
    """The metric of a name. Raises AccelsimError, which lists all."""
    if name not in METRICS:
        raise AccelsimError(unknown(name, "metric", METRICS))
    return METRICS[name]


def constraint(text: str) -> Constraint:
    """The constraint that a text says. Raises AccelsimError."""
    match = _CONSTRAINT.fullmatch(text)
    if match is None:
        raise AccelsimError(
            "must be METRIC <= NUMBER or METRIC >= NUMBER, as in 'area_mm2 <= 4', 'params <= 1.5M'"
        )
    name, sign, digits, suffix = match.groups()
    bound = float(digits) * _SUFFIXES[suffix.lower()]
    if not bound <= MAX_BOUND:
        raise AccelsimError(f"is a bound of more than {MAX_BOUND:.0e}, which nothing comes near")
    return Constraint(metric(name), sign == "<=", bound, " ".join(text.split()))
