"""Networks beside each other on machines beside each other: values, and how they look."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from accelsim.power import FrameDemand
from accelsim.report.text.energies import energy_cell
from accelsim.report.text.power import image_cell, rate_or_none, rate_values
from accelsim.report.text.table import Column, Style, fitting, percent_digits, ratio, si, table, wrapped
from accelsim.report.text.words import OFF_CHIP, common_off_chip_word, memory_word, off_chip_words
from accelsim.report.text.zeros import skipped_percent
from accelsim.result import RunResult


@dataclass(frozen=True)
class Case:
    """One network on one machine.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> Case("small", "16x16", result).result.batch
        1
    """

    network: str
    """A name that sets it apart from those of other cases."""
    hardware: str
    """Likewise, of the machine."""
    result: RunResult
    """Of the run."""


@dataclass(frozen=True)
class ComparedCase:
    """A case beside its reference.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> ComparedCase(Case("small", "16x16", result), 0.5, None).relative_time
        0.5
    """

    case: Case
    """What is compared."""
    relative_time: float
    """What it takes for each unit of time that its reference takes; so for the energy."""
    relative_energy: float | None
    """None where the two energies have different units, or the reference takes none."""


def compare(cases: Sequence[Case], relative_to: str) -> list[ComparedCase]:
    """Each case relative to a reference.

    Args:
        cases: Every network on every machine.
        relative_to: A network, to which those on the same machine are relative, or a machine, to which the
            same network on others is.

    Returns:
        The cases in their order.

    Example:
        >>> from accelsim import run_network
        >>> networks = ("mobilenet_v1@width=0.25", "mobilenet_v1@width=0.5")
        >>> cases = [Case(name, "8x8", run_network(name, "8x8_32k")) for name in networks]
        >>> [f"{case.relative_time:.2f}" for case in compare(cases, relative_to=networks[1])]
        ['0.32', '1.00']
    """
    by_name = {(case.network, case.hardware): case for case in cases}
    if any(case.network == relative_to for case in cases):
        return [_relative(case, by_name[relative_to, case.hardware]) for case in cases]
    return [_relative(case, by_name[case.network, relative_to]) for case in cases]


def _relative(case: Case, reference: Case) -> ComparedCase:
    result, reference_result = case.result, reference.result
    return ComparedCase(
        case,
        relative_time=result.cycles
        * reference_result.clock_mhz
        / (reference_result.cycles * result.clock_mhz),
        relative_energy=_relative_energy(result, reference_result),
    )


def _relative_energy(result: RunResult, reference_result: RunResult) -> float | None:
    """By joules where those are known of both, else by units where both have the same."""
    energy, base = result.energy, reference_result.energy
    if energy.joules is not None and base.joules:
        return energy.joules / base.joules
    comparable = energy.unit == base.unit and base.total > 0
    return energy.total / base.total if comparable else None


def to_dict(compared: ComparedCase, demand: FrameDemand | None = None) -> dict[str, Any]:
    """Plain values, with the names of `run --format json` where they mean the same.

    At a frame rate that the machine does not keep, or where no joules are known, they are None.
    """
    case, result = compared.case, compared.case.result
    return {
        "network": case.network,
        "hardware": case.hardware,
        "batch": result.batch,
        "cycles": result.cycles,
        "time_ms": result.time_ms,
        "relative_time": compared.relative_time,
        "energy": {"total": result.energy.total, "unit": result.energy.unit},
        "relative_energy": compared.relative_energy,
        "utilization": result.utilization,
        "nominal_utilization": result.nominal_utilization,
        "skipped_macs": result.skipped_macs,
        "dram_bytes": {"read": result.dram_bytes.read, "write": result.dram_bytes.write},
        "macs": result.macs,
        "params": result.params,
        **({} if result.energy_pj is None else {"energy_pj": result.energy_pj}),
        **({} if result.average_power_mw is None else {"average_power_mw": result.average_power_mw}),
        **({"static_power_mw": result.static_power_mw} if result.static_power_mw else {}),
        **rate_values(result, demand),
    }


def comparison_report(
    compared: Sequence[ComparedCase], relative_to: str, style: Style, demand: FrameDemand | None = None
) -> str:
    """The cases below the machine that they run on, as `accelsim compare` prints them.

    Args:
        compared: Those of a machine follow each other.
        relative_to: What they were compared with.
        style: What the place that it goes to can show.
        demand: How often images come, where power at that rate is asked for.

    Returns:
        Text that ends in a newline.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> from accelsim.report.text import Style
        >>> cases = compare([Case("small", "16x16", result)], relative_to="small")
        >>> print(comparison_report(cases, "small", Style()).splitlines()[0])
        network  params   MACs    ms  x time  energy  x energy   PE%  zero%   DRAM
    """
    columns = fitting(_columns(compared, demand), style.width)
    headers = {column.header for column in columns}
    head, *lines = table(columns, style.width)
    text = [style.strong(head)]
    pairs = zip(compared, lines, strict=True)
    for hardware, members in groupby(pairs, lambda pair: pair[0].case.hardware):
        text += [style.strong(hardware), *(line for _, line in members)]
    networks = {row.case.network for row in compared}
    reference = (
        f"{relative_to} on the same" if relative_to in networks else f"the same network on the {relative_to}"
    )
    off_chip = common_off_chip_word(row.case.result.off_chip for row in compared)
    of_use = " of use, not of bursts" if any(row.case.result.moves_bursts for row in compared) else ""
    legend = f"x time, x energy: relative to {reference} machine."
    if "PE%" in headers:
        legend += f" PE%: MACs per PE and cycle. {off_chip}: bytes{of_use}.{_off_chip_words(compared)}"
    if "zero%" in headers:
        legend += " zero%: MACs that are skipped, as their weights are zero or taken as zero; PE% is without."
    text += ["", *wrapped(legend + _images_words(compared) + _rate_words(compared, demand), style)]
    return "\n".join(text) + "\n"


def _off_chip_words(compared: Sequence[ComparedCase]) -> str:
    """What is off chip on machines that call it differently, or have several memories there."""
    off_chip = {row.case.hardware: row.case.result.off_chip for row in compared}
    if len(set(off_chip.values())) == 1:
        return off_chip_words(compared[0].case.result.off_chip)
    listed = [f"{' and '.join(map(memory_word, names))} on {machine}" for machine, names in off_chip.items()]
    return f" {OFF_CHIP}: {', '.join(listed)}."


def _images_words(compared: Sequence[ComparedCase]) -> str:
    """How many images run together, where that differs between networks."""
    images = {row.case.network: row.case.result.batch for row in compared}
    if len(set(images.values())) == 1:
        return ""
    batches = (f"{batch} of {network}" for network, batch in images.items() if batch > 1)
    return f" Images that run together: {', '.join(batches)}, one of others."


def _rate_words(compared: Sequence[ComparedCase], demand: FrameDemand | None) -> str:
    """What the columns at a frame rate are, and why some have no figures."""
    if demand is None:
        return ""
    battery = "" if demand.battery_mwh is None else f"; hours: that {demand.battery_mwh:g} mWh last"
    rates = [rate_or_none(row.case.result, demand) for row in compared]
    missing = " -: the rate is not kept, or no joules are known." if None in rates else ""
    return (
        f" At {demand.frames_per_second:g} frames/s, J/image: energy until the next image comes; mW: average "
        f"power{battery}.{missing}"
    )


def _columns(compared: Sequence[ComparedCase], demand: FrameDemand | None) -> list[Column]:
    results = [row.case.result for row in compared]
    energies = [row.relative_energy for row in compared]
    rank = 0 if demand is None else 2  # what is asked for has room first
    return [
        Column("network", [f" {row.case.network}" for row in compared], "left", least=12),
        Column("params", [si(result.params) for result in results], rank=1, gap=2),
        Column("MACs", [si(result.macs) for result in results], rank=1, gap=2),
        Column("ms", [si(result.time_ms) for result in results], gap=2),
        Column("x time", [ratio(row.relative_time) for row in compared], gap=2),
        Column("energy", [_energy(result) for result in results], gap=2),
        Column("x energy", ["-" if value is None else ratio(value) for value in energies], gap=2),
        *(_powers(results) if demand is None else _at_rate(results, demand)),
        Column("PE%", [percent_digits(result.utilization) for result in results], gap=2, rank=rank),
        *_zeros(results, rank),
        Column(
            common_off_chip_word(result.off_chip for result in results),
            [si(result.dram_bytes.total) for result in results],
            gap=2,
            rank=rank,
        ),
    ]


def _energy(result: RunResult) -> str:
    return energy_cell(result.energy.total, result.energy.picojoules_per_unit)


def _powers(results: Sequence[RunResult]) -> list[Column]:
    """Average power, if it is known of any."""
    powers = [result.average_power_mw for result in results]
    if all(power is None for power in powers):
        return []
    cells = ["-" if power is None else si(power) for power in powers]
    return [Column("mW", cells, rank=1, gap=2)]


def _at_rate(results: Sequence[RunResult], demand: FrameDemand) -> list[Column]:
    """What images cost that come at a rate, and for how long a battery lasts then."""
    rates = [rate_or_none(result, demand) for result in results]
    columns = [
        Column(
            "J/image",
            ["-" if rate is None else image_cell(rate) for rate in rates],
            gap=2,
        ),
        Column("mW", ["-" if rate is None else si(rate.power_mw) for rate in rates], gap=2),
    ]
    if demand.battery_mwh is None:
        return columns
    hours = [None if rate is None else demand.battery_hours(rate) for rate in rates]
    return [*columns, Column("hours", ["-" if value is None else si(value) for value in hours], gap=2)]


def _zeros(results: Sequence[RunResult], rank: int) -> list[Column]:
    """Which part of the multiply-accumulates was skipped, if any was."""
    if not any(result.skipped_macs for result in results):
        return []
    return [Column("zero%", list(map(skipped_percent, results)), gap=2, rank=rank)]
