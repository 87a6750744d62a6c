"""Stage tables: a row names a block and its arguments, maybe as expressions of parameters."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from pydantic import ConfigDict, Field, StringConstraints, ValidationError

from accelsim.descriptions import Description, Mistake, mistakes_of, shown, unknown
from accelsim.descriptions.limits import MAX_REPEAT
from accelsim.descriptions.quantities import Repeats
from accelsim.network.blocks import Block, block_names, block_of
from accelsim.network.expressions import ExpressionError, Value, evaluate, is_expression
from accelsim.network.parameters import Expression, under

MAX_NAME: Final = 200
"""Characters: names become parts of the names of files, which have 255 at most."""
IMAGE: Final = "input"
"""What rows call the image, and what the node is called that is it."""

Name: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_\-]*$", max_length=MAX_NAME),
    Field(description=f"a word of at most {MAX_NAME} letters, digits, _ and -"),
]


class StageRow(Description):
    """One row of the stage table: a block, how often, and the block's own arguments beside these keys."""

    model_config = ConfigDict(extra="allow")

    block: Annotated[str, Field(description="the name of a block")]
    name: Name | None = None
    stage: Name | None = None
    """The part of the network that reports group the row under; the row's name where it is not given."""
    repeat: Repeats | Expression | None = None
    """How many of the block follow each other; they are then called `name.block1`, `name.block2`, ..."""
    reads: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """The rows above that it reads, `input` for the image; the row just above where it is not given."""

    def name_at(self, index: int) -> str:
        """What the row is called as row `index` of its table, counted from 0."""
        return self.name or f"{self.block}{index + 1}"

    @property
    def arguments(self) -> dict[str, Any]:
        """The block's own arguments, expressions not yet evaluated."""
        return dict(self.model_extra or {})


@dataclass(frozen=True)
class Stage:
    """One row of the stage table with its expressions evaluated.

    Example:
        >>> from accelsim.network import load_network
        >>> [stage.block_names for stage in load_network("sqnxt23v5").stages[1:3]]
        [('pool1',), ('stage1.block1', 'stage1.block2')]
    """

    name: str
    """Of the row, with which the names of its blocks begin."""
    label: str
    """The part of the network that reports group it under."""
    block: Block
    """With its arguments."""
    repeat: int | None
    """None for a block that stands alone."""
    reads: tuple[str, ...] = ()
    """The stages, or `input`, whose outputs its first block reads; none for the one before."""

    @property
    def block_names(self) -> tuple[str, ...]:
        """What each repetition is called; a block that stands alone has its row's name."""
        if self.repeat is None:
            return (self.name,)
        return tuple(map(self.name_of_block, range(self.repeat)))

    def name_of_block(self, index: int) -> str:
        """What a repetition is called, counted from 0."""
        return f"{self.name}.block{index + 1}"


def evaluate_rows(
    rows: Iterable[StageRow], values: Mapping[str, Value]
) -> tuple[tuple[Stage, ...], list[Mistake]]:
    """The rows with their expressions evaluated, and what is wrong with them (paths start at the row)."""
    stages: list[Stage] = []
    mistakes: list[Mistake] = []
    for index, row in enumerate(rows):
        stage, wrong = evaluate_row(row, row.name_at(index), values)
        mistakes += under(index, wrong)
        if stage is not None:
            stages.append(stage)
    return tuple(stages), mistakes


def evaluate_row(row: StageRow, name: str, values: Mapping[str, Value]) -> tuple[Stage | None, list[Mistake]]:
    """A row with its expressions evaluated, or what is wrong with it (paths start at its keys)."""
    kind = block_of(row.block)
    if kind is None:
        return None, [Mistake(("block",), unknown(row.block, "block", block_names()))]
    block, mistakes = _block(kind, row, values)
    repeat = _repeat(row, values, mistakes)
    reads = row.reads or ()
    if len(reads) > 1 and kind.operands == 1:
        mistakes.append(Mistake(("reads",), f"names {len(reads)} rows: the block {row.block} reads one"))
    if block is None or mistakes:
        return None, mistakes
    return Stage(name, row.stage or name, block, repeat, reads), []


def _block(
    kind: type[Block], row: StageRow, values: Mapping[str, Value]
) -> tuple[Block | None, list[Mistake]]:
    """The row's block with its arguments."""
    fields = kind.model_fields
    legal = [*fields, *(key for key in StageRow.model_fields if key != "block")]
    mistakes = [
        Mistake((key,), unknown(key, f"key of the block {row.block}", legal))
        for key in row.arguments
        if key not in fields
    ]
    legal_arguments = {key: value for key, value in row.arguments.items() if key in fields}
    arguments = _evaluated(legal_arguments, values, (), mistakes)
    broken = {mistake.path[:1] for mistake in mistakes}
    try:
        return kind.model_validate_json(json.dumps(arguments)), mistakes
    except ValidationError as error:
        refused = mistakes_of(error, arguments, kind)
    mistakes += [
        _of_expression(wrong, legal_arguments, arguments) for wrong in refused if wrong.path[:1] not in broken
    ]
    return None, mistakes


def _repeat(row: StageRow, values: Mapping[str, Value], mistakes: list[Mistake]) -> int | None:
    """How often the row's block is repeated; adds to the mistakes if that is no number."""
    if not isinstance(row.repeat, str):
        return row.repeat
    try:
        repeat = evaluate(row.repeat, values)
    except ExpressionError as error:
        mistakes.append(Mistake(("repeat",), str(error)))
        return None
    if isinstance(repeat, bool) or not isinstance(repeat, int) or not 1 <= repeat <= MAX_REPEAT:
        sentence = f"must be a whole number from 1 to {MAX_REPEAT}, gives {shown(repeat)}"
        mistakes.append(Mistake(("repeat",), sentence))
        return None
    return repeat


def _evaluated(
    value: Any, values: Mapping[str, Value], path: tuple[str | int, ...], mistakes: list[Mistake]
) -> Any:
    """The value with every expression in it evaluated."""
    if isinstance(value, dict):
        return {key: _evaluated(inner, values, (*path, key), mistakes) for key, inner in value.items()}
    if isinstance(value, list):
        return [_evaluated(inner, values, (*path, index), mistakes) for index, inner in enumerate(value)]
    if not is_expression(value):
        return value
    try:
        return evaluate(value, values)
    except ExpressionError as error:
        mistakes.append(Mistake(path, str(error)))
        return None


def _of_expression(mistake: Mistake, raw: Any, evaluated: Any) -> Mistake:
    """The mistake, saying what the expression gave where it is about one."""
    for part in mistake.path:
        try:
            raw, evaluated = raw[part], evaluated[part]
        except (LookupError, TypeError):
            return mistake
    gives = f", gives {shown(evaluated)}" if is_expression(raw) else ""
    return Mistake(mistake.path, mistake.sentence + gives)
