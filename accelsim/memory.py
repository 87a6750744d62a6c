"""Memory: what runs found out, for the runs that follow. It changes how fast, never what.

The caller holds it and hands it to each run: a search to its thousands, a command to its few. `run_network`
remembers nothing by itself.
"""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from accelsim.errors import NetworkError
from accelsim.hardware import Hardware, Objective
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.schedule import Schedule
from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.graph import Graph, total_macs, total_params
from accelsim.network.layer import Layer
from accelsim.network.lowering import lower
from accelsim.result import LayerCosts
from accelsim.simulation.fast import Transitions

if TYPE_CHECKING:
    from accelsim.mapping.kept import MappingFile

MOST_NETWORKS: Final = 256
MOST_MACHINES: Final = 16
"""Kept at a time, so that memory stays constant however many are looked at; the oldest are forgotten."""
ValueT = TypeVar("ValueT")
KeyT = TypeVar("KeyT")


KnownCosts: TypeAlias = dict[int, tuple[Mapping, LayerCosts]]
"""By the mapping's identity: it is quicker than a layer's value, and each layer has a mapping of its own."""


@dataclass(frozen=True)
class LoweredNetwork:
    """A network as it is executed, and its published totals."""

    graph: Graph
    macs: int
    params: int


@dataclass(frozen=True)
class LayersOnMachine:
    """What is known of layers and networks on one machine with one set of options.

    Mappings are known by the layer without names.
    """

    mappings: MutableMapping[Layer, Mapping] = field(default_factory=dict)
    costs: KnownCosts = field(default_factory=dict)
    transitions: Transitions = field(default_factory=Transitions)
    schedules: dict[int, tuple[Graph, Schedule]] = field(default_factory=dict)

    def schedule(self, executed: Graph, make: Callable[[], Schedule]) -> Schedule:
        """The schedule of an executed graph; graphs are told apart by identity, as networks are."""
        return _kept(self.schedules, id(executed), lambda: (executed, make()), MOST_NETWORKS)[1]


class Memory:
    """What is known of networks, and of layers on machines."""

    def __init__(self, file: Path | None = None) -> None:
        """Mappings are kept in a file, too, if one is named. Raises AccelsimError where it cannot be used."""
        self._file = None if file is None else _opened(file)
        self._networks: dict[int, tuple[Network, LoweredNetwork]] = {}
        self._machines: dict[int, tuple[Hardware, str]] = {}
        self._layers: dict[tuple[str, int, str, Objective | None], LayersOnMachine] = {}

    def lowered(self, network: Network) -> LoweredNetwork:
        """The network's graph. Raises NetworkError where it has none.

        Networks are told apart by identity: to compare two takes as long as to build one.
        """
        return _kept(self._networks, id(network), lambda: (network, lowered_network(network)), MOST_NETWORKS)[
            1
        ]

    def layers(
        self, hardware: Hardware, batch: int, dataflow: str, objective: Objective | None
    ) -> LayersOnMachine:
        """Of one machine, whichever object describes it, and one set of options."""
        _, text = _kept(
            self._machines, id(hardware), lambda: (hardware, hardware.model_dump_json()), MOST_MACHINES
        )
        key = (text, batch, dataflow, objective)
        return _kept(self._layers, key, lambda: self._layers_on(hardware, *key[1:]), MOST_MACHINES)

    def _layers_on(
        self, hardware: Hardware, batch: int, dataflow: str, objective: Objective | None
    ) -> LayersOnMachine:
        if self._file is None:
            return LayersOnMachine()
        return LayersOnMachine(self._file.mappings(hardware, batch, f"{dataflow} {objective}"))


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


def _kept(known: dict[KeyT, ValueT], key: KeyT, make: Callable[[], ValueT], most: int) -> ValueT:
    if key not in known:
        if len(known) >= most:
            del known[next(iter(known))]
        known[key] = make()
    return known[key]
