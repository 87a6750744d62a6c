"""Schedule: the mapped layers in running order, and which of them each one waits for."""

from collections.abc import Hashable, MutableMapping, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from accelsim.errors import MappingError, NetworkError
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.countable import uncountable
from accelsim.mapping.grids import Grids
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.search import map_layers
from accelsim.mapping.settle import Judge
from accelsim.mapping.units import fuses_pooling
from accelsim.mapping.unmappable import Unmappable, unmappable_sentence
from accelsim.network.executed import ExecutedGraph
from accelsim.network.layer import Layer
from accelsim.network.lowering.splitting import unfused

if TYPE_CHECKING:
    from accelsim.mapping.stripes import Striped
    from accelsim.memory_map import MemoryMap


class PoolChange(NamedTuple):
    """What a layer's tensors take of the pool, and give up; tiles come beside that.

    Example:
        >>> PoolChange(taken_bytes=4096, freed_bytes=0).taken_bytes
        4096
    """

    taken_bytes: int
    """With the room of its first step: of tensors that begin with it."""
    freed_bytes: int
    """When it is finished: of tensors that nobody reads there afterwards."""


_NO_CHANGE: Final = PoolChange(taken_bytes=0, freed_bytes=0)


@dataclass(frozen=True)
class Schedule:
    """What a machine executes: by default every layer's inputs and outputs pass through DRAM.

    Its entries are layers in running order; of layers that run as a cascade each stripe is an entry, a layer
    of fewer rows (`striped`).

    Attributes:
        mappings: Of each layer; where weights are pinned, as it is when they are there.

    Example:
        >>> from accelsim.run import plan_run
        >>> schedule = plan_run("squeezenet_v1_1", "16x16_128k").schedule
        >>> schedule.layers[1].name, schedule.waits_for[1]
        ('fire2.squeeze1x1', (0,))
    """

    layers: tuple[Layer, ...]
    """For one image; a mapping's own layer may be another form of the same work."""
    mappings: tuple[Mapping, ...]
    waits_for: tuple[tuple[int, ...], ...]
    """Of each layer: those whose results it reads, by their place in the schedule."""
    idle_descriptors: int = 0
    """Of the DMA, that are left idle because the schedule is done sooner without them."""
    pool_changes: tuple[PoolChange, ...] = ()
    """Of each layer; empty where no tensor stays on chip."""
    pool_bytes_at_start: int = 0
    """What tensors take of the pool before the first layer, and pinned weights all the while."""
    places: tuple[MappingOf[Operand, str], ...] = ()
    """Of each layer: the memory that each operand comes from or goes to; empty where that is always the
    outermost."""
    memory_map: "MemoryMap | None" = None
    """What lies where in the pool; None where the machine keeps no tensors in one."""
    first_mappings: tuple[Mapping, ...] = ()
    """Of each layer in the first inference, in which pinned weights come; empty where none are pinned."""
    first_places: tuple[MappingOf[Operand, str], ...] = ()
    """Those of the first inference, where they are others."""
    images_in_turn: int = 1
    """How often all of it is executed: once for each image of a batch that go through all layers in turn;
    once where all images go through each layer."""
    next_image: PoolChange = _NO_CHANGE
    """Of images in turn: what each but the first takes of the pool with its first layer, and what the results
    of each but the last give up when its last layer is finished."""
    later_mappings: tuple[Mapping, ...] = ()
    """Of each layer for all images in turn but the first; empty where they are the same for all."""
    striped: "Striped | None" = None
    """Which entries are stripes of which layers; None where each entry is a layer."""

    @property
    def first_inference(self) -> "Schedule | None":
        """What is executed when the machine begins, without any weights; None where it is this one, too."""
        if not self.first_mappings:
            return None
        later = self.mappings if self.images_in_turn > 1 else ()
        return replace(
            self,
            mappings=self.first_mappings,
            places=self.first_places or self.places,
            first_mappings=(),
            first_places=(),
            later_mappings=later,
        )

    def of_image(self, number: int) -> "Schedule":
        """What is executed for one of the images in turn, which begins with nothing of its own in the pool
        unless it is the first, and leaves nothing there unless it is the last.
        """
        changes, at_start = list(self.pool_changes), self.pool_bytes_at_start
        taken_bytes, freed_bytes = self.next_image
        if changes and number > 0:
            changes[0] = changes[0]._replace(taken_bytes=changes[0].taken_bytes + taken_bytes)
            at_start -= taken_bytes
        if changes and number < self.images_in_turn - 1:
            changes[-1] = changes[-1]._replace(freed_bytes=changes[-1].freed_bytes + freed_bytes)
        return replace(
            self,
            mappings=(self.later_mappings or self.mappings) if number > 0 else self.mappings,
            pool_changes=tuple(changes),
            pool_bytes_at_start=at_start,
            images_in_turn=1,
            next_image=_NO_CHANGE,
            later_mappings=(),
        )

    @property
    def last_stripes(self) -> dict[str, int]:
        """By layers' names: the last stripe of its cascade in which each has something to do, counted from 1;
        of one that runs as a whole it is 1.
        """
        if self.striped is None:
            return dict.fromkeys([layer.name for layer in self.layers], 1)
        rows = zip(self.layers, self.striped.entries, strict=True)
        return {layer.name: 1 if entry.stripe is None else entry.stripe.stripe + 1 for layer, entry in rows}

    @property
    def unrolled(self) -> "Schedule":
        """The same with the layers of each of the images in turn written out, one image after the other."""
        if self.images_in_turn == 1:
            return self
        images, layers = list(map(self.of_image, range(self.images_in_turn))), len(self.layers)
        waits_for = (
            tuple([number * layers + producer for producer in producers])
            for number in range(self.images_in_turn)
            for producers in self.waits_for
        )
        return replace(
            images[0],
            layers=self.layers * self.images_in_turn,
            mappings=tuple([mapping for image in images for mapping in image.mappings]),
            waits_for=tuple(waits_for),
            pool_changes=tuple([change for image in images for change in image.pool_changes]),
            places=self.places * self.images_in_turn,
        )


Parts: TypeAlias = tuple[tuple[Layer, Mapping], ...]
"""What a layer is executed as, and how."""


@dataclass(frozen=True)
class NetworkMapper:
    """Maps the layers of networks onto one machine, each shape once.

    Attributes:
        hardware: The machine.
        options: How networks are mapped.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.network.lowered import lowered_network
        >>> mapper = NetworkMapper(load_hardware("16x16_128k"), MappingOptions())
        >>> schedule = mapper.schedule(lowered_network(load_network("squeezenet_v1_1")).graph)
        >>> len(mapper.mappings) <= len(schedule.mappings)
        True
    """

    hardware: Hardware
    options: MappingOptions
    judge: Judge | None = None
    """Decides what bounds leave open (see `accelsim.planning.compiler`); without one bounds are believed."""
    mappings: MutableMapping[Layer, Mapping] = field(default_factory=dict)
    """Mappings on this machine by these options and this judge; what is found out is added."""
    grids: Grids | None = None
    """Sizes that layers were cut into before, on any machine."""

    def schedule(self, graph: ExecutedGraph) -> Schedule:
        """Map every layer of a graph. Raises MappingError where one cannot be mapped."""
        if not isinstance(graph, ExecutedGraph):
            kind = type(graph).__name__
            raise NetworkError(f"graph: must be an ExecutedGraph, as lower() makes it, but is of type {kind}")
        layers: list[Layer] = []
        mappings: list[Mapping] = []
        waits_for: list[tuple[int, ...]] = []
        last_part: dict[str, int] = {}
        for node, parts in zip(graph.nodes, self.parts(graph.layers), strict=True):
            producers = tuple(sorted(last_part[producer] for producer in node.predecessors))
            for part, mapping in parts:
                layers.append(part)
                mappings.append(mapping)
                waits_for.append(producers)
                producers = (len(layers) - 1,)
            last_part[node.name] = len(layers) - 1
        return Schedule(tuple(layers), tuple(mappings), tuple(waits_for))

    def parts(self, layers: Sequence[Layer]) -> list[Parts]:
        """Each layer, or a layer and its pooling one after the other where the machine cannot fuse them."""
        choices = self.choices(layers)
        pieces = [
            (layer,) if self._runs_whole(layer, choice) else unfused(layer)
            for layer, choice in zip(layers, choices, strict=True)
        ]
        of_pieces = iter(self.choices([piece for group in pieces if len(group) > 1 for piece in group]))
        parts = []
        for group, whole in zip(pieces, choices, strict=True):
            mapped = [whole] if len(group) == 1 else [next(of_pieces) for _ in group]
            parts.append(tuple(zip(group, map(self._mapped, group, mapped), strict=True)))
        return parts

    def _runs_whole(self, layer: Layer, choice: Mapping | Unmappable) -> bool:
        """Whether a layer runs with the pooling that it carries, if any."""
        return layer.pooling is None or (isinstance(choice, Mapping) and fuses_pooling(layer, self.hardware))

    def mapped(self, layers: Sequence[Layer]) -> list[Mapping]:
        """The mapping of each layer as one. Raises MappingError where one has none."""
        return list(map(self._mapped, layers, self.choices(layers)))

    def _mapped(self, layer: Layer, choice: Mapping | Unmappable) -> Mapping:
        if not isinstance(choice, Mapping):
            raise MappingError(unmappable_sentence(layer, self.hardware, choice))
        return choice

    def choices(self, layers: Sequence[Layer]) -> list[Mapping | Unmappable]:
        """The mapping of each layer, or why it has none. What is not known yet is searched for together."""
        forms = [layer.form for layer in layers]
        first_of: dict[Hashable, Layer] = {}
        for form, layer in zip(forms, layers, strict=True):
            first_of.setdefault(form, layer)
        distinct = [layer.nameless for layer in first_of.values()]
        choices: list[Mapping | Unmappable | None] = list(map(self.mappings.get, distinct))
        unknown = [layer for layer, choice in zip(distinct, choices, strict=True) if choice is None]
        searched = self._searched(unknown) if unknown else []
        for layer, choice in zip(unknown, searched, strict=True):
            if isinstance(choice, Mapping):
                self.mappings[layer] = choice
        of_unknown = iter(searched)
        choice_of = {
            form: next(of_unknown) if choice is None else choice
            for form, choice in zip(first_of, choices, strict=True)
        }
        return [choice_of[form] for form in forms]

    def _searched(self, layers: Sequence[Layer]) -> list[Mapping | Unmappable]:
        """The mapping of each layer, or why it has none; what cannot be counted is not searched for."""
        reasons = [uncountable(layer, self.options.batch, self.hardware) for layer in layers]
        mapped = iter(
            map_layers(
                [layer for layer, reason in zip(layers, reasons, strict=True) if reason is None],
                self.hardware,
                self.options,
                judge=self.judge,
                grids=self.grids,
            )
        )
        return [next(mapped) if reason is None else reason for reason in reasons]
