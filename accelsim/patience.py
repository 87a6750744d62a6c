"""How seldom processes that do nothing but our work look for garbage, and give memory back."""

import sys
from contextlib import suppress
from typing import Final

PATIENT: Final = (500_000, 10, 10)
"""Objects more than there were before Python looks for garbage. With its own 700, a run spends a twentieth of
its time on that, a long search an eighth, and finds nothing: what a run makes, it keeps to its end
(docs/decisions/start-up.md)."""
HELD_BYTES: Final = 16 << 20
"""That the C library does not give back: the next candidate of a search takes as much as the last."""
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""Of `mallopt`, as glibc's malloc.h numbers them."""


def hold_memory() -> None:
    """Have this process keep `HELD_BYTES` that are free, for the arrays of the next candidate.

    Else the system takes pages back and clears them anew for every candidate. C libraries other than glibc do
    as they like.
    """
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 (numpy imports it, too; a command without numpy need not)

    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        for option in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            library.mallopt(option, HELD_BYTES)
