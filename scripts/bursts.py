"""What whole bursts of DRAM cost, where tiles are chosen for them and where they are not.

    python scripts/bursts.py [NETWORK ...]

Networks on 16x16_128k whose DRAM moves bursts of 64 bytes, against the same machine without bursts: time
and energy by either layout, and of the schedules that are best without bursts, executed with them. The table
stands in docs/decisions/bursts.md.
"""

import sys
from dataclasses import replace
from typing import Final, NamedTuple

from accelsim.descriptions import vary
from accelsim.energy import total_energy
from accelsim.hardware import Hardware, load_hardware
from accelsim.hardware.memory import LAYOUTS, Layout
from accelsim.mapping.mapping import Choice, Mapping
from accelsim.mapping.program import mappings
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.search import as_executed
from accelsim.run import plan_run
from accelsim.simulation import simulate

NETWORKS: Final = ("sqnxt23v5", "squeezenet_v1_1", "mobilenet_v1", "mobilenet_v2", "shufflenet_v2")
BURST_BYTES: Final = 64


class Costs(NamedTuple):
    """What a network takes."""

    cycles: int
    energy: float


def machine(layout: Layout) -> Hardware:
    """SqueezeNext's larger machine, whose DRAM moves bursts."""
    changes = {"memories.dram.burst_bytes": BURST_BYTES, "memories.dram.layout": layout}
    return vary(load_hardware("16x16_128k"), **changes)


def costs(schedule: Schedule, hardware: Hardware) -> Costs:
    """Of a schedule, simulated."""
    activity = simulate(schedule, hardware)
    return Costs(activity.cycles, float(total_energy(activity.counts, hardware.prices)))


def in_bursts(mapping: Mapping, hardware: Hardware) -> Mapping:
    """The same tiles in the same order, on a machine whose memory moves bursts."""
    choice = Choice(mapping.layer, mapping.dataflow, mapping.tile, mapping.order, idle_rows=mapping.idle_rows)
    (same,) = mappings([choice], as_executed(mapping.layer, 1)[1], hardware)
    return same


def main(networks: tuple[str, ...]) -> None:
    """Print the table."""
    head = " | ".join(f"{layout}: time, energy | not chosen for" for layout in LAYOUTS)
    sys.stdout.write(f"| network | {head} |\n|---|{'---:|---:|' * len(LAYOUTS)}\n")
    for network in networks:
        plan = plan_run(network, "16x16_128k")
        plain = costs(plan.schedule, plan.hardware)
        cells = [network]
        for layout in LAYOUTS:
            hardware = machine(layout)
            aware = costs(plan_run(network, hardware).schedule, hardware)
            blind_mappings = tuple([in_bursts(mapping, hardware) for mapping in plan.schedule.mappings])
            blind = costs(replace(plan.schedule, mappings=blind_mappings), hardware)
            cells += [
                f"{some.cycles / plain.cycles:.3f}, {some.energy / plain.energy:.3f}"
                for some in (aware, blind)
            ]
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or NETWORKS)
