"""What the report page shows, as plain values: those of the plots, layer by layer.

The page's script draws them and computes no more than sums of what it shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from accelsim.hardware import Hardware
from accelsim.network.description import Network
from accelsim.power import FrameDemand
from accelsim.report.plots.energy import layer_energy_bars
from accelsim.report.plots.layers import layer_bars
from accelsim.report.plots.roofline import RooflinePoint, roof_of, roofline_points
from accelsim.report.plots.style import BOUND_COLOURS, BOUND_MARKERS, COMPONENT_STYLES, component_styles
from accelsim.report.plots.traffic import traffic_bars
from accelsim.report.tables.comparison import Case, ComparedCase, compare
from accelsim.report.text.energies import in_whole_joules
from accelsim.report.text.words import (
    bound_name,
    bound_sentence,
    common_off_chip_word,
    component_word,
    dataflow_title,
    off_chip_word,
)
from accelsim.report.values.stage_results import cycles_by_bound
from accelsim.result import LayerResult, RunResult

_SYMBOLS: Final = {"o": "circle", "s": "square", "^": "triangle-up", "X": "x", "D": "diamond", "P": "cross"}
"""matplotlib's markers by plotly's names."""
_DIGITS: Final = 6
"""Significant digits of what is no whole number: more than anybody reads, a third of the file's size."""


@dataclass(frozen=True)
class Page:
    """What one page shows.

    Example:
        >>> from accelsim import load_hardware, load_network, run_network
        >>> from accelsim.report.tables import Case
        >>> network, machine = load_network("alexnet"), load_hardware("8x8_32k")
        >>> cases = [Case("alexnet", "8x8", run_network(network, machine))]
        >>> page = make_page(cases, "8x8", {"alexnet": network}, {"8x8": machine})
        >>> page.relative_to
        '8x8'
    """

    compared: Sequence[ComparedCase]
    """The runs, those of a machine after each other, and what each takes relative to its reference."""
    relative_to: str
    """The network or the machine that runs are relative to."""
    networks: Mapping[str, Network]
    """Under the names of the cases."""
    machines: Mapping[str, Hardware]
    """Likewise."""
    options: Mapping[str, Any]
    """What `run_network` was called with, but for its defaults."""
    demand: FrameDemand | None = None
    """How often images come, where power at that rate is asked for."""

    @property
    def off_chip(self) -> str:
        """What the memory off chip is called, if all runs have one of that name."""
        return common_off_chip_word(compared.case.result.off_chip for compared in self.compared)


def make_page(
    cases: Sequence[Case],
    relative_to: str,
    networks: Mapping[str, Network],
    machines: Mapping[str, Hardware],
    options: Mapping[str, Any] = MappingProxyType({}),
    demand: FrameDemand | None = None,
) -> Page:
    """What the page of some cases shows.

    Args:
        cases: Runs, those of a machine after each other.
        relative_to: A network, to which those on the same machine are relative, or a machine, to which the
            same network on others is.
        networks: Those of the cases, under their names.
        machines: Likewise.
        options: What the cases were simulated with, but for defaults of `run_network`.
        demand: How often images come, where power at that rate is asked for.

    Returns:
        The page's values.

    Example:
        >>> from accelsim import load_hardware, load_network, run_network
        >>> from accelsim.report.tables import Case
        >>> network, machine = load_network("alexnet"), load_hardware("8x8_32k")
        >>> cases = [Case("alexnet", "8x8", run_network(network, machine))]
        >>> page = make_page(cases, "8x8", {"alexnet": network}, {"8x8": machine})
        >>> len(page.compared)
        1
    """
    return Page(compare(cases, relative_to), relative_to, networks, machines, options, demand)


def script_values(page: Page) -> dict[str, Any]:
    """What the script of the page is given, ready for JSON; the same page gives the same values."""
    return {
        "off_chip": page.off_chip,
        "bounds": {
            bound: {
                "colour": colour,
                "symbol": _SYMBOLS[BOUND_MARKERS[bound]],
                "name": bound_name(bound, page.off_chip),
                "meaning": bound_sentence(bound, page.off_chip),
            }
            for bound, colour in BOUND_COLOURS.items()
        },
        "components": {
            component: {"colour": colour, "hatch": hatch[:1], "name": component_word(component)}
            for component, (colour, hatch) in component_styles(_components(page)).items()
        },
        "runs": [
            run_values(compared.case, page.machines[compared.case.hardware]) for compared in page.compared
        ],
    }


def _components(page: Page) -> list[str]:
    """Of the energies of all runs."""
    names = (
        *COMPONENT_STYLES,
        *(name for compared in page.compared for name in compared.case.result.energy.by_component),
    )
    return list(dict.fromkeys(names))


def run_values(case: Case, hardware: Hardware) -> dict[str, Any]:
    """One run: its sums, the roof above it, and its layers. Energies are in J where joules are known."""
    result, roof = in_whole_joules(case.result), roof_of(hardware)
    return {
        "network": case.network,
        "hardware": case.hardware,
        "off_chip": off_chip_word(result.off_chip),
        "time_ms": _short(result.time_ms),
        "cycles": result.cycles,
        "energy": _short(result.energy.total),
        "energy_unit": result.energy.unit,
        "utilization": _short(result.utilization),
        "skipped_macs": result.skipped_macs,
        "dram_bytes": result.dram_bytes.total,
        "bound_ms": {
            bound: _short(cycles / (result.clock_mhz * 1e3))
            for bound, cycles in cycles_by_bound(result.layers).items()
        },
        "energy_by_component": {
            name: _short(result.energy.by_component[name])
            for name in component_styles(result.energy.by_component)
            if result.energy.by_component.get(name)
        },
        "peak_macs_per_cycle": roof.peak_macs_per_cycle,
        "dram_bytes_per_cycle": roof.dram_bytes_per_cycle,
        "layers": layer_columns(result, hardware),
    }


def layer_columns(result: RunResult, hardware: Hardware) -> dict[str, list[Any]]:
    """A list for each value, with an entry for each layer, in running order.

    Names and units are those of `run --format json`, and `time_us`, `macs_per_byte` and `macs_per_cycle`
    (executed; none where a layer is not on the roofline). `energy_COMPONENT`
    is absent where no layer has any, and so is `cascade`, from 1 on.
    """
    points = {point.name: point for point in roofline_points(result, hardware)}
    layers = result.layers
    traffic = traffic_bars(result)
    energies = [dict(bar.parts) for bar in layer_energy_bars(result)]
    columns: dict[str, list[Any]] = {
        "name": [layer.name for layer in layers],
        "stage": [layer.stage for layer in layers],
        "operator": [_operator(layer) for layer in layers],
        "shape": [layer.shape for layer in layers],
        "dataflow": [dataflow_title(layer.dataflow) for layer in layers],
        "macs": [layer.macs for layer in layers],
        "skipped_macs": [layer.skipped_macs for layer in layers],
        "cycles": [layer.cycles for layer in layers],
        "time_us": [_short(bar.time_us) for bar in layer_bars(result)],
        "utilization": [_short(layer.utilization) for layer in layers],
        "bound_by": [layer.bound_by for layer in layers],
        "least_cycles": [layer.least_cycles for layer in layers],
        "dram_bytes_read": [bar.read_bytes for bar in traffic],
        "dram_bytes_write": [bar.write_bytes for bar in traffic],
        "compulsory_dram_bytes": [bar.compulsory_bytes for bar in traffic],
        "global_buffer_bytes": [layer.global_buffer_bytes.total for layer in layers],
        "energy": [_short(layer.energy) for layer in layers],
        "tile": [layer.tile for layer in layers],
        "macs_per_byte": [_of(points.get(layer.name), "macs_per_byte") for layer in layers],
        "macs_per_cycle": [_of(points.get(layer.name), "macs_per_cycle") for layer in layers],
    }
    if any(layer.cascade is not None for layer in layers):
        columns["cascade"] = [None if layer.cascade is None else layer.cascade.number + 1 for layer in layers]
    for component in component_styles(result.energy.by_component):
        if any(component in parts for parts in energies):
            columns[f"energy_{component}"] = [_short(parts.get(component, 0.0)) for parts in energies]
    return columns


def _operator(layer: LayerResult) -> str:
    return layer.operator.replace("_", " ")


def _of(point: RooflinePoint | None, name: str) -> float | None:
    return None if point is None else _short(getattr(point, name))


def _short(value: float) -> float:
    """The value to as many digits as are shown; whole where it is."""
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded == int(rounded) else rounded
