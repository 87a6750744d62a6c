"""Figures that are made of a result's: by stage, and over all layers."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.report.values.run_profile import Profile, StageProfile, profile
    from accelsim.report.values.stage_results import StageResult, stages

__all__ = [
    "Profile",
    "StageProfile",
    "StageResult",
    "profile",
    "stages",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "run_profile": (
            "Profile",
            "StageProfile",
            "profile",
        ),
        "stage_results": (
            "StageResult",
            "stages",
        ),
    },
)
