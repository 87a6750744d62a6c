"""Operators on single elements, those that combine tensors element by element, and normalisations."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from accelsim.descriptions.quantities import Channels, Extent, Slopes
from accelsim.errors import NetworkError
from accelsim.network.declaration import OF_MODELS, SAID, operator, reads_one, reads_several, reads_two
from accelsim.network.graph import Operator, Shape, Site

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
    "abs",
    "negate",
    "exp",
    "log",
    "power",
    "sqrt",
    "reciprocal",
    "erf",
    "sine",
    "round",
    "sign",
    "step",
    "quantize",
    "cumulative_sum",
    "linear",
]
"""`linear` is a product with, or a sum with, numbers that are part of the network; `cumulative_sum` adds
those before it along a dimension to each."""


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


@operator("softmax")
class Softmax(Operator):
    """Exponentials that sum to one: class probabilities."""

    kind: ClassVar[str] = "softmax"


@operator("dropout")
class Dropout(Operator):
    """Nothing at inference; published networks list it."""

    kind: ClassVar[str] = "dropout"


@dataclass(frozen=True, kw_only=True)
class Normalization(Operator):
    """Elements of mean 0 and variance 1, then scale and shift of each channel, which were trained."""

    parts: ClassVar[int] = 2
    scales: Annotated[Slopes | None, OF_MODELS] = None
    """How many scales there are; one for each channel where it is not said."""
    shared: Annotated[tuple[Literal["scale", "shift"], ...], OF_MODELS] = ()

    @property
    def norms(self) -> int:
        """Scale, and shift where it has one."""
        return self.parts * (self.output.channels if self.scales is None else self.scales)


@operator("layer_norm")
@dataclass(frozen=True, kw_only=True)
class LayerNorm(Normalization):
    """Normalization over the channels of each pixel (Ba et al., Layer normalization, 2016)."""

    kind: ClassVar[str] = "layer_norm"


@operator("rms_norm")
@dataclass(frozen=True, kw_only=True)
class RmsNorm(Normalization):
    """The same by the root of the mean square, without a shift (Zhang and Sennrich, NeurIPS 2019)."""

    kind: ClassVar[str] = "rms_norm"
    parts = 1


@operator("instance_norm")
@dataclass(frozen=True, kw_only=True)
class InstanceNorm(Normalization):
    """Normalization over the plane of each channel (Ulyanov et al., Instance normalization, 2016)."""

    kind: ClassVar[str] = "instance_norm"


@operator("group_norm")
@dataclass(frozen=True, kw_only=True)
class GroupNorm(Normalization):
    """Normalization over the planes of each group of channels (Wu and He, ECCV 2018)."""

    kind: ClassVar[str] = "group_norm"
    groups: Channels

    def output_at(self, site: Site) -> Shape:
        """The same shape."""
        (image,) = site.inputs
        if image.channels % self.groups:
            raise NetworkError(
                f"{site.name}: {image.channels} channels cannot be normalized in {self.groups} groups of "
                f"equal size; make the channels a multiple of {self.groups}"
            )
        return image


@dataclass(frozen=True, kw_only=True)
class Several(Operator):
    """Tensors combined element by element: all of one shape, or one element for a row, column or plane."""

    operands = "several"
    verb: ClassVar[tuple[str, str]]
    """What it does, as one says of it and of a person."""

    def output_at(self, site: Site) -> Shape:
        """The largest shape."""
        does, to_do = self.verb
        if len(site.inputs) < 2:
            raise NetworkError(f"{site.name}: {does} {len(site.inputs)} tensor; give it two or more")
        output = max(site.inputs, key=lambda shape: shape.elements)
        if all(_spreads_over(shape, output) for shape in site.inputs):
            return output
        first, *others = zip(site.sources, site.inputs, strict=True)
        source, shape = next(other for other in others if other[1] != first[1])
        raise NetworkError(
            f"{site.name}: cannot {to_do} {first[1]} ({first[0]}) and {shape} ({source}); "
            "make channels and strides of the two branches equal, or project one of them"
        )


def _spreads_over(shape: Shape, output: Shape) -> bool:
    """Whether a tensor is as large as another, or has one element for each row, column or plane of it."""
    return (
        shape.channels == output.channels
        and shape.height in {1, output.height}
        and shape.width in {1, output.width}
    )


@operator("add")
class Add(Several):
    """Sum, or difference, of two tensors or more."""

    kind: ClassVar[str] = "add"
    verb = ("adds", "add")


@operator("maximum")
class Maximum(Several):
    """The larger of elements, or the smaller."""

    kind: ClassVar[str] = "maximum"
    verb = ("compares", "compare")


@operator("compare")
class Compare(Several):
    """Whether elements are equal, or one larger than the other; or both of two such answers."""

    kind: ClassVar[str] = "compare"
    verb = ("compares", "compare")


@operator("select")
class Select(Several):
    """Elements of one tensor or another, as the elements of a third say."""

    kind: ClassVar[str] = "select"
    verb = ("selects among", "select among")


@operator("multiply")
class Multiply(Operator):
    """Product of a tensor and another of its shape, or one factor for each channel (a gate)."""

    kind: ClassVar[str] = "multiply"
    operands = 2

    def output_at(self, site: Site) -> Shape:
        """The first one's shape."""
        tensor, factor = site.inputs
        gate = Shape(tensor.channels, 1, 1)
        if not _spreads_over(factor, tensor):
            raise NetworkError(
                f"{site.name}: cannot multiply {tensor} ({site.sources[0]}) by {factor} ({site.sources[1]}); "
                f"the factor has to be {tensor} or {gate}"
            )
        return tensor


activation = reads_one(Activation)
batch_norm = reads_one(BatchNorm)
lrn = reads_one(LocalResponseNorm)
softmax = reads_one(Softmax)
dropout = reads_one(Dropout)
multiply = reads_two(Multiply)
add = reads_several(Add)
maximum = reads_several(Maximum)
compare = reads_several(Compare)
select = reads_several(Select)
layer_norm = reads_one(LayerNorm)
rms_norm = reads_one(RmsNorm)
instance_norm = reads_one(InstanceNorm)
group_norm = reads_one(GroupNorm)
