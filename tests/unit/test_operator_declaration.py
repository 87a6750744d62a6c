"""An operator's arguments are declared once, in its class: what is derived from that has all of them."""

import pickle
from dataclasses import dataclass
from typing import ClassVar

import pytest
from pydantic import ValidationError

from accelsim.descriptions.quantities import Extent
from accelsim.network import declaration
from accelsim.network import operators as ops
from accelsim.network.blocks import block_of, single
from accelsim.network.blocks.graph import ROWS, OperatorRow, _row_of
from accelsim.network.declaration import OF_MODELS, OPERATORS, arguments_of, operator, reads_one, unsaid
from accelsim.network.graph import Draft, Operator, Shape


@pytest.mark.parametrize("name", OPERATORS)
def test_a_row_of_a_graph_has_the_arguments_of_its_operator_and_what_every_row_has(name):
    fields = ROWS[name].model_fields
    assert list(fields) == [*OperatorRow.model_fields, *arguments_of(name)]
    for key, argument in arguments_of(name).items():
        assert fields[key].is_required() == argument.required
        assert argument.required or fields[key].default == argument.default


@pytest.mark.parametrize("name", ["conv", "max_pool", "average_pool", "lrn", "fully_connected", "softmax"])
def test_a_block_of_one_operator_has_its_arguments_but_those_of_models_from_elsewhere(name):
    fields = list(block_of(name).model_fields)
    declared = [key for key, argument in arguments_of(name).items() if OF_MODELS not in argument.marks]
    assert fields[: len(declared)] == declared
    assert set(fields[len(declared) :]) <= {"batch_norm", "activation"}


def test_rows_and_blocks_that_are_made_at_run_time_come_back_from_another_process():
    row = ROWS["max_pool"](name="a", inputs=("input",), operator="max_pool", kernel=3)
    block = single.MaxPool(kernel=(2, 3), stride=2)
    assert pickle.loads(pickle.dumps((row, block))) == (row, block)


@pytest.fixture
def _sort():
    """An operator with an argument, declared for a test."""

    @operator("sort")
    @dataclass(frozen=True, kw_only=True)
    class Sort(Operator):
        """Channels in the order of their sums."""

        kind: ClassVar[str] = "sort"
        axes: Extent = 2

    yield Sort
    del declaration.OPERATORS["sort"]
    arguments_of.cache_clear()


def test_an_operator_that_is_declared_has_a_function_a_row_and_defaults_that_need_not_be_said(_sort):
    draft = Draft()
    ops.network_input(draft, "x", Shape(8, 4, 4))
    assert reads_one(_sort)(draft, "s", "x", axes=1) == "s"
    assert draft.graph["s"].operator == _sort(draft.site("s", ("x",)), axes=1)
    row = _row_of("sort")(name="t", inputs=("s",), operator="sort")
    assert row.add(draft, ["s"]) == "t"
    assert draft.graph["t"].operator.axes == 2
    with pytest.raises(ValidationError, match="axes"):
        _row_of("sort")(name="t", inputs=("s",), operator="sort", axes=0)
    assert unsaid("sort", {"axes": 2}) == {"axes"}
    assert unsaid("sort", {"axes": 3}) == set()


def test_what_tools_differ_in_is_said_even_where_it_is_as_by_default():
    assert unsaid("fully_connected", {"out_features": 10, "bias": True, "shared": ()}) == {"shared"}
    assert unsaid("resize", {"size": (4, 4), "interpolation": "nearest"}) == set()
