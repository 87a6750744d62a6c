"""Small ONNX models of many kinds, as exporters write them, for others to be made of them."""

import math
import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, Final


class _Graph:
    """A model under construction; whatever is added reads what was added before it."""

    def __init__(self, channels: int = 3, size: int = 12, batch: int | str = 1) -> None:
        from onnx import TensorProto, helper  # noqa: PLC0415 (an extra)

        self.helper, self.types = helper, TensorProto
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.last = "x"
        self.channels = channels
        self.image = [batch, channels, size, size]

    def add(
        self, operator: str, *others: str, of: str | None = None, outputs: int = 1, **attributes: Any
    ) -> str:
        """A node that reads `of`, or the last one, and tensors of these names."""
        output = f"t{len(self.nodes)}"
        names = [output, *(f"{output}.{number}" for number in range(1, outputs))]
        inputs = [self.last if of is None else of, *others]
        self.nodes.append(
            self.helper.make_node(operator, inputs, names, name=f"n{len(self.nodes)}", **attributes)
        )
        self.last = output
        return output

    def weights(self, *dims: int, kind: int | None = None) -> str:
        """A constant of zeros."""
        return self.constant([0.0] * math.prod(dims), dims, self.types.FLOAT if kind is None else kind)

    def integers(self, *values: int) -> str:
        """A constant of these whole numbers."""
        return self.constant(values, [len(values)], self.types.INT64)

    def constant(self, values: Sequence[float], dims: Sequence[int], kind: int) -> str:
        """A constant tensor."""
        name = f"w{len(self.constants)}"
        self.constants.append(self.helper.make_tensor(name, kind, dims, values))
        return name

    def conv(self, out: int, kernel: int = 3, groups: int = 1, **attributes: Any) -> str:
        """A convolution that keeps the size, unless told otherwise."""
        weights = self.weights(out, self.channels // groups, kernel, kernel)
        self.channels = out
        if "auto_pad" not in attributes:
            attributes.setdefault("pads", [kernel // 2] * 4)
        return self.add("Conv", weights, group=groups, kernel_shape=[kernel, kernel], **attributes)

    def gemm(self, inputs: int, outputs: int) -> str:
        """A matrix product with a bias."""
        return self.add("Gemm", self.weights(outputs, inputs), self.weights(outputs), transB=1)

    def model(self, opset: int = 17) -> Any:
        """The model, whose output is the last node."""
        value = self.helper.make_tensor_value_info
        inputs = [value("x", self.types.FLOAT, self.image)]
        outputs = [value(self.last, self.types.FLOAT, None)]
        graph = self.helper.make_graph(self.nodes, "graph", inputs, outputs, self.constants)
        opsets = [self.helper.make_opsetid("", opset)]
        return self.helper.make_model(graph, opset_imports=opsets, producer_name="corpus")


def _classifier() -> Any:
    """Convolutions, pooling, and a classifier behind Flatten."""
    graph = _Graph()
    graph.conv(8, strides=[2, 2])
    parts = [graph.weights(8) for _ in range(4)]
    graph.add("BatchNormalization", *parts)
    graph.add("Relu")
    graph.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    graph.add("Dropout")
    graph.add("Flatten", axis=1)
    graph.gemm(72, 10)
    graph.add("Softmax", axis=1)
    return graph.model()


def _residual() -> Any:
    """A sum, a concatenation and squeeze and excitation."""
    graph = _Graph(channels=4)
    first = graph.conv(8)
    graph.add("Clip", graph.constant([0.0], [], 1), graph.constant([6.0], [], 1))
    graph.conv(8, groups=8)
    total = graph.add("Add", first)
    graph.add("GlobalAveragePool")
    graph.conv(2, kernel=1)
    graph.add("Relu")
    graph.conv(8, kernel=1)
    graph.add("Sigmoid")
    gated = graph.add("Mul", total)
    graph.add("Concat", first, of=gated, axis=1)
    graph.add("ReduceMean", axes=[2, 3], keepdims=1)
    return graph.model(opset=13)


def _shuffle() -> Any:
    """Channels in another order, taken apart and put together."""
    graph = _Graph(channels=8, batch="N")
    graph.add("Reshape", graph.integers(0, 2, 4, 12, 12))
    graph.add("Transpose", perm=[0, 2, 1, 3, 4])
    graph.add("Reshape", graph.integers(0, -1, 12, 12))
    half = graph.add("Split", graph.integers(4, 4), axis=1, outputs=2)
    graph.channels = 4
    graph.conv(4)
    graph.add("Concat", f"{half}.1", axis=1)
    graph.add("Slice", graph.integers(2), graph.integers(8), graph.integers(1))
    graph.add("Gather", graph.integers(5, 4, 3, 2, 1, 0), axis=1)
    graph.add("AveragePool", kernel_shape=[3, 3], ceil_mode=1, strides=[2, 2])
    return graph.model()


def _computed_shape() -> Any:
    """A shape that the model computes, as exporters write `view(x.size(0), -1)`."""
    graph = _Graph(channels=4, batch="batch")
    body = graph.conv(6, auto_pad="SAME_UPPER")
    shape = graph.add("Shape")
    graph.add("Gather", graph.constant([0], [], 7), of=shape, axis=0)
    size = graph.add("Unsqueeze", graph.integers(0))
    shape = graph.add("Concat", graph.integers(-1), of=size, axis=0)
    graph.add("Reshape", shape, of=body)
    graph.gemm(864, 5)
    return graph.model()


def _quantised() -> Any:
    """Weights and activations through QuantizeLinear and DequantizeLinear."""
    graph = _Graph(channels=4)
    scale = graph.constant([0.1], [], 1)
    zero = graph.constant([0], [], 3)
    graph.add("QuantizeLinear", scale, zero)
    image = graph.add("DequantizeLinear", scale, zero)
    stored = graph.weights(8, 4, 3, 3, kind=3)
    weights = graph.add("DequantizeLinear", scale, zero, of=stored)
    graph.add("Conv", weights, of=image, kernel_shape=[3, 3])
    graph.add("PRelu", graph.weights(8, 1, 1))
    return graph.model()


def _resized() -> Any:
    """Padding, resizing, and a sum of both branches."""
    graph = _Graph(channels=4)
    wide = graph.conv(4)
    graph.add("Pad", graph.integers(0, 0, 1, 1, 0, 0, 1, 1))
    graph.conv(4, pads=[0, 0, 0, 0], strides=[2, 2])
    empty = ""
    graph.add("Resize", empty, graph.constant([1.0, 1.0, 2.0, 2.0], [4], 1), mode="nearest")
    graph.add("Add", wide)
    graph.add("LRN", size=3)
    graph.add("HardSwish")
    return graph.model()


def _constants() -> Any:
    """Constants as nodes, and a chain of arithmetic on them."""
    graph = _Graph(channels=4)
    body = graph.conv(4)
    tensor = graph.helper.make_tensor("value", 7, [1], [4])
    start = graph.constant([0], [], 7)
    graph.add("Range", graph.constant([4], [], 7), graph.constant([1], [], 7), of=start)
    order = graph.last
    graph.nodes.append(graph.helper.make_node("ConstantOfShape", [order], ["filled"], value=tensor))
    graph.nodes.append(graph.helper.make_node("Constant", [], ["constant"], value=tensor))
    graph.add("Mul", "constant", of="constant")
    graph.add("Gather", order, of=body, axis=1)
    graph.add("GlobalAveragePool")
    graph.add("Squeeze", graph.integers(2, 3))
    graph.add("MatMul", graph.weights(4, 7))
    return graph.model(opset=16)


def _signal() -> Any:
    """One axis instead of two."""
    graph = _Graph(channels=4)
    graph.image = [1, 4, 40]
    graph.add("Conv", graph.weights(8, 4, 5), kernel_shape=[5], strides=[2])
    graph.add("Relu")
    graph.add("GlobalAveragePool")
    graph.add("Flatten")
    graph.gemm(8, 3)
    return graph.model(opset=11)


def _channels_last() -> Any:
    """An image whose channels come last, as TensorFlow's converter writes it."""
    graph = _Graph(channels=3)
    graph.image = [1, 12, 12, 3]
    graph.add("Transpose", perm=[0, 3, 1, 2])
    graph.conv(4)
    graph.add("Transpose", perm=[0, 2, 3, 1])
    graph.add("Relu")
    graph.add("Transpose", perm=[0, 3, 1, 2])
    graph.add("Flatten")
    graph.gemm(576, 3)
    return graph.model(opset=13)


def _attention() -> Any:
    """Tokens through onnxruntime's operators, elements picked by place, and a product of several matrices."""
    graph = _Graph()
    graph.image = [1, 6, 8]
    of_microsoft: dict[str, Any] = {"domain": "com.microsoft", "num_heads": 2}
    graph.add("Attention", graph.weights(8, 24), graph.weights(24), **of_microsoft)
    graph.add("RotaryEmbedding", graph.integers(0), graph.weights(9, 2), graph.weights(9, 2), **of_microsoft)
    axis = graph.integers(1)
    graph.add("CumSum", axis)
    picked = graph.constant((0, 1, 0, 5), (2, 2), graph.types.INT64)
    graph.add("GatherND", picked)
    graph.add("MatMul", graph.weights(3, 8, 4))
    return graph.model(opset=17)


_SEEDS: Final = (
    _classifier, _residual, _shuffle, _computed_shape, _quantised, _resized, _constants, _signal,
    _channels_last, _attention,
)  # fmt: skip


@cache
def seeds() -> tuple[bytes, ...]:
    """The models, as files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(make().SerializeToString() for make in _SEEDS)
