"""The walk: a program executed step by step, with a buffer that holds what was loaded and nothing else.

At each step operands come in while those of the step before are still there, then the array works on what
the buffer holds, then what is complete goes through the vector unit to DRAM. Whatever is read, written,
taken or freed is counted as it happens and held against what the step says; complete outputs against the
direct computation. docs/decisions/verification.md says why this proves a schedule.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from accelsim.hardware.counts import ActionCounts, Direction, HostCounts
from accelsim.hardware.memory import POOL
from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Step
from accelsim.mapping.regions import Range, Region, Tile, Visit
from accelsim.network.layer import Layer
from accelsim.verification import step_bytes
from accelsim.verification.accesses import Accesses
from accelsim.verification.arithmetic import Compute
from accelsim.verification.bursts import Outside, outside_of
from accelsim.verification.case import Case
from accelsim.verification.counting import Counting, StepCounts
from accelsim.verification.coverage import PoolingWindows, Stored
from accelsim.verification.difference import Difference, Quantity, TileOfStep
from accelsim.verification.functions import Integers
from accelsim.verification.mismatch import MismatchError, expect_equal, refuse
from accelsim.verification.sampling import outputs_of
from accelsim.verification.sizes import OPERAND, elements_of, packed_bytes
from accelsim.verification.storage import Storage
from accelsim.verification.sums import Contribution, OutputBank, Sums
from accelsim.verification.uses import ReadTensor, Uses


@dataclass(frozen=True)
class Executed:
    """What executing a program came to."""

    steps: int
    products: int
    """Multiply-accumulates of the layer's loop nest that were computed on integers."""
    traffic: Accesses


def walk(case: Case, program: Iterable[tuple[Step, Visit]], computed: frozenset[Region] | None) -> Executed:
    """Execute a program; raises MismatchError at the first access that differs.

    Args:
        case: The layer, its mapping and the machine.
        program: Each step with what it moves.
        computed: Outputs of the tiles whose integers are computed; None stands for all.
    """
    execution = _Execution(case, computed)
    steps = 0
    for step, visit in program:
        try:
            execution.run(step, visit)
        except MismatchError as error:
            tile = TileOfStep(steps, _tile_ranges(visit, case.mapped))
            raise MismatchError(replace(error.mismatch, tile=tile)) from None
        steps += 1
    execution.finish()
    return Executed(steps, execution.products, execution.traffic)


def _tile_ranges(visit: Visit, layer: Layer) -> dict[str, Range]:
    """The tile along N, G, K, C, Y and X, and its taps where they are not all of the kernel's."""
    tile = visit.tile
    sizes = dict(zip("NGKCYX", tile[:6], strict=True))
    taps = {"FY": (tile.fy, layer.FY), "FX": (tile.fx, layer.FX)}
    sizes |= {letters: bounds for letters, (bounds, extent) in taps.items() if bounds != (0, extent)}
    return sizes


@dataclass
class _Execution:
    """The state of a program that is being executed."""

    case: Case
    computed: frozenset[Region] | None
    products: int = 0
    traffic: Accesses = field(default_factory=Accesses)

    def __post_init__(self) -> None:
        case = self.case
        layer, pooling = case.mapped, case.mapped.pooling
        self.placed = case.mapping.placed
        self.brought = self.placed & case.mapping.moved & {Operand.WEIGHTS, Operand.INPUTS}
        """What comes to where it stays, the first time that it is used."""
        there = self.placed - self.brought
        on_chip = frozenset(tensor for tensor, operand in OPERAND.items() if operand in there)
        self.storage = Storage(case.tensors.as_mapped(case.form), case.hardware.banks, on_chip)
        self.storage.used_bytes[POOL] = case.pool_bytes
        self.homes = case.homes
        by_name = {memory.name: memory for memory in case.hardware.memories}
        self.memories = {operand: by_name[name] for operand, name in self.homes.items()}
        self.outputs = OutputBank()
        self.uses = Uses(case)
        self.counting = Counting(case)
        self.compute = Compute(case, whole=self.computed is None)
        results = (layer.OY, layer.OX) if pooling is None else (pooling.OY, pooling.OX)
        self.stored = Stored(case.images, (layer.G, layer.K, *results))
        self.windows = None if pooling is None else PoolingWindows(layer, pooling)
        self.totals = StepCounts()
        self.step_count = 0
        self.freed: list[tuple[str, int]] = []
        """Room of the step before, which is free when this one's operands are there."""
        stopping = [operand for memory in case.hardware.on_chip for operand in memory.stops_array]
        self.in_turn = frozenset([operand.value for operand in stopping])
        """Of operands that move only while the array stands: it is free before this one's come."""

    def run(self, step: Step, visit: Visit) -> None:
        """One step."""
        outputs = outputs_of(visit.tile)
        is_computed = self.computed is None or outputs in self.computed
        self._give_back(self.in_turn)
        self._load(step, visit)
        sums = self._begin(step, visit, outputs, is_computed)
        self._work(visit, outputs, sums)
        self._free(step, visit)
        if visit.completes:
            self._complete(step, visit, outputs, sums)
        else:
            expect_equal(Quantity.STORED_INCOMPLETE_BYTES, step_bytes.stores(step), 0)
            expect_equal(Quantity.FREED_INCOMPLETE_BYTES, step_bytes.frees_of_outputs(step), 0)
            for region in visit.frees_later:  # by the host, which reads operands to the end
                self.storage.free(region)
        self._count(step, visit, outputs)

    def finish(self) -> None:
        """Nothing may be missing, and nothing left."""
        self._give_back()
        self.outputs.expect_empty()
        self.stored.expect_all()
        self.storage.give_back_pool(self.case.pool_bytes)
        self.storage.leave_pinned(self._tensors_that_stay())
        self.storage.expect_empty()
        totals = self.case.mapping.totals
        expect_equal(Quantity.STEPS, totals.steps, self.step_count)
        expect_equal(Quantity.PROGRAM_ARRAY_CYCLES, totals.array_cycles, self.totals.array_cycles)
        expect_equal(Quantity.PROGRAM_VECTOR_CYCLES, totals.vector_cycles, self.totals.vector_cycles)
        _expect_counts("the program", without_misses(totals.counts), self.totals.counts)

    def _tensors_that_stay(self) -> list[str]:
        """Of operands that come to stay: weights with their offsets, and inputs."""
        layer = self.case.mapped
        weights = [*(["weights"] if Operand.WEIGHTS in self.brought else [])]
        inputs = ["inputs"] if Operand.INPUTS in self.brought else []
        return [*weights, *(["offsets"] if weights and layer.bias else []), *inputs]

    def _load(self, step: Step, visit: Visit) -> None:
        sizes = self._rooms(visit.loads, visit)
        for operand, size in step_bytes.loads(step).items():
            expect_equal(Quantity.LOADED_BYTES, size, sizes.get(operand, 0), operand=operand)
        outside = self._outside(visit.loads)
        for operand, size in step_bytes.read(step).items():
            expect_equal(Quantity.READ_BYTES, size, outside.bytes.get(operand, 0), operand=operand)
        for operand, size in step_bytes.moved_loads(step).items():
            expect_equal(
                Quantity.MOVED_LOAD_BYTES, size, outside.moved_bytes.get(operand, 0), operand=operand
            )
        in_place = frozenset(self.brought & sizes.keys())
        if step_bytes.in_place(step) != in_place:
            scheduled, observed = map(_operand_words, (step_bytes.in_place(step), in_place))
            refuse(Difference.TAKES_ROOM_AGAIN, scheduled=scheduled, observed=observed)
        for region in visit.loads:
            put = self.storage.pin if OPERAND[region.tensor] in in_place else self.storage.load
            put(region)
        for operand, size in sizes.items():
            if operand not in in_place:
                self.storage.take(operand, size)
            self.traffic.count(self.homes[operand], "read", operand, outside.bytes[operand])

    def _rooms(self, regions: Iterable[Region], visit: Visit) -> dict[str, int]:
        """What regions take where they lie: of inputs, with the zeros around them if they are there, too."""
        pool = self.case.hardware.pool
        if pool is not None and pool.padded:
            regions = [_with_padding(region, visit.tile, self.case.mapped) for region in regions]
        return self.storage.rooms(self.case.sizes.by_operand(regions))

    def _outside(self, regions: Sequence[Region]) -> Outside:
        """What regions take outside, and what moves for it."""
        return outside_of(regions, self.case.mapped, self.case.sizes, self.memories)

    def _begin(self, step: Step, visit: Visit, outputs: Region, is_computed: bool) -> Sums:
        """Room for outputs at the first visit to them; then what the step before freed is free."""
        if visit.resumes:
            expect_equal(Quantity.TAKEN_AGAIN_BYTES, step_bytes.takes_for_outputs(step), 0)
            self._give_back()
            return self.outputs.resume(outputs)
        self.outputs.expect_none(outputs)
        room = self.counting.output_room(visit, outputs)
        if Operand.OUTPUTS in self.placed and visit.completes:
            room = self.counting.window_room(outputs)
        room = self.storage.room("outputs", room)
        expect_equal(Quantity.TAKEN_BYTES, step_bytes.takes_for_outputs(step), room)
        self.storage.take("outputs", room)
        self._give_back()
        self._expect_operand("offsets", visit)
        values = self.compute.start(self.storage, visit.tile) if is_computed else None
        sums = self.outputs.sums[outputs] = Sums(room, values, Contribution.whole(self.case.mapped))
        return sums

    def _expect_operand(self, tensor: ReadTensor, visit: Visit) -> None:
        """Stop where an operand that the tile uses is not in the buffer."""
        region = self.uses.region(tensor, visit.tile)
        if region is not None:
            self.storage.read(region)

    def _work(self, visit: Visit, outputs: Region, sums: Sums) -> None:
        """The array, or the vector unit on layers of its own."""
        for tensor in ("weights", "inputs", "factors"):
            self._expect_operand(tensor, visit)
        sums.add(outputs, Contribution.of(visit.tile))
        if sums.values is not None:
            sums.values = self.compute.work(self.storage, visit.tile, sums.values)
            self.products += elements_of(outputs) * self._products_of_output(visit.tile)

    def _products_of_output(self, tile: Tile) -> int:
        channels, tap_rows, tap_columns = (end - start for start, end in (tile.c, tile.fy, tile.fx))
        return channels * tap_rows * tap_columns * self.case.mapped.operands

    def _free(self, step: Step, visit: Visit) -> None:
        sizes, later = self._rooms(visit.frees, visit), self._rooms(visit.frees_later, visit)
        for operand, size in step_bytes.frees_after_array(step).items():
            expect_equal(Quantity.FREED_BYTES, size, sizes.get(operand, 0), operand=operand)
        by_vector_unit = step_bytes.frees_after_vector_unit(step)
        expect_equal(Quantity.FREED_BY_VECTOR_UNIT_BYTES, by_vector_unit, sum(later.values()))
        self.freed += [*sizes.items(), *later.items()]
        for region in visit.frees:
            self.storage.free(region)

    def _complete(self, step: Step, visit: Visit, outputs: Region, sums: Sums) -> None:
        """The vector unit finishes the outputs, and results go to DRAM."""
        sums.expect_complete(outputs)
        for tensor in ("residual", "residual_factors"):
            self._expect_operand(tensor, visit)
        finished: Integers | None = None
        if sums.values is not None:
            finished = self.compute.finish(self.storage, visit.tile, sums.values)
            self.compute.expect_outputs(outputs, finished)
        for region in visit.frees_later:
            self.storage.free(region)
        if visit.stores is None:
            refuse(Difference.STORES_NOTHING)
        self._store(step, visit.stores, outputs, finished)
        freed = step_bytes.frees_of_outputs(step)
        expect_equal(Quantity.FREED_BYTES, freed, sums.room_bytes, operand="outputs")
        self.freed.append(("outputs", sums.room_bytes))
        del self.outputs.sums[outputs]

    def _store(self, step: Step, results: Region, outputs: Region, finished: Integers | None) -> None:
        moves = Operand.OUTPUTS in self.case.mapping.moved
        size = self.case.sizes.by_operand((results,)).get("outputs", 0) if moves else 0
        expect_equal(Quantity.STORED_BYTES, step_bytes.stores(step), size)
        outside = self._outside((results,) if moves else ())
        expect_equal(Quantity.WRITTEN_BYTES, step_bytes.written(step), outside.bytes.get("outputs", 0))
        moved_bytes = outside.moved_bytes.get("outputs", 0)
        expect_equal(Quantity.MOVED_STORE_BYTES, step_bytes.moved_stores(step), moved_bytes)
        self.traffic.count(self.homes["outputs"], "written", "outputs", step_bytes.written(step))
        if self.windows is None:
            if results.ranges != outputs.ranges:
                refuse(Difference.STORES_OTHER_OUTPUTS, results=results, outputs=outputs)
            self.stored.store(results)
            return
        if results.ranges[0] != outputs.ranges[0]:
            refuse(Difference.STORES_OTHER_IMAGES, results=results)
        self.windows.add(outputs, finished)
        self.stored.store(results)
        values, computed = self.windows.take(results)
        self.compute.expect_results(results, values, computed)
        unfinished = packed_bytes(self.windows.unfinished, self.case.sizes.activation_bits)
        room = self.counting.window_room(outputs)
        if unfinished > room:
            refuse(Difference.WINDOWS_TOO_LARGE, unfinished=unfinished, room=room)

    def _count(self, step: Step, visit: Visit, outputs: Region) -> None:
        """Hold what was counted against what the step says."""
        counted = self.counting.step(visit, outputs)
        if not self.step_count:
            counted = self.counting.called(counted)
        self.step_count += 1
        expect_equal(Quantity.COMPLETES, step.completes, visit.completes)
        expect_equal(Quantity.ARRAY_CYCLES, step.array_cycles, counted.array_cycles)
        expect_equal(Quantity.VECTOR_CYCLES, step.vector_cycles, counted.vector_cycles)
        _expect_counts("the array", without_misses(step.array_counts), counted.array)
        _expect_counts(
            "the host" if self.counting.hosted else "the vector unit", step.vector_counts, counted.vector
        )
        self.traffic.add(counted.traffic)
        loads, stores = step_bytes.read(step), step_bytes.written(step)
        moved_loads = step_bytes.moved_loads(step)
        moved = {
            Direction.READ: loads,
            Direction.WRITE: {"outputs": stores},
            Direction.OVERFETCH: {operand: moved_loads[operand] - size for operand, size in loads.items()},
            Direction.MASKED: {"outputs": step_bytes.moved_stores(step) - stores},
        }
        self.totals.add(counted, moved, self.homes)

    def _give_back(self, operands: frozenset[str] = frozenset(OPERAND.values())) -> None:
        for operand, size in self.freed:
            if operand in operands:
                self.storage.give_back(operand, size)
        self.freed = [(operand, size) for operand, size in self.freed if operand not in operands]


def _with_padding(region: Region, tile: Tile, layer: Layer) -> Region:
    """Inputs as all windows of a tile cover them; other regions as they are."""
    if region.tensor != "inputs":
        return region
    axes = (
        (tile.y, tile.fy, layer.stride_y, layer.dilation_y),
        (tile.x, tile.fx, layer.stride_x, layer.dilation_x),
    )
    covered = [
        (0, (outputs[1] - outputs[0] - 1) * stride + (taps[1] - taps[0] - 1) * dilation + 1)
        for outputs, taps, stride, dilation in axes
    ]
    return Region(region.tensor, (*region.ranges[:-2], *covered))


def _operand_words(operands: Iterable[str]) -> str:
    return " and ".join(sorted(operands)) or "nothing"


def without_misses(counts: ActionCounts[int]) -> ActionCounts[int]:
    """Counts without what a cache fetches: that follows from addresses, which are not walked through."""
    kept = {access: size for access, size in counts.accesses.items() if access.direction != Direction.MISS}
    return counts if len(kept) == len(counts.accesses) else replace(counts, accesses=kept)


def _expect_counts(component: str, scheduled: ActionCounts[int], counted: ActionCounts[int]) -> None:
    if scheduled == counted:
        return
    for name in ("macs", "vector_ops", "register_file_bytes", "inter_pe_bytes"):
        in_schedule, executed = getattr(scheduled, name), getattr(counted, name)
        expect_equal(Quantity.ACTIONS, in_schedule, executed, action=name, component=component)
    for name, in_schedule, executed in zip(HostCounts._fields, scheduled.host, counted.host, strict=True):
        expect_equal(Quantity.ACTIONS, in_schedule, executed, action=f"host_{name}", component=component)
    for access in sorted({**scheduled.accesses, **counted.accesses}):
        memory, operand, direction = access
        expect_equal(
            Quantity.ACCESSED_BYTES,
            scheduled.accesses.get(access, 0),
            counted.accesses.get(access, 0),
            component=component,
            memory=memory,
            operand=operand,
            direction=direction,
        )
