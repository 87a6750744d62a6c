"""What the axes of a model's tensors become: the same layers in whatever order, and what has to move."""

import numpy as np
import pytest
from onnx import TensorProto, defs, helper, numpy_helper
from onnx_models import model, node, numbers, save, weight

import accelsim
from accelsim.network.build import build
from accelsim.network.graph import total_macs, total_params
from accelsim.network.imported import to_yaml
from accelsim.network.lowering import lower

KNOWS_ATTENTION = pytest.mark.skipif(
    defs.onnx_opset_version() < 23, reason="Attention came with opset 23, which this release of onnx lacks"
)
MOVES = {"rearrange", "gather", "slice", "pad", "concat"}


@pytest.fixture
def graph_of(tmp_path):
    """The published graph of some nodes."""

    def made(nodes, constants=(), **ends):
        path = save(model(nodes, constants, **ends), tmp_path)
        return build(accelsim.load_network(path))

    return made


def layers(graph):
    """The executed layers without their names."""
    return [layer.nameless for layer in lower(graph).layers]


def moving(graph):
    """The layers of the vector unit that only move elements."""
    return [layer.name for layer in lower(graph).layers if layer.operator in MOVES]


# --- one graph in two layouts


CONVS = [weight("a", 8, 3, 3, 3), weight("b", 8, 8, 3, 3), weight("f", 512, 10)]


def test_an_image_with_channels_last_has_the_layers_of_one_with_channels_first(graph_of):
    first = graph_of(
        [
            node("Conv", "x a", "c", pads=[1] * 4),
            node("Relu", "c", "r"),
            node("Conv", "r b", "d", pads=[1] * 4),
            node("Add", "d r", "s"),
            node("Flatten", "s", "g"),
            node("Gemm", "g f", "y"),
        ],
        CONVS,
    )
    last = graph_of(
        [
            node("Transpose", "x", "x1", perm=[0, 3, 1, 2]),
            node("Conv", "x1 a", "c", pads=[1] * 4),
            node("Transpose", "c", "c1", perm=[0, 2, 3, 1]),
            node("Relu", "c1", "r"),
            node("Transpose", "r", "r1", perm=[0, 3, 1, 2]),
            node("Conv", "r1 b", "d", pads=[1] * 4),
            node("Transpose", "d", "d1", perm=[0, 2, 3, 1]),
            node("Add", "d1 r", "s"),
            node("Flatten", "s", "g"),
            node("Gemm", "g f", "y"),
        ],
        CONVS,
        image=(1, 8, 8, 3),
    )
    assert layers(last) == layers(first)
    assert moving(last) == []


def test_a_convolution_over_one_axis_is_its_twin_over_two(graph_of):
    one = graph_of(
        [node("Conv", "x w", "y", strides=[2], pads=[1, 1])], [weight("w", 6, 4, 3)], image=(1, 4, 50)
    )
    two = graph_of(
        [node("Conv", "x w", "y", strides=[1, 2], pads=[0, 1, 0, 1])],
        [weight("w", 6, 4, 1, 3)],
        image=(1, 4, 1, 50),
    )
    assert layers(one) == layers(two)


def test_rows_and_columns_that_change_places_turn_the_kernel(graph_of):
    straight = graph_of(
        [node("Conv", "x w", "y", strides=[2, 1])], [weight("w", 6, 3, 5, 3)], image=(1, 3, 20, 30)
    )
    turned = graph_of(
        [node("Transpose", "x", "t", perm=[0, 1, 3, 2]), node("Conv", "t w", "y", strides=[1, 2])],
        [weight("w", 6, 3, 3, 5)],
        image=(1, 3, 20, 30),
    )
    assert layers(turned) == layers(straight)


def test_tokens_are_pixels_and_features_are_channels(graph_of):
    tokens = graph_of(
        [node("MatMul", "x w", "h"), node("Gelu", "h", "g"), node("MatMul", "g v", "y")],
        [weight("w", 32, 64), weight("v", 64, 32)],
        image=(1, 16, 32),
        opset=20,
    )
    assert total_macs(tokens) == 2 * 16 * 32 * 64
    assert [(layer.operator, layer.K, layer.C, layer.OX) for layer in lower(tokens).layers] == [
        ("conv", 64, 32, 16),
        ("conv", 32, 64, 16),
    ]


@pytest.mark.parametrize("shape", [(1, 64, 14 * 14), (64, 14, 14), (1, 1, 64, 14, 14), (8, 8, 14, 14)])
def test_seeing_the_same_elements_otherwise_moves_nothing(graph_of, shape):
    nodes = [
        node("Relu", "x", "a"),
        node("Reshape", "a s", "b"),
        node("Sigmoid", "b", "c"),
        node("Reshape", "c t", "d"),
        node("Conv", "d w", "y"),
    ]
    constants = [numbers("s", *shape), numbers("t", 1, 64, 14, 14), weight("w", 8, 64, 3, 3)]
    graph = graph_of(nodes, constants, image=(1, 64, 14, 14))
    assert moving(graph) == []
    assert [layer.operator for layer in lower(graph).layers] == ["relu", "conv"]


# --- attention


def attention(tokens, width, heads):
    """One block as exporters write it: queries, keys and values in one product, heads by a reshape."""
    depth = width // heads
    nodes = [
        node("LayerNormalization", "x g b", "n", axis=-1),
        node("MatMul", "n w", "a"),
        node("Reshape", "a s", "r"),
        node("Transpose", "r", "t", perm=[2, 0, 3, 1, 4]),
        *[node("Gather", f"t i{i}", name, axis=0) for i, name in enumerate("qkv")],
        node("Transpose", "k", "kt", perm=[0, 1, 3, 2]),
        node("MatMul", "q kt", "l"),
        node("Mul", "l scale", "m"),
        node("Softmax", "m", "p", axis=-1),
        node("MatMul", "p v", "o"),
        node("Transpose", "o", "u", perm=[0, 2, 1, 3]),
        node("Reshape", "u z", "h"),
        node("MatMul", "h e", "j"),
        node("Add", "j x", "y"),
    ]
    constants = [
        weight("g", width),
        weight("b", width),
        weight("w", width, 3 * width),
        numbers("s", 1, tokens, 3, heads, depth),
        *[numbers(f"i{i}", i, dims=[]) for i in range(3)],
        helper.make_tensor("scale", TensorProto.FLOAT, [], [0.125]),
        numbers("z", 1, tokens, width),
        weight("e", width, width),
    ]
    return model(nodes, constants, image=(1, tokens, width))


def test_attention_counts_its_products_and_moves_nothing(tmp_path):
    tokens, width, heads = 50, 48, 3
    network = accelsim.load_network(save(attention(tokens, width, heads), tmp_path))
    published = build(network)
    assert total_macs(published) == 4 * tokens * width**2 + 2 * tokens**2 * width
    assert total_params(published) == 4 * width**2 + 2 * width
    assert moving(published) == []
    scores, context = (layer for layer in lower(published).layers if layer.multiplies_activations)
    assert (heads, tokens, width // heads, tokens) == (scores.G, scores.K, scores.C, scores.OX)
    assert (heads, width // heads, tokens, tokens) == (context.G, context.K, context.C, context.OX)
    assert [operator.operator for operator in scores.fused] == ["linear", "softmax"]


def test_the_yaml_of_attention_is_that_network(tmp_path):
    network = accelsim.load_network(save(attention(20, 16, 2), tmp_path))
    written = tmp_path / "attention.yaml"
    written.write_text(to_yaml(network.description))
    assert layers(build(accelsim.load_network(written))) == layers(build(network))


def test_values_by_transposed_scores_move_nothing_either(graph_of):
    nodes = [
        node("Conv", "x w", "q"),
        node("Conv", "x v", "k"),
        node("Conv", "x u", "c"),
        *(node("Reshape", f"{name} s", f"{name}h") for name in "qkc"),
        node("Transpose", "qh", "qt", perm=[0, 1, 3, 2]),
        node("MatMul", "qt kh", "r"),
        node("Softmax", "r", "p", axis=-1),
        node("Transpose", "p", "pt", perm=[0, 1, 3, 2]),
        node("MatMul", "ch pt", "o"),
        node("Reshape", "o z", "y"),
    ]
    weights = [weight(name, 16, 16, 1, 1) for name in "wvu"]
    shapes = [numbers("s", 1, 2, 8, 64), numbers("z", 1, 16, 8, 8)]
    published = graph_of(nodes, weights + shapes, image=(1, 16, 8, 8))
    assert moving(published) == []
    products = [layer for layer in lower(published).layers if layer.multiplies_activations]
    assert [layer.macs for layer in products] == [64 * 64 * 16] * 2


def attention_operator(graph_of, *, heads=4, of_keys=4, mask=False, **attributes):
    """A model of one Attention between matrix products, of 10 tokens with 16 features."""
    keys = 16 * of_keys // heads
    nodes = [
        node("MatMul", "x wq", "q"),
        node("MatMul", "x wk", "k"),
        node("MatMul", "x wk", "v"),
        node(
            "Attention",
            "q k v m" if mask else "q k v",
            "o",
            q_num_heads=heads,
            kv_num_heads=of_keys,
            **attributes,
        ),
        node("MatMul", "o wq", "y"),
    ]
    weights = [weight("wq", 16, 16), weight("wk", 16, keys), weight("m", 10, 10)]
    return graph_of(nodes, weights, image=(1, 10, 16), opset=23)


@KNOWS_ATTENTION
@pytest.mark.parametrize("of_keys", [4, 2])
def test_attention_that_is_one_operator_is_two_products_of_each_head(of_keys, graph_of):
    graph = attention_operator(graph_of, of_keys=of_keys, mask=True, softcap=2.0, is_causal=1)
    products = [layer for layer in layers(graph) if layer.multiplies_activations]
    assert [layer.macs for layer in products] == [10 * 10 * 16] * 2
    assert sum(layer.macs for layer in layers(graph)) == 10 * 16 * (32 + 8 * of_keys) + 2 * 10 * 10 * 16


@KNOWS_ATTENTION
def test_attention_that_is_one_operator_moves_what_attention_of_several_does(graph_of):
    alone, shared = attention_operator(graph_of), attention_operator(graph_of, of_keys=2)
    assert moving(alone) == []
    assert len(moving(shared)) == len(["keys", "values"])  # each repeated, and put in order
    scores, _ = (layer for layer in lower(alone).layers if layer.multiplies_activations)
    assert [operator.operator for operator in scores.fused] == ["linear", "softmax"]


def test_attention_as_einsum_is_attention_as_matrix_products(graph_of):
    image, constants = (1, 2, 10, 8), []
    products = graph_of(
        [
            node("Transpose", "x", "t", perm=[0, 1, 3, 2]),
            node("MatMul", "x t", "s"),
            node("Softmax", "s", "p"),
            node("MatMul", "p x", "y"),
        ],
        constants,
        image=image,
    )
    sums = graph_of(
        [
            node("Einsum", "x x", "s", equation="bhqd,bhkd->bhqk"),
            node("Softmax", "s", "p"),
            node("Einsum", "p x", "y", equation="bhqk,bhkd->bhqd"),
        ],
        constants,
        image=image,
    )
    assert layers(sums) == layers(products)


# --- what moves, by hand


def test_a_transposed_convolution_is_one_layer_where_its_kernel_is_its_stride(graph_of):
    graph = graph_of([node("ConvTranspose", "x w", "y", strides=[2, 2])], [weight("w", 3, 4, 2, 2)])
    (layer,) = lower(graph).layers
    assert total_macs(graph) == layer.macs == 64 * 3 * 4 * 4
    assert (layer.K, layer.OY, layer.OX, layer.FY) == (16, 8, 8, 1)
    assert str(graph["y"].operator.output) == "4 x 16 x 16"


def test_a_transposed_convolution_of_three_by_three_is_four_convolutions(graph_of):
    attributes = {"strides": [2, 2], "pads": [1] * 4, "output_padding": [1, 1]}
    graph = graph_of([node("ConvTranspose", "x w", "y", **attributes)], [weight("w", 3, 4, 3, 3)])
    executed = lower(graph).layers
    assert sorted((layer.FY, layer.FX) for layer in executed) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert sum(layer.macs for layer in executed) == total_macs(graph) == 64 * 3 * 4 * 9


def test_depth_to_space_moves_every_element_once(graph_of):
    nodes = [node("Conv", "x w", "c", pads=[1] * 4), node("DepthToSpace", "c", "y", blocksize=2)]
    graph = graph_of(nodes, [weight("w", 12, 3, 3, 3)])
    assert moving(graph) == ["y"]
    assert str(graph["y"].operator.output) == "3 x 16 x 16"


def test_every_second_row_reads_all_and_moves_half(graph_of):
    constants = [numbers("a", 0), numbers("b", 8), numbers("c", 2), numbers("d", 2)]
    graph = graph_of([node("Slice", "x a b c d", "y")], constants)
    (layer,) = lower(graph).layers
    assert (layer.operator, layer.OY, layer.stride_y, layer.vector_ops) == ("slice", 4, 2, 3 * 4 * 8)


def test_a_mean_over_channels_reads_all_and_leaves_one(graph_of):
    graph = graph_of([node("ReduceMean", "x", "y", axes=[1])])
    (layer,) = lower(graph).layers
    assert (layer.operator, layer.input_elements, layer.output_elements) == ("reduce_mean", 192, 64)


def test_a_class_token_comes_from_outside_and_tokens_are_copied(graph_of):
    nodes = [node("MatMul", "x w", "t"), node("Concat", "k t", "y", axis=1)]
    graph = graph_of(nodes, [weight("w", 24, 32), weight("k", 1, 1, 32)], image=(1, 9, 24))
    assert str(graph["y"].operator.output) == "32 x 1 x 10"
    assert total_params(graph) == 24 * 32 + 32
    assert moving(graph) == ["y"]


def test_a_factor_for_each_pixel_is_repeated_along_the_channels(graph_of):
    nodes = [node("ReduceMean", "x", "m", axes=[1]), node("Sigmoid", "m", "s"), node("Mul", "x s", "y")]
    graph = graph_of(nodes)
    assert moving(graph) == ["y.grown.channels"]


@pytest.mark.parametrize("equation", ["bh\x7fd,bhjd->bhij", "bhid,bhjd-bhij", "b:,b->b", "ab1,abc->ab"])
def test_an_equation_with_other_than_letters_is_refused_in_a_sentence(equation, graph_of):
    with pytest.raises(accelsim.AccelsimError, match="equation = "):
        graph_of([node("Einsum", "x x", "y", equation=equation)])


def test_shared_weights_are_parameters_once(graph_of):
    nodes = [node("Conv", "x w", "a"), node("Conv", "z w", "b"), node("Add", "a b", "y")]
    graph = graph_of(nodes, [weight("w", 8, 3, 1, 1)], x=(1, 3, 8, 8), z=(1, 3, 8, 8))
    assert total_params(graph) == 24
    assert total_macs(graph) == 2 * 24 * 64


def of_microsoft(operator, inputs, outputs, **attributes):
    return node(operator, inputs, outputs, domain="com.microsoft", **attributes)


TOKENS = {"image": (1, 10, 16), "opset": 13}


@pytest.mark.parametrize(
    ("nodes", "fused"),
    [
        ([of_microsoft("Gelu", "t", "y")], ["gelu"]),
        ([of_microsoft("QuickGelu", "t", "y", alpha=1.7)], ["swish"]),
        ([of_microsoft("FastGelu", "t", "y")], ["gelu"]),
        ([of_microsoft("FastGelu", "t b", "y")], ["gelu"]),
        ([of_microsoft("BiasGelu", "t b", "y")], ["gelu"]),
    ],
)
def test_functions_that_an_optimiser_wrote_are_those_of_onnx(nodes, fused, graph_of):
    published = graph_of([node("MatMul", "x w", "t"), *nodes], [weight("w", 16, 8), weight("b", 8)], **TOKENS)
    (layer,) = lower(published).layers
    assert [operator.operator for operator in layer.fused] == fused


def test_a_sum_and_its_normalization_in_one_node_are_both(graph_of):
    nodes = [
        node("MatMul", "x w", "t"),
        of_microsoft("SkipLayerNormalization", "t x g b", "n m v s"),
        node("Add", "n s", "y"),
    ]
    published = graph_of(nodes, [weight("w", 16, 16), weight("g", 16), weight("b", 16)], **TOKENS)
    assert [layer.operator for layer in layers(published)] == ["conv", "layer_norm", "add"]
    assert [operator.operator for operator in layers(published)[0].fused] == ["add"]
    assert total_params(published) == 16 * 16 + 2 * 16


@pytest.mark.parametrize(
    "nodes",
    [
        [of_microsoft("DynamicQuantizeMatMul", "x w s z b", "y")],
        [
            node("DynamicQuantizeLinear", "x", "q p o"),
            of_microsoft("MatMulIntegerToFloat", "q w p s o z b", "y"),
        ],
    ],
)
def test_products_of_integers_in_one_node_have_the_bits_of_their_weights(nodes, tmp_path):
    constants = [
        numpy_helper.from_array(np.zeros((16, 8), dtype=np.int8), "w"),
        numpy_helper.from_array(np.zeros((), dtype=np.float32), "s"),
        numpy_helper.from_array(np.zeros((), dtype=np.int8), "z"),
        weight("b", 8),
    ]
    network = accelsim.load_network(save(model(nodes, constants, **TOKENS), tmp_path))
    assert total_macs(build(network)) == 10 * 16 * 8
    precision = network.description.precision
    assert (precision.weights_bits, precision.activations_bits) == (8, 8)


def test_bits_of_a_quantising_node_of_another_domain_are_the_networks(tmp_path):
    def quant(source, output):
        return helper.make_node(
            "Quant", [source, "scale", "zero", "bits"], [output], domain="qonnx.custom_op.general"
        )

    constants = [weight("w", 4, 3, 1, 1)] + [
        helper.make_tensor(name, TensorProto.FLOAT, [], np.array([value], dtype=np.float32))
        for name, value in (("scale", 0.1), ("zero", 0), ("bits", 4))
    ]
    proto = model([quant("x", "q"), quant("w", "v"), node("Conv", "q v", "y")], constants)
    proto.opset_import.append(helper.make_opsetid("qonnx.custom_op.general", 1))
    network = accelsim.load_network(save(proto, tmp_path))
    assert network.description.precision.weights_bits == 4
    assert network.description.precision.activations_bits == 4


def test_a_mask_of_one_row_that_is_added_to_scores_is_no_bias(graph_of):
    nodes = [
        node("Transpose", "x", "keys", perm=[0, 2, 1]),
        node("MatMul", "x keys", "scores"),
        node("Add", "scores mask", "masked"),
        node("Softmax", "masked", "y", axis=-1),
    ]
    published = graph_of(nodes, [weight("mask", 1, 1, 10)], image=(1, 10, 16))
    assert "activation" in {published[name].operator.kind for name in published}  # an operation an element
