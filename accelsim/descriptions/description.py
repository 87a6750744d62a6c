"""Description: what a YAML file may say, checked; `read` and `vary` make one, `dump` writes it out."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from accelsim.descriptions.document import Document, KeyPath, Mistake, Upgrade, plain
from accelsim.descriptions.keys import place_of, put, value_of
from accelsim.descriptions.reader import parse
from accelsim.descriptions.sentences import mistakes_of
from accelsim.descriptions.writer import yaml_text

DescriptionT = TypeVar("DescriptionT", bound="Description")


class Description(BaseModel):
    """What a YAML file may say: nothing unknown, no silent conversion, not to be changed afterwards.

    A subclass has the fields of a file, annotated with types of `accelsim.descriptions.quantities`, each with
    its docstring. Another package's dataflow describes its parameters so.

    Example:
        >>> from accelsim.descriptions import parse_text
        >>> class Fifo(Description):
        ...     words: int = 4
        >>> check(parse_text("words: 8", "fifo.yaml"), Fifo)
        Fifo(words=8)
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        defer_build=True,  # a run uses a few of all blocks; the others need not be ready at import
    )

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """A description from another process; one within another is written only where its class is built."""
        type(self).model_rebuild()
        super().__setstate__(state)

    @classmethod
    def upgraded(cls, data: dict[str, Any]) -> Upgrade:
        """The data of a file, of an earlier format too, as the fields of this one."""
        return Upgrade(data)

    @classmethod
    def put(cls, data: dict[str, Any], key: str, value: Any) -> bool:
        """Set the value at a dotted key of the fields; False where there is nothing that could hold it."""
        return put(data, key, value)

    @classmethod
    def instead_of(cls, data: dict[str, Any], key: str) -> str | None:  # noqa: ARG003  (others look at them)
        """What to say of a dotted key that nothing holds here; None where there is nothing to add."""
        return None

    @classmethod
    def renamed(cls, key: str) -> tuple[str, ...]:
        """The dotted keys that a key means, of an earlier format too."""
        return (key,)

    @classmethod
    def excluded_by(cls, key: str) -> str | None:  # noqa: ARG003  (others look at it)
        """The dotted key that says the same as another one, so that setting that takes its value away."""
        return None


def read(path: str | Path, kind: type[DescriptionT]) -> DescriptionT:
    """The description that a YAML file holds.

    Args:
        path: Of the file.
        kind: What it describes.

    Returns:
        Its values, checked.

    Raises:
        DescriptionError: With a line for each mistake: file, line, key, value and what is allowed.

    Example:
        >>> from accelsim.hardware import Hardware
        >>> read("hardware/16x16_128k.yaml", Hardware).pe_array.rows
        16
    """
    return check(parse(path), kind)


def check(document: Document, kind: type[DescriptionT]) -> DescriptionT:
    """The values of a document as a description of the given kind.

    Args:
        document: As `parse` reads it; its own mistakes are reported, too.
        kind: What it describes.

    Returns:
        Its values, checked.

    Raises:
        DescriptionError: With a line for each mistake.

    Example:
        >>> from accelsim.descriptions import parse_text
        >>> from accelsim.hardware import Precision
        >>> check(parse_text("weights_bits: 4", "small.yaml"), Precision).weights_bits
        4
    """
    return _checked(document, kind.upgraded(document.data), kind)


def _checked(document: Document, upgrade: Upgrade, kind: type[DescriptionT]) -> DescriptionT:
    mistakes = [*document.mistakes, *upgrade.mistakes]
    unreadable = {mistake.path for mistake in mistakes if mistake.line is None}
    try:
        # As JSON, because strict JSON is what a file may say: a list is a tuple, but "16" is no number.
        description = kind.model_validate_json(json.dumps(upgrade.data, default=plain))
    except ValidationError as error:
        reported = [
            mistake._replace(path=upgrade.as_written(mistake.path))
            for mistake in mistakes_of(error, upgrade.data, kind)
        ]
        mistakes += [mistake for mistake in reported if mistake.path not in unreadable]
    if mistakes:
        raise document.error(mistakes)
    return description


def vary(description: DescriptionT, **changes: Any) -> DescriptionT:
    """A new description in which the values at dotted keys are changed, checked like a file.

    Args:
        description: The one to begin from.
        changes: Values by dotted key, of an earlier format of the file, too; what stands in a list goes by
            its place or by its name.

    Returns:
        A description of the same kind.

    Raises:
        DescriptionError: With a line for each key that there is none of, and each value that is not allowed.

    Example:
        >>> from accelsim.hardware import load_hardware
        >>> changes = {"pe_array.rows": 8, "memories.global_buffer.size_bytes": 65536}
        >>> small = vary(load_hardware("16x16_128k"), **changes)
        >>> small.pe_array.rows, small.on_chip_bytes
        (8, 65536)
    """
    data = description.model_dump(mode="json")
    label = str(getattr(description, "name", type(description).__name__))
    kind = type(description)
    outer_first = sorted(changes, key=lambda key: key.count("."))  # so that what is inside is not lost
    lost = [
        Mistake((key,), kind.instead_of(data, key) or "no such key")
        for key in outer_first
        if not kind.put(data, key, changes[key])
    ]
    lost += list(_excluded(kind, data, changes))
    if lost:
        raise Document(label, dict(changes), {}).error(lost)
    return _checked(
        Document(label, {**data, **changes}, {}), Upgrade(data, _by_key(kind, data, changes)), kind
    )


def _excluded(kind: type[Description], data: dict[str, Any], changes: Mapping[str, Any]) -> Iterator[Mistake]:
    """Take away what a changed value says anew in another way; mistakes where both are changed.

    Where a value is taken away (null), nothing is said anew.
    """
    said = [key for key, value in changes.items() if value is not None]
    targets = {target: key for key in said for target in kind.renamed(key)}
    for target, key in targets.items():
        other = kind.excluded_by(target)
        if other in targets:
            yield Mistake((key,), f"must not be set together with {targets[other]}: both say the same")
        elif other is not None and value_of(data, other)[0]:
            put(data, other, None)


def _by_key(
    kind: type[Description], data: dict[str, Any], changes: Iterable[str]
) -> Callable[[KeyPath], KeyPath]:
    """From the place of a value to the key by which it was changed, so that a mistake names that."""

    def as_written(path: KeyPath) -> KeyPath:
        keys = {place_of(data, target): key for key in changes for target in kind.renamed(key)}
        for length in range(len(path), 0, -1):
            if path[:length] in keys:
                return (keys[path[:length]], *path[length:])
        return path

    return as_written


def dump(description: Description) -> str:
    """YAML text that reads back as an equal description; values that are defaults are left out.

    Args:
        description: Of any kind.

    Returns:
        The text of a file.

    Example:
        >>> from accelsim.hardware import Precision
        >>> print(dump(Precision(weights_bits=4)), end="")
        {weights_bits: 4}
    """
    return yaml_text(description.model_dump(mode="json", exclude_defaults=True))
