"""Each operator of ONNX as rows: a rule for each says what its outputs are, or what keeps it from being one.

windows.py   convolutions and poolings
products.py  matrix products, also of two activations
attention.py attention, where it is one operator
rotary.py    rotary embeddings, where they are
elements.py  functions of elements, what combines tensors, normalizations
parts.py     concatenations, slices, reductions
axes.py      what gives axes other names, and what moves elements for that
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from accelsim.importers import attention, axes, elements, parts, products, rotary, windows
from accelsim.importers.context import Rule
from accelsim.importers.conversion import converted
from accelsim.importers.model import Imported, Model, ModelNode
from accelsim.importers.patterns import put_together
from accelsim.importers.request import Unsupported


def imported(model: Model, unsupported: Unsupported = "refuse") -> Imported:
    """The model as the data of a network's YAML.

    Args:
        model: Nodes with the operators of ONNX, and the shapes of their tensors.
        unsupported: What becomes of nodes that cannot be rows: `refuse`, or where they are let pass, `host`
            or `elementwise`.

    Returns:
        A row of the block `graph` for each operator that is executed, with all of its arguments.

    Raises:
        NetworkError: With a line for each node that cannot be a row.

    Example:
        >>> relu = ModelNode("relu", "Relu", ("x",), ("y",))
        >>> shapes = {"x": (1, 3, 8, 8), "y": (1, 3, 8, 8)}
        >>> ends = {"inputs": ("x",), "outputs": ("y",)}
        >>> weights = {"constants": frozenset(), "value": lambda name: ()}
        >>> model = Model("net", "net", "an example", (relu,), **ends, shapes=shapes, **weights)
        >>> imported(model).data["stages"][0]["operators"][0]["operator"]
        'activation'
    """
    return converted(put_together(_pruned(model)), RULES, unsupported)


def _pruned(model: Model) -> Model:
    """Without the nodes that the outputs do not depend on, and without those that are constant."""
    needed_tensors = set(model.outputs)
    nodes: list[ModelNode] = []
    for node in reversed(model.nodes):
        if needed_tensors & set(node.outputs) and not model.constants.issuperset(filter(None, node.outputs)):
            nodes.append(node)
            needed_tensors.update(node.inputs)
    return replace(model, nodes=tuple(reversed(nodes)))


_FUNCTIONS: Final = {
    "relu": ("Relu",),
    "leaky_relu": ("LeakyRelu", "ThresholdedRelu", "Shrink"),
    "elu": ("Elu", "Selu", "Celu"),
    "softplus": ("Softplus",),
    "sigmoid": ("Sigmoid",),
    "hard_sigmoid": ("HardSigmoid",),
    "tanh": ("Tanh", "Softsign", "Atan"),
    "swish": ("Swish",),
    "hard_swish": ("HardSwish",),
    "gelu": ("Gelu",),
    "mish": ("Mish",),
    "abs": ("Abs",),
    "negate": ("Neg",),
    "exp": ("Exp",),
    "log": ("Log",),
    "sqrt": ("Sqrt",),
    "reciprocal": ("Reciprocal",),
    "erf": ("Erf",),
    "sine": ("Sin", "Cos"),
    "round": ("Round", "Floor", "Ceil"),
    "sign": ("Sign",),
    "step": ("Not", "IsNaN", "IsInf"),
}
"""Activations, and the operators of ONNX that are one."""
_COMBINATIONS: Final = {
    "add": ("Add", "Sub", "Sum", "Mean"),
    "multiply": ("Mul", "Div"),
    "maximum": ("Max", "Min"),
    "compare": (
        "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor", "Mod",
    ),
}  # fmt: skip
"""The same of what combines tensors element by element."""
_REDUCTIONS: Final = {
    "mean": ("ReduceMean",),
    "max": ("ReduceMax",),
    "min": ("ReduceMin",),
    "sum": ("ReduceSum", "ReduceLogSum"),
    "product": ("ReduceProd",),
    "norm": ("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"),
    "arg_max": ("ArgMax",),
    "arg_min": ("ArgMin",),
}
"""The same of what makes one element of whole dimensions."""

RULES: Final[Mapping[str, Rule]] = {
    "Conv": windows.conv(),
    "ConvInteger": windows.conv(bias=None),
    "QLinearConv": windows.conv(weights=3, bias=8),
    "ConvTranspose": windows.conv_transpose,
    "Gemm": products.gemm,
    "MatMul": products.matmul(),
    "MatMulInteger": products.matmul(bias=None),
    "QLinearMatMul": products.matmul(second=3, bias=None),
    "Einsum": products.einsum,
    "Attention": attention.attention,
    "com.microsoft.Attention": attention.packed_attention,
    "com.microsoft.MultiHeadAttention": attention.multi_head_attention,
    "RotaryEmbedding": rotary.rotary_embedding(tables=(1, 2), positions=3),
    "com.microsoft.RotaryEmbedding": rotary.rotary_embedding(tables=(2, 3), positions=1),
    "BatchNormalization": elements.batch_norm,
    "LayerNormalization": elements.normalization("layer_norm"),
    "RMSNormalization": elements.normalization("rms_norm", shift=None),
    "SimplifiedLayerNormalization": elements.normalization("rms_norm", shift=None),
    "InstanceNormalization": elements.normalization("instance_norm"),
    "GroupNormalization": elements.normalization("group_norm"),
    "MeanVarianceNormalization": elements.normalization("instance_norm"),
    "LpNormalization": elements.normalization("rms_norm", shift=None),
    "LRN": elements.lrn,
    "MaxPool": windows.pool("max_pool"),
    "AveragePool": windows.pool("average_pool"),
    "LpPool": windows.pool("lp_pool"),
    "MaxUnpool": windows.max_unpool,
    "GlobalAveragePool": parts.global_pool("mean"),
    "GlobalMaxPool": parts.global_pool("max"),
    "GlobalLpPool": parts.global_pool("norm"),
    **{name: parts.reduce(function) for function, names in _REDUCTIONS.items() for name in names},
    "CumSum": elements.cumulative_sum,
    "Softmax": elements.softmax,
    "LogSoftmax": elements.softmax,
    "Hardmax": elements.softmax,
    "Clip": elements.clip,
    "PRelu": elements.prelu,
    **{name: elements.activation(function) for function, names in _FUNCTIONS.items() for name in names},
    **{name: elements.combined(operator) for operator, names in _COMBINATIONS.items() for name in names},
    "Pow": elements.power,
    "Where": elements.where,
    "Concat": parts.concat(),
    "Split": parts.split,
    "Slice": parts.slice_,
    "Gather": parts.gather,
    "GatherND": parts.gather_nd,
    "Tile": parts.tile,
    "Expand": axes.expand,
    "Transpose": axes.transpose,
    "Reshape": axes.reshape,
    "Flatten": axes.reshape,
    "Squeeze": axes.reshape,
    "Unsqueeze": axes.reshape,
    "DepthToSpace": axes.depth_to_space,
    "SpaceToDepth": axes.space_to_depth,
    "Pad": axes.pad,
    "Resize": axes.resize,
    "Upsample": axes.resize,
    "Identity": axes.alias,
    "Dropout": axes.alias,
    "Cast": axes.cast,
    "CastLike": axes.cast,
    "QuantizeLinear": axes.alias,
    "DequantizeLinear": axes.alias,
    "DynamicQuantizeLinear": axes.quantize,
}
"""How each operator of ONNX becomes rows; one that is not here is a mistake, never left out."""
