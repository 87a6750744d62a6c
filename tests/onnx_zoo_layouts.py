"""Further models of the zoo: axes in other orders, sequences, attention, windows of tokens, what enlarges."""

from onnx_models import model, node, numbers
from onnx_zoo import KINDS, scalar, zeros


def case(name, nodes, constants, **ends):
    """A model by its name."""
    KINDS[name] = lambda: model(nodes, constants, **ends)


case("conv3d_depth1", [node("Conv", "x w", "y")], [zeros("w", 4, 3, 1, 3, 3)], image=(1, 3, 1, 8, 8))
case(
    "crnn",
    [
        node("Conv", "x w", "c", pads=[1] * 4),
        node("Reshape", "c s", "r"),
        node("Transpose", "r", "t", perm=[2, 0, 1]),
        node("MatMul", "t f", "y"),
    ],
    [zeros("w", 6, 3, 3, 3), numbers("s", 1, 48, 20), zeros("f", 48, 10)],
    image=(1, 3, 8, 20),
)
case(
    "cls_token",
    [
        node("MatMul", "x w", "a"),
        node("Concat", "k a", "c", axis=1),
        node("Add", "c p", "e"),
        node("Gather", "e i", "g", axis=1),
        node("Gemm", "g f", "y"),
    ],
    [
        zeros("w", 24, 32),
        zeros("k", 1, 1, 32),
        zeros("p", 1, 10, 32),
        numbers("i", 0, dims=[]),
        zeros("f", 32, 5),
    ],
    image=(1, 9, 24),
)
case(
    "groupnorm_decomposed",
    [
        node("Conv", "x w", "c"),
        node("Reshape", "c s", "r"),
        node("InstanceNormalization", "r g b", "i"),
        node("Reshape", "i u", "v"),
        node("Mul", "v m", "z"),
        node("Conv", "z w2", "y"),
    ],
    [
        zeros("w", 8, 3, 1, 1),
        numbers("s", 1, 2, -1),
        zeros("g", 2),
        zeros("b", 2),
        numbers("u", 1, 8, 8, 8),
        zeros("m", 8, 1, 1),
        zeros("w2", 4, 8, 3, 3),
    ],
)
case(
    "layernorm_decomposed",
    [
        node("ReduceMean", "x", "m", axes=[-1]),
        node("Sub", "x m", "d"),
        node("Pow", "d two", "p"),
        node("ReduceMean", "p", "v", axes=[-1]),
        node("Add", "v eps", "e"),
        node("Sqrt", "e", "q"),
        node("Div", "d q", "n"),
        node("Mul", "n g", "h"),
        node("MatMul", "h w", "y"),
    ],
    [scalar("two", 2.0), scalar("eps", 1e-5), zeros("g", 16), zeros("w", 16, 4)],
    image=(1, 6, 16),
)
case(
    "attention_batch4",
    [
        node("Reshape", "x s", "r"),
        node("Transpose", "r", "q", perm=[0, 2, 1, 3]),
        node("Transpose", "r", "k", perm=[0, 2, 3, 1]),
        node("MatMul", "q k", "l"),
        node("Softmax", "l", "p", axis=-1),
        node("MatMul", "p q", "o"),
        node("Transpose", "o", "u", perm=[0, 2, 1, 3]),
        node("Reshape", "u z", "h"),
        node("MatMul", "h w", "y"),
    ],
    [numbers("s", 4, 10, 2, 8), numbers("z", 4, 10, 16), zeros("w", 16, 16)],
    image=(4, 10, 16),
)
case(
    "swin_windows_batch2",
    [
        node("Reshape", "x s", "r"),
        node("Transpose", "r", "t", perm=[0, 1, 3, 2, 4, 5]),
        node("Reshape", "t u", "v"),
        node("Transpose", "v", "vt", perm=[0, 2, 1]),
        node("MatMul", "v vt", "l"),
        node("Softmax", "l", "p"),
        node("MatMul", "p v", "y"),
    ],
    [numbers("s", 2, 2, 4, 2, 4, 6), numbers("u", 8, 16, 6)],
    image=(2, 8, 8, 6),
)
case(
    "swin_windows",
    [
        node("Reshape", "x s", "r"),
        node("Transpose", "r", "t", perm=[0, 1, 3, 2, 4, 5]),
        node("Reshape", "t u", "v"),
        node("Transpose", "v", "vt", perm=[0, 2, 1]),
        node("MatMul", "v vt", "l"),
        node("Softmax", "l", "p"),
        node("MatMul", "p v", "o"),
        node("MatMul", "o w", "y"),
    ],
    [numbers("s", 1, 2, 4, 2, 4, 6), numbers("u", 4, 16, 6), zeros("w", 6, 6)],
    image=(1, 8, 8, 6),
)
case("batched_weights", [node("MatMul", "x w", "y")], [zeros("w", 3, 8, 5)], image=(3, 10, 8))
case("batched_weights4", [node("MatMul", "x w", "y")], [zeros("w", 1, 3, 8, 5)], image=(1, 3, 10, 8))
case(
    "bn_rank2",
    [node("Gemm", "x w", "g"), node("BatchNormalization", "g s b m v", "n"), node("Gemm", "n f", "y")],
    [zeros("w", 8, 6), *[zeros(c, 6) for c in "sbmv"], zeros("f", 6, 3)],
    image=(1, 8),
)
case(
    "bn_rank3",
    [node("Conv", "x w", "g"), node("BatchNormalization", "g s b m v", "n"), node("Conv", "n f", "y")],
    [zeros("w", 6, 4, 3), *[zeros(c, 6) for c in "sbmv"], zeros("f", 3, 6, 3)],
    image=(1, 4, 20),
)
case("softmax_nchw", [node("Softmax", "x", "p", axis=1), node("Conv", "p w", "y")], [zeros("w", 4, 3, 3, 3)])
case(
    "pad_negative",
    [node("Pad", "x p", "a"), node("Relu", "a", "b"), node("Conv", "b w", "y")],
    [numbers("p", 0, 0, -1, 2, 0, 0, 1, -2), zeros("w", 4, 3, 3, 3)],
)
case("gemm_two_acts", [node("Relu", "x", "a"), node("Gemm", "a x", "y", transB=1)], [], image=(6, 8))
case(
    "mixer",
    [
        node("Transpose", "x", "t", perm=[0, 2, 1]),
        node("MatMul", "t w", "a"),
        node("Relu", "a", "g"),
        node("MatMul", "g v", "b"),
        node("Transpose", "b", "u", perm=[0, 2, 1]),
        node("Add", "u x", "s"),
        node("MatMul", "s f", "y"),
    ],
    [zeros("w", 10, 20), zeros("v", 20, 10), zeros("f", 16, 4)],
    image=(1, 10, 16),
)
case(
    "outer_sum",
    [
        node("ReduceMean", "x", "r", axes=[2]),
        node("ReduceMean", "x", "c", axes=[3]),
        node("Add", "r c", "s"),
        node("Conv", "s w", "y"),
    ],
    [zeros("w", 4, 3, 3, 3)],
)
case(
    "shuffle_then_dw",
    [
        node("Reshape", "x s", "r"),
        node("Transpose", "r", "t", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "t u", "v"),
        node("Conv", "v w", "y", group=8),
    ],
    [numbers("s", 1, 2, 4, 6, 6), numbers("u", 1, 8, 6, 6), zeros("w", 8, 1, 3, 3)],
    image=(1, 8, 6, 6),
)
case(
    "tile",
    [node("Tile", "x r", "t"), node("Conv", "t w", "y")],
    [numbers("r", 1, 2, 1, 2), zeros("w", 4, 6, 3, 3)],
)
case(
    "expand",
    [
        node("ReduceMean", "x", "m", axes=[2, 3]),
        node("Expand", "m s", "e"),
        node("Concat", "e x", "c", axis=1),
        node("Conv", "c w", "y"),
    ],
    [numbers("s", 1, 3, 8, 8), zeros("w", 4, 6, 3, 3)],
)
case(
    "convT_nhwc",
    [
        node("Transpose", "x", "t", perm=[0, 3, 1, 2]),
        node("ConvTranspose", "t w", "c", strides=[2, 2], pads=[1] * 4, output_padding=[1, 1], group=2),
        node("Relu", "c", "r"),
        node("MaxPool", "r", "m", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "m v", "y"),
    ],
    [zeros("w", 4, 3, 3, 3), zeros("v", 5, 6, 3, 3)],
    image=(1, 8, 8, 4),
)
case(
    "convT_1d",
    [node("ConvTranspose", "x w", "c", strides=[4], pads=[2, 2]), node("Conv", "c v", "y")],
    [zeros("w", 4, 3, 8), zeros("v", 5, 3, 3)],
    image=(1, 4, 20),
)
case(
    "convT_output_shape",
    [node("ConvTranspose", "x w", "y", strides=[2, 2], output_shape=[16, 16])],
    [zeros("w", 3, 4, 3, 3)],
)
case(
    "convT_same",
    [node("ConvTranspose", "x w", "y", strides=[2, 2], auto_pad="SAME_UPPER")],
    [zeros("w", 3, 4, 3, 3)],
)
case(
    "d2s_crd_conv",
    [node("DepthToSpace", "x", "d", blocksize=2, mode="CRD"), node("Conv", "d w", "y")],
    [zeros("w", 4, 3, 3, 3)],
    image=(1, 12, 8, 8),
)
case(
    "slice_rev_ch",
    [node("Slice", "x a b c e", "s"), node("Conv", "s w", "y")],
    [numbers("a", -1), numbers("b", -(2**60)), numbers("c", 1), numbers("e", -1), zeros("w", 4, 3, 3, 3)],
)
case(
    "squeeze_excite_1d",
    [
        node("GlobalAveragePool", "x", "g"),
        node("Squeeze", "g a", "s"),
        node("Transpose", "s", "t", perm=[0, 2, 1]),
        node("Conv", "t w", "c", pads=[1, 1]),
        node("Sigmoid", "c", "z"),
        node("Transpose", "z", "u", perm=[0, 2, 1]),
        node("Unsqueeze", "u a", "v"),
        node("Mul", "x v", "m"),
        node("Conv", "m k", "y"),
    ],
    [numbers("a", 3), zeros("w", 1, 1, 3), zeros("k", 4, 8, 3, 3)],
    image=(1, 8, 6, 6),
)
case(
    "where",
    [node("Greater", "x z", "c"), node("Where", "c x z", "w1"), node("Conv", "w1 w", "y")],
    [scalar("z", 0.0), zeros("w", 4, 3, 3, 3)],
)
case(
    "clip6",
    [node("Max", "x z", "a"), node("Min", "a s", "b"), node("Conv", "b w", "y")],
    [scalar("z", 0.0), scalar("s", 6.0), zeros("w", 4, 3, 3, 3)],
)
case(
    "global_rank3",
    [node("GlobalAveragePool", "x", "g"), node("Conv", "g w", "y")],
    [zeros("w", 4, 3, 1)],
    image=(1, 3, 40),
)
case(
    "lppool",
    [node("LpPool", "x", "g", kernel_shape=[2, 2], strides=[2, 2]), node("Conv", "g w", "y")],
    [zeros("w", 4, 3, 3, 3)],
)
for opset, scales in ((18, 2), (21, 8)):  # in 21 of each channel, before of each group
    case(
        f"groupnorm_{opset}",
        [
            node("Conv", "x w", "c"),
            node("GroupNormalization", "c g b", "n", num_groups=2),
            node("Conv", "n w2", "y"),
        ],
        [
            zeros("w", 8, 3, 1, 1),
            zeros("g", scales),
            zeros("b", scales),
            zeros("w2", 4, 8, 3, 3),
        ],
        opset=opset,
    )
case(
    "groupnorm_of_primitives",
    [
        node("Conv", "x w", "c"),
        node("Reshape", "c s", "r"),
        node("ReduceMean", "r", "m", axes=[2, 3, 4]),
        node("Sub", "r m", "d"),
        node("Mul", "d d", "p"),
        node("ReduceMean", "p", "v", axes=[2, 3, 4]),
        node("Add", "v eps", "e"),
        node("Sqrt", "e", "q"),
        node("Div", "d q", "n"),
        node("Reshape", "n u", "h"),
        node("Conv", "h w2", "y"),
    ],
    [
        zeros("w", 8, 3, 1, 1),
        numbers("s", 1, 2, 4, 8, 8),
        scalar("eps", 1e-5),
        numbers("u", 1, 8, 8, 8),
        zeros("w2", 4, 8, 3, 3),
    ],
)
case(
    "mean_variance_normalization",
    [node("MeanVarianceNormalization", "x", "n", axes=[2, 3]), node("Conv", "n w", "y")],
    [zeros("w", 4, 3, 3, 3)],
)
case(
    "coordinate_attention",  # Hou et al., arXiv:2103.02907: rows and columns, pooled, one after the other
    [
        node("ReduceMean", "x", "h", axes=[3]),
        node("ReduceMean", "x", "v", axes=[2]),
        node("Transpose", "v", "t", perm=[0, 1, 3, 2]),
        node("Concat", "h t", "c", axis=2),
        node("Conv", "c w", "d"),
        node("Split", "d", "p q", axis=2),
        node("Transpose", "q", "u", perm=[0, 1, 3, 2]),
        node("Mul", "x p", "m"),
        node("Mul", "m u", "y"),
    ],
    [zeros("w", 3, 3, 1, 1)],
)
