"""What layers take as a whole, however they are cut: worked out once for all tiles."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from accelsim.columns import Count
from accelsim.mapping.arithmetic import alike
from accelsim.mapping.costs import vector_ops
from accelsim.mapping.footprint import Footprint, bits_to_bytes
from accelsim.mapping.tile import whole_image
from accelsim.network.layer import LoopNest


@dataclass(frozen=True)
class Whole:
    """Layers of one structure, for a batch of images; an entry for each layer of what follows from that."""

    layers: LoopNest[Count]
    """One, or a stack of them."""
    footprint: Footprint
    """Theirs."""
    batch: int
    """Images."""

    @cached_property
    def weight_bytes(self) -> Count:
        """Weights and offsets, which all images share."""
        whole = whole_image(self.layers)
        return self.footprint.weights(whole) + self.footprint.biases(whole)

    @cached_property
    def outputs(self) -> Count:
        """Elements that are computed."""
        return self.layers.output_elements * self.batch

    @cached_property
    def stored_bytes(self) -> Count:
        """What is written outside, as it is on chip."""
        return bits_to_bytes(self.layers.stored_elements * self.batch, self.footprint.activation_bits)

    @cached_property
    def vector_ops(self) -> Count:
        """Operations of the vector unit."""
        return vector_ops(self.layers, self.outputs, self.layers.stored_elements * self.batch)

    @cached_property
    def every_window_reads(self) -> Count:
        """1 where no tile reads nothing but padding."""
        layers = self.layers
        reach_y, reach_x = (layers.FY - 1) * layers.dilation_y + 1, (layers.FX - 1) * layers.dilation_x + 1
        begins = np.greater(reach_y, layers.pad_top) & np.greater(reach_x, layers.pad_left)
        last_y, last_x = (layers.OY - 1) * layers.stride_y, (layers.OX - 1) * layers.stride_x
        end_y, end_x = layers.IY + layers.pad_top, layers.IX + layers.pad_left
        return alike((begins & np.greater(end_y, last_y) & np.greater(end_x, last_x)).astype(np.int64))
