"""ShuffleNet v2's four guidelines as experiments: what does departing from each cost on a machine?

An experiment is a table of Ma et al. (arXiv:1807.11164): a small network in several settings that have, but
for the rounding of channels, the same multiply-accumulates (MACs), at several sizes. One setting is what the
guideline advises. Speeds are compared at equal MACs: those done in a second, relative to the advised setting
of the same size. So the rounding, which is 5% of the MACs at most, favours nobody.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PositiveFloat, model_validator

from accelsim import descriptions
from accelsim.descriptions import Description, shipped
from accelsim.errors import AccelsimError
from accelsim.execution.processes import in_parallel
from accelsim.hardware import Hardware
from accelsim.network.description import Network
from accelsim.network.expressions import Value
from accelsim.network.load import load_network
from accelsim.result import Bound
from accelsim.run import run_network

NOTABLY = 0.05
"""By what part a speed has to be lower for a departure to count as slower."""


class SizeColumn(Description):
    """One size of all settings."""

    label: str
    parameters: dict[str, Value]


class SettingRow(Description):
    """One setting, and its published speed at each size, in images or batches a second."""

    setting: str
    parameters: dict[str, Value]
    speeds: tuple[PositiveFloat, ...]


class Series(Description):
    """The sizes that were run on one platform, and how fast."""

    platform: str
    columns: Annotated[tuple[SizeColumn, ...], Field(min_length=1)]
    rows: Annotated[tuple[SettingRow, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _every_row_is_complete(self) -> Self:
        for row in self.rows:
            if len(row.speeds) != len(self.columns):
                raise ValueError(f"{row.setting} must have {len(self.columns)} speeds, one for each column")
        return self


class Experiment(Description):
    """One guideline: the network, what is varied in it, and which setting is advised."""

    name: str
    title: str
    network: str
    varied: str
    advised: str
    series: tuple[Series, ...]

    @model_validator(mode="after")
    def _the_advised_setting_is_there(self) -> Self:
        for series in self.series:
            if self.advised not in [row.setting for row in series.rows]:
                raise ValueError(f"advised = {self.advised!r}: must be a setting of {series.platform}, too")
        return self


class Guidelines(Description):
    """All experiments, as published.

    Example:
        >>> [experiment.name for experiment in load_guidelines().experiments]
        ['G1', 'G2', 'G3', 'G4']
    """

    name: str
    """That of the file."""
    title: str
    """What the experiments are about."""
    source: str
    """The paper, and which of its tables."""
    machines: Annotated[tuple[str, ...], Field(min_length=1)]
    """On which of those that ship with accelsim they are done where no others are asked for."""
    experiments: tuple[Experiment, ...]
    """One for each guideline."""


@dataclass(frozen=True)
class Trial:
    """One network on one machine."""

    network: str
    parameters: tuple[tuple[str, Value], ...]
    machine: str
    hardware: Hardware = field(compare=False)

    def __str__(self) -> str:
        return f"{self.network} on {self.machine}"


@dataclass(frozen=True)
class Measured:
    """What a trial took."""

    network: str
    """With its parameters, as `--net` takes them."""
    cycles: int
    images_per_second: float
    macs: int
    utilization: float
    energy: float
    dram_bytes: int
    bound_by: Bound
    """What most of the cycles are bound by."""


@dataclass(frozen=True)
class GuidelineCell:
    """One setting at one size: published on a platform, simulated on a machine.

    Fields are the names that the JSON has.

    Example:
        >>> from accelsim.descriptions import vary
        >>> from accelsim.validation import shipped_hardware
        >>> first = load_guidelines().experiments[0]
        >>> guidelines = vary(load_guidelines(), experiments=[first])
        >>> cells = cells_of(guidelines, {"8x8_32k": shipped_hardware("8x8_32k")})
        >>> cells[0].experiment, cells[0].platform, cells[0].relative_speed
        ('G1', 'GPU', 1.0)
    """

    experiment: str
    """The guideline."""
    platform: str
    """Of the paper."""
    setting: str
    """What is varied."""
    column: str
    """The size."""
    hardware: str
    """The machine."""
    measured: Measured
    """What the simulation took."""
    relative_speed: float
    """MACs in a second / those of the advised setting of the same size."""
    published_speed: float
    """In images or batches a second."""
    published_relative_speed: float
    """MACs in a second / those of the advised setting, as published."""
    relative_energy: float
    """Energy of a MAC / that of the advised setting of the same size."""


@dataclass(frozen=True)
class Verdict:
    """How departing from a guideline turns out on a platform.

    Example:
        >>> Verdict("G1", "16x16_128k", departures=18, slower=7, slowest=0.54, fastest=1.03).slower
        7
    """

    experiment: str
    """The guideline."""
    where: str
    """A machine, or a platform of the paper; fields are the names that the JSON has."""
    departures: int
    """Cells of settings other than the advised one."""
    slower: int
    """Those of them that are slower by more than `NOTABLY`."""
    slowest: float
    """The lowest relative speed of them."""
    fastest: float
    """The highest."""


def load_guidelines() -> Guidelines:
    """The published experiments.

    Returns:
        Those of ShuffleNet v2's tables 1 to 4.

    Example:
        >>> load_guidelines().experiments[0].advised
        '1:1'
    """
    return descriptions.read(Path(__file__).with_name("guidelines.yaml"), Guidelines)


def cells_of(
    guidelines: Guidelines, machines: Mapping[str, Hardware], step: Callable[[str], None] = lambda _: None
) -> tuple[GuidelineCell, ...]:
    """Every experiment on every machine.

    Args:
        guidelines: The experiments.
        machines: By name.
        step: Is told of each simulation that is done.

    Returns:
        A cell for each setting and size of each experiment, on each machine.

    Raises:
        AccelsimError: The first that a network meets.

    Example:
        >>> from accelsim.descriptions import vary
        >>> from accelsim.validation import shipped_hardware
        >>> first = load_guidelines().experiments[0]
        >>> guidelines = vary(load_guidelines(), experiments=[first])
        >>> cells = cells_of(guidelines, {"8x8_32k": shipped_hardware("8x8_32k")})
        >>> len(cells), cells[0].measured.network
        (24, 'guidelines/channel_width')
    """
    trials = trials_of(guidelines, machines)
    measured: dict[Trial, Measured] = {}
    for trial, outcome in zip(trials, in_parallel(_measure, trials, step), strict=True):
        if isinstance(outcome, AccelsimError):
            raise outcome
        measured[trial] = outcome
    return tuple(
        cell
        for experiment in guidelines.experiments
        for series in experiment.series
        for machine, hardware in machines.items()
        for cell in _cells(experiment, series, machine, hardware, measured)
    )


def trials_of(guidelines: Guidelines, machines: Mapping[str, Hardware]) -> tuple[Trial, ...]:
    """Everything to simulate, once each: sizes that two platforms share are one trial."""
    trials = (
        _trial(experiment, row, column, machine, hardware)
        for machine, hardware in machines.items()
        for experiment in guidelines.experiments
        for series in experiment.series
        for row in series.rows
        for column in series.columns
    )
    return tuple(dict.fromkeys(trials))


def verdicts_of(cells: Sequence[GuidelineCell], experiment: Experiment) -> tuple[Verdict, ...]:
    """How departing from a guideline turns out on each machine, and turned out on each platform.

    Args:
        cells: Of all experiments.
        experiment: The guideline.

    Returns:
        A verdict for each machine and each platform.

    Example:
        >>> from accelsim.descriptions import vary
        >>> from accelsim.validation import shipped_hardware
        >>> first = load_guidelines().experiments[0]
        >>> guidelines = vary(load_guidelines(), experiments=[first])
        >>> cells = cells_of(guidelines, {"8x8_32k": shipped_hardware("8x8_32k")})
        >>> [(verdict.where, verdict.departures, verdict.slower) for verdict in verdicts_of(cells, first)]
        [('8x8_32k', 18, 11), ('GPU', 9, 9), ('ARM', 9, 9)]
    """
    departures = [
        cell for cell in cells if cell.experiment == experiment.name and cell.setting != experiment.advised
    ]
    speeds: dict[str, dict[str, float]] = {cell.hardware: {} for cell in departures}
    speeds |= {cell.platform: {} for cell in departures}
    for cell in departures:  # a network that both platforms ran counts once on a machine
        speeds[cell.hardware][cell.measured.network] = cell.relative_speed
        speeds[cell.platform][cell.measured.network] = cell.published_relative_speed
    return tuple(
        _verdict(experiment.name, platform, tuple(of_networks.values()))
        for platform, of_networks in speeds.items()
    )


def _verdict(experiment: str, platform: str, speeds: Sequence[float]) -> Verdict:
    return Verdict(
        experiment=experiment,
        where=platform,
        departures=len(speeds),
        slower=sum(speed < 1 - NOTABLY for speed in speeds),
        slowest=min(speeds),
        fastest=max(speeds),
    )


def guideline_network(name: str, parameters: Mapping[str, Value]) -> Network:
    """A network of an experiment, whatever ./networks holds."""
    return load_network(shipped.packaged("networks", name), shapes=None, **parameters)


def _trial(
    experiment: Experiment, row: SettingRow, column: SizeColumn, machine: str, hardware: Hardware
) -> Trial:
    parameters = {**row.parameters, **column.parameters}
    return Trial(experiment.network, tuple(sorted(parameters.items())), machine, hardware)


def _measure(trial: Trial) -> Measured | AccelsimError:
    try:
        network = guideline_network(trial.network, dict(trial.parameters))
        result = run_network(network, trial.hardware)
    except AccelsimError as error:
        return error
    bounds: Counter[Bound] = Counter()
    for layer in result.layers:
        bounds[layer.bound_by] += layer.cycles
    return Measured(
        network=trial.network + network.name.removeprefix(network.description.name),
        cycles=result.cycles,
        images_per_second=result.clock_mhz * 1e6 / result.cycles,
        macs=result.macs,
        utilization=result.utilization,
        energy=result.energy.total,
        dram_bytes=result.dram_bytes.read + result.dram_bytes.write,
        bound_by=bounds.most_common(1)[0][0],
    )


def _cells(
    experiment: Experiment,
    series: Series,
    machine: str,
    hardware: Hardware,
    measured: Mapping[Trial, Measured],
) -> Iterator[GuidelineCell]:
    (advised,) = (row for row in series.rows if row.setting == experiment.advised)
    for row in series.rows:
        for index, column in enumerate(series.columns):
            departure = measured[_trial(experiment, row, column, machine, hardware)]
            best = measured[_trial(experiment, advised, column, machine, hardware)]
            # Rounded channels make a few MACs more or less: speeds are compared at equal MACs.
            work = departure.macs / best.macs
            yield GuidelineCell(
                experiment=experiment.name,
                platform=series.platform,
                setting=row.setting,
                column=column.label,
                hardware=machine,
                measured=departure,
                relative_speed=work * best.cycles / departure.cycles,
                published_speed=row.speeds[index],
                published_relative_speed=work * row.speeds[index] / advised.speeds[index],
                relative_energy=departure.energy / best.energy / work,
            )
