"""What may be said in place of a choice."""

from typing import Final

AUTO: Final = "auto"
"""In place of a dataflow's name: the one that suits each layer."""
