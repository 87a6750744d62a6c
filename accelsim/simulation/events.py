"""simulate_events: a schedule on a machine, every tile as events of simpy."""

from collections.abc import Mapping

import simpy

from accelsim.hardware import Channel, Hardware, Operand
from accelsim.mapping.schedule import Schedule
from accelsim.simulation.activity import Activity, Recorder
from accelsim.simulation.banks import Banks
from accelsim.simulation.control import Turns
from accelsim.simulation.deadlock import DeadlockError
from accelsim.simulation.dma import load
from accelsim.simulation.dram import DRAMChannel
from accelsim.simulation.entry import channels_of, entries_of, most_descriptors
from accelsim.simulation.host import process
from accelsim.simulation.images import of_all_images
from accelsim.simulation.machine import Machine
from accelsim.simulation.pe_array import execute
from accelsim.simulation.standstill import Standstill
from accelsim.simulation.stops import Stops
from accelsim.simulation.vector_unit import finish


def simulate_events(schedule: Schedule, hardware: Hardware, *, keep_timeline: bool = False) -> Activity:
    """What a machine does for a schedule, every tile as events of simpy.

    Args:
        schedule: Mapped layers in running order.
        hardware: The machine that they are mapped onto.
        keep_timeline: Whether the activity has every interval in which a component worked, every wait of the
            DMA and every change of what a bank holds.

    Returns:
        What was observed.

    Raises:
        RuntimeError: The machine comes to a stop.

    Example:
        >>> from accelsim.run import plan_run
        >>> plan = plan_run("squeezenet_v1_1", "16x16_128k")
        >>> activity = simulate_events(plan.schedule, plan.hardware, keep_timeline=True)
        >>> activity.timeline[0].component, str(activity.timeline[0].operand)
        ('dram', 'weights')
    """
    images, schedule = schedule.images_in_turn, schedule.unrolled
    env = simpy.Environment()
    layers = len(schedule.mappings)
    most = most_descriptors(hardware) - schedule.idle_descriptors
    stops = Stops(env)
    channels = {channel.name: DRAMChannel(env, channel, stops) for channel in hardware.channels}
    pool_bytes = schedule.pool_bytes_at_start
    machine = Machine(
        env=env,
        hardware=hardware,
        schedule=schedule,
        channels=[_at_home(channels, homes) for homes in channels_of(schedule, hardware)],
        banks=Banks(env, hardware, pool_bytes, keep_occupancy=keep_timeline),
        entries=entries_of(schedule, hardware),
        descriptors=simpy.Container(env, most, most),
        to_array=simpy.Store(env),
        to_vector=simpy.Store(env),
        to_host=simpy.Store(env),
        unstored=[1] * layers,
        finished=[env.event() for _ in range(layers)],
        recorder=Recorder(layers, list(channels), keep_timeline=keep_timeline),
        standstill=Standstill(layers),
        turns=None if hardware.control is None else Turns(env, hardware.control),
        stops=stops,
    )
    env.process(load(machine))
    env.process(execute(machine))
    env.process(finish(machine))
    env.process(process(machine))
    env.run()
    unfinished = [layer for layer, event in enumerate(machine.finished) if not event.triggered]
    if unfinished:
        raise DeadlockError(unfinished[0])
    return _observed(machine, images, keep_timeline=keep_timeline)


def _observed(machine: Machine, images: int, *, keep_timeline: bool) -> Activity:
    """What the components reported of so many images in turn."""
    peak_bank_bytes, peak_memory_bytes, peak_global_buffer_bytes = machine.banks.peaks()
    executed = machine.recorder.layers(machine.standstill.cycles())
    return Activity(
        layers=executed if images == 1 else of_all_images(executed, images),
        peak_bank_bytes=peak_bank_bytes,
        peak_memory_bytes=peak_memory_bytes,
        peak_global_buffer_bytes=peak_global_buffer_bytes,
        timeline=machine.recorder.timeline(),
        waits=machine.recorder.waits(),
        occupancy=machine.banks.occupancy(),
        executed=executed if keep_timeline and images > 1 else (),
    )


def _at_home(
    channels: Mapping[str, DRAMChannel], homes: Mapping[Operand, Channel]
) -> dict[Operand, DRAMChannel]:
    """Those of channels, by their names, over which the operands of a layer come or go."""
    return {operand: channels[channel.name] for operand, channel in homes.items()}
