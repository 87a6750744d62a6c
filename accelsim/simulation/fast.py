"""simulate_fast: what repeats is not gone through again.

A schedule is gone through once, from state to state of the machine (`Traversal`), and what parts of programs
do is remembered (`Transitions`). docs/decisions/fast-engine.md has the argument in full.
"""

import math
from collections.abc import Sequence
from itertools import chain
from operator import sub

from accelsim.hardware import Channel, Hardware, Operand
from accelsim.hardware.host import HOST
from accelsim.mapping.mapping import Mapping, ProgramPart, Repeat, Step
from accelsim.mapping.schedule import Schedule
from accelsim.simulation.activity import Activity, LayerActivity, moved_finish
from accelsim.simulation.entry import entries_of, idle_alone
from accelsim.simulation.log import Log, bank_sums, banks_by_memory
from accelsim.simulation.transitions import Transitions
from accelsim.simulation.traversal import Traversal, time_stepper_of


def simulate_fast(schedule: Schedule, hardware: Hardware, transitions: Transitions | None = None) -> Activity:
    """What a machine does for a schedule; what `simulate_events` observes, without a timeline.

    Counts and busy cycles are the mappings': every step is executed exactly once.

    Args:
        schedule: Mapped layers in running order.
        hardware: The machine that they are mapped onto.
        transitions: What simulations went through before, for this one and the next; all of the same machine.

    Returns:
        What was observed.

    Raises:
        RuntimeError: The machine comes to a stop.

    Example:
        >>> from accelsim.run import plan_run
        >>> plan = plan_run("squeezenet_v1_1", "16x16_128k")
        >>> transitions = Transitions()
        >>> first = simulate_fast(plan.schedule, plan.hardware, transitions)
        >>> simulate_fast(plan.schedule, plan.hardware, transitions) == first
        True
    """
    transitions = Transitions() if transitions is None else transitions
    if schedule.images_in_turn == 1:
        walk = Traversal(hardware, schedule.idle_descriptors, transitions, schedule.pool_bytes_at_start)
        programs = [mapping.program for mapping in schedule.mappings]
        entries = entries_of(schedule, hardware)
        log = walk.through(programs, schedule.waits_for, entries)
        layers = _layers(schedule.mappings, log, hardware, transitions, [entry.homes for entry in entries])
    else:
        from accelsim.simulation.images import summed, through_images  # noqa: PLC0415 (few batches have any)

        log, cycles = through_images(schedule, hardware, transitions)
        homes = [entry.homes for entry in entries_of(schedule, hardware)]
        first = _layers(schedule.mappings, log, hardware, transitions, homes)
        later = _layers(schedule.later_mappings or schedule.mappings, log, hardware, transitions, homes)
        layers = summed(first, later, schedule.images_in_turn - 1, cycles)
    banks, memories = hardware.banks, hardware.on_chip
    sizes = bank_sums([bank.size_bytes for bank in banks], banks_by_memory(banks))
    peaks = tuple(map(sub, sizes, log.least_free_bytes))
    *of_memories, together = peaks[len(banks) :]
    return Activity(
        layers=layers,
        peak_bank_bytes={bank.name: peak for bank, peak in zip(banks, peaks, strict=False)},
        peak_memory_bytes={
            memory.name: peak for memory, peak in zip(memories, of_memories or (together,), strict=True)
        },
        peak_global_buffer_bytes=together,
    )


def cycles_of(schedule: Schedule, hardware: Hardware, transitions: Transitions | None = None) -> int:
    """When a machine is done with a schedule: what `simulate_fast` says of it, and nothing else.

    Args:
        schedule: Mapped layers in running order.
        hardware: The machine that they are mapped onto.
        transitions: What simulations went through before, for this one and the next; all of the same machine.

    Returns:
        Cycles until everything is done.

    Raises:
        RuntimeError: The machine comes to a stop.

    Example:
        >>> from accelsim.run import plan_run
        >>> plan = plan_run("squeezenet_v1_1", "16x16_128k")
        >>> cycles_of(plan.schedule, plan.hardware) == simulate_fast(plan.schedule, plan.hardware).cycles
        True
    """
    if schedule.images_in_turn > 1:
        return simulate_fast(schedule, hardware, transitions).cycles
    transitions = Transitions() if transitions is None else transitions
    idle, pool_bytes = schedule.idle_descriptors, schedule.pool_bytes_at_start
    walk = Traversal(hardware, idle, transitions, pool_bytes, machine_of=time_stepper_of)
    programs = [mapping.program for mapping in schedule.mappings]
    log = walk.through(programs, schedule.waits_for, entries_of(schedule, hardware))
    return max(log.end_cycles.values(), default=0)


def _layers(
    mappings: Sequence[Mapping],
    log: Log,
    hardware: Hardware,
    transitions: Transitions,
    homes: Sequence[tuple[int, ...]],
) -> tuple[LayerActivity, ...]:
    """What each layer did by its mapping, as it was observed, and by its homes where it has its own."""
    channels, streamed = hardware.channels, transitions.stream_cycles
    keys = [(id(mapping.program), of_layer) for mapping, of_layer in zip(mappings, homes, strict=True)]
    for mapping, key in zip(mappings, keys, strict=True):
        if key not in streamed:
            program = mapping.program
            streamed[key] = program, *_busy_cycles(program, _with_homes(channels, key[1]))
    end_cycles = [log.end_cycles[index] for index in range(len(mappings))]
    return tuple(
        LayerActivity(
            start_cycle=log.start_cycles.get(index, 0),
            end_cycle=end_cycle,
            cycles=cycles,
            dram_busy_cycles=streamed[keys[index]][1],
            array_busy_cycles=mapping.totals.array_cycles,
            vector_busy_cycles=0 if mapping.dataflow == HOST else mapping.totals.vector_cycles,
            counts=mapping.totals.counts,
            waiting_cycles=log.waiting_cycles.get(index, {}),
            busy_cycles_by_memory=streamed[keys[index]][2],
            host_busy_cycles=mapping.totals.vector_cycles if mapping.dataflow == HOST else 0,
        )
        for index, (mapping, end_cycle, cycles) in enumerate(
            zip(mappings, end_cycles, moved_finish(end_cycles), strict=True)
        )
    )


def cycles_alone(mapping: Mapping, hardware: Hardware, transitions: Transitions, pool_bytes: int = 0) -> int:
    """When a mapped layer is done on a machine that does nothing else, whose pool tensors share."""
    idle = idle_alone(mapping, hardware)
    walk = Traversal(hardware, idle, transitions, pool_bytes, machine_of=time_stepper_of)
    return walk.cycles_of_layer(mapping.program)


def _with_homes(channels: Sequence[Channel], homes: tuple[int, ...]) -> Sequence[Channel]:
    """Channels with the operands that come or go over them, where that depends on the layer."""
    if not homes:
        return channels
    return [
        channel._replace(
            operands=frozenset(
                [operand for operand, own in zip(Operand, homes, strict=True) if own == number]
            )
        )
        for number, channel in enumerate(channels)
    ]


def _busy_cycles(program: Sequence[ProgramPart], channels: Sequence[Channel]) -> tuple[int, dict[str, int]]:
    """Cycles in which the busiest channel streams for a program, and in which each of several does."""
    first, *others = channels
    if not others:
        return _stream_cycles(program, first.bytes_per_cycle), {}
    of_each = {
        channel.name: _stream_cycles(program, channel.bytes_per_cycle, channel.operands)
        for channel in channels
    }
    return max(of_each.values()), of_each


def _stream_cycles(
    program: Sequence[ProgramPart], bandwidth: float, operands: frozenset[Operand] | None = None
) -> int:
    """Cycles in which a channel streams for a program: all that moves, or some operands."""
    cycles = 0
    for part in program:
        if isinstance(part, Repeat):
            cycles += part.times * _stream_cycles(part.body, bandwidth, operands)
        elif part.crossing is not None and part.crossing.takes_its_own_time:
            cycles += _own_cycles(part, bandwidth, operands)
        elif operands is not None:
            moved = chain(part.moved_loads.items(), part.moved_stores.items())
            cycles += sum([math.ceil(size / bandwidth) for operand, size in moved if operand in operands])
        else:
            transfers = chain(part.moved_loads.values(), part.moved_stores.values())
            cycles += sum([math.ceil(size / bandwidth) for size in transfers])
    return cycles


def _own_cycles(step: Step, bandwidth: float, operands: frozenset[Operand] | None) -> int:
    """The same of a step that says for how long channels are busy with it."""
    from accelsim.simulation.occupation import load_cycles, store_cycles  # noqa: PLC0415 (few steps do)

    loads = [
        load_cycles(step, operand, size, bandwidth)
        for operand, size in step.moved_loads.items()
        if operands is None or operand in operands
    ]
    stores = operands is None or not operands.isdisjoint(step.stores)
    return sum(loads) + (store_cycles(step, bandwidth) if stores and step.stores else 0)
