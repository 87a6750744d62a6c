"""Whether there is room for cascades that are said, each by itself."""

from collections.abc import Iterator
from typing import NamedTuple

from accelsim.descriptions.phrases import counted
from accelsim.errors import MappingError
from accelsim.hardware import Operand
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.staircase import Moved, Weights
from accelsim.planning.cascades.chain_prices import ChainPricer
from accelsim.planning.cascades.chains import Chain
from accelsim.planning.given_plan import no_tile_said
from accelsim.planning.network_to_plan import SaidCascade
from accelsim.planning.programme.edges import ChainPrices
from accelsim.planning.programme.shortage import room_words
from accelsim.planning.residency import Pool


class _Need(NamedTuple):
    """What a cascade needs of a pool."""

    total_bytes: int
    kept_bytes: int
    """Of rows, and of weights that stay."""
    tensor_bytes: int
    """Of what it reads and writes in the pool."""


def check_room(pricer: ChainPricer, pool: Pool, options: MappingOptions) -> None:
    """Hold cascades that are said against the pool, each by itself.

    Args:
        pricer: Of the network's chains.
        pool: Where tensors may lie.
        options: How the network is mapped.

    Raises:
        MappingError: One has no tile as it is said, or needs more than there is; says both.
    """
    said_of = pricer.chains.network.said_of
    chain_from = {chain.first: chain for chain in pricer.all if chain.first in said_of}
    pricer.ask_said()
    for prices in pricer.prices((), Weights(cycles=1), frozenset(), guess=False):
        needs = list(_needs(pricer, prices))
        said = said_of[prices.first]
        if needs and min(needs).total_bytes > pool.size_bytes:
            raise MappingError(_too_large(pricer, said, min(needs), pool))
        if not prices.staircases:
            _check_tiles(pricer, chain_from[prices.first], options)


def _needs(pricer: ChainPricer, prices: ChainPrices) -> Iterator[_Need]:
    """By what moves at the ends: the least of all ways."""
    for ends, staircase in prices.staircases.items():
        if staircase.room_bytes:
            tensor_bytes = _at_ends(pricer, prices, ends)
            way = prices.ways[staircase.candidates[0]]
            yield _Need(staircase.room_bytes[0] + tensor_bytes, way.taken_bytes, tensor_bytes)


def _at_ends(pricer: ChainPricer, prices: ChainPrices, ends: Moved) -> int:
    """Of tensors that a cascade reads and writes as a whole in the pool."""
    tensors = pricer.chains.network.tensors
    steps = range(prices.first, prices.first + prices.layers)
    written = {tensors.uses[step].output for step in steps}
    inside: set[int] = set()
    if Operand.INPUTS not in ends:
        inside |= set(tensors.uses[steps[0]].inputs)
    if Operand.RESIDUAL not in ends:
        inside |= {index for step in steps for index in tensors.uses[step].residuals} - written
    if Operand.OUTPUTS not in ends:
        inside |= {tensors.uses[steps[-1]].output}
    return sum([tensors.tensors[index].size_bytes for index in inside])


def _too_large(pricer: ChainPricer, said: SaidCascade, need: _Need, pool: Pool) -> str:
    hardware = pricer.hardware
    assert hardware.tensor_bank is not None  # where tensors lie
    memory = hardware.tensor_bank.memory
    has, _ = room_words(hardware, hardware.tensor_bank, need.total_bytes)
    tiles = need.total_bytes - need.kept_bytes - need.tensor_bytes
    ends = f"{need.tensor_bytes} of what it reads and writes there, " if need.tensor_bytes else ""
    return (
        f"{said.given.position}: cascade: {said.given.layers[0]} to {said.given.layers[-1]} on "
        f"{hardware.name}: needs {counted(need.total_bytes, 'byte')} of {memory} at least, "
        f"{has} {pool.size_bytes}: {need.kept_bytes} of rows between layers and of weights that stay, {ends}"
        f"and {tiles} of tiles"
    )


def _check_tiles(pricer: ChainPricer, chain: Chain, options: MappingOptions) -> None:
    """Raises MappingError where a stripe has no tile as it is said."""
    moved = frozenset({Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS})
    for way in chain.ways:
        for entry in pricer.chains.stripes(way.cascade).entries:
            if entry.layer.given is not None and not any(
                staircase.room_bytes
                for staircase in pricer.staircases_of(
                    entry.layer.nameless, [moved], Weights(cycles=1)
                ).values()
            ):
                raise MappingError(no_tile_said(entry.layer, pricer.hardware, options))
