"""`accelsim sweep`: machines and networks together."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.executors import SchedulerOption, StoreOption, WorkersOption, executor
from accelsim.cli.files import Input, check_outputs, inputs
from accelsim.cli.load import say_of_format1
from accelsim.cli.options import FormatOption, OutputOption, QuietOption
from accelsim.cli.output import Answer, destination, rate_of_progress, say
from accelsim.descriptions.limits import MAX_SAMPLES, MAX_SEED
from accelsim.descriptions.phrases import counted


class Sampler(StrEnum):
    """How candidates are chosen."""

    EXHAUSTIVE = "exhaustive"
    NSGA2 = "nsga2"
    TPE = "tpe"


def sweep(
    spec: Annotated[
        Path,
        typer.Argument(
            metavar="SPEC", help="A YAML file: axes, objectives, constraints.", show_default=False
        ),
    ],
    *,
    sampler: Annotated[
        Sampler | None,
        typer.Option(
            "--sampler",
            help="Default: exhaustive up to 10000 candidates, else nsga2. nsga2 and tpe are Optuna's.",
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            "--samples",
            metavar="N",
            min=1,
            max=MAX_SAMPLES,
            help="Evaluate so many instead of all. Default: 1000.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=MAX_SEED, help="Of what the sampler proposes.")
    ] = 0,
    top: Annotated[
        int, typer.Option("--top", metavar="N", min=1, max=MAX_SAMPLES, help="How many of the best to show.")
    ] = 10,
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
    """
    to = destination(output, format_, quiet)
    from accelsim.descriptions import parse
    from accelsim.report.tables.sweep import sweep_dict, sweep_report, sweep_rows
    from accelsim.search.infeasible import label
    from accelsim.search.sampling import plan_for
    from accelsim.search.spec import read_sweep
    from accelsim.search.sweep import run_sweep

    described = read_sweep(spec)
    said = parse(spec).data
    read = (Input(str(spec), spec), *inputs(said["networks"], said["hardware"]))
    check_outputs({"--output": output, "--store": store}, read)
    say_of_format1(said["hardware"], quiet)
    plan = plan_for(described, name=None if sampler is None else sampler.value, samples=samples, seed=seed)
    if not quiet and plan.name != "exhaustive":
        chosen = f"of which {plan.name} chooses {plan.samples} (seed {plan.seed})"
        what = f"{counted(described.size, 'candidate')}, {chosen}"
        say(f"{described.name}: {what}; --sampler exhaustive evaluates all")
    with executor(workers, scheduler) as workforce, rate_of_progress(plan.samples, quiet) as step:
        found = run_sweep(described, plan, store=store, executor=workforce, step=step)
    if not quiet:
        stored = f", {found.reused} of them in {store} already" if found.reused else ""
        excluded = found.evaluated - found.simulated - len(found.problems)
        without = f", {excluded} of them without a simulation" if excluded else ""
        what = f"{described.name}: {found.evaluated} evaluated in {found.seconds:.1f} s{without}{stored}"
        say(what)
        if found.problems:
            index, problem = found.problems[0]
            first = f"the first, {label(described, index)}, because: {problem}"
            cannot = f"{len(found.problems)} cannot be executed, {first}"
            say(f"{described.name}: {cannot}")
    to.deliver(
        Answer(
            table=lambda style: sweep_report(found, style, top),
            values=lambda: sweep_dict(found),
            rows=lambda: sweep_rows(found),
        )
    )
