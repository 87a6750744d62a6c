"""A PyTorch module -> a Model: `torch.export` lists its ATen operators, each becomes the ONNX operator it is.

`torch.export` needs nothing but torch, knows the shape of every tensor and follows Python code as far as it
does the same for every image. It undoes in-place operators, and keeps normalisation apart from convolution.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from accelsim.errors import NetworkError
from accelsim.importers.model import (
    NARROW,
    SAME_ELEMENTS,
    Dims,
    Imported,
    Model,
    ModelNode,
    UnknownValueError,
    first_line,
)
from accelsim.importers.rules import imported

if TYPE_CHECKING:
    import torch


def read_torch(module: "torch.nn.Module", example_input: Any, name: str | None = None) -> Imported:
    """The network that a module computes for inputs of the shape of the example.

    Raises NetworkError with a line for each thing that is wrong, also where torch is not there.
    """
    try:
        import torch  # noqa: PLC0415 (an extra: only who has a module needs it)
    except ImportError:
        raise NetworkError('PyTorch modules take the package torch: pip install "accelsim[torch]"') from None
    label = type(module).__name__
    if not isinstance(module, torch.nn.Module):
        raise NetworkError(f"{label}: must be a torch.nn.Module")
    inputs = tuple(example_input) if isinstance(example_input, tuple | list) else (example_input,)
    translation = _Translation(label, torch.__version__)
    translation.read(_exported(module, inputs, label))
    return imported(translation.model(name or label))


def _exported(module: "torch.nn.Module", inputs: tuple[Any, ...], label: str) -> Any:
    """The program of the module as at inference, every operator without side effects."""
    import torch  # noqa: PLC0415

    training = [(part, part.training) for part in module.modules()]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about its own insides
            return torch.export.export(module.eval(), inputs).run_decompositions({})
    except Exception as error:  # whatever keeps torch from exporting it, its own words are the best
        raise NetworkError(f"{label}: torch.export cannot export it: {first_line(error)}") from error
    finally:
        for part, mode in training:
            part.training = mode


@dataclass
class _Translation:
    """Nodes so far, and what is known of their tensors."""

    label: str
    version: str
    nodes: list[ModelNode] = field(default_factory=list)
    shapes: dict[str, Dims] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    bits: dict[str, int] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def read(self, program: Any) -> None:
        """Take every node of an exported program."""
        user_inputs = set(program.graph_signature.user_inputs)
        self.origins.update(_origins(program))
        for node in program.graph.nodes:
            self.note(str(node.name), node.meta.get("val"))
            if node.op == "placeholder" and node.name in user_inputs:
                self.inputs.append(node.name)
            elif node.op in {"placeholder", "get_attr"}:
                self.constants.add(node.name)
            elif node.op == "output":
                wanted = set(program.graph_signature.user_outputs)
                self.outputs = [each.name for each in node.args[0] if getattr(each, "name", None) in wanted]
            elif not _is_item(node):
                self._add(node)

    def model(self, name: str) -> Model:
        """What has been read."""
        batch = next((self.shapes.get(given, ())[:1] for given in self.inputs), ())
        note = f", batch of {batch[0]}" if batch and batch[0] > 1 else ""
        return Model(
            label=self.label,
            name=name,
            source=f"PyTorch module {self.label}, exported by torch {self.version}{note}",
            nodes=tuple(self.nodes),
            inputs=tuple(self.inputs),
            outputs=tuple(self.outputs),
            shapes=self.shapes,
            constants=frozenset(self.constants),
            value=_no_value,
            bits=self.bits,
            origins=self.origins,
            supported=tuple(sorted(_RULES)),
        )

    def name_of(self, argument: Any) -> str:
        """What an argument is called: a tensor's name, or that of a constant which it becomes."""
        if argument is None:
            return ""
        if hasattr(argument, "name"):
            return str(argument.name)
        name = f"constant {argument}"
        self.constants.add(name)
        self.shapes[name] = ()
        return name

    def note(self, name: str, value: Any) -> None:
        """Note shape and bits of a tensor."""
        shape, kind = getattr(value, "shape", None), getattr(value, "dtype", None)
        if shape is not None and all(isinstance(size, int) for size in shape):
            self.shapes[name] = tuple(shape)
        if kind is not None and str(kind) != "torch.bool" and 8 * kind.itemsize < NARROW:
            self.bits[name] = 8 * kind.itemsize

    def _add(self, node: Any) -> None:
        """Note the nodes that a call becomes; ATen's by their names, others with their library's."""
        library, _, operator = str(node.target).partition(".")
        operator = operator.partition(".")[0]
        operator = operator if library == "aten" else f"{library}.{operator}".rstrip(".")
        call = _Call(self, node)
        rule = _RULES.get(operator)
        if rule is None:
            self.emit(call, ModelNode("", operator, tuple(call.sources()), call.outputs()))
            return
        try:
            for made in rule(call):
                self.emit(call, made)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Arguments may be symbols and tensors, too: what a rule takes for granted need not hold.
            raise NetworkError(
                f"{self.label}: {call.name} ({operator}): is called in a way that is not supported: {error!r}"
            ) from error

    def emit(self, call: "_Call", made: ModelNode) -> None:
        """Add a node, called after the module it is in."""
        if self.constants.issuperset(filter(None, made.inputs)):
            self.constants.update(made.outputs)
            if made.operator in SAME_ELEMENTS and made.inputs:
                source = made.inputs[0]
                self.origins[made.outputs[0]] = self.origins.get(source, source)
                if source in self.bits:
                    self.bits.setdefault(made.outputs[0], self.bits[source])
        self.nodes.append(ModelNode(call.name, made.operator, made.inputs, made.outputs, made.attributes))


def _origins(program: Any) -> Iterator[tuple[str, str]]:
    """For parameters that are the same tensor by several names: the first of them."""
    first: dict[tuple[int, int], str] = {}
    for name, parameter in program.graph_signature.inputs_to_parameters.items():
        tensor = program.state_dict.get(parameter)
        place = 0 if tensor is None else tensor.data_ptr()
        if place:  # a tensor without memory of its own has none
            yield name, first.setdefault((place, tensor.numel()), name)


def _no_value(name: str) -> tuple[float, ...]:
    raise UnknownValueError(f"the value of {name!r} is a tensor's: must be a number")


def _is_item(node: Any) -> bool:
    """Whether a node only picks one of several outputs."""
    return getattr(node.target, "__name__", "") == "getitem"


@dataclass(frozen=True)
class _Call:
    """One call of an ATen operator."""

    translation: _Translation
    node: Any

    @property
    def name(self) -> str:
        """The module's place for a module of torch's own, `block1.conv`; else that and the operator's."""
        stack = list((self.node.meta.get("nn_module_stack") or {}).values())
        path, kind = stack[-1] if stack else ("", "")
        kind = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
        own = kind.startswith("torch.nn.modules.") and ".container." not in kind
        return str(path) if own and path else f"{path}/{self.node.name}".lstrip("/")

    def argument(self, index: int, key: str = "", default: Any = None) -> Any:
        """By position or by name."""
        arguments = self.node.args
        value = arguments[index] if index < len(arguments) else self.node.kwargs.get(key)
        return default if value is None else value

    def tensor(self, index: int = 0, key: str = "") -> str:
        return self.translation.name_of(self.argument(index, key))

    def sources(self) -> Iterator[str]:
        """The tensors among the arguments."""
        for argument in self.node.args:
            several = argument if isinstance(argument, list | tuple) else (argument,)
            yield from (str(each.name) for each in several if hasattr(each, "meta"))

    def shape(self, name: str) -> Dims:
        return self.translation.shapes.get(name, ())

    def outputs(self) -> tuple[str, ...]:
        """One, or those of which others pick."""
        values = self.node.meta.get("val")
        if not isinstance(values, list | tuple):
            return (str(self.node.name),)
        items = {user.args[1]: user.name for user in self.node.users if _is_item(user)}
        found = []
        for index, value in enumerate(values):
            name = str(items.get(index, f"{self.node.name}[{index}]"))
            self.translation.note(name, value)
            found.append(name)
        return tuple(found)

    def emit(self, operator: str, inputs: Iterable[str], **attributes: Any) -> Iterator[ModelNode]:
        """The node that the call becomes; its name is given later."""
        yield ModelNode("", operator, tuple(inputs), self.outputs(), attributes)


_Made: TypeAlias = Iterator[ModelNode]
_Rule: TypeAlias = Callable[[_Call], _Made]


def _listed(value: Any, count: int) -> list[int]:
    """A number for each axis; one number is for all of them."""
    values = list(value) if isinstance(value, Sequence) else [value]
    return values * count if len(values) == 1 else values


def _plain(operator: str, inputs: int = 1) -> _Rule:
    return lambda call: call.emit(operator, (call.tensor(index) for index in range(inputs)))


def _normed(call: _Call) -> _Made:
    return call.emit("BatchNormalization", [call.tensor(), call.tensor(1, "weight"), call.tensor(2, "bias")])


# --- windows


def _conv(call: _Call) -> _Made:
    return _convolution(call, padding=call.argument(4, "padding", 0), dilation=5, groups=6)


def _convolution_of_any_kind(call: _Call) -> _Made:
    if call.argument(6, "transposed", False):
        return call.emit("conv_transpose", call.sources())
    return _convolution(call, padding=call.argument(4, "padding", 0), dilation=5, groups=8)


def _convolution(call: _Call, *, padding: Any, dilation: int, groups: int) -> _Made:
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


def _pool(operator: str, axes: int, *, dilation: int | None, ceil_mode: int) -> _Rule:
    def rule(call: _Call) -> _Made:
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


def _adaptive_pool(operator: str, axes: int) -> _Rule:
    """Windows of one size where the output divides the input; else there is no such pooling here."""

    def rule(call: _Call) -> _Made:
        given = call.shape(call.tensor())[-axes:]
        wanted = call.shape(call.outputs()[0])[-axes:]
        if set(wanted) == {1}:
            return call.emit(f"Global{operator}", [call.tensor()])
        if any(size % out for size, out in zip(given, wanted, strict=True)):
            return call.emit(f"adaptive pooling of {list(given)} to {list(wanted)}", [call.tensor()])
        kernel = [size // out for size, out in zip(given, wanted, strict=True)]
        return call.emit(operator, [call.tensor()], kernel_shape=kernel, strides=kernel)

    return rule


def _pad(call: _Call) -> _Made:
    """From the last axis to the first, before and after, as ONNX's: all before, then all after."""
    given = call.argument(1, "pad")
    missing = [0] * (len(call.shape(call.tensor())) - len(given) // 2)
    return call.emit("Pad", [call.tensor()], pads=[*missing, *given[-2::-2], *missing, *given[::-2]])


def _resize(mode: str) -> _Rule:
    return lambda call: call.emit("Resize", [call.tensor()], mode=mode)


# --- matrix products and elements


def _linear(call: _Call) -> _Made:
    inputs = [call.tensor(), call.tensor(1, "weight"), call.tensor(2, "bias")]
    return call.emit("Gemm", inputs, transB=1)


def _addmm(call: _Call) -> _Made:
    return call.emit("Gemm", [call.tensor(1), call.tensor(2), call.tensor()])


def _clamp(call: _Call) -> _Made:
    low, high = call.argument(1, "min", -1.0), call.argument(2, "max")
    attributes = {"min": low} if high is None else {"min": low, "max": high}
    return call.emit("Clip", [call.tensor()], **attributes)


def _hardtanh(call: _Call) -> _Made:
    low, high = call.argument(1, "min_val", -1.0), call.argument(2, "max_val", 1.0)
    return call.emit("Clip", [call.tensor()], min=low, max=high)


def _reduce(operator: str) -> _Rule:
    def rule(call: _Call) -> _Made:
        every = range(len(call.shape(call.tensor())))
        axes = _listed(call.argument(1, "dim", list(every)), 1)
        keeps = int(call.argument(2, "keepdim", False))
        return call.emit(operator, [call.tensor()], axes=axes, keepdims=keeps)

    return rule


# --- axes and channels


def _cat(call: _Call) -> _Made:
    sources = [call.translation.name_of(each) for each in call.argument(0, "tensors")]
    return call.emit("Concat", sources, axis=call.argument(1, "dim", 0))


def _split(call: _Call) -> _Made:
    return call.emit("Split", [call.tensor()], axis=call.argument(2, "dim", 0))


def _slice(call: _Call) -> _Made:
    axis, end = call.argument(1, "dim", 0), call.argument(3, "end")
    size = call.shape(call.tensor())[axis]
    return call.emit(
        "Slice",
        [call.tensor()],
        axes=[axis],
        starts=[call.argument(2, "start", 0)],
        ends=[size if end is None else min(end, size)],
        steps=[call.argument(4, "step", 1)],
    )


def _permute(call: _Call) -> _Made:
    rank = len(call.shape(call.tensor()))
    return call.emit("Transpose", [call.tensor()], perm=[axis % rank for axis in call.argument(1, "dims")])


def _transpose(call: _Call) -> _Made:
    order = list(range(len(call.shape(call.tensor()))))
    first, second = call.argument(1, "dim0", 0), call.argument(2, "dim1", 1)
    order[first], order[second] = order[second], order[first]
    return call.emit("Transpose", [call.tensor()], perm=order)


def _shuffle(call: _Call) -> _Made:
    """Channels as groups x members, transposed."""
    (batch, channels, *picture), groups = call.shape(call.tensor()), call.argument(1, "groups")
    split, swapped = f"{call.node.name}.groups", f"{call.node.name}.members"
    call.translation.shapes[split] = (batch, groups, channels // groups, *picture)
    call.translation.shapes[swapped] = (batch, channels // groups, groups, *picture)
    yield ModelNode("", "Reshape", (call.tensor(),), (split,))
    yield ModelNode("", "Transpose", (split,), (swapped,), {"perm": [0, 2, 1, 3, 4]})
    yield from call.emit("Reshape", [swapped])


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

_RULES: Final[Mapping[str, _Rule]] = {
    **dict.fromkeys(("conv1d", "conv2d"), _conv),
    "convolution": _convolution_of_any_kind,
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
    "matmul": _plain("MatMul", 2),
    "mm": _plain("MatMul", 2),
    "batch_norm": _normed,
    "_native_batch_norm_legit_no_training": _normed,
    "hardtanh": _hardtanh,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "relu": _plain("Relu"),
    "relu6": lambda call: call.emit("Clip", [call.tensor()], min=0.0, max=6.0),
    "leaky_relu": _plain("LeakyRelu"),
    "prelu": _plain("PRelu", 2),
    "elu": _plain("Elu"),
    "selu": _plain("Selu"),
    "celu": _plain("Celu"),
    "softplus": _plain("Softplus"),
    "sigmoid": _plain("Sigmoid"),
    "hardsigmoid": _plain("HardSigmoid"),
    "tanh": _plain("Tanh"),
    "silu": _plain("Swish"),
    "hardswish": _plain("HardSwish"),
    "gelu": _plain("Gelu"),
    "mish": _plain("Mish"),
    **dict.fromkeys(("softmax", "_softmax", "log_softmax", "_log_softmax"), _plain("Softmax")),
    "add": _plain("Add", 2),
    "sub": _plain("Sub", 2),
    "mul": _plain("Mul", 2),
    "div": _plain("Div", 2),
    "mean": _reduce("ReduceMean"),
    "amax": _reduce("ReduceMax"),
    "cat": _cat,
    **dict.fromkeys(("split", "split_with_sizes", "chunk"), _split),
    "slice": _slice,
    "permute": _permute,
    "transpose": _transpose,
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), _shuffle),
    **dict.fromkeys(_ALIASES, _plain("Identity")),
    **dict.fromkeys(_CASTS, _plain("Cast")),
    **dict.fromkeys(_RESHAPES, _plain("Reshape")),
}
"""What each ATen operator is in ONNX; one that is not here is a mistake, never left out."""
