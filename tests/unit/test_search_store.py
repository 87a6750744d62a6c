"""The store of a search: what is in it is not evaluated again, and another model's results are refused."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from accelsim import load_hardware, load_network
from accelsim import model_version as models
from accelsim.descriptions import vary
from accelsim.model_version import model_version
from accelsim.search import store as stores
from accelsim.search.depth import search_depth
from accelsim.search.evaluate import Cost, Evaluator, Limits, Outcome, Size, Task
from accelsim.search.space import depth_space
from accelsim.search.store import Place, Store, StoreError, TaskKey

NETWORK, HARDWARE = load_network("shufflenet_v1"), load_hardware("8x8_32k")
TASK = Task(NETWORK, HARDWARE)
SPACE = depth_space(NETWORK, total_blocks=9)
PLACE = Place(TaskKey.of(TASK), (1, 2, 3))
FOUND = Outcome(Size(10, 20), Cost(30, 0.1, 40, 50))


def search(task=TASK, store=None, space=SPACE):
    return replace(search_depth(task, space, store=store, top=50), seconds=0.0, reused=0)


@pytest.fixture
def evaluated(monkeypatch):
    """The depths of every evaluation."""
    seen = []
    cost = Evaluator.cost

    def counted(self, depths):
        seen.append(depths)
        return cost(self, depths)

    monkeypatch.setattr(Evaluator, "cost", counted)
    return seen


def test_what_is_in_the_store_is_not_evaluated_again(tmp_path, evaluated):
    file = tmp_path / "found.sqlite"
    first = search(store=file)
    assert sorted(evaluated) == sorted(SPACE)
    evaluated.clear()
    assert search(store=file) == first == search_without(evaluated)
    assert search_depth(TASK, SPACE, store=file).reused == SPACE.size


def search_without(evaluated):
    assert evaluated == []
    return search()


def test_a_search_that_was_stopped_goes_on_where_it_was(tmp_path, evaluated, monkeypatch):
    monkeypatch.setattr("accelsim.search.depth.BATCH", 4)
    file = tmp_path / "found.sqlite"

    def stop(_):
        if len(evaluated) > 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search_depth(TASK, SPACE, store=file, step=stop)
    assert 12 < len(evaluated) < SPACE.size
    again = search(store=file)
    assert sorted(evaluated) == sorted(SPACE)
    assert again == search()


def test_other_spaces_and_limits_share_what_is_known(tmp_path, evaluated):
    file = tmp_path / "found.sqlite"
    search(store=file)
    evaluated.clear()
    limits = Limits(params=2_000_000)
    assert search(replace(TASK, limits=limits), file) == search_limited(limits, evaluated)
    fixed = depth_space(NETWORK, total_blocks=9, fixed={"stage2": 2})
    evaluated.clear()
    search(store=file, space=fixed)
    assert evaluated == []


def search_limited(limits, evaluated):
    assert evaluated == []
    return search(replace(TASK, limits=limits))


@pytest.mark.parametrize(
    "other",
    [
        Task(load_network("shufflenet_v1@groups=2"), HARDWARE),
        Task(load_network("shufflenet_v1@resolution=160"), HARDWARE),
        Task(NETWORK, vary(HARDWARE, **{"dram.latency_cycles": 99})),
        Task(NETWORK, HARDWARE, batch=2),
        Task(NETWORK, HARDWARE, dataflow="weight_stationary"),
        Task(NETWORK, HARDWARE, tiles_by="energy"),
    ],
)
def test_what_another_network_machine_or_option_gave_is_kept_apart(tmp_path, other):
    with Store(tmp_path / "found.sqlite") as store:
        store.keep([(PLACE, FOUND)])
    with Store(tmp_path / "found.sqlite") as store:
        assert store.known([Place(TaskKey.of(other), (1, 2, 3))]) == {}
        assert store.known([PLACE, Place(TaskKey.of(TASK), (1, 1, 1))]) == {PLACE: FOUND}


def test_a_machines_name_and_words_are_not_what_it_is(tmp_path):
    renamed = Task(NETWORK, vary(HARDWARE, **{"name": "mine", "title": "My own", "area.pe_mm2": 1}))
    assert TaskKey.of(renamed) == TaskKey.of(TASK)


def test_a_candidate_that_cannot_be_mapped_is_kept_with_its_reason(tmp_path):
    too_small = Outcome(Size(10, 20), None, "conv1 on mine: does not fit")
    unbuilt = Outcome(None, None, "no such shape")
    excluded = Outcome(Size(30, 40), None)
    places = [Place(TaskKey.of(TASK), (depth,)) for depth in (1, 2, 3)]
    with Store(tmp_path / "found.sqlite") as store:
        store.keep(zip(places, (too_small, unbuilt, excluded), strict=True))
        assert store.known(places) == {places[0]: too_small, places[1]: unbuilt}


def test_many_candidates_are_looked_up_at_once(tmp_path):
    places = [Place(TaskKey.of(TASK), (depth,)) for depth in range(1, 1001)]
    with Store(tmp_path / "found.sqlite") as store:
        store.keep([(place, FOUND) for place in places])
        assert len(store.known(places)) == 1000


def test_a_store_of_another_model_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "found.sqlite"
    Store(file).__exit__(None, None, None)
    monkeypatch.setattr(stores, "model_version", lambda: "9.9.9+abc")
    with pytest.raises(StoreError) as error:
        Store(file)
    assert str(error.value) == (
        f"{file}: holds results of accelsim {model_version()}, this is 9.9.9+abc, which may find others: "
        "give --store another file, or delete this one"
    )


def test_the_model_is_told_by_the_code_that_results_follow_from():
    release, _, digest = model_version().partition("+")
    assert release == "0.1.0"
    assert len(digest) == 12
    package = Path(models.__file__).parent
    assert all((package / room).exists() for room in models._ROOMS)


def test_the_model_is_told_by_all_that_an_evaluation_imports():
    listed = (
        "import sys, accelsim.search.evaluate; print(*(m for m in sys.modules if m.startswith('accelsim.')))"
    )
    imported = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    files = {name.removeprefix("accelsim.").replace(".", "/") for name in imported.stdout.split()}
    rooms = {room.removesuffix(".py") for room in models._ROOMS}
    without = {"errors", "result", "search", "shipped"}
    """Words, reports of what was found, and where files are."""
    assert {file for file in files if not {file, file.partition("/")[0]} & rooms} == without


@pytest.mark.parametrize("kind", ["text", "folder", "nowhere", "foreign", "another"])
def test_what_is_no_store_is_refused(tmp_path, kind):
    file = tmp_path / "found.sqlite"
    if kind == "text":
        file.write_text("These are notes on SqueezeNext, and no store.\n" * 100)
    elif kind == "folder":
        file.mkdir()
    elif kind == "nowhere":
        file = tmp_path / "no" / "such.sqlite"
    else:
        with sqlite3.connect(file) as connection:
            for table in ("results", "model") if kind == "foreign" else ("bookmarks",):
                connection.execute(f"CREATE TABLE {table} (name TEXT)")
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(StoreError, match="cannot be used as a store"):
        Store(file)
    assert kind == "foreign" or before == (file.read_bytes() if file.is_file() else None)


COMMAND = ["search", "depth", "--net", "mobilenet_v2", "--hw", "8x8_32k", "--total-blocks", "17"]


def test_killed_at_any_moment_a_search_ends_with_the_same_answer(tmp_path):
    """Several kills of one search, whose 1,820 candidates take seconds; each start goes on with the rest."""
    file = tmp_path / "found.sqlite"
    command = [sys.executable, "-m", "accelsim", *COMMAND, "--fix", "stage7=1", "--fix", "stage1=2"]
    options = ["--format", "json", "--quiet"]
    counts = [0]
    for seconds in (0.7, 1.6, 2.0, 2.4):
        process = subprocess.Popen(
            [*command, *options, "--store", str(file)],
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        counts.append(kept(file))
    assert counts == sorted(counts)
    network = load_network("mobilenet_v2")
    space = depth_space(network, total_blocks=17, fixed={"stage7": 1, "stage1": 2})
    task = Task(network, HARDWARE)
    resumed = search_depth(task, space, store=file)
    assert resumed.reused == counts[-1]
    assert kept(file) == space.size
    assert replace(resumed, seconds=0.0, reused=0) == replace(
        search_depth(task, space), seconds=0.0, reused=0
    )


def kept(file):
    """Results in a store that may not be there yet."""
    if not file.exists():
        return 0
    connection = sqlite3.connect(file)
    try:
        return connection.execute("SELECT count(*) FROM results").fetchone()[0]
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()
