"""Networks on machines, each on a core of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from accelsim.cli.output import progress
from accelsim.errors import AccelsimError

if TYPE_CHECKING:
    from accelsim.hardware import Hardware
    from accelsim.network.description import Network
    from accelsim.report.tables.comparison import Case


@dataclass(frozen=True)
class _CaseRun:
    """One run that is to be done."""

    name: str
    machine: str
    network: "Network"
    hardware: "Hardware"
    options: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.name} on {self.machine}"


def run_cases(
    networks: Mapping[str, "Network"],
    machines: Mapping[str, "Hardware"],
    options: Mapping[str, Any],
    quiet: bool,
) -> list["Case"]:
    """Every network on every machine, those of a machine after each other; every mistake at once."""
    from accelsim.execution.processes import in_parallel
    from accelsim.report.tables.comparison import Case

    work = [
        _CaseRun(name, machine, network, hardware, options)
        for machine, hardware in machines.items()
        for name, network in networks.items()
    ]
    with progress(len(work), quiet) as step:
        step("simulating")
        outcomes = in_parallel(_run, work, step)
    mistakes = [line for outcome in outcomes if isinstance(outcome, AccelsimError) for line in outcome.lines]
    if mistakes:
        raise AccelsimError("\n".join(dict.fromkeys(mistakes)))
    return [outcome for outcome in outcomes if isinstance(outcome, Case)]


def _run(work: _CaseRun) -> "Case | AccelsimError":
    from accelsim.report.tables.comparison import Case
    from accelsim.reuse.cache import cache_of_this_process
    from accelsim.run import run_network

    try:
        result = run_network(work.network, work.hardware, **work.options, cache=cache_of_this_process())
        return Case(work.name, work.machine, result)
    except AccelsimError as error:
        return error


def reference_of(name: str | None, networks: dict[str, "Network"], machines: dict[str, "Hardware"]) -> str:
    """What was asked for, or the first network, or the first machine if there is one network."""
    if name is None:
        return next(iter(networks if len(networks) > 1 else machines))
    if name not in networks and name not in machines:
        choices = ", ".join([*networks, *machines])
        raise typer.BadParameter(f"{name!r} must be one of {choices}", param_hint="--relative-to")
    return name
