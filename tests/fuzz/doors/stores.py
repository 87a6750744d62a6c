"""Files of `--cache` and `--store` as a bad disk, another program or another model would leave them."""

import gc
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from accelsim.errors import AccelsimError
from accelsim.execution.processes import Processes
from accelsim.network.load import load_network
from accelsim.reuse.cache import Cache
from accelsim.run import run_network
from accelsim.search.sampling import plan_for
from accelsim.search.spec import read_sweep
from accelsim.search.sweep import SweepResult, run_sweep
from fuzz.door import Door
from fuzz.doors.files import FIRST, SECOND, lay, machine
from fuzz.judge import require
from fuzz.mutate import CORPUS

_CACHE: Final = Path("cache.sqlite")
_STORE: Final = Path("store.sqlite")
_SWEEP: Final = """\
networks: [first.yaml, second.yaml]
hardware: [published.yaml]
hardware_parameters: {pe_array.rows: [4, 16]}
objectives: [time_ms, energy]
"""
_VALUES: Final = (
    None, 0, 1, -1, 2**63 - 1, 1.5, "", "x", "[]", "null", "{}", "1", b"\xff", float("inf"), "9" * 5000,
    '["output_stationary", "pixels_outer", 1, 1, 1, 1, 1, 1]',
    '["weight_stationary", "x", 0, 0, 0, 0, 0, 0]', '["nothing", "pixels_outer", 1, 2, 3, 4, 5, 6]',
    "[" * 2000, "[1, 2, 3]", '{"a": [1]}', "a\nb\x1b[31m",
)  # fmt: skip


@dataclass(frozen=True)
class Damage:
    """What happens to a file, and which."""

    of_store: bool
    kind: str
    seed: int


# --- what there is before, and what comes out


def _run() -> tuple[int, float]:
    result = run_network(load_network("first.yaml"), machine("published"), cache=Cache(_CACHE))
    return result.cycles, result.energy.total


def _sweep() -> tuple[object, ...]:
    sweep = read_sweep("sweep.yaml")
    result: SweepResult = run_sweep(sweep, plan_for(sweep), store=_STORE, executor=Processes(1))
    return result.candidates, result.problems


def _lay_files() -> None:
    lay(FIRST, "first.yaml")
    lay(SECOND, "second.yaml")
    lay(CORPUS / "machines" / "published.yaml", "published.yaml")
    Path("sweep.yaml").write_text(_SWEEP)


@cache
def _sound(of_store: bool) -> tuple[bytes, object]:
    """A file as it should be, and the result that it was made with."""
    path = _STORE if of_store else _CACHE
    result = _sweep() if of_store else _run()
    gc.collect()  # a file of mappings is closed when nobody remembers it
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    content = path.read_bytes()
    path.unlink()
    return content, result


# --- damages


def _flipped(path: Path, random: Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(random.choice((1, 4, 50, 1000))):
        content[random.randrange(len(content))] = random.randrange(256)
    path.write_bytes(content)


def _truncated(path: Path, random: Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: random.choice((0, 1, 15, 16, 100, 4096, random.randrange(len(content))))])


def _replaced(path: Path, random: Random) -> None:
    path.write_bytes(
        random.choice((b"", b"\0" * 5000, b"no database\n", b"SQLite format 3\0" + b"\xff" * 500))
    )


def _table(connection: sqlite3.Connection, random: Random) -> tuple[str, list[str]]:
    """A table, and its columns."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    (table,) = random.choice(rows)
    return table, [column[1] for column in connection.execute(f"PRAGMA table_info({table})")]


def _rows(path: Path, random: Random) -> None:
    """Other values in some rows of a table."""
    with closing(sqlite3.connect(path)) as connection, connection:
        table, columns = _table(connection, random)
        column, value = random.choice(columns), random.choice(_VALUES)
        where = random.choice(("1", f"abs(random()) % 2 = {random.randrange(2)}"))
        connection.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {where}", (value,))


def _rotated(path: Path, random: Random) -> None:
    """What stands in a row stands in another."""
    with closing(sqlite3.connect(path)) as connection, connection:
        table, columns = _table(connection, random)
        key, value = columns[0], random.choice(columns[1:] or columns)
        rows = connection.execute(f"SELECT {key}, {value} FROM {table} ORDER BY {key}").fetchall()
        for (name, _), (_, other) in zip(rows, rows[1:] + rows[:1], strict=True):
            connection.execute(f"UPDATE OR IGNORE {table} SET {value} = ? WHERE {key} = ?", (other, name))


def _altered(path: Path, random: Random) -> None:
    """Tables with other columns, or none, or of somebody else."""
    with closing(sqlite3.connect(path)) as connection, connection:
        table, _ = _table(connection, random)
        statement = random.choice(
            (
                f"DROP TABLE {table}",
                f"DELETE FROM {table}",
                f"ALTER TABLE {table} RENAME TO other",
                f"ALTER TABLE {table} ADD COLUMN other",
                "CREATE TABLE notes (text TEXT)",
                f"CREATE VIEW other AS SELECT * FROM {table}",
                "PRAGMA user_version = 77",
                "PRAGMA application_id = 77",
            )
        )
        connection.execute(statement)


def _foreign(path: Path, _random: Random) -> None:
    """A database of another program."""
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE places (id INTEGER, url TEXT)")
        connection.execute("INSERT INTO places VALUES (1, 'somewhere')")


def _folder(path: Path, _random: Random) -> None:
    path.unlink()
    path.mkdir()


def _beside(path: Path, random: Random) -> None:
    """Nonsense in the files that SQLite keeps beside its own."""
    suffix = random.choice(("-journal", "-wal", "-shm"))
    path.with_name(path.name + suffix).write_bytes(random.choice((b"", b"x", random.randbytes(5000))))


_DAMAGES: Final[dict[str, Callable[[Path, Random], None]]] = {
    "flipped": _flipped,
    "truncated": _truncated,
    "replaced": _replaced,
    "rows": _rows,
    "rotated": _rotated,
    "altered": _altered,
    "foreign": _foreign,
    "folder": _folder,
    "beside": _beside,
}


def _make(random: Random) -> Damage:
    kind = random.choice(("flipped", "rows", "rows", *_DAMAGES))
    return Damage(random.random() < 0.5, kind, random.randrange(10**9))


def _feed(damage: Damage) -> None:
    _lay_files()
    content, result = _sound(damage.of_store)
    path = _STORE if damage.of_store else _CACHE
    path.write_bytes(content)
    _DAMAGES[damage.kind](path, Random(damage.seed))
    before = _content(path)
    try:
        repeated = _sweep() if damage.of_store else _run()
    except AccelsimError:
        require(_content(path) == before, "a file that was refused, and changed")
        raise
    require(repeated == result, "another result with a damaged file", f"{repeated}, not {result}")
    require(damage.kind != "foreign", "a file of somebody else that was used")


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


DOOR: Final = Door("store", _make, _feed, repr, every=2)
