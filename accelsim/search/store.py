"""Store: a file that keeps what was evaluated, so that a search that was stopped goes on where it was.

SQLite, because a transaction is either in the file or not, whenever the process is killed; because looking up
one candidate among millions takes no memory; and because every language reads it. docs/decisions/store.md.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from accelsim.descriptions import Mistake
from accelsim.descriptions.arguments import check_path
from accelsim.errors import AccelsimError
from accelsim.reuse.file import FileFormat, OwnFile, Value, can_be_kept, checksum
from accelsim.reuse.foreign import foreign_code
from accelsim.search.evaluate import Cost, Outcome, Size, Task
from accelsim.search.family import but_for_depth
from accelsim.search.space import Depths

_NO_RESULT: Final = {"name", "title", "source", "assumed", "area"}
"""Keys of a machine that change no cost."""
_MOST_AT_ONCE: Final = 400
"""Candidates of a look-up: SQLite takes a limited number of values."""


class StoreError(AccelsimError):
    """A file that cannot be used as a store: the text says why, and what to do."""


STORE_FILE: Final = FileFormat(
    noun="store",
    option="--store",
    application_id=0x61637374,
    format=1,
    tables=(
        "CREATE TABLE model (version TEXT NOT NULL, checksum TEXT NOT NULL)",
        "CREATE TABLE tasks (key TEXT PRIMARY KEY, task TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE results (
            key TEXT NOT NULL, depths TEXT NOT NULL,
            params INTEGER, macs INTEGER,
            cycles INTEGER, energy REAL, dram_bytes INTEGER, executed_macs INTEGER,
            problem TEXT NOT NULL,
            checksum TEXT NOT NULL,
            PRIMARY KEY (key, depths)
        ) WITHOUT ROWID""",
    ),
    error=StoreError,
    wait_seconds=30.0,
)


@dataclass(frozen=True)
class TaskKey:
    """What a candidate's result follows from besides its depths, and digests of it.

    Costs follow from less than what is said where there is none: a sentence may name the network, its
    layers, the line of a file and the machine. So each is kept under a key of its own.
    """

    text: str
    """What costs follow from: no names but where compression goes by them, no limits, no areas."""
    words: str
    """Beside that, what a sentence may say."""

    @classmethod
    def of(cls, task: Task) -> "TaskKey":
        """The key of a task; limits do not belong to it."""
        return cls(task_text(task), words_text(task))

    @cached_property
    def digest(self) -> str:
        """What costs are kept under."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def words_digest(self) -> str:
        """What sentences are kept under."""
        return hashlib.sha256(f"{self.text}\n{self.words}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a result stands in a store."""

    key: TaskKey
    depths: Depths

    @property
    def rows(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """The primary keys of its cost, and of why it has none."""
        depths = "-".join(map(str, self.depths))
        return (self.key.digest, depths), (self.key.words_digest, depths)


class Store:
    """A file of results; it may hold those of many searches and sweeps."""

    def __init__(self, path: str | Path) -> None:
        """Open the file, or make it. Raises StoreError where it is another's, or another model's.

        A store that cannot be used as it should be costs time only, and a `FileWarning` says so.
        """
        check_path("store", path, "a store")
        self._file = OwnFile(Path(path), STORE_FILE)
        self._model = self._file.model_version()
        try:
            self._check_model()
        except StoreError:
            self._file.close()
            raise
        self._file.note_model_version()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def known(self, places: Sequence[Place]) -> dict[Place, Outcome]:
        """What became of those of the candidates that were evaluated before."""
        outcomes: dict[Place, Outcome] = {}
        for start in range(0, len(places), _MOST_AT_ONCE):
            asked = {row: place for place in places[start : start + _MOST_AT_ONCE] for row in place.rows}
            marks = ", ".join(["(?, ?)"] * len(asked))
            rows = self._file.read(
                "SELECT key, depths, params, macs, cycles, energy, dram_bytes, executed_macs, problem, "
                f"checksum FROM results WHERE (key, depths) IN (VALUES {marks})",
                [value for row in asked for value in row],
            )
            for key, depths, *values, mark in rows:
                if mark == checksum(self._model, key, depths, *values) and (key, depths) in asked:
                    outcomes[asked[key, depths]] = _outcome(*values)
                else:
                    self._file.note_damaged_rows()
        return outcomes

    def keep(self, outcomes: Iterable[tuple[Place, Outcome]]) -> None:
        """Write what was found out, all of it or, if the process ends meanwhile, nothing.

        Candidates that a limit excluded before they were simulated are left out.
        """
        tasks: dict[str, str] = {}
        results: list[tuple[Value, ...]] = []
        for place, outcome in outcomes:
            row, values = place.rows[outcome.cost is None], _values(outcome)
            if (outcome.cost is not None or outcome.problem) and can_be_kept(values):
                tasks[row[0]] = place.key.text
                results.append((*row, *values, checksum(self._model, *row, *values)))
        if results:
            marks = ", ".join("?" * len(results[0]))
            self._file.write(
                [
                    ("INSERT OR IGNORE INTO tasks VALUES (?, ?)", list(tasks.items())),
                    (f"INSERT OR REPLACE INTO results VALUES ({marks})", results),
                ]
            )

    def _check_model(self) -> None:
        """Raise where the results are another model's; note this one's where there are none yet."""
        version = self._model
        rows = self._file.read("SELECT version, checksum FROM model", ())
        if not rows:
            statement = "INSERT INTO model SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM model)"
            self._file.write([(statement, [(version, checksum(version))])])
            rows = self._file.read("SELECT version, checksum FROM model", ())
        for kept, mark in rows:
            if mark == checksum(kept) and kept != version:
                raise StoreError(
                    f"{self._file.path}: holds results of accelsim {kept}, this is {version}, which may "
                    f"find others: give {STORE_FILE.option} another file, or delete this one"
                )


def _values(outcome: Outcome) -> tuple[Value, ...]:
    size = (None, None) if outcome.size is None else (outcome.size.params, outcome.size.macs)
    cost = outcome.cost
    figures = (None,) * 4 if cost is None else (cost.cycles, cost.energy, cost.dram_bytes, cost.executed_macs)
    return (*size, *figures, outcome.problem)


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
    """What a cost follows from besides depths and model, as text: no names, no limits, no areas."""
    code = foreign_code(task.hardware)
    return _as_text(
        {
            "network": but_for_depth(task.network),
            "hardware": task.hardware.model_dump(mode="json", exclude=_NO_RESULT),
            "batch": task.options.batch,
            "dataflow": task.dataflow,
            "tiles_by": task.tiles_by,
            **({"code": code} if code else {}),
        }
    )


def words_text(task: Task) -> str:
    """What sentences about a network that cannot be executed may name, as text: all that was described."""
    network = task.network
    return _as_text(
        {
            "network": network.name,
            "description": network.description.model_dump(mode="json"),
            "parameters": dict(network.parameters),
            "stages": [stage.name for stage in network.stages],
            "compression": [
                placed.document.sentence(Mistake(("compression", placed.index), ""))
                for placed in network.compression
            ],
            "hardware": task.hardware.model_dump(mode="json"),
        }
    )


def _as_text(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)
