"""Requests and the cache before a memory off chip: packets, lines, and how long the channel is busy."""

import json
from dataclasses import replace

import numpy as np
import pytest
from machines import MACHINE, conv, machine, mapped

from accelsim.descriptions import vary
from accelsim.energy import energy_by_component
from accelsim.errors import DescriptionError
from accelsim.hardware import Hardware, Operand
from accelsim.hardware.cache import Cache
from accelsim.mapping.cache_lines import CacheLines, _drawn
from accelsim.mapping.requests import packets_of, tensors_of

CACHE = {"size_bytes": 65536, "line_bytes": 64, "ways": 8, "hit_cycles": 32, "requests_in_flight": 16}
CACHE |= {"miss_cycles": 60, "misses_in_flight": 5, "line_cycles": 8}
IN, WEIGHTS, OUT = Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS


def cached(bits=8, **changes):
    precision = {"weights_bits": bits, "activations_bits": bits, "partial_sums_bits": 32}
    dram, *on_chip = MACHINE["memories"]
    memories = [{**dram, "cache": CACHE | changes}, *on_chip]
    return Hardware.model_validate_json(json.dumps({**MACHINE, "precision": precision, "memories": memories}))


def packets(start, size, **changes):
    return packets_of(np.array([start]), np.array([size]), Cache(**CACHE | changes))


@pytest.mark.parametrize(
    ("start", "size", "expected"),
    [
        (0, 64, (1, 4)),  # one of four beats
        (0, 1, (1, 1)),  # one byte takes a beat
        (0, 17, (1, 2)),
        (0, 48, (1, 4)),  # no packet has three beats
        (16, 64, (3, 7)),  # 48 bytes to the end of the line in a packet of four beats, which covers most ...
    ],
)
def test_a_request_is_answered_in_packets_that_lie_at_multiples_of_their_size(start, size, expected):
    if start == 16:  # ... then the 16 bytes that are left: two packets, five beats
        expected = (2, 5)
    assert packets(start, size) == expected


def test_weights_lie_by_tap_input_channel_and_output_channel():
    layer = conv(32, 4, (8, 8), kernel=(3, 3))
    weights = tensors_of(layer, 1, machine().precision)["weights"]._replace(base=0, bits=8)
    # Two taps beside each other, of one input channel: 4 x 32 weights apart.
    assert weights.rows(((0, 1), (16, 32), (1, 2), (0, 1), (0, 2))).tolist() == [48, 176]
    assert weights.row_bytes(((0, 1), (16, 32), (1, 2), (0, 1), (0, 2))) == 16


def test_a_row_of_inputs_is_the_channels_of_a_pixel():
    inputs = tensors_of(conv(32, 4, (8, 8)), 1, machine().precision)["inputs"]._replace(bits=8)
    region = ((0, 1), (0, 1), (0, 1), (0, 4), (2, 3), (1, 3))
    assert inputs.rows(region).tolist() == [4 * 17, 4 * 18]
    assert inputs.row_bytes(region) == 4


def test_channels_of_a_depthwise_layer_are_its_groups():
    inputs = tensors_of(conv(1, 1, (8, 8), G=24), 1, machine().precision)["inputs"]._replace(bits=8)
    region = ((0, 1), (0, 1), (8, 24), (0, 1), (0, 1), (0, 2))
    assert inputs.rows(region).tolist() == [8, 32]
    assert inputs.row_bytes(region) == 16


# --- the cache


def test_what_fits_is_missed_once():
    lines = CacheLines(sets=64, ways=8)
    asked = np.arange(512)
    assert [lines.missing(asked) for _ in range(3)] == [512, 0, 0]
    assert not lines.replaced


def test_lines_of_one_set_have_no_more_places_than_it_has_ways():
    lines = CacheLines(sets=64, ways=8)
    asked = np.arange(9) * 64
    assert [lines.missing(asked) >= 1 for _ in range(4)] == [True] * 4
    assert lines.replaced


def test_a_little_more_than_fits_is_missed_in_part():
    """Where the least recently used goes, going round a tenth more than fits misses all of it."""
    lines = CacheLines(sets=128, ways=8)
    asked = np.arange(1126)
    missed = [lines.missing(asked) for _ in range(20)][-1]
    assert 102 <= missed < 800


def test_a_cache_draws_the_same_whenever_it_is_asked_the_same():
    asked = [np.arange(start, start + 700) for start in range(0, 4000, 370)]
    one, other = CacheLines(32, 8), CacheLines(32, 8)
    assert [one.missing(lines) for lines in asked] == [other.missing(lines) for lines in asked]


@pytest.mark.parametrize(("sets", "ways", "most"), [(1, 1, 3), (3, 2, 9), (8, 4, 40), (32, 8, 300)])
def test_what_is_there_is_what_has_a_place(sets, ways, most):
    """Told once more line by line; which of a full set goes is drawn as the cache draws it."""
    lines, drawn = CacheLines(sets, ways), np.random.default_rng(7)
    places, taken_in = [[None] * ways for _ in range(sets)], [0] * sets
    for _ in range(60):
        asked = np.sort(drawn.choice(2 * most, size=most, replace=False))
        absent = [line for line in asked.tolist() if line not in places[line % sets]]
        before, first = list(taken_in), {}
        for line in absent:
            own = line % sets
            place = taken_in[own]
            if place >= ways:
                if own not in first:
                    first[own] = int(_drawn(np.array([own]), np.array([before[own]]))[0])
                place = (first[own] + taken_in[own] - before[own]) % ways
            places[own][place] = line
            taken_in[own] += 1
        assert lines.missing(asked) == len(absent)


# --- steps


LAYER = conv(16, 64, (8, 8))
"""64 pixels of 64 channels; 64 rows of 16 weights."""


def steps(hardware, **tile):
    return list(mapped(LAYER, "weight_stationary", hardware, **tile).steps())


def test_a_load_takes_its_packets_and_its_missed_lines():
    (step,) = steps(cached())
    # Inputs: 64 packets of 4 beats are 256 beats, 64 x 32 / 16 = 128 cycles; 64 lines x 60 / 5.
    # Weights: 64 packets of a beat, 128 cycles; 16 lines. Outputs: 64 rows of 16 bytes: 16 lines.
    assert step.crossing.load_cycles == {WEIGHTS: 128 + 16 * 12, IN: 256 + 64 * 12}
    assert step.crossing.store_cycles == 128 + 16 * 12


def test_a_warm_cache_has_what_the_run_before_has_left():
    (step,) = steps(cached(warm=True))
    assert step.crossing.load_cycles == {WEIGHTS: 128, IN: 256}
    assert step.crossing.store_cycles == 128


def test_the_memory_behind_gives_a_line_no_faster_than_it_can():
    (step,) = steps(cached(line_cycles=20))
    assert step.crossing.load_cycles[IN] == 256 + 64 * 20


def test_what_comes_again_hits():
    first, second = steps(cached(), k=8)
    # The inputs stay on chip; each line of weights has those of both halves.
    assert first.crossing.load_cycles[WEIGHTS] == 128 + 16 * 12
    assert second.crossing.load_cycles == {WEIGHTS: 128}


def test_missed_lines_are_counted_and_priced():
    hardware = cached(energy={"read": 1.0, "write": 2.0})
    counts = mapped(LAYER, "weight_stationary", hardware).totals.counts
    read, written, missed = 64 * 64 + 64 * 16, 64 * 16, 64 * (64 + 16 + 16)
    assert counts.read_bytes(["dram"]) == read
    assert counts.missed_bytes(["dram"]) == missed
    energy = energy_by_component(counts, hardware.prices)["dram"]
    assert energy == (read * 1.0 + written * 2.0 + missed * 200 + written * 200) / 2


def test_a_program_through_a_cache_is_otherwise_the_same():
    without = mapped(
        LAYER,
        "weight_stationary",
        machine(**{"precision.weights_bits": 8, "precision.activations_bits": 8}),
        c=16,
    )
    program = mapped(LAYER, "weight_stationary", cached(), c=16)
    for step, plain in zip(program.steps(), without.steps(), strict=True):
        assert replace(step, crossing=None, array_counts=plain.array_counts) == plain


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"line_bytes": 48}, "memories.0.cache.line_bytes = 48: must be a power of two"),
        ({"size_bytes": 1000}, "must be whole sets: a multiple of line_bytes x ways"),
        ({"request_bytes": 128}, "memories.0.cache.request_bytes = 128: must be line_bytes at most"),
    ],
)
def test_a_cache_that_cannot_be_is_refused_in_a_line(changes, sentence):
    with pytest.raises(DescriptionError) as error:
        vary(cached(), **{f"memories.0.cache.{key}": value for key, value in changes.items()})
    assert sentence in str(error.value)


def test_a_cache_is_refused_beside_bursts_and_on_chip():
    with pytest.raises(DescriptionError, match="burst_bytes = 64: must be left out: the cache is asked"):
        vary(cached(), **{"memories.0.burst_bytes": 64})
    with pytest.raises(DescriptionError, match="only memories off chip"):
        vary(cached(), **{"memories.1.cache": CACHE})
