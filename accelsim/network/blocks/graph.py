"""Any graph of operators, written out one by one: what a model from another tool becomes.

A row names its operator, what it reads and the operator's own arguments; `input` is what the block reads:

    - block: graph
      operators:
        - {name: conv1, operator: conv, inputs: [input], out_channels: 16, kernel: 3, padding: 1}
        - {name: relu1, operator: activation, inputs: [conv1], function: relu}
        - {name: twice, operator: concat, inputs: [relu1, conv1]}

The operators are the functions of network/operators.py, and so are their arguments. `shared` names parameters
that are also those of a row above, as in `shared: [weights]`: they are used here and counted there.
"""

import json
from abc import abstractmethod
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Field, ValidationError, field_validator

from accelsim.descriptions import Description, Mistake, mistakes_of, refusal, shortened, unknown
from accelsim.descriptions.limits import MAX_CHANNELS
from accelsim.descriptions.quantities import AxisLength, Channels, Extent, SignedMargin, Slopes
from accelsim.network import operators as ops
from accelsim.network.blocks.block import Axes, Block, Position, block
from accelsim.network.graph import Draft

INPUT: Final = "input"
"""What the rows call the tensor that the block reads."""

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=500)]
Padding: TypeAlias = (
    Literal["same"]
    | SignedMargin
    | tuple[SignedMargin, SignedMargin]
    | tuple[SignedMargin, SignedMargin, SignedMargin, SignedMargin]
)
"""As blocks have it; negative where rows or columns of the input are left out."""
One: TypeAlias = tuple[Name]
Two: TypeAlias = tuple[Name, Name]
Several: TypeAlias = Annotated[tuple[Name, ...], Field(min_length=1)]


class _Row(Description):
    """One operator, what it is called and what it reads."""

    name: Name
    stage: str = ""
    """The part of the network that reports group it under; the block's where it is not given."""
    inputs: tuple[Name, ...]

    @abstractmethod
    def add(self, draft: Draft, sources: list[str]) -> str:
        """Add the operator to the draft."""


ArrayParts: TypeAlias = tuple[Literal["weights", "bias"], ...]
"""Parameters that are also those of a row above, and are counted there; so for other rows."""


class _Conv(_Row):
    operator: Literal["conv"]
    inputs: One
    out_channels: Channels
    kernel: Axes = 1
    stride: Axes = 1
    padding: Padding = 0
    dilation: Axes = 1
    groups: Channels = 1
    bias: bool = False
    shared: ArrayParts = ()

    def add(self, draft: Draft, sources: list[str]) -> str:
        return ops.conv(
            draft,
            self.name,
            sources[0],
            out_channels=self.out_channels,
            kernel=self.kernel,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            bias=self.bias,
            shared=self.shared,
        )


class _FullyConnected(_Row):
    operator: Literal["fully_connected"]
    inputs: One
    out_features: Channels
    bias: bool = True
    shared: ArrayParts = ()

    def add(self, draft: Draft, sources: list[str]) -> str:
        return ops.fully_connected(
            draft,
            self.name,
            sources[0],
            out_features=self.out_features,
            bias=self.bias,
            shared=self.shared,
        )


class _Pool(_Row):
    operator: Literal["max_pool", "average_pool"]
    inputs: One
    kernel: Axes
    stride: Axes = 1
    padding: Padding = 0
    rounding: ops.Rounding = "floor"

    def add(self, draft: Draft, sources: list[str]) -> str:
        pool = ops.max_pool if self.operator == "max_pool" else ops.average_pool
        return pool(
            draft,
            self.name,
            sources[0],
            kernel=self.kernel,
            stride=self.stride,
            padding=self.padding,
            rounding=self.rounding,
        )


class _Activation(_Row):
    operator: Literal["activation"]
    inputs: One
    function: ops.ActivationFunction
    slopes: Slopes = 0
    """Trained ones, as those of PReLU."""
    shared: tuple[Literal["slopes"], ...] = ()

    def add(self, draft: Draft, sources: list[str]) -> str:
        return ops.activation(
            draft, self.name, sources[0], function=self.function, slopes=self.slopes, shared=self.shared
        )


class _BatchNorm(_Row):
    operator: Literal["batch_norm"]
    inputs: One
    shared: tuple[Literal["scale", "shift"], ...] = ()

    def add(self, draft: Draft, sources: list[str]) -> str:
        return ops.batch_norm(draft, self.name, sources[0], shared=self.shared)


class _LocalResponseNorm(_Row):
    operator: Literal["lrn"]
    inputs: One
    size: Extent = 5

    def add(self, draft: Draft, sources: list[str]) -> str:
        return ops.lrn(draft, self.name, sources[0], size=self.size)


_PLAIN: Final = {
    "global_average_pool": ops.global_average_pool,
    "softmax": ops.softmax,
    "dropout": ops.dropout,
    "channel_permutation": ops.channel_permutation,
    "network_output": ops.network_output,
}


class _Plain(_Row):
    """An operator that has no arguments."""

    operator: Literal["global_average_pool", "softmax", "dropout", "channel_permutation", "network_output"]
    inputs: One

    def add(self, draft: Draft, sources: list[str]) -> str:
        return _PLAIN[self.operator](draft, self.name, sources[0])


class _ChannelShuffle(_Row):
    operator: Literal["channel_shuffle"]
    inputs: One
    groups: Channels

    def add(self, draft: Draft, sources: list[str]) -> str:
        return ops.channel_shuffle(draft, self.name, sources[0], groups=self.groups)


class _Slice(_Row):
    operator: Literal["channel_slice"]
    inputs: One
    first: Annotated[int, Field(ge=0, lt=MAX_CHANNELS)]
    channels: Channels

    def add(self, draft: Draft, sources: list[str]) -> str:
        return ops.channel_slice(draft, self.name, sources[0], first=self.first, channels=self.channels)


class _Resize(_Row):
    operator: Literal["resize"]
    inputs: One
    size: tuple[AxisLength, AxisLength]
    interpolation: ops.Interpolation = "nearest"

    def add(self, draft: Draft, sources: list[str]) -> str:
        return ops.resize(draft, self.name, sources[0], size=self.size, interpolation=self.interpolation)


class _Add(_Row):
    operator: Literal["add"]
    inputs: Several

    def add(self, draft: Draft, sources: list[str]) -> str:
        return ops.add(draft, self.name, sources)


class _Concat(_Row):
    operator: Literal["concat"]
    inputs: Several

    def add(self, draft: Draft, sources: list[str]) -> str:
        return ops.concat(draft, self.name, sources)


class _Multiply(_Row):
    operator: Literal["multiply"]
    inputs: Two

    def add(self, draft: Draft, sources: list[str]) -> str:
        return ops.multiply(draft, self.name, *sources)


Row: TypeAlias = (
    _Conv
    | _FullyConnected
    | _Pool
    | _Activation
    | _BatchNorm
    | _LocalResponseNorm
    | _Plain
    | _ChannelShuffle
    | _Slice
    | _Resize
    | _Add
    | _Concat
    | _Multiply
)
ROWS: Final[dict[str, type[_Row]]] = {
    operator: kind
    for kind in get_args(Row)
    for operator in get_args(kind.model_fields["operator"].annotation)
}
"""The kind of row that each operator has."""


def _rows(given: Any) -> Any:
    """Each row as its operator has it; what is wrong with rows is said in terms of their operators."""
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        return given  # not a list of mappings: the field's own type says so
    rows: list[_Row] = []
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
                Mistake((index, *each.path), f"{each.sentence}{_in(row)}")
                for each in mistakes_of(error, row, kind)
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

    operators: Annotated[tuple[Row, ...], BeforeValidator(_rows), Field(min_length=1)]

    @field_validator("operators")
    @classmethod
    def _reads_what_is_there(cls, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        known = {INPUT}
        mistakes: list[Mistake] = []
        for index, row in enumerate(rows):
            missing = [name for name in row.inputs if name not in known]
            mistakes += [Mistake((index, "inputs"), f"no row above is called {name!r}") for name in missing]
            if row.name in known:
                mistakes.append(Mistake((index, "name"), "is the name of another row already"))
            known.add(row.name)
        if mistakes:
            raise refusal("operators", mistakes)
        return rows

    def build(self, draft: Draft, source: str, at: Position) -> str:
        """The operators in the order of the rows."""
        nodes = {INPUT: source}
        stage = draft.stage
        for row in self.operators:
            draft.stage, draft.block = row.stage or stage, row.name
            nodes[row.name] = row.add(draft, [nodes[name] for name in row.inputs])
        draft.stage, draft.block = stage, at.name
        return nodes[self.operators[-1].name]
