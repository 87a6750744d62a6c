"""Described networks with values for their parameters: read from files, presets resolved, rows evaluated."""

import json
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
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


def checked_resolution(path: Path, requested: Value) -> int:
    """What is asked for as the resolution of an imported model. Raises DescriptionError if it is none."""
    value = native(requested)
    if mistakes := wrong_values({RESOLUTION: IMAGE_SIDE}, {RESOLUTION: value}):
        raise Document(str(path), {RESOLUTION: value}, {}).error(mistakes)
    assert isinstance(value, int)  # what IMAGE_SIDE allows
    return value


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
    while files[-1].suffix.lower() not in shipped.MODEL_SUFFIXES and "preset_of" in (
        data := parse(files[-1]).data
    ):
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
    bare, pairs = name_and_settings(name)
    texts: dict[str, str] = {}
    for key, text in pairs:
        if key in texts:
            raise DescriptionError.about(shipped.shortened(name), f"{shipped.shortened(key)}: given twice")
        texts[key] = text
    return bare, texts


def name_and_settings(name: str) -> tuple[str, list[tuple[str, str]]]:
    """The name of a network, or of its file, and each key=value that is said of it after the @, in order."""
    if "@" not in name or shipped.exists(Path(name)):
        return name, []
    bare, settings = _parted(name)
    pairs: list[tuple[str, str]] = []
    for setting in _pieces(settings):
        key, equals, text = _key_and_value(setting)
        if not (key and equals and text):
            sentence = f"{shown(setting)}: must be key=value, several separated by commas"
            raise DescriptionError.about(shipped.shortened(name), sentence)
        pairs.append((key, text))
    return bare, pairs


def settings_of(pairs: Iterable[tuple[str, str]]) -> dict[str, Value | list[str]]:
    """What is said of a model after the @, by key; where one is given several times, all that it is given."""
    settings: dict[str, Value | list[str]] = {}
    for key, text in pairs:
        before = settings.get(key)
        if before is None:
            settings[key] = text
        else:
            settings[key] = [*(before if isinstance(before, list) else [str(before)]), text]
    if isinstance(side := settings.get(RESOLUTION), str):
        settings[RESOLUTION] = IMAGE_SIDE.from_text(side)
    return settings


def _pieces(settings: str) -> list[str]:
    """What stands between commas that are in no quotes."""
    commas = [-1]
    quotes = 0
    for index, letter in enumerate(settings):
        quotes += letter == '"'
        if letter == "," and quotes % 2 == 0:
            commas.append(index)
    return [settings[begin + 1 : end] for begin, end in pairwise([*commas, len(settings)])]


def _parted(name: str) -> tuple[str, str]:
    """At the first @ behind the name of a file that is there, or else at the last one."""
    positions = [index for index, letter in enumerate(name) if letter == "@"]
    at = next((index for index in positions if shipped.is_file(Path(name[:index]))), positions[-1])
    return name[:at], name[at + 1 :]


def _key_and_value(setting: str) -> tuple[str, str, str]:
    """The sides of the first = that stands in no quotes, without their quotes."""
    match = re.fullmatch(r'\s*("[^"]*"|[^=]*?)\s*(=)\s*(.*?)\s*', setting, re.DOTALL)
    if match is None:
        return setting, "", ""
    key, equals, text = match.groups()
    return _unquoted(key), equals, _unquoted(text)


def _unquoted(text: str) -> str:
    inside = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1] if inside else text
