"""What the compiler of a machine with a pool does: where tensors lie, and with which tiles each layer runs.

The plan of what stays on chip is made by bounds of what layers cost, of which each is known for any room that
is left to its tiles (`Shortlist`). Then each layer's few best mappings are simulated by themselves, and the
whole is simulated beside the schedule in which nothing stays: it is never worse than that.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from itertools import compress, product
from operator import itemgetter
from typing import Final, assert_never

from accelsim.choices import AUTO
from accelsim.descriptions import vary
from accelsim.descriptions.limits import MAX_BUFFER_BYTES
from accelsim.descriptions.phrases import all_of
from accelsim.energy import total_energy
from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Objective, Operand
from accelsim.hardware.counts import weighted_sum
from accelsim.hardware.memory import Bank
from accelsim.mapping.banks import shortfall
from accelsim.mapping.countable import uncountable
from accelsim.mapping.grids import Grids
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pinned import first_mappings, pinned_bytes
from accelsim.mapping.pool import layer_tiles
from accelsim.mapping.pool_knowledge import PlacedLayer, PoolKnowledge
from accelsim.mapping.pool_tiles import operands_of
from accelsim.mapping.program import mappings as written
from accelsim.mapping.ranking import objective_value, that_decides
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.settle import COMPILER
from accelsim.mapping.shortlist import Shortlist, shortlist
from accelsim.mapping.staircase import (
    Arriving,
    Moved,
    Movement,
    StepPrices,
    Weights,
    beside_pinned_weights,
    movement_of,
)
from accelsim.memory_map import CostsMoreTogether, MemoryMap
from accelsim.network.executed import ExecutedGraph
from accelsim.network.layer import Layer
from accelsim.network.lowering.splitting import unfused
from accelsim.planning.arrivals import arrivals
from accelsim.planning.edp import least_edp
from accelsim.planning.network_to_plan import NetworkToPlan
from accelsim.planning.pins import PinProblem, Pins
from accelsim.planning.plan_map import PinnedWeights, memory_map_of
from accelsim.planning.planner import nothing_kept, plan_residency
from accelsim.planning.residency import DoesNotFit, Pool, ResidencyPlan
from accelsim.planning.shortage import PoolShortageError, Shortage, StepNeed, step_needs
from accelsim.planning.tensors import LayerUse, network_tensors
from accelsim.simulation.alone import Alone
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.transitions import Transitions

MOST_ROUNDS: Final = 4
"""Plans that are made again, where tensors and tiles do not fit by addresses; no case is known in which one
was not enough."""


@dataclass(frozen=True)
class PoolCompiler:
    """Makes schedules for one machine with a pool."""

    hardware: Hardware
    pool: Bank
    """Its pool."""
    options: MappingOptions
    transitions: Transitions
    known: PoolKnowledge
    grids: Grids = field(default_factory=Grids)
    _listed: dict[tuple[Layer, Movement], Shortlist] = field(default_factory=dict)
    """Of the layers of the graph in hand: what is known may be forgotten meanwhile."""

    @property
    def objective(self) -> Objective:
        """What is to be small: of the network as a whole."""
        return that_decides(self.options.objective or self.hardware.mapper.tiles, self.hardware)

    def schedules(self, graph: ExecutedGraph) -> list[tuple[bool, Schedule]]:
        """The schedules of a graph, each with whether anything may stay: with nothing, tensors, weights.

        Raises:
            MappingError: A layer, or what has to be on chip beside it, does not fit; says which.
        """
        network = self._network(graph)
        plans = []
        if self._places().outside:
            plans.append((False, self._planned(network, keeping=False)))
        activations = self.hardware.keeps("activations")
        if activations:  # where nothing can be outside, nothing kept is the same plan
            plans.append((True, self._planned(network, keeping=True)))
        _, last = plans[-1]
        if self.hardware.keeps("weights") and (pins := self._pins(network, *last[:2])):
            plans.append((True, self._planned(network, keeping=activations, pins=pins)))
        schedules = [
            (keeping, self._by_addresses(network, *plan, keeping=keeping and activations))
            for keeping, plan in plans
            if isinstance(plan[0], ResidencyPlan)
        ]
        if not schedules:
            # With nothing kept, it is the step that has no room, and not one that reads what had none before.
            _, (fault, *_) = plans[0]
            assert isinstance(fault, DoesNotFit)
            raise PoolShortageError.of_shortage(self._shortage(network, fault))
        return schedules

    def _by_addresses(
        self,
        network: NetworkToPlan,
        plan: ResidencyPlan | DoesNotFit,
        weights: Weights,
        pins: Pins,
        *,
        keeping: bool,
    ) -> Schedule:
        """The schedule of a plan, with tensors and tiles that fit by addresses, too.

        It is planned again, with tiles that have less room where it was not in one piece. Where no plan fits,
        the first one is left, and says what is missing.
        """
        first = tried = self._written(network, plan, weights, pins)
        for _ in range(MOST_ROUNDS):
            if tried.memory_map is None or not tried.memory_map.address_waste_bytes:
                return tried
            lost_bytes = map(max, network.lost_bytes, tried.memory_map.lost_bytes)
            network = replace(network, lost_bytes=tuple(lost_bytes))
            plan, weights, pins = self._planned(network, keeping=keeping, pins=pins)
            if isinstance(plan, DoesNotFit):
                return first
            tried = self._written(network, plan, weights, pins)
        return first if tried.memory_map is None or tried.memory_map.address_waste_bytes else tried

    def best(self, schedules: Sequence[tuple[bool, Schedule]]) -> Schedule:
        """The best when simulated, of schedules each with whether anything may stay; if equal, the first."""
        if len(schedules) == 1:
            return schedules[0][1]
        valued = [(self._value(schedule), keeping, schedule) for keeping, schedule in schedules]
        value, keeping, schedule = min(valued, key=itemgetter(0))
        if keeping or not self.hardware.keeps("activations"):
            return schedule
        value_if_kept, _, rival = min([row for row in valued if row[1]], key=itemgetter(0))
        assert schedule.memory_map is not None and rival.memory_map is not None
        together = CostsMoreTogether(value[0], value_if_kept[0])
        return replace(schedule, memory_map=schedule.memory_map.instead_of(rival.memory_map, together))

    def _network(self, graph: ExecutedGraph) -> NetworkToPlan:
        """What is planned of a graph. Raises MappingError where a layer has no mapping."""
        parts = tuple([self._parts(layer) for layer in graph.layers])
        tensors = network_tensors(graph, self.hardware.precision, self.options.batch, parts)
        network = NetworkToPlan(graph, parts, tensors, (0,) * len(tensors.uses))
        arriving = arrivals(tensors, network.layers, self._places(), self.hardware, self.options.batch)
        return replace(network, arrivals=arriving)

    def _parts(self, layer: Layer) -> tuple[Layer, ...]:
        """A layer, or a layer and its pooling one after the other where the machine cannot fuse them."""
        fault = uncountable(layer, self.options.batch)
        if fault is not None:
            raise MappingError(f"{layer.name} on {self.hardware.name}: {fault}")
        all_move, *_ = self._sets(layer)
        parts = (layer,) if layer.pooling is None or self._fits(layer, all_move) else unfused(layer)
        for part in parts:
            if not self._fits(part, self._sets(part)[-1]):
                raise MappingError(f"{part.name} on {self.hardware.name}: {self._no_tile(part)}")
        return parts

    def _no_tile(self, layer: Layer) -> str:
        """Which memory is too small for the smallest tile that is tried."""
        fault, pool = shortfall(layer, self.hardware), self.pool
        if fault.bank not in pool.operands and fault.tile_bytes > fault.half_bank_bytes:
            return str(fault)
        least_bytes, size_bytes = 0, pool.size_bytes
        while not least_bytes and size_bytes < MAX_BUFFER_BYTES:
            size_bytes = min(2 * size_bytes, MAX_BUFFER_BYTES)
            larger = self._with_pool_of(size_bytes)
            rooms_bytes = larger._shortlist(layer.nameless, self._sets(layer)[-1]).costs.room_bytes
            fitting = rooms_bytes[rooms_bytes <= size_bytes]
            least_bytes = int(fitting.min()) if len(fitting) else 0
        takes = (
            f"{least_bytes} bytes of {pool.memory}" if least_bytes else f"more than {MAX_BUFFER_BYTES} bytes"
        )
        moving = [operand for operand in operands_of(layer) if operand in self._sets(layer)[-1]]
        tiles = f"the smallest tiles{f' of {all_of(moving)}' if moving else ''} that are tried take"
        needed = f"no tile fits: {tiles} {takes}, which has {pool.size_bytes}"
        if not least_bytes:
            return needed
        return f"{needed}; memories.{pool.memory}.size_bytes = {least_bytes} would hold them"

    def _fits(self, layer: Layer, moved: Moved) -> bool:
        """Whether the pool holds any tile of a layer where these operands move."""
        room_bytes = self._shortlist(layer.nameless, moved).costs.room_bytes
        return bool((room_bytes <= self.pool.size_bytes).any())

    def _planned(
        self, network: NetworkToPlan, *, keeping: bool, pins: Pins = frozenset()
    ) -> tuple[ResidencyPlan | DoesNotFit, Weights, Pins]:
        """The plan by the objective beside pinned weights, and the weights by which mappings are compared."""
        made: dict[Weights, tuple[ResidencyPlan | DoesNotFit, list[StepPrices]]] = {}
        pool = self._places(sum([pinned_bytes(network.layers[step], self.hardware) for step in pins]))

        def plan(weights: Weights) -> ResidencyPlan | DoesNotFit:
            if weights not in made:
                prices = self._prices(network, weights, pins)
                if keeping:
                    found = plan_residency(network.tensors, pool, prices, reasons=False)
                else:
                    found = nothing_kept(network.tensors, pool, prices)
                made[weights] = found, prices
            return made[weights][0]

        match self.objective:
            case "time":
                best = plan(Weights(cycles=1))
            case "energy":
                best = plan(Weights(energy=1))
            case "edp":
                first = plan(Weights(energy=1))
                best = first if isinstance(first, DoesNotFit) else least_edp(plan, first.cost)
            case _:
                assert_never(self.objective)
        weights, prices = next(
            (weights, prices) for weights, (found, prices) in made.items() if found is best
        )
        if keeping:  # why others do not stay is asked of the best plan only
            best = plan_residency(network.tensors, pool, prices)
        if self.objective == "edp" and isinstance(best, ResidencyPlan):
            # Near the plan, the product changes as this sum does: whatever costs less by it is no worse.
            weights = Weights(cycles=best.cost.energy, energy=best.cost.cycles)
        return best, weights, pins

    def _pins(self, network: NetworkToPlan, plan: ResidencyPlan | DoesNotFit, weights: Weights) -> Pins:
        """The steps whose weights stay, by prices with which the plan without any is the best."""
        if isinstance(plan, DoesNotFit):
            return frozenset()
        with_weights = frozenset([step for step, layer in enumerate(network.layers) if layer.on_array])
        in_place = self._prices(network, weights, pins=with_weights)
        problem = PinProblem(
            network.tensors,
            self._places(),
            moved=self._prices(network, weights),
            in_place=[prices if step in with_weights else None for step, prices in enumerate(in_place)],
            size_bytes=[pinned_bytes(layer, self.hardware) for layer in network.layers],
            by_product=self.objective == "edp",
        )
        return problem.solved()[0]

    def _places(self, pinned_bytes: int = 0) -> Pool:
        """Where tensors may lie, beside so many bytes of pinned weights."""
        return Pool(
            self.pool.size_bytes - pinned_bytes,
            outside=self.hardware.home(Operand.OUTPUTS) is not None,
            image_inside=self.hardware.input_place == self.pool.memory,
            results_inside=self.hardware.output_place == self.pool.memory,
        )

    def _prices(self, network: NetworkToPlan, weights: Weights, pins: Pins = frozenset()) -> list[StepPrices]:
        """Of each step a staircase for each set of operands that may move: pinned weights do not."""
        known: dict[tuple[int, bool, bool, bool], StepPrices] = {}
        prices: list[StepPrices] = []
        forms, uses = network.forms, network.tensors.uses
        for step, (form, use, lost_bytes) in enumerate(zip(forms, uses, network.lost_bytes, strict=True)):
            key = form, bool(use.residuals), step in network.arrivals, step in pins
            of_step = known.get(key)
            if of_step is None:
                layer, sets = network.layers[step].nameless, self._may_move(use)
                arriving = self._arriving(sets) if step in network.arrivals else []
                movements: Iterable[Movement] = [*sets, *arriving]
                of_step = known[key] = {
                    movement: self._shortlist(layer, movement).staircase(weights)
                    for movement in (map(beside_pinned_weights, movements) if step in pins else movements)
                }
            if lost_bytes:
                of_step = {movement: stairs.beside(lost_bytes) for movement, stairs in of_step.items()}
            prices.append(of_step)
        return prices

    def _arriving(self, sets: Sequence[Moved]) -> list[Arriving]:
        return [Arriving(moved) for moved in sets if Operand.INPUTS in moved]

    def _may_move(self, use: LayerUse) -> list[Moved]:
        """The sets of operands that may move, of a layer that reads residuals or not."""
        activations = [Operand.INPUTS, Operand.OUTPUTS, *([Operand.RESIDUAL] if use.residuals else [])]
        sets = [frozenset({Operand.WEIGHTS, *activations})]
        if self.hardware.keeps("activations"):
            sets = [
                frozenset({Operand.WEIGHTS, *compress(activations, moves)})
                for moves in product((True, False), repeat=len(activations))
            ]
        if self.hardware.home(Operand.OUTPUTS) is None:
            sets = [frozenset({Operand.WEIGHTS})]
        return sets

    def _shortlist(self, layer: Layer, movement: Movement) -> Shortlist:
        if (layer, movement) not in self._listed:
            sets = self._all_sets(layer)
            movements = self._arriving(sets) if isinstance(movement, Arriving) else sets
            keys = [(layer, movement) for movement in movements]
            found = [(key, self.known.shortlists.get(key)) for key in keys]
            known = {key: listed for key, listed in found if listed is not None}
            self._listed.update(known if len(known) == len(keys) else self._searched(layer, movements))
        return self._listed[layer, movement]

    def _searched(
        self, layer: Layer, movements: Sequence[Movement]
    ) -> dict[tuple[Layer, Movement], Shortlist]:
        """The shortlists of a layer, for some of what may move."""
        dataflows = tuple(self.hardware.pe_array.dataflows)
        if self.options.dataflow != AUTO:
            dataflows = (self.options.dataflow,)
        tiles = layer_tiles(layer, self.hardware, dataflows, self.options.batch, self.grids)
        searched = {(layer, movement): shortlist(tiles, movement) for movement in movements}
        self.known.shortlists.update(searched)
        return searched

    def _sets(self, layer: Layer) -> list[Moved]:
        """Of operands of a layer that may move, its weights with them."""
        residuals = (0,) if layer.residual_elements else ()
        return self._may_move(LayerUse((), residuals, 0))

    def _all_sets(self, layer: Layer) -> list[Moved]:
        """Those in which its weights stay, too."""
        sets = self._sets(layer)
        may_stay = self.hardware.keeps("weights") and layer.on_array
        return [*sets, *[moves - {Operand.WEIGHTS} for moves in sets]] if may_stay else sets

    def _written(
        self, network: NetworkToPlan, plan: ResidencyPlan | DoesNotFit, weights: Weights, pins: Pins
    ) -> Schedule:
        """The schedule of a plan: each layer with the best mapping that its room holds."""
        assert isinstance(plan, ResidencyPlan)
        homes, on_chip = self.hardware.channel_of, self.pool.memory
        mappings, places = [], []
        for layer, step, lost_bytes in zip(network.layers, plan.steps, network.lost_bytes, strict=True):
            operands = frozenset(operands_of(layer))
            stays = operands - step.moved | ({Operand.OUTPUTS} if step.kept else set())
            placed = stays | {Operand.INPUTS} if step.arrives else stays
            room_bytes = step.room_bytes - lost_bytes
            placed_layer = PlacedLayer(layer.nameless, step.moved, placed, room_bytes, weights)
            mappings.append(self._mapping(placed_layer))
            places.append(
                {
                    operand: on_chip if operand in stays else homes[operand].memory
                    for operand in Operand
                    if operand in operands
                }
            )
        pinned = {step: pinned_bytes(network.layers[step], self.hardware) for step in sorted(pins)}
        return Schedule(
            network.layers,
            tuple(mappings),
            network.waits_for,
            pool_changes=plan.pool_changes,
            pool_bytes_at_start=plan.pool_bytes_at_start + sum(pinned.values()),
            places=tuple(places),
            memory_map=self._memory_map(network, plan, mappings, pinned),
            first_mappings=first_mappings(network.layers, mappings, self.options.batch, self.hardware),
        )

    def _memory_map(
        self,
        network: NetworkToPlan,
        plan: ResidencyPlan,
        mappings: Sequence[Mapping],
        pinned: MappingOf[int, int],
    ) -> MemoryMap | None:
        """What lies where, on a machine that keeps tensors."""
        if not (self.hardware.keeps("activations") or self.hardware.keeps("weights")):
            return None
        return memory_map_of(
            plan,
            self.pool.memory,
            [mapping.room_bytes for mapping in mappings],
            [PinnedWeights(network.layers[step].name, step, size) for step, size in pinned.items()],
        )

    def _mapping(self, placed: PlacedLayer) -> Mapping:
        """The best mapping by simulations of the few that are the best by their bounds."""
        known = self.known.mappings.get(placed)
        if known is not None:
            return known
        listed = self._shortlist(placed.layer, movement_of(placed.moved, placed.placed))
        judge = Alone(self.hardware, self.transitions, self.pool.size_bytes - placed.room_bytes)
        best: tuple[float, Mapping] | None = None
        for index in listed.nearly_best(placed.room_bytes, placed.weights):
            cost = listed.cost(index)
            if best is not None and placed.weights.price(cost) >= best[0] * (1 - COMPILER.gap):
                break
            choice = listed.choice(index, placed.moved, placed.placed)
            (mapping,) = written([choice], listed.images, self.hardware)
            cycles = judge(mapping)
            price = placed.weights.price(cost._replace(cycles=cycles))
            if best is None or price < best[0]:
                room_bytes = int(listed.costs.room_bytes[index])
                best = price, replace(mapping, estimated_cycles=cycles, room_bytes=room_bytes)
        assert best is not None  # a plan has room for a mapping of each layer
        self.known.mappings[placed] = best[1]
        return best[1]

    def _value(self, schedule: Schedule) -> tuple[float, int]:
        """What a schedule takes, simulated as a whole; of equal ones the faster is better."""
        cycles = simulate_fast(schedule, self.hardware, self.transitions).cycles
        counts = weighted_sum(
            [mapping.totals.counts for mapping in schedule.mappings], [1] * len(schedule.mappings)
        )
        energy = float(total_energy(counts, self.hardware.prices))
        return objective_value(float(cycles), energy, self.objective), cycles

    def _shortage(self, network: NetworkToPlan, fault: DoesNotFit) -> Shortage:
        """What has to be on chip at a step and does not fit, and how large a pool holds everything.

        In a larger pool a pooling may be fused that here is a layer of its own; so the size is tried.
        """
        needs = tuple(self._needs(network))
        most, holds = max(needs, key=_size_bytes), all(len(parts) == 1 for parts in network.parts)
        while not holds and most.size_bytes <= MAX_BUFFER_BYTES:
            larger = self._with_pool_of(most.size_bytes)
            needed = max(larger._needs(larger._network(network.graph)), key=_size_bytes)
            most, holds = max(most, needed, key=_size_bytes), needed.size_bytes <= most.size_bytes
        return Shortage(self.hardware, network, self.options.batch, fault, needs, most)

    def _needs(self, network: NetworkToPlan) -> list[StepNeed]:
        return step_needs(network.tensors, self._places(), self._prices(network, Weights(energy=1)))

    def _with_pool_of(self, size_bytes: int) -> "PoolCompiler":
        hardware = vary(self.hardware, **{f"memories.{self.pool.memory}.size_bytes": size_bytes})
        assert hardware.pool is not None
        return PoolCompiler(hardware, hardware.pool, self.options, Transitions(), PoolKnowledge())


def _size_bytes(need: StepNeed) -> int:
    return need.size_bytes
