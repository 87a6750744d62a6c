"""Micro blocks: a few output pixels of a few output channels at once, products added up beside each other.

As in Arm's Ethos-U55 (the performance estimate of its compiler Vela, ethosu.vela.npu_performance): the micro
block of its configuration with 128 multiply-accumulates is 2 pixels of one output row times 8 output
channels, and each of these 16 outputs has 8 multipliers. A step of four cycles covers 32 input channels of
one tap, or 8 of four taps, whichever is fewer steps:

    micro blocks x 4 min( taps ceil(C / 32), ceil(taps / 4) ceil(C / 8) )

cycles. Groups of one input channel each, as depthwise, share micro blocks; others do not. No more than
`outputs_per_cycle` outputs leave in a cycle, which holds the array up where that takes longer. In this array
rows are the multipliers of an output, columns the outputs of a micro block. Weights are decoded once for each
block of `block_pixels` outputs, whose sums lie in accumulators.
"""

from dataclasses import replace
from typing import ClassVar, Final

import numpy as np

from accelsim.columns import Count
from accelsim.descriptions import Description
from accelsim.descriptions.quantities import PerPE
from accelsim.hardware.array import PEArray, described
from accelsim.hardware.machine import Hardware
from accelsim.mapping.arithmetic import ceil_div, chosen, larger, smaller
from accelsim.mapping.dataflows.contract import Dataflow
from accelsim.mapping.tile import ArrayWork, Granularity, TileCounts, TileShape, inputs_under, whole_image
from accelsim.network.layer import LoopNest

STEP: Final = 4
"""Cycles of a step: taps, or parts of the input channels, that it covers."""


class Parameters(Description):
    """What a micro block is."""

    pixels: PerPE = 2
    """Of an output row, in a micro block; its output channels are as many as columns are left for."""
    outputs_per_cycle: PerPE = 2
    """That leave, at most."""
    block_pixels: PerPE = 128
    """Output pixels for which weights are read once."""


class MicroBlock(Dataflow):
    """Input channels on the rows, output pixels and channels on the columns."""

    name = "micro_block"
    short = "MB"
    title = "by micro blocks"
    axes: ClassVar = {"rows": ("C",), "columns": ("OX", "K", "G")}
    stationary = None
    of_any_array = False
    parameters = Parameters

    def of(self, array: PEArray) -> Parameters:
        """What a machine's file says."""
        return described(array, self.name, Parameters)

    def granularity(self, hardware: Hardware) -> Granularity:
        """Whole micro blocks, and steps whose multipliers are all at work."""
        array = hardware.pe_array
        pixels, channels = self.micro_block(array)
        return Granularity(k=channels, c=STEP * array.rows, x=pixels)

    def micro_block(self, array: PEArray) -> tuple[int, int]:
        """Its pixels and output channels.

        Example:
            >>> array = PEArray(rows=8, columns=16, dataflows={"micro_block": {}})
            >>> MICRO_BLOCK.micro_block(array)
            (2, 8)
        """
        pixels = min(self.of(array).pixels, array.columns)
        return pixels, array.columns // pixels

    def execute(
        self,
        layer: LoopNest[Count],
        tile: TileShape[Count],
        resumes: Count,  # noqa: ARG002 (sums between tiles are counted anyway)
        hardware: Hardware,
    ) -> ArrayWork[Count]:
        """Every micro block of the tile."""
        array = hardware.pe_array
        own, (pixels, channels) = self.of(array), self.micro_block(array)
        alone = np.equal(tile.c, 1)  # each output has an input of its own, or all have one in common
        blocks = chosen(
            alone if isinstance(alone, np.ndarray) else bool(alone),
            ceil_div(tile.g * tile.k, channels),
            tile.g * ceil_div(tile.k, channels),
        )
        blocks = blocks * tile.n * tile.y * ceil_div(tile.x, pixels)
        taps_in_steps = ceil_div(tile.taps, STEP) * ceil_div(tile.c, array.rows)
        channels_in_steps = tile.taps * ceil_div(tile.c, STEP * array.rows)
        steps = smaller(taps_in_steps, channels_in_steps)
        outputs, weights = tile.g * tile.k * tile.pixels, tile.g * tile.k * tile.c * tile.taps
        reads = tile.n * ceil_div(tile.y * tile.x, own.block_pixels)
        rows = inputs_under(tile.y, tile.fy, layer.stride_y, layer.dilation_y)
        columns = inputs_under(tile.x, tile.fx, layer.stride_x, layer.dilation_x)
        return ArrayWork(
            cycles=larger(STEP * blocks * steps, ceil_div(outputs, own.outputs_per_cycle)),
            macs=weights * tile.pixels,
            weight_register_words=0,
            partial_sum_register_words=2 * outputs * ceil_div(tile.c, array.rows) * tile.taps,
            input_hop_words=0,
            input_read_words=tile.n * tile.g * tile.c * rows * columns,
            weight_read_words=weights * reads,
            weight_reads=reads,
        )

    def least_work(
        self,
        layer: LoopNest[Count],
        tile: TileShape[Count],  # noqa: ARG002 (the same for all)
        tiles: TileCounts[Count],  # noqa: ARG002 (as above)
        hardware: Hardware,
    ) -> ArrayWork[Count]:
        """Cutting adds micro blocks and halos, but may make steps that are fuller."""
        array, whole = hardware.pe_array, whole_image(layer)
        own, (pixels, channels) = self.of(array), self.micro_block(array)
        blocks = ceil_div(layer.G * layer.K, channels) * layer.OY * ceil_div(layer.OX, pixels)
        taps = layer.FY * layer.FX
        at_least = larger(ceil_div(taps, STEP), ceil_div(taps * layer.C, STEP * array.rows))
        leaving = ceil_div(layer.G * layer.K * layer.OY * layer.OX, own.outputs_per_cycle)
        cycles = larger(STEP * blocks * at_least, leaving)
        return replace(self.execute(layer, whole, 0, hardware), cycles=cycles)

    def partial_sums(self, array: PEArray) -> int:
        """Of a block of outputs."""
        return self.of(array).block_pixels * self.micro_block(array)[1]


MICRO_BLOCK: Final = MicroBlock()
