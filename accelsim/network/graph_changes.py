"""Changes of a network that is written out operator by operator, as imported ones are: their values, and the
description that each makes of another one.

A number of channels changes with all that have it (channel_ties.py): arguments that follow it, as the groups
of a depthwise convolution and the place of a slice, are worked out anew. A kernel changes with its padding,
so that every plane keeps its size. What another image changes is in graph_planes.py.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any

from accelsim.descriptions import unknown, vary
from accelsim.descriptions.arguments import of_kind
from accelsim.errors import NetworkError
from accelsim.network import operators as ops
from accelsim.network.blocks.graph import INPUT, GraphOfOperators
from accelsim.network.build import build
from accelsim.network.channel_ties import ChannelTies, channel_ties, is_depthwise
from accelsim.network.configuration import configure
from accelsim.network.declaration import unsaid
from accelsim.network.description import Network, NetworkDescription
from accelsim.network.graph import PublishedGraph, PublishedNode
from accelsim.network.graph_planes import Arguments, replanned


@dataclass(frozen=True)
class GraphChange:
    """What is another than before, by the names of rows; all of it at once.

    Example:
        >>> change = GraphChange(channels=(("conv1", 16),), kernels=(("conv2", (1, 1)),))
        >>> change.rows
        ('conv1', 'conv2')
    """

    channels: tuple[tuple[str, int], ...] = ()
    """Of convolutions and matrix products: those they put out. All that have the same number follow. Of one
    whose channels are parted, as `conv[0]`, `conv[1]`."""
    groups: tuple[tuple[str, int], ...] = ()
    """Of convolutions that are not depthwise."""
    kernels: tuple[tuple[str, tuple[int, int]], ...] = ()
    """Of convolutions: rows and columns."""
    resolution: int | None = None
    """Height and width of the image, which is a square; None where it stays."""

    @property
    def rows(self) -> tuple[str, ...]:
        """Those that it names, each once."""
        names = chain(self.channels, self.groups, self.kernels)
        return tuple(dict.fromkeys(name for name, _ in names))


def graph_of(network: Network) -> GraphOfOperators | None:
    """The operators of a network that is written out one by one; None of one with a stage table."""
    if len(network.stages) != 1 or not isinstance(network.stages[0].block, GraphOfOperators):
        return None
    return network.stages[0].block


def changed_network(description: NetworkDescription, change: GraphChange) -> NetworkDescription:
    """The description of a network of operators with a change. What was reported of it is left out.

    Args:
        description: One row of the block `graph`, without parameters, as an import gives it.
        change: What is another then.

    Returns:
        A description that can be built, of the same operators, which read each other as before. To change it
        back is to have the same network.

    Raises:
        NetworkError: What the change names is not there, cannot be changed, or does not fit.

    Example:
        >>> from accelsim.network.imported import to_yaml
        >>> rows = [
        ...     {"name": "a", "operator": "conv", "inputs": ["input"], "out_channels": 8, "kernel": 3,
        ...      "padding": 1},
        ...     {"name": "b", "operator": "conv", "inputs": ["a"], "out_channels": 4},
        ... ]
        >>> import json
        >>> description = NetworkDescription.model_validate_json(json.dumps({
        ...     "name": "net", "title": "A net", "source": "an example",
        ...     "input": {"channels": 3, "height": 8, "width": 8},
        ...     "stages": [{"block": "graph", "operators": rows}],
        ... }))
        >>> wider = changed_network(description, GraphChange(channels=(("a", 16),), kernels=(("a", (1, 1)),)))
        >>> print(to_yaml(wider).splitlines()[-2].strip())
        - {"name": "a", "operator": "conv", "inputs": ["input"], "out_channels": 16}
    """
    description = of_kind("description", description, NetworkDescription)
    change = of_kind("change", change, GraphChange)
    network = configure(description)
    graph = graph_of(network)
    if graph is None or description.parameters:
        raise NetworkError(f"{description.name}: is no list of operators without parameters, as imports give")
    published = build(network)
    try:
        arguments = _new_arguments(published, change)
        if change.resolution is not None:
            arguments = _merged(arguments, replanned(graph.operators, published, change.resolution))
    except NetworkError as error:
        raise NetworkError(f"{description.name}: {error}") from None
    after = _described(description, arguments, change.resolution)
    _check_ties(description.name, channel_ties(published), channel_ties(build(configure(after))))
    return after


def _described(
    description: NetworkDescription, arguments: Arguments, resolution: int | None
) -> NetworkDescription:
    """The description with new arguments of rows; those that are as by default are not said."""
    stage = description.stages[0].model_dump(mode="json")
    stage["operators"] = [_row(row, arguments.get(row["name"], {})) for row in stage["operators"]]
    image = {} if resolution is None else {"input.height": resolution, "input.width": resolution}
    return vary(description, reported={}, reported_at=[], stages=[stage], **image)


def _row(row: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    left_out = unsaid(row["operator"], new)
    return {key: value for key, value in {**row, **new}.items() if key not in left_out}


def _merged(one: Arguments, other: Arguments) -> Arguments:
    return {name: one.get(name, {}) | other.get(name, {}) for name in (*one, *other)}


def _check_ties(name: str, before: ChannelTies, after: ChannelTies) -> None:
    """Refuse a change after which other channels would be tied: it could not be taken back."""
    for old, new in zip(before.numbers, after.numbers, strict=False):
        if (old.makers, old.stop is None) != (new.makers, new.stop is None):
            raise NetworkError(
                f"{name}: {old.makers[0]}: with so many channels or groups, others would have to have as many"
            )
    if len(before.numbers) != len(after.numbers):
        raise NetworkError(f"{name}: with so many channels or groups other convolutions would be depthwise")


# --- channels, groups, kernels


def _new_arguments(published: PublishedGraph, change: GraphChange) -> Arguments:
    """Those of rows that are other ones then. Raises NetworkError, without the network's name."""
    ties = channel_ties(published)
    known = ties.arguments | set(published) - {INPUT}
    if missing := [name for name in change.rows if name not in known]:
        names = [node.name for node in published.nodes if node.name != INPUT]
        raise NetworkError(f"{missing[0]}: {unknown(missing[0], 'operator of the network', names)}")
    arguments: Arguments = {}
    if change.channels:
        arguments = dict(_channels(published, ties, _new_counts(ties, change.channels)))
    for name, groups in change.groups:
        operator = _convolution(published, ties, name)
        if is_depthwise(operator) or 1 < groups == operator.inputs[0].channels:
            raise NetworkError(f"{name}: is depthwise, or would be: its groups are its channels")
        arguments = _merged(arguments, {name: {"groups": groups}})
    for name, kernel in change.kernels:
        arguments = _merged(arguments, {name: _kernel(name, _convolution(published, ties, name), kernel)})
    return arguments


def _new_counts(ties: ChannelTies, channels: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Channels of makers whose number changes."""
    counts: dict[str, int] = {}
    for name, count in channels:
        if name not in ties.arguments:
            makers = ", ".join(part.maker for part in ties.parts[name])
            raise NetworkError(f"{name}: has no number of channels of its own, it has those of {makers}")
        number = ties.of(name)
        if number.stop is not None and count != number.count:
            raise NetworkError(f"{name}: its {number.count} channels stay as they are: {number.stop}")
        if number.stop is None and count < 2:
            raise NetworkError(f"{name}: {count} channels: must be at least 2")
        if counts.get(name, count) != count:
            raise NetworkError(
                f"{name}: {count} and {counts[name]} channels: {', '.join(number.makers)} have one number"
            )
        counts |= dict.fromkeys(number.makers, count)
    return counts


def _channels(
    published: PublishedGraph, ties: ChannelTies, counts: Mapping[str, int]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The arguments that follow numbers of channels, where they are others than now."""

    def sizes(name: str) -> list[int]:
        parts = ties.parts[name]
        return [part.times * counts.get(part.maker, ties.of(part.maker).count) for part in parts]

    for node in published.nodes:
        new = _following(ties, node, sizes)
        if new := {key: value for key, value in new.items() if value != getattr(node.operator, key)}:
            yield node.name, new


def _following(ties: ChannelTies, node: PublishedNode, sizes: Callable[[str], list[int]]) -> dict[str, int]:
    """The arguments of an operator that say numbers of channels, for other sizes of the parts of tensors."""
    operator, total = node.operator, sum(sizes(node.name))
    new: dict[str, int] = {}
    match operator:
        case ops.Convolution() | ops.TransposedConvolution():
            groups = sum(sizes(node.operands[0])) if is_depthwise(operator) else operator.groups
            new = {"out_channels": total, "groups": groups}
        case ops.FullyConnected():
            new = {"out_features": total}
        case ops.Constant():
            new = {"channels": total}
        case ops.Slice() | ops.AxisSlice(axis="channels"):
            first = _new_offset(ties, node.operands[0], operator.first, sizes)
            new = {"first": first, "channels" if isinstance(operator, ops.Slice) else "size": total}
        case ops.Activation() if 1 < operator.slopes == operator.output.channels:
            new = {"slopes": total}
        case ops.Normalization() if 1 < operator.output.channels == operator.scales:
            new = {"scales": total}
    return new


def _new_offset(ties: ChannelTies, name: str, first: int, sizes: Callable[[str], list[int]]) -> int:
    """Where the part of a tensor begins then that begins at a channel now; where none does, all stay."""
    now = accumulate([part.times * ties.of(part.maker).count for part in ties.parts[name]], initial=0)
    then = accumulate(sizes(name), initial=0)
    return next((new for old, new in zip(now, then, strict=True) if old == first), first)


def _convolution(published: PublishedGraph, ties: ChannelTies, name: str) -> ops.Convolution:
    operator = published[name].operator
    if not isinstance(operator, ops.Convolution):
        raise NetworkError(f"{name}: is no convolution: only the groups and the kernels of those change")
    if name in ties.sharing:
        raise NetworkError(f"{name}: its weights may be those of another layer, too: they stay as they are")
    return operator


def _kernel(name: str, operator: ops.Convolution, kernel: tuple[int, int]) -> dict[str, Any]:
    """Another kernel, with so much padding that the output keeps its size."""
    window = operator.window
    new: dict[str, Any] = {"kernel": _as_written(operator.kernel, kernel)}
    if operator.padding == "same":
        return new
    sides = list(window.padding)
    for axis, (old_side, side) in enumerate(zip(window.kernel, kernel, strict=True)):
        if (old_side - side) % 2:
            raise NetworkError(
                f"{name}: a kernel of {_by(kernel)} instead of {_by(window.kernel)}: each side must change "
                "by an even number, so that the output can keep its size"
            )
        less = (old_side - side) // 2 * window.dilation[axis]
        for at in (2 * axis, 2 * axis + 1):
            sides[at] -= less
    if min(*sides, *window.padding) < 0:
        raise NetworkError(
            f"{name}: a kernel of {_by(kernel)} instead of {_by(window.kernel)}: its padding leaves no room, "
            "the output would be another size"
        )
    return new | {"padding": _as_written(operator.padding, sides)}


def _as_written(before: Any, values: Sequence[int]) -> Any:
    """Numbers of a window in the form that the description has, one, two or four, if that can say them."""
    if isinstance(before, int) and len(set(values)) == 1:
        return values[0]
    symmetric = len(values) == 4 and values[0] == values[1] and values[2] == values[3]
    if symmetric and (isinstance(before, int) or len(before) == 2):
        return [values[0], values[2]]
    return list(values)


def _by(pair: tuple[int, int]) -> str:
    return f"{pair[0]} x {pair[1]}"
