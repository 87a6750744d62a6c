"""What residual blocks have in common: the shortcut, and its addition to the branch."""

from accelsim.network import operators
from accelsim.network.blocks.block import Activation
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


def shortcut(
    draft: Draft, name: str, source: str, *, out_channels: int, stride: int = 1, kernel: int = 1
) -> str:
    """The source itself, or its linear projection where the block changes channels or size.

    A block builds it before its branch: so the release lists them, and so the addition can be done with the
    last convolution of the branch.
    """
    if stride == 1 and draft.shape(source).channels == out_channels:
        return source
    return normalised(
        draft,
        operators.conv(
            draft, name, source, out_channels=out_channels, kernel=kernel, stride=stride, padding=kernel // 2
        ),
        activation=None,
    )


def residual_sum(
    draft: Draft, name: str, branch: str, skip: str, activation: Activation | None = "relu"
) -> str:
    """Addition `name.add`, then `name.relu` (or what the activation is called) if wanted."""
    total = operators.add(draft, f"{name}.add", (branch, skip))
    if activation is None:
        return total
    return operators.activation(draft, f"{name}.{activation}", total, function=activation)
