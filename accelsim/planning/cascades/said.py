"""Cascades that are said beforehand: which steps they are, and what is said of their stripes."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Operand, Precision
from accelsim.mapping.given_stripes import for_stripe
from accelsim.mapping.stripes import Cascade, StripeOfStep, Stripes
from accelsim.network.given import GivenCascade, GivenMapping
from accelsim.network.layer import Layer
from accelsim.planning.cascades.cascade import NoCascade, first_obstacle, stored_rows, stripes
from accelsim.planning.network_to_plan import NetworkToPlan, SaidCascade
from accelsim.planning.tensors import NetworkTensors

_OBSTACLES: Final = {
    NoCascade.SEVERAL_OPERANDS: "{name} reads several tensors as one, or factors that belong to all rows",
    NoCascade.OTHER_INPUT: "{following} does not read what {name} writes as its input",
    NoCascade.SEVERAL_WRITERS: "what {name} writes is a part of a tensor that others write as well",
    NoCascade.OTHER_SHAPE: "{following} reads what {name} writes in another shape, or a part of it",
    NoCascade.READS_PADDING_ONLY: "some rows of {name} depend on padding alone",
    NoCascade.UNEVEN: "what {name} has to do for a row is no whole number, or depends on all rows",
}
"""Of those that layers which are said to run so may meet."""


def said_cascades(
    given: Sequence[GivenCascade],
    layers: Sequence[Layer],
    network: NetworkTensors,
    hardware: Hardware,
    on_host: Collection[int],
) -> tuple[SaidCascade, ...]:
    """The steps of cascades that are said beforehand.

    Args:
        given: What is said.
        layers: Of each step.
        network: What they read and write.
        hardware: The machine.
        on_host: Steps that the host runs, whatever it costs.

    Returns:
        In running order.

    Raises:
        MappingError: Some cannot run so; says where that is said, and why.
    """
    found = []
    for cascade in given:
        first = _first_step(cascade, layers, hardware)
        said = SaidCascade(first, cascade)
        fault = _fault(said, layers, network, hardware, on_host)
        if fault is not None:
            raise MappingError(f"{cascade.position}: {fault}")
        found.append(said)
    return tuple(sorted(found))


def _first_step(cascade: GivenCascade, layers: Sequence[Layer], hardware: Hardware) -> int:
    """The first step of layers that have to follow one another."""
    names = [layer.name for layer in layers]
    carrying = {fused: layer.name for layer in layers for fused in layer.fused_names}
    for place, name in enumerate(cascade.layers):
        if name not in names:  # a pooling that its layer carries, as all others have been refused
            within = carrying[name]
            raise MappingError(
                f"{cascade.position}: cascade.{place} = {name!r}: must be left out: it runs within {within} "
                f"on {hardware.name}"
            )
    first = names.index(cascade.layers[0])
    for place, name in enumerate(cascade.layers[1:], start=1):
        before, following = cascade.layers[place - 1], names[first + place : first + place + 1]
        if following != [name]:
            words = f"must be {following[0]}, which runs" if following else "must be left out: nothing runs"
            raise MappingError(f"{cascade.position}: cascade.{place} = {name!r}: {words} after {before}")
    return first


def _fault(
    said: SaidCascade,
    layers: Sequence[Layer],
    network: NetworkTensors,
    hardware: Hardware,
    on_host: Collection[int],
) -> str | None:
    """Why layers that follow one another cannot run as it is said; None where they can."""
    steps, given = said.steps, said.given
    for step in steps:
        if step in on_host:
            return f"{_key(said, step)}: must be left out: it runs on the host, and cascades on the array"
    # What is said of a pooling is of no matter where its layer carries it.
    plain = [
        replace(layer, given_pooling=None) if step in steps else layer for step, layer in enumerate(layers)
    ]
    obstacle = first_obstacle(plain, network, steps)
    if obstacle is not None:
        step, reason = obstacle
        following = layers[min(step + 1, steps[-1])].name
        return f"{_key(said, step)}: {_OBSTACLES[reason].format(name=layers[step].name, following=following)}"
    behind = sorted(network.wanted_behind(steps))
    if behind and hardware.home(Operand.OUTPUTS) is None:
        writer = behind[0]
        reader = next(
            (step for step in network.lives[network.uses[writer].output].reads if step not in steps), None
        )
        wanted = "a result of the network" if reader is None else f"read by {layers[reader].name}, too"
        return (
            f"{_key(said, writer)}: what it writes is {wanted}, and would have to be outside as a whole, "
            f"where {hardware.name} has no place for it"
        )
    rows = stored_rows(layers[steps[-1]])
    if given.stripe_rows is not None and given.stripe_rows > rows:
        last = layers[steps[-1]].name
        return f"stripe_rows = {given.stripe_rows}: must be at most {rows}, the rows of {last}"
    return None


def _key(said: SaidCascade, step: int) -> str:
    """`cascade.1 = 'conv2'`."""
    place = step - said.first
    return f"cascade.{place} = {said.given.layers[place]!r}"


def stripes_of(network: NetworkToPlan, cascade: Cascade, precision: Precision, batch: int) -> Stripes:
    """What each step of a cascade does in each stripe, with what is said of its mapping.

    Args:
        network: What is planned.
        cascade: Of some of its steps.
        precision: The machine's bits of elements, where the network does not say.
        batch: Images that run together.
    """
    found = stripes(network.layers, network.tensors, cascade, precision, batch)
    said = network.said_of.get(cascade.first)
    if said is None or not any(said.given.told):
        return found
    forms: dict[tuple[Layer, GivenMapping], Layer] = {}
    return replace(found, entries=tuple([_told(entry, said, forms) for entry in found.entries]))


def _told(
    entry: StripeOfStep, said: SaidCascade, forms: dict[tuple[Layer, GivenMapping], Layer]
) -> StripeOfStep:
    """A stripe with what is said of it; those that are alike in both are one layer."""
    told = said.told(entry.step, entry.stripe)
    if told is None:
        return entry
    key = entry.layer, told
    if key not in forms:
        forms[key] = replace(entry.layer, given=for_stripe(told, entry.layer))
    return entry._replace(layer=forms[key])
