"""What is known of single layers on a machine with a pool: their mappings, for whatever moves of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from accelsim.hardware import Hardware, Operand
from accelsim.hardware.bank import Bank
from accelsim.mapping.given_pool import shortlists
from accelsim.mapping.grids import Grids
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pool_knowledge import PoolKnowledge
from accelsim.mapping.shortlist import Shortlist
from accelsim.mapping.staircase import Arriving, Moved, Movement, Staircase, Weights
from accelsim.mapping.units import array_dataflows
from accelsim.network.layer import Layer
from accelsim.planning.kinds import arriving
from accelsim.planning.movements import may_move
from accelsim.simulation.alone import Alone
from accelsim.simulation.transitions import Transitions


@dataclass(frozen=True)
class PoolLayers:
    """Layers of one machine with a pool, mapped by some options."""

    hardware: Hardware
    pool: Bank
    """Its bank in which tensors may stay."""
    options: MappingOptions
    transitions: Transitions
    known: PoolKnowledge
    grids: Grids = field(default_factory=Grids)
    _listed: dict[tuple[Layer, Movement], Shortlist] = field(default_factory=dict)
    """Of the layers of the graph in hand: what is known may be forgotten meanwhile."""

    def _stripe_staircases(
        self, layer: Layer, sets: Sequence[Moved], weights: Weights
    ) -> dict[Moved, Staircase]:
        """What a stripe without its name costs at least, for some of what may move."""
        if unknown := self._unlisted([(layer, moved) for moved in sets]):
            self._listed.update(self._searched(layer, [movement for _, movement in unknown]))
        return {moved: self._listed[layer, moved].staircase(weights) for moved in sets}

    def _unlisted(self, keys: Sequence[tuple[Layer, Movement]]) -> list[tuple[Layer, Movement]]:
        """Those whose shortlists are neither at hand nor known from before."""
        new = [
            (key, self.known.shortlists.get((*key, self.options.batch)))
            for key in keys
            if key not in self._listed
        ]
        self._listed.update({key: listed for key, listed in new if listed is not None})
        return [key for key, listed in new if listed is None]

    def _shortlist(self, layer: Layer, movement: Movement) -> Shortlist:
        listed = self._listed.get((layer, movement))
        if listed is not None:
            return listed
        if self._unlisted([(layer, movement)]):
            sets = self._all_sets(layer)
            movements: list[Movement] = [*(arriving(sets) if isinstance(movement, Arriving) else sets)]
            if (
                movement not in movements
            ):  # of a stripe, whose weights lie there for as long as its cascade runs
                movements = [movement]
            self._listed.update(self._searched(layer, movements))
        return self._listed[layer, movement]

    def _searched(
        self, layer: Layer, movements: Sequence[Movement]
    ) -> dict[tuple[Layer, Movement], Shortlist]:
        """The shortlists of a layer, for some of what may move."""
        images, dataflows = self.options.batch, array_dataflows(self.hardware, self.options)
        judge = Alone(self.hardware, self.transitions)
        listed = shortlists(layer, self.hardware, dataflows, images, movements, self.grids, judge)
        searched = {(layer, movement): of_movement for movement, of_movement in listed.items()}
        self.known.shortlists.update({(*key, images): listed for key, listed in searched.items()})
        return searched

    def _sets(self, layer: Layer) -> list[Moved]:
        """Of operands of a layer that may move, its weights with them."""
        return may_move(self.hardware, layer)

    def _all_sets(self, layer: Layer) -> list[Moved]:
        """Those in which its weights stay, too."""
        sets = self._sets(layer)
        has_weights = layer.on_array and not layer.multiplies_activations
        may_stay = self.hardware.keeps("weights") and has_weights
        return [*sets, *[moves - {Operand.WEIGHTS} for moves in sets]] if may_stay else sets
