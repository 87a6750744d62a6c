"""Bit serial: weights enter bit by bit, and a patch of output pixels is worked on at once, as in NE16.

NE16 (github.com/pulp-platform/ne16, in GreenWaves' GAP9) derives from RBE (Conti et al., Marsellus, JSSC
2024). Nine columns of PEs hold the inputs of a patch of 3 x 3 outputs, 16 input channels of each; nine blocks
in each multiply them by a bit of a weight: of the nine taps of a 3x3 kernel, bit after bit, or of all bits of
a 1x1 kernel at once. Sums of up to 32 output channels lie in accumulators. Strided, a patch is smaller, since
its inputs fill the same buffer. Each output channel of a patch is scaled, shifted and stored at the end.

In this array rows are pixels of the patch and columns input channels. For k output channels a patch takes

    ceil(C / columns) [ load + 6 + mv + 2 ] + nq + out                                    cycles,

    load = 6 + (patch + 2)^2, 1x1: 10 + patch^2                  inputs into their buffer, a pixel a cycle
    mv   = 6 + weight_bits x k, 1x1: 6 + k                             products
    nq   = (8 + k / 8) bias + (9 + k / 4) scale + 8 shift              by 8 adders, 4 multipliers, 4 shifters
    out  = 4 + pixels of the patch

as the performance model of its authors' deployment tools has it (class Ne16PerfModel in MATCH, Hamdi et al.,
2024), for scales of 8 bits. Depthwise, channels of inputs are those of outputs, `columns` of them at once and
one after the other. What a patch hangs over the edge of a tile takes time, too.
"""

from typing import Annotated, ClassVar, Final

import numpy as np
from pydantic import Field

from accelsim.columns import Count, Flags
from accelsim.descriptions import Description
from accelsim.descriptions.quantities import PerPE
from accelsim.hardware.array import PEArray, described
from accelsim.hardware.machine import Hardware
from accelsim.mapping.arithmetic import at_most_one, ceil_div, chosen
from accelsim.mapping.dataflows.contract import Dataflow
from accelsim.mapping.tile import ArrayWork, Granularity, TileCounts, TileShape, inputs_under, whole_image
from accelsim.network.layer import Layer, LoopNest

TAPS_AT_ONCE: Final = 9
"""Blocks of a column, each of which multiplies by one tap."""
MATRIX_VECTOR_CYCLES: Final = 6
"""Of the pipeline, until the first product is added; as many for the offset of weights before."""
NEXT_CYCLES: Final = 2
"""To go on to the next input channels."""
WINDOW_LOAD_CYCLES, PIXEL_LOAD_CYCLES = 6, 10
"""Until the first inputs are there: of windows, and where a kernel has one tap."""
SHIFT_CYCLES, SCALE_CYCLES, BIAS_CYCLES, STREAM_CYCLES = 8, 9, 8, 4
"""Before the first result of each part of a patch's end."""
SCALES_PER_CYCLE, BIASES_PER_CYCLE = 4, 8


class Parameters(Description):
    """What a patch is, and what of it takes how long."""

    out_channels: Annotated[int, Field(ge=1, le=32)] = 32
    """Output channels that have accumulators at once."""
    weight_bits: Annotated[int, Field(ge=8, le=64)] = 8
    """That come one after the other where a kernel has several taps, whatever the bits of a layer are."""
    patch: PerPE = 3
    """Rows, and columns, of a patch of outputs whose windows do not skip any input."""


class BitSerial(Dataflow):
    """Pixels of a patch on the rows, input channels on the columns, output channels in turn."""

    name = "bit_serial"
    short = "BS"
    title = "bit serial"
    axes: ClassVar = {"rows": ("OY", "OX"), "columns": ("C",)}
    stationary = None
    of_any_array = False
    parameters = Parameters

    def of(self, array: PEArray) -> Parameters:
        """What a machine's file says."""
        return described(array, self.name, Parameters)

    def refusal(self, layer: Layer) -> str:
        """Kernels are of 3x3 or 1x1 pixels, dense or depthwise."""
        kernel, dilation = (layer.FY, layer.FX), (layer.dilation_y, layer.dilation_x)
        if kernel not in {(1, 1), (3, 3)}:
            return f"runs kernels of 1x1 and 3x3, not of {layer.FY}x{layer.FX}"
        if dilation != (1, 1):
            return "runs no kernels with dilation"
        strides = {(1, 1), (2, 2)}
        if (layer.stride_y, layer.stride_x) not in strides and (layer.OY, layer.OX) != (1, 1):
            return f"runs strides of 1 and 2, not of {layer.stride_y}x{layer.stride_x}"
        if layer.G > 1 and (layer.K, layer.C) != (1, 1):
            return "runs no groups of several channels"
        return ""

    def granularity(self, hardware: Hardware) -> Granularity:
        """Whole patches, of as many channels as are worked on at once."""
        own = self.of(hardware.pe_array)
        return Granularity(k=own.out_channels, c=hardware.pe_array.columns, y=own.patch, x=own.patch)

    def execute(
        self,
        layer: LoopNest[Count],
        tile: TileShape[Count],
        resumes: Count,  # noqa: ARG002 (sums between tiles are counted anyway)
        hardware: Hardware,
    ) -> ArrayWork[Count]:
        """Every patch of the tile, for all of its channels."""
        array = hardware.pe_array
        own = self.of(array)
        depthwise = np.equal(layer.K, 1) & np.equal(layer.C, 1)
        outputs, groups = _pick(depthwise, tile.g, tile.k), _pick(depthwise, 1, tile.g)
        at_once = _pick(depthwise, min(array.columns, own.out_channels), own.out_channels)
        blocks = ceil_div(outputs, at_once)
        sums = ceil_div(tile.c, array.columns) * ceil_div(tile.taps, TAPS_AT_ONCE)
        rows, columns = (_patches(own, stride) for stride in (layer.stride_y, layer.stride_x))
        patches = tile.n * ceil_div(tile.y, rows) * ceil_div(tile.x, columns)
        full, rest = outputs // at_once, outputs % at_once
        block_cycles = full * self._patch_cycles(tile, at_once, sums, rows * columns, array)
        last_cycles = self._patch_cycles(tile, rest, sums, rows * columns, array) * at_most_one(rest)
        weights = tile.g * tile.k * tile.c * tile.taps
        read_rows = _read(tile.y, rows, tile.fy, layer.stride_y, layer.dilation_y)
        read_columns = _read(tile.x, columns, tile.fx, layer.stride_x, layer.dilation_x)
        times = _pick(depthwise, 1, blocks)
        return ArrayWork(
            cycles=groups * patches * (block_cycles + last_cycles),
            macs=weights * tile.pixels,
            weight_register_words=0,
            partial_sum_register_words=2 * tile.g * tile.k * tile.pixels * sums,
            input_hop_words=0,
            input_read_words=tile.n * tile.g * tile.c * read_rows * read_columns * times,
            weight_read_words=weights * patches,
            weight_reads=patches,
        )

    def _patch_cycles(
        self, tile: TileShape[Count], k: Count, sums: Count, pixels: Count, array: PEArray
    ) -> Count:
        """Of k output channels of a patch of so many pixels, to whose sums is added so many times."""
        own = self.of(array)
        one_tap = np.equal(tile.taps, 1)
        rounds = ceil_div(own.patch**2, array.rows)
        load = _pick(one_tap, PIXEL_LOAD_CYCLES + own.patch**2, WINDOW_LOAD_CYCLES + (own.patch + 2) ** 2)
        products = MATRIX_VECTOR_CYCLES + _pick(one_tap, 1, own.weight_bits) * k
        end = SHIFT_CYCLES + SCALE_CYCLES + ceil_div(k, SCALES_PER_CYCLE)
        end = end + BIAS_CYCLES + ceil_div(k, BIASES_PER_CYCLE) + STREAM_CYCLES + pixels
        return sums * (load + MATRIX_VECTOR_CYCLES + rounds * products + NEXT_CYCLES) + end

    def least_work(
        self,
        layer: LoopNest[Count],
        tile: TileShape[Count],  # noqa: ARG002 (the same for all)
        tiles: TileCounts[Count],  # noqa: ARG002 (as above)
        hardware: Hardware,
    ) -> ArrayWork[Count]:
        """The layer in one tile: cutting adds patches, blocks of channels, and halos."""
        return self.execute(layer, whole_image(layer), 0, hardware)

    def partial_sums(self, array: PEArray) -> int:
        """Of all output channels of a patch."""
        own = self.of(array)
        return own.patch**2 * own.out_channels


def patch_side(patch: int, stride: int) -> int:
    """Rows (or columns) of outputs whose windows have room in the buffer of inputs.

    Example:
        >>> patch_side(3, 1), patch_side(3, 2)
        (3, 2)
    """
    return (patch - 1) // stride + 1


def _patches(own: Parameters, stride: Count) -> Count:
    """`patch_side` of one stride, or of a column of them."""
    return (own.patch - 1) // stride + 1


def _pick(condition: "bool | Flags | np.bool_", a: Count, b: Count) -> Count:
    return chosen(condition if isinstance(condition, np.ndarray) else bool(condition), a, b)


def _read(outputs: Count, patch: Count, taps: Count, stride: Count, dilation: Count) -> Count:
    """Rows (or columns) of inputs under the windows of all patches, padding included."""
    full, rest = outputs // patch, outputs % patch
    of_rest = inputs_under(rest, taps, stride, dilation) * at_most_one(rest)
    return full * inputs_under(patch, taps, stride, dilation) + of_rest


BIT_SERIAL: Final = BitSerial()
