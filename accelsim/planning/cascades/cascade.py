"""Cascades: a chain of layers that runs stripe by stripe; of tensors inside it a few rows exist at a time.

A stripe of a layer is a layer: that of fewer rows, padded only where the whole layer is. A stripe of the
last layer asks the one before it for the input rows that it reads and that are not there yet, and so on
backwards: what a stripe shares with the one before it (the halo) is kept, and nothing is computed twice. The
first stripe fills the halos, so its layers compute more rows than those of later ones. It is depth-first
execution, as fully cached as can be (Mei, Goetschalckx, Symons and Verhelst, DeFiNES, HPCA 2023, section
III), with stripes as wide as the feature map; for a whole network it is the rolling of Alwani et al.,
Fused-layer CNN Accelerators, MICRO 2016.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from accelsim.hardware import Precision
from accelsim.mapping.footprint import bits_to_bytes, residual_elements
from accelsim.mapping.precision import activation_bits
from accelsim.mapping.stripes import Cascade, Rows, StripeOfStep, Stripes, Unfinished, Window
from accelsim.mapping.tiling import Axis, row_axis
from accelsim.network.layer import Layer
from accelsim.planning.tensors import LayerUse, NetworkTensors


class NoCascade(StrEnum):
    """Why layers cannot run as a cascade, whatever room there is.

    Example:
        >>> NoCascade("several_writers") is NoCascade.SEVERAL_WRITERS
        True
    """

    BEYOND_THE_END = "beyond_the_end"
    """There are no so many layers."""
    GIVEN_MAPPING = "given_mapping"
    """How one is mapped was said."""
    SEVERAL_OPERANDS = "several_operands"
    """One reads factors that belong to all rows, a tensor as several operands, or several tensors as one."""
    OTHER_INPUT = "other_input"
    """One does not read what the one before it writes as its input, or as one of its operands."""
    SEVERAL_WRITERS = "several_writers"
    """What one writes is a part of a tensor that others write as well."""
    OTHER_SHAPE = "other_shape"
    """One reads what the one before it writes as a tensor of another shape, or a part of it."""
    READS_PADDING_ONLY = "reads_padding_only"
    """Some rows of one depend on no row of its input."""
    UNEVEN = "uneven"
    """What one has to do for a row is no whole number, or depends on all rows."""


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
    obstacle = first_obstacle(layers, network, range(first, first + count))
    return None if obstacle is None else obstacle[1]


def first_obstacle(
    layers: Sequence[Layer], network: NetworkTensors, chain: range
) -> tuple[int, NoCascade] | None:
    """The first step of a chain that is in the way of running as a cascade, with the reason.

    Args:
        layers: Of each step of the network.
        network: What they read and write.
        chain: Some of its steps.
    """
    return next(
        (
            (step, reason)
            for step in chain
            for reason in (
                _obstacle(layers[step], network.uses[step]),
                _obstacle_between(layers, network, chain, step),
            )
            if reason is not None
        ),
        None,
    )


def _obstacle(layer: Layer, use: LayerUse) -> NoCascade | None:
    """Why a layer cannot be cut into stripes."""
    if layer.given is not None or layer.given_pooling is not None:
        return NoCascade.GIVEN_MAPPING
    each_another = layer.operands in (1, len(use.inputs))
    if layer.gate_elements or layer.multiplies_activations or not each_another:
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
    layer, use, next_use = layers[step], network.uses[step], network.uses[step + 1]
    life = network.lives[use.output]
    readers = [reader for reader in life.reads if reader in chain]
    if use.output not in next_use.inputs:
        return NoCascade.OTHER_INPUT
    if any(_reads_as_one(layers[reader], network.uses[reader], use.output) for reader in readers):
        return NoCascade.SEVERAL_OPERANDS
    if len(life.writes) > 1:
        return NoCascade.SEVERAL_WRITERS
    written = layer.G * layer.K, *_stored_shape(layer)
    read = {
        shape
        for reader in readers
        for shape in _read_shapes(layers[reader], network.uses[reader], use.output)
    }
    return None if read == {written} else NoCascade.OTHER_SHAPE


def _reads_as_one(layer: Layer, use: LayerUse, tensor: int) -> bool:
    """Whether a layer reads a tensor beside others as one operand: their parts, or residuals."""
    beside_parts = tensor in use.inputs and len(use.inputs) > layer.operands
    return beside_parts or (tensor in use.residuals and len(use.residuals) > 1)


def _read_shapes(layer: Layer, use: LayerUse, tensor: int) -> Iterator[tuple[int, int, int]]:
    """Channels, rows and columns of a tensor as a layer reads it: as its input, as a residual, or as both."""
    if tensor in use.inputs:
        yield layer.G * layer.C, layer.IY, layer.IX
    if tensor in use.residuals:
        yield layer.G * layer.K, layer.OY, layer.OX


def stored_rows(layer: Layer) -> int:
    """Rows of what a layer stores."""
    return _stored_shape(layer)[0]


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
    forms: dict[tuple[int, ...], Layer] = field(default_factory=dict)
    """Stripes of steps that are known, by what makes them different."""

    @cached_property
    def axes(self) -> dict[int, Axis]:
        """The rows of each step."""
        return {step: row_axis(self.layers[step]) for step in self.cascade.steps}

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
            axis = self.axes[step]
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
        axis = self.axes[step]
        outputs, stored = Rows(before.outputs, behind.outputs), Rows(before.stored, behind.stored)
        inputs = Rows(axis.inputs_begin(outputs.first), axis.inputs_end(outputs.behind))
        # Stripes that are as large, and as far from the border, are one layer.
        sizes = inputs.size, outputs.size, stored.size
        form = step, *sizes, *_ahead(axis, inputs, outputs, stored)
        layer = self.forms.get(form)
        if layer is None:
            layer = self.forms[form] = _cut(self.layers[step], *sizes, *form[-2:])
        return StripeOfStep(step, stripe, layer, inputs, outputs, stored)


def _outputs_for(axis: Axis, stored: int) -> int:
    """Rows that have to be computed for so many to be stored."""
    if axis.pooled is None:
        return stored
    results, window, stride, pad = axis.pooled
    return axis.outputs if stored >= results else min(axis.outputs, (stored - 1) * stride - pad + window)


def _ahead(axis: Axis, inputs: Rows, outputs: Rows, stored: Rows) -> tuple[int, int]:
    """Rows by which the first windows of a stripe stick out above it: of the input, into the padding; of a
    pooling, into rows of the stripe before that the window has seen already, or into its padding.
    """
    padding = inputs.first - (outputs.first * axis.stride - axis.pad)
    if axis.pooled is None:
        return padding, 0
    _, _, stride, pad = axis.pooled
    return padding, outputs.first - (stored.first * stride - pad)


def _cut(layer: Layer, inputs: int, outputs: int, stored: int, padding: int, seen: int) -> Layer:
    """A layer of so many rows, whose windows stick out so far."""
    pooling = layer.pooling and replace(layer.pooling, OY=stored, pad_top=seen)
    fused = tuple(
        [
            replace(
                operator,
                vector_ops=operator.vector_ops * outputs // layer.OY,
                residual_elements=operator.residual_elements * outputs // layer.OY,
            )
            for operator in layer.fused
        ]
    )
    return replace(
        layer,
        OY=outputs,
        IY=inputs,
        pad_top=padding,
        vector_ops=layer.vector_ops * outputs // layer.OY,
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
        readers = [reader for reader in network.lives[tensor].reads if reader in cascade.steps]
        needed_from = dict.fromkeys(readers, 0)
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
    # Where it is a residual of the same layer, too, the rows that are added lie among those of the kernel:
    # there are as many of both, and no row of the kernel's lies in the padding alone.
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
