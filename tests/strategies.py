"""Random layers and machines: odd shapes, tight buffers, unequal shares, any precision."""

import math
from dataclasses import astuple, dataclass, replace

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume
from machines import (
    ACTIVATIONS,
    addition,
    conv,
    fully_connected,
    gated,
    keeping_machine,
    layer_of,
    machine,
    pool,
    pooled_machine,
    schedule,
    step,
    with_activation,
    with_flash,
    with_gate,
    with_global_pooling,
    with_pooling,
    with_shortcut,
    with_tensor_memory,
)

from accelsim.descriptions import vary
from accelsim.energy import energy_by_component
from accelsim.errors import DescriptionError
from accelsim.hardware import Hardware, Operand, dataflow_names
from accelsim.mapping.banks import bank_demand, half_banks
from accelsim.mapping.candidates import candidates
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.mapping import Choice, Crossing, Mapping, Repeat
from accelsim.mapping.precision import macs_by_bits
from accelsim.mapping.program import mappings, program_totals
from accelsim.mapping.room import room_in_banks
from accelsim.mapping.schedule import PoolChange
from accelsim.mapping.search import as_executed
from accelsim.mapping.tile import TileShape, whole_image
from accelsim.mapping.tiling import column_axes, row_axes
from accelsim.network.layer import CodedParts, Layer, Pooling


def energy_of(mapping: Mapping, hardware: Hardware, cycles: float) -> float:
    """Energy of a mapping that takes so many cycles, as it is priced when it has run."""
    counts = mapping.totals.counts
    by_bits = macs_by_bits([(mapping.layer, counts.macs)], hardware)
    return sum(energy_by_component(counts, hardware.prices, macs_by_bits=by_bits, cycles=cycles).values())


WHOLE_BYTES = (8, 16, 32)
ANY_BITS = (1, 3, 4, 8, 12, 16, 20, 32)


_BURSTS = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {
            "memories.dram.burst_bytes": st.sampled_from([2, 3, 16, 64]),
            "memories.dram.layout": st.sampled_from(["nhwc", "nchw"]),
        }
    ),
)
"""Every byte by itself as often as not."""


def array_ports():
    """Words that pass the sides of an array: as many by each column, or others by rows, in and out."""
    words = st.integers(1, 3)
    rows = st.fixed_dictionaries({"words_in": words, "words_out": st.integers(0, 3)})
    columns = st.fixed_dictionaries({"words_in": words, "words_out": words})
    ports = st.fixed_dictionaries({"rows": rows, "columns": columns})
    return words.map(lambda count: {"pe_array.port_words_per_column": count}) | ports.map(
        lambda sides: {"pe_array.port_words_per_column": None, "pe_array.ports": sides}
    )


def block_registers():
    """Of output stationary: as large as needed, or so many rows and columns of inputs."""
    side = st.integers(1, 20)
    return st.just("as_needed") | st.fixed_dictionaries({"rows": side, "columns": side})


@st.composite
def machines(draw, bits=WHOLE_BYTES, smallest_buffer=64, largest_buffer=65536):
    """Machines of any array, buffer, bandwidth and precision."""
    parts = [draw(st.integers(1, 5)) for _ in range(3)]
    buffer = 2 ** draw(st.integers(smallest_buffer.bit_length() - 1, largest_buffer.bit_length() - 1))
    changes = {
        "precision.weights_bits": draw(st.sampled_from(bits)),
        "precision.activations_bits": draw(st.sampled_from(bits)),
        "precision.partial_sums_bits": draw(st.sampled_from(bits)),
        "precision.pruned_index_bits": draw(st.sampled_from([0, 4, 8])),
        "pe_array.dataflows": dataflow_names(),  # those that are registered later join
        "pe_array.rows": draw(st.integers(1, 9)),
        "pe_array.columns": draw(st.integers(1, 9)),
        **draw(array_ports()),
        "pe_array.weight_stationary.accumulators_per_column": draw(st.integers(1, 40)),
        "pe_array.weight_stationary.packing": draw(
            st.sampled_from([(), ("taps",), ("groups",), ("groups", "taps")])
        ),
        "pe_array.output_stationary.partial_sums_per_pe": draw(st.integers(1, 9)),
        "pe_array.output_stationary.weight_density": draw(st.sampled_from([1.0, 0.6, 0.5, 0.37])),
        "pe_array.output_stationary.block_register": draw(block_registers()),
        "global_buffer.size_bytes": buffer + draw(st.integers(0, buffer - 1)),
        "global_buffer.shares.inputs": parts[0] / sum(parts),
        "global_buffer.shares.weights": parts[1] / sum(parts),
        "global_buffer.shares.outputs": parts[2] / sum(parts),
        "dram.latency_cycles": draw(st.sampled_from([0, 1, 7, 100])),
        "dram.bandwidth_bytes_per_cycle": draw(st.integers(1, 320)) / draw(st.sampled_from([1, 3, 8, 10])),
        "dma.descriptors": draw(st.sampled_from([1, 2, 3, 64])),
        **draw(_BURSTS),
        "vector_unit": draw(st.sampled_from([{"lanes_per_column": 3}, {"lanes": 1}, {"lanes": 5}, {}])),
        "mapper.tiles": draw(st.sampled_from(["time", "energy", "edp"])),
        "mapper.dataflow": draw(st.sampled_from(["time", "energy", "edp"])),
        "energy.word_bits": draw(st.sampled_from([8, 16, 32])),
        "energy.mac": draw(st.sampled_from([1.0, 0.2, 3.0, {8: 0.2, 32: 3.0}, {4: 0.1, 16: 1.0, 64: 9.0}])),
        "energy.unit": "pJ",
        "power.idle_mw": draw(st.sampled_from([None, None, 3e3, 2e5])),  # 3 and 200 pJ a cycle
        "energy.dram": draw(st.sampled_from([0.0, 64.0, 200.0])),
    }
    try:
        return machine(**changes)
    except DescriptionError:  # a bank that does not hold two words
        assume(False)


@st.composite
def tiles_of(draw, layer):
    """Tiles of any bounds, of up to three images."""
    whole = whole_image(layer)
    extents = {loop: getattr(whole, loop) for loop in ("g", "k", "c", "y", "x", "fy", "fx")}
    return TileShape(
        n=draw(st.integers(1, 3)),
        **{loop: draw(st.integers(1, extent) | st.just(extent)) for loop, extent in extents.items()},
    )


@st.composite
def convolutions(draw, largest=9, channels=10):
    """Convolutions of any groups, stride, dilation and padding, each side its own."""
    groups = draw(st.integers(1, 4))
    depthwise = draw(st.integers(0, 3)) == 0
    K, C = (1, 1) if depthwise else (draw(st.integers(1, channels)), draw(st.integers(1, channels)))
    kernel, stride = draw(_PAIRS), draw(_PAIRS)
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    reach = [(kernel[axis] - 1) * dilation[axis] for axis in (0, 1)]
    padding = draw(st.tuples(*(st.integers(0, reach[axis]) for axis in (0, 0, 1, 1))))
    size = []
    for axis in (0, 1):
        least = max(1, reach[axis] + 1 - padding[2 * axis] - padding[2 * axis + 1])
        size.append(draw(st.integers(least, max(least, largest))))
    bias = draw(st.booleans())
    return conv(
        K,
        C,
        tuple(size),
        G=groups,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        bias=bias,
    )


_PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def array_layers(draw, largest=9, channels=10):
    """Layers of the array, with whatever may be fused into them."""
    if draw(st.integers(0, 4)) == 0:
        layer = fully_connected(draw(st.integers(1, 40)), draw(st.integers(1, 40)), bias=draw(st.booleans()))
    else:
        layer = draw(convolutions(largest, channels))
    for fuse in draw(st.sampled_from(_FUSED)):
        layer = fuse(layer)
    return _pooled(draw, layer)


_FUSED = [(), (), (with_activation,), (with_shortcut,), (with_activation, with_shortcut), (with_gate,)]


def _pooled(draw, layer):
    kind = draw(st.sampled_from(["none", "none", "window", "global"]))
    if kind == "global":
        return with_global_pooling(layer)
    if kind == "window":
        kernel, stride, pad = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 1))
        if pad < kernel <= min(layer.OY, layer.OX) + 2 * pad:
            ceil = draw(st.booleans()) and pad == 0 and stride <= kernel
            return with_pooling(layer, kernel, stride, pad, ceil=ceil)
    return layer


@st.composite
def vector_layers(draw):
    """Layers of the vector unit."""
    channels, size = draw(st.integers(1, 12)), draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    match draw(st.integers(0, 3)):
        case 0:
            return addition(channels, size, draw(st.integers(2, 3)))
        case 1:
            return gated(channels, size)
        case 2:
            return pool(channels, size, size, size)
        case _:
            kernel = tuple(draw(st.integers(1, side)) for side in size)
            pad = draw(st.integers(0, min(kernel) - 1))
            return pool(channels, size, kernel, draw(_PAIRS), pad)


def layers():
    """Any layer."""
    return st.one_of(array_layers(), array_layers(), vector_layers())


@st.composite
def unusual_layers(draw):
    """Layers with any number of fused operators, any pooling behind them, and those that resize."""
    if draw(st.integers(0, 4)) == 0:
        return draw(resizings())
    layer = draw(convolutions(largest=14, channels=7))
    for fuse in draw(st.lists(st.sampled_from([with_activation, with_shortcut, with_gate]), max_size=4)):
        layer = fuse(layer)
    if draw(st.booleans()):
        layer = replace(layer, pooling=draw(poolings(layer)))
    return layer


@st.composite
def poolings(draw, layer):
    """Poolings of a layer's outputs; their windows may stick out, each side by its own."""
    kernel, stride = ([draw(st.integers(1, 5)) for _ in range(2)] for _ in range(2))
    pad = [draw(st.integers(0, side - 1)) for side in kernel]
    results = []
    for axis, outputs in enumerate((layer.OY, layer.OX)):
        covered = outputs + 2 * pad[axis] - kernel[axis]
        assume(covered >= 0)
        results.append(covered // stride[axis] + 1)
        assume((results[axis] - 1) * stride[axis] - pad[axis] < outputs)
    operator = draw(st.sampled_from(["max_pool", "average_pool"]))
    return Pooling("pool", operator, *results, *kernel, *stride, *pad)


@st.composite
def resizings(draw):
    """Layers of the vector unit whose outputs are more or fewer than their inputs."""
    channels, rows, columns, height, width = (draw(st.integers(1, 9)) for _ in range(5))
    return replace(
        conv(1, 1, (rows, columns), G=channels),
        name="resize",
        operator="resize",
        OY=height,
        OX=width,
        stride_y=max(1, rows // height),
        stride_x=max(1, columns // width),
        vector_ops=channels * height * width,
    )


@st.composite
def compressed_layers(draw):
    """Any layer; its bits may be other than the machine's, and weights of those on the array pruned."""
    layer = replace(
        draw(layers()),
        activation_bits=draw(st.sampled_from([None, None, 2, 8, 13])),
        partial_sum_bits=draw(st.sampled_from([None, None, 7, 24])),
    )
    if not layer.on_array:
        return layer
    return replace(
        layer,
        weight_bits=draw(st.sampled_from([None, None, 1, 5, 8])),
        weight_density=draw(st.sampled_from([None, 0.1, 0.35, 0.6, 1.0])),
        pruned_index_bits=draw(st.sampled_from([None, 0, 3])),
    )


@dataclass(frozen=True)
class Case:
    """A layer on a machine, by any of the mappings that its search compares, good or bad."""

    layer: Layer
    """For one image, as lowering made it; the mapping's own layer may be another form of the same work."""
    hardware: Hardware
    batch: int
    images: int
    """How often the mapping's own layer is gone through: once where the images became its rows."""
    mapping: Mapping

    @property
    def in_use(self) -> Hardware:
        """The machine without the rows that the mapping leaves idle."""
        return self.hardware.with_idle_rows(self.mapping.idle_rows)


@st.composite
def cases(draw, layer=None, hardware=None, most_steps=200):
    """Cases of few enough steps to go through one by one."""
    layer = draw(layers() if layer is None else layer)
    hardware = draw(machines() if hardware is None else hardware)
    batch = draw(st.sampled_from([1, 1, 2, 3]))
    dataflow = draw(st.sampled_from(sorted(dataflow_names()))) if layer.on_array else VECTOR
    executed, images = as_executed(layer, batch)
    idle_rows = draw(st.integers(0, hardware.pe_array.rows - 1)) if layer.on_array else 0
    space = candidates(executed, hardware.with_idle_rows(idle_rows), dataflow, images)
    assume(len(space))
    ((tile, order),) = space.mappings_of(np.array([draw(st.integers(0, len(space) - 1))]))
    assume(steps_of(executed, images, tile) <= most_steps)
    mapping = mappings([Choice(executed, dataflow, tile, order, idle_rows=idle_rows)], images, hardware)[0]
    return Case(layer, hardware, batch, images, mapping)


@st.composite
def coded_cases(draw, most_steps=200):
    """Cases of layers whose operands take parts of themselves outside, or more, in bursts or not."""
    parts = st.sampled_from([0.05, 0.37, 0.5, 1.0, 1.3])
    layer = replace(draw(layers()), coded=CodedParts(*[draw(parts) for _ in range(4)]))
    code = {"weights": draw(st.sampled_from([None, 0.5])), "activations": draw(st.sampled_from([None, {}]))}
    assume(any(value is not None for value in code.values()))
    hardware = vary(draw(machines()), **{"memories.dram.compress": code})
    return draw(cases(st.just(layer), st.just(hardware), most_steps))


@st.composite
def cut_cases(draw, layer=None, hardware=None, most_steps=200):
    """Cases that no search compares: of several images or some taps, and of any size along other loops."""
    layer = draw(compressed_layers() if layer is None else layer)
    hardware = draw(machines(bits=ANY_BITS, smallest_buffer=1 << 14) if hardware is None else hardware)
    batch = draw(st.sampled_from([3, 2, 1]))
    dataflow = draw(st.sampled_from(sorted(dataflow_names()))) if layer.on_array else VECTOR
    order = draw(st.sampled_from(["pixels_outer", "filters_outer"]))
    executed, images = as_executed(layer, batch)
    extents = astuple(replace(whole_image(executed), n=images))
    tile = TileShape(*(draw(st.integers(1, extent) | st.just(extent)) for extent in extents))
    assume(tile.n > 1 or tile.taps < executed.FY * executed.FX)
    assume(steps_of(executed, images, tile) <= most_steps)
    rows = max(axis.reads(tile.y)[0] for axis in row_axes(executed, tile.fy))
    columns = max(axis.reads(tile.x)[0] for axis in column_axes(executed, tile.fx))
    demand = bank_demand(executed, hardware, tile, rows, columns, int(order == "pixels_outer"))
    assume(all(demand[bank] <= half for bank, half in half_banks(hardware).items()))
    mapping = mappings([Choice(executed, dataflow, tile, order)], images, hardware)[0]
    return Case(layer, hardware, batch, images, mapping)


@st.composite
def reordered_cases(draw, layer=None, hardware=None, most_steps=200):
    """Cases that no search compares: loops in any order, and tiles of any size along each of them."""
    layer = draw(compressed_layers() if layer is None else layer)
    hardware = draw(machines(bits=ANY_BITS, smallest_buffer=1 << 15) if hardware is None else hardware)
    batch = draw(st.sampled_from([3, 2, 1]))
    dataflow = draw(st.sampled_from(sorted(dataflow_names()))) if layer.on_array else VECTOR
    order = tuple(draw(st.permutations(["N", "G", "K", "C", "OY", "OX", "FY", "FX"])))
    executed, images = as_executed(layer, batch)
    extents = astuple(replace(whole_image(executed), n=images))
    tile = TileShape(*(draw(st.integers(1, extent) | st.just(extent)) for extent in extents))
    assume(steps_of(executed, images, tile) <= most_steps)
    mapping = mappings([Choice(executed, dataflow, tile, order)], images, hardware)[0]
    room = room_in_banks(mapping, images, hardware)
    assume(all(needed <= bank.size_bytes for bank, needed in room.items()))
    return Case(layer, hardware, batch, images, mapping)


def packed_cases():
    """Cases in which elements are no whole bytes, and weights may be pruned."""
    return cases(compressed_layers(), machines(bits=ANY_BITS))


def steps_of(layer, images, tile):
    """Tiles of a layer, by ceiling."""
    extents = zip(astuple(replace(whole_image(layer), n=images)), astuple(tile), strict=True)
    return math.prod(-(-extent // size) for extent, size in extents)


@st.composite
def schedules(draw, most_layers=4, most_steps=60, packed=False, cut=False, channels=1):
    """A machine, and layers one after another on it, each waiting for any of those before it."""
    smallest_buffer = 1 << 14 if cut else 64
    hardware = draw(machines(ANY_BITS if packed else WHOLE_BYTES, smallest_buffer))
    hardware = draw(with_channels(hardware, channels))
    layer, case_of = compressed_layers() if packed else layers(), cut_cases if cut else cases
    some = draw(
        st.lists(case_of(layer, st.just(hardware), most_steps=most_steps), min_size=1, max_size=most_layers)
    )
    waits_for = [
        draw(st.sets(st.integers(0, layer - 1), max_size=2)) if layer else set() for layer in range(len(some))
    ]
    whole = schedule(*(case.mapping for case in some), waits_for=map(sorted, waits_for))
    return hardware, replace(whole, idle_descriptors=draw(some_descriptors(hardware)))


def some_descriptors(hardware):
    """How many may be left idle; none as often as not."""
    most = max(channel.prefetch for channel in hardware.channels)
    return st.one_of(st.just(0), st.integers(0, most - 1))


@st.composite
def with_channels(draw, hardware, channels=2):
    """A machine whose weights have a memory and a channel of their own, where there are to be two."""
    if channels == 1 or Operand.OUTPUTS not in hardware.off_chip[0].holds:
        return hardware
    return with_flash(
        hardware,
        bytes_per_cycle=draw(st.integers(1, 320)) / draw(st.sampled_from([1, 3, 8, 10])),
        latency_cycles=draw(st.sampled_from([0, 1, 5, 100])),
        prefetch=draw(st.sampled_from([1, 2, 3, 64])),
        outermost=draw(st.booleans()),
        read_energy=draw(st.sampled_from([0.0, 60.0, 300.0])),
        burst_bytes=draw(st.sampled_from([1, 1, 5, 32])),
    )


@st.composite
def programs(draw, depth=2):
    """Programs that no dataflow would make: any steps, bodies that repeat at any place and depth."""
    parts = draw(st.lists(_repeats(depth) if depth else _STEPS, min_size=1, max_size=3))
    return tuple(parts)


def _repeats(depth):
    bodies = st.builds(Repeat, st.integers(1, 30), programs(depth - 1))
    return st.one_of(_STEPS, bodies)


_STEPS = st.builds(
    step,
    weights=st.sampled_from([0, 0, 100, 500]),
    inputs=st.sampled_from([0, 40, 200, 256]),
    array=st.sampled_from([0, 1, 30, 100]),
    vector=st.sampled_from([0, 0, 7, 60]),
    store=st.sampled_from([0, 30, 200, 512]),
    shortcut=st.sampled_from([0, 0, 100, 256]),
)
"""Steps for banks of 1000, 1024 and 1024 bytes."""


@st.composite
def repeated_schedules(draw, channels=1):
    """A machine, and layers on it whose steps and repetitions are made up."""
    hardware = machine(
        **{
            "global_buffer.size_bytes": 4096,
            "dram.latency_cycles": draw(st.sampled_from([0, 3, 100])),
            "dram.bandwidth_bytes_per_cycle": draw(st.sampled_from([1.5, 4, 16])),
            "dma.descriptors": draw(st.sampled_from([1, 2, 64])),
        }
    )
    hardware = draw(with_channels(hardware, channels))
    reads_and_writes = step(inputs=40, store=30)  # as any layer does
    some = [
        layer_of(reads_and_writes, *program, hardware=hardware)
        for program in draw(st.lists(programs(), min_size=1, max_size=3))
    ]
    assume(sum(mapping.totals.steps for mapping in some) <= 500)
    return hardware, replace(schedule(*some), idle_descriptors=draw(some_descriptors(hardware)))


# --- pools


@st.composite
def keeping_machines(draw, bits=WHOLE_BYTES, smallest_pool=256, largest_pool=32768, keeps=("activations",)):
    """Machines with a pool in which activations may stay, or have to, and the network's ends, too.

    Where weights may stay as well, or they alone, they have no memory of their own.
    """
    size = 2 ** draw(st.integers(smallest_pool.bit_length() - 1, largest_pool.bit_length() - 2))
    places = st.sampled_from(["dram", "dram", "sram"])
    io = {"inputs": draw(places), "outputs": draw(places)}
    outside = tuple(Operand)
    if "activations" not in keeps:
        io = dict.fromkeys(io, "dram")
    elif draw(st.integers(0, 5)) == 0:  # flash
        io, outside = dict.fromkeys(io, "sram"), (Operand.WEIGHTS,)
    return keeping_machine(
        size + draw(st.integers(0, size - 1)),
        io,
        draw(machines(bits, smallest_buffer=4096)),
        outside=outside,
        weights_bytes=None if "weights" in keeps else draw(st.sampled_from([None, None, None, 64, 4096])),
        keeps=keeps,
    )


_POOLED_STEPS = st.builds(
    step,
    weights=st.sampled_from([0, 0, 100, 500]),
    inputs=st.sampled_from([0, 0, 40, 256]),
    array=st.sampled_from([0, 0, 1, 30, 100]),
    vector=st.sampled_from([0, 0, 7, 60]),
    store=st.sampled_from([0, 0, 30, 512]),
    shortcut=st.sampled_from([0, 0, 100, 256]),
    copy=st.sampled_from([0, 0, 0, 64]),
)
"""Some load nothing, some store nothing, some need no room, some take no time."""
_MOST_POOLED_BYTES = 500 + 256 + 512 + 256 + 300 + 300
"""Of a step, and of what stays from steps before it."""


@st.composite
def _steps_that_hold(draw):
    """Steps between which weights and partial sums stay."""
    weights, sums = draw(st.sampled_from([100, 300])), draw(st.sampled_from([0, 20, 300]))
    first = step(weights=weights, array=draw(st.sampled_from([0, 30])), completes=False)
    last = draw(_POOLED_STEPS)
    return (
        replace(first, takes={Operand.OUTPUTS: sums} if sums else {}, freed_by_array={}),
        *draw(st.lists(_POOLED_STEPS, max_size=2)),
        replace(
            last,
            freed_by_array=_more(last.freed_by_array, Operand.WEIGHTS, weights),
            stores=_more(last.stores, Operand.OUTPUTS, sums),
            freed_by_store=_more(last.freed_by_store, Operand.OUTPUTS, sums),
        ),
    )


def _more(sizes, operand, size_bytes):
    return {**sizes, operand: sizes.get(operand, 0) + size_bytes} if size_bytes else sizes


_POOLED_PARTS = st.one_of(
    _POOLED_STEPS.map(lambda one: (one,)),
    _steps_that_hold(),
    st.builds(lambda times, body: (Repeat(times, body),), st.integers(1, 30), _steps_that_hold()),
    st.builds(lambda times, one: (Repeat(times, (one,)),), st.integers(1, 30), _POOLED_STEPS),
)


@st.composite
def pooled_programs(draw, depth=1):
    """Programs of steps for a pool, with loops in loops."""
    parts = draw(st.lists(_POOLED_PARTS, min_size=1, max_size=3))
    body = tuple(part for some in parts for part in some)
    return (Repeat(draw(st.integers(1, 8)), body),) if depth and draw(st.booleans()) else body


@st.composite
def pooled_schedules(draw, feasible=True, channels=1):
    """A machine with a pool, and layers whose steps, repetitions and tensors are made up.

    The pool has room for each step beside all tensors that are there then, and often for little more; where
    it need not be feasible, it may have less.
    """
    tensor_bytes = draw(st.sampled_from([0, 100, 2000]))
    spare_bytes = draw(st.sampled_from([0, 0, 700, 5000] if feasible else [-2000, -1500, -600, 0]))
    hardware = pooled_machine(
        tensor_bytes + _MOST_POOLED_BYTES + spare_bytes,
        draw(st.sampled_from(_POOLED_OPERANDS)),
        **{
            "dram.latency_cycles": draw(st.sampled_from([0, 3, 100])),
            "dram.bandwidth_bytes_per_cycle": draw(st.sampled_from([1.5, 4, 16])),
            "dma.descriptors": draw(st.sampled_from([1, 2, 64])),
        },
    )
    hardware = draw(with_channels(hardware, channels))
    programs = draw(st.lists(pooled_programs(), min_size=1, max_size=3))
    order = draw(st.lists(st.integers(0, len(programs) - 1), min_size=1, max_size=6))
    mappings = [layer_of(*program, hardware=hardware) for program in programs]
    assume(sum(mappings[which].totals.steps for which in order) <= 500)
    waits_for = [
        draw(st.sets(st.integers(0, layer - 1), max_size=2)) if layer else set()
        for layer in range(len(order))
    ]
    whole = schedule(
        *(mappings[which] for which in order),
        waits_for=map(sorted, waits_for),
        **draw(_tensors(len(order), tensor_bytes)),
    )
    return hardware, replace(whole, idle_descriptors=draw(some_descriptors(hardware)))


_POOLED_OPERANDS = [
    tuple(Operand),
    tuple(Operand),
    (Operand.INPUTS, Operand.RESIDUAL, Operand.OUTPUTS),
    (Operand.INPUTS, Operand.RESIDUAL, Operand.WEIGHTS),
    (Operand.INPUTS, Operand.RESIDUAL),
    (Operand.WEIGHTS, Operand.OUTPUTS),
]


@st.composite
def _tensors(draw, layers, most_bytes):
    """What tensors take of a pool and give up, never more than so much at a time."""
    held_bytes = at_start = draw(st.sampled_from([0, 0, most_bytes, most_bytes // 3]))
    changes = []
    for _ in range(layers):
        taken_bytes = draw(st.sampled_from([0, most_bytes - held_bytes, (most_bytes - held_bytes) // 2]))
        held_bytes += taken_bytes
        freed_bytes = draw(st.sampled_from([0, held_bytes, held_bytes // 2]))
        held_bytes -= freed_bytes
        changes.append(PoolChange(taken_bytes, freed_bytes))
    return {"pool_changes": tuple(changes) if most_bytes else (), "pool_bytes_at_start": at_start}


# --- memories for tensors alone


_TENSOR_CHANNELS = {
    "bytes_per_cycle": st.sampled_from([0.7, 1, 8, 32]),
    "latency_cycles": st.sampled_from([0, 1, 20, 100]),
    "prefetch": st.sampled_from([1, 2, 3, 64]),
    "burst_bytes": st.sampled_from([1, 1, 4, 32]),
}


@st.composite
def leveled_schedules(draw):
    """A machine with a memory for tensors, and layers whose operands lie there or off chip, at random.

    Their steps, repetitions and tensors are made up, too; tiles lie in banks or in a pool.
    """
    made_up = st.sampled_from([schedules, repeated_schedules, pooled_schedules])
    hardware, made = draw(draw(made_up)(channels=draw(st.sampled_from([1, 1, 2]))))
    tensor_bytes = draw(st.sampled_from([0, 100, 2000]))
    channel = {name: draw(values) for name, values in _TENSOR_CHANNELS.items()}
    leveled = with_tensor_memory(hardware, max(16, tensor_bytes), **channel)
    home_of = {operand: channel.memory for operand, channel in leveled.channel_of.items()}
    places = [
        home_of | dict.fromkeys(draw(st.sets(st.sampled_from(ACTIVATIONS))), "l2") for _ in made.mappings
    ]
    mappings_there = [
        replace(mapping, totals=program_totals(mapping.program, leveled.with_places(of_layer)))
        for mapping, of_layer in zip(made.mappings, places, strict=True)
    ]
    moved = replace(
        made,
        mappings=tuple(mappings_there),
        places=tuple(places),
        **draw(_tensors(len(places), tensor_bytes)),
    )
    return leveled, replace(moved, idle_descriptors=draw(some_descriptors(leveled)))


@st.composite
def leveled_machines(draw, bits=WHOLE_BYTES, largest_bytes=8192, keeps=("activations",)):
    """Machines with a memory for tensors, in which networks' ends may lie; tiles lie in banks or a pool."""
    if draw(st.booleans()):
        hardware = draw(machines(bits, smallest_buffer=4096))
    else:
        hardware = draw(keeping_machines(bits, smallest_pool=draw(st.sampled_from([128, 2048]))))
    places = st.sampled_from(["dram", "dram", "l2"])
    io = {"inputs": draw(places), "outputs": draw(places)}
    outside = tuple(Operand)
    if "activations" not in keeps:
        io = dict.fromkeys(io, "dram")
    elif draw(st.integers(0, 7)) == 0:  # flash
        io, outside = dict.fromkeys(io, "l2"), (Operand.WEIGHTS,)
    channel = {name: draw(values) for name, values in _TENSOR_CHANNELS.items()}
    size_bytes = draw(st.integers(16, largest_bytes))
    return with_tensor_memory(hardware, size_bytes, io, holds=outside, keeps=keeps, **channel)


# --- what is coded


_PARTS_THAT_MOVE = st.fixed_dictionaries(dict.fromkeys(Operand, st.sampled_from([0, 0, 0.5, 1])))
"""Of each operand."""


@st.composite
def coded(draw, made):
    """Schedules of whose steps channels move a part, as of what is coded: nothing at all as often as not.

    Latencies are short, too, so that what takes no time happens in the cycle of what is beside it.
    """
    hardware, schedule = draw(made)
    latencies = {channel.memory: draw(st.sampled_from([0, 1, 5])) for channel in hardware.channels}
    coding = vary(hardware, **{f"memories.{name}.latency_cycles": value for name, value in latencies.items()})
    parts = draw(st.lists(_PARTS_THAT_MOVE, min_size=1, max_size=3))
    known = {}

    def of(part):
        if isinstance(part, Repeat):
            return Repeat(part.times, tuple(map(of, part.body)))
        if id(part) not in known:
            known[id(part)] = _coded(part, parts[len(known) % len(parts)])
        return known[id(part)]

    mappings_there = [
        replace(mapping, program=program, totals=program_totals(program, coding.with_places(places)))
        for mapping, places in zip(
            schedule.mappings, schedule.places or [{}] * len(schedule.mappings), strict=True
        )
        for program in [tuple(map(of, mapping.program))]
    ]
    return coding, replace(schedule, mappings=tuple(mappings_there))


def _coded(whole, parts):
    """A step of whose operands these parts move."""
    loads, stores = (
        {operand: math.ceil(size_bytes * parts[operand]) for operand, size_bytes in sizes.items()}
        for sizes in (whole.loads, whole.stores)
    )
    return replace(whole, crossing=Crossing(loads, stores, loads, stores))
