"""What a schedule takes, simulated as a whole: what plans are compared by in the end."""

import math

from accelsim.energy import energy_by_component, total_energy
from accelsim.hardware import Hardware
from accelsim.hardware.counts import ActionCounts, weighted_sum
from accelsim.mapping.precision import macs_by_bits
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.staircase import StepCost
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.transitions import Transitions


def schedule_cost(schedule: Schedule, hardware: Hardware, transitions: Transitions) -> StepCost:
    """What a schedule takes, for all of its images in the steady state.

    Args:
        schedule: Of a network.
        hardware: The machine.
        transitions: What simulations went through.
    """
    cycles = simulate_fast(schedule, hardware, transitions).cycles
    counts = schedule_counts(schedule)
    dram_bytes = counts.read_bytes(hardware.names_off_chip) + counts.written_bytes(hardware.names_off_chip)
    return StepCost(cycles, schedule_energy(schedule, counts, cycles, hardware), dram_bytes)


def schedule_energy(schedule: Schedule, counts: ActionCounts[int], cycles: int, hardware: Hardware) -> float:
    """What a schedule costs of which so much happens in so many cycles."""
    images = schedule.images_in_turn
    macs = ((mapping.layer, mapping.totals.counts.macs * images) for mapping in schedule.mappings)
    by_bits, prices = macs_by_bits(macs, hardware), hardware.prices
    if by_bits is None and not prices.static_per_cycle:
        return float(total_energy(counts, prices))
    by_component = energy_by_component(counts, prices, macs_by_bits=by_bits, cycles=cycles)
    return math.fsum(by_component.values())


def schedule_counts(schedule: Schedule) -> ActionCounts[int]:
    """What happens in a schedule, how often."""
    of_layers = [mapping.totals.counts for mapping in schedule.mappings]
    return weighted_sum(of_layers, [schedule.images_in_turn] * len(of_layers))
