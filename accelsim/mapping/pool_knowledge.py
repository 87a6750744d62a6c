"""What is known of layers on a machine with a pool, from one network to the next."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from accelsim.mapping.mapping import Choice, Mapping
from accelsim.network.layer import Layer

if TYPE_CHECKING:  # machines without a pool have no use for them
    from accelsim.mapping.shortlist import Shortlist
    from accelsim.mapping.staircase import Moved, Movement, Weights


class ListedLayer(NamedTuple):
    """A layer without names, with what of it moves: what a shortlist is of."""

    layer: Layer
    movement: "Movement"
    images: int
    """That go through it together."""
    of_stripe: bool = False
    """Whether it is a stripe, for which the host does not compete though it may take such layers."""


class PlacedLayer(NamedTuple):
    """A layer without names, with what of it moves and lies in the pool, in so much room."""

    layer: Layer
    moved: "Moved"
    placed: "Moved"
    room_bytes: int
    weights: "Weights"
    """What its mapping is chosen by."""
    images: int
    """That go through it together."""
    of_stripe: bool = False
    """Whether it is a stripe, for which the host does not compete though it may take such layers."""


@dataclass
class PoolKnowledge:
    """What is known of layers on one machine with a pool, by one choice of options; it grows."""

    shortlists: "MutableMapping[ListedLayer, Shortlist]" = field(default_factory=dict)
    mappings: MutableMapping[PlacedLayer, Mapping] = field(default_factory=dict)
    written: MutableMapping[tuple[Choice, int], Mapping] = field(default_factory=dict)
    """By choices, and how many images go through: their programs, whatever room there is beside them."""
    judged: MutableMapping[tuple[Choice, int, int], int] = field(default_factory=dict)
    """Cycles of the same alone, by the room, too."""
