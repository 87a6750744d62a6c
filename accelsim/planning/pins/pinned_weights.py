"""Weights that may stay in the pool, of each layer: with the reason where they do not."""

from collections.abc import Sequence

from accelsim.hardware import Hardware
from accelsim.mapping.pinned import pinned_bytes
from accelsim.mapping.staircase import StepPrices
from accelsim.planning.given_plan import weights_said
from accelsim.planning.network_to_plan import NetworkToPlan
from accelsim.planning.pins.pins import Pins
from accelsim.planning.pins.why_not_pinned import why_not_pinned
from accelsim.planning.plan_map import LayerWeights
from accelsim.planning.residency import ResidencyPlan


def layer_weights(
    network: NetworkToPlan,
    plan: ResidencyPlan,
    pins: Pins,
    moved: Sequence[StepPrices],
    in_place: Sequence[StepPrices],
    hardware: Hardware,
    *,
    by_product: bool,
) -> list[LayerWeights]:
    """Of each step that has weights.

    Args:
        network: What is planned.
        plan: Beside those that stay.
        pins: Whose do.
        moved: Prices of each step as it is planned.
        in_place: The same of a step whose weights lie in the pool.
        hardware: The machine, whose pool keeps weights.
        by_product: Whether the product of energy and delay is to be small, and not the price.
    """
    sizes = [pinned_bytes(layer, hardware) for layer in network.layers]
    unpinned = network.with_weights - pins
    reasons = why_not_pinned(plan, moved, in_place, sizes, unpinned, by_product=by_product)
    memory = "" if hardware.tensor_bank is None else hardware.tensor_bank.memory
    reasons |= weights_said(network.told, memory)
    return [
        LayerWeights(network.layers[step].name, step, sizes[step], reasons.get(step))
        for step in sorted(network.with_weights)
    ]
