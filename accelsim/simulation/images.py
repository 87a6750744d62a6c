"""Images in turn: a batch of which each image goes through all layers, one after the other.

The machine does not stand still between two images: as between two layers, what the next one needs comes
while the one before is still under way. All images but the first and the last are alike. So where one of them
begins in the state in which an earlier one began, what happened between the two happens again and again, as
with the iterations of a loop (traversal.py), and is not gone through again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import NamedTuple, TypeAlias

from accelsim.hardware import Hardware, Operand
from accelsim.hardware.counts import weighted_sum
from accelsim.mapping.mapping import ProgramPart
from accelsim.mapping.schedule import Schedule
from accelsim.simulation.activity import LayerActivity, moved_finish
from accelsim.simulation.entry import Entry, entries_of
from accelsim.simulation.log import Log
from accelsim.simulation.transitions import Transitions
from accelsim.simulation.traversal import Traversal

Waiting: TypeAlias = tuple[Mapping[Operand, int], ...]
"""Of each layer: what it was waited for, of all images so far."""


@dataclass(frozen=True)
class Image:
    """What an image in turn brings to the machine."""

    programs: Sequence[Sequence[ProgramPart]]
    """Of each layer."""
    entries: Sequence[Entry]
    """Of each layer."""

    @classmethod
    def of(cls, schedule: Schedule, hardware: Hardware, number: int) -> "Image":
        """One of those of a schedule."""
        image = schedule.of_image(number)
        return cls([mapping.program for mapping in image.mappings], entries_of(image, hardware))


class Beginning(NamedTuple):
    """When an image began, and what was waited for until then."""

    image: int
    cycle: int
    waiting: Waiting


class Period(NamedTuple):
    """Images after which the machine is in the state in which the first of them began."""

    first: int
    """The image with which it begins."""
    images: int
    cycles: int
    waiting: Waiting
    """What was waited for meanwhile."""

    @property
    def end(self) -> int:
        """The first image after it."""
        return self.first + self.images


def through_images(schedule: Schedule, hardware: Hardware, transitions: Transitions) -> tuple[Log, list[int]]:
    """What is observed while images go through a schedule in turn.

    Args:
        schedule: Of more than one image in turn.
        hardware: The machine.
        transitions: What simulations went through.

    Returns:
        Of each layer when it began for the first image, when it ended for the last, and what it was waited
        for by all; and by how many cycles it moves the finish for all images together.
    """
    walk = _ImageTraversal(hardware, schedule, transitions)
    last = schedule.images_in_turn - 1
    walk.go_through(Image.of(schedule, hardware, 0))
    if last > 1:
        walk.go_through_alike(Image.of(schedule, hardware, 1), last)
    walk.go_through(Image.of(schedule, hardware, last))
    walk.finish()
    end_cycles, cycles = walk.ends()
    log, layers = walk.log, range(len(schedule.layers))
    return (
        Log(
            {layer: log.start_cycles[layer] for layer in layers if layer in log.start_cycles},
            dict(enumerate(end_cycles)),
            {layer: dict(waiting) for layer, waiting in enumerate(walk.waiting) if waiting},
            log.least_free_bytes,
        ),
        cycles,
    )


class _ImageTraversal(Traversal):
    """Through a schedule, image by image; layers of an image are numbered after those of the one before."""

    def __init__(self, hardware: Hardware, schedule: Schedule, transitions: Transitions) -> None:
        super().__init__(hardware, schedule.idle_descriptors, transitions, schedule.pool_bytes_at_start)
        self.schedule = schedule
        self.layers = len(schedule.layers)
        self.image = 0
        """The one that comes next."""
        self.waiting: Waiting = ({},) * self.layers
        self.period: Period | None = None
        self.skipped = 0
        """Periods that were not gone through."""

    def go_through(self, image: Image) -> None:
        """The next image, until the last of its layers is handed over."""
        first_layer = self.image * self.layers
        waits_for = [
            [first_layer + producer for producer in producers] for producers in self.schedule.waits_for
        ]
        self._go_through(image.programs, waits_for, image.entries, first_layer)
        self._add_up_waiting()
        self.image += 1

    def go_through_alike(self, image: Image, last: int) -> None:
        """As many images as come before the last one; those that repeat what earlier ones did are skipped.

        They are when all images up to the end of a period have ended: what is under way when it begins anew
        ends as it did then only if as many images follow.
        """
        beginnings: dict[int, Beginning] = {}
        while self.image < last:
            if self.period is None:
                number = self._number()
                self._add_up_waiting()  # with what has passed of a standstill: the state does not hold it
                now = Beginning(self.image, self.cycle, self.waiting)
                earlier = beginnings.setdefault(number, now)
                if earlier is not now:
                    self.period = _period(earlier, now)
            elif not self.skipped and self._may_skip(self.period):
                self._skip(self.period, (last - self.image) // self.period.images)
                if self.image == last:
                    return
            self.go_through(image)

    def finish(self) -> None:
        """Until everything is done."""
        end = self.image * self.layers
        self._run_dry(end)
        for layer in range(end - self.layers, end):
            self._check_ended(layer)
        self._add_up_waiting()

    def _may_skip(self, period: Period) -> bool:
        """Whether a period begins anew, and all layers of images up to its end the first time have ended."""
        if (self.image - period.end) % period.images:
            return False
        return all(layer in self.log.end_cycles for layer in range(period.end * self.layers))

    def _skip(self, period: Period, times: int) -> None:
        """So many periods, in each of which the same happens."""
        self._number()  # by which the machine finds back to its state
        self.skipped = times
        self.waiting = tuple(
            {operand: cycles + times * of_period.get(operand, 0) for operand, cycles in waiting.items()}
            for waiting, of_period in zip(self.waiting, period.waiting, strict=True)
        )
        self.image += times * period.images
        self.cycle += times * period.cycles
        self.machine_is_here = False

    def _add_up_waiting(self) -> None:
        waiting = [dict(of_layer) for of_layer in self.waiting]
        for layer, cycles_of in self.log.waiting_cycles.items():
            of_layer = waiting[layer % self.layers]
            for operand, cycles in cycles_of.items():
                of_layer[operand] = of_layer.get(operand, 0) + cycles
        self.waiting = tuple(waiting)
        self.log.waiting_cycles.clear()

    def ends(self) -> tuple[list[int], list[int]]:
        """When each layer ended for the last image, and by how much it moves the finish for all of them.

        When an image begins, the last layer of the one before has not ended, and what ended before does not
        count any more: so by how much layers of a period move the finish is the same each time.
        """
        ends, layers = self.log.end_cycles, self.layers
        period = self.period or Period(0, 0, 0, ())
        end, later_layers = period.end * layers, self.skipped * period.images * layers
        later_cycles = self.skipped * period.cycles
        moved = moved_finish([ends[layer] for layer in range(end)])
        of_period = moved[period.first * layers :]
        # Layers of images after the period that ended before others were skipped ended later for the latter.
        after = [
            ends[layer] if layer in ends else ends[layer - later_layers] + later_cycles
            for layer in range(end + later_layers, self.image * layers)
        ]
        moved += moved_finish(after, sum(moved) + later_cycles)
        cycles = [
            sum(moved[layer::layers]) + self.skipped * sum(of_period[layer::layers])
            for layer in range(layers)
        ]
        return after[-layers:], cycles


def _period(earlier: Beginning, now: Beginning) -> Period:
    waiting = tuple(
        {operand: cycles - before.get(operand, 0) for operand, cycles in until_now.items()}
        for until_now, before in zip(now.waiting, earlier.waiting, strict=True)
    )
    return Period(earlier.image, now.image - earlier.image, now.cycle - earlier.cycle, waiting)


def summed(
    first: Sequence[LayerActivity], later: Sequence[LayerActivity], times: int, cycles: Sequence[int]
) -> tuple[LayerActivity, ...]:
    """What each layer did for the first image and for so many others, each of which did the same.

    Args:
        first: With all that was observed of the layers, and the work of the first image.
        later: With the work of any other image.
        times: How many others.
        cycles: By how much each layer moves the finish for all images.
    """
    return tuple(
        [
            _added_up(one, [one, other], [1, times])._replace(cycles=moved)
            for one, other, moved in zip(first, later, cycles, strict=True)
        ]
    )


def of_all_images(executed: Sequence[LayerActivity], images: int) -> tuple[LayerActivity, ...]:
    """What each layer did, from what it did for each image in turn."""
    layers = len(executed) // images
    return tuple([in_turn(executed[layer::layers]) for layer in range(layers)])


def in_turn(executed: Sequence[LayerActivity]) -> LayerActivity:
    """What a layer did, from what it did for one after the other of several images, or in several stripes."""
    waiting: dict[Operand, int] = {}
    for of_image in executed:
        for operand, cycles in of_image.waiting_cycles.items():
            waiting[operand] = waiting.get(operand, 0) + cycles
    observed = executed[0]._replace(
        end_cycle=executed[-1].end_cycle,
        cycles=sum([of_image.cycles for of_image in executed]),
        waiting_cycles=waiting,
    )
    return _added_up(observed, executed, [1] * len(executed))


def _added_up(
    observed: LayerActivity, of_images: Sequence[LayerActivity], times: Sequence[int]
) -> LayerActivity:
    """What was observed of a layer, with the work of images, each so many times."""
    by_memory = {
        memory: sum(map(mul, times, [of_image.busy_cycles_by_memory[memory] for of_image in of_images]))
        for memory in observed.busy_cycles_by_memory
    }
    dram_busy_cycles = sum(map(mul, times, [of_image.dram_busy_cycles for of_image in of_images]))
    return observed._replace(
        dram_busy_cycles=max(by_memory.values(), default=dram_busy_cycles),
        array_busy_cycles=sum(map(mul, times, [of_image.array_busy_cycles for of_image in of_images])),
        vector_busy_cycles=sum(map(mul, times, [of_image.vector_busy_cycles for of_image in of_images])),
        host_busy_cycles=sum(map(mul, times, [of_image.host_busy_cycles for of_image in of_images])),
        counts=weighted_sum([of_image.counts for of_image in of_images], times),
        busy_cycles_by_memory=by_memory,
    )
