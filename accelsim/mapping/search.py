"""The mapping of layers: dataflow x tile size x loop order, and the best of them by an objective.

The search among tiles is docs/decisions/branch-and-bound.md, what is simulated
docs/decisions/simulated-choice.md.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from accelsim.columns import Count, Floats
from accelsim.energy import total_energy
from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Objective
from accelsim.hardware.host import HOST
from accelsim.hardware.siblings import siblings_key
from accelsim.mapping.array_parts import ArrayPart, smaller_parts
from accelsim.mapping.banks import shortfall
from accelsim.mapping.candidates import Bounds, least_of_array, with_static_energy
from accelsim.mapping.cuts import cuts_of
from accelsim.mapping.grids import Grid, Grids, granularity
from accelsim.mapping.groundwork import Groundwork
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.precision import layer_prices
from accelsim.mapping.program import mappings
from accelsim.mapping.ranking import as_good, best_of_each, lower_bound, objective_value, that_decides
from accelsim.mapping.settle import COMPILER, THOROUGH, Bench, Effort, Judge, JudgedMapping, best_of
from accelsim.mapping.siblings import OfSiblings
from accelsim.mapping.space import ORDERS
from accelsim.mapping.stack import stacked, structure
from accelsim.mapping.tile_search import TileSearch, portions
from accelsim.mapping.units import array_dataflows, dataflows_for, unit_of
from accelsim.mapping.unmappable import NoDataflowRuns, NotListed, NotPriced, Unmappable
from accelsim.mapping.work import StackedLayers
from accelsim.network.layer import FusedOperator, Layer, LoopNest

if TYPE_CHECKING:
    from accelsim.network.given import GivenMapping

NEARLY: Final = 1.2
"""By how much the bound of a dataflow may be above the least one for both to be searched together."""
MOST_CUTS: Final = 1 << 14
"""Of layers that are searched together, so that memory stays constant."""


def map_layer(
    layer: Layer,
    hardware: Hardware,
    options: MappingOptions = MappingOptions(),
    *,
    judge: Judge | None = None,
) -> Mapping:
    """The best mapping of a layer: the best tiles of each dataflow, then the best dataflow.

    Args:
        layer: A loop nest.
        hardware: The machine.
        options: How many images, which dataflow, by what the mapping is chosen.
        judge: Says how many cycles a mapping takes; without one its lower bound is believed.

    Returns:
        The mapping, its program written out.

    Raises:
        MappingError: No tile fits; it says which bank is too small, and what would help.

    Example:
        >>> from accelsim import load_hardware
        >>> layer = Layer("conv1", "conv", K=64, C=64, OY=56, OX=56, IY=56, IX=56)
        >>> mapping = map_layer(layer, load_hardware("16x16_128k"))
        >>> mapping.dataflow, mapping.totals.counts.macs == layer.macs
        ('weight_stationary', True)
    """
    (mapping,) = map_layers([layer], hardware, options, judge=judge)
    if not isinstance(mapping, Mapping):
        raise MappingError(str(mapping))
    return mapping


def map_layers(
    layers: Sequence[Layer],
    hardware: Hardware,
    options: MappingOptions = MappingOptions(),
    *,
    judge: Judge | None = None,
    grids: Grids | None = None,
) -> list[Mapping | Unmappable]:
    """The best mapping of each layer, or why it has none: what `map_layer` says, many at a time.

    Branch and bound: dataflows and tiles whose bound is above what another takes are not evaluated. What
    bounds leave open the judge decides; without one the bounds are believed. Layers of one structure are
    searched together, because numpy takes no longer for many than for a few. Where an objective is asked for
    to which time matters, rows of the array may be left idle.

    Args:
        layers: Loop nests.
        hardware: The machine.
        options: The same for all of them.
        judge: Says how many cycles a mapping takes.
        grids: Of searches before, on any machine, by an objective if these options have one.

    Returns:
        For each layer a mapping, or a reason, whose text is a sentence.

    Example:
        >>> from accelsim import load_hardware
        >>> layer = Layer("fc", "fully_connected", K=10, C=64, OY=1, OX=1, IY=1, IX=1)
        >>> options = MappingOptions(dataflow="row_stationary")
        >>> (reason,) = map_layers([layer], load_hardware("8x8_32k"), options)
        >>> reason.dataflow, reason.listed
        ('row_stationary', ('weight_stationary', 'output_stationary'))
    """
    listed, dataflows = tuple(hardware.pe_array.dataflows), array_dataflows(hardware, options)
    if not set(listed).issuperset(dataflows):
        return [NotListed(options.dataflow, listed)] * len(layers)
    executed = [as_executed(layer, options.batch) for layer in layers]
    groups: dict[tuple[object, int, tuple[str, ...]], list[int]] = {}
    mapped: dict[int, list[Mapping | Unmappable]] = {}
    for index, (layer, images) in enumerate(executed):
        names = dataflows_for(layer, dataflows, hardware)
        if isinstance(names, NoDataflowRuns | NotPriced):
            mapped[index] = [names]
        elif layer.given is not None:
            mapped[index] = [_as_given(layer.given, layer, images, hardware, names, options.objective, judge)]
        else:
            for unit_names in _by_unit(names):
                groups.setdefault((structure(layer), images, unit_names), []).append(index)
    grids = Grids(finely=options.objective is not None) if grids is None else grids
    for (_, images, names), indices in groups.items():
        group, unit = [executed[index][0] for index in indices], unit_of(names[0], hardware)
        search = _search(group, images, unit, names, options.objective, judge, grids)
        for index, rival in zip(indices, search.mappings(), strict=True):
            mapped.setdefault(index, []).append(rival)
    rivals = [mapped[index] for index in range(len(layers))]
    objective = that_decides(options.objective or hardware.mapper.dataflow, hardware)
    return [
        of_layer[0] if len(of_layer) == 1 else _better(of_layer, hardware, objective, judge)
        for of_layer in rivals
    ]


def _by_unit(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Dataflows of the array, and the host, which are searched for by themselves."""
    on_array = tuple([name for name in names if name != HOST])
    return (of_unit for of_unit in (on_array, names[len(on_array) :]) if of_unit)


def _better(
    rivals: Sequence[Mapping | Unmappable], hardware: Hardware, objective: Objective, judge: Judge | None
) -> Mapping | Unmappable:
    """The mapping on the array or the one on the host; where there is neither, why there is none there."""
    fitting = [rival for rival in rivals if isinstance(rival, Mapping)]

    def value(mapping: Mapping) -> float:
        cycles = mapping.estimated_cycles if judge is None else judge(mapping)
        on_host = mapping.dataflow == HOST
        prices = hardware.prices if on_host else layer_prices(mapping.layer, hardware)
        energy = total_energy(mapping.totals.counts, prices)
        return objective_value(cycles, float(with_static_energy(energy, prices, cycles)), objective)

    return min(fitting, key=value) if fitting else rivals[0]


def _as_given(
    given: "GivenMapping",
    layer: Layer,
    images: int,
    hardware: Hardware,
    names: tuple[str, ...],
    objective: Objective | None,
    judge: Judge | None,
) -> Mapping | Unmappable:
    """The best mapping of a layer within what is said of it beforehand."""
    from accelsim.mapping.given_search import best_within, is_regular, shortfall_of_given  # noqa: PLC0415 (rare)

    if is_regular(given, layer, images, ORDERS):
        unit = unit_of(names[0], hardware)
        grids = Grids(objective is not None, given)
        (mapped,) = _search([layer], images, unit, names, objective, judge, grids).mappings()
        return (
            mapped
            if isinstance(mapped, Mapping)
            else shortfall_of_given(given, layer, images, hardware, names)
        )
    return best_within(given, layer, images, hardware, names, objective, judge)


def _search(
    layers: Sequence[Layer],
    images: int,
    hardware: Hardware,
    dataflows: tuple[str, ...],
    objective: Objective | None,
    judge: Judge | None,
    grids: Grids,
) -> "_Search":
    """The search for the mappings of layers of one structure: by what, and on which parts of the array."""
    among_tiles, among_dataflows = (
        that_decides(objective or of_compiler, hardware)
        for of_compiler in (hardware.mapper.tiles, hardware.mapper.dataflow)
    )
    parts = [ArrayPart(0, hardware)]
    on_array = layers[0].on_array
    time_matters = among_tiles != "energy" or hardware.prices.static_per_cycle > 0
    if grids.given is not None and grids.given.idle_rows is not None:
        idle_rows = grids.given.idle_rows
        parts = [ArrayPart(idle_rows, hardware.with_idle_rows(idle_rows))]
    elif on_array and objective is not None and time_matters:
        parts += smaller_parts(hardware)
    return _Search(
        layers,
        hardware,
        images,
        dataflows,
        among_tiles,
        among_dataflows,
        judge,
        grids,
        parts,
        grids.siblings.of((siblings_key(hardware), grids.finely)),
    )


def _least(stack: LoopNest[Count], dataflow: str, hardware: Hardware, batch: int, layers: int) -> Bounds:
    """What the array takes at least for each layer of a stack."""
    least = least_of_array(stack, dataflow, hardware, batch)
    return Bounds(*(np.broadcast_to(values, layers) for values in (least.time_cycles, least.energy)))


_LayerDataflow: TypeAlias = tuple[int, str]
"""A layer, by its number among those that are searched for together, and a dataflow."""


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for the best mappings of L layers of one structure.

    Arrays of objective values have an entry for each layer; unless a name says otherwise they are those among
    dataflows. An incumbent is the value of the best mapping of a layer so far.
    """

    layers: Sequence[Layer]
    hardware: Hardware
    batch: int
    dataflows: tuple[str, ...]
    among_tiles: Objective
    among_dataflows: Objective
    judge: Judge | None
    grids: Grids
    parts: Sequence[ArrayPart]
    """Of the array, that are tried one after the other."""
    siblings: OfSiblings
    """What was found out on this machine, and on those that differ only in how fast channels stream."""

    @property
    def effort(self) -> Effort:
        """How much is simulated before a mapping is chosen."""
        return THOROUGH if self.grids.finely else COMPILER

    def mappings(self) -> list[Mapping | Unmappable]:
        """The best mapping of each layer, or why it has none."""
        winners = self.winners()
        unwritten = [
            best.choice(layer)
            for layer, best in zip(self.layers, winners, strict=True)
            if best is not None and best.mapping is None
        ]
        written = iter(mappings(unwritten, self.batch, self.hardware, self.grids.loops))
        return [
            shortfall(layer, self.hardware)
            if best is None
            else replace(best.mapping or next(written), estimated_cycles=int(best.time_cycles))
            for layer, best in zip(self.layers, winners, strict=True)
        ]

    def winners(self) -> list[JudgedMapping | None]:
        """The best mapping of each layer; None where no tile fits."""
        best: list[JudgedMapping | None] = [None] * len(self.layers)
        for part in self.parts:
            incumbents = np.array([self._to_beat(judged) for judged in best])
            for layer, by_dataflow in enumerate(self._best_by_dataflow(part, incumbents)):
                rivals = [best[layer], *(by_dataflow.get(name) for name in self.dataflows)]
                judged = [rival for rival in rivals if rival is not None]
                best[layer] = best_of(judged, self.among_dataflows) if judged else None
        return best

    def _to_beat(self, best: JudgedMapping | None) -> float:
        """What a smaller part of the array has to go below: a difference that is left open is none."""
        return math.inf if best is None else best.value(self.among_dataflows) * (1 - self.effort.gap)

    def _best_by_dataflow(self, part: ArrayPart, incumbents: Floats) -> list[dict[str, JudgedMapping]]:
        """Of each layer the best on a part of the array, as far as it may be as good as its incumbent.

        Each layer tries its D dataflows by rising lower bound, until the next bound is above its incumbent.
        Those whose bound is near the least one are searched together with it. `incumbents` are lowered on the
        way.
        """
        stack, layers = stacked(self.layers), len(self.layers)
        least = [_least(stack, name, part.hardware, self.batch, layers) for name in self.dataflows]
        bounds = np.array([lower_bound(of_array, self.among_dataflows) for of_array in least])  # D x L
        by_rank = np.argsort(bounds, axis=0, kind="stable")  # which dataflow is tried at which rank, D x L
        bounds = np.take_along_axis(bounds, by_rank, axis=0)
        at_once = bounds <= bounds[0] * NEARLY
        best: list[dict[str, JudgedMapping]] = [{} for _ in self.layers]
        for rank in range(len(by_rank)):
            this_rank = (np.arange(len(by_rank)) == rank)[:, np.newaxis]
            due = at_once if rank == 0 else ~at_once & this_rank
            hopeful = np.argwhere(due & as_good(bounds, incumbents)).tolist()
            pairs = [(layer, self.dataflows[by_rank[row, layer]]) for row, layer in hopeful]
            for layer, judged in self._best_of(pairs, part, incumbents):
                best[layer][judged.contender.dataflow] = judged
        return best

    def _best_of(
        self, pairs: Sequence[_LayerDataflow], part: ArrayPart, incumbents: Floats
    ) -> Iterator[tuple[int, JudgedMapping]]:
        """The best mapping of each layer by the dataflow beside it, unless it cannot beat the incumbent."""
        grids = [self.grids.of(self.layers[layer], granularity(name, part.hardware)) for layer, name in pairs]
        if any(grid.is_empty for grid in grids):  # of one layer whose sizes are said beforehand
            return
        for portion in portions([grid.cuts for grid in grids], MOST_CUTS):
            layers, names = zip(*pairs[portion], strict=True)
            cut_layers = tuple([self.layers[layer] for layer in layers])
            groundwork = self._groundwork(cut_layers, names, grids[portion], part)
            search = TileSearch(groundwork, part.hardware, self.among_tiles, self.among_dataflows)
            yield from self._judged(search, layers, part.idle_rows, incumbents)

    def _groundwork(
        self, layers: tuple[Layer, ...], names: tuple[str, ...], grids: Sequence[Grid], part: ArrayPart
    ) -> Groundwork:
        """What the search for tiles of layers builds upon, on this machine or on siblings."""

        def made() -> Groundwork:
            cuts = cuts_of(layers, names, grids, part.hardware, self.grids.order)
            return Groundwork(cuts, part.hardware, self.batch)

        key, cuts = (part.idle_rows, self.batch, names, layers), sum([grid.cuts for grid in grids])
        return self.siblings.groundwork(key, cuts, made)

    def _judged(
        self, search: TileSearch, layers: Sequence[int], idle_rows: int, incumbents: Floats
    ) -> Iterator[tuple[int, JudgedMapping]]:
        """The best mapping of each of P pairs of a layer and a dataflow that are searched together.

        A layer that has several pairs goes on from the one of the least bound, as long as another may be
        better.

        Args:
            search: Of the pairs, each of which is a layer of its own to it.
            layers: Which of `self.layers` the layer of each pair is, P.
            idle_rows: Of the array.
            incumbents: Of `self.layers`; lowered to what is found.
        """
        owner = np.array(layers, dtype=np.int64)
        contenders = self.effort.contenders(search, incumbents[owner])
        bench = Bench(
            [self.layers[layer] for layer in layers],
            StackedLayers(search.cuts.layers, search.cuts.footprint),
            self.hardware,
            self.batch,
            self.judge,
            self.among_tiles,
            self.effort,
            self.grids.loops,
            self.siblings.programs,
            idle_rows,
        )
        pairs = np.fromiter(contenders, dtype=np.int64)
        bounds = np.array([best.lower_bound(self.among_dataflows) for best, *_ in contenders.values()])
        first = pairs[best_of_each(owner[pairs], bounds, 1)].tolist()
        one_objective = self.among_tiles == self.among_dataflows
        # By one objective, what has the best bound bounds all others.
        least = dict(enumerate(search.least))
        if self.effort.is_bounded or one_objective:
            least = {
                pair: min(contender.lower_bound(self.among_dataflows) for contender in ranked)
                for pair, ranked in contenders.items()
            }
        for turn in (first, [pair for pair in contenders if pair not in set(first)]):
            to_beat = incumbents[owner]
            hopeful = {pair: contenders[pair] for pair in turn if as_good(least[pair], to_beat[pair])}
            limits = to_beat if one_objective else np.full(len(layers), np.inf)
            for pair, judged in bench.settled(search, hopeful, limits).items():
                layer = layers[pair]
                incumbents[layer] = min(incumbents[layer], judged.value(self.among_dataflows))
                yield layer, judged


def as_executed(layer: Layer, batch: int) -> tuple[Layer, int]:
    """The same work in the form that leaves most freedom to cut it.

    Where a pixel reads one pixel, images are rows like any others. A pooling over the whole output plane sums
    its pixels as a convolution sums its input channels, so it can be cut anywhere.

    Args:
        layer: For one image.
        batch: Images that run together.

    Returns:
        The layer that is mapped, and how many images it goes through one after the other.

    Example:
        >>> pointwise = Layer("conv1", "conv", K=8, C=8, OY=7, OX=7, IY=7, IX=7)
        >>> executed, images = as_executed(pointwise, batch=4)
        >>> executed.OY, images
        (28, 1)
    """
    covers = (layer.FY, layer.FX, layer.pad_top, layer.pad_left) == (layer.IY, layer.IX, 0, 0)
    if not layer.on_array and layer.OY == layer.OX == 1 and covers and layer.C == 1:
        layer = replace(layer, C=layer.IY * layer.IX, IY=1, IX=1, FY=1, FX=1, stride_y=1, stride_x=1)
    pointwise = (layer.FY, layer.FX, layer.stride_y, layer.pad_top, layer.pad_left) == (1, 1, 1, 0, 0)
    pointwise = pointwise and layer.OY == layer.IY  # nothing is padded below either, and nothing is resized
    if layer.multiplies_activations and batch > 1:  # each image has weights of its own, as groups have
        return _in_groups(layer, batch), 1
    if layer.given is not None and layer.given.speaks_of("N"):  # of images as such
        return layer, batch
    if batch == 1 or not pointwise or layer.pooling is not None or layer.gate_elements:
        return layer, batch
    stacked = replace(layer, OY=layer.OY * batch, IY=layer.IY * batch, fused=_fused(layer, batch))
    return replace(stacked, vector_ops=layer.vector_ops * batch), 1


def _in_groups(layer: Layer, batch: int) -> Layer:
    """The images of a batch as groups of one."""
    return replace(layer, G=layer.G * batch, fused=_fused(layer, batch))


def _fused(layer: Layer, batch: int) -> tuple[FusedOperator[int], ...]:
    """What is fused into a layer, for a batch of images."""
    return tuple(
        replace(
            operator,
            vector_ops=operator.vector_ops * batch,
            residual_elements=operator.residual_elements * batch,
        )
        for operator in layer.fused
    )
