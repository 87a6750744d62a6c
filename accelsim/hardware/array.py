"""The PE array: its size, and what it needs for each dataflow that it can run."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, Self, TypeAlias, TypeVar

from pydantic import Field, SerializeAsAny, ValidationError, field_validator, model_validator

from accelsim.descriptions import Description, Mistake, mistakes_of, one_of, plain, refusal
from accelsim.descriptions.quantities import HostCycles, PerColumn, PortWords, PortWordsOut, Side
from accelsim.errors import AccelsimError
from accelsim.hardware.registry import dataflow_names, parameters_of, registered

DEFAULT_DATAFLOWS: Final = ("weight_stationary", "output_stationary")
"""What an array runs whose file does not say."""

PORT_WORDS: Final = 1
"""Words of a port in a cycle, where a machine's file does not say."""
ArraySide: TypeAlias = Literal["rows", "columns"]
"""Where the rows of an array end, and where its columns do. Each row and each column has a port there, which
takes words in from the memories on chip, and at the same time lets words out (docs/decisions/ports.md)."""

DescriptionT = TypeVar("DescriptionT", bound=Description)


class SidePorts(Description):
    """The ports of one side of the array.

    Attributes:
        words_in: From the memories on chip, each cycle and for each row, or column, of the array.
        words_out: To them; 0 where nothing leaves by this side.

    Example:
        >>> SidePorts(words_in=2, words_out=0).words_in
        2
    """

    words_in: PortWords
    words_out: PortWordsOut


class Ports(Description):
    """The ports of both sides of the array; which operand passes which is the dataflow's to say.

    Attributes:
        rows: A port for each row.
        columns: A port for each column. Sums leave by the columns in every dataflow, so there they can.

    Example:
        >>> narrow = SidePorts(words_in=1, words_out=1)
        >>> Ports(rows=SidePorts(words_in=4, words_out=0), columns=narrow).rows.words_in
        4
    """

    rows: SidePorts
    columns: SidePorts

    @model_validator(mode="after")
    def _sums_can_leave(self) -> Self:
        if not self.columns.words_out:
            sentence = "must be at least 1: sums leave by the columns, whichever the dataflow"
            raise refusal("ports", [Mistake(("columns", "words_out"), sentence)])
        return self


class PEArray(Description):
    """rows x columns processing elements; each does one multiply-accumulate per cycle.

    Attributes:
        rows: Of processing elements.
        columns: Of processing elements.

    Example:
        >>> PEArray(rows=16, columns=16).pes
        256
    """

    rows: Side
    columns: Side
    dataflows: Mapping[str, SerializeAsAny[Description]] = Field(
        default_factory=lambda: {name: parameters_of(name)() for name in DEFAULT_DATAFLOWS}
    )
    """Those the array can run, each with its parameters; each layer runs the one that suits the objective."""
    port_words_per_column: PerColumn | None = None
    """Words that the port of each column takes in per cycle, and as many that it lets out. The port of each
    row takes in as many, and lets none out. `ports` may say all that in its place; neither is one word."""
    ports: Ports | None = None
    """How many words pass each side of the array."""
    cycles_per_call: HostCycles = 0
    """Before the first step of each layer: its registers are written, and the array is busy with that."""

    @field_validator("dataflows", mode="before")
    @classmethod
    def _known_dataflows(cls, value: Any) -> Any:
        """Parameters as the dataflow of each name describes them."""
        if not isinstance(value, Mapping):
            raise ValueError("must be a mapping of dataflows to their parameters")
        if not value:
            raise ValueError(f"must name at least one of {', '.join(dataflow_names())}")
        mistakes: list[Mistake] = []
        checked: dict[str, Description] = {}
        for name, parameters in value.items():
            try:
                checked[name] = _checked(name, parameters)
            except KeyError:
                allowed = one_of(repr(dataflow) for dataflow in dataflow_names())
                mistakes.append(Mistake((name,), f"must be {allowed}"))
            except AccelsimError as error:  # of the package that brings it
                mistakes.append(Mistake((name,), str(error)))
            except ValidationError as error:
                mistakes += [
                    Mistake((name, *mistake.path), mistake.sentence)
                    for mistake in mistakes_of(error, parameters, parameters_of(name))
                ]
        if mistakes:
            raise refusal("dataflows", mistakes)
        return checked

    @model_validator(mode="after")
    def _ports_are_said_once(self) -> Self:
        if self.ports is not None and self.port_words_per_column is not None:
            sentence = (
                "must be left out, or null, where port_words_per_column is given: only one of them counts"
            )
            raise refusal("pe_array", [Mistake(("ports",), sentence)])
        return self

    @property
    def spelled_out(self) -> "PEArray":
        """With what is taken where a machine's file says nothing of ports."""
        if self.ports is not None or self.port_words_per_column is not None:
            return self
        return self.model_copy(update={"port_words_per_column": PORT_WORDS})

    def words_in(self, side: ArraySide) -> int:
        """Words that each port of a side takes in per cycle.

        Example:
            >>> PEArray(rows=8, columns=8, port_words_per_column=2).words_in("rows")
            2
        """
        if self.ports is None:
            return self.port_words_per_column or PORT_WORDS
        return (self.ports.rows if side == "rows" else self.ports.columns).words_in

    def words_out(self, side: ArraySide) -> int:
        """Words that each port of a side lets out per cycle; 0 where it lets out none.

        Example:
            >>> PEArray(rows=8, columns=8).words_out("rows"), PEArray(rows=8, columns=8).words_out("columns")
            (0, 1)
        """
        if self.ports is None:
            return (self.port_words_per_column or PORT_WORDS) if side == "columns" else 0
        return (self.ports.rows if side == "rows" else self.ports.columns).words_out

    def ports_of(self, side: ArraySide) -> int:
        """How many ports a side has.

        Example:
            >>> PEArray(rows=8, columns=16).ports_of("columns")
            16
        """
        return self.rows if side == "rows" else self.columns

    @property
    def pes(self) -> int:
        """Processing elements."""
        return self.rows * self.columns

    @property
    def gates_zeros(self) -> bool:
        """Whether a dataflow saves products with inputs that are zero, which may be many."""
        return any(registered(name).gates_zeros(self) for name in self.dataflows)

    @property
    def partial_sums(self) -> int:
        """For which the dataflows have registers in the PEs, or accumulators below the columns."""
        return sum(registered(name).partial_sums(self) for name in self.dataflows)

    @property
    def input_words(self) -> int:
        """Words of inputs for which the dataflows have registers that take area."""
        return sum(registered(name).input_words(self) for name in self.dataflows)


def _checked(name: str, parameters: Any) -> Description:
    if isinstance(parameters, Description):
        return parameters
    kind, data = parameters_of(name), {} if parameters is None else parameters
    return kind.model_validate_json(json.dumps(data, default=plain))


def described(array: PEArray, dataflow: str, parameters: type[DescriptionT]) -> DescriptionT:
    """What a machine's file says of a dataflow that its array runs; `parameters` is the dataflow's class."""
    parameters_of_file = array.dataflows[dataflow]
    assert isinstance(parameters_of_file, parameters)  # as the file was checked
    return parameters_of_file


def is_parameter(key: str) -> bool:
    """Whether a dotted key is one of a dataflow that the array may, but need not, run."""
    match key.split("."):
        case ["pe_array", "dataflows", name, *inner] if name in dataflow_names():
            return len(inner) < 2 and parameters_of(name).model_fields.keys() >= set(inner)
    return False
