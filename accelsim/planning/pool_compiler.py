"""What the compiler of a machine with a pool does: where tensors lie, and with which tiles each layer runs.

The plan of what stays on chip is made by bounds of what layers cost, of which each is known for any room that
is left to its tiles (`Shortlist`). Then each layer's few best mappings are simulated by themselves, and the
whole is simulated beside the schedule in which nothing stays: it is never worse than that.
"""

from collections.abc import Hashable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from accelsim.columns import Ints
from accelsim.errors import MappingError
from accelsim.hardware import Objective, Operand
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.pinned import first_mappings, first_use, pinned_bytes
from accelsim.mapping.pool_knowledge import PlacedLayer, PoolKnowledge
from accelsim.mapping.ranking import objective_value, that_decides
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.search import as_executed
from accelsim.mapping.staircase import (
    Moved,
    Movement,
    StepPrices,
    Weights,
    movement_of,
)
from accelsim.mapping.together import by_layer
from accelsim.mapping.units import array_dataflows, fuses_pooling, host_competes, nowhere, only_on_host
from accelsim.memory_map import MemoryMap
from accelsim.network.executed import ExecutedGraph
from accelsim.network.layer import Layer
from accelsim.network.lowering.splitting import unfused
from accelsim.planning.arrivals import arrivals
from accelsim.planning.best_mapping import best_mapping
from accelsim.planning.cascades.cascading import TIME, least_with_cascades, solved_with_cascades
from accelsim.planning.cascades.chain_prices import ChainPricer
from accelsim.planning.cascades.chains import Chains
from accelsim.planning.cascades.said import said_cascades
from accelsim.planning.cascades.striping import (
    Operands,
    PlannedEntry,
    kept_by_cascades,
    operands_in,
    planned_entries,
    schedule_of,
)
from accelsim.planning.edp import best_plan
from accelsim.planning.given_plan import check_pinned, check_said, no_tile_said, pins_said, with_said
from accelsim.planning.in_room import InRoom
from accelsim.planning.kinds import Kinds, StaircaseBy, kinds_of
from accelsim.planning.network_to_plan import NetworkToPlan
from accelsim.planning.overwriting import waiting_for_host
from accelsim.planning.pins.pinned_weights import layer_weights
from accelsim.planning.pins.pins import PinProblem, Pins
from accelsim.planning.plan_map import LayerWeights, memory_map_of
from accelsim.planning.pool_layers import PoolLayers
from accelsim.planning.preference import Rival, preferred
from accelsim.planning.programme.decisions import Decisions
from accelsim.planning.programme.shortage import (
    PoolShortageError,
    Shortage,
    StepNeed,
    no_tile_sentence,
    step_needs,
)
from accelsim.planning.programme.solution import Solution
from accelsim.planning.residency import DoesNotFit, Pool, ResidencyPlan
from accelsim.planning.schedule_cost import schedule_cost
from accelsim.planning.tensors import network_tensors
from accelsim.simulation.transitions import Transitions

MOST_ROUNDS: Final = 4
"""Plans that are made again, where tensors and tiles do not fit by addresses; no case is known in which one
was not enough."""


@dataclass(frozen=True)
class PoolCompiler(PoolLayers):
    """Makes schedules for one machine with a pool."""

    images_in_turn: int = 1
    """How often the schedules are executed, for one batch of images after the other."""

    @property
    def objective(self) -> Objective:
        """What is to be small: of the network as a whole."""
        return that_decides(self.options.objective or self.hardware.mapper.tiles, self.hardware)

    def other(self, **changes: Any) -> "PoolCompiler":
        """A compiler that differs in some fields, of no graph yet."""
        return replace(self, _listed={}, **changes)

    def schedules(self, graph: ExecutedGraph) -> list[tuple[bool, Schedule]]:
        """The schedules of a graph, each with whether anything may stay: with nothing, tensors, weights.

        Raises:
            MappingError: A layer, or what has to be on chip beside it, does not fit; says which.
        """
        network = self.network_to_plan(graph)
        check_pinned(network, self.hardware)
        plans: list[tuple[bool, Planned]] = []
        for keeping in (False, True):
            # Where nothing can be outside, nothing kept is the same plan.
            places = self.places()
            may_be_outside = places.outside and not places.only_ends_outside and not network.said
            if self.hardware.keeps("activations") if keeping else may_be_outside:
                plans += [(keeping, plan) for plan in self._plans(network, keeping=keeping)]
        schedules = [
            (keeping, self._by_addresses(network, *plan, keeping=keeping))
            for keeping, plan in plans
            if isinstance(plan[0], ResidencyPlan)
        ]
        if not schedules:
            if network.said and (pricer := self.pricer(network)) is not None:
                from accelsim.planning.cascades.said_room import check_room  # noqa: PLC0415 (most are told none)

                check_room(pricer, self.places(), self.options)
            check_said(network, self.hardware, self.schedules)
            # With nothing kept, it is the step that has no room, and not one that reads what had none before.
            _, (fault, *_) = plans[0]
            assert isinstance(fault, DoesNotFit)
            raise PoolShortageError.of_shortage(self._shortage(network, fault))
        return schedules

    def _plans(self, network: NetworkToPlan, *, keeping: bool) -> Iterator["Planned"]:
        """Without weights that may be elsewhere; and where weights may stay, with those that pay."""
        said, _ = pins_said(network.told, self.pool.memory)
        plans = self._without_cascades_too(network, said, keeping=keeping)
        yield from plans
        if self.hardware.keeps("weights"):
            by_weights = dict.fromkeys(weights for _, weights, _ in plans)
            chosen = dict.fromkeys(self._pins(network, weights, keeping=keeping) for weights in by_weights)
            for pins in chosen:
                if pins != said:
                    yield from self._without_cascades_too(network, pins, keeping=keeping)

    def _without_cascades_too(self, network: NetworkToPlan, pins: Pins, *, keeping: bool) -> list["Planned"]:
        """The plan beside pinned weights; where it has cascades, the one without, too, as it may be better
        when it is simulated, or pinned weights may be by its prices.
        """
        planned = self._planned(network, keeping=keeping, pins=pins)
        plan, weights, _ = planned
        if not (isinstance(plan, ResidencyPlan) and plan.cascades):
            return [planned]
        # Of stripes, most of what is loaded is hidden behind others, or holds up others: mappings that move
        # less may be the faster ones, in the same cascades.
        frugal = Weights(cycles=plan.cost.energy, energy=plan.cost.cycles)
        rivals = [(plan, frugal, pins)] if weights == TIME else []
        if network.said:
            return [planned, *rivals]
        return [planned, *rivals, self._planned(network, keeping=keeping, pins=pins, cascading=False)]

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
            cascading = isinstance(plan, ResidencyPlan) and bool(plan.cascades)
            plan, weights, pins = self._planned(network, keeping=keeping, pins=pins, cascading=cascading)
            if isinstance(plan, DoesNotFit):
                return first
            tried = self._written(network, plan, weights, pins)
        return first if tried.memory_map is None or tried.memory_map.address_waste_bytes else tried

    def best(self, schedules: Sequence[tuple[bool, Schedule]]) -> Schedule:
        """The best when simulated, of schedules each with whether anything may stay; if equal, the first."""
        if len(schedules) == 1:
            return schedules[0][1]
        return preferred([Rival(self._value(schedule), keeping, schedule) for keeping, schedule in schedules])

    def network_to_plan(self, graph: ExecutedGraph) -> NetworkToPlan:
        """What is planned of a graph. Raises MappingError where a layer has no mapping."""
        parts_of: dict[Hashable, int] = {}
        for layer in graph.layers:
            if layer.form not in parts_of:
                parts_of[layer.form] = len(self._parts(layer))
        parts = tuple([(layer,) if parts_of[layer.form] == 1 else unfused(layer) for layer in graph.layers])
        tensors = network_tensors(graph, self.hardware.precision, self.options.batch, parts)
        network = NetworkToPlan(graph, parts, tensors, (0,) * len(tensors.uses))
        arriving = arrivals(tensors, network.layers, self.places(), self.hardware, self.options.batch)
        network = replace(network, arrivals=arriving)
        if not graph.given_cascades:
            return network
        on_host = self._on_host(network)
        said = said_cascades(graph.given_cascades, network.layers, tensors, self.hardware, on_host)
        return replace(network, said=said)

    def _parts(self, layer: Layer) -> tuple[Layer, ...]:
        """A layer, or a layer and its pooling one after the other where the machine cannot fuse them."""
        fault = nowhere(layer, self.hardware, self.options)
        if fault is not None:
            raise MappingError(f"{layer.name} on {self.hardware.name}: {fault}")
        fused = layer.pooling is None or (fuses_pooling(layer, self.hardware) and self._fits_fused(layer))
        parts = (layer,) if fused else unfused(layer)
        for part in parts:
            if not self._fits(part, self._sets(part)[-1]):
                raise MappingError(self._no_tile(part))
        return parts

    def _fits_fused(self, layer: Layer) -> bool:
        """Whether the pool holds any tile of a layer with its pooling, wherever its operands are.

        Of one that is told more, it is enough that it would have room if it were not, and has some as told.
        """
        all_move, *_ = sets = self._sets(layer)
        if layer.given is None or self._fits(layer, all_move):
            return self._fits(layer, all_move)
        return self._fits(replace(layer, given=None), all_move) and self._fits(layer, sets[-1])

    def _no_tile(self, layer: Layer) -> str:
        """Which memory is too small for the smallest tile that is tried, or that is said."""
        if layer.given is not None:
            return no_tile_said(layer, self.hardware, self.options)
        *_, few = self._sets(layer)

        def rooms_bytes(size_bytes: int) -> Ints:
            return self._with_pool_of(size_bytes)._shortlist(layer.nameless, few).costs.room_bytes

        return no_tile_sentence(layer, few, self.hardware, self.pool, rooms_bytes)

    def _fits(self, layer: Layer, moved: Moved) -> bool:
        """Whether the pool holds any tile of a layer where these operands move."""
        room_bytes = self._shortlist(layer.nameless, moved).costs.room_bytes
        return bool((room_bytes <= self.pool.size_bytes).any())

    def _planned(
        self, network: NetworkToPlan, *, keeping: bool, pins: Pins, cascading: bool = True
    ) -> "Planned":
        """The plan by the objective beside pinned weights, and the weights by which mappings are compared."""
        made: dict[Weights, tuple[Solution | DoesNotFit, list[StepPrices]]] = {}
        pool, kinds = self.places(self._pinned_bytes(network, pins)), self._kinds(network, pins)
        decisions = Decisions.of(network.tensors, pool, kinds.movements)
        decisions = decisions if keeping else decisions.keeping_nothing
        pricer = self.pricer(network, pins) if keeping and cascading else None
        by_product = self.objective == "edp"

        def solution(weights: Weights) -> Solution | DoesNotFit:
            if weights not in made:
                prices = kinds.prices(weights)
                found = solved_with_cascades(
                    network, decisions, pool, prices, pricer, weights, guess=by_product
                )
                made[weights] = found, prices
            return made[weights][0]

        best = best_plan(solution, self.objective)
        weights, prices = next(
            (weights, prices) for weights, (found, prices) in made.items() if found is best
        )
        if pricer is not None:  # what was a guess is mapped, of the best only
            best = solved_with_cascades(network, decisions, pool, prices, pricer, weights)
        if isinstance(best, DoesNotFit):
            return best, weights, pins
        # Why others do not stay is asked of the best only.
        plan = with_said(best.plan_with_reasons(), network.told) if keeping else best.plan
        if by_product:
            # Near the plan, the product changes as this sum does: whatever costs less by it is no worse.
            weights = Weights(cycles=plan.cost.energy, energy=plan.cost.cycles)
        return plan, weights, pins

    def pricer(self, network: NetworkToPlan, pins: Pins = frozenset()) -> ChainPricer | None:
        """What chains of steps cost as cascades; None on a machine without."""
        if self.hardware.cascade is None or self.options.batch > 1:
            return None
        competed = [step for step, each in enumerate(network.layers) if host_competes(each, self.hardware)]
        chains = Chains(network, self.hardware, self.options.batch, self._on_host(network))
        return ChainPricer(chains, pins, self._stripe_staircases, frozenset(competed))

    def _on_host(self, network: NetworkToPlan) -> frozenset[int]:
        """Steps that the host runs, whatever it costs."""
        return only_on_host(network.layers, array_dataflows(self.hardware, self.options), self.hardware)

    def _pins(self, network: NetworkToPlan, weights: Weights, *, keeping: bool) -> Pins:
        """The steps whose weights stay, by prices with which the plan without any is the best."""
        in_place = self.prices(network, weights, pins=network.with_weights)
        said, moving = pins_said(network.told, self.pool.memory)
        open_to_choice = network.with_weights - said - moving
        problem = PinProblem(
            network.tensors,
            self.places(self._pinned_bytes(network, said)),
            moved=self.prices(network, weights, said),
            in_place=[prices if step in open_to_choice else None for step, prices in enumerate(in_place)],
            size_bytes=[pinned_bytes(layer, self.hardware) for layer in network.layers],
            by_product=self.objective == "edp",
            keeping=keeping,
        )
        return problem.solved()[0] | said

    def _pinned_bytes(self, network: NetworkToPlan, pins: Pins) -> int:
        return sum([pinned_bytes(network.layers[step], self.hardware) for step in pins])

    def places(self, pinned_bytes: int = 0) -> Pool:
        """Where tensors may lie, beside so many bytes of pinned weights."""
        return Pool(
            self.pool.size_bytes - pinned_bytes,
            outside=self.hardware.home(Operand.OUTPUTS) is not None,
            image_inside=self.hardware.input_place == self.pool.memory,
            results_inside=self.hardware.output_place == self.pool.memory,
            only_ends_outside=self.options.activations == "on_chip",
        )

    def prices(self, network: NetworkToPlan, weights: Weights, pins: Pins = frozenset()) -> list[StepPrices]:
        """Of each step a staircase for each set of operands that may move: pinned weights do not."""
        return self._kinds(network, pins).prices(weights)

    def _kinds(self, network: NetworkToPlan, pins: Pins) -> Kinds:
        return kinds_of(network, pins, self.hardware, self.pool.memory, self._staircases)

    def _staircases(self, layer: Layer, movement: Movement) -> StaircaseBy:
        """What a layer without its name costs at least, by the room that its tiles have."""
        return self._shortlist(layer, movement).staircase

    def _written(
        self, network: NetworkToPlan, plan: ResidencyPlan | DoesNotFit, weights: Weights, pins: Pins
    ) -> Schedule:
        """The schedule of a plan: each layer, or stripe of one, with the best mapping that its room holds."""
        assert isinstance(plan, ResidencyPlan)
        planned = planned_entries(network, plan, self.hardware, self.options.batch)
        mapped: dict[Hashable, tuple[Mapping, MappingOf[Operand, str]]] = {}
        of_entries = []
        for entry in planned.entries:
            step = plan.steps[entry.step]
            room_bytes = step.room_bytes - network.lost_bytes[entry.step]
            key = entry.layer.form, *entry[4:], step.movement, step.kept, room_bytes
            if key not in mapped:
                operands = operands_in(entry, step, self.hardware, self.pool.memory)
                mapping = self._entry_mapping(entry, operands, room_bytes, weights)
                mapped[key] = mapping, operands.places
            of_entries.append(mapped[key])
        mappings, places = zip(*of_entries, strict=True)
        steady = replace(
            schedule_of(plan, planned, mappings, places, self.images_in_turn),
            pool_bytes_at_start=plan.pool_bytes_at_start + self._pinned_bytes(network, pins),
        )
        memory_map = self._memory_map(network, (plan, weights, pins), steady)
        steady = replace(steady, memory_map=memory_map)
        if self.hardware.host is not None:
            steady = waiting_for_host(steady)
        return self._with_first(steady, pins)

    def _entry_mapping(
        self, entry: PlannedEntry, operands: Operands, room_bytes: int, weights: Weights
    ) -> Mapping:
        """The mapping of an entry, with its operands where they are."""
        images, layer = self.options.batch, entry.layer.nameless
        of_stripe = entry.striped and host_competes(layer, self.hardware)
        mapping = self._mapping(
            PlacedLayer(layer, operands.moved, operands.placed, room_bytes, weights, images, of_stripe)
        )
        if not entry.brings:
            return mapping
        return first_use(mapping, as_executed(layer, images)[1], self.hardware)

    def _with_first(self, steady: Schedule, pins: Pins) -> Schedule:
        """The schedule with what the first inference does otherwise, in which pinned weights come."""
        first = first_mappings(steady, pins, self.options.batch, self.hardware)
        return replace(steady, first_mappings=first)

    def _memory_map(self, network: NetworkToPlan, planned: "Planned", schedule: Schedule) -> MemoryMap | None:
        """What lies where, on a machine that keeps tensors."""
        if not (self.hardware.keeps("activations") or self.hardware.keeps("weights")):
            return None
        plan, _, _ = planned
        assert isinstance(plan, ResidencyPlan)
        tile_bytes, striped = self._tile_bytes(by_layer(schedule).mappings), schedule.striped
        kept = () if striped is None else kept_by_cascades(striped, self.hardware)
        weights = self._layer_weights(network, planned)
        return memory_map_of(plan, self.pool.memory, tile_bytes, weights, striped, kept)

    def _layer_weights(self, network: NetworkToPlan, planned: "Planned") -> list[LayerWeights]:
        """The weights that may stay; those that do not, with the reason."""
        if not self.hardware.keeps("weights"):
            return []
        plan, weights, pins = planned
        assert isinstance(plan, ResidencyPlan)
        moved, in_place = (self.prices(network, weights, steps) for steps in (pins, network.with_weights))
        by_product = self.objective == "edp"
        return layer_weights(network, plan, pins, moved, in_place, self.hardware, by_product=by_product)

    def _tile_bytes(self, mappings: Sequence[Mapping]) -> list[int]:
        """What the tiles of each layer need where tensors lie."""
        return [mapping.room_bytes for mapping in mappings]

    def _mapping(self, placed: PlacedLayer) -> Mapping:
        """The best mapping by simulations of the few that are the best by their bounds."""
        known = self.known.mappings.get(placed)
        if known is not None:
            return known
        movement = movement_of(placed.moved, placed.placed)
        listed = self._shortlist(placed.layer, movement, striped=placed.of_stripe)
        alone = InRoom(self.hardware, self.pool.size_bytes, self.transitions, self.known)
        mapping = self.known.mappings[placed] = best_mapping(placed, listed, alone)
        return mapping

    def _value(self, schedule: Schedule) -> tuple[float, float]:
        """What a schedule takes, simulated as a whole; of equal ones the faster is better."""
        cost = schedule_cost(schedule, self.hardware, self.transitions)
        return objective_value(cost.cycles, cost.energy, self.objective), cost.cycles

    def _shortage(self, network: NetworkToPlan, fault: DoesNotFit) -> Shortage:
        """What has to be on chip at a step and does not fit, and how large a pool holds everything."""

        def needs_in(size_bytes: int) -> list[StepNeed]:
            larger = self._with_pool_of(size_bytes)
            return larger._needs(larger.network_to_plan(network.graph))

        needs, common = tuple(self._needs(network)), (self.hardware, network, self.options.batch)
        found, places = None, self.places()
        if self.hardware.cascade is not None:
            found = least_with_cascades(network, places, self.prices(network, TIME), self.pricer(network))
        if found is None:
            shortage = Shortage.of(*common, fault, needs, needs_in)
        else:
            shortage = Shortage.with_cascades(*common, fault, needs, found)
        return replace(shortage, only_ends_outside=places.only_ends_outside)

    def _needs(self, network: NetworkToPlan) -> list[StepNeed]:
        return step_needs(network.tensors, self.places(), self.prices(network, Weights(energy=1)))

    def _with_pool_of(self, size_bytes: int) -> "PoolCompiler":
        hardware = self.hardware.with_size(self.pool.memory, size_bytes)
        assert hardware.tensor_bank is not None
        return self.other(
            hardware=hardware,
            pool=hardware.tensor_bank,
            transitions=Transitions(),
            known=PoolKnowledge(),
        )


Planned: TypeAlias = tuple[ResidencyPlan | DoesNotFit, Weights, Pins]
"""A plan, the weights by which mappings are compared, and the steps whose weights stay."""
