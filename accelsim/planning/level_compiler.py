"""What the compiler of a machine does in which tensors stay in one memory, and tiles wait in others.

A tensor takes no room of the tiles', and they none of its. So how a layer is mapped depends only on where its
operands lie: on each of at most sixteen machines with fixed homes it is mapped as on any other, and the plan
chooses among them. A tensor lies in one place for good: nothing moves between the two but pinned weights, in
the first inference.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from accelsim.energy import total_energy
from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Operand
from accelsim.hardware.memory import ACTIVATIONS
from accelsim.mapping.candidates import with_static_energy
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pinned import first_use
from accelsim.mapping.pool_knowledge import PlacedLayer
from accelsim.mapping.pool_tiles import operands_of
from accelsim.mapping.precision import layer_prices
from accelsim.mapping.schedule import NetworkMapper, Schedule
from accelsim.mapping.search import as_executed
from accelsim.mapping.staircase import Moved, Movement, Staircase, StepCost, Weights, moved_by
from accelsim.network.executed import ExecutedGraph
from accelsim.network.layer import Layer
from accelsim.planning.kinds import StaircaseBy
from accelsim.planning.network_to_plan import NetworkToPlan
from accelsim.planning.pins.pins import Pins
from accelsim.planning.pool_compiler import PoolCompiler
from accelsim.planning.programme.stages import torn
from accelsim.planning.residency import Pool
from accelsim.simulation.alone import Alone

if TYPE_CHECKING:
    from accelsim.reuse.cache import LayersOnMachine

LayersOn: TypeAlias = Callable[[Hardware, MappingOptions], "LayersOnMachine"]
"""What is known of layers on a machine by some options."""
NO_OPERANDS: Final[Moved] = frozenset()


@dataclass(frozen=True)
class LevelCompiler(PoolCompiler):
    """Makes schedules for one machine with a memory for tensors."""

    layers_on: LayersOn = field(kw_only=True)
    _mapped: dict[tuple[Layer, Moved], Mapping] = field(default_factory=dict)
    """Of the layers of the graph in hand, by operands in the memory for tensors; tiles without a pool."""
    _compilers: dict[Moved, PoolCompiler] = field(default_factory=dict)
    """For tiles in a pool, of the graph in hand, by operands in the memory for tensors."""

    def other(self, **changes: Any) -> "LevelCompiler":
        """A compiler that differs in some fields, of no graph yet."""
        return replace(self, _listed={}, _mapped={}, _compilers={}, **changes)

    def places(self, pinned_bytes: int = 0) -> Pool:
        """Where tensors may lie: each in one place."""
        return replace(super().places(pinned_bytes), copies=False)

    def network_to_plan(self, graph: ExecutedGraph) -> NetworkToPlan:
        """What is planned of a graph. Raises MappingError where there is no plan, wherever tensors lie."""
        if self.hardware.pool is None:
            self._mapper(self._somewhere).parts(graph.layers)
        network = super().network_to_plan(graph)
        found = torn(network.tensors, self.places())
        if found is not None:
            raise MappingError(self._torn(network.layers[found.step].name))
        if self.hardware.pool is None:
            self._map(network)
        return network

    @property
    def _somewhere(self) -> Moved:
        """Operands in the memory for tensors, with which all operands have a home: none, where they may."""
        return NO_OPERANDS if self.hardware.home(Operand.OUTPUTS) else frozenset(ACTIVATIONS)

    def _torn(self, layer: str) -> str:
        hardware = self.hardware
        ends = f"the image lies in {hardware.input_place}, and results go to {hardware.output_place}"
        return (
            f"{layer} on {hardware.name}: reads as one tensor what lies beside both ends of the network, "
            f"but {ends}; would help: io.inputs = {hardware.output_place}"
        )

    def _map(self, network: NetworkToPlan) -> None:
        """Map every layer for each place of its operands: many at a time take less long than one by one."""
        layers = {layer.nameless: None for layer in network.layers}
        of_sets: dict[Moved, list[Layer]] = {}
        for layer in layers:
            for moved in self._all_sets(layer):
                of_sets.setdefault(_inside(layer, moved), []).append(layer)
        for inside, in_places in of_sets.items():
            mapped = self._mapper(inside).mapped(in_places)
            keys = [(layer, inside) for layer in in_places]
            self._mapped.update(zip(keys, mapped, strict=True))

    def _parts(self, layer: Layer) -> tuple[Layer, ...]:
        """The room of tiles does not depend on where tensors lie."""
        if self.hardware.pool is not None:
            return self._pooled(self._somewhere)._parts(layer)
        ((*parts,),) = self._mapper(self._somewhere).parts([layer])
        return tuple([part for part, _ in parts])

    def _staircases(self, layer: Layer, movement: Movement) -> StaircaseBy:
        """A single stair: tiles take no room of tensors, and nothing arrives there."""

        def staircase(weights: Weights) -> Staircase:
            cost = self._cost(layer, moved_by(movement), weights)
            return Staircase((0,), (weights.price(cost),), (cost,), (0,))

        return staircase

    def _cost(self, layer: Layer, moved: Moved, weights: Weights) -> StepCost:
        inside = _inside(layer, moved)
        if self.hardware.pool is None:
            mapping = self._mapped[layer, inside]
            counts, off_chip = mapping.totals.counts, self.hardware.names_off_chip
            prices, cycles = layer_prices(layer, self.hardware), mapping.estimated_cycles
            return StepCost(
                cycles,
                float(with_static_energy(total_energy(counts, prices), prices, cycles)),
                counts.read_bytes(off_chip) + counts.written_bytes(off_chip),
            )
        tiles = self._pooled(inside)
        all_move, *_ = tiles._sets(layer)
        stairs = tiles._staircases(layer, all_move)(weights)
        stair = stairs.stair(tiles.pool.size_bytes)
        assert stair is not None  # else `_parts` had refused it
        return stairs.costs[stair]

    def _mapping(self, placed: PlacedLayer) -> Mapping:
        """As on the machine on which its operands are at home where they lie."""
        inside = _inside(placed.layer, placed.moved)
        if self.hardware.pool is None:
            return self._mapped[placed.layer, inside]
        tiles = self._pooled(inside)
        all_move, *_ = tiles._sets(placed.layer)
        room_bytes = tiles.pool.size_bytes
        return tiles._mapping(placed._replace(moved=all_move, placed=NO_OPERANDS, room_bytes=room_bytes))

    def _with_first(self, steady: Schedule, pins: Pins) -> Schedule:
        """In the first inference pinned weights come from off chip, with the same tiles."""
        if not pins:
            return steady
        mappings, places = list(steady.mappings), list(steady.places)
        of_weights = self.hardware.channel_of[Operand.WEIGHTS].memory
        for step in pins:
            places[step] = {**places[step], Operand.WEIGHTS: of_weights}
            machine = self.hardware.with_places(places[step])
            _, images = as_executed(steady.layers[step], self.options.batch)
            mappings[step] = first_use(mappings[step], images, machine)
        return replace(steady, first_mappings=tuple(mappings), first_places=tuple(places))

    def _tile_bytes(self, mappings: Sequence[Mapping]) -> list[int]:
        return [0] * len(mappings)

    def _machine(self, inside: Moved) -> Hardware:
        """The one with the homes of a layer of which these operands lie in the memory for tensors."""
        return self.hardware.with_places(dict.fromkeys(inside, self.pool.memory))

    def _mapper(self, inside: Moved) -> NetworkMapper:
        machine = self._machine(inside)
        known = self.layers_on(machine, self.options)
        judge = Alone(machine, known.transitions)
        return NetworkMapper(machine, self.options, judge, known.mappings, known.grids)

    def _pooled(self, inside: Moved) -> PoolCompiler:
        """The compiler for tiles that share a pool."""
        compiler = self._compilers.get(inside)
        if compiler is None:
            machine = self._machine(inside)
            assert machine.pool is not None
            known = self.layers_on(machine, self.options)
            compiler = self._compilers[inside] = PoolCompiler(
                machine, machine.pool, self.options, known.transitions, known.pool, self.grids
            )
        return compiler


def _inside(layer: Layer, moved: Moved) -> Moved:
    """The operands of a layer that lie in the memory for tensors, where others come from off chip."""
    return frozenset(operands_of(layer)) - moved
