"""Remedies that change the network: fewer bits, other channels; kernels, groups, images of imported ones."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal

from accelsim.descriptions import vary
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware
from accelsim.network.configuration import configure
from accelsim.network.description import Network
from accelsim.network.graph_changes import changed_network, graph_of
from accelsim.search.changes import (
    Baseline,
    BitsChange,
    ChannelObstacle,
    ChannelsChange,
    ImpossibleRemedy,
    RedesignChange,
    Remedy,
)
from accelsim.search.graph_moves import Direction, GraphDesign, graph_design
from accelsim.search.redesign import channel_arguments, concrete, longer_side, rounded_up

LONGEST: Final = 5
"""Groups of alike layers that get other kernels and groups: those that take longest."""


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


def rounded_channels(baseline: Baseline) -> Iterator[Remedy | ImpossibleRemedy]:
    """Channels rounded up to the array, of operators one by one down, too; impossible where none can be."""
    if graph_of(baseline.network) is None:
        yield _rounded_table(baseline)
        return
    design, multiple = graph_design(concrete(baseline.network)), longer_side(baseline.hardware)
    obstacles: dict[Direction, ChannelObstacle] = {"up": "multiples_already", "down": "no_multiples_below"}
    for direction, obstacle in obstacles.items():
        change = design.rounded(multiple, direction)
        rounded = ChannelsChange(multiple, direction, change.channels)
        if change.channels:
            network = configure(changed_network(design.network.description, change))
            yield baseline.remedy(rounded, network=network)
        else:
            yield ImpossibleRemedy(rounded, obstacle if design.free else "none_followed")


def _rounded_table(baseline: Baseline) -> Remedy | ImpossibleRemedy:
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


def redesigns(
    baseline: Baseline, alike_layers: Sequence[Sequence[str]]
) -> Iterator[Remedy | ImpossibleRemedy]:
    """Smaller kernels and more groups in layers of a network of operators, and a smaller image.

    Args:
        baseline: What is run as it is; of a network with a stage table there are none.
        alike_layers: Names of executed layers, alike ones together, in the order that their names say.
    """
    if graph_of(baseline.network) is None:
        return
    design = graph_design(concrete(baseline.network))
    for number, names in enumerate(alike_layers, start=1):
        for move in (*design.smaller_kernels(names), *design.more_groups(names)):
            yield _redesigned(baseline, design, RedesignChange(f"{move.kind}{number}", move))
    if (image := design.smaller_image()) is not None:
        yield _redesigned(baseline, design, RedesignChange(image.kind, image))


def most_redesigns(network: Network) -> int:
    """How many there are at most: a kernel and groups for each group of layers, and an image."""
    return 0 if graph_of(network) is None else 2 * LONGEST + 1


def _redesigned(baseline: Baseline, design: GraphDesign, change: RedesignChange) -> Remedy | ImpossibleRemedy:
    try:
        return baseline.remedy(change, network=design.of(change.move))
    except AccelsimError as error:
        return ImpossibleRemedy(change, error.complaints)
