"""MappingOptions: what is asked of the mapping of a network, beside the network and the machine."""

from dataclasses import dataclass
from typing import Final

from accelsim.hardware import Objective

AUTO: Final = "auto"
"""The dataflow that suits each layer."""


@dataclass(frozen=True, slots=True)
class MappingOptions:
    """How a network is to be mapped; one value for all of its layers.

    Example:
        >>> MappingOptions(batch=4, objective="edp")
        MappingOptions(batch=4, dataflow='auto', objective='edp')
    """

    batch: int = 1
    """Images that run together."""
    dataflow: str = AUTO
    """The one for every layer that runs on the array; `auto` chooses for each."""
    objective: Objective | None = None
    """What mappings are chosen by; None is what the machine's compiler goes by (`hardware.mapper`)."""
