"""A network as it was published, and as it is executed: what `list` and `show` say."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from accelsim.descriptions import shipped
from accelsim.errors import AccelsimError
from accelsim.network.build import build
from accelsim.network.compression import kept_params, nonzero_weights
from accelsim.network.description import Network
from accelsim.network.executed import ExecutedGraph, Note
from accelsim.network.graph import PublishedGraph, total_macs, total_params
from accelsim.network.layer import Layer
from accelsim.network.load import load_network
from accelsim.network.shapes import layer_shape, operator_name, operator_shape
from accelsim.report.text.lowering import reason_words
from accelsim.report.text.table import Column, Style, labelled, percent, si, table, wrapped
from accelsim.report.text.words import SHAPE_LEGEND, name_word, operator_word, shape_word


@dataclass(frozen=True)
class ListedLayer:
    """A published operator, or an executed layer."""

    name: str
    stage: str
    operator: str
    shape: str
    params: int
    macs: int
    weight_bits: int | None = None
    """Where the network says; else it is the machine's affair. So for the density."""
    weight_density: float | None = None
    kept_params: int = 0
    """Parameters that are left after pruning."""
    fused: tuple[str, ...] = ()
    """Published operators that run within an executed layer."""


def known_networks() -> list[dict[str, Any]]:
    """Every network that has a name here, with its counts and what its paper reports."""
    return [_entry(name) for name in shipped.names("networks")]


def _entry(name: str) -> dict[str, Any]:
    try:
        network = load_network(shipped.find("networks", name))
        published = build(network)
    except AccelsimError:
        return {"name": name, "title": "(not valid)", "reported": {}}
    return {
        "name": name,
        "title": network.description.title,
        "input": dataclasses.asdict(network.image),
        "params": total_params(published),
        "macs": total_macs(published),
        "reported": _reported(network),
    }


def list_networks(entries: Sequence[dict[str, Any]], style: Style) -> str:
    """Networks beside each other, ending in a newline."""
    images = [entry.get("input") for entry in entries]
    sizes = ["-" if image is None else f"{image['height']}x{image['width']}" for image in images]
    columns = [
        Column("network", [entry["name"] for entry in entries], "left"),
        Column("title", [entry["title"] for entry in entries], "left", gap=2, least=12),
        Column("input", sizes, gap=2),
        Column("params", [_number(entry.get("params")) for entry in entries], gap=2),
        Column("MACs", [_number(entry.get("macs")) for entry in entries], gap=2),
        Column("top-1 %", [_number(entry["reported"].get("top1"), "{:.2f}") for entry in entries], gap=2),
    ]
    head, *lines = table(columns, style.width)
    legend = (
        "Counts are computed, the accuracy is reported; `accelsim show NAME --stats` compares the two. "
        "Where `accelsim show NAME` lists parameters, NAME@KEY=VALUE is a further network."
    )
    return "\n".join([style.strong(head), *lines, "", *wrapped(legend, style)]) + "\n"


def _number(value: float | None, form: str = "") -> str:
    if value is None:
        return "-"
    return form.format(value) if form else si(value)


def _reported(network: Network) -> dict[str, Any]:
    return network.reported.model_dump(exclude_defaults=True, exclude={"at"})


def published_layers(published: PublishedGraph) -> list[ListedLayer]:
    """The operators of a published graph, without the image."""
    return [
        ListedLayer(
            name=node.name,
            stage=node.stage,
            operator=operator_name(node.operator),
            shape=operator_shape(node.operator),
            params=node.operator.params,
            macs=node.operator.macs,
            weight_bits=node.weight_form.bits if node.operator.params else None,
            weight_density=node.weight_form.density,
            kept_params=kept_params(node),
        )
        for node in published.nodes
        if node.operator.inputs
    ]


def executed_layers(executed: ExecutedGraph) -> list[ListedLayer]:
    """The layers of an executed graph in running order."""
    fused: dict[str, list[str]] = {name: [] for name in executed}
    for note in executed.notes:
        if note.fate in {"folded", "fused"}:
            for name in note.layers:
                fused[name].append(note.operator)
    return [
        ListedLayer(
            name=layer.name,
            stage=layer.stage,
            operator=layer.operator,
            shape=layer_shape(layer),
            params=layer.params,
            macs=layer.macs,
            weight_bits=layer.weight_bits,
            weight_density=layer.weight_density,
            kept_params=_kept_params(layer),
            fused=tuple(fused[layer.name]),
        )
        for layer in executed.layers
    ]


def _kept_params(layer: Layer) -> int:
    """Parameters of an executed layer after pruning; fewer than its weights if those count elsewhere."""
    weights = layer.weights if layer.weights <= layer.params else 0
    return layer.params - weights + nonzero_weights(weights, layer.weight_density)


def network_dict(network: Network, listed: Sequence[ListedLayer]) -> dict[str, Any]:
    """Plain values of a network and its layers."""
    description = network.description
    return {
        "name": network.name,
        "title": description.title,
        "source": description.source,
        "input": dataclasses.asdict(network.image),
        "batch": description.batch,
        "parameters": dict(network.parameters),
        "precision": description.precision.model_dump(exclude_none=True),
        "params": sum(layer.params for layer in listed),
        "kept_params": sum(layer.kept_params for layer in listed),
        "macs": sum(layer.macs for layer in listed),
        "reported": _reported(network),
        "layers": [layer_dict(layer) for layer in listed],
    }


def layer_dict(layer: ListedLayer) -> dict[str, Any]:
    """Plain values of a layer: one row of CSV, one entry of JSON."""
    return dataclasses.asdict(layer) | {"fused": list(layer.fused)}


def note_dict(note: Note) -> dict[str, Any]:
    """Plain values of what became of a published operator."""
    node, operator, fate, layers = note[:4]
    words = reason_words(note)
    return {"node": node, "operator": operator, "fate": fate, "layers": list(layers), "reason": words}


def published_report(network: Network, published: PublishedGraph, style: Style) -> str:
    """The network as published, ending in a newline."""
    listed = published_layers(published)
    lines = [*_head(network, listed, style), "", *_table(listed, style), "", *wrapped(SHAPE_LEGEND, style)]
    return "\n".join(lines) + "\n"


def executed_report(network: Network, executed: ExecutedGraph, style: Style) -> str:
    """The network as executed and what became of each published operator, ending in a newline."""
    listed = executed_layers(executed)
    lines = [*_head(network, listed, style), "", *_table(listed, style), "", *wrapped(SHAPE_LEGEND, style)]
    lines += ["", style.strong("what became of the published operators"), *_fates(executed.notes, style)]
    return "\n".join(lines) + "\n"


def _head(network: Network, listed: Sequence[ListedLayer], style: Style) -> Iterator[str]:
    description = network.description
    yield style.strong(f"{network.name}: {description.title}")
    yield from labelled("source", description.source, style)
    yield from labelled("input", str(network.image), style)
    if description.batch > 1:
        images = f"{description.batch} images run together, unless --batch says otherwise; counts are of one"
        yield from labelled("batch", images, style)
    for key, knob in description.knobs.items():
        yield from labelled("parameter", f"{key} = {network.parameters[key]} ({knob.words})", style)
    bits = network.description.precision.model_dump(exclude_none=True)
    for key, value in bits.items():
        yield from labelled("precision", f"{key} = {value}", style)
    reported = network.reported
    macs, params = (si(sum(counts)) for counts in zip(*((x.macs, x.params) for x in listed), strict=True))
    yield from labelled("MACs", macs + _beside(reported.macs), style)
    yield from labelled("parameters", params + _beside(reported.params), style)
    kept = sum(layer.kept_params for layer in listed)
    if kept < sum(layer.params for layer in listed):
        yield from labelled("kept", f"{si(kept)} after pruning{_beside(reported.kept_params)}", style)
    accuracies = (("top-1", reported.top1), ("top-5", reported.top5))
    if words := [f"{value:g}% {name}" for name, value in accuracies if value is not None]:
        yield from labelled("accuracy", ", ".join(words) + " reported", style)
    if reported.notes:
        yield from labelled("notes", reported.notes, style)


def _beside(reported: float | None) -> str:
    return "" if reported is None else f" ({si(reported)} reported)"


def _table(listed: Sequence[ListedLayer], style: Style) -> list[str]:
    """Layers below their stages; a stage of a single layer is that layer."""
    rows = list(_rows(listed, style))
    layers_ = [layer for _, layer in rows]
    columns = [
        Column("layer", [name for name, _ in rows], "left", least=8),
        Column("operator", [operator_word(layer.operator) for layer in layers_], "left", gap=2),
        Column("shape", [shape_word(layer.shape, style.width) for layer in layers_], "left", gap=2),
        Column("params", [_count(layer.params) for layer in layers_], gap=2),
        Column("MACs", [_count(layer.macs) for layer in layers_], gap=2),
    ]
    if any(layer.weight_bits is not None for layer in layers_):
        bits = ["" if layer.weight_bits is None else str(layer.weight_bits) for layer in layers_]
        columns.append(Column("bits", bits, gap=2))
    if any(layer.weight_density is not None for layer in layers_):
        kept_parts = ["" if x.weight_density is None else percent(x.weight_density) for x in layers_]
        columns.append(Column("kept", kept_parts, gap=2))
    if any(layer.fused for layer in layers_):
        fused = [" ".join(map(operator_word, layer.fused)) for layer in layers_]
        columns.append(Column("within", fused, "left", gap=2, least=6))
    head, *lines = table(columns, style.width)
    strong = (
        line if layer.operator else style.strong(line) for layer, line in zip(layers_, lines, strict=True)
    )
    return [style.strong(head), *strong]


def _rows(listed: Sequence[ListedLayer], style: Style) -> Iterator[tuple[str, ListedLayer]]:
    """The lines of the table: a name and a layer, or the sums of a stage, which have no operator."""
    for stage, members in groupby(listed, lambda layer: layer.stage):
        own = list(members)
        if len(own) == 1:
            yield name_word(own[0].name, "", style.width), own[0]
            continue
        params, macs = sum(layer.params for layer in own), sum(layer.macs for layer in own)
        yield stage, ListedLayer(stage, stage, "", f"{len(own)} layers", params, macs)
        for layer in own:
            yield " " + name_word(layer.name, stage, style.width), layer


def _count(value: int) -> str:
    return si(value) if value else "-"


def _fates(found: Sequence[Note], style: Style) -> Iterator[str]:
    """One line for operators of a kind with the same fate for the same reason."""
    fates = Counter((note.operator, note.fate, reason_words(note)) for note in found if note.fate != "input")
    for (operator, fate, reason), count in fates.items():
        yield from wrapped(f"{count:>4} {operator}, {fate}: {reason}", style, indent=5)
