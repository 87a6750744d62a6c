"""Stripes of a cascade: the rows that each of its layers reads, computes and stores in each of them.

Plain values that mapping, planning, verification and reports share; planning/cascades/cascade.py makes them.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from accelsim.network.layer import Layer


class Rows(NamedTuple):
    """Rows of a tensor: the first one, and the one behind the last.

    Example:
        >>> Rows(4, 8).size
        4
    """

    first: int
    behind: int

    @property
    def size(self) -> int:
        """How many."""
        return self.behind - self.first


@dataclass(frozen=True)
class Cascade:
    """Successive steps that run stripe by stripe.

    What moves at the ends is said by the plans of its steps, as of steps by themselves: the first reads the
    pool or the memory outside, the last writes the one, the other or both.

    Example:
        >>> Cascade(first=3, layers=3, stripe_rows=4, resident=frozenset({3})).steps
        range(3, 6)
    """

    first: int
    """Its first step, in running order."""
    layers: int
    """How many steps."""
    stripe_rows: int
    """Of what the last step stores."""
    resident: frozenset[int] = frozenset()
    """Steps whose weights come with their first stripe and stay to the last; those of others come with each
    stripe, unless they are pinned."""

    @property
    def steps(self) -> range:
        """Those that run so."""
        return range(self.first, self.first + self.layers)


class StripeOfStep(NamedTuple):
    """One step's part in one stripe: an entry of the schedule.

    Example:
        >>> from accelsim.network.layer import Layer
        >>> layer = Layer("conv1", "conv", K=8, C=3, OY=2, OX=2, FY=3, FX=3, IY=3, IX=4, pad_top=1)
        >>> StripeOfStep(0, 0, layer, Rows(0, 3), Rows(0, 2), Rows(0, 2)).stored.size
        2
    """

    step: int
    stripe: int
    layer: Layer
    """Of the step, cut to the rows."""
    inputs: Rows
    """Of its input, that it reads."""
    outputs: Rows
    """That it computes; of residuals it reads the same rows."""
    stored: Rows
    """Of its output, that it writes: the same rows, or what pooling leaves of them."""


class Window(NamedTuple):
    """The rows of a tensor inside a cascade that are in the pool at a time: row r lies where r - `rows` lay.

    Example:
        >>> Window(tensor=4, rows=6, row_bytes=448).size_bytes
        2688
    """

    tensor: int
    """By its place among the tensors."""
    rows: int
    """The most that are alive at once: written, and not yet read for the last time."""
    row_bytes: int
    """Of all images that run together."""

    @property
    def size_bytes(self) -> int:
        """Its room."""
        return self.rows * self.row_bytes


class Unfinished(NamedTuple):
    """Results of a fused pooling that are begun in one stripe and finished in the next.

    Example:
        >>> Unfinished(step=0, size_bytes=3584).size_bytes
        3584
    """

    step: int
    size_bytes: int
    """The most that there are of them between two stripes: each is a maximum, or a sum, so far."""


Form: TypeAlias = tuple[int, Layer]
"""A step, and a stripe of it without its name."""


@dataclass(frozen=True)
class Stripes:
    """A cascade as it is executed.

    Example:
        >>> from accelsim.network.layer import Layer
        >>> from dataclasses import replace
        >>> from accelsim.hardware import Precision
        >>> from accelsim.planning.cascades.cascade import stripes
        >>> from accelsim.planning import LayerUse, NetworkTensors, Tensor
        >>> first = Layer("a", "conv", K=4, C=1, OY=8, OX=8, FY=3, FX=3, IY=8, IX=8, pad_top=1, pad_left=1)
        >>> second = replace(first, name="b", K=1, C=4)
        >>> tensors = Tensor("image", 64, is_image=True), Tensor("a", 256), Tensor("b", 64, is_result=True)
        >>> network = NetworkTensors(tensors, (LayerUse((0,), (), 1), LayerUse((1,), (), 2)))
        >>> found = stripes((first, second), network, Cascade(0, 2, stripe_rows=2), Precision())
        >>> [tuple(entry.stored) for entry in found.entries if entry.step == 0]
        [(0, 3), (3, 5), (5, 7), (7, 8)]
        >>> found.windows[0].rows
        4
    """

    cascade: Cascade
    entries: tuple[StripeOfStep, ...]
    """In running order. A step has no entry in a stripe in which it has nothing to do."""
    windows: tuple[Window, ...]
    """Of the tensors inside, in the order of the steps that write them."""
    unfinished: tuple[Unfinished, ...]
    """Of steps with a fused pooling whose windows overlap."""

    @property
    def window_bytes(self) -> int:
        """What the cascade takes of the pool from its first entry to its last, without resident weights."""
        windows_bytes = sum([window.size_bytes for window in self.windows])
        return windows_bytes + sum([results.size_bytes for results in self.unfinished])

    @cached_property
    def forms(self) -> Counter[Form]:
        """How often each form of stripe occurs: there are few, so that each is mapped and priced once."""
        return Counter([(entry.step, entry.layer.nameless) for entry in self.entries])

    @property
    def count(self) -> int:
        """Of stripes."""
        return self.entries[-1].stripe + 1

    def of_step(self, step: int) -> list[StripeOfStep]:
        """What a step does, stripe by stripe."""
        return [entry for entry in self.entries if entry.step == step]


class EntryOfLayer(NamedTuple):
    """What an entry of the schedule is of the network's layers.

    Example:
        >>> EntryOfLayer(layer=3, stripe=None, cascade=None).layer
        3
    """

    layer: int
    """By its place in running order, each layer counted once."""
    stripe: StripeOfStep | None = None
    """The part of it, in a cascade; else all of it."""
    cascade: int | None = None
    """The number of that cascade."""


@dataclass(frozen=True)
class Striped:
    """How the entries of a schedule go back to layers, where some run stripe by stripe.

    Example:
        >>> from accelsim.network.layer import Layer
        >>> layer = Layer("fc", "fully_connected", K=10, C=64, OY=1, OX=1)
        >>> Striped((layer,), ()).entries
        (EntryOfLayer(layer=0, stripe=None, cascade=None),)
    """

    layers: tuple[Layer, ...]
    """Whole, in running order: the steps of plans."""
    cascades: tuple[Stripes, ...]
    """In running order; no two share a layer."""

    @cached_property
    def entries(self) -> tuple[EntryOfLayer, ...]:
        """Of the schedule."""
        return tuple(self._entries())

    def _entries(self) -> Iterator[EntryOfLayer]:
        first_of = {stripes.cascade.first: number for number, stripes in enumerate(self.cascades)}
        step = 0
        while step < len(self.layers):
            number = first_of.get(step)
            if number is None:
                yield EntryOfLayer(step)
                step += 1
                continue
            stripes = self.cascades[number]
            for entry in stripes.entries:
                yield EntryOfLayer(entry.step, entry, number)
            step += stripes.cascade.layers

    @cached_property
    def entries_of(self) -> tuple[tuple[int, ...], ...]:
        """Of each layer: its entries, by their place in the schedule."""
        of_layers: list[list[int]] = [[] for _ in self.layers]
        for number, entry in enumerate(self.entries):
            of_layers[entry.layer].append(number)
        return tuple(map(tuple, of_layers))

    @property
    def windows(self) -> dict[int, Window]:
        """By the tensors that they are of."""
        return {window.tensor: window for stripes in self.cascades for window in stripes.windows}

    def cascade_of(self, layer: int) -> int | None:
        """The number of the cascade that a layer is in; None where it runs as a whole."""
        return next((n for n, stripes in enumerate(self.cascades) if layer in stripes.cascade.steps), None)
