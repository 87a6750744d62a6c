"""Operators of other domains as the ones of ONNX that they are, without scales and zero points.

What onnxruntime's quantiser and its optimiser write (com.microsoft) computes on integers, or in one node,
what operators of ONNX compute; nodes that quantise in other tools' domains change nothing but how many bits
elements have.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from accelsim.importers.model import Dims, operator_name

if TYPE_CHECKING:
    import onnx


class Meaning(NamedTuple):
    """What an operator is in ONNX."""

    operator: str
    places: tuple[int, ...] | slice
    """Of the tensors among its inputs."""


MEANINGS: Final = {
    "com.microsoft.QLinearAdd": Meaning("Add", (0, 3)),
    "com.microsoft.QLinearMul": Meaning("Mul", (0, 3)),
    "com.microsoft.QLinearSigmoid": Meaning("Sigmoid", (0,)),
    "com.microsoft.QLinearLeakyRelu": Meaning("LeakyRelu", (0,)),
    "com.microsoft.QLinearSoftmax": Meaning("Softmax", (0,)),
    "com.microsoft.QLinearAveragePool": Meaning("AveragePool", (0,)),
    "com.microsoft.QLinearGlobalAveragePool": Meaning("GlobalAveragePool", (0,)),
    "com.microsoft.QLinearConcat": Meaning("Concat", slice(2, None, 3)),
    "com.microsoft.Gelu": Meaning("Gelu", (0,)),
    "com.microsoft.QuickGelu": Meaning("Swish", (0,)),
    "com.microsoft.QGemm": Meaning("Gemm", (0, 3, 6)),
    "com.microsoft.QuantizeLinear": Meaning("Identity", (0,)),
    "com.microsoft.DequantizeLinear": Meaning("Identity", (0,)),
    "com.microsoft.FusedConv": Meaning("Conv", (0, 1, 2)),
    "com.microsoft.FusedGemm": Meaning("Gemm", (0, 1, 2)),
}
"""By domain and name."""
QUANTISERS: Final = {
    f"{domain}.{name}": bits_at
    for domain in ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
    for name, bits_at in (("Quant", 3), ("BipolarQuant", None), ("Trunc", 4))
}
"""Where the number of bits stands among the inputs; None: one bit."""
LIKE_THEIR_INPUT: Final = {
    "Gelu", "GroupNormalization", "LayerNormalization", "MeanVarianceNormalization", "Swish",
    "com.microsoft.RotaryEmbedding",
}  # fmt: skip
"""Operators whose output is as their first input, and that onnx infers nothing for, or not in each opset."""
_OWN_ATTRIBUTES: Final = {"activation", "activation_params", "channels_last"}


def in_onnx(node: "onnx.NodeProto") -> Iterator["onnx.NodeProto"]:
    """The nodes of ONNX that a node is; itself where it is one, or where nobody knows."""
    from onnx import helper  # noqa: PLC0415

    name = operator_name(node)
    given: dict[str, Any] = {
        attribute.name: helper.get_attribute_value(attribute)
        for attribute in node.attribute
        if attribute.name in _OWN_ATTRIBUTES
    }
    if name in QUANTISERS:
        yield helper.make_node("Identity", node.input[:1], node.output[:1], name=node.name)
        return
    if name in _SEVERAL:
        yield from _SEVERAL[name](node)
        return
    meaning = MEANINGS.get(name)
    if meaning is None or given.get("channels_last"):
        yield node
        return
    inputs = [*node.input]
    places = range(len(inputs))[meaning.places] if isinstance(meaning.places, slice) else meaning.places
    made = type(node)()
    made.CopyFrom(node)
    made.domain, made.op_type = "", meaning.operator
    made.input[:] = [inputs[place] for place in places if place < len(inputs)]
    del made.attribute[:]
    made.attribute.extend(each for each in node.attribute if each.name not in _OWN_ATTRIBUTES)
    if not (function := given.get("activation")):
        yield made
        return
    between = f"{node.output[0]}/before"
    made.output[0] = between
    yield made
    yield helper.make_node(function.decode(), [between], node.output[:1], name=f"{node.name}.activation")


def type_of_attention(
    node: "onnx.NodeProto", inputs: Sequence[Dims | None], types: Mapping[str, "onnx.TypeProto"]
) -> "onnx.TypeProto | None":
    """What onnxruntime's attention puts out, of which onnx knows nothing; None where that is not known."""
    from onnx import helper  # noqa: PLC0415

    name, given = operator_name(node), {each.name: [*each.ints] for each in node.attribute}
    values = {"com.microsoft.Attention": 1, "com.microsoft.MultiHeadAttention": 2}.get(name)
    if values is None or len(inputs) <= values or (source := inputs[0]) is None or not inputs[values]:
        return None
    *_, features = of_values = inputs[values] or ()
    if values == 2 and len(of_values) == 4:  # batch x heads x tokens x features
        features *= of_values[1]
    if values == 1:  # queries, keys and values of one product
        features = (given.get("qkv_hidden_sizes") or [features // 3])[-1]
    return helper.make_tensor_type_proto(types[node.input[0]].tensor_type.elem_type, [*source[:2], features])


# --- what is several operators of ONNX


class _Chain:
    """Nodes one after the other, of which the last makes what a node of another domain does."""

    def __init__(self, node: "onnx.NodeProto") -> None:
        self.node = node
        self.made: list[onnx.NodeProto] = []

    def then(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """One more node; what it makes."""
        from onnx import helper  # noqa: PLC0415

        name = f"{self.node.name or self.node.output[0]}.{operator}.{len(self.made)}"
        self.made.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def plus(self, tensor: str, place: int) -> str:
        """A tensor and the input at some place, where the node has one."""
        given = self.input(place)
        return self.then("Add", tensor, given) if given else tensor

    def input(self, place: int) -> str:
        """The name of an input; empty where it is left out."""
        return self.node.input[place] if place < len(self.node.input) else ""

    def ends(self, *tensors: str) -> Iterator["onnx.NodeProto"]:
        """The nodes, with the node's outputs in the place of what they make."""
        from onnx import helper  # noqa: PLC0415

        outputs = zip(tensors, self.node.output, strict=False)
        names = {made: output for made, output in outputs if made and output}
        for inner in self.made:
            inner.input[:] = [names.get(name, name) for name in inner.input]
            inner.output[:] = [names.get(name, name) for name in inner.output]
        self.made[-1].name = self.node.name
        yield from self.made
        ready = {output for inner in self.made for output in inner.output}
        for made, output in names.items():
            if output not in ready:
                yield helper.make_node("Identity", [made], [output])


def _gelu(node: "onnx.NodeProto") -> Iterator["onnx.NodeProto"]:
    """Gelu of a sum with a bias, which may be left out."""
    chain = _Chain(node)
    return chain.ends(chain.then("Gelu", chain.plus(chain.input(0), 1)))


def _skip_layer_norm(node: "onnx.NodeProto") -> Iterator["onnx.NodeProto"]:
    """A normalization of a sum of two tensors and a bias; the fourth output is that sum."""
    chain = _Chain(node)
    total = chain.plus(chain.plus(chain.input(0), 1), 4)
    scaled = chain.then("LayerNormalization", total, *filter(None, (chain.input(2), chain.input(3))))
    return chain.ends(scaled, "", "", total)


def _integer_matmul(quantised: str, chain: _Chain, bias: int) -> Iterator["onnx.NodeProto"]:
    product = chain.then("MatMulInteger", quantised, chain.input(1))
    return chain.ends(chain.plus(chain.then("Cast", product, to=1), bias))


def _dynamic_matmul(node: "onnx.NodeProto") -> Iterator["onnx.NodeProto"]:
    """A product of integers whose first operand is quantised on the way."""
    chain = _Chain(node)
    quantised = chain.then("DynamicQuantizeLinear", chain.input(0))
    chain.made[-1].output.extend([f"{quantised}.scale", f"{quantised}.zero_point"])
    return _integer_matmul(quantised, chain, 4)


def _matmul_to_float(node: "onnx.NodeProto") -> Iterator["onnx.NodeProto"]:
    """A product of integers, with scales of both."""
    chain = _Chain(node)
    return _integer_matmul(chain.input(0), chain, 6)


_SEVERAL: Final = {
    "com.microsoft.FastGelu": _gelu,
    "com.microsoft.BiasGelu": _gelu,
    "com.microsoft.SkipLayerNormalization": _skip_layer_norm,
    "com.microsoft.DynamicQuantizeMatMul": _dynamic_matmul,
    "com.microsoft.MatMulIntegerToFloat": _matmul_to_float,
}
"""Operators that are several of ONNX, by domain and name."""
