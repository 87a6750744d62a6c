"""What becomes of each published operator, on graphs small enough to see it."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import pytest

from accelsim.errors import NetworkError
from accelsim.network import operators as ops
from accelsim.network.build import build
from accelsim.network.executed import Note, Read, Reason
from accelsim.network.graph import Draft, Operator, Shape
from accelsim.network.layer import FusedOperator, Layer, Pooling, changed
from accelsim.network.load import load_network
from accelsim.network.lowering import lower
from accelsim.report.text.lowering import reason_words

PIXELS = 6 * 5


@pytest.fixture
def draft():
    draft = Draft()
    ops.network_input(draft, "x", Shape(8, 6, 5))
    return draft


def conv(draft, name, source, out_channels=8, **arguments):
    return ops.conv(draft, name, source, out_channels=out_channels, **arguments)


def executed(draft):
    graph = lower(draft.graph)
    return graph, {layer.name: layer for layer in graph.layers}


def read(graph, producer, reader):
    """What a layer reads of another one."""
    (found,) = (read for read in graph[reader].reads if read.producer == producer)
    return found


def fates(graph):
    return {note.node: (note.fate, note.layers) for note in graph.notes}


def test_a_changed_layer_is_what_replacing_its_fields_gives():
    layer = Layer("c", "conv", 8, 8, 6, 5, params=64, stage="s")
    caches = [name for name, value in vars(Layer).items() if isinstance(value, cached_property)]
    for name in caches:
        getattr(layer, name)
    changes = {"bias": True, "params": 80, "fused": (FusedOperator("r", "relu", 240),), "pooling": None}
    other = changed(layer, **changes)
    assert other == replace(layer, **changes)
    assert caches
    for name in caches:
        assert getattr(other, name) == getattr(replace(layer, **changes), name)
    assert layer == Layer("c", "conv", 8, 8, 6, 5, params=64, stage="s")


# Batch normalisation and activation


def test_batch_norm_and_relu_become_part_of_the_convolution_before_them(draft):
    conv(draft, "c", "x")
    ops.batch_norm(draft, "bn", "c")
    ops.activation(draft, "r", "bn", function="relu")
    graph, layer = executed(draft)
    assert list(layer) == ["c"]
    assert layer["c"].bias
    assert layer["c"].params == 8 * 8 + 16
    assert [(f.name, f.operator, f.vector_ops) for f in layer["c"].fused] == [
        ("bn", "batch_norm", 0),
        ("r", "relu", 8 * PIXELS),
    ]
    assert fates(graph) == {
        "x": ("input", ()),
        "c": ("layer", ("c",)),
        "bn": ("folded", ("c",)),
        "r": ("fused", ("c",)),
    }


def test_an_output_that_somebody_else_reads_keeps_its_activation_apart(draft):
    conv(draft, "c", "x")
    ops.activation(draft, "r", "c", function="hard_swish")
    ops.concat(draft, "k", ("c", "r"))
    _, layer = executed(draft)
    assert list(layer) == ["c", "r"]
    assert (layer["r"].operator, layer["r"].vector_ops) == ("hard_swish", 3 * 8 * PIXELS)
    assert (layer["r"].G, layer["r"].K, layer["r"].C) == (8, 1, 1)
    assert layer["c"].fused == ()


def test_batch_norm_after_an_activation_cannot_go_into_the_weights(draft):
    conv(draft, "c", "x")
    ops.activation(draft, "r", "c", function="relu")
    ops.batch_norm(draft, "bn", "r")
    graph, layer = executed(draft)
    assert not layer["c"].bias
    assert layer["c"].fused[1].vector_ops == 8 * PIXELS
    assert layer["c"].params == 8 * 8 + 16
    assert fates(graph)["bn"] == ("fused", ("c",))


def test_batch_norm_of_a_concatenation_is_a_layer(draft):
    """As in DenseNet, where it comes before the convolution."""
    ops.concat(draft, "k", (conv(draft, "a", "x"), conv(draft, "b", "x")))
    ops.batch_norm(draft, "bn", "k")
    ops.activation(draft, "r", "bn", function="relu")
    _, layer = executed(draft)
    assert list(layer) == ["a", "b", "bn"]
    assert (layer["bn"].params, layer["bn"].vector_ops) == (32, 16 * PIXELS)
    assert [fused.name for fused in layer["bn"].fused] == ["r"]


def test_normalisation_over_channels_and_softmax_ride_along_too(draft):
    conv(draft, "c", "x")
    ops.lrn(draft, "n", "c", size=5)
    ops.fully_connected(draft, "fc", "n", out_features=10)
    ops.softmax(draft, "p", "fc")
    _, layer = executed(draft)
    assert [layer["c"].fused[0].vector_ops, layer["fc"].fused[0].vector_ops] == [8 * 8 * PIXELS, 50]
    assert (layer["fc"].K, layer["fc"].C, layer["fc"].macs) == (10, 240, 2400)


def test_an_activation_of_the_image_is_a_layer_and_reads_it(draft):
    ops.activation(draft, "r", "x", function="relu")
    graph, _ = executed(draft)
    assert graph["r"].network_input_elements == 240


def test_dropout_vanishes_without_standing_in_the_way(draft):
    conv(draft, "c", "x")
    ops.dropout(draft, "d", "c")
    ops.activation(draft, "r", "d", function="relu")
    graph, layer = executed(draft)
    assert list(layer) == ["c"]
    assert [fused.name for fused in layer["c"].fused] == ["r"]
    assert fates(graph)["d"] == ("vanished", ())


# Convolution and pooling as loop nests


def test_a_convolution_becomes_its_loop_nest(draft):
    conv(draft, "c", "x", 12, kernel=(3, 1), stride=(2, 1), padding=(1, 0, 0, 2), groups=4, bias=True)
    _, layer = executed(draft)
    nest = layer["c"]
    assert (nest.G, nest.K, nest.C, nest.OY, nest.OX, nest.FY, nest.FX) == (4, 3, 2, 3, 7, 3, 1)
    assert (nest.IY, nest.IX, nest.stride_y, nest.stride_x) == (6, 5, 2, 1)
    assert (nest.pad_top, nest.pad_left, nest.bias) == (1, 0, True)
    assert nest.input_elements == 240


def test_pooling_is_a_layer_of_the_vector_unit(draft):
    ops.max_pool(draft, "m", "x", kernel=3, stride=2)
    ops.global_average_pool(draft, "g", "m")
    _, layer = executed(draft)
    assert (layer["m"].operator, layer["m"].vector_ops) == ("max_pool", 8 * 2 * 2 * 9)
    assert (layer["m"].G, layer["m"].K, layer["m"].C, layer["m"].FY) == (8, 1, 1, 3)
    assert (layer["g"].operator, layer["g"].vector_ops) == ("global_average_pool", 8 * 2 * 2)
    assert not layer["m"].on_array
    assert layer["m"].macs == 0


def test_a_pooling_of_outputs_that_only_it_reads_joins_their_layer(draft):
    conv(draft, "c", "x")
    ops.activation(draft, "r", "c", function="relu")
    ops.max_pool(draft, "m", "r", kernel=3, stride=2, padding=1)
    conv(draft, "d", "m")
    graph, layer = executed(draft)
    assert list(layer) == ["c", "d"]
    pooling = layer["c"].pooling
    assert (pooling.name, pooling.operator, pooling.OY, pooling.OX) == ("m", "max_pool", 3, 3)
    assert (pooling.FY, pooling.stride_x, pooling.pad_top) == (3, 2, 1)
    assert (layer["c"].output_elements, layer["c"].stored_elements) == (240, 72)
    assert read(graph, "c", "d").input_elements == 72
    assert fates(graph)["m"] == ("fused", ("c",))


def test_a_pooling_joins_all_layers_of_a_concatenation(draft):
    """As after a fire module (arXiv:1602.07360): pooling works on each channel alone."""
    ops.concat(draft, "k", (conv(draft, "a", "x", 3), conv(draft, "b", "x", 5)))
    ops.global_average_pool(draft, "g", "k")
    graph, layer = executed(draft)
    assert list(layer) == ["a", "b"]
    assert layer["a"].pooling == layer["b"].pooling
    assert layer["a"].pooling.operator == "global_average_pool"
    assert (layer["a"].stored_elements, layer["b"].stored_elements) == (3, 5)
    assert fates(graph)["g"] == ("fused", ("a", "b"))


def test_a_pooling_of_outputs_that_somebody_else_reads_is_a_layer(draft):
    ops.concat(draft, "k", (conv(draft, "a", "x", 3), conv(draft, "b", "x", 5)))
    ops.average_pool(draft, "p", "k", kernel=2, stride=2)
    conv(draft, "c", "b")
    _, layer = executed(draft)
    assert list(layer) == ["a", "b", "p", "c"]
    assert layer["p"].vector_ops == 8 * 3 * 2 * 4


def test_an_activation_after_a_pooling_is_a_layer_of_its_own(draft):
    ops.max_pool(draft, "m", conv(draft, "c", "x"), kernel=2, stride=2)
    ops.activation(draft, "r", "m", function="relu")
    graph, layer = executed(draft)
    assert list(layer) == ["c", "r"]
    assert read(graph, "c", "r").input_elements == layer["r"].input_elements == 8 * 3 * 2


# Addition and multiplication


def test_an_addition_becomes_part_of_the_last_of_its_producers(draft):
    conv(draft, "shortcut", "x")
    conv(draft, "branch", "x")
    ops.add(draft, "sum", ("branch", "shortcut"))
    ops.activation(draft, "r", "sum", function="relu")
    graph, layer = executed(draft)
    assert list(layer) == ["shortcut", "branch"]
    assert [(f.name, f.vector_ops, f.residual_elements) for f in layer["branch"].fused] == [
        ("sum", 240, 240),
        ("r", 240, 0),
    ]
    assert read(graph, "shortcut", "branch") == Read("shortcut", input_elements=0, residual_elements=240)
    assert graph["branch"].network_input_elements == 240


def test_an_identity_shortcut_is_read_twice_from_one_producer(draft):
    conv(draft, "before", "x")
    conv(draft, "c", "before")
    ops.add(draft, "sum", ("before", "c"))
    graph, layer = executed(draft)
    assert layer["c"].fused[0].residual_elements == 240
    assert read(graph, "before", "c") == Read("before", input_elements=240, residual_elements=240)


def test_the_image_may_be_the_shortcut(draft):
    ops.add(draft, "sum", (conv(draft, "c", "x"), "x"))
    graph, _ = executed(draft)
    assert (graph["c"].network_input_elements, graph["c"].network_residual_elements) == (240, 240)


def test_three_operands_are_two_additions(draft):
    nodes = [conv(draft, name, "x") for name in "abc"]
    ops.add(draft, "sum", nodes)
    _, layer = executed(draft)
    assert (layer["c"].fused[0].vector_ops, layer["c"].fused[0].residual_elements) == (480, 480)


def test_an_addition_is_a_layer_where_the_last_producers_output_is_read_elsewhere(draft):
    conv(draft, "a", "x")
    conv(draft, "b", "x")
    ops.add(draft, "sum", ("a", "b"))
    conv(draft, "other", "b")
    graph, layer = executed(draft)
    assert list(layer) == ["a", "b", "sum", "other"]
    assert (layer["sum"].operands, layer["sum"].vector_ops, layer["sum"].input_elements) == (2, 240, 480)
    assert read(graph, "a", "sum") == Read("a", input_elements=240, residual_elements=0)
    (note,) = (note for note in graph.notes if note.node == "sum")
    assert note.fate == "layer"
    assert reason_words(note) == "b, the last of its operands, is no layer's output that only it reads"


def test_an_addition_does_not_join_a_pool(draft):
    conv(draft, "a", "x")
    ops.max_pool(draft, "m", "x", kernel=3, padding=1)
    ops.add(draft, "sum", ("a", "m"))
    graph, layer = executed(draft)
    assert layer["sum"].operator == "add"
    assert reason_words(graph.notes[-1]) == "m, which produces its last operand, does not run on the array"


def test_a_tensor_added_to_itself_is_a_layer_that_reads_it_twice(draft):
    ops.add(draft, "sum", (conv(draft, "a", "x"),) * 2)
    graph, layer = executed(draft)
    assert layer["sum"].input_elements == 480
    assert read(graph, "a", "sum").input_elements == 480
    assert reason_words(graph.notes[-1]) == "its other operands are not complete before a runs"


def test_a_gate_is_a_further_operand_of_a_layer(draft):
    """Squeeze and excitation (arXiv:1709.01507): the gate is complete last, and smaller than the output."""
    conv(draft, "c", "x")
    ops.global_average_pool(draft, "pool", "c")
    ops.fully_connected(draft, "fc", "pool", out_features=8)
    ops.activation(draft, "gate", "fc", function="sigmoid")
    ops.multiply(draft, "scaled", "c", "gate")
    graph, layer = executed(draft)
    assert list(layer) == ["c", "pool", "fc", "scaled"]
    assert (layer["scaled"].operands, layer["scaled"].gate_elements) == (1, 8)
    assert layer["scaled"].input_elements == 248
    assert read(graph, "fc", "scaled").input_elements == 8
    assert reason_words(graph.notes[-1]) == "gate, the last of its operands, is smaller than its output"


def test_a_gate_that_is_complete_before_joins_the_convolution(draft):
    ops.global_average_pool(draft, "gate", "x")
    conv(draft, "c", "x")
    ops.multiply(draft, "scaled", "c", "gate")
    _, layer = executed(draft)
    assert (layer["c"].fused[0].operator, layer["c"].fused[0].residual_elements) == ("multiply", 8)


# Concatenation, slice, shuffle


def places(graph):
    return {node.name: (node.buffer, node.first_channel) for node in graph.nodes}


def test_a_concatenation_vanishes_when_its_producers_can_write_to_their_places(draft):
    ops.concat(draft, "k", (conv(draft, "a", "x", 3), conv(draft, "b", "x", 5)))
    conv(draft, "c", "k")
    graph, layer = executed(draft)
    assert list(layer) == ["a", "b", "c"]
    assert places(graph) == {"a": ("a", 0), "b": ("a", 3), "c": ("c", 0)}
    assert read(graph, "a", "c").input_elements == 3 * PIXELS
    assert read(graph, "b", "c").input_elements == 5 * PIXELS
    assert fates(graph)["k"] == ("vanished", ())


def test_the_image_and_a_tensor_used_twice_are_copied(draft):
    conv(draft, "a", "x", 3)
    ops.concat(draft, "k", ("a", "x", "a"))
    conv(draft, "c", "k")
    graph, layer = executed(draft)
    assert list(layer) == ["a", "k", "k.2", "c"]
    assert [layer[name].operator for name in ("k", "k.2")] == ["concat", "concat"]
    assert [layer[name].vector_ops for name in ("k", "k.2")] == [8 * PIXELS, 3 * PIXELS]
    assert graph["k"].network_input_elements == 240
    assert places(graph) == {"a": ("a", 0), "k": ("a", 3), "k.2": ("a", 11), "c": ("c", 0)}
    assert fates(graph)["k"] == ("copied", ("k", "k.2"))


def test_a_copy_does_not_take_the_name_of_a_published_operator(draft):
    conv(draft, "a", "x", 3)
    ops.concat(draft, "k", ("a", "x", "a"))
    conv(draft, "k.2", "k")
    graph, layer = executed(draft)
    assert list(layer) == ["a", "k", "k.3", "k.2"]
    assert [layer[name].operator for name in ("k", "k.3", "k.2")] == ["concat", "concat", "conv"]
    assert fates(graph)["k"] == ("copied", ("k", "k.3"))


def test_a_dense_block_needs_no_copies_whether_its_concatenations_are_nested_or_flat(draft):
    flat, nested = ["x0"], conv(draft, "x0", "x", 4)
    for index in range(1, 4):
        source = ops.concat(draft, f"flat{index}", flat)
        new = conv(draft, f"x{index}", source, 4)
        flat = [*flat, new]
        nested = ops.concat(draft, f"nested{index}", (nested, new))
    conv(draft, "end", nested)
    graph, layer = executed(draft)
    assert list(layer) == ["x0", "x1", "x2", "x3", "end"]
    assert places(graph)["x3"] == ("x0", 12)
    assert read(graph, "x0", "x3").input_elements == 4 * PIXELS


def test_a_tensor_that_two_concatenations_want_in_different_order_is_copied_for_one_of_them(draft):
    a, b, c = (conv(draft, name, "x", 4) for name in "abc")
    ops.concat(draft, "ab", (a, b))
    ops.concat(draft, "cb", (c, b))
    graph, layer = executed(draft)
    assert list(layer) == ["a", "b", "c", "cb"]
    assert layer["cb"].G == 4
    assert places(graph) == {"a": ("a", 0), "b": ("a", 4), "c": ("c", 0), "cb": ("c", 4)}


def test_overlapping_concatenations_share_memory_where_they_agree(draft):
    a, b, c = (conv(draft, name, "x", 4) for name in "abc")
    ops.concat(draft, "ab", (a, b))
    ops.concat(draft, "bc", (b, c))
    ops.concat(draft, "abc", (a, b, c))
    graph, layer = executed(draft)
    assert list(layer) == ["a", "b", "c"]
    assert places(graph) == {"a": ("a", 0), "b": ("a", 4), "c": ("a", 8)}


def test_a_slice_is_a_read_of_some_channels(draft):
    conv(draft, "a", "x")
    ops.channel_slice(draft, "s", "a", first=2, channels=5)
    ops.channel_slice(draft, "t", "s", first=1, channels=2)
    conv(draft, "c", "t")
    graph, layer = executed(draft)
    assert list(layer) == ["a", "c"]
    assert read(graph, "a", "c").input_elements == 2 * PIXELS


def test_a_slice_of_a_concatenation_reads_only_the_layers_it_covers(draft):
    ops.concat(draft, "k", [conv(draft, name, "x", 4) for name in "abc"])
    ops.channel_slice(draft, "s", "k", first=2, channels=4)
    conv(draft, "d", "s")
    graph, _ = executed(draft)
    assert {read.producer: read.input_elements for read in graph["d"].reads} == {
        "a": 2 * PIXELS,
        "b": 2 * PIXELS,
    }


def test_a_slice_that_feeds_a_concatenation_is_copied_there(draft):
    """A unit of ShuffleNet v2 (arXiv:1807.11164): one half of the channels passes by the other's branch."""
    conv(draft, "a", "x")
    kept = ops.channel_slice(draft, "kept", "a", first=0, channels=4)
    worked = ops.channel_slice(draft, "worked", "a", first=4, channels=4)
    ops.concat(draft, "k", (kept, conv(draft, "branch", worked, 4)))
    ops.channel_shuffle(draft, "shuffle", "k", groups=2)
    graph, layer = executed(draft)
    assert list(layer) == ["a", "branch", "k", "shuffle"]
    assert layer["k"].G == 4
    assert places(graph)["branch"] == ("k", 4)
    assert read(graph, "a", "k").input_elements == 4 * PIXELS
    assert (layer["shuffle"].operator, layer["shuffle"].vector_ops) == ("channel_shuffle", 240)


def test_slices_of_a_shuffle_move_on_their_own_and_straight_to_their_places(draft):
    """As the release of ShuffleNet v2 splits channels: no element moves twice."""
    ops.concat(draft, "k", (conv(draft, "a", "x", 2), conv(draft, "b", "x", 6)))
    ops.channel_shuffle(draft, "s", "k", groups=4)
    even = ops.channel_slice(draft, "even", "s", first=0, channels=4)
    odd = ops.channel_slice(draft, "odd", "s", first=4, channels=4)
    ops.concat(draft, "out", (even, conv(draft, "branch", odd, 4)))
    graph, layer = executed(draft)
    assert list(layer) == ["a", "b", "even", "odd", "branch"]
    assert [layer[name].operator for name in ("even", "odd")] == ["channel_shuffle"] * 2
    assert fates(graph)["s"] == fates(graph)["out"] == ("vanished", ())
    assert places(graph)["branch"] == ("even", 4)
    elements = {read.producer: read.input_elements for read in graph["even"].reads}
    assert elements == {"a": PIXELS, "b": 3 * PIXELS}  # channels 0, 2, 4 and 6


def test_a_learned_order_moves_every_element_that_is_read(draft):
    """CondenseNet's classifier reads half of the features."""
    conv(draft, "c", "x")
    ops.channel_permutation(draft, "p", "c")
    ops.channel_slice(draft, "half", "p", first=0, channels=4)
    ops.fully_connected(draft, "fc", "half", out_features=2)
    _, layer = executed(draft)
    assert (layer["half"].operator, layer["half"].vector_ops) == ("channel_permutation", 4 * PIXELS)
    assert layer["fc"].weights == 2 * 4 * PIXELS


# The executed graph


def test_outputs_of_the_network_are_marked_through_what_vanished(draft):
    conv(draft, "c", "x")
    ops.concat(draft, "k", (conv(draft, "a", "c", 3), conv(draft, "b", "c", 3)))
    ops.dropout(draft, "d", "k")
    graph, _ = executed(draft)
    assert graph.outputs == ("a", "b")


def test_an_output_of_the_network_that_others_read_keeps_them_from_being_fused(draft):
    ops.conv(draft, "conv", "x", out_channels=4)
    ops.network_output(draft, "wanted", "conv")
    ops.activation(draft, "relu", "conv", function="relu")
    executed = lower(draft.graph)
    assert list(executed) == ["conv", "relu"]
    assert executed["conv"].network_output
    assert [note.fate for note in executed.notes] == ["input", "layer", "vanished", "layer"]


@pytest.mark.parametrize(("interpolation", "operations"), [("nearest", 1), ("linear", 4), ("cubic", 16)])
def test_a_resizing_is_a_layer_with_an_operation_for_each_neighbour(draft, interpolation, operations):
    given = draft.shape("x")
    size = (2 * given.height, 3 * given.width)
    ops.resize(draft, "up", "x", size=size, interpolation=interpolation)
    (layer,) = lower(draft.graph).layers
    assert (layer.operator, layer.on_array) == ("resize", False)
    assert layer.input_elements == given.elements
    assert layer.output_elements == 6 * given.elements
    assert layer.vector_ops == operations * layer.output_elements


def test_a_note_has_the_reason_and_what_it_is_about_and_the_report_has_its_words(draft):
    ops.conv(draft, "c", "x", out_channels=8)
    ops.activation(draft, "r", "x", function="relu")
    ops.add(draft, "sum", ("c", "r"))
    notes = {note.node: note for note in lower(draft.graph).notes}
    assert (notes["r"].reason, notes["r"].about) == (Reason.NO_LAYER_OF_ITS_OWN, "x")
    assert (notes["sum"].reason, notes["sum"].about) == (Reason.OPERAND_NOT_ON_ARRAY, "r")
    words = "r, which produces its last operand, does not run on the array"
    assert reason_words(notes["sum"]) == words


def test_each_reason_has_words():
    for reason in Reason:
        assert reason_words(Note("n", "add", "layer", (), reason, "somewhere")), reason


def test_an_operator_without_a_rule_is_an_error(draft):
    @dataclass(frozen=True, kw_only=True)
    class Sort(Operator):
        kind = "sort"

    draft.add("s", Sort(draft.site("s", ("x",))), ("x",))
    with pytest.raises(NetworkError, match="s: no rule says how to execute the operator sort"):
        lower(draft.graph)


def test_squeezenext_executes_its_convolutions_and_its_classifier_and_nothing_else():
    graph = lower(build(load_network("sqnxt23v5")))
    kinds = [layer.operator for layer in graph.layers]
    assert (kinds.count("conv"), kinds.count("fully_connected"), len(kinds)) == (111, 1, 112)
    assert [layer.name for layer in graph.layers if layer.pooling] == ["conv1", "head"]
    names = [layer.name for layer in graph.layers]
    first = names.index("stage1.block1.expand")
    expand = graph.layers[first]
    assert [fused.operator for fused in expand.fused] == ["batch_norm", "relu", "add", "relu"]
    assert read(graph, "stage1.block1.projection", "stage1.block1.expand").residual_elements == 32 * 56 * 56


def test_squeezenets_concatenations_all_vanish():
    graph = lower(build(load_network("squeezenet_v1_0")))
    assert {note.fate for note in graph.notes if note.operator == "concat"} == {"vanished"}
    assert read(graph, "fire2.expand3x3", "fire3.squeeze1x1").input_elements == 64 * 55 * 55


def test_a_layer_without_names_is_the_same_layer_otherwise():
    relu = FusedOperator("relu", "relu", vector_ops=32, residual_elements=4)
    pool = Pooling("pool", "max_pool", OY=1, OX=1, FY=2, FX=2, stride_y=2, stride_x=2)
    layer = Layer("conv", "conv", K=8, C=8, OY=2, OX=2, params=64, stage="s", fused=(relu,), pooling=pool)
    expected = replace(
        layer,
        name="",
        stage="",
        params=0,
        fused=(replace(relu, name=""),),
        pooling=replace(pool, name=""),
    )
    assert layer.fused_names == ("relu", "pool")
    assert layer.nameless == layer.nameless.nameless == expected


def test_layers_have_one_form_where_they_are_the_same_without_names():
    pool = Pooling("pool", "max_pool", OY=1, OX=1, FY=2, FX=2, stride_y=2, stride_x=2)
    relu = FusedOperator("relu", "relu", vector_ops=32)
    layer = Layer("conv", "conv", K=8, C=8, OY=2, OX=2, fused=(relu,), pooling=pool)

    def others(value):
        return {field.name: replace(value, **{field.name: "another"}) for field in fields(value)}

    changed = {
        **{name: other for name, other in others(layer).items() if name not in {"fused", "pooling"}},
        **{f"fused {name}": replace(layer, fused=(other,)) for name, other in others(relu).items()},
        **{f"pooling {name}": replace(layer, pooling=other) for name, other in others(pool).items()},
    }
    assert replace(layer, fused=()).form != layer.form != replace(layer, pooling=None).form
    alike = {name for name, other in changed.items() if other.form == layer.form}
    assert alike == {"name", "stage", "params", "fused name", "pooling name"}
    assert alike == {name for name, other in changed.items() if other.nameless == layer.nameless}
