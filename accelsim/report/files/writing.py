"""A file that is either complete or not there."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from accelsim.errors import AccelsimError


class OutputError(AccelsimError):
    """A file that cannot be written: the text says which and why."""


def check_writable(path: Path) -> None:
    """See whether a file can be written there; best asked before long work, not after it.

    Args:
        path: Where it would be.

    Raises:
        OutputError: It cannot, with the reason.

    Example:
        >>> check_writable(Path("none/a.json"))
        Traceback (most recent call last):
        accelsim.report.files.writing.OutputError: none/a.json: cannot be written: no such folder as none
    """
    with _as_output_error(path):
        if path.is_dir():
            raise OutputError(f"{path}: is a directory: must be the name of a file")
        if _is_plain(path):
            draft = _draft(path)
            os.close(_create(draft, _mode(path)))
            draft.unlink()


def write(path: Path, text: str) -> None:
    """Write a text, complete or not at all.

    Args:
        path: A file, which is replaced where it is there, or a device.
        text: In UTF-8.

    Raises:
        OutputError: It cannot be written there.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write(Path(folder) / "cycles.txt", "1200")
        ...     print((Path(folder) / "cycles.txt").read_text())
        1200
    """
    with writing(path) as file:
        file.write(text.encode("utf-8"))


def make_folder(path: Path) -> None:
    """A folder for files, which may be there already. Raises OutputError where it cannot be made."""
    with _as_output_error(path):
        if path.exists() and not path.is_dir():
            raise OutputError(f"{path}: is a file: must be the name of a folder")
        path.mkdir(exist_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """A file that is complete or not there: a draft in the same folder, renamed when it is finished."""
    with _as_output_error(path):
        if not _is_plain(path):  # a pipe or a device, which must not be replaced by a file
            with path.open("wb") as file:
                yield file
            return
        draft, mode = _draft(path), _mode(path)
        try:
            with os.fdopen(_create(draft, mode), "wb") as file:
                yield file
            if mode is not None:
                draft.chmod(mode)
            draft.replace(path.resolve())
        finally:
            draft.unlink(missing_ok=True)


def _is_plain(path: Path) -> bool:
    """Whether the path is a file, or nothing yet."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return True


def _draft(path: Path) -> Path:
    """Beside the file that the path, through links, stands for."""
    target = path.resolve()
    return target.with_name(f".{target.name[:200]}.{os.urandom(4).hex()}.draft")


def _mode(path: Path) -> int | None:
    """The permissions of the file that will be replaced, None where there is none yet."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None
    if not mode & stat.S_IWUSR or not os.access(path, os.W_OK):
        raise OutputError(f"{path}: cannot be written: it is read-only")
    return mode


def _create(draft: Path, mode: int | None) -> int:
    """A new file with the permissions that any gets; for the owner alone while it is to replace another."""
    return os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else 0o600)


@contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise OutputError(f"{path}: cannot be written: {_why_not_found(path)}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise OutputError(f"{path}: cannot be written: {reason}") from None


def _why_not_found(path: Path) -> str:
    """Why a file that is to be made is not found: its folder is absent, or that of the file it links to."""
    if not path.parent.is_dir():
        return f"no such folder as {path.parent}"
    if not (folder := path.resolve().parent).is_dir():
        return f"is a link into {folder}, and there is no such folder"
    return f"no file can be made in {path.parent}"  # as in /proc, which is no place for files
