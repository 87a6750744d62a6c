"""What is planned for a machine with a pool is proven: whatever is added, put side by side or read later."""

import json
import math
from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import assume, event, given, settings
from machines import engines_may_rest_on
from strategies import ANY_BITS, keeping_machines

from accelsim.descriptions import vary
from accelsim.errors import MappingError
from accelsim.mapping.pool_knowledge import PoolKnowledge
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.planning import idle_descriptors
from accelsim.planning.pool_schedule import pool_schedules
from accelsim.pricing import result_of
from accelsim.reuse import Cache
from accelsim.run import options_for, plan_run
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.transitions import Transitions
from accelsim.verification.places import pool_bytes
from accelsim.verification.schedules import verify_plan


@st.composite
def networks(draw, most_rows=7):
    """Small networks whose tensors are read once or often, soon or late, alone or beside others."""
    channels, height, width = draw(st.integers(1, 6)), draw(st.integers(2, 9)), draw(st.integers(2, 9))
    channels_of = {"input": channels}
    rows = []

    def add(operator, *inputs, channels, **arguments):
        rows.append({"name": f"n{len(rows)}", "operator": operator, "inputs": inputs, **arguments})
        channels_of[rows[-1]["name"]] = channels
        return rows[-1]["name"]

    def some(most=1):
        recent = list(channels_of)[-4:]
        return draw(st.lists(st.sampled_from(recent), min_size=most, max_size=most, unique=True))

    def conv(source, out_channels):
        kernel = draw(st.sampled_from([1, 1, 3]))
        arguments = {"out_channels": out_channels, "kernel": kernel, "padding": "same"}
        return add("conv", source, channels=out_channels, **arguments)

    for _ in range(draw(st.integers(1, most_rows))):
        match draw(st.sampled_from(["conv", "conv", "residual", "concat", "pool"])):
            case "conv":
                conv(*some(), draw(st.integers(1, 8)))
            case "residual":
                (other,) = some()
                made = conv(*some(), channels_of[other])
                add("add", *draw(st.permutations([made, other])), channels=channels_of[other])
            case "concat":
                parts = [conv(*some(), draw(st.integers(1, 5))) for _ in range(draw(st.integers(2, 3)))]
                add("concat", *parts, channels=sum(channels_of[part] for part in parts))
            case "pool":
                source = conv(*some(), draw(st.integers(1, 5)))
                window = {"kernel": 3, "stride": 1, "padding": 1}
                add("max_pool", source, channels=channels_of[source], **window)
    return network(channels, height, width, rows)


def network(channels, height, width, rows):
    image = {"channels": channels, "height": height, "width": width}
    stages = [{"block": "graph", "name": "g", "operators": rows}]
    described = {"name": "drawn", "title": "drawn", "source": "drawn", "input": image, "stages": stages}
    return configure(NetworkDescription.model_validate_json(json.dumps(described)))


def planned(network, hardware, **options):
    """The plan of a network that has one."""
    try:
        return plan_run(network, hardware, options_for(network, **options))
    except MappingError:
        event("does not fit")
        assume(False)


def is_proven(plan):
    assert engines_may_rest_on(plan.schedule.mappings)
    assert simulate_fast(plan.schedule, plan.hardware) == simulate_events(plan.schedule, plan.hardware)
    event(f"at most {len(str(max(pool_bytes(plan.schedule))))} digits of bytes stay")
    return verify_plan(plan).mismatches == {}


def both_are_proven(plan):
    """Of both inferences."""
    first = plan.schedule.first_inference
    if first is not None:
        assert simulate_fast(first, plan.hardware) == simulate_events(first, plan.hardware)
    event("weights are pinned" if first else "no weights are pinned")
    return is_proven(plan)


SOME = settings(max_examples=settings.default.max_examples // 2)
FEW = settings(max_examples=settings.default.max_examples // 3)
"""Networks are planned whole, for which each layer is searched: a quarter of a second each time."""
KEEPS = (("activations",), ("activations", "weights"))
BATCHES = st.sampled_from([1, 1, 2, 5])
OBJECTIVES = st.sampled_from([None, "time", "energy", "edp"])


@SOME
@given(networks(), keeping_machines(), BATCHES, OBJECTIVES)
def test_what_stays_is_read_where_it_lies(network, hardware, batch, objective):
    assert is_proven(planned(network, hardware, batch=batch, dataflow="auto", objective=objective))


@FEW
@given(networks(), keeping_machines(ANY_BITS, 1024))
def test_so_it_is_where_elements_are_no_whole_bytes(network, hardware):
    assert is_proven(planned(network, hardware, batch=1, dataflow="auto", objective=None))


@SOME
@given(
    networks(),
    st.one_of(keeping_machines(keeps=keeps) for keeps in (("activations", "weights"), ("weights",))),
    BATCHES,
    OBJECTIVES,
)
def test_weights_that_stay_come_once(network, hardware, batch, objective):
    assert both_are_proven(planned(network, hardware, batch=batch, dataflow="auto", objective=objective))


@FEW
@given(
    networks(), keeping_machines(keeps=("activations", "weights")), st.sampled_from(["time", "energy", "edp"])
)
def test_to_keep_both_is_never_worse_than_to_keep_either(network, hardware, objective):
    """Nor does it fit less."""
    both = value_if(network, hardware, objective, ["activations", "weights"])
    assert both <= value_if(network, hardware, objective, ["activations"])
    if hardware.input_place == hardware.output_place == "dram":
        assert both <= value_if(network, hardware, objective, ["weights"])


def value_if(network, hardware, objective, keeps):
    """What is to be small where these stay; what does not fit comes last."""
    machine = vary(hardware, **{"memories.sram.keeps": keeps})
    try:
        plan = plan_run(network, machine, options_for(network, objective=objective))
    except MappingError:
        return True, math.inf
    return value_of(plan.schedule, plan)


@FEW
@given(
    networks(most_rows=4),
    st.one_of(keeping_machines(keeps=keeps) for keeps in KEEPS),
    st.sampled_from([2, 3, 9]),
    st.sampled_from(["time", "energy", "edp"]),
)
def test_a_batch_goes_the_better_way(network, hardware, batch, objective):
    """Of all images through each layer, and each image through all layers; it says how the other way does."""
    plan = planned(network, hardware, batch=batch, dataflow="auto", objective=objective)
    ways = pool_schedules(
        plan.lowered.graph, hardware, plan.options, Transitions(), PoolKnowledge(), Cache().layers
    )
    order = plan.schedule.memory_map.batch_order
    event(f"images in turn: {order.in_turn}")
    assert order.in_turn == (plan.schedule.images_in_turn == batch)
    assert (order.other_cycles is None) == (len(ways) == 1)
    assert value_of(plan.schedule, plan) == min(
        value_of(one, plan) for way in ways for one in with_idle(way, plan)
    )
    if len(ways) == 2:
        (other,) = [way for way in ways if way.images_in_turn != plan.schedule.images_in_turn]
        cycles = min(simulate_events(one, hardware).cycles for one in with_idle(other, plan))
        assert order.other_cycles == cycles


def value_of(schedule, plan):
    """What is to be small, as it is simulated; tensors and tiles without room in one piece come last."""
    run = result_of(replace(plan, schedule=schedule), simulate_fast(schedule, plan.hardware))
    value = {"time": run.cycles, "energy": run.energy.total, "edp": run.cycles * run.energy.total}
    return schedule.memory_map.address_waste_bytes > 0, value[plan.options.objective]


def with_idle(schedule, plan):
    return [
        replace(schedule, idle_descriptors=idle) for idle in idle_descriptors(plan.hardware, plan.options)
    ]


@FEW
@given(networks(), keeping_machines(ANY_BITS, 1024, keeps=("activations", "weights")))
def test_so_they_do_where_elements_are_no_whole_bytes(network, hardware):
    assert both_are_proven(planned(network, hardware, batch=1, dataflow="auto", objective=None))
