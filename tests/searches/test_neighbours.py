"""Candidates of a sweep that have much in common come to one worker, one after the other; each once."""

import itertools
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.search.neighbours import OF_ARRAY, OF_MACHINE, PIECES, SECONDS, Neighbours, Pace
from accelsim.search.sampling import plan_for
from accelsim.search.space import SpaceError
from accelsim.search.spec import read_sweep
from accelsim.search.sweep import run_sweep

MEMORIES_FIRST = """\
networks: [sqnxt23v5, mobilenet_v1@width=0.5, squeezenet_v1_1]
hardware: [16x16_128k]
hardware_parameters:
  global_buffer.size_bytes: [65536, 131072]
  pe_array.rows: [8, 16]
  memories.dram.bandwidth.bytes_per_cycle: [8, 16]
  precision.weights_bits: [8, 16]
objectives: [pes]
constraints: [params <= 1]
"""
"""None of its candidates is simulated."""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    file = tmp_path_factory.mktemp("sweep") / "memories_first.yaml"
    file.write_text(MEMORIES_FIRST)
    return read_sweep(file)


def array_of(sweep, index):
    settings = sweep.settings(index)
    return settings["pe_array.rows"], settings["precision.weights_bits"]


def test_everyone_is_there_once_and_those_of_an_array_and_of_a_machine_stand_together(sweep):
    everyone = list(Neighbours(sweep).everyone())
    assert sorted(everyone) == list(range(sweep.size))
    arrays = [array for array, _ in itertools.groupby(everyone, lambda index: array_of(sweep, index))]
    machines = [machine for machine, _ in itertools.groupby(everyone, sweep.hardware_key)]
    assert len(arrays) == 4
    assert len(machines) == 16


@given(indexes=st.sets(st.integers(0, 47)), most=st.integers(1, OF_ARRAY))
def test_a_piece_is_of_one_array_and_the_pieces_are_what_was_given(sweep, indexes, most):
    neighbours = Neighbours(sweep)
    given_order = neighbours.together(indexes)
    pieces = list(neighbours.pieces(given_order, lambda: most))
    assert [index for piece in pieces for index in piece] == given_order
    for piece in pieces:
        assert len({array_of(sweep, index) for index in piece}) == 1
        machines = {sweep.hardware_key(index) for index in piece}
        assert len(piece) <= (most if len(machines) > 1 else max(most, OF_MACHINE))


@given(
    candidates=st.integers(1, 10_000),
    workers=st.integers(1, 200),
    each_s=st.floats(0.001, 10),
    done=st.integers(1, 1_000),
)
def test_a_piece_of_several_machines_takes_no_longer_than_said_and_each_worker_gets_some(
    candidates, workers, each_s, done
):
    pace = Pace(candidates, workers, clock=iter([0.0, each_s * done / workers]).__next__)
    assert pace.most() == 1  # nothing is known yet
    pace.note(done)
    most = pace.most()
    assert 1 <= most <= OF_ARRAY
    if most > 1:
        assert workers > 1
        assert candidates >= most * PIECES * workers
        assert most * each_s <= SECONDS * (1 + 1e-9)


class OfOnesOwn:
    """An executor that does not say how many its workers are; notes what they get."""

    def __init__(self):
        self.pieces = []

    @contextmanager
    def prepared(self, prepare, setup):
        do_work = prepare(setup)

        def workers(work, *, in_order=True):
            for piece in work:
                self.pieces.append(piece)
                yield piece, do_work(piece)

        yield workers


def test_workers_that_do_not_say_how_many_they_are_get_one_machine_at_a_time(sweep):
    executor = OfOnesOwn()
    with pytest.raises(SpaceError, match="excludes all 48 candidates"):
        run_sweep(sweep, plan_for(sweep), executor=executor)
    assert len(executor.pieces) == 16
    assert all(len({sweep.hardware_key(index) for index in piece}) == 1 for piece in executor.pieces)
