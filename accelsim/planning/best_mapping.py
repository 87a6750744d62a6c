"""The mapping of a layer in a room: of the few that are the best by their bounds, the best when simulated."""

from dataclasses import replace

from accelsim.mapping.mapping import Mapping
from accelsim.mapping.pool_knowledge import PlacedLayer
from accelsim.mapping.settle import COMPILER
from accelsim.mapping.shortlist import Shortlist
from accelsim.planning.in_room import InRoom


def best_mapping(placed: PlacedLayer, listed: Shortlist, alone: InRoom) -> Mapping:
    """The best mapping of a layer that the room holds which it has.

    Args:
        placed: The layer, and where its operands are.
        listed: Its mappings that may be chosen, of which the room holds one at least.
        alone: Says how many cycles a mapping takes.
    """
    best: tuple[float, Mapping] | None = None
    for index in listed.nearly_best(placed.room_bytes, placed.weights):
        cost = listed.cost(index)
        if best is not None and placed.weights.price(cost) >= best[0] * (1 - COMPILER.gap):
            break
        choice = listed.choice(index, placed.moved, placed.placed)
        mapping, cycles = alone.judged(choice, listed.images, placed.room_bytes)
        price = placed.weights.price(cost.in_cycles(cycles, alone.hardware.prices.static_per_cycle))
        if best is None or price < best[0]:
            room_bytes = int(listed.costs.room_bytes[index])
            best = price, replace(mapping, estimated_cycles=cycles, room_bytes=room_bytes)
    assert best is not None  # a plan has room for a mapping of each layer
    return best[1]
