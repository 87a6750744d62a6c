"""What a network says of its bits and zeros, in its published graph, and what is left of it then."""

import math
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from glob import escape

from accelsim.descriptions import MOST_NAMES, Mistake, unknown
from accelsim.errors import DescriptionError
from accelsim.network.graph import PublishedGraph, PublishedNode
from accelsim.network.precision import (
    SILENT,
    CompressionEntry,
    LayerCompression,
    NetworkPrecision,
    WeightForm,
)


def compressed(
    published: PublishedGraph, name: str, precision: NetworkPrecision, entries: Sequence[CompressionEntry]
) -> PublishedGraph:
    """The published graph of a network with what the network says of bits and zeros.

    Raises DescriptionError with a line for each pattern that matches no layer with weights.
    """
    if not entries and precision == SILENT:
        return published
    of_all = WeightForm(bits=precision.weights_bits)
    forms = dict.fromkeys((node.name for node in published.nodes if node.operator.weights), of_all)
    if sentences := list(_unmatched(name, forms, entries)):
        raise DescriptionError("\n".join(dict.fromkeys(sentences)))
    for item in entries:
        for node in _matches(item.entry.layers, forms):
            form = forms[node]
            forms[node] = _updated(form, item.entry)
    nodes = (replace(node, weight_form=forms.get(node.name, of_all)) for node in published.nodes)
    return PublishedGraph(tuple(nodes), precision)


def _updated(form: WeightForm, entry: LayerCompression) -> WeightForm:
    """What an entry gives goes before what was known."""
    return WeightForm(
        form.bits if entry.weight_bits is None else entry.weight_bits,
        form.density if entry.weight_density is None else entry.weight_density,
        form.ratio if entry.weight_ratio is None else entry.weight_ratio,
        form.output_density if entry.activation_density is None else entry.activation_density,
    )


def _matches(pattern: str, nodes: Collection[str]) -> Iterable[str]:
    """The layers of a pattern; one that is a name, as imported models have for each layer, is looked up."""
    name = re.sub(r"\[([*?[])\]", r"\1", pattern)  # as glob.escape writes them
    if escape(name) == pattern:
        return (name,) if name in nodes else ()
    return (node for node in nodes if fnmatchcase(node, pattern))


def _unmatched(name: str, layers: Collection[str], entries: Iterable[CompressionEntry]) -> Iterator[str]:
    """A sentence for each entry that is about no layer."""
    nodes = list(layers)
    for item in entries:
        pattern = item.entry.layers
        if any(True for _ in _matches(pattern, layers)):
            continue
        # Of a longer network the first, which show how layers are called; `accelsim show` lists them all.
        sentence = unknown(pattern, f"layer with weights in {name}", nodes[:MOST_NAMES], len(nodes))
        yield item.document.sentence(Mistake(("compression", item.index, "layers"), sentence))


def nonzero_weights(weights: int, density: float | None) -> int:
    """How many of so many weights are left after pruning; there are no parts of a weight."""
    # Without the margin, 0.07 of 100 weights are 7.000000000000001 in floating point, and so 8.
    return weights if density is None else math.ceil(weights * density - 1e-9)


def kept_params(node: PublishedNode) -> int:
    """Parameters of a node that are left after pruning: offsets, scale and shift are all kept."""
    weights = node.operator.counted_weights
    return node.operator.params - weights + nonzero_weights(weights, node.weight_form.density)


def total_kept_params(published: PublishedGraph) -> int:
    """Parameters of a published graph that are left after pruning."""
    return sum(map(kept_params, published.nodes))


def stored_bytes(published: PublishedGraph) -> int | None:
    """Bytes that all parameters take as they are stored; None where it is left to the machine.

    The weights of a pruned operator are stored as those that are not zero, each with the distance to the
    next, unless all of them take less. The rest have as many bits as weights have.
    """
    index_bits, bits = published.precision.pruned_index_bits, 0
    for node in published.nodes:
        operator, form = node.operator, node.weight_form
        weights = operator.counted_weights
        stored = nonzero_weights(weights, form.density)
        if not operator.params:
            continue
        if form.bits is None or (stored < weights and index_bits is None):
            return None
        bits += (operator.params - weights) * form.bits
        bits += min(weights * form.bits, stored * (form.bits + (index_bits or 0)))
    return -(-bits // 8)
