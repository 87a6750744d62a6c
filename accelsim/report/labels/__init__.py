"""Labels beside points: where they go so that they can be read."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.report.labels.points import LabelledMarker, Marker, label_points

__all__ = [
    "LabelledMarker",
    "Marker",
    "label_points",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "points": (
            "LabelledMarker",
            "Marker",
            "label_points",
        ),
    },
)
