"""DepthSpace: every way to distribute a number of blocks over the stages of a network."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from accelsim.descriptions import in_words, unknown, vary
from accelsim.descriptions.arguments import whole_number, whole_number_or_none
from accelsim.descriptions.limits import MAX_CANDIDATES, MAX_REPEAT
from accelsim.descriptions.phrases import counted
from accelsim.errors import AccelsimError
from accelsim.network.description import Network
from accelsim.network.load import network_of
from accelsim.network.stages import Stage

Depths: TypeAlias = tuple[int, ...]
"""Blocks of each repeating stage, in the order of the stage table."""


class SpaceError(AccelsimError):
    """Rules that leave nothing to search: the text says which rule, and by how much."""


@dataclass(frozen=True)
class DepthSpace:
    """Depths that add up to `total_blocks`, each at least `min_blocks`, some of them fixed.

    Example:
        >>> list(DepthSpace(("stage1", "stage2"), total_blocks=4, min_blocks=1))
        [(1, 3), (2, 2), (3, 1)]
        >>> (2, 2) in DepthSpace(("stage1", "stage2"), total_blocks=4, min_blocks=1, fixed=((0, 1),))
        False
    """

    stages: tuple[str, ...]
    """Names of the repeating stages."""
    total_blocks: int
    """Of all of them together, those that are fixed too."""
    min_blocks: int
    """Of each stage whose depth varies."""
    fixed: tuple[tuple[int, int], ...] = ()
    """(index of a stage, its depth), in order."""

    @property
    def free(self) -> tuple[int, ...]:
        """Indexes of the stages whose depth varies."""
        fixed = dict(self.fixed)
        return tuple(index for index in range(len(self.stages)) if index not in fixed)

    @property
    def free_blocks(self) -> int:
        """Blocks to distribute over the stages whose depth varies."""
        return self.total_blocks - sum(depth for _, depth in self.fixed)

    @property
    def deepest(self) -> int:
        """The most blocks that one of the stages can have whose depth varies."""
        return min(MAX_REPEAT, self.free_blocks - self.min_blocks * (len(self.free) - 1))

    @cached_property
    def size(self) -> int:
        """How many candidates there are."""
        # counts[blocks]: distributions of so many blocks over the stages so far. One more stage takes from
        # min_blocks to deepest of them, so its counts are differences of prefix sums.
        counts = [1] + [0] * self.free_blocks
        for _ in self.free:
            sums = [0]
            for count in counts:
                sums.append(sums[-1] + count)
            counts = [
                sums[max(0, blocks - self.min_blocks + 1)] - sums[max(0, blocks - self.deepest)]
                for blocks in range(self.free_blocks + 1)
            ]
        return counts[-1]

    def __iter__(self) -> Iterator[Depths]:
        """Every candidate, in lexicographic order."""
        fixed, free = dict(self.fixed), self.free
        every = _compositions(self.free_blocks, len(free), self.min_blocks, self.deepest)
        if not fixed:
            yield from every
            return
        for chosen in every:
            depths = fixed | dict(zip(free, chosen, strict=True))
            yield tuple(depths[index] for index in range(len(self.stages)))

    def __contains__(self, depths: object) -> bool:
        if not isinstance(depths, tuple) or len(depths) != len(self.stages):
            return False
        free_within = all(self.min_blocks <= depths[index] <= MAX_REPEAT for index in self.free)
        fixed_equal = all(depths[index] == depth for index, depth in self.fixed)
        return free_within and fixed_equal and sum(depths) == self.total_blocks


def _compositions(total: int, parts: int, low: int, high: int) -> Iterator[tuple[int, ...]]:
    """Every way to write `total` as so many numbers from `low` to `high`, in order."""
    if parts == 0:
        if total == 0:
            yield ()
        return
    if parts == 1:
        if low <= total <= high:
            yield (total,)
        return
    for first in range(max(low, total - high * (parts - 1)), min(high, total - low * (parts - 1)) + 1):
        for rest in _compositions(total - first, parts - 1, low, high):
            yield (first, *rest)


def depth_space(
    network: Network | str | Path,
    *,
    total_blocks: int | None = None,
    min_blocks: int = 1,
    fixed: Mapping[str, int] | None = None,
) -> DepthSpace:
    """The space of a network's depths.

    Args:
        network: A network, or a name or path as `--net` takes it.
        total_blocks: Blocks of all repeating stages together; None is as many as the network has.
        min_blocks: Of each stage whose depth varies.
        fixed: Depths that do not vary, by the names of their stages.

    Returns:
        The space, which is a collection of depths.

    Raises:
        SpaceError: Where no stage repeats, or no depths obey the rules, or too many do.

    Example:
        >>> depth_space("sqnxt23v5").size
        1140
        >>> depth_space("sqnxt23v5", fixed={"stage1": 2, "stage2": 4}).size
        14
    """
    network = network_of(network)
    if not isinstance(fixed, Mapping | None):
        raise SpaceError(f"fixed = {in_words(fixed)}: must map names of stages to their depths")
    fixed = {name: whole_number(name, depth) for name, depth in (fixed or {}).items()}
    total_blocks = whole_number_or_none("total blocks", total_blocks)
    min_blocks = whole_number("min blocks", min_blocks)
    rows = repeating(network)
    names = tuple(row.name for row in rows)
    if not rows:
        raise SpaceError(f"{network.name}: none of its stages repeats: there is no depth to redistribute")
    _check_fixed(network, names, fixed)
    if min_blocks < 1:
        raise SpaceError(f"min blocks = {min_blocks}: must be at least 1")
    total = sum(depths_of(network)) if total_blocks is None else total_blocks
    space = DepthSpace(
        names, total, min_blocks, tuple((names.index(name), depth) for name, depth in fixed.items())
    )
    _check_total(network, space)
    return space


def _check_fixed(network: Network, names: tuple[str, ...], fixed: Mapping[str, int]) -> None:
    for name, depth in fixed.items():
        if name not in names:
            raise SpaceError(f"{network.name}: {name}: {unknown(name, 'repeating stage', names)}")
        if not 1 <= depth <= MAX_REPEAT:
            raise SpaceError(f"{name} = {depth}: must be a number of blocks from 1 to {MAX_REPEAT}")


def _check_total(network: Network, space: DepthSpace) -> None:
    free, blocks = len(space.free), space.free_blocks
    fewest, deepest = free * space.min_blocks, free * MAX_REPEAT
    in_fixed = f", {space.total_blocks - blocks} of them in fixed stages" if space.fixed else ""
    subject = f"{network.name}: total blocks = {space.total_blocks}{in_fixed}"
    take = "takes" if free == 1 else "take"
    if blocks < fewest:
        raise SpaceError(
            f"{subject}: {fewest - blocks} too few: {counted(free, 'stage')} of at least {space.min_blocks} "
            f"{take} {fewest}"
        )
    if blocks > deepest:
        limit = f"{counted(free, 'stage')} {take} at most {deepest}" if free else "every stage is fixed"
        raise SpaceError(f"{subject}: {blocks - deepest} too many: {limit}")
    if space.size > MAX_CANDIDATES:
        raise SpaceError(
            f"{subject}: {space.size:,} candidates, must be at most {MAX_CANDIDATES:,}: "
            "fix stages (--fix), let each have more (--min-blocks), or take fewer blocks"
        )


def repeating(network: Network) -> tuple[Stage, ...]:
    """The stages that repeat their block."""
    return tuple(stage for stage in network.stages if stage.repeat is not None)


def depths_of(network: Network) -> Depths:
    """Blocks of each repeating stage.

    Args:
        network: Any; one without repeating stages has no depths.

    Returns:
        A depth for each, in the order of the stage table.

    Example:
        >>> from accelsim import load_network
        >>> depths_of(load_network("sqnxt23v5"))
        (2, 4, 14, 1)
    """
    return tuple(stage.repeat for stage in network.stages if stage.repeat is not None)


def with_depths(network: Network, depths: Depths) -> Network:
    """The network with other depths, called by them. Nothing is reported of it.

    Args:
        network: The network.
        depths: A depth for each of its repeating stages.

    Returns:
        The same stage table but for the depths.

    Example:
        >>> from accelsim import load_network
        >>> with_depths(load_network("sqnxt23v5"), (6, 6, 8, 1)).name
        'sqnxt23v5-6-6-8-1'
    """
    rest, changes, stages = iter(depths), dict[str, Any](), list[Stage]()
    for row, stage in enumerate(network.stages):
        if stage.repeat is None:
            stages.append(stage)
            continue
        depth = next(rest)
        changes[f"stages.{row}.repeat"] = depth
        stages.append(replace(stage, repeat=depth))
    name = "-".join(map(str, (network.description.name, *depths)))
    description = vary(network.description, name=name, reported={}, reported_at=[], **changes)
    return replace(network, name=name, description=description, stages=tuple(stages))
