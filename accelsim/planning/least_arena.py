"""The least arena of a network: what a pool has to give for nothing but weights to be outside."""

from dataclasses import dataclass

from accelsim.descriptions.limits import MAX_BUFFER_BYTES
from accelsim.errors import MappingError
from accelsim.hardware import Bank, Hardware
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.pool_knowledge import PoolKnowledge
from accelsim.network.executed import ExecutedGraph
from accelsim.planning.cascades.cascading import TIME, least_with_cascades
from accelsim.planning.network_to_plan import NetworkToPlan
from accelsim.planning.pool_compiler import PoolCompiler
from accelsim.planning.programme.least_room import LeastRoom
from accelsim.simulation.transitions import Transitions


@dataclass(frozen=True)
class LeastArena:
    """What a network needs of a pool at least, and who needs it.

    Attributes:
        size_bytes: By the step, or the cascade, that needs most.
        layers: That step, or the layers of the cascade.
        tensors: That are in the pool as a whole then: names and bytes.
        rows_bytes: Of the rows, and weights, that the cascade keeps.

    Example:
        >>> LeastArena(4096, ("conv1",), (("image", 3072), ("conv1", 900)), 0).tile_bytes
        124
    """

    size_bytes: int
    layers: tuple[str, ...]
    tensors: tuple[tuple[str, int], ...]
    rows_bytes: int

    @property
    def tile_bytes(self) -> int:
        """What is left to tiles."""
        return self.size_bytes - self.rows_bytes - sum([size for _, size in self.tensors])


def pool_of_activations(hardware: Hardware) -> Bank:
    """The part of a memory whose least size is asked for.

    Raises:
        MappingError: There is none.

    Example:
        >>> from accelsim import load_hardware
        >>> pool_of_activations(load_hardware("npu_int8_256k")).memory
        'sram'
    """
    pool = hardware.activations_pool
    if pool is None:
        raise MappingError(no_pool_sentence(hardware))
    return pool


def no_pool_sentence(hardware: Hardware) -> str:
    """Why there is no least of a machine's memory on chip."""
    return (
        f"{hardware.name} keeps activations in no pool, of which the least could be found; "
        "--hw ethos_u55_128, a machine with such a pool, would do"
    )


def least_arena(graph: ExecutedGraph, hardware: Hardware, options: MappingOptions) -> LeastArena | None:
    """The least arena of a network of which nothing lies outside but weights, and what io says of its ends.

    Args:
        graph: Layers in running order, as lowering makes them.
        hardware: The machine; no matter how large its pool is.
        options: How the network is mapped; what is to be small is no matter.

    Returns:
        The least, counted in bytes: by addresses it may be more. None where more is needed than any memory
        has, or where a layer reads at once what is outside and what is not.

    Raises:
        MappingError: The machine has no pool that keeps activations; or it cannot execute a layer.
    """
    size_bytes = pool_of_activations(hardware).size_bytes
    while size_bytes <= MAX_BUFFER_BYTES:
        found = _least(graph, hardware, options, size_bytes)
        if found is None or found.size_bytes <= size_bytes:
            return found
        size_bytes = found.size_bytes  # in a larger pool a pooling may be fused
    return None


def _least(
    graph: ExecutedGraph, hardware: Hardware, options: MappingOptions, size_bytes: int
) -> LeastArena | None:
    assert hardware.pool is not None
    roomy = hardware.with_size(hardware.pool.memory, size_bytes)
    assert roomy.pool is not None
    compiler = PoolCompiler(roomy, roomy.pool, options, Transitions(), PoolKnowledge())
    network = compiler.network_to_plan(graph)
    prices, pricer = compiler.prices(network, TIME), compiler.pricer(network)
    found = least_with_cascades(network, compiler.places(), prices, pricer)
    return None if found is None else _named(network, found)


def _named(network: NetworkToPlan, found: LeastRoom) -> LeastArena:
    tensors = [network.tensors.tensors[index] for index in found.tensors]
    steps = range(found.first, found.first + found.layers)
    return LeastArena(
        found.needed_bytes,
        tuple([network.layers[step].name for step in steps]),
        tuple([(tensor.name, tensor.size_bytes) for tensor in tensors]),
        found.taken_bytes,
    )
