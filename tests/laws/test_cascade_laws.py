"""Cascades that are made by hand, on any machine: both engines agree, and what is moved is what has to be."""

import json

import hypothesis.strategies as st
import pytest
from cascades import with_cascades
from hypothesis import assume, given, settings
from strategies import ANY_BITS, keeping_machines

from accelsim.descriptions import vary
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.stripes import Cascade
from accelsim.mapping.together import by_layer
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.run import options_for, plan_run, run_plan
from accelsim.simulation import simulate
from accelsim.verification.schedules import verify_plan

SOME = settings(max_examples=settings.default.max_examples // 3)


@st.composite
def chains(draw):
    """Networks one layer behind the other: kernels, strides, depthwise layers, poolings, residuals."""
    channels, height, width = draw(st.integers(1, 4)), draw(st.integers(6, 14)), draw(st.integers(1, 5))
    rows, names, shapes = [], ["input"], [(channels, height, width)]

    def add(operator, *sources, **arguments):
        rows.append({"name": f"n{len(rows)}", "operator": operator, "inputs": list(sources), **arguments})
        return rows[-1]["name"]

    for _ in range(draw(st.integers(3, 5))):
        kind = draw(st.sampled_from(["plain", "plain", "pooled", "residual"]))
        before, rows_before, columns_before = shapes[-1]
        stride = draw(st.sampled_from([1, 1, 2])) if kind == "plain" else 1
        after = before if kind == "residual" else draw(st.integers(1, 4))
        groups = before if before == after and draw(st.booleans()) else 1
        kernel = draw(st.sampled_from([1, 3, 3, 5]))
        made = add(
            "conv", names[-1], out_channels=after, kernel=kernel, padding="same", stride=stride, groups=groups
        )
        shape = after, -(-rows_before // stride), -(-columns_before // stride)
        if kind == "residual":
            same = [name for name, other in zip(names, shapes, strict=True) if other == shape]
            made = add("add", same[draw(st.integers(0, len(same) - 1))], made)
        if kind == "pooled" and min(shape[1:]) >= 3:
            window, step = draw(st.sampled_from([(2, 1), (2, 2), (3, 1), (3, 2)]))
            made = add("max_pool", made, kernel=window, stride=step)
            shape = after, *[(size - window) // step + 1 for size in shape[1:]]
        names.append(made)
        shapes.append(shape)
    image = {"channels": channels, "height": height, "width": width}
    stages = [{"block": "graph", "name": "g", "operators": rows}]
    described = {"name": "drawn", "title": "drawn", "source": "drawn", "input": image, "stages": stages}
    return configure(NetworkDescription.model_validate_json(json.dumps(described)))


class Case:
    """A network of which some layers run stripe by stripe, on a machine."""

    def __init__(self, arguments, plan, cascade):
        self.arguments, self.plan, self.cascade = arguments, plan, cascade

    def __repr__(self):
        rows = self.plan.network.description.stages[0].model_dump(exclude_none=True)["operators"]
        sizes = {memory.name: memory.size_bytes for memory in self.plan.hardware.memories}
        return f"Case({self.cascade}, {self.arguments}, {rows}, {sizes})"


@st.composite
def with_stripes(draw, machines):
    """The same with cascades; of some an addition is a layer of two operands."""
    described = draw(machines).model_dump(mode="json", exclude_none=True)
    unfused = {"unfused": draw(st.sampled_from([[], ["add"]]))}
    unit = {**described.get("vector_unit", {}), **unfused}
    return Hardware.model_validate_json(
        json.dumps({**described, "vector_unit": unit, "cascade": {"layers": 4}})
    )


@st.composite
def cascaded(draw, **arguments):
    """A plan in which successive layers of a chain run stripe by stripe."""
    hardware = draw(with_stripes(keeping_machines(smallest_pool=4096, **arguments)))
    network = draw(chains())
    first, layers = draw(st.integers(0, 1)), draw(st.integers(2, 4))
    steps = range(first, first + layers)
    can_stay = hardware.pool is not None and Operand.WEIGHTS in hardware.pool.operands
    some = st.frozensets(st.sampled_from(list(steps)))
    resident = draw(some) if can_stay else frozenset()
    pins = draw(some) - resident if hardware.keeps("weights") else frozenset()
    cascade = Cascade(first, layers, draw(st.integers(1, 5)), resident)
    in_pool = draw(st.frozensets(st.integers(0, 5)))
    batch, in_turn = draw(st.sampled_from([(1, False), (1, False), (2, False), (3, True)]))
    arguments = {"batch": batch, "in_turn": in_turn, "in_pool": in_pool, "pins": pins}
    try:
        plan = with_cascades(network, hardware, cascade, **arguments)
    except AccelsimError:
        plan = None
    assume(plan is not None)
    return Case(arguments, plan, cascade)


@SOME
@given(case=cascaded(bits=ANY_BITS))
def test_both_engines_agree_and_layers_add_up(case):
    plan = case.plan
    fast = simulate(plan.schedule, plan.hardware)
    assert fast == simulate(plan.schedule, plan.hardware, engine="events")
    result = run_plan(plan)
    assert sum(layer.cycles for layer in result.layers) == result.cycles == fast.cycles
    assert len(result.layers) == len(by_layer(plan.schedule).layers)
    for layer, whole in zip(result.layers, plan.schedule.striped.layers, strict=True):
        assert layer.macs == plan.options.batch * whole.macs
    total = {name: sum(layer.memories[name].energy for layer in result.layers) for name in result.memories}
    for name, memory in result.memories.items():
        for operand, moved in memory.moved_bytes.items():
            assert moved == sum(layer.memories[name].moved_bytes[operand] for layer in result.layers)
        if not plan.hardware.static_power_mw:
            assert abs(total[name] - memory.energy) <= 1e-6 * max(1, memory.energy)


def differences(plan):
    """As sentences."""
    return {name: str(mismatch) for name, mismatch in verify_plan(plan).mismatches.items()}


@SOME
@given(case=cascaded(bits=ANY_BITS))
def test_cascades_are_proven(case):
    assert not differences(case.plan), differences(case.plan)


@SOME
@given(case=cascaded(keeps=("activations", "weights")))
def test_so_they_are_beside_pinned_weights(case):
    assert not differences(case.plan), differences(case.plan)
    first = case.plan.schedule.first_inference
    if first is not None:
        hardware = case.plan.hardware
        assert simulate(first, hardware) == simulate(first, hardware, engine="events")


@SOME
@given(network=chains(), striped=with_stripes(keeping_machines(smallest_pool=256, largest_pool=2048)))
def test_what_is_planned_is_proven_and_both_engines_agree(network, striped):
    """Small pools, in which whole tensors have no room; by energy, which counts what goes outside."""
    options = options_for(network, objective="energy")
    try:
        plan = plan_run(network, striped, options)
    except AccelsimError:  # without cascades there is no room either
        with pytest.raises(AccelsimError):
            plan_run(network, vary(striped, cascade=None), options)
        return
    assert not differences(plan), differences(plan)
    assert simulate(plan.schedule, striped) == simulate(plan.schedule, striped, engine="events")
    assert plan.schedule.memory_map.address_waste_bytes == 0 or plan.schedule.striped is None
