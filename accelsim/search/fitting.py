"""What makes a network run that a machine's pool does not hold: every figure is a run of its own.

One thing of the machine or of the network is changed at a time: the pool is as large as the network needs, or
the next power of two, for a pool in which the largest layer has the smallest tiles is slow; the image is the
largest that fits; activations may lie outside, have half as many bits, or take less at once in another order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

from accelsim.choices import AUTO
from accelsim.descriptions import vary
from accelsim.descriptions.limits import MAX_BUFFER_BYTES
from accelsim.descriptions.phrases import memory_word
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware, Objective, Operand
from accelsim.network.description import Network
from accelsim.planning.programme.shortage import PoolShortageError, Shortage
from accelsim.result import RunResult
from accelsim.reuse.cache import Cache
from accelsim.run import run_network
from accelsim.search.changes import Baseline
from accelsim.search.network_remedies import half_the_bits
from accelsim.search.remedies import deeper_cascades
from accelsim.search.words import change_words

FittingName: TypeAlias = Literal[
    "least_pool", "larger_pool", "image", "outside", "ends", "activations_bits", "order", "batch", "cascade"
]
"""Of changes."""


@dataclass(frozen=True)
class FittingOutcome:
    """A change with which the network runs, or does not either."""

    name: FittingName
    words: str
    """What is changed."""
    result: RunResult | None
    """The run; None where there is none."""
    problem: str = ""
    """Why there is none."""


@dataclass(frozen=True)
class Misfit:
    """A network that a machine's pool does not hold, and what makes it run."""

    network: str
    hardware: str
    problem: str
    """Where it does not fit, and what would help."""
    outcomes: tuple[FittingOutcome, ...]
    """Those with which it runs, the fastest first; then the others."""


def what_fits(
    network: Network,
    hardware: Hardware,
    error: PoolShortageError,
    *,
    dataflow: str,
    objective: Objective | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> Misfit:
    """Run a network that a pool does not hold with each change that may make it fit.

    Args:
        network: The network.
        hardware: The machine.
        error: What a run of it said.
        dataflow: As in `run_network`.
        objective: What mappings are chosen by, as in `run_network`.
        step: Is told of each run that is done.

    Returns:
        The runs; a change with which it does not fit either says so.
    """
    run = partial(run_network, dataflow=dataflow, objective=objective, cache=Cache())
    outcomes = []
    for name, words, changed, machine, batch in _changes(network, hardware, error.shortage):
        try:
            outcomes.append(FittingOutcome(name, words, run(changed, machine, batch=batch)))
        except AccelsimError as obstacle:
            outcomes.append(FittingOutcome(name, words, None, _of_it(obstacle)))
        step(words)
    outcomes.sort(key=lambda outcome: float("inf") if outcome.result is None else outcome.result.cycles)
    return Misfit(network.name, hardware.name, str(error), tuple(outcomes))


def _of_it(error: AccelsimError) -> str:
    """The problem of a change, without what would help."""
    return str(error).partition("; would help:")[0]


Changed: TypeAlias = tuple[FittingName, str, Network, Hardware, int]
"""Name and words of a change, what is run then, and how many images together."""


def _changes(network: Network, hardware: Hardware, shortage: Shortage) -> Iterator[Changed]:
    batch, memory, needed = shortage.batch, shortage.memory, shortage.roomiest.size_bytes
    sizes: tuple[tuple[FittingName, int], ...] = (
        ("least_pool", needed),
        ("larger_pool", 1 << (needed - 1).bit_length()),
    )
    for name, size_bytes in sizes:
        if size_bytes <= MAX_BUFFER_BYTES:
            noun, larger = _larger_pool(hardware, memory, size_bytes)
            words = f"{noun} {shortage.fault.pool_bytes} -> {size_bytes} bytes"
            yield name, words, network, larger, batch
    if shortage.smaller is not None:
        before, image = network.image, shortage.smaller.image
        words = f"images of {before.height} x {before.width} -> {image.height} x {image.width}"
        yield "image", words, shortage.smaller, hardware, batch
    ends = {"io.inputs": None, "io.outputs": None}
    outermost = hardware.off_chip[0].name
    if hardware.home(Operand.OUTPUTS) is None:
        outside = vary(hardware, **{f"memories.{outermost}.holds": [*Operand], **ends})
        yield "outside", f"{memory_word(outermost)} holds activations, too", network, outside, batch
    else:
        home = hardware.activation_places[0]
        yield "ends", f"image and result in {memory_word(home)}", network, vary(hardware, **ends), batch
    if halved := half_the_bits(network, hardware, "activations"):
        change, changed = halved
        yield "activations_bits", change_words(change), changed, hardware, batch
    for remedy in deeper_cascades(Baseline(network, hardware, AUTO)):
        yield "cascade", change_words(remedy.change), network, remedy.hardware, batch
    if hardware.mapper.order == "network":
        reordered = vary(hardware, **{"mapper.order": "least_peak"})
        yield "order", "layers in the order of least peak", network, reordered, batch
    if batch > 1:
        yield "batch", f"{batch} -> 1 images at a time", network, hardware, 1


def _larger_pool(hardware: Hardware, name: str, size_bytes: int) -> tuple[str, Hardware]:
    """A noun for what grows, and the machine: of a memory that is large enough its arena does."""
    key, memory = f"memories.{name}", next(memory for memory in hardware.memories if memory.name == name)
    if memory.arena_bytes is not None and size_bytes <= (memory.size_bytes or 0):
        return f"arena of {memory_word(name)}", vary(hardware, **{f"{key}.arena_bytes": size_bytes})
    larger = vary(hardware, **{f"{key}.size_bytes": size_bytes, f"{key}.arena_bytes": None})
    return memory_word(name), larger
