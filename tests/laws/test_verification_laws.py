"""Every mapping that the search compares computes its layer and moves what it says it moves."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from machines import machine
from strategies import ANY_BITS, cases, cut_cases, machines, packed_cases, reordered_cases, unusual_layers

from accelsim.mapping.schedule import Schedule
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.run import plan_run
from accelsim.simulation.events import simulate_events
from accelsim.simulation.fast import simulate_fast
from accelsim.verification.layers import verify_mapping
from accelsim.verification.schedules import verify_plan


@given(case=cases())
def test_any_mapping_of_any_layer_executes_to_the_layers_own_outputs(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@given(case=packed_cases())
def test_so_it_does_where_elements_are_no_whole_bytes_and_weights_are_pruned(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@settings(max_examples=settings.default.max_examples * 3 // 2)
@given(case=cut_cases())
def test_so_it_does_with_several_images_in_a_tile_and_kernels_that_are_cut(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@settings(max_examples=settings.default.max_examples * 3 // 2)
@given(case=cut_cases(unusual_layers(), most_steps=600))
def test_so_it_does_with_those_whatever_is_fused_and_pooled_behind_it(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@settings(max_examples=settings.default.max_examples * 3 // 2)
@given(case=reordered_cases())
def test_so_it_does_with_loops_in_any_order(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@given(case=reordered_cases())
def test_both_engines_agree_on_loops_in_any_order(case):
    schedule = Schedule((case.layer,), (case.mapping,), ((),))
    assert simulate_fast(schedule, case.hardware) == simulate_events(schedule, case.hardware)


@settings(max_examples=settings.default.max_examples * 3 // 2)
@given(case=reordered_cases(unusual_layers(), most_steps=600))
def test_so_it_does_with_those_whatever_is_fused_and_pooled_behind_it_in_any_order(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@given(case=cases(unusual_layers(), machines(bits=ANY_BITS), most_steps=600))
def test_so_it_does_whatever_is_fused_and_pooled_behind_it(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@st.composite
def networks_around_their_image(draw):
    """Small networks in which whatever is added or multiplied may be the image, more than once."""
    channels, height, width = draw(st.integers(1, 5)), draw(st.integers(1, 6)), draw(st.integers(1, 6))
    large, rows = ["input"], []
    """The names of tensors as large as the image."""

    def add(operator, *inputs, **arguments):
        rows.append({"name": f"n{len(rows)}", "operator": operator, "inputs": inputs, **arguments})
        return rows[-1]["name"]

    def conv(source):
        groups = draw(st.sampled_from([1, channels]))
        kernel = draw(st.sampled_from([1, 3]))
        return add("conv", source, out_channels=channels, kernel=kernel, padding="same", groups=groups)

    for _ in range(draw(st.integers(1, 4))):
        made, other = conv(draw(st.sampled_from(large))), st.sampled_from(["input", *large])
        match draw(st.sampled_from(["residual", "gate", "both", "twice", "factors", "neither"])):
            case "residual":
                made = add("add", *draw(st.permutations([made, draw(other)])))
            case "gate":
                made = add("multiply", *draw(st.permutations([made, draw(other)])))
            case "both":
                made = add("add", draw(other), add("multiply", made, draw(other)))
            case "twice":
                made = add("add", *draw(st.permutations([made, "input", draw(other)])))
            case "factors":
                factors = add("conv", add("global_average_pool", draw(other)), out_channels=channels)
                made = add("multiply", made, factors)
        if draw(st.booleans()):
            made = add("activation", made, function="relu")
        large.append(made)
    return network(channels, height, width, rows)


def network(channels, height, width, rows):
    """The network of a graph's rows."""
    image = {"channels": channels, "height": height, "width": width}
    stages = [{"block": "graph", "name": "g", "operators": rows}]
    described = {"name": "drawn", "title": "drawn", "source": "drawn", "input": image, "stages": stages}
    return configure(NetworkDescription.model_validate_json(json.dumps(described)))


def proven(network, hardware):
    plan = plan_run(network, hardware)
    assert simulate_fast(plan.schedule, hardware) == simulate_events(plan.schedule, hardware)
    return verify_plan(plan).mismatches == {}


@settings(max_examples=settings.default.max_examples * 3 // 2)
@given(network=networks_around_their_image(), hardware=machines(smallest_buffer=4096))
def test_networks_are_proven_whatever_reads_the_image(network, hardware):
    assert proven(network, hardware)


CONV = {"name": "a", "operator": "conv", "inputs": ["input"], "out_channels": 4, "kernel": 3, "padding": 1}
LARGE = {"name": "l", "operator": "resize", "inputs": ["input"], "size": [5, 6], "interpolation": "nearest"}


@pytest.mark.parametrize(
    "rows",
    [
        [CONV, {"name": "b", "operator": "add", "inputs": ["input", "a"]}],
        [CONV, {"name": "b", "operator": "add", "inputs": ["input", "a", "input"]}],
        [CONV, {"name": "b", "operator": "multiply", "inputs": ["input", "a"]}],
        [{"name": "b", "operator": "add", "inputs": ["input", "input"]}],
    ],
)
def test_the_image_may_be_input_and_residual_of_a_layer(rows):
    assert proven(network(4, 8, 8, rows), machine())


def test_the_image_may_be_the_factors_of_a_gate():
    gate = {"name": "b", "operator": "multiply", "inputs": ["a", "input"]}
    assert proven(network(4, 1, 1, [LARGE, {**CONV, "inputs": ["l"]}, gate]), machine())
