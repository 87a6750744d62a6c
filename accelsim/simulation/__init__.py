"""When each step of a schedule happens, in whole cycles: two engines with one answer.

One component a file, each a simpy process that tells what it does: DMA loads tiles into the banks of the
memories on chip, the PE array executes them, the vector unit finishes their outputs, DMA stores those; all
transfers share one DRAM channel. No mapping arithmetic happens here.
"""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.simulation.activity import (
        Activity,
        Busy,
        Component,
        LayerActivity,
        Occupancy,
        Resource,
        Wait,
    )
    from accelsim.simulation.alone import Alone
    from accelsim.simulation.engines import Engine, simulate
    from accelsim.simulation.events import simulate_events
    from accelsim.simulation.fast import simulate_fast
    from accelsim.simulation.stretches import Stretch, Stretches
    from accelsim.simulation.transitions import Transitions

__all__ = [
    "Activity",
    "Alone",
    "Busy",
    "Component",
    "Engine",
    "LayerActivity",
    "Occupancy",
    "Resource",
    "Stretch",
    "Stretches",
    "Transitions",
    "Wait",
    "simulate",
    "simulate_events",
    "simulate_fast",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "activity": ("Activity", "Busy", "Component", "LayerActivity", "Occupancy", "Resource", "Wait"),
        "alone": ("Alone",),
        "engines": ("Engine", "simulate"),
        "events": ("simulate_events",),
        "fast": ("simulate_fast",),
        "transitions": ("Transitions",),
        "stretches": ("Stretch", "Stretches"),
    },
)
