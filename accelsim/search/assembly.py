"""Schedules of networks that differ only in depth, put together from pieces of a few that were lowered.

A network of other depths consists of the same blocks in another number. How a block is lowered and mapped
depends on what it is and on the blocks around it that it reads from or is fused with, so a network is built
only where it has a block in surroundings that none before had; the others are put together from what is known
by then. It takes a tenth of the time. docs/decisions/depth-assembly.md says when this is exact and what
happens where it is not.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from accelsim.descriptions.limits import MAX_REPEAT
from accelsim.errors import NetworkError
from accelsim.hardware import Hardware
from accelsim.hardware.counts import ActionCounts, weighted_sum
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
from accelsim.planning.compiler import map_network
from accelsim.search.space import Depths, with_depths
from accelsim.simulation.stretches import Stretch

REACH: Final = 2
"""Units: how far a block may read back (its input, and its predecessor's) or be fused forward."""

_AROUND: Final = 2 * REACH + 1

_Reference: TypeAlias = tuple[int, int]
"""(units back, places from the end of that unit; from its beginning if it is the same unit)."""
_Signature: TypeAlias = tuple[tuple[Operator, WeightForm, tuple[_Reference, ...]], ...]
_Key: TypeAlias = tuple[int, int, bool]
"""(row of the stage table, index of the block, whether it follows a varying stage of one block)."""


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
class Segment:
    """The part of a schedule that is a unit's, in given surroundings."""

    layers: tuple[Layer, ...]
    mappings: tuple[Mapping, ...]
    producers: tuple[tuple[_Reference, ...], ...]
    counts: ActionCounts[int]


@dataclass(frozen=True)
class Assembled:
    """A candidate's schedule, in pieces."""

    segments: tuple[Segment, ...]

    @property
    def counts(self) -> ActionCounts[int]:
        """Of all its layers."""
        # Units that are alike share one segment; to hash it by value takes longer than to add it up.
        times = Counter(map(id, self.segments))
        each = {id(segment): segment.counts for segment in self.segments}
        return weighted_sum([each[one] for one in times], list(times.values()))

    @property
    def stretches(self) -> list[Stretch]:
        """The segments, each with all that its layers' distances to others follow from."""
        found = []
        sizes = [0] * REACH
        for segment in self.segments:
            found.append(Stretch((id(segment), *sizes), len(segment.mappings)))
            sizes = [*sizes[1:], len(segment.mappings)]
        return found

    @property
    def schedule(self) -> Schedule:
        """That of `map_network`, but for the layers' names."""
        return _joined(self.segments)


class Assembly:
    """Makes the schedules of a network's candidates on one machine."""

    def __init__(self, network: Network, hardware: Hardware, options: MappingOptions) -> None:
        if network.compression:
            raise NotLocalError("what is said of layers by name may be of layers that a candidate has not")
        self._network, self._hardware, self._options = network, hardware, options
        self._mappings: dict[Layer, Mapping] = {}
        self._numbers: dict[_Signature, int] = {}
        self._units: dict[_Key, Unit] = {}
        self._outputs: dict[int, Shape] = {}
        """Of each row: what its last operator puts out, whatever the depths."""
        self._segments: dict[tuple[int, ...], Segment] = {}

    def units(self, depths: Depths) -> list[Unit]:
        """The units of a candidate. Raises NotLocalError, and NetworkError where it cannot be built."""
        keys = self._keys(depths)
        if any(key not in self._units for key in keys):
            try:
                self._learn_units(_deeper(depths))
            except NetworkError as error:  # which says nothing of these depths
                raise NotLocalError(str(error)) from None
        if any(key not in self._units for key in keys):
            self._learn_units(depths)
        return [self._units[key] for key in keys]

    def assemble(self, depths: Depths) -> Assembled:
        """The schedule of a candidate.

        Raises NotLocalError; NetworkError or MappingError where it cannot be built or mapped.
        """
        surroundings = self._surroundings(depths)
        missing = {one for one in surroundings if one not in self._segments}
        if missing:
            short = _shallower(depths)
            self._learn_segments(short if missing <= set(self._surroundings(short)) else depths)
        return Assembled(tuple([self._segments[one] for one in surroundings]))

    def _surroundings(self, depths: Depths) -> list[tuple[int, ...]]:
        """Of each unit: the numbers of the units around it and its own; -1 where there is none."""
        numbers = [-1] * REACH + [unit.number for unit in self.units(depths)] + [-1] * REACH
        return [tuple(numbers[place : place + _AROUND]) for place in range(len(numbers) - _AROUND + 1)]

    def _keys(self, depths: Depths) -> list[_Key]:
        keys: list[_Key] = []
        remaining = iter(depths)
        after_single = fixed = False
        for row, stage in enumerate(self._network.stages):
            if stage.repeat is None:
                if not fixed:
                    keys.append((row, 0, after_single))
                fixed, after_single = True, False
                continue
            depth = next(remaining)
            keys += [(row, index, after_single and index == 0) for index in range(depth)]
            fixed, after_single = False, depth == 1
        return keys

    def _places(self, network: Network) -> dict[str, int]:
        """Of each block's name: the place of its unit."""
        places: dict[str, int] = {}
        place, fixed = -1, False
        for stage in network.stages:
            for name in stage.block_names:
                place += not (fixed and stage.repeat is None)
                places[name] = place
                fixed = stage.repeat is None
        return places

    def _learn_units(self, depths: Depths) -> None:
        network, keys = with_depths(self._network, depths), self._keys(depths)
        published = build(network)
        members = _members(published, self._places(network), len(keys))
        for place, (key, nodes) in enumerate(zip(keys, members, strict=True)):
            if not nodes:
                raise NotLocalError(f"{network.name}: a block has no operators")
            signature = _signature(members, place)
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

    def _learn_segments(self, depths: Depths) -> None:
        network, surroundings = with_depths(self._network, depths), self._surroundings(depths)
        published = build(network)
        place_of = self._places(network)
        places = {
            node.name: place
            for place, nodes in enumerate(_members(published, place_of, len(surroundings)))
            for node in nodes
        }
        executed = lower(published)
        schedule = map_network(executed, self._hardware, self._options, mappings=self._mappings)
        for one, segment in zip(
            surroundings, _segments(schedule, executed, places, len(surroundings)), strict=True
        ):
            if self._segments.setdefault(one, segment) != segment:
                raise NotLocalError(f"{network.name}: lowering depends on more than neighbouring blocks")


def _deeper(depths: Depths) -> Depths:
    """Depths that show what the next candidates are made of, too, so that few networks have to be built."""
    return tuple(min(MAX_REPEAT, 2 ** depth.bit_length()) for depth in depths)


def _shallower(depths: Depths) -> Depths:
    """Depths that are built sooner; the same surroundings occur in it if every other block is the same."""
    return tuple(depth if depth <= _AROUND else _AROUND - 1 + depth % 2 for depth in depths)


def _members(published: PublishedGraph, places: dict[str, int], units: int) -> list[list[PublishedNode]]:
    """The nodes of each unit; the image belongs to the first."""
    members: list[list[PublishedNode]] = [[] for _ in range(units)]
    for node in published.nodes:
        members[places.get(node.block, 0)].append(node)
    return members


def _signature(members: list[list[PublishedNode]], place: int) -> _Signature:
    found: dict[str, _Reference] = {}
    for back in range(1, min(REACH, place) + 1):
        nodes = members[place - back]
        found |= {node.name: (back, len(nodes) - at) for at, node in enumerate(nodes)}
    found |= {node.name: (0, at) for at, node in enumerate(members[place])}
    signature = []
    for node in members[place]:
        if any(source not in found for source in node.operands):
            raise NotLocalError(f"{node.name} reads from further back than {REACH} blocks")
        references = tuple(found[source] for source in node.operands)
        signature.append((node.operator, node.weight_form, references))
    return tuple(signature)


def _segments(
    schedule: Schedule, executed: ExecutedGraph, places: dict[str, int], units: int
) -> list[Segment]:
    """A schedule cut into its units. Raises NotLocalError where a layer reaches too far."""
    place_of: list[int] = []
    for layer in schedule.layers:
        # What is no node of both graphs comes with the layer before it: a copy, or a pooling on its own.
        known = layer.name in executed and layer.name in places
        place_of.append(places[layer.name] if known or not place_of else place_of[-1])
        _check_reach(layer, place_of[-1], places)
    if place_of != sorted(place_of):
        raise NotLocalError("layers of different blocks alternate")
    sizes = [place_of.count(place) for place in range(units)]
    starts = [sum(sizes[:place]) for place in range(units)]
    return [
        Segment(
            tuple(layer.nameless for layer in schedule.layers[start : start + size]),
            schedule.mappings[start : start + size],
            tuple(
                tuple(_reference(producer, place, place_of, starts, sizes) for producer in producers)
                for producers in schedule.waits_for[start : start + size]
            ),
            sum((one.totals.counts for one in schedule.mappings[start : start + size]), ActionCounts()),
        )
        for place, (start, size) in enumerate(zip(starts, sizes, strict=True))
    ]


def _check_reach(layer: Layer, place: int, places: dict[str, int]) -> None:
    for name in layer.fused_names:
        if places[name] > place + REACH:
            raise NotLocalError(f"{name} is fused into {layer.name}, more than {REACH} blocks before it")


def _reference(
    producer: int, place: int, place_of: list[int], starts: list[int], sizes: list[int]
) -> _Reference:
    its = place_of[producer]
    if its == place:
        return 0, producer - starts[place]
    if its < place - REACH:
        raise NotLocalError(f"a layer reads from further back than {REACH} blocks")
    return place - its, starts[its] + sizes[its] - producer


def _joined(segments: Sequence[Segment]) -> Schedule:
    layers: list[Layer] = []
    mappings: list[Mapping] = []
    waits_for: list[tuple[int, ...]] = []
    starts = [0] * REACH
    """Of this unit and those before it, counted back: a unit ends where the next one starts."""
    for segment in segments:
        start = len(mappings)
        starts = [start, *starts[: REACH - 1]]
        waits_for += [
            tuple([starts[back - 1] - at if back else start + at for back, at in producers])
            for producers in segment.producers
        ]
        layers += segment.layers
        mappings += segment.mappings
    return Schedule(tuple(layers), tuple(mappings), tuple(waits_for))
