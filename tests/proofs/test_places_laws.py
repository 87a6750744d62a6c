"""What is planned for a machine with a pool is proven: whatever is added, put side by side or read later."""

import json

import hypothesis.strategies as st
from hypothesis import assume, event, given, settings
from strategies import ANY_BITS, keeping_machines

from accelsim.errors import MappingError
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.run import options_for, plan_run
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
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


SOME = settings(max_examples=max(60, settings.default.max_examples))
BATCHES = st.sampled_from([1, 1, 2])
OBJECTIVES = st.sampled_from([None, "time", "energy", "edp"])


@SOME
@given(networks(), keeping_machines(), BATCHES, OBJECTIVES)
def test_what_stays_is_read_where_it_lies(network, hardware, batch, objective):
    assert is_proven(planned(network, hardware, batch=batch, dataflow="auto", objective=objective))


@settings(SOME, max_examples=40)
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


@settings(SOME, max_examples=40)
@given(networks(), keeping_machines(ANY_BITS, 1024, keeps=("activations", "weights")))
def test_so_they_do_where_elements_are_no_whole_bytes(network, hardware):
    assert both_are_proven(planned(network, hardware, batch=1, dataflow="auto", objective=None))
