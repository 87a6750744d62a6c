"""Layers are told apart by what they are: never by their shapes, which are for people."""

import pytest
from machines import machine

from accelsim import explain_network, run_network
from accelsim.descriptions import check, parse_text
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.search.worst_stage import layers_of_worst_form

NETWORK = """\
name: net
title: three convolutions of one shape
source: made up for a test
input: {{channels: 16, height: 32, width: 32}}
stages:
  - block: graph
    name: g
    operators:
      - {{name: first, operator: conv, inputs: [input], out_channels: 16, kernel: 3, padding: 1}}
      - {{name: second, operator: conv, inputs: [first], out_channels: 16, kernel: 3, {second}}}
      - {{name: third, operator: conv, inputs: [second], out_channels: 16, kernel: 3, padding: 1}}
"""
DIFFERENT = {
    "dilation": "padding: 4, dilation: 4",
    "padding": "padding: [2, 0, 1, 1]",
    "bias": "padding: 1, bias: true",
}
"""What the second convolution may be, that its kernel, channels and outputs do not show."""
WEIGHTS_STAY = machine(**{"pe_array.dataflows": ["weight_stationary"]})


def network(second):
    return configure(check(parse_text(NETWORK.format(second=second), "net.yaml"), NetworkDescription))


def groups(second):
    return sorted(sorted(one.names) for one in explain_network(network(second), WEIGHTS_STAY, layers=9).worst)


def test_layers_that_are_alike_are_one_group():
    assert groups("padding: 1") == [["first", "second", "third"]]


@pytest.mark.parametrize("second", DIFFERENT.values(), ids=DIFFERENT)
def test_layers_that_differ_in_anything_are_explained_apart(second):
    assert groups(second) == [["first", "third"], ["second"]]


@pytest.mark.parametrize("second", DIFFERENT.values(), ids=DIFFERENT)
def test_a_walk_counts_only_layers_that_are_alike(second):
    worst = layers_of_worst_form(run_network(network(second), WEIGHTS_STAY))
    assert len({layer.form for layer in worst}) == 1
    assert {layer.name for layer in worst} in ({"first", "third"}, {"second"})


def test_a_form_has_no_names():
    first, _, third = run_network(network("padding: 1"), WEIGHTS_STAY).layers
    assert first.name != third.name
    assert first.form == third.form
    assert first.form.name == ""


def test_the_json_of_a_layer_tells_layers_of_one_shape_apart():
    _, second, third = run_network(network(DIFFERENT["padding"]), WEIGHTS_STAY).to_dict()["layers"]
    assert second["shape"] == third["shape"]
    assert second["loops"]["pad_top"] == 2
    assert third["loops"]["pad_top"] == 1
