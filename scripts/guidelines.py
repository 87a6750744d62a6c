"""Bring the figures of docs/guidelines.md up to date with the model: `python scripts/guidelines.py`.

The prose of the document is written by hand; whatever holds a figure stands between two markers and is
written by a function of this file.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from accelsim.hardware import Hardware
from accelsim.network.build import build
from accelsim.network.operators import Convolution
from accelsim.report.files.writing import write
from accelsim.run import run_network
from accelsim.validation.evaluate import shipped_hardware
from accelsim.validation.guidelines import (
    NOTABLY,
    Experiment,
    GuidelineCell,
    cells_of,
    guideline_network,
    load_guidelines,
    verdicts_of,
)

DOCUMENT = Path(__file__).parents[1] / "docs" / "guidelines.md"
GUIDELINES = load_guidelines()
MACHINES = {name: shipped_hardware(name) for name in GUIDELINES.machines}
CONTROLS = ((128, 128), (64, 256), (32, 512))
"""Widths of the blocks of G1 that have the same MACs to the unit and are multiples of both arrays' sides."""


# --- the two lines that explain tables 1 and 2


@dataclass(frozen=True)
class Expected:
    """Cycles that an ungrouped or grouped 1x1 convolution needs for either of two reasons."""

    array_cycles: float
    """Weight stationary: every group's channels are cut into pieces of the array's rows and columns."""
    dram_cycles: float
    """Inputs and outputs once each, at the channel's bandwidth."""

    @property
    def cycles(self) -> float:
        """Both go on at once, so the longer one counts."""
        return max(self.array_cycles, self.dram_cycles)


def expected(convolution: Convolution, hardware: Hardware) -> Expected:
    """What a 1x1 convolution needs on a machine, by hand; its weights are few and left out."""
    given, output, groups = convolution.inputs[0], convolution.output, convolution.groups
    array = hardware.pe_array
    folds = math.ceil(given.channels / groups / array.rows) * math.ceil(
        output.channels / groups / array.columns
    )
    word_bytes = hardware.precision.activations_bits / 8
    return Expected(
        array_cycles=groups * folds * output.height * output.width,
        dram_cycles=(given.elements + output.elements) * word_bytes / hardware.channels[0].bytes_per_cycle,
    )


def expected_cycles(network: str, parameters: Mapping[str, int | float | bool | str], on: Hardware) -> float:
    """Of all convolutions of a guideline's network."""
    graph = build(guideline_network(network, parameters))
    operators = (node.operator for node in graph.nodes)
    return sum(expected(one, on).cycles for one in operators if isinstance(one, Convolution))


# --- the parts


def verdicts_part(cells: Sequence[GuidelineCell]) -> str:
    """Of each guideline: how often departing from it is slower, by how much, and what it does to energy."""
    rows = []
    for experiment in GUIDELINES.experiments:
        for verdict in verdicts_of(cells, experiment):
            energies = [
                cell.relative_energy
                for cell in cells
                if (cell.experiment, cell.hardware) == (experiment.name, verdict.where)
                and cell.setting != experiment.advised
            ]
            rows.append(
                [
                    experiment.name,
                    f"`{verdict.where}`" if energies else verdict.where,
                    f"{verdict.slower} of {verdict.departures}",
                    f"{verdict.slowest:.2f} to {verdict.fastest:.2f}",
                    f"{min(energies):.2f} to {max(energies):.2f}" if energies else "",
                ]
            )
    headers = ["guideline", "on", f"over {NOTABLY:.0%} slower", "speed", "energy"]
    return _grid(headers, rows, left=2)


def experiment_part(name: str) -> Callable[[Sequence[GuidelineCell]], str]:
    """The table of a guideline, once for each platform's sizes."""
    (experiment,) = (one for one in GUIDELINES.experiments if one.name == name)
    return lambda cells: "\n\n".join(
        _series(experiment, series.platform, [cell for cell in cells if cell.experiment == name])
        for series in experiment.series
    )


def _series(experiment: Experiment, platform: str, cells: Sequence[GuidelineCell]) -> str:
    own = [cell for cell in cells if cell.platform == platform]
    labels = list(dict.fromkeys(cell.column for cell in own))
    headers = [experiment.varied, *(f"`{machine}` {label}" for machine in MACHINES for label in labels)]
    headers += [f"{platform} {label}" for label in labels]
    rows = []
    for setting in dict.fromkeys(cell.setting for cell in own):
        line = [cell for cell in own if cell.setting == setting]
        published = [cell for cell in line if cell.hardware == line[0].hardware]
        rows.append(
            [
                setting,
                *(_simulated(cell) for cell in line),
                *(f"{cell.published_relative_speed:.2f} ({cell.published_speed:g}/s)" for cell in published),
            ]
        )
    return _grid(headers, rows)


def _simulated(cell: GuidelineCell) -> str:
    """`0.54 (557/s)`; with a D where most cycles are bound by DRAM."""
    dram = " D" if cell.measured.bound_by == "dram" else ""
    speed = cell.measured.images_per_second
    return f"{cell.relative_speed:.2f} ({f'{speed:,.0f}' if speed >= 100 else f'{speed:.3g}'}/s){dram}"


def by_hand_part(cells: Sequence[GuidelineCell]) -> str:
    """How far the simulation is from the two lines."""
    ratios: dict[tuple[str, str], float] = {}
    parameters = _parameters()
    for cell in cells:
        place = (cell.measured.network, cell.hardware)
        if cell.experiment != "G4" and "parallel" not in cell.setting and place not in ratios:
            network, given = parameters[cell.experiment, cell.platform, cell.setting, cell.column]
            by_hand = expected_cycles(network, given, MACHINES[cell.hardware])
            ratios[place] = cell.measured.cycles / by_hand
    return (
        f"Over all {len(ratios)} runs of tables 1 and 2 and of the series of table 3, the simulation takes "
        f"{min(ratios.values()):.3f} to {max(ratios.values()):.3f} times the cycles that this gives."
    )


def _parameters() -> Mapping[tuple[str, str, str, str], tuple[str, dict[str, int | float | bool | str]]]:
    """The network and its parameters of every cell."""
    return {
        (experiment.name, series.platform, row.setting, column.label): (
            experiment.network,
            {**row.parameters, **column.parameters},
        )
        for experiment in GUIDELINES.experiments
        for series in experiment.series
        for row in series.rows
        for column in series.columns
    }


def controls_part(_: Sequence[GuidelineCell]) -> str:
    """Other ratios of widths, which fill both arrays."""
    rows = []
    for c1, c2 in CONTROLS:
        cells = []
        for hardware in MACHINES.values():
            result = run_network(
                guideline_network("guidelines/channel_width", {"c1": c1, "c2": c2}), hardware
            )
            traffic = result.dram_bytes.read + result.dram_bytes.write
            cells += [f"{result.cycles:,}", f"{result.utilization:.3f}", f"{traffic / 1e6:.1f} MB"]
        rows.append([f"1:{c2 // c1} ({c1}, {c2})", *cells])
    headers = ["c1:c2"]
    headers += [f"`{name}` {what}" for name in MACHINES for what in ("cycles", "utilization", "DRAM")]
    return _grid(headers, rows)


def bottleneck_part(_: Sequence[GuidelineCell]) -> str:
    """The three layers of the fifth bottleneck of 64 channels, with and without shortcut."""
    rows = []
    for name, hardware in MACHINES.items():
        for shortcut in (True, False):
            parameters = {"channels": 64, "shortcut": shortcut}
            result = run_network(guideline_network("guidelines/element_wise", parameters), hardware)
            place = f"`{name}`, {'with' if shortcut else 'without'}"
            rows += [
                [
                    place,
                    layer.name.rpartition(".")[2],
                    layer.dataflow.replace("_", " "),
                    f"{layer.cycles:,}",
                    *(f"{layer.busy_cycles[part]:,}" for part in ("array", "dram", "vector")),
                ]
                for layer in result.layers
                if layer.name.startswith("units.block5.")
            ]
    headers = ["on, shortcut", "layer", "dataflow", "cycles", "array busy", "DRAM busy", "vector unit busy"]
    return _grid(headers, rows, left=3)


PARTS: Mapping[str, Callable[[Sequence[GuidelineCell]], str]] = {
    "verdicts": verdicts_part,
    "G1": experiment_part("G1"),
    "by hand": by_hand_part,
    "controls": controls_part,
    "G2": experiment_part("G2"),
    "G3": experiment_part("G3"),
    "G4": experiment_part("G4"),
    "bottleneck": bottleneck_part,
}


def with_part(document: str, name: str, text: str) -> str:
    """The document with new text between the markers of a part."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    pattern = f"(?s){re.escape(begin)}.*?{re.escape(end)}"
    if len(re.findall(pattern, document)) != 1:
        raise SystemExit(f"{DOCUMENT.name} must have `{begin}` ... `{end}` once")
    return re.sub(pattern, lambda _: f"{begin}\n{text}\n{end}", document)


def _grid(headers: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; the first `left` columns hold words, the others numbers."""
    rule = ["---" if index < left else "--:" for index in range(len(headers))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headers, rule, *rows))


def main() -> None:
    """Write every part."""
    text = DOCUMENT.read_text(encoding="utf-8")
    cells = cells_of(GUIDELINES, MACHINES)
    for name, part in PARTS.items():
        text = with_part(text, name, part(cells))
    write(DOCUMENT, text)


if __name__ == "__main__":
    main()
