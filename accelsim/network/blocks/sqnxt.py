"""SqueezeNext's block: two 1x1 reductions, a separable 3x3, a 1x1 expansion, and a shortcut.

Gholami et al., arXiv:1803.10615, figure 1; details as in the authors' release
(github.com/amirgholami/SqueezeNext): batch normalisation and ReLU follow every convolution, the shortcut's
and the last one's too, and a further ReLU follows the addition.
"""

from typing import Literal

from accelsim.descriptions.quantities import Channels, Extent
from accelsim.network import operators
from accelsim.network.blocks.block import Block, Position, block, check_quarter
from accelsim.network.blocks.units import normalised
from accelsim.network.graph import Draft


@block("sqnxt")
class SqueezeNextBlock(Block):
    """Channels are reduced to a half and a quarter of `out_channels`, then restored."""

    out_channels: Channels
    stride: Extent = 1
    groups: Channels = 1
    """Of the first reduction and of both separable convolutions, as in the release's G variant."""
    shortcut: Literal["projection_beside", "projection_first"] = "projection_beside"
    """Where the first block of a stage has its 1x1 projection. Beside the branch: both read the block's input
    and both have the stride (the baseline). First: the branch reads the projection's output, and only the
    projection has the stride (released for v5)."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Projection (first block of a stage only), five convolutions, addition, ReLU."""
        name = position.name
        check_quarter(name, self.out_channels)
        start = shortcut = source
        stride = 1
        if position.first:
            shortcut = normalised(
                draft,
                operators.conv(
                    draft, f"{name}.projection", source, out_channels=self.out_channels, stride=self.stride
                ),
            )
            start, stride = (source, self.stride) if self.shortcut == "projection_beside" else (shortcut, 1)
        half, quarter = self.out_channels // 2, self.out_channels // 4
        last = normalised(
            draft,
            operators.conv(
                draft, f"{name}.squeeze1", start, out_channels=half, stride=stride, groups=self.groups
            ),
        )
        last = normalised(draft, operators.conv(draft, f"{name}.squeeze2", last, out_channels=quarter))
        # The order of the two halves of the separable 3x3 alternates from block to block.
        kernels = ((3, 1), (1, 3)) if position.index % 2 == 0 else ((1, 3), (3, 1))
        for kernel in kernels:
            last = normalised(
                draft,
                operators.conv(
                    draft,
                    f"{name}.conv{kernel[0]}x{kernel[1]}",
                    last,
                    out_channels=half,
                    kernel=kernel,
                    padding=(kernel[0] // 2, kernel[1] // 2),
                    groups=self.groups,
                ),
            )
        last = normalised(
            draft, operators.conv(draft, f"{name}.expand", last, out_channels=self.out_channels)
        )
        total = operators.add(draft, f"{name}.add", (last, shortcut))
        return operators.activation(draft, f"{name}.relu", total, function="relu")
