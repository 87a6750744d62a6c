"""The tools that are compared: how each is installed, what it is given, and what it answers.

All get the same network and as similar a machine as each allows; docs/performance.md says where they differ.
"""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware, Operand
from accelsim.network.build import build
from accelsim.network.description import Network
from accelsim.network.graph import PublishedGraph
from accelsim.network.layer import Layer
from accelsim.network.lowering import lower
from accelsim.run import run_network
from tflite_model import tflite_model
from timing import run_process

HERE: Final = Path(__file__).parent
SCALE_SIM_MAIN: Final = (
    "import sys; from scalesim.scale_sim import scalesim; "
    "scalesim(save_disk_space=True, verbose=False, config=sys.argv[1], topology=sys.argv[2], "
    "layout=sys.argv[2]).run_scale(top_path='.')"
)
"""What `python -m scalesim.scale` does, but for the traces, which that command always writes."""


@dataclass(frozen=True)
class Workload:
    """What every tool is given."""

    network: Network
    hardware: Hardware

    @property
    def published(self) -> PublishedGraph:
        """The network as its paper draws it."""
        return build(self.network)

    @property
    def convolutions(self) -> tuple[Layer, ...]:
        """The layers that accelsim's own lowering puts on the array, by name."""
        return tuple(layer for layer in lower(self.published).layers if layer.on_array)


@dataclass(frozen=True)
class Tool:
    """A program that says what a network costs on a machine."""

    name: str
    requirements: tuple[str, ...]
    """What pip installs into its own environment; nothing for accelsim, which is where this script runs."""
    prepare: Callable[[Workload, Path, Path], tuple[str, ...]]
    """(workload, empty folder, its Python) -> the command to time, to be run in that folder."""
    cycles: Callable[[Workload, Path], int]
    """What it answered, from what it left in the folder. Raises AccelsimError if it did other work."""


# --- accelsim


def _prepare_accelsim(workload: Workload, _folder: Path, python: Path) -> tuple[str, ...]:
    return (
        str(python),
        *("-m", "accelsim", "run"),
        *("--net", workload.network.name, "--hw", workload.hardware.name),
    )


def _cycles_of_accelsim(workload: Workload, _folder: Path) -> int:
    return run_network(workload.network, workload.hardware).cycles


# --- Vela


def _prepare_vela(accelerator: str) -> Callable[[Workload, Path, Path], tuple[str, ...]]:
    def prepare(workload: Workload, folder: Path, python: Path) -> tuple[str, ...]:
        model = tflite_model(workload.published).to_dict()
        (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
        run_process([str(python), str(HERE / "write_tflite.py"), "model.json", "model.tflite"], folder)
        (folder / "vela.ini").write_text(vela_configuration(workload.hardware), encoding="utf-8")
        return (
            *(str(python), "-m", "ethosu.vela", "model.tflite", "--output-dir", "."),
            *("--accelerator-config", accelerator, "--config", "vela.ini"),
            *("--system-config", "same", "--memory-mode", "same"),
        )

    return prepare


def vela_configuration(hardware: Hardware) -> str:
    """Clock, DRAM and buffer of a machine, for Vela; what accelsim does not have is as in Vela's own files.

    A port of the accelerator moves 16 bytes per cycle; a clock scale is the part of it that a memory gives.
    """
    scale = hardware.channels[0].bytes_per_cycle / 16
    latency = hardware.channels[0].latency_cycles
    return f"""\
[System_Config.same]
core_clock={hardware.clock_mhz * 1e6:g}
axi0_port=Sram
axi1_port=Dram
Sram_clock_scale=1.0
Sram_burst_length=32
Sram_read_latency=32
Sram_write_latency=32
Sram_max_reads=16
Sram_max_writes=16
Dram_clock_scale={scale:g}
Dram_burst_length=128
Dram_read_latency={latency}
Dram_write_latency={latency}
Dram_max_reads=24
Dram_max_writes=12

[Memory_Mode.same]
const_mem_area=Axi1
arena_mem_area=Axi1
cache_mem_area=Axi0
arena_cache_size={hardware.on_chip_bytes}
"""


def _cycles_of_vela(workload: Workload, folder: Path) -> int:
    """Its summary counts the operations of poolings and softmax as MACs too, less than 2% of the network."""
    (summary,) = folder.glob("*_summary_*.csv")
    (row,) = _csv_rows(summary)
    macs, wanted = int(row["nn_macs"]), sum(layer.macs for layer in workload.convolutions)
    if not wanted <= macs <= 1.02 * wanted:
        raise AccelsimError(f"it compiled {macs} MACs instead of {wanted}")
    return int(float(row["cycles_total"]))


# --- SCALE-Sim


def _prepare_scale_sim(workload: Workload, folder: Path, python: Path) -> tuple[str, ...]:
    (folder / "machine.cfg").write_text(scale_sim_configuration(workload.hardware), encoding="utf-8")
    (folder / "layers.csv").write_text(scale_sim_topology(workload), encoding="utf-8")
    return str(python), "-c", SCALE_SIM_MAIN, "machine.cfg", "layers.csv"


def scale_sim_configuration(hardware: Hardware) -> str:
    """Array and buffer of a machine, for SCALE-Sim, in the mode in which it does not wait for DRAM.

    Its words are bytes, so that a buffer for as many words is that much smaller.
    """
    banks, bits = hardware.bank_of, hardware.precision.activations_bits
    inputs, weights, outputs = (
        max(1, round(banks[operand].size_bytes * 8 / bits / 1024))
        for operand in (Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS)
    )
    return f"""\
[general]
run_name = same
[architecture_presets]
ArrayHeight = {hardware.pe_array.rows}
ArrayWidth = {hardware.pe_array.columns}
IfmapSramSzkB = {inputs}
FilterSramSzkB = {weights}
OfmapSramSzkB = {outputs}
IfmapOffset = 0
FilterOffset = 10000000
OfmapOffset = 20000000
Dataflow = os
Bandwidth = 10
ReadRequestBuffer = 32
WriteRequestBuffer = 32
[layout]
IfmapCustomLayout = False
FilterCustomLayout = False
IfmapSRAMBankBandwidth = 10
IfmapSRAMBankNum = 1
IfmapSRAMBankPort = 1
FilterSRAMBankBandwidth = 10
FilterSRAMBankNum = 1
FilterSRAMBankPort = 1
[sparsity]
SparsitySupport = False
[run_presets]
InterfaceBandwidth = CALC
UseRamulatorTrace = False
"""


def scale_sim_topology(workload: Workload) -> str:
    """The convolutions as SCALE-Sim reads them: their padded inputs, of which nothing is left over."""
    lines = ["Layer, Input height, Input width, Filter height, Filter width, Channels, Filters, Stride,"]
    for layer in workload.convolutions:
        if layer.G != 1 or layer.stride_y != layer.stride_x or layer.dilation_y * layer.dilation_x != 1:
            raise AccelsimError(f"{layer.name}: SCALE-Sim has no groups, dilations or two strides")
        height, width = (
            (count - 1) * layer.stride_y + kernel
            for count, kernel in ((layer.OY, layer.FY), (layer.OX, layer.FX))
        )
        cells = (layer.name, height, width, layer.FY, layer.FX, layer.C, layer.K, layer.stride_y)
        lines.append(", ".join(map(str, cells)) + ",")
    return "\n".join(lines) + "\n"


def _cycles_of_scale_sim(workload: Workload, folder: Path) -> int:
    rows = _csv_rows(folder / "same" / "COMPUTE_REPORT.csv")
    if len(rows) != len(workload.convolutions):
        raise AccelsimError(f"it reports on {len(rows)} layers instead of {len(workload.convolutions)}")
    return sum(int(row["Total Cycles (incl. prefetch)"]) for row in rows)


def _csv_rows(file: Path) -> list[Mapping[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, skipinitialspace=True))


ACCELSIM: Final = Tool(
    name="accelsim",
    requirements=(),
    prepare=_prepare_accelsim,
    cycles=_cycles_of_accelsim,
)
VELA: Final = ("ethos-u-vela==5.2.0",)
PEERS: Final = (
    Tool("Vela, U65-256", VELA, _prepare_vela("ethos-u65-256"), _cycles_of_vela),
    Tool("Vela, U85-256", VELA, _prepare_vela("ethos-u85-256"), _cycles_of_vela),
    Tool(
        name="SCALE-Sim",
        requirements=("scalesim==3.0.0", "numpy<2.4"),  # with a later numpy it ends in a TypeError
        prepare=_prepare_scale_sim,
        cycles=_cycles_of_scale_sim,
    ),
)
