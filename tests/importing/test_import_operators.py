"""Operators that are several layers, or moves: each is what the same model of several nodes is."""

from math import prod

import numpy as np
import pytest
from onnx import defs, numpy_helper
from onnx_models import model, node, numbers, save, weight

import accelsim
from accelsim.errors import NetworkError
from accelsim.network.build import build
from accelsim.network.graph import total_macs, total_params
from accelsim.network.lowering import lower
from accelsim.network.shapes import layer_shape, operator_name

KNOWS_ROTARY = pytest.mark.skipif(
    defs.onnx_opset_version() < 23,
    reason="RotaryEmbedding came with opset 23, which this release of onnx lacks",
)


@pytest.fixture
def graph_of(tmp_path):
    """The published graph of a model."""
    return lambda *parts, **ends: build(accelsim.load_network(save(model(*parts, **ends), tmp_path)))


@pytest.fixture
def refusals(tmp_path):
    """The lines that a model is refused with."""

    def call(*parts, **ends):
        with pytest.raises(NetworkError) as caught:
            build(accelsim.load_network(save(model(*parts, **ends), tmp_path)))
        return str(caught.value).splitlines()

    return call


@pytest.fixture
def refusal(refusals):
    """The first of them."""
    return lambda *parts, **ends: refusals(*parts, **ends)[0]


def layers(graph):
    return lower(graph).layers


def work(graph):
    """What layers do and move: operator, loop nest and what is fused, without names."""
    return [
        (
            layer.operator,
            layer.macs,
            layer.params,
            str(layer_shape(layer)),
            *(each.operator for each in layer.fused),
        )
        for layer in layers(graph)
    ]


def moving(graph):
    return [layer for layer in layers(graph) if layer.operator in {"rearrange", "gather", "slice"}]


# --- matrix products of several matrices


def product_of(graph_of, image, matrices, *, constant_first=False):
    nodes = [node("MatMul", "w x" if constant_first else "x w", "y")]
    return graph_of(nodes, [weight("w", *matrices)], image=image)


@pytest.mark.parametrize(
    ("image", "matrices", "nest"),
    [
        # matrices that share the input: more output channels
        ((1, 10, 16), (4, 16, 8), {"G": 1, "C": 16, "K": 32, "pixels": 10}),
        ((1, 1, 10, 16), (4, 16, 8), {"G": 1, "C": 16, "K": 32, "pixels": 10}),
        ((1, 1, 1, 16), (4, 16, 8), {"G": 1, "C": 16, "K": 32, "pixels": 1}),
        # a matrix for each part of the input: groups
        ((1, 4, 10, 16), (4, 16, 8), {"G": 4, "C": 16, "K": 8, "pixels": 10}),
        ((1, 4, 1, 16), (1, 4, 16, 8), {"G": 4, "C": 16, "K": 8, "pixels": 1}),
        # one matrix for several parts: pixels
        ((1, 3, 2, 10, 16), (3, 1, 16, 8), {"G": 3, "C": 16, "K": 8, "pixels": 20}),
        ((1, 3, 2, 10, 16), (2, 16, 8), {"G": 2, "C": 16, "K": 8, "pixels": 30}),
        ((1, 2, 10, 16), (3, 1, 16, 8), {"G": 1, "C": 16, "K": 24, "pixels": 20}),
        # groups of which each has several matrices
        ((1, 3, 1, 10, 16), (3, 2, 16, 8), {"G": 3, "C": 16, "K": 16, "pixels": 10}),
    ],
)
def test_matrices_are_groups_or_output_channels_and_all_else_is_pixels(image, matrices, nest, graph_of):
    graph = product_of(graph_of, image, matrices)
    *_, layer = layers(graph)
    assert nest == {"G": layer.G, "C": layer.C, "K": layer.K, "pixels": layer.OY * layer.OX}
    batch = np.broadcast_shapes(image[:-2], matrices[:-2])
    assert total_macs(graph) == prod(batch) * image[-2] * matrices[-2] * matrices[-1]
    assert total_params(graph) == prod(matrices)


def test_matrices_that_come_first_multiply_rows(graph_of):
    graph = product_of(graph_of, (1, 16, 10), (4, 8, 16), constant_first=True)
    assert total_macs(graph) == 4 * 8 * 16 * 10
    assert moving(graph) == []


def test_a_product_of_several_matrices_goes_on_as_what_it_is(graph_of):
    """4 matrices of the same tokens: a sum with a tensor of its shape has to find its elements."""
    nodes = [
        node("MatMul", "x w", "heads"),
        node("Transpose", "heads", "tokens", perm=[0, 2, 1, 3]),
        node("Reshape", "tokens s", "flat"),
        node("MatMul", "flat v", "y"),
    ]
    constants = [weight("w", 4, 16, 8), weight("v", 32, 16), numbers("s", 1, 10, 32)]
    graph = graph_of(nodes, constants, image=(1, 1, 10, 16))
    assert [(layer.K, layer.C) for layer in layers(graph)] == [(32, 16), (16, 32)]
    assert moving(graph) == []


@pytest.mark.parametrize(
    ("image", "matrices", "words"),
    [
        ((1, 3, 10, 16), (4, 16, 8), "w"),
        ((1, 4, 10, 12), (4, 16, 8), "w"),
    ],
)
def test_matrices_that_do_not_fit_are_refused(image, matrices, words, refusal):
    line = refusal([node("MatMul", "x w", "y")], [weight("w", *matrices)], image=image)
    assert "y (MatMul): " in line


# --- attention as onnxruntime writes it


TOKENS = {"image": (1, 10, 16), "opset": 13}
PACKED = [weight("w", 16, 48), weight("b", 48)]


def of_microsoft(operator, inputs, outputs, **attributes):
    inputs = [name.replace("-", "") for name in inputs.split()]
    made = node(operator, "", outputs, domain="com.microsoft", **attributes)
    made.input.extend(inputs)
    return made


def in_several_nodes(mask=()):
    """Attention of four heads of 10 tokens with 16 features."""
    nodes = [node("MatMul", "x w", "p"), node("Add", "p b", "qkv"), node("Split", "qkv", "q k v", axis=2)]
    for name, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        nodes += [
            node("Reshape", f"{name} cut", f"{name}c"),
            node("Transpose", f"{name}c", f"{name}h", perm=order),
        ]
    nodes += [
        node("MatMul", "qh kh", "scores"),
        node("Mul", "scores scale", "scaled"),
        *mask,
        node("Softmax", "masked" if mask else "scaled", "shares", axis=3),
        node("MatMul", "shares vh", "o"),
        node("Transpose", "o", "t", perm=[0, 2, 1, 3]),
        node("Reshape", "t flat", "a"),
        node("Add", "a x", "y"),
    ]
    constants = [
        numbers("cut", 1, 10, 4, 4),
        numbers("flat", 1, 10, 16),
        numpy_helper.from_array(np.array(0.5, dtype=np.float32), "scale"),
    ]
    return nodes, [*PACKED, *constants]


def test_packed_attention_is_what_the_same_nodes_are(graph_of):
    nodes = [of_microsoft("Attention", "x w b", "a", num_heads=4), node("Add", "a x", "y")]
    packed = graph_of(nodes, PACKED, **TOKENS)
    assert work(packed) == work(graph_of(*in_several_nodes(), **TOKENS))
    assert total_macs(packed) == 10 * 16 * 48 + 2 * 10 * 10 * 16
    assert total_params(packed) == 16 * 48 + 48


def test_a_mask_of_tokens_is_subtracted_multiplied_and_added(graph_of):
    ends = {"x": (1, 10, 16), "m": (1, 10), "opset": 13}
    attention = [of_microsoft("Attention", "x w b m", "a", num_heads=4), node("Add", "a x", "y")]
    packed = graph_of(attention, PACKED, **ends)
    one = numpy_helper.from_array(np.array(1, dtype=np.float32), "one")
    mask = [
        node("Unsqueeze", "m where", "m4"),
        node("Sub", "one m4", "kept"),
        node("Mul", "kept one", "filter"),
        node("Add", "scaled filter", "masked"),
    ]
    nodes, constants = in_several_nodes(mask)
    several = graph_of(nodes, [*constants, one, numbers("where", 1, 2)], **ends)
    assert sorted(work(packed)) == sorted(work(several))


@pytest.mark.parametrize(
    ("inputs", "attributes", "constants"),
    [
        ("x w b m", {}, [weight("m", 1, 10)]),
        ("x w b m", {}, [weight("m", 1)]),
        ("x w b m", {}, [weight("m", 1, 10, 10)]),
        ("x w b", {"unidirectional": 1}, []),
        ("x w b - - r", {}, [weight("r", 1, 4, 10, 10)]),
        ("x v b", {"qkv_hidden_sizes": [16, 16, 32]}, [weight("v", 16, 64)]),
    ],
)
def test_masks_that_are_constant_and_features_of_their_own_sizes(inputs, attributes, constants, graph_of):
    nodes = [of_microsoft("Attention", inputs, "y", num_heads=4, **attributes)]
    own = [weight("w", 16, 48), weight("b", 64 if "v" in inputs else 48), *constants]
    graph = graph_of(nodes, own, **TOKENS)
    features = 32 if "v" in inputs else 16
    assert total_macs(graph) == 10 * 16 * (32 + features) + 10 * 10 * (16 + features)


def test_attention_of_tensors_that_are_made_apart_adds_their_offsets(graph_of):
    nodes = [
        *[node("MatMul", f"x w{name}", name) for name in "qkv"],
        of_microsoft("MultiHeadAttention", "q k v b", "a", num_heads=4),
        node("Add", "a x", "y"),
    ]
    graph = graph_of(nodes, [*[weight(f"w{name}", 16, 16) for name in "qkv"], weight("b", 48)], **TOKENS)
    assert total_macs(graph) == 3 * 10 * 16 * 16 + 2 * 10 * 10 * 16
    assert total_params(graph) == 3 * 16 * 16 + 48
    assert [layer.operator for layer in layers(graph)] == ["conv"] * 3 + ["product"] * 2 + ["add"]


def test_keys_and_values_in_heads_are_what_they_are_as_features(graph_of):
    ends = {"q": (1, 10, 16), "k": (1, 4, 12, 4), "v": (1, 4, 12, 4), "opset": 13}
    after = node("MatMul", "a w", "y")
    attention = of_microsoft("MultiHeadAttention", "q k v", "a", num_heads=4)
    graph = graph_of([attention, after], [weight("w", 16, 16)], **ends)
    assert total_macs(graph) == 2 * 10 * 12 * 16 + 10 * 16 * 16
    assert total_params(graph) == 16 * 16


def test_keys_of_another_number_of_heads_are_refused(refusal):
    ends = {"q": (1, 10, 16), "k": (1, 2, 12, 4), "v": (1, 2, 12, 4), "opset": 13}
    line = refusal([of_microsoft("MultiHeadAttention", "q k v", "y", num_heads=4)], [], **ends)
    assert line.endswith("has keys or values of 1 x 2 x 12 x 4: must have 4 heads, num_heads")


@pytest.mark.parametrize(
    ("made", "constants", "sentence"),
    [
        (
            of_microsoft("Attention", "x w b - p", "y", num_heads=4),
            [weight("p", 2, 1, 4, 3, 4)],
            "earlier calls",
        ),
        (
            of_microsoft("Attention", "x w b", "y", num_heads=4, do_rotary=1),
            [],
            "do_rotary = 1: turns queries",
        ),
        (of_microsoft("Attention", "x w b", "y", num_heads=5), [], "cannot cut 5 heads from 1 x 10 x 16"),
        (
            of_microsoft("Attention", "x w b m", "y", num_heads=4),
            [weight("m", 32)],
            "a mask of 32: one of tokens, of tokens x tokens, or of lengths that are constants",
        ),
        (
            of_microsoft("Attention", "x w b m", "y", num_heads=4),
            [weight("m", 1, 77)],
            "has a mask of 1 x 77 for scores of 1 x 4 x 10 x 10",
        ),
        (
            of_microsoft("Attention", "x w b - - r", "y", num_heads=4),
            [weight("r", 1, 3, 10, 10)],
            "has a mask of 1 x 3 x 10 x 10 for scores of 1 x 4 x 10 x 10",
        ),
        (
            of_microsoft("Attention", "x w short", "y", num_heads=4),
            [weight("short", 7)],
            "has offsets of 7: must be 48, one for each",
        ),
        (of_microsoft("Attention", "x b", "y", num_heads=4), [], "has weights of 48: a matrix is supported"),
        (
            of_microsoft("Attention", "x v", "y", num_heads=4),
            [weight("v", 1, 16, 48)],
            "has weights of 1 x 16 x 48: a matrix is supported",
        ),
        (of_microsoft("Attention", "x", "y", num_heads=4), [], "has no weights"),
        (
            of_microsoft("Attention", "x w", "y", num_heads=4, qkv_hidden_sizes=[-16, 32, 32]),
            [],
            "queries, keys and values of -16, 32, 32 features: each must have 1 at least",
        ),
        (
            of_microsoft("Attention", "x w", "y", num_heads=4, qkv_hidden_sizes=[0, 0, 48]),
            [],
            "queries, keys and values of 0, 0, 48 features: each must have 1 at least",
        ),
        (
            of_microsoft("Attention", "x w", "y", num_heads=4, qkv_hidden_sizes=[8, 16, 24]),
            [],
            "makes queries of 8 features, keys of 16: must be as many",
        ),
        (of_microsoft("MultiHeadAttention", "x", "y", num_heads=4), [], "in one tensor"),
        (
            of_microsoft("Attention", "x w b", "y", num_heads=[4, 4]),
            [],
            "contradict each other: inputs of 1 x 10 x 16, 16 x 48, 48; num_heads = [4, 4]",
        ),
    ],
)
def test_attention_that_is_none_of_these_is_refused_with_what_it_is(made, constants, sentence, refusal):
    line = refusal([made], [*PACKED, *constants], **TOKENS)
    assert f"y (com.microsoft.{made.op_type}): " in line
    assert sentence in line


# --- rotary embeddings


def angles(*dims):
    return [numpy_helper.from_array(np.zeros(dims, dtype=np.float32), name) for name in ("c", "s")]


@KNOWS_ROTARY
def test_a_rotary_embedding_is_what_the_same_nodes_are(graph_of):
    ends = {"image": (1, 4, 10, 8), "opset": 23}
    one = graph_of([node("RotaryEmbedding", "x c s", "y")], angles(1, 10, 4), **ends)
    nodes = [
        node("Split", "x", "a b", axis=-1, num_outputs=2),
        node("Neg", "b", "n"),
        node("Concat", "n a", "h", axis=-1),
        node("Mul", "x c", "xc"),
        node("Mul", "h s", "hs"),
        node("Add", "xc hs", "y"),
    ]
    assert work(one) == work(graph_of(nodes, angles(1, 1, 10, 8), **ends))


def test_a_rotary_embedding_of_heads_beside_each_other_turns_each_of_them(graph_of):
    nodes = [
        node("MatMul", "x w", "t"),
        of_microsoft("RotaryEmbedding", "t p c s", "r", num_heads=4),
        node("Add", "r x", "y"),
    ]
    constants = [weight("w", 16, 16), numbers("p", 0), *angles(20, 2)]
    graph = graph_of(nodes, constants, **TOKENS)
    kinds = [operator_name(graph[name].operator) for name in graph]
    assert kinds.count("linear") == 2
    assert "negate" in kinds


def test_heads_that_nobody_names_have_two_features_for_each_angle(graph_of):
    constants = [numbers("p", 0), *angles(20, 2)]
    one, other = (
        graph_of([of_microsoft("RotaryEmbedding", "x p c s", "y", **heads)], constants, **TOKENS)
        for heads in ({"num_heads": 4}, {})
    )
    assert work(one) == work(other)


@pytest.mark.parametrize(
    ("attributes", "table", "sentence"),
    [
        ({}, (20, 3), "cannot cut heads of 6 features from 1 x 10 x 16"),
        ({}, (20, 0), "cannot cut heads of 0 features from 1 x 10 x 16"),
        ({"num_heads": 4}, (20, 3), "turns 4 features by angles of 20 x 3: the last must be 2, one for two"),
        ({"num_heads": 4, "rotary_embedding_dim": -2}, (20, 2), "turns -2 of 4 features: must be an even"),
        ({"rotary_embedding_dim": 2}, (20, 1), "rotary_embedding_dim without num_heads"),
    ],
)
def test_angles_that_are_not_those_of_the_features_are_refused(attributes, table, sentence, refusal):
    made = of_microsoft("RotaryEmbedding", "x p c s", "y", **attributes)
    assert sentence in refusal([made], [numbers("p", 0), *angles(*table)], **TOKENS)


def test_angles_that_depend_on_the_image_are_refused(refusal):
    nodes = [node("Add", "x x", "c"), of_microsoft("RotaryEmbedding", "x p c c", "y", num_heads=4)]
    line = refusal(nodes, [numbers("p", 0)], **TOKENS)
    assert (
        "y (com.microsoft.RotaryEmbedding): its angles 'c' are computed from the image: must be constants"
        in line
    )


# --- elements picked by place, and sums that run


@pytest.mark.parametrize(
    ("indices", "batch", "shape"),
    [
        ([[0, 3], [0, 1]], 0, (2, 6, 5)),
        ([[[3], [1]]], 1, (1, 2, 6, 5)),
        ([[[3, 0], [1, 2], [7, 5]]], 1, (1, 3, 5)),
        ([[-1, -8]], 0, (1, 6, 5)),
    ],
)
def test_what_gather_nd_picks_moves_once(indices, batch, shape, graph_of):
    array = np.array(indices, dtype=np.int64)
    picks = numpy_helper.from_array(array, "i")
    nodes = [node("GatherND", "x i", "g", batch_dims=batch), node("Relu", "g", "y")]
    graph = graph_of(nodes, [picks], image=(1, 8, 6, 5))
    last = list(graph)[-1]
    assert graph[last].operator.output.elements == prod(shape)
    assert total_macs(graph) == 0


@pytest.mark.parametrize(
    ("indices", "batch", "sentence"),
    [
        ([[0, 8]], 0, "picks elements that are not among 1 x 8"),
        (
            [[[3], [1]], [[3], [2]]],
            1,
            "picks others for each place of the first 1 dimensions: must be alike for all",
        ),
    ],
)
def test_what_gather_nd_cannot_pick_is_refused(indices, batch, sentence, refusal):
    picks = numpy_helper.from_array(np.array(indices, dtype=np.int64), "i")
    image = (len(indices) if batch else 1, 8, 6, 5)
    line = refusal([node("GatherND", "x i", "y", batch_dims=batch)], [picks], image=image)
    assert f"y (GatherND): {sentence}" in line


@pytest.mark.parametrize(
    ("shape", "batch", "sentence"),
    [
        ((0, 2), 0, "picks nothing: its indices are 0 x 2"),
        ((2, 0), 0, "picks by indices of 2 x 0: the last must be 1 to 4 for 1 x 8 x 6 x 5"),
        ((1, 5), 0, "picks by indices of 1 x 5: the last must be 1 to 4 for 1 x 8 x 6 x 5"),
        ((1, 2), -1, "batch_dims = -1: must be from 0 to 1 for 1 x 8 x 6 x 5 and indices of 1 x 2"),
        ((1, 2), 5, "batch_dims = 5: must be from 0 to 1 for 1 x 8 x 6 x 5 and indices of 1 x 2"),
        ((3, 1), 1, "batch_dims = 1: 1 x 8 x 6 x 5 and indices of 3 x 1 must begin alike"),
    ],
)
def test_indices_of_gather_nd_that_fit_nothing_are_refused(shape, batch, sentence, refusal):
    picks = numpy_helper.from_array(np.zeros(shape, dtype=np.int64), "i")
    line = refusal([node("GatherND", "x i", "y", batch_dims=batch)], [picks], image=(1, 8, 6, 5))
    assert f"y (GatherND): {sentence}" in line


def test_indices_of_several_dimensions_are_dimensions_of_what_is_gathered(graph_of):
    picks = numpy_helper.from_array(np.array([[0, 3], [5, 1]], dtype=np.int64), "i")
    nodes = [node("Gather", "x i", "g", axis=1), node("Reshape", "g s", "y")]
    graph = graph_of(nodes, [picks, numbers("s", 1, 4, 6, 5)], image=(1, 8, 6, 5))
    assert [layer.operator for layer in layers(graph)] == ["gather"]


def test_a_sum_that_runs_is_an_addition_of_each_element(graph_of):
    axis = numpy_helper.from_array(np.array(1, dtype=np.int64), "axis")
    nodes = [node("Conv", "x w", "t"), node("CumSum", "t axis", "y")]
    graph = graph_of(nodes, [weight("w", 6, 8, 1, 1), axis], image=(1, 8, 6, 5))
    (layer,) = layers(graph)
    assert [(each.operator, each.vector_ops) for each in layer.fused] == [("cumulative_sum", 6 * 6 * 5)]


def test_a_sum_over_the_images_of_a_batch_is_refused(refusal):
    axis = numpy_helper.from_array(np.array(0, dtype=np.int64), "axis")
    line = refusal([node("CumSum", "x axis", "y")], [axis], image=(2, 8, 6, 5))
    assert "y (CumSum): sums over the images of a batch" in line


def test_a_sum_along_several_axes_is_refused(refusal):
    axes = numpy_helper.from_array(np.array([1, 2], dtype=np.int64), "axes")
    line = refusal([node("CumSum", "x axes", "y")], [axes], image=(1, 8, 6, 5))
    assert "y (CumSum): sums along 2 axes: must be one" in line


# --- offsets and slopes


@pytest.mark.parametrize(
    ("operator", "weights", "short", "sentence"),
    [
        ("Conv", (6, 8, 1, 1), (5,), "has offsets of 5: must be 6, one for each"),
        ("ConvTranspose", (8, 6, 1, 1), (7,), "has offsets of 7: must be 6, one for each"),
        ("Gemm", (8, 6), (5,), "has offsets of 5 for outputs of 1 x 6"),
    ],
)
def test_offsets_of_another_number_than_outputs_are_refused(operator, weights, short, sentence, refusal):
    image = (1, 8, 3, 3)[: len(weights)]
    line = refusal([node(operator, "x w b", "y")], [weight("w", *weights), weight("b", *short)], image=image)
    assert line.endswith(f"y ({operator}): {sentence}")


@pytest.mark.parametrize("offsets", [(), (1,), (6,), (1, 6)])
def test_offsets_of_a_gemm_are_repeated(offsets, graph_of):
    graph = graph_of([node("Gemm", "x w b", "y")], [weight("w", 8, 6), weight("b", *offsets)], image=(1, 8))
    assert total_macs(graph) == 8 * 6


def test_slopes_that_fit_no_channel_are_refused(refusal):
    line = refusal([node("PRelu", "x s", "y")], [weight("s", 5, 1, 1)], image=(1, 8, 3, 3))
    assert line.endswith("y (PRelu): has slopes of 5 x 1 x 1 for 1 x 8 x 3 x 3")


# --- what stays refused


def test_a_node_of_no_known_shape_is_not_offered_what_would_refuse_it(refusals):
    lines = refusals([node("NonZero", "x", "y")], [], image=(1, 8, 4, 4))
    assert lines[0].endswith("y (NonZero): is no supported operator")
    assert (
        "NODE ends before; --unsupported cannot let NonZero pass: its output has no known shape" in lines[1]
    )


def test_a_convolution_over_three_axes_is_told_what_can_be_done(refusal):
    line = refusal([node("Conv", "x w", "y")], [weight("w", 6, 4, 3, 3, 3)], image=(1, 4, 8, 8, 8))
    assert line.endswith(
        "y (Conv): slides over 3 axes of 1 x 4 x 8 x 8 x 8: 1 or 2 are supported; "
        "--unsupported host or elementwise lets it pass, without its multiplications"
    )
