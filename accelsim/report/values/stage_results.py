"""Stages: what a run found out, added up over the parts that the network's table names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, get_args

from accelsim.hardware import Operand
from accelsim.result import Bound, LayerResult, RunResult
from accelsim.traffic import Traffic

OPERANDS: Final = tuple(map(str, Operand))
"""Their names in results."""


@dataclass(frozen=True)
class StageResult:
    """Successive layers of one stage, and their sums; a `LayerResult` says what each sum is of.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> sum(stage.cycles for stage in stages(result)) == result.cycles
        True
    """

    name: str
    """As the network's table names it."""
    layers: tuple[LayerResult, ...]
    """In running order."""
    macs: int
    """As published, times the batch."""
    skipped_macs: int
    """Of these, those that were not executed."""
    cycles: int
    """By which the stage moves the finish."""
    utilization: float
    """MACs executed / (PEs x cycles)."""
    energy: float
    """In the unit of the run."""
    dram_bytes: Traffic
    """Read and written, as of the buffer below."""
    global_buffer_bytes: Traffic
    """Of all memories on chip."""
    compulsory_dram_bytes: int
    """Every input, weight and output of each layer once."""
    least_cycles: int
    """Lower bounds of its layers, each for itself, that hold wherever tensors stay."""
    bound_by: Bound
    """What bounds the layers that take most of the time."""


def stages(result: RunResult) -> list[StageResult]:
    """The stages of a run.

    Args:
        result: A run.

    Returns:
        A stage for each name of the network's table, in network order.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> [stage.name for stage in stages(result)][:2]
        ['conv1', 'stage1']
    """
    return [_sum(name, tuple(members)) for name, members in groupby(result.layers, lambda layer: layer.stage)]


def off_chip_bytes(value: LayerResult | StageResult, operand: str) -> int:
    """What the memories off chip, which reports call DRAM, are read and written for one operand."""
    if isinstance(value, StageResult):
        return sum(off_chip_bytes(layer, operand) for layer in value.layers)
    return sum(
        [
            memory.read_bytes.get(operand, 0) + memory.written_bytes.get(operand, 0)
            for memory in value.memories.values()
            if memory.is_off_chip
        ]
    )


def tensors_can_go_outside(result: RunResult) -> bool:
    """Whether a memory off chip takes what layers put out, so that none is for weights alone."""
    return any(Operand.OUTPUTS in memory.home_of for memory in result.memories.values())


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
        least_cycles=sum(layer.least_cycles for layer in layers),
        bound_by=next(iter(cycles_by_bound(layers)), layers[0].bound_by),
    )


def _traffic(parts: Iterable[Traffic]) -> Traffic:
    parts = list(parts)
    return Traffic(sum(part.read for part in parts), sum(part.write for part in parts))
