"""Store: a file that keeps what was evaluated, so that a search that was stopped goes on where it was.

SQLite, because a transaction is either in the file or not, whenever the process is killed; because looking up
one candidate among millions takes no memory; and because every language reads it. docs/decisions/store.md.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from accelsim.errors import AccelsimError
from accelsim.model_version import model_version
from accelsim.search.evaluate import Cost, Outcome, Size, Task
from accelsim.search.family import but_for_depth
from accelsim.search.space import Depths

_NO_RESULT: Final = {"name", "title", "source", "assumed", "area"}
"""Keys of a machine that change no result that is kept."""
_LOCK_SECONDS: Final = 30.0
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS model (version TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (key TEXT PRIMARY KEY, task TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS results (
    key TEXT NOT NULL, depths TEXT NOT NULL,
    params INTEGER, macs INTEGER,
    cycles INTEGER, energy REAL, dram_bytes INTEGER, executed_macs INTEGER,
    problem TEXT NOT NULL,
    PRIMARY KEY (key, depths)
) WITHOUT ROWID;
"""
_OWN_TABLES: Final = {"model", "tasks", "results"}
_MOST_AT_ONCE: Final = 400
"""Candidates of a look-up: SQLite takes a limited number of values."""


class StoreError(AccelsimError):
    """A file that cannot be used as a store: the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class TaskKey:
    """What a candidate's result follows from besides its depths, and its digest."""

    text: str
    digest: str

    @classmethod
    def of(cls, task: Task) -> "TaskKey":
        """The key of a task; names and limits do not belong to it."""
        text = task_text(task)
        return cls(text, hashlib.sha256(text.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a result stands in a store."""

    key: TaskKey
    depths: Depths

    @property
    def row(self) -> tuple[str, str]:
        """The primary key."""
        return self.key.digest, "-".join(map(str, self.depths))


class Store:
    """A file of results; it may hold those of many searches and sweeps."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises StoreError."""
        self._path = path
        with self._errors():
            self._connection = sqlite3.connect(path, timeout=_LOCK_SECONDS)
        try:
            self._check_tables()
            with self._errors():
                self._connection.executescript(_TABLES)
            self._check_version()
        except StoreError:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def known(self, places: Sequence[Place]) -> dict[Place, Outcome]:
        """What became of those of the candidates that were evaluated before."""
        found: dict[Place, Outcome] = {}
        for start in range(0, len(places), _MOST_AT_ONCE):
            asked = {place.row: place for place in places[start : start + _MOST_AT_ONCE]}
            marks = ", ".join(["(?, ?)"] * len(asked))
            with self._errors():
                rows = self._connection.execute(
                    "SELECT key, depths, params, macs, cycles, energy, dram_bytes, executed_macs, problem "
                    f"FROM results WHERE (key, depths) IN (VALUES {marks})",
                    [value for row in asked for value in row],
                ).fetchall()
            found |= {asked[key, depths]: _outcome(*values) for key, depths, *values in rows}
        return found

    def keep(self, outcomes: Iterable[tuple[Place, Outcome]]) -> None:
        """Write what was found out, all of it or, if the process ends meanwhile, nothing.

        Candidates that a limit excluded before they were simulated are left out.
        """
        kept = [(place, one) for place, one in outcomes if one.cost is not None or one.problem]
        if not kept:
            return
        with self._errors(), self._connection:
            self._connection.executemany(
                "INSERT OR IGNORE INTO tasks VALUES (?, ?)",
                {(place.key.digest, place.key.text) for place, _ in kept},
            )
            self._connection.executemany(
                "INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(*place.row, *_values(one)) for place, one in kept],
            )

    def _check_tables(self) -> None:
        """Leave another program's file alone."""
        with self._errors():
            rows = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        if foreign := sorted({name for (name,) in rows} - _OWN_TABLES):
            raise StoreError(
                f"{self._path}: cannot be used as a store: it is a database of something else, with a "
                f"table {foreign[0]}"
            )

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


def _values(one: Outcome) -> tuple[int | float | str | None, ...]:
    size = (None, None) if one.size is None else (one.size.params, one.size.macs)
    cost = one.cost
    figures = (None,) * 4 if cost is None else (cost.cycles, cost.energy, cost.dram_bytes, cost.executed_macs)
    return (*size, *figures, one.problem)


def _outcome(
    params: int | None,
    macs: int | None,
    cycles: int | None,
    energy: float,
    dram_bytes: int,
    executed_macs: int,
    problem: str,
) -> Outcome:
    size = None if params is None or macs is None else Size(params, macs)
    return Outcome(size, None if cycles is None else Cost(cycles, energy, dram_bytes, executed_macs), problem)


def task_text(task: Task) -> str:
    """What a result follows from besides depths and model, as text: no names, no limits, no areas."""
    return json.dumps(
        {
            "network": but_for_depth(task.network),
            "hardware": task.hardware.model_dump(mode="json", exclude=_NO_RESULT),
            "batch": task.images,
            "dataflow": task.dataflow,
            "tiles_by": task.tiles_by,
        },
        sort_keys=True,
    )
