"""How far accelsim agrees with what has been published, and what that agreement rests on.

`reproduction` compares simulated figures with a published table, `pinned` with those of the last deliberate
change, `sensitivity` varies what the machine files assume, `generality` asks whether assumptions chosen on
one machine hold on another. Nothing here knows how figures are printed.
"""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.validation.evaluate import Cost, shipped_hardware
    from accelsim.validation.guidelines import (
        GuidelineCell,
        Guidelines,
        Verdict,
        cells_of,
        load_guidelines,
        verdicts_of,
    )
    from accelsim.validation.pinned import MovedCell, load_pinned, moved
    from accelsim.validation.published import Ordering, PublishedTable, load_published
    from accelsim.validation.reproduction import (
        MissedBar,
        Reproduction,
        TableCell,
        compare_with,
        missed_bars,
        reproduce,
    )

__all__ = [
    "Cost",
    "GuidelineCell",
    "Guidelines",
    "MissedBar",
    "MovedCell",
    "Ordering",
    "PublishedTable",
    "Reproduction",
    "TableCell",
    "Verdict",
    "cells_of",
    "compare_with",
    "load_guidelines",
    "load_pinned",
    "load_published",
    "missed_bars",
    "moved",
    "reproduce",
    "shipped_hardware",
    "verdicts_of",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "evaluate": (
            "Cost",
            "shipped_hardware",
        ),
        "guidelines": (
            "GuidelineCell",
            "Guidelines",
            "Verdict",
            "cells_of",
            "load_guidelines",
            "verdicts_of",
        ),
        "pinned": (
            "MovedCell",
            "load_pinned",
            "moved",
        ),
        "published": (
            "Ordering",
            "PublishedTable",
            "load_published",
        ),
        "reproduction": (
            "MissedBar",
            "Reproduction",
            "TableCell",
            "compare_with",
            "missed_bars",
            "reproduce",
        ),
    },
)
