"""What is held coded outside moves as little as its code says: for every layer, machine, tile and order."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from machines import pairs_of_counts, schedule
from strategies import coded_cases

from accelsim.hardware.coding import RunLength
from accelsim.mapping.candidates import candidates
from accelsim.simulation import simulate, simulate_events
from accelsim.simulation.alone import Alone
from accelsim.verification import verify_mapping


@given(coded_cases())
def test_both_engines_agree_on_coded_operands_and_execution_proves_what_moves(case):
    on_its_own = schedule(case.mapping)
    assert simulate(on_its_own, case.hardware) == simulate_events(on_its_own, case.hardware)
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@given(coded_cases())
def test_the_search_prices_codes_as_the_program_does_but_for_bytes_rounded_up(case):
    mapping = case.mapping
    space = candidates(mapping.layer, case.in_use, mapping.dataflow, case.images)
    index = list(space.mappings_of(np.arange(len(space)))).index((mapping.tile, mapping.order))
    estimate = space.counts.each(lambda count: count if isinstance(count, int) else int(count[index]))
    for estimated, summed in pairs_of_counts(estimate, mapping.totals.counts):
        assert abs(estimated - summed) <= 6 * mapping.totals.steps
    assert Alone(case.hardware)(mapping) >= space.time_cycles[index]


@given(st.floats(0.001, 1), st.floats(0.001, 1), st.integers(1, 12), st.integers(1, 32))
def test_fewer_zeros_never_take_less(some, more, run_bits, bits):
    code = RunLength(run_bits=run_bits)
    sparse, dense = (code.part(density, bits) for density in sorted((some, more)))
    assert sparse <= dense * (1 + 1e-9)
    least = (run_bits + bits + 1 / 3) / (bits * 2**run_bits)  # every pair stands for as many zeros as it can
    assert least * (1 - 1e-9) <= sparse
    assert math.isclose(code.part(1.0, bits), (run_bits + bits + 1 / 3) / bits)
