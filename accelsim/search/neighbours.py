"""Neighbours: candidates of a sweep that have much in common come to one worker, one after the other.

Those of one machine have all that is known of its layers, those of one array what follows from the array
alone, however large its memories are and however fast they bring what they hold.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import Final

from accelsim.hardware import Hardware
from accelsim.search.spec import Sweep, SweepAxis

OF_MACHINE: Final = 4
"""Candidates of one machine that a worker gets at a time at least."""
OF_ARRAY: Final = 16
"""Candidates of one array that a worker gets at a time at most: it tells of all of them together."""
PIECES: Final = 8
"""That each worker gets at least, if there are enough candidates, so that all are done at one time."""
_MEMORIES: Final = "memories."


class Neighbours:
    """What candidates of a sweep have in common.

    Example:
        >>> from accelsim.search import read_sweep
        >>> neighbours = Neighbours(read_sweep("docs/examples/small_sweep.yaml"))
        >>> list(neighbours.pieces(range(24), 12))
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

    def pieces(self, indexes: Iterable[int], most: int) -> Iterator[tuple[int, ...]]:
        """Candidates, in the order given, in pieces of one array, and of so many at most.

        Args:
            indexes: The candidates.
            most: As `most_of_array` says; of one machine they may be `OF_MACHINE`.

        Returns:
            The pieces, made as they are asked for.
        """
        for _, of_array in itertools.groupby(indexes, self._array):
            piece: tuple[int, ...] = ()
            for _, of_machine in itertools.groupby(of_array, self._sweep.hardware_key):
                while part := tuple(itertools.islice(of_machine, max(most, OF_MACHINE))):
                    if piece and len(piece) + len(part) > most:
                        yield piece
                        piece = ()
                    piece += part
            if piece:
                yield piece

    def _array(self, index: int) -> tuple[int, ...]:
        digits = self._sweep.digits(index)
        return tuple([digits[axis] for axis in self._arrays])


def most_of_array(candidates: int, workers: int) -> int:
    """How many candidates of one array a worker gets at a time, so that each worker gets some pieces.

    Args:
        candidates: That are evaluated before there are others.
        workers: Who evaluate them; one by itself gets them one after the other anyway.

    Returns:
        1 at least.

    Example:
        >>> most_of_array(490, workers=2), most_of_array(490, workers=32), most_of_array(490, workers=1)
        (16, 1, 1)
    """
    return 1 if workers < 2 else max(1, min(OF_ARRAY, candidates // (PIECES * workers)))


def _is_of_machine(axis: SweepAxis) -> bool:
    return axis.kind in ("hardware", "hardware_parameters")


def _is_of_memories(axis: SweepAxis) -> bool:
    """Whether an axis is a parameter of memories alone, in the keys of any format."""
    of_parameter = axis.kind == "hardware_parameters"
    return of_parameter and all(key.startswith(_MEMORIES) for key in Hardware.renamed(axis.name))
