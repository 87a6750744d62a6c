"""Schedules, executed on integers: are they what the layers say, and do they move what they say they move?"""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.verification.layers import verify_mapping
    from accelsim.verification.mismatch import Mismatch, MismatchError
    from accelsim.verification.outcome import LayerVerification, Verification
    from accelsim.verification.schedules import verify, verify_plan

__all__ = [
    "LayerVerification",
    "Mismatch",
    "MismatchError",
    "Verification",
    "verify",
    "verify_mapping",
    "verify_plan",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "layers": ("verify_mapping",),
        "mismatch": (
            "Mismatch",
            "MismatchError",
        ),
        "outcome": (
            "LayerVerification",
            "Verification",
        ),
        "schedules": (
            "verify",
            "verify_plan",
        ),
    },
)
