"""Bits that a model is stored in -> what a network says of its bits.

A model whose elements all have 32 bits says nothing: that is what it was trained in, and the machine decides
what it runs in. One that has been quantised or halved runs in the bits that it has; what it keeps at 32 then
has 32 as well.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from glob import escape
from typing import Any, Final, Literal

UNSAID_BITS: Final = 32
"""Of elements that a model has not made narrower."""


@dataclass(frozen=True)
class ArrayBits:
    """Bits of what one convolution or matrix product reads; None where they are not fewer than 32."""

    weights: int | None
    inputs: int | None


@dataclass(frozen=True)
class Width:
    """The bits that most convolutions and matrix products have, and how many have others."""

    noun: Literal["weights", "activations"]
    bits: int | None
    """None is the machine's."""
    exceptions: int
    layers: int
    """Convolutions and matrix products, in all."""

    @property
    def words(self) -> str:
        """`8-bit weights (but for 1 of 53 layers)`."""
        width = f"{self.noun} of the machine's bits" if self.bits is None else f"{self.bits}-bit {self.noun}"
        exceptions = f" (but for {self.exceptions} of {self.layers} layers)"
        return width + exceptions if self.exceptions else width


@dataclass(frozen=True)
class Precision:
    """What a network's YAML says of its bits and assumes of them."""

    data: Mapping[str, Any]
    widths: tuple[Width, ...]
    """Of what is stored in fewer bits than usual."""

    @property
    def words(self) -> str:
        """For the network's source."""
        return ", ".join(width.words for width in self.widths)


def precision_of(rows: Mapping[str, ArrayBits]) -> Precision:
    """The bits of most weights and activations, those of other layers one by one."""
    weights = _usual([bits.weights for bits in rows.values()])
    inputs = [bits.inputs for bits in rows.values()]
    activations = _usual(inputs)
    if activations == UNSAID_BITS:  # only a few are narrower, and a network has one width for all of them
        activations = None
    precision = {"weights_bits": weights, "activations_bits": activations}
    exceptions = [
        {"layers": escape(name), "weight_bits": bits.weights or UNSAID_BITS}
        for name, bits in rows.items()
        if weights is not None and (bits.weights or UNSAID_BITS) != weights
    ]
    data: dict[str, Any] = {}
    if any(precision.values()):
        data["precision"] = {key: bits for key, bits in precision.items() if bits is not None}
    if exceptions:
        data["compression"] = exceptions
    widths: list[Width] = []
    if weights is not None:
        widths.append(Width("weights", weights, len(exceptions), len(rows)))
    if any(inputs):
        n_exceptions = sum((bits or UNSAID_BITS) != (activations or UNSAID_BITS) for bits in inputs)
        widths.append(Width("activations", activations, n_exceptions, len(rows)))
        if n_exceptions:
            data["assumed"] = {"precision.activations_bits": _assumption(activations, inputs)}
    return Precision(data, tuple(widths))


def _usual(bits: list[int | None]) -> int | None:
    """The most frequent, the wider of two; None where no one is narrower than usual."""
    if not any(bits):
        return None
    counts = Counter(width or UNSAID_BITS for width in bits)
    return max(counts, key=lambda width: (counts[width], width))


def _assumption(usual: int | None, inputs: list[int | None]) -> str:
    """`8 in every layer; the file has 8 in 7 layers, 32 in 2, 16 in 1`."""
    counts = Counter(bits or UNSAID_BITS for bits in inputs).most_common()
    (bits, layers), *rest = counts
    listed = [f"{bits} in {layers} layer{'s' if layers > 1 else ''}", *(f"{b} in {n}" for b, n in rest)]
    width = "the machine's" if usual is None else usual
    return f"{width} in every layer; the file has {', '.join(listed)}"
