"""Schedules of networks that differ only in depth, put together from pieces of a few that were lowered.

A network of other depths consists of the same blocks in another number. How a block is lowered and mapped
depends on what it is and on the blocks around it that it reads from or is fused with, so a network is built
only where it has a block in surroundings that none before had; the others are put together from what is known
by then. It takes a tenth of the time. docs/decisions/depth-assembly.md says when this is exact and what
happens where it is not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

from accelsim.descriptions.limits import MAX_REPEAT
from accelsim.errors import NetworkError
from accelsim.hardware import Hardware
from accelsim.hardware.counts import ActionCounts
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.schedule import Schedule
from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.executed import ExecutedGraph
from accelsim.network.graph import Operator, PublishedGraph, PublishedNode, Shape
from accelsim.network.layer import Layer
from accelsim.network.lowering import lower
from accelsim.network.precision import WeightForm
from accelsim.planning.coding import as_coded
from accelsim.planning.compiler import map_network
from accelsim.planning.own_layers import with_own_layers
from accelsim.search.space import Depths, with_depths
from accelsim.simulation.stretches import Stretch

REACH: Final = 2
"""Units: how far a block may read back (its input, and its predecessor's) or be fused forward."""

_AROUND: Final = 2 * REACH + 1

_ProducerRef: TypeAlias = tuple[int, int]
"""(units back, nodes or layers from the end of that unit; from its beginning if it is the same unit)."""
_Signature: TypeAlias = tuple[tuple[Operator, WeightForm, tuple[_ProducerRef, ...]], ...]
Key: TypeAlias = tuple[int, int, bool]
"""(row of the stage table, index of the block, whether it follows a varying stage of one block)."""


class Span(NamedTuple):
    """Successive units of the stage table: a stage whose depth varies, or rows that never do, as one unit."""

    row: int
    """The first."""
    varies: bool


class NotLocalError(Exception):
    """A block depends on more than the blocks around it, so candidates have to be built one by one."""


@dataclass(frozen=True)
class Unit:
    """A block, or successive rows that are the same in all candidates, as the network has it."""

    number: int
    """Of its signature: units of one number have the same operators, wired in the same way."""
    params: int
    macs: int
    """For one image."""
    output: Shape


@dataclass(frozen=True)
class UnitSchedule:
    """The part of a schedule that is a unit's, in given surroundings."""

    layers: tuple[Layer, ...]
    mappings: tuple[Mapping, ...]
    producers: tuple[tuple[_ProducerRef, ...], ...]
    """Of each layer: what it waits for."""
    counts: ActionCounts[int]

    def stretch(self, layers_before: Sequence[int]) -> Stretch:
        """What it is to a simulation; the layers of the REACH units before it say how far it looks back."""
        # `starts[distance]` is where the unit so far before begins, counted back from this one.
        starts = [sum(layers_before[len(layers_before) - units :]) for units in range(REACH)]
        return Stretch(
            self.mappings,
            tuple(
                tuple(
                    layer - offset if distance == 0 else layer + starts[distance - 1] + offset
                    for distance, offset in producers
                )
                for layer, producers in enumerate(self.producers)
            ),
        )


class Assembly:
    """Makes the schedules of a network's candidates on one machine."""

    def __init__(self, network: Network, hardware: Hardware, options: MappingOptions) -> None:
        if network.compression:
            raise NotLocalError("what is said of layers by name may be of layers that a candidate has not")
        if any(stage.reads for stage in network.stages):
            raise NotLocalError("a row that reads other rows may do so over blocks that a candidate has not")
        if hardware.tensor_bank is not None:
            raise NotLocalError("what stays in a pool, and what it leaves to tiles, depends on all layers")
        if hardware.mapper.order != "network":
            raise NotLocalError("the order in which least is held at once depends on all layers")
        self._network, self._hardware, self._options = network, hardware, options
        self.spans = _spans(network)
        self._sizes: list[tuple[list[tuple[int, int]], ...]] = [([(0, 0)], [(0, 0)]) for _ in self.spans]
        """Of each span: parameters and MACs of so many units; the same where a single block is before it."""
        self._mappings: dict[Layer, Mapping] = {}
        self._numbers: dict[_Signature, int] = {}
        self._units: dict[Key, Unit] = {}
        self._outputs: dict[int, Shape] = {}
        """Of each row: what its last operator puts out, whatever the depths."""
        self._schedules: dict[tuple[int, ...], UnitSchedule] = {}
        """By surroundings."""

    def size(self, depths: Depths) -> tuple[int, int]:
        """Parameters and MACs of a candidate. Raises NotLocalError; NetworkError where it cannot be built."""
        params = macs = 0
        after_single = False
        of_stages = iter(depths)
        for span, (elsewhere, after_one) in zip(self.spans, self._sizes, strict=True):
            depth = next(of_stages) if span.varies else 1
            sizes = after_one if after_single else elsewhere
            if depth >= len(sizes):
                self._learn_sizes(sizes, span, depths)
            of_span = sizes[depth]
            params += of_span[0]
            macs += of_span[1]
            after_single = depth == 1 and span.varies
        return params, macs

    def _learn_sizes(self, sizes: list[tuple[int, int]], span: Span, depths: Depths) -> None:
        for key in [key for key in self._keys(depths) if key[0] == span.row][len(sizes) - 1 :]:
            unit = self.unit(key, depths)
            sizes.append((sizes[-1][0] + unit.params, sizes[-1][1] + unit.macs))

    def unit(self, key: Key, depths: Depths) -> Unit:
        """One of a candidate. Raises NotLocalError, and NetworkError where the candidate cannot be built."""
        unit = self._units.get(key)
        if unit is None:
            unit = self._units_of(depths)[self._keys(depths).index(key)]
        return unit

    def part(self, surroundings: tuple[int, ...], depths: Depths) -> UnitSchedule:
        """The schedule of a candidate's unit in these surroundings.

        Raises NotLocalError; NetworkError or MappingError where the candidate cannot be built or mapped.
        """
        part = self._schedules.get(surroundings)
        if part is None:
            around = self._surroundings(depths)
            missing = set(around) - self._schedules.keys()
            short = _shallower(depths)
            self._learn_schedules(short if missing <= set(self._surroundings(short)) else depths)
            part = self._schedules[surroundings]
        return part

    def _units_of(self, depths: Depths) -> list[Unit]:
        keys = self._keys(depths)
        missing = [key for key in keys if key not in self._units]
        if any(not after_single for _, _, after_single in missing):
            try:
                self._learn_units(_deeper(depths))
            except NetworkError as error:  # which says nothing of these depths
                raise NotLocalError(str(error)) from None
            missing = [key for key in keys if key not in self._units]
        if missing:  # first units that follow a single block, as they do where others are shallow, too
            try:
                self._learn_units(tuple(min(depth, 2) for depth in depths))
            except NetworkError:
                self._learn_units(depths)
        return [self._units[key] for key in keys]

    def _surroundings(self, depths: Depths) -> list[tuple[int, ...]]:
        """Of each unit: the numbers of the units around it and its own; -1 where there is none."""
        numbers = [-1] * REACH + [unit.number for unit in self._units_of(depths)] + [-1] * REACH
        return [tuple(numbers[first : first + _AROUND]) for first in range(len(numbers) - _AROUND + 1)]

    def _depths_of_spans(self, depths: Depths) -> Iterator[int]:
        of_stages = iter(depths)
        return (next(of_stages) if span.varies else 1 for span in self.spans)

    def _keys(self, depths: Depths) -> list[Key]:
        keys: list[Key] = []
        after_single = False
        for span, depth in zip(self.spans, self._depths_of_spans(depths), strict=True):
            keys += [(span.row, index, after_single and index == 0) for index in range(depth)]
            after_single = depth == 1 and span.varies
        return keys

    def _unit_of_block(self, network: Network) -> dict[str, int]:
        """Of each block's name: the index of its unit."""
        unit_of: dict[str, int] = {}
        index, fixed = -1, False
        for stage in network.stages:
            for name in stage.block_names:
                index += not (fixed and stage.repeat is None)
                unit_of[name] = index
                fixed = stage.repeat is None
        return unit_of

    def _learn_units(self, depths: Depths) -> None:
        network, keys = with_depths(self._network, depths), self._keys(depths)
        published = build(network)
        members = _members(published, self._unit_of_block(network), len(keys))
        for index, (key, nodes) in enumerate(zip(keys, members, strict=True)):
            if not nodes:
                raise NotLocalError(f"{network.name}: a block has no operators")
            signature = _signature(members, index)
            operators = [operator for operator, *_ in signature]
            output = nodes[-1].operator.output
            if self._outputs.setdefault(key[0], output) != output:
                raise NotLocalError(
                    f"{network.name}: {nodes[-1].name} puts out {output}, elsewhere another shape"
                )
            unit = Unit(
                self._numbers.setdefault(signature, len(self._numbers)),
                sum(operator.params for operator in operators),
                sum(operator.macs for operator in operators),
                output,
            )
            if self._units.setdefault(key, unit) != unit:
                raise NotLocalError(f"{network.name}: {nodes[0].name} depends on depths before it")

    def _learn_schedules(self, depths: Depths) -> None:
        network, surroundings = with_depths(self._network, depths), self._surroundings(depths)
        published = build(network)
        members = _members(published, self._unit_of_block(network), len(surroundings))
        unit_of_node = {node.name: index for index, nodes in enumerate(members) for node in nodes}
        lowered = replace(lower(published), image_density=network.description.input.activation_density)
        executed = as_coded(with_own_layers(lowered, self._hardware), self._hardware)
        schedule = map_network(executed, self._hardware, self._options, mappings=self._mappings)
        parts = _unit_schedules(schedule, executed, unit_of_node, len(surroundings))
        for numbers, part in zip(surroundings, parts, strict=True):
            if self._schedules.setdefault(numbers, part) != part:
                raise NotLocalError(f"{network.name}: lowering depends on more than neighbouring blocks")


def _spans(network: Network) -> tuple[Span, ...]:
    spans: list[Span] = []
    for row, stage in enumerate(network.stages):
        if stage.repeat is not None or not spans or spans[-1].varies:
            spans.append(Span(row, stage.repeat is not None))
    return tuple(spans)


def _deeper(depths: Depths) -> Depths:
    """Depths that show what the next candidates are made of, too, so that few networks have to be built."""
    return (min(MAX_REPEAT, 2 ** max(depths).bit_length()),) * len(depths)


def _shallower(depths: Depths) -> Depths:
    """Depths that are built sooner; the same surroundings occur in it if every other block is the same."""
    return tuple(depth if depth <= _AROUND else _AROUND - 1 + depth % 2 for depth in depths)


def _members(
    published: PublishedGraph, unit_of_block: dict[str, int], units: int
) -> list[list[PublishedNode]]:
    """The nodes of each unit; the image belongs to the first."""
    members: list[list[PublishedNode]] = [[] for _ in range(units)]
    for node in published.nodes:
        members[unit_of_block.get(node.block, 0)].append(node)
    return members


def _signature(members: list[list[PublishedNode]], unit: int) -> _Signature:
    """The operators of a unit, and which node within reach each of them reads."""
    references: dict[str, _ProducerRef] = {}
    for distance in range(1, min(REACH, unit) + 1):
        nodes = members[unit - distance]
        references |= {node.name: (distance, len(nodes) - index) for index, node in enumerate(nodes)}
    references |= {node.name: (0, index) for index, node in enumerate(members[unit])}
    signature = []
    for node in members[unit]:
        if any(source not in references for source in node.operands):
            raise NotLocalError(f"{node.name} reads from further back than {REACH} blocks")
        sources = tuple(references[source] for source in node.operands)
        signature.append((node.operator, node.weight_form, sources))
    return tuple(signature)


def _unit_schedules(
    schedule: Schedule, executed: ExecutedGraph, unit_of_node: dict[str, int], units: int
) -> list[UnitSchedule]:
    """A schedule cut into its units. Raises NotLocalError where a layer reaches too far."""
    unit_of: list[int] = []
    """Of each layer; ascending, so that the layers of a unit are a slice of the schedule."""
    for layer in schedule.layers:
        # What is no node of both graphs comes with the layer before it: a copy, or a pooling on its own.
        is_node = layer.name in executed and layer.name in unit_of_node
        unit_of.append(unit_of_node[layer.name] if is_node or not unit_of else unit_of[-1])
        _check_reach(layer, unit_of[-1], unit_of_node)
    if unit_of != sorted(unit_of):
        raise NotLocalError("layers of different blocks alternate")
    sizes = [unit_of.count(unit) for unit in range(units)]
    starts = [sum(sizes[:unit]) for unit in range(units)]
    return [
        UnitSchedule(
            tuple(layer.nameless for layer in schedule.layers[start : start + size]),
            schedule.mappings[start : start + size],
            tuple(
                tuple(_reference(producer, unit, unit_of, starts, sizes) for producer in producers)
                for producers in schedule.waits_for[start : start + size]
            ),
            sum(
                (mapping.totals.counts for mapping in schedule.mappings[start : start + size]), ActionCounts()
            ),
        )
        for unit, (start, size) in enumerate(zip(starts, sizes, strict=True))
    ]


def _check_reach(layer: Layer, unit: int, unit_of_node: dict[str, int]) -> None:
    for name in layer.fused_names:
        if unit_of_node[name] > unit + REACH:
            raise NotLocalError(f"{name} is fused into {layer.name}, more than {REACH} blocks before it")


def _reference(
    producer: int, unit: int, unit_of: list[int], starts: list[int], sizes: list[int]
) -> _ProducerRef:
    """A layer of the schedule, as it is counted from a unit."""
    producer_unit = unit_of[producer]
    if producer_unit == unit:
        return 0, producer - starts[unit]
    if producer_unit < unit - REACH:
        raise NotLocalError(f"a layer reads from further back than {REACH} blocks")
    return unit - producer_unit, starts[producer_unit] + sizes[producer_unit] - producer
