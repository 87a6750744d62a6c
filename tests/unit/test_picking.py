"""Columns that are picked when they are read are those that would have been picked before."""

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from accelsim.mapping.arithmetic import entries
from accelsim.mapping.picking import picked
from accelsim.mapping.ranking import best_of_each, few_of_each
from accelsim.mapping.stack import stacked
from accelsim.network import load_network, lowered_network


def some_layers():
    graph = lowered_network(load_network("squeezenet_v1_1")).graph
    return [layer for layer in (graph[name].layer for name in graph) if layer.on_array]


LAYERS = some_layers()


def same(value, other):
    """Whether two parts are alike, column for column."""
    if dataclasses.is_dataclass(value):
        return all(
            same(getattr(value, one.name), getattr(other, one.name)) for one in dataclasses.fields(value)
        )
    if isinstance(value, tuple):
        return all(same(*pair) for pair in zip(value, other, strict=True))
    return np.array_equal(value, other)


@given(st.lists(st.integers(0, len(LAYERS) - 1), max_size=20))
def test_what_is_picked_is_what_entries_gives(which):
    stack, numbers = stacked(LAYERS), np.array(which, dtype=np.int64)
    at_once, when_read = entries(stack, numbers), picked(stack, numbers)
    assert isinstance(when_read, type(stack))
    assert same(at_once, when_read)
    for name in ("macs", "weights", "output_elements", "stored_elements", "on_array"):
        assert np.array_equal(getattr(at_once, name), getattr(when_read, name))


@given(st.lists(st.integers(0, len(LAYERS) - 1), min_size=1, max_size=20), st.data())
def test_of_what_is_picked_entries_are_picked_again(which, data):
    stack = stacked(LAYERS)
    again = np.array(data.draw(st.lists(st.integers(0, len(which) - 1), max_size=20)), dtype=np.int64)
    once = picked(stack, np.array(which))
    directly = entries(stack, np.array(which)[again])
    assert same(directly, picked(once, again))
    assert same(directly, entries(once, again))


@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from([1.0, 2.0, 3.5])), min_size=1), st.integers(1, 3)
)
def test_the_few_least_of_each_are_those_that_sorting_gives(pairs, count):
    owner, values = map(np.array, zip(*sorted(pairs, key=lambda pair: pair[0]), strict=True))
    assert few_of_each(owner, values, count).tolist() == sorted(best_of_each(owner, values, count).tolist())
