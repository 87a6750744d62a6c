"""What is said beforehand of where a layer's operands lie, as a plan has to have it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from accelsim.descriptions.phrases import counted
from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Operand
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pinned import pinned_bytes
from accelsim.mapping.search import as_executed
from accelsim.mapping.staircase import Arriving, Movement, moved_by
from accelsim.mapping.units import array_dataflows, dataflows_for
from accelsim.mapping.unmappable import NoDataflowRuns, NotPriced, unmappable_sentence
from accelsim.memory_map import ToldOutside, WhyNot
from accelsim.network.executed import ExecutedGraph
from accelsim.network.given import GivenCascade, GivenMapping
from accelsim.network.layer import Layer
from accelsim.planning.network_to_plan import NetworkToPlan
from accelsim.planning.residency import ResidencyPlan


def as_said(told: GivenMapping | None, movements: Iterable[Movement], on_chip: str) -> list[Movement]:
    """Those movements in which activations lie where it is said; weights are pinned or not.

    Args:
        told: What is said of a step.
        movements: That are possible.
        on_chip: The memory in which tensors stay.
    """
    if told is None or not told.homes:
        return list(movements)
    homes = dict(told.homes)
    return [movement for movement in movements if all(_agree(homes, movement, on_chip))]


def _agree(homes: dict[str, tuple[str, ...]], movement: Movement, on_chip: str) -> Iterator[bool]:
    """Of each operand whether a movement has it where it is said."""
    for operand in (Operand.INPUTS, Operand.OUTPUTS, Operand.RESIDUAL):
        said = homes.get(operand.value)
        if said is not None:
            yield (operand in moved_by(movement)) == (set(said) != {on_chip})
    inputs = homes.get(Operand.INPUTS.value)
    if inputs is not None:
        yield isinstance(movement, Arriving) == (len(inputs) > 1)


def pins_said(told: Sequence[GivenMapping | None], on_chip: str) -> tuple[frozenset[int], frozenset[int]]:
    """Steps whose weights stay because it is said, and those whose weights do not.

    Args:
        told: What is said of each step.
        on_chip: The memory in which tensors stay.
    """
    homes = {
        step: dict(of_step.homes).get(Operand.WEIGHTS.value)
        for step, of_step in enumerate(told)
        if of_step is not None
    }
    stay = frozenset(step for step, said in homes.items() if said == (on_chip,))
    return stay, frozenset(step for step, said in homes.items() if said is not None) - stay


def weights_said(told: Sequence[GivenMapping | None], on_chip: str) -> dict[int, WhyNot]:
    """Why the weights of steps do not stay of which it is said that they do not.

    Args:
        told: What is said of each step.
        on_chip: The memory in which tensors stay.
    """
    _, moving = pins_said(told, on_chip)
    return {step: ToldOutside(step) for step in moving}


def with_said(plan: ResidencyPlan, told: Sequence[GivenMapping | None]) -> ResidencyPlan:
    """A plan that says of tensors which do not stay where it was said that they lie outside.

    Args:
        plan: With reasons by what is possible.
        told: What is said of each step.
    """
    if not any(of_step and of_step.homes for of_step in told):
        return plan
    why_not = list(plan.why_not)
    for step, use in reversed(list(enumerate(plan.network.uses))):
        of_step = told[step]
        homes = {} if of_step is None else dict(of_step.homes)
        besides = "weights" if use.is_product else "residual"
        tensors = {"inputs": use.inputs, besides: use.residuals, "outputs": (use.output,)}
        outside = [
            index
            for operand, of_operand in tensors.items()
            if operand in homes and Operand(operand) in plan.steps[step].moved
            for index in of_operand
        ]
        for index in outside:
            if why_not[index] is not None:
                why_not[index] = ToldOutside(step)
    return replace(plan, why_not=tuple(why_not))


def check_said(
    network: NetworkToPlan, hardware: Hardware, schedules: Callable[[ExecutedGraph], object]
) -> None:
    """Whether it is because of what rules say of homes that there is no plan.

    Args:
        network: There is no plan for it.
        hardware: The machine.
        schedules: Plans a graph; raises MappingError where there is no plan.

    Raises:
        MappingError: There would be one if they said nothing of homes; or why there would be none either.
    """
    said = [(network.layers[step].name, told.position) for step, told in network.told_by_rules if told.homes]
    if said:
        schedules(_without_homes(network.graph))
        (name, position), *others = said
        raise MappingError(
            f"{position}: homes: no plan of {hardware.name} has the operands of {name}"
            f"{' and others' if others else ''} where they are said to lie: "
            "what a layer reads must lie where the layers before it write it, and there must be room"
        )


def _without_homes(graph: ExecutedGraph) -> ExecutedGraph:
    """The same, of whose layers no rule says where operands lie; what follows from cascades stays."""
    nodes = []
    for node in graph.nodes:
        given, of_pooling = (
            None if told is None else replace(told, homes=())
            for told in (node.layer.given, node.layer.given_pooling)
        )
        nodes.append(replace(node, layer=replace(node.layer, given=given, given_pooling=of_pooling)))
    cascades = [_silent_of_homes(cascade) for cascade in graph.given_cascades]
    return replace(graph, nodes=tuple(nodes), given_cascades=tuple(cascades))


def _silent_of_homes(cascade: GivenCascade) -> GivenCascade:
    told, homes = [], []
    for parts, of_all in zip(cascade.told, cascade.homes, strict=True):
        by_rules = {operand for part in parts for operand, _ in part.given.homes}
        told.append(tuple([part._replace(given=replace(part.given, homes=())) for part in parts]))
        left = [(operand, home) for operand, home in of_all.homes if operand not in by_rules]
        homes.append(replace(of_all, homes=tuple(left)))
    return replace(cascade, told=tuple(told), homes=tuple(homes))


def check_pinned(network: NetworkToPlan, hardware: Hardware) -> None:
    """Raises MappingError where weights that are said to stay take more than there is; says both."""
    bank = hardware.tensor_bank
    assert bank is not None  # where they stay
    said, _ = pins_said(network.told, bank.memory)
    sizes = {step: pinned_bytes(network.layers[step], hardware) for step in sorted(said)}
    total_bytes = sum(sizes.values())
    if total_bytes > bank.size_bytes:
        largest = max(sizes, key=sizes.__getitem__)
        told, name = network.told[largest], network.layers[largest].name
        assert told is not None  # as it is said
        others = (
            f" ({total_bytes} with those of {counted(len(sizes) - 1, 'other layer')})"
            if len(sizes) > 1
            else ""
        )
        raise MappingError(
            f"{told.position}: homes.weights = {bank.memory!r}: {name} has {sizes[largest]} bytes of weights"
            f"{others}, and {bank.memory} of {hardware.name} {bank.size_bytes}"
        )


def no_tile_said(layer: Layer, hardware: Hardware, options: MappingOptions) -> str:
    """Why no tile of a layer is as it is said."""
    from accelsim.mapping.given_search import shortfall_of_given  # noqa: PLC0415 (most layers are told nothing)

    executed, images = as_executed(layer, options.batch)
    names = dataflows_for(executed, array_dataflows(hardware, options), hardware)
    assert layer.given is not None and not isinstance(names, NoDataflowRuns | NotPriced)  # it was tried
    reason = shortfall_of_given(layer.given, executed, images, hardware, names)
    return unmappable_sentence(layer, hardware, reason)
