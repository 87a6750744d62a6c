"""What an engineer may change in a network that is written out operator by operator, as imported ones are.

Channels to the array's multiples, the next smaller kernel, twice as many groups, a smaller image: each is a
change of a few rows (network/graph_changes.py) that keeps the image's channels and the result's. Nothing here
knows what a change does to the accuracy, which only training tells.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from accelsim.errors import NetworkError
from accelsim.network import operators as ops
from accelsim.network.build import build
from accelsim.network.channel_ties import ChannelTies, TiedChannels, channel_ties, is_depthwise
from accelsim.network.configuration import configure
from accelsim.network.description import Network
from accelsim.network.graph import Operator, PublishedGraph
from accelsim.network.graph_changes import GraphChange, changed_network
from accelsim.network.stages import IMAGE

GraphMoveKind: TypeAlias = Literal["channels", "kernel", "groups", "resolution"]
Direction: TypeAlias = Literal["up", "down"]
SIDES: Final = 2
"""Of a kernel along each axis: both lose a row or column, so that an odd kernel stays odd."""
SMALLER_IMAGE: Final = 7 / 8
"""Of each side of an image is what a smaller one has at most: with a total stride of 32, after 224 come 192,
160 and 128, as in MobileNet's family (Howard et al., arXiv:1704.04861, table 7)."""
FORMS: Final = 8
"""Forms of layers that a path considers at each step: those that leave most PE cycles idle."""


@dataclass(frozen=True)
class GraphMove:
    """One change of a list of operators, in numbers."""

    kind: GraphMoveKind
    layers: tuple[str, ...]
    """Names of rows: the makers of the channels, or those whose kernel or groups change; none of an image."""
    old: tuple[int, ...]
    """Channels or groups, rows and columns of a kernel, height and width of an image."""
    new: tuple[int, ...]
    change: GraphChange

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the rows that it is about."""
        return self.layers


@dataclass(frozen=True)
class GraphDesign:
    """A network of operators, and what may be changed in it.

    Example:
        >>> import json
        >>> from accelsim.network.description import NetworkDescription
        >>> rows = [
        ...     {"name": "a", "operator": "conv", "inputs": ["input"], "out_channels": 12, "kernel": 3},
        ...     {"name": "b", "operator": "conv", "inputs": ["a"], "out_channels": 4},
        ... ]
        >>> description = NetworkDescription.model_validate_json(json.dumps({
        ...     "name": "net", "title": "A net", "source": "an example",
        ...     "input": {"channels": 3, "height": 8, "width": 8},
        ...     "stages": [{"block": "graph", "operators": rows}],
        ... }))
        >>> design = graph_design(configure(description))
        >>> [(move.layers, move.old, move.new) for move in design.rounded_one_by_one(["b"], 8)]
        [(('a',), (12,), (8,)), (('a',), (12,), (16,))]
    """

    network: Network
    published: PublishedGraph
    ties: ChannelTies

    def of(self, move: GraphMove) -> Network:
        """The network with a change. Raises AccelsimError where that is no network."""
        return configure(changed_network(self.network.description, move.change))

    # Channels

    @property
    def free(self) -> tuple[TiedChannels, ...]:
        """Numbers of channels that may change by themselves."""
        return tuple([number for number in self.ties.numbers if number.stop is None])

    def that_stay(self, multiple: int) -> tuple[TiedChannels, ...]:
        """Numbers of channels of layers that are no multiple and stay so, the image's aside."""
        return tuple(
            [
                number
                for number in self.ties.numbers
                if number.stop is not None and number.stop.kind != "image" and number.count % multiple
            ]
        )

    def rounded(self, multiple: int, direction: Direction) -> GraphChange:
        """Every number of channels that may change, to its next multiple, where there is one."""
        channels: list[tuple[str, int]] = []
        for number in self.free:
            new = _next_multiple(number, multiple, direction)
            if new is not None and new != number.count:
                channels.append((number.makers[0], new))
        return GraphChange(channels=self._possible(channels))

    def _possible(
        self, channels: Sequence[tuple[str, int]], beside: tuple[tuple[str, int], ...] = ()
    ) -> tuple[tuple[str, int], ...]:
        """All of them and those beside them, or as many as are a network, by halves: few are refused."""
        if self._is_possible(GraphChange(channels=(*beside, *channels))):
            return (*beside, *channels)
        if len(channels) < 2:
            return beside
        middle = len(channels) // 2
        return self._possible(channels[middle:], self._possible(channels[:middle], beside))

    def _is_possible(self, change: GraphChange) -> bool:
        try:
            changed_network(self.network.description, change)
        except NetworkError:
            return False
        return True

    def rounded_one_by_one(self, layers: Iterable[str], multiple: int) -> Iterator[GraphMove]:
        """Each number of channels that these layers read or make, down and up to the next multiple."""
        for number in self._numbers_of(layers):
            directions: tuple[Direction, ...] = ("down", "up")
            for direction in directions:
                new = _next_multiple(number, multiple, direction)
                if new is not None and new != number.count:
                    change = GraphChange(channels=((number.makers[0], new),))
                    yield GraphMove("channels", number.makers, (number.count,), (new,), change)

    def _numbers_of(self, layers: Iterable[str]) -> Sequence[TiedChannels]:
        numbers = [
            number
            for name in layers
            for node in (*self.published[name].operands, name)
            for number in self.ties.put_out_by(node)
            if number.stop is None
        ]
        return tuple(dict.fromkeys(numbers))

    # Kernels and groups

    def smaller_kernels(self, layers: Iterable[str]) -> Iterator[GraphMove]:
        """The next smaller kernel of those that have one, a move for each kernel."""
        kernels: dict[tuple[tuple[int, int], tuple[int, int]], list[str]] = {}
        for name in layers:
            if (operator := self._convolution(name)) and (new := _smaller_kernel(operator)):
                kernels.setdefault((operator.window.kernel, new), []).append(name)
        for (old, new), names in kernels.items():
            change = GraphChange(kernels=tuple([(name, new) for name in names]))
            yield GraphMove("kernel", tuple(names), old, new, change)

    def more_groups(self, layers: Iterable[str]) -> Iterator[GraphMove]:
        """Twice as many groups in those that can have them, a move for each number of groups."""
        groups: dict[int, list[str]] = {}
        for name in layers:
            if (operator := self._convolution(name)) and _can_have_groups(operator, 2 * operator.groups):
                groups.setdefault(operator.groups, []).append(name)
        for old, names in groups.items():
            change = GraphChange(groups=tuple([(name, 2 * old) for name in names]))
            yield GraphMove("groups", tuple(names), (old,), (2 * old,), change)

    def _convolution(self, name: str) -> ops.Convolution | None:
        operator = self.published[name].operator if name in self.published else None
        return operator if isinstance(operator, ops.Convolution) and name not in self.ties.sharing else None

    # The image

    def smaller_image(self) -> GraphMove | None:
        """At least an eighth fewer rows and columns, which the total stride divides; None if none are."""
        image = self.published[IMAGE].operator.output
        stride = _total_stride(self.published)
        side = int(image.height * SMALLER_IMAGE) // stride * stride
        if image.height != image.width or side < 1:
            return None
        old, new = (image.height, image.height), (side, side)
        return GraphMove("resolution", (), old, new, GraphChange(resolution=side))


def graph_design(network: Network) -> GraphDesign:
    """What may be changed in a concrete network of operators."""
    published = build(network)
    return GraphDesign(network, published, channel_ties(published))


def graph_moves(
    network: Network, multiple: int, layers: Sequence[str], min_resolution: int | None
) -> list[GraphMove]:
    """Every change that a concrete network of operators offers at some of its layers.

    Args:
        network: One row of the block `graph`.
        multiple: What channels are rounded to.
        layers: Names of executed layers, in order; of alike ones the one that is worst.
        min_resolution: Sides of the smallest image that is offered; None: no other image.

    Returns:
        Channels that they read or make, their kernels, their groups; then the image.
    """
    design = graph_design(network)
    names = [name for name in layers if name in design.published][:FORMS]
    found = list(design.rounded_one_by_one(names, multiple))
    for name in names:
        found += [*design.smaller_kernels([name]), *design.more_groups([name])]
    image = design.smaller_image()
    if image is not None and min_resolution is not None and image.new[0] >= min_resolution:
        found.append(image)
    return found


def _next_multiple(number: TiedChannels, multiple: int, direction: Direction) -> int | None:
    """Of the array, and of the groups that the number has to suit.

    None where it suits them only together with others, or where there would be fewer than two.
    """
    if number.count % number.multiple_of:
        return None
    least = math.lcm(multiple, number.multiple_of)
    new = (number.count // least if direction == "down" else math.ceil(number.count / least)) * least
    return new if new >= SIDES else None


def _smaller_kernel(operator: ops.Convolution) -> tuple[int, int] | None:
    """A row and a column less on each side, where windows still leave nothing out and padding gives room."""
    window = operator.window
    new = tuple(
        [
            side - SIDES if side - SIDES >= step else side
            for side, step in zip(window.kernel, window.stride, strict=True)
        ]
    )
    if new == window.kernel or (is_depthwise(operator) and max(new) == 1):
        return None
    axes = zip(window.kernel, new, window.dilation, strict=True)
    lost = [(old - side) // 2 * dilation for old, side, dilation in axes]
    pad = window.padding
    room = min(pad.top, pad.bottom) >= lost[0] and min(pad.left, pad.right) >= lost[1]
    return (new[0], new[1]) if operator.padding == "same" or room else None


def _can_have_groups(operator: ops.Convolution, groups: int) -> bool:
    read, made = operator.inputs[0].channels, operator.out_channels
    return not is_depthwise(operator) and read > groups and read % groups == 0 and made % groups == 0


def _total_stride(published: PublishedGraph) -> int:
    """The most rows of the image that lie between two of a plane, poolings of a whole plane aside."""
    strides: dict[str, int] = {}
    for node in published.nodes:
        read = max([strides[source] for source in node.operands], default=1)
        strides[node.name] = read * _stride(node.operator)
    return max(strides.values())


def _stride(operator: Operator) -> int:
    if not isinstance(operator, ops.Convolution | ops.Pool) or operator.output.height == 1:
        return 1
    return operator.window.stride[0]
