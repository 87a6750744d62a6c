"""Cache: what runs found out, for the runs that follow. It changes how fast, never what.

The caller holds it and hands it to each run: a search to its thousands, a command to its few. `run_network`
remembers nothing by itself. However many networks and machines pass through, it stays within a budget of
bytes (docs/decisions/cache.md).
"""

import functools
import warnings
from collections.abc import Callable, Iterable, MutableMapping
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from accelsim.columns import Ints
from accelsim.descriptions import in_words
from accelsim.descriptions.arguments import check_path, whole_number
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware
from accelsim.mapping.grids import Grids
from accelsim.mapping.loops import KnownLoops, Nest
from accelsim.mapping.mapping import Mapping, ProgramPart, Repeat
from accelsim.mapping.odometer import Loop
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pool_knowledge import PoolKnowledge
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.siblings import Siblings
from accelsim.network.description import Network
from accelsim.network.executed import ExecutedGraph, ExecutedNode
from accelsim.network.layer import Layer
from accelsim.network.lowered import LoweredNetwork
from accelsim.reuse.identity import Identity
from accelsim.reuse.recent import ByteBudget, Recent
from accelsim.simulation.transitions import Transitions
from accelsim.traffic import MemoryResult, Traffic

if TYPE_CHECKING:
    from accelsim.reuse.mapping_file import MappingFile

MOST_BYTES: Final = 24_000_000
"""What a cache may hold, by its own estimates. A network with its schedule takes 0.2 to 1 MB, so that 25 to
100 of them are remembered, more than most comparisons and families have, while a process stays below 150 MB:
it takes 55 MB before its first run, and a large network up to 50 MB while it is simulated. A search has one
such process on each core."""


@dataclass(frozen=True, slots=True)
class LayerCosts:
    """What a layer costs by its mapping alone, whatever runs before and after it."""

    form: Layer
    macs: int
    skipped_macs: int
    weight_density: float | None
    energy: float
    energy_pj: float | None
    energy_by_component: MappingOf[str, float]
    dram_bytes: Traffic
    global_buffer_bytes: Traffic
    compulsory_dram_bytes: int
    lower_bound_cycles: int
    busy_cycles: MappingOf[str, int]
    shape: str
    tile: str
    memories: MappingOf[str, MemoryResult]
    tile_sizes: MappingOf[str, int]
    tile_order: tuple[str, ...]
    idle_rows: int
    least_weight_bytes: int
    """That have to come wherever activations lie; as the next, 0 on a machine that keeps none."""
    least_array_cycles: int
    """That it takes at least."""
    parameters: MappingOf[str, int]
    """Of its dataflow."""


@dataclass
class LayersOnMachine:
    """What is known of layers and networks on one machine with one choice of options.

    Attributes:
        transitions: What simulations went through.

    Example:
        >>> from accelsim import load_hardware
        >>> layers = Cache().layers(load_hardware("16x16_128k"), MappingOptions())
        >>> len(layers.mappings), layers.simulation_bytes
        (0, 0)
    """

    mappings: MutableMapping[Layer, Mapping]
    """By the layer without names."""
    schedules: Recent[Identity, Schedule]
    """By the executed graph."""
    costs: Recent[Identity, LayerCosts]
    """By the mapping: that is quicker than a layer's value, and each layer has a mapping of its own."""
    write_down: Callable[[], None] = lambda: None
    """Has what was found out about mappings written into the file, where there is one."""
    transitions: Transitions = field(default_factory=Transitions)
    pool: PoolKnowledge = field(default_factory=PoolKnowledge)
    """What is known of layers, where the machine has a pool."""
    grids: Grids = field(default_factory=Grids)
    """Sizes that layers were cut into, on any machine."""

    def schedule(self, executed: ExecutedGraph, make: Callable[[], Schedule]) -> Schedule:
        """The schedule of an executed graph."""
        key = Identity(executed)
        schedule = self.schedules.get(key)
        if schedule is None:
            schedule = self.schedules[key] = make()
            self.write_down()
        return schedule

    @property
    def simulation_bytes(self) -> int:
        """What simulations left here, estimated."""
        known = self.transitions
        return _ENTRY_BYTES * known.entries + _MACHINE_STEP_BYTES * len(known.steps)


class Cache:
    """What is known of networks, and of layers on machines: what was used lately, within a budget.

    One cache serves any number of runs, one after the other, of any networks on any machines; results are the
    same as without.

    Example:
        >>> from accelsim import run_network
        >>> cache = Cache()
        >>> first = run_network("squeezenet_v1_1", "16x16_128k", cache=cache)
        >>> run_network("squeezenet_v1_1", "16x16_128k", cache=cache) == first
        True
        >>> cache.held_bytes < MOST_BYTES
        True
    """

    def __init__(self, file: str | Path | None = None, *, most_bytes: int = MOST_BYTES) -> None:
        """Mappings are kept in a file, too, if one is named.

        A file that cannot be used as it should be, because it is damaged, locked or on a full disk, costs
        time only: what is in it is searched for again, and a `FileWarning` says so.

        Args:
            file: A path; the file is made where there is none. Several processes may use it.
            most_bytes: What the cache may hold in memory, by its own estimates.

        Raises:
            AccelsimError: The file is one of something else.
        """
        most_bytes = whole_number("most_bytes", most_bytes, 0)
        if file is not None:
            check_path("file", file, "a file of mappings")
        self._file = None if file is None else _opened(Path(file))
        self._most_bytes = most_bytes
        self._budget = ByteBudget(most_bytes)
        self._siblings = Siblings(most_bytes // _SIBLINGS_PART)
        self._latest: Recent[str, Siblings] = Recent(self._budget, lambda siblings: siblings.held_bytes)
        self._networks: Recent[Identity, LoweredNetwork] = Recent(self._budget, _network_bytes)
        self._machines: Recent[Identity, str] = Recent(self._budget, _machine_bytes)
        self._layers: Recent[tuple[str, MappingOptions], LayersOnMachine] = Recent(
            self._budget, _layers_bytes
        )
        self.parts: Recent[Any, tuple[ExecutedNode, ...]] = Recent(
            self._budget, lambda nodes: _LAYER_BYTES * len(nodes)
        )
        """Layers that networks have in common, by what they are known by to those who put them together."""
        self._grids = {finely: self._empty_grids(finely=finely) for finely in (False, True)}

    def _empty_grids(self, *, finely: bool) -> Grids:
        budget = self._budget
        return Grids(
            finely,
            channels=Recent(budget, _array_bytes),
            axes=Recent(budget, _array_bytes),
            numbers=Recent(budget, _numbers_bytes),
            sizes=Recent(budget, _numbers_bytes),
            loops=KnownLoops(Recent(budget, _loop_bytes), Recent(budget, _nest_bytes)),
            siblings=self._siblings,
        )

    def lowered(self, network: Network, make: Callable[[Network], LoweredNetwork]) -> LoweredNetwork:
        """What `make` says of a network. Raises NetworkError where it does."""
        return self._networks.get_or_make(Identity(network), lambda: make(network))

    def layers(self, hardware: Hardware, options: MappingOptions) -> LayersOnMachine:
        """Of one machine, whichever object describes it, and one choice of options."""
        key = self._machine(hardware), options
        layers = self._layers.get_or_make(key, lambda: self._layers_on(hardware, options))
        if layers.simulation_bytes > self._most_bytes // 2:  # the other half is for what they are of
            layers.transitions = Transitions()
        self._layers[key] = layers  # they have grown since they were last used
        self._latest["siblings"] = self._siblings
        return layers

    def keep(
        self,
        network: Network,
        lowered: LoweredNetwork,
        hardware: Hardware,
        options: MappingOptions,
        layers: LayersOnMachine,
    ) -> None:
        """Have these outlast what a search found out meanwhile, which may be more than the budget holds.

        They were looked up before it; without them the schedule that it made would not be found again.
        """
        self._networks[Identity(network)] = lowered
        self._layers[self._machine(hardware), options] = layers

    @property
    def held_bytes(self) -> int:
        """What it takes, estimated."""
        return self._budget.held_bytes

    def _machine(self, hardware: Hardware) -> str:
        """The same of all objects that describe one machine."""
        return self._machines.get_or_make(Identity(hardware), hardware.model_dump_json)

    def _layers_on(self, hardware: Hardware, options: MappingOptions) -> LayersOnMachine:
        mappings: Recent[Layer, Mapping] = Recent(self._budget, mapping_bytes)
        schedules: Recent[Identity, Schedule] = Recent(self._budget, _schedule_bytes)
        costs: Recent[Identity, LayerCosts] = Recent(self._budget, lambda _: _COSTS_BYTES)
        pool = PoolKnowledge(
            Recent(self._budget, lambda listed: listed.held_bytes),
            Recent(self._budget, mapping_bytes),
            Recent(self._budget, mapping_bytes),
            Recent(self._budget, lambda _: _JUDGED_BYTES),
        )
        grids = self._grids[options.objective is not None]
        if self._file is None:
            return LayersOnMachine(mappings, schedules, costs, pool=pool, grids=grids)
        in_file = self._file.mappings(hardware, options, mappings)
        return LayersOnMachine(in_file, schedules, costs, in_file.flush, pool=pool, grids=grids)


def cache_or_new(cache: Cache | None, memory: Cache | None = None) -> Cache:
    """The cache that a run was given, or one that serves that run alone.

    Args:
        cache: What the caller gave as `cache=`.
        memory: What it gave as `memory=`, which that was called before; a `DeprecationWarning` says so.

    Returns:
        The one that was given, otherwise a new one.

    Raises:
        AccelsimError: What was given is no cache, or both were.

    Example:
        >>> cache = Cache()
        >>> cache_or_new(cache) is cache, cache_or_new(None) is cache
        (True, False)
    """
    if memory is not None:
        if cache is not None:
            raise AccelsimError("memory: must be left out beside cache, which it is now called")
        warnings.warn("memory= is now called cache=", DeprecationWarning, stacklevel=3)
        cache = memory
    if cache is None:
        return Cache()
    if not isinstance(cache, Cache):
        raise AccelsimError(
            f"cache = {in_words(cache)}: must be a Cache; Cache(path) keeps mappings in a file"
        )
    return cache


@functools.cache
def cache_of_this_process() -> Cache:
    """The one that independent pieces of work share which happen to be done by the same worker.

    Returns:
        A cache; always the same within a process.

    Example:
        >>> cache_of_this_process() is cache_of_this_process()
        True
    """
    return Cache()


def _opened(file: Path) -> "MappingFile":
    from accelsim.reuse.mapping_file import MappingFile  # noqa: PLC0415 (sqlite3 takes time to import)

    return MappingFile(file)


# --- estimates: bytes of what there is many of, as tracemalloc measures them on the networks that are shipped

_SIBLINGS_PART: Final = 6
"""Of the budget, no more than a sixth is for the latest machine and its siblings."""
_LAYER_BYTES: Final = 5000
"""A node of an executed graph: its layer, the same without names, its edges."""
_NOTE_BYTES: Final = 300
_SCHEDULED_BYTES: Final = 120
"""A layer's places in a schedule."""
_MAPPING_BYTES: Final = 1500
_STEP_BYTES: Final = 600
_COSTS_BYTES: Final = 1300
_ENTRY_BYTES: Final = 60
"""What the fast engine counts as an entry of a queue."""
_MACHINE_STEP_BYTES: Final = 650
"""A step as the fast engine's machine meets it."""
_JUDGED_BYTES: Final = 1000
"""A choice, and a number."""
_KEPT_BYTES: Final = 700
"""Of sizes to cut layers into: what they are of, and where they are kept."""
_NUMBER_BYTES: Final = 40
_ITERATIONS_BYTES: Final = 300
"""Of a loop over tiles that are alike."""
_KIND_BYTES: Final = 160
"""Of tiles that are alike."""
_MACHINE_BYTES: Final = 30_000
_TABLES_BYTES: Final = 2000
"""Empty tables of one machine."""


def _network_bytes(network: LoweredNetwork) -> int:
    graph = network.graph
    return _LAYER_BYTES * len(graph) + _NOTE_BYTES * len(graph.notes)


def _schedule_bytes(schedule: Schedule) -> int:
    return _SCHEDULED_BYTES * len(schedule.layers)


def _machine_bytes(text: str) -> int:
    return _MACHINE_BYTES + len(text)


def _layers_bytes(layers: LayersOnMachine) -> int:
    return _TABLES_BYTES + layers.simulation_bytes


def _array_bytes(array: Ints) -> int:
    return _KEPT_BYTES + array.nbytes


def _numbers_bytes(numbers: tuple[int, ...]) -> int:
    return _KEPT_BYTES + _NUMBER_BYTES * len(numbers)


def _loop_bytes(loop: Loop) -> int:
    return _KEPT_BYTES + _ITERATIONS_BYTES * len(loop.iterations)


def _nest_bytes(nest: Nest) -> int:
    return _KEPT_BYTES + _KIND_BYTES * len(nest.kinds)


def mapping_bytes(mapping: Mapping) -> int:
    """What a mapping takes, estimated: steps that are alike are one object."""
    return _MAPPING_BYTES + _STEP_BYTES * len(_parts(mapping.program, set()))


def _parts(program: Iterable[ProgramPart], identities: set[int]) -> set[int]:
    """The identities of all steps and loops of a program."""
    for part in program:
        if id(part) not in identities:
            identities.add(id(part))
            if isinstance(part, Repeat):
                _parts(part.body, identities)
    return identities
