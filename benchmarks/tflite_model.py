"""A published graph as a TensorFlow Lite model: tensors, operators and their options, as plain values.

What Arm's Vela reads is a flatbuffer of this, which `write_tflite.py` makes in Vela's own environment. What
SqueezeNet, MobileNets and the networks of MLPerf Tiny consist of is translated: convolutions, depthwise and
fully connected layers, batch normalisation (within the weights), ReLU and ReLU6, additions, pooling,
concatenation, softmax. Tensors have 8 bits, as Vela's machines want them.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from accelsim.errors import AccelsimError
from accelsim.network import operators as ops
from accelsim.network.graph import Operator, PublishedGraph, Shape
from accelsim.network.windows import Window

ACTIVATION_SCALE: Final = 0.05
"""Real value of one step of an activation; any would do, since nothing is executed."""
WEIGHT_SCALE: Final = 0.01
SOFTMAX_SCALE: Final = 1 / 256
"""What TensorFlow Lite asks of the outputs of a softmax, with -128 standing for zero."""
FUSED_ACTIVATIONS: Final = {"relu": 1, "relu6": 3}
"""`ActivationFunctionType` of the TensorFlow Lite schema; 0 is no activation."""
SAME, VALID = 0, 1
"""`Padding` of the TensorFlow Lite schema."""
CHANNELS: Final = 3
"""The axis of the channels: tensors are images x rows x columns x channels."""


@dataclass(frozen=True)
class Tensor:
    """An array of whole numbers that stand for number * scale; a constant's are drawn at random."""

    name: str
    shape: tuple[int, ...]
    type: str = "INT8"
    scales: tuple[float, ...] = (ACTIVATION_SCALE,)
    """One, or one for each entry of an axis."""
    axis: int = 0
    """Which, where there are several scales."""
    zero_point: int = 0
    constant: bool = False


@dataclass(frozen=True)
class Call:
    """One operator of the model: which, its tensors by position, and the fields of its options."""

    builtin: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: str
    """The table of the schema that its options are."""
    fields: dict[str, int | float]


@dataclass
class Model:
    """A model under construction: a tensor's number is its place in the list."""

    tensors: list[Tensor] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    """Of each node of the graph: the tensor that holds what it puts out."""

    def add(self, tensor: Tensor) -> int:
        """A new tensor; gives back its number."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def to_dict(self) -> dict[str, Any]:
        """For JSON: tensors, operators, and the numbers of the model's inputs and outputs."""
        read = {number for call in self.calls for number in call.inputs}
        written = [number for call in self.calls for number in call.outputs]
        outside = [
            number
            for number, tensor in enumerate(self.tensors)
            if not tensor.constant and number not in written
        ]
        return {
            "tensors": [asdict(tensor) for tensor in self.tensors],
            "operators": [asdict(call) for call in self.calls],
            "inputs": outside,
            "outputs": [number for number in written if number not in read],
        }


def tflite_model(published: PublishedGraph) -> Model:
    """The model of a published graph. Raises AccelsimError where it holds what is not translated."""
    model = Model()
    for node in published.nodes:
        operator = node.operator
        if type(operator) not in _TRANSLATIONS:
            raise AccelsimError(
                f"{node.name}: no translation of {operator.kind} to TensorFlow Lite is written"
            )
        inputs = tuple(model.numbers[source] for source in node.operands)
        model.numbers[node.name] = _TRANSLATIONS[type(operator)](model, node.name, operator, inputs)
    return model


def _nhwc(shape: Shape) -> tuple[int, int, int, int]:
    return (1, shape.height, shape.width, shape.channels)


def _input(model: Model, node: str, operator: ops.Input, _inputs: Sequence[int]) -> int:
    return model.add(Tensor(node, _nhwc(operator.output)))


def _convolution(model: Model, node: str, operator: ops.Convolution, inputs: Sequence[int]) -> int:
    window, channels, read = operator.window, operator.output.channels, operator.inputs[0].channels
    is_depthwise = operator.groups == read == channels
    if operator.groups != 1 and not is_depthwise:
        raise AccelsimError(f"{node}: no translation of a grouped convolution to TensorFlow Lite is written")
    shape = (1, *window.kernel, channels) if is_depthwise else (channels, *window.kernel, read)
    constants = _weights_and_biases(model, node, shape, channels, axis=CHANNELS if is_depthwise else 0)
    fields = _window_fields(node, operator, window) | {
        "DilationHFactor": window.dilation[0],
        "DilationWFactor": window.dilation[1],
    }
    builtin, options = "CONV_2D", "Conv2DOptions"
    if is_depthwise:
        builtin, options = "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions"
        fields |= {"DepthMultiplier": 1}
    return _call(model, node, operator, builtin, (*inputs, *constants), options, fields)


def _fully_connected(model: Model, node: str, operator: ops.FullyConnected, inputs: Sequence[int]) -> int:
    """One scale for all weights, and an output of two axes, as converters write them."""
    channels = operator.output.channels
    constants = _weights_and_biases(model, node, (channels, operator.inputs[0].elements), channels, axis=None)
    output = Tensor(node, (1, channels))
    return _call(
        model, node, operator, "FULLY_CONNECTED", (*inputs, *constants), "FullyConnectedOptions", {}, output
    )


def _weights_and_biases(
    model: Model, node: str, shape: tuple[int, ...], channels: int, axis: int | None
) -> tuple[int, int]:
    """With a scale for each output channel along an axis of the weights, or one for all."""
    scales = 1 if axis is None else channels
    weights = Tensor(
        name=f"{node}.weights",
        shape=shape,
        scales=(WEIGHT_SCALE,) * scales,
        axis=axis or 0,
        constant=True,
    )
    biases = Tensor(
        name=f"{node}.biases",
        shape=(channels,),
        type="INT32",
        scales=(WEIGHT_SCALE * ACTIVATION_SCALE,) * scales,
        constant=True,
    )
    return model.add(weights), model.add(biases)


def _batch_norm(_model: Model, _node: str, _operator: ops.BatchNorm, inputs: Sequence[int]) -> int:
    """Converters fold it into the weights before it."""
    return inputs[0]


def _add(model: Model, node: str, operator: ops.Add, inputs: Sequence[int]) -> int:
    if len(inputs) != 2:
        raise AccelsimError(f"{node}: of additions, only those of two operands are translated")
    return _call(model, node, operator, "ADD", inputs, "AddOptions", {})


def _activation(model: Model, node: str, operator: ops.Activation, inputs: Sequence[int]) -> int:
    """A ReLU is a field of the operator before it."""
    before = model.calls[-1]
    if operator.function not in FUSED_ACTIVATIONS or before.outputs != tuple(inputs):
        raise AccelsimError(f"{node}: of activations, only a ReLU right behind its operator is translated")
    model.calls[-1] = Call(
        before.builtin,
        before.inputs,
        before.outputs,
        before.options,
        before.fields | {"FusedActivationFunction": FUSED_ACTIVATIONS[operator.function]},
    )
    return inputs[0]


def _pool(model: Model, node: str, operator: ops.Pool, inputs: Sequence[int]) -> int:
    window = operator.window
    fields = _window_fields(node, operator, window) | {
        "FilterHeight": window.kernel[0],
        "FilterWidth": window.kernel[1],
    }
    builtin = {"max": "MAX_POOL_2D", "average": "AVERAGE_POOL_2D"}[operator.reduction]
    return _call(model, node, operator, builtin, inputs, "Pool2DOptions", fields)


def _global_average_pool(
    model: Model, node: str, operator: ops.GlobalAveragePool, inputs: Sequence[int]
) -> int:
    height, width = operator.inputs[0].height, operator.inputs[0].width
    fields = {
        "Padding": VALID,
        "StrideH": 1,
        "StrideW": 1,
        "FilterHeight": height,
        "FilterWidth": width,
    }
    return _call(model, node, operator, "AVERAGE_POOL_2D", inputs, "Pool2DOptions", fields)


def _concat(model: Model, node: str, operator: ops.Concat, inputs: Sequence[int]) -> int:
    fields = {"Axis": CHANNELS}
    return _call(model, node, operator, "CONCATENATION", inputs, "ConcatenationOptions", fields)


def _softmax(model: Model, node: str, operator: ops.Softmax, inputs: Sequence[int]) -> int:
    shape = model.tensors[inputs[0]].shape
    output = Tensor(node, shape, scales=(SOFTMAX_SCALE,), zero_point=-128)
    return _call(model, node, operator, "SOFTMAX", inputs, "SoftmaxOptions", {"Beta": 1.0}, output)


def _dropout(_model: Model, _node: str, _operator: ops.Dropout, inputs: Sequence[int]) -> int:
    return inputs[0]


def _call(
    model: Model,
    node: str,
    operator: Operator,
    builtin: str,
    inputs: Sequence[int],
    options: str,
    fields: dict[str, int | float] | dict[str, int] | dict[str, float],
    output: Tensor | None = None,
) -> int:
    number = model.add(output or Tensor(node, _nhwc(operator.output)))
    model.calls.append(Call(builtin, tuple(inputs), (number,), options, dict(fields)))
    return number


def _window_fields(node: str, operator: Operator, window: Window) -> dict[str, int]:
    """Stride and padding, which TensorFlow Lite has two words for and no numbers."""
    return {
        "Padding": _padding(node, operator, window),
        "StrideH": window.stride[0],
        "StrideW": window.stride[1],
    }


def _padding(node: str, operator: Operator, window: Window) -> int:
    given, output, padding = operator.inputs[0], operator.output, window.padding
    begins = (padding.top, padding.left)
    sizes = list(zip((given.height, given.width), window.kernel, window.stride, window.dilation, strict=True))
    reaches = [dilation * (kernel - 1) + 1 for _, kernel, _, dilation in sizes]
    valid = tuple(
        (size - reach) // stride + 1 for (size, _, stride, _), reach in zip(sizes, reaches, strict=True)
    )
    if begins == (0, 0) and valid == (output.height, output.width):
        return VALID
    same = tuple(-(-size // stride) for size, _, stride, _ in sizes)
    missing = [
        max((count - 1) * stride + reach - size, 0)
        for count, (size, _, stride, _), reach in zip(same, sizes, reaches, strict=True)
    ]
    if begins == tuple(all_of // 2 for all_of in missing) and same == (output.height, output.width):
        return SAME
    raise AccelsimError(f"{node}: its padding is neither SAME nor VALID, all that TensorFlow Lite has")


_TRANSLATIONS: Final[dict[type[Operator], Callable[[Model, str, Any, Sequence[int]], int]]] = {
    ops.Input: _input,
    ops.Convolution: _convolution,
    ops.FullyConnected: _fully_connected,
    ops.BatchNorm: _batch_norm,
    ops.Add: _add,
    ops.Activation: _activation,
    ops.MaxPool: _pool,
    ops.AveragePool: _pool,
    ops.GlobalAveragePool: _global_average_pool,
    ops.Concat: _concat,
    ops.Softmax: _softmax,
    ops.Dropout: _dropout,
}
