"""Each operator of TensorFlow Lite as the operators of ONNX that it is.

Axes are counted as in the file, where channels come last; options and their defaults are those of the schema
(tensorflow/lite/schema/schema.fbs, version 3c).
"""

from collections.abc import Mapping
from math import prod
from typing import Any, Final

from accelsim.errors import NetworkError
from accelsim.importers import tflite_axes
from accelsim.importers.model import ModelNode, UnknownValueError
from accelsim.importers.tensors import by
from accelsim.importers.tflite_calls import Call, TfliteRule

_PADDINGS: Final = {0: "SAME_UPPER", 1: "VALID"}
_OIHW: Final = (0, 3, 1, 2)
"""From outputs x rows x columns x inputs."""
_DEPTHWISE: Final = (3, 0, 1, 2)
"""From 1 x rows x columns x outputs."""


def translated(call: Call) -> list[ModelNode]:
    """The nodes that an operator becomes; one that is not known becomes itself, and is refused further on.

    Raises:
        NetworkError: Its options and tensors contradict each other.
    """
    if set(filter(None, call.outputs)) and _folded(call):
        return []
    rule = TFLITE_RULES.get(call.operator)
    try:
        if rule is None:
            raise LookupError(call.operator)
        rule(call)
    except (LookupError, UnknownValueError):
        return [ModelNode(call.name, call.operator, tuple(filter(None, call.inputs)), call.outputs)]
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        read, made = (
            ", ".join(by(call.shape(name)) or "one number" for name in names if name) or "nothing"
            for names in (call.inputs, call.outputs)
        )
        sentence = f"{call.name} ({call.operator}): its options and tensors contradict each other"
        raise NetworkError(f"{sentence}: of {read} it makes {made}") from error
    return call.nodes


def _folded(call: Call) -> bool:
    """Whether an operator only makes constants of constants: weights that are stored narrower, say."""
    read = [name for name in call.inputs if name]
    if call.operator not in {"DEQUANTIZE", "DENSIFY", "CAST", "RESHAPE", "TRANSPOSE", "SHAPE"}:
        return False
    if not all(map(call.is_constant, read)) and call.operator != "SHAPE":
        return False
    tensors, (output, *_) = call.tensors, call.outputs
    tensors.constants.add(output)
    if call.operator != "SHAPE":
        source = read[0]
        tensors.origins[output] = tensors.origins.get(source, source)
        if source in tensors.bits:
            tensors.bits.setdefault(output, tensors.bits[source])
    return True


def _same(operator: str) -> TfliteRule:
    """One input, an output of its shape."""
    return lambda call: call.elementwise(operator, [call.input(0)])


def _every_input(operator: str) -> TfliteRule:
    return lambda call: call.elementwise(operator, filter(None, call.inputs))


def _as_it_is(operator: str) -> TfliteRule:
    """An operator without a fused activation, whose options are of no interest."""
    return lambda call: call.make(operator, filter(None, call.inputs))


# --- windows


def _window(call: Call) -> dict[str, Any]:
    return {
        "strides": [call.option("StrideH"), call.option("StrideW")],
        "auto_pad": _PADDINGS[call.option("Padding")],
    }


def _conv(call: Call) -> None:
    weights = call.filters(call.input(1), _OIHW)
    image = call.image(call.input(0))
    call.spatial(
        "Conv",
        [image, weights, call.input(2)],
        **_window(call),
        dilations=[call.option("DilationHFactor", 1), call.option("DilationWFactor", 1)],
        group=call.shape(image)[1] // call.shape(weights)[1],
    )


def _depthwise(call: Call) -> None:
    weights = call.filters(call.input(1), _DEPTHWISE)
    image = call.image(call.input(0))
    call.spatial(
        "Conv",
        [image, weights, call.input(2)],
        **_window(call),
        dilations=[call.option("DilationHFactor", 1), call.option("DilationWFactor", 1)],
        group=call.shape(image)[1],
    )


def _transposed(call: Call) -> None:
    """Its inputs are the shape of the output, the weights, the image, and perhaps a bias."""
    weights = call.filters(call.input(1), (3, 0, 1, 2))
    image = call.image(call.input(2))
    rows, columns = call.shape(call.outputs[0])[1:3]
    call.spatial(
        "ConvTranspose",
        [image, weights, call.input(3)],
        **_window(call),
        output_shape=[rows, columns],
        kernel_shape=list(call.shape(weights)[2:]),
    )


def _transposed_with_bias(call: Call) -> None:
    """An operator of MediaPipe, whose options are bytes of its own: its stride is as much as it enlarges."""
    weights, image = call.filters(call.input(1), (3, 0, 1, 2)), call.image(call.input(0))
    sizes = list(call.shape(call.outputs[0])[1:3])
    strides = [size // before for size, before in zip(sizes, call.shape(image)[2:], strict=True)]
    call.spatial(
        "ConvTranspose",
        [image, weights, call.input(2)],
        strides=strides,
        auto_pad="SAME_UPPER",
        output_shape=sizes,
        kernel_shape=list(call.shape(weights)[2:]),
    )


def _pool(operator: str) -> TfliteRule:
    def rule(call: Call) -> None:
        kernel = [call.option("FilterHeight"), call.option("FilterWidth")]
        image = call.image(call.input(0))
        whole = list(call.shape(image)[2:]) == kernel and call.shape(call.outputs[0])[1:3] == (1, 1)
        if whole and operator == "AveragePool":
            call.spatial("GlobalAveragePool", [image])
        else:
            call.spatial(operator, [image], kernel_shape=kernel, **_window(call))

    return rule


def _resize(mode: str) -> TfliteRule:
    return lambda call: call.spatial("Resize", [call.image(call.input(0))], mode=mode)


def _blocks(operator: str) -> TfliteRule:
    return lambda call: call.spatial(
        operator, [call.image(call.input(0))], blocksize=call.option("BlockSize"), mode="DCR"
    )


# --- matrix products


def _fully_connected(call: Call) -> None:
    """Of all that an image has, or of the last axis."""
    source, weights = call.input(0), call.input(1)
    dims, output = call.shape(source), call.outputs[0]
    outputs, inputs = call.shape(weights)
    rows = prod(dims) // inputs
    if rows == dims[0] or len(dims) <= 2:
        product = call.part("product", (rows, outputs))
        operands = [call.reshaped(source, (rows, inputs), "flat"), weights, call.input(2)]
        call.elementwise("Gemm", operands, product, transB=1)
    else:
        product = call.part("product", (*dims[:-1], outputs))
        operands = [source, call.filters(weights, (1, 0)), call.input(2)]
        call.elementwise("MatMul", operands, product)
    operator = "Identity" if call.shape(product) == call.shape(output) else "Reshape"
    call.add(operator, [product], output, "/out")


def _batch_matmul(call: Call) -> None:
    operands = []
    for index, key in enumerate(("AdjX", "AdjY")):
        name = call.input(index)
        if call.option(key, False):
            rank = len(call.shape(name))
            order = (*range(rank - 2), rank - 1, rank - 2)
            if call.is_constant(name):
                name = call.filters(name, order)
            else:
                dims = tuple(call.shape(name)[axis] for axis in order)
                output = call.part(f"t{index}", dims, like=name)
                name = call.add("Transpose", [name], output, f"/t{index}", perm=order)
        operands.append(name)
    call.make("MatMul", operands)


# --- elements


def _prelu(call: Call) -> None:
    call.make("PRelu", [call.input(0), call.input(1)])


def _clip(low: float, high: float) -> TfliteRule:
    return lambda call: call.make("Clip", [call.input(0)], min=low, max=high)


def _square(call: Call) -> None:
    call.make("Mul", [call.input(0), call.input(0)])


def _squared_difference(call: Call) -> None:
    difference = call.part("difference", call.shape(call.outputs[0]))
    call.add("Sub", [call.input(0), call.input(1)], difference, "/Sub")
    call.make("Mul", [difference, difference])


def _softmax(call: Call) -> None:
    call.make("Softmax", [call.input(0)], axis=-1)


TFLITE_RULES: Final[Mapping[str, TfliteRule]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "Convolution2DTransposeBias": _transposed_with_bias,
    "MAX_POOL_2D": _pool("MaxPool"),
    "AVERAGE_POOL_2D": _pool("AveragePool"),
    "L2_POOL_2D": _pool("LpPool"),
    "RESIZE_BILINEAR": _resize("linear"),
    "RESIZE_NEAREST_NEIGHBOR": _resize("nearest"),
    "DEPTH_TO_SPACE": _blocks("DepthToSpace"),
    "SPACE_TO_DEPTH": _blocks("SpaceToDepth"),
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": _batch_matmul,
    "ADD": _every_input("Add"),
    "ADD_N": _as_it_is("Sum"),
    "SUB": _every_input("Sub"),
    "MUL": _every_input("Mul"),
    "DIV": _every_input("Div"),
    "MAXIMUM": _as_it_is("Max"),
    "MINIMUM": _as_it_is("Min"),
    "POW": _as_it_is("Pow"),
    "SQUARED_DIFFERENCE": _squared_difference,
    "SQUARE": _square,
    "ABS": _same("Abs"),
    "NEG": _same("Neg"),
    "EXP": _same("Exp"),
    "LOG": _same("Log"),
    "SQRT": _same("Sqrt"),
    "RSQRT": _same("Reciprocal"),
    "FLOOR": _same("Floor"),
    "CEIL": _same("Ceil"),
    "ROUND": _same("Round"),
    "SIN": _same("Sin"),
    "COS": _same("Cos"),
    "RELU": _same("Relu"),
    "RELU6": _clip(0.0, 6.0),
    "RELU_N1_TO_1": _clip(-1.0, 1.0),
    "RELU_0_TO_1": _clip(0.0, 1.0),
    "LEAKY_RELU": _same("LeakyRelu"),
    "PRELU": _prelu,
    "ELU": _same("Elu"),
    "GELU": _same("Gelu"),
    "LOGISTIC": _same("Sigmoid"),
    "TANH": _same("Tanh"),
    "HARD_SWISH": _same("HardSwish"),
    "SOFTMAX": _softmax,
    "LOG_SOFTMAX": _softmax,
    "LOCAL_RESPONSE_NORMALIZATION": lambda call: call.spatial(
        "LRN", [call.image(call.input(0))], size=2 * call.option("Radius") + 1
    ),
    "MEAN": tflite_axes.reduce("ReduceMean"),
    "SUM": tflite_axes.reduce("ReduceSum"),
    "REDUCE_MAX": tflite_axes.reduce("ReduceMax"),
    "REDUCE_MIN": tflite_axes.reduce("ReduceMin"),
    "REDUCE_PROD": tflite_axes.reduce("ReduceProd"),
    "ARG_MAX": tflite_axes.arg("ArgMax"),
    "ARG_MIN": tflite_axes.arg("ArgMin"),
    "CONCATENATION": tflite_axes.concat,
    "PACK": tflite_axes.pack,
    "UNPACK": tflite_axes.unpack,
    "SPLIT": tflite_axes.split(1, 0),
    "SPLIT_V": tflite_axes.split(0, 2),
    "SLICE": tflite_axes.cut,
    "STRIDED_SLICE": tflite_axes.strided_slice,
    "GATHER": tflite_axes.gather,
    "TILE": tflite_axes.tile,
    "BROADCAST_TO": _as_it_is("Expand"),
    "PAD": tflite_axes.pad,
    "PADV2": tflite_axes.pad,
    "MIRROR_PAD": tflite_axes.pad,
    "TRANSPOSE": tflite_axes.transpose,
    "RESHAPE": tflite_axes.reshape,
    "SQUEEZE": tflite_axes.reshape,
    "EXPAND_DIMS": tflite_axes.reshape,
    "QUANTIZE": _same("QuantizeLinear"),
    "DEQUANTIZE": _same("DequantizeLinear"),
    "CAST": _same("Cast"),
    "WHERE": _as_it_is("NonZero"),
    "SELECT": _as_it_is("Where"),
    "SELECT_V2": _as_it_is("Where"),
    "EQUAL": _as_it_is("Equal"),
    "NOT_EQUAL": _as_it_is("NotEqual"),
    "GREATER": _as_it_is("Greater"),
    "GREATER_EQUAL": _as_it_is("GreaterOrEqual"),
    "LESS": _as_it_is("Less"),
    "LESS_EQUAL": _as_it_is("LessOrEqual"),
    "READ_VARIABLE": tflite_axes.read_state,
    "ASSIGN_VARIABLE": tflite_axes.write_state,
    "CALL_ONCE": tflite_axes.nothing,
    "VAR_HANDLE": tflite_axes.nothing,
}
"""What each operator of TensorFlow Lite is in ONNX; one that is not here is refused by its own name."""
