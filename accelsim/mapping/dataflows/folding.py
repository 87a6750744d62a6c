"""How a row-stationary tile is folded into the array, and where its sets of PEs lie."""

from collections.abc import Iterator
from typing import NamedTuple

from accelsim.columns import Count
from accelsim.descriptions.phrases import counted
from accelsim.hardware.array import PEArray
from accelsim.mapping.arithmetic import ceil_div
from accelsim.mapping.dataflows.array_pass import ArrayPass, PEBlock
from accelsim.mapping.tile import TileShape


class Folding(NamedTuple):
    """How a tile lies in the PEs: sizes of a pass, and how many passes there are."""

    p: Count
    """Filters that a PE goes through in turn."""
    q: Count
    """Channels likewise."""
    r: Count
    """Channels that have sets of their own."""
    t: Count
    """Filters likewise."""
    strips: Count
    """Parts that the rows of outputs are cut into, one after the other."""
    e: Count
    """Rows of outputs of a part."""
    row_parts: Count
    """Parts that the rows of a filter are cut into."""
    filter_rows: Count
    """Of a part."""
    column_parts: Count
    """The same of its columns."""
    filter_columns: Count

    @property
    def pes(self) -> Count:
        """That work."""
        return self.filter_rows * self.e * self.r * self.t

    def passes(self, tile: TileShape[Count]) -> tuple[Count, Count]:
        """Over output channels of a group, and over what adds up."""
        channels = ceil_div(tile.c, self.q * self.r)
        return ceil_div(tile.k, self.p * self.t), channels * self.row_parts * self.column_parts


def sets_of(folding: Folding, array: PEArray) -> ArrayPass:
    """A pass of a tile that is folded like that.

    A set has a PE for each row of the filter, below each other, and for each row of outputs, beside each
    other; where these are more than the columns it goes on below.

    Args:
        folding: Of one tile.
        array: In whose PEs it lies.

    Returns:
        The PEs that work, and words.
    """
    channels, filters, rows_out = int(folding.r), int(folding.t), int(folding.e)
    beside = max(1, array.columns // rows_out)
    folds, sets = -(-rows_out // array.columns), channels * filters
    of_sets = (*(("C",) if channels > 1 else ()), *(("K",) if filters > 1 else ()))
    below = sets > beside
    return ArrayPass(
        tuple(_blocks(folding, array, beside)),
        {
            "rows": ("FY", *(("OY",) if folds > 1 else ()), *(of_sets if below else ())),
            "columns": ("OY", *(of_sets if beside > 1 else ())),
        },
        tuple(_sentences(folding, array, folds)),
    )


def _blocks(folding: Folding, array: PEArray, beside: int) -> Iterator[PEBlock]:
    """The PEs of each set, a block for each fold of its rows of outputs."""
    rows, rows_out = int(folding.filter_rows), int(folding.e)
    folds = -(-rows_out // array.columns)
    for number in range(int(folding.r * folding.t)):
        top, left = number // beside * folds * rows, number % beside * rows_out
        for fold in range(folds):
            in_fold = min(array.columns, rows_out - fold * array.columns)
            yield PEBlock(top + fold * rows, left, rows, in_fold)


def _sentences(folding: Folding, array: PEArray, folds: int) -> Iterator[str]:
    sets = counted(int(folding.r * folding.t), "set")
    size = f"{folding.filter_rows} kernel rows (FY) x {folding.e} output rows (OY)"
    folded = f", in {folds} parts below each other" if folds > 1 else ""
    yield f"{sets} of {size}{folded}: {folding.pes} of {array.pes} PEs work"
    channels, filters = (
        counted(int(count), noun) for count, noun in ((folding.r, "input channel"), (folding.t, "filter"))
    )
    in_turn = f"in each PE {counted(int(folding.q), 'channel')} x {counted(int(folding.p), 'filter')} in turn"
    yield f"sets side by side for {channels} x {filters}; {in_turn}"
