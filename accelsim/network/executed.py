"""The executed graph: layers as a machine runs them, who reads whom, and what became of each operator.

It is what lowering makes of a published graph (network/graph.py), and another type: an operator that a paper
draws may be a part of a layer here, or nothing at all.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from accelsim.network.dag import Dag
from accelsim.network.layer import Layer

if TYPE_CHECKING:
    from accelsim.network.given import GivenCascade

Fate: TypeAlias = Literal["input", "layer", "folded", "fused", "vanished", "copied"]


class Reason(StrEnum):
    """Why an operator has the fate that it has; `report/text/lowering.py` has the sentences.

    Example:
        >>> Reason("on_array") is Reason.ON_ARRAY
        True
    """

    IMAGE = "image"
    ON_ARRAY = "on_array"
    INTO_WEIGHTS = "into_weights"
    """Scale goes into the weights, shift into the offset."""
    ON_THE_WAY = "on_the_way"
    """Done on single outputs before they are stored."""
    NO_LAYER_OF_ITS_OWN = "no_layer_of_its_own"
    """What it reads (`about`) is pooled, put together, or read elsewhere too."""
    POOLS_OUTPUTS = "pools_outputs"
    POOLS_ALONE = "pools_alone"
    COMBINES_OUTPUTS = "combines_outputs"
    OPERAND_SHARED = "operand_shared"
    """The last of its operands (`about`) is no layer's output that only it reads."""
    OPERAND_NOT_ON_ARRAY = "operand_not_on_array"
    """The layer of its last operand (`about`) runs on the vector unit."""
    OPERAND_SMALLER = "operand_smaller"
    """The last of its operands (`about`) is smaller than its output."""
    OPERANDS_TOO_LATE = "operands_too_late"
    """The others are not complete before the layer of the last one (`about`) runs."""
    RESIZES = "resizes"
    WRITTEN_IN_PLACE = "written_in_place"
    OPERANDS_STAY = "operands_stay"
    CHANNELS_MOVE = "channels_move"
    SLICES_MOVE = "slices_move"
    MOVES_AS_SOURCE = "moves_as_source"
    """Its channels move to the places that its source (`about`) gives them."""
    PART_IS_READ = "part_is_read"
    ELEMENTS_MOVE = "elements_move"
    SAME_ADDRESSES = "same_addresses"
    """Rows and columns get other names, and every element stays where it is."""
    INTERLEAVED = "interleaved"
    """Several layers of the array, each of which writes every so many outputs."""
    OPERAND_INTERLEAVED = "operand_interleaved"
    """Channels of the last of its operands (`about`) are not those of the layer that makes it."""
    OPERAND_IS_PRODUCT = "operand_is_product"
    """The layer of its last operand (`about`) reads two activations as it is."""
    NEEDS_STATISTICS = "needs_statistics"
    NOTHING_AT_INFERENCE = "nothing_at_inference"
    STORED_OUTSIDE = "stored_outside"
    NO_OPERATOR_HERE = "no_operator_here"
    """It was let pass at a price."""


class Note(NamedTuple):
    """What became of one published operator.

    Example:
        >>> from accelsim.network import load_network, lowered_network
        >>> note = lowered_network(load_network("squeezenet_v1_1")).graph.notes[2]
        >>> note.node, note.fate, note.layers, note.reason.name
        ('conv1.relu', 'fused', ('conv1',), 'ON_THE_WAY')
    """

    node: str
    """The operator's name."""
    operator: str
    """Its kind: `conv`."""
    fate: Fate
    """What became of it: a layer, fused into one, folded into weights, copied, or nothing at all."""
    layers: tuple[str, ...]
    """The executed layers that do its work; none where it vanished."""
    reason: Reason
    """Why it has that fate."""
    about: str = ""
    """The node or layer that the reason is about, where it is about one."""


class Read(NamedTuple):
    """What a layer reads of another one's outputs, in elements, for one image.

    Example:
        >>> from accelsim.network import load_network, lowered_network
        >>> graph = lowered_network(load_network("resnet18")).graph
        >>> for read in graph["stage2.block1.conv2"].reads:
        ...     print(read.producer, read.input_elements, read.residual_elements)
        stage2.block1.conv1 100352 0
        stage2.block1.shortcut 0 100352
    """

    producer: str
    """The name of the layer that is read."""
    input_elements: int
    """As its input."""
    residual_elements: int
    """As the residual of an operator that is fused into it."""
    weight_elements: int = 0
    """As what its input is multiplied by."""


@dataclass(frozen=True, slots=True)
class ExecutedNode:
    """A layer, what it reads, and where in memory its outputs lie.

    Example:
        >>> from accelsim.network import load_network, lowered_network
        >>> node = lowered_network(load_network("squeezenet_v1_1")).graph["fire2.expand3x3"]
        >>> node.predecessors, node.buffer, node.first_channel
        (('fire2.squeeze1x1',), 'fire2.expand1x1', 64)
    """

    layer: Layer
    """The loop nest that is mapped."""
    reads: tuple[Read, ...]
    """One for each layer that it reads."""
    network_input_elements: int
    """What it reads of the image, as its input."""
    network_residual_elements: int
    """What it reads of the image as the residual of an operator that is fused into it."""
    network_output: bool
    """Whether somebody outside the network wants what it writes."""
    buffer: str
    """Layers whose outputs have to lie side by side share a buffer, named after its first layer."""
    first_channel: int
    """Where in the buffer the layer's own channels begin."""
    network_weight_elements: int = 0
    """What it reads of the image as what its input is multiplied by."""

    @property
    def name(self) -> str:
        """The layer's."""
        return self.layer.name

    @property
    def predecessors(self) -> tuple[str, ...]:
        """The layers that it reads, each once."""
        return tuple([read.producer for read in self.reads])

    @property
    def reads_image(self) -> bool:
        """Whether it reads what the network is given."""
        elements = (self.network_input_elements, self.network_residual_elements, self.network_weight_elements)
        return sum(elements) > 0

    def attributes(self) -> dict[str, Any]:
        """What networkx's node is told."""
        return {
            "layer": self.layer,
            "network_input_elements": self.network_input_elements,
            "network_residual_elements": self.network_residual_elements,
            "network_weight_elements": self.network_weight_elements,
            "network_output": self.network_output,
            "buffer": self.buffer,
            "first_channel": self.first_channel,
        }

    def edges(self) -> dict[str, dict[str, Any]]:
        """What networkx's edges are told, by the layer that is read: elements, by their role."""
        return {
            read.producer: {
                "input_elements": read.input_elements,
                "residual_elements": read.residual_elements,
                "weight_elements": read.weight_elements,
            }
            for read in self.reads
        }


@dataclass(frozen=True)
class ExecutedGraph(Dag[ExecutedNode]):
    """A network as a machine runs it: layers in running order.

    Example:
        >>> from accelsim.network import load_network, lowered_network
        >>> graph = lowered_network(load_network("squeezenet_v1_1")).graph
        >>> len(graph), graph.outputs, graph.successors("fire2.squeeze1x1")
        (27, ('prob',), ('fire2.expand1x1', 'fire2.expand3x3'))
    """

    image_elements: int
    """Of the image, which layers may read more than once, or in parts."""
    notes: tuple[Note, ...] = ()
    """What became of each published operator, in the order in which the network lists them."""
    image_density: float | None = None
    """The part of the image that is not zero, where the network gives it."""
    given_cascades: "tuple[GivenCascade, ...]" = ()
    """What is said beforehand of layers that run stripe by stripe."""

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in running order."""
        return tuple([node.layer for node in self.nodes])

    @property
    def outputs(self) -> tuple[str, ...]:
        """The layers whose results somebody outside the network wants."""
        return tuple(node.name for node in self.nodes if node.network_output)
