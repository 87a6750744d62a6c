"""The host as an array of its own: products one after the other, at the rate that the machine's file gives.

It is written as a dataflow so that the tiles of its layers are searched for as all others are; no machine
lists it, because a layer runs on the host where the file says so, or where no dataflow of the array can run
it (mapping/units.py). A tile's inputs and weights are read from memory on chip once; how often registers and
caches of the host are read is within the price of a product.
"""

from typing import ClassVar, Final

from accelsim.columns import Count
from accelsim.descriptions import Description
from accelsim.hardware.array import PEArray, described
from accelsim.hardware.host import HOST, Host
from accelsim.hardware.machine import Hardware
from accelsim.mapping.arithmetic import cycles_at
from accelsim.mapping.dataflows.contract import Dataflow
from accelsim.mapping.tile import ArrayWork, Granularity, TileCounts, TileShape, inputs_under, whole_image
from accelsim.network.layer import LoopNest


class OnHost(Dataflow):
    """A processor that multiplies so many pairs a cycle, whatever the loops are."""

    name = HOST
    short = "host"
    title = "on the host"
    axes: ClassVar = {}
    stationary = None
    parameters: ClassVar[type[Description]] = Host

    def granularity(self, hardware: Hardware) -> Granularity:  # noqa: ARG002 (of any)
        """Tiles may be cut anywhere."""
        return Granularity()

    def execute(
        self,
        layer: LoopNest[Count],
        tile: TileShape[Count],
        resumes: Count,  # noqa: ARG002 (to begin from a sum costs what to begin from nothing does)
        hardware: Hardware,
    ) -> ArrayWork[Count]:
        """Every product of the tile."""
        host = described(hardware.pe_array, self.name, Host)
        weights = tile.g * tile.k * tile.c * tile.taps
        macs = weights * tile.pixels
        rows = inputs_under(tile.y, tile.fy, layer.stride_y, layer.dilation_y)
        columns = inputs_under(tile.x, tile.fx, layer.stride_x, layer.dilation_x)
        return ArrayWork(
            cycles=cycles_at(macs, host.macs_per_cycle),
            macs=macs,
            weight_register_words=0,
            partial_sum_register_words=0,
            input_hop_words=0,
            input_read_words=tile.n * tile.g * tile.c * rows * columns,
            weight_read_words=weights,
            weight_reads=1,
        )

    def least_work(
        self,
        layer: LoopNest[Count],
        tile: TileShape[Count],  # noqa: ARG002 (the same for all)
        tiles: TileCounts[Count],  # noqa: ARG002 (as above)
        hardware: Hardware,
    ) -> ArrayWork[Count]:
        """The layer in one tile: cutting adds roundings, halos, and inputs that are read again."""
        return self.execute(layer, whole_image(layer), 0, hardware)

    def partial_sums(self, array: PEArray) -> int:  # noqa: ARG002 (none of the array)
        """None that are the array's."""
        return 0


ON_HOST: Final = OnHost()
