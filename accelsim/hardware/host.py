"""The host: a processor beside the array, for what that cannot do or what the machine's file gives to it.

What an operation costs on it is a plain rate and a plain price: its caches and its instructions are within
them, as measurements of kernels have them.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, field_validator

from accelsim.descriptions import Description
from accelsim.descriptions.quantities import HostCycles, PerCycle, Price

HOST: Final = "host"
"""The name under which layers of the host are listed among the dataflows."""
CYCLES_PER_TILE: Final = 32
"""Where a file does not say: assumed, some thirty instructions that write the registers of a DMA and set up
loops. Without any the smallest tiles would be the best."""
HostName = Annotated[str, Field(min_length=1, max_length=60)]
HostedOperator = Literal[
    "conv",
    "conv_transpose",
    "fully_connected",
    "product",
    "max_pool",
    "average_pool",
    "lp_pool",
    "global_average_pool",
    "reduce_mean",
    "reduce_max",
    "reduce_min",
    "reduce_sum",
    "reduce_product",
    "reduce_norm",
    "reduce_arg_max",
    "reduce_arg_min",
    "softmax",
    "batch_norm",
    "layer_norm",
    "rms_norm",
    "instance_norm",
    "group_norm",
    "lrn",
    "add",
    "multiply",
    "maximum",
    "compare",
    "select",
    "concat",
    "slice",
    "gather",
    "pad",
    "resize",
    "rearrange",
    "max_unpool",
    "channel_shuffle",
    "channel_permutation",
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
    "foreign",
]
"""Operators of executed layers, as results call them."""


ArrayOperator = Literal["conv", "fully_connected"]
"""Operators that the array executes, too."""


class HostEnergy(Description):
    """What the host spends, in the unit of the energy table; its own caches included.

    Attributes:
        mac: Of one multiply-accumulate.
        element: Of one operation on an element.
        call: Of one call, before the layer.

    Example:
        >>> HostEnergy(mac=20).call
        0.0
    """

    mac: Price = 0.0
    element: Price = 0.0
    call: Price = 0.0

    @property
    def of_actions(self) -> tuple[float, float, float]:
        """Of each of them."""
        return self.mac, self.element, self.call


class Host(Description):
    """A processor that runs layers at a price, beside the array where the schedule allows.

    Rates are in cycles of the machine's clock. What counts as an operation on an element is what counts as
    one on the vector unit.

    Attributes:
        name: As reports call it.
        energy: What it spends.

    Example:
        >>> Host(name="cortex_m55", takes=("softmax",), macs_per_cycle=2, elements_per_cycle=0.5).takes
        ('softmax',)
    """

    name: HostName = HOST
    takes: tuple[HostedOperator, ...] = ()
    """Operators whose layers run on it although the chip could run them. A pooling that is named here is not
    fused into the layer before it; other operators that are fused stay on the vector unit."""
    may_take: tuple[ArrayOperator, ...] = ()
    """Operators of the array whose layers run on it where that is better by the mapper's objective for
    dataflows, with which it competes; but for layers of whose mapping something is given."""
    macs_per_cycle: PerCycle = 1.0
    """Multiply-accumulates."""
    elements_per_cycle: PerCycle = 1.0
    """Operations on elements."""
    cycles_per_call: HostCycles = 0
    """Before each layer that runs on it: to be told, to flush its caches, to begin."""
    cycles_per_tile: HostCycles = CYCLES_PER_TILE
    """Before each tile of such a layer: to have the next one loaded, and to enter the loops."""
    energy: HostEnergy = HostEnergy()

    @field_validator("takes", "may_take")
    @classmethod
    def _each_once(cls, takes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(takes)) < len(takes):
            raise ValueError("must name each operator once")
        return takes
