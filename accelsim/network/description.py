"""NetworkDescription: the stage table in networks/*.yaml, its parameters, and what its paper reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from accelsim.descriptions import Description, Mistake, put, refusal, shown, value_of
from accelsim.descriptions.quantities import Batch, Percent, Reports
from accelsim.network.expressions import Value
from accelsim.network.graph import Shape
from accelsim.network.parameters import (
    RESOLUTION,
    InputShape,
    Parameter,
    channels_of,
    knobs_of,
    under,
    wrong_values,
)
from accelsim.network.precision import Compression, CompressionEntry, NetworkPrecision
from accelsim.network.stages import IMAGE, Name, Stage, StageRow, evaluate_row

MAX_METRIC: Final = 60
"""Characters: it stands in tables."""
MacsConvention: TypeAlias = Literal["conv_and_fully_connected", "conv", "with_offsets"]
"""What a paper counts as MACs: those of convolutions and matrix products; of convolutions only; or one
operation more for each output of a layer that has a bias or batch normalisation."""


ParamsConvention: TypeAlias = Literal["all", "weights"]
"""What a paper counts as parameters: weights, biases, scale and shift of batch normalisation; or weights."""


class Accuracy(Description):
    """How good a network is at a task other than telling ImageNet's classes."""

    percent: Percent
    metric: Annotated[str, Field(min_length=1, max_length=MAX_METRIC)]
    """What is measured, and on what: `mAP 50-95 on COCO val2017`."""


class Reported(Description):
    """What the paper reports: accuracies in percent on ImageNet, parameters and MACs as counts."""

    top1: Percent | None = None
    top5: Percent | None = None
    accuracy: Accuracy | None = None
    """Of a network that does something else."""
    params: Reports | None = None
    macs: Reports | None = None
    kept_params: Reports | None = None
    """Parameters after pruning."""
    stored_bytes: Reports | None = None
    """All parameters as they are stored, compressed."""
    counts_params: ParamsConvention = "all"
    counts_macs: MacsConvention = "conv_and_fully_connected"
    notes: str = ""
    """Where the numbers stand, and what keeps them from coming out where they do not."""


class ReportedAt(Reported):
    """What the paper reports of a member of the family that is not the default one."""

    at: dict[str, int | float | bool | str] = Field(min_length=1)
    """The parameters that are not at their defaults."""


def _fits_its_block(row: StageRow, info: ValidationInfo) -> StageRow:
    """Check a row's arguments, at the default values of the parameters."""
    if "parameters" in info.data and "input" in info.data:
        knobs = knobs_of(info.data["parameters"], info.data["input"])
        _, mistakes = evaluate_row(row, "", {key: knob.default for key, knob in knobs.items()})
        if mistakes:
            raise refusal("stages", mistakes)
    return row


_OF_THEIR_OWN_SIZE: Final = {"input", "foreign"}
"""Operators of the block `graph` whose sizes do not follow from what they read."""


def _holds_sizes(row: StageRow) -> bool:
    """Whether a row has operators whose sizes do not follow from the size of the image."""
    operators = row.arguments.get("operators", ()) if row.block == "graph" else ()
    return any(isinstance(entry, dict) and entry.get("operator") in _OF_THEIR_OWN_SIZE for entry in operators)


class NetworkDescription(Description):
    """A network as its YAML file describes it: a family of networks where it has parameters.

    Example:
        >>> from accelsim.network import load_network
        >>> description = load_network("mobilenet_v1").description
        >>> [row.block for row in description.stages][:2], list(description.knobs)
        (['conv', 'depthwise_separable'], ['width', 'resolution'])
    """

    name: Name
    """What reports call it."""
    title: str
    """A line for lists."""
    source: str
    """The paper, or where else its table is from."""
    input: InputShape
    """Channels, height and width of one image."""
    batch: Batch = 1
    """Images that run together where nobody says another number."""
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    """By name: what a user may set, with its default and what is allowed."""
    reported: Reported = Reported()
    """What the paper says of it with all parameters at their defaults."""
    reported_at: tuple[ReportedAt, ...] = ()
    """The same at other values of its parameters."""
    precision: NetworkPrecision = NetworkPrecision()
    """Bits of weights, activations and partial sums, where the network gives them."""
    compression: Compression = ()
    """Which layers were pruned or quantised, and how far."""
    assumed: Mapping[str, str] = Field(default_factory=dict)
    """Keys (with dots) whose values are not as the model has them everywhere, and what it has."""
    stages: tuple[Annotated[StageRow, AfterValidator(_fits_its_block)], ...] = Field(min_length=1)
    """The table of its blocks, in order."""

    @classmethod
    def put(cls, data: dict[str, Any], key: str, value: Any) -> bool:
        """Set the value at a dotted key; who says another value no longer assumes it."""
        assumed = data["assumed"]
        before = {name: value_of(data, name) for name in assumed} if isinstance(assumed, dict) else {}
        exists = put(data, key, value)
        for name, old_value in before.items():
            if value_of(data, name) != old_value:
                del assumed[name]
        return exists

    @model_validator(mode="after")
    def _assumed_keys_exist(self) -> Self:
        values = self.model_dump(mode="json", include={key.partition(".")[0] for key in self.assumed})
        mistakes = [
            Mistake(("assumed", key), f"explains {key!r}, which is no key of a network file")
            for key in self.assumed
            if not value_of(values, key)[0]
        ]
        if mistakes:
            raise refusal("assumed", mistakes)
        return self

    @field_validator("parameters")
    @classmethod
    def _names_can_stand_in_expressions(cls, parameters: dict[str, Parameter]) -> dict[str, Parameter]:
        mistakes = [
            Mistake((key,), "must be called by one word of letters, digits and _")
            for key in parameters
            if not key.isidentifier()
        ]
        if RESOLUTION in parameters:
            sentence = "is there already where the input is square: its default is the input's height"
            mistakes.append(Mistake((RESOLUTION,), sentence))
        if mistakes:
            raise refusal("parameters", mistakes)
        return parameters

    @field_validator("reported_at")
    @classmethod
    def _reports_are_of_members(
        cls, entries: tuple[ReportedAt, ...], info: ValidationInfo
    ) -> tuple[ReportedAt, ...]:
        if "parameters" not in info.data or "input" not in info.data:
            return entries
        knobs = knobs_of(info.data["parameters"], info.data["input"])
        mistakes = [
            wrong
            for index, entry in enumerate(entries)
            for wrong in under(index, under("at", wrong_values(knobs, entry.at)))
        ]
        if mistakes:
            raise refusal("reported_at", mistakes)
        return entries

    @field_validator("stages")
    @classmethod
    def _names_differ(cls, stages: tuple[StageRow, ...]) -> tuple[StageRow, ...]:
        names = [row.name for row in stages]
        mistakes = [
            Mistake((index, "name"), f"is the name of stages.{names.index(name)} already")
            for index, name in enumerate(names)
            if name is not None and name in names[:index]
        ]
        if mistakes:
            raise refusal("stages", mistakes)
        return stages

    @field_validator("stages")
    @classmethod
    def _rows_read_rows_above(cls, stages: tuple[StageRow, ...]) -> tuple[StageRow, ...]:
        names = [row.name_at(index) for index, row in enumerate(stages)]
        mistakes = [
            Mistake((index, "reads"), f"no row above is called {shown(read)}")
            for index, row in enumerate(stages)
            for read in row.reads or ()
            if read not in {IMAGE, *names[:index]}
        ]
        if mistakes:
            raise refusal("stages", mistakes)
        return stages

    @property
    def knobs(self) -> dict[str, Parameter]:
        """The parameters with the one that every network has whose input is square, and the only one.

        Nor has one a resolution that holds sizes of its own: a further input, or what is no operator here.
        """
        knobs = knobs_of(self.parameters, self.input)
        if RESOLUTION in knobs and any(map(_holds_sizes, self.stages)):
            del knobs[RESOLUTION]
        return knobs


class PresetDescription(Description):
    """A network that is another one with its parameters set, or with other numbers in it."""

    name: Name
    title: str
    source: str
    preset_of: str
    parameters: dict[str, int | float | bool | str] = Field(default_factory=dict)
    reported: Reported = Reported()
    reported_at: tuple[ReportedAt, ...] = ()
    precision: NetworkPrecision = NetworkPrecision()
    """Goes before the other one's."""
    compression: Compression = ()
    """Follows the other one's."""


@dataclass(frozen=True)
class Network:
    """A described network with a value for each of its parameters: what `build` makes a graph of.

    Example:
        >>> from accelsim.network import load_network
        >>> network = load_network("mobilenet_v1", resolution=160)
        >>> network.name, network.image, network.stages[0].name
        ('mobilenet_v1@resolution=160', Shape(channels=3, height=160, width=160), 'conv1')
    """

    name: str
    """With the parameters that are not at their defaults: `mobilenet_v1@width=0.5`."""
    description: NetworkDescription
    """The file as it was read, its expressions not evaluated."""
    parameters: Mapping[str, Value]
    """All of them, `resolution` too where the input is square."""
    stages: tuple[Stage, ...]
    """The stage table with its expressions evaluated."""
    compression: tuple[CompressionEntry, ...] = ()
    """The description's, each entry with the place in a file that a message about it names."""

    @property
    def reported(self) -> Reported:
        """What the paper reports of the network with these parameters; nothing where it does not."""
        description = self.description
        defaults = {key: knob.default for key, knob in description.knobs.items()}
        if self.parameters == defaults:
            return description.reported
        for entry in description.reported_at:
            if self.parameters == {**defaults, **entry.at}:
                return entry
        return Reported()

    def images(self, batch: int | None = None) -> int:
        """How many images run together: those asked for, or as many as the network is described for."""
        return self.description.batch if batch is None else batch

    @property
    def image(self) -> Shape:
        """The input: as described, or of the resolution that a square one has."""
        image = self.description.input
        channels = channels_of(image, self.parameters)
        if RESOLUTION not in self.parameters:
            return Shape(channels, image.height, image.width)
        resolution = self.parameters[RESOLUTION]
        assert isinstance(resolution, int)  # what its knob allows
        return Shape(channels, resolution, resolution)
