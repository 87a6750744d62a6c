"""RunResult: what a run found out, with the names that the JSON output has too."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

Bound = Literal["compute", "array_fill", "dram", "latency", "vector"]
"""What a layer's time is made of:

compute     the array is busy, and mostly with multiply-accumulates;
array_fill  the array is busy, but half its PE cycles or more do no multiply-accumulate (unused rows and
            columns, loading of weights or inputs, draining of outputs);
dram        the DRAM channel streams;
vector      the vector unit works;
latency     none of them is busy for half of the time: they wait for each other or for DRAM's latency.
"""


@dataclass(frozen=True)
class Traffic:
    """Bytes read from and written to a memory."""

    read: int
    write: int

    @property
    def total(self) -> int:
        """Bytes moved either way."""
        return self.read + self.write


@dataclass(frozen=True)
class Energy:
    """Energy in the unit of the hardware file's table, and in joules where that tells the unit's."""

    total: float
    unit: str
    by_component: Mapping[str, float]
    """mac, register_file, inter_pe, global_buffer, dram, vector."""
    joules: float | None = None


@dataclass(frozen=True, slots=True)
class LayerCosts:
    """What a layer costs by its mapping alone, whatever runs before and after it."""

    macs: int
    energy: float
    energy_by_component: Mapping[str, float]
    dram_bytes: Traffic
    global_buffer_bytes: Traffic
    compulsory_dram_bytes: int
    lower_bound_cycles: int
    busy_cycles: Mapping[str, int]
    shape: str
    tile: str


class LayerResult(NamedTuple):
    """One executed layer, for the whole batch."""

    name: str
    stage: str
    operator: str
    shape: str
    """`64x3x5x5/2 -> 112x112`: output x input channels x kernel / stride -> output."""
    dataflow: str
    """A dataflow of the PE array, or `vector` for layers that the vector unit executes."""
    fused: tuple[str, ...]
    """Names of the published operators that run within the layer."""
    macs: int
    """As published, times the batch."""
    params: int
    cycles: int
    """By how much the layer moves the finish: its completion minus that of the layer before."""
    start_cycle: int
    """When its first byte is requested; layers overlap."""
    end_cycle: int
    """When its last output has reached DRAM."""
    utilization: float
    """Multiply-accumulates executed / (PEs x cycles), or x the cycles in which the array worked for the layer
    where those are more, because it began while the layer before was still being stored."""
    bound_by: Bound
    energy: float
    energy_by_component: Mapping[str, float]
    dram_bytes: Traffic
    global_buffer_bytes: Traffic
    compulsory_dram_bytes: int
    """Every input, weight and output exactly once: no schedule of the layer moves less."""
    lower_bound_cycles: int
    """The larger of multiply-accumulates / PEs and compulsory traffic / bandwidth: no schedule of the layer
    alone is faster; `cycles` can be less where weights came while the layer before ran."""
    busy_cycles: Mapping[str, int]
    """Cycles in which `array`, `dram` and `vector` worked for this layer."""
    tiles: int
    tile: str
    """As a person writes it: `K64 C16 Y8 X56`, and the order in which tiles are visited."""


@dataclass(frozen=True)
class RunResult:
    """One network on one machine. Attributes have the names of `run --format json`."""

    accelsim: str
    """Version of the model that computed this."""
    network: str
    hardware: str
    batch: int
    clock_mhz: float
    cycles: int
    macs: int
    """Convolutions and fully connected layers as published, times the batch."""
    params: int
    """Weights, biases, batch-normalisation scale and shift."""
    utilization: float
    energy: Energy
    dram_bytes: Traffic
    global_buffer_bytes: Traffic
    peak_global_buffer_bytes: int
    lower_bound_cycles: int
    layers: tuple[LayerResult, ...] = field(repr=False)

    @property
    def time_ms(self) -> float:
        """Latency of the batch [ms]."""
        return self.cycles / (self.clock_mhz * 1e3)

    @property
    def frames_per_second(self) -> float:
        """Images per second, batch after batch."""
        return self.batch * self.clock_mhz * 1e6 / self.cycles

    def to_dict(self) -> dict[str, Any]:
        """Plain values in the order and with the names of `run --format json`."""
        return {
            "accelsim": self.accelsim,
            "network": self.network,
            "hardware": self.hardware,
            "batch": self.batch,
            "clock_mhz": self.clock_mhz,
            "cycles": self.cycles,
            "time_ms": self.time_ms,
            "frames_per_second": self.frames_per_second,
            "macs": self.macs,
            "params": self.params,
            "utilization": self.utilization,
            "lower_bound_cycles": self.lower_bound_cycles,
            "energy": _energy(self.energy),
            "dram_bytes": _traffic(self.dram_bytes),
            "global_buffer_bytes": _traffic(self.global_buffer_bytes),
            "peak_global_buffer_bytes": self.peak_global_buffer_bytes,
            "layers": [layer_to_dict(layer) for layer in self.layers],
        }

    def to_dataframe(self) -> "pd.DataFrame":
        """One row a layer, one column a value (`dram_bytes_read`); needs `pip install accelsim[pandas]`."""
        import pandas as pd  # noqa: PLC0415  (an extra, and slow to import)

        return pd.DataFrame([flat(layer_to_dict(layer)) for layer in self.layers])


def layer_to_dict(layer: LayerResult) -> dict[str, Any]:
    """Plain values of one layer, with the names of `run --format json`."""
    return {
        "name": layer.name,
        "stage": layer.stage,
        "operator": layer.operator,
        "shape": layer.shape,
        "dataflow": layer.dataflow,
        "fused": list(layer.fused),
        "macs": layer.macs,
        "params": layer.params,
        "cycles": layer.cycles,
        "start_cycle": layer.start_cycle,
        "end_cycle": layer.end_cycle,
        "utilization": layer.utilization,
        "bound_by": layer.bound_by,
        "energy": layer.energy,
        "energy_by_component": dict(layer.energy_by_component),
        "dram_bytes": _traffic(layer.dram_bytes),
        "global_buffer_bytes": _traffic(layer.global_buffer_bytes),
        "compulsory_dram_bytes": layer.compulsory_dram_bytes,
        "lower_bound_cycles": layer.lower_bound_cycles,
        "busy_cycles": dict(layer.busy_cycles),
        "tiles": layer.tiles,
        "tile": layer.tile,
    }


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested names joined by `_`, lists by a space: one row of a table."""
    row: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            row |= {f"{name}_{inner}": entry for inner, entry in flat(value).items()}
        else:
            row[name] = " ".join(value) if isinstance(value, list) else value
    return row


def _traffic(traffic: Traffic) -> dict[str, int]:
    return {"read": traffic.read, "write": traffic.write}


def _energy(energy: Energy) -> dict[str, Any]:
    values: dict[str, Any] = {
        "total": energy.total,
        "unit": energy.unit,
        "by_component": dict(energy.by_component),
    }
    return values if energy.joules is None else values | {"joules": energy.joules}
