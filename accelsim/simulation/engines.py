"""simulate: a schedule on a machine, tile by tile. Two engines, one answer.

`fast` skips what is proved to repeat (see fast.py); `events` runs every tile as events of simpy, and is what
`fast` is tested against, to the cycle and to the byte.
"""

from typing import Literal

from accelsim.hardware import Hardware
from accelsim.mapping.schedule import Schedule
from accelsim.simulation.activity import Activity
from accelsim.simulation.fast import simulate_fast
from accelsim.simulation.transitions import Transitions

Engine = Literal["fast", "events"]
"""Which of two engines with one answer simulates."""


def simulate(
    schedule: Schedule,
    hardware: Hardware,
    *,
    engine: Engine = "fast",
    transitions: Transitions | None = None,
) -> Activity:
    """What a machine does for a schedule, by either engine: the same to the cycle and to the byte.

    Args:
        schedule: Mapped layers in running order.
        hardware: The machine that they are mapped onto.
        engine: `fast` or `events`.
        transitions: What earlier simulations on the same machine went through, for the fast engine.

    Returns:
        When each layer began and ended, how long each component was busy, and what was counted.

    Raises:
        RuntimeError: The machine comes to a stop, because a step needs more room than there is.

    Example:
        >>> from accelsim.run import plan_run
        >>> plan = plan_run("squeezenet_v1_1", "16x16_128k")
        >>> simulate(plan.schedule, plan.hardware) == simulate(plan.schedule, plan.hardware, engine="events")
        True
    """
    if engine == "fast":
        return simulate_fast(schedule, hardware, transitions)
    from accelsim.simulation.events import simulate_events  # noqa: PLC0415 (simpy is slow to import)

    return simulate_events(schedule, hardware)
