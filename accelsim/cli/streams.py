"""Standard output and standard error, closed, full or read no further: a line or silence, never more."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from accelsim.errors import AccelsimError

_STREAMS: Final = (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY))
"""What takes the place of a stream that was closed: nothing to read, an output that refuses to be written to,
so that a result does not vanish without a word, and an error stream that takes everything."""


class StandardOutputError(AccelsimError):
    """What cannot be written to standard output, and why."""


@contextmanager
def guarded_streams() -> Iterator[None]:
    """What is written within and cannot be is an error to standard output, and lost to standard error."""
    _open_closed()
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Guarded(out, _refused), _Guarded(err, _lost)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err


class _Guarded:
    """A stream; where it once could not be written to, so it stays, whoever caught the error."""

    def __init__(self, stream: Any, error_of: Callable[[OSError], Exception | None]) -> None:
        self._stream, self._error_of = stream, error_of
        self._error: Exception | None = None

    def write(self, text: str) -> int:
        """As of any text stream; an empty text, with which libraries try what it takes, goes nowhere."""
        if text != "":
            self._try(partial(self._stream.write, text))
        return len(text)

    def flush(self) -> None:
        """As of any text stream."""
        self._try(self._stream.flush)

    def _try(self, action: Callable[[], object]) -> None:
        if self._error is not None:
            raise self._error
        try:
            action()
        except OSError as error:
            _discard(self._stream)
            self._error = self._error_of(error)
            if self._error is not None:
                raise self._error from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _refused(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):  # the reader has seen enough
        return error
    return StandardOutputError(f"standard output: cannot be written: {error.strerror}")


def _lost(_: OSError) -> None:
    """There is nowhere left to complain."""


def _discard(stream: Any) -> None:
    """Let Python's own flush at exit find something that takes what is left."""
    with suppress(OSError, ValueError), Path(os.devnull).open("w") as null_device:
        os.dup2(null_device.fileno(), stream.fileno())


def _open_closed() -> None:
    """Something for each standard stream that was closed, or the next file would be opened in its place."""
    for descriptor, (name, mode, flags) in enumerate(_STREAMS):
        if getattr(sys, name) is None and os.open(os.devnull, flags) == descriptor:
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
