"""What was measured of Eyeriss, layer by layer: figures of the paper, and the mappings that it prints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from pydantic import NonNegativeFloat, PositiveFloat

from accelsim.descriptions import Description, check, parse
from accelsim.descriptions.quantities import Batch, Channels, Extent, Factor, Margin
from accelsim.network.configuration import configure
from accelsim.network.description import Network, NetworkDescription

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


class ErrorBar(Description):
    """What |simulated / measured - 1| may not exceed."""

    layer: NonNegativeFloat
    sum: NonNegativeFloat
    """Of all layers together."""


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
    bars: Mapping[Quantity, ErrorBar]
    """Of AlexNet."""
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
