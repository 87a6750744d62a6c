"""The channel of DRAM, or of another memory off chip: transfers wait out the latency, then stream one by one.

Latencies overlap with each other and with other transfers' streams, as with any memory that takes several
requests. The channel serves whoever has been ready longest; of those that became ready in the same cycle,
reads before writes, since the array waits for reads.
"""

import heapq
import math
from collections.abc import Callable
from typing import Final, NamedTuple

import simpy
from simpy.events import EventPriority

from accelsim.hardware.memory import Channel

READ: Final = 0
WRITE: Final = 1
HOST_WRITE: Final = 2
"""Of requests that are ready in the same cycle the smaller number is served first: reads, and outputs of the
vector unit before those of the host."""
_LAST_OF_THE_CYCLE: Final = EventPriority(9)
"""simpy handles events of the same time in the order of their priority: 0 urgent, 1 normal."""


class _EndOfCycle(simpy.Event):
    """Happens in this cycle, after everything else that does: no request of the cycle comes too late."""

    def __init__(self, env: simpy.Environment, action: Callable[[simpy.Event], None]) -> None:
        super().__init__(env)
        self._ok = True
        self._value = None
        if self.callbacks is not None:
            self.callbacks.append(action)
        env.schedule(self, priority=_LAST_OF_THE_CYCLE)


class _Request(NamedTuple):
    """A transfer that has waited out its latency; the smallest is served first."""

    ready_at: int
    direction: int
    number: int
    stream_cycles: int
    completed: simpy.Event


class DRAMChannel:
    """One channel for reads and writes."""

    def __init__(self, env: simpy.Environment, channel: Channel) -> None:
        self._env = env
        self._channel = channel
        self._ready: list[_Request] = []
        self._requests = 0
        self._streaming = False
        self._deciding = False

    @property
    def memory(self) -> str:
        """The name of the one off chip."""
        return self._channel.memory

    def stream_cycles(self, size_bytes: int) -> int:
        """Cycles in which so many bytes keep the channel busy."""
        return math.ceil(size_bytes / self._channel.bytes_per_cycle)

    def request(self, size_bytes: int, direction: int) -> simpy.Event:
        """A transfer; the event happens when its last byte has passed, and its value is that cycle."""
        completed = self._env.event()
        self._requests += 1
        ready_at = int(self._env.now) + self._channel.latency_cycles
        request = _Request(ready_at, direction, self._requests, self.stream_cycles(size_bytes), completed)
        latency = self._env.timeout(self._channel.latency_cycles)
        if latency.callbacks is not None:
            latency.callbacks.append(lambda _: self._arrive(request))
        return completed

    def _arrive(self, request: _Request) -> None:
        heapq.heappush(self._ready, request)
        self._decide_at_end_of_cycle()

    def _decide_at_end_of_cycle(self) -> None:
        if not self._streaming and not self._deciding:
            self._deciding = True
            _EndOfCycle(self._env, self._decide)

    def _decide(self, _: simpy.Event) -> None:
        self._deciding = False
        self._streaming = True
        request = heapq.heappop(self._ready)
        stream = self._env.timeout(request.stream_cycles)
        if stream.callbacks is not None:
            stream.callbacks.append(lambda _: self._finish(request.completed))

    def _finish(self, completed: simpy.Event) -> None:
        self._streaming = False
        completed.succeed(int(self._env.now))
        if self._ready:
            self._decide_at_end_of_cycle()
