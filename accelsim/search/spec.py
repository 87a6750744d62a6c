"""Sweep: what a sweep's file describes: axes of machines and networks, objectives and constraints.

    networks: [sqnxt23v5, mobilenet_v1@width=0.5]
    hardware: [16x16_128k]
    hardware_parameters: {pe_array.rows: [8, 16], global_buffer.size_bytes: [32768, 131072]}
    network_parameters: {resolution: [160, 224]}
    objectives: [time_ms, energy, area_mm2]
    constraints: [area_mm2 <= 4]

Its candidates are the cross product of all axes: every network on every machine, with every value of every
parameter. A candidate is known by its number; the machine varies slowest, so that neighbours share one.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import Field, field_validator

from accelsim.choices import AUTO
from accelsim.descriptions import Description, Document, Mistake, check, one_of, parse, unknown, vary
from accelsim.descriptions.arguments import check_path
from accelsim.descriptions.keys import dotted_keys
from accelsim.descriptions.kinds import FileKind, check_kind
from accelsim.descriptions.limits import MAX_AXIS_VALUES, MAX_REPEAT
from accelsim.descriptions.quantities import Batch, BatteryMilliwattHours, FramesPerSecond
from accelsim.errors import AccelsimError, DescriptionError
from accelsim.hardware import Hardware, dataflow_names, format1, load_hardware
from accelsim.hardware.area import Words
from accelsim.hardware.siblings import is_bandwidth
from accelsim.network.description import Network
from accelsim.network.load import load_network
from accelsim.network.parameters import no_parameter
from accelsim.planning.plan import Inferences
from accelsim.power import FrameDemand
from accelsim.search.metrics import Constraint, Metric, constraint, metric, unmeasurable
from accelsim.search.space import repeating
from accelsim.search.variants import DEPTHS, STAGES, variant

_WORDS: Final = ("name", "title", "source", "assumed")
"""Keys of a machine that are no parameters."""
AxisKind: TypeAlias = Literal["hardware", "hardware_parameters", "networks", "network_parameters"]
OF_MACHINES: Final[tuple[AxisKind, ...]] = ("hardware", "hardware_parameters")
AxisValues: TypeAlias = Annotated[tuple[Any, ...], Field(max_length=MAX_AXIS_VALUES)]
"""Of one parameter."""
ResultT = TypeVar("ResultT")


class SweepDescription(Description):
    """What the file may say."""

    title: str = ""
    networks: tuple[Words, ...] = Field(min_length=1, max_length=MAX_AXIS_VALUES)
    """Names or paths, with parameters after an @."""
    hardware: tuple[Words, ...] = Field(min_length=1, max_length=MAX_AXIS_VALUES)
    hardware_parameters: dict[str, AxisValues] = Field(default_factory=dict)
    """By dotted keys of the hardware file."""
    network_parameters: dict[str, AxisValues] = Field(default_factory=dict)
    """The networks' own, which all of them must have; `depths`; `stages.STAGE.KEY` of the stage table."""
    objectives: tuple[str, ...] = Field(min_length=1)
    constraints: tuple[str, ...] = ()
    batch: Batch | None = None
    dataflow: str = AUTO
    inferences: Inferences = "steady"
    frames_per_second: FramesPerSecond | None = None
    battery_mwh: BatteryMilliwattHours | None = None

    @field_validator("dataflow")
    @classmethod
    def _is_known(cls, dataflow: str) -> str:
        if dataflow not in (AUTO, *dataflow_names()):
            raise ValueError(f"must be {one_of(map(repr, (AUTO, *dataflow_names())))}")
        return dataflow


@dataclass(frozen=True)
class SweepAxis:
    """One thing that varies, and its values as the file has them.

    Example:
        >>> SweepAxis("hardware_parameters", "pe_array.rows", (8, 16)).ordered
        True
    """

    kind: AxisKind
    """Whether it is of machines or of networks."""
    name: str
    """`hardware`, `networks`, or the parameter's name."""
    values: tuple[Any, ...]
    """At least one."""

    @property
    def ordered(self) -> bool:
        """Whether the values are numbers, each more than the one before."""
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)
        return numbers and all(low < high for low, high in itertools.pairwise(self.values))


@dataclass(frozen=True)
class Sweep:
    """A space of candidates, and what they are judged by.

    Example:
        >>> sweep = read_sweep("docs/examples/small_sweep.yaml")
        >>> sweep.settings(0)["pe_array.rows"], sweep.hardware(0).pe_array.rows
        (8, 8)
    """

    name: str
    """That of the file."""
    title: str
    """What the file says about itself; may be empty."""
    machines: tuple[Hardware, ...]
    """As they are named in the file, without the parameters that vary."""
    networks: tuple[Network, ...]
    """Likewise."""
    axes: tuple[SweepAxis, ...]
    """Machines, their parameters, networks, their parameters; the last varies fastest."""
    objectives: tuple[Metric, ...]
    """What candidates are ranked by; the first decides."""
    constraints: tuple[Constraint, ...]
    """What excludes candidates."""
    batch: int | None
    """Images that run together; None for as many as every network is described for."""
    dataflow: str
    """As in `run_network`."""
    inferences: Inferences = "steady"
    """Which is judged, as in `SearchTask`."""
    demand: FrameDemand | None = None
    """How often images come, and on which battery the machine runs; None where nothing is said of it."""

    @property
    def images(self) -> int:
        """How many images run together."""
        return self.networks[0].images(self.batch)

    @property
    def size(self) -> int:
        """How many candidates there are."""
        return math.prod(len(axis.values) for axis in self.axes)

    @property
    def varying(self) -> tuple[SweepAxis, ...]:
        """Axes of more than one value."""
        return tuple(axis for axis in self.axes if len(axis.values) > 1)

    @property
    def energy_unit(self) -> str:
        """That of the machines' tables; it is one where energies are compared."""
        return self.machines[0].energy.unit

    @property
    def picojoules_per_unit(self) -> float | None:
        """What a unit of energy is [pJ], where that is known and the same on all machines."""
        varied = any(axis.name == "energy.picojoules_per_unit" for axis in self.axes)
        units = {machine.energy.picojoules for machine in self.machines}
        return units.pop() if len(units) == 1 and not varied else None

    @cached_property
    def _counts(self) -> tuple[int, ...]:
        return tuple(len(axis.values) for axis in self.axes)

    def digits(self, index: int) -> tuple[int, ...]:
        """The position of a candidate's value on each axis."""
        # The number of a candidate is written in a mixed radix, whose bases are the lengths of the axes.
        digits = []
        for count in reversed(self._counts):
            index, digit = divmod(index, count)
            digits.append(digit)
        return tuple(reversed(digits))

    def index(self, digits: tuple[int, ...]) -> int:
        """The number of the candidate with these positions on the axes."""
        index = 0
        for count, digit in zip(self._counts, digits, strict=True):
            index = index * count + digit
        return index

    def settings(self, index: int) -> dict[str, Any]:
        """A candidate's value on each axis."""
        return {
            axis.name: axis.values[digit] for axis, digit in zip(self.axes, self.digits(index), strict=True)
        }

    def hardware_key(self, index: int) -> tuple[int, ...]:
        """What a candidate's machine follows from."""
        return self._key(index, OF_MACHINES)

    def siblings_key(self, index: int) -> tuple[int, ...]:
        """The same for candidates whose machines differ in nothing but how fast channels stream."""
        return tuple(itertools.compress(self.digits(index), self._tells_siblings_apart))

    @cached_property
    def _tells_siblings_apart(self) -> tuple[bool, ...]:
        return tuple(axis.kind in OF_MACHINES and not is_bandwidth(axis.name) for axis in self.axes)

    def network_key(self, index: int) -> tuple[int, ...]:
        """What a candidate's network follows from."""
        return self._key(index, ("networks", "network_parameters"))

    def _key(self, index: int, kinds: tuple[AxisKind, ...]) -> tuple[int, ...]:
        return tuple(
            digit for axis, digit in zip(self.axes, self.digits(index), strict=True) if axis.kind in kinds
        )

    def hardware(self, index: int) -> Hardware:
        """A candidate's machine. Raises DescriptionError where its parameters do not fit each other."""
        base = self.machines[self.hardware_key(index)[0]]
        changes = self._values(index, "hardware_parameters")
        return vary(base, **changes) if changes else base

    def network(self, index: int) -> Network:
        """A candidate's network. Raises DescriptionError where its parameters do not fit each other."""
        return variant(self.networks[self.network_key(index)[0]], self._values(index, "network_parameters"))

    def _values(self, index: int, kind: AxisKind) -> dict[str, Any]:
        return {
            axis.name: axis.values[digit]
            for axis, digit in zip(self.axes, self.digits(index), strict=True)
            if axis.kind == kind
        }

    def published_top1(self, network: Network, hardware: Hardware, index: int) -> float | None:
        """What is published of exactly this network; nothing where the sweep gives it other bits."""
        base = self.machines[self.hardware_key(index)[0]]
        return network.reported.top1 if hardware.precision == base.precision else None


# --- the file


def read_sweep(
    path: str | Path, frames_per_second: float | None = None, battery_mwh: float | None = None
) -> Sweep:
    """The sweep in a YAML file.

    Args:
        path: Of the file.
        frames_per_second: How often images come, in place of what the file says.
        battery_mwh: What the battery holds, likewise.

    Returns:
        The space of candidates, with every network and machine that it names.

    Raises:
        DescriptionError: Where the file does not describe a sweep, with a line for each mistake.

    Example:
        >>> sweep = read_sweep("docs/examples/small_sweep.yaml")
        >>> sweep.size, [metric.name for metric in sweep.objectives]
        (162, ['time_ms', 'energy', 'area_mm2'])
    """
    check_path("path", path, "a sweep's file")
    document = parse(path)
    check_kind(document, FileKind.SWEEP)
    described = check(document, SweepDescription)
    rate, battery_mwh = frames_per_second or described.frames_per_second, battery_mwh or described.battery_mwh
    demand = None if rate is None else FrameDemand(rate, battery_mwh)
    if demand is None and battery_mwh is not None:
        sentence = "needs frames_per_second, at which the battery is used"
        raise document.error([Mistake(("battery_mwh",), sentence)])
    return _Reader(document, described, Path(path).stem, demand).sweep()


class _Reader:
    """Looks up and checks all that a file names, and notes every mistake with its path."""

    def __init__(
        self, document: Document, described: SweepDescription, name: str, demand: FrameDemand | None
    ) -> None:
        self._document, self._described, self._name, self._demand = document, described, name, demand
        self._mistakes: list[Mistake] = []

    def sweep(self) -> Sweep:
        """The sweep. Raises DescriptionError."""
        description = self._described
        machines = self._loaded("hardware", description.hardware, load_hardware)
        networks = self._loaded("networks", description.networks, load_network)
        self._check_batch(networks)
        self._check_hardware_parameters(machines)
        self._check_network_parameters(networks)
        objectives = self._loaded("objectives", description.objectives, metric)
        constraints = self._loaded("constraints", description.constraints, constraint)
        for kind, lists in (
            ("networks", {"": description.networks}),
            ("hardware", {"": description.hardware}),
            ("objectives", {"": description.objectives}),
            ("hardware_parameters", description.hardware_parameters),
            ("network_parameters", description.network_parameters),
        ):
            for name, values in lists.items():
                self._check_list((kind, name) if name else (kind,), values)
        self._check_metrics(machines, objectives, constraints)
        if self._mistakes:
            raise self._document.error(self._mistakes)
        return Sweep(
            name=self._name,
            title=description.title,
            machines=machines,
            networks=networks,
            axes=(
                SweepAxis("hardware", "hardware", description.hardware),
                *(
                    SweepAxis("hardware_parameters", *axis)
                    for axis in description.hardware_parameters.items()
                ),
                SweepAxis("networks", "networks", description.networks),
                *(SweepAxis("network_parameters", *axis) for axis in description.network_parameters.items()),
            ),
            objectives=objectives,
            constraints=constraints,
            batch=description.batch,
            dataflow=description.dataflow,
            inferences=description.inferences,
            demand=self._demand,
        )

    def _check_batch(self, networks: Sequence[Network]) -> None:
        """Costs are those of a batch, so all networks must run as many images."""
        images = {network.name: network.images(self._described.batch) for network in networks}
        if len(set(images.values())) > 1:
            words = ", ".join(f"{batch} of {name}" for name, batch in images.items())
            self._note("batch", sentence=f"must be given: images that run together are {words}")

    def _note(self, *path: str | int, sentence: str) -> None:
        self._mistakes.append(Mistake(path, sentence))

    def _loaded(
        self, key: str, texts: tuple[str, ...], load: Callable[[str], ResultT]
    ) -> tuple[ResultT, ...]:
        loaded = []
        for index, text in enumerate(texts):
            try:
                loaded.append(load(text))
            except AccelsimError as error:
                for complaint in error.complaints:
                    repeats = complaint.subject == text  # which the line says already, as the value
                    sentence = complaint._replace(subject="") if repeats else complaint
                    self._note(key, index, sentence=str(sentence))
        return tuple(loaded)

    def _check_list(self, path: tuple[str, ...], values: tuple[Any, ...]) -> None:
        if not values:
            self._note(*path, sentence="must be a list that is not empty")
        for index, value in enumerate(values):
            if value in values[:index]:
                self._note(*path, index, sentence="is there twice")

    def _check_hardware_parameters(self, machines: tuple[Hardware, ...]) -> None:
        for machine in machines:
            keys = dict(dotted_keys(machine.model_dump(mode="json", exclude=set(_WORDS))))
            keys |= dict.fromkeys(
                key for key in format1.old_keys() if keys.keys() >= set(Hardware.renamed(key))
            )
            for key, values in self._described.hardware_parameters.items():
                if not keys.keys() >= set(Hardware.renamed(key)):
                    longer = [name for name in keys if name.endswith(f".{key}")]
                    hint = (
                        f"no such key, did you mean {longer[0]!r}?" if longer else unknown(key, "key", keys)
                    )
                    instead = Hardware.instead_of(machine.model_dump(mode="json"), key)
                    self._note("hardware_parameters", key, sentence=f"{machine.name}: {instead or hint}")
                    continue
                beside = [
                    {other: value}
                    for other, of_other in self._described.hardware_parameters.items()
                    for value in of_other
                    if other != key
                ]
                self._check_values("hardware_parameters", key, values, partial(_varied, machine, beside))

    def _check_network_parameters(self, networks: tuple[Network, ...]) -> None:
        for network in networks:
            knobs = network.description.knobs
            for name, values in self._described.network_parameters.items():
                if name == DEPTHS:
                    self._check_depths(network, values)
                    continue
                if name not in knobs and not name.startswith(f"{STAGES}."):
                    legal = [*knobs, DEPTHS, "stages.STAGE.KEY"]
                    sentence = no_parameter(name, legal, network.name)
                    self._note("network_parameters", name, sentence=sentence)
                    continue
                self._check_values("network_parameters", name, values, partial(_changed, network))

    def _check_values(
        self, kind: str, name: str, values: tuple[Any, ...], apply: Callable[[str, Any], object]
    ) -> None:
        """AxisValues that are wrong whatever the others are; what does not fit others, its candidate says."""
        for index, value in enumerate(values):
            try:
                apply(name, value)
            except DescriptionError as error:
                for complaint in error.complaints:
                    if complaint.key == name:
                        self._note(kind, name, index, sentence=complaint.sentence)
                    elif kind == "network_parameters" or complaint.key.startswith(f"{name}."):
                        self._note(kind, name, index, sentence=str(complaint))

    def _check_depths(self, network: Network, values: tuple[Any, ...]) -> None:
        names = [stage.name for stage in repeating(network)]
        for index, value in enumerate(values):
            fits = isinstance(value, list) and len(value) == len(names) > 0
            if not fits or not all(type(depth) is int and 1 <= depth <= MAX_REPEAT for depth in value):
                allowed = (
                    f"{len(names)} whole numbers from 1 to {MAX_REPEAT}, the depths of {', '.join(names)}"
                )
                sentence = (
                    f"{network.name}: must be a list of {allowed}"
                    if names
                    else (f"{network.name}: none of its stages repeats: it has no depths")
                )
                self._note("network_parameters", DEPTHS, index, sentence=sentence)

    def _check_metrics(
        self,
        machines: tuple[Hardware, ...],
        objectives: tuple[Metric, ...],
        constraints: tuple[Constraint, ...],
    ) -> None:
        names = {metric.name for metric in (*objectives, *(limit.metric for limit in constraints))}
        for key, sentence in unmeasurable(names, machines, self._demand):
            self._note(key, sentence=sentence)
        if names & {"energy", "edp"} and "energy.unit" in self._described.hardware_parameters:
            sentence = "energies in different units cannot be compared"
            self._note("hardware_parameters", "energy.unit", sentence=sentence)


def _varied(machine: Hardware, beside: Sequence[Mapping[str, Any]], key: str, value: Any) -> Hardware:
    """A machine with another value; `beside` another one, too, of which some values need one.

    Raises DescriptionError where the value is refused by itself, and beside each of the others.
    """
    try:
        return vary(machine, **{key: value})
    except DescriptionError:
        for other in beside:
            with suppress(DescriptionError):
                return vary(machine, **{key: value, **other})
        raise


def _changed(network: Network, name: str, value: Any) -> Network:
    return variant(network, {name: value})
