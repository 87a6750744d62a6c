"""The operators a network is made of: a class each, and the function that adds it to a draft.

The fields of a class are the operator's arguments; the class checks its inputs, infers its output and counts.
All else that knows of arguments is derived from that (declaration.py). The functions at the end of the file
give back the name of the node that they add; arguments of windows are explained in windows.py.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from accelsim.descriptions.limits import MAX_CHANNELS
from accelsim.descriptions.quantities import AxisLength, Channels, Extent, Slopes
from accelsim.errors import NetworkError
from accelsim.network.declaration import OF_MODELS, SAID, operator, reads_one, reads_several, reads_two
from accelsim.network.graph import Draft, Operator, Shape, Site
from accelsim.network.windows import AnyPadding, Axes, Rounding, Window, output_size, window_over

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
ArrayParts: TypeAlias = Annotated[tuple[Literal["weights", "bias"], ...], OF_MODELS]
"""Parameters of an operator before that this one uses too: they are counted there. So for other operators."""


@operator("network_input")
@dataclass(frozen=True, kw_only=True)
class Input(Operator):
    """What the network is given: the image, or in a row of the block `graph` a further input."""

    kind: ClassVar[str] = "input"
    operands = 0
    channels: Channels
    height: AxisLength
    width: AxisLength

    def output_at(self, site: Site) -> Shape:
        """The image."""
        shape = Shape(self.channels, self.height, self.width)
        if min(shape.channels, shape.height, shape.width) < 1:
            raise NetworkError(f"{site.name}: an image of {shape} has no elements")
        return shape


@operator("conv")
@dataclass(frozen=True, kw_only=True)
class Convolution(Operator):
    """Convolution in any number of groups; depthwise is groups = channels. Output sizes are rounded down."""

    kind: ClassVar[str] = "conv"
    out_channels: Channels
    kernel: Axes = 1
    stride: Axes = 1
    padding: AnyPadding = 0
    dilation: Axes = 1
    groups: Channels = 1
    bias: bool = False
    shared: ArrayParts = ()

    def output_at(self, site: Site) -> Shape:
        """As many channels as asked for, as many pixels as windows find room."""
        (image,) = site.inputs
        _check_channels(site.name, self.out_channels)
        for role, channels in (("input", image.channels), ("output", self.out_channels)):
            if channels % self.groups:
                raise NetworkError(
                    f"{site.name}: {channels} {role} channels cannot be split into {self.groups} groups of "
                    f"equal size; make the channels a multiple of {self.groups} or the groups a divisor of "
                    f"{channels}"
                )
        size = output_size(site.name, self.window, image.height, image.width, "floor")
        return Shape(self.out_channels, *size)

    @cached_property
    def window(self) -> Window:
        """The kernel over the input."""
        (image,) = self.inputs
        return window_over(image.height, image.width, self.kernel, self.stride, self.padding, self.dilation)

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


@operator("fully_connected")
@dataclass(frozen=True, kw_only=True)
class FullyConnected(Operator):
    """Matrix product of all elements of the input."""

    kind: ClassVar[str] = "fully_connected"
    out_features: Channels
    bias: Annotated[bool, SAID] = True
    shared: ArrayParts = ()

    def output_at(self, site: Site) -> Shape:
        """One pixel."""
        _check_channels(site.name, self.out_features)
        return Shape(self.out_features, 1, 1)

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


@dataclass(frozen=True, kw_only=True)
class Pool(Operator):
    """A window of each channel as one element; rounding "ceil" is Caffe's rule for the output size."""

    kind: ClassVar[str] = "pool"
    reduction: ClassVar[Literal["max", "average"]]
    kernel: Axes
    stride: Axes = 1
    padding: AnyPadding = 0
    rounding: Rounding = "floor"

    def output_at(self, site: Site) -> Shape:
        """As many pixels as windows find room."""
        (image,) = site.inputs
        size = output_size(site.name, self.window, image.height, image.width, self.rounding)
        return Shape(image.channels, *size)

    @cached_property
    def window(self) -> Window:
        """The kernel over the input."""
        (image,) = self.inputs
        return window_over(image.height, image.width, self.kernel, self.stride, self.padding)


@operator("max_pool")
class MaxPool(Pool):
    """Maximum over a window."""

    reduction = "max"


@operator("average_pool")
class AveragePool(Pool):
    """Average over a window."""

    reduction = "average"


@operator("activation")
@dataclass(frozen=True, kw_only=True)
class Activation(Operator):
    """A function of each element."""

    kind: ClassVar[str] = "activation"
    function: ActivationFunction
    slopes: Annotated[Slopes, OF_MODELS] = 0
    """Trained ones, as those of PReLU: one for each channel, or one for all."""
    shared: Annotated[tuple[Literal["slopes"], ...], OF_MODELS] = ()


@operator("batch_norm")
@dataclass(frozen=True, kw_only=True)
class BatchNorm(Operator):
    """Scale and shift of each channel, as at inference."""

    kind: ClassVar[str] = "batch_norm"
    shared: Annotated[tuple[Literal["scale", "shift"], ...], OF_MODELS] = ()

    @property
    def norms(self) -> int:
        """Scale and shift."""
        return 2 * self.output.channels


@operator("lrn")
@dataclass(frozen=True, kw_only=True)
class LocalResponseNorm(Operator):
    """Division of each element by a norm over `size` neighbouring channels (AlexNet, section 3.3)."""

    kind: ClassVar[str] = "lrn"
    size: Annotated[Extent, SAID] = 5


@operator("global_average_pool")
class GlobalAveragePool(Operator):
    """Average of each channel."""

    kind: ClassVar[str] = "global_average_pool"

    def output_at(self, site: Site) -> Shape:
        """One pixel."""
        return Shape(site.inputs[0].channels, 1, 1)


@operator("softmax")
class Softmax(Operator):
    """Exponentials that sum to one: class probabilities."""

    kind: ClassVar[str] = "softmax"


@operator("dropout")
class Dropout(Operator):
    """Nothing at inference; published networks list it."""

    kind: ClassVar[str] = "dropout"


@operator("channel_permutation")
class ChannelPermutation(Operator):
    """Channels in another order, which training found (CondenseNet, section 3.2)."""

    kind: ClassVar[str] = "channel_permutation"


@operator("network_output")
class NetworkOutput(Operator):
    """What has to be stored for somebody outside the network, whoever else reads it."""

    kind: ClassVar[str] = "network_output"


@operator("channel_shuffle")
@dataclass(frozen=True, kw_only=True)
class ChannelShuffle(Operator):
    """Channels seen as groups x n, transposed to n x groups (ShuffleNet, section 3.1)."""

    kind: ClassVar[str] = "channel_shuffle"
    groups: Channels

    def output_at(self, site: Site) -> Shape:
        """The same channels in another order."""
        (image,) = site.inputs
        if self.groups < 1 or image.channels % self.groups:
            raise NetworkError(
                f"{site.name}: {image.channels} channels cannot be shuffled in {self.groups} groups of equal "
                f"size; make the channels a multiple of {self.groups}"
            )
        return image

    @property
    def order(self) -> tuple[int, ...]:
        """Which input channel each output channel is."""
        members = self.output.channels // self.groups
        return tuple([group * members + member for member in range(members) for group in range(self.groups)])


@operator("channel_slice")
@dataclass(frozen=True, kw_only=True)
class Slice(Operator):
    """`channels` successive channels, from channel `first` (counted from 0)."""

    kind: ClassVar[str] = "slice"
    first: Annotated[int, Field(ge=0, lt=MAX_CHANNELS)]
    channels: Channels

    def output_at(self, site: Site) -> Shape:
        """The channels of the range."""
        (image,) = site.inputs
        if self.first < 0 or self.channels < 1 or self.first + self.channels > image.channels:
            raise NetworkError(
                f"{site.name}: channels {self.first} to {self.first + self.channels - 1} are not within the "
                f"{image.channels} channels of {site.sources[0]}; "
                f"choose a range from 0 to {image.channels - 1}"
            )
        return Shape(self.channels, image.height, image.width)


@operator("resize")
@dataclass(frozen=True, kw_only=True)
class Resize(Operator):
    """Each channel at `size`, (height, width)."""

    kind: ClassVar[str] = "resize"
    size: tuple[AxisLength, AxisLength]
    interpolation: Annotated[Interpolation, SAID] = "nearest"

    def output_at(self, site: Site) -> Shape:
        """The same channels."""
        return Shape(site.inputs[0].channels, *self.size)


@operator("add")
class Add(Operator):
    """Sum of two tensors or more, all of one shape."""

    kind: ClassVar[str] = "add"
    operands = "several"

    def output_at(self, site: Site) -> Shape:
        """The shape that all have."""
        if len(site.inputs) < 2:
            raise NetworkError(f"{site.name}: adds {len(site.inputs)} tensor; give it two or more")
        first = site.inputs[0]
        for source, shape in zip(site.sources, site.inputs, strict=True):
            if shape != first:
                raise NetworkError(
                    f"{site.name}: cannot add {first} ({site.sources[0]}) and {shape} ({source}); "
                    "make channels and strides of the two branches equal, or project one of them"
                )
        return first


@operator("concat")
class Concat(Operator):
    """Tensors of one height and width, one after another along the channels."""

    kind: ClassVar[str] = "concat"
    operands = "several"

    def output_at(self, site: Site) -> Shape:
        """All channels together."""
        if not site.inputs:
            raise NetworkError(f"{site.name}: concatenates nothing; give it one tensor or more")
        first = site.inputs[0]
        for source, shape in zip(site.sources, site.inputs, strict=True):
            if (shape.height, shape.width) != (first.height, first.width):
                raise NetworkError(
                    f"{site.name}: cannot concatenate {first} ({site.sources[0]}) and {shape} ({source}); "
                    "make the strides and paddings of the branches lead to one height and width"
                )
        return Shape(sum(shape.channels for shape in site.inputs), first.height, first.width)


@operator("multiply")
class Multiply(Operator):
    """Product of a tensor and another of its shape, or one factor for each channel (a gate)."""

    kind: ClassVar[str] = "multiply"
    operands = 2

    def output_at(self, site: Site) -> Shape:
        """The first one's shape."""
        tensor, factor = site.inputs
        gate = Shape(tensor.channels, 1, 1)
        if factor not in (tensor, gate):
            raise NetworkError(
                f"{site.name}: cannot multiply {tensor} ({site.sources[0]}) by {factor} ({site.sources[1]}); "
                f"the factor has to be {tensor} or {gate}"
            )
        return tensor


def _check_channels(name: str, channels: int) -> None:
    """Refuse a layer without outputs before anything is divided by their number."""
    if channels < 1:
        raise NetworkError(
            f"{name}: would have {channels} output channels, must have at least one: "
            "give its block, or the one before, more channels"
        )


def network_input(draft: Draft, name: str, shape: Shape) -> str:
    """The image."""
    sizes = {"channels": shape.channels, "height": shape.height, "width": shape.width}
    return draft.add(name, Input(draft.site(name, ()), **sizes), ())


conv = reads_one(Convolution)
fully_connected = reads_one(FullyConnected)
batch_norm = reads_one(BatchNorm)
activation = reads_one(Activation)
max_pool = reads_one(MaxPool)
average_pool = reads_one(AveragePool)
global_average_pool = reads_one(GlobalAveragePool)
lrn = reads_one(LocalResponseNorm)
dropout = reads_one(Dropout)
softmax = reads_one(Softmax)
channel_shuffle = reads_one(ChannelShuffle)
channel_permutation = reads_one(ChannelPermutation)
channel_slice = reads_one(Slice)
resize = reads_one(Resize)
network_output = reads_one(NetworkOutput)
multiply = reads_two(Multiply)
add = reads_several(Add)
concat = reads_several(Concat)
