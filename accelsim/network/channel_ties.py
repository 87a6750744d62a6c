"""Which numbers of channels of a network change together, and which stay as they are, and why.

A convolution or a matrix product makes channels: their number is its own argument. Elementwise operators,
poolings and depthwise convolutions hand them on, a concatenation puts those of several makers one after
another, and what combines tensors element by element ties those of its operands to each other: they are one
number from then on. So the makers of a network fall into classes: the connected components of the graph whose
edges are those ties.

Where a slice takes a part of what a maker puts out, or a sum meets a concatenation, the maker has several
numbers, one for each part, which are called `conv[0]`, `conv[1]`; they are found by following all channels
again until no part is cut.

A number stays where it is the image's or the result's, and where it cannot be followed: at an operator that
gives channels another meaning (a shuffle of several parts, every second of them, what is not known here).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from math import gcd, lcm
from typing import ClassVar, Final, Literal, NamedTuple, TypeAlias

import networkx as nx

from accelsim.network import operators as ops
from accelsim.network.graph import Operator, PublishedGraph, PublishedNode

StopKind: TypeAlias = Literal["image", "result", "single", "parts", "slice", "mixed", "shared", "operator"]
_SENTENCES: Final[dict[StopKind, str]] = {
    "image": "they are those of the input {}",
    "result": "the network puts them out ({})",
    "single": "a single channel stays one",
    "parts": "{} joins them to parts of other sizes",
    "slice": "{} takes some of them, and which of another number is not said",
    "mixed": "{} mixes them with those of other layers",
    "shared": "{} shares parameters with a layer of so many",
    "operator": "they cannot be followed through {}",
}


MOST_PASSES: Final = 16
"""In which makers are cut into parts; what is still cut then stays."""


class Part(NamedTuple):
    """Successive channels of a tensor."""

    maker: str
    """The node that makes them; where they cannot be followed to one, the node behind which they cannot."""
    times: int = 1
    """Channels for each of the maker's: a depthwise convolution may make several of one."""


class Stop(NamedTuple):
    """Why a number of channels stays as it is.

    Example:
        >>> print(Stop("result", "fc"))
        the network puts them out (fc)
    """

    kind: StopKind
    node: str
    """Where that is so."""

    def __str__(self) -> str:
        return _SENTENCES[self.kind].format(self.node)


@dataclass(frozen=True)
class TiedChannels:
    """One number of channels, and all who have it."""

    makers: tuple[str, ...]
    """The nodes whose argument it is, in order; of a node that makes several, `conv[0]`, `conv[1]`."""
    count: int
    multiple_of: int = 1
    """What it has to be a multiple of for the groups of convolutions that read or make it. It may not be one
    now: where it is read with others, only their sum has to be."""
    stop: Stop | None = None
    """Why it stays; None where it may change."""


@dataclass(frozen=True)
class ChannelTies:
    """All numbers of channels of a network.

    Example:
        >>> from accelsim.network import load_network
        >>> from accelsim.network.build import build
        >>> ties = channel_ties(build(load_network("resnet18")))
        >>> ties.of("stage1.block1.conv2").makers
        ('conv1', 'stage1.block1.conv2', 'stage1.block2.conv2')
        >>> print(ties.of("fc").stop)
        the network puts them out (prob)
    """

    numbers: tuple[TiedChannels, ...]
    """In the order of their first makers."""
    parts: Mapping[str, tuple[Part, ...]]
    """What the channels of each node's output are."""
    arguments: frozenset[str] = frozenset()
    """Makers whose number is an argument of a node, or a part of one."""
    sharing: frozenset[str] = frozenset()
    """Nodes that use parameters of another one, and all that may be that one."""
    _by_maker: dict[str, TiedChannels] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_maker = {maker: number for number in self.numbers for maker in number.makers}
        object.__setattr__(self, "_by_maker", by_maker)

    def __contains__(self, maker: str) -> bool:
        return maker in self._by_maker

    def of(self, maker: str) -> TiedChannels:
        """The number that a node makes. KeyError where it makes none."""
        return self._by_maker[maker]

    def put_out_by(self, node: str) -> tuple[TiedChannels, ...]:
        """The numbers of which the channels of a node's output are, each once."""
        return tuple(dict.fromkeys(self._by_maker[part.maker] for part in self.parts[node]))


def channel_ties(published: PublishedGraph) -> ChannelTies:
    """The numbers of channels of a network: who has the same one, and which may change.

    Args:
        published: Operators in order.

    Returns:
        A number for each class of makers, and what the channels of each node are.

    Example:
        >>> from accelsim.network import load_network
        >>> from accelsim.network.build import build
        >>> ties = channel_ties(build(load_network("squeezenet_v1_1")))
        >>> ties.parts["fire2.concat"]
        (Part(maker='fire2.expand1x1', times=1), Part(maker='fire2.expand3x3', times=1))
    """
    cuts: dict[str, frozenset[int]] = {}
    for _ in range(MOST_PASSES):
        tracer = _Tracer(published, cuts)
        for node in published.nodes:
            tracer.follow(node)
        wanted = {name: cuts.get(name, frozenset()) | channels for name, channels in tracer.wanted.items()}
        if wanted.items() <= cuts.items():
            break
        cuts |= wanted
    return tracer.result()


def is_depthwise(operator: Operator) -> bool:
    """Whether each output channel is made of one input channel, of several."""
    if not isinstance(operator, ops.Convolution | ops.TransposedConvolution):
        return False
    return 1 < operator.groups == operator.inputs[0].channels


_HANDS_ON: Final = (
    ops.Activation,
    ops.BatchNorm,
    ops.Dropout,
    ops.GlobalAveragePool,
    ops.LocalResponseNorm,
    ops.NetworkOutput,
    ops.Normalization,
    ops.Pad,
    ops.Pool,
    ops.Reshape,
    ops.Resize,
    ops.Softmax,
)
"""Operators after which channels are what they were, by themselves."""


@dataclass
class _Tracer:
    """Channels, followed from node to node."""

    published: PublishedGraph
    cuts: Mapping[str, frozenset[int]]
    """Of nodes that make several numbers: the channels at which the second and further ones begin."""
    wanted: dict[str, frozenset[int]] = field(default_factory=dict)
    """Such channels that should be among them, for channels to be followed further."""
    origins: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Of makers whose number is an argument: the node, and the first of its channels that is theirs."""
    parts: dict[str, tuple[Part, ...]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    """Channels of each maker."""
    ties: "nx.Graph[str]" = field(default_factory=nx.Graph)
    """Makers; an edge joins two that have to make equally many."""
    divisors: dict[str, int] = field(default_factory=dict)
    stops: dict[str, Stop] = field(default_factory=dict)

    def follow(self, node: PublishedNode) -> None:
        """Note what a node's channels are, and what it demands of those that it reads."""
        operator = node.operator
        if isinstance(operator, _HANDS_ON):
            self.parts[node.name] = self.parts[node.operands[0]]
        else:
            rule = self._RULES.get(type(operator))
            self.parts[node.name] = rule(self, node, operator) if rule else self._lost(node, "operator")
        if isinstance(operator, ops.GroupNorm):
            for part in self.parts[node.name]:
                self._divide(part, operator.groups)

    # Makers

    def _image(self, node: PublishedNode, _operator: Operator) -> tuple[Part, ...]:
        return self._fixed(node, Stop("image", node.name))

    def _own(self, node: PublishedNode, _operator: Operator) -> tuple[Part, ...]:
        return self._made(node)

    def _convolution(
        self, node: PublishedNode, operator: ops.Convolution | ops.TransposedConvolution
    ) -> tuple[Part, ...]:
        read = self.parts[node.operands[0]]
        if is_depthwise(operator):
            times = operator.out_channels // operator.groups
            return tuple([Part(part.maker, times * part.times) for part in read])
        for part in read:
            self._divide(part, operator.groups)
        made = self._made(node)
        for part in made:
            self._divide(part, operator.groups)
        return made

    def _made(self, node: PublishedNode) -> tuple[Part, ...]:
        """As many channels as an argument says, in one part or several."""
        edges = [0, *sorted(self.cuts.get(node.name, ())), node.operator.output.channels]
        several = len(edges) > 2
        parts = []
        for index, (first, end) in enumerate(pairwise(edges)):
            maker = f"{node.name}[{index}]" if several else node.name
            self.counts[maker], self.origins[maker] = end - first, (node.name, first)
            self.ties.add_node(maker)
            if end - first == 1:  # of a product with it, it could not be told what it is
                self.stops[maker] = Stop("single", node.name)
            parts.append(Part(maker))
        return tuple(parts)

    def _fixed(self, node: PublishedNode, stop: Stop) -> tuple[Part, ...]:
        """Channels whose number no argument says."""
        self.counts[node.name], self.stops[node.name] = node.operator.output.channels, stop
        self.ties.add_node(node.name)
        return (Part(node.name),)

    # What joins and parts them

    def _tied(self, node: PublishedNode, _operator: Operator) -> tuple[Part, ...]:
        first, *others = [self.parts[source] for source in node.operands]
        for other in others:
            if self._outline(first) == self._outline(other):
                self.ties.add_edges_from(zip(_makers(first), _makers(other), strict=True))
            else:
                self._want(((first, self._edges(other)), (other, self._edges(first))))
                self._stop((*first, *other), Stop("parts", node.name))
        return first

    def _concatenated(self, node: PublishedNode, operator: ops.Concat) -> tuple[Part, ...]:
        if operator.axis != "channels":
            return self._tied(node, operator)
        return tuple([part for source in node.operands for part in self.parts[source]])

    def _slice(self, node: PublishedNode, operator: ops.Slice | ops.AxisSlice) -> tuple[Part, ...]:
        read = self.parts[node.operands[0]]
        if isinstance(operator, ops.AxisSlice) and operator.axis != "channels":
            return read
        if isinstance(operator, ops.AxisSlice) and operator.step > 1:
            return self._lost(node, "slice")
        edges, first, end = self._edges(read), operator.first, operator.first + operator.output.channels
        if first not in edges or end not in edges:
            self._want([(read, (first, end))])
            return self._lost(node, "slice")
        return read[edges.index(first) : edges.index(end)]

    def _beside_channels(self, node: PublishedNode, operator: ops.Gather | ops.Reduce) -> tuple[Part, ...]:
        axes = operator.axes if isinstance(operator, ops.Reduce) else (operator.axis,)
        return self._lost(node, "operator") if "channels" in axes else self.parts[node.operands[0]]

    def _reordered(
        self, node: PublishedNode, operator: ops.ChannelShuffle | ops.ChannelPermutation
    ) -> tuple[Part, ...]:
        """In another order; it is the same number where they are of one maker."""
        read = self.parts[node.operands[0]]
        if len(read) > 1:
            return self._lost(node, "mixed")
        if isinstance(operator, ops.ChannelShuffle):
            self._divide(read[0], operator.groups)
        return read

    def _lost(self, node: PublishedNode, kind: StopKind) -> tuple[Part, ...]:
        """What is read stays, and what is put out, of which nothing is known."""
        stop = Stop(kind, node.name)
        self._stop([part for source in node.operands for part in self.parts[source]], stop)
        return self._fixed(node, stop)

    # What is known of makers

    def _size(self, part: Part) -> int:
        return part.times * self.counts[part.maker]

    def _outline(self, parts: Iterable[Part]) -> list[tuple[int, int]]:
        """Sizes of successive parts, and how many channels each has for one of its maker's."""
        return [(self._size(part), part.times) for part in parts]

    def _edges(self, parts: Iterable[Part]) -> list[int]:
        """The channels at which parts begin, and where the last one ends."""
        return list(accumulate(map(self._size, parts), initial=0))

    def _want(self, edges_of: Iterable[tuple[Sequence[Part], Iterable[int]]]) -> None:
        """Ask for makers to be cut so that parts of tensors begin at these channels, if all can be."""
        wanted: list[tuple[str, int]] = []
        for parts, channels in edges_of:
            edges = self._edges(parts)
            for channel in set(channels) - set(edges):
                index = bisect_right(edges, channel) - 1
                offset, remainder = divmod(channel - edges[index], parts[index].times)
                origin = self.origins.get(parts[index].maker)
                if remainder or origin is None or f"{origin[0]}[0]" in self.published:
                    return
                wanted.append((origin[0], origin[1] + offset))
        for name, channel in wanted:
            self.wanted[name] = self.wanted.get(name, frozenset()) | {channel}

    def _divide(self, part: Part, groups: int) -> None:
        divisor = groups // gcd(groups, part.times)
        self.divisors[part.maker] = lcm(self.divisors.get(part.maker, 1), divisor)

    def _stop(self, parts: Iterable[Part], stop: Stop) -> None:
        for part in parts:
            self.stops.setdefault(part.maker, stop)

    # The end

    def result(self) -> ChannelTies:
        """The classes of makers."""
        for node in self.published.nodes:
            if not self.published.successors(node.name):
                self._stop(self.parts[node.name], Stop("result", node.name))
        sharing = self._sharing()
        order = {maker: index for index, maker in enumerate(self.counts)}
        classes = [sorted(found, key=order.__getitem__) for found in nx.connected_components(self.ties)]
        classes.sort(key=lambda makers: order[makers[0]])
        numbers = tuple(map(self._number, classes))
        return ChannelTies(numbers, self.parts, frozenset(self.origins), sharing)

    def _number(self, makers: Sequence[str]) -> TiedChannels:
        multiple = lcm(*(self.divisors.get(maker, 1) for maker in makers))
        stop = next((self.stops[maker] for maker in makers if maker in self.stops), None)
        return TiedChannels(tuple(makers), self.counts[makers[0]], multiple, stop)

    def _sharing(self) -> frozenset[str]:
        """Nodes that use parameters of another one, and any before that has so many: whose is not said."""
        by_weights: dict[int, list[str]] = {}
        by_channels: dict[int, list[str]] = {}
        sharing = set[str]()
        for node in self.published.nodes:
            operator, channels = node.operator, node.operator.output.channels
            users = [node.name] if operator.shared else []
            if "weights" in operator.shared:
                users += by_weights.get(operator.weights, [])
            if set(operator.shared) - {"weights"}:
                users += by_channels.get(channels, [])
            for name in users:
                read = [part for source in self.published[name].operands for part in self.parts[source]]
                self._stop((*self.parts[name], *read), Stop("shared", node.name))
            sharing |= set(users)
            if operator.params:
                by_weights.setdefault(operator.weights, []).append(node.name)
                by_channels.setdefault(channels, []).append(node.name)
        return frozenset(sharing)

    _RULES: ClassVar[Mapping[type[Operator], Callable[..., tuple[Part, ...]]]] = {
        ops.Input: _image,
        ops.FurtherInput: _image,
        ops.Constant: _own,
        ops.Convolution: _convolution,
        ops.TransposedConvolution: _convolution,
        ops.FullyConnected: _own,
        ops.Add: _tied,
        ops.Compare: _tied,
        ops.Maximum: _tied,
        ops.MaxUnpool: _tied,
        ops.Multiply: _tied,
        ops.Select: _tied,
        ops.Concat: _concatenated,
        ops.Slice: _slice,
        ops.AxisSlice: _slice,
        ops.Gather: _beside_channels,
        ops.Reduce: _beside_channels,
        ops.ChannelShuffle: _reordered,
        ops.ChannelPermutation: _reordered,
    }
    """How an operator goes on that does not hand on what it reads."""


def _makers(parts: Iterable[Part]) -> list[str]:
    return [part.maker for part in parts]
