"""The most that each memory holds at one time, of whole networks, against every change of its banks."""

from collections import Counter
from itertools import groupby

import pytest
from machines import machine_with_output_memory

from accelsim import run_network
from accelsim.run import plan_run
from accelsim.simulation.events import simulate_events


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    return machine_with_output_memory(tmp_path_factory.mktemp("machines"))


def peaks_over_time(machine, activity):
    """The most that each memory held at the end of any cycle, from every change of what its banks hold."""
    memory_of = {bank.name: bank.memory for bank in machine.banks}
    held, peaks = Counter(), Counter()
    for _, changes in groupby(activity.occupancy, lambda change: change.cycle):
        held.update({change.bank: change.bytes - held[change.bank] for change in changes})
        for memory in set(memory_of.values()):
            now = sum(size for bank, size in held.items() if memory_of[bank] == memory)
            peaks[memory] = max(peaks[memory], now)
    return peaks


@pytest.mark.parametrize("name", ["squeezenet_v1_1", "mobilenet_v2", "alexnet"])
def test_the_peak_of_a_memory_is_what_its_banks_hold_together_at_one_time(machine, name):
    plan = plan_run(name, machine)
    activity = simulate_events(plan.schedule, machine, keep_timeline=True)
    result = run_network(name, machine)
    peaks = {memory: values.peak_bytes for memory, values in result.memories.items() if memory != "flash"}
    assert peaks == peaks_over_time(machine, activity)
    assert max(peaks.values()) < result.peak_global_buffer_bytes <= sum(peaks.values())
