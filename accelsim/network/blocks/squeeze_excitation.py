"""Squeeze and excitation: a factor for each channel, computed from the averages of all channels.

Hu et al., Squeeze-and-Excitation Networks, arXiv:1709.01507, figure 2.
"""

from typing import Literal

from accelsim.errors import NetworkError
from accelsim.network import operators
from accelsim.network.blocks.block import Activation
from accelsim.network.graph import Draft


def squeeze_excitation(
    draft: Draft,
    name: str,
    source: str,
    *,
    reduced: int,
    layers: Literal["conv", "fully_connected"] = "fully_connected",
    inner: Activation = "relu",
    gate: Activation = "sigmoid",
) -> str:
    """The source times its gate; `reduced` is the width of the gate's first layer, which `inner` follows.

    Releases write the two layers as 1x1 convolutions or as fully connected; they compute the same, but papers
    that count convolutions only count them differently.
    """
    channels = draft.shape(source).channels
    if reduced < 1:
        raise NetworkError(
            f"{name}.reduce: {channels} channels are fewer than what the gate divides them by: "
            "lower excitation_reduction, or give the block more channels"
        )
    last = operators.global_average_pool(draft, f"{name}.pool", source)
    last = _layer(draft, f"{name}.reduce", last, reduced, layers)
    last = operators.activation(draft, f"{name}.reduce.{inner}", last, function=inner)
    last = _layer(draft, f"{name}.expand", last, channels, layers)
    last = operators.activation(draft, f"{name}.expand.{gate}", last, function=gate)
    return operators.multiply(draft, f"{name}.scale", source, last)


def _layer(draft: Draft, name: str, source: str, channels: int, layers: str) -> str:
    if layers == "conv":
        return operators.conv(draft, name, source, out_channels=channels, bias=True)
    return operators.fully_connected(draft, name, source, out_features=channels)
