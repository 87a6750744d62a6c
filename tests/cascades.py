"""Cascades that tests make by hand: a plan in which some layers run stripe by stripe, everything else outside."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pinned import pinned_bytes
from accelsim.mapping.staircase import StepCost, Weights
from accelsim.mapping.stripes import Cascade
from accelsim.memory_map import Steps
from accelsim.network.description import Network
from accelsim.planning.cascade import may_cascade, stripes
from accelsim.planning.network_to_plan import NetworkToPlan
from accelsim.planning.plan import Plan
from accelsim.planning.planner import nothing_kept
from accelsim.planning.pool_compiler import PoolCompiler
from accelsim.planning.residency import ResidencyPlan, StepPlan, TensorPlaces
from accelsim.run import options_for, plan_run
from accelsim.simulation.transitions import Transitions

WEIGHTS = Weights(cycles=1.0, energy=1e-3)


def compiler_of(plan: Plan) -> PoolCompiler:
    """The one that made a plan."""
    pool = plan.hardware.tensor_bank
    assert pool is not None
    return PoolCompiler(plan.hardware, pool, plan.options, Transitions(), plan.cache.pool)


def with_cascades(
    network: Network,
    hardware: Hardware,
    *cascades: Cascade,
    batch: int = 1,
    reads_pool: Collection[int] = (),
    pins: Collection[int] = (),
    ends_in: str = "dram",
) -> Plan | None:
    """A plan with these cascades, every other tensor outside; None where its tiles have no room.

    Args:
        network: What is planned.
        hardware: With one pool, and DRAM for activations.
        cascades: Of its steps.
        batch: Images that run together.
        reads_pool: Tensors that lie in the pool, whole, from their first writer to their last reader.
        pins: Steps whose weights stay.
        ends_in: Where outputs of cascades go: `dram`.
    """
    plan = plan_run(network, hardware, options_for(network, batch))
    compiler = compiler_of(plan)
    to_plan = compiler.network_to_plan(plan.lowered.graph)
    found = planned(compiler, to_plan, cascades, frozenset(reads_pool), frozenset(pins))
    if found is None:
        return None
    schedule = compiler._written(to_plan, found, WEIGHTS, frozenset(pins))
    return replace(plan, schedule=schedule)


def planned(
    compiler: PoolCompiler,
    network: NetworkToPlan,
    cascades: Collection[Cascade],
    in_pool: frozenset[int],
    pins: frozenset[int],
) -> ResidencyPlan | None:
    """The residency plan of it; None where tiles have no room."""
    hardware, batch = compiler.hardware, compiler.options.batch
    pool = compiler.places(compiler._pinned_bytes(network, pins))
    tensors, lives = network.tensors.tensors, network.tensors.lives
    of_cascades = [
        stripes(network.layers, network.tensors, cascade, hardware.precision, batch) for cascade in cascades
    ]
    inside = {window.tensor for found in of_cascades for window in found.windows}
    at = {step: found for found in of_cascades for step in found.cascade.steps}

    def span(tensor: int) -> Steps:
        first, last = lives[tensor].first, lives[tensor].last
        first = at[first].cascade.steps[0] if first in at else first
        return Steps(first, at[last].cascade.steps[-1] if last in at else last)

    steps: list[StepPlan] = []
    for step, use in enumerate(network.tensors.uses):
        layer = network.layers[step]
        kept = in_pool | inside
        moved = {Operand.WEIGHTS} if step not in pins else set()
        moved |= set() if set(use.inputs) <= kept else {Operand.INPUTS}
        if use.residuals and not set(use.residuals) <= kept:
            moved |= {Operand.RESIDUAL}
        if use.output not in kept or (tensors[use.output].is_result and pool.outside):
            moved |= {Operand.OUTPUTS}
        taken = sum(tensors[index].size_bytes for index in in_pool if span(index).first <= step <= span(index).last)
        if step in at:
            found = at[step]
            taken += found.window_bytes
            taken += sum(pinned_bytes(network.layers[other], hardware) for other in found.cascade.resident)
        steps.append(
            StepPlan(
                moved=frozenset(moved),
                room_bytes=pool.size_bytes - taken,
                in_pool=tuple(index for index in in_pool if span(index).first <= step <= span(index).last),
                written=Operand.OUTPUTS in moved,
                kept=use.output in kept,
                stair=0,
                cost=StepCost(),
            )
        )
    places = [
        TensorPlaces(
            Steps(life.first, life.last) if index in in_pool | inside else None,
            None if index in inside else Steps(life.first, life.last),
        )
        for index, life in enumerate(lives)
    ]
    plan = ResidencyPlan(
        network.tensors, pool, tuple(steps), tuple(places), 0.0, None, (None,) * len(tensors), tuple(cascades)
    )
    return plan if _fits(compiler, network, plan) else None


def _fits(compiler: PoolCompiler, network: NetworkToPlan, plan: ResidencyPlan) -> bool:
    """Whether each form of stripe, and each layer, has a tile in its room."""
    from accelsim.mapping.staircase import movement_of
    from accelsim.planning.striping import operands_in, planned_entries

    for entry in planned_entries(network, plan, compiler.hardware, compiler.options.batch).entries:
        operands = operands_in(entry, plan.steps[entry.step], compiler.hardware, compiler.pool.memory)
        room_bytes = plan.steps[entry.step].room_bytes
        listed = compiler._shortlist(entry.layer.nameless, movement_of(operands.moved, operands.placed))
        if listed.staircase(WEIGHTS).stair(room_bytes) is None:
            return False
    return True
