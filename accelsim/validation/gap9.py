"""GAP9: cycles of MLPerf Tiny's networks on the chip, beside what is simulated of it.

Two networks are beside what was measured, and two parameters were fitted to them; the other two are
predictions.
"""

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import PositiveFloat, PositiveInt

from accelsim.descriptions import Description, check, parse
from accelsim.hardware import Hardware
from accelsim.reuse.cache import Cache
from accelsim.run import run_network

PINNED: Final = Path(__file__).with_name("gap9_pinned.csv")
ROUNDING: Final = 1e-9


class FittedParameters(Description):
    """What was chosen by the figures."""

    keys: tuple[str, ...]
    """Of the machine's file."""
    to: str
    """Which figures, and how."""
    forms_tried: int
    forms_are: str


class NetworkOfChip(Description):
    """A network that the chip ran."""

    network: str
    measured_cycles: PositiveInt | None = None
    """None where it is not known here."""


class MeasuredNetworks(Description):
    """What was published of the chip."""

    name: str
    title: str
    source: str
    machine: str
    fitted: FittedParameters
    bar: PositiveFloat
    """What |simulated / measured - 1| may not exceed."""
    networks: tuple[NetworkOfChip, ...]


def load_gap9() -> MeasuredNetworks:
    """What was measured.

    Example:
        >>> [network.measured_cycles for network in load_gap9().networks]
        [175922, 65008, None, None]
    """
    return check(parse(Path(__file__).with_name("gap9.yaml")), MeasuredNetworks)


@dataclass(frozen=True)
class Gap9Row:
    """One network; fields are the names that the JSON has.

    Attributes:
        network: By name.
        measured_cycles: Of the chip; None where they are not known here.
        simulated_cycles: Of an inference in steady state.

    Example:
        >>> Gap9Row("mlperf_tiny_kws", 100, 105).error
        0.05
    """

    network: str
    measured_cycles: int | None
    simulated_cycles: int

    @property
    def error(self) -> float | None:
        """Simulated / measured - 1; None of a prediction."""
        if self.measured_cycles is None:
            return None
        return round(self.simulated_cycles / self.measured_cycles - 1, 12)

    @property
    def log_error(self) -> float | None:
        """ln(simulated / measured); None of a prediction."""
        if self.measured_cycles is None:
            return None
        return math.log(self.simulated_cycles / self.measured_cycles)


@dataclass(frozen=True)
class Gap9Reproduction:
    """All networks."""

    chip: MeasuredNetworks
    rows: tuple[Gap9Row, ...]

    @property
    def missed_bars(self) -> list[str]:
        """A line for each network that is further off than it may be."""
        return [
            f"{row.network}: time is {row.error:+.1%} off, more than {self.chip.bar:.0%}"
            for row in self.rows
            if row.error is not None and abs(row.error) > self.chip.bar + ROUNDING
        ]

    @property
    def pinned_rows(self) -> list[dict[str, str]]:
        """Every network, as it is pinned."""
        return [{"network": row.network, "cycles": str(row.simulated_cycles)} for row in self.rows]

    @property
    def moved(self) -> list[str]:
        """A line for each network that does not take what it was pinned to."""
        with PINNED.open(encoding="utf-8", newline="") as file:
            pinned = {row["network"]: row["cycles"] for row in csv.DictReader(file)}
        return [
            f"{network}: takes {cycles} cycles, pinned to {pinned.get(network, 'nothing')}"
            for network, cycles in map(dict.values, self.pinned_rows)
            if pinned.get(network) != cycles
        ]


def reproduce_gap9(hardware: Hardware, step: Callable[[str], None] = lambda _: None) -> Gap9Reproduction:
    """Simulate every network of MLPerf Tiny.

    Args:
        hardware: The chip.
        step: Is told of each network that is begun.

    Returns:
        What is simulated beside what was measured.
    """
    chip, cache = load_gap9(), Cache()
    rows = []
    for network in chip.networks:
        step(network.network)
        cycles = run_network(network.network, hardware, cache=cache).cycles
        rows.append(Gap9Row(network.network, network.measured_cycles, cycles))
    return Gap9Reproduction(chip, tuple(rows))
