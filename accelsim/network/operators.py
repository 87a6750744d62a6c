"""The operators a network is made of: one function each, which adds a node to a draft.

Each checks its inputs, infers its output and gives back the name of its node. An argument for both axes
is one number or (vertical, horizontal). Padding is "same" (as TensorFlow: output = input / stride rounded
up, the smaller half before), one number, (vertical, horizontal) or (top, bottom, left, right). A negative
one leaves out rows or columns of the input: NASNet shifts an input so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, TypeAlias

from accelsim.descriptions.limits import MAX_WINDOW
from accelsim.errors import NetworkError
from accelsim.network.graph import Draft, Operator, Shape, SharedPart

Axes: TypeAlias = int | tuple[int, int]
PaddingSpec: TypeAlias = Literal["same"] | int | tuple[int, int] | tuple[int, int, int, int]
Rounding: TypeAlias = Literal["floor", "ceil"]
Interpolation: TypeAlias = Literal["nearest", "linear", "cubic"]
ActivationFunction: TypeAlias = Literal[
    "relu",
    "relu6",
    "leaky_relu",
    "clip",
    "elu",
    "softplus",
    "sigmoid",
    "hard_sigmoid",
    "tanh",
    "swish",
    "hard_swish",
    "gelu",
    "mish",
    "linear",
]
"""`linear` is a product with, or a sum with, numbers that are part of the network."""


class SizeError(NetworkError):
    """A window that finds no room: the input of the network is too small, or has been shrunk too often."""


class Padding(NamedTuple):
    """Rows and columns of zeros around an input."""

    top: int
    bottom: int
    left: int
    right: int


class Window(NamedTuple):
    """A kernel that slides over an input, in elements; pairs are (vertical, horizontal)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: Padding


class WindowSpec(NamedTuple):
    """A window as a network asks for it, before its padding is known."""

    kernel: Axes
    stride: Axes
    padding: PaddingSpec
    dilation: Axes = 1
    rounding: Rounding = "floor"


class Input(Operator):
    """The image that the network is given."""

    kind: ClassVar[str] = "input"


@dataclass(frozen=True, kw_only=True)
class Convolution(Operator):
    """Convolution in any number of groups; depthwise is groups = channels."""

    kind: ClassVar[str] = "conv"
    window: Window
    groups: int
    bias: bool

    @property
    def weights(self) -> int:
        """Output channels x input channels of a group x kernel."""
        height, width = self.window.kernel
        return self.output.channels * (self.inputs[0].channels // self.groups) * height * width

    @property
    def biases(self) -> int:
        """One for each output channel."""
        return self.output.channels if self.bias else 0

    @property
    def macs(self) -> int:
        """Every weight is used once for each output pixel."""
        return self.weights * self.output.height * self.output.width


@dataclass(frozen=True, kw_only=True)
class FullyConnected(Operator):
    """Matrix product of all elements of the input."""

    kind: ClassVar[str] = "fully_connected"
    bias: bool

    @property
    def weights(self) -> int:
        """Outputs x inputs."""
        return self.output.channels * self.inputs[0].elements

    @property
    def biases(self) -> int:
        """One for each output."""
        return self.output.channels if self.bias else 0

    @property
    def macs(self) -> int:
        """Every weight is used once."""
        return self.weights


class BatchNorm(Operator):
    """Scale and shift of each channel, as at inference."""

    kind: ClassVar[str] = "batch_norm"

    @property
    def norms(self) -> int:
        """Scale and shift."""
        return 2 * self.output.channels


@dataclass(frozen=True, kw_only=True)
class Activation(Operator):
    """A function of each element."""

    kind: ClassVar[str] = "activation"
    function: ActivationFunction
    trained_slopes: int = 0

    @property
    def slopes(self) -> int:
        """Those of PReLU: one for each channel, or one for all."""
        return self.trained_slopes


@dataclass(frozen=True, kw_only=True)
class Pool(Operator):
    """Maximum or average over a window of each channel."""

    kind: ClassVar[str] = "pool"
    reduction: Literal["max", "average"]
    window: Window


class GlobalAveragePool(Operator):
    """Average of each channel."""

    kind: ClassVar[str] = "global_average_pool"


@dataclass(frozen=True, kw_only=True)
class LocalResponseNorm(Operator):
    """Division of each element by a norm over `size` neighbouring channels (AlexNet, section 3.3)."""

    kind: ClassVar[str] = "lrn"
    size: int


class Dropout(Operator):
    """Nothing at inference."""

    kind: ClassVar[str] = "dropout"


class Softmax(Operator):
    """Exponentials that sum to one."""

    kind: ClassVar[str] = "softmax"


class Add(Operator):
    """Sum of tensors of one shape."""

    kind: ClassVar[str] = "add"


class Multiply(Operator):
    """Product of a tensor and another of its shape, or one factor for each channel (a gate)."""

    kind: ClassVar[str] = "multiply"


class Concat(Operator):
    """Tensors one after another along the channels."""

    kind: ClassVar[str] = "concat"


@dataclass(frozen=True, kw_only=True)
class ChannelShuffle(Operator):
    """Channels seen as groups x n, transposed to n x groups (ShuffleNet, section 3.1)."""

    kind: ClassVar[str] = "channel_shuffle"
    groups: int

    @property
    def order(self) -> tuple[int, ...]:
        """Which input channel each output channel is."""
        each = self.output.channels // self.groups
        return tuple([group * each + member for member in range(each) for group in range(self.groups)])


class ChannelPermutation(Operator):
    """Channels in another order, which training found (CondenseNet, section 3.2)."""

    kind: ClassVar[str] = "channel_permutation"


@dataclass(frozen=True, kw_only=True)
class Slice(Operator):
    """A range of successive channels."""

    kind: ClassVar[str] = "slice"
    first: int


@dataclass(frozen=True, kw_only=True)
class Resize(Operator):
    """Each channel at another height and width."""

    kind: ClassVar[str] = "resize"
    interpolation: Interpolation


@dataclass(frozen=True, kw_only=True)
class NetworkOutput(Operator):
    """What somebody outside the network wants, though layers of the network read it too."""

    kind: ClassVar[str] = "network_output"


def network_input(draft: Draft, name: str, shape: Shape) -> str:
    """The image."""
    if min(shape.channels, shape.height, shape.width) < 1:
        raise NetworkError(f"{name}: an image of {shape} has no elements")
    return draft.add(name, Input(inputs=(), output=shape), ())


def conv(
    draft: Draft,
    name: str,
    source: str,
    *,
    out_channels: int,
    kernel: Axes = 1,
    stride: Axes = 1,
    padding: PaddingSpec = 0,
    dilation: Axes = 1,
    groups: int = 1,
    bias: bool = False,
    shared: tuple[SharedPart, ...] = (),
) -> str:
    """Convolution; output sizes are rounded down. `shared` parameters are those of an operator before."""
    given = draft.shape(source)
    _check_channels(name, out_channels)
    for role, channels in (("input", given.channels), ("output", out_channels)):
        if channels % groups:
            raise NetworkError(
                f"{name}: {channels} {role} channels cannot be split into {groups} groups of equal size; "
                f"make the channels a multiple of {groups} or the groups a divisor of {channels}"
            )
    window, height, width = _slide(name, given, WindowSpec(kernel, stride, padding, dilation))
    output = Shape(out_channels, height, width)
    operator = Convolution(
        inputs=(given,), output=output, shared=shared, window=window, groups=groups, bias=bias
    )
    return draft.add(name, operator, (source,))


def fully_connected(
    draft: Draft,
    name: str,
    source: str,
    *,
    out_features: int,
    bias: bool = True,
    shared: tuple[SharedPart, ...] = (),
) -> str:
    """Matrix product of everything in the source."""
    _check_channels(name, out_features)
    given, output = draft.shape(source), Shape(out_features, 1, 1)
    operator = FullyConnected(inputs=(given,), output=output, shared=shared, bias=bias)
    return draft.add(name, operator, (source,))


def batch_norm(draft: Draft, name: str, source: str, *, shared: tuple[SharedPart, ...] = ()) -> str:
    """Scale and shift of each channel."""
    given = draft.shape(source)
    return draft.add(name, BatchNorm(inputs=(given,), output=given, shared=shared), (source,))


def activation(
    draft: Draft,
    name: str,
    source: str,
    *,
    function: ActivationFunction,
    slopes: int = 0,
    shared: tuple[SharedPart, ...] = (),
) -> str:
    """A function of each element, with so many trained slopes."""
    given = draft.shape(source)
    operator = Activation(
        inputs=(given,), output=given, shared=shared, function=function, trained_slopes=slopes
    )
    return draft.add(name, operator, (source,))


def max_pool(
    draft: Draft,
    name: str,
    source: str,
    *,
    kernel: Axes,
    stride: Axes = 1,
    padding: PaddingSpec = 0,
    rounding: Rounding = "floor",
) -> str:
    """Maximum over a window; rounding "ceil" is Caffe's rule for the output size."""
    return _pool(draft, name, source, "max", WindowSpec(kernel, stride, padding, rounding=rounding))


def average_pool(
    draft: Draft,
    name: str,
    source: str,
    *,
    kernel: Axes,
    stride: Axes = 1,
    padding: PaddingSpec = 0,
    rounding: Rounding = "floor",
) -> str:
    """Average over a window; rounding "ceil" is Caffe's rule for the output size."""
    return _pool(draft, name, source, "average", WindowSpec(kernel, stride, padding, rounding=rounding))


def global_average_pool(draft: Draft, name: str, source: str) -> str:
    """Average of each channel."""
    given = draft.shape(source)
    output = Shape(given.channels, 1, 1)
    return draft.add(name, GlobalAveragePool(inputs=(given,), output=output), (source,))


def lrn(draft: Draft, name: str, source: str, *, size: int = 5) -> str:
    """Local response normalisation over neighbouring channels."""
    given = draft.shape(source)
    return draft.add(name, LocalResponseNorm(inputs=(given,), output=given, size=size), (source,))


def dropout(draft: Draft, name: str, source: str) -> str:
    """Nothing at inference; published networks list it."""
    given = draft.shape(source)
    return draft.add(name, Dropout(inputs=(given,), output=given), (source,))


def softmax(draft: Draft, name: str, source: str) -> str:
    """Class probabilities."""
    given = draft.shape(source)
    return draft.add(name, Softmax(inputs=(given,), output=given), (source,))


def add(draft: Draft, name: str, sources: Sequence[str]) -> str:
    """Sum of two tensors or more, all of one shape."""
    given = tuple(draft.shape(source) for source in sources)
    if len(given) < 2:
        raise NetworkError(f"{name}: adds {len(given)} tensor; give it two or more")
    for source, shape in zip(sources[1:], given[1:], strict=True):
        if shape != given[0]:
            raise NetworkError(
                f"{name}: cannot add {given[0]} ({sources[0]}) and {shape} ({source}); "
                "make channels and strides of the two branches equal, or project one of them"
            )
    return draft.add(name, Add(inputs=given, output=given[0]), sources)


def multiply(draft: Draft, name: str, source: str, factor: str) -> str:
    """Product with a tensor of the same shape, or with one factor for each channel."""
    given, by = draft.shape(source), draft.shape(factor)
    if by not in (given, Shape(given.channels, 1, 1)):
        raise NetworkError(
            f"{name}: cannot multiply {given} ({source}) by {by} ({factor}); "
            f"the factor has to be {given} or {Shape(given.channels, 1, 1)}"
        )
    return draft.add(name, Multiply(inputs=(given, by), output=given), (source, factor))


def concat(draft: Draft, name: str, sources: Sequence[str]) -> str:
    """Tensors of one height and width, one after another along the channels."""
    given = tuple(draft.shape(source) for source in sources)
    if not given:
        raise NetworkError(f"{name}: concatenates nothing; give it one tensor or more")
    height, width = given[0].height, given[0].width
    for source, shape in zip(sources, given, strict=True):
        if (shape.height, shape.width) != (height, width):
            raise NetworkError(
                f"{name}: cannot concatenate {given[0]} ({sources[0]}) and {shape} ({source}); "
                "make the strides and paddings of the branches lead to one height and width"
            )
    output = Shape(sum(shape.channels for shape in given), height, width)
    return draft.add(name, Concat(inputs=given, output=output), sources)


def channel_shuffle(draft: Draft, name: str, source: str, *, groups: int) -> str:
    """Spread the channels of each group over all groups."""
    given = draft.shape(source)
    if groups < 1 or given.channels % groups:
        raise NetworkError(
            f"{name}: {given.channels} channels cannot be shuffled in {groups} groups of equal size; "
            f"make the channels a multiple of {groups}"
        )
    return draft.add(name, ChannelShuffle(inputs=(given,), output=given, groups=groups), (source,))


def channel_permutation(draft: Draft, name: str, source: str) -> str:
    """The channels in an order that is part of the trained network."""
    given = draft.shape(source)
    return draft.add(name, ChannelPermutation(inputs=(given,), output=given), (source,))


def channel_slice(draft: Draft, name: str, source: str, *, first: int, channels: int) -> str:
    """`channels` successive channels, from channel `first` (counted from 0)."""
    given = draft.shape(source)
    if first < 0 or channels < 1 or first + channels > given.channels:
        raise NetworkError(
            f"{name}: channels {first} to {first + channels - 1} are not within the "
            f"{given.channels} channels of {source}; choose a range from 0 to {given.channels - 1}"
        )
    output = Shape(channels, given.height, given.width)
    return draft.add(name, Slice(inputs=(given,), output=output, first=first), (source,))


def resize(
    draft: Draft, name: str, source: str, *, size: tuple[int, int], interpolation: Interpolation = "nearest"
) -> str:
    """Each channel at `size`, (height, width)."""
    given = draft.shape(source)
    output = Shape(given.channels, *size)
    return draft.add(name, Resize(inputs=(given,), output=output, interpolation=interpolation), (source,))


def network_output(draft: Draft, name: str, source: str) -> str:
    """The source has to be stored, whoever else reads it."""
    given = draft.shape(source)
    return draft.add(name, NetworkOutput(inputs=(given,), output=given), (source,))


def _check_channels(name: str, channels: int) -> None:
    """Refuse a layer without outputs before anything is divided by their number."""
    if channels < 1:
        raise NetworkError(
            f"{name}: would have {channels} output channels, must have at least one: "
            "give its block, or the one before, more channels"
        )


def _pool(
    draft: Draft, name: str, source: str, reduction: Literal["max", "average"], spec: WindowSpec
) -> str:
    given = draft.shape(source)
    window, height, width = _slide(name, given, spec)
    output = Shape(given.channels, height, width)
    return draft.add(
        name, Pool(inputs=(given,), output=output, reduction=reduction, window=window), (source,)
    )


def _slide(name: str, given: Shape, spec: WindowSpec) -> tuple[Window, int, int]:
    """The window with everything spelled out, and the height and width of its output."""
    kernel, stride, dilation = _pair(spec.kernel), _pair(spec.stride), _pair(spec.dilation)
    reach = (span(kernel[0], dilation[0]), span(kernel[1], dilation[1]))
    pad = _padding(given, reach, stride, spec.padding)
    if max(*reach, *stride, *pad) > MAX_WINDOW:
        raise NetworkError(
            f"{name}: kernel, stride and padding may be {MAX_WINDOW:,} at most, dilation included"
        )
    height = windows(given.height, reach[0], stride[0], (pad.top, pad.bottom), spec.rounding)
    width = windows(given.width, reach[1], stride[1], (pad.left, pad.right), spec.rounding)
    if height < 1 or width < 1:
        padded = f"{given.height + pad.top + pad.bottom} x {given.width + pad.left + pad.right}"
        note = f" ({padded} with padding)" if any(pad) else ""
        raise SizeError(
            f"{name}: a kernel of {reach[0]} x {reach[1]} finds no room in its input of "
            f"{given.height} x {given.width}{note}; "
            "enlarge the resolution, or shrink the kernel or the strides before it"
        )
    return Window(kernel=kernel, stride=stride, dilation=dilation, padding=pad), height, width


def span(kernel: int, dilation: int) -> int:
    """Input elements from the first to the last that a kernel reads, along one axis."""
    return (kernel - 1) * dilation + 1


def windows(size: int, reach: int, stride: int, padding: tuple[int, int], rounding: Rounding) -> int:
    """How many windows there are along one axis; 0 when the padded input is smaller than one.

    Rounding up is Caffe's rule for pooling: the last window may hang over the end, but not start there.
    """
    before, after = padding
    slack = size + before + after - reach
    if slack < 0:
        return 0
    if rounding == "floor":
        return slack // stride + 1
    count = -(-slack // stride) + 1
    return count - 1 if (count - 1) * stride >= size + before else count


def _pair(value: Axes) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _padding(given: Shape, reach: tuple[int, int], stride: tuple[int, int], spec: PaddingSpec) -> Padding:
    if spec == "same":
        return Padding(*_same(given.height, reach[0], stride[0]), *_same(given.width, reach[1], stride[1]))
    if isinstance(spec, int):
        return Padding(spec, spec, spec, spec)
    if len(spec) == 2:
        return Padding(spec[0], spec[0], spec[1], spec[1])
    return Padding(*spec)


def _same(size: int, reach: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME: as much padding as makes the output size / stride, the smaller half first."""
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2
