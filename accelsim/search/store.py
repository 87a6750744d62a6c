"""Store: a file that keeps what was evaluated, so that a search that was stopped goes on where it was.

SQLite, because a transaction is either in the file or not, whenever the process is killed; because looking up
one candidate among millions takes no memory; and because every language reads it. docs/decisions/store.md.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from accelsim.errors import AccelsimError
from accelsim.model_version import model_version
from accelsim.search.evaluate import Cost, Size, Task
from accelsim.search.family import but_for_depth
from accelsim.search.space import Depths

_WORDS: Final = {"name", "title", "source", "assumed"}
"""Keys of a machine that change no result."""
_LOCK_SECONDS: Final = 30.0
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS model (version TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS searches (key TEXT PRIMARY KEY, task TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS results (
    key TEXT NOT NULL, depths TEXT NOT NULL,
    params INTEGER NOT NULL, macs INTEGER NOT NULL, cycles INTEGER NOT NULL, energy REAL NOT NULL,
    PRIMARY KEY (key, depths)
) WITHOUT ROWID;
"""


class StoreError(AccelsimError):
    """A file that cannot be used as a store: the text says why, and what to do."""


class Store:
    """The results of one task in a file that may hold those of many."""

    def __init__(self, path: Path, task: Task) -> None:
        """Open the file, or make it. Raises StoreError."""
        self._path = path
        text = task_text(task)
        self._key = hashlib.sha256(text.encode()).hexdigest()
        with self._errors():
            self._connection = sqlite3.connect(path, timeout=_LOCK_SECONDS)
        try:
            with self._errors():
                self._connection.executescript(_TABLES)
            self._check_version()
            with self._errors(), self._connection:
                self._connection.execute(
                    "INSERT OR IGNORE INTO searches VALUES (?, ?)",
                    (self._key, text),
                )
        except StoreError:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def known(self, candidates: Sequence[Depths]) -> dict[Depths, tuple[Size, Cost]]:
        """Those of the candidates that were evaluated before."""
        marks = ", ".join("?" * len(candidates))
        with self._errors():
            rows = self._connection.execute(
                "SELECT depths, params, macs, cycles, energy FROM results "
                f"WHERE key = ? AND depths IN ({marks})",
                (self._key, *map(_text, candidates)),
            ).fetchall()
        return {
            tuple(map(int, text.split("-"))): (Size(params, macs), Cost(cycles, energy))
            for text, params, macs, cycles, energy in rows
        }

    def keep(self, results: Iterable[tuple[Depths, Size, Cost]]) -> None:
        """Write results, all of them or, if the process ends meanwhile, none."""
        rows = [
            (self._key, _text(depths), size.params, size.macs, cost.cycles, cost.energy)
            for depths, size, cost in results
        ]
        with self._errors(), self._connection:
            self._connection.executemany("INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _check_version(self) -> None:
        with self._errors(), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            row = self._connection.execute("SELECT version FROM model").fetchone()
            if row is None:
                self._connection.execute("INSERT INTO model VALUES (?)", (model_version(),))
        if row is not None and row[0] != model_version():
            raise StoreError(
                f"{self._path}: holds results of accelsim {row[0]}, this is {model_version()}, which may "
                "find others: give --store another file, or delete this one"
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self._path}: cannot be used as a store: {error}") from None


def _text(depths: Depths) -> str:
    return "-".join(map(str, depths))


def task_text(task: Task) -> str:
    """What a result follows from besides depths and model, as text; names and limits do not belong to it."""
    return json.dumps(
        {
            "network": but_for_depth(task.network),
            "hardware": task.hardware.model_dump(mode="json", exclude=_WORDS),
            "batch": task.batch,
            "dataflow": task.dataflow,
            "tiles_by": task.tiles_by,
        },
        sort_keys=True,
    )
