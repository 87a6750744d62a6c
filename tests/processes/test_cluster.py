"""Dask clusters as executors: same results, lost workers, schedulers that do not answer."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from contextlib import suppress
from types import SimpleNamespace

import pytest

from accelsim import load_hardware, load_network
from accelsim.errors import AccelsimError
from accelsim.execution import cluster
from accelsim.execution.cluster import Cluster, connected, started
from accelsim.search.depth import search_depth
from accelsim.search.evaluate import SearchTask
from accelsim.search.space import depth_space

NETWORK = load_network("shufflenet_v1")
TASK, SPACE = SearchTask(NETWORK, load_hardware("8x8_32k")), depth_space(NETWORK, total_blocks=9)


def squares(factor):
    def work(number):
        time.sleep(0.02)
        return factor * number**2, os.getpid()

    return work


def raising(_):
    def work(number):
        raise AccelsimError(f"{number} is wrong")

    return work


@pytest.fixture(scope="module")
def two():
    """Two workers on this machine."""
    with started(2) as found:
        yield found


def numbers(workers, count, **options):
    return {number: square for number, (square, _) in workers(range(count), **options)}


def test_work_is_done_by_the_workers_in_order_or_as_it_comes(two):
    with two.prepared(squares, 3) as workers:
        found = list(workers(range(30)))
        assert [number for number, _ in found] == list(range(30))
        assert len({process for _, (_, process) in found} - {os.getpid()}) == 2
        assert numbers(workers, 30, in_order=False) == {number: 3 * number**2 for number in range(30)}


def test_work_of_two_kinds_is_kept_apart(two):
    for factor in range(2, 8):
        with two.prepared(squares, factor) as workers:
            assert numbers(workers, 4) == {number: factor * number**2 for number in range(4)}


def test_an_error_of_a_worker_is_the_error(two):
    with pytest.raises(AccelsimError, match="0 is wrong"), two.prepared(raising, None) as workers:
        list(workers(range(3)))


def test_a_search_finds_the_same_on_a_cluster(two):
    one, other = search_depth(TASK, SPACE), search_depth(TASK, SPACE, executor=two)
    assert (one.ranked, one.front, one.known) == (other.ranked, other.front, other.known)


def test_the_work_of_a_worker_that_is_killed_is_done_by_the_others():
    with started(2) as found, found.prepared(squares, 1) as workers:
        killed = False
        done = {}
        for number, (square, process) in workers(range(60), in_order=False):
            done[number] = square
            if not killed:
                os.kill(process, signal.SIGKILL)
                killed = True
        assert done == {number: number**2 for number in range(60)}


def test_a_worker_of_another_model_does_nothing(two, monkeypatch):
    monkeypatch.setattr(cluster, "model_version", lambda: "9.9.9+abc")
    monkeypatch.setattr(cluster, "source_digest", lambda: "of another source")
    with (
        pytest.raises(
            AccelsimError, match=r"a worker has accelsim 0\..*, this is 9\.9\.9\+abc, which may find"
        ),
        two.prepared(squares, 1) as workers,
    ):
        list(workers(range(3)))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_scheduler_that_does_not_answer_is_one_line():
    address = f"tcp://127.0.0.1:{free_port()}"
    began = time.monotonic()
    with pytest.raises(AccelsimError) as error, connected(address, seconds=1):
        pass
    assert time.monotonic() - began < 10
    assert str(error.value) == (
        f"--scheduler {address}: no Dask scheduler answered within 1 s: "
        "is one running there (`dask scheduler`)?"
    )


def answering(connection, answer):
    """What a server of another kind does: it waits for a request, and says something of its own."""
    with connection, suppress(OSError):
        connection.recv(1000)
        connection.sendall(answer)


@pytest.fixture(params=["silent", "HTTP", "talkative", "closing"])
def other_server(request):
    """The address of a port on which something else than a scheduler listens."""
    kept = []

    def serve():
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                kept.append(connection)
                if request.param == "HTTP":
                    answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
                    threading.Thread(target=answering, args=(connection, answer), daemon=True).start()
                elif request.param == "talkative":
                    connection.sendall(b"220 ready\r\n" * 10)
                elif request.param == "closing":
                    connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
    for connection in kept:
        connection.close()


def test_a_server_of_another_kind_is_no_scheduler(other_server):
    began = time.monotonic()
    with (
        pytest.raises(AccelsimError, match="no Dask scheduler answered within 1 s: is one running there"),
        connected(other_server, seconds=1),
    ):
        pass
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "address", ["here", "tcp://host", "host:8786", "tcp://:8786", "http://host:8786", "ucx://host:8786", ""]
)
def test_what_is_no_address_is_said_at_once(address):
    with pytest.raises(AccelsimError, match="must be an address such as tcp://host:8786"), connected(address):
        pass


@pytest.fixture
def scheduler(tmp_path):
    """A running scheduler without workers: its process and its address."""
    address = f"tcp://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--no-show"]
    command += ["--host", "127.0.0.1", "--port", address.rpartition(":")[2]]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    yield process, address
    process.kill()
    process.wait()


@pytest.fixture
def worker(scheduler, tmp_path):
    """A worker of that scheduler."""
    command = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        scheduler[1],
        "--no-dashboard",
        "--no-nanny",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    yield process
    process.kill()
    process.wait()


@pytest.mark.usefixtures("worker")
def test_a_running_cluster_does_the_work(scheduler):
    with connected(scheduler[1]) as found:
        assert found.threads >= 1
        searched = search_depth(TASK, SPACE, executor=found)
    assert searched.ranked == search_depth(TASK, SPACE).ranked


def multiplier(factor):
    return factor.__mul__


def test_a_scheduler_without_workers_is_one_line(scheduler):
    sentence = r"has no worker, and got none within 15 s: start some with `dask"
    with pytest.raises(AccelsimError, match=sentence), connected(scheduler[1], seconds=15):
        pass


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (CancelledError(), "tcp://there: the connection to the scheduler was lost"),
        (OSError("gone"), "tcp://there: the connection to the scheduler was lost"),
        (
            ModuleNotFoundError("No module named 'accelsim'", name="accelsim"),
            "tcp://there: a worker cannot import accelsim: install accelsim where workers run",
        ),
    ],
)
def test_what_happens_to_a_cluster_is_one_line(error, sentence):
    there = Cluster(SimpleNamespace(get_executor=lambda **_: None), "tcp://there")
    with pytest.raises(AccelsimError) as found, there.prepared(multiplier, 1):
        raise error
    assert str(found.value) == sentence


@pytest.mark.parametrize(
    ("status", "threads", "sentence"),
    [
        ("closed", {"a": 1}, "tcp://there: the connection to the scheduler was lost"),
        ("running", {}, "tcp://there: all workers are gone, and none came within 60 s"),
    ],
)
def test_a_cluster_that_does_nothing_any_more_is_given_up(status, threads, sentence):
    client = SimpleNamespace(status=status, nthreads=lambda: threads)
    idle = cluster._Idle(Cluster(client, "tcp://there"))
    with pytest.raises(AccelsimError) as found:
        for _ in range(100):
            idle.check()
    assert str(found.value) == sentence


def test_a_cluster_that_works_slowly_is_not_given_up():
    idle = cluster._Idle(Cluster(SimpleNamespace(status="running", nthreads=lambda: {"a": 1}), "tcp://there"))
    for _ in range(100):
        idle.check()


def test_without_dask_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(AccelsimError, match=r'pip install "accelsim\[distributed\]"'), started(1):
        pass
