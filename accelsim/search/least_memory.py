"""The smallest memory for a network, without and with cascades: what it costs in time and in weights.

Every figure is a run: in a memory in which nothing is short, in the least arena that holds the network with
nothing but weights outside (and its ends as `io` says), and in a tenth more, since in the very least the
smallest tiles are all that is left room for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from accelsim.choices import AUTO
from accelsim.descriptions import vary
from accelsim.descriptions.arguments import check_function, whole_number
from accelsim.descriptions.limits import MAX_BUFFER_BYTES, MAX_CASCADE_LAYERS
from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Operand, hardware_of
from accelsim.mapping.options import MappingOptions
from accelsim.network.description import Network
from accelsim.network.load import network_of
from accelsim.network.lowered import lowered_network
from accelsim.planning.least_arena import LeastArena, least_arena, pool_of_activations
from accelsim.planning.plan import Plan
from accelsim.result import RunResult
from accelsim.run import in_running_order, options_for, plan_peak, plan_run, run_plan
from accelsim.search.remedies import CASCADE_LAYERS

_MORE: Final = 1.1
"""In how much more memory the network is run, too."""
_ROOMY: Final = 2
"""How much more than enough is plenty."""


@dataclass(frozen=True)
class MemoryRun:
    """A network in a memory of a size.

    Attributes:
        size_bytes: What it may take of the memory.
        layers: How many layers a cascade may have; 0 is none.
        is_least: Whether that is the least that holds it.
        result: The run.
        cascades: How many there are.

    Example:
        >>> fit_network("mlperf_tiny_kws", "npu_int8_256k").roomy.weight_bytes
        22604
    """

    size_bytes: int
    layers: int
    is_least: bool
    result: RunResult
    cascades: int

    @property
    def weight_bytes(self) -> int:
        """Of weights that are read outside, for an inference."""
        memories = [self.result.memories[name] for name in self.result.off_chip]
        return sum([memory.read_bytes.get(Operand.WEIGHTS.value, 0) for memory in memories])


@dataclass(frozen=True)
class MemoryFit:
    """The smallest memory for a network.

    Attributes:
        network: Its name.
        hardware: That of the machine.
        memory: That of the memory that keeps activations.
        roomy: A run in a memory in which nothing is short.
        runs: In the least memory and in a tenth more: without cascades, then with them.
        least: Who needs the least memory, without and with.

    Example:
        >>> fit = fit_network("mlperf_tiny_ic", "npu_int8_256k")
        >>> [(run.layers, run.size_bytes) for run in fit.runs if run.is_least]
        [(0, 49180), (4, 32780)]
    """

    network: str
    hardware: str
    memory: str
    roomy: MemoryRun
    runs: tuple[MemoryRun, ...]
    least: tuple[LeastArena, LeastArena]


def fit_network(
    network: Network | str | Path,
    hardware: Hardware | str | Path,
    *,
    layers: int | None = None,
    dataflow: str = AUTO,
    step: Callable[[str], None] = lambda _: None,
) -> MemoryFit:
    """The smallest memory in which a network runs with nothing outside but weights.

    Args:
        network: A network, or a name or path as `--net` takes it.
        hardware: A machine, or a name or path as `--hw` takes it; how large its memory is is no matter.
        layers: Of a cascade, at most; None is what the machine says, or 4.
        dataflow: As in `run_network`.
        step: Is told of each run that is done.

    Returns:
        The least without and with cascades, and what it costs beside a memory in which nothing is short.

    Raises:
        MappingError: The machine has no pool that keeps activations, or no memory is large enough.

    Example:
        >>> fit_network("mlperf_tiny_kws", "npu_int8_256k").least[0].layers
        ('conv2_depthwise',)
    """
    check_function("step", step, "of each run that is done")
    network, hardware = network_of(network), hardware_of(hardware)
    said = CASCADE_LAYERS if hardware.cascade is None else hardware.cascade.layers
    depth = said if layers is None else whole_number("layers", layers, 2, MAX_CASCADE_LAYERS)
    return _Fitting(network, hardware, depth, dataflow, step).fit()


@dataclass(frozen=True)
class _Fitting:
    network: Network
    hardware: Hardware
    layers: int
    dataflow: str
    step: Callable[[str], None]

    def fit(self) -> MemoryFit:
        memory = pool_of_activations(self.hardware).memory
        roomy = self._roomy(memory)
        options = replace(options_for(self.network, None, self.dataflow, "time"), activations="on_chip")
        with_room = _run(plan_run(self.network, roomy, options), roomy.on_chip_bytes, 0, is_least=False)
        self.step("in a memory in which nothing is short")
        runs: list[MemoryRun] = []
        least = []
        for layers in (0, self.layers):
            machine = vary(roomy, cascade={"layers": layers} if layers else None)
            found = plan_peak(self.network, machine, dataflow=self.dataflow)
            least.append(found.least)
            runs += self._runs(found.plan, memory, found.size_bytes, layers)
        name, machine_name = self.network.name, self.hardware.name
        return MemoryFit(name, machine_name, memory, with_room, tuple(runs), (least[0], least[1]))

    def _roomy(self, memory: str) -> Hardware:
        """The machine with a memory in which nothing is short, and no cascades."""
        plain = vary(self.hardware, cascade=None)
        graph = in_running_order(lowered_network(self.network), plain, 1).graph
        least = least_arena(graph, plain, MappingOptions(dataflow=self.dataflow))
        if least is None:
            sentence = "must be outside, or more than any memory has would have to be on chip"
            raise MappingError(
                f"{self.network.name} on {self.hardware.name}: something between layers {sentence}"
            )
        enough = min(_ROOMY * least.size_bytes, MAX_BUFFER_BYTES)
        sizes = {"size_bytes": 1 << (enough - 1).bit_length(), "arena_bytes": None}
        return vary(plain, **{f"memories.{memory}.{key}": value for key, value in sizes.items()})

    def _runs(self, plan: Plan, memory: str, size_bytes: int, layers: int) -> Iterator[MemoryRun]:
        """In the least memory, and in a tenth more."""
        cascades = f"with cascades of up to {layers} layers" if layers else "without cascades"
        yield _run(plan, size_bytes, layers, is_least=True)
        self.step(f"in the least memory {cascades}")
        more_bytes = int(size_bytes * _MORE)
        more = vary(plan.hardware, **{f"memories.{memory}.arena_bytes": more_bytes})
        yield _run(plan_run(self.network, more, plan.options), more_bytes, layers, is_least=False)
        self.step(f"in a tenth more {cascades}")


def _run(plan: Plan, size_bytes: int, layers: int, *, is_least: bool) -> MemoryRun:
    striped = plan.schedule.striped
    return MemoryRun(
        size_bytes, layers, is_least, run_plan(plan), 0 if striped is None else len(striped.cascades)
    )
