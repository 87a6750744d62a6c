"""ONNX models made in tests: shipped networks as exporters would write them, and small ones by hand.

No weight is written: models refer to a file that is not there.
"""

from onnx import TensorProto, helper

from accelsim.network import windows
from accelsim.network.build import build

OPSET = 17


def weight(name, *dims, kind=TensorProto.FLOAT):
    """A constant whose numbers are in another file, which does not exist."""
    tensor = TensorProto(name=name, data_type=kind, dims=dims)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    return tensor


def numbers(name, *values, dims=None):
    """A constant of whole numbers."""
    return helper.make_tensor(name, TensorProto.INT64, [len(values)] if dims is None else dims, values)


def node(operator, inputs, outputs, **attributes):
    """A node; inputs and outputs are names, separated by spaces."""
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def model(nodes, constants=(), image=(1, 3, 8, 8), outputs="y", opset=OPSET, **inputs):
    """A model whose input is `x`, of the shape `image`, unless `inputs` says otherwise."""
    inputs = inputs or {"x": image}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs.split()],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="tests")


def save(proto, folder, name="model.onnx"):
    """The model as a file."""
    path = folder / name
    path.write_bytes(proto.SerializeToString())
    return path


def export(network):
    """A network as an ONNX model: operators with ONNX's names and attributes, as exporters write them."""
    published = build(network)
    exporter = _Exporter()
    for node in published.nodes:
        exporter.add(node.name, node.operator, node.operands)
    shape = ("N", network.image.channels, network.image.height, network.image.width)
    ends = [name for name in published if not published.successors(name)]
    return model(
        exporter.nodes,
        exporter.constants,
        outputs=" ".join(exporter.names[name] for name in ends),
        input=shape,
    )


FUNCTIONS = {
    "relu": "Relu",
    "leaky_relu": "LeakyRelu",
    "sigmoid": "Sigmoid",
    "hard_sigmoid": "HardSigmoid",
    "tanh": "Tanh",
    "hard_swish": "HardSwish",
    "elu": "Elu",
    "softplus": "Softplus",
}


class _Exporter:
    def __init__(self):
        self.nodes = []
        self.constants = []
        self.names = {}
        """What the output of each node of the network is called."""
        self.shapes = {}

    def emit(self, operator, inputs, output, *, constants=(), **attributes):
        self.constants += constants
        names = [*inputs, *(constant.name for constant in constants)]
        self.nodes.append(helper.make_node(operator, names, [output], name=output, **attributes))

    def add(self, name, operator, sources):
        self.names[name] = name
        self.shapes[name] = operator.output
        getattr(self, f"_{type(operator).__name__}")(
            name, operator, [self.names[source] for source in sources]
        )

    def _Input(self, name, operator, sources):
        pass

    def _Convolution(self, name, operator, sources):
        out, given = operator.output.channels, operator.inputs[0].channels
        dims = (out, given // operator.groups, *operator.window.kernel)
        constants = [weight(f"{name}.weight", *dims)]
        if operator.bias:
            constants.append(weight(f"{name}.bias", out))
        source, window = self._window(name, operator.window, sources[0])
        self.emit(
            "Conv", [source], name, constants=constants, group=operator.groups,
            dilations=operator.window.dilation, **window,
        )  # fmt: skip

    def _TransposedConvolution(self, name, operator, sources):
        given, out = operator.inputs[0].channels, operator.output.channels
        kernel, strides = (windows.both(pair) for pair in (operator.kernel, operator.stride))
        constants = [weight(f"{name}.weight", given, out // operator.groups, *kernel)]
        if operator.bias:
            constants.append(weight(f"{name}.bias", out))
        self.emit(
            "ConvTranspose", sources, name, constants=constants, group=operator.groups,
            kernel_shape=kernel, strides=strides,
        )  # fmt: skip

    def _window(self, name, window, source):
        """Padding as an attribute, or as a node before where it is negative."""
        top, bottom, left, right = window.padding
        if min(window.padding) < 0:
            pads = numbers(f"{name}.pads", 0, 0, top, left, 0, 0, bottom, right)
            self.emit("Pad", [source], f"{name}.padded", constants=[pads])
            source, (top, bottom, left, right) = f"{name}.padded", (0, 0, 0, 0)
        attributes = {
            "kernel_shape": window.kernel,
            "strides": window.stride,
            "pads": (top, left, bottom, right),
        }
        return source, attributes

    def _Pool(self, name, operator, sources):
        source, window = self._window(name, operator.window, sources[0])
        floor = windows.windows(
            operator.inputs[0].height, operator.window.kernel[0], operator.window.stride[0],
            operator.window.padding[:2], "floor",
        )  # fmt: skip
        ceil_mode = int(floor != operator.output.height)
        self.emit(type(operator).__name__, [source], name, ceil_mode=ceil_mode, **window)

    _MaxPool = _AveragePool = _Pool

    def _FullyConnected(self, name, operator, sources):
        inputs, outputs = operator.inputs[0].elements, operator.output.channels
        self.emit("Flatten", sources, f"{name}.flat")
        constants = [weight(f"{name}.weight", outputs, inputs)]
        if operator.bias:
            constants.append(weight(f"{name}.bias", outputs))
        self.emit("Gemm", [f"{name}.flat"], f"{name}.product", constants=constants, transB=1)
        shape = numbers(f"{name}.shape", 0, outputs, 1, 1)
        self.emit("Reshape", [f"{name}.product"], name, constants=[shape])

    def _BatchNorm(self, name, operator, sources):
        channels = operator.output.channels
        parts = [weight(f"{name}.{part}", channels) for part in ("scale", "shift", "mean", "variance")]
        self.emit("BatchNormalization", sources, name, constants=parts)

    def _Activation(self, name, operator, sources):
        if operator.function == "relu6":
            bounds = [
                helper.make_tensor(f"{name}.{bound}", TensorProto.FLOAT, [], [value])
                for bound, value in (("min", 0.0), ("max", 6.0))
            ]
            self.emit("Clip", sources, name, constants=bounds)
        elif operator.function == "swish":
            self.emit("Sigmoid", sources, f"{name}.sigmoid")
            self.emit("Mul", [sources[0], f"{name}.sigmoid"], name)
        else:
            self.emit(FUNCTIONS[operator.function], sources, name)

    def _GlobalAveragePool(self, name, operator, sources):
        self.emit("GlobalAveragePool", sources, name)

    def _LocalResponseNorm(self, name, operator, sources):
        self.emit("LRN", sources, name, size=operator.size)

    def _Dropout(self, name, operator, sources):
        self.emit("Dropout", sources, name)

    def _Softmax(self, name, operator, sources):
        self.emit("Softmax", sources, name, axis=1)

    def _Add(self, name, operator, sources):
        self.emit("Sum" if len(sources) > 2 else "Add", sources, name)

    def _Multiply(self, name, operator, sources):
        self.emit("Mul", sources, name)

    def _Concat(self, name, operator, sources):
        self.emit("Concat", sources, name, axis=1)

    def _ChannelShuffle(self, name, operator, sources):
        channels, height, width = operator.output.channels, operator.output.height, operator.output.width
        each = channels // operator.groups
        split = numbers(f"{name}.split", 0, operator.groups, each, height, width)
        self.emit("Reshape", sources, f"{name}.groups", constants=[split])
        self.emit("Transpose", [f"{name}.groups"], f"{name}.members", perm=[0, 2, 1, 3, 4])
        merged = numbers(f"{name}.merged", 0, -1, height, width)
        self.emit("Reshape", [f"{name}.members"], name, constants=[merged])

    def _ChannelPermutation(self, name, operator, sources):
        order = numbers(f"{name}.order", *reversed(range(operator.output.channels)))
        self.emit("Gather", sources, name, constants=[order], axis=1)

    def _Slice(self, name, operator, sources):
        first, channels = operator.first, operator.output.channels
        bounds = [
            numbers(f"{name}.{key}", value)
            for key, value in (("starts", first), ("ends", first + channels), ("axes", 1))
        ]
        self.emit("Slice", sources, name, constants=bounds)
