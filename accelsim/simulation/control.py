"""Control: whose turn it is, where somebody hands steps to the engines one by one.

A step is handed over so many cycles after the one before it, and as long as fewer than so many are under way:
handed over, and not seen to be done. A step is done when it has ended (the array has executed it, or what it
stores is stored) and all before it are done.
"""

from collections import deque

import simpy

from accelsim.hardware.control import Control
from accelsim.simulation.process import Process


class Turns:
    """Hands steps over, in order."""

    def __init__(self, env: simpy.Environment, control: Control) -> None:
        self._env = env
        self._control = control
        self._next_turn = control.cycles_per_layer
        most = control.tiles_in_flight
        self._free = None if most is None else simpy.Container(env, most, most)
        """As many as may be handed over before another is seen to be done."""
        self._in_flight: deque[tuple[int, int]] = deque()
        self._ended: set[tuple[int, int]] = set()

    def take(self, layer: int, step: int, *, last: bool) -> Process:
        """Wait until a step may be handed over; it is known by its layer and its number there."""
        if self._next_turn > self._env.now:
            yield self._env.timeout(self._next_turn - self._env.now)
        if self._free is not None:
            yield self._free.get(1)
            self._in_flight.append((layer, step))
        self._next_turn = int(self._env.now) + self._control.cycles_per_tile
        if last:
            self._next_turn += self._control.cycles_per_layer

    def end(self, layer: int, step: int) -> None:
        """A step has ended; those are done before which all have."""
        if self._free is None:
            return
        self._ended.add((layer, step))
        while self._in_flight and self._in_flight[0] in self._ended:
            self._ended.remove(self._in_flight.popleft())
            self._env.process(self._see(self._free))

    def _see(self, free: simpy.Container) -> Process:
        """That a step is done, some cycles later."""
        if self._control.completion_cycles:
            yield self._env.timeout(self._control.completion_cycles)
        yield free.put(1)
