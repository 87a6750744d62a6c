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
from accelsim.hardware import Hardware
from accelsim.reuse.file import FileFormat, OwnFile, Value, can_be_kept, checksum
from accelsim.reuse.foreign import foreign_code
from accelsim.search.evaluate import Cost, Evaluation, SearchTask, Size
from accelsim.search.family import but_for_depth
from accelsim.search.space import Depths

_NO_RESULT: Final = {"name", "title", "source", "assumed", "area"}
"""Keys of a machine that change no cost; the area does where it leaks."""
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
    """What costs follow from: no names but where compression goes by them, no limits, areas only where they
    leak.
    """
    words: str
    """Beside that, what a sentence may say."""

    @classmethod
    def of(cls, task: SearchTask) -> "TaskKey":
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
class ResultKey:
    """What a store keeps a candidate's result under."""

    task: TaskKey
    depths: Depths

    @property
    def rows(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """The primary keys of its cost, and of why it has none."""
        depths = "-".join(map(str, self.depths))
        return (self.task.digest, depths), (self.task.words_digest, depths)


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

    def evaluations(self, keys: Sequence[ResultKey]) -> dict[ResultKey, Evaluation]:
        """What became of those of the candidates that were evaluated before."""
        evaluations: dict[ResultKey, Evaluation] = {}
        for start in range(0, len(keys), _MOST_AT_ONCE):
            key_of_row = {row: key for key in keys[start : start + _MOST_AT_ONCE] for row in key.rows}
            marks = ", ".join(["(?, ?)"] * len(key_of_row))
            rows = self._file.read(
                "SELECT key, depths, params, macs, cycles, energy, dram_bytes, executed_macs, problem, "
                f"checksum FROM results WHERE (key, depths) IN (VALUES {marks})",
                [value for row in key_of_row for value in row],
            )
            for digest, depths, *values, mark in rows:
                intact = mark == checksum(self._model, digest, depths, *values)
                if intact and (digest, depths) in key_of_row:
                    evaluations[key_of_row[digest, depths]] = _evaluation(*values)
                else:
                    self._file.note_damaged_rows()
        return evaluations

    def keep(self, evaluations: Iterable[tuple[ResultKey, Evaluation]]) -> None:
        """Write what was found out, all of it or, if the process ends meanwhile, nothing.

        Candidates that a limit excluded before they were simulated are left out.
        """
        tasks: dict[str, str] = {}
        results: list[tuple[Value, ...]] = []
        for key, evaluation in evaluations:
            row, values = key.rows[evaluation.cost is None], _values(evaluation)
            if (evaluation.cost is not None or evaluation.problem) and can_be_kept(values):
                tasks[row[0]] = key.task.text
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
        for stored_version, mark in rows:
            if mark == checksum(stored_version) and stored_version != version:
                raise StoreError(
                    f"{self._file.path}: holds results of accelsim {stored_version}, this is {version}, "
                    f"which may find others: give {STORE_FILE.option} another file, or delete this one"
                )


def _values(evaluation: Evaluation) -> tuple[Value, ...]:
    size = (None, None) if evaluation.size is None else (evaluation.size.params, evaluation.size.macs)
    cost = evaluation.cost
    figures = (None,) * 4 if cost is None else (cost.cycles, cost.energy, cost.dram_bytes, cost.executed_macs)
    return (*size, *figures, evaluation.problem)


def _evaluation(
    params: int | None,
    macs: int | None,
    cycles: int | None,
    energy: float,
    dram_bytes: int,
    executed_macs: int,
    problem: str,
) -> Evaluation:
    size = None if params is None or macs is None else Size(params, macs)
    return Evaluation(
        size, None if cycles is None else Cost(cycles, energy, dram_bytes, executed_macs), problem
    )


def task_text(task: SearchTask) -> str:
    """What a cost follows from besides depths and model, as text: no names, no limits."""
    code = foreign_code(task.hardware)
    return _as_text(
        {
            "network": but_for_depth(task.network),
            "hardware": _machine(task.hardware),
            "batch": task.options.batch,
            "dataflow": task.dataflow,
            "objective": task.objective,
            "inferences": task.inferences,
            **({"code": code} if code else {}),
        }
    )


def _machine(hardware: Hardware) -> dict[str, Any]:
    """What of a machine a cost follows from: areas only where they draw power."""
    leaks = hardware.area is not None and bool(hardware.area.leakage_mw_per_mm2)
    return hardware.model_dump(mode="json", exclude=_NO_RESULT - {"area"} if leaks else _NO_RESULT)


def words_text(task: SearchTask) -> str:
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
