"""Files of mappings and stores: told from other files, and whatever happens to them costs time only."""

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from machines import machine

from accelsim import AccelsimError, Cache, run_network
from accelsim.descriptions import Document, check
from accelsim.errors import FileWarning
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.reuse import file as files
from accelsim.reuse.file import FileFormat, OwnFile, can_be_kept, checksum
from accelsim.reuse.mapping_file import MAPPINGS_FILE
from accelsim.search.depth import search_depth
from accelsim.search.evaluate import Evaluator, SearchTask
from accelsim.search.space import depth_space
from accelsim.search.store import STORE_FILE

MACHINE = machine()
NETWORK = configure(
    check(
        Document(
            "network",
            {
                "name": "small",
                "title": "A network of a few layers",
                "source": "made up for a test",
                "input": {"channels": 3, "height": 12, "width": 12},
                "stages": [
                    {"block": "conv", "name": "a", "repeat": 2, "out_channels": 8, "kernel": 3, "padding": 1},
                    {"block": "residual_basic", "name": "b", "repeat": 2, "out_channels": 16},
                    {"block": "conv", "name": "c", "repeat": 2, "out_channels": 24},
                ],
            },
            {},
        ),
        NetworkDescription,
    )
)


def mapped(path):
    """A run that keeps mappings in a file."""
    return run_network(NETWORK, MACHINE, cache=Cache(path))


def searched(path):
    """A search that keeps results in a store."""
    found = search_depth(SearchTask(NETWORK, MACHINE), depth_space(NETWORK), store=path, top=50)
    return replace(found, seconds=0.0, reused=0)


@dataclass(frozen=True)
class Use:
    """A kind of file, and work that uses one."""

    kind: FileFormat
    work: object
    table: str
    column: str

    def answer(self, path):
        return self.work(path)


USES = {
    "mappings": Use(MAPPINGS_FILE, mapped, "mappings", "choice"),
    "store": Use(STORE_FILE, searched, "results", "cycles"),
}
FRESH = {name: use.answer(None) for name, use in USES.items()}


@pytest.fixture(params=USES)
def use(request):
    return USES[request.param]


@pytest.fixture
def fresh(use):
    return FRESH["mappings" if use.kind is MAPPINGS_FILE else "store"]


@pytest.fixture
def kept(use, tmp_path):
    """A file in which the answer is."""
    path = tmp_path / "kept.sqlite"
    use.answer(path)
    return path


def with_sqlite(path, *statements):
    connection = sqlite3.connect(path)
    with contextlib.closing(connection), connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def evaluations(monkeypatch):
    """Counts what is searched for or evaluated."""
    from accelsim.mapping import schedule  # noqa: PLC0415

    counts = []
    search, costs = schedule.map_layers, Evaluator.costs
    monkeypatch.setattr(
        schedule,
        "map_layers",
        lambda layers, *given, **options: counts.append(len(layers)) or search(layers, *given, **options),
    )
    monkeypatch.setattr(
        Evaluator,
        "costs",
        lambda self, candidates: counts.append(len(candidates)) or costs(self, candidates),
    )
    return counts


# --- own files


def test_what_is_in_a_file_is_not_searched_for_again(use, fresh, kept, evaluations):
    assert use.answer(kept) == fresh
    assert sum(evaluations) == 0


def test_a_file_that_is_made_is_complete_from_the_first_moment(use, tmp_path):
    path = tmp_path / "new.sqlite"
    OwnFile(path, use.kind).close()
    assert [file.name for file in tmp_path.iterdir()] == ["new.sqlite"]
    OwnFile(path, use.kind).close()
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_file_is_made_behind_a_link(use, fresh, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "elsewhere" / "file.sqlite")
    assert use.answer(tmp_path / "link.sqlite") == fresh
    assert (tmp_path / "elsewhere" / "file.sqlite").is_file()


@pytest.mark.parametrize("name", ["a b.sqlite", "50%.sqlite", "what?.sqlite", "a#b.sqlite", ":memory:"])
def test_a_file_may_have_any_name(use, fresh, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert use.answer(Path(name)) == fresh
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_who_loses_the_race_to_make_a_file_uses_the_winners(use, fresh, tmp_path, monkeypatch):
    path = tmp_path / "new.sqlite"
    image = FileFormat.image

    def slow(kind):
        monkeypatch.setattr(FileFormat, "image", image)
        use.answer(path)
        return image(kind)

    monkeypatch.setattr(FileFormat, "image", slow)
    assert use.answer(path) == fresh
    assert [file.name for file in tmp_path.iterdir()] == ["new.sqlite"]


def test_without_links_a_file_is_renamed(use, fresh, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert use.answer(tmp_path / "new.sqlite") == fresh
    assert [file.name for file in tmp_path.iterdir()] == ["new.sqlite"]


# --- files of something else


def text(path, use):
    path.write_text("These are notes on SqueezeNext, and longer than the header of a database.\n" * 50)


def nothing(path, use):
    path.touch()


def beginning(path, use):
    path.write_bytes(b"SQLite format 3\0")


def another_database(path, use):
    with_sqlite(path, "CREATE TABLE bookmarks (name TEXT)", "INSERT INTO bookmarks VALUES ('a')")


def another_database_with_the_same_tables(path, use):
    with_sqlite(path, *use.kind.tables)


def a_database_with_a_log(path, use):
    with_sqlite(path, "CREATE TABLE bookmarks (name TEXT)")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def the_other_kind(path, use):
    (other,) = (one for one in USES.values() if one is not use)
    other.answer(path)


def another_format(path, use):
    use.answer(path)
    with_sqlite(path, "PRAGMA user_version = 7")


OTHERS = {
    text: "it is a file of something else",
    nothing: "it is an empty file; a name that is not there yet becomes one",
    beginning: "it is a file of something else",
    another_database: "it is a file of something else",
    another_database_with_the_same_tables: "it is a file of something else",
    a_database_with_a_log: "it is a file of something else",
    the_other_kind: "it is a file of something else",
    another_format: "another version of accelsim made it (format 7, this one has 1): give ",
}


@pytest.mark.parametrize("make", OTHERS, ids=lambda make: make.__name__)
def test_another_file_is_refused_and_stays_as_it_is(use, tmp_path, make):
    path = tmp_path / "another"
    make(path, use)
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in tmp_path.iterdir()}
    with pytest.raises(AccelsimError) as error:
        use.answer(path)
    assert str(error.value).startswith(f"{path}: cannot be used as a {use.kind.noun}: {OTHERS[make]}")
    assert len(error.value.lines) == 1
    assert before == {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".", "it is a folder"),
        ("no/such/file", "there is no folder "),
        ("pipe", "it is no regular file"),
        ("text/file", "there is no folder "),
        ("a\0b", "its name has a NUL in it"),
        ("x" * 300, "File name too long"),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_what_can_be_no_file_is_refused(use, tmp_path, name, reason):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(AccelsimError, match=f"cannot be used as a {use.kind.noun}: {reason}") as error:
        use.answer(tmp_path / name)
    assert len(error.value.lines) == 1
    assert isinstance(error.value, use.kind.error)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_device_is_no_file(use):
    with pytest.raises(AccelsimError, match="it is no regular file"):
        use.answer(Path("/dev/full"))


# --- own files to which something happened


def warned(use, path):
    """The answer, and what was said of the file."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        answer = use.answer(path)
    assert {one.category for one in said} <= {FileWarning}
    return answer, [str(one.message) for one in said]


def test_rows_that_do_not_verify_are_searched_for_again_and_mended(use, fresh, kept, evaluations):
    with_sqlite(kept, f"UPDATE {use.table} SET {use.column} = (SELECT max({use.column}) FROM {use.table})")
    answer, said = warned(use, kept)
    assert answer == fresh
    assert said == [f"{kept}: has damaged rows: what was in them is searched for again"]
    assert sum(evaluations)
    evaluations.clear()
    assert warned(use, kept) == (fresh, [])
    assert not evaluations


@pytest.mark.parametrize("value", ["NULL", "x'ff00fe'", "CAST(x'ff00fe' AS TEXT)", "1e400", "''", "'[]'"])
def test_a_row_may_hold_anything(use, fresh, kept, value):
    if value == "NULL" and use.table == "mappings":
        pytest.skip("the table refuses it")
    with_sqlite(kept, f"UPDATE {use.table} SET {use.column} = {value}")
    answer, said = warned(use, kept)
    assert answer == fresh
    assert len(said) == 1


def test_rows_that_changed_places_do_not_verify(use, fresh, kept):
    rows = with_rows(kept, f"SELECT key, {use.column}, checksum FROM {use.table}")
    for (key, *_), (_, value, mark) in zip(rows, rows[1:] + rows[:1], strict=True):
        connection = sqlite3.connect(kept)
        with contextlib.closing(connection), connection:
            connection.execute(
                f"UPDATE {use.table} SET {use.column} = ?, checksum = ? WHERE key = ?", (value, mark, key)
            )
    assert warned(use, kept)[0] == fresh


def with_rows(path, query):
    connection = sqlite3.connect(path)
    with contextlib.closing(connection):
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("statement", ["DROP TABLE {}", "ALTER TABLE {} RENAME COLUMN checksum TO sum"])
def test_a_table_that_is_not_as_it_was_is_said(use, fresh, kept, statement):
    with_sqlite(kept, statement.format(use.table))
    answer, said = warned(use, kept)
    assert answer == fresh
    assert len(said) == 1
    assert said[0].startswith(f"{kept}: cannot be used (")
    assert said[0].endswith("): it goes on without; delete it to begin another")


@pytest.mark.parametrize("statement", [b"CREATE TABLE models", b"CREATE TABLE"], ids=["one", "all"])
def test_a_definition_of_a_table_that_is_no_text_is_damage(use, fresh, kept, statement):
    kept.write_bytes(kept.read_bytes().replace(statement, statement.replace(b"A", b"\xef", 1)))
    answer, said = warned(use, kept)
    assert answer == fresh
    assert said == [f"{kept}: cannot be used (it is damaged): it goes on without; delete it to begin another"]


COMPLAINT = UnicodeDecodeError("utf-8", b"\xef", 0, 1, "invalid continuation byte")
"""What Python's sqlite3 raises where SQLite's complaint quotes what is no text."""


class Complaining:
    """A connection that does nothing but complain."""

    in_transaction = True

    def execute(self, *_):
        raise COMPLAINT

    executemany = close = execute


@pytest.mark.parametrize(
    ("act", "messages"),
    [
        (lambda file: file.read("SELECT 1", ()), 1),
        (lambda file: file.write([("INSERT", [()])]), 1),
        (lambda file: file.close(), 0),
    ],
    ids=["read", "write", "close"],
)
def test_a_complaint_that_is_no_text_is_damage_in_use(tmp_path, act, messages):
    file = OwnFile(tmp_path / "file", MAPPINGS_FILE)
    file._connection = Complaining()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        act(file)
        assert file.read("SELECT 1", ()) == []
    assert [str(warning.message) for warning in said] == messages * [
        f"{file.path}: cannot be used (it is damaged): it goes on without; delete it to begin another"
    ]


@pytest.mark.parametrize("first", [0, 1], ids=["recognised", "opened"])
def test_a_complaint_that_is_no_text_is_damage_where_a_file_is_opened(tmp_path, monkeypatch, first):
    path = tmp_path / "file"
    OwnFile(path, MAPPINGS_FILE).close()
    connect, calls = sqlite3.connect, []

    def complaining(*arguments, **options):
        calls.append(arguments)
        if len(calls) > first:
            raise COMPLAINT
        return connect(*arguments, **options)

    monkeypatch.setattr(files.sqlite3, "connect", complaining)
    with pytest.warns(FileWarning, match=r"cannot be used \(it is damaged\): it goes on without") as said:
        assert OwnFile(path, MAPPINGS_FILE).read("SELECT 1", ()) == []
    assert len(said) == 1


def test_a_complaint_that_is_no_text_of_anothers_file_leaves_it_another_s(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 4096)

    def complaining(*_, **__):
        raise COMPLAINT

    monkeypatch.setattr(files.sqlite3, "connect", complaining)
    with pytest.raises(AccelsimError, match="it is a file of something else"):
        OwnFile(path, MAPPINGS_FILE)
    assert path.read_bytes() == b"x" * 4096


def test_a_name_of_a_table_that_is_no_text_is_damage(use, fresh, kept):
    """SQLite's complaint about it quotes the name."""
    name = use.table.encode()
    kept.write_bytes(
        kept.read_bytes().replace(name, b"\xc1" + name[1:]).replace(b"CREATE TABLE", b"CREATE TABEL")
    )
    answer, said = warned(use, kept)
    assert answer == fresh
    assert said == [f"{kept}: cannot be used (it is damaged): it goes on without; delete it to begin another"]


def damaged(content, chance):
    """What a file holds after some accident."""
    data = bytearray(content)
    place, length = chance.randrange(len(data)), chance.choice([1, 1, 1, 2, 8, 64, 512, 4096])
    accident = chance.randrange(6)
    if accident == 0:
        del data[place:]
    elif accident == 1:
        data[place : place + length] = bytes(len(data[place : place + length]))
    elif accident == 2:
        data[place : place + length] = chance.randbytes(len(data[place : place + length]))
    elif accident == 3:  # a page that was written to the wrong place
        pages = len(data) // 4096
        source, target = (4096 * chance.randrange(pages) for _ in range(2))
        data[target : target + 4096] = data[source : source + 4096]
    else:
        for _ in range(chance.choice([1, 1, 3, 30, 300])):
            data[chance.randrange(0 if accident == 4 else min(100, len(data) - 1), len(data))] ^= (
                1 << chance.randrange(8)
            )
    return bytes(data)


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_damaged_the_answer_is_the_same_or_the_file_is_refused(use, fresh, kept, seed):
    """Refused where its header says no more whose it is."""
    content = damaged(kept.read_bytes(), random.Random(seed))
    kept.write_bytes(content)
    try:
        answer, said = warned(use, kept)
    except AccelsimError as error:
        assert len(error.lines) == 1
        assert kept.read_bytes() == content
        assert not intact(content, use)
        return
    assert answer == fresh
    assert all(line.startswith(f"{kept}: ") for line in said)


def intact(content, use):
    """Whether a header of so many bytes says whose file it is."""
    number, version = (int.from_bytes(content[at : at + 4], "big") for at in (68, 60))
    return (number, version) == (use.kind.application_id, use.kind.format)


def test_a_file_that_another_process_holds_is_waited_for_but_not_for_ever(use, fresh, kept, monkeypatch):
    monkeypatch.setattr(FileFormat, "wait_seconds", property(lambda _: 0.2, lambda *_: None), raising=False)
    connection = sqlite3.connect(kept, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    with contextlib.closing(connection):
        began = time.monotonic()
        answer, said = warned(use, kept)
        assert time.monotonic() - began < 10
    assert answer == fresh
    assert said == [f"{kept}: cannot be used (another process has locked it for 0.2 s): it goes on without"]


def test_a_file_that_is_free_again_soon_is_used(use, fresh, kept, evaluations):
    connection = sqlite3.connect(kept, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.3, connection.execute, ["COMMIT"])
    release.start()
    assert warned(use, kept) == (fresh, [])
    release.join()
    connection.close()
    assert not evaluations


def test_where_nothing_can_be_written_what_is_there_is_read(use, fresh, kept, evaluations, monkeypatch):
    connect = sqlite3.connect
    monkeypatch.setattr(
        files.sqlite3,
        "connect",
        lambda name, **options: connect(str(name).replace("mode=rw", "mode=ro"), **options),
    )
    with_sqlite_of(connect, kept, f"DELETE FROM {use.table} WHERE key = (SELECT min(key) FROM {use.table})")
    answer, said = warned(use, kept)
    assert answer == fresh
    assert said == [f"{kept}: cannot be written (it may only be read): what is found out is not kept"]
    assert evaluations


def with_sqlite_of(connect, path, statement):
    connection = connect(path)
    with contextlib.closing(connection), connection:
        connection.execute(statement)


def test_a_full_disk_costs_what_would_have_been_kept(use, fresh, tmp_path, monkeypatch):
    path = tmp_path / "new.sqlite"
    OwnFile(path, use.kind).close()
    with_sqlite(path, "PRAGMA page_size = 512", "VACUUM")
    connect = sqlite3.connect

    def small(name, **options):
        connection = connect(name, **options)
        connection.execute("PRAGMA max_page_count = 1")  # no page more than there are
        return connection

    monkeypatch.setattr(files.sqlite3, "connect", small)
    answer, said = warned(use, path)
    assert answer == fresh
    assert said == [f"{path}: cannot be written (the disk is full): what is found out is not kept"]


def test_where_no_file_can_be_made_nothing_is_kept(use, fresh, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileFormat, "image", full)
    answer, said = warned(use, tmp_path / "new.sqlite")
    assert answer == fresh
    assert said == [
        f"{tmp_path}/new.sqlite: cannot be made (No space left on device): what is found out is not kept"
    ]
    assert not list(tmp_path.iterdir())


def test_a_file_that_goes_away_meanwhile_is_no_error(use, fresh, kept, monkeypatch):
    read = OwnFile.read

    def gone(self, *query):
        kept.unlink(missing_ok=True)
        return read(self, *query)

    monkeypatch.setattr(OwnFile, "read", gone)
    assert warned(use, kept)[0] == fresh


# --- several at a time, and ends in the middle

WRITER = """
    import sys
    from pathlib import Path
    sys.path[:0] = [{tests!r}, {folder!r}]
    from test_reuse_file import FRESH, USES
    for _ in range({times}):
        assert USES[{name!r}].answer(Path({path!r})) == FRESH[{name!r}]
        print("done", flush=True)
"""


def start(use, path, times):
    (name,) = (name for name, one in USES.items() if one is use)
    here = Path(__file__).parent
    code = WRITER.format(tests=str(here.parent), folder=str(here), name=name, path=str(path), times=times)
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        env=os.environ | {"PYTHONPATH": str(here.parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_processes_that_share_a_file_do_not_disturb_each_other(use, fresh, tmp_path):
    path = tmp_path / "shared.sqlite"
    processes = [start(use, path, times=3) for _ in range(2)]
    for process in processes:
        _, said = process.communicate(timeout=120)
        assert (process.returncode, said) == (0, b"")
    assert warned(use, path) == (fresh, [])
    assert with_rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert [file.name for file in tmp_path.iterdir()] == ["shared.sqlite"]


# --- rows


def test_a_checksum_tells_values_and_their_kinds_apart():
    values = [("a", 1), ("a", "1"), ("a", 1.0), ("a", None), ("b", 1), ("a1",), ("", "a", 1), ("a", True)]
    assert len({checksum(*value) for value in values}) == len(values)


def test_what_sqlite_cannot_hold_is_not_kept():
    assert can_be_kept((None, 1 << 62, -1, 1e300, "text, größer"))
    for value in (1 << 63, "a\0b", "\udc80"):
        assert not can_be_kept((value,))
