"""What stays on chip, as a dynamic programme: what may be decided, the best of it, why not more."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.planning.programme.planner import nothing_kept, plan_residency

__all__ = ["nothing_kept", "plan_residency"]
__getattr__, __dir__ = door(__name__, {"planner": ("nothing_kept", "plan_residency")})
