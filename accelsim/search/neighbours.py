"""Neighbours: candidates of a sweep that have much in common come to one worker, one after the other.

Those of one machine have all that is known of its layers, those of one array what follows from the array
alone, however large its memories are and however fast they bring what they hold.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from accelsim.hardware import Hardware
from accelsim.search.spec import Sweep, SweepAxis

OF_MACHINE: Final = 4
"""Candidates of one machine that a worker gets at a time at least."""
OF_ARRAY: Final = 16
"""Candidates of one array that a worker gets at a time at most."""
PIECES: Final = 8
"""That each worker gets at least, if there are enough candidates, so that all are done at one time."""
SECONDS: Final = 1.0
"""That a piece of several machines may take: so long nothing is heard of it, and nothing is in the store."""
_MEMORIES: Final = "memories."


class Neighbours:
    """What candidates of a sweep have in common.

    Example:
        >>> from accelsim.search import read_sweep
        >>> neighbours = Neighbours(read_sweep("docs/examples/small_sweep.yaml"))
        >>> list(neighbours.pieces(range(24), lambda: 12))
        [(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), (12, 13, 14, 15, 16, 17), (18, 19, 20, 21, 22, 23)]
    """

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._machines = [number for number, axis in enumerate(sweep.axes) if _is_of_machine(axis)]
        self._arrays = [number for number in self._machines if not _is_of_memories(sweep.axes[number])]

    def everyone(self) -> Iterator[int]:
        """Every candidate, the next of the same machine, else of the same array, else of the next array."""
        axes = self._sweep.axes
        order = sorted(
            range(len(axes)), key=lambda axis: (axis not in self._machines, axis not in self._arrays)
        )
        digits = [0] * len(axes)
        for combination in itertools.product(*(range(len(axes[axis].values)) for axis in order)):
            for axis, digit in zip(order, combination, strict=True):
                digits[axis] = digit
            yield self._sweep.index(tuple(digits))

    def together(self, indexes: Iterable[int]) -> list[int]:
        """Some candidates in the order of `everyone`."""
        return sorted(indexes, key=lambda index: (self._array(index), index))

    def pieces(self, indexes: Iterable[int], most: Callable[[], int]) -> Iterator[tuple[int, ...]]:
        """Candidates, in the order given, in pieces of one array, and of so many at most.

        Args:
            indexes: The candidates.
            most: Says how many by now, as a `Pace` does; of one machine they may be `OF_MACHINE`.

        Returns:
            The pieces, made as they are asked for.
        """
        for _, of_array in itertools.groupby(indexes, self._array):
            piece: tuple[int, ...] = ()
            for _, of_machine in itertools.groupby(of_array, self._sweep.hardware_key):
                while part := tuple(itertools.islice(of_machine, max(most(), OF_MACHINE))):
                    if piece and len(piece) + len(part) > most():
                        yield piece
                        piece = ()
                    piece += part
            if piece:
                yield piece

    def _array(self, index: int) -> tuple[int, ...]:
        digits = self._sweep.digits(index)
        return tuple([digits[axis] for axis in self._arrays])


class Pace:
    """How many candidates of one array a worker gets at a time: as many as it is done with in `SECONDS`.

    Before it is known how long they take, and where there are few for each worker, those of one machine.

    Example:
        >>> pace = Pace(490, workers=2, clock=iter([0.0, 0.5]).__next__)
        >>> pace.note(10)
        >>> pace.most()
        10
    """

    def __init__(self, candidates: int, workers: int, clock: Callable[[], float] = time.perf_counter) -> None:
        """Begin to measure.

        Args:
            candidates: That are evaluated before there are others.
            workers: Who evaluate them; one by itself gets them one after the other anyway.
            clock: Says the time [s].
        """
        self._workers, self._clock, self._done, self._most = workers, clock, 0, 1
        self._limit = 1 if workers < 2 else max(1, min(OF_ARRAY, candidates // (PIECES * workers)))
        self._began = clock()

    def note(self, candidates: int) -> None:
        """So many more are done."""
        self._done += candidates
        seconds = (self._clock() - self._began) * self._workers
        self._most = max(1, min(self._limit, int(SECONDS * self._done / seconds))) if seconds else self._limit

    def most(self) -> int:
        """How many, by what is known now."""
        return self._most


def _is_of_machine(axis: SweepAxis) -> bool:
    return axis.kind in ("hardware", "hardware_parameters")


def _is_of_memories(axis: SweepAxis) -> bool:
    """Whether an axis is a parameter of memories alone, in the keys of any format."""
    of_parameter = axis.kind == "hardware_parameters"
    return of_parameter and all(key.startswith(_MEMORIES) for key in Hardware.renamed(axis.name))
