"""Lowering does work in proportion to what the layers read, counted in lines that are gone through."""

import sys

import pytest

from accelsim.network import operators
from accelsim.network.graph import Draft, Shape
from accelsim.network.lowering import lower

TOLERANCE = 1.3
"""For logarithms, and for what small networks do once."""


def dense(count):
    """Every layer reads what all before it put out, one concatenation in another."""
    draft = Draft()
    tensor = operators.network_input(draft, "input", Shape(4, 4, 4))
    for place in range(count):
        fresh = operators.conv(draft, f"conv{place}", tensor, out_channels=4, kernel=1)
        tensor = operators.concat(draft, f"concat{place}", (tensor, fresh))
    return draft.graph


def wide(count):
    """One concatenation of so many layers, and another of the same in the opposite order."""
    draft = Draft()
    image = operators.network_input(draft, "input", Shape(4, 4, 4))
    parts = [operators.conv(draft, f"conv{place}", image, out_channels=4, kernel=1) for place in range(count)]
    for name, order in (("there", parts), ("back", parts[::-1])):
        operators.conv(draft, f"{name}.conv", operators.concat(draft, name, order), out_channels=4, kernel=1)
    return draft.graph


def repeated(count):
    """A concatenation of one layer with itself, so many times."""
    draft = Draft()
    image = operators.network_input(draft, "input", Shape(4, 4, 4))
    part = operators.conv(draft, "conv", image, out_channels=4, kernel=1)
    operators.conv(draft, "last", operators.concat(draft, "concat", [part] * count), out_channels=4, kernel=1)
    return draft.graph


def sliced(count):
    """A concatenation that is cut into its parts again."""
    draft = Draft()
    image = operators.network_input(draft, "input", Shape(4, 4, 4))
    parts = [operators.conv(draft, f"conv{place}", image, out_channels=4, kernel=1) for place in range(count)]
    whole = operators.concat(draft, "concat", parts)
    for place in range(count):
        part = operators.channel_slice(draft, f"slice{place}", whole, first=4 * place, channels=4)
        operators.conv(draft, f"reader{place}", part, out_channels=4, kernel=1)
    return draft.graph


def chain(count):
    """One layer after another."""
    draft = Draft()
    tensor = operators.network_input(draft, "input", Shape(4, 4, 4))
    for place in range(count):
        tensor = operators.conv(draft, f"conv{place}", tensor, out_channels=4, kernel=1)
    return draft.graph


def lines_of_lowering(graph):
    """How many lines of Python are gone through, and how many operands the executed layers have."""
    lines = 0

    def tracer(_frame, event, _argument):
        nonlocal lines
        lines += event == "line"
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        executed = lower(graph)
    finally:
        sys.settrace(before)
    return lines, len(executed) + len(executed.edges)


@pytest.mark.parametrize("network", [dense, wide, repeated, sliced, chain])
def test_four_times_as_many_layers_take_lines_in_proportion_to_their_operands(network):
    few_lines, few_operands = lines_of_lowering(network(30))
    many_lines, many_operands = lines_of_lowering(network(120))
    growth = max(many_operands / few_operands, 4)
    assert many_lines <= TOLERANCE * growth * few_lines
