"""Described networks with values for their parameters: read from files, presets resolved, rows evaluated."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from accelsim.descriptions import Document, Mistake, check, native, parse, shipped, shown, vary
from accelsim.descriptions.arguments import check_path, of_kind
from accelsim.descriptions.kinds import FileKind, check_kind
from accelsim.errors import DescriptionError
from accelsim.network.description import Network, NetworkDescription, PresetDescription
from accelsim.network.expressions import ExpressionError, Value
from accelsim.network.parameters import IMAGE_SIDE, RESOLUTION, channels_of, under, wrong_values
from accelsim.network.precision import CompressionEntry, compression_entries
from accelsim.network.stages import evaluate_rows


def described_network(path: Path, texts: Mapping[str, str], parameters: Mapping[str, Value]) -> Network:
    """The network in a YAML file, with parameters in words and parameters as they are."""
    description, source = _read(path, visited=())
    knobs = description.knobs
    settings = {key: knobs[key].from_text(text) if key in knobs else text for key, text in texts.items()}
    return _configure(description, source, {**settings, **parameters})


def checked_resolution(path: Path, requested: Mapping[str, Value]) -> dict[str, int]:
    """What is asked of an imported model: a resolution at most. Raises DescriptionError else."""
    values = {key: native(value) for key, value in requested.items()}
    if mistakes := wrong_values({RESOLUTION: IMAGE_SIDE}, values):
        raise Document(str(path), values, {}).error(mistakes)
    return {key: value for key, value in values.items() if isinstance(value, int)}


def configure(description: NetworkDescription, **parameters: Value) -> Network:
    """A network from a description that is at hand, such as one that `vary` made.

    Args:
        description: The stage table and its parameters.
        parameters: Values for parameters; the others have their defaults.

    Returns:
        The network, all expressions of its stage table evaluated.

    Raises:
        DescriptionError: A parameter that the network does not have or that is not allowed, or a row that
            does not work with it, a line for each.

    Example:
        >>> configure(read_network("networks/mobilenet_v1.yaml"), width=0.5).name
        'mobilenet_v1@width=0.5'
    """
    description = of_kind("description", description, NetworkDescription)
    document = Document(description.name, description.model_dump(mode="json"), {})
    return _configure(description, _source(description, document), parameters)


def read_network(path: str | Path) -> NetworkDescription:
    """The description in a YAML file; a preset comes back as the network that it stands for.

    Args:
        path: A path, not a name.

    Returns:
        What the file says, checked.

    Raises:
        DescriptionError: With a line for each mistake in the file.

    Example:
        >>> read_network("networks/squeezenet_v1_1.yaml").input.channels
        3
    """
    check_path("path", path, "a network's YAML file")
    return _read(Path(path), visited=())[0]


class _Source(NamedTuple):
    """The files that a description comes from: messages name places in them."""

    stages: Document
    compression: tuple[CompressionEntry, ...]


def _source(description: NetworkDescription, document: Document) -> _Source:
    return _Source(document, compression_entries(description.compression, document))


def _read(path: Path, visited: tuple[Path, ...]) -> tuple[NetworkDescription, _Source]:
    """A description, and where it stands; a preset comes back as the network that it stands for."""
    document = parse(path)
    check_kind(document, FileKind.NETWORK)
    if "preset_of" not in document.data:
        description = check(document, NetworkDescription)
        return description, _source(description, document)
    preset = check(document, PresetDescription)
    if path.resolve() in visited:
        raise document.error([Mistake(("preset_of",), "goes round in a circle: one must have stages")])
    try:
        base_path = _base(path, preset.preset_of)
    except DescriptionError as error:
        raise document.error([Mistake(("preset_of",), str(error))]) from None
    base, source = _read(base_path, (*visited, path.resolve()))
    entries = (*source.compression, *compression_entries(preset.compression, document))
    return _preset(preset, document, base), _Source(source.stages, entries)


def _base(path: Path, name: str) -> Path:
    """The file that a preset's base stands in: beside it, or wherever names are looked up."""
    sibling = path.parent / f"{name}.yaml"
    return sibling if sibling.is_file() else shipped.find("networks", name)


def network_files(name: str) -> list[Path]:
    """The files that `load_network` reads, if it can: the network's, and those that it is a preset of."""
    files = [shipped.find("networks", name_and_parameters(name)[0])]
    while files[-1].suffix.lower() != shipped.ONNX_SUFFIX and "preset_of" in (data := parse(files[-1]).data):
        files.append(_base(files[-1], data["preset_of"]))
    return files


def _preset(preset: PresetDescription, document: Document, base: NetworkDescription) -> NetworkDescription:
    """The base with the preset's values as its only ones; the resolution stays free."""
    mistakes = wrong_values(base.knobs, preset.parameters)
    if mistakes:
        raise document.error(under("parameters", mistakes))
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


def _configure(description: NetworkDescription, source: _Source, requested: Mapping[str, Value]) -> Network:
    settings = {key: native(value) for key, value in requested.items()}
    if mistakes := wrong_values(description.knobs, settings):
        raise Document(description.name, dict(settings), {}).error(mistakes)
    values: dict[str, Value] = {}
    changed: list[str] = []
    for key, knob in description.knobs.items():
        value = settings.get(key, knob.default)
        values[key] = float(value) if isinstance(knob.default, float) else value
        if value != knob.default:
            changed.append(f"{key}={_setting(values[key])}")
    stages, wrong_rows = evaluate_rows(description.stages, values)
    mistakes = under("stages", wrong_rows)
    try:
        channels_of(description.input, values)
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
            sentence = f"{shown(setting)}: must be key=value, several separated by commas"
            raise DescriptionError.about(shipped.shortened(name), sentence)
        if key.strip() in texts:
            sentence = f"{shipped.shortened(key.strip())}: given twice"
            raise DescriptionError.about(shipped.shortened(name), sentence)
        texts[key.strip()] = text.strip()
    return bare, texts
