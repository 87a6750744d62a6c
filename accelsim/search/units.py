"""Units: what networks that differ only in depth consist of, and which of them stand around each.

How a block is lowered depends on what it is and on the blocks around it that it reads from or is fused with.
So what becomes of a candidate is put together from what became of units in the same surroundings, in a few
networks that were built. docs/decisions/depth-assembly.md says when this is exact, and what happens else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from accelsim.descriptions.limits import MAX_REPEAT
from accelsim.errors import NetworkError
from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.graph import Operator, PublishedGraph, PublishedNode, Shape
from accelsim.network.precision import WeightForm
from accelsim.search.space import Depths, with_depths

REACH: Final = 2
"""Units: how far a block may read back (its input, and its predecessor's) or be fused forward."""

AROUND: Final = 2 * REACH + 1

ProducerRef: TypeAlias = tuple[int, int]
"""(units back, nodes or layers from the end of that unit; from its beginning if it is the same unit)."""
_Signature: TypeAlias = tuple[tuple[Operator, WeightForm, tuple[ProducerRef, ...]], ...]
Key: TypeAlias = tuple[int, int, bool]
"""(row of the stage table, index of the block, whether it follows a varying stage of one block)."""


class Span(NamedTuple):
    """Successive units of the stage table: a stage whose depth varies, or rows that never do, as one unit."""

    row: int
    """The first."""
    varies: bool


class NotLocalError(Exception):
    """A block depends on more than the blocks around it, so candidates have to be built one by one."""


@dataclass(frozen=True)
class Unit:
    """A block, or successive rows that are the same in all candidates, as the network has it."""

    number: int
    """Of its signature: units of one number have the same operators, wired in the same way."""
    params: int
    macs: int
    """For one image."""
    output: Shape


class Units:
    """The units of a network's candidates."""

    def __init__(self, network: Network) -> None:
        """Of a network. Raises NotLocalError where its candidates have no such units."""
        if network.compression:
            raise NotLocalError("what is said of layers by name may be of layers that a candidate has not")
        if any(stage.reads for stage in network.stages):
            raise NotLocalError("a row that reads other rows may do so over blocks that a candidate has not")
        self.network = network
        self.spans = _spans(network)
        self._sizes: list[tuple[list[tuple[int, int]], ...]] = [([(0, 0)], [(0, 0)]) for _ in self.spans]
        """Of each span: parameters and MACs of so many units; the same where a single block is before it."""
        self._numbers: dict[_Signature, int] = {}
        self._units: dict[Key, Unit] = {}
        self._outputs: dict[int, Shape] = {}
        """Of each row: what its last operator puts out, whatever the depths."""

    def size(self, depths: Depths) -> tuple[int, int]:
        """Parameters and MACs of a candidate. Raises NotLocalError; NetworkError where it cannot be built."""
        params = macs = 0
        after_single = False
        of_stages = iter(depths)
        for span, (elsewhere, after_one) in zip(self.spans, self._sizes, strict=True):
            depth = next(of_stages) if span.varies else 1
            sizes = after_one if after_single else elsewhere
            if depth >= len(sizes):
                self._learn_sizes(sizes, span, depths)
            of_span = sizes[depth]
            params += of_span[0]
            macs += of_span[1]
            after_single = depth == 1 and span.varies
        return params, macs

    def _learn_sizes(self, sizes: list[tuple[int, int]], span: Span, depths: Depths) -> None:
        for key in [key for key in self.keys(depths) if key[0] == span.row][len(sizes) - 1 :]:
            unit = self.unit(key, depths)
            sizes.append((sizes[-1][0] + unit.params, sizes[-1][1] + unit.macs))

    def unit(self, key: Key, depths: Depths) -> Unit:
        """One of a candidate. Raises NotLocalError, and NetworkError where the candidate cannot be built."""
        unit = self._units.get(key)
        if unit is None:
            unit = self._units_of(depths)[self.keys(depths).index(key)]
        return unit

    def _units_of(self, depths: Depths) -> list[Unit]:
        keys = self.keys(depths)
        missing = [key for key in keys if key not in self._units]
        if any(not after_single for _, _, after_single in missing):
            try:
                self._learn_units(_deeper(depths))
            except NetworkError as error:  # which says nothing of these depths
                raise NotLocalError(str(error)) from None
            missing = [key for key in keys if key not in self._units]
        if missing:  # first units that follow a single block, as they do where others are shallow, too
            try:
                self._learn_units(tuple(min(depth, 2) for depth in depths))
            except NetworkError:
                self._learn_units(depths)
        return [self._units[key] for key in keys]

    def surroundings(self, depths: Depths) -> list[tuple[int, ...]]:
        """Of each unit of a candidate: the numbers of those around it and its own; -1 where there is none."""
        numbers = [-1] * REACH + [unit.number for unit in self._units_of(depths)] + [-1] * REACH
        return [tuple(numbers[first : first + AROUND]) for first in range(len(numbers) - AROUND + 1)]

    def _depths_of_spans(self, depths: Depths) -> Iterator[int]:
        of_stages = iter(depths)
        return (next(of_stages) if span.varies else 1 for span in self.spans)

    def keys(self, depths: Depths) -> list[Key]:
        """What the units of a candidate are known by."""
        keys: list[Key] = []
        after_single = False
        for span, depth in zip(self.spans, self._depths_of_spans(depths), strict=True):
            keys += [(span.row, index, after_single and index == 0) for index in range(depth)]
            after_single = depth == 1 and span.varies
        return keys

    def unit_of_block(self, network: Network) -> dict[str, int]:
        """Of each block's name: the index of its unit."""
        unit_of: dict[str, int] = {}
        index, fixed = -1, False
        for stage in network.stages:
            for name in stage.block_names:
                index += not (fixed and stage.repeat is None)
                unit_of[name] = index
                fixed = stage.repeat is None
        return unit_of

    def _learn_units(self, depths: Depths) -> None:
        network, keys = with_depths(self.network, depths), self.keys(depths)
        published = build(network)
        members = members_of(published, self.unit_of_block(network), len(keys))
        for index, (key, nodes) in enumerate(zip(keys, members, strict=True)):
            if not nodes:
                raise NotLocalError(f"{network.name}: a block has no operators")
            signature = _signature(members, index)
            operators = [operator for operator, *_ in signature]
            output = nodes[-1].operator.output
            if self._outputs.setdefault(key[0], output) != output:
                raise NotLocalError(
                    f"{network.name}: {nodes[-1].name} puts out {output}, elsewhere another shape"
                )
            unit = Unit(
                self._numbers.setdefault(signature, len(self._numbers)),
                sum(operator.params for operator in operators),
                sum(operator.macs for operator in operators),
                output,
            )
            if self._units.setdefault(key, unit) != unit:
                raise NotLocalError(f"{network.name}: {nodes[0].name} depends on depths before it")


def _spans(network: Network) -> tuple[Span, ...]:
    spans: list[Span] = []
    for row, stage in enumerate(network.stages):
        if stage.repeat is not None or not spans or spans[-1].varies:
            spans.append(Span(row, stage.repeat is not None))
    return tuple(spans)


def _deeper(depths: Depths) -> Depths:
    """Depths that show what the next candidates are made of, too, so that few networks have to be built."""
    return (min(MAX_REPEAT, 2 ** max(depths).bit_length()),) * len(depths)


def shallower(depths: Depths) -> Depths:
    """Depths that are built sooner; the same surroundings occur in it if every other block is the same."""
    return tuple(depth if depth <= AROUND else AROUND - 1 + depth % 2 for depth in depths)


def members_of(
    published: PublishedGraph, unit_of_block: dict[str, int], units: int
) -> list[list[PublishedNode]]:
    """The nodes of each unit; the image belongs to the first."""
    members: list[list[PublishedNode]] = [[] for _ in range(units)]
    for node in published.nodes:
        members[unit_of_block.get(node.block, 0)].append(node)
    return members


def _signature(members: list[list[PublishedNode]], unit: int) -> _Signature:
    """The operators of a unit, and which node within reach each of them reads."""
    references: dict[str, ProducerRef] = {}
    for distance in range(1, min(REACH, unit) + 1):
        nodes = members[unit - distance]
        references |= {node.name: (distance, len(nodes) - index) for index, node in enumerate(nodes)}
    references |= {node.name: (0, index) for index, node in enumerate(members[unit])}
    signature = []
    for node in members[unit]:
        if any(source not in references for source in node.operands):
            raise NotLocalError(f"{node.name} reads from further back than {REACH} blocks")
        sources = tuple(references[source] for source in node.operands)
        signature.append((node.operator, node.weight_form, sources))
    return tuple(signature)
