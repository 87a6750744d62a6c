"""RunResult: what a run found out, with the names that the JSON output has too."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from accelsim.errors import missing_extra
from accelsim.held_against import HeldAgainst
from accelsim.power import BatchEnergy, Energy, FrameRate, frame_rate_of
from accelsim.traffic import MemoryResult, Traffic

if TYPE_CHECKING:
    import pandas as pd

    from accelsim.memory_map import MemoryMap
    from accelsim.network.layer import Layer

Bound = Literal["compute", "array_fill", "dram", "latency", "vector", "host"]
"""What a layer's time is made of:

compute     the array is busy, and mostly with multiply-accumulates;
array_fill  the array is busy, but half its PE cycles or more do no multiply-accumulate (unused rows and
            columns, loading of weights or inputs, draining of outputs);
dram        the DRAM channel streams;
vector      the vector unit works (host: the host does);
latency     none of them is busy for half of the time: they wait for each other or for DRAM's latency.
"""
_LOOPS: Final = ("G", "K", "C", "OY", "OX", "FY", "FX", "IY", "IX")  # bounds, as `Layer` has them
_OUTPUTS: Final = "outputs"
_OPERANDS: Final = ("inputs", "weights", _OUTPUTS, "residual")
_STEPS: Final = ("stride_y", "stride_x", "dilation_y", "dilation_x", "pad_top", "pad_left")  # of windows


class FirstInference(NamedTuple):
    """What the first inference takes, in which pinned weights come; names as in `RunResult`."""

    cycles: int
    energy: Energy
    memories: Mapping[str, MemoryResult]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the names of `run --format json`."""
        return {"cycles": self.cycles, "energy": self.energy.to_dict(), "memories": _memories(self.memories)}


class CascadePart(NamedTuple):
    """A layer's part in a cascade: several layers in a row that run stripe by stripe.

    Example:
        >>> CascadePart(0, stripes=7, stripe_rows=4, weights_stay=True, window_rows=6, window_bytes=9).number
        0
    """

    number: int
    """Of the cascade, in running order; those of its layers have the same."""
    stripes: int
    """In which the layer has something to do."""
    stripe_rows: int
    """Of the outputs of the cascade's last layer, in one stripe."""
    weights_stay: bool
    """Whether its weights are on chip for all of the cascade; else they come again with each stripe."""
    window_rows: int | None
    """Of its outputs, how many are on chip at a time; None of the last layer, whose outputs are a tensor."""
    window_bytes: int | None
    """What they take there."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the names of `run --format json`."""
        return {
            "cascade": self.number,
            "stripes": self.stripes,
            "stripe_rows": self.stripe_rows,
            "weights_stay": self.weights_stay,
            "window_rows": self.window_rows,
            "window_bytes": self.window_bytes,
        }


class LayerResult(NamedTuple):
    """One executed layer, for the whole batch."""

    name: str
    stage: str
    operator: str
    shape: str
    """`64x3x5x5/2 -> 112x112`: output x input channels x kernel / stride -> output. For people: layers of one
    shape may differ in dilation, padding or what is fused, layers of one `form` may not."""
    dataflow: str
    """A dataflow of the PE array, `vector` for layers of the vector unit, `host` for those of the host."""
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
    """Cycles in which `array`, `dram`, `vector` and, where there is one, `host` worked for this layer."""
    waited_for: Mapping[str, int]
    """`waiting_cycles` by operand alone, without those that are 0."""
    tiles: int
    tile: str
    """As a person writes it: `K64 C16 Y8 X56`, the order in which tiles are visited, and idle rows if any."""
    form: "Layer"
    """What the layer is on the machine, without names: equal for layers that are the same to execute."""
    memories: Mapping[str, MemoryResult]
    """By the names in the machine's file, the outermost first."""
    tile_sizes: Mapping[str, int]
    """What a tile covers of each loop, by the letters of `loops` and N for images."""
    tile_order: tuple[str, ...]
    """Loops over tiles, the outermost first; FY and FX where a tile has not all taps."""
    parameters: Mapping[str, int] = field(default_factory=dict)
    """Of the dataflow, where it leaves some to a mapping: given to it, or found for its tiles."""
    skipped_macs: int = 0
    """Of `macs`, those that were not executed, because their weight is zero or taken as zero, or their input
    where an array is gated by those."""
    weight_density: float | None = None
    """The part of its weights that is not zero: as the network says, else as the machine takes it to be.
    None for layers of the vector unit."""
    nominal_utilization: float = 0.0
    """`utilization` with the MACs that were skipped counted as done; may exceed 1."""
    energy_pj: float | None = None
    """`energy` in picojoules, where the machine's file says what a unit is."""
    idle_rows: int = 0
    """Rows of the array that its mapping leaves idle, because an objective is better off without them."""
    on_chip_places: Mapping[str, str] | None = None
    """Of its operands that lie in a memory on chip before or after the layer: which memory; None where the
    machine keeps none there."""
    lower_bound_if_kept_cycles: int | None = None
    """Of a machine that keeps tensors: the lower bound without the traffic that keeping can save, so that
    nothing moves but weights, the image and the results."""
    cascade: CascadePart | None = None
    """Of a layer that runs stripe by stripe with others; None of one that runs as a whole."""

    @property
    def least_cycles(self) -> int:
        """The lower bound wherever tensors stay: `lower_bound_if_kept_cycles` where there is one."""
        if_kept = self.lower_bound_if_kept_cycles
        return self.lower_bound_cycles if if_kept is None else if_kept

    @property
    def places(self) -> dict[str, str]:
        """The memory in which each of its operands is before and after the layer.

        Outputs that are kept on chip and written outside besides are on chip.
        """
        outside = {
            operand: name
            for name, memory in self.memories.items()
            for operand, moved in memory.moved_bytes.items()
            if moved and memory.home_of
        }
        places = {**outside, **(self.on_chip_places or {})}
        return {operand: places[operand] for operand in _OPERANDS if operand in places}

    @property
    def waiting_cycles(self) -> dict[str, dict[str, int]]:
        """Cycles in which nothing was executed, by what the layer's next step still lacked.

        An operand stands at the memory that it was to come from; outputs, for which there was no room, at the
        memory that takes them up. Of several things that are missing it is the one that is asked for first.
        """
        by_memory: dict[str, dict[str, int]] = {}
        for name, memory in self.memories.items():
            if memory.home_of:
                operands = [operand for operand in memory.home_of if operand != _OUTPUTS]
                by_memory[name] = {operand: self.waited_for.get(operand, 0) for operand in operands}
            elif memory.has_tiles and _OUTPUTS in memory.read_bytes:
                by_memory[name] = {_OUTPUTS: self.waited_for.get(_OUTPUTS, 0)}
        return by_memory


@dataclass(frozen=True)
class RunResult:
    """One network on one machine. Attributes have the names of `run --format json`.

    Attributes:
        network: Its name.
        hardware: The machine's name.
        batch: Images that ran together.
        clock_mhz: Of the machine [MHz].
        cycles: Until all is done.
        utilization: Multiply-accumulates executed / (PEs x cycles), from 0 to 1.
        energy: Of the batch.
        dram_bytes: Traffic of the memories outside the chip.
        global_buffer_bytes: Traffic of the memories on chip in which tiles are buffered.
        peak_global_buffer_bytes: The most that these held at the same time.
        lower_bound_cycles: Those of the layers together.
        layers: In running order.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("squeezenet_v1_1", "16x16_128k")
        >>> result.cycles == sum(layer.cycles for layer in result.layers)
        True
    """

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
    skipped_macs: int = 0
    """Of `macs`, those that were not executed, because their weight is zero or taken as zero, or their input
    where an array is gated by those."""
    nominal_utilization: float = 0.0
    """`utilization` with the MACs that were skipped counted as done; may exceed 1."""
    memories: Mapping[str, MemoryResult] = field(default_factory=dict)
    """By the names in the machine's file, the outermost first."""
    assumed: Mapping[str, str] = field(default_factory=dict)
    """What the network has by assumption, by its keys: where an imported model has no one value for one."""
    idle_descriptors: int = 0
    """Of the DMA, that the schedule leaves idle, because it is done sooner without them."""
    lower_bound_if_kept_cycles: int | None = None
    """Of a machine that keeps tensors: what no schedule goes below even if all of them stay on chip, so that
    nothing moves but weights, the image and the results."""
    memory_map: "MemoryMap | None" = field(default=None, repr=False)
    """Of a machine that keeps tensors: what lies where in its pool, and when; its steps are the layers."""
    first_inference: FirstInference | None = field(default=None, repr=False)
    """Where weights are pinned, which all else is the steady state of: what their coming takes, too."""
    host: str | None = None
    """The name of the machine's host; None where it has none."""
    held_against: HeldAgainst | None = field(default=None, repr=False)
    """What others measured, or simulated, of this machine, and how far off accelsim is; None where nothing is
    known to have been."""
    static_power_mw: float = 0.0
    """What the machine draws at all times: part of `energy`, as `static`, for as long as the batch takes."""

    @property
    def waiting_cycles(self) -> dict[str, dict[str, int]]:
        """Those of the layers: all cycles in which nothing was executed though a step was still to come."""
        total: dict[str, Counter[str]] = {}
        for layer in self.layers:
            for name, by_operand in layer.waiting_cycles.items():
                total.setdefault(name, Counter()).update(by_operand)
        return {name: dict(by_operand) for name, by_operand in total.items()}

    @property
    def moves_bursts(self) -> bool:
        """Whether more moved outside than was of use: `dram_bytes` are those of use."""
        return any(memory.beside_bytes for memory in self.memories.values())

    @property
    def off_chip(self) -> tuple[str, ...]:
        """The names of the memories outside the chip, of which `dram_bytes` is the traffic together."""
        return tuple([name for name, memory in self.memories.items() if memory.is_off_chip]) or ("dram",)

    @property
    def on_chip(self) -> tuple[str, ...]:
        """The names of those with tiles, of which `global_buffer_bytes` is the traffic together."""
        names = tuple([name for name, memory in self.memories.items() if memory.has_tiles])
        return names or ("global_buffer",)

    @property
    def tensor_memory(self) -> str | None:
        """The name of the one between them, for tensors alone; None where there is none."""
        return next((name for name, memory in self.memories.items() if memory.keeps_tensors), None)

    @property
    def off_chip_energy(self) -> float:
        """Of the memories outside the chip."""
        return sum([memory.energy for memory in self.memories.values() if memory.is_off_chip])

    @property
    def time_ms(self) -> float:
        """Latency of the batch [ms]."""
        return self.cycles / (self.clock_mhz * 1e3)

    @property
    def frames_per_second(self) -> float:
        """Images per second, batch after batch."""
        return self.batch * self.clock_mhz * 1e6 / self.cycles

    @property
    def energy_pj(self) -> float | None:
        """Energy of the batch [pJ]; None where the machine's file does not say what a unit of energy is."""
        return None if self.energy.joules is None else self.energy.joules * 1e12

    @property
    def average_power_mw(self) -> float | None:
        """Energy over time [mW]; None where the energy in picojoules is not known."""
        joules = self.energy.joules
        return None if joules is None else joules * 1e3 / (self.time_ms * 1e-3)

    def at_frame_rate(self, frames_per_second: float) -> FrameRate:
        """What an image costs where one comes so often: `accelsim.power.frame_rate_of` says how, and raises.

        Example:
            >>> from accelsim import run_network
            >>> run_network("sqnxt23v5", "npu_int8_2m").at_frame_rate(30).duty_cycle < 1
            True
        """
        first, megahertz = self.first_inference, self.clock_mhz
        return frame_rate_of(
            BatchEnergy(self.time_ms, self.energy),
            frames_per_second,
            images=self.batch,
            static_power_mw=self.static_power_mw,
            first=None if first is None else BatchEnergy(first.cycles / (megahertz * 1e3), first.energy),
        )

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
            **_with_values({"lower_bound_if_kept_cycles": self.lower_bound_if_kept_cycles}),
            "energy": self.energy.to_dict(),
            "dram_bytes": _traffic(self.dram_bytes),
            "global_buffer_bytes": _traffic(self.global_buffer_bytes),
            "peak_global_buffer_bytes": self.peak_global_buffer_bytes,
            "skipped_macs": self.skipped_macs,
            "nominal_utilization": self.nominal_utilization,
            "idle_descriptors": self.idle_descriptors,
            "waiting_cycles": self.waiting_cycles,
            **_with_values({"energy_pj": self.energy_pj, "average_power_mw": self.average_power_mw}),
            **_with_values({"static_power_mw": self.static_power_mw or None}),
            "memories": _memories(self.memories),
            "assumed": dict(self.assumed),
            "held_against": None if self.held_against is None else self.held_against.to_dict(),
            **({} if self.host is None else {"host": self.host}),
            **({} if self.first_inference is None else {"first_inference": self.first_inference.to_dict()}),
            **({} if self.memory_map is None else self.memory_map.to_dict([row.name for row in self.layers])),
            "layers": [layer_to_dict(layer) for layer in self.layers],
        }

    def to_dataframe(self) -> "pd.DataFrame":
        """One row a layer, one column a value (`dram_bytes_read`); needs `pip install accelsim[pandas]`."""
        with missing_extra("to_dataframe", "pandas"):
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
        **_with_values({"lower_bound_if_kept_cycles": layer.lower_bound_if_kept_cycles}),
        "busy_cycles": dict(layer.busy_cycles),
        "waiting_cycles": layer.waiting_cycles,
        "tiles": layer.tiles,
        "tile": layer.tile,
        "skipped_macs": layer.skipped_macs,
        "weight_density": layer.weight_density,
        "nominal_utilization": layer.nominal_utilization,
        **_with_values({"energy_pj": layer.energy_pj}),
        "loops": {name: getattr(layer.form, name) for name in (*_LOOPS, *_STEPS)},
        "tile_sizes": dict(layer.tile_sizes),
        "tile_order": list(layer.tile_order),
        **({"parameters": dict(layer.parameters)} if layer.parameters else {}),
        "idle_rows": layer.idle_rows,
        "places": layer.places,
        **({} if layer.cascade is None else layer.cascade.to_dict()),
        "memories": _memories(layer.memories),
    }


def _with_values(values: Mapping[str, float | None]) -> dict[str, float]:
    """Those that have a value."""
    return {name: value for name, value in values.items() if value is not None}


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested names joined by `_`, lists by a space: one row of a table."""
    row: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            row |= {f"{name}_{inner}": entry for inner, entry in flat(value).items()}
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            row |= flat({f"{name}_{item['name']}": item for item in value})
        else:
            row[name] = " ".join(value) if isinstance(value, list) else value
    return row


def _traffic(traffic: Traffic) -> dict[str, int]:
    return {"read": traffic.read, "write": traffic.write}


def _memories(memories: Mapping[str, MemoryResult]) -> dict[str, Any]:
    return {
        name: {
            "read_bytes": dict(memory.read_bytes),
            "written_bytes": dict(memory.written_bytes),
            "moved_bytes": memory.moved_bytes,
            **({"missed_bytes": dict(memory.missed_bytes)} if memory.missed_bytes else {}),
            "energy": memory.energy,
            **_with_values({"peak_bytes": memory.peak_bytes, "busy_cycles": memory.busy_cycles}),
        }
        for name, memory in memories.items()
    }
