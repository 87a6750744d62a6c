"""simulate: a schedule on a machine, tile by tile. Two engines, one answer.

`fast` skips what is proved to repeat (see fast.py); `events` runs every tile as events of simpy, and is what
`fast` is tested against, to the cycle and to the byte.
"""

from typing import Literal

from accelsim.hardware import Hardware
from accelsim.mapping.schedule import Schedule
from accelsim.simulation.activity import Activity
from accelsim.simulation.fast import Transitions, simulate_fast

Engine = Literal["fast", "events"]


def simulate(
    schedule: Schedule,
    hardware: Hardware,
    *,
    engine: Engine = "fast",
    transitions: Transitions | None = None,
) -> Activity:
    """What a machine does for a schedule; `transitions` remembers for the fast engine (see there)."""
    if engine == "fast":
        return simulate_fast(schedule, hardware, transitions)
    from accelsim.simulation.events import simulate_events  # noqa: PLC0415 (simpy is slow to import)

    return simulate_events(schedule, hardware)
