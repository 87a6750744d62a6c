"""Schedules of networks that differ only in depth, put together from pieces of a few that were lowered.

A network is built only where it has a unit (units.py) in surroundings that none before had; the others are
put together from what is known by then. It takes a tenth of the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from accelsim.hardware import Hardware
from accelsim.hardware.counts import ActionCounts
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.schedule import Schedule
from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.executed import ExecutedGraph
from accelsim.network.layer import Layer
from accelsim.network.lowering import lower
from accelsim.planning.coding import as_coded
from accelsim.planning.compiler import map_network
from accelsim.planning.own_layers import with_own_layers
from accelsim.search.space import Depths, with_depths
from accelsim.search.units import REACH, NotLocalError, ProducerRef, Units, members_of, shallower
from accelsim.simulation.stretches import Stretch


@dataclass(frozen=True)
class UnitSchedule:
    """The part of a schedule that is a unit's, in given surroundings."""

    layers: tuple[Layer, ...]
    mappings: tuple[Mapping, ...]
    producers: tuple[tuple[ProducerRef, ...], ...]
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


class Assembly(Units):
    """Makes the schedules of a network's candidates on one machine."""

    def __init__(self, network: Network, hardware: Hardware, options: MappingOptions) -> None:
        """Of a network. Raises NotLocalError where candidates have to be mapped one by one."""
        super().__init__(network)
        if hardware.tensor_bank is not None:
            raise NotLocalError("what stays in a pool, and what it leaves to tiles, depends on all layers")
        if hardware.mapper.order != "network":
            raise NotLocalError("the order in which least is held at once depends on all layers")
        self._hardware, self._options = hardware, options
        self._mappings: dict[Layer, Mapping] = {}
        self._schedules: dict[tuple[int, ...], UnitSchedule] = {}
        """By surroundings."""

    def part(self, surroundings: tuple[int, ...], depths: Depths) -> UnitSchedule:
        """The schedule of a candidate's unit in these surroundings.

        Raises NotLocalError; NetworkError or MappingError where the candidate cannot be built or mapped.
        """
        part = self._schedules.get(surroundings)
        if part is None:
            around = self.surroundings(depths)
            missing = set(around) - self._schedules.keys()
            short = shallower(depths)
            self._learn_schedules(short if missing <= set(self.surroundings(short)) else depths)
            part = self._schedules[surroundings]
        return part

    def _learn_schedules(self, depths: Depths) -> None:
        network, surroundings = with_depths(self.network, depths), self.surroundings(depths)
        published = build(network)
        members = members_of(published, self.unit_of_block(network), len(surroundings))
        unit_of_node = {node.name: index for index, nodes in enumerate(members) for node in nodes}
        lowered = replace(lower(published), image_density=network.description.input.activation_density)
        executed = as_coded(with_own_layers(lowered, self._hardware), self._hardware)
        schedule = map_network(executed, self._hardware, self._options, mappings=self._mappings)
        parts = _unit_schedules(schedule, executed, unit_of_node, len(surroundings))
        for numbers, part in zip(surroundings, parts, strict=True):
            if self._schedules.setdefault(numbers, part) != part:
                raise NotLocalError(f"{network.name}: lowering depends on more than neighbouring blocks")


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
) -> ProducerRef:
    """A layer of the schedule, as it is counted from a unit."""
    producer_unit = unit_of[producer]
    if producer_unit == unit:
        return 0, producer - starts[unit]
    if producer_unit < unit - REACH:
        raise NotLocalError(f"a layer reads from further back than {REACH} blocks")
    return unit - producer_unit, starts[producer_unit] + sizes[producer_unit] - producer
