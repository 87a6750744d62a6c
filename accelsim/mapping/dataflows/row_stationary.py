"""Row stationary: a row of a filter and a row of inputs meet in each PE, which slides the one over the other.

R rows of a filter lie in R PEs above each other, and e rows of outputs in e PEs beside each other; each PE
convolves its row of the filter with its row of inputs, and the sums of a column of PEs add up to a row of
outputs (Chen et al., Eyeriss, ISCA 2016, section V; JSSC 2017, section III). In that set of R x e PEs each PE
works on p filters and q channels in turn; r channels and t filters have sets of their own. Where outputs have
more rows than the array has columns, a set is folded into strips below each other.

    r t <= floor(rows / R) floor(columns / e),    where e > columns: r t ceil(e / columns) <= floor(rows / R)
    q S <= words of inputs of a PE,  p q S <= words of filters,  p <= sums         S columns of the filter

A pass takes all of it through n images; at so many words a cycle of filters, inputs and sums it takes

    p q t r R S / filters                                        its filters
    + q r strip S / inputs                                       the first windows
    + max(n p q S E, n q r strip W / inputs, n p t e E / sums)   products, while the rest comes and goes
    + p t e / sums                                               the last sums

cycles, for rows of E outputs and of W inputs, of which a strip has so many: strip = (e - 1) stride + R. They
are held against the chip in docs/validation.md. An input that is zero keeps its PE from reading its registers
and from multiplying (JSSC 2017, section V-C): that saves energy, and no time.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

import numpy as np

from accelsim.columns import Count, Flags, Real
from accelsim.descriptions import Description
from accelsim.descriptions.quantities import PerPE, PortWords
from accelsim.errors import MappingError
from accelsim.hardware.array import PEArray, described
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.arithmetic import ceil_div, ceil_scaled, chosen, equal_part, larger, smaller
from accelsim.mapping.dataflows.array_pass import ArrayPass
from accelsim.mapping.dataflows.contract import Dataflow
from accelsim.mapping.dataflows.folding import Folding, sets_of
from accelsim.mapping.mapping import DataflowParameters
from accelsim.mapping.tile import ArrayWork, Granularity, TileCounts, TileShape
from accelsim.network.layer import Layer, LoopNest

PARAMETERS: Final = ("p", "q", "r", "t")
"""Filters and channels that a PE goes through in turn; channels and filters that have sets of their own."""
SIZES: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Of q and r, that are tried."""


class Parameters(Description):
    """What a PE holds, and what comes to it: as in Eyeriss (Chen et al., JSSC 2017, section V)."""

    filter_words: PerPE = 224
    """Of filters that a PE holds."""
    input_words: PerPE = 12
    """Of inputs."""
    sum_words: PerPE = 24
    """Of partial sums."""
    filter_words_per_cycle: PortWords = 4
    """That come to the PEs."""
    input_words_per_cycle: PortWords = 1
    """That come to the PEs."""
    sum_words_per_cycle: PortWords = 4
    """That come to the PEs, and as many that go."""
    zero_gating: bool = True
    """Whether a product with an input that is zero is not done: it takes its cycle, and no energy."""


class RowStationary(Dataflow):
    """Rows of filters, of inputs and of outputs stay in PEs."""

    name = "row_stationary"
    short = "RS"
    title = "row stationary"
    axes: ClassVar = {"rows": ("FY", "C", "K", "OY"), "columns": ("OY", "C", "K")}
    stationary = Operand.WEIGHTS
    parameters = Parameters
    of_any_array = False
    takes_images = True
    mapping_parameters = PARAMETERS

    def __init__(self, fixed: DataflowParameters = ()) -> None:
        self._fixed = dict(fixed)

    @property
    def kept(self) -> tuple[Operand, ...]:
        """Rows of filters, and sums of a row of outputs."""
        return (Operand.WEIGHTS, Operand.OUTPUTS)

    def of(self, array: PEArray) -> Parameters:
        """What a machine's file says."""
        return described(array, self.name, Parameters)

    def fixed(self, parameters: DataflowParameters) -> "RowStationary":
        """The same with some of p, q, r and t given: a tile that has less to do takes less of each."""
        for name, value in parameters:
            if name not in PARAMETERS or value < 1:
                known = ", ".join(PARAMETERS)
                raise ValueError(
                    f"{self.title} leaves {known} to a mapping, 1 at least each, not {name} = {value}"
                )
        return RowStationary(parameters)

    def parameters_for(self, layer: Layer, tile: TileShape[int], hardware: Hardware) -> DataflowParameters:
        """How a tile lies in the PEs."""
        folding = self.folding(layer, tile, hardware)
        return tuple([(name, int(size)) for name, size in zip(PARAMETERS, folding[:4], strict=True)])

    def gates_zeros(self, array: PEArray) -> bool:
        """Whether products with inputs that are zero are not done."""
        return self.of(array).zero_gating

    def granularity(self, hardware: Hardware) -> Granularity:  # noqa: ARG002 (passes differ from tile to tile)
        """How tiles lie in the PEs is chosen for each, so they may be cut anywhere; rows of outputs stay."""
        return Granularity(whole_rows=True)

    def array_pass(self, layer: Layer, tile: TileShape[int], hardware: Hardware) -> ArrayPass:
        """Sets of PEs beside and below each other, as the tile is folded."""
        return sets_of(self.folding(layer, tile, hardware), hardware.pe_array)

    def execute(
        self,
        layer: LoopNest[Count],
        tile: TileShape[Count],
        resumes: Count,  # noqa: ARG002 (to begin from a sum costs what to begin from nothing does)
        hardware: Hardware,
    ) -> ArrayWork[Count]:
        """Every pass of a tile, folded as takes least time."""
        return self._work(layer, tile, self.folding(layer, tile, hardware), hardware.pe_array)

    def folding(self, layer: LoopNest[Count], tile: TileShape[Count], hardware: Hardware) -> Folding:
        """How a tile lies in the PEs: of those foldings that are tried the one that takes least time.

        Of equals the one that reads and writes the buffer least.

        Args:
            layer: Its stride and dilation.
            tile: Its bounds.
            hardware: The machine.
        """
        array = hardware.pe_array
        foldings = _foldings(tile, array, self.of(array), self._fixed)
        best, any_fits = next(foldings)
        least_cycles, least_words = self._costs(layer, tile, best, array)
        for folding, fits in foldings:
            any_fits = any_fits | fits
            cycles, words = self._costs(layer, tile, folding, array)
            better = fits & (
                np.less(cycles, least_cycles) | (np.equal(cycles, least_cycles) & np.less(words, least_words))
            )
            if not np.any(better):
                continue
            condition = better if isinstance(better, np.ndarray) else bool(better)
            best = Folding(*[chosen(condition, new, old) for new, old in zip(folding, best, strict=True)])
            least_cycles = chosen(condition, cycles, least_cycles)
            least_words = chosen(condition, words, least_words)
        if not np.all(any_fits):
            raise MappingError(self._too_much(tile, array))
        return best

    def _too_much(self, tile: TileShape[Count], array: PEArray) -> str:
        """Why parameters of a mapping do not fit."""
        given = ", ".join([f"{name} = {value}" for name, value in self._fixed.items()])
        own, kernel = self.of(array), f"{np.max(tile.fy)}x{np.max(tile.fx)}"
        holds = f"{own.filter_words} words of filters, {own.input_words} of inputs and {own.sum_words} sums"
        pes = f"each of {array.rows} x {array.columns} PEs holds {holds}"
        return f"{self.title}: {given} do not fit kernels of {kernel}: {pes}"

    def _costs(
        self, layer: LoopNest[Count], tile: TileShape[Count], folding: Folding, array: PEArray
    ) -> tuple[Count, Count]:
        """Cycles, and words that are read from the buffer and written to it."""
        inputs, sums = self._buffer_words(layer, tile, folding)
        return self._cycles(layer, tile, folding, array), inputs + sums

    def least_work(
        self,
        layer: LoopNest[Count],
        tile: TileShape[Count],  # noqa: ARG002 (the same for all)
        tiles: TileCounts[Count],  # noqa: ARG002 (as above)
        hardware: Hardware,
    ) -> ArrayWork[Count]:
        """Every product once, on all PEs: far below where few of them can work."""
        macs = layer.macs
        executed = self._executed(layer, macs, hardware.pe_array)
        return ArrayWork(
            cycles=ceil_div(macs, hardware.pe_array.pes),
            macs=executed,
            weight_register_words=layer.weights + executed,
            partial_sum_register_words=2 * executed,
            input_hop_words=0,
            input_read_words=0,
            weight_read_words=layer.weights,
            weight_reads=1,
            input_register_words=executed,
        )

    def partial_sums(self, array: PEArray) -> int:
        """In the PEs."""
        return array.pes * self.of(array).sum_words

    def input_words(self, array: PEArray) -> int:
        """In the PEs."""
        return array.pes * self.of(array).input_words

    def _work(
        self, layer: LoopNest[Count], tile: TileShape[Count], folding: Folding, array: PEArray
    ) -> ArrayWork[Count]:
        """What is done and counted where a tile lies in the PEs like that."""
        weights = tile.g * tile.k * tile.c * tile.taps
        executed = self._executed(layer, weights * tile.pixels, array)
        outputs = tile.g * tile.k * tile.pixels
        _, sum_passes = folding.passes(tile)
        input_words, sum_words = self._buffer_words(layer, tile, folding)
        # Each row of inputs comes to the PEs of every row of outputs and of the filter that meets it, and to
        # as many sets as work on filters side by side.
        _, columns = _reads(layer, tile, folding)
        rows_in_pes = tile.n * tile.g * tile.c * ceil_div(tile.k, folding.p) * tile.fy * tile.y
        # A sum passes by the PEs of all rows of the filter, and of all sets that add to it.
        added_up = folding.column_parts * tile.fy * ceil_div(tile.c, folding.q)
        return ArrayWork(
            cycles=self._cycles(layer, tile, folding, array),
            macs=executed,
            weight_register_words=weights * folding.e + executed,
            partial_sum_register_words=2 * executed,
            input_hop_words=0,
            input_read_words=input_words,
            weight_read_words=weights,
            weight_reads=1,
            input_register_words=rows_in_pes * columns + executed,
            sum_hop_words=outputs * (added_up - sum_passes),
            sum_read_words=sum_words // 2,
            sum_written_words=sum_words // 2,
        )

    def _executed(self, layer: LoopNest[Count], macs: Count, array: PEArray) -> Count:
        """Products that are done, of so many."""
        density: Real = layer.input_density
        if not self.gates_zeros(array) or (isinstance(density, float) and density == 1):
            return macs
        return ceil_scaled(macs, density)

    def _cycles(
        self, layer: LoopNest[Count], tile: TileShape[Count], folding: Folding, array: PEArray
    ) -> Count:
        """Of all passes; the last of a loop takes as long as the others, however little is left for it."""
        own, (p, q, r, t, strips, e, _, filter_rows, _, filter_columns) = self.of(array), folding
        filter_passes, sum_passes = folding.passes(tile)
        rows = (e - 1) * layer.stride_y + (filter_rows - 1) * layer.dilation_y + 1
        columns = (tile.x - 1) * layer.stride_x + (filter_columns - 1) * layer.dilation_x + 1
        products = tile.n * p * q * filter_columns * tile.x
        inputs = ceil_div(tile.n * q * r * rows * columns, own.input_words_per_cycle)
        sums = ceil_div(tile.n * p * t * e * tile.x, own.sum_words_per_cycle)
        strip = (
            ceil_div(q * r * rows * filter_columns, own.input_words_per_cycle)
            + larger(larger(products, inputs), sums)
            + ceil_div(p * t * e, own.sum_words_per_cycle)
        )
        filters = ceil_div(p * q * t * r * filter_rows * filter_columns, own.filter_words_per_cycle)
        return tile.g * filter_passes * sum_passes * (filters + strips * strip)

    def _buffer_words(
        self, layer: LoopNest[Count], tile: TileShape[Count], folding: Folding
    ) -> tuple[Count, Count]:
        """Inputs that passes read, and sums that they read of the pass before and write for the next."""
        filter_passes, sum_passes = folding.passes(tile)
        rows, columns = _reads(layer, tile, folding)
        inputs = tile.n * tile.g * tile.c * filter_passes * rows * columns
        return inputs, 2 * tile.g * tile.k * tile.pixels * (sum_passes - 1)


ROW_STATIONARY: Final = RowStationary()


def _reads(layer: LoopNest[Count], tile: TileShape[Count], folding: Folding) -> tuple[Count, Count]:
    """Input rows of all strips and parts of the filter, and columns of all parts: padding is read, too."""
    strips, parts = folding.strips, folding.row_parts
    rows = parts * ((tile.y - strips) * layer.stride_y + strips * (1 - layer.dilation_y))
    columns = folding.column_parts * ((tile.x - 1) * layer.stride_x + 1 - layer.dilation_x)
    return rows + strips * layer.dilation_y * tile.fy, columns + layer.dilation_x * tile.fx


def _foldings(
    tile: TileShape[Count], array: PEArray, own: Parameters, fixed: Mapping[str, int]
) -> Iterator[tuple[Folding, "Flags | bool"]]:
    """Foldings of a tile, and whether they fit the PEs: the first always does."""
    row_parts = ceil_div(tile.fy, array.rows)
    column_parts = ceil_div(tile.fx, min(own.input_words, own.filter_words))
    filter_rows, filter_columns = ceil_div(tile.fy, row_parts), ceil_div(tile.fx, column_parts)
    above = array.rows // filter_rows  # sets above each other
    strips = ceil_div(tile.y, above * array.columns)
    e = ceil_div(tile.y, strips)
    sets = larger(array.columns // e, 1) * (above // ceil_div(e, array.columns))
    most = min(own.input_words, own.filter_words) // filter_columns
    for q_limit in _sizes(fixed.get("q"), most):
        for r_limit in _sizes(fixed.get("r"), sets):
            r = smaller(r_limit, tile.c)
            q = equal_part(ceil_div(tile.c, r), q_limit)
            t = smaller(fixed.get("t") or larger(sets // r_limit, 1), tile.k)
            p_most = smaller(own.sum_words, own.filter_words // (q * filter_columns))
            p_limit, filters = fixed.get("p") or larger(p_most, 1), ceil_div(tile.k, t)
            fits = np.less_equal(q, most) & np.less_equal(r * t, sets)
            # As few passes as can be, or one more: one that is nearly empty takes as long as the others.
            for passes in (ceil_div(filters, p_limit), ceil_div(filters, p_limit) + 1):
                p = ceil_div(filters, passes)
                folding = Folding(p, q, r, t, strips, e, row_parts, filter_rows, column_parts, filter_columns)
                yield folding, fits & np.less_equal(p, p_most)


def _sizes(fixed: int | None, most: Count) -> tuple[int, ...]:
    """Of a parameter, that are tried."""
    if fixed is not None:
        return (fixed,)
    largest = int(np.max(most, initial=1))
    return tuple(size for size in SIZES if size <= largest)
