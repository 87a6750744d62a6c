"""State: what the machine is in between two steps, as a value."""

from typing import Final, NamedTuple, TypeAlias

from accelsim.simulation.task_queue import QueueState, Tag

Waiting: TypeAlias = tuple[tuple[int, ...], ...]
"""Tasks that wait for the array, each by the three numbers of its tag and with what holds it up itself: when
those of its loads come, the last ones, that come after it could begin; with several channels, the bits of
those that are still to come."""


class TensorState(NamedTuple):
    """What tensors will take of the pool, and give back, because of layers that have begun."""

    taken_bytes: int
    """With the room of the next step, which is the first of its layer."""
    freed_bytes: tuple[tuple[int, int], ...]
    """By layers that are not finished, counted back from the DMA's, the earliest first: when they are."""


NO_TENSORS: Final = TensorState(taken_bytes=0, freed_bytes=())
"""Where nothing stays in a pool."""


class ChannelState(NamedTuple):
    """What the channel of one of several memories off chip does."""

    streaming: tuple[int, Tag | None] | None
    """When the transfer ends, and for a write the task that it is for."""
    reads: tuple[tuple[int, int], ...]
    """When each is ready, how long it streams. They come for the tasks that wait for the array, in the same
    order."""
    writes: QueueState | None
    """When outputs are ready that go over it, and of whom."""
    host_writes: QueueState | None = None
    """Outputs of the host, of a machine that has one."""


class EngineState(NamedTuple):
    """What a machine is in whose engines have rules of their own (engine_stepper.py)."""

    next_turn_cycles: int
    """Until the next step may be handed over."""
    in_flight: tuple[int, ...]
    """Steps that are handed over and not done, in order: how each will end, or that it has ended and waits
    for one before it."""
    seen_cycles: tuple[int, ...]
    """Until each step that is done is seen to be."""
    has_room: bool
    """Whether the first step that waits for the array has its room, and waits for what stops the array."""


class HostState(NamedTuple):
    """What the host does."""

    busy_cycles: int
    """How long it still works on what it has been given."""
    to_finish: QueueState | None
    """When it is done with tasks that free bytes then or have nothing to store, and these tasks."""
    engines: EngineState | None = None
    """Of a machine whose engines have rules of their own."""


class State(NamedTuple):
    """All that what happens next depends on, apart from the steps to come; times relative to now."""

    prefetch: int
    """Steps that may be under way while one of the layer is asked for."""
    free_bytes: tuple[int, ...]
    """Of each bank of the memories on chip."""
    to_array: Waiting
    in_array: tuple[int, Tag] | None
    vector_busy_cycles: int
    """How long the vector unit still works on what it has been given, once the array is done."""
    to_finish: QueueState | None
    """When it is done with tasks that free bytes then or have nothing to store, and these tasks."""
    executing_cycles: int
    """How long the vector unit still executes steps of its own layers, once the array is done."""
    waits_for: tuple[int, ...]
    """Layers, counted back from the DMA's, that have to be finished before it may ask for inputs."""
    writes: QueueState | None
    """Where there is one channel: when outputs will be there that are to be stored, and of whom."""
    stores: QueueState | None = None
    """The same: of outputs that wait for nothing but those before them, when they are stored."""
    channel_busy_cycles: int = 0
    """The same: how long a read waits for it that is asked for now, once it is ready."""
    tensors: TensorState = NO_TENSORS
    channels: tuple[ChannelState, ...] = ()
    """Where there are several: each."""
    homes: tuple[tuple[int, tuple[int, ...]], ...] = ()
    """Where they depend on the layer: of those that are not finished, counted back from the DMA's, the
    earliest first, the channel of each operand."""

    host: HostState | None = None
    """None where the machine has no host, and its engines no rules of their own."""

    @property
    def entries(self) -> int:
        """How long it is: what its queues list, one by one or in runs."""
        entries = len(self.to_array)
        for queue in (self.writes, self.stores, self.to_finish):
            if queue is not None:
                entries += 1 + len(queue.runs)
        for channel in self.channels:
            entries += len(channel.reads) + _entries(channel.writes) + _entries(channel.host_writes)
        if self.host is not None:
            entries += _entries(self.host.to_finish)
        return entries


def _entries(queue: QueueState | None) -> int:
    return 0 if queue is None else 1 + len(queue.runs)
