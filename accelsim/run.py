"""run_network: the whole program on one screen, from a network and a machine to a result.

    network -> layers (lowered_network) -> schedule (make_schedule)
            -> activity (simulate) -> result (result_of)

What is remembered from one run to the next is handed in; it changes how fast, never what.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never, get_args

from accelsim.choices import AUTO
from accelsim.descriptions.arguments import check_choice, of_kind
from accelsim.errors import MappingError
from accelsim.hardware import Goal, Hardware, Objective, hardware_of
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.schedule import Schedule
from accelsim.network.description import Network
from accelsim.network.executed import ExecutedGraph
from accelsim.network.load import network_of
from accelsim.network.lowered import LoweredNetwork, lowered_network
from accelsim.planning.compiler import make_schedule
from accelsim.planning.plan import Plan
from accelsim.pricing import result_of
from accelsim.result import RunResult
from accelsim.reuse.cache import Cache, cache_or_new
from accelsim.simulation.engines import Engine, simulate

if TYPE_CHECKING:
    from accelsim.mapping.given_file import GivenMappings
    from accelsim.planning.given import MappingGiven
    from accelsim.planning.peak import InLeastArena


def run_network(
    network: Network | str | Path,
    hardware: Hardware | str | Path,
    *,
    batch: int | None = None,
    dataflow: str = AUTO,
    objective: Goal | None = None,
    engine: Engine = "fast",
    mapping: "MappingGiven | None" = None,
    shapes: Mapping[str, Sequence[int] | int] | None = None,
    cache: Cache | None = None,
    memory: Cache | None = None,
) -> RunResult:
    """Latency, utilization, traffic and energy of one network on one machine.

    Args:
        network: A network, or a name or path as `--net` takes it.
        hardware: A machine, or a name or path as `--hw` takes it.
        batch: Images that run together; None is as many as the network is described for: one, but for
            imported models whose file fixes another number.
        dataflow: The one for every layer of the array; `auto` chooses for each.
        objective: What mappings are chosen by; None is what the machine's compiler goes by. `peak` is the
            least arena in the machine's pool with which nothing but weights, and the network's ends as `io`
            says, lies outside, and in that the least time.
        engine: How to simulate; it changes nothing that comes out.
        mapping: A mapping file, or a list of `MappingRule`: what is given of layers' mappings; the rest is
            searched for.
        shapes: Of the inputs of a model that is given by its name, and sizes of its axes, as `load_network`
            takes them.
        cache: Keeps what is found out, for the next run.
        memory: What `cache` was called before; for one release more, with a `DeprecationWarning`.

    Returns:
        Cycles, traffic, energy, and a `LayerResult` for each executed layer.

    Raises:
        DescriptionError: A name or path is of nothing that can be read.
        NetworkError: Layers do not fit each other.
        MappingError: The machine cannot execute a layer; says what would help.

    Example:
        >>> run_network("sqnxt23v5", "16x16_128k").network
        'sqnxt23v5'
    """
    check_choice("engine", engine, get_args(Engine))
    network, hardware = network_of(network, shapes), hardware_of(hardware)
    cache = cache_or_new(cache, memory)
    plan = plan_for(network, hardware, batch, dataflow, objective, mapping=mapping, cache=cache)
    return run_plan(plan, engine)


def plan_for(
    network: Network,
    hardware: Hardware,
    batch: int | None = None,
    dataflow: str = AUTO,
    objective: Goal | None = None,
    *,
    mapping: "MappingGiven | None" = None,
    cache: Cache | None = None,
) -> Plan:
    """What `run_network` simulates, of what it is given. Raises as it does."""
    check_choice("objective", objective, (None, *get_args(Goal)))
    if objective == "peak":
        return plan_peak(network, hardware, batch, dataflow, mapping=mapping, cache=cache).plan
    options = options_for(network, batch, dataflow, objective)
    return plan_run(network, hardware, options, mapping=mapping, cache=cache)


def run_plan(plan: Plan, engine: Engine = "fast") -> RunResult:
    """What a plan comes to; where weights are pinned, in the first inference, too.

    Args:
        plan: As `plan_run` makes it.
        engine: How to simulate; it changes nothing that comes out.

    Returns:
        As `run_network`.

    Example:
        >>> run_plan(plan_run("sqnxt23v5", "16x16_128k")) == run_network("sqnxt23v5", "16x16_128k")
        True
    """
    schedule, transitions = plan.schedule, plan.cache.transitions
    activity = simulate(schedule, plan.hardware, engine=engine, transitions=transitions)
    if schedule.first_inference is None:
        return result_of(plan, activity)
    first = simulate(schedule.first_inference, plan.hardware, engine=engine, transitions=transitions)
    return result_of(plan, activity, first)


def plan_run(
    network: Network | str | Path,
    hardware: Hardware | str | Path,
    options: MappingOptions | None = None,
    *,
    mapping: "MappingGiven | None" = None,
    cache: Cache | None = None,
    memory: Cache | None = None,
) -> Plan:
    """What `run_network` simulates, for those who want to simulate it themselves.

    Args:
        network: A network, or a name or path as `--net` takes it.
        hardware: A machine, or a name or path as `--hw` takes it.
        options: How it is mapped; None is with as many images as the network is described for, and each
            layer as the machine's compiler would.
        mapping: What is given of layers' mappings, as `run_network` takes it.
        cache: Keeps what is found out, for the next run.
        memory: What `cache` was called before; for one release more, with a `DeprecationWarning`.

    Returns:
        The network's layers, mapped onto the machine.

    Raises:
        DescriptionError, NetworkError, MappingError: As `run_network`.

    Example:
        >>> plan = plan_run("sqnxt23v5", "16x16_128k", MappingOptions(batch=4, objective="edp"))
        >>> plan.schedule.layers[0].name
        'conv1'
    """
    network, hardware = network_of(network), hardware_of(hardware)
    options = options_for(network) if options is None else of_kind("options", options, MappingOptions)
    cache = cache_or_new(cache, memory)
    as_described = cache.lowered(network, lowered_network)
    lowered = in_running_order(as_described, hardware, options.batch)
    given, lowered = _told(mapping, lowered, hardware, options)
    layers = cache.layers(hardware, options)

    def make() -> Schedule:
        schedule = make_schedule(
            lowered.graph,
            hardware,
            options,
            mappings=layers.mappings,
            transitions=layers.transitions,
            pool=layers.pool,
            grids=layers.grids,
            layers_on=cache.layers,
        )
        cache.keep(network, as_described, hardware, options, layers)
        return schedule

    try:
        schedule = layers.schedule(lowered.graph, make)
    except MappingError as error:
        raise _advised(error, network, hardware, options.batch) from None
    if given is not None:
        given.check_used([layer.name for layer in schedule.layers])
    return Plan(network, hardware, options, lowered, schedule, layers)


def plan_peak(
    network: Network | str | Path,
    hardware: Hardware | str | Path,
    batch: int | None = None,
    dataflow: str = AUTO,
    *,
    mapping: "MappingGiven | None" = None,
    cache: Cache | None = None,
) -> "InLeastArena":
    """What `run_network` simulates where the memory on chip is to be small before all.

    Args:
        network: A network, or a name or path as `--net` takes it.
        hardware: A machine with a pool that keeps activations.
        batch: As `run_network` takes it; the arena is that of one image after the other.
        dataflow: The one for every layer of the array; `auto` chooses for each.
        mapping: What is given of layers' mappings, as `run_network` takes it.
        cache: Keeps what is found out, for the next run.

    Returns:
        The plan of least time in the least arena with which nothing but weights, and the network's ends as
        `io` says, lies outside, on the machine with that arena; and who needs so much.

    Raises:
        MappingError: The machine keeps no activations in a pool, or its pool is smaller than that.

    Example:
        >>> plan_peak("mobilenet_v1@width=0.25,resolution=96", "npu_int8_256k").size_bytes
        55308
    """
    from accelsim.planning.least_arena import no_pool_sentence  # noqa: PLC0415 (few runs ask for it)
    from accelsim.planning.peak import in_least_arena  # noqa: PLC0415 (as few)

    network, hardware = network_of(network), hardware_of(hardware)
    if hardware.activations_pool is None:
        goals = ", ".join(get_args(Objective))
        raise MappingError(f"objective = peak: must be one of {goals}: {no_pool_sentence(hardware)}")
    cache = cache_or_new(cache)
    options = replace(options_for(network, batch, dataflow, "time"), activations="on_chip")
    lowered = in_running_order(cache.lowered(network, lowered_network), hardware, 1)
    _, lowered = _told(mapping, lowered, hardware, replace(options, batch=1))

    def plan_on(limited: Hardware) -> Plan:
        return plan_run(network, limited, options, mapping=mapping, cache=cache)

    return in_least_arena(lowered.graph, hardware, replace(options, batch=1), plan_on)


def _told(
    mapping: "MappingGiven | None", lowered: LoweredNetwork, hardware: Hardware, options: MappingOptions
) -> "tuple[GivenMappings | None, LoweredNetwork]":
    """What is given of mappings, if anything, and the network whose layers know it."""
    if mapping is None:
        return None, lowered
    from accelsim.planning.given import told  # noqa: PLC0415 (most runs are told nothing)

    return told(mapping, lowered, hardware, options)


def _advised(error: MappingError, network: Network, hardware: Hardware, batch: int) -> MappingError:
    """The same error; where a pool is too small, with the largest image with which it would not be."""
    if hardware.tensor_bank is None:
        return error
    from accelsim.planning.programme.shortage import PoolShortageError  # noqa: PLC0415 (most machines have no pool)

    if not isinstance(error, PoolShortageError):
        return error

    def graph_of(smaller: Network) -> ExecutedGraph:
        return in_running_order(lowered_network(smaller), hardware, batch).graph

    return PoolShortageError.of_shortage(error.shortage.with_smaller_image(network, graph_of))


def in_running_order(lowered: LoweredNetwork, hardware: Hardware, batch: int) -> LoweredNetwork:
    """A network with its layers in the order in which a machine's compiler has them run.

    Args:
        lowered: In the order of the network.
        hardware: The machine, whose `mapper.order` says which.
        batch: Images that run together.

    Returns:
        The same layers, which say what their operands take where memories hold them compressed.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.descriptions import vary
        >>> lowered = lowered_network(load_network("googlenet"))
        >>> machine = vary(load_hardware("16x16_128k"), **{"mapper.order": "least_peak"})
        >>> in_running_order(lowered, machine, batch=1).graph.layers[7].name
        'inception3a.reduce5x5'
    """
    if hardware.vector_unit.unfused or hardware.vector_unit.operations:
        from accelsim.planning.own_layers import with_own_layers  # noqa: PLC0415 (few machines have such)

        lowered = lowered._replace(graph=with_own_layers(lowered.graph, hardware))
    if hardware.compress_of or hardware.pe_array.gates_zeros:
        from accelsim.planning.coding import as_coded  # noqa: PLC0415 (most machines look at no zeros)

        lowered = lowered._replace(graph=as_coded(lowered.graph, hardware))
    match hardware.mapper.order:
        case "network":
            return lowered
        case "least_peak":
            from accelsim.planning.programme.order import least_peak  # noqa: PLC0415 (most machines leave the order)

            return lowered._replace(graph=least_peak(lowered.graph, hardware.precision, batch).graph)
        case _:
            assert_never(hardware.mapper.order)


def options_for(
    network: Network, batch: int | None = None, dataflow: str = AUTO, objective: Objective | None = None
) -> MappingOptions:
    """How a network is to be mapped, as `run_network` says it.

    Args:
        network: The network.
        batch: Images that run together; None is as many as the network is described for.
        dataflow: The one for every layer of the array; `auto` chooses for each.
        objective: What mappings are chosen by; None is what the machine's compiler goes by.

    Returns:
        The options.

    Raises:
        AccelsimError: One is none that exists.

    Example:
        >>> from accelsim import load_network
        >>> options_for(load_network("sqnxt23v5"), objective="edp")
        MappingOptions(batch=1, dataflow='auto', objective='edp', activations='anywhere')
    """
    return MappingOptions(network.images() if batch is None else batch, dataflow, objective)
