"""The channel of DRAM, or of another memory off chip: transfers wait out the latency, then stream one by one.

Latencies overlap with each other and with other transfers' streams, as with any memory that takes several
requests. The channel serves whoever has been ready longest; of those that became ready in the same cycle,
reads before writes, since the array waits for reads. What stops the array waits until that stands, and others
pass it meanwhile.
"""

import heapq
from collections.abc import Callable
from typing import Final, NamedTuple

import simpy
from simpy.events import EventPriority

from accelsim.hardware.memory import Channel
from accelsim.simulation.stops import Stops

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
    stops_array: bool


class DRAMChannel:
    """One channel for reads and writes."""

    def __init__(self, env: simpy.Environment, channel: Channel, stops: Stops) -> None:
        self._env = env
        self._channel = channel
        self._stops = stops
        stops.call_when_array_stands(self._decide_at_end_of_cycle)
        self._ready: list[_Request] = []
        self._ready_to_stop: list[_Request] = []
        """Those that stop the array."""
        self._requests = 0
        self._streaming = False
        self._deciding = False

    @property
    def name(self) -> str:
        """That of the memory off chip, or of the way to it that it is."""
        return self._channel.name

    @property
    def memory(self) -> str:
        """The name of the one off chip."""
        return self._channel.memory

    @property
    def bytes_per_cycle(self) -> float:
        """While it streams."""
        return self._channel.bytes_per_cycle

    def request(self, stream_cycles: int, direction: int, *, stops_array: bool = False) -> simpy.Event:
        """A transfer that keeps the channel busy for so long; the event happens when its last byte has
        passed, and its value is that cycle.
        """
        completed = self._env.event()
        self._requests += 1
        ready_at = int(self._env.now) + self._channel.latency_cycles
        request = _Request(ready_at, direction, self._requests, stream_cycles, completed, stops_array)
        latency = self._env.timeout(self._channel.latency_cycles)
        if latency.callbacks is not None:
            latency.callbacks.append(lambda _: self._arrive(request))
        return completed

    def _arrive(self, request: _Request) -> None:
        heapq.heappush(self._ready_to_stop if request.stops_array else self._ready, request)
        self._decide_at_end_of_cycle()

    def _decide_at_end_of_cycle(self) -> None:
        if not (self._streaming or self._deciding) and (self._ready or self._ready_to_stop):
            self._deciding = True
            _EndOfCycle(self._env, self._decide)

    def _decide(self, _: simpy.Event) -> None:
        self._deciding = False
        queue = self._queue_of_the_next()
        if not queue:
            return
        self._streaming = True
        request = heapq.heappop(queue)
        if request.stops_array:
            self._stops.begin_to_move()
        if not request.stream_cycles:  # which ends when every channel has decided
            _EndOfCycle(self._env, lambda _: self._finish(request))
            return
        stream = self._env.timeout(request.stream_cycles)
        if stream.callbacks is not None:
            stream.callbacks.append(lambda _: self._finish(request))

    def _queue_of_the_next(self) -> list[_Request]:
        """Where the request stands first that goes next; an empty one if none may."""
        ready, to_stop = self._ready, self._ready_to_stop
        if self._stops.array_computes or not to_stop or (ready and ready[0] < to_stop[0]):
            return ready
        return to_stop

    def _finish(self, request: _Request) -> None:
        self._streaming = False
        if request.stops_array:
            self._stops.end_to_move()
        request.completed.succeed(int(self._env.now))
        self._decide_at_end_of_cycle()
