"""NASNet-A's two cells (Zoph et al., arXiv:1707.07012, figure 4)."""

from accelsim.network.blocks.block import Position, block
from accelsim.network.blocks.nas_cell import NASCell, begin
from accelsim.network.graph import Draft


@block("nasnet_normal")
class NASNetNormal(NASCell):
    """Keeps the resolution; its output has six times the filters."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Five sums of two branches, beside the older input."""
        cell, newer, older = begin(draft, source, position, self)
        sums = (
            cell.add("add1", cell.separable("sep1", newer, 5), cell.separable("sep2", older, 3)),
            cell.add("add2", cell.separable("sep3", older, 5), cell.separable("sep4", older, 3)),
            cell.add("add3", cell.average_pool("pool1", newer), older),
            cell.add("add4", cell.average_pool("pool2", older), cell.average_pool("pool3", older)),
            cell.add("add5", cell.separable("sep5", newer, 3), newer),
        )
        return cell.concat((older, *sums))


@block("nasnet_reduction")
class NASNetReduction(NASCell):
    """Halves the resolution; its output has four times the filters."""

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """Five sums of two branches, the last two of which build on the first."""
        cell, newer, older = begin(draft, source, position, self)
        add1 = cell.add("add1", cell.separable("sep1", newer, 5, 2), cell.separable("sep2", older, 7, 2))
        add2 = cell.add("add2", cell.max_pool("pool1", newer, 2), cell.separable("sep3", older, 7, 2))
        add3 = cell.add("add3", cell.average_pool("pool2", newer, 2), cell.separable("sep4", older, 5, 2))
        add4 = cell.add("add4", cell.average_pool("pool3", add1), add2)
        add5 = cell.add("add5", cell.separable("sep5", add1, 3), cell.max_pool("pool4", newer, 2))
        return cell.concat((add2, add3, add4, add5))
