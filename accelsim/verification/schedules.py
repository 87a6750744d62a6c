"""verify: the schedule of a network on a machine, executed on integers.

Layers of one form with one mapping are executed once. What is executed is the program that the simulation
runs; what it is held against is in reference.py (values), passes/ (the array) and sizes.py (bytes), written
from the documents and not from the mapping's formulas.
"""

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from accelsim.choices import AUTO
from accelsim.descriptions.arguments import check_function, check_texts
from accelsim.descriptions.phrases import these
from accelsim.errors import AccelsimError
from accelsim.hardware import Goal, Hardware, hardware_of
from accelsim.hardware.registry import PASSES_GROUP
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.together import by_layer
from accelsim.network.description import Network
from accelsim.network.load import network_of
from accelsim.planning.plan import Plan
from accelsim.run import plan_for
from accelsim.verification.cascades import cascade_mismatches, chains_of, reads_of
from accelsim.verification.case import Case, with_images_as_groups
from accelsim.verification.layers import verify_mapping
from accelsim.verification.mismatch import MismatchError
from accelsim.verification.order import order_mismatches
from accelsim.verification.outcome import LayerVerification, Verification, together
from accelsim.verification.passes import passes_of
from accelsim.verification.places import place_mismatches, pool_bytes

if TYPE_CHECKING:
    from accelsim.planning.given import MappingGiven


def verify(
    network: Network | str | Path,
    hardware: Hardware | str | Path,
    *,
    batch: int | None = None,
    dataflow: str = AUTO,
    objective: Goal | None = None,
    mapping: "MappingGiven | None" = None,
    layers: Sequence[str] = (),
    step: Callable[[str], None] = lambda _: None,
) -> Verification:
    """Execute the schedule of a network on integers, and hold it against its layers and its own counts.

    Args:
        network: A network, or a name or path as `--net` takes it.
        hardware: A machine, or a name or path as `--hw` takes it.
        batch: Images that run together; None is as many as the network is described for.
        dataflow: One for every layer of the array; `auto` is the machine's choice, as in `run_network`.
        objective: What mappings are chosen by, as in `run_network`.
        mapping: What is given of layers' mappings, as in `run_network`.
        layers: Patterns of the names of those that are executed, with * ? [..] as in file names; none is all.
        step: Is told the name of each layer before it is executed.

    Returns:
        What was executed, and the first access of each layer that differs; `proven` if there is none.

    Raises:
        AccelsimError: Where the network has no schedule on the machine, or a pattern matches no layer.

    Example:
        >>> import accelsim
        >>> accelsim.verify("sqnxt23v5", "16x16_128k", layers=["conv1"]).proven
        True
    """
    check_texts("layers", layers, "patterns of layers")
    check_function("step", step, "the name of each layer")
    plan = plan_for(network_of(network), hardware_of(hardware), batch, dataflow, objective, mapping=mapping)
    return verify_plan(plan, layers=layers, step=step)


def verify_plan(
    plan: Plan, *, layers: Sequence[str] = (), step: Callable[[str], None] = lambda _: None
) -> Verification:
    """Execute a schedule that has been made.

    Args:
        plan: A run's plan, as `plan_run` makes it.
        layers: Patterns of the names of those that are executed; none is all.
        step: Is told the name of each layer before it is executed.

    Returns:
        What was executed, as `verify` returns it.

    Raises:
        AccelsimError: Where a pattern matches no layer, or a dataflow's passes are not known.

    Example:
        >>> from accelsim.run import plan_run
        >>> plan = plan_run("sqnxt23v5", "16x16_128k")
        >>> verify_plan(plan, layers=["conv1"]).proven
        True
    """
    begin = time.monotonic()
    names = [layer.name for layer in by_layer(plan.schedule).layers]
    executed = _chosen(names, layers)
    _check_passes(plan.schedule)
    by_form: _ByForm = {}
    steady = _executed(plan, plan.schedule, executed, by_form, step, first=False)
    schedule = plan.schedule.first_inference
    first = (
        () if schedule is None else _executed(plan, schedule, executed, by_form, lambda _: None, first=True)
    )
    seconds = time.monotonic() - begin
    return Verification(plan.network.name, plan.hardware.name, plan.options.batch, steady, first, seconds)


def _executed(
    plan: Plan,
    schedule: Schedule,
    layers: Sequence[int],
    by_form: "_ByForm",
    step: Callable[[str], None],
    *,
    first: bool,
) -> tuple[LayerVerification, ...]:
    """Some layers of the schedule of an inference: the first, before which no weights are on chip, or not."""
    graph, hardware = plan.lowered.graph, plan.hardware
    batch = plan.options.batch // schedule.images_in_turn  # that a program goes through
    layered = by_layer(schedule)
    of_network = order_mismatches(graph, layered)
    if not of_network:  # in another order nothing lies where it should
        steady, chains = plan.schedule if first else None, chains_of(schedule, hardware.precision, batch)
        of_network = place_mismatches(graph, layered, hardware, batch, steady=steady, chains=chains)
        if schedule.striped is not None and hardware.pool is not None:
            reads, pool = reads_of(graph, layered), hardware.pool.memory
            of_network |= cascade_mismatches(schedule, reads, pool, first=first)
    # In a memory for tensors alone they take no room of tiles.
    held_bytes = pool_bytes(schedule) if hardware.tensor_memory is None else [0] * len(schedule.layers)
    places = schedule.places or ({},) * len(schedule.layers)
    verified = []
    for index in layers:
        name = layered.layers[index].name
        step(name)
        entries = [index] if schedule.striped is None else schedule.striped.entries_of[index]
        outcomes = []
        for entry in entries:
            layer, mapping = schedule.layers[entry], schedule.mappings[entry]
            executed, images = with_images_as_groups(layer, batch)
            case = Case(executed, mapping, hardware, images, held_bytes[entry], places[entry])
            outcomes.append(_known_or_new(case, by_form))
        outcome = outcomes[0] if len(outcomes) == 1 else together(outcomes)
        mismatch = of_network.get(name, outcome.mismatch)
        verified.append(replace(_of_all_images(outcome, schedule.images_in_turn), mismatch=mismatch))
    return tuple(verified)


def _of_all_images(outcome: LayerVerification, images: int) -> LayerVerification:
    """Of a layer whose program is executed for each of so many images in turn, the same each time."""
    return outcome if images == 1 else together([outcome] * images)


def _chosen(names: Sequence[str], patterns: Sequence[str]) -> list[int]:
    """The layers that a pattern matches, by their place in the schedule."""
    if not patterns:
        return list(range(len(names)))
    unmatched = [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)]
    if unmatched:
        raise AccelsimError(
            "\n".join(
                f"--layers {pattern!r}: matches none of {these(names, 'layer')}; "
                f"`accelsim show NET --lowered` lists them, * ? [..] are as in file names"
                for pattern in unmatched
            )
        )
    return [
        index for index, name in enumerate(names) if any(fnmatchcase(name, pattern) for pattern in patterns)
    ]


def _check_passes(schedule: Schedule) -> None:
    """Raise AccelsimError where a layer runs a dataflow whose passes cannot be had."""
    for layer, mapping in zip(schedule.layers, schedule.mappings, strict=True):
        if not layer.on_array:
            continue
        try:
            passes_of(mapping.dataflow)
        except KeyError:
            raise AccelsimError(
                f"{layer.name}: cannot be verified: nobody has written down the passes of the dataflow "
                f"{mapping.dataflow}, which a package brings by the entry point {PASSES_GROUP}"
            ) from None


_ByForm: TypeAlias = dict[Hashable, list[tuple[Case, LayerVerification]]]


def _known_or_new(case: Case, by_form: _ByForm) -> LayerVerification:
    """The outcome of a layer; one of the same form and mapping answers for it if it had no more room."""
    of_form = by_form.setdefault(case.layer.form, [])
    for executed, outcome in of_form:
        as_full = case.pool_bytes == executed.pool_bytes
        less_full = case.pool_bytes < executed.pool_bytes and outcome.mismatch is None
        alike = executed.mapping == case.mapping and executed.homes == case.homes
        if alike and (as_full or less_full):
            return replace(outcome, name=case.layer.name, like=outcome.name)
    outcome = _verified(case)
    of_form.append((case, outcome))
    return outcome


def _verified(case: Case) -> LayerVerification:
    layer, mapping = case.layer, case.mapping
    outcome = LayerVerification(
        name=layer.name,
        dataflow=mapping.dataflow,
        like=None,
        steps=mapping.totals.steps,
        macs=case.products,
        computed_macs=0,
        extent="all",
        traffic={},
        mismatch=None,
    )
    try:
        walked, is_whole = verify_mapping(
            layer, mapping, case.hardware, batch=case.batch, pool_bytes=case.pool_bytes, places=case.places
        )
    except MismatchError as error:
        return replace(outcome, mismatch=error.mismatch)
    return replace(
        outcome,
        computed_macs=walked.products,
        extent="all" if is_whole else "sampled",
        traffic=walked.traffic.to_dict(),
    )
