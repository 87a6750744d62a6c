"""A PyTorch module -> a Model: `torch.export` lists its ATen operators, each becomes the ONNX operator it is.

`torch.export` needs nothing but torch, knows the shape of every tensor and follows Python code as far as it
does the same for every image. It undoes in-place operators, and keeps normalisation apart from convolution.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from accelsim.errors import NetworkError
from accelsim.importers.aten import ATEN_RULES, OF_SHAPES_ONLY
from accelsim.importers.model import (
    SAME_ELEMENTS,
    Imported,
    Model,
    ModelNode,
    UnknownValueError,
    first_line,
)
from accelsim.importers.rules import imported
from accelsim.importers.torch_calls import Call, TorchTensors, is_item

if TYPE_CHECKING:
    import torch


def read_torch(module: "torch.nn.Module", example_input: Any, name: str | None = None) -> Imported:
    """The network that a module computes for inputs of the shape of the example.

    Args:
        module: Any `torch.nn.Module` that `torch.export` can follow.
        example_input: What it is called with, one input or several.
        name: What the network is called, by default the module's class.

    Returns:
        What a network's YAML would hold.

    Raises:
        NetworkError: With a line for each thing that is wrong, also where torch is not there.

    Example:
        >>> import torch  # doctest: +SKIP
        >>> relu = read_torch(torch.nn.ReLU(), torch.zeros(1, 3, 8, 8))  # doctest: +SKIP
        >>> relu.data["input"]  # doctest: +SKIP
        {'channels': 3, 'height': 8, 'width': 8}
    """
    try:
        import torch  # noqa: PLC0415 (an extra: only who has a module needs it)
    except ImportError:
        raise NetworkError('PyTorch modules take the package torch: pip install "accelsim[torch]"') from None
    label = type(module).__name__
    if not isinstance(module, torch.nn.Module):
        raise NetworkError.about(label, "must be a torch.nn.Module")
    inputs = tuple(example_input) if isinstance(example_input, tuple | list) else (example_input,)
    translation = _Translation(label, torch.__version__)
    translation.read(_exported(module, inputs, label))
    return imported(translation.model(name or label))


def _exported(module: "torch.nn.Module", inputs: tuple[Any, ...], label: str) -> Any:
    """The program of the module as at inference, every operator without side effects."""
    import torch  # noqa: PLC0415

    training = [(part, part.training) for part in module.modules()]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about its own insides
            return torch.export.export(module.eval(), inputs).run_decompositions({})
    except Exception as error:  # whatever keeps torch from exporting it, its own words are the best
        raise NetworkError.about(label, f"torch.export cannot export it: {first_line(error)}") from error
    finally:
        for part, mode in training:
            part.training = mode


@dataclass
class _Translation:
    """Nodes so far, and what is known of their tensors."""

    label: str
    version: str
    tensors: TorchTensors = field(default_factory=TorchTensors)
    nodes: list[ModelNode] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)

    def read(self, program: Any) -> None:
        """Take every node of an exported program."""
        user_inputs = set(program.graph_signature.user_inputs)
        self.tensors.origins.update(_origins(program))
        for node in program.graph.nodes:
            self.tensors.note(str(node.name), node.meta.get("val"))
            if node.op == "placeholder" and node.name in user_inputs:
                self.inputs.append(node.name)
            elif node.op in {"placeholder", "get_attr"}:
                self.tensors.constants.add(node.name)
            elif node.op == "output":
                outputs = set(program.graph_signature.user_outputs)
                self.outputs = [
                    result.name for result in node.args[0] if getattr(result, "name", None) in outputs
                ]
            elif not is_item(node):
                self._add(node)

    def model(self, name: str) -> Model:
        """What has been read."""
        batch = next((self.tensors.shapes.get(name, ())[:1] for name in self.inputs), ())
        return Model(
            label=self.label,
            name=name,
            source=f"PyTorch module {self.label}, exported by torch {self.version}",
            batch=f"batch of {batch[0]}" if batch and batch[0] > 1 else "",
            nodes=tuple(self.nodes),
            inputs=tuple(self.inputs),
            outputs=tuple(self.outputs),
            shapes=self.tensors.shapes,
            constants=frozenset(self.tensors.constants),
            value=_no_value,
            bits=self.tensors.bits,
            origins=self.tensors.origins,
            supported=tuple(sorted(ATEN_RULES)),
        )

    def _add(self, node: Any) -> None:
        """Note the nodes that a call becomes; ATen's by their names, others with their library's."""
        library, _, operator = str(node.target).partition(".")
        operator = operator.partition(".")[0]
        operator = operator if library == "aten" else f"{library}.{operator}".rstrip(".")
        call = Call(self.tensors, node)
        if operator in OF_SHAPES_ONLY:
            self.tensors.constants.update(call.outputs())
            return
        rule = ATEN_RULES.get(operator)
        if rule is None:
            self.emit(call, ModelNode("", operator, tuple(call.sources()), call.outputs()))
            return
        try:
            for translated in rule(call):
                self.emit(call, translated)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Arguments may be symbols and tensors, too: what a rule takes for granted need not hold.
            raise NetworkError(
                f"{self.label}: {call.name} ({operator}): is called in a way that is not supported: {error!r}"
            ) from error

    def emit(self, call: Call, node: ModelNode) -> None:
        """Add a node, called after the module it is in."""
        if self.tensors.constants.issuperset(filter(None, node.inputs)):
            self.tensors.constants.update(node.outputs)
            if node.operator in SAME_ELEMENTS and node.inputs:
                source = node.inputs[0]
                self.tensors.origins[node.outputs[0]] = self.tensors.origins.get(source, source)
                if source in self.tensors.bits:
                    self.tensors.bits.setdefault(node.outputs[0], self.tensors.bits[source])
        self.nodes.append(ModelNode(call.name, node.operator, node.inputs, node.outputs, node.attributes))


def _origins(program: Any) -> Iterator[tuple[str, str]]:
    """For parameters that are the same tensor by several names: the first of them."""
    first: dict[tuple[int, int], str] = {}
    for name, parameter in program.graph_signature.inputs_to_parameters.items():
        tensor = program.state_dict.get(parameter)
        address = 0 if tensor is None else tensor.data_ptr()
        if address:  # a tensor without memory of its own has none
            yield name, first.setdefault((address, tensor.numel()), name)


def _no_value(name: str) -> tuple[float, ...]:
    raise UnknownValueError(f"the value of {name!r} is a tensor's: must be a number")
