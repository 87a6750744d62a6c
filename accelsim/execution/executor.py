"""Executor: who does the work of a search, whichever processes on whichever machines that are."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager
from typing import Final, Protocol, TypeVar

IN_FLIGHT: Final = 4
"""Pieces of work that each worker has ahead of it, so that it does not wait for the next."""
SetupT = TypeVar("SetupT")
WorkT = TypeVar("WorkT")
OutcomeT = TypeVar("OutcomeT")
Outcome_co = TypeVar("Outcome_co", covariant=True)


class Workers(Protocol[WorkT, Outcome_co]):
    """Workers that have prepared for one kind of work, and keep what they prepared.

    Example:
        >>> from accelsim.execution import Processes
        >>> with Processes(1).prepared(lambda factor: lambda number: factor * number, 3) as workers:
        ...     list(workers([1, 2]))
        [(1, 3), (2, 6)]
    """

    def __call__(self, work: Iterable[WorkT], *, in_order: bool = True) -> Iterator[tuple[WorkT, Outcome_co]]:
        """Each piece of work and its outcome, in constant memory however much there is.

        Args:
            work: The pieces, taken as workers get to them.
            in_order: As the pieces are given, or the moment that each outcome is there.

        Returns:
            Pairs of a piece and its outcome.

        Raises:
            AccelsimError: Workers are lost.
        """


class Executor(Protocol):
    """Who does the work of a search: `Processes`, a `Cluster`, or an object of one's own with this method.

    Example:
        >>> from accelsim.execution import Processes
        >>> executor: Executor = Processes(1)
    """

    def prepared(
        self, prepare: Callable[[SetupT], Callable[[WorkT], OutcomeT]], setup: SetupT
    ) -> AbstractContextManager[Workers[WorkT, OutcomeT]]:
        """Workers each of which does its work by what `prepare` made of `setup`.

        Args:
            prepare: Makes of the setup what does a piece of work; called once by each worker.
            setup: What all pieces have in common. Both can be pickled.

        Returns:
            A context, within which there are workers.
        """


def streamed(
    submit: Callable[[WorkT], "Future[OutcomeT]"],
    work: Iterable[WorkT],
    workers: int,
    in_order: bool,
    check: Callable[[], None] | None = None,
    check_seconds: float | None = None,
) -> Iterator[tuple[WorkT, OutcomeT]]:
    """What `Workers` promise, by a function that hands out one piece of work.

    `check` is called whenever nothing was done for so many seconds, and may raise.
    """
    waiting: dict[Future[OutcomeT], WorkT] = {}

    def completed() -> list["Future[OutcomeT]"]:
        awaited = [next(iter(waiting))] if in_order else list(waiting)
        while not (completed_futures := wait(awaited, check_seconds, FIRST_COMPLETED).done):
            if check is not None:
                check()
        return [future for future in awaited if future in completed_futures]

    def outcomes() -> Iterator[tuple[WorkT, OutcomeT]]:
        return ((waiting.pop(future), future.result()) for future in completed())

    for piece in work:
        waiting[submit(piece)] = piece
        while len(waiting) >= IN_FLIGHT * workers:
            yield from outcomes()
    while waiting:
        yield from outcomes()
