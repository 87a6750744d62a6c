"""From layers to what is simulated: mappings chosen with the simulation as judge, in one schedule."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.planning.compiler import idle_descriptors, make_schedule, map_network
    from accelsim.planning.plan import Plan

__all__ = [
    "Plan",
    "idle_descriptors",
    "make_schedule",
    "map_network",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "compiler": ("idle_descriptors", "make_schedule", "map_network"),
        "plan": ("Plan",),
    },
)
