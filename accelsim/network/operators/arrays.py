"""Operators whose multiply-accumulates the array does: convolutions and matrix products."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeAlias

from accelsim.descriptions.quantities import Channels, Margin
from accelsim.errors import NetworkError
from accelsim.network.declaration import OF_MODELS, SAID, operator, reads_one, reads_two
from accelsim.network.graph import Operator, Shape, Site
from accelsim.network.windows import (
    AnyPadding,
    Axes,
    SizeError,
    Window,
    both,
    output_size,
    sides,
    span,
    window_over,
)

ArrayParts: TypeAlias = Annotated[tuple[Literal["weights", "bias"], ...], OF_MODELS]
"""Parameters of an operator before that this one uses too: they are counted there. So for other operators."""


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
        _check_groups(site.name, self.groups, image.channels, self.out_channels)
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


class Phase(NamedTuple):
    """Outputs of a transposed convolution that are made by the same taps along one axis."""

    outputs: int
    """How many there are."""
    taps: int
    """Of the kernel, that meet an input at each of them."""
    dilation: int
    """Inputs from one of those taps to the next."""
    padding: int
    """Inputs that the first of them lacks."""


@operator("conv_transpose")
@dataclass(frozen=True, kw_only=True)
class TransposedConvolution(Operator):
    """Transposed convolution, which enlarges: each input adds a kernel to the outputs around its place.

    Every `stride`-th output is made by the same taps, so that it is stride x stride convolutions, each of a
    part of the kernel, whose outputs lie interleaved (Shi et al., Is the deconvolution layer the same as a
    convolutional layer?, 2016). Nothing is multiplied by zeros between inputs.
    """

    kind: ClassVar[str] = "conv_transpose"
    out_channels: Channels
    kernel: Axes = 2
    stride: Axes = 1
    padding: AnyPadding = 0
    """What is left out of the output on its sides."""
    output_padding: Margin | tuple[Margin, Margin] = 0
    """Rows and columns that are added below and on the right."""
    dilation: Axes = 1
    groups: Channels = 1
    bias: bool = False
    shared: ArrayParts = ()

    def output_at(self, site: Site) -> Shape:
        """As much larger as the strides say."""
        (image,) = site.inputs
        _check_channels(site.name, self.out_channels)
        _check_groups(site.name, self.groups, image.channels, self.out_channels)
        if self.padding == "same":
            sizes = (image.height * both(self.stride)[0], image.width * both(self.stride)[1])
        else:
            margins = sides(self.padding)
            sizes = (
                self._extent(image.height, 0, margins[0] + margins[1]),
                self._extent(image.width, 1, margins[2] + margins[3]),
            )
        if min(sizes) < 1:
            raise SizeError(f"{site.name}: would put out {sizes[0]} x {sizes[1]}; give it less padding")
        return Shape(self.out_channels, *sizes)

    def _extent(self, size: int, axis: int, margin: int) -> int:
        reach = span(both(self.kernel)[axis], both(self.dilation)[axis])
        return (size - 1) * both(self.stride)[axis] + reach + both(self.output_padding)[axis] - margin

    @cached_property
    def phases(self) -> tuple[tuple[Phase, ...], tuple[Phase, ...]]:
        """Those of the rows and those of the columns; outputs without taps are in none: they are zero."""
        return (
            self._phases(0, self.output.height),
            self._phases(1, self.output.width),
        )

    def _phases(self, axis: int, outputs: int) -> tuple[Phase, ...]:
        kernel, stride, dilation = (both(pair)[axis] for pair in (self.kernel, self.stride, self.dilation))
        if self.padding == "same":
            margin = max(span(kernel, dilation) - stride, 0) // 2
        else:
            margin = sides(self.padding)[2 * axis]
        phases = []
        for first in range(min(stride, outputs)):
            offsets = [
                (first + margin - tap * dilation) // stride
                for tap in range(kernel)
                if (first + margin - tap * dilation) % stride == 0
            ]
            step = offsets[0] - offsets[1] if len(offsets) > 1 else 1
            if offsets:
                phases.append(Phase(-(-(outputs - first) // stride), len(offsets), step, -offsets[-1]))
        return tuple(phases)

    @property
    def weights(self) -> int:
        """Input channels x output channels of a group x kernel."""
        height, width = both(self.kernel)
        return self.inputs[0].channels * (self.output.channels // self.groups) * height * width

    @property
    def biases(self) -> int:
        """One for each output channel."""
        return self.output.channels if self.bias else 0

    @property
    def macs(self) -> int:
        """Those of the convolutions that it is: input pixels x weights where nothing is cut off."""
        rows, columns = (sum(phase.outputs * phase.taps for phase in phases) for phases in self.phases)
        return self.output.channels * (self.inputs[0].channels // self.groups) * rows * columns


@operator("product")
@dataclass(frozen=True, kw_only=True)
class Product(Operator):
    """Matrix product of two activations, in groups: what attention is made of.

    The first tensor has `groups` times n channels; each of its pixels is multiplied in each group by the
    same matrix, which the second tensor is: with `contract: channels` it has n channels in a group, and one
    channel for each of its pixels is put out (queries by keys); with `contract: pixels` it has n pixels, and
    its channels are put out (weights of attention by values).
    """

    kind: ClassVar[str] = "product"
    operands = 2
    groups: Channels = 1
    contract: Literal["channels", "pixels"] = "channels"

    def output_at(self, site: Site) -> Shape:
        """The first one's pixels."""
        first, second = site.inputs
        _check_groups(site.name, self.groups, first.channels, second.channels)
        inner = second.channels // self.groups if self.contract == "channels" else second.pixels
        if first.channels // self.groups != inner:
            raise NetworkError(
                f"{site.name}: cannot multiply {first} ({site.sources[0]}) and {second} ({site.sources[1]}) "
                f"in {self.groups} groups: each has {first.channels // self.groups} channels of the first "
                f"and {inner} {self.contract} of the second; make them equal"
            )
        outer = second.pixels if self.contract == "channels" else second.channels // self.groups
        return Shape(self.groups * outer, first.height, first.width)

    @property
    def macs(self) -> int:
        """Each output is a sum over the channels of a group."""
        return self.output.elements * (self.inputs[0].channels // self.groups)


def _check_channels(name: str, channels: int) -> None:
    """Refuse a layer without outputs before anything is divided by their number."""
    if channels < 1:
        raise NetworkError(
            f"{name}: would have {channels} output channels, must have at least one: "
            "give its block, or the one before, more channels"
        )


def _check_groups(name: str, groups: int, inputs: int, outputs: int) -> None:
    """Refuse groups that would be of different sizes."""
    for role, channels in (("input", inputs), ("output", outputs)):
        if channels % groups:
            raise NetworkError(
                f"{name}: {channels} {role} channels cannot be split into {groups} groups of "
                f"equal size; make the channels a multiple of {groups} or the groups a divisor of "
                f"{channels}"
            )


conv = reads_one(Convolution)
fully_connected = reads_one(FullyConnected)
conv_transpose = reads_one(TransposedConvolution)
product = reads_two(Product)
