"""What an engineer may change in a network, as data: each change is a few values of its stage table.

A smaller kernel where the image is read, a block from one stage to another, channels rounded to the array.
Which arguments of a block are channels is found out by building the network, not from a list of names.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Final, Literal, TypeAlias

from accelsim.descriptions import vary
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware
from accelsim.network.blocks.single import Convolution
from accelsim.network.build import build
from accelsim.network.configuration import configure
from accelsim.network.description import Network, NetworkDescription
from accelsim.network.graph import PublishedGraph
from accelsim.network.graph_changes import changed_network
from accelsim.search.graph_moves import SIDES, GraphMove
from accelsim.search.space import depths_of

MoveKind: TypeAlias = Literal["kernel", "block", "channels", "groups", "resolution"]
_FACTORS: Final = (Fraction(2), Fraction(3), Fraction(3, 2))
"""By which channels are multiplied to see what they are; by the second where the first happens to make two
successive stages equally wide, so that a shortcut appears; by the third where a stage has to stay narrower
than the next, to which it is concatenated."""


@dataclass(frozen=True)
class Argument:
    """An argument of a block, by its row in the stage table."""

    row: int
    key: str

    @property
    def dotted(self) -> str:
        """As `vary` names it."""
        return f"stages.{self.row}.{self.key}"


@dataclass(frozen=True)
class KernelMove:
    """A smaller kernel in the convolution that reads the image."""

    kind: ClassVar[MoveKind] = "kernel"
    stage: str
    """Name of its row of the stage table."""
    old: tuple[int, ...]
    """Rows and columns of the kernel."""
    new: tuple[int, ...]
    changes: tuple[tuple[str, Any], ...]
    """Dotted keys of the description, and their new values."""

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the rows of the stage table that it changes."""
        return (self.stage,)


@dataclass(frozen=True)
class BlockMove:
    """A block taken from one stage and given to another."""

    kind: ClassVar[MoveKind] = "block"
    giver: str
    taker: str
    changes: tuple[tuple[str, Any], ...]

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the rows of the stage table that it changes."""
        return (self.giver, self.taker)


@dataclass(frozen=True)
class ChannelsMove:
    """A number of channels rounded to the array."""

    kind: ClassVar[MoveKind] = "channels"
    stage: str
    key: str
    """The argument of the stage's block: `out_channels`, `expansion`."""
    old: int
    new: int
    changes: tuple[tuple[str, Any], ...]

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the rows of the stage table that it changes."""
        return (self.stage,)


Move: TypeAlias = KernelMove | BlockMove | ChannelsMove | GraphMove
"""One change of a network; words.py names it."""


def concrete(network: Network) -> Network:
    """The same network with its stage table written out: no parameters, every expression a value.

    So each value of the table can be changed by itself. Nothing is reported of it.
    """
    image = network.image
    rows = [
        {
            "block": row.block,
            "name": stage.name,
            **({} if stage.label == stage.name else {"stage": stage.label}),
            **({} if stage.repeat is None else {"repeat": stage.repeat}),
            **({"reads": list(stage.reads)} if stage.reads else {}),
            **stage.block.model_dump(mode="json", exclude_defaults=True),
        }
        for row, stage in zip(network.description.stages, network.stages, strict=True)
    ]
    description = vary(
        network.description,
        input={"channels": image.channels, "height": image.height, "width": image.width},
        parameters={},
        reported={},
        reported_at=[],
        stages=rows,
    )
    return configure(description)


def moved(network: Network, move: Move) -> Network:
    """A concrete network with a change. Raises AccelsimError where that is no network."""
    if isinstance(move, GraphMove):
        return configure(changed_network(network.description, move.change))
    return configure(vary(network.description, **dict(move.changes)))


def derived(description: NetworkDescription, origin: str, ending: str, changes: str) -> NetworkDescription:
    """A changed description under a name of its own, saying what it comes from and what was changed."""
    return vary(
        description,
        name=f"{description.name}-{ending}",
        source=f"{description.source.rstrip('. ')}. Changed by accelsim from {origin}: {changes}",
    )


def moves(network: Network, hardware: Hardware, arguments: Sequence[Argument]) -> list[Move]:
    """Every change that a concrete network offers; whether it gives a network is for building it to say."""
    return [
        *_smaller_stem(network),
        *_moved_blocks(network),
        *_rounded_channels(network, arguments, longer_side(hardware)),
    ]


def longer_side(hardware: Hardware) -> int:
    """What channels are rounded to: where weights stay, rows take input and columns output channels."""
    return max(hardware.pe_array.rows, hardware.pe_array.columns)


def rounded_up(network: Network, arguments: Sequence[Argument], multiple: int) -> Network:
    """A concrete network with these numbers of channels of its table rounded up; itself where all are so.

    Raises AccelsimError where that is no network.
    """
    changes = {
        argument.dotted: rounded
        for argument in arguments
        if (rounded := math.ceil(_value(network, argument) / multiple) * multiple)
        != _value(network, argument)
    }
    return configure(vary(network.description, **changes)) if changes else network


# --- the stem


def _smaller_stem(network: Network) -> Iterator[Move]:
    """Of the convolution that reads the image: the next smaller kernel whose windows still overlap."""
    block, name = network.stages[0].block, network.stages[0].name
    if not isinstance(block, Convolution):
        return
    arguments = dict(block)
    old, stride = _pair(arguments["kernel"]), _pair(arguments["stride"])
    new = tuple(side - SIDES if side - SIDES > step else side for side, step in zip(old, stride, strict=True))
    if new == old:
        return
    changes: dict[str, Any] = {"stages.0.kernel": new[0] if new[0] == new[1] else new}
    if arguments["padding"] not in (0, "same"):
        changes["stages.0.padding"] = _less_padding(arguments["padding"], old, new)
    yield KernelMove(name, old, new, tuple(changes.items()))


def _pair(value: Any) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (value, value)


def _less_padding(padding: Any, old: tuple[int, ...], new: tuple[int, ...]) -> list[int]:
    """Padding for a kernel that is so much smaller, so that the output keeps its size."""
    less = [(before - after) // 2 for before, after in zip(old, new, strict=True)]
    sides = list(_pair(padding))
    by_side = less if len(sides) == 2 else [less[0], less[0], less[1], less[1]]
    return [max(0, side - fewer) for side, fewer in zip(sides, by_side, strict=True)]


# --- blocks


def _moved_blocks(network: Network) -> Iterator[Move]:
    """A block from each stage that has more than one to each other."""
    stages = [(row, stage) for row, stage in enumerate(network.stages) if stage.repeat is not None]
    depths = depths_of(network)
    for (giver_row, giver), giver_depth in zip(stages, depths, strict=True):
        for (taker_row, taker), taker_depth in zip(stages, depths, strict=True):
            if giver_row != taker_row and giver_depth > 1:
                changes = (
                    (f"stages.{giver_row}.repeat", giver_depth - 1),
                    (f"stages.{taker_row}.repeat", taker_depth + 1),
                )
                yield BlockMove(giver.name, taker.name, changes)


# --- channels


def _rounded_channels(network: Network, arguments: Sequence[Argument], multiple: int) -> Iterator[Move]:
    """Each number of channels of the table, down and up to the next multiple."""
    for argument in arguments:
        channels = _value(network, argument)
        down, up = channels // multiple * multiple, math.ceil(channels / multiple) * multiple
        stage = network.stages[argument.row].name
        for rounded in dict.fromkeys((down, up)):
            if rounded not in (0, channels):
                changes = ((argument.dotted, rounded),)
                yield ChannelsMove(stage, argument.key, channels, rounded, changes)


def channel_arguments(network: Network) -> tuple[Argument, ...]:
    """The arguments of a concrete network's table that are numbers of channels.

    An argument is one if multiplying it multiplies the outputs of an operator of its stage that has so many,
    and changes nothing about how many operators there are, how large their kernels and images are, and what
    the network puts out.
    """
    published = build(network)
    return tuple(
        Argument(row, key)
        for row, stage in enumerate(network.stages)
        for key, value in stage.block.model_dump(mode="json", exclude_defaults=True).items()
        if isinstance(value, int) and not isinstance(value, bool) and value > 1
        if any(_only_widens(network, published, Argument(row, key), factor) for factor in _FACTORS)
    )


def _value(network: Network, argument: Argument) -> int:
    value: int = getattr(network.stages[argument.row].block, argument.key)
    return value


def _only_widens(network: Network, published: PublishedGraph, argument: Argument, factor: Fraction) -> bool:
    channels, label = _value(network, argument), network.stages[argument.row].label
    widened, remainder = divmod(channels * factor, 1)
    if remainder:
        return False
    try:
        wider = build(configure(vary(network.description, **{argument.dotted: widened})))
    except AccelsimError:
        return False
    if list(published) != list(wider):
        return False
    widens = False
    for node in published.nodes:
        old, new = node.operator, wider[node.name].operator
        same_plane = (old.output.height, old.output.width) == (new.output.height, new.output.width)
        if not same_plane or getattr(old, "window", None) != getattr(new, "window", None):
            return False
        if not published.successors(node.name) and old.output != new.output:
            return False
        in_stage = node.stage == label
        widens |= in_stage and (old.output.channels, new.output.channels) == (channels, widened)
    return widens
