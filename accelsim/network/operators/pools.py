"""Operators that make few elements of many: windows, and whole axes."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from accelsim.network.declaration import operator, reads_one
from accelsim.network.graph import AXES, Axis, Operator, Shape, Site
from accelsim.network.windows import AnyPadding, Axes, Rounding, Window, output_size, window_over

Reduction: TypeAlias = Literal["mean", "max", "min", "sum", "product", "norm", "arg_max", "arg_min"]


@dataclass(frozen=True, kw_only=True)
class Pool(Operator):
    """A window of each channel as one element; rounding "ceil" is Caffe's rule for the output size."""

    kind: ClassVar[str] = "pool"
    reduction: ClassVar[Literal["max", "average", "lp"]]
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


@operator("lp_pool")
class LpPool(Pool):
    """A norm of a window: a root of the sum of powers."""

    reduction = "lp"


@operator("global_average_pool")
class GlobalAveragePool(Operator):
    """Average of each channel."""

    kind: ClassVar[str] = "global_average_pool"

    def output_at(self, site: Site) -> Shape:
        """One pixel."""
        return Shape(site.inputs[0].channels, 1, 1)


@operator("reduce")
@dataclass(frozen=True, kw_only=True)
class Reduce(Operator):
    """Whole axes as one element each: their mean, sum, extreme, norm, or where the extreme is."""

    kind: ClassVar[str] = "reduce"
    axes: Annotated[tuple[Axis, ...], Field(min_length=1)]
    function: Reduction = "mean"

    def output_at(self, site: Site) -> Shape:
        """One element along each of the axes."""
        (image,) = site.inputs
        return Shape(*(1 if axis in self.axes else getattr(image, axis) for axis in AXES))


max_pool = reads_one(MaxPool)
average_pool = reads_one(AveragePool)
lp_pool = reads_one(LpPool)
global_average_pool = reads_one(GlobalAveragePool)
reduce = reads_one(Reduce)
