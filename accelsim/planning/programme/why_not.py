"""Why tensors do not stay in the pool to their last reader: there is no room, or it costs more than it saves.

The states of the programme are gone through once more, from the last step to the first, so that each has the
least price from it to the end. The best plan in which a tensor stays to its last reader is the best way
through any transition of that step that has it in the pool: since its first writer, or since it arrived.
"""

import math
from collections.abc import Sequence

from accelsim.memory_map import CostsMore, ReadBeside, ResultOutside, TooLarge, WhyNot
from accelsim.planning.programme.decisions import State
from accelsim.planning.programme.programme import Arrival, Programme, least_needed
from accelsim.planning.programme.stages import (
    INPUTS,
    OUTPUTS,
    RESIDUAL,
    TensorSet,
    ends_outside,
    held_with,
    torn,
)
from accelsim.planning.tensors import Life


def why_not(
    programme: Programme,
    levels: Sequence[dict[State, Arrival]],
    lives: Sequence[Life],
    absent: Sequence[int],
) -> dict[int, WhyNot]:
    """The reason of each tensor that does not stay.

    Args:
        programme: What may be decided, and what it costs.
        levels: All states before each step, and after the last.
        lives: Of each tensor.
        absent: The tensors, each with a reader, that are not in the pool at their last one.

    Returns:
        By tensor.
    """
    prices_if_kept, held = _prices_if_kept(programme, levels, lives, absent)
    price = min(arrival.price[0] for arrival in levels[-1].values())
    reasons: dict[int, WhyNot] = {}
    for tensor in absent:
        if math.isfinite(prices_if_kept[tensor]):
            # No less than the plan's: sums in another order may differ in their last digit.
            reasons[tensor] = CostsMore(price, max(price, prices_if_kept[tensor]))
        elif programme.pool.copies:
            reasons[tensor] = _too_large(programme, levels, tensor, lives[tensor], held)
        else:
            reasons[tensor] = _in_the_way(programme, tensor, lives)
    return reasons


def _in_the_way(
    programme: Programme, tensor: int, lives: Sequence[Life]
) -> ResultOutside | ReadBeside | TooLarge:
    """Where nothing can lie in both: what is read beside it, or too large together with that."""
    network, pool, bytes_of = programme.decisions.network, programme.pool, programme.decisions.bytes_of
    if tensor in ends_outside(network, pool):
        return ResultOutside(lives[tensor].reads[-1])
    found = torn(network, pool, {tensor})
    if found is not None:
        return ReadBeside(found.step, network.tensors[found.outside].name)
    inside = held_with(network, pool, {tensor})
    needs = []
    for step, (stage, tariff) in enumerate(zip(programme.decisions.stages, programme.tariffs, strict=True)):
        alive = sum([1 << index for index in inside if lives[index].first <= step <= lives[index].last])
        moved = sum(
            [
                operand
                for operand, tensors in (
                    (INPUTS, stage.inputs),
                    (RESIDUAL, stage.residuals),
                    (OUTPUTS, stage.output),
                )
                if tensors & ~alive
            ]
        )
        staircase = tariff.stairs[moved]
        tile_bytes = staircase.room_bytes[0] if staircase is not None and staircase.room_bytes else 0
        needs.append((bytes_of(alive) + tile_bytes, -step))
    needed_bytes, step = max(needs)
    size_bytes = network.tensors[tensor].size_bytes
    return TooLarge(-step, size_bytes, needed_bytes - size_bytes, pool.size_bytes)


def _prices_if_kept(
    programme: Programme, levels: Sequence[dict[State, Arrival]], lives: Sequence[Life], absent: Sequence[int]
) -> tuple[dict[int, float], list[TensorSet]]:
    """The price of the best plan in which each tensor stays; what any way has in the pool at each step."""
    last_read: dict[int, list[int]] = {}
    for tensor in absent:
        last_read.setdefault(lives[tensor].reads[-1], []).append(tensor)
    prices_if_kept = dict.fromkeys(absent, math.inf)
    decisions, tariffs = programme.decisions, programme.tariffs
    held = [0] * len(tariffs)
    rests: list[dict[State, float]] = [{} for _ in levels]
    rests[-1] = dict.fromkeys(levels[-1], 0.0)
    for step in reversed(range(len(tariffs))):
        ways = [(step + 1, decisions.transitions[step], tariffs[step])]
        ways += [(edge.behind, of_edge, tariff) for edge, of_edge, tariff in programme.of_edges[step]]
        for state, arrival in levels[step].items():
            least = math.inf
            for behind, transitions, tariff in ways:
                rest_after = rests[behind]
                for in_pool, moved, in_pool_bytes, states in transitions.of(state):
                    price = tariff.price(moved, in_pool_bytes)
                    if price is None:
                        continue
                    to_the_end = price[0] + min([rest_after[following] for following in states])
                    least = min(least, to_the_end)
                    for during in range(step, behind):
                        held[during] |= in_pool
                        for tensor in last_read.get(during, ()):
                            if in_pool >> tensor & 1:
                                price_if_kept = arrival.price[0] + to_the_end
                                prices_if_kept[tensor] = min(prices_if_kept[tensor], price_if_kept)
            rests[step][state] = least
    return prices_if_kept, held


def _too_large(
    programme: Programme,
    levels: Sequence[dict[State, Arrival]],
    tensor: int,
    life: Life,
    held: Sequence[TensorSet],
) -> TooLarge:
    steps = range(life.first, life.reads[-1] + 1)
    step = next((step for step in steps if not held[step] >> tensor & 1), steps[-1])
    size_bytes = programme.decisions.network.tensors[tensor].size_bytes
    needed_bytes, _ = least_needed(programme, step, levels[step], 1 << tensor)
    return TooLarge(step, size_bytes, needed_bytes - size_bytes, programme.pool.size_bytes)
