"""Stops: what moves only while the array stands, and the array that computes only while none of it does.

Between two steps the array goes first: what stops it moves when the next step lacks something.
"""

from collections.abc import Callable

import simpy


class Stops:
    """Who of both may go on."""

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._moving = 0
        """Transfers that stop the array, of all channels."""
        self._still = env.event()
        """Happens when none moves any more."""
        self._when_array_stands: list[Callable[[], None]] = []
        self.array_computes = False

    def call_when_array_stands(self, action: Callable[[], None]) -> None:
        """Whenever the array has executed a step."""
        self._when_array_stands.append(action)

    @property
    def moves(self) -> bool:
        """Whether anything moves that stops the array."""
        return self._moving > 0

    @property
    def still(self) -> simpy.Event:
        """When nothing moves any more that does now."""
        return self._still

    def begin_to_move(self) -> None:
        """A transfer that stops the array streams."""
        self._moving += 1

    def end_to_move(self) -> None:
        """It has streamed."""
        self._moving -= 1
        if not self._moving:
            self._still.succeed()
            self._still = self._env.event()

    def array_begins(self) -> None:
        """The array computes."""
        self.array_computes = True

    def array_stands(self) -> None:
        """It has executed a step."""
        self.array_computes = False
        for action in self._when_array_stands:
            action()
