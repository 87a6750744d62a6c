"""Blocks of output pixels that lie in an array, and the block of inputs that lies under each of them.

A block of inputs lies in registers of the PEs, from where it moves on from kernel tap to kernel tap. Where a
machine's file says how many rows and columns of it the registers hold, and the inputs under a full block are
more, blocks of pixels are smaller; and where even the window of a single pixel is larger, its taps are loaded
in parts, one after the other, as equal as they can be.
"""

from typing import NamedTuple

from accelsim.columns import Count
from accelsim.mapping.arithmetic import ceil_div, chosen, equal_part, larger, smaller, times


class BlockAxis(NamedTuple):
    """Blocks along one axis of the picture: rows of them, or columns."""

    outputs: Count
    """Of a block, at most."""
    kernel: Count
    """Taps."""
    first_taps: Count
    """Taps whose inputs are loaded first, and at most."""
    loads: Count
    """Parts in which the inputs of a block are loaded: more than one only of blocks of one output."""
    stride: Count
    dilation: Count

    def blocks(self, outputs: Count) -> Count:
        """Into how many so many outputs are cut."""
        return ceil_div(outputs, self.outputs)

    def loaded(self, outputs: Count, blocks: Count) -> Count:
        """Inputs that are loaded for so many outputs in so many blocks, the halo of each included."""
        return outputs * self.stride + blocks * self._more_for_a_block

    def least_loaded(self, outputs: Count, blocks: Count) -> Count:
        """Inputs that are loaded at least for so many outputs in no fewer blocks.

        Only where windows leave inputs out between them are more blocks the ones that load less.
        """
        most = chosen(self._more_for_a_block < 0, outputs, blocks)
        return outputs * self.stride + most * self._more_for_a_block

    def first_load(self, outputs: Count) -> Count:
        """Inputs of the first load of a block of so many outputs."""
        return (outputs - 1) * self.stride + self.first_window

    @property
    def first_window(self) -> Count:
        """The same of a single output."""
        return times(self.first_taps - 1, self.dilation) + 1

    @property
    def _more_for_a_block(self) -> Count:
        """Inputs that a block loads, beyond a stride for each of its outputs."""
        return times(self.kernel, self.dilation) + self.loads * (1 - self.dilation) - self.stride


def block_axis(pes: int, register: int | None, kernel: Count, stride: Count, dilation: Count) -> BlockAxis:
    """Blocks along one axis of an array.

    Args:
        pes: Rows of the array, or columns.
        register: Rows, or columns, of inputs for which there are registers; None is as many as are needed.
        kernel: Taps along the axis.
        stride: From one output to the next.
        dilation: From one tap to the next.

    Returns:
        What a block is.

    Example:
        >>> block_axis(16, None, kernel=11, stride=4, dilation=1).outputs
        16
        >>> block_axis(16, 64, kernel=11, stride=4, dilation=1).outputs  # of 16, 71 rows would be needed
        14
        >>> block_axis(16, 8, kernel=11, stride=4, dilation=1).loads  # of 6 taps and of 5
        2
    """
    if register is None:
        return BlockAxis(pes, kernel, kernel, 1, stride, dilation)
    most_taps = smaller(kernel, (register - 1) // dilation + 1)
    beside_a_window = register - (kernel - 1) * dilation - 1
    outputs = smaller(larger(beside_a_window // stride + 1, 1), pes)
    return BlockAxis(
        outputs, kernel, equal_part(kernel, most_taps), ceil_div(kernel, most_taps), stride, dilation
    )
