"""Remedies that change the network: fewer bits, channels rounded to the array."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from accelsim.descriptions import vary
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware
from accelsim.network.description import Network
from accelsim.search.changes import Baseline, BitsChange, ChannelsChange, ImpossibleRemedy, Remedy
from accelsim.search.redesign import channel_arguments, concrete, longer_side, rounded_up


def fewer_bits(baseline: Baseline) -> Iterator[Remedy]:
    """Half as many, of weights and of activations: a remedy for each that has more than one."""
    kinds: tuple[Literal["weights"], Literal["activations"]] = ("weights", "activations")
    for tensors in kinds:
        halved = half_the_bits(baseline.network, baseline.hardware, tensors)
        if halved is not None:
            change, network = halved
            yield baseline.remedy(change, network=network)


def half_the_bits(
    network: Network, hardware: Hardware, tensors: Literal["weights", "activations"]
) -> tuple[BitsChange, Network] | None:
    """A network of half as many bits, which it says itself; None where it has one."""
    of_network = getattr(network.description.precision, f"{tensors}_bits")
    before = getattr(hardware.precision, f"{tensors}_bits") if of_network is None else of_network
    if before == 1:
        return None
    change = BitsChange(tensors, before, before // 2)
    description = vary(network.description, **{f"precision.{change.name}": change.after})
    return change, replace(network, description=description)


def rounded_channels(baseline: Baseline) -> Remedy | ImpossibleRemedy:
    """Channels rounded up to the array; impossible where they are so already."""
    change = ChannelsChange(longer_side(baseline.hardware))
    try:
        table = concrete(baseline.network)
        arguments = channel_arguments(table)
        rounded = rounded_up(table, arguments, change.multiple)
    except AccelsimError as error:
        return ImpossibleRemedy(change, error.complaints)
    if not arguments:
        return ImpossibleRemedy(change, "none_alone")
    if rounded is table:
        return ImpossibleRemedy(change, "multiples_already")
    return baseline.remedy(change, network=rounded)
