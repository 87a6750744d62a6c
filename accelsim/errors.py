"""What can be wrong with what a user gave: every error that accelsim raises on purpose."""

import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self, TypeAlias


class Complaint(NamedTuple):
    """One line of an error, in its parts: `SUBJECT: KEY = VALUE: SENTENCE`, without those that are empty."""

    sentence: str
    subject: str = ""
    """The file or name that it is about, with the line."""
    key: str = ""
    """Dotted."""
    value: str = ""
    """As a message shows it."""

    def __str__(self) -> str:
        key = f"{self.key} = {self.value}" if self.key and self.value else self.key
        return ": ".join(part for part in (self.subject, key, self.sentence) if part)


class AccelsimError(Exception):
    """Something the user can mend. Its text is one line for each thing wrong, and says the remedy.

    Example:
        >>> AccelsimError("a.yaml:3: rows: no such key\\na.yaml:5: name: missing").lines
        ['a.yaml:3: rows: no such key', 'a.yaml:5: name: missing']
        >>> AccelsimError.about("a.yaml", "no such file").complaints
        (Complaint(sentence='no such file', subject='a.yaml', key='', value=''),)
    """

    def __init__(self, text: str, complaints: Sequence[Complaint] = ()) -> None:
        super().__init__(text)
        self._complaints = tuple(complaints)

    @classmethod
    def of(cls, *complaints: Complaint) -> Self:
        """An error of known parts, one line for each."""
        return cls("\n".join(map(str, complaints)), complaints)

    @classmethod
    def about(cls, subject: object, sentence: str) -> Self:
        """An error of one line, `SUBJECT: SENTENCE`."""
        return cls.of(Complaint(sentence, str(subject)))

    @property
    def lines(self) -> list[str]:
        """The text, one item for each thing wrong."""
        return str(self).splitlines()

    @property
    def complaints(self) -> tuple[Complaint, ...]:
        """The same in parts; where none are known, each line is a sentence."""
        return self._complaints or tuple(map(Complaint, self.lines))


class DescriptionError(AccelsimError):
    """A YAML file, or a value that stands for one, does not describe a network or a machine."""


class NetworkError(AccelsimError):
    """A network whose layers do not fit each other: the text names the layer, both sizes and the remedy."""


class MappingError(AccelsimError):
    """A layer that a machine cannot execute: the text says demand, bound and what would help."""


class Fault(NamedTuple):
    """An exception that accelsim does not raise on purpose: a fault of its own."""

    exception: str
    """The name of its class."""
    location: str
    """`search.py:12`, where it was raised; empty where that is not known."""
    message: str
    """Its text."""

    def __str__(self) -> str:
        location = f" at {self.location}" if self.location else ""
        return f"a fault of accelsim itself, please report it: {self.exception}{location}: {self.message}"


Problem: TypeAlias = Complaint | Fault
"""One thing for which something has no result."""


def problems_of(error: Exception) -> tuple[Problem, ...]:
    """Why something has no result: what is wrong with it, or where accelsim has a fault.

    Raises KeyboardInterrupt where neither is true, and somebody has pressed Ctrl-C.
    """
    if came_of_interrupt(error):
        raise KeyboardInterrupt from error
    if isinstance(error, AccelsimError):
        return error.complaints
    frames = traceback.extract_tb(error.__traceback__)
    location = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return (Fault(type(error).__name__, location, str(error)),)


def problem_text(problems: Iterable[Problem]) -> str:
    """A line for each problem; nothing where there is none."""
    return "\n".join(map(str, problems))


class FileWarning(UserWarning):
    """A file of what was found out that cannot be used as it should be: it costs time, and no result."""


class PlugInWarning(UserWarning):
    """Something that another package brings for accelsim, and that is not used."""


def came_of_interrupt(error: BaseException) -> bool:
    """Whether an exception is a KeyboardInterrupt, or what a library made of one.

    One that calls Python from elsewhere, as pydantic does to write a value, turns Ctrl-C that arrives within
    the call into an exception of its own.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


@contextmanager
def missing_extra(noun: str, package: str, extra: str = "") -> Iterator[None]:
    """Turns an import that fails within into a line: what takes the package, and how it is installed.

    `extra` is the name under which accelsim asks for the package, where it is another one.
    """
    try:
        yield
    except ImportError as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name == package
        reason = "is not installed" if absent else f"cannot be imported ({error})"
        command = f'pip install "accelsim[{extra or package}]"'
        raise AccelsimError(f"{noun} needs {package}, which {reason}: {command}") from None
