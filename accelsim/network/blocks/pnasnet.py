"""PNASNet-5's cell (Liu et al., arXiv:1712.00559, figure 1)."""

from accelsim.descriptions.quantities import Extent
from accelsim.network.blocks.block import Position, block
from accelsim.network.blocks.nas_cell import NASCell, begin
from accelsim.network.graph import Draft


@block("pnasnet")
class PNASNetCell(NASCell):
    """Its output has five times the filters; the stride is the first cell's where a row is repeated."""

    stride: Extent = 1

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Five sums of two branches, one of which builds on another."""
        cell, newer, older = begin(draft, source, position, self)
        stride = self.stride if position.first else 1
        add1 = cell.add(
            "add1", cell.separable("sep1", older, 5, stride), cell.max_pool("pool1", older, stride)
        )
        add2 = cell.add(
            "add2", cell.separable("sep2", newer, 7, stride), cell.max_pool("pool2", newer, stride)
        )
        add3 = cell.add(
            "add3", cell.separable("sep3", newer, 5, stride), cell.separable("sep4", newer, 3, stride)
        )
        add4 = cell.add("add4", cell.separable("sep5", add3, 3), cell.max_pool("pool3", newer, stride))
        skip = newer if stride == 1 else cell.projected(newer, "fit", stride)
        add5 = cell.add("add5", cell.separable("sep6", older, 3, stride), skip)
        return cell.concat((add1, add2, add3, add4, add5))
