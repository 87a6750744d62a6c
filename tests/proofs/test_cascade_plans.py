"""Which layers run stripe by stripe: the plan is the best of all, of every chain in each of its ways."""

import math
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume, event, given, settings
from test_residency_laws import (
    ACTIVATIONS,
    BYTES,
    POOLS,
    RANDOM,
    WITHOUT_COPIES,
    Plans,
    columns,
    problems,
    problems_with_arrivals,
    staircases,
    subsets,
    with_arrivals,
)

from accelsim.hardware import Operand
from accelsim.mapping.staircase import Arriving, Staircase, StepCost
from accelsim.mapping.stripes import Cascade
from accelsim.planning import (
    DoesNotFit,
    LayerUse,
    NetworkTensors,
    Pool,
    ResidencyPlan,
    Tensor,
    nothing_kept,
    plan_residency,
)
from accelsim.planning.programme.edges import ChainPrices, StripedWay
from accelsim.planning.programme.least_room import least_room


def may_be_one(network, steps):
    """Whether each step hands its output to the next one, and writes all of it."""
    for step in steps[:-1]:
        tensor = network.uses[step].output
        writers = [writer for writer, use in enumerate(network.uses) if use.output == tensor]
        if tensor not in network.uses[step + 1].inputs or len(writers) > 1:
            return False
    return True


def wanted_behind(network, steps):
    """What is written inside, and read by others, or a result: it is outside, too."""
    later = {tensor for use in network.uses[steps[-1] + 1 :] for tensor in use.reads}
    written = {network.uses[step].output for step in steps[:-1]}
    return {tensor for tensor in written if tensor in later or network.tensors[tensor].is_result}


@st.composite
def in_a_row(draw, most_steps):
    """Networks in which most layers read the one before, and some a residual or an operand from before it."""
    random = draw(RANDOM)
    tensors, uses = [Tensor("image", int(random.integers(1, 9)), is_image=True)], []
    for step in range(draw(st.integers(2, most_steps))):
        before = step if random.random() < 0.9 else int(random.integers(0, step + 1))
        inputs, residuals = {before}, set()
        if random.random() < 0.45:
            other = int(random.integers(max(0, step - 3), step + 1))
            (inputs if random.random() < 0.4 else residuals).add(other)
        uses.append(LayerUse(tuple(sorted(inputs)), tuple(residuals), step + 1))
        is_result = random.random() < 0.1
        tensors.append(Tensor(f"layer{step}", int(random.integers(1, 9)), is_result=is_result))
    tensors[-1] = tensors[-1]._replace(is_result=True)
    network = NetworkTensors(tuple(tensors), tuple(uses))
    candidates = [{moved: columns(random) for moved in subsets(ACTIVATIONS)} for _ in uses]
    if draw(st.booleans()):
        candidates = with_arrivals(network, candidates, random)
    return network, candidates


@st.composite
def problems_with_chains(draw, most_steps=6):
    """A network with prices of its steps, and of chains of 2 to 4 of them; some ways have no candidate."""
    network, candidates = draw(
        in_a_row(most_steps)
        | problems(most_steps)
        | in_a_row(most_steps)
        | problems_with_arrivals(most_steps)
    )
    random = draw(RANDOM)
    chains = []
    for first in range(len(network.uses)):
        for layers in range(2, 5):
            steps = range(first, first + layers)
            if steps[-1] >= len(network.uses) or not may_be_one(network, steps) or random.random() < 0.2:
                continue
            ways = tuple(
                StripedWay(Cascade(first, layers, rows), int(random.integers(0, 6))) for rows in (1, 2, 3)
            )
            of_chain = {}
            for ends in subsets(ACTIVATIONS):
                if random.random() < 0.8:
                    rooms, *others = columns(random)
                    of_way = random.integers(0, len(ways), len(rooms))
                    rooms = rooms + np.array([ways[way].taken_bytes for way in of_way])
                    stairs = Staircase.from_candidates(rooms, *others, BYTES)
                    indices = tuple([int(of_way[index]) for index in stairs.candidates])
                    of_chain[ends] = replace(stairs, candidates=indices)
            chains.append(ChainPrices(first, layers, ways, of_chain))
    return network, candidates, chains


class PlansWithChains(Plans):
    """The same, where chains of steps may be one."""

    def __init__(self, network, pool, prices, chains):
        super().__init__(network, pool, prices)
        self.chains = chains

    def from_step(self, step, inside, outside, stayed):
        yield from super().from_step(step, inside, outside, stayed)
        for number, chain in enumerate(self.chains):
            if chain.first == step:
                yield from self.as_one(number, chain, inside, outside, stayed)

    def as_one(self, number, chain, inside, outside, stayed):
        uses = self.network.uses[chain.first : chain.first + chain.layers]
        written = {use.output for use in uses[:-1]}
        residuals = {tensor for use in uses for tensor in use.residuals} - written
        if not {tensor for use in uses[1:] for tensor in use.inputs} <= inside | written:
            return
        moved = set()
        for operand, read in ((Operand.INPUTS, set(uses[0].inputs)), (Operand.RESIDUAL, residuals)):
            if not read <= inside:
                if not read <= outside:
                    return
                moved.add(operand)
        last = chain.first + chain.layers - 1
        stored_inside = wanted_behind(self.network, range(chain.first, last + 1))
        is_result = {tensor for tensor in stored_inside if self.network.tensors[tensor].is_result}
        only_ends = self.pool.only_ends_outside and stored_inside - is_result
        if stored_inside and (not self.pool.outside or only_ends or (is_result and self.pool.results_inside)):
            return
        for kept, is_written in self.placements(uses[-1].output, inside, outside):
            held = inside | {uses[-1].output} if kept else inside
            stored = (outside | {uses[-1].output} if is_written else outside) | stored_inside
            room = self.pool.size_bytes - sum(self.network.tensors[index].size_bytes for index in held)
            ends = frozenset(moved | {Operand.OUTPUTS} if is_written else moved)
            this = (len(self.prices) + number, ends), room
            if math.isinf(
                chain.staircases[ends].at(room) if ends in chain.staircases and room >= 0 else math.inf
            ):
                continue
            alive = frozenset(index for index in held if index in self.wanted or self.last_step(index) > last)
            for given_up in subsets(alive & stored):
                left = alive - given_up
                been = stayed | held | stored_inside
                yield from ((this, *rest) for rest in self.from_step(last + 1, left, stored, been))

    def price(self, steps):
        """Of a plan, in which chains have the numbers behind those of steps."""
        total, step = 0.0, 0
        for movement, room in steps:
            if isinstance(movement, tuple) and isinstance(movement[0], int):
                number, ends = movement
                chain = self.chains[number - len(self.prices)]
                total, step = total + chain.staircases[ends].at(room), step + chain.layers
            else:
                total, step = total + self.prices[step][movement].at(room), step + 1
        return total


def least_with_chains(network, pool, prices, chains):
    plans = PlansWithChains(network, pool, prices, chains)
    return min(map(plans.price, plans), default=math.inf)


@given(problem=problems_with_chains(), pool=POOLS | WITHOUT_COPIES)
@settings(max_examples=200, deadline=None)
def test_a_plan_with_cascades_is_the_best_of_all_plans(problem, pool):
    network, candidates, chains = problem
    prices = staircases(candidates, BYTES)
    least = least_with_chains(network, pool, prices, chains)
    plan = plan_residency(network, pool, prices, chains=chains)
    event(f"fits: {math.isfinite(least)}")
    if math.isinf(least):
        assert isinstance(plan, DoesNotFit)
        return
    assert plan.price == least
    assert plan.gap is None
    assert plan.cost.dram_bytes == plan.price
    event(f"cascades: {len(plan.cascades)}")


@given(problem=problems_with_chains(most_steps=5), pool=POOLS, random=RANDOM)
@settings(max_examples=60, deadline=None)
def test_beside_a_host_that_may_take_steps_it_is_the_best_of_all_and_no_worse_than_without(
    problem, pool, random
):
    """Some steps have mappings of the host, too; what chains cost stays as it is: the array runs them."""
    network, candidates, chains = problem
    beside = [
        {
            moved: tuple(map(np.concatenate, zip(of_array, columns(random), strict=True)))
            if random.random() < 0.6
            else of_array
            for moved, of_array in of_step.items()
        }
        for of_step in candidates
    ]
    prices = staircases(beside, BYTES)
    least = least_with_chains(network, pool, prices, chains)
    plan = plan_residency(network, pool, prices, chains=chains)
    without_host = plan_residency(network, pool, staircases(candidates, BYTES), chains=chains)
    if math.isinf(least):
        assert isinstance(plan, DoesNotFit)
        assert isinstance(without_host, DoesNotFit)
        return
    assert plan.price == least
    assert isinstance(without_host, DoesNotFit) or plan.price <= without_host.price
    event(f"cascades: {len(plan.cascades)}")


@given(problem=problems_with_chains(), pool=POOLS)
@settings(max_examples=100, deadline=None)
def test_a_plan_with_cascades_costs_no_more_than_one_without(problem, pool):
    network, candidates, chains = problem
    prices = staircases(candidates, BYTES)
    plan, without = (
        plan_residency(network, pool, prices, chains=chains),
        plan_residency(network, pool, prices),
    )
    nothing = nothing_kept(network, pool, prices)
    for other in (without, nothing):
        if isinstance(other, ResidencyPlan):
            assert isinstance(plan, ResidencyPlan)
            assert plan.price <= other.price


@given(problem=problems_with_chains(), pool=POOLS)
@settings(max_examples=100, deadline=None)
def test_a_plan_with_cascades_is_what_its_steps_say(problem, pool):
    network, candidates, chains = problem
    plan = plan_residency(network, pool, staircases(candidates, BYTES), chains=chains)
    assume(isinstance(plan, ResidencyPlan))
    ways = {way.cascade: (chain, way) for chain in chains for way in chain.ways}
    in_cascades = [step for cascade in plan.cascades for step in cascade.steps]
    assert len(set(in_cascades)) == len(in_cascades)
    for cascade in plan.cascades:
        chain, way = ways[cascade]
        first, *_, last = steps = [plan.steps[step] for step in cascade.steps]
        inner = {network.uses[step].output for step in cascade.steps[:-1]}
        room = first.room_bytes + way.taken_bytes
        assert pool.size_bytes - room == sum(
            network.tensors[index].size_bytes for index in first.in_pool if index not in inner
        )
        assert {step.room_bytes for step in steps} == {first.room_bytes}
        behind = wanted_behind(network, cascade.steps)
        written = {network.uses[step].output for step in cascade.steps[:-1] if plan.steps[step].written}
        assert written == behind
        assert all(step.kept for step in steps[:-1])
        ends = {*(first.moved & {Operand.INPUTS}), *(last.moved & {Operand.OUTPUTS})}
        ends |= {Operand.RESIDUAL for step in steps if Operand.RESIDUAL in step.moved}
        assert chain.staircases[frozenset(ends)].at(room) == first.cost.dram_bytes
        event(f"read by others: {len(behind)}")
        for tensor in inner:
            life, places = network.lives[tensor], plan.places[tensor]
            assert (places.outside is not None) == (tensor in behind)
            assert places.in_pool == (life.first, min(life.last, cascade.steps[-1]))


@given(problem=problems_with_chains(most_steps=5), pool=POOLS)
@settings(max_examples=60, deadline=None)
def test_reasons_beside_cascades_are_prices_of_the_best_plans_in_which_tensors_stay(problem, pool):
    """Of a tensor that no plan has in the pool at its last reader, or only dearer ones."""
    network, candidates, chains = problem
    prices = staircases(candidates, BYTES)
    plan = plan_residency(network, pool, prices, chains=chains)
    assume(isinstance(plan, ResidencyPlan))
    for tensor, reason in enumerate(plan.why_not):
        stays = plan.places[tensor].in_pool
        last = network.lives[tensor].reads[-1:]
        if reason is None or not last:
            continue
        assert stays is None or stays.last < last[0]
        price = getattr(reason, "price_if_kept", None)
        if price is not None:
            assert price >= plan.price
            assert reason.price == plan.price


@given(problem=problems_with_chains(), pool=POOLS)
@settings(max_examples=40, deadline=None)
def test_where_not_all_states_are_followed_no_layers_run_stripe_by_stripe(problem, pool):
    network, candidates, chains = problem
    prices = staircases(candidates, BYTES)
    few = plan_residency(network, pool, prices, chains=chains, most_states=1)
    all_of_them = plan_residency(network, pool, prices, chains=chains)
    if isinstance(few, ResidencyPlan):
        assert few.price >= all_of_them.price
        if few.gap is not None:
            assert not few.cascades


def test_least_price_of_a_chain_by_hand():
    """The tensor between is larger than the pool: by themselves the layers have it outside."""
    tensors = Tensor("image", 10, is_image=True), Tensor("a", 20), Tensor("b", 10, is_result=True)
    network = NetworkTensors(tensors, (LayerUse((0,), (), 1), LayerUse((1,), (), 2)))

    def stairs(room, bytes_):
        return Staircase((room,), (float(bytes_),), (StepCost(dram_bytes=bytes_),), (0,))

    both = frozenset({Operand.INPUTS, Operand.OUTPUTS})
    prices = [{both: stairs(4, 30)}, {both: stairs(4, 30)}]
    chain = ChainPrices(0, 2, (StripedWay(Cascade(0, 2, 1), 6),), {both: stairs(10, 24)})
    alone = plan_residency(network, Pool(12), prices)
    together = plan_residency(network, Pool(12), prices, chains=[chain])
    assert (alone.price, together.price) == (60, 24)
    assert together.cascades == (Cascade(0, 2, 1),)
    assert [step.room_bytes for step in together.steps] == [6, 6]
    too_small = plan_residency(network, Pool(9), prices, chains=[chain])
    assert (too_small.price, too_small.cascades) == (60, ())


def test_what_a_chain_has_written_outside_is_read_there_and_comes_to_the_pool_no_more_by_hand():
    """a and b run as one, c and d read a: 10 bytes, and twice the 6 of a, though there is room for it."""
    sizes = {"image": 10, "a": 6, "b": 4, "c": 1, "d": 1}
    tensors = [Tensor(name, size, name == "image", name in "bcd") for name, size in sizes.items()]
    uses = LayerUse((0,), (), 1), LayerUse((1,), (), 2), LayerUse((1,), (), 3), LayerUse((1,), (), 4)
    network = NetworkTensors(tuple(tensors), uses)

    def stairs(bytes_):
        return Staircase((1,), (float(bytes_),), (StepCost(dram_bytes=bytes_),), (0,))

    ends = frozenset({Operand.INPUTS, Operand.OUTPUTS})
    alone = {moved: stairs(50) for moved in subsets(ACTIVATIONS)}
    reader = {moved: stairs(6 if Operand.INPUTS in moved else 0) for moved in subsets(ACTIVATIONS)}
    reader |= {Arriving(moved): stairs(6) for moved in [*reader] if Operand.INPUTS in moved}
    prices = [alone, alone, reader, reader]
    chain = ChainPrices(0, 2, (StripedWay(Cascade(0, 2, 1), 1),), {ends: stairs(10)})
    plan = plan_residency(network, Pool(40), prices, chains=[chain])
    assert (plan.price, plan.cascades) == (22, (Cascade(0, 2, 1),))
    assert plan.places[1] == ((0, 1), (0, 3))
    assert [step.written for step in plan.steps] == [True] * 4
    for pool in (replace(Pool(40), only_ends_outside=True), Pool(40, False, True, True)):
        assert plan_residency(network, pool, prices, chains=[chain]).cascades == ()
    results_inside = replace(
        network, tensors=(*tensors[:1], tensors[1]._replace(is_result=True), *tensors[2:])
    )
    inside = plan_residency(results_inside, Pool(40, results_inside=True), prices, chains=[chain])
    assert inside.cascades == ()


def test_an_operand_beside_rows_is_read_in_the_pool_by_hand():
    """b is made of a, and added to the image: in the chain its rows are in the pool, so the image is, too."""
    tensors = Tensor("image", 10, is_image=True), Tensor("a", 20), Tensor("b", 20), Tensor("sum", 10)
    uses = LayerUse((0,), (), 1), LayerUse((1,), (), 2), LayerUse((0, 2), (), 3)
    network = NetworkTensors((*tensors[:3], tensors[3]._replace(is_result=True)), uses)

    def stairs(room, bytes_):
        return Staircase((room,), (float(bytes_),), (StepCost(dram_bytes=bytes_),), (0,))

    moves = {ends: stairs(4, 10 + 10 * len(ends)) for ends in subsets(ACTIVATIONS)}
    ends = {
        frozenset({Operand.INPUTS, Operand.OUTPUTS}): stairs(6, 20),
        frozenset({Operand.OUTPUTS}): stairs(6, 10),
    }
    chains = [
        ChainPrices(1, 2, (StripedWay(Cascade(1, 2, 1), 2),), ends),
        ChainPrices(0, 3, (StripedWay(Cascade(0, 3, 1), 2),), ends),
    ]
    outside = plan_residency(network, Pool(34), [moves] * 3, chains=chains)
    assert outside.cascades == ()
    inside = plan_residency(network, Pool(34, image_inside=True), [moves] * 3, chains=chains)
    assert inside.cascades == (Cascade(0, 3, 1),)
    assert inside.places[0].in_pool == (0, 2)
    assert not any(Operand.INPUTS in step.moved for step in inside.steps)
    assert inside.price == 10


@given(problem=problems_with_chains(), pool=POOLS)
@settings(max_examples=100, deadline=None)
def test_the_least_room_is_the_smallest_pool_with_a_plan_in_which_only_ends_are_outside(problem, pool):
    network, candidates, chains = problem
    prices = staircases(candidates, BYTES)
    least = least_room(network, pool, prices, chains)

    def fits(size_bytes):
        sized = replace(pool, size_bytes=size_bytes, only_ends_outside=True)
        return isinstance(plan_residency(network, sized, prices, chains=chains), ResidencyPlan)

    if least is None:
        assert not fits(10_000)
        return
    assert fits(least.needed_bytes)
    assert not fits(least.needed_bytes - 1)
    assert least.needed_bytes >= least.taken_bytes + sum(
        network.tensors[index].size_bytes for index in least.tensors
    )
    event(f"decided by a cascade: {least.layers > 1}")
