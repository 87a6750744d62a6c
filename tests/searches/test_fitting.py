"""What makes a network run that a pool does not hold: what explain says, and what runs of their own say."""

import json

import pytest

from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import vary
from accelsim.planning.programme.shortage import PoolShortageError
from accelsim.report.tables.misfit import misfit_dict, misfit_report, misfit_rows
from accelsim.report.text.table import Style
from accelsim.search.fitting import what_fits

NETWORK = "mobilenet_v1@width=0.25,resolution=192"


def misfit_of(network, hardware):
    network = load_network(network)
    with pytest.raises(PoolShortageError) as error:
        run_network(network, hardware)
    return what_fits(network, hardware, error.value, dataflow="auto")


@pytest.fixture(scope="module")
def small():
    return vary(load_hardware("npu_int8_256k"), **{"memories.sram.size_bytes": 96 * 1024})


@pytest.fixture(scope="module")
def misfit(small):
    return misfit_of(NETWORK, small)


def test_each_change_is_a_run_of_its_own(misfit, small):
    """A larger pool, a smaller image, activations outside: what somebody runs who does what it says."""
    by_name = {outcome.name: outcome for outcome in misfit.outcomes}
    needed = int(by_name["least_pool"].words.split()[-2])
    larger = vary(small, **{"memories.sram.size_bytes": needed})
    assert by_name["least_pool"].result == run_network(NETWORK, larger)
    side = int(by_name["image"].words.split()[-1])
    smaller = run_network(f"mobilenet_v1@width=0.25,resolution={side}", small)
    assert by_name["image"].result.cycles == smaller.cycles
    holds = {"memories.flash.holds": ["inputs", "weights", "outputs", "residual"]}
    outside = vary(small, **holds, **{"io.inputs": None, "io.outputs": None})
    assert by_name["outside"].result == run_network(NETWORK, outside)


@pytest.mark.parametrize(("pool_bytes", "noun"), [(1 << 21, "arena of sram"), (12_288, "sram")])
def test_of_a_memory_that_is_large_enough_the_arena_grows(pool_bytes, noun):
    """Its accesses cost what they did, which those of a memory of that size do not."""
    sizes = {"memories.sram.size_bytes": pool_bytes, "memories.sram.arena_bytes": 12_288}
    limited = vary(load_hardware("ethos_u55_128"), **sizes)
    by_name = {outcome.name: outcome for outcome in misfit_of("mlperf_tiny_kws", limited).outcomes}
    larger = by_name["larger_pool"]
    assert larger.words == f"{noun} 12288 -> 16384 bytes"
    key = "arena_bytes" if noun.startswith("arena") else "size_bytes"
    changes = {"memories.sram.arena_bytes": None, f"memories.sram.{key}": 16_384}
    assert larger.result == run_network("mlperf_tiny_kws", vary(limited, **changes))


def test_what_runs_comes_first_the_fastest_before_the_others_and_the_rest_says_why(misfit):
    cycles = [outcome.result.cycles for outcome in misfit.outcomes if outcome.result is not None]
    assert cycles == sorted(cycles)
    rest = misfit.outcomes[len(cycles) :]
    assert all(outcome.result is None and "needs" in outcome.problem for outcome in rest)
    assert {"activations_bits", "order", "cascade"} == {
        outcome.name for outcome in rest
    }  # a chain has one order


def test_a_report_says_where_it_does_not_fit_and_what_makes_it(misfit):
    text = misfit_report(misfit, Style())
    assert max(map(len, text.splitlines())) <= 80
    assert "does not fit: conv1 on npu_int8_256k: needs " in " ".join(text.split())
    assert "flash holds activations, too" in text
    assert "would help" not in text.partition("what if")[2]


def test_it_is_data_too(misfit):
    values = json.loads(json.dumps(misfit_dict(misfit)))
    assert (values["network"], values["fits"]) == (NETWORK, False)
    assert len(values["remedies"]) + len(values["impossible"]) == len(misfit.outcomes)
    assert [row["cycles"] for row in misfit_rows(misfit)] == [row["cycles"] for row in values["remedies"]]
