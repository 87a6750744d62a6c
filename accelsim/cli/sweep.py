"""`accelsim sweep`: machines and networks together."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from accelsim.cli.executors import SchedulerOption, StoreOption, WorkersOption, executor
from accelsim.cli.files import InputFile, check_outputs, inputs
from accelsim.cli.load import say_of_format1
from accelsim.cli.numbers import whole_number
from accelsim.cli.options import (
    BatteryOption,
    FormatOption,
    FpsOption,
    OutputOption,
    QuietOption,
)
from accelsim.cli.output import Answer, destination, rate_of_progress, say
from accelsim.cli.searches import TopOption
from accelsim.descriptions.limits import MAX_SAMPLES, MAX_SEED
from accelsim.descriptions.phrases import counted

if TYPE_CHECKING:
    from accelsim.search.sampling import SamplingPlan
    from accelsim.search.spec import Sweep
    from accelsim.search.sweep import SweepResult


class SamplerName(StrEnum):
    """How candidates are chosen."""

    EXHAUSTIVE = "exhaustive"
    NSGA2 = "nsga2"
    TPE = "tpe"


SpecArgument: TypeAlias = Annotated[
    Path,
    typer.Argument(metavar="SPEC", help="A YAML file: axes, objectives, constraints.", show_default=False),
]
SamplerOption: TypeAlias = Annotated[
    SamplerName | None,
    typer.Option(
        "--sampler",
        help="Default: exhaustive up to 10000 candidates, else nsga2. nsga2 and tpe are Optuna's.",
    ),
]
SamplesOption: TypeAlias = Annotated[
    int | None,
    whole_number(
        "--samples", least=1, most=MAX_SAMPLES, text="Evaluate so many instead of all. Default: 1000."
    ),
]
SeedOption: TypeAlias = Annotated[
    int, whole_number("--seed", least=0, most=MAX_SEED, text="Of what the sampler proposes.")
]


def sweep(
    spec: SpecArgument,
    *,
    sampler: SamplerOption = None,
    samples: SamplesOption = None,
    seed: SeedOption = 0,
    top: TopOption = 10,
    fps: FpsOption = None,
    battery_mwh: BatteryOption = None,
    store: StoreOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    """Every combination of machines, networks and their parameters, or a sample, with the Pareto front.

    \b
    accelsim sweep small_sweep.yaml
    accelsim sweep small_sweep.yaml --store found.sqlite --output found.json
    accelsim sweep large_sweep.yaml --sampler nsga2 --samples 500 --workers 4
    accelsim sweep buffers.yaml --fps 10 --battery-mwh 675
    """
    to = destination(output, format_, quiet)
    from accelsim.descriptions import parse
    from accelsim.report.tables.sweep import sweep_dict, sweep_report, sweep_rows
    from accelsim.search.sampling import plan_for
    from accelsim.search.spec import read_sweep
    from accelsim.search.sweep import run_sweep

    described = read_sweep(spec, fps, battery_mwh)
    keys = parse(spec).data
    read = (InputFile(str(spec), spec), *inputs(keys["networks"], keys["hardware"]))
    check_outputs({"--output": output, "--store": store}, read)
    say_of_format1(keys["hardware"], quiet)
    plan = plan_for(described, name=None if sampler is None else sampler.value, samples=samples, seed=seed)
    if not quiet:
        _say_plan(described, plan)
    with executor(workers, scheduler) as workforce, rate_of_progress(plan.samples, quiet) as step:
        result = run_sweep(described, plan, store=store, executor=workforce, step=step)
    if not quiet:
        _say_counts(result, store)
    to.deliver(
        Answer(
            table=lambda style: sweep_report(result, style, top),
            values=lambda: sweep_dict(result),
            rows=lambda: sweep_rows(result),
        )
    )


def _say_plan(described: "Sweep", plan: "SamplingPlan") -> None:
    """Where not all candidates are evaluated: how many of how many, chosen by what."""
    if plan.name != "exhaustive":
        chosen = f"of which {plan.name} chooses {plan.samples} (seed {plan.seed})"
        candidates = f"{counted(described.size, 'candidate')}, {chosen}"
        say(f"{described.name}: {candidates}; --sampler exhaustive evaluates all")


def _say_counts(result: "SweepResult", store: Path | None) -> None:
    """How many candidates were evaluated, how, and the first that cannot be executed."""
    from accelsim.search.infeasible import label

    name = result.sweep.name
    stored = f", {result.reused} of them in {store} already" if result.reused else ""
    excluded = result.evaluated - result.simulated - len(result.problems)
    unsimulated = f", {excluded} of them without a simulation" if excluded else ""
    say(f"{name}: {result.evaluated} evaluated in {result.seconds:.1f} s{unsimulated}{stored}")
    if result.problems:
        index, problem = result.problems[0]
        first = f"the first, {label(result.sweep, index)}, because: {problem}"
        say(f"{name}: {len(result.problems)} cannot be executed, {first}")
