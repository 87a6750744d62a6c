"""Calls of ATen operators in an exported PyTorch program, and what is known of the tensors between them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from accelsim.importers.model import NARROW, Dims, ModelNode


@dataclass
class TorchTensors:
    """What is known of the tensors of a program, by name."""

    shapes: dict[str, Dims] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    bits: dict[str, int] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def name_of(self, argument: Any) -> str:
        """What an argument is called: a tensor's name, or that of a constant which it becomes."""
        if argument is None:
            return ""
        if hasattr(argument, "name"):
            return str(argument.name)
        name = f"constant {argument}"
        self.constants.add(name)
        self.shapes[name] = ()
        return name

    def note(self, name: str, value: Any) -> None:
        """Note shape and bits of a tensor."""
        shape, kind = getattr(value, "shape", None), getattr(value, "dtype", None)
        if shape is not None and all(isinstance(size, int) for size in shape):
            self.shapes[name] = tuple(shape)
        if kind is not None and str(kind) != "torch.bool" and 8 * kind.itemsize < NARROW:
            self.bits[name] = 8 * kind.itemsize


def is_item(node: Any) -> bool:
    """Whether a node only picks one of several outputs."""
    return getattr(node.target, "__name__", "") == "getitem"


@dataclass(frozen=True)
class Call:
    """One call of an ATen operator."""

    tensors: TorchTensors
    node: Any

    @property
    def name(self) -> str:
        """The module's place for a module of torch's own, `block1.conv`; else that and the operator's."""
        stack = list((self.node.meta.get("nn_module_stack") or {}).values())
        path, kind = stack[-1] if stack else ("", "")
        kind = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
        own = kind.startswith("torch.nn.modules.") and ".container." not in kind
        return str(path) if own and path else f"{path}/{self.node.name}".lstrip("/")

    def argument(self, index: int, key: str = "", default: Any = None) -> Any:
        """By position or by name."""
        arguments = self.node.args
        value = arguments[index] if index < len(arguments) else self.node.kwargs.get(key)
        return default if value is None else value

    def tensor(self, index: int = 0, key: str = "") -> str:
        """The name of a tensor that is an argument."""
        return self.tensors.name_of(self.argument(index, key))

    def sources(self) -> Iterator[str]:
        """The tensors among the arguments."""
        for argument in self.node.args:
            arguments = argument if isinstance(argument, list | tuple) else (argument,)
            yield from (str(tensor.name) for tensor in arguments if hasattr(tensor, "meta"))

    def shape(self, name: str) -> Dims:
        """The shape of a tensor."""
        return self.tensors.shapes.get(name, ())

    def outputs(self) -> tuple[str, ...]:
        """One, or those of which others pick."""
        values = self.node.meta.get("val")
        if not isinstance(values, list | tuple):
            return (str(self.node.name),)
        items = {user.args[1]: user.name for user in self.node.users if is_item(user)}
        names = []
        for index, value in enumerate(values):
            name = str(items.get(index, f"{self.node.name}[{index}]"))
            self.tensors.note(name, value)
            names.append(name)
        return tuple(names)

    def emit(self, operator: str, inputs: Iterable[str], **attributes: Any) -> Iterator[ModelNode]:
        """The node that the call becomes; its name is given later."""
        yield ModelNode("", operator, tuple(inputs), self.outputs(), attributes)


Nodes: TypeAlias = Iterator[ModelNode]
AtenRule: TypeAlias = Callable[[Call], Nodes]
"""The ONNX operators that a call is."""


def plain(operator: str, inputs: int = 1) -> AtenRule:
    """The rule of what is one operator of ONNX, of the same tensors."""
    return lambda call: call.emit(operator, (call.tensor(index) for index in range(inputs)))
