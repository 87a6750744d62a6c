"""Operators are declared once: the fields of an operator's class are its arguments.

From a class marked with `@operator` follow, with the arguments' types, bounds and defaults,

    the function that adds it to a draft    `reads_one(Convolution)` (operators.py), checked by mypy
    its row in the block `graph`            blocks/graph.py
    its block, where stage tables name it   blocks/single.py
    what imported models need not say       `unsaid` (imported.py)

so that a new argument is a new field, and nothing else (docs/decisions/operator-arguments.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from typing import (
    Any,
    Concatenate,
    Final,
    NamedTuple,
    ParamSpec,
    TypeAlias,
    TypeVar,
    get_args,
    get_type_hints,
)

from accelsim.network.graph import Draft, Operator, Site

P = ParamSpec("P")
OperatorT = TypeVar("OperatorT", bound=type[Operator])

OPERATORS: Final[dict[str, type[Operator]]] = {}
"""Those that rows of the block `graph` name, by that name."""

OF_MODELS: Final = "of models"
"""Marks an argument that only models from elsewhere give: blocks of stage tables have none such."""
SAID: Final = "said"
"""Marks an argument that rows of imported models give even where it is as by default: tools differ in it."""


def operator(name: str) -> Callable[[OperatorT], OperatorT]:
    """Declare the class of an operator, under the name by which rows of the block `graph` ask for it."""

    def declare(kind: OperatorT) -> OperatorT:
        OPERATORS[name] = kind
        return kind

    return declare


class DeclaredArgument(NamedTuple):
    """One argument of an operator."""

    annotation: Any
    """Its type, with bounds as pydantic has them."""
    default: Any
    """`dataclasses.MISSING` where it has to be given."""
    marks: tuple[Any, ...]

    @property
    def required(self) -> bool:
        """Whether it has to be given."""
        return self.default is MISSING


@cache
def arguments_of(operator_name: str) -> Mapping[str, DeclaredArgument]:
    """The arguments of an operator that is declared by that name, in the order in which they are declared."""
    kind = OPERATORS[operator_name]
    hints = get_type_hints(kind, include_extras=True)
    return {
        field.name: DeclaredArgument(hints[field.name], field.default, _marks(hints[field.name]))
        for field in fields(kind)
        if field.init
    }


def _marks(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation)[1:] if hasattr(annotation, "__metadata__") else ()


def unsaid(operator_name: str, arguments: Mapping[str, Any]) -> set[str]:
    """Which arguments of an imported row it need not give, since they are as by default.

    Example:
        >>> from accelsim.network import operators
        >>> unsaid("conv", {"out_channels": 8, "kernel": 3, "stride": 1, "groups": 1}) == {"stride", "groups"}
        True
    """
    declared = arguments_of(operator_name)
    return {
        key
        for key, value in arguments.items()
        if key in declared and value == declared[key].default and SAID not in declared[key].marks
    }


# --- functions that add an operator to a draft and give back the name of its node

AddsToOne: TypeAlias = Callable[Concatenate[Draft, str, str, P], str]
AddsToTwo: TypeAlias = Callable[Concatenate[Draft, str, str, str, P], str]
AddsToSeveral: TypeAlias = Callable[Concatenate[Draft, str, Sequence[str], P], str]


def reads_one(kind: Callable[Concatenate[Site, P], Operator]) -> AddsToOne[P]:
    """`add(draft, name, source, **arguments)` for an operator with one input."""

    def add(draft: Draft, name: str, source: str, /, *args: P.args, **arguments: P.kwargs) -> str:
        return draft.add(name, kind(draft.site(name, (source,)), *args, **arguments), (source,))

    add.__doc__ = kind.__doc__
    return add


def reads_two(kind: Callable[Concatenate[Site, P], Operator]) -> AddsToTwo[P]:
    """`add(draft, name, source, other, **arguments)` for an operator with two inputs."""

    def add(
        draft: Draft, name: str, source: str, factor: str, /, *args: P.args, **arguments: P.kwargs
    ) -> str:
        return draft.add(name, kind(draft.site(name, (source, factor)), *args, **arguments), (source, factor))

    add.__doc__ = kind.__doc__
    return add


def reads_several(kind: Callable[Concatenate[Site, P], Operator]) -> AddsToSeveral[P]:
    """`add(draft, name, sources, **arguments)` for an operator with any number of inputs."""

    def add(draft: Draft, name: str, sources: Sequence[str], /, *args: P.args, **arguments: P.kwargs) -> str:
        return draft.add(name, kind(draft.site(name, sources), *args, **arguments), sources)

    add.__doc__ = kind.__doc__
    return add
