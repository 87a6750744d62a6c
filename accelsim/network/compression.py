"""What a network says of its own numbers: how many bits they have, and which part of the weights is zero.

Pruning and quantisation (Han et al., Deep Compression, ICLR 2016) change no layer's shape, so they stand
beside the stage table: `precision` for the whole network, `compression` for layers by name. Both may also
stand in an overlay file (network/overlay.py). What is said of a layer goes before what is said of the
network, and that before what the machine takes for granted (mapping/precision.py).

In a published graph they are attributes: of the graph, `precision`; of a node, `weight_form`.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import escape
from typing import Annotated, Final, Self, TypeAlias

from pydantic import Field, model_validator

from accelsim.descriptions import MOST_NAMES, Description, Document, Mistake, unknown
from accelsim.errors import DescriptionError
from accelsim.network.graph import Graph, operator_of
from accelsim.quantities import Bits, Fraction, IndexBits


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

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.weight_density is None and self.weight_bits is None:
            raise ValueError("must give weight_density, weight_bits or both")
        return self


Compression: TypeAlias = tuple[LayerCompression, ...]
"""In the order of the file: where several match a layer, the last one that gives a value counts."""


@dataclass(frozen=True)
class Placed:
    """An entry of a compression table, and where it stands."""

    entry: LayerCompression
    document: Document
    index: int


def placed(compression: Compression, document: Document) -> tuple[Placed, ...]:
    """The entries of one file."""
    return tuple(Placed(entry, document, index) for index, entry in enumerate(compression))


@dataclass(frozen=True)
class WeightForm:
    """Bits of one operator's weights and the part of them that is not zero, where its network says."""

    bits: int | None = None
    density: float | None = None


_UNSAID: Final = WeightForm()
_NO_PRECISION: Final = NetworkPrecision()


def compress(published: Graph, name: str, precision: NetworkPrecision, entries: Sequence[Placed]) -> None:
    """Note in the published graph of a network what it says of bits and zeros.

    Raises DescriptionError with a line for each pattern that matches no layer with weights.
    """
    published.graph["precision"] = precision
    of_all = WeightForm(bits=precision.weights_bits)
    for attributes in published.nodes.values():
        attributes["weight_form"] = of_all
    if not entries:
        return
    nodes = dict.fromkeys(node for node in published if operator_of(published, node).weights)
    if sentences := list(_unmatched(name, nodes, entries)):
        raise DescriptionError("\n".join(dict.fromkeys(sentences)))
    for item in entries:
        for node in _matches(item.entry.layers, nodes):
            form = published.nodes[node]["weight_form"]
            published.nodes[node]["weight_form"] = WeightForm(
                form.bits if item.entry.weight_bits is None else item.entry.weight_bits,
                form.density if item.entry.weight_density is None else item.entry.weight_density,
            )


def _matches(pattern: str, nodes: Mapping[str, None]) -> Iterable[str]:
    """The layers of a pattern; one that is a name, as imported models have for each layer, is looked up."""
    name = re.sub(r"\[([*?[])\]", r"\1", pattern)  # as glob.escape writes them
    if escape(name) == pattern:
        return (name,) if name in nodes else ()
    return (node for node in nodes if fnmatchcase(node, pattern))


def _unmatched(name: str, layers: Mapping[str, None], entries: Iterable[Placed]) -> Iterator[str]:
    """A sentence for each entry that is about no layer."""
    nodes = list(layers)
    for item in entries:
        pattern = item.entry.layers
        if any(True for _ in _matches(pattern, layers)):
            continue
        # Of a longer network the first, which show how layers are called; `accelsim show` lists them all.
        sentence = unknown(pattern, f"layer with weights in {name}", nodes[:MOST_NAMES], len(nodes))
        yield item.document.sentence(Mistake(("compression", item.index, "layers"), sentence))


def precision_of(published: Graph) -> NetworkPrecision:
    """The bits that the network of a published graph asks for."""
    precision: NetworkPrecision = published.graph.get("precision", _NO_PRECISION)
    return precision


def weight_form(published: Graph, node: str) -> WeightForm:
    """What the network says of the parameters of a node of a published graph."""
    form: WeightForm = published.nodes[node].get("weight_form", _UNSAID)
    return form


def kept(weights: int, density: float | None) -> int:
    """How many of so many weights are left after pruning; there are no parts of a weight."""
    return weights if density is None else math.ceil(weights * density - 1e-9)


def kept_params(published: Graph, node: str) -> int:
    """Parameters of a node that are left after pruning: offsets, scale and shift are all kept."""
    operator = operator_of(published, node)
    weights = operator.counted_weights
    return operator.params - weights + kept(weights, weight_form(published, node).density)


def total_kept_params(published: Graph) -> int:
    """Parameters of a published graph that are left after pruning."""
    return sum(kept_params(published, node) for node in published)


def stored_bytes(published: Graph) -> int | None:
    """Bytes that all parameters take as they are stored; None where it is left to the machine.

    The weights of a pruned operator are stored as those that are not zero, each with the distance to the
    next, unless all of them take less. The rest have as many bits as weights have.
    """
    index_bits, bits = precision_of(published).pruned_index_bits, 0
    for node in published:
        operator, form = operator_of(published, node), weight_form(published, node)
        weights = operator.counted_weights
        left = kept(weights, form.density)
        if not operator.params:
            continue
        if form.bits is None or (left < weights and index_bits is None):
            return None
        bits += (operator.params - weights) * form.bits
        bits += min(weights * form.bits, left * (form.bits + (index_bits or 0)))
    return -(-bits // 8)
