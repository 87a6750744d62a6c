"""Cascades: a chain of layers that runs stripe by stripe; of tensors inside it a few rows exist at a time.

A stripe of a layer is a layer: that of fewer rows, padded only where the whole layer is. A stripe of the
last layer asks the one before it for the input rows that it reads and that are not there yet, and so on
backwards: what a stripe shares with the one before it (the halo) is kept, and nothing is computed twice. The
first stripe fills the halos, so its layers compute more rows than those of later ones. It is depth-first
execution, as fully cached as can be (Mei, Goetschalckx, Symons and Verhelst, DeFiNES, HPCA 2023, section
III), with stripes as wide as the feature map; for a whole network it is the rolling of Alwani et al.,
Fused-layer CNN Accelerators, MICRO 2016.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple, TypeAlias

from accelsim.hardware import Precision
from accelsim.mapping.footprint import bits_to_bytes, residual_elements
from accelsim.mapping.precision import activation_bits
from accelsim.mapping.tiling import Axis, row_axis
from accelsim.network.layer import Layer
from accelsim.planning.tensors import LayerUse, NetworkTensors


class NoCascade(StrEnum):
    """Why layers cannot run as a cascade, whatever room there is.

    Example:
        >>> NoCascade("several_readers") is NoCascade.SEVERAL_READERS
        True
    """

    BEYOND_THE_END = "beyond_the_end"
    """There are no so many layers."""
    GIVEN_MAPPING = "given_mapping"
    """How one is mapped was said."""
    SEVERAL_OPERANDS = "several_operands"
    """One reads several tensors as its input, or factors that belong to all rows."""
    SEVERAL_READERS = "several_readers"
    """A tensor inside is read by more than the next layer and, as a residual, one behind it in the chain; or
    it is a result."""
    OTHER_SHAPE = "other_shape"
    """One reads what the one before it writes as a tensor of another shape, or a part of it."""
    READS_PADDING_ONLY = "reads_padding_only"
    """Some rows of one depend on no row of its input."""
    UNEVEN = "uneven"
    """What one has to do for a row is no whole number, or depends on all rows."""


class Rows(NamedTuple):
    """Rows of a tensor: the first one, and the one behind the last.

    Example:
        >>> Rows(4, 8).count
        4
    """

    first: int
    behind: int

    @property
    def count(self) -> int:
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
        >>> StripeOfStep(0, 0, layer, Rows(0, 3), Rows(0, 2), Rows(0, 2)).stored.count
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
        return sum([held.size_bytes for held in (*self.windows, *self.unfinished)])

    @cached_property
    def forms(self) -> Counter[Form]:
        """How often each form of stripe occurs: there are few, so that each is mapped and priced once."""
        return Counter([(entry.step, entry.layer.nameless) for entry in self.entries])

    @property
    def count(self) -> int:
        """Of stripes."""
        return self.entries[-1].stripe + 1


def may_cascade(layers: Sequence[Layer], network: NetworkTensors, first: int, count: int) -> NoCascade | None:
    """Why steps cannot run as a cascade on any machine; None where they can.

    Args:
        layers: Of each step of the network.
        network: What they read and write.
        first: The first step of the chain.
        count: How many steps it has.
    """
    if first + count > len(layers):
        return NoCascade.BEYOND_THE_END
    chain = range(first, first + count)
    return next(
        (
            reason
            for step in chain
            for reason in (_obstacle(layers[step]), _obstacle_between(layers, network, chain, step))
            if reason is not None
        ),
        None,
    )


def _obstacle(layer: Layer) -> NoCascade | None:
    """Why a layer cannot be cut into stripes."""
    if layer.given is not None or layer.given_pooling is not None:
        return NoCascade.GIVEN_MAPPING
    if layer.operands != 1 or layer.gate_elements:
        return NoCascade.SEVERAL_OPERANDS
    axis = row_axis(layer)
    if axis.pad >= axis.reach or (axis.outputs - 1) * axis.stride - axis.pad >= axis.inputs:
        return NoCascade.READS_PADDING_ONLY
    if axis.pooled is not None:
        _, window, stride, pad = axis.pooled
        if pad >= window or window < stride:
            return NoCascade.READS_PADDING_ONLY
    _, of_channels = residual_elements(layer)
    ops = [layer.vector_ops, *[operator.vector_ops for operator in layer.fused]]
    if of_channels or any(of_layer % layer.OY for of_layer in ops):
        return NoCascade.UNEVEN
    return None


def _obstacle_between(
    layers: Sequence[Layer], network: NetworkTensors, chain: range, step: int
) -> NoCascade | None:
    """Why a step cannot hand its output on to the next one of a chain by rows."""
    if step == chain[-1]:
        return None
    layer, following = layers[step], layers[step + 1]
    use, next_use = network.uses[step], network.uses[step + 1]
    life, tensor = network.lives[use.output], network.tensors[use.output]
    if next_use.inputs != (use.output,) or life.beside_others:
        return NoCascade.SEVERAL_OPERANDS
    others = [reader for reader in life.reads if reader != step + 1]
    if tensor.is_result or len(life.writes) > 1 or len(others) > 1 or any(r not in chain for r in others):
        return NoCascade.SEVERAL_READERS
    if use.output in next_use.residuals or any(use.output in network.uses[r].inputs for r in others):
        return NoCascade.SEVERAL_READERS
    rows, columns = _stored_shape(layer)
    written = layer.G * layer.K, rows, columns
    read = following.G * following.C, following.IY, following.IX
    added = [(layers[r].G * layers[r].K, layers[r].OY, layers[r].OX) for r in others]
    return None if all(shape == written for shape in (read, *added)) else NoCascade.OTHER_SHAPE


def _stored_shape(layer: Layer) -> tuple[int, int]:
    """Rows and columns of what a layer stores."""
    pooling = layer.pooling
    return (layer.OY, layer.OX) if pooling is None else (pooling.OY, pooling.OX)


def stripes(
    layers: Sequence[Layer],
    network: NetworkTensors,
    cascade: Cascade,
    precision: Precision,
    batch: int = 1,
) -> Stripes:
    """What each step does in each stripe.

    Args:
        layers: Of each step of the network.
        network: What they read and write.
        cascade: Steps that `may_cascade`.
        precision: The machine's bits of elements, where the network does not say.
        batch: Images that run together.

    Returns:
        Entries of the schedule, and what they keep in the pool from one to the next.
    """
    chain = _Chain(layers, network, cascade)
    entries = tuple(chain.entries())
    return Stripes(
        cascade,
        entries,
        tuple(_windows(layers, network, cascade, entries, precision, batch)),
        tuple(_unfinished(layers, cascade, entries, precision, batch)),
    )


class _Progress(NamedTuple):
    """How far a step is: rows computed, and rows stored, from the first on."""

    outputs: int = 0
    stored: int = 0


@dataclass(frozen=True)
class _Chain:
    """The steps of a cascade, with what they ask of those before them."""

    layers: Sequence[Layer]
    network: NetworkTensors
    cascade: Cascade

    def entries(self) -> Iterator[StripeOfStep]:
        """Stripe by stripe, in the order of the steps."""
        steps = self.cascade.steps
        rows, _ = _stored_shape(self.layers[steps[-1]])
        before = dict.fromkeys(steps, _Progress())
        for stripe, begin in enumerate(range(0, rows, self.cascade.stripe_rows)):
            behind = self._behind(min(begin + self.cascade.stripe_rows, rows))
            for step in steps:
                if behind[step].outputs > before[step].outputs:
                    yield self._entry(step, stripe, before[step], behind[step])
            before = behind

    def _behind(self, stored_end: int) -> dict[int, _Progress]:
        """How far each step has to be for so many rows of the last one."""
        behind: dict[int, _Progress] = {}
        needed: dict[int, int] = {self.network.uses[self.cascade.steps[-1]].output: stored_end}
        for step in reversed(self.cascade.steps):
            layer, use = self.layers[step], self.network.uses[step]
            axis = row_axis(layer)
            outputs = _outputs_for(axis, needed[use.output])
            behind[step] = _Progress(outputs, axis.complete(outputs))
            # All rows of a tensor are written by the last stripe, those that nobody reads, too.
            inputs = layer.IY if outputs == layer.OY else axis.inputs_end(outputs)
            for tensor, rows in (
                *((tensor, inputs) for tensor in use.inputs),
                *((tensor, outputs) for tensor in use.residuals),
            ):
                needed[tensor] = max(needed.get(tensor, 0), rows)
        return behind

    def _entry(self, step: int, stripe: int, before: _Progress, behind: _Progress) -> StripeOfStep:
        axis = row_axis(self.layers[step])
        outputs, stored = Rows(before.outputs, behind.outputs), Rows(before.stored, behind.stored)
        inputs = Rows(axis.inputs_begin(outputs.first), axis.inputs_end(outputs.behind))
        layer = _cut(self.layers[step], axis, inputs, outputs, stored)
        return StripeOfStep(step, stripe, layer, inputs, outputs, stored)


def _outputs_for(axis: Axis, stored: int) -> int:
    """Rows that have to be computed for so many to be stored."""
    if axis.pooled is None:
        return stored
    results, window, stride, pad = axis.pooled
    return axis.outputs if stored >= results else min(axis.outputs, (stored - 1) * stride - pad + window)


def _cut(layer: Layer, axis: Axis, inputs: Rows, outputs: Rows, stored: Rows) -> Layer:
    """A layer of some rows: padded above only where its first window sticks out of the whole input.

    A pooling window that was begun before sticks out of the rows by those that it has seen already.
    """
    pooling = layer.pooling
    if pooling is not None:
        seen = outputs.first - (stored.first * pooling.stride_y - pooling.pad_top)
        pooling = replace(pooling, OY=stored.count, pad_top=seen)
    fused = tuple(
        [
            replace(
                operator,
                vector_ops=operator.vector_ops * outputs.count // layer.OY,
                residual_elements=operator.residual_elements * outputs.count // layer.OY,
            )
            for operator in layer.fused
        ]
    )
    return replace(
        layer,
        OY=outputs.count,
        IY=inputs.count,
        pad_top=inputs.first - (outputs.first * axis.stride - axis.pad),
        vector_ops=layer.vector_ops * outputs.count // layer.OY,
        fused=fused,
        pooling=pooling,
    )


def _windows(
    layers: Sequence[Layer],
    network: NetworkTensors,
    cascade: Cascade,
    entries: Sequence[StripeOfStep],
    precision: Precision,
    batch: int,
) -> Iterator[Window]:
    """Of each tensor inside: the most rows at once, while one entry after the other runs."""
    for writer in cascade.steps[:-1]:
        tensor = network.uses[writer].output
        needed_from = dict.fromkeys(network.lives[tensor].reads, 0)
        most = 0
        for entry in entries:
            if entry.step == writer:
                # What it writes may be written in any order, that which nobody reads, too.
                most = max(most, entry.stored.behind - min(entry.stored.first, *needed_from.values()))
            elif entry.step in needed_from:
                needed_from[entry.step] = needed_after(
                    layers[entry.step], network.uses[entry.step], tensor, entry
                )
        layer = layers[writer]
        _, columns = _stored_shape(layer)
        row_bytes = bits_to_bytes(layer.G * layer.K * columns * batch, activation_bits(layer, precision))
        yield Window(tensor, most, row_bytes)


def needed_after(layer: Layer, use: LayerUse, tensor: int, entry: StripeOfStep) -> int:
    """The first row of a tensor that a step needs after one of its entries.

    Args:
        layer: Of the step, whole.
        use: Its tensors.
        tensor: One that it reads.
        entry: What it has done last.
    """
    done = entry.outputs.behind
    if tensor not in use.inputs:
        return done
    axis = row_axis(layer)
    return axis.inputs if done == axis.outputs else axis.inputs_begin(done)


def _unfinished(
    layers: Sequence[Layer],
    cascade: Cascade,
    entries: Sequence[StripeOfStep],
    precision: Precision,
    batch: int,
) -> Iterator[Unfinished]:
    """Of each step with a pooling: the most results that are begun, and not finished, between two stripes."""
    for step in cascade.steps:
        layer, pooling = layers[step], layers[step].pooling
        if pooling is None:
            continue
        most = 0
        for entry in entries:
            if entry.step == step:
                begun = min(pooling.OY, -(-(entry.outputs.behind + pooling.pad_top) // pooling.stride_y))
                most = max(most, begun - entry.stored.behind)
        if most:
            elements = layer.G * layer.K * most * pooling.OX * batch
            yield Unfinished(step, bits_to_bytes(elements, activation_bits(layer, precision)))
