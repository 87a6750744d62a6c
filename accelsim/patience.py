"""How seldom Python looks for garbage in processes that do nothing but our work."""

from typing import Final

PATIENT: Final = (200_000, 10, 10)
"""Objects more than there were before Python looks for garbage. With its own 700, a run spends a twentieth of
its time on that, a long search an eighth, and finds nothing: what a run makes, it keeps to its end
(docs/decisions/start-up.md)."""
