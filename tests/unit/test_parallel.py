"""Independent work on several processes: order, constant memory, and workers that are lost."""

import os
import signal

import pytest

from accelsim.cli.output import progress_line
from accelsim.errors import AccelsimError
from accelsim.parallel import IN_FLIGHT, stream


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
    outcomes = list(stream(multiplier, 3, range(50), workers))
    assert [(number, product) for number, (product, _) in outcomes] == [(n, 3 * n) for n in range(50)]
    assert (os.getpid() in {process for _, (_, process) in outcomes}) == (workers == 1)


def test_work_is_not_asked_for_long_before_it_is_done():
    asked = 0

    def numbers():
        nonlocal asked
        for number in range(1000):
            asked += 1
            yield number

    for done, _ in enumerate(stream(multiplier, 1, numbers(), 2)):
        assert asked - done <= 2 * IN_FLIGHT


def test_a_worker_that_is_lost_is_said():
    with pytest.raises(AccelsimError, match="a worker process ended before its work was done"):
        list(stream(dying, 5, range(20), 2))


def test_progress_shows_rate_and_time_left():
    assert progress_line(300, 1000, 2.0) == "[######              ] 300/1000, 150/s, 0:05 left"
    assert progress_line(0, 1000, 0.0) == "[                    ] 0/1000, 0/s, 0:00 left"
