"""Executed graphs of networks that differ only in depth, put together from units of a few that were lowered.

On a machine where what stays on chip is planned for a network as a whole, candidates are planned one by one;
the layers of each are those of others, under other names. Layers of one name in the same surroundings are one
object, so that what is known of them is not worked out again. When this is exact is said in
docs/decisions/depth-assembly.md.
"""

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.executed import ExecutedGraph, ExecutedNode
from accelsim.network.layer import changed
from accelsim.network.lowered import LoweredNetwork
from accelsim.network.lowering import lower
from accelsim.search.space import Depths, with_depths
from accelsim.search.units import REACH, NotLocalError, Units, members_of, shallower

_Place: TypeAlias = tuple[int, tuple[int, ...]]
"""A row of the stage table, and the surroundings of one of its units."""
NamedPlace: TypeAlias = tuple[_Place, tuple[str, ...]]
"""With the names of the blocks around, its own in the middle."""


class Graphs(Units):
    """Puts a network's candidates together."""

    def __init__(self, network: Network, known: MutableMapping[NamedPlace, tuple[ExecutedNode, ...]]) -> None:
        """Of a network; what is known of its units by name may be forgotten at any time."""
        super().__init__(network)
        self._known = known
        self._layers: dict[_Place, tuple[ExecutedNode, ...]] = {}
        """Those of a unit, whose names say which unit around it they are of."""
        self._image_elements = 0

    def lowered(self, depths: Depths) -> LoweredNetwork:
        """What `lowered_network` says of a candidate, without its notes.

        Raises NotLocalError; NetworkError where the candidate cannot be built.
        """
        places = self._places(depths)
        if not set(places) <= self._layers.keys():
            short = shallower(depths)
            self._learn(short if set(places) <= set(self._places(short)) else depths)
        names = _around(self._names(depths))
        nodes: list[ExecutedNode] = []
        for place in zip(places, names, strict=True):
            nodes += self._known.get(place) or self._made(place)
        params, macs = self.size(depths)
        density = self.network.description.input.activation_density
        graph = ExecutedGraph(tuple(nodes), self._image_elements, image_density=density or None)
        return LoweredNetwork(graph, macs, params)

    def _made(self, place: NamedPlace) -> tuple[ExecutedNode, ...]:
        """The layers of a unit with their names."""
        unit, names = place

        def name_of(coded: str) -> str:
            position, _, name = coded.partition(":")
            return names[int(position)] + name

        made = self._known[place] = tuple([_renamed(node, name_of) for node in self._layers[unit]])
        return made

    def _places(self, depths: Depths) -> list[_Place]:
        """Of each unit."""
        rows = [row for row, *_ in self.keys(depths)]
        return list(zip(rows, self.surroundings(depths), strict=True))

    def _names(self, depths: Depths) -> list[str]:
        """What the names of each unit's layers begin with: nothing for rows that never vary."""
        stages = [(self.network.stages[row], index) for row, index, _ in self.keys(depths)]
        return ["" if stage.repeat is None else stage.name_of_block(index) for stage, index in stages]

    def _learn(self, depths: Depths) -> None:
        network, places = with_depths(self.network, depths), self._places(depths)
        published = build(network)
        executed = lower(published)
        members = members_of(published, self.unit_of_block(network), len(places))
        unit_of = {node.name: unit for unit, nodes in enumerate(members) for node in nodes}
        layers: list[list[ExecutedNode]] = [[] for _ in places]
        last = 0
        for node in executed.nodes:  # what is no published node, a copy, comes with the layer before it
            last = unit_of.setdefault(node.name, last)
            layers[last].append(node)
        if [node for of_unit in layers for node in of_unit] != list(executed.nodes):
            raise NotLocalError("layers of different blocks alternate")
        names = self._names(depths)
        self._image_elements = executed.image_elements
        for unit, (place, nodes) in enumerate(zip(places, layers, strict=True)):
            coded = tuple([_renamed(node, _Coder(unit, unit_of, names)) for node in nodes])
            if self._layers.setdefault(place, coded) != coded:
                raise NotLocalError(f"{network.name}: lowering depends on more than neighbouring blocks")


@dataclass(frozen=True)
class _Coder:
    """Says of which unit around another one a name is, and what it is there."""

    unit: int
    unit_of: dict[str, int]
    names: Sequence[str]

    def __call__(self, name: str) -> str:
        """`1:.conv1x1` is of the unit before."""
        unit, distance = self.unit_of[name], self.unit_of[name] - self.unit
        if abs(distance) > REACH or not name.startswith(self.names[unit]):
            raise NotLocalError(f"{name} is read or fused further away than {REACH} blocks")
        return f"{REACH + distance}:{name.removeprefix(self.names[unit])}"


def _around(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Of each of some units: the names of those around it."""
    padded = [*[""] * REACH, *names, *[""] * REACH]
    return [tuple(padded[unit : unit + 2 * REACH + 1]) for unit in range(len(names))]


def _renamed(node: ExecutedNode, name_of: Callable[[str], str]) -> ExecutedNode:
    """A layer with other names for itself, for what is fused into it, and for what it reads."""
    layer = node.layer
    pooling = layer.pooling and replace(layer.pooling, name=name_of(layer.pooling.name))
    fused = tuple([replace(operator, name=name_of(operator.name)) for operator in layer.fused])
    return replace(
        node,
        layer=changed(layer, name=name_of(layer.name), fused=fused, pooling=pooling),
        reads=tuple([read._replace(producer=name_of(read.producer)) for read in node.reads]),
        buffer=name_of(node.buffer),
    )
