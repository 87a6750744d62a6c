"""MemoryMap: which tensor lies where on chip, from which layer to which, and why others do not.

Plain values that mapping, planning, results and reports share. A step is a layer in running order, and says
its place among all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias, assert_never


class Steps(NamedTuple):
    """From the first of them to the last, both included.

    Example:
        >>> Steps(2, 5).last
        5
    """

    first: int
    """The place of the first among all steps."""
    last: int
    """That of the last."""


class TooLarge(NamedTuple):
    """Why a tensor did not stay: at a step of its life the pool does not hold it.

    Example:
        >>> TooLarge(step=0, size_bytes=3000, beside_bytes=1200, pool_bytes=4096).pool_bytes
        4096
    """

    step: int
    """The first at which it has no room."""
    size_bytes: int
    """Of the tensor."""
    beside_bytes: int
    """What has to be in the pool then besides, at least: tiles, and tensors that cannot be elsewhere."""
    pool_bytes: int
    """Of the pool."""


class CostsMore(NamedTuple):
    """Why a tensor did not stay: it would save less than the room that it takes.

    Example:
        >>> CostsMore(price=1200.0, price_if_kept=1250.0).price
        1200.0
    """

    price: float
    """Of the plan."""
    price_if_kept: float
    """Of the best plan in which the tensor stays to its last reader."""


class ReadBeside(NamedTuple):
    """Why a tensor did not stay: a step reads it, or what is read beside it, beside what has to be outside.

    Example:
        >>> ReadBeside(step=4, tensor="image").tensor
        'image'
    """

    step: int
    """The first that does."""
    tensor: str
    """What has to be outside."""


class ResultOutside(NamedTuple):
    """Why a tensor did not stay: it is a result, which has to be outside, and can lie in one place only.

    Example:
        >>> ResultOutside(step=4).step
        4
    """

    step: int
    """The last that reads it."""


class CostsMoreTogether(NamedTuple):
    """Why a tensor did not stay: a plan in which it does takes more when the whole network is simulated.

    Example:
        >>> CostsMoreTogether(simulated=1200.0, simulated_if_kept=1250.0).simulated
        1200.0
    """

    simulated: float
    """Cycles, energy or their product, whichever is to be small, of the schedule that is run."""
    simulated_if_kept: float
    """The same of the one in which tensors stay."""


class ToldOutside(NamedTuple):
    """Why a tensor did not stay: a mapping file says that a step has it outside.

    Example:
        >>> ToldOutside(step=4).step
        4
    """

    step: int
    """The first of which that is said."""


WhyNot: TypeAlias = TooLarge | CostsMore | ReadBeside | ResultOutside | CostsMoreTogether | ToldOutside


class PlacedTensor(NamedTuple):
    """A tensor of a network, and where it lies when.

    Example:
        >>> conv1 = PlacedTensor("conv1", 4096, in_pool=Steps(0, 1), address=0, outside=None)
        >>> conv1.stays, conv1.end_address
        (True, 4096)
    """

    name: str
    """Of the first layer that writes it; `image` is what the network is given."""
    size_bytes: int
    in_pool: Steps | None
    """When it lies on chip; None where never."""
    address: int | None
    """Its offset in the pool; None where it is never there."""
    outside: Steps | None
    """When it lies in the memory outside, perhaps at the same time."""
    last_reader: int | None = None
    """The last step that reads it; None where nobody does."""
    why_not: WhyNot | None = None
    """Why it does not stay on chip to its last reader; None where it does, where nobody reads it, of the
    image, and where reasons were not looked for."""
    is_image: bool = False
    """Whether it is what the network is given."""
    is_result: bool = False
    """Whether somebody outside the network wants it."""
    is_weights: bool = False
    """Whether it is a layer's weights, which may stay from one inference to the next."""
    window_rows: int | None = None
    """Of a tensor inside a cascade, how many of its rows lie there at a time, each in the place of one before
    it; None where all of it does."""
    whole_bytes: int | None = None
    """What all of such a tensor takes, where that has no place on chip; None of others: their size."""

    def to_dict(self, memory: str, layers: Sequence[str]) -> dict[str, Any]:
        """Plain values, with the names of `run --format json`, where steps are the layers of those names."""
        return {
            "name": self.name,
            "size_bytes": self.size_bytes,
            "memory": None if self.in_pool is None else memory,
            "address": self.address,
            "first_layer": None if self.in_pool is None else layers[self.in_pool.first],
            "last_layer": None if self.in_pool is None else layers[self.in_pool.last],
            "outside": self.outside is not None,
            "stays": self.stays,
            "why_not": None if self.why_not is None else _why_not(self.why_not, layers),
            **({"pinned": self.in_pool is not None} if self.is_weights else {}),
            **({} if self.window_rows is None else {"window_rows": self.window_rows}),
            **({} if self.whole_bytes is None else {"whole_bytes": self.whole_bytes}),
        }

    @property
    def stays(self) -> bool:
        """Whether it lies on chip until its last reader, or to its end where nobody reads it."""
        return self.in_pool is not None and self.in_pool.last >= (self.last_reader or 0)

    @property
    def end_address(self) -> int | None:
        """The first offset beyond it."""
        return None if self.address is None else self.address + self.size_bytes


class TileRegion(NamedTuple):
    """The largest contiguous part of the pool that tensors leave to the tiles of a layer.

    Example:
        >>> TileRegion(address=4096, size_bytes=1000, needed_bytes=1200).missing_bytes
        200
    """

    address: int
    """Its offset."""
    size_bytes: int
    """Of the whole part."""
    needed_bytes: int
    """What the tiles of the layer take at most, of two steps at once."""

    @property
    def missing_bytes(self) -> int:
        """What the part is too small by: there is that much room, but not in one piece."""
        return max(0, self.needed_bytes - self.size_bytes)


class BatchOrder(NamedTuple):
    """Which way a batch goes: each image through all layers before the next, or all through each layer.

    Example:
        >>> BatchOrder(in_turn=True, other_cycles=None, other_energy=None).in_turn
        True
    """

    in_turn: bool
    """Whether an image goes through all layers before the next one does: tensors are those of one."""
    other_cycles: int | None
    """What the batch takes the other way; None where it does not fit so."""
    other_energy: float | None
    """In the unit of the machine's prices; None where it does not fit so."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the names of `run --format json`."""
        return self._asdict()


@dataclass(frozen=True)
class MemoryMap:
    """What lies where in the pool of a machine while a network runs.

    Example:
        >>> conv1 = PlacedTensor("conv1", 3000, in_pool=Steps(0, 1), address=0, outside=None)
        >>> memory_map = MemoryMap("sram", 4096, (conv1,), (TileRegion(3000, 1096, 1000),) * 2)
        >>> memory_map.peak_bytes, memory_map.address_span_bytes, memory_map.address_waste_bytes
        (4000, 4000, 0)
    """

    memory: str
    """Its name."""
    size_bytes: int
    """Of the pool."""
    tensors: tuple[PlacedTensor, ...]
    """The image first, then in the order in which they are begun; weights last, where they may stay."""
    tiles: tuple[TileRegion, ...]
    """Of each step."""
    plan_gap: float | None = None
    """The part of what it was planned by that a better plan may save at most, where there were too many ways
    to follow all; None: there is no better plan."""
    batch_order: BatchOrder | None = None
    """Which way a batch goes; None of a single image."""
    kept_by_cascades: tuple[PlacedTensor, ...] = ()
    """What lies there while a cascade runs, beside rows of tensors: weights that come once for all of its
    stripes, and results of a pooling that a stripe begins and the next one finishes."""

    def to_dict(self, layers: Sequence[str]) -> dict[str, Any]:
        """Plain values, with the names of `run --format json`, where steps are the layers of those names."""
        kept = [of_cascade.to_dict(self.memory, layers) for of_cascade in self.kept_by_cascades]
        return {
            "tensors": [tensor.to_dict(self.memory, layers) for tensor in self.tensors],
            **({"kept_by_cascades": kept} if kept else {}),
            "layer_peak_bytes": self.peak_bytes,
            "address_span_bytes": self.address_span_bytes,
            "address_waste_bytes": self.address_waste_bytes,
            "plan_gap": self.plan_gap,
            **({} if self.batch_order is None else {"batch_order": self.batch_order.to_dict()}),
        }

    def instead_of(self, other: "MemoryMap", reason: WhyNot | None, *, weights: bool = False) -> "MemoryMap":
        """The same, where it was preferred to another map, with other activations or weights, for a reason.

        What does not stay in the other one either keeps its reason there, and the other one's gap counts: so
        much less might be enough to be preferred.
        """
        tensors = [
            tensor
            if tensor.stays or tensor.is_image or tensor.last_reader is None or tensor.is_weights != weights
            else tensor._replace(why_not=reason if planned.stays else planned.why_not)
            for tensor, planned in zip(self.tensors, other.tensors, strict=True)
        ]
        return replace(self, tensors=tuple(tensors), plan_gap=other.plan_gap)

    @property
    def placed(self) -> tuple[PlacedTensor, ...]:
        """All that may lie in the pool beside tiles."""
        return (*self.tensors, *self.kept_by_cascades)

    @property
    def activations(self) -> tuple[PlacedTensor, ...]:
        """Its tensors but for weights."""
        return tuple([tensor for tensor in self.tensors if not tensor.is_weights])

    @property
    def pinned(self) -> tuple[PlacedTensor, ...]:
        """Weights of layers that stay from one inference to the next."""
        return tuple([tensor for tensor in self.tensors if tensor.is_weights and tensor.in_pool is not None])

    @property
    def unpinned(self) -> tuple[PlacedTensor, ...]:
        """Weights of layers that might stay and do not."""
        return tuple([tensor for tensor in self.tensors if tensor.is_weights and tensor.in_pool is None])

    @property
    def tensor_bytes(self) -> tuple[int, ...]:
        """What tensors take of the pool, of each step."""
        taken = [0] * len(self.tiles)
        for tensor in self.placed:
            if tensor.in_pool is not None:
                for step in range(tensor.in_pool.first, tensor.in_pool.last + 1):
                    taken[step] += tensor.size_bytes
        return tuple(taken)

    @property
    def used_bytes(self) -> tuple[int, ...]:
        """What tensors and tiles of each step take of the pool, each step by itself."""
        return tuple(
            [taken + tiles.needed_bytes for taken, tiles in zip(self.tensor_bytes, self.tiles, strict=True)]
        )

    @property
    def peak_bytes(self) -> int:
        """The most that tensors and tiles of one step take."""
        return max(self.used_bytes, default=0)

    @property
    def address_span_bytes(self) -> int:
        """The first offset beyond all tensors and tiles, the pool's own end and what it lacks included.

        What it exceeds the peak by are holes between them, at the layer that takes most.
        """
        tensors = [tensor.end_address for tensor in self.placed if tensor.end_address is not None]
        tiles = [tiles.address + tiles.needed_bytes for tiles in self.tiles if not tiles.missing_bytes]
        waste_bytes = self.address_waste_bytes
        return max([0, *tensors, *tiles, *([self.size_bytes + waste_bytes] if waste_bytes else [])])

    @property
    def address_waste_bytes(self) -> int:
        """By how much tensors, or tiles of a layer in one piece, do not fit at most: 0 where addresses do."""
        beyond = [tensor.end_address - self.size_bytes for tensor in self.placed if tensor.end_address]
        return max([0, *beyond, *[tiles.missing_bytes for tiles in self.tiles]])

    @property
    def lost_bytes(self) -> tuple[int, ...]:
        """Of each step at which tensors and tiles do not fit: room that is there, but not in one piece."""
        lost = [
            self.size_bytes - taken - tiles.size_bytes if tiles.missing_bytes else 0
            for taken, tiles in zip(self.tensor_bytes, self.tiles, strict=True)
        ]
        for tensor in self.placed:
            if tensor.in_pool is not None and tensor.end_address is not None:
                beyond_bytes = tensor.end_address - self.size_bytes
                for step in range(tensor.in_pool.first, tensor.in_pool.last + 1):
                    lost[step] = max(lost[step], beyond_bytes)
        return tuple(lost)


def _why_not(reason: WhyNot, layers: Sequence[str]) -> dict[str, Any]:
    match reason:
        case TooLarge(step, _, beside_bytes, pool_bytes):
            sizes = {"beside_bytes": beside_bytes, "pool_bytes": pool_bytes}
            return {"reason": "too_large", "layer": layers[step], **sizes}
        case CostsMore(price, price_if_kept):
            return {"reason": "costs_more", "price": price, "price_if_kept": price_if_kept}
        case ReadBeside(step, tensor):
            return {"reason": "read_beside", "layer": layers[step], "tensor": tensor}
        case ResultOutside(step):
            return {"reason": "result_outside", "layer": layers[step]}
        case CostsMoreTogether(simulated, simulated_if_kept):
            values = {"simulated": simulated, "simulated_if_kept": simulated_if_kept}
            return {"reason": "costs_more_together", **values}
        case ToldOutside(step):
            return {"reason": "told_outside", "layer": layers[step]}
        case _:
            assert_never(reason)
