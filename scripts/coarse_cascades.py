"""What stays in a pool, and which layers run stripe by stripe, by coarse rules; and these plans in the model.

    python scripts/coarse_cascades.py

A planner of another hand, of which only the figures are left (tests/published/coarse_cascades.csv), was run
on `16x16_128k` with elements of 8 bits, sums of 32 and one pool. Its rules were not written down; these were
inferred, and give its figures:

- A byte an element and an offset. No bursts, no addresses: what lies whole in the pool takes its bytes, and
  the rest of the pool is room.
- A layer by itself is cut into rows of full width and filters (a depthwise one into groups), in both loop
  orders. Of whatever moves, weights included, the room holds two tiles.
- A chain of up to four layers runs in stripes. Of the tensors inside, the room holds the rows that one stripe
  of the last layer depends on, as if none of them were there yet; of the rows that come from outside or go
  there, twice as many; and the weights of *all* layers of the chain, which come once. So do rows of the
  input, also those that two stripes read.
- The plan with the fewest bytes outside. What lies in the pool may lie outside as well.

The plan by these rules is made by accelsim's own programme (`plan_residency`), which is given their prices.
Then it is mapped and executed in the model: its cascades, its tensors in the pool, tiles by the model's
search. The table stands in docs/decisions/cascades.md.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import chain, combinations
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from accelsim.descriptions import vary
from accelsim.hardware import Hardware, Operand, load_hardware
from accelsim.mapping.pool_knowledge import PoolKnowledge
from accelsim.mapping.staircase import Arriving, Moved, Movement, Staircase, StepPrices, Weights, movement_of
from accelsim.mapping.stripes import Cascade
from accelsim.mapping.tiling import row_axis
from accelsim.network import LoweredNetwork, load_network, lowered_network
from accelsim.network.layer import Layer
from accelsim.planning import Pool, ResidencyPlan, plan_residency
from accelsim.planning.cascades.cascade import may_cascade, stored_rows, stripes
from accelsim.planning.cascades.striping import operands_in, planned_entries
from accelsim.planning.network_to_plan import NetworkToPlan
from accelsim.planning.plan import Plan
from accelsim.planning.pool_compiler import PoolCompiler
from accelsim.planning.programme.edges import ChainPrices, StripedWay
from accelsim.reuse import Cache
from accelsim.run import options_for, plan_run
from accelsim.simulation.transitions import Transitions

FIGURES: Final = Path(__file__).parents[1] / "tests" / "published" / "coarse_cascades.csv"
KIB: Final = 1024
LAYERS: Final = 4
"""Of a chain, at most."""
COPIES: Final = 2
"""Tiles of what moves that there is room for."""
BYTES: Final = Weights(dram_bytes=1)
"""What plans are made by."""
ONLY_OUTSIDE: Final = {
    "memories.global_buffer.energy.read": 0,
    "memories.global_buffer.energy.write": 0,
    "energy.mac": 0,
    "energy.vector_op": 0,
    "energy.register_file": 0,
    "energy.inter_pe": 0,
}
"""Only DRAM costs energy, so that the model's plans by energy move as few bytes as they can, too."""


HEAD: Final = (
    "| network | pool | kept: prototype | by the rules | model's plan "
    "| cascades: prototype | by the rules | that plan in the model | model's plan |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
)


class Figures(NamedTuple):
    """What the prototype says that a network moves, in KiB."""

    network: str
    pool_kib: int
    kept_kib: int
    """Where activations may stay."""
    cascades_kib: int
    """With chains of up to four layers in stripes."""


class Asked(NamedTuple):
    """A network on the prototype's machine, which the rules are asked about."""

    compiler: PoolCompiler
    lowered: LoweredNetwork
    network: NetworkToPlan
    pool: Pool

    @property
    def hardware(self) -> Hardware:
        """The machine."""
        return self.compiler.hardware


def figures() -> list[Figures]:
    """Those that are kept."""
    with FIGURES.open(encoding="utf-8", newline="") as file:
        return [
            Figures(row["network"], *(int(row[name]) for name in Figures._fields[1:]))
            for row in csv.DictReader(file)
        ]


def machine(pool_kib: int, layers: int = LAYERS) -> Hardware:
    """The prototype's: SqueezeNext's larger machine with 8 bits and a pool in which activations stay."""
    return vary(
        load_hardware("16x16_128k"),
        **{
            "precision.weights_bits": 8,
            "precision.activations_bits": 8,
            "precision.partial_sums_bits": 32,
            "memories.global_buffer.size_bytes": pool_kib * KIB,
            "memories.global_buffer.banks": "pool",
            "memories.global_buffer.keeps": ["activations"],
            "cascade": {"layers": layers} if layers > 1 else None,
            **ONLY_OUTSIDE,
        },
    )


@cache
def model_plan(network: str, pool_kib: int, layers: int = LAYERS) -> Plan:
    """The model's own plan by its own rules, by bytes outside."""
    loaded = load_network(network)
    return plan_run(loaded, machine(pool_kib, layers), options_for(loaded, objective="energy"))


@cache
def asked_about(network: str, pool_kib: int) -> Asked:
    """What the rules are asked about."""
    loaded, hardware = load_network(network), machine(pool_kib)
    options, lowered = options_for(loaded, objective="energy"), lowered_network(loaded)
    assert hardware.pool is not None
    compiler = PoolCompiler(hardware, hardware.pool, options, Transitions(), PoolKnowledge())
    return Asked(compiler, lowered, compiler.network_to_plan(lowered.graph), compiler.places())


@cache
def coarse_plan(network: str, pool_kib: int, layers: int = LAYERS) -> ResidencyPlan:
    """The plan of fewest bytes by the rules; its price is how many that are."""
    asked = asked_about(network, pool_kib)
    prices = [_step_prices(asked.network, step) for step in range(len(asked.network.layers))]
    chains = list(_chains(asked.network, layers))
    found = plan_residency(asked.network.tensors, asked.pool, prices, chains=chains, reasons=False)
    assert isinstance(found, ResidencyPlan)
    return found


# --- layers by themselves


def _step_prices(network: NetworkToPlan, step: int) -> StepPrices:
    """Of a layer by itself; whether its inputs may come to stay is the model's word, but for the image."""
    layer, (first, *_) = network.layers[step].nameless, network.tensors.uses[step].inputs
    may_arrive = step in network.arrivals and not network.tensors.tensors[first].is_image
    return layer_prices(layer, may_arrive=may_arrive)


@cache
def layer_prices(layer: Layer, *, may_arrive: bool) -> StepPrices:
    """What a layer moves at least, by the room that its tiles have, for each set of what moves."""
    assert layer.on_array
    tiles = np.array(list(_tiles(layer)), dtype=np.int64).T
    inputs, weights, outputs, read, weights_read = tiles
    stored = stored_rows(layer) * stored_columns(layer) * layer.G * layer.K
    residual = sum([operator.residual_elements for operator in layer.fused])
    none = np.zeros(len(weights))
    prices: dict[Movement, Staircase] = {}
    for moved in _sets(residual > 0):
        of_inputs, of_outputs, of_residual = (
            operand in moved for operand in (Operand.INPUTS, Operand.OUTPUTS, Operand.RESIDUAL)
        )
        room = COPIES * (weights + (of_outputs + of_residual) * outputs)
        total = weights_read + of_outputs * stored + of_residual * residual
        columns = room + COPIES * of_inputs * inputs, none, none, total + of_inputs * read
        operands = moved | {Operand.WEIGHTS}
        prices[operands] = Staircase.from_candidates(*columns, BYTES)
        if of_inputs and may_arrive:
            once = layer.G * layer.C * layer.IY * layer.IX
            prices[Arriving(operands)] = Staircase.from_candidates(room, none, none, total + once, BYTES)
    return prices


def _sets(with_residual: bool) -> list[Moved]:
    """Of the activations of a layer, those that may move."""
    operands = [Operand.INPUTS, Operand.OUTPUTS, *([Operand.RESIDUAL] if with_residual else [])]
    return [
        frozenset(some)
        for some in chain.from_iterable(combinations(operands, size) for size in range(len(operands) + 1))
    ]


def stored_columns(layer: Layer) -> int:
    """Columns of what a layer stores."""
    return layer.OX if layer.pooling is None else layer.pooling.OX


def weight_bytes(layer: Layer) -> int:
    """Weights and offsets."""
    return layer.weights + layer.G * layer.K * layer.bias


def _tiles(layer: Layer) -> Iterator[tuple[int, int, int, int, int]]:
    """Bytes of a tile's inputs, weights and outputs; of all inputs and weights, as often as they are read."""
    weights = weight_bytes(layer)
    of_filter = layer.C * layer.FY * layer.FX + layer.bias
    for rows in _sizes(layer.OY):
        strips = -(-layer.OY // rows)
        largest, read = _rows_read(layer, rows)
        row_bytes = layer.C * layer.IX
        if layer.G > 1:
            for groups in _sizes(layer.G):
                filters = groups * layer.K
                tile = groups * row_bytes * largest, filters * of_filter, filters * rows * layer.OX
                yield *tile, layer.G * row_bytes * read, weights
            continue
        for filters in _sizes(layer.K):
            parts = -(-layer.K // filters)
            tile = row_bytes * largest, filters * of_filter, filters * rows * layer.OX
            yield *tile, row_bytes * read, weights * (strips if parts > 1 else 1)
            yield *tile, row_bytes * read * (parts if strips > 1 else 1), weights


def _sizes(extent: int) -> list[int]:
    """Of equal parts, in any number."""
    return sorted({-(-extent // parts) for parts in range(1, extent + 1)})


def _rows_read(layer: Layer, rows: int) -> tuple[int, int]:
    """Input rows of the largest strip, and of all strips of so many output rows."""
    if rows >= layer.OY:
        return layer.IY, layer.IY
    axis = row_axis(layer)
    read = [
        axis.inputs_end(min(first + rows, layer.OY)) - axis.inputs_begin(first)
        for first in range(0, layer.OY, rows)
    ]
    return max(read), sum(read)


# --- chains of layers


def _chains(network: NetworkToPlan, most: int) -> Iterator[ChainPrices]:
    """Those that may run stripe by stripe, whose tensors inside nobody else reads, and what they move."""
    for first in range(len(network.layers)):
        for count in range(2, most + 1):
            steps = range(first, first + count)
            may_be_one = may_cascade(network.layers, network.tensors, first, count) is None
            if may_be_one and not network.tensors.wanted_behind(steps):
                yield chain_prices(network, steps)


def chain_prices(network: NetworkToPlan, steps: range) -> ChainPrices:
    """Taller stripes are fewer: between equal bytes they are the better ones."""
    layers, tensors = network.layers, network.tensors
    inside = {tensors.uses[step].output for step in steps[:-1]}
    last, use = layers[steps[-1]], tensors.uses[steps[0]]
    residuals = {tensor for step in steps for tensor in tensors.uses[step].residuals} - inside
    heights = _sizes(stored_rows(last))[:-1]
    weights = sum([weight_bytes(layers[step]) for step in steps])
    resident = frozenset(steps)
    ways = [StripedWay(Cascade(steps[0], len(steps), rows, resident), 0) for rows in heights]
    rows_of = [rows_of_stripe(network, steps, rows) for rows in heights]

    def rows_bytes(some: Mapping[int, int], tensor: int) -> int:
        return some.get(tensor, 0) * tensors.tensors[tensor].size_bytes // _rows_in(network, tensor)

    ends = {
        Operand.INPUTS: {*use.inputs},
        Operand.OUTPUTS: {tensors.uses[steps[-1]].output},
        Operand.RESIDUAL: residuals,
    }
    stripes_of = np.array([-(-stored_rows(last) // rows) for rows in heights])
    staircases = {}
    for moved in _sets(bool(residuals)):
        outer = {tensor for operand in moved for tensor in ends[operand]}
        room = [
            weights
            + sum([rows_bytes(some, tensor) for tensor in inside])
            + COPIES * sum([rows_bytes(some, tensor) for tensor in outer])
            for some in rows_of
        ]
        total = np.full(len(room), weights + sum([tensors.tensors[tensor].size_bytes for tensor in outer]))
        columns = np.array(room, dtype=np.int64), stripes_of, np.zeros(len(room)), total
        staircases[moved] = Staircase.from_candidates(*columns, BYTES)
    return ChainPrices(steps[0], len(steps), tuple(ways), staircases)


def rows_of_stripe(network: NetworkToPlan, steps: range, rows: int) -> dict[int, int]:
    """Of each tensor: the rows that so many of the chain's output depend on; residuals wait beside them."""
    needed = {network.tensors.uses[steps[-1]].output: rows}
    waiting: dict[int, int] = {}
    for step in reversed(steps):
        layer, use = network.layers[step], network.tensors.uses[step]
        computed = min(layer.OY, _conv_rows(layer, needed[use.output]))
        read = min(layer.IY, (computed - 1) * layer.stride_y + (layer.FY - 1) * layer.dilation_y + 1)
        for tensor in use.inputs:
            needed[tensor] = max(needed.get(tensor, 0), read)
        for tensor in use.residuals:
            waiting[tensor] = computed
    return {tensor: needed.get(tensor, 0) + waiting.get(tensor, 0) for tensor in {*needed, *waiting}}


def _conv_rows(layer: Layer, stored: int) -> int:
    """Rows that have to be computed for so many to be stored."""
    if layer.pooling is None:
        return stored
    return (stored - 1) * layer.pooling.stride_y + layer.pooling.FY


def _rows_in(network: NetworkToPlan, tensor: int) -> int:
    """Rows of a tensor."""
    for layer, use in zip(network.layers, network.tensors.uses, strict=True):
        if use.output == tensor:
            return stored_rows(layer)
        if tensor in use.inputs:
            return layer.IY
    raise ValueError(tensor)


# --- the same plan in the model


@cache
def executed_plan(network: str, pool_kib: int) -> Plan:
    """The plan by the rules in the model: its chains, with all their weights, and its tensors in the pool.

    The height of stripes is the one with which the model moves least, of the tallest that the rules have room
    for, half of it, and so on.
    """
    asked, found = asked_about(network, pool_kib), coarse_plan(network, pool_kib)
    for cascade in found.cascades:
        heights = [cascade.stripe_rows]
        while heights[-1] > 1:
            heights.append(heights[-1] // 2)
        plans = [_in_stripes(asked, found, cascade, rows) for rows in heights]
        found = min(plans, key=lambda plan: _bytes_of(asked, plan, cascade.steps))
    schedule = asked.compiler._written(asked.network, found, BYTES, frozenset())
    options = asked.compiler.options
    return Plan(load_network(network), asked.hardware, options, asked.lowered, schedule, Cache())


def _in_stripes(asked: Asked, plan: ResidencyPlan, cascade: Cascade, rows: int) -> ResidencyPlan:
    """The plan with a cascade in stripes of so many rows, and the room that the model has beside it."""
    network = asked.network
    in_stripes = replace(cascade, stripe_rows=rows)
    made = stripes(network.layers, network.tensors, in_stripes, asked.hardware.precision)
    inside = {window.tensor for window in made.windows}
    taken = made.window_bytes + sum([weight_bytes(network.layers[step]) for step in cascade.steps])
    steps = list(plan.steps)
    for step in cascade.steps:
        whole = {*steps[step].in_pool} - inside
        beside = sum([network.tensors.tensors[tensor].size_bytes for tensor in whole])
        steps[step] = replace(steps[step], room_bytes=asked.pool.size_bytes - beside - taken)
    others = [in_stripes if each == cascade else each for each in plan.cascades]
    return replace(plan, steps=tuple(steps), cascades=tuple(others))


def _bytes_of(asked: Asked, plan: ResidencyPlan, steps: range) -> tuple[float, int]:
    """What some steps move in the model; between equal bytes fewer entries are better."""
    entries = planned_entries(asked.network, plan, asked.hardware, 1).entries
    of_steps = [entry for entry in entries if entry.step in steps]
    forms: Counter[tuple[int, Layer, Movement]] = Counter()
    for entry in of_steps:
        of_entry = operands_in(entry, plan.steps[entry.step], asked.hardware, asked.compiler.pool.memory)
        forms[entry.step, entry.layer.nameless, movement_of(of_entry.moved, of_entry.placed)] += 1
    moved = [
        many * asked.compiler._shortlist(layer, movement).staircase(BYTES).at(plan.steps[step].room_bytes)
        for (step, layer, movement), many in forms.items()
    ]
    return sum(moved), len(of_steps)


def moved_bytes(plan: Plan) -> int:
    """What a plan reads and writes outside, as it is executed."""
    counts = [mapping.totals.counts for mapping in plan.schedule.mappings]
    return sum([count.read_bytes(["dram"]) + count.written_bytes(["dram"]) for count in counts])


def row(figure: Figures) -> str:
    """A line of the table."""
    cell = figure.network, figure.pool_kib
    by_rules = [coarse_plan(*cell, layers).price for layers in (1, LAYERS)]
    own = [moved_bytes(model_plan(*cell, layers)) for layers in (1, LAYERS)]
    executed = moved_bytes(executed_plan(*cell))
    found = [by_rules[0], own[0], by_rules[1], executed, own[1]]
    of_prototype = [*[figure.kept_kib] * 2, *[figure.cascades_kib] * 3]
    texts = [_beside(moved, kib) for moved, kib in zip(found, of_prototype, strict=True)]
    kept = [f"{figure.kept_kib:,}", *texts[:2]]
    cells = [figure.network, f"{figure.pool_kib} KB", *kept, f"{figure.cascades_kib:,}", *texts[2:]]
    return f"| {' | '.join(cells)} |"


def _beside(moved: float, kib: int) -> str:
    """KiB, and how far that is from the prototype's."""
    return f"{moved / KIB:,.0f} ({round(moved / KIB / kib - 1, 3) + 0:+.1%})"


def main() -> None:
    """Print the table."""
    sys.stdout.write(f"{HEAD}\n")
    for figure in figures():
        sys.stdout.write(f"{row(figure)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
