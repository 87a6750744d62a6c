"""Convolution with what usually follows it: batch normalisation and activation."""

from accelsim.descriptions.quantities import Channels
from accelsim.network import operators
from accelsim.network.blocks.block import Activation, Axes, Block, Padding, Position, block
from accelsim.network.graph import Draft


def conv_unit(
    draft: Draft,
    name: str,
    source: str,
    *,
    out_channels: int,
    kernel: Axes = 1,
    stride: Axes = 1,
    padding: Padding = 0,
    dilation: Axes = 1,
    groups: int = 1,
    bias: bool = False,
    batch_norm: bool = True,
    activation: Activation | None = "relu",
) -> str:
    """Convolution `name`, then `name.bn` and `name.relu` (or what the activation is called) if wanted."""
    last = operators.conv(
        draft,
        name,
        source,
        out_channels=out_channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias,
    )
    if batch_norm:
        last = operators.batch_norm(draft, f"{name}.bn", last)
    if activation is not None:
        last = operators.activation(draft, f"{name}.{activation}", last, function=activation)
    return last


@block("conv")
class Conv(Block):
    """One convolution; the stride is the first one's where a row is repeated."""

    out_channels: Channels
    kernel: Axes = 1
    stride: Axes = 1
    padding: Padding = 0
    dilation: Axes = 1
    groups: Channels = 1
    bias: bool = False
    batch_norm: bool = False
    activation: Activation | None = None

    def build(self, draft: Draft, source: str, at: Position) -> str:
        """Convolution, batch normalisation, activation."""
        return conv_unit(
            draft,
            at.name,
            source,
            out_channels=self.out_channels,
            kernel=self.kernel,
            stride=self.stride if at.first else 1,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            bias=self.bias,
            batch_norm=self.batch_norm,
            activation=self.activation,
        )
