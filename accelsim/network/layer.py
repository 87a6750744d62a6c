"""Layer: one executed operator, as the loop nest that a machine has to run.

Whatever computes becomes this nest, so that a new operator touches no dataflow and a new dataflow
no operator. Layers are what lowering makes of the published graph; dataflows never see anything else.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Generic, TypedDict, Unpack

from accelsim.columns import CountT_co, Real

if TYPE_CHECKING:
    from accelsim.network.given import GivenMapping

ARRAY_OPERATORS = frozenset({"conv", "fully_connected", "product"})
"""Operators whose multiply-accumulates run on the PE array; all others run on the vector unit."""
FOREIGN_ON_HOST: Final = "foreign_on_host"
"""The operator of layers that are no operator here, and that the host runs where there is one."""


@dataclass(frozen=True)
class FusedOperator(Generic[CountT_co]):
    """An operator that the vector unit applies to a layer's outputs on their way to the memory on chip.

    Example:
        >>> FusedOperator("conv1.relu", "relu", vector_ops=64 * 112 * 112).residual_elements
        0
    """

    name: str
    """Of the published operator."""
    operator: str
    """Its kind: `relu`."""
    vector_ops: CountT_co
    """Operations of the vector unit, for one image."""
    residual_elements: CountT_co = 0
    """Elements of a residual that have to be brought on chip: what an addition adds, a gate multiplies by."""


@dataclass(frozen=True)
class Pooling(Generic[CountT_co]):
    """A pooling that the vector unit applies to a layer's outputs, so that only its results are stored.

    OY x OX results of FY x FX windows; a window that sticks out is cut off.

    Example:
        >>> Pooling("pool1", "max_pool", OY=56, OX=56, FY=3, FX=3, stride_y=2, stride_x=2).pad_top
        0
    """

    name: str
    """Of the published operator."""
    operator: str
    """`max_pool` or `average_pool`."""
    OY: CountT_co
    OX: CountT_co
    FY: CountT_co
    FX: CountT_co
    stride_y: CountT_co
    """Rows from one window to the next."""
    stride_x: CountT_co
    """Columns from one window to the next."""
    pad_top: CountT_co = 0
    """Rows by which the first windows stick out."""
    pad_left: CountT_co = 0
    """Columns by which the first windows stick out."""


@dataclass(frozen=True, slots=True)
class CodedParts:
    """Bytes that operands take where they are held coded, or compressed, for each byte that they are.

    Columns, of a stack of layers; 1 of what is held as it is.

    Example:
        >>> CodedParts(weights=0.7).inputs
        1.0
    """

    inputs: Real = 1.0
    weights: Real = 1.0
    outputs: Real = 1.0
    residual: Real = 1.0


@dataclass(frozen=True)
class LoopNest(Generic[CountT_co]):
    """What formulas read of a layer, or of a stack of layers of one structure.

    Bounds are in elements, for one image:
        G groups; K output and C input channels per group;
        OY x OX output rows x columns; FY x FX kernel rows x columns; IY x IX input rows x columns.
    A depthwise convolution is G = channels, K = C = 1; a fully connected layer is OY = OX = 1; pooling,
    addition and data movement are G = channels, K = C = 1 on the vector unit.

    Example:
        >>> depthwise = LoopNest("dw", "conv", G=32, K=1, C=1, OY=16, OX=16, FY=3, FX=3)
        >>> depthwise.macs, depthwise.weights
        (73728, 288)
    """

    name: str
    """Of the layer: that of the published operator that it executes."""
    operator: str
    """That operator's kind: `conv`."""
    K: CountT_co
    C: CountT_co
    OY: CountT_co
    OX: CountT_co
    FY: CountT_co = 1
    FX: CountT_co = 1
    G: CountT_co = 1
    IY: CountT_co = 1
    IX: CountT_co = 1
    stride_y: CountT_co = 1
    """Rows of the input from one output row to the next."""
    stride_x: CountT_co = 1
    """Columns of the input from one output column to the next."""
    dilation_y: CountT_co = 1
    """Rows of the input from one kernel row to the next."""
    dilation_x: CountT_co = 1
    """Columns of the input from one kernel column to the next."""
    pad_top: CountT_co = 0
    """Rows of zeros above the input."""
    pad_left: CountT_co = 0
    """Columns of zeros left of the input."""
    operands: CountT_co = 1
    """Input tensors of G*C x IY x IX elements each: 2 for an addition that could not be fused."""
    gate_elements: CountT_co = 0
    """A further operand of another shape: the factors for each channel of a multiplication."""
    bias: CountT_co = 0
    """1 where a per-channel offset (bias or folded batch normalisation) is added to the outputs."""
    params: int = 0
    """Weights, biases, batch-normalisation scale and shift, as published."""
    weight_bits: int | None = None
    """Bits of a weight, where the network gives them; else the machine's. So for all bits."""
    weight_density: Real | None = None
    """The part of the weights that is not zero, where the network was pruned; else the machine's."""
    pruned_index_bits: int | None = None
    """Bits spent on each weight of a pruned layer that is not zero, to tell how far the next one is."""
    activation_bits: int | None = None
    """Bits of an input and of an output."""
    partial_sum_bits: int | None = None
    """Bits of an output that is not complete."""
    weight_ratio: float | None = None
    """What weights take compressed for each byte of what they take, where the network gives it."""
    output_density: float | None = None
    """The part of the outputs that is not zero, where the network gives it."""
    input_density: Real = 1.0
    """The part of the inputs that is not zero, where an array is gated by zeros and the network gives it."""
    coded: CodedParts | None = None
    """What operands take outside, where a machine's memory holds any of them coded; None where none does."""
    vector_ops: CountT_co = 0
    """Operations of the vector unit that are the layer itself (zero for layers on the PE array)."""
    fused: tuple[FusedOperator[CountT_co], ...] = ()
    """What the vector unit applies to outputs, in order, before they are stored."""
    pooling: Pooling[CountT_co] | None = None
    """The last of what is fused into the layer."""
    stage: str = ""
    """The part of the network that reports group it under."""
    given: "GivenMapping | None" = None
    """What is said of its mapping beforehand; mostly nothing."""
    given_pooling: "GivenMapping | None" = None
    """What is said of that of its pooling, where it runs as a layer of its own."""

    @property
    def on_array(self) -> bool:
        """Whether the PE array executes the layer (else the vector unit does)."""
        return self.operator in ARRAY_OPERATORS

    @property
    def multiplies_activations(self) -> bool:
        """Whether its weights are another layer's outputs: those of attention, other ones for each image."""
        return self.operator == "product"

    @property
    def macs(self) -> CountT_co:
        """Multiply-accumulates of convolution or matrix product, for one image; 0 on the vector unit."""
        return self.G * self.K * self.C * self.OY * self.OX * self.FY * self.FX if self.on_array else 0

    @property
    def weights(self) -> CountT_co:
        """Weight elements, without biases; 0 on the vector unit."""
        return self.G * self.K * self.C * self.FY * self.FX if self.on_array else 0

    @property
    def input_elements(self) -> CountT_co:
        """Elements of all operands, for one image, without padding."""
        return self.operands * self.G * self.C * self.IY * self.IX + self.gate_elements

    @property
    def output_elements(self) -> CountT_co:
        """Elements produced, for one image."""
        return self.G * self.K * self.OY * self.OX

    @property
    def stored_elements(self) -> CountT_co:
        """Elements that are written to memory, for one image: the outputs, or what pooling leaves of them."""
        if self.pooling is None:
            return self.output_elements
        return self.G * self.K * self.pooling.OY * self.pooling.OX

    @property
    def residual_elements(self) -> CountT_co:
        """Elements of residuals that fused operators read, for one image."""
        return sum(operator.residual_elements for operator in self.fused)


@dataclass(frozen=True)
class Layer(LoopNest[int]):
    """One operator of the executed graph, as the loop nest that a machine has to run.

    Example:
        >>> from accelsim.network import load_network, lowered_network
        >>> conv1 = lowered_network(load_network("squeezenet_v1_1")).graph["conv1"].layer
        >>> conv1.K, conv1.C, (conv1.OY, conv1.OX), conv1.macs, conv1.fused_names
        (64, 3, (111, 111), 21290688, ('conv1.relu', 'pool1'))
    """

    bias: bool = False
    weight_density: float | None = None

    @cached_property
    def nameless(self) -> "Layer":
        """The layer without what does not change how it is mapped: names, and published parameters."""
        fused = tuple([replace(operator, name="") for operator in self.fused])
        pooling = self.pooling and replace(self.pooling, name="")
        return changed(self, name="", stage="", params=0, fused=fused, pooling=pooling)

    @cached_property
    def form(self) -> Hashable:
        """What is the same for all layers of one `nameless`; it takes less time to find out."""
        pooling = self.pooling and _pooling_form(self.pooling)
        return _own_form(self), tuple([_fused_form(operator) for operator in self.fused]), pooling

    def __hash__(self) -> int:
        """Of its form, which is known: to go through the fields again takes four times as long."""
        return hash(self.form)

    @property
    def fused_names(self) -> tuple[str, ...]:
        """Names of the published operators that run within the layer."""
        names = [operator.name for operator in self.fused]
        return tuple(names if self.pooling is None else [*names, self.pooling.name])


class Changes(TypedDict, total=False):
    """The fields of a layer that change when something is fused into it, or when it is made comparable."""

    name: str
    stage: str
    bias: bool
    params: int
    weight_bits: int | None
    weight_density: float | None
    pruned_index_bits: int | None
    activation_bits: int | None
    partial_sum_bits: int | None
    fused: tuple[FusedOperator[int], ...]
    pooling: Pooling[int] | None
    given: "GivenMapping | None"
    given_pooling: "GivenMapping | None"


def changed(layer: Layer, **changes: Unpack[Changes]) -> Layer:
    """The layer with some fields changed: `dataclasses.replace` in a fifth of its time.

    Lowering does it for most operators of a network; to set all fields one by one would take longer than
    all that it does besides.
    """
    # Frozen dataclasses set each field by object.__setattr__; the fields of a layer are checked nowhere, so
    # its dictionary may be filled at once.
    values = {**vars(layer), **changes}
    for name in ("nameless", "form"):  # the other layer's, if it was asked for them already
        values.pop(name, None)
    made = object.__new__(Layer)
    object.__setattr__(made, "__dict__", values)
    return made


def _all_but(kind: type[Any], *names: str) -> Callable[[Any], Hashable]:
    """The values of all fields of a dataclass but some."""
    return attrgetter(*(field.name for field in fields(kind) if field.name not in names))


_own_form: Final = _all_but(Layer, "name", "stage", "params", "fused", "pooling")
_fused_form: Final = _all_but(FusedOperator, "name")
_pooling_form: Final = _all_but(Pooling, "name")
