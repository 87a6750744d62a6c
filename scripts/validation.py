"""Bring docs/validation.md and its pictures up to date with the model.

    python scripts/validation.py                        everything
    python scripts/validation.py --only table,profile   some parts; the others stay as they are

The prose of the document is written by hand; whatever holds a figure stands between two markers and is
written by the function of the same name below. The fast parts simulate the published table once or twice,
`sensitivity` once for each variant of an assumption, and `generality` hundreds of columns of it. Run
`python scripts/update_golden.py` first: each part says of which pinned cells it is.
"""

import argparse
import hashlib
import re
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from accelsim import __version__
from accelsim.descriptions import shipped, vary
from accelsim.errors import AccelsimError
from accelsim.hardware import Hardware
from accelsim.held_against import HELD_AGAINST
from accelsim.mapping.mapping import Mapping as LayerMapping
from accelsim.network.build import build
from accelsim.network.load import load_network
from accelsim.network.lowering import lower
from accelsim.planning.compiler import make_schedule
from accelsim.report.files.writing import write
from accelsim.report.plots.measured import MeasuredPanel, measured_figure
from accelsim.report.plots.published import published_figure
from accelsim.report.plots.style import save
from accelsim.report.tables.gemmini import tile_of
from accelsim.report.values.run_profile import Profile, profile
from accelsim.result import RunResult
from accelsim.run import plan_peak, run_network
from accelsim.validation import generality as columns
from accelsim.validation.evaluate import Cost, Job, evaluate_all, shipped_hardware
from accelsim.validation.eyeriss import EyerissReproduction, reproduce_eyeriss
from accelsim.validation.eyeriss_measured import QUANTITIES as EYERISS_QUANTITIES
from accelsim.validation.eyeriss_measured import MeasuredNetwork
from accelsim.validation.gap9 import load_gap9, reproduce_gap9
from accelsim.validation.gemmini import MACHINE as GEMMINI
from accelsim.validation.gemmini import GemminiRow, load_pinned_cycles, reproduce_gemmini
from accelsim.validation.gemmini_layers import SHIPPED as GEMMINI_LAYERS
from accelsim.validation.gemmini_layers import load_layers
from accelsim.validation.log_errors import LogErrors, MeasuredFigure
from accelsim.validation.pinned import pinned_file
from accelsim.validation.published import QUANTITIES, PublishedTable, Quantity, load_published
from accelsim.validation.reproduction import Reproduction, TableCell, reproduce
from accelsim.validation.sensitivity import VariantOutcome, assumed_values
from accelsim.validation.sensitivity import sensitivity as vary_assumptions
from accelsim.validation.vela import MACHINE as VELA_MACHINE
from accelsim.validation.vela import load_vela

TABLE = "squeezenext"
ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "validation.md"
PICTURE = ROOT / "docs" / "images" / "published.png"
SCATTER = ROOT / "docs" / "images" / "measured.png"
FORCED = ("weight_stationary", "output_stationary")
PACKED = {"pe_array.dataflows.weight_stationary.packing": ("taps", "groups")}
"""What SqueezeNext's array does not do, and others do."""
REVISIONS = ("sqnxt23", "sqnxt23v2", "sqnxt23v3", "sqnxt23v4", "sqnxt23v5")
NARROW_PIXELS = 2
FIRST_CONVOLUTION_ON = "16x16_128k"
FIRST_CONVOLUTION_VARIANTS: Mapping[str, Any] = {
    "mapper.tiles": ("time", "energy"),
    "pe_array.output_stationary.partial_sums_per_pe": (8, 16),
    "pe_array.port_words_per_column": (2,),
    "pe_array.output_stationary.weight_density": (0.7,),
}
"""What the time of the first convolution might hang on, as tried on one machine."""


def main() -> None:
    """Write the parts that are asked for."""
    parser = argparse.ArgumentParser(description="Bring docs/validation.md up to date with the model.")
    parser.add_argument("--only", metavar="PART,...", help=f"some of: {', '.join(PARTS)}")
    only = parser.parse_args().only
    names = only.split(",") if only else list(PARTS)
    if unknown := sorted({*names} - {*PARTS}):
        parser.error(f"--only: {', '.join(unknown)}: must be among {', '.join(PARTS)}")
    table = load_published(TABLE)
    for name in names:
        text = PARTS[name](table)
        write(DOCUMENT, with_part(DOCUMENT.read_text(encoding="utf-8"), name, text))
        _say(f"{name}: written\n")


def with_part(document: str, name: str, text: str) -> str:
    """The document with new text between the markers of a part."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    pattern = f"(?s){re.escape(begin)}.*?{re.escape(end)}"
    if len(re.findall(pattern, document)) != 1:
        raise SystemExit(f"{DOCUMENT.name} must have `{begin}` ... `{end}` once")
    return re.sub(pattern, lambda _: f"{begin}\n{stamp()}\n\n{text.strip()}\n\n{end}", document)


def stamp() -> str:
    """Says of which pinned cells a part is, so that a test can tell whether it is older than they are."""
    digest = hashlib.sha256(pinned_file(TABLE).read_bytes()).hexdigest()
    return f"<!-- of the cells {digest[:12]} -->"


# --- the parts


def machines_part(_: PublishedTable) -> str:
    """Every machine that ships: whose figures it was held against, and how far off it is."""
    rows, unmeasured = [], []
    for name in shipped.names("hardware"):
        held = HELD_AGAINST.get(shipped_hardware(name).digest)
        if held is None:
            unmeasured.append(name)
            continue
        for errors in held.errors:
            figures = [held.kind, f"{errors.cells}", f"{errors.median:.3f}", f"{errors.largest:.3f}"]
            rows.append([name, held.measured_by, errors.quantity, *figures, held.fitted or "nothing"])
    rows.append([", ".join(unmeasured), "nobody", "-", "-", "0", "-", "-", "-"])
    headers = ["machine", "measured by", "of", "kind", "cells", "median", "largest", "fitted on them"]
    return _grid(headers, rows, left=4)


def eyeriss_part(_: PublishedTable) -> str:
    """Of the chip: layers of both networks, mappings, and what each mechanism is worth."""
    chip = shipped_hardware("eyeriss")
    reproduction = reproduce_eyeriss(chip)
    blocks = [
        f"{network.network}: {_eyeriss_layers(reproduction, network)}"
        for network in reproduction.chip.networks
    ]
    alexnet = [row for row in reproduction.mappings if row.network == "alexnet"]
    mappings = [[row.layer, row.told, row.searched, f"{row.energy_delay:.3f}"] for row in alexnet]
    headers = ["layer", "the chip's mapping", "that of the search", "its energy x delay"]
    rows = []
    for name, changes in {"": {}, **WITHOUT}.items():
        changed = reproduce_eyeriss(vary(chip, **changes), networks=["alexnet"])
        errors = [f"{changed.largest_error('alexnet', quantity):.1%}" for quantity in EYERISS_QUANTITIES[1:]]
        rows.append([name or "as described", *errors])
    quantities = [quantity.rpartition("_")[0] for quantity in EYERISS_QUANTITIES[1:]]
    worth = _grid(["largest error of a layer of AlexNet", *quantities], rows, left=1)
    return "\n\n".join([*blocks, _grid(headers, mappings, left=3), worth])


def gap9_part(_: PublishedTable) -> str:
    """Of the chip: MLPerf Tiny's networks, and what each mechanism is worth."""
    chip = shipped_hardware(load_gap9().machine)
    rows = []
    for name, changes in {"as described": {}, **WITHOUT_OF_GAP9}.items():
        reproduction = reproduce_gap9(vary(chip, **changes))
        cells = [
            f"{row.simulated_cycles:,}" + ("" if row.error is None else f" ({row.error:+.1%})")
            for row in reproduction.rows
        ]
        rows.append([name, *cells])
    networks = [network.network for network in load_gap9().networks]
    measured = [
        "predicted" if network.measured_cycles is None else f"{network.measured_cycles:,}"
        for network in load_gap9().networks
    ]
    return _grid(["cycles", *networks], [["measured", *measured], *rows], left=1)


def vela_part(_: PublishedTable) -> str:
    """Vela's estimates beside the machine that it compiles for."""
    rows = []
    for estimate in load_vela():
        if estimate.mode != "performance":
            continue
        result = run_network(estimate.network, VELA_MACHINE)
        flash_bytes = sum(result.memories["flash"].read_bytes.values())
        pairs = ((estimate.cycles, result.cycles), (estimate.flash_bytes, flash_bytes))
        cells = [cell for kept, own in pairs for cell in (f"{kept:,}", f"{own:,}", f"{own / kept - 1:+.1%}")]
        peak_bytes = result.memories["sram"].peak_bytes or 0
        rows.append([estimate.network, *cells, f"{estimate.sram_bytes:,}", f"{peak_bytes:,}"])
    kept = load_vela()[0]
    headers = ["network", "Vela's cycles", "accelsim's", "", "flash [B]", "", "", "SRAM [B]", ""]
    text = f"Vela {kept.vela} of {kept.date}, for performance:\n\n{_grid(headers, rows, left=1)}"
    return f"{text}\n\n{_vela_in_small_arena()}\n\n{_vela_in_least_arena()}"


def _vela_in_small_arena() -> str:
    """What Vela compiles for size, beside the same machine with little SRAM."""
    small = vary(shipped_hardware(VELA_MACHINE), **{"memories.sram.size_bytes": SMALL_ARENA_BYTES})
    rows = []
    for estimate in load_vela():
        if estimate.mode == "size":
            result = run_network(estimate.network, small)
            ratio = f"{result.cycles / estimate.cycles - 1:+.1%}"
            rows.append([estimate.network, f"{estimate.cycles:,}", f"{result.cycles:,}", ratio])
    headers = ["network", "Vela's cycles", f"accelsim's, {SMALL_ARENA_BYTES // 1024} KB of SRAM", ""]
    return f"For size, in cascades:\n\n{_grid(headers, rows, left=1)}"


def _vela_in_least_arena() -> str:
    """The SRAM that Vela takes for size, beside the least that holds the network."""
    rows = []
    for estimate in load_vela():
        if estimate.mode == "size":
            size_bytes = plan_peak(estimate.network, VELA_MACHINE).size_bytes
            ratio = f"{size_bytes / estimate.sram_bytes - 1:+.1%}"
            sizes = [f"{size / 1024:,.1f}" for size in (estimate.sram_bytes, size_bytes)]
            rows.append([estimate.network, *sizes, ratio])
    headers = ["network", "Vela's SRAM for size [KiB]", "the least here", ""]
    return f"The least SRAM (`accelsim fit`):\n\n{_grid(headers, rows, left=1)}"


def scatter_part(_: PublishedTable) -> str:
    """Every figure of chip and RTL, by the figures that are pinned; how far off each is."""
    measured = reproduce_eyeriss(shipped_hardware("eyeriss")).figures
    panels = []
    for quantity, axis in SCATTERED.items():
        series = {
            title: [
                MeasuredFigure(figure.layer, figure.measured, figure.simulated)
                for figure in measured
                if (figure.network, figure.quantity) == (network, quantity)
            ]
            for network, title in (("alexnet", "AlexNet"), ("vgg16", "VGG-16"))
        }
        panels.append(MeasuredPanel(f"Eyeriss: {axis.split(' [')[0]}", axis, series))
    pinned = load_pinned_cycles()
    rows = [
        MeasuredFigure(layer.name, layer.rtl_cycles, pinned[layer.id])
        for layer in load_layers(GEMMINI_LAYERS)
    ]
    panels.append(MeasuredPanel("Gemmini: time", "time [cycles of the RTL]", {"117 measurements": rows}))
    save(measured_figure(panels), SCATTER)
    return (
        "![Simulated against measured, and the errors: Eyeriss's time, DRAM traffic and power, Gemmini's "
        "time](images/measured.png)\n\nGrey: within 10%. Below each, ln(simulated / measured)."
    )


SCATTERED: Mapping[str, str] = {
    "time_ms": "time [ms]",
    "dram_megabytes": "DRAM traffic [MB]",
    "power_mw": "power [mW]",
}
"""Quantities of Eyeriss that the picture has, and what its axes say."""


WITHOUT: Mapping[str, Mapping[str, Any]] = {
    "maps not coded": {"memories.dram.compress": None},
    "zeros not gated": {"pe_array.dataflows.row_stationary.zero_gating": False},
    "ports as wide as need be": {
        f"pe_array.dataflows.row_stationary.{operand}_words_per_cycle": 1024
        for operand in ("filter", "input", "sum")
    },
    "array not stopped, buffer of 400 KB": {
        "memories.global_buffer.stops_array": (),
        "memories.global_buffer.size_bytes": 409600,
    },
}
"""What Eyeriss is without, to see what each mechanism is worth."""
SMALL_ARENA_BYTES = 393216
"""In which mobilenet_v2 does not run without cascades."""
WITHOUT_OF_GAP9: Mapping[str, Mapping[str, Any]] = {
    "without a choice of the faster": {"host.may_take": ()},
    "without cycles of a call": {"pe_array.cycles_per_call": 0, "host.cycles_per_call": 0},
    "with additions and softmax on the way": {"vector_unit.unfused": ()},
}
"""The same of GAP9."""


def gemmini_part(_: PublishedTable) -> str:
    """Errors against Gemmini's RTL, on the half that was fitted on and the other; what resists; ablations."""
    layers, machine = load_layers(GEMMINI_LAYERS), shipped_hardware(GEMMINI)
    reproduction = reproduce_gemmini(layers, step=_progress(len(layers)))
    numbers = sorted({layer.repeats for layer in layers if layer.repeats}, key=int)
    fitted = set(numbers[::2])
    seen = {layer.mapped_as for layer in layers if layer.repeats in fitted}
    parts: Mapping[str, Callable[[GemminiRow], bool]] = {
        "the half that was fitted on": lambda row: row.measured.repeats in fitted,
        "the other half": lambda row: row.measured.repeats not in fitted,
        "the other half, without mappings of the first": lambda row: row.measured.mapped_as not in seen,
    }
    rows = [
        _errors_row("accelsim, all", reproduction.time),
        *(
            _errors_row(name, replace(reproduction, rows=tuple(filter(is_in, reproduction.rows))).time)
            for name, is_in in parts.items()
        ),
        _errors_row("Timeloop", reproduction.timeloop),
        _errors_row("multiply-accumulates / PEs", reproduction.macs_per_pe),
    ]
    worst = sorted(reproduction.rows, key=lambda row: -abs(row.log_error))[:WORST]
    resisting = [
        [
            str(row.measured.id),
            row.measured.name,
            tile_of(row.measured),
            f"{row.measured.rtl_cycles:,}",
            f"{row.simulated_cycles:,}",
            f"{row.log_error:+.2f}",
            f"{row.padded_array_cycles / row.measured.rtl_cycles:.2f}",
        ]
        for row in worst
    ]
    few_tiles = [layer for layer in layers if layer.tiles <= MOST_TILES]
    groups = len({layer.repeats for layer in few_tiles})
    without = [
        _errors_row(name, reproduce_gemmini(few_tiles, vary(machine, **changes)).time)
        for name, changes in {"nothing": {}, **WITHOUT_IN_GEMMINI}.items()
    ]
    headers = ["", "mean", "median", "largest", "bias", "within 10 %", "rank"]
    worst_headers = ["id", "layer", "tile", "RTL", "simulated", "error", "array / RTL"]
    return "\n\n".join(
        [
            _grid(headers, rows, left=1),
            _grid(worst_headers, resisting, left=3),
            f"Of the {groups} groups whose mappings have {MOST_TILES} tiles or fewer:",
            _grid(["without", *headers[1:]], without, left=1),
        ]
    )


WORST = 12
"""Measurements of Gemmini that are listed: those that are furthest off."""
MOST_TILES = 1000
"""Of mappings that are simulated without each of the mechanisms: the others take minutes each time."""
_SYSTOLIC = "pe_array.dataflows.systolic_weight_stationary"
WITHOUT_IN_GEMMINI: Mapping[str, Mapping[str, Any]] = {
    "misses: every line there": {"memories.dram.cache.miss_cycles": 0, "memories.dram.cache.line_cycles": 0},
    "a cache: every line missed": {"memories.dram.cache.size_bytes": 512},
    "what the run before left": {"memories.dram.cache.warm": False},
    "requests: beats alone": {"memories.dram.cache.hit_cycles": 0},
    "reloading: operands stay from tile to tile": {"control.reloads": False},
    "double buffering: one tile in flight": {"control.tiles_in_flight": 1},
    "control: tiles at once": {
        "control.cycles_per_tile": 0,
        "control.cycles_per_layer": 0,
        "control.completion_cycles": 0,
    },
    "padding: blocks as long as they are": {
        f"{_SYSTOLIC}.block_pixels": 1,
        f"{_SYSTOLIC}.least_block_cycles": 1,
        f"{_SYSTOLIC}.pair_cycles": 1,
    },
    "instructions: blocks take no time of their own": {f"{_SYSTOLIC}.pair_cycles": 1},
}
"""What Gemmini is without, to see what each mechanism is worth."""


def _errors_row(name: str, errors: LogErrors) -> list[str]:
    return [
        name,
        f"{errors.mean_abs_log_error:.3f}",
        f"{errors.median_abs_log_error:.3f}",
        f"{errors.max_abs_log_error:.2f}",
        f"{errors.bias:+.3f}",
        f"{errors.within_10_percent:.0%}",
        f"{errors.rank_correlation or 0.0:.3f}",
    ]


def _eyeriss_layers(reproduction: EyerissReproduction, network: MeasuredNetwork) -> str:
    """Errors of each layer in percent, and of the sum."""
    name = network.network
    rows = []
    for layer in network.layers:
        figures = {row.quantity: row for row in reproduction.of(name) if row.layer == layer.layer}
        errors = [
            f"{figures[quantity].simulated / figures[quantity].measured - 1:+.1%}"
            if quantity in figures
            else "-"
            for quantity in EYERISS_QUANTITIES
        ]
        rows.append([layer.layer, *errors])
    sums = [f"{reproduction.error_of_sum(name, quantity):+.1%}" for quantity in EYERISS_QUANTITIES]
    rows.append(["sum", *sums])
    marked = [
        quantity.rpartition("_")[0].replace("active", "PEs") + ("~" if quantity in network.recalled else "")
        for quantity in EYERISS_QUANTITIES
    ]
    return f"simulated over measured, less 1\n\n{_grid(['layer', *marked], rows, left=1)}"


def table_part(table: PublishedTable) -> str:
    """Published beside simulated, the errors, what is left of them within the printed digits, the picture."""
    reproduction = reproduce(table, _progress(len(table.cell_keys)))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    save(published_figure(reproduction), PICTURE)
    return reproduction_text(reproduction)


def reproduction_text(reproduction: Reproduction) -> str:
    """What the table part says, without the picture."""
    table = reproduction.table
    blocks = [f"Computed by accelsim {__version__}.", _sums(reproduction)]
    for hardware in table.machines:
        cells = [cell for cell in reproduction.cells if cell.hardware == hardware]
        blocks.append(_grid([f"on {hardware}", *_CELL_HEADERS], [_cell_row(cell) for cell in cells]))
    exact = [_exact_cells(reproduction, quantity) for quantity in QUANTITIES]
    time, energy = (_rounding(reproduction, quantity) for quantity in QUANTITIES)
    blocks.append(
        f"Printed with the paper's digits, {' and '.join(exact)} are the published ones. Those digits "
        f"leave a mean error of about {time:.4f} in time and {energy:.4f} in energy even to an exact model."
    )
    blocks.append(f"Orderings: {len(reproduction.orderings)} checked, {len(reproduction.violated)} violated.")
    return "\n\n".join(blocks)


def profile_part(_: PublishedTable) -> str:
    """Time and utilization by stage of the baseline and of its four revisions."""
    profiles = {
        (network, hardware): profile(_run(network, shipped_hardware(hardware)))
        for hardware in ("16x16_128k", "8x8_32k")
        for network in REVISIONS
    }
    stages = [stage.name for stage in profiles["sqnxt23", "16x16_128k"].stages]
    rows = [
        [f"{name} on {hardware}", *_stage_cells(one, stages)] for (name, hardware), one in profiles.items()
    ]
    spread = [
        [
            f"{name} on {hardware}",
            f"{100 * one.first_convolution_time_share:.1f}%",
            _percent(one.utilization),
            f"{one.time_variation:.2f}",
            f"{one.time_variation_after_first:.2f}",
            f"{one.utilization_variation:.2f}",
        ]
        for (name, hardware), one in profiles.items()
    ]
    headers = ["first convolution", "utilization", "spread of times", "without the first", "of utilization"]
    return "\n\n".join(
        [
            "Share of the network's time / utilization of the PEs in it, by stage:",
            _grid(["", *stages], rows),
            "First convolution's share of the time, utilization of the whole network, and how unequal its "
            "layers are (standard deviation / mean over the layers on the array; 0 is flat):",
            _grid(["", *headers], spread),
        ]
    )


def energy_part(table: PublishedTable) -> str:
    """Where the energy goes, and how much DRAM traffic the published energies leave room for."""
    blocks: list[str] = []
    for hardware in table.machines:
        machine, column = shipped_hardware(hardware), table.column(hardware, "energy")
        rows = []
        for network, published in column.items():
            result = _run(network, machine)
            dram = result.energy.by_component["dram"]
            least = sum(layer.compulsory_dram_bytes for layer in result.layers)
            per_byte = dram / result.dram_bytes.total
            left = published - (result.energy.total - dram)
            rows.append(
                [
                    table.titles[network],
                    _percent(dram / result.energy.total),
                    f"{least / 1e6:.1f}",
                    f"x {result.dram_bytes.total / least:.2f}",
                    f"x {left / (per_byte * least):.2f}",
                ]
            )
        headers = ["DRAM's part of the energy", "compulsory DRAM [MB]", "simulated", "published leaves"]
        blocks.append(_grid([f"on {hardware}", *headers], rows))
    return "\n\n".join(blocks)


def steps_part(table: PublishedTable) -> str:
    """What each revision of 1.0-SqNxt-23 gains, and what the first convolution has to do with it."""
    machines = {name: shipped_hardware(name) for name in table.machines}
    rows = []
    for hardware, machine in machines.items():
        times = _relative_times([_run(network, machine) for network in REVISIONS])
        published = table.column(hardware, "time")
        for (before, after), (slow, fast) in zip(pairwise(REVISIONS), pairwise(times), strict=True):
            paper = published[before] - published[after]
            step = f"{table.titles[before]} to {table.titles[after].removeprefix('1.0-SqNxt-23')}"
            rows.append([f"{step} on {hardware}", f"{slow - fast:+.3f}", f"{paper:+.2f}"])
    variants = [{}, *({key: value} for key, some in FIRST_CONVOLUTION_VARIANTS.items() for value in some)]
    first = [
        _first_convolution_row(vary(machines[FIRST_CONVOLUTION_ON], **changes), changes)
        for changes in variants
    ]
    headers = ["v1: cycles", "share", "utilization", "v2: cycles", "utilization", "time v1", "time v2"]
    return "\n\n".join(
        [
            "What each step takes off the time, in times of v5; the printed digits leave 0.01 to each:",
            _grid(["", "simulated", "published"], rows),
            f"The first convolution on {FIRST_CONVOLUTION_ON} and the times of the first two relative to v5:",
            _grid(["", *headers], first),
        ]
    )


def _first_convolution_row(machine: Hardware, changes: Mapping[str, Any]) -> list[str]:
    results = [_run(network, machine) for network in ("sqnxt23", "sqnxt23v2", "sqnxt23v5")]
    (v1, v2), times = (one.layers[0] for one in results[:2]), _relative_times(results)
    return [
        "".join(f"`{key}` {value}" for key, value in changes.items()) or "as shipped",
        f"{v1.cycles:,}",
        f"{100 * v1.cycles / results[0].cycles:.1f}%",
        _percent(v1.utilization),
        f"{v2.cycles:,}",
        _percent(v2.utilization),
        f"{times[0]:.3f}",
        f"{times[1]:.3f}",
    ]


def _run(network: str, machine: Hardware) -> RunResult:
    return run_network(load_network(shipped.packaged("networks", network)), machine)


def _relative_times(results: Sequence[RunResult]) -> list[float]:
    """To the last."""
    return [result.cycles / results[-1].cycles for result in results]


def narrow_part(table: PublishedTable) -> str:
    """How much of the DRAM traffic belongs to tiles so narrow that DRAM would see short runs."""
    rows = []
    for hardware in table.machines:
        machine = shipped_hardware(hardware)
        mappings = [mapping for row in table.rows for mapping in _mappings(row.network, machine)]
        narrow = [mapping for mapping in mappings if mapping.tile.x <= NARROW_PIXELS < mapping.layer.OX]
        share = _dram_bytes(narrow) / _dram_bytes(mappings)
        rows.append([hardware, str(len(mappings)), str(len(narrow)), _percent(share)])
    headers = [
        "",
        "layers of the 13 networks",
        f"tiles of at most {NARROW_PIXELS} columns",
        "their DRAM bytes",
    ]
    return _grid(headers, rows)


def _mappings(network: str, machine: Hardware) -> Sequence[LayerMapping]:
    return make_schedule(lower(build(load_network(shipped.packaged("networks", network)))), machine).mappings


_DRAM = ["dram"]


def _dram_bytes(mappings: Sequence[LayerMapping]) -> int:
    counts = [mapping.totals.counts for mapping in mappings]
    return sum(count.read_bytes(_DRAM) + count.written_bytes(_DRAM) for count in counts)


def forced_part(table: PublishedTable) -> str:
    """Each dataflow forced on the whole network, against choosing for each layer."""
    machines = {name: shipped_hardware(name) for name in table.machines}
    packing = {name: vary(machine, **PACKED) for name, machine in machines.items()}
    jobs = []
    for network, hardware in table.cell_keys:
        jobs += [Job(network, machines[hardware], dataflow) for dataflow in ("auto", *FORCED)]
        jobs += [Job(network, packing[hardware], dataflow) for dataflow in ("auto", FORCED[0])]
    results = evaluate_all(jobs, _progress(len(jobs)))
    blocks: list[str] = []
    for hardware in table.machines:
        rows, gains, gains_where_packed = [], [], []
        for network in table.titles:
            auto, *forced, packed_auto, packed = (
                result
                for job, result in zip(jobs, results, strict=True)
                if (job.network, job.hardware.name) == (network, hardware)
            )
            if isinstance(auto, AccelsimError):
                raise auto
            best = min(cost.cycles for cost in forced if isinstance(cost, Cost))
            gains.append(best / auto.cycles - 1)
            row = _forced_row(table.titles[network], auto, forced, gains[-1])
            if isinstance(packed, Cost) and isinstance(packed_auto, Cost):
                gains_where_packed.append(packed.cycles / packed_auto.cycles - 1)
                row += [f"x {packed.cycles / auto.cycles:.2f}", _percent(gains_where_packed[-1])]
            rows.append(row)
        headers = [f"on {hardware}", "cycles, chosen", "time WS", "time OS", "gain", "energy WS", "energy OS"]
        gain, gain_where_packed = (_percent(statistics.fmean(each)) for each in (gains, gains_where_packed))
        mean = (
            f"On average over the networks, choosing gains {gain} on {hardware}; "
            f"on an array that packs {gain_where_packed}."
        )
        headers += ["time WS, packed", "gain, packed"]
        blocks += [_grid(headers, rows), mean]
    return "\n\n".join(blocks)


def assumptions_part(table: PublishedTable) -> str:
    """Every assumption of the machine files with its value and its reason."""
    machine = shipped_hardware(table.machines[0])
    rows = [
        [f"`{key}`", value, " ".join(machine.assumed[key].split())]
        for key, value in assumed_values(machine).items()
    ]
    return _grid(["parameter", "value", "why"], rows, left=3)


def sensitivity_part(table: PublishedTable) -> str:
    """What becomes of errors and orderings when one assumption changes."""
    shipped_one = reproduce(table, _progress(len(table.cell_keys)))
    outcomes = vary_assumptions(table, _progress(None))
    headers = ["parameter", "value", *_OUTCOME_HEADERS]
    rows = [["as shipped", "", *_outcome_cells(shipped_one)]]
    rows += [_outcome_row(outcome) for outcome in outcomes]
    reasons = [
        f"- `{outcome.variant}` cannot be: {outcome.complaint}" for outcome in outcomes if outcome.complaint
    ]
    return "\n\n".join([_grid(headers, rows, left=2), "\n".join(reasons)])


def generality_part(table: PublishedTable) -> str:
    """Assumptions chosen by one column, judged on the other."""
    shipped = {name: shipped_hardware(name) for name in table.machines}
    fits = {name: columns.fit(table, name, _progress(None)) for name in table.machines}
    rows = [_judged_row(table, "both (as shipped)", "", name, machine) for name, machine in shipped.items()]
    rows += [
        _judged_row(table, source, f"{start}{' (best)' * (start == chosen.start)}", judge, end.machine)
        for source, chosen in fits.items()
        for start, end in chosen.ends.items()
        for judge in (source, *(name for name in table.machines if name != source))
    ]
    headers = ["chosen on", "starting from", "judged on", *_OUTCOME_HEADERS, "of"]
    notes = [
        _end_note(chosen, start, shipped[name]) for name, chosen in fits.items() for start in chosen.ends
    ]
    tried = " and ".join(f"{chosen.evaluated} on {name}" for name, chosen in fits.items())
    return "\n\n".join(
        [
            _grid(headers, rows, left=3),
            f"Machines tried: {tried}. Where the searches came to rest, by the shipped values:",
            "\n".join(notes),
        ]
    )


PARTS: Mapping[str, Callable[[PublishedTable], str]] = {
    "machines": machines_part,
    "scatter": scatter_part,
    "eyeriss": eyeriss_part,
    "gemmini": gemmini_part,
    "gap9": gap9_part,
    "vela": vela_part,
    "table": table_part,
    "energy": energy_part,
    "narrow": narrow_part,
    "profile": profile_part,
    "steps": steps_part,
    "forced": forced_part,
    "assumptions": assumptions_part,
    "sensitivity": sensitivity_part,
    "generality": generality_part,
}

# --- cells of their tables

_CELL_HEADERS = ("time", "published", "error", "energy", "published", "error")
_OUTCOME_HEADERS = ("time mean", "time largest", "energy mean", "energy largest", "orderings violated")


def _cell_row(cell: TableCell) -> list[str]:
    return [
        cell.title,
        f"{cell.relative_time:.3f}",
        f"{cell.published_relative_time:.2f}",
        "-" if cell.time_log_error is None else f"{cell.time_log_error:+.3f}",
        f"{cell.energy / 1e9:.2f}e9",
        f"{cell.published_energy / 1e9:.1f}e9",
        f"{cell.energy_log_error:+.3f}",
    ]


def _sums(reproduction: Reproduction) -> str:
    rows = []
    for quantity in QUANTITIES:
        errors, bar = reproduction.errors(quantity), getattr(reproduction.table.bars, quantity)
        rows.append(
            [
                quantity,
                str(len(_cells_with_error(reproduction, quantity))),
                f"{errors.mean_abs_log_error:.4f}",
                f"{bar.mean:g}",
                f"{errors.max_abs_log_error:.4f}",
                f"{bar.largest:g}",
            ]
        )
    return _grid(["error", "cells", "mean", "bar", "largest", "bar"], rows)


def _cells_with_error(reproduction: Reproduction, quantity: Quantity) -> list[TableCell]:
    """Without those that are 1 by definition."""
    return [cell for cell in reproduction.cells if cell.log_error(quantity) is not None]


def _exact_cells(reproduction: Reproduction, quantity: Quantity) -> str:
    cells = _cells_with_error(reproduction, quantity)
    exact = sum(_within_digits(cell, quantity) for cell in cells)
    return f"{exact} of {len(cells)} {'times' if quantity == 'time' else 'energies'}"


def _within_digits(cell: TableCell, quantity: Quantity) -> bool:
    """Whether the simulated value, printed as the paper prints, is the published one."""
    if quantity == "time":
        return f"{cell.relative_time:.2f}" == f"{cell.published_relative_time:.2f}"
    return f"{cell.energy:.1e}" == f"{cell.published_energy:.1e}"


def _rounding(reproduction: Reproduction, quantity: Quantity) -> float:
    """The mean error that values spread evenly over what rounds to the published ones would have."""
    errors = []
    for cell in _cells_with_error(reproduction, quantity):
        if quantity == "time":
            errors.append(0.0025 / cell.published_relative_time)
        else:
            unit = 10 ** (len(str(int(cell.published_energy))) - 2)
            errors.append(0.25 * unit / cell.published_energy)
    return statistics.fmean(errors)


def _stage_cells(one: Profile, names: Sequence[str]) -> list[str]:
    found = {stage.name: stage for stage in one.stages}
    return [f"{_percent(found[name].time_share)} / {_percent(found[name].utilization)}" for name in names]


def _forced_row(title: str, auto: Cost, forced: Sequence[Cost | AccelsimError], gain: float) -> list[str]:
    times = [
        f"x {cost.cycles / auto.cycles:.2f}" if isinstance(cost, Cost) else "cannot be mapped"
        for cost in forced
    ]
    energies = [f"x {cost.energy / auto.energy:.2f}" if isinstance(cost, Cost) else "-" for cost in forced]
    return [title, f"{auto.cycles:,}", *times, _percent(gain), *energies]


def _outcome_row(outcome: VariantOutcome) -> list[str]:
    cells = (
        ["cannot be", "", "", "", ""]
        if outcome.reproduction is None
        else _outcome_cells(outcome.reproduction)
    )
    return [f"`{outcome.variant.key}`", outcome.variant.new, *cells]


def _outcome_cells(reproduction: Reproduction) -> list[str]:
    errors = [reproduction.time, reproduction.energy]
    cells = [f"{value:.3f}" for one in errors for value in (one.mean_abs_log_error, one.max_abs_log_error)]
    return [*cells, str(len(reproduction.violated))]


def _judged_row(
    table: PublishedTable, source: str, start: str, hardware: str, assumptions: Hardware
) -> list[str]:
    try:
        judged = columns.judge(table, assumptions, hardware)
    except AccelsimError:
        return [source, start, hardware, "cannot be mapped", "", "", "", "", ""]
    return [source, start, hardware, *_outcome_cells(judged), str(len(judged.orderings))]


def _end_note(chosen: columns.Fit, start: str, shipped: Hardware) -> str:
    end = chosen.ends[start]
    changed = columns.changed_between(shipped, end.machine)
    words = "; ".join(f"`{key}` {old} -> {new}" for key, (old, new) in changed.items())
    return (
        f"- On {chosen.chosen_on} from {start}, time + energy error {end.objective:.4f}: "
        f"{words or 'the shipped values'}."
    )


def _grid(headers: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; the first `left` columns hold words, the others numbers."""
    rule = ["---" if index < left else "---:" for index in range(len(headers))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headers, rule, *rows))


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f}%"


def _progress(total: int | None) -> Callable[[str], None]:
    """Counts what is done, on a terminal."""
    done = 0

    def step(what: str) -> None:
        nonlocal done
        done += 1
        if sys.stderr.isatty():
            of = "" if total is None else f"/{total}"
            sys.stderr.write(f"\r\x1b[K{done}{of} {what}")
            sys.stderr.flush()

    return step


def _say(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
