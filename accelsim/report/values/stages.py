"""Stages: what a run found out, added up over the parts that the network's table names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, get_args

from accelsim.hardware import Operand
from accelsim.result import Bound, LayerResult, RunResult, Traffic

OPERANDS: Final = tuple(map(str, Operand))
"""Their names in results."""


@dataclass(frozen=True)
class StageResult:
    """Successive layers of one stage, and their sums."""

    name: str
    layers: tuple[LayerResult, ...]
    macs: int
    skipped_macs: int
    cycles: int
    utilization: float
    energy: float
    dram_bytes: Traffic
    global_buffer_bytes: Traffic
    compulsory_dram_bytes: int
    lower_bound_cycles: int
    bound_by: Bound
    """What bounds the layers that take most of the time."""


def stages(result: RunResult) -> list[StageResult]:
    """The stages of a run in network order."""
    return [_sum(name, tuple(members)) for name, members in groupby(result.layers, lambda layer: layer.stage)]


def outermost_bytes(value: LayerResult | StageResult, operand: str) -> int:
    """What the outermost memory, which reports call DRAM, is read and written for one operand."""
    if isinstance(value, StageResult):
        return sum(outermost_bytes(layer, operand) for layer in value.layers)
    memory = next(iter(value.memories.values()), None)
    if memory is None:
        return 0
    return memory.read_bytes.get(operand, 0) + memory.written_bytes.get(operand, 0)


def cycles_by_bound(layers: Iterable[LayerResult]) -> dict[Bound, int]:
    """Cycles of the layers that each bound bounds, the most first; bounds of no layer are left out."""
    cycles: dict[Bound, int] = dict.fromkeys(get_args(Bound), 0)
    for layer in layers:
        cycles[layer.bound_by] += layer.cycles
    return {bound: count for bound, count in sorted(cycles.items(), key=lambda item: -item[1]) if count}


def _sum(name: str, layers: Sequence[LayerResult]) -> StageResult:
    cycles = sum(layer.cycles for layer in layers)
    busy = sum(layer.utilization * layer.cycles for layer in layers)
    return StageResult(
        name=name,
        layers=tuple(layers),
        macs=sum(layer.macs for layer in layers),
        skipped_macs=sum(layer.skipped_macs for layer in layers),
        cycles=cycles,
        utilization=busy / cycles if cycles else 0.0,
        energy=sum(layer.energy for layer in layers),
        dram_bytes=_traffic(layer.dram_bytes for layer in layers),
        global_buffer_bytes=_traffic(layer.global_buffer_bytes for layer in layers),
        compulsory_dram_bytes=sum(layer.compulsory_dram_bytes for layer in layers),
        lower_bound_cycles=sum(layer.lower_bound_cycles for layer in layers),
        bound_by=next(iter(cycles_by_bound(layers)), layers[0].bound_by),
    )


def _traffic(parts: Iterable[Traffic]) -> Traffic:
    parts = list(parts)
    return Traffic(sum(part.read for part in parts), sum(part.write for part in parts))
