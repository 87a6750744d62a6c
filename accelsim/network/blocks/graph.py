"""Any graph of operators, written out one by one: what a model from another tool becomes.

A row names its operator, what it reads and the operator's own arguments; `input` is what the block reads,
and rows of the operator `input` are further inputs of the network:

    - block: graph
      operators:
        - {name: conv1, operator: conv, inputs: [input], out_channels: 16, kernel: 3, padding: 1}
        - {name: relu1, operator: activation, inputs: [conv1], function: relu}
        - {name: twice, operator: concat, inputs: [relu1, conv1]}

The operators are those of network/operators/, and so are their arguments: each kind of row is made of what
a class declares there. `shared` names parameters that are also those of a row above, as in
`shared: [weights]`: they are used here and counted there.
"""

import json
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias, Union

from pydantic import BeforeValidator, Field, ValidationError, create_model, field_validator

from accelsim.descriptions import Description, Mistake, mistakes_of, refusal, shortened, unknown
from accelsim.network.blocks.block import Block, Position, block
from accelsim.network.declaration import OPERATORS, arguments_of
from accelsim.network.graph import Draft

INPUT: Final = "input"
"""What the rows call the tensor that the block reads."""

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=500)]
_OPERANDS: Final[dict[int | str, Any]] = {
    0: tuple[()],
    1: tuple[Name],
    2: tuple[Name, Name],
    "several": Annotated[tuple[Name, ...], Field(min_length=1)],
}


class OperatorRow(Description):
    """One operator, what it is called and what it reads; its arguments are fields of a class of its own."""

    name: Name
    stage: str = ""
    """The part of the network that reports group it under; the block's where it is not given."""
    inputs: tuple[Name, ...]
    operator: str

    def add(self, draft: Draft, sources: list[str]) -> str:
        """Add the operator to the draft."""
        arguments = {key: getattr(self, key) for key in arguments_of(self.operator)}
        operator = OPERATORS[self.operator](draft.site(self.name, sources), **arguments)
        return draft.add(self.name, operator, sources)


def _row_of(operator: str) -> type[OperatorRow]:
    """The kind of row that an operator has: its arguments beside what every row has."""
    kind = OPERATORS[operator]
    fields: dict[str, Any] = {
        key: (argument.annotation, ... if argument.required else argument.default)
        for key, argument in arguments_of(operator).items()
    }
    fields |= {"operator": (Literal[operator], ...), "inputs": (_OPERANDS[kind.operands], ...)}
    return create_model(f"{kind.__name__}OperatorRow", __base__=OperatorRow, __module__=__name__, **fields)


ROWS: Final[dict[str, type[OperatorRow]]] = {operator: _row_of(operator) for operator in OPERATORS}
"""The kind of row that each operator has."""
globals().update({kind.__name__: kind for kind in ROWS.values()})  # where other processes look for them

if TYPE_CHECKING:
    AnyOperatorRow: TypeAlias = OperatorRow
else:
    AnyOperatorRow = Union[tuple(ROWS.values())]  # noqa: UP007 (of as many as there are)


def _rows(given: Any) -> Any:
    """Each row as its operator has it; what is wrong with rows is said in terms of their operators."""
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        return given  # not a list of mappings: the field's own type says so
    rows: list[OperatorRow] = []
    mistakes: list[Mistake] = []
    for index, row in enumerate(given):
        kind = ROWS.get(str(row.get("operator")))
        if kind is None:
            mistakes.append(Mistake((index, "operator"), unknown(str(row.get("operator")), "operator", ROWS)))
            continue
        try:
            rows.append(kind.model_validate_json(json.dumps(row)))
        except ValidationError as error:
            mistakes += [
                Mistake((index, *mistake.path), f"{mistake.sentence}{_in(row)}")
                for mistake in mistakes_of(error, row, kind)
            ]
    if mistakes:
        raise refusal("operators", mistakes)
    return tuple(rows)


def _in(row: dict[str, Any]) -> str:
    """By what name people know a row: those of models from elsewhere stand on no line."""
    name = row.get("name")
    return f" (in {shortened(name)})" if name and isinstance(name, str) else ""


@block("graph")
class GraphOfOperators(Block):
    """Operators one by one; the last one is what the next block reads. It cannot be repeated."""

    operators: Annotated[tuple[AnyOperatorRow, ...], Field(min_length=1), BeforeValidator(_rows)]

    @field_validator("operators")
    @classmethod
    def _reads_what_is_there(cls, rows: tuple[AnyOperatorRow, ...]) -> tuple[AnyOperatorRow, ...]:
        readable = {INPUT}
        mistakes: list[Mistake] = []
        for index, row in enumerate(rows):
            missing = [name for name in row.inputs if name not in readable]
            mistakes += [Mistake((index, "inputs"), f"no row above is called {name!r}") for name in missing]
            if row.name in readable:
                mistakes.append(Mistake((index, "name"), "is the name of another row already"))
            readable.add(row.name)
        if mistakes:
            raise refusal("operators", mistakes)
        return rows

    def build(self, draft: Draft, source: str, position: Position) -> str:
        """The operators in the order of the rows."""
        nodes = {INPUT: source}
        stage = draft.stage
        for row in self.operators:
            draft.stage, draft.block = row.stage or stage, row.name
            nodes[row.name] = row.add(draft, [nodes[name] for name in row.inputs])
        draft.stage, draft.block = stage, position.name
        return nodes[self.operators[-1].name]
