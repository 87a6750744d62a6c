"""Formulas give the same of columns as of each entry by itself, whichever of their numbers are columns."""

import math
from operator import add

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from accelsim.hardware import ActionCounts, Operand
from accelsim.hardware.counts import Access, Direction
from accelsim.mapping.arithmetic import ceil_div, product

ENTRIES = 3
NUMBERS = st.integers(0, 50)
COUNTS = NUMBERS | st.lists(NUMBERS, min_size=ENTRIES, max_size=ENTRIES).map(np.array)
READ = Access("dram", Operand.INPUTS, Direction.READ)
ACTIONS = st.builds(
    ActionCounts, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS.map(lambda count: {READ: count}) | st.just({})
)


def entry(count, number):
    return int(count[number]) if isinstance(count, np.ndarray) else count


def numbers_of(counts, number):
    plain = (counts.macs, counts.vector_ops, counts.register_file_bytes, counts.inter_pe_bytes)
    return [entry(count, number) for count in (*plain, counts.accesses.get(READ, 0))]


@given(st.lists(COUNTS, min_size=1, max_size=5))
def test_a_product_is_that_of_each_entry(factors):
    for number in range(ENTRIES):
        assert entry(product(*factors), number) == math.prod(entry(factor, number) for factor in factors)


@given(COUNTS, st.integers(1, 9))
def test_a_division_rounds_each_entry_up(dividend, divisor):
    for number in range(ENTRIES):
        assert entry(ceil_div(dividend, divisor), number) == -(-entry(dividend, number) // divisor)


@given(ACTIONS, ACTIONS)
def test_counts_are_added_up_entry_by_entry(counts, others):
    for number in range(ENTRIES):
        apart = map(add, numbers_of(counts, number), numbers_of(others, number))
        assert numbers_of(counts + others, number) == list(apart)
