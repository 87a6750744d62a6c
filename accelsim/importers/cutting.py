"""A part of a model: up to some of its nodes or tensors, or from some of them on."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from accelsim.errors import Complaint, NetworkError
from accelsim.importers.model import Model, ModelNode, visible
from accelsim.importers.names import short_name
from accelsim.importers.request import ModelRequest, near

_TYPES_SHOWN: Final = 6


def ends_of(
    label: str, request: ModelRequest, nodes: Sequence[tuple[str, Sequence[str]]], outputs: Sequence[str]
) -> tuple[str, ...]:
    """The tensors with which a network ends: those of the model, or those of the nodes asked for.

    Args:
        label: What messages call the model.
        request: What is asked.
        nodes: Of each node: its name, and the tensors that it makes.
        outputs: Those of the model.

    Raises:
        NetworkError: With a line for each name that neither a node nor a tensor has.
    """
    if not request.until:
        return tuple(outputs)
    made = _by_name(nodes)
    return tuple(_unique(_found(label, "until", request.until, made)))


def _by_name(nodes: Iterable[tuple[str, Sequence[str]]]) -> dict[str, tuple[str, ...]]:
    """The tensors that each name stands for: of a node, all that it makes; of a tensor, itself."""
    by_short: dict[str, tuple[str, ...]] = {}
    by_tensor: dict[str, tuple[str, ...]] = {}
    by_node: dict[str, tuple[str, ...]] = {}
    for name, outputs in nodes:
        made = tuple(filter(None, outputs))
        by_tensor.update((output, (output,)) for output in made)
        by_node.setdefault(name, made)
        by_short.setdefault(short_name(name), made)
    named = {**by_short, **by_node, **by_tensor}
    named.pop("", None)
    return named


def _found(
    label: str, key: str, names: Iterable[str], known: Mapping[str, tuple[str, ...]]
) -> list[tuple[str, ...]]:
    missing = [name for name in names if name not in known]
    if missing:
        sentences = (
            f"{key} = {visible(name)[:100]!r}: no node or tensor has this name{near(name, known)}"
            for name in missing
        )
        raise NetworkError.of(*(Complaint(sentence, label) for sentence in sentences))
    return [known[name] for name in names]


def _unique(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))


def needed(nodes: Sequence[tuple[Iterable[str], Iterable[str]]], ends: Iterable[str]) -> set[str]:
    """The tensors that some tensors depend on, themselves included; nodes are (inputs, outputs), in order."""
    tensors = set(ends)
    for inputs, outputs in reversed(nodes):
        if not tensors.isdisjoint(outputs):
            tensors.update(filter(None, inputs))
    return tensors


def cut(model: Model, request: ModelRequest) -> Model:
    """The part of a model that is asked for.

    Args:
        model: The whole of it.
        request: `until` and `since` are names of nodes, of rows, or of tensors.

    Returns:
        The nodes in between. What they read that is made before becomes an input.

    Raises:
        NetworkError: With a line for each name that the model does not have, or that cuts everything off.

    Example:
        >>> nodes = tuple(ModelNode(f"n{i}", "Relu", (f"t{i}",), (f"t{i + 1}",)) for i in range(4))
        >>> facts = {"shapes": {}, "constants": frozenset(), "value": lambda name: ()}
        >>> model = Model("net", "net", "an example", nodes, ("t0",), ("t4",), **facts)
        >>> part = cut(model, ModelRequest(since=("n1",), until=("n2",)))
        >>> [node.name for node in part.nodes], part.inputs, part.outputs
        (['n1', 'n2'], ('t1',), ('t3',))
    """
    if not (request.until or request.since):
        return model
    named = [(node.name, node.outputs) for node in model.nodes]
    outputs = ends_of(model.label, request, named, model.outputs)
    begins = _begins(model, request)
    kept = _between(model, outputs, begins)
    if not kept:
        raise NetworkError.about(model.label, "until and from leave no node between them")
    read = {name for node in kept for name in node.inputs}
    if not read.issuperset(begins):
        sentence = (
            f"from = {visible(', '.join(request.since))!r}: nothing that the network ends with depends on it"
        )
        raise NetworkError.about(model.label, sentence)
    inputs = (*(name for name in model.inputs if name in read and name not in begins), *begins)
    return replace(model, nodes=kept, inputs=inputs, outputs=outputs)


def _begins(model: Model, request: ModelRequest) -> tuple[str, ...]:
    """The tensors with which the network begins, besides the inputs of the model."""
    nodes = [
        (node.name, [name for name in node.inputs if name and name not in model.constants])
        for node in model.nodes
    ]
    by_node: dict[str, tuple[str, ...]] = {}
    by_short: dict[str, tuple[str, ...]] = {}
    tensors = {name: (name,) for node in model.nodes for name in (*node.inputs, *node.outputs) if name}
    for name, inputs in nodes:
        by_node.setdefault(name, tuple(inputs))
        by_short.setdefault(short_name(name), tuple(inputs))
    known = {**by_short, **tensors, **by_node}
    known.pop("", None)
    begins = _found(model.label, "from", request.since, known)
    fixed = [
        name for name, read in zip(request.since, begins, strict=True) if model.constants.issuperset(read)
    ]
    if fixed:
        sentences = (
            f"from = {visible(name)[:100]!r}: is or reads constants of the model only: must be a tensor that "
            "follows from its inputs, or a node that reads one"
            for name in fixed
        )
        raise NetworkError.of(*(Complaint(sentence, model.label) for sentence in sentences))
    return tuple(_unique(begins))


def _between(model: Model, outputs: Iterable[str], begins: Collection[str]) -> tuple[ModelNode, ...]:
    """The nodes that outputs depend on, where some tensors are given."""
    wanted = set(outputs) - set(begins)
    kept: list[ModelNode] = []
    for node in reversed(model.nodes):
        if not wanted.isdisjoint(node.outputs):
            kept.append(node)
            wanted.update(name for name in node.inputs if name not in begins)
    return tuple(reversed(kept))


def cut_words(whole: Model, part: Model, request: ModelRequest) -> str:
    """What every result says of a part: where it begins and ends, and what is left out."""
    kept = {id(node) for node in part.nodes}
    constants = whole.constants
    left_out = Counter(
        node.operator
        for node in whole.nodes
        if id(node) not in kept and not constants.issuperset(filter(None, node.outputs))
    )
    ends = [f"from {', '.join(request.since)}"] if request.since else []
    ends += [f"until {', '.join(request.until)}"] if request.until else []
    shown = ", ".join(f"{count} {name}" for name, count in left_out.most_common(_TYPES_SHOWN))
    more = len(left_out) - _TYPES_SHOWN
    rest = f" and {more} operators more" if more > 0 else ""
    count = left_out.total()
    nodes = f"{count} node of the model is" if count == 1 else f"{count} nodes of the model are"
    return f"cut {' '.join(map(visible, ends))}: {nodes} left out" + (f" ({shown}{rest})" if count else "")
