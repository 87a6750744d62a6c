"""Eyeriss: what was measured of the chip, layer by layer, beside what is simulated of it.

Each layer is a network of its own, as the chip runs them one by one: it is lowered, mapped as the chip was
told to (and once more as the search would), simulated and priced as any other. Zeros are those that were
measured; two constants of power are fitted (the machine's file says which), all else is documented.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

from accelsim.hardware import Hardware
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.dataflows.folding import Folding
from accelsim.mapping.dataflows.row_stationary import RowStationary
from accelsim.mapping.given_file import MappingRule
from accelsim.mapping.mapping import Mapping as LayerMapping
from accelsim.mapping.options import MappingOptions
from accelsim.result import RunResult
from accelsim.reuse.cache import Cache
from accelsim.run import plan_run, run_plan
from accelsim.validation.eyeriss_measured import (
    QUANTITIES,
    MeasuredChip,
    MeasuredLayer,
    MeasuredNetwork,
    Quantity,
    load_measured,
)
from accelsim.validation.log_errors import LogErrors, MeasuredFigure, log_errors

BARRED: Final = "alexnet"
"""The network whose errors have bars: mappings of the other are not known."""
MOST_ENERGY_DELAY: Final = 1.02
"""Of the mapping that the search finds, for each of the chip's."""
ROUNDING: Final = 1e-9
PINNED: Final = Path(__file__).with_name("eyeriss_pinned.csv")


@dataclass(frozen=True)
class LayerRun:
    """A layer as it was simulated by one mapping."""

    result: RunResult
    mapping: LayerMapping
    folding: Folding
    """How a tile lies in the PEs."""

    @property
    def energy_delay(self) -> float:
        """Product of energy and time, in the machine's unit and cycles."""
        return self.result.energy.total * self.result.cycles

    def figure(self, quantity: Quantity) -> float:
        """What is simulated of a quantity."""
        result = self.result
        (layer,) = result.layers
        milliseconds = 1e-3 / result.clock_mhz
        match quantity:
            case "active_pes":
                return float(self.folding.pes)
            case "processing_ms":
                return layer.busy_cycles["array"] * milliseconds
            case "time_ms":
                return result.cycles * milliseconds
            case "buffer_megabytes":
                # The paper counts as many reads of partial sums as writes: the last ones leave the chip. What
                # comes into the buffer is not in its count, nor here, where a transfer counts outside.
                leaving = layer.form.stored_elements * result.batch * 2
                return (layer.global_buffer_bytes.total + leaving) / 1e6
            case "dram_megabytes":
                return layer.dram_bytes.total / 1e6
            case "power_mw":
                of_chip = result.energy.total - result.off_chip_energy
                joules = of_chip / result.energy.total * (result.energy.joules or 0.0)
                return joules / result.time_ms * 1e6
            case _:
                assert_never(quantity)

    def __str__(self) -> str:
        p, q, r, t = (int(size) for size in self.folding[:4])
        return f"{self.mapping} p{p} q{q} r{r} t{t}"


def as_told(layer: MeasuredLayer) -> MappingRule:
    """The mapping of a layer as the chip was told it, in the letters of a mapping file."""
    told = layer.mapping
    if told is None:
        channels = layer.channels_of_a_pass
        return MappingRule(layers="*", tile={} if channels is None else {"C": channels})
    return MappingRule(
        layers="*",
        dataflow=RowStationary.name,
        tile={
            "N": told.n,
            "G": 1,
            "K": told.m,
            "C": told.q * told.r,
            "OY": told.e,
            "OX": layer.rows,
            "FY": layer.kernel,
            "FX": layer.kernel,
        },
        order=("K", "OY", "OX", "C"),
        parameters={"p": told.p, "q": told.q, "r": told.r, "t": told.t},
    )


def run_of(layer: MeasuredLayer, images: int, hardware: Hardware, cache: Cache, *, told: bool) -> LayerRun:
    """A layer as the chip was told to run it, as far as that is known, or as the search would."""
    rules = [as_told(layer)] if told else None
    network, options = layer.network(images), MappingOptions(batch=images)
    plan = plan_run(network, hardware, options, mapping=rules, cache=cache)
    (mapping,) = plan.schedule.mappings
    dataflow = dataflow_of(mapping.dataflow)
    assert isinstance(dataflow, RowStationary)  # the only one of the machine
    if mapping.parameters:
        dataflow = dataflow.fixed(mapping.parameters)
    folding = dataflow.folding(mapping.layer, mapping.tile, plan.hardware)
    return LayerRun(run_plan(plan), mapping, folding)


@dataclass(frozen=True)
class FigureOfLayer:
    """One figure of one layer; fields are the names that the JSON has.

    Attributes:
        network: Of the layer.
        layer: As the paper calls it.
        quantity: What was measured.
        measured: As published.
        simulated: In the same unit.
        log_error: ln(simulated / measured).
        recalled: Whether it was written down from memory.

    Example:
        >>> FigureOfLayer("alexnet", "CONV1", "time_ms", 20.9, 23.1, 0.1, recalled=False).layer
        'CONV1'
    """

    network: str
    layer: str
    quantity: Quantity
    measured: float
    simulated: float
    log_error: float
    recalled: bool


@dataclass(frozen=True)
class MappingsOfLayer:
    """How a layer was mapped; fields are the names that the JSON has.

    Attributes:
        network: Of the layer.
        layer: As the paper calls it.
        told: The mapping as the chip was told it, as far as that is known.
        searched: The one that the search finds.
        energy_delay: Product of energy and time of the latter, for each of the former.
        time: The same of time by itself.

    Example:
        >>> MappingsOfLayer("alexnet", "CONV1", "K96 Y7 X55", "K96 Y7 X55", 1.0, 1.0).time
        1.0
    """

    network: str
    layer: str
    told: str
    searched: str
    energy_delay: float
    time: float


@dataclass(frozen=True)
class EyerissReproduction:
    """All figures, and both mappings of each layer.

    Example:
        >>> EyerissReproduction(load_measured(), (), ()).of("alexnet")
        []
    """

    chip: MeasuredChip
    figures: tuple[FigureOfLayer, ...]
    """Of the mappings that the chip was told."""
    mappings: tuple[MappingsOfLayer, ...]

    def of(self, network: str, quantity: Quantity | None = None) -> list[FigureOfLayer]:
        """The figures of a network, of one quantity or of all."""
        return [row for row in self.figures if row.network == network and quantity in (None, row.quantity)]

    def errors(self, network: str, quantity: Quantity) -> LogErrors:
        """How they are distributed."""
        rows = self.of(network, quantity)
        return log_errors([MeasuredFigure(row.layer, row.measured, row.simulated) for row in rows])

    def largest_error(self, network: str, quantity: Quantity) -> float:
        """By which part the layer is off that is furthest off."""
        return max([abs(row.simulated / row.measured - 1) for row in self.of(network, quantity)])

    @property
    def missed_bars(self) -> list[str]:
        """A line for each bar that an error of AlexNet exceeds."""
        lines = []
        for quantity, bar in self.chip.bars.items():
            if not self.of(BARRED, quantity):
                continue
            off = {
                "a layer": (self.largest_error(BARRED, quantity), bar.layer),
                "the sum": (abs(self.error_of_sum(BARRED, quantity)), bar.sum),
            }
            lines += [
                f"{BARRED}: {quantity} of {what} is {error:.1%} off, more than {most:.0%}"
                for what, (error, most) in off.items()
                if error > most + ROUNDING
            ]
        of_network = [row for row in self.mappings if row.network == BARRED]
        return lines + [
            f"{BARRED} {row.layer}: energy x delay of the search is {row.energy_delay:.3f} times the chip's, "
            f"more than {MOST_ENERGY_DELAY:g}"
            for row in of_network
            if row.energy_delay > MOST_ENERGY_DELAY
        ]

    @property
    def pinned_rows(self) -> list[dict[str, str]]:
        """Every figure, and how far the search is below the chip's mapping, as they are pinned."""
        figures = [(row.network, row.layer, row.quantity, row.simulated) for row in self.figures]
        searched = [(row.network, row.layer, "energy_delay", row.energy_delay) for row in self.mappings]
        return [
            {"network": network, "layer": layer, "quantity": quantity, "simulated": f"{simulated:.9g}"}
            for network, layer, quantity, simulated in [*figures, *searched]
        ]

    @property
    def moved(self) -> list[str]:
        """A line for each figure that is not what it was pinned to."""
        with PINNED.open(encoding="utf-8", newline="") as file:
            rows = {tuple(row.values())[:3]: row["simulated"] for row in csv.DictReader(file)}
        return [
            f"{network} {layer}: {quantity} is {simulated}, pinned to "
            f"{rows.get((network, layer, quantity), 'nothing')}"
            for network, layer, quantity, simulated in map(dict.values, self.pinned_rows)
            if rows.get((network, layer, quantity)) != simulated
        ]

    def error_of_sum(self, network: str, quantity: Quantity) -> float:
        """By which part the sum over all layers is off."""
        rows = self.of(network, quantity)
        return sum([row.simulated for row in rows]) / sum([row.measured for row in rows]) - 1


def reproduce_eyeriss(
    hardware: Hardware, step: Callable[[str], None] = lambda _: None, networks: Sequence[str] | None = None
) -> EyerissReproduction:
    """Simulate every layer that was measured, by the chip's mapping and by the search's.

    Args:
        hardware: The chip.
        step: Is told of each layer that is begun.
        networks: Of those that were measured; None is all.

    Returns:
        What was simulated beside what was measured.

    Example:
        >>> from accelsim.validation.evaluate import shipped_hardware
        >>> reproduce_eyeriss(shipped_hardware("eyeriss"), networks=[]).figures
        ()
    """
    chip, cache = load_measured(), Cache()
    chosen = [network for network in chip.networks if networks is None or network.network in networks]
    figures: list[FigureOfLayer] = []
    mappings: list[MappingsOfLayer] = []
    for network in chosen:
        for layer in network.layers:
            step(f"{network.network} {layer.layer}")
            told, searched = (
                run_of(layer, network.batch, hardware, cache, told=told) for told in (True, False)
            )
            figures += _figures(network, layer, told)
            mappings.append(
                MappingsOfLayer(
                    network.network,
                    layer.layer,
                    str(told),
                    str(searched),
                    searched.energy_delay / told.energy_delay,
                    searched.result.cycles / told.result.cycles,
                )
            )
    return EyerissReproduction(chip, tuple(figures), tuple(mappings))


def _figures(network: MeasuredNetwork, layer: MeasuredLayer, run: LayerRun) -> Iterator[FigureOfLayer]:
    for quantity in QUANTITIES:
        measured: float | None = getattr(layer, quantity)
        if measured is not None:
            simulated = run.figure(quantity)
            error = MeasuredFigure(layer.layer, measured, simulated).log_error
            recalled = quantity in network.recalled
            yield FigureOfLayer(network.network, layer.layer, quantity, measured, simulated, error, recalled)
