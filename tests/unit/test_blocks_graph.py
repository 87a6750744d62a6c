"""The block `graph`: operators one by one, and what is said of rows that do not fit each other."""

import pytest

import accelsim
from accelsim.network.build import build
from accelsim.network.graph import Shape
from accelsim.network.load import load_network
from accelsim.network.lowering import lower

HEAD = """\
name: branches
title: Two branches
source: made up for these tests
input: {channels: 3, height: 8, width: 8}
stages:
  - {block: conv, name: stem, out_channels: 4, kernel: 1}
  - block: graph
    name: body
    operators:
"""
TAIL = "  - {block: fully_connected, name: fc, out_features: 10}\n"


def network(folder, *rows):
    """A network of a stem, the operators and a head."""
    path = folder / "branches.yaml"
    path.write_text(HEAD + "".join(f"      - {{{row}}}\n" for row in rows) + TAIL)
    return load_network(path)


def test_rows_read_each_other_and_what_the_block_reads(tmp_path):
    graph = build(
        network(
            tmp_path,
            "name: a, operator: conv, inputs: [input], out_channels: 4, kernel: 3, padding: 1",
            "name: b, operator: activation, inputs: [a], function: relu, stage: top",
            "name: c, operator: concat, inputs: [b, a]",
            "name: d, operator: max_pool, inputs: [c], kernel: 2, stride: 2",
        )
    )
    assert list(graph) == ["input", "stem", "a", "b", "c", "d", "fc"]
    assert graph["a"].operands == ("stem",)
    assert graph["c"].operands == ("b", "a")
    assert graph["fc"].operands == ("d",)
    assert graph["d"].operator.output == Shape(8, 4, 4)
    assert [graph[name].stage for name in "abcd"] == ["body", "top", "body", "body"]


def test_what_is_no_list_of_rows_is_told_what_all_rows_have(tmp_path):
    path = tmp_path / "branches.yaml"
    path.write_text(HEAD.replace("operators:", "operators: 4"))
    with pytest.raises(accelsim.AccelsimError) as error:
        load_network(path)
    assert str(error.value).endswith(
        ": stages.1.operators = 4: must be a list that is not empty "
        "(each a mapping with the keys name, stage, inputs, operator, ...)"
    )


def test_an_output_that_others_read_too_keeps_them_from_being_fused(tmp_path):
    conv = "name: a, operator: conv, inputs: [input], out_channels: 4"
    relu = "name: b, operator: activation, inputs: [a], function: relu"
    fused = lower(build(network(tmp_path, conv, relu)))
    assert [layer.name for layer in fused.layers] == ["stem", "a", "fc"]
    stored = lower(build(network(tmp_path, conv, "name: o, operator: network_output, inputs: [a]", relu)))
    assert [layer.name for layer in stored.layers] == ["stem", "a", "b", "fc"]
    assert stored["a"].network_output


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            "name: a, operator: conv, inputs: [input], out_channels: 4, bia: true",
            "10: stages.1.operators.0.bia = true: no such key, did you mean 'bias'?",
        ),
        (
            "name: a, operator: conv, inputs: [input]",
            "10: stages.1.operators.0.out_channels: missing, must be a whole number",
        ),
        (
            "name: a, operator: activation, inputs: [b], function: relu",
            "10: stages.1.operators.0.inputs = [\"b\"]: no row above is called 'b'",
        ),
        (
            "name: input, operator: softmax, inputs: [input]",
            "10: stages.1.operators.0.name = 'input': is the name of another row already",
        ),
        (
            "name: a, operator: multiply, inputs: [input]",
            '10: stages.1.operators.0.inputs = ["input"]: must be a list of 2',
        ),
        (
            "name: a, operator: convolve, inputs: [input]",
            "10: stages.1.operators.0.operator = 'convolve': no such operator, did you mean 'conv'?",
        ),
        (
            "name: a, operator: softmax, inputs: []",
            "10: stages.1.operators.0.inputs = []: must be a list that is not empty",
        ),
    ],
)
def test_rows_that_do_not_fit_are_refused(tmp_path, row, sentence):
    with pytest.raises(accelsim.AccelsimError) as error:
        network(tmp_path, row)
    assert any(sentence in line for line in error.value.lines), error.value.lines


def test_a_graph_without_rows_is_refused(tmp_path):
    path = tmp_path / "none.yaml"
    path.write_text(HEAD.rstrip("\n") + " []\n")
    with pytest.raises(accelsim.AccelsimError, match=r"operators = \[\]: must be a list that is not empty"):
        load_network(path)


def test_a_graph_cannot_be_repeated(tmp_path):
    path = tmp_path / "twice.yaml"
    row = "      - {name: a, operator: softmax, inputs: [input]}\n"
    path.write_text(HEAD.replace("    name: body", "    name: body\n    repeat: 2") + row)
    with pytest.raises(accelsim.AccelsimError, match="a: two layers have this name"):
        build(load_network(path))


def test_shared_parameters_are_used_here_and_counted_above(tmp_path):
    conv = "operator: conv, out_channels: 4, kernel: 3, padding: 1, bias: true"
    graph = build(
        network(
            tmp_path,
            f"name: a, inputs: [input], {conv}",
            f"name: b, inputs: [a], {conv}, shared: [weights]",
            f"name: c, inputs: [b], {conv}, shared: [weights, bias]",
            "name: d, inputs: [c], operator: activation, function: leaky_relu, slopes: 4",
            "name: e, inputs: [d], operator: activation, function: leaky_relu, slopes: 4, shared: [slopes]",
            "name: f, inputs: [e], operator: batch_norm",
            "name: g, inputs: [f], operator: batch_norm, shared: [scale]",
            "name: h, inputs: [g], operator: batch_norm, shared: [scale, shift]",
        )
    )
    assert [graph[name].operator.params for name in "abcdefgh"] == [148, 4, 0, 4, 0, 8, 4, 0]
    assert {graph[name].operator.weights for name in "abc"} == {144}
    assert {graph[name].operator.macs for name in "abc"} == {144 * 64}


def test_a_row_shares_only_parameters_that_it_has(tmp_path):
    with pytest.raises(accelsim.AccelsimError, match=r"shared\.0 = 'slopes': must be 'weights' or 'bias'"):
        network(tmp_path, "name: a, inputs: [input], operator: conv, out_channels: 4, shared: [slopes]")
