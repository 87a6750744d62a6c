"""Blocks that are one operator, with its arguments, after which normalisation and an activation may come."""

from typing import Any, ClassVar

from pydantic import create_model

from accelsim.network.blocks.block import Block, BlockPadding, Position, block
from accelsim.network.blocks.units import activated, normalised
from accelsim.network.declaration import OF_MODELS, OPERATORS, arguments_of
from accelsim.network.graph import Draft
from accelsim.network.operators import ActivationFunction


class SingleOperator(Block):
    """A block whose arguments are those of its operator, and what may follow it."""

    operator: ClassVar[str]
    """The name by which the operator is declared."""
    stride_once: ClassVar[bool] = False
    """Whether only the first block of a row that is repeated has the stride."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """The operator, batch normalisation, activation."""
        values = dict(self)
        followers = {key: values.pop(key, None) for key in ("batch_norm", "activation")}
        if self.stride_once and not position.first:
            values["stride"] = 1
        operator = OPERATORS[self.operator](draft.site(position.name, (source,)), **values)
        last = draft.add(position.name, operator, (source,))
        if followers["batch_norm"]:
            return normalised(draft, last, followers["activation"])
        return activated(draft, last, followers["activation"])


def single(
    operator: str, *, batch_norm: bool = False, activation: bool = False, **changed: tuple[Any, Any]
) -> type[SingleOperator]:
    """The block of an operator, which stage tables call as graphs do.

    Args:
        operator: The name by which the operator is declared.
        batch_norm: Whether a row may ask for batch normalisation after it.
        activation: Whether a row may ask for an activation after it.
        changed: Arguments, as (type, default), of which stage tables allow less or more.
    """
    fields: dict[str, Any] = {
        key: (argument.annotation, ... if argument.required else argument.default)
        for key, argument in arguments_of(operator).items()
        if OF_MODELS not in argument.marks
    }
    fields |= changed
    if batch_norm:
        fields["batch_norm"] = (bool, False)
    if activation:
        fields["activation"] = (ActivationFunction | None, None)
    kind = OPERATORS[operator]
    model = create_model(kind.__name__, __base__=SingleOperator, __module__=__name__, **fields)
    model.__doc__, model.operator = kind.__doc__, operator
    return block(operator)(model)


Convolution = single("conv", batch_norm=True, activation=True, padding=(BlockPadding, 0))
Convolution.stride_once = True
TransposedConvolution = single("conv_transpose", batch_norm=True, activation=True, padding=(BlockPadding, 0))
FullyConnected = single("fully_connected", activation=True)
BatchNorm = single("batch_norm", activation=True)
Activation = single("activation", function=(ActivationFunction, "relu"))
MaxPool = single("max_pool", padding=(BlockPadding, 0))
AveragePool = single("average_pool", padding=(BlockPadding, 0))
GlobalAveragePool = single("global_average_pool")
LayerNorm = single("layer_norm")
LocalResponseNorm = single("lrn")
AxisSlice = single("slice")
Dropout = single("dropout")
Softmax = single("softmax")
TransposedConvolution = single("conv_transpose", batch_norm=True, activation=True, padding=(BlockPadding, 0))
LayerNorm = single("layer_norm")
RmsNorm = single("rms_norm")
InstanceNorm = single("instance_norm", activation=True)
GroupNorm = single("group_norm", activation=True)
Reduce = single("reduce")
Resize = single("resize")
Reshape = single("reshape")
Rearrange = single("rearrange")
AxisSlice = single("slice")
