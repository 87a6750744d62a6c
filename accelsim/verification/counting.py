"""What a step does on chip, counted: passes of the array, work of the vector unit, room in the output bank.

Steps whose tiles are alike do alike, so each kind is walked through once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, prod

from accelsim.hardware.counts import Access as CountedAccess
from accelsim.hardware.counts import ActionCounts, Direction, HostCounts
from accelsim.hardware.host import HOST
from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.loop_order import letters_of
from accelsim.mapping.regions import Region, Visit
from accelsim.verification.accesses import Access
from accelsim.verification.case import Case
from accelsim.verification.passes import passes_of
from accelsim.verification.passes.tile import ArrayMachine, PassCounts, TileWork
from accelsim.verification.sizes import elements_of, packed_bytes
from accelsim.verification.uses import Uses


@dataclass(frozen=True)
class Counted:
    """What one step does on chip."""

    array_cycles: int
    vector_cycles: int
    array: ActionCounts[int]
    vector: ActionCounts[int]
    traffic: dict[tuple[str, Access, str], int]


def _hosted(
    mac_cycles: int,
    counts: ActionCounts[int],
    traffic: dict[tuple[str, Access, str], int],
    hardware: Hardware,
) -> Counted:
    """What would be the work of array and vector unit, as the host's."""
    host = hardware.host
    assert host is not None  # which executes it
    cycles = host.cycles_per_tile + mac_cycles + ceil(counts.vector_ops / host.elements_per_cycle)
    of_host = HostCounts(macs=counts.macs, elements=counts.vector_ops)
    counts = ActionCounts(accesses=counts.accesses, host=of_host)
    return Counted(0, cycles, ActionCounts(), counts, traffic)


@dataclass
class StepCounts:
    """Sums over steps."""

    array_cycles: int = 0
    vector_cycles: int = 0
    counts: ActionCounts[int] = field(default_factory=ActionCounts)

    def add(
        self,
        counted: Counted,
        moved_by_direction: Mapping[Direction, Mapping[str, int]],
        homes: Mapping[str, str],
    ) -> None:
        """One more step, and what it moved between the chip and the memories that operands are at home in."""
        self.array_cycles += counted.array_cycles
        self.vector_cycles += counted.vector_cycles
        moved = {
            CountedAccess(homes[operand], Operand(operand), direction): size
            for direction, sizes in moved_by_direction.items()
            for operand, size in sizes.items()
            if size
        }
        self.counts = self.counts + counted.array + counted.vector + ActionCounts(accesses=moved)


class Counting:
    """Counts what the steps of a layer do."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.layer = case.mapped
        self.uses = Uses(case)
        self.passes = passes_of(case.mapping.dataflow) if self.layer.on_array else None
        self.hosted = case.mapping.dataflow == HOST
        unit = case.hardware.on_host if self.hosted else case.hardware
        self.machine = ArrayMachine.of(
            unit, case.mapping.dataflow, case.mapping.idle_rows, case.mapping.parameters
        )
        self._kinds: dict[object, Counted] = {}

    def output_room(self, visit: Visit, outputs: Region) -> int:
        """Room from the first visit to outputs to the last: for sums as wide as they are, and for windows."""
        room = self.case.sizes.output_bytes(elements_of(outputs), partial=not visit.completes)
        return room + self.window_room(outputs)

    def window_room(self, outputs: Region) -> int:
        """Room for pooling windows that cuts through the output plane leave unfinished."""
        pooling, tile = self.layer.pooling, self.case.mapping.tile
        if pooling is None:
            return 0
        rows = ceil(Fraction(pooling.FY - 1, pooling.stride_y))
        columns = ceil(Fraction(pooling.FX - 1, pooling.stride_x))
        n, g, k, y, x = (end - start for start, end in outputs.ranges)
        loops = letters_of(self.case.mapping.order)
        # Until the other side of a cut comes, the loops inside the one that goes there are gone through.
        in_rows, in_columns = loops[loops.index("OY") :], loops[loops.index("OX") :]
        # Windows of FY rows, S apart: at most ceil((FY - 1) / S) rows of them reach across a cut.
        width = pooling.OX if "OX" in in_rows else ceil(Fraction(x, pooling.stride_x)) + columns
        height = pooling.OY if "OY" in in_columns else ceil(Fraction(y, pooling.stride_y)) + rows
        bottom = rows * width if tile.y < self.layer.OY else 0
        right = columns * height if tile.x < self.layer.OX else 0
        extents = {"N": (n, self.case.images), "G": (g, self.layer.G), "K": (k, self.layer.K)}
        windows = sum(
            cut * prod(extent if letter in inside else size for letter, (size, extent) in extents.items())
            for cut, inside in ((bottom, in_rows), (right, in_columns))
        )
        return packed_bytes(windows, self.case.sizes.activation_bits)

    def step(self, visit: Visit, outputs: Region) -> Counted:
        """What the array and the vector unit do at a step, or the host."""
        weights = self.uses.region("weights", visit.tile)
        nonzero = 0 if weights is None else self.case.nonzero(weights)
        inputs = self.uses.brought_inputs(visit.tile)
        stored = 0 if visit.stores is None else elements_of(visit.stores)
        sizes = tuple(end - start for start, end in visit.tile)
        kind = (sizes, nonzero, inputs, stored, visit.resumes, visit.completes)
        counted = self._kinds.get(kind)
        if counted is None:
            counted = self._kinds[kind] = self._counted(visit, outputs, weights, inputs, stored)
        return counted

    def called(self, first: Counted) -> Counted:
        """The first step of a layer, with the call before it of the host or of the array."""
        if self.layer.on_array and not self.hosted:
            before = self.case.hardware.pe_array.cycles_per_call
            return replace(first, array_cycles=first.array_cycles + before)
        host = self.case.hardware.host
        if host is None or not self.hosted:
            return first
        vector = first.vector + ActionCounts(host=HostCounts(calls=1))
        return replace(first, vector_cycles=first.vector_cycles + host.cycles_per_call, vector=vector)

    def _counted(
        self, visit: Visit, outputs: Region, weights: Region | None, inputs: int, stored: int
    ) -> Counted:
        traffic: dict[tuple[str, Access, str], int] = {}
        if weights is None:
            walked = PassCounts()
            traffic[self.memory_of("inputs"), "read", "inputs"] = packed_bytes(
                inputs, self.case.sizes.activation_bits
            )
        else:
            walked = self._walked(visit, weights, traffic)
        registers = self._register_bytes(walked)
        sums = self.case.sizes.partial_sum_bytes(elements_of(outputs))
        read_sums, written_sums = (
            between + self.case.sizes.partial_sum_bytes(within)
            for between, within in (
                (sums * visit.resumes, walked.sum_read_words),
                (sums * (not visit.completes), walked.sum_written_words),
            )
        )
        array = ActionCounts(
            macs=walked.macs,
            register_file_bytes=registers,
            inter_pe_bytes=packed_bytes(walked.input_hops, self.case.sizes.activation_bits)
            + packed_bytes(walked.sum_hops, self.case.sizes.partial_sum_bits),
            accesses=self._accesses(
                {operand: size for (_, _, operand), size in traffic.items()} | {"outputs": read_sums},
                {"outputs": written_sums},
            ),
        )
        vector = self._vector(visit, outputs, stored)
        for (memory, operand, direction), size in (array + vector).accesses.items():
            traffic[memory, "read" if direction is Direction.READ else "written", operand.value] = size
        traffic |= _register_traffic(walked)
        if self.hosted:
            return _hosted(walked.cycles, array + vector, traffic, self.case.hardware)
        lanes = self.case.hardware.vector_lanes
        return Counted(walked.cycles, -(-vector.vector_ops // lanes), array, vector, traffic)

    def _walked(
        self, visit: Visit, weights: Region, traffic: dict[tuple[str, Access, str], int]
    ) -> PassCounts:
        """Every pass of the array, and what it reads of the buffer."""
        assert self.passes is not None  # since the array executes the layer
        layer, sizes = self.layer, self.case.sizes
        n, g, k, c, y, x, fy, fx = (end - start for start, end in visit.tile)
        strides, dilations = (layer.stride_y, layer.stride_x), (layer.dilation_y, layer.dilation_x)
        nonzero = self.case.nonzero(weights)
        resumes, density = visit.resumes, float(layer.input_density)
        depthwise = layer.K == layer.C == 1
        tile = TileWork(n, g, k, c, y, x, fy, fx, strides, dilations, nonzero, resumes, density, depthwise)
        walked = self.passes.walk(tile, self.machine)
        if layer.weight_density is None:
            weight_bytes = packed_bytes(walked.weight_read_words, sizes.weight_bits)
        else:
            weight_bytes = packed_bytes(walked.weight_reads * sizes.stored_weight_bits(weights), 1)
        if Operand.WEIGHTS in self.case.hardware.bank_of:  # else they stream past
            traffic[self.memory_of("weights"), "read", "weights"] = weight_bytes
        traffic[self.memory_of("inputs"), "read", "inputs"] = packed_bytes(
            walked.input_read_words, sizes.activation_bits
        )
        return walked

    def memory_of(self, operand: str) -> str:
        """The memory on chip in which an operand's tiles are buffered."""
        return self.case.hardware.bank_of[Operand(operand)].memory

    def _accesses(self, read: Mapping[str, int], written: Mapping[str, int]) -> dict[CountedAccess, int]:
        """Bytes of operands that are read on chip, and written; none that is zero."""
        return {
            CountedAccess(self.memory_of(operand), Operand(operand), direction): size
            for direction, sizes in ((Direction.READ, read), (Direction.WRITE, written))
            for operand, size in sizes.items()
            if size and Operand(operand) in self.case.hardware.bank_of
        }

    def _register_bytes(self, walked: PassCounts) -> int:
        sizes = self.case.sizes
        weights = walked.weight_register_writes + walked.weight_register_reads
        sums = walked.partial_sum_writes + walked.partial_sum_reads
        inputs = walked.input_register_writes + walked.input_register_reads
        return (
            packed_bytes(weights, sizes.weight_bits)
            + packed_bytes(sums, sizes.partial_sum_bits)
            + packed_bytes(inputs, sizes.activation_bits)
        )

    def _vector(self, visit: Visit, outputs: Region, stored: int) -> ActionCounts[int]:
        """Fused operators in proportion to the outputs, a pooling for each result and place of its window."""
        if not visit.completes:
            return ActionCounts()
        layer, sizes = self.layer, self.case.sizes
        for_image = layer.vector_ops + sum(operator.vector_ops for operator in layer.fused)
        for_output = Fraction(for_image, layer.G * layer.K * layer.OY * layer.OX)
        ops = ceil(for_output * elements_of(outputs))
        if layer.pooling is not None:
            ops += stored * layer.pooling.FY * layer.pooling.FX
        operands = (self.uses.region(tensor, visit.tile) for tensor in ("residual", "residual_factors"))
        read = [region for region in operands if region is not None]
        return ActionCounts(
            vector_ops=ops,
            accesses=self._accesses(
                {"residual": sizes.by_operand(read).get("residual", 0)},
                {"outputs": packed_bytes(stored, sizes.activation_bits)},
            ),
        )


def _register_traffic(walked: PassCounts) -> dict[tuple[str, Access, str], int]:
    return {
        ("register_file", "written", "weights"): walked.weight_register_writes,
        ("register_file", "read", "weights"): walked.weight_register_reads,
        ("register_file", "written", "outputs"): walked.partial_sum_writes,
        ("register_file", "read", "outputs"): walked.partial_sum_reads,
        ("register_file", "written", "inputs"): walked.input_register_writes,
        ("register_file", "read", "inputs"): walked.input_register_reads,
        ("inter_pe", "moved", "inputs"): walked.input_hops,
        ("inter_pe", "moved", "outputs"): walked.sum_hops,
    }
