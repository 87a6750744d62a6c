"""Each ATen operator as the ONNX operator that it is: a rule reads a call's arguments and gives its nodes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from accelsim.importers.aten_moves import MOVES
from accelsim.importers.model import Dims, ModelNode
from accelsim.importers.torch_calls import AtenRule, Call, Nodes, plain


def _listed(value: Any, count: int) -> list[int]:
    """A number for each axis; one number is for all of them."""
    values = list(value) if isinstance(value, Sequence) else [value]
    return values * count if len(values) == 1 else values


def _normed(call: Call) -> Nodes:
    return call.emit("BatchNormalization", [call.tensor(), call.tensor(1, "weight"), call.tensor(2, "bias")])


def _layer_norm(call: Call) -> Nodes:
    inputs = [call.tensor(), call.tensor(2, "weight"), call.tensor(3, "bias")]
    return call.emit("LayerNormalization", inputs)


def _rms_norm(call: Call) -> Nodes:
    return call.emit("RMSNormalization", [call.tensor(), call.tensor(2, "weight")])


def _group_norm(call: Call) -> Nodes:
    inputs = [call.tensor(), call.tensor(2, "weight"), call.tensor(3, "bias")]
    return call.emit("GroupNormalization", inputs, num_groups=call.argument(1, "num_groups", 1))


def _native_group_norm(call: Call) -> Nodes:
    inputs = [call.tensor(), call.tensor(1, "weight"), call.tensor(2, "bias")]
    return call.emit("GroupNormalization", inputs, num_groups=call.argument(6, "group", 1))


def _instance_norm(call: Call) -> Nodes:
    inputs = [call.tensor(), call.tensor(1, "weight"), call.tensor(2, "bias")]
    return call.emit("InstanceNormalization", inputs)


# --- windows


def _conv(call: Call) -> Nodes:
    return _convolution(call, padding=call.argument(4, "padding", 0), dilation=5, groups=6)


def _convolution_of_any_kind(call: Call) -> Nodes:
    if call.argument(6, "transposed", False):
        return _transposed(call, output_padding=7, groups=8, dilation=5)
    return _convolution(call, padding=call.argument(4, "padding", 0), dilation=5, groups=8)


def _conv_transpose(call: Call) -> Nodes:
    return _transposed(call, output_padding=5, groups=6, dilation=7)


def _transposed(call: Call, *, output_padding: int, groups: int, dilation: int) -> Nodes:
    weights = call.tensor(1, "weight")
    axes = len(call.shape(weights)) - 2
    return call.emit(
        "ConvTranspose",
        [call.tensor(), weights, call.tensor(2, "bias")],
        strides=_listed(call.argument(3, "stride", 1), axes),
        pads=_listed(call.argument(4, "padding", 0), axes) * 2,
        output_padding=_listed(call.argument(output_padding, "output_padding", 0), axes),
        dilations=_listed(call.argument(dilation, "dilation", 1), axes),
        group=call.argument(groups, "groups", 1),
    )


def _convolution(call: Call, *, padding: Any, dilation: int, groups: int) -> Nodes:
    weights = call.tensor(1, "weight")
    axes = len(call.shape(weights)) - 2
    attributes = {
        "strides": _listed(call.argument(3, "stride", 1), axes),
        "dilations": _listed(call.argument(dilation, "dilation", 1), axes),
        "group": call.argument(groups, "groups", 1),
    }
    if isinstance(padding, str):
        attributes["auto_pad"] = {"same": "SAME_UPPER", "valid": "VALID"}[padding]
    else:
        attributes["pads"] = _listed(padding, axes) * 2
    return call.emit("Conv", [call.tensor(), weights, call.tensor(2, "bias")], **attributes)


def _pool(operator: str, axes: int, *, dilation: int | None, ceil_mode: int) -> AtenRule:
    def rule(call: Call) -> Nodes:
        kernel = _listed(call.argument(1, "kernel_size"), axes)
        attributes = {
            "kernel_shape": kernel,
            "strides": _listed(call.argument(2, "stride") or kernel, axes),
            "pads": _listed(call.argument(3, "padding", 0), axes) * 2,
            "ceil_mode": int(call.argument(ceil_mode, "ceil_mode", False)),
        }
        if dilation is not None:
            attributes["dilations"] = _listed(call.argument(dilation, "dilation", 1), axes)
        return call.emit(operator, [call.tensor()], **attributes)

    return rule


def _adaptive_pool(operator: str, axes: int) -> AtenRule:
    """Windows of one size where the output divides the input; else there is no such pooling here."""

    def rule(call: Call) -> Nodes:
        sizes = call.shape(call.tensor())[-axes:]
        out_sizes = call.shape(call.outputs()[0])[-axes:]
        if set(out_sizes) == {1}:
            return call.emit(f"Global{operator}", [call.tensor()])
        if any(size % out for size, out in zip(sizes, out_sizes, strict=True)):
            return call.emit(f"adaptive pooling of {list(sizes)} to {list(out_sizes)}", [call.tensor()])
        kernel = [size // out for size, out in zip(sizes, out_sizes, strict=True)]
        return call.emit(operator, [call.tensor()], kernel_shape=kernel, strides=kernel)

    return rule


def _pad(call: Call) -> Nodes:
    """From the last axis to the first, before and after, as ONNX's: all before, then all after."""
    sizes = call.argument(1, "pad")
    missing = [0] * (len(call.shape(call.tensor())) - len(sizes) // 2)
    return call.emit("Pad", [call.tensor()], pads=[*missing, *sizes[-2::-2], *missing, *sizes[::-2]])


def _resize(mode: str) -> AtenRule:
    return lambda call: call.emit("Resize", [call.tensor()], mode=mode)


# --- matrix products and elements


def _linear(call: Call) -> Nodes:
    inputs = [call.tensor(), call.tensor(1, "weight"), call.tensor(2, "bias")]
    return call.emit("Gemm", inputs, transB=1)


def _addmm(call: Call) -> Nodes:
    return call.emit("Gemm", [call.tensor(1), call.tensor(2), call.tensor()])


def _sum_with_a_product(operator: str) -> AtenRule:
    """The first tensor, and the product of the two others."""

    def rule(call: Call) -> Nodes:
        summand, *factors = (call.tensor(index) for index in range(3))
        tensors, product = call.tensors, f"{call.node.name}.product"
        (output,) = call.outputs()
        shapes = [call.shape(factor) for factor in factors]
        tensors.shapes[product] = call.shape(output) if operator == "MatMul" else _broadcast(*shapes)
        if tensors.constants.issuperset(factors):
            tensors.constants.add(product)
        yield ModelNode("", operator, tuple(factors), (product,))
        yield from call.emit("Add", [product, summand])

    return rule


def _broadcast(*shapes: Dims) -> Dims:
    """The shape of what combines tensors of these shapes, element by element."""
    rank = max(map(len, shapes))
    longer = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(max(sizes) for sizes in zip(*longer, strict=True))


def _attention(call: Call) -> Nodes:
    """softmax(q k^T / sqrt(d) + mask) v, of which the scale is one number."""
    query, key, value, mask = (call.tensor(index, name) for index, name in enumerate(_OF_ATTENTION))
    *batch, tokens, _ = call.shape(query)
    *of_key, keys, depth = call.shape(key)
    turned, scores, scaled, masked, weights = (
        f"{call.node.name}.{part}" for part in ("keys", "scores", "scaled", "masked", "weights")
    )
    shapes = call.tensors.shapes
    shapes[turned] = (*of_key, depth, keys)
    shapes.update(dict.fromkeys((scores, scaled, masked, weights), (*batch, tokens, keys)))
    rank = len(of_key)
    yield ModelNode("", "Transpose", (key,), (turned,), {"perm": [*range(rank), rank + 1, rank]})
    yield ModelNode("", "MatMul", (query, turned), (scores,))
    yield ModelNode("", "Neg", (scores,), (scaled,))  # a product with a number costs as much
    if mask:
        yield ModelNode("", "Add", (scaled, mask), (masked,))
    yield ModelNode("", "Softmax", (masked if mask else scaled,), (weights,))
    yield from call.emit("MatMul", [weights, value])


_OF_ATTENTION: Final = ("query", "key", "value", "attn_mask")


def _einsum(call: Call) -> Nodes:
    sources = [call.tensors.name_of(tensor) for tensor in call.argument(1, "tensors")]
    return call.emit("Einsum", sources, equation=call.argument(0, "equation"))


def _clamp(call: Call) -> Nodes:
    low, high = call.argument(1, "min", -1.0), call.argument(2, "max")
    attributes = {"min": low} if high is None else {"min": low, "max": high}
    return call.emit("Clip", [call.tensor()], **attributes)


def _hardtanh(call: Call) -> Nodes:
    low, high = call.argument(1, "min_val", -1.0), call.argument(2, "max_val", 1.0)
    return call.emit("Clip", [call.tensor()], min=low, max=high)


def _reduce(operator: str) -> AtenRule:
    def rule(call: Call) -> Nodes:
        every = range(len(call.shape(call.tensor())))
        axes = _listed(call.argument(1, "dim", list(every)), 1)
        keeps = int(call.argument(2, "keepdim", False))
        return call.emit(operator, [call.tensor()], axes=axes, keepdims=keeps)

    return rule


# --- axes and channels


def _cumulative_sum(call: Call) -> Nodes:
    return call.emit("CumSum", [call.tensor()], axis=call.argument(1, "dim", 0))


def _vector_norm(call: Call) -> Nodes:
    every = range(len(call.shape(call.tensor())))
    axes = _listed(call.argument(2, "dim", list(every)), 1)
    keeps = int(call.argument(3, "keepdim", False))
    return call.emit("ReduceL2", [call.tensor()], axes=axes, keepdims=keeps)


def _arg(operator: str) -> AtenRule:
    def rule(call: Call) -> Nodes:
        axis, keeps = call.argument(1, "dim", 0), int(call.argument(2, "keepdim", False))
        return call.emit(operator, [call.tensor()], axis=axis, keepdims=keeps)

    return rule


_ALIASES: Final = (
    "alias",
    "clone",
    "contiguous",
    "detach",
    "dropout",
    "feature_dropout",
    "lift_fresh_copy",
    "native_dropout",
)
_CASTS: Final = ("to", "_to_copy")
_RESHAPES: Final = ["flatten", "reshape", "squeeze", "unflatten", "unsqueeze", "view", "_unsafe_view"]

_ELEMENTS: Final = {
    "abs": "Abs",
    "neg": "Neg",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "rsqrt": "Reciprocal",
    "reciprocal": "Reciprocal",
    "erf": "Erf",
    "sin": "Sin",
    "cos": "Cos",
    "round": "Round",
    "floor": "Floor",
    "ceil": "Ceil",
    "sign": "Sign",
    "logical_not": "Not",
}
_COMBINATIONS: Final = {
    "maximum": "Max",
    "minimum": "Min",
    "pow": "Pow",
    "eq": "Equal",
    "gt": "Greater",
    "ge": "GreaterOrEqual",
    "lt": "Less",
    "le": "LessOrEqual",
    "logical_and": "And",
    "logical_or": "Or",
}

OF_SHAPES_ONLY: Final = frozenset(
    f"{prefix}{name}"
    for prefix in ("new_", "")
    for name in ("arange", "empty", "eye", "full", "ones", "zeros")
) | frozenset(f"{name}_like" for name in ("empty", "full", "ones", "zeros"))
"""What makes constants, also where a tensor says how large they are."""

ATEN_RULES: Final[Mapping[str, AtenRule]] = {
    **dict.fromkeys(("conv1d", "conv2d"), _conv),
    "convolution": _convolution_of_any_kind,
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d"), _conv_transpose),
    "layer_norm": _layer_norm,
    "native_layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "group_norm": _group_norm,
    "native_group_norm": _native_group_norm,
    "instance_norm": _instance_norm,
    "scaled_dot_product_attention": _attention,
    "bmm": plain("MatMul", 2),
    "einsum": _einsum,
    "max_pool1d": _pool("MaxPool", 1, dilation=4, ceil_mode=5),
    "max_pool2d": _pool("MaxPool", 2, dilation=4, ceil_mode=5),
    "max_pool2d_with_indices": _pool("MaxPool", 2, dilation=4, ceil_mode=5),
    "avg_pool1d": _pool("AveragePool", 1, dilation=None, ceil_mode=4),
    "avg_pool2d": _pool("AveragePool", 2, dilation=None, ceil_mode=4),
    "adaptive_avg_pool1d": _adaptive_pool("AveragePool", 1),
    "adaptive_avg_pool2d": _adaptive_pool("AveragePool", 2),
    "adaptive_max_pool2d": _adaptive_pool("MaxPool", 2),
    "pad": _pad,
    "constant_pad_nd": _pad,
    "upsample_nearest2d": _resize("nearest"),
    "upsample_bilinear2d": _resize("linear"),
    "upsample_bicubic2d": _resize("cubic"),
    "linear": _linear,
    "addmm": _addmm,
    "addcmul": _sum_with_a_product("Mul"),
    "baddbmm": _sum_with_a_product("MatMul"),
    "matmul": plain("MatMul", 2),
    "mm": plain("MatMul", 2),
    "batch_norm": _normed,
    "_native_batch_norm_legit_no_training": _normed,
    "hardtanh": _hardtanh,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "relu": plain("Relu"),
    "relu6": lambda call: call.emit("Clip", [call.tensor()], min=0.0, max=6.0),
    "leaky_relu": plain("LeakyRelu"),
    "prelu": plain("PRelu", 2),
    "elu": plain("Elu"),
    "selu": plain("Selu"),
    "celu": plain("Celu"),
    "softplus": plain("Softplus"),
    "sigmoid": plain("Sigmoid"),
    "hardsigmoid": plain("HardSigmoid"),
    "tanh": plain("Tanh"),
    "silu": plain("Swish"),
    "hardswish": plain("HardSwish"),
    "gelu": plain("Gelu"),
    "mish": plain("Mish"),
    **dict.fromkeys(("softmax", "_softmax", "log_softmax", "_log_softmax"), plain("Softmax")),
    "add": plain("Add", 2),
    "sub": plain("Sub", 2),
    "mul": plain("Mul", 2),
    "div": plain("Div", 2),
    **{name: plain(operator) for name, operator in _ELEMENTS.items()},
    **{name: plain(operator, 2) for name, operator in _COMBINATIONS.items()},
    "where": plain("Where", 3),
    "cumsum": _cumulative_sum,
    "argmax": _arg("ArgMax"),
    "argmin": _arg("ArgMin"),
    "sum": _reduce("ReduceSum"),
    "amin": _reduce("ReduceMin"),
    "linalg_vector_norm": _vector_norm,
    "prod": _reduce("ReduceProd"),
    "mean": _reduce("ReduceMean"),
    "amax": _reduce("ReduceMax"),
    **MOVES,
    **dict.fromkeys(_ALIASES, plain("Identity")),
    **dict.fromkeys(_CASTS, plain("Cast")),
    **dict.fromkeys(_RESHAPES, plain("Reshape")),
}
"""What each ATen operator is in ONNX; one that is not here is a mistake, never left out."""
