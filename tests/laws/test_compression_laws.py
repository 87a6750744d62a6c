"""What fewer bits and fewer weights do: for every layer, machine, tile and order, never harm."""

from dataclasses import dataclass, replace

import hypothesis.strategies as st
from hypothesis import assume, given
from machines import mapped, pairs_of_counts
from strategies import ANY_BITS, array_layers, cases, machines

from accelsim.descriptions import vary
from accelsim.energy import energy_by_component
from accelsim.hardware import Access, ActionCounts, Direction
from accelsim.mapping.banks import bank_demand
from accelsim.mapping.bounds import compulsory_dram_bytes, lower_bound_cycles
from accelsim.mapping.candidates import candidates
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.search import map_layer

DENSITIES = (0.05, 0.2, 0.33, 0.5, 0.9, 1.0)
BITS = ("weight_bits", "activation_bits", "partial_sum_bits", "pruned_index_bits")


@dataclass(frozen=True)
class Pair:
    """Two forms of a layer by the same tiles in the same order; the lean one has fewer bits or weights."""

    lean: Mapping
    full: Mapping
    hardware: object
    batch: int


@st.composite
def pairs(draw, change):
    """A case, and two forms of its layer that `change` draws."""
    case = draw(cases(array_layers(), machines(bits=ANY_BITS), most_steps=60))
    lean, full = draw(change(case.layer))
    tile = {letter: getattr(case.mapping.tile, letter) for letter in "gkcyx"}
    mappings = (
        mapped(
            form,
            case.mapping.dataflow,
            case.hardware,
            order=case.mapping.order,
            batch=case.batch,
            **tile,
        )
        for form in (lean, full)
    )
    return Pair(*mappings, case.hardware, case.batch)


@st.composite
def sparser(draw, layer):
    """The layer at two densities, and at any bits."""
    low, high = sorted(draw(st.tuples(st.sampled_from(DENSITIES), st.sampled_from(DENSITIES))))
    bits = draw(st.sampled_from([1, 4, 6, 16]))
    return tuple(replace(layer, weight_density=density, weight_bits=bits) for density in (low, high))


@st.composite
def narrower(draw, layer):
    """The layer at two widths of one of its operands, perhaps pruned."""
    low, high = sorted(draw(st.tuples(st.integers(1, 32), st.integers(1, 32))))
    operand = draw(st.sampled_from(BITS))
    pruned = replace(layer, weight_density=draw(st.sampled_from([None, *DENSITIES])))
    return tuple(replace(pruned, **{operand: bits}) for bits in (low, high))


def assert_no_worse(lean, full, hardware):
    """Every count of the one is at most that of the other, and so its energy.

    What bursts move for nothing may be more; what they move in all is not.
    """
    for kinds in (_OF_USE, _AS_MOVED):
        some, more = (counted_as(one.totals.counts, kinds) for one in (lean, full))
        assert all(one <= other for one, other in pairs_of_counts(some, more))
    energies = (sum(energy_by_component(one.totals.counts, hardware.prices).values()) for one in (lean, full))
    assert next(energies) <= next(energies)
    assert lean.totals.array_cycles <= full.totals.array_cycles


_OF_USE = {Direction.READ: Direction.READ, Direction.WRITE: Direction.WRITE}
_AS_MOVED = {**_OF_USE, Direction.OVERFETCH: Direction.READ, Direction.MASKED: Direction.WRITE}


def counted_as(counts, kinds):
    """With accesses as what else they count as; others are left out."""
    accessed = [
        ActionCounts(accesses={Access(memory, operand, kinds[direction]): size})
        for (memory, operand, direction), size in counts.accesses.items()
        if direction in kinds
    ]
    return sum(accessed, replace(counts, accesses={}))


def space(mapping, hardware):
    """Bytes in each bank of the largest tile."""
    tile, layer = mapping.tile, mapping.layer
    outer = int(mapping.order == "pixels_outer")
    return bank_demand(layer, hardware, tile, layer.IY, layer.IX, outer)


@given(pairs(sparser))
def test_fewer_weights_never_take_more_cycles_traffic_space_or_energy(pair):
    assert_no_worse(pair.lean, pair.full, pair.hardware)
    lean, full = (space(one, pair.hardware) for one in (pair.lean, pair.full))
    assert lean["weights"] <= full["weights"]
    assert (lean["inputs"], lean["outputs"]) == (full["inputs"], full["outputs"])


@given(pairs(narrower))
def test_fewer_bits_never_take_more_traffic_space_or_energy(pair):
    assert_no_worse(pair.lean, pair.full, pair.hardware)
    assert pair.lean.totals.array_cycles == pair.full.totals.array_cycles  # the multipliers do not change
    assert pair.lean.totals.counts.macs == pair.full.totals.counts.macs
    lean, full = (space(one, pair.hardware) for one in (pair.lean, pair.full))
    assert all(lean[bank] <= full[bank] for bank in full)


@given(pairs(sparser))
def test_only_dataflows_that_say_so_skip_zeros(pair):
    lean, full = pair.lean.totals, pair.full.totals
    if not dataflow_of(pair.lean.dataflow).skips_zeros:
        assert (lean.counts.macs, lean.array_cycles) == (full.counts.macs, full.array_cycles)
    elif pair.lean.layer.weight_density < pair.full.layer.weight_density:
        layer = pair.full.layer
        if layer.weights >= 20 * pair.lean.totals.steps:  # else rounding up to whole weights may hide it
            assert lean.counts.macs < full.counts.macs


@given(st.data(), array_layers(), machines(bits=ANY_BITS), st.sampled_from([sparser, narrower]))
def test_bounds_of_a_leaner_layer_are_no_higher(data, layer, hardware, change):
    lean, full = data.draw(change(layer))
    assert compulsory_dram_bytes(lean, hardware) <= compulsory_dram_bytes(full, hardware)
    assert lower_bound_cycles(lean, hardware) <= lower_bound_cycles(full, hardware)


@given(array_layers(), machines(bits=ANY_BITS), st.sampled_from([1, 3]))
def test_to_say_what_the_machine_takes_for_granted_changes_nothing(layer, hardware, batch):
    dense = vary(hardware, **{"pe_array.output_stationary.weight_density": 1.0})
    assume(all(len(candidates(layer, dense, name)) for name in ("weight_stationary", "output_stationary")))
    precision = dense.precision
    said = replace(
        layer,
        weight_density=1.0,
        weight_bits=precision.weights_bits,
        pruned_index_bits=precision.pruned_index_bits,
        activation_bits=precision.activations_bits,
        partial_sum_bits=precision.partial_sums_bits,
    )
    silent, explicit = (map_layer(one, dense, MappingOptions(batch=batch)) for one in (layer, said))
    assert (explicit.dataflow, explicit.tile, explicit.order) == (silent.dataflow, silent.tile, silent.order)
    assert tuple(explicit.steps()) == tuple(silent.steps())
    assert lower_bound_cycles(said, dense, batch) == lower_bound_cycles(layer, dense, batch)
