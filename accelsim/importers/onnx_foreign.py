"""Operators of other domains as the ones of ONNX that they are, without scales and zero points.

What onnxruntime's quantiser writes (com.microsoft) computes on integers what an operator of ONNX computes;
nodes that quantise in other tools' domains change nothing but how many bits elements have.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from accelsim.importers.model import operator_name

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
