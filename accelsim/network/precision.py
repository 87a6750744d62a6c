"""What a network may say of its own numbers: how many bits they have, and which part of the weights is zero.

Pruning and quantisation (Han et al., Deep Compression, ICLR 2016) change no layer's shape, so they stand
beside the stage table: `precision` for the whole network, `compression` for layers by name. Both may also
stand in an overlay file (network/overlay.py). What is said of a layer goes before what is said of the
network, and that before what the machine takes for granted (mapping/precision.py).
"""

from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple, Self, TypeAlias

from pydantic import Field, model_validator

from accelsim.descriptions import Description, Document
from accelsim.descriptions.quantities import Bits, Fraction, IndexBits, Ratio


class NetworkPrecision(Description):
    """Bits of a network's elements; what is not given is the machine's to say."""

    weights_bits: Bits | None = None
    activations_bits: Bits | None = None
    partial_sums_bits: Bits | None = None
    pruned_index_bits: IndexBits | None = None
    """Bits spent on each weight of a pruned layer that is not zero, to tell how far the next one is."""

    def updated(self, other: "NetworkPrecision") -> "NetworkPrecision":
        """This, but for what the other one gives."""
        return NetworkPrecision(**{**_given(self), **_given(other)})


def _given(precision: NetworkPrecision) -> dict[str, int]:
    return precision.model_dump(exclude_none=True)


class LayerCompression(Description):
    """What is known of the weights of some layers: of those whose names a pattern matches."""

    layers: Annotated[str, Field(min_length=1)]
    """A pattern as for file names, with * ? [2-4] [!2-4]: `fire*.expand3x3`."""
    weight_density: Fraction | None = None
    """The part of the weights that is not zero. Offsets are never pruned."""
    weight_bits: Bits | None = None
    weight_ratio: Ratio | None = None
    """What the weights take where a memory holds them compressed, as a part of what they take as they are."""
    activation_density: Fraction | None = None
    """The part of the outputs that is not zero, for memories that hold activations coded."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_dump(exclude_none=True).keys() - {"layers"}:
            raise ValueError("must give weight_density, weight_bits, weight_ratio or activation_density")
        return self


Compression: TypeAlias = tuple[LayerCompression, ...]
"""In the order of the file: where several match a layer, the last one that gives a value counts."""


@dataclass(frozen=True)
class CompressionEntry:
    """An entry of a compression table, and where it stands."""

    entry: LayerCompression
    document: Document
    index: int


def compression_entries(compression: Compression, document: Document) -> tuple[CompressionEntry, ...]:
    """The entries of one file."""
    return tuple(CompressionEntry(entry, document, index) for index, entry in enumerate(compression))


class WeightForm(NamedTuple):
    """Bits of one operator's weights and the part of them that is not zero, where its network says; and what
    it says of compressed weights and outputs.
    """

    bits: int | None = None
    density: float | None = None
    ratio: float | None = None
    """What they take compressed."""
    output_density: float | None = None
    """Of what the operator puts out."""


SILENT: Final = NetworkPrecision()
"""Of a network that says nothing of its bits."""
UNSAID: Final = WeightForm()
"""Of an operator of whose weights its network says nothing."""
