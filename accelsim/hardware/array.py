"""The PE array: its size, and what it needs for each dataflow that it can run."""

import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import Field, SerializeAsAny, ValidationError, field_validator

from accelsim.descriptions import Description, Mistake, mistakes_of, one_of, plain, refusal
from accelsim.descriptions.quantities import PerColumn, Side
from accelsim.errors import AccelsimError
from accelsim.hardware.registry import dataflow_names, parameters_of, registered

DEFAULT_DATAFLOWS: Final = ("weight_stationary", "output_stationary")
"""What an array runs whose file does not say."""

DescriptionT = TypeVar("DescriptionT", bound=Description)


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
    port_words_per_column: PerColumn = 1
    """Words that each column of the array exchanges with the memories on chip per cycle, each way."""

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

    @property
    def pes(self) -> int:
        """Processing elements."""
        return self.rows * self.columns

    @property
    def partial_sums(self) -> int:
        """For which the dataflows have registers in the PEs, or accumulators below the columns."""
        return sum(registered(name).partial_sums(self) for name in self.dataflows)


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
