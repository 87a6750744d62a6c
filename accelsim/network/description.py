"""NetworkDescription: the stage table in networks/*.yaml, its parameters, and what its paper reports."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from accelsim.descriptions import (
    Description,
    Document,
    Mistake,
    check,
    mistakes_of,
    native,
    one_of,
    parse,
    put,
    refusal,
    shipped,
    shown,
    unknown,
    value_of,
    vary,
)
from accelsim.descriptions.kinds import FileKind, check_kind
from accelsim.descriptions.limits import MAX_CHANNELS, MAX_REPEAT, MAX_RESOLUTION, MAX_VALUE
from accelsim.descriptions.quantities import Batch, Channels, Percent, Repeats, Reports, Resolution
from accelsim.errors import DescriptionError
from accelsim.network.blocks import Block, block_names, block_of
from accelsim.network.expressions import ExpressionError, Value, evaluate, is_expression
from accelsim.network.graph import Shape
from accelsim.network.precision import Compression, NetworkPrecision, Placed, placed

MAX_NAME: Final = 200
"""Characters: names become parts of the names of files, which have 255 at most."""

Name: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_\-]*$", max_length=MAX_NAME),
    Field(description=f"a word of at most {MAX_NAME} letters, digits, _ and -"),
]
Expression: TypeAlias = Annotated[
    str, StringConstraints(pattern="^="), Field(description='an expression such as "=2*width"')
]


RESOLUTION: Final = "resolution"
"""The parameter that sets height and width of a square input."""


class InputShape(Description):
    """The image: channels (a network that is part of another one may have a rule for them), and pixels."""

    channels: Channels | Expression
    height: Resolution
    width: Resolution


class Parameter(Description):
    """A knob of a family of networks: its default, and the values it may take."""

    default: int | float | bool | str
    allowed: tuple[int | float | bool | str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _default_is_allowed(self) -> Self:
        if not self.allows(self.default):
            raise ValueError(f"its default is {shown(self.default)}, must be {self.words}")
        return self

    def allows(self, value: object) -> bool:
        """Whether the knob may be set to a value; an int stands for a float, nothing else is converted."""
        same_type = type(value) is type(self.default)
        if isinstance(self.default, float):
            same_type = isinstance(value, int | float) and not isinstance(value, bool)
        if not same_type or (isinstance(value, int | float) and not abs(value) <= MAX_VALUE):
            return False
        if self.allowed is not None:
            return value in self.allowed
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        low = self.minimum is None or value >= self.minimum
        high = self.maximum is None or value <= self.maximum
        return low and high

    @property
    def words(self) -> str:
        """What `allows` allows, as a message says it."""
        if self.allowed is not None:
            return one_of(shown(value) for value in self.allowed)
        kind = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        limits = (("from", self.minimum), ("to", self.maximum))
        words = [f"{word} {limit:g}" for word, limit in limits if limit is not None]
        if not words and type(self.default) in {int, float}:
            words = [f"from -{MAX_VALUE:.0e} to {MAX_VALUE:.0e}"]
        return " ".join([kind[type(self.default)], *words])

    def from_text(self, text: str) -> Value:
        """The value that a command line's text stands for; the text itself where it stands for none."""
        if isinstance(self.default, bool):
            return {"true": True, "false": False}.get(text.lower(), text)
        try:
            return type(self.default)(text)
        except ValueError:
            return text


MacsConvention: TypeAlias = Literal["conv_and_fully_connected", "conv", "with_offsets"]
"""What a paper counts as MACs: those of convolutions and matrix products; of convolutions only; or one
operation more for each output of a layer that has a bias or batch normalisation."""
ParamsConvention: TypeAlias = Literal["all", "weights"]
"""What a paper counts as parameters: weights, biases, scale and shift of batch normalisation; or weights."""


class Reported(Description):
    """What the paper reports: accuracies in percent on ImageNet, parameters and MACs as counts."""

    top1: Percent | None = None
    top5: Percent | None = None
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


class StageRow(Description):
    """One row of the stage table: a block, how often, and the block's own arguments beside these keys."""

    model_config = ConfigDict(extra="allow")

    block: Annotated[str, Field(description="the name of a block")]
    name: Name | None = None
    stage: Name | None = None
    """The part of the network that reports group the row under; the row's name where it is not given."""
    repeat: Repeats | Expression | None = None
    """How many of the block follow each other; they are then called `name.block1`, `name.block2`, ..."""

    @property
    def arguments(self) -> dict[str, Any]:
        """The block's own arguments, expressions not yet evaluated."""
        return dict(self.model_extra or {})


def _fits_its_block(row: StageRow, info: ValidationInfo) -> StageRow:
    """Check a row's arguments, at the default values of the parameters."""
    if "parameters" in info.data and "input" in info.data:
        knobs = _knobs(info.data["parameters"], info.data["input"])
        _, mistakes = _evaluate_row(row, "", {key: knob.default for key, knob in knobs.items()})
        if mistakes:
            raise refusal("stages", mistakes)
    return row


class NetworkDescription(Description):
    """A network as its YAML file describes it."""

    name: Name
    title: str
    source: str
    input: InputShape
    batch: Batch = 1
    """Images that run together where nobody says another number."""
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    reported: Reported = Reported()
    reported_at: tuple[ReportedAt, ...] = ()
    precision: NetworkPrecision = NetworkPrecision()
    compression: Compression = ()
    assumed: Mapping[str, str] = Field(default_factory=dict)
    """Keys (with dots) whose values are not as the model has them everywhere, and what it has."""
    stages: tuple[Annotated[StageRow, AfterValidator(_fits_its_block)], ...] = Field(min_length=1)

    @classmethod
    def put(cls, data: dict[str, Any], key: str, value: Any) -> bool:
        """Set the value at a dotted key; who says another value no longer assumes it."""
        assumed = data["assumed"]
        before = {name: value_of(data, name) for name in assumed} if isinstance(assumed, dict) else {}
        found = put(data, key, value)
        for name, said in before.items():
            if value_of(data, name) != said:
                del assumed[name]
        return found

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
        knobs = _knobs(info.data["parameters"], info.data["input"])
        mistakes = [
            wrong
            for index, entry in enumerate(entries)
            for wrong in _below(index, _below("at", _wrong_values(knobs, entry.at)))
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

    @property
    def knobs(self) -> dict[str, Parameter]:
        """The parameters with the one that every network has whose input is square."""
        return _knobs(self.parameters, self.input)


def _knobs(parameters: Mapping[str, Parameter], image: InputShape) -> dict[str, Parameter]:
    if image.height != image.width:
        return dict(parameters)
    return {**parameters, RESOLUTION: Parameter(default=image.height, minimum=1, maximum=MAX_RESOLUTION)}


def no_parameter(name: str, legal: Iterable[str], network: str = "") -> str:
    """What is said of a parameter that a network, of that name if it is given, does not have."""
    if name == RESOLUTION:
        return (
            f"is for square inputs, which {network or 'this network'}'s is not: leave it out; "
            "input.height and input.width say its size"
        )
    return unknown(name, f"parameter of {network}" if network else "parameter", legal)


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
class Stage:
    """One row of the stage table with its expressions evaluated."""

    name: str
    label: str
    block: Block
    repeat: int | None
    """None for a block that stands alone."""

    @property
    def block_names(self) -> tuple[str, ...]:
        """What each repetition is called; a block that stands alone has its row's name."""
        if self.repeat is None:
            return (self.name,)
        return tuple(f"{self.name}.block{index}" for index in range(1, self.repeat + 1))


@dataclass(frozen=True)
class Network:
    """A described network with a value for each of its parameters: what `build` makes a graph of."""

    name: str
    """With the parameters that are not at their defaults: `mobilenet_v1@width=0.5`."""
    description: NetworkDescription
    parameters: Mapping[str, Value]
    """All of them, `resolution` too where the input is square."""
    stages: tuple[Stage, ...]
    """The stage table with its expressions evaluated."""
    compression: tuple[Placed, ...] = ()
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
        given = self.description.input
        channels = _channels(given, self.parameters)
        if RESOLUTION not in self.parameters:
            return Shape(channels, given.height, given.width)
        resolution = self.parameters[RESOLUTION]
        assert isinstance(resolution, int)  # what its knob allows
        return Shape(channels, resolution, resolution)


IMAGE_SIDE: Final = Parameter(default=1, minimum=1, maximum=MAX_RESOLUTION)
"""The one parameter of an imported model."""


def described_network(path: Path, texts: Mapping[str, str], parameters: Mapping[str, Value]) -> Network:
    """The network in a YAML file, with parameters in words and parameters as they are."""
    description, source = _read(path, seen=())
    knobs = description.knobs
    given = {key: knobs[key].from_text(text) if key in knobs else text for key, text in texts.items()}
    return _configure(description, source, {**given, **parameters})


def checked_resolution(path: Path, asked: Mapping[str, Value]) -> dict[str, int]:
    """What is asked of an imported model: a resolution at most. Raises DescriptionError else."""
    values = {key: native(value) for key, value in asked.items()}
    if mistakes := _wrong_values({RESOLUTION: IMAGE_SIDE}, values):
        raise Document(str(path), values, {}).error(mistakes)
    return {key: value for key, value in values.items() if isinstance(value, int)}


def configure(description: NetworkDescription, **parameters: Value) -> Network:
    """A network from a description that is at hand, such as one that `vary` made."""
    document = Document(description.name, description.model_dump(mode="json"), {})
    return _configure(description, _source(description, document), parameters)


def read_network(path: str | Path) -> NetworkDescription:
    """The description in a YAML file; a preset comes back as the network that it stands for."""
    return _read(Path(path), seen=())[0]


def evaluate_rows(
    rows: Iterable[StageRow], values: Mapping[str, Value]
) -> tuple[tuple[Stage, ...], list[Mistake]]:
    """The rows with their expressions evaluated, and what is wrong with them (paths start at the row)."""
    stages: list[Stage] = []
    mistakes: list[Mistake] = []
    for index, row in enumerate(rows):
        stage, wrong = _evaluate_row(row, f"{row.block}{index + 1}", values)
        mistakes += _below(index, wrong)
        if stage is not None:
            stages.append(stage)
    return tuple(stages), mistakes


def _evaluate_row(
    row: StageRow, default_name: str, values: Mapping[str, Value]
) -> tuple[Stage | None, list[Mistake]]:
    """A row with its expressions evaluated, or what is wrong with it (paths start at its keys)."""
    kind = block_of(row.block)
    if kind is None:
        return None, [Mistake(("block",), unknown(row.block, "block", block_names()))]
    block, mistakes = _block(kind, row, values)
    repeat = _repeat(row, values, mistakes)
    if block is None or mistakes:
        return None, mistakes
    name = row.name or default_name
    return Stage(name, row.stage or name, block, repeat), []


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
    known = {key: value for key, value in row.arguments.items() if key in fields}
    arguments = _evaluated(known, values, (), mistakes)
    broken = {mistake.path[:1] for mistake in mistakes}
    try:
        return kind.model_validate_json(json.dumps(arguments)), mistakes
    except ValidationError as error:
        found = mistakes_of(error, arguments, kind)
    mistakes += [_of_expression(wrong, known, arguments) for wrong in found if wrong.path[:1] not in broken]
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


def _channels(image: InputShape, values: Mapping[str, Value]) -> int:
    """The channels of the input; ExpressionError if their rule gives no number of channels."""
    if not isinstance(image.channels, str):
        return image.channels
    channels = evaluate(image.channels, values)
    if isinstance(channels, bool) or not isinstance(channels, int) or not 1 <= channels <= MAX_CHANNELS:
        raise ExpressionError(f"must be a whole number from 1 to {MAX_CHANNELS}, gives {shown(channels)}")
    return channels


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


def _below(key: str | int, mistakes: Iterable[Mistake]) -> list[Mistake]:
    return [Mistake((key, *mistake.path), mistake.sentence) for mistake in mistakes]


@dataclass(frozen=True)
class _Source:
    """The files that a description comes from: messages name places in them."""

    stages: Document
    compression: tuple[Placed, ...]


def _source(description: NetworkDescription, document: Document) -> _Source:
    return _Source(document, placed(description.compression, document))


def _read(path: Path, seen: tuple[Path, ...]) -> tuple[NetworkDescription, _Source]:
    """A description, and where it stands; a preset comes back as the network that it stands for."""
    document = parse(path)
    check_kind(document, FileKind.NETWORK)
    if "preset_of" not in document.data:
        description = check(document, NetworkDescription)
        return description, _source(description, document)
    preset = check(document, PresetDescription)
    if path.resolve() in seen:
        raise document.error([Mistake(("preset_of",), "goes round in a circle: one must have stages")])
    try:
        base_path = _base(path, preset.preset_of)
    except DescriptionError as error:
        raise document.error([Mistake(("preset_of",), str(error))]) from None
    base, source = _read(base_path, (*seen, path.resolve()))
    entries = (*source.compression, *placed(preset.compression, document))
    return _preset(preset, document, base), _Source(source.stages, entries)


def _base(path: Path, name: str) -> Path:
    """The file that a preset's base stands in: beside it, or wherever names are looked up."""
    beside = path.parent / f"{name}.yaml"
    return beside if beside.is_file() else shipped.find("networks", name)


def network_files(name: str) -> list[Path]:
    """The files that `load_network` reads, if it can: the network's, and those that it is a preset of."""
    found = [shipped.find("networks", name_and_parameters(name)[0])]
    while found[-1].suffix.lower() != shipped.ONNX_SUFFIX and "preset_of" in (data := parse(found[-1]).data):
        found.append(_base(found[-1], data["preset_of"]))
    return found


def _preset(preset: PresetDescription, document: Document, base: NetworkDescription) -> NetworkDescription:
    """The base with the preset's values as its only ones; the resolution stays free."""
    mistakes = _wrong_values(base.knobs, preset.parameters)
    if mistakes:
        raise document.error(_below("parameters", mistakes))
    changes: dict[str, Any] = {
        "name": preset.name,
        "title": preset.title,
        "source": preset.source,
        "reported": preset.reported.model_dump(),
        "reported_at": [entry.model_dump() for entry in preset.reported_at],
        "precision": base.precision.updated(preset.precision).model_dump(),
        "compression": [entry.model_dump() for entry in (*base.compression, *preset.compression)],
    }
    for key, value in preset.parameters.items():
        if key == RESOLUTION:
            changes |= {"input.height": value, "input.width": value}
        else:
            changes[f"parameters.{key}"] = {"default": value, "allowed": [value]}
    return vary(base, **changes)


def _wrong_values(knobs: Mapping[str, Parameter], given: Mapping[str, Value]) -> list[Mistake]:
    return [
        Mistake(
            (key,),
            f"must be {knobs[key].words}" if key in knobs else no_parameter(key, sorted(knobs)),
        )
        for key, value in given.items()
        if key not in knobs or not knobs[key].allows(value)
    ]


def _configure(description: NetworkDescription, source: _Source, asked: Mapping[str, Value]) -> Network:
    given = {key: native(value) for key, value in asked.items()}
    if mistakes := _wrong_values(description.knobs, given):
        raise Document(description.name, dict(given), {}).error(mistakes)
    values: dict[str, Value] = {}
    changed: list[str] = []
    for key, knob in description.knobs.items():
        value = given.get(key, knob.default)
        values[key] = float(value) if isinstance(knob.default, float) else value
        if value != knob.default:
            changed.append(f"{key}={_setting(values[key])}")
    stages, wrong_rows = evaluate_rows(description.stages, values)
    mistakes = _below("stages", wrong_rows)
    try:
        _channels(description.input, values)
    except ExpressionError as error:
        mistakes.append(Mistake(("input", "channels"), str(error)))
    if mistakes:
        raise source.stages.error(mistakes)
    name = f"{description.name}@{','.join(changed)}" if changed else description.name
    return Network(name, description, values, stages, source.compression)


def _setting(value: Value) -> str:
    """A value as it is written after the @."""
    return value if isinstance(value, str) else json.dumps(value)


def name_and_parameters(name: str) -> tuple[str, dict[str, str]]:
    """`mobilenet_v1@width=0.5` as `mobilenet_v1` and its settings; a file may have an @ in its name."""
    if "@" not in name or shipped.exists(Path(name)):
        return name, {}
    bare, _, settings = name.rpartition("@")
    texts: dict[str, str] = {}
    for setting in settings.split(","):
        key, equals, text = setting.partition("=")
        if not (key.strip() and equals and text.strip()):
            raise DescriptionError(
                f"{shipped.shortened(name)}: {shown(setting)}: must be key=value, several separated by commas"
            )
        if key.strip() in texts:
            raise DescriptionError(
                f"{shipped.shortened(name)}: {shipped.shortened(key.strip())}: given twice"
            )
        texts[key.strip()] = text.strip()
    return bare, texts
