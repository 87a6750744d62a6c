"""Memory: what runs found out, for the runs that follow. It changes how fast, never what.

The caller holds it and hands it to each run: a search to its thousands, a command to its few. `run_network`
remembers nothing by itself. However many networks and machines pass through, it stays within a budget of
bytes (docs/decisions/memory.md).
"""

import weakref
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from accelsim.arguments import check_path, whole_number
from accelsim.descriptions import in_words
from accelsim.errors import AccelsimError, NetworkError
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.mapping import Mapping, Program, Repeat
from accelsim.mapping.schedule import Schedule
from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.graph import Graph, total_macs, total_params
from accelsim.network.layer import Layer
from accelsim.network.lowering import lower
from accelsim.result import LayerCosts
from accelsim.reuse.recent import Budget, Recent
from accelsim.simulation.fast import Transitions

if TYPE_CHECKING:
    from accelsim.mapping.kept import MappingFile

MOST_BYTES: Final = 24_000_000
"""What a memory may hold, by its own estimates. A network with its schedule takes 0.2 to 1 MB, so that 25 to
100 of them are remembered, more than most comparisons and families have, while a process stays below 150 MB:
it takes 55 MB before its first run, and a large network up to 50 MB while it is simulated. A search has one
such process on each core."""

KnownCosts: TypeAlias = dict[int, tuple[Mapping, LayerCosts]]
"""By the mapping's identity: it is quicker than a layer's value, and each layer has a mapping of its own."""


@dataclass(frozen=True)
class LoweredNetwork:
    """A network as it is executed, and its published totals."""

    graph: Graph
    macs: int
    params: int


def _mappings_apart() -> MutableMapping[Layer, Mapping]:
    return Recent(Budget(MOST_BYTES), mapping_bytes)


def _schedules_apart() -> "Recent[int, tuple[Graph, Schedule]]":
    return Recent(Budget(MOST_BYTES), _schedule_bytes)


@dataclass
class LayersOnMachine:
    """What is known of layers and networks on one machine with one set of options.

    Mappings are known by the layer without names.
    """

    mappings: MutableMapping[Layer, Mapping] = field(default_factory=_mappings_apart)
    schedules: "Recent[int, tuple[Graph, Schedule]]" = field(default_factory=_schedules_apart)
    write_down: Callable[[], None] = lambda: None
    """Has what was found out about mappings written into the file, where there is one."""
    costs: KnownCosts = field(default_factory=dict)
    transitions: Transitions = field(default_factory=Transitions)

    def schedule(self, executed: Graph, make: Callable[[], Schedule]) -> Schedule:
        """The schedule of an executed graph; graphs are told apart by identity, as networks are."""
        known = self.schedules.get(id(executed))
        if known is None:
            known = self.schedules[id(executed)] = (executed, make())
            self.write_down()
        return known[1]

    def forget_simulations(self) -> None:
        """Let go of what grows with each simulation; what is known of mappings and schedules stays."""
        self.costs = {}
        self.transitions = Transitions()

    @property
    def simulation_bytes(self) -> int:
        """What simulations left here, estimated."""
        return _COSTS_BYTES * len(self.costs) + _ENTRY_BYTES * self.transitions.entries


class Memory:
    """What is known of networks, and of layers on machines: what was used lately, within a budget."""

    def __init__(self, file: str | Path | None = None, *, most_bytes: int = MOST_BYTES) -> None:
        """Mappings are kept in a file, too, if one is named. Raises AccelsimError where that is another's.

        A file that cannot be used as it should be, because it is damaged, locked or on a full disk, costs
        time only: what is in it is searched for again, and a `FileWarning` says so.
        """
        most_bytes = whole_number("most_bytes", most_bytes, 0)
        if file is not None:
            check_path("file", file, "a file of mappings")
        self._file = None if file is None else _opened(Path(file))
        self._most_bytes = most_bytes
        self._budget = Budget(most_bytes)
        self._networks: Recent[int, tuple[weakref.ref[Network], LoweredNetwork]] = Recent(
            self._budget, _network_bytes
        )
        self._machines: Recent[int, tuple[Hardware, str]] = Recent(self._budget, _machine_bytes)
        self._layers: Recent[tuple[str, int, str, Objective | None], LayersOnMachine] = Recent(
            self._budget, _layers_bytes
        )

    def lowered(self, network: Network) -> LoweredNetwork:
        """The network's graph. Raises NetworkError where it has none.

        Networks are told apart by identity: to compare two takes as long as to build one. They are not kept
        alive: who lets go of a network does not ask for it again.
        """
        known = self._networks.get(id(network))
        if known is None or known[0]() is not network:
            known = self._networks[id(network)] = (weakref.ref(network), lowered_network(network))
        return known[1]

    def layers(
        self, hardware: Hardware, batch: int, dataflow: str, objective: Objective | None
    ) -> LayersOnMachine:
        """Of one machine, whichever object describes it, and one set of options."""
        _, text = self._machines.get_or_make(id(hardware), lambda: (hardware, hardware.model_dump_json()))
        key = (text, batch, dataflow, objective)
        layers = self._layers.get_or_make(key, lambda: self._layers_on(hardware, *key[1:]))
        if layers.simulation_bytes > self._most_bytes // 2:  # the other half is for what they are of
            layers.forget_simulations()
        self._layers[key] = layers  # it has grown since it was last used
        return layers

    @property
    def held_bytes(self) -> int:
        """What it takes, estimated."""
        return self._budget.held_bytes

    def _layers_on(
        self, hardware: Hardware, batch: int, dataflow: str, objective: Objective | None
    ) -> LayersOnMachine:
        mappings: Recent[Layer, Mapping] = Recent(self._budget, mapping_bytes)
        schedules: Recent[int, tuple[Graph, Schedule]] = Recent(self._budget, _schedule_bytes)
        if self._file is None:
            return LayersOnMachine(mappings, schedules)
        kept = self._file.mappings(hardware, batch, f"{dataflow} {objective}", mappings)
        return LayersOnMachine(kept, schedules, kept.flush)


def memory_or_new(memory: Memory | None) -> Memory:
    """The memory that a run was given, or one that serves that run alone."""
    if memory is None:
        return Memory()
    if not isinstance(memory, Memory):
        raise AccelsimError(
            f"memory = {in_words(memory)}: must be a Memory; Memory(path) keeps mappings in a file"
        )
    return memory


@cache
def memory_of_this_process() -> Memory:
    """The one that independent pieces of work share which happen to be done by the same worker."""
    return Memory()


def _opened(file: Path) -> "MappingFile":
    from accelsim.mapping.kept import MappingFile  # noqa: PLC0415 (sqlite3 takes time to import)

    return MappingFile(file)


def lowered_network(network: Network) -> LoweredNetwork:
    """Build and lower a network. Raises NetworkError, also where nothing is left to execute."""
    published = build(network)
    executed = lower(published)
    if not executed:
        raise NetworkError(f"{network.name}: has no layer to execute; it only passes its input on")
    return LoweredNetwork(executed, total_macs(published), total_params(published))


# --- estimates: bytes of what there is many of, as tracemalloc measures them on the networks that are shipped

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
_MACHINE_BYTES: Final = 30_000
_TABLES_BYTES: Final = 2000
"""Empty tables of one machine."""


def _network_bytes(known: tuple["weakref.ref[Network]", LoweredNetwork]) -> int:
    graph = known[1].graph
    return _LAYER_BYTES * len(graph) + _NOTE_BYTES * len(graph.graph.get("notes", ()))


def _schedule_bytes(known: tuple[Graph, Schedule]) -> int:
    return _SCHEDULED_BYTES * len(known[1].layers)


def _machine_bytes(known: tuple[Hardware, str]) -> int:
    return _MACHINE_BYTES + len(known[1])


def _layers_bytes(layers: LayersOnMachine) -> int:
    return _TABLES_BYTES + layers.simulation_bytes


def mapping_bytes(mapping: Mapping) -> int:
    """What a mapping takes, estimated: steps that are alike are one object."""
    return _MAPPING_BYTES + _STEP_BYTES * len(_parts(mapping.program, set()))


def _parts(program: Iterable[Program], seen: set[int]) -> set[int]:
    """The identities of all steps and loops of a program."""
    for part in program:
        if id(part) not in seen:
            seen.add(id(part))
            if isinstance(part, Repeat):
                _parts(part.body, seen)
    return seen
