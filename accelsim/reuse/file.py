"""OwnFile: a SQLite file that holds what was found out, which nothing that happens to it may make wrong.

It is told from other files before anything is written: by the application's number in its header, and the
number of its format. Another's file is an error and stays as it is, to the byte. What happens to an own one
(flipped bytes, an end that is missing, another process that holds it, a disk that is full, permissions) costs
time, never an answer: each row has a checksum, what cannot be read is as if it were not there, what cannot be
written is not kept, and one `FileWarning` says so. docs/decisions/store.md.
"""

import hashlib
import os
import sqlite3
import stat
import time
import warnings
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from accelsim.errors import AccelsimError, FileWarning
from accelsim.reuse.model_version import model_version, source_digest

Value: TypeAlias = int | float | str | None
ResultT = TypeVar("ResultT")
_Trouble: TypeAlias = sqlite3.Error | UnicodeDecodeError
_TROUBLE: Final = (sqlite3.Error, UnicodeDecodeError)
"""What any call of SQLite raises. The latter is a complaint that quotes what is damaged and no text, which
Python's sqlite3 cannot decode."""
_MODELS: Final = "CREATE TABLE models (source TEXT PRIMARY KEY, version TEXT, checksum TEXT) WITHOUT ROWID"
"""Versions of the model by the digest of their source text: to find them out takes a third of a second."""
_PAUSE_SECONDS: Final = 0.05
_LARGEST: Final = (1 << 63) - 1
"""What SQLite can hold."""
_OTHER_FORMATS: Final = {
    ".json", ".csv", ".txt", ".md", ".yaml", ".yml", ".toml", ".html", ".htm", ".svg", ".png", ".pdf",
    ".onnx", ".xlsx", ".xls", ".ods", ".gz", ".zip", ".py",
}  # fmt: skip
"""What the name of a new file must not end in: it would say that something else is in it."""
_REASONS: Final = {
    sqlite3.SQLITE_BUSY: "another process has locked it",
    sqlite3.SQLITE_LOCKED: "another process has locked it",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_NOTADB: "it is damaged",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it may only be read",
    sqlite3.SQLITE_CANTOPEN: "it may not be opened, or its folder not be written to",
    sqlite3.SQLITE_IOERR: "the disk gives an error",
}


@dataclass(frozen=True)
class FileFormat:
    """A kind of file: what it is called, and what tells it from others.

    Example:
        >>> kind = FileFormat("notebook", "--notes", 0x6e6f7465, 1, ("CREATE TABLE notes (text TEXT)",))
        >>> kind.image()[:15]
        b'SQLite format 3'
    """

    noun: str
    """In messages: it cannot be used as a ..."""
    option: str
    """Of the command line."""
    application_id: int
    """SQLite's number in the header for whose file it is."""
    format: int
    """The number of what is in it and how; a change of tables or values is another number."""
    tables: tuple[str, ...]
    """What makes them."""
    error: type[AccelsimError] = AccelsimError
    """Raised where a file is not of this kind."""
    wait_seconds: float = 5.0
    """How long another process may hold it before the work goes on without it."""

    def image(self) -> bytes:
        """A file in which nothing is kept yet."""
        connection = sqlite3.connect(":memory:")
        try:
            for statement in (*self.tables, _MODELS):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {self.application_id}")
            connection.execute(f"PRAGMA user_version = {self.format}")
            return connection.serialize()
        finally:
            connection.close()


class OwnFile:
    """A file of one kind, open; it may be read and written by several processes at a time.

    Example:
        >>> import tempfile
        >>> kind = FileFormat("notebook", "--notes", 0x6e6f7465, 1, ("CREATE TABLE notes (text TEXT)",))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = OwnFile(Path(folder) / "notes.sqlite", kind)
        ...     file.write([("INSERT INTO notes VALUES (?)", [("on tiles",)])])
        ...     file.read("SELECT text FROM notes", ())
        ...     file.close()
        [('on tiles',)]
    """

    def __init__(self, path: Path, kind: FileFormat, *, durable: bool = True) -> None:
        """Open or make it. Raises the kind's error where the path is, or has to be, something else.

        Args:
            path: Of the file.
            kind: What it is to be.
            durable: Whether what was written survives a loss of power; without, it survives the end of the
                process.
        """
        self.path, self.kind = path, kind
        self._connection: sqlite3.Connection | None = None
        self._writable = True
        self._damage_is_known = False
        self._target = self._checked_place()
        if not self._target.exists() and not self._make():
            return
        if self._recognise():
            self._open(durable)

    def close(self) -> None:
        """Let go of the file; nothing is read or written any more."""
        if self._connection is not None:
            _close(self._connection)
        self._connection = None

    def read(self, query: str, values: Sequence[Value]) -> list[tuple[Any, ...]]:
        """Rows of the file; none where it cannot be read. They are to be verified: see `checksum`."""
        connection = self._connection
        if connection is None:
            return []
        try:
            return self._patiently(lambda: connection.execute(query, values).fetchall())
        except _TROUBLE as error:
            self._give_up(error)
            return []

    def write(self, rows: Iterable[tuple[str, Sequence[Sequence[Value]]]]) -> None:
        """Statements, each with its rows: all of them or, if the process ends meanwhile, nothing."""
        connection, work = self._connection, [(statement, list(values)) for statement, values in rows]
        if connection is None or not self._writable:
            return
        try:
            self._patiently(lambda: _in_one_transaction(connection, work))
        except _TROUBLE as error:
            if _code(error) in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}:
                self._writable = False
                self._warn(f"cannot be written ({_reason(error)}): what is found out is not kept")
            else:
                self._give_up(error)

    def note_damaged_rows(self) -> None:
        """Say, once, that rows do not verify."""
        if not self._damage_is_known:
            self._damage_is_known = True
            self._warn("has damaged rows: what was in them is searched for again")

    def model_version(self) -> str:
        """`model_version`, sooner where an earlier process noted it for the same source."""
        return self._noted_version() or model_version()

    def note_model_version(self) -> None:
        """Have the next process know the version sooner."""
        if self._noted_version() is None:
            source, version = source_digest(), model_version()
            row = (source, version, checksum(source, version))
            self.write([("INSERT OR REPLACE INTO models VALUES (?, ?, ?)", [row])])

    def _noted_version(self) -> str | None:
        source = source_digest()
        for version, mark in self.read("SELECT version, checksum FROM models WHERE source = ?", (source,)):
            if mark == checksum(source, version):
                return str(version)
            self.note_damaged_rows()
        return None

    # --- opening

    def _checked_place(self) -> Path:
        """What the path stands for. Raises where that can be no file of this kind whatever is done."""
        try:
            target = Path(os.path.realpath(self.path))
            if not target.parent.is_dir():
                raise self._refusal(f"there is no folder {self.path.parent}")
            self._check_file(target)
        except FileNotFoundError:  # it can be made
            self._check_name(target)
        except (OSError, ValueError) as error:
            raise self._refusal(_words(error)) from None
        return target

    def _check_file(self, target: Path) -> None:
        status = target.stat()
        if stat.S_ISDIR(status.st_mode):
            raise self._refusal("it is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise self._refusal("it is no regular file")
        if not status.st_size:
            raise self._refusal("it is an empty file; a name that is not there yet becomes one")
        if not os.access(target, os.R_OK):
            raise self._refusal("it may not be read")

    def _check_name(self, target: Path) -> None:
        if target.suffix.lower() in _OTHER_FORMATS:
            raise self._refusal(
                f"what ends in {target.suffix} is something else; let it end in .sqlite, or in nothing"
            )

    def _make(self) -> bool:
        """Make a new file, complete or not at all; what another process made meanwhile is as good."""
        draft = self._target.with_name(f".{self._target.name[:200]}.{os.urandom(4).hex()}.draft")
        try:
            try:
                with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
                    file.write(self.kind.image())
                _give_name(draft, self._target)
            finally:
                draft.unlink(missing_ok=True)
        except (OSError, ValueError) as error:
            self._warn(f"cannot be made ({_words(error)}): what is found out is not kept")
            return False
        return True

    def _recognise(self) -> bool:
        """Whether the file can be opened. Raises where it is another's.

        It is only looked at, without a lock or a file beside it.
        """
        try:
            numbers = _numbers_by_sqlite(self._target)
        except _TROUBLE as error:
            numbers = _numbers_as_they_stand(self._target)
            if numbers == (self.kind.application_id, self.kind.format):
                self._give_up(error)
                return False
        application_id, version = numbers
        if application_id != self.kind.application_id:
            raise self._refusal("it is a file of something else")
        if version != self.kind.format:
            raise self._refusal(
                f"another version of accelsim made it (format {version}, this one has {self.kind.format}): "
                f"give {self.kind.option} another file, or delete this one"
            )
        return True

    def _open(self, durable: bool) -> None:
        try:
            connection = self._connection = sqlite3.connect(
                f"{self._target.as_uri()}?mode=rw",
                uri=True,
                timeout=_PAUSE_SECONDS,
                isolation_level=None,
                check_same_thread=False,  # SQLite itself sees to it that one thread waits for the other
            )
            connection.text_factory = _text
            weakref.finalize(self, _close, connection)  # at the end of the process, too
            if not durable:
                self._patiently(lambda: connection.execute("PRAGMA synchronous = OFF"))
        except _TROUBLE as error:
            self._give_up(error)

    # --- what goes wrong

    def _patiently(self, action: Callable[[], ResultT]) -> ResultT:
        """Do something again while another process holds the file; an interrupt gets through meanwhile."""
        until = time.monotonic() + self.kind.wait_seconds
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(_PAUSE_SECONDS)

    def _give_up(self, error: _Trouble) -> None:
        """Go on as if there were no file."""
        code, reason = _code(error), _reason(error)
        if code == sqlite3.SQLITE_BUSY:
            reason += f" for {self.kind.wait_seconds:g} s"
        remedy = "; delete it to begin another" if code in _OF_DAMAGE else ""
        self._warn(f"cannot be used ({reason}): it goes on without{remedy}")
        self.close()

    def _warn(self, sentence: str) -> None:
        warnings.warn(f"{self.path}: {sentence}", FileWarning, stacklevel=2)

    def _refusal(self, reason: str) -> AccelsimError:
        return self.kind.error(f"{self.path}: cannot be used as a {self.kind.noun}: {reason}")


def _close(connection: sqlite3.Connection) -> None:
    with suppress(*_TROUBLE):  # what was written is in the file without it
        connection.close()


def _numbers_by_sqlite(path: Path) -> tuple[int, int]:
    """The application's number and the format's. To open the file apart from SQLite would undo its locks."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    finally:
        _close(connection)
    return application_id, version


def _numbers_as_they_stand(path: Path) -> tuple[int, int]:
    """The same from the header of a file that is no database, or a damaged one."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError:
        header = b""
    version, application_id = (int.from_bytes(header[offset : offset + 4], "big") for offset in (60, 68))
    return application_id, version


_OF_DAMAGE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
"""SQLITE_ERROR: a table or a column is gone."""


def checksum(*values: Value) -> str:
    """What a row has beside its values, its key among them: other values have another.

    Args:
        values: Of the row.

    Returns:
        Sixteen hexadecimal digits.

    Example:
        >>> len(checksum("conv1", 3)), checksum("conv1", 3) == checksum("conv1", 4)
        (16, False)
    """
    return hashlib.blake2b(repr(values).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def can_be_kept(values: Iterable[Value]) -> bool:
    """Whether SQLite can hold the values as they are.

    Args:
        values: Of a row.

    Returns:
        False for whole numbers of more than 64 bits, and for text that is no UTF-8.

    Example:
        >>> can_be_kept([1, "conv1", None]), can_be_kept([1 << 63])
        (True, False)
    """
    return all(
        abs(value) <= _LARGEST if isinstance(value, int) else not isinstance(value, str) or _is_text(value)
        for value in values
    )


def _is_text(value: str) -> bool:
    return "\0" not in value and value.encode("utf-8", "ignore").decode() == value


def _text(stored: bytes) -> str:
    """Text as it is stored; that of a damaged row may be none, and then does not verify."""
    return stored.decode("utf-8", "replace")


def _in_one_transaction(
    connection: sqlite3.Connection, work: Sequence[tuple[str, Sequence[Sequence[Value]]]]
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement, rows in work:
            connection.executemany(statement, rows)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(*_TROUBLE):  # what went wrong is what the caller hears of
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def _give_name(draft: Path, target: Path) -> None:
    """Give a complete file its name, unless the name is taken."""
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        if not target.exists():
            draft.rename(target)


def _code(error: _Trouble) -> int | None:
    """SQLite's code of an error, without what it says of details."""
    if isinstance(error, UnicodeDecodeError):
        return sqlite3.SQLITE_CORRUPT
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _reason(error: _Trouble) -> str:
    code = _code(error)
    return _REASONS.get(code, str(error)) if code is not None else str(error)


def _words(error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):  # versions of Python say it differently
        return "its name has a NUL in it"
    return error.strerror or str(error)
