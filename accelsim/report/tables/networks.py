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
from accelsim.network.shapes import WrittenShape, layer_shape, operator_name, operator_shape
from accelsim.report.text.lowering import reason_words
from accelsim.report.text.table import Column, Style, headline, labelled, percent, si, table, wrapped
from accelsim.report.text.words import SHAPE_LEGEND, name_word, operator_word, shape_word


@dataclass(frozen=True)
class ListedLayer:
    """A published operator, or an executed layer."""

    name: str
    stage: str
    operator: str
    shape: WrittenShape
    params: int
    macs: int
    weight_bits: int | None = None
    """Where the network says; else it is the machine's affair. So for the density."""
    weight_density: float | None = None
    kept_params: int = 0
    """Parameters that are left after pruning."""
    fused: tuple[str, ...] = ()
    """Published operators that run within an executed layer."""


@dataclass(frozen=True)
class _Line:
    """A line of the table: a layer, or the sums of a stage of several."""

    name: str
    layers: tuple[ListedLayer, ...]

    @property
    def layer(self) -> ListedLayer | None:
        return self.layers[0] if len(self.layers) == 1 else None

    @property
    def params(self) -> int:
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)


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
            weight_density=None if layer.multiplies_activations else layer.weight_density,
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
        "assumed": dict(description.assumed),
        "params": sum(layer.params for layer in listed),
        "kept_params": sum(layer.kept_params for layer in listed),
        "macs": sum(layer.macs for layer in listed),
        "reported": _reported(network),
        "layers": [layer_dict(layer) for layer in listed],
    }


def layer_dict(layer: ListedLayer) -> dict[str, Any]:
    """Plain values of a layer: one row of CSV, one entry of JSON."""
    return dataclasses.asdict(layer) | {"shape": str(layer.shape), "fused": list(layer.fused)}


def note_dict(note: Note) -> dict[str, Any]:
    """Plain values of what became of a published operator."""
    node, operator, fate, layers = note[:4]
    words = reason_words(note)
    return {"node": node, "operator": operator, "fate": fate, "layers": list(layers), "reason": words}


def published_report(network: Network, published: PublishedGraph, style: Style) -> str:
    """A network as published, as `accelsim show` prints it.

    Args:
        network: The network.
        published: The graph built of it.
        style: What the place that it goes to can show.

    Returns:
        What the network says of itself and a table of its operators; ends in a newline.

    Example:
        >>> from accelsim import load_network
        >>> from accelsim.network.build import build
        >>> from accelsim.report.text import Style
        >>> network = load_network("alexnet")
        >>> print(published_report(network, build(network), Style()).splitlines()[0])
        alexnet: AlexNet
    """
    listed = published_layers(published)
    lines = [*_head(network, listed, style), "", *_table(listed, style), "", *wrapped(SHAPE_LEGEND, style)]
    return "\n".join(lines) + "\n"


def executed_report(network: Network, executed: ExecutedGraph, style: Style) -> str:
    """A network as executed, as `accelsim show --lowered` prints it.

    Args:
        network: The network.
        executed: Its published graph, lowered.
        style: What the place that it goes to can show.

    Returns:
        A table of layers, and what became of each published operator; ends in a newline.

    Example:
        >>> from accelsim import load_network
        >>> from accelsim.network.build import build
        >>> from accelsim.network.lowering import lower
        >>> from accelsim.report.text import Style
        >>> network = load_network("alexnet")
        >>> print(executed_report(network, lower(build(network)), Style()).splitlines()[-1])
           1 softmax, fused: is applied to the outputs on their way to memory
    """
    listed = executed_layers(executed)
    lines = [*_head(network, listed, style), "", *_table(listed, style), "", *wrapped(SHAPE_LEGEND, style)]
    lines += ["", style.strong("what became of the published operators"), *_fates(executed.notes, style)]
    return "\n".join(lines) + "\n"


def _head(network: Network, listed: Sequence[ListedLayer], style: Style) -> Iterator[str]:
    description = network.description
    yield from headline(network.name, description.title, style)
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
    for key, value in description.assumed.items():
        yield from labelled("assumed", f"{key}: {value}", style)
    reported = network.reported
    macs, params = (si(sum(counts)) for counts in zip(*((x.macs, x.params) for x in listed), strict=True))
    yield from labelled("MACs", macs + _as_reported(reported.macs), style)
    yield from labelled("parameters", params + _as_reported(reported.params), style)
    remaining = sum(layer.kept_params for layer in listed)
    if remaining < sum(layer.params for layer in listed):
        words = f"{si(remaining)} after pruning{_as_reported(reported.kept_params)}"
        yield from labelled("kept", words, style)
    accuracies = [("top-1", reported.top1), ("top-5", reported.top5)]
    if reported.accuracy is not None:
        accuracies.append((reported.accuracy.metric, reported.accuracy.percent))
    if shares := [f"{value:g}% {name}" for name, value in accuracies if value is not None]:
        yield from labelled("accuracy", ", ".join(shares) + " reported", style)
    if reported.notes:
        yield from labelled("notes", reported.notes, style)


def _as_reported(reported: float | None) -> str:
    return "" if reported is None else f" ({si(reported)} reported)"


def _table(listed: Sequence[ListedLayer], style: Style) -> list[str]:
    """Layers below their stages; a stage of a single layer is that layer."""
    lines = list(_lines(listed, style))
    layers = [line.layer for line in lines]
    columns = [
        Column("layer", [line.name for line in lines], "left", least=8),
        Column(
            "operator", [operator_word(layer.operator) if layer else "" for layer in layers], "left", gap=2
        ),
        Column("shape", [_shape(line, style.width) for line in lines], "left", gap=2),
        Column("params", [_count(line.params) for line in lines], gap=2),
        Column("MACs", [_count(line.macs) for line in lines], gap=2),
    ]
    bits = [layer.weight_bits if layer else None for layer in layers]
    if any(width is not None for width in bits):
        columns.append(Column("bits", ["" if width is None else str(width) for width in bits], gap=2))
    densities = [layer.weight_density if layer else None for layer in layers]
    if any(density is not None for density in densities):
        shares = ["" if density is None else percent(density) for density in densities]
        columns.append(Column("kept", shares, gap=2))
    fused = [layer.fused if layer else () for layer in layers]
    if any(fused):
        words = [" ".join(map(operator_word, operators)) for operators in fused]
        columns.append(Column("within", words, "left", gap=2, least=6))
    head, *body = table(columns, style.width)
    strong = (text if line.layer else style.strong(text) for line, text in zip(lines, body, strict=True))
    return [style.strong(head), *strong]


def _shape(line: _Line, width: int) -> str:
    return shape_word(line.layer.shape, width) if line.layer else f"{len(line.layers)} layers"


def _lines(listed: Sequence[ListedLayer], style: Style) -> Iterator[_Line]:
    for stage, members in groupby(listed, lambda layer: layer.stage):
        layers = tuple(members)
        if len(layers) == 1:
            yield _Line(name_word(layers[0].name, "", style.width), layers)
            continue
        yield _Line(stage, layers)
        for layer in layers:
            yield _Line(" " + name_word(layer.name, stage, style.width), (layer,))


def _count(value: int) -> str:
    return si(value) if value else "-"


def _fates(notes: Sequence[Note], style: Style) -> Iterator[str]:
    """One line for operators of a kind with the same fate for the same reason."""
    fates = Counter((note.operator, note.fate, reason_words(note)) for note in notes if note.fate != "input")
    for (operator, fate, reason), count in fates.items():
        yield from wrapped(f"{count:>4} {operator}, {fate}: {reason}", style, indent=5)
