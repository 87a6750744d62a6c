"""Cascades that tests make by hand: plans in which some layers run stripe by stripe, all else outside."""

import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from machines import keeping_machine

from accelsim.hardware import Hardware, Operand
from accelsim.mapping.pinned import pinned_bytes
from accelsim.mapping.staircase import StepCost, Weights, beside_pinned_weights, movement_of
from accelsim.mapping.stripes import Cascade, Stripes
from accelsim.memory_map import Steps
from accelsim.network.configuration import configure
from accelsim.network.description import Network, NetworkDescription
from accelsim.planning.cascades.cascade import may_cascade, stripes
from accelsim.planning.cascades.striping import operands_in, planned_entries
from accelsim.planning.network_to_plan import NetworkToPlan
from accelsim.planning.plan import Plan
from accelsim.planning.pool_compiler import PoolCompiler
from accelsim.planning.programme.stages import _read_beside
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
    in_pool: Collection[int] = (),
    pins: Collection[int] = (),
    in_turn: bool = False,
) -> Plan | None:
    """A plan with these cascades, all other tensors outside; None where its tiles have no room.

    Args:
        network: What is planned.
        hardware: With a pool that keeps activations.
        cascades: Of its steps, whose layers go together; of others there is no plan either. Of steps that
            have no weights none stay.
        batch: Images that run together.
        in_pool: Tensors that lie in the pool, whole, from their first writer to their last reader.
        pins: Steps whose weights stay.
        in_turn: Whether an image of a batch goes through all layers before the next does.
    """
    plan = plan_run(network, hardware, options_for(network, batch))
    compiler, pinned = compiler_of(plan), frozenset(pins)
    if in_turn:
        compiler = compiler.other(options=replace(plan.options, batch=1), images_in_turn=batch)
    to_plan = compiler.network_to_plan(plan.lowered.graph)
    obstacles = [
        may_cascade(to_plan.layers, to_plan.tensors, found.first, found.layers) for found in cascades
    ]
    if any(obstacles):
        return None
    pinned = pinned & to_plan.with_weights
    cascades = tuple(
        [replace(each, resident=each.resident & to_plan.with_weights - pinned) for each in cascades]
    )
    found = planned(compiler, to_plan, cascades, frozenset(in_pool), pinned)
    if found is None:
        return None
    if not _fits(compiler, to_plan, found):
        return None
    return replace(plan, schedule=compiler._written(to_plan, found, WEIGHTS, pinned))


def planned(
    compiler: PoolCompiler,
    network: NetworkToPlan,
    cascades: Collection[Cascade],
    in_pool: frozenset[int],
    pins: frozenset[int],
) -> ResidencyPlan | None:
    """The residency plan of it, whether it has room or not; None where operands would lie in two places."""
    pool = compiler.places(compiler._pinned_bytes(network, pins))
    tensors, lives, last = network.tensors.tensors, network.tensors.lives, len(network.layers) - 1
    of_cascades = _stripes(compiler, network, cascades)
    inside = {window.tensor for found in of_cascades for window in found.windows}
    at = {step: found for found in of_cascades for step in found.cascade.steps}
    has_to = {
        index
        for index, tensor in enumerate(tensors)
        if not pool.outside or (tensor.is_image and pool.image_inside)
        or (tensor.is_result and pool.results_inside)
    }  # fmt: skip
    may = {index for index, tensor in enumerate(tensors) if not tensor.is_image}
    read_together = [set(operand) for use in network.tensors.uses for operand in use.operands]
    behind = {step for found in of_cascades for step in network.tensors.wanted_behind(found.cascade.steps)}
    if behind and not pool.outside:
        return None
    of_rows = {network.tensors.uses[step].output for step in behind}
    kept = _read_beside(in_pool & may | has_to | inside - of_rows, read_together) - inside
    if not kept <= may | has_to or of_rows & has_to:
        return None

    def span(tensor: int) -> Steps:
        first, end = lives[tensor].first, last if tensors[tensor].is_result else lives[tensor].last
        first = at[first].cascade.steps[0] if first in at else first
        return Steps(first, at[end].cascade.steps[-1] if end in at else end)

    steps: list[StepPlan] = []
    for step, use in enumerate(network.tensors.uses):
        rows = {window.tensor for window in at[step].windows} if step in at else set()
        there = kept | inside - of_rows | rows
        if any(set(operand) & there and set(operand) - there for operand in use.operands):
            return None
        moved = {Operand.WEIGHTS} - ({Operand.WEIGHTS} if step in pins else set())
        moved |= set() if set(use.inputs) <= there else {Operand.INPUTS}
        moved |= set() if set(use.residuals) <= there else {Operand.RESIDUAL}
        written = (
            step in behind
            or use.output not in there
            or (tensors[use.output].is_result and not pool.results_inside)
        )
        alive = tuple(sorted(index for index in kept if span(index).first <= step <= span(index).last))
        taken = sum(tensors[index].size_bytes for index in alive)
        if step in at:
            cascade = at[step].cascade
            taken += at[step].window_bytes
            taken += sum(pinned_bytes(network.layers[other], compiler.hardware) for other in cascade.resident)
        steps.append(
            StepPlan(
                moved=frozenset(moved | ({Operand.OUTPUTS} if written else set())),
                room_bytes=pool.size_bytes - taken,
                in_pool=alive,
                written=written,
                kept=use.output in there,
                stair=0,
                cost=StepCost(),
            )
        )
    places = []
    for index, tensor in enumerate(tensors):
        life = Steps(lives[index].first, last if tensor.is_result else lives[index].last)
        outside = not pool.image_inside if tensor.is_image else steps[lives[index].first].written
        in_use = life._replace(last=at[life.first].cascade.steps[-1]) if index in of_rows else life
        places.append(TensorPlaces(in_use if index in kept | inside else None, life if outside else None))
    return ResidencyPlan(
        network.tensors, pool, tuple(steps), tuple(places), 0.0, None, (None,) * len(tensors), tuple(cascades)
    )


def _stripes(compiler: PoolCompiler, network: NetworkToPlan, cascades: Collection[Cascade]) -> list[Stripes]:
    precision, batch = compiler.hardware.precision, compiler.options.batch
    return [stripes(network.layers, network.tensors, cascade, precision, batch) for cascade in cascades]


def _fits(compiler: PoolCompiler, network: NetworkToPlan, plan: ResidencyPlan) -> bool:
    """Whether each form of stripe, and each layer, has a tile in its room."""
    for entry in planned_entries(network, plan, compiler.hardware, compiler.options.batch).entries:
        operands = operands_in(entry, plan.steps[entry.step], compiler.hardware, compiler.pool.memory)
        movement = movement_of(operands.moved, operands.placed)
        sets = compiler._sets(entry.layer)
        if movement not in {*sets, *map(beside_pinned_weights, sets)}:  # some machines move all or nothing
            return False
        stairs = compiler._shortlist(entry.layer.nameless, movement).staircase(WEIGHTS)
        if stairs.stair(plan.steps[entry.step].room_bytes) is None:
            return False
    return True


def striped_machine(size_bytes: int = 1 << 17, **io: str) -> Hardware:
    """8 bits, one pool, and cascades."""
    described = keeping_machine(size_bytes, io).model_dump(mode="json", exclude_none=True)
    described["precision"] = {"weights_bits": 8, "activations_bits": 8, "partial_sums_bits": 32}
    return Hardware.model_validate_json(json.dumps({**described, "cascade": {"layers": 4}}))


def small(*rows: dict[str, Any], channels: int = 2, size: int = 8) -> Network:
    """A network of the rows of a graph."""
    stages = [{"block": "graph", "name": "g", "operators": list(rows)}]
    image = {"channels": channels, "height": size, "width": size}
    described = {"name": "small", "title": "small", "source": "made up", "input": image, "stages": stages}
    return configure(NetworkDescription.model_validate_json(json.dumps(described)))


def two_kernels() -> Network:
    """Two convolutions of 3 x 3, which keep the size of their input."""
    row = {"operator": "conv", "out_channels": 4, "kernel": 3, "padding": "same"}
    return small({**row, "name": "a", "inputs": ["input"]}, {**row, "name": "b", "inputs": ["a"]})
