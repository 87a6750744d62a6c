"""Programs of the host: the same steps, done by another unit, with a call before the first of them; and
those of an array that is called, too.

The host reads what a step has loaded, and what lies in the pool, until it is done with it, and its outputs go
the way that those of the vector unit go. So a step holds all its room for as long as the host works at it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from accelsim.hardware.counts import ActionCounts, HostCounts
from accelsim.hardware.host import HOST, Host
from accelsim.hardware.machine import Hardware
from accelsim.mapping.mapping import ON_HOST, ProgramPart, Repeat, Step


def host_of(hardware: Hardware) -> Host:
    """The host of a machine that has one, or of one as a layer sees it that runs there."""
    host = hardware.pe_array.dataflows.get(HOST, hardware.host)
    assert isinstance(host, Host)  # only then has a layer been given to it
    return host


def program_on_host(program: Sequence[ProgramPart], hardware: Hardware) -> tuple[ProgramPart, ...]:
    """A program as the host executes it, of steps as they would be on an array at its rates.

    Args:
        program: Written for `hardware.on_host`.
        hardware: The machine, which has a host.

    Returns:
        As many steps in the same loops; before the first one the host is called.
    """
    made: dict[int, ProgramPart] = {}
    host = host_of(hardware)
    calls = ActionCounts(host=HostCounts(calls=1))
    return _called(
        tuple([_hosted(part, host, made) for part in program]),
        lambda first: replace(
            first,
            vector_cycles=first.vector_cycles + host.cycles_per_call,
            vector_counts=first.vector_counts + calls,
        ),
    )


def program_on_array(program: Sequence[ProgramPart], hardware: Hardware) -> tuple[ProgramPart, ...]:
    """A program of the array, before the first step of which its registers are written.

    Args:
        program: As it would be if that took no time.
        hardware: The machine, whose `pe_array.cycles_per_call` says how long it takes.

    Returns:
        As many steps in the same loops.
    """
    cycles = hardware.pe_array.cycles_per_call
    if not cycles:
        return tuple(program)
    return _called(tuple(program), lambda first: replace(first, array_cycles=first.array_cycles + cycles))


def _hosted(part: ProgramPart, host: Host, made: dict[int, ProgramPart]) -> ProgramPart:
    """A part of the program; those that were shared still are, as `made` keeps them by their identity."""
    hosted = made.get(id(part))
    if hosted is None:
        if isinstance(part, Repeat):
            hosted = Repeat(part.times, tuple([_hosted(inner, host, made) for inner in part.body]))
        else:
            hosted = _step(part, host)
        made[id(part)] = hosted
    return hosted


def _step(step: Step, host: Host) -> Step:
    counts = step.array_counts + step.vector_counts
    return ON_HOST[type(step)](
        loads=step.loads,
        takes=step.takes,
        freed_by_array={},
        freed_by_vector_unit={**step.freed_by_array, **step.freed_by_vector_unit},
        stores=step.stores,
        freed_by_store=step.freed_by_store,
        array_cycles=0,
        vector_cycles=host.cycles_per_tile + step.array_cycles + step.vector_cycles,
        array_counts=ActionCounts(),
        vector_counts=replace(counts, macs=0, vector_ops=0, host=HostCounts(counts.macs, counts.vector_ops)),
        completes=step.completes,
        crossing=step.crossing,
        weights_of_layer=step.weights_of_layer,
    )


def _called(program: tuple[ProgramPart, ...], with_call: Callable[[Step], Step]) -> tuple[ProgramPart, ...]:
    """With a call before the first step, which takes so much longer."""
    first, *others = program
    if isinstance(first, Repeat):
        rest = [Repeat(first.times - 1, first.body)] if first.times > 1 else []
        return (*_called(first.body, with_call), *rest, *others)
    return (with_call(first), *others)
