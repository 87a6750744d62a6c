"""What is known of single layers on a machine with a pool: their mappings, for whatever moves of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from accelsim.hardware import Hardware, Operand
from accelsim.hardware.bank import Bank
from accelsim.mapping.given_pool import shortlists
from accelsim.mapping.grids import Grids
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pool_knowledge import ListedLayer, PoolKnowledge
from accelsim.mapping.shortlist import Shortlist
from accelsim.mapping.staircase import Arriving, Moved, Movement, Staircase, Weights
from accelsim.mapping.units import array_dataflows, host_competes, runs_on_chip
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
    _listed: dict[ListedLayer, Shortlist] = field(default_factory=dict)
    """Of the layers of the graph in hand: what is known may be forgotten meanwhile."""

    def _stripe_staircases(
        self, layer: Layer, sets: Sequence[Moved], weights: Weights
    ) -> dict[Moved, Staircase]:
        """What a stripe without its name costs at least on the array, for some of what may move."""
        if not runs_on_chip(layer, array_dataflows(self.hardware, self.options), self.hardware):
            return {moved: Staircase((), (), (), ()) for moved in sets}
        keys = {moved: self._key(layer, moved, striped=True) for moved in sets}
        if unknown := self._unlisted(list(keys.values())):
            self._search(unknown)
        return {moved: self._listed[key].staircase(weights) for moved, key in keys.items()}

    def _key(self, layer: Layer, movement: Movement, *, striped: bool) -> ListedLayer:
        return ListedLayer(
            layer, movement, self.options.batch, striped and host_competes(layer, self.hardware)
        )

    def _unlisted(self, keys: Sequence[ListedLayer]) -> list[ListedLayer]:
        """Those whose shortlists are neither at hand nor known from before."""
        new = [(key, self.known.shortlists.get(key)) for key in keys if key not in self._listed]
        self._listed.update({key: listed for key, listed in new if listed is not None})
        return [key for key, listed in new if listed is None]

    def _shortlist(self, layer: Layer, movement: Movement, *, striped: bool = False) -> Shortlist:
        key = self._key(layer, movement, striped=striped)
        listed = self._listed.get(key)
        if listed is not None:
            return listed
        if self._unlisted([key]):
            sets = self._all_sets(layer)
            movements: list[Movement] = [*(arriving(sets) if isinstance(movement, Arriving) else sets)]
            if (
                movement not in movements
            ):  # of a stripe, whose weights lie there for as long as its cascade runs
                movements = [movement]
            self._search([key._replace(movement=each) for each in movements])
        return self._listed[key]

    def _search(self, keys: Sequence[ListedLayer]) -> None:
        """Find the shortlists of a layer, for some of what may move."""
        (layer, _, images, of_stripe), movements = keys[0], [key.movement for key in keys]
        hardware = self.hardware.of_stripes if of_stripe else self.hardware
        dataflows, judge = array_dataflows(hardware, self.options), Alone(hardware, self.transitions)
        listed = shortlists(layer, hardware, dataflows, images, movements, self.grids, judge)
        searched = {key: listed[key.movement] for key in keys}
        self._listed.update(searched)
        self.known.shortlists.update(searched)

    def _sets(self, layer: Layer) -> list[Moved]:
        """Of operands of a layer that may move, its weights with them."""
        return may_move(self.hardware, layer)

    def _all_sets(self, layer: Layer) -> list[Moved]:
        """Those in which its weights stay, too."""
        sets = self._sets(layer)
        has_weights = layer.on_array and not layer.multiplies_activations
        may_stay = self.hardware.keeps("weights") and has_weights
        return [*sets, *[moves - {Operand.WEIGHTS} for moves in sets]] if may_stay else sets
