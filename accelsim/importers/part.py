"""A model, or the part of it that is asked for, as a network: with a note on what is not in it."""

from accelsim.importers.cutting import cut, cut_words
from accelsim.importers.model import Imported, Model
from accelsim.importers.notes import with_notes
from accelsim.importers.request import ModelRequest
from accelsim.importers.rules import imported


def imported_part(model: Model, request: ModelRequest) -> Imported:
    """What is asked for of a model, as the data of a network's YAML.

    Args:
        model: Nodes with the operators of ONNX, and the shapes of their tensors.
        request: Where the network begins and ends.

    Returns:
        As `imported`, with an `assumed` that says what is left out.

    Raises:
        NetworkError: With a line for each node that cannot be a row, or name that the model does not have.

    Example:
        >>> from accelsim.importers.model import ModelNode
        >>> nodes = tuple(ModelNode(f"n{i}", "Relu", (f"t{i}",), (f"t{i + 1}",)) for i in range(3))
        >>> shapes = {f"t{i}": (1, 3, 8, 8) for i in range(4)}
        >>> facts = {"shapes": shapes, "constants": frozenset(), "value": lambda name: ()}
        >>> model = Model("net", "net", "an example", nodes, ("t0",), ("t3",), **facts)
        >>> imported_part(model, ModelRequest(until=("n1",))).data["assumed"]
        {'stages': 'cut until n1: 1 node of the model is left out (1 Relu)'}
    """
    part = cut(model, request)
    notes = () if part is model else (cut_words(model, part, request),)
    return with_notes(imported(part, request.unsupported), notes)
