"""Eyeriss: what was measured of the chip, layer by layer, beside what is simulated of it.

Each layer is a network of its own, as the chip runs them one by one: it is lowered, mapped as the chip was
told to (and once more as the search would), simulated and priced as any other. Zeros are those that were
measured; two constants of power are fitted (the machine's file says which), all else is documented.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from pydantic import PositiveFloat

from accelsim.descriptions import Description, check, parse
from accelsim.descriptions.quantities import Batch, Channels, Extent, Factor, Margin
from accelsim.hardware import Hardware
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.dataflows.row_stationary import RowStationary
from accelsim.mapping.mapping import Choice, Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.program import mappings
from accelsim.mapping.tile import TileShape
from accelsim.network.configuration import configure
from accelsim.network.description import Network, NetworkDescription
from accelsim.planning.plan import Plan
from accelsim.result import RunResult
from accelsim.reuse.cache import Cache
from accelsim.run import plan_run, run_plan

Quantity: TypeAlias = Literal[
    "active_pes", "processing_ms", "time_ms", "buffer_megabytes", "dram_megabytes", "power_mw"
]
QUANTITIES: Final[tuple[Quantity, ...]] = (
    "active_pes",
    "processing_ms",
    "time_ms",
    "buffer_megabytes",
    "dram_megabytes",
    "power_mw",
)
"""What was measured: PEs that work; time without what stops the array, and with it; traffic of the global
buffer as the paper counts it, and of DRAM as it is coded there [10^6 bytes]; power without DRAM's."""
DATAFLOW: Final = "row_stationary"


class ChipMapping(Description):
    """How the chip was told to run a layer, in the letters of the paper's table III."""

    n: Batch
    """Images of a tile."""
    m: Channels
    """Filters."""
    e: Extent
    """Rows of outputs."""
    p: Factor
    q: Factor
    r: Factor
    t: Factor

    @property
    def parameters(self) -> tuple[tuple[str, int], ...]:
        """Of a pass."""
        return (("p", self.p), ("q", self.q), ("r", self.r), ("t", self.t))


class MeasuredLayer(Description):
    """A layer, and what was measured of it."""

    layer: str
    groups: Channels
    filters: Channels
    """Of a group, as the channels."""
    channels: Channels
    kernel: Extent
    rows: Extent
    """Of outputs, and as many columns."""
    stride: Extent
    padding: Margin
    input_zeros: float
    """The part of the inputs that is zero; 0 of the picture, which is not coded."""
    output_zeros: float
    mapping: ChipMapping | None = None
    """None where it was not printed."""
    channels_of_a_pass: Factor | None = None
    """q r, where it is inferred from the time."""
    active_pes: PositiveFloat
    processing_ms: PositiveFloat
    time_ms: PositiveFloat
    power_mw: PositiveFloat
    buffer_megabytes: PositiveFloat | None = None
    dram_megabytes: PositiveFloat

    def network(self, images: int) -> Network:
        """The layer as a network of its own."""
        side = (self.rows - 1) * self.stride + self.kernel - 2 * self.padding
        inputs: dict[str, Any] = {"channels": self.groups * self.channels, "height": side, "width": side}
        if self.input_zeros:
            inputs["activation_density"] = 1 - self.input_zeros
        conv = {
            "block": "conv",
            "name": self.layer.lower().replace("-", "_"),
            "out_channels": self.groups * self.filters,
            "kernel": self.kernel,
            "stride": self.stride,
            "padding": self.padding,
            "groups": self.groups,
            "activation": "relu",
        }
        return configure(
            NetworkDescription.model_validate(
                {
                    "name": conv["name"],
                    "title": self.layer,
                    "source": "",
                    "input": inputs,
                    "batch": images,
                    "stages": (conv,),
                    "compression": ({"layers": "*", "activation_density": 1 - self.output_zeros},),
                }
            )
        )


class MeasuredNetwork(Description):
    """The layers of a network, of so many images."""

    network: str
    batch: Batch
    recalled: tuple[str, ...] = ()
    """Figures that were written down from memory."""
    notes: str = ""
    layers: tuple[MeasuredLayer, ...]


class Fitted(Description):
    """What was not in a document."""

    keys: tuple[str, ...]
    """Of the machine's file."""
    to: str
    """Which figures."""
    forms_tried: int


class MeasuredChip(Description):
    """What was published of the chip."""

    name: str
    title: str
    source: str
    machine: str
    fitted: Fitted
    networks: tuple[MeasuredNetwork, ...]


def load_measured() -> MeasuredChip:
    """What was measured.

    Returns:
        Two networks, layer by layer.

    Example:
        >>> [(network.network, len(network.layers)) for network in load_measured().networks]
        [('alexnet', 5), ('vgg16', 13)]
    """
    document = parse(Path(__file__).with_name("eyeriss.yaml"))
    return check(document, MeasuredChip)


@dataclass(frozen=True)
class LayerRun:
    """A layer as it was simulated by one mapping."""

    result: RunResult
    mapping: Mapping
    active_pes: int

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
                return self.active_pes
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


def runs_of(
    layer: MeasuredLayer,
    images: int,
    hardware: Hardware,
    choices: Sequence[Callable[[Plan], Plan]],
    cache: Cache,
) -> list[LayerRun]:
    """A layer as the search maps it, and that changed in each of some ways."""
    plan = plan_run(layer.network(images), hardware, MappingOptions(batch=images), cache=cache)
    return [_run(choice(plan)) for choice in choices]


def _run(plan: Plan) -> LayerRun:
    (mapping,) = plan.schedule.mappings
    dataflow = dataflow_of(mapping.dataflow)
    assert isinstance(dataflow, RowStationary)  # the only one of the machine
    if mapping.parameters:
        dataflow = dataflow.fixed(mapping.parameters)
    folding = dataflow.folding(mapping.layer, mapping.tile, plan.hardware)
    return LayerRun(run_plan(plan), mapping, int(folding.pes))


def as_searched(plan: Plan) -> Plan:
    """What the search found."""
    return plan


def as_told(mapping: ChipMapping) -> Callable[[Plan], Plan]:
    """The same layer, mapped as the chip was told to."""

    def told(plan: Plan) -> Plan:
        (searched,) = plan.schedule.mappings
        layer = searched.layer
        tile = TileShape(
            mapping.n, 1, mapping.m, mapping.q * mapping.r, mapping.e, layer.OX, layer.FY, layer.FX
        )
        choice = Choice(layer, DATAFLOW, tile, "filters_outer", parameters=mapping.parameters)
        given = mappings([choice], plan.options.batch, plan.hardware)
        return replace(plan, schedule=replace(plan.schedule, mappings=tuple(given)))

    return told
