"""Energy, power and time for people: joules, watts and seconds with the prefix that suits.

Machines price actions in a unit of their own. Where it is known what that is in picojoules, people are told
joules; where it is not, the numbers stand as they are, with the suffixes of all numbers.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from accelsim.hardware.prices import EnergyTable
from accelsim.report.text.table import scientific, si, three_digits
from accelsim.result import RunResult

_PREFIXES: Final = {-15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
_LEAST_DIGITS: Final = 1.0
"""Before the point with the prefix that suits; less is below the smallest prefix."""
_MANY_SECONDS: Final = 1e9
"""Thirty years: what is more is a power of ten."""


def engineering(value: float, unit: str) -> str:
    """Three digits and the prefix that suits.

    Args:
        value: In the unit.
        unit: `J`, `W`, `s`.

    Returns:
        `9.80 mJ`, `12.3 W`, `999 us`; powers of ten beyond the prefixes: `3.83e+16 J`.

    Example:
        >>> engineering(0.0098, "J")
        '9.80 mJ'
    """
    digits, prefix = _digits_and_prefix(value)
    return f"{digits} {prefix}{unit}"


def _digits_and_prefix(value: float) -> tuple[str, str]:
    if not value:
        return "0", ""
    power = _power(value)
    text = three_digits(value / 10.0**power)
    if abs(float(text)) >= 1000 and power + 3 in _PREFIXES:  # rounding carried a digit
        power += 3
        text = three_digits(value / 10.0**power)
    if not _LEAST_DIGITS <= abs(float(text)) < 1000:  # beyond all prefixes, or no number
        return scientific(value), ""
    return text, _PREFIXES[power]


def _power(value: float) -> int:
    """Of the prefix with which there is least left before the point, but something."""
    if not value or not math.isfinite(value):
        return 0
    power = 3 * math.floor(math.log10(abs(value)) / 3 + 1e-12)
    return min(max(power, min(_PREFIXES)), max(_PREFIXES))


def duration(time_ms: float) -> str:
    """A time with the unit that suits.

    Args:
        time_ms: In milliseconds.

    Returns:
        `1.23 ms`, `4.97 us`, `20.5 s`; from a thousand seconds on there is no prefix: `1,130 s`,
        `4.61e+15 s`.

    Example:
        >>> duration(0.00497)
        '4.97 us'
    """
    if 0.1 <= time_ms < 999.5:
        return f"{si(time_ms)} ms"
    seconds = time_ms * 1e-3
    if seconds < 999.5:
        return engineering(seconds, "s")
    return f"{seconds:,.0f} s" if seconds < _MANY_SECONDS else f"{scientific(seconds)} s"


def energy_text(energy: float, unit: str, picojoules: float | None) -> str:
    """`2.05G MAC`, or `2.05G MAC = 3.07 mJ` where that is known; `9.80 mJ` where the unit is pJ or such."""
    if picojoules is None:
        return f"{si(energy)} {unit}"
    joules = engineering(energy * picojoules * 1e-12, "J")
    return joules if unit.endswith("J") else f"{si(energy)} {unit} = {joules}"


def energy_and_unit(result: RunResult) -> tuple[str, str]:
    """The energy of a run and its unit, for columns of their own: `2.05G` and `MAC`, `9.80` and `mJ`."""
    energy, picojoules = result.energy, result.energy.picojoules_per_unit
    scale = energy_scale(energy.total * (picojoules or 0.0), energy.unit, picojoules)
    return si(energy.total * scale.factor), scale.unit


def energy_cell(energy: float, picojoules: float | None) -> str:
    """The same for a column of a table: `2.05G`, `9.80mJ`."""
    if picojoules is None:
        return si(energy)
    digits, prefix = _digits_and_prefix(energy * picojoules * 1e-12)
    return f"{digits}{prefix}J"


class EnergyScale(NamedTuple):
    """In which unit energies are drawn, and how many of it one unit of the machine's table is."""

    unit: str
    factor: float = 1.0


def energy_scale(largest_pj: float, unit: str, picojoules: float | None) -> EnergyScale:
    """Joules with the prefix that suits the largest; the unit of the table where it is no part of a joule."""
    if picojoules is None:
        return EnergyScale(unit)
    power = _power(largest_pj * 1e-12)
    return EnergyScale(f"{_PREFIXES[power]}J", picojoules * 10.0 ** (-12 - power))


def table_scale(largest: float, table: EnergyTable) -> EnergyScale:
    """For energies in the unit of a machine's table, the largest of which is this."""
    return energy_scale(largest * (table.picojoules or 0.0), table.unit, table.picojoules)


def in_joules(results: Sequence[RunResult], largest: Callable[[RunResult], float]) -> list[RunResult]:
    """Results whose energies are in joules, with one prefix for all that are drawn beside each other.

    `largest` gives the largest energy of a result that is drawn. A result of which no joules are known stays.
    """
    units_pj = [result.energy.picojoules_per_unit for result in results]
    pairs = list(zip(results, units_pj, strict=True))
    drawn_pj = [largest(result) * unit_pj for result, unit_pj in pairs if unit_pj is not None]
    largest_pj = max(drawn_pj, default=0.0)
    return [
        result if unit_pj is None else _scaled(result, energy_scale(largest_pj, result.energy.unit, unit_pj))
        for result, unit_pj in pairs
    ]


def in_whole_joules(result: RunResult) -> RunResult:
    """A result with energies in J, for what finds prefixes itself; as it is where no joules are known."""
    unit_pj = result.energy.picojoules_per_unit
    return result if unit_pj is None else _scaled(result, EnergyScale("J", unit_pj * 1e-12))


def _scaled(result: RunResult, scale: EnergyScale) -> RunResult:
    energy = result.energy
    return replace(
        result,
        energy=replace(
            energy,
            total=energy.total * scale.factor,
            unit=scale.unit,
            by_component=_times(energy.by_component, scale.factor),
        ),
        layers=tuple(
            layer._replace(
                energy=layer.energy * scale.factor,
                energy_by_component=_times(layer.energy_by_component, scale.factor),
            )
            for layer in result.layers
        ),
    )


def _times(energies: Mapping[str, float], factor: float) -> dict[str, float]:
    return {name: energy * factor for name, energy in energies.items()}


def of_run(result: RunResult) -> float:
    """The energy of a bar that is a whole run."""
    return result.energy.total


def of_largest_layer(result: RunResult) -> float:
    """The energy of the largest bar where each layer has one."""
    return max((layer.energy for layer in result.layers), default=0.0)
