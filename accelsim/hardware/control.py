"""Control: who hands tiles to the engines of the chip, where that takes time of its own."""

from typing import Self

from pydantic import model_validator

from accelsim.descriptions import Description, Mistake, refusal
from accelsim.descriptions.quantities import Descriptors, HostCycles, LatencyCycles


class Control(Description):
    """A processor, or a machine of states, that hands steps to the engines that load, compute and store.

    Without one the DMA takes up the steps of a schedule by itself, as soon as it has a descriptor free.

    Attributes:
        cycles_per_tile: From one step that is handed over to the next, at least.
        cycles_per_layer: Before the first step of each layer, in addition.

    Example:
        >>> Control(cycles_per_tile=150, tiles_in_flight=2, completion_cycles=12).cycles_per_layer
        0
    """

    cycles_per_tile: LatencyCycles = 0
    tiles_in_flight: Descriptors | None = None
    """Steps that are handed over and not seen to be done, at most; a step is done when all before it are, the
    array has executed it, and what it stores is stored. None: as many as there are descriptors for."""
    completion_cycles: LatencyCycles = 0
    """From when a step is done until that is seen."""
    cycles_per_layer: HostCycles = 0
    reloads: bool = False
    """Whether each step loads all of its operands, those that the step before had, too."""

    @model_validator(mode="after")
    def _somebody_waits_for_what_is_seen(self) -> Self:
        if self.completion_cycles and self.tiles_in_flight is None:
            sentence = "must be left out: nobody waits for what is done where tiles_in_flight is left out"
            raise refusal("control", [Mistake(("completion_cycles",), sentence)])
        return self
