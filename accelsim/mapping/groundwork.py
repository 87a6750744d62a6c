"""Groundwork: what a search for tiles builds upon, whatever the pace of the machine's channels."""

from dataclasses import dataclass
from functools import cached_property

from accelsim.hardware import Hardware
from accelsim.mapping.candidates import Beside, Bounds, LeastWork, at_least, at_pace, beside_array, least_work
from accelsim.mapping.cuts import Cuts
from accelsim.mapping.relaxation import Relaxation, relaxed
from accelsim.mapping.whole import Whole


@dataclass(frozen=True)
class Groundwork:
    """Of L layers, each by one dataflow; it holds for all siblings of the machine (`Siblings`)."""

    cuts: Cuts
    hardware: Hardware
    """The one of them that asked first."""
    batch: int

    @cached_property
    def whole(self) -> Whole:
        """The layers as a whole."""
        return Whole(self.cuts.layers, self.cuts.footprint, self.batch)

    @cached_property
    def relaxation(self) -> Relaxation:
        """Of the cuts."""
        return relaxed(self.cuts)

    def bounds(self, hardware: Hardware) -> Bounds:
        """What the relaxed tiles take at least on one of the siblings."""
        beside = self._beside if hardware is self.hardware else at_pace(self._beside, hardware)
        return at_least(beside, hardware, self._least_work)

    @cached_property
    def _beside(self) -> Beside:
        return beside_array(self.relaxation.space, self.hardware, self.whole)

    @cached_property
    def _least_work(self) -> LeastWork:
        return least_work(self._beside, self.hardware)
