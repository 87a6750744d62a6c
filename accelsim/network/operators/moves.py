"""Operators that compute nothing: their elements are others' in other places, or a part of them."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from accelsim.descriptions.limits import MAX_CHANNELS, MAX_GATHERED
from accelsim.descriptions.quantities import AxisLength, Channels
from accelsim.errors import NetworkError
from accelsim.network.declaration import SAID, operator, reads_one, reads_several, reads_two
from accelsim.network.graph import AXES, Axis, Operator, Shape, Site
from accelsim.network.windows import Padding, SidePadding, sides

Interpolation: TypeAlias = Literal["nearest", "linear", "cubic"]


@operator("channel_permutation")
class ChannelPermutation(Operator):
    """Channels in another order, which training found (CondenseNet, section 3.2)."""

    kind: ClassVar[str] = "channel_permutation"


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


@operator("concat")
@dataclass(frozen=True, kw_only=True)
class Concat(Operator):
    """Tensors one after another along the channels, or another axis; they are alike along the others."""

    kind: ClassVar[str] = "concat"
    operands = "several"
    axis: Axis = "channels"

    def output_at(self, site: Site) -> Shape:
        """All of them together."""
        if not site.inputs:
            raise NetworkError(f"{site.name}: concatenates nothing; give it one tensor or more")
        first = site.inputs[0]
        for source, shape in zip(site.sources, site.inputs, strict=True):
            if replace(shape, **{self.axis: 0}) != replace(first, **{self.axis: 0}):
                others = " and ".join(axis for axis in AXES if axis != self.axis)
                raise NetworkError(
                    f"{site.name}: cannot concatenate {first} ({site.sources[0]}) and {shape} ({source}); "
                    f"make the strides and paddings of the branches lead to one {others}"
                )
        return replace(first, **{self.axis: sum(getattr(shape, self.axis) for shape in site.inputs)})


@operator("reshape")
@dataclass(frozen=True, kw_only=True)
class Reshape(Operator):
    """The same channels, the pixels of each in the same order as other rows and columns: nothing moves."""

    kind: ClassVar[str] = "reshape"
    size: tuple[AxisLength, AxisLength]

    def output_at(self, site: Site) -> Shape:
        """Rows and columns as asked for."""
        (image,) = site.inputs
        if self.size[0] * self.size[1] != image.pixels:
            raise NetworkError(
                f"{site.name}: the {image.height} x {image.width} pixels of {site.sources[0]} cannot be "
                f"{self.size[0]} x {self.size[1]}; their number must stay {image.pixels}"
            )
        return Shape(image.channels, *self.size)


@operator("rearrange")
@dataclass(frozen=True, kw_only=True)
class Rearrange(Operator):
    """All elements in another order: axes that change places, pixels that become channels or the reverse."""

    kind: ClassVar[str] = "rearrange"
    channels: Channels
    height: AxisLength = 1
    width: AxisLength = 1

    def output_at(self, site: Site) -> Shape:
        """As asked for."""
        (image,), output = site.inputs, Shape(self.channels, self.height, self.width)
        if output.elements != image.elements:
            raise NetworkError(
                f"{site.name}: {image} ({site.sources[0]}) cannot be {output}; "
                f"it has {image.elements} elements, not {output.elements}"
            )
        return output


@operator("slice")
@dataclass(frozen=True, kw_only=True)
class AxisSlice(Operator):
    """`size` elements along an axis, from element `first` (counted from 0), every `step`-th of them."""

    kind: ClassVar[str] = "slice"
    axis: Axis
    first: Annotated[int, Field(ge=0, lt=MAX_CHANNELS)] = 0
    size: AxisLength
    step: AxisLength = 1

    def output_at(self, site: Site) -> Shape:
        """A part of the axis."""
        (image,) = site.inputs
        extent, last = getattr(image, self.axis), self.first + (self.size - 1) * self.step
        if last >= extent:
            raise NetworkError(
                f"{site.name}: {self.axis} {self.first} to {last} are not within the {extent} of "
                f"{site.sources[0]}; choose a range from 0 to {extent - 1}"
            )
        return replace(image, **{self.axis: self.size})


@operator("gather")
@dataclass(frozen=True, kw_only=True)
class Gather(Operator):
    """Elements along an axis that are picked one by one, in any order and as often as is said."""

    kind: ClassVar[str] = "gather"
    axis: Axis
    indices: Annotated[
        tuple[Annotated[int, Field(ge=0, lt=MAX_CHANNELS)], ...], Field(min_length=1, max_length=MAX_GATHERED)
    ]

    def output_at(self, site: Site) -> Shape:
        """As many as are picked."""
        (image,) = site.inputs
        extent = getattr(image, self.axis)
        if max(self.indices) >= extent:
            raise NetworkError(
                f"{site.name}: {self.axis} {max(self.indices)} is not among the {extent} of "
                f"{site.sources[0]}; choose from 0 to {extent - 1}"
            )
        return replace(image, **{self.axis: len(self.indices)})


@operator("pad")
@dataclass(frozen=True, kw_only=True)
class Pad(Operator):
    """Rows and columns around a tensor that no window takes care of; negative ones are left out."""

    kind: ClassVar[str] = "pad"
    padding: SidePadding

    def output_at(self, site: Site) -> Shape:
        """Larger, or smaller."""
        (image,) = site.inputs
        top, bottom, left, right = self.margins
        return Shape(image.channels, image.height + top + bottom, image.width + left + right)

    @property
    def margins(self) -> Padding:
        """Those of each side."""
        return sides(self.padding)


@operator("max_unpool")
@dataclass(frozen=True, kw_only=True)
class MaxUnpool(Operator):
    """Elements at the places that a second tensor of their shape names, zeros elsewhere (SegNet)."""

    kind: ClassVar[str] = "max_unpool"
    operands = 2
    size: tuple[AxisLength, AxisLength]

    def output_at(self, site: Site) -> Shape:
        """The same channels."""
        values, places = site.inputs
        if values != places:
            raise NetworkError(
                f"{site.name}: {values} elements ({site.sources[0]}) have {places} places "
                f"({site.sources[1]}); there must be one for each"
            )
        return Shape(values.channels, *self.size)


# --- functions that add them to a draft
channel_shuffle = reads_one(ChannelShuffle)
channel_permutation = reads_one(ChannelPermutation)
channel_slice = reads_one(Slice)
resize = reads_one(Resize)
concat = reads_several(Concat)
reshape = reads_one(Reshape)
rearrange = reads_one(Rearrange)
axis_slice = reads_one(AxisSlice)
gather = reads_one(Gather)
pad = reads_one(Pad)
max_unpool = reads_two(MaxUnpool)
