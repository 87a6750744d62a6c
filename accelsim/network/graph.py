"""The published graph: the network as its paper draws it, one node an operator, shapes inferred.

The names of its nodes are layer names, in the order in which the paper lists them, which is an order in
which they can run. What lowering makes of it is another type, `ExecutedGraph` (network/executed.py).
"""

from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeAlias

from accelsim.descriptions.limits import MAX_AXIS, MAX_CHANNELS, MAX_ELEMENTS, MAX_MACS, MAX_OPERATORS
from accelsim.errors import NetworkError
from accelsim.network.dag import Dag
from accelsim.network.precision import SILENT, UNSAID, NetworkPrecision, WeightForm

Axis: TypeAlias = Literal["channels", "height", "width"]
AXES: Final[tuple[Axis, ...]] = ("channels", "height", "width")
"""Of a tensor for one image, in the order in which they lie in memory."""
SharedPart: TypeAlias = Literal["weights", "bias", "scale", "shift", "slopes"]
"""Parameters of an operator that may be those of another one, too."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A tensor for one image: channels x height x width, in elements.

    Example:
        >>> print(Shape(64, 56, 56), Shape(64, 56, 56).elements)
        64 x 56 x 56 200704
    """

    channels: int
    """Feature maps."""
    height: int
    """Rows of each."""
    width: int
    """Columns of each."""

    @property
    def elements(self) -> int:
        """All elements, for one image."""
        return self.channels * self.height * self.width

    @property
    def pixels(self) -> int:
        """Rows x columns."""
        return self.height * self.width

    def __str__(self) -> str:
        return f"{self.channels} x {self.height} x {self.width}"


class Site(NamedTuple):
    """Where an operator stands: what its node is called, and what it reads."""

    name: str
    sources: tuple[str, ...]
    inputs: tuple[Shape, ...]
    """What the sources put out."""


@dataclass(frozen=True)
class Operator:
    """Everything about one operator of a published graph, for one image.

    The fields of a class that derives from this one are the operator's arguments; they are declared there and
    nowhere else (declaration.py). What it puts out follows from them and from what it reads.

    Args:
        site: Where it stands; beside it come the arguments of the operator.

    Example:
        >>> from accelsim.network.operators import Convolution
        >>> site = Site("conv1", ("input",), (Shape(3, 224, 224),))
        >>> conv1 = Convolution(site, out_channels=64, kernel=7, stride=2, padding=3)
        >>> conv1.output, conv1.params, conv1.macs
        (Shape(channels=64, height=112, width=112), 9408, 118013952)
    """

    kind: ClassVar[str]
    operands: ClassVar[Literal[0, 1, 2, "several"]] = 1
    """How many inputs it has."""
    site: InitVar[Site]
    inputs: tuple[Shape, ...] = field(init=False)
    output: Shape = field(init=False)

    def __post_init__(self, site: Site) -> None:
        object.__setattr__(self, "inputs", site.inputs)
        object.__setattr__(self, "output", self.output_at(site))

    def output_at(self, site: Site) -> Shape:
        """What it puts out there; where it does not fit, NetworkError with the node's name and the remedy."""
        return site.inputs[0]

    @property
    def shared(self) -> tuple[SharedPart, ...]:
        """What of its parameters is also an operator's before it: used here, counted there."""
        return ()

    @property
    def weights(self) -> int:
        """Weights of convolution or matrix product."""
        return 0

    @property
    def biases(self) -> int:
        """Offsets that belong to a convolution or matrix product."""
        return 0

    @property
    def norms(self) -> int:
        """Scale and shift of batch normalisation; its running statistics are not counted."""
        return 0

    @property
    def slopes(self) -> int:
        """Factors of an activation that have been trained."""
        return 0

    @property
    def counted_weights(self) -> int:
        """Weights that are parameters of no operator before."""
        return 0 if "weights" in self.shared else self.weights

    @property
    def params(self) -> int:
        """Weights, biases, scale and shift of batch normalisation, and slopes, each counted once."""
        if not self.shared:  # nearly all operators
            return self.weights + self.biases + self.norms + self.slopes
        parts = {
            "weights": self.weights,
            "bias": self.biases,
            **dict.fromkeys(("scale", "shift"), self.norms // 2),
            "slopes": self.slopes,
        }
        return sum(count for part, count in parts.items() if part not in self.shared)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolution or matrix product."""
        return 0


@dataclass(frozen=True, slots=True)
class PublishedNode:
    """One operator of a network, what it reads, and where the paper lists it.

    Example:
        >>> from accelsim.network import load_network
        >>> from accelsim.network.build import build
        >>> node = build(load_network("resnet18"))["stage2.block1.add"]
        >>> node.operator.kind, node.operands
        ('add', ('stage2.block1.conv2.bn', 'stage2.block1.shortcut.bn'))
    """

    name: str
    """Unique within the network: `stage1.block2.conv1x1`."""
    operator: Operator
    """What it computes, with its arguments."""
    operands: tuple[str, ...]
    """The nodes that it reads, in the order of its inputs; one may be there more than once."""
    stage: str = ""
    """A label for reports, as the block is."""
    block: str = ""
    """The repetition that it is part of; a label for reports."""
    weight_form: WeightForm = UNSAID
    """How its weights are stored, where the network gives that."""

    @property
    def predecessors(self) -> tuple[str, ...]:
        """The nodes that it reads, each once."""
        return self.operands if len(self.operands) < 2 else tuple(dict.fromkeys(self.operands))

    def attributes(self) -> dict[str, Any]:
        """What networkx's node is told."""
        return {
            "operator": self.operator,
            "stage": self.stage,
            "block": self.block,
            "weight_form": self.weight_form,
        }

    def edges(self) -> dict[str, dict[str, Any]]:
        """What networkx's edges are told, by the node that is read: the positions of its output."""
        positions: dict[str, list[int]] = {}
        for position, source in enumerate(self.operands):
            positions.setdefault(source, []).append(position)
        return {source: {"operands": tuple(read_at)} for source, read_at in positions.items()}


@dataclass(frozen=True)
class PublishedGraph(Dag[PublishedNode]):
    """A network as its paper, or the file of its model, lists it: operators in order, before any is fused.

    Example:
        >>> from accelsim.network import load_network
        >>> from accelsim.network.build import build
        >>> published = build(load_network("squeezenet_v1_1"))
        >>> len(published), published.successors("fire2.squeeze1x1.relu")
        (67, ('fire2.expand1x1', 'fire2.expand3x3'))
    """

    precision: NetworkPrecision = SILENT
    """The bits that the network asks for."""


@dataclass
class Draft:
    """A published graph under construction: what the functions of `operators` add their nodes to.

    Example:
        >>> from accelsim.network import operators
        >>> draft = Draft(stage="stem")
        >>> image = operators.network_input(draft, "input", Shape(3, 32, 32))
        >>> conv1 = operators.conv(draft, "conv1", image, out_channels=16, kernel=3, padding="same")
        >>> draft.shape(conv1), list(draft.graph)
        (Shape(channels=16, height=32, width=32), ['input', 'conv1'])
    """

    stage: str = ""
    """Of the nodes that are added next; a label for reports."""
    block: str = ""
    """The same of the block."""
    _nodes: dict[str, PublishedNode] = field(default_factory=dict, init=False)

    @property
    def graph(self) -> PublishedGraph:
        """The graph of what has been added so far."""
        return PublishedGraph(tuple(self._nodes.values()))

    def shape(self, node: str) -> Shape:
        """What a node puts out."""
        return self._nodes[node].operator.output

    def site(self, name: str, sources: Sequence[str]) -> Site:
        """Where a node of that name would stand that reads the sources, in order."""
        return Site(name, tuple(sources), tuple([self._nodes[source].operator.output for source in sources]))

    def add(self, name: str, operator: Operator, sources: Sequence[str]) -> str:
        """A new node that reads the sources, in order; gives back its name."""
        if name in self._nodes:
            raise NetworkError(f"{name}: two layers have this name; give the rows of the stage table names")
        if len(self._nodes) >= MAX_OPERATORS:
            raise NetworkError(
                f"{name}: is operator {len(self._nodes) + 1:,}, of at most {MAX_OPERATORS:,}; "
                "repeat blocks less often"
            )
        _check_size(name, operator)
        self._nodes[name] = PublishedNode(name, operator, tuple(sources), self.stage, self.block)
        return name


_MORE: Final = {
    "channels": "give its block, or the one before, more channels",
    "rows": "enlarge the resolution, or shrink kernels and strides",
    "columns": "enlarge the resolution, or shrink kernels and strides",
}
"""What helps where a layer would have none."""


def _check_size(name: str, operator: Operator) -> None:
    """Refuse what no machine runs.

    A slip of the pen would otherwise take hours, or more than 64 bits; and layers without outputs, which
    blocks come to when they divide or subtract, would make a network look small.
    """
    output = operator.output
    axes = {"channels": output.channels, "rows": output.height, "columns": output.width}
    for noun, size in axes.items():
        if size < 1:
            raise NetworkError(
                f"{name}: would put out {size} {noun} ({output}); every layer has to have at least one: "
                f"{_MORE[noun]}"
            )
    if output.channels > MAX_CHANNELS:
        raise _too_large(name, "channels", MAX_CHANNELS)
    if max(output.height, output.width) > MAX_AXIS:
        raise _too_large(name, "rows or columns", MAX_AXIS)
    if operator.output.elements > MAX_ELEMENTS:
        raise _too_large(name, "output elements", MAX_ELEMENTS)
    if operator.weights > MAX_ELEMENTS:
        raise _too_large(name, "weights", MAX_ELEMENTS)
    if operator.macs > MAX_MACS:
        raise _too_large(name, "multiply-accumulates", MAX_MACS)


def _too_large(name: str, noun: str, largest: int) -> NetworkError:
    return NetworkError(f"{name}: has more {noun} than the {largest:,} that a layer may have")


def total_params(published: PublishedGraph) -> int:
    """Parameters of a published graph: those that several operators have, once.

    Args:
        published: Operators as the paper lists them.

    Returns:
        Weights, biases, scale and shift of batch normalisation, and trained slopes.

    Example:
        >>> from accelsim.network import load_network
        >>> from accelsim.network.build import build
        >>> total_params(build(load_network("squeezenet_v1_1")))
        1235496
    """
    return sum([node.operator.params for node in published.nodes])


def total_macs(published: PublishedGraph) -> int:
    """Multiply-accumulates of the convolutions and matrix products of a published graph, for one image.

    Args:
        published: Operators as the paper lists them.

    Returns:
        As many as there are before anything is skipped or padded.

    Example:
        >>> from accelsim.network import load_network
        >>> from accelsim.network.build import build
        >>> total_macs(build(load_network("squeezenet_v1_1")))
        349151936
    """
    return sum([node.operator.macs for node in published.nodes])
