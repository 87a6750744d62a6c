"""Independent work on several processes: order, constant memory, and workers that are lost."""

import gc
import os
import platform
import resource
import signal
import time

import pytest

from accelsim.cli.output import progress_line
from accelsim.errors import AccelsimError
from accelsim.execution.executor import IN_FLIGHT
from accelsim.execution.processes import Processes, in_parallel
from accelsim.patience import PATIENT


def streamed(prepare, setup, work, count, **options):
    with Processes(count).prepared(prepare, setup) as workers:
        yield from workers(work, **options)


def multiplier(factor):
    return lambda number: (number * factor, os.getpid())


def dying(number_of_death):
    def work(number):
        if number == number_of_death:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    return work


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_outcomes_come_in_the_order_of_the_work(workers):
    outcomes = list(streamed(multiplier, 3, range(50), workers))
    assert [(number, product) for number, (product, _) in outcomes] == [(n, 3 * n) for n in range(50)]
    assert (os.getpid() in {process for _, (_, process) in outcomes}) == (workers == 1)


def slow_at(number_of_delay):
    def work(number):
        time.sleep(0.5 if number == number_of_delay else 0)
        return number

    return work


def test_outcomes_come_the_moment_they_are_there_where_order_does_not_matter():
    done = [number for number, _ in streamed(slow_at, 0, range(6), 2, in_order=False)]
    assert done[-1] == 0
    assert sorted(done) == list(range(6))


def thresholds(_):
    return lambda _: gc.get_threshold()


@pytest.mark.parametrize(("workers", "expected"), [(1, (700, 10, 10)), (2, PATIENT)])
def test_workers_look_for_garbage_seldom_and_the_process_that_asks_as_it_likes(workers, expected):
    before = gc.get_threshold()
    try:
        gc.set_threshold(700, 10, 10)
        assert [found for _, found in streamed(thresholds, None, range(3), workers)] == [expected] * 3
    finally:
        gc.set_threshold(*before)


def page_faults(_):
    def in_rounds(rounds):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(rounds):
            _ = [b"x" * 100_000 for _ in range(50)]
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    return in_rounds


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do as they like")
def test_workers_keep_memory_for_the_next_piece_of_work():
    pages = 50 * 100_000 // resource.getpagesize()
    ((_, faults),) = streamed(page_faults, None, [20], 2)
    assert faults < 3 * pages  # and not in each of 20 rounds


def test_prepared_workers_do_one_work_after_another():
    with Processes(2).prepared(multiplier, 2) as workers:
        first, second = (dict(workers(range(8))) for _ in range(2))
    processes = {process for _, process in (*first.values(), *second.values())}
    assert len(processes) <= 2  # the second work starts no others; who does how much of it is chance
    assert os.getpid() not in processes
    assert [first[number][0] for number in range(8)] == [second[number][0] for number in range(8)]


def test_work_is_not_asked_for_long_before_it_is_done():
    asked = 0

    def numbers():
        nonlocal asked
        for number in range(1000):
            asked += 1
            yield number

    for done, _ in enumerate(streamed(multiplier, 1, numbers(), 2)):
        assert asked - done <= 2 * IN_FLIGHT


def test_a_worker_that_is_lost_is_said():
    with pytest.raises(AccelsimError, match="a worker process ended before its work was done"):
        list(streamed(dying, 5, range(20), 2))


def killed(number):
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_lost_worker_of_independent_work_is_said(monkeypatch):
    monkeypatch.setattr("accelsim.execution.processes.cores", lambda: 2)
    with pytest.raises(AccelsimError, match="a worker process ended before its work was done"):
        in_parallel(killed, range(20))


def test_progress_shows_rate_and_time_left():
    assert progress_line(300, 1000, 2.0) == "[######              ] 300/1000, 150/s, 0:05 left"
    assert progress_line(0, 1000, 0.0) == "[                    ] 0/1000, 0/s, 0:00 left"
