"""The search on Eyeriss beside every mapping of the row-stationary space, by the paper's own formulas."""

from itertools import product

import numpy as np
import pytest

from accelsim.mapping.options import MappingOptions
from accelsim.run import plan_run, run_plan
from accelsim.validation.evaluate import shipped_hardware
from accelsim.validation.eyeriss_measured import load_measured

ALEXNET = next(network for network in load_measured().networks if network.network == "alexnet")
ROWS, COLUMNS, BANKS, BANK_BYTES = 12, 14, 25, 4096
FILTERS, INPUTS, SUMS = 224, 12, 24
"""Words that a PE holds."""
BYTES_PER_CYCLE = 2.4


def ceil(dividend, divisor):
    return -(-dividend // divisor)


def coded(words, zeros):
    """Bytes in pairs of 5 and 16 bits, three in 64; a run has 31 zeros at most."""
    return words * (1 - zeros) * (1 + zeros**32 / (1 - zeros**32)) * 64 / 24 if zeros else 2 * words


def foldings(kernel, e):
    """Every p, q, r, t that the PEs hold, a column each; none where e rows have no room."""
    above = ROWS // kernel
    sets = above * (COLUMNS // e) if e <= COLUMNS else above // ceil(e, COLUMNS)
    every = [
        (p, q, r, t)
        for q, p in product(range(1, INPUTS // kernel + 1), range(1, SUMS + 1))
        if p * q * kernel <= FILTERS
        for r in range(1, sets + 1)
        for t in range(1, sets // r + 1)
    ]
    return np.array(every, dtype=np.int64).reshape(-1, 4).T


def least_cycles(layer, images):
    """Of all n, e, p, q, r, t, each with as many filters as the banks hold: passes, and maps between."""
    side, kernel, stride = layer.rows, layer.kernel, layer.stride
    padded = (side - 1) * stride + kernel
    height, least = padded - 2 * layer.padding, np.inf
    filters, channels = layer.filters, layer.channels
    stored = coded(images * layer.groups * filters * side * side, layer.output_zeros)
    for n, e in product([n for n in range(1, images + 1) if images % n == 0], range(1, side + 1)):
        p, q, r, t = foldings(kernel, e)
        strip = (e - 1) * stride + kernel
        free = BANKS - ceil(n * np.minimum(q * r, channels) * strip * padded * 2, BANK_BYTES)
        m = np.minimum(free * BANK_BYTES // (n * e * side * 2), filters)
        m = np.where(m >= p * t, m // (p * t) * (p * t), m)  # whole passes
        p, q, r, t, m = (column[m >= 1] for column in (p, q, r, t, m))
        products = np.maximum(n * p * q * kernel * side, n * q * r * strip * padded)
        one_pass = (
            ceil(p * q * t * r * kernel**2, 4)
            + q * r * strip * kernel
            + np.maximum(products, ceil(n * p * t * e * side, 4))
            + ceil(p * t * e, 4)
        )
        tiles = ceil(filters, m)
        over_filters = (tiles - 1) * ceil(m, p * t) + ceil(filters - (tiles - 1) * m, p * t)
        passes = layer.groups * images // n * ceil(side, e) * over_filters * ceil(channels, q * r)
        begins = [max(y * stride - layer.padding, 0) for y in range(0, side, e)]
        last = [(min(y + e, side) - 1) * stride + kernel - layer.padding for y in range(0, side, e)]
        read = sum(min(end, height) - begin for begin, end in zip(begins, last, strict=True))
        loaded = coded(images * layer.groups * channels * read * height, layer.input_zeros) * tiles
        cycles = passes * one_pass + (loaded + stored) / BYTES_PER_CYCLE
        least = min(least, cycles.min(initial=np.inf))
    return least


@pytest.mark.parametrize("layer", ALEXNET.layers, ids=[layer.layer for layer in ALEXNET.layers])
def test_no_mapping_of_the_space_is_notably_faster_than_what_the_search_finds(layer):
    options = MappingOptions(batch=ALEXNET.batch, objective="time")
    plan = plan_run(layer.network(ALEXNET.batch), shipped_hardware("eyeriss"), options)
    assert run_plan(plan).cycles <= 1.005 * least_cycles(layer, ALEXNET.batch)
