"""`accelsim fit`, and the limit on the arena: the smallest memory for a network."""

import csv
import io
import json

import pytest

from accelsim import run_network
from accelsim.mapping.given_file import MappingRule

SMALL = "mobilenet_v1@width=0.25,resolution=32"


def test_fit_says_the_least_memory_without_and_with_cascades(accelsim):
    text = accelsim("fit", "--net", SMALL, "--hw", "npu_int8_256k").out
    assert max(map(len, text.splitlines())) <= 80
    head, *runs = [
        line for line in text.splitlines() if " ms" in line or " us" in line or "weights read" in line
    ]
    assert head.split() == ["sram", "cascades", "time", "x", "weights", "read", "x"]
    assert [line.count("least") for line in runs] == [0, 1, 0, 1, 0]
    assert "without cascades: stage1.block1.pointwise needs 6156 bytes of sram" in " ".join(text.split())


def test_a_fit_is_data_too(accelsim):
    fit = json.loads(accelsim("fit", "--net", SMALL, "--hw", "npu_int8_256k", "--format", "json").out)
    sizes = {run["cascade_layers"]: run["size_bytes"] for run in fit["runs"] if run["is_least"]}
    assert fit["least_bytes"] == sizes[4] < sizes[0] == 6156
    decided = fit["decided_by"]["without_cascades"]
    assert (
        decided["needed_bytes"] == sum(of["size_bytes"] for of in decided["tensors"]) + decided["tile_bytes"]
    )
    rows = csv.DictReader(
        io.StringIO(accelsim("fit", "--net", SMALL, "--hw", "npu_int8_256k", "--format", "csv").out)
    )
    assert [int(row["cycles"]) for row in rows] == [run["cycles"] for run in fit["runs"]]


def test_who_has_the_least_memory_has_enough_and_who_has_less_has_not(accelsim):
    limited = ("run", "--net", SMALL, "--hw", "npu_int8_256k", "--layers", "none")
    assert "at most 6.012 KiB in use" in accelsim(*limited, "--arena", "6156").out
    failed = accelsim(*limited, "--arena", "6155")
    assert (failed.code, "whose arena has 6155" in failed.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ("fit", "--hw", "16x16_128k"),
            "16x16_128k keeps activations in no pool, of which the least could be found; --hw ethos_u55_128, "
            "a machine with such a pool, would do",
        ),
        (("fit", "--hw", "gap9_ne16"), "gap9_ne16 keeps activations in no pool"),
        (("run", "--hw", "gap9_ne16", "--objective", "peak"), "gap9_ne16 keeps activations in no pool"),
        (
            ("run", "--hw", "16x16_128k", "--objective", "peak"),
            "objective = peak: must be one of time, energy, edp: 16x16_128k keeps activations in no pool",
        ),
        (
            ("run", "--hw", "16x16_128k", "--arena", "1KiB"),
            "16x16_128k has no pool, nor a memory for tensors",
        ),
        (("run", "--hw", "npu_int8_256k", "--arena", "1MiB"), "must be at most size_bytes, which is 262144"),
        (
            ("run", "--hw", "npu_int8_256k", "--arena", "1.3"),
            "'1.3' must be whole bytes, as 51200, 50KiB or 1.5MiB, from 1 to 1073741824",
        ),
        (("run", "--hw", "npu_int8_256k", "--arena", "54.01KiB"), "to 1073741824; it is 55306.24"),
        (("run", "--hw", "npu_int8_256k", "--arena", "9" * 400), "from 1 to 1073741824"),
        (("fit", "--hw", "npu_int8_256k", "--cascade-layers", "1"), "--cascade-layers"),
    ],
)
def test_what_cannot_be_is_refused(accelsim, options, sentence):
    command, *rest = options
    failed = accelsim(command, "--net", SMALL, *rest)
    assert failed.code == 2
    assert sentence in " ".join(failed.err.split())


def test_whoever_runs_networks_takes_the_goal_and_the_limit(accelsim, tmp_path):
    """As a compiler's command does: what is compared, drawn or proven is the run with the same options."""
    asked = ("--net", SMALL, "--hw", "npu_int8_256k", "--objective", "peak")
    run = json.loads(accelsim("run", *asked, "--format", "json").out)
    compared = json.loads(accelsim("compare", *asked, "--format", "json").out)
    assert [case["cycles"] for case in compared["rows"]] == [run["cycles"]]
    assert "proven" in accelsim("verify", *asked, "--layers", "conv1").out
    accelsim("plot", "memory", *asked, "-o", str(tmp_path / "memory.svg"))
    assert (tmp_path / "memory.svg").exists()


def test_what_is_shown_of_a_run_is_shown_of_the_one_with_the_same_options(accelsim, tmp_path):
    asked = ("--hw", "npu_int8_256k", "--objective", "peak")
    run = json.loads(accelsim("run", "--net", SMALL, *asked, "--format", "json").out)
    shown = json.loads(accelsim("show", SMALL, *asked, "--format", "json").out)
    assert shown["tensors"] == run["tensors"]
    assert "of 6.012 KiB; addresses go up to" in " ".join(accelsim("show", SMALL, *asked).out.split())
    chosen = tmp_path / "chosen.yaml"
    accelsim("show", SMALL, *asked, "--mapping", "-o", str(chosen))
    told = accelsim("run", "--net", SMALL, *asked, "--mapping", str(chosen), "--format", "json").out
    assert json.loads(told)["cycles"] == run["cycles"]


@pytest.mark.parametrize("command", ["compare", "explain", "verify"])
def test_less_than_the_least_memory_is_refused_by_all(accelsim, command):
    failed = accelsim(command, "--net", SMALL, "--hw", "npu_int8_256k", "--arena", "6155")
    text = " ".join((failed.err + failed.out).split())
    assert "whose arena has 6155" in text


def test_a_sweep_varies_the_arena(accelsim, tmp_path):
    spec = tmp_path / "arenas.yaml"
    spec.write_text(
        f"networks: ['{SMALL}']\nhardware: [npu_int8_256k]\n"
        "hardware_parameters: {memories.sram.arena_bytes: [6155, 6156, 8192]}\nobjectives: [time_ms]\n",
        encoding="utf-8",
    )
    done = accelsim("sweep", str(spec))
    assert "1 cannot be executed" in done.err


def test_the_least_memory_is_that_of_the_mappings_that_are_given():
    """By hand: inputs of 3 x 3 x 256 bytes, 256 that pooling leaves of the outputs, and all weights, with ten
    bytes for each output channel; as any layer that has a rule, it runs in no cascade.
    """
    rule = MappingRule(layers="conv14_pointwise", tile={"K": 256, "C": 256})
    result = run_network("mlperf_tiny_vww", "ethos_u55_128", objective="peak", mapping=[rule])
    assert result.memory_map.size_bytes == 2304 + 256 + 256 * (256 + 10)
