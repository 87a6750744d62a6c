"""The store of a search: what is in it is not evaluated again, and another model's results are refused."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from accelsim import load_hardware, load_network
from accelsim.descriptions import Document, check, vary
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.reuse.file import OwnFile
from accelsim.reuse.model_version import model_version
from accelsim.search.depth import search_depth
from accelsim.search.evaluate import Cost, Evaluation, Evaluator, Limits, SearchTask, Size
from accelsim.search.family import but_for_depth
from accelsim.search.space import depth_space
from accelsim.search.store import ResultKey, Store, StoreError, TaskKey

NETWORK, HARDWARE = load_network("shufflenet_v1"), load_hardware("8x8_32k")
TASK = SearchTask(NETWORK, HARDWARE)
SPACE = depth_space(NETWORK, total_blocks=9)
PLACE = ResultKey(TaskKey.of(TASK), (1, 2, 3))
FOUND = Evaluation(Size(10, 20), Cost(30, 0.1, 40, 50))


def search(task=TASK, store=None, space=SPACE):
    return replace(search_depth(task, space, store=store, top=50), seconds=0.0, reused=0)


@pytest.fixture
def evaluated(monkeypatch):
    """The depths of every evaluation."""
    seen = []
    costs = Evaluator.costs

    def counted(self, candidates):
        seen.extend(candidates)
        return costs(self, candidates)

    monkeypatch.setattr(Evaluator, "costs", counted)
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
    monkeypatch.setattr("accelsim.search.depth.CHUNK", 4)
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
        SearchTask(load_network("shufflenet_v1@groups=2"), HARDWARE),
        SearchTask(load_network("shufflenet_v1@resolution=160"), HARDWARE),
        SearchTask(NETWORK, vary(HARDWARE, **{"dram.latency_cycles": 99})),
        SearchTask(NETWORK, HARDWARE, batch=2),
        SearchTask(NETWORK, HARDWARE, dataflow="weight_stationary"),
        SearchTask(NETWORK, HARDWARE, objective="energy"),
    ],
)
def test_what_another_network_machine_or_option_gave_is_kept_apart(tmp_path, other):
    with Store(tmp_path / "found.sqlite") as store:
        store.keep([(PLACE, FOUND)])
    with Store(tmp_path / "found.sqlite") as store:
        assert store.evaluations([ResultKey(TaskKey.of(other), (1, 2, 3))]) == {}
        assert store.evaluations([PLACE, ResultKey(TaskKey.of(TASK), (1, 1, 1))]) == {PLACE: FOUND}


def test_a_machines_name_and_words_are_not_what_it_is(tmp_path):
    renamed = SearchTask(NETWORK, vary(HARDWARE, **{"name": "mine", "title": "My own", "area.pe_mm2": 1}))
    with Store(tmp_path / "found.sqlite") as store:
        store.keep([(PLACE, FOUND)])
        other = ResultKey(TaskKey.of(renamed), PLACE.depths)
        assert store.evaluations([other]) == {other: FOUND}


def pruned(*names):
    """A network in which the layers of stages with some names are pruned, and nearly all of a stage's."""
    stages = [
        {"block": "residual_basic", "name": name, "repeat": 1, "out_channels": channels}
        for name, channels in zip(names, (128, 16), strict=True)
    ]
    data = {"name": "net", "title": "t", "source": "s", "input": {"channels": 64, "height": 16, "width": 16}}
    data |= {"compression": [{"layers": "pruned*", "weight_density": 0.05}], "stages": stages}
    return configure(check(Document("net", data, {}), NetworkDescription))


def test_a_pattern_of_names_means_another_layer_where_names_are_others(tmp_path):
    file = tmp_path / "found.sqlite"
    for names in (("a", "pruned_b"), ("pruned_b", "a")):
        task = SearchTask(pruned(*names), HARDWARE)
        assert search(task, file, depth_space(task.network)) == search(task, None, depth_space(task.network))


def test_networks_whose_names_mean_other_layers_are_no_relatives():
    assert but_for_depth(pruned("a", "pruned_b")) != but_for_depth(pruned("pruned_b", "a"))


def test_a_sentence_is_kept_for_what_it_names(tmp_path):
    """A cost is the same whatever things are called; why there is none says what they are called."""
    renamed = SearchTask(NETWORK, vary(HARDWARE, name="mine"))
    other = ResultKey(TaskKey.of(renamed), PLACE.depths)
    unmapped = Evaluation(Size(10, 20), None, "conv1 on 8x8_32k: does not fit")
    with Store(tmp_path / "found.sqlite") as store:
        store.keep([(PLACE, unmapped)])
        assert store.evaluations([PLACE, other]) == {PLACE: unmapped}


def test_a_candidate_that_cannot_be_mapped_is_kept_with_its_reason(tmp_path):
    too_small = Evaluation(Size(10, 20), None, "conv1 on mine: does not fit")
    unbuilt = Evaluation(None, None, "no such shape")
    excluded = Evaluation(Size(30, 40), None)
    places = [ResultKey(TaskKey.of(TASK), (depth,)) for depth in (1, 2, 3)]
    with Store(tmp_path / "found.sqlite") as store:
        store.keep(zip(places, (too_small, unbuilt, excluded), strict=True))
        assert store.evaluations(places) == {places[0]: too_small, places[1]: unbuilt}


def test_many_candidates_are_looked_up_at_once(tmp_path):
    places = [ResultKey(TaskKey.of(TASK), (depth,)) for depth in range(1, 1001)]
    with Store(tmp_path / "found.sqlite") as store:
        store.keep([(place, FOUND) for place in places])
        assert len(store.evaluations(places)) == 1000


def test_a_store_of_another_model_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "found.sqlite"
    Store(file).__exit__(None, None, None)
    before = file.read_bytes()
    monkeypatch.setattr(OwnFile, "model_version", lambda _: "9.9.9+abc")
    with pytest.raises(StoreError) as error:
        Store(file)
    assert file.read_bytes() == before
    assert str(error.value) == (
        f"{file}: holds results of accelsim {model_version()}, this is 9.9.9+abc, which may find others: "
        "give --store another file, or delete this one"
    )


SEARCH = """
    import sys, time
    from pathlib import Path
    from accelsim import load_hardware, load_network
    from accelsim.search.depth import search_depth
    from accelsim.search.evaluate import SearchTask
    from accelsim.search.space import depth_space

    def step(done):
        print(done, flush=True)
        time.sleep(0.02)

    network = load_network("mobilenet_v2")
    space = depth_space(network, total_blocks=17, fixed={"stage7": 1, "stage1": 2})
    search_depth(SearchTask(network, load_hardware("8x8_32k")), space, store=Path(sys.argv[1]), step=step)
"""


def test_killed_at_any_moment_a_search_ends_with_the_same_answer(tmp_path):
    """Several kills of one search of 715 candidates; each start goes on with the rest."""
    file, counts, chance = tmp_path / "found.sqlite", [0], random.Random(0)
    network = load_network("mobilenet_v2")
    space = depth_space(network, total_blocks=17, fixed={"stage7": 1, "stage1": 2})
    for _ in range(4):
        with start(SEARCH, file) as process:
            done = 0
            while done < counts[-1] + 100:
                done += int(process.stdout.readline())
            time.sleep(chance.uniform(0, 0.04))
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL  # it was at work
        counts.append(kept(file))
        assert counts[-1] >= done
    assert counts == sorted(set(counts))
    assert counts[-1] < space.size
    task = SearchTask(network, HARDWARE)
    resumed = search_depth(task, space, store=file)
    assert resumed.reused == counts[-1]
    assert kept(file) == space.size
    assert replace(resumed, seconds=0.0, reused=0) == replace(
        search_depth(task, space), seconds=0.0, reused=0
    )


WITHIN = """
    import time
    from accelsim.reuse import file as files

    whole, times = files._in_one_transaction, 0

    def half(connection, work):
        global times
        times += 1
        if times < 6:
            return whole(connection, work)
        connection.execute("PRAGMA cache_size = 1")  # what is not complete is on the disk all the same
        connection.execute("BEGIN IMMEDIATE")
        for statement, rows in work:
            connection.executemany(statement, rows[: len(rows) // 2 + 1])
        print("within", flush=True)
        time.sleep(60)

    files._in_one_transaction = half
"""


def test_killed_while_it_writes_a_search_keeps_what_was_complete(tmp_path):
    file = tmp_path / "found.sqlite"
    with start(WITHIN + SEARCH, file) as process:
        while (line := process.stdout.readline()) != "within\n":
            assert line
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert file.with_name("found.sqlite-journal").exists()  # it was at it
    network = load_network("mobilenet_v2")
    space = depth_space(network, total_blocks=17, fixed={"stage7": 1, "stage1": 2})
    whole = kept(file)
    assert 0 < whole < space.size
    resumed = search_depth(SearchTask(network, HARDWARE), space, store=file)
    assert resumed.reused == whole
    assert kept(file) == space.size


def start(code, file):
    """Python code as a process, with the name of a file as its argument."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def kept(file):
    """Results in a store."""
    connection = sqlite3.connect(file)
    try:
        return connection.execute("SELECT count(*) FROM results").fetchone()[0]
    finally:
        connection.close()
