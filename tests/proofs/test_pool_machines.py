"""Whole networks on machines with a pool: both engines and the proof, and what the shipped chips move."""

import pytest

from accelsim import load_network
from accelsim.descriptions import read
from accelsim.hardware import Hardware
from accelsim.run import plan_run, run_plan
from accelsim.verification.schedules import verify_plan

FILE = """\
name: machine
pe_array: {rows: 8, columns: 8}
memories:
- name: flash
  bandwidth: {bytes_per_cycle: 8}
- name: sram
  size_bytes: 65536
  banks: pool
  keeps: [activations]
"""
BESIDE_A_POOL = {
    "outputs": "holds: [inputs, weights, residual]\n- {name: beside, holds: [outputs], size_bytes: 8192}",
    "weights": "holds: [inputs, outputs, residual]\n  keeps: [activations]\n"
    "- {name: beside, holds: [weights], size_bytes: 16384}",
    "activations": "holds: [weights]\n"
    "- {name: beside, holds: [inputs, outputs, residual], size_bytes: 16384}",
    "inputs": "holds: [outputs]\n- {name: beside, holds: [inputs, residual, weights], size_bytes: 16384}",
}


@pytest.mark.parametrize("elsewhere", BESIDE_A_POOL)
def test_operands_may_have_a_memory_beside_the_pool(tmp_path, elsewhere):
    """More outputs unfinished at a time than their own memory holds would stop the simulation."""
    path = tmp_path / "m.yaml"
    path.write_text(FILE.replace("keeps: [activations]", BESIDE_A_POOL[elsewhere]), encoding="utf-8")
    hardware = read(path, Hardware)
    network = load_network("mobilenet_v1@width=0.25,resolution=64")
    plan = plan_run(network, hardware)
    result = run_plan(plan)
    assert run_plan(plan, "events").to_dict() == result.to_dict()
    verified = verify_plan(plan)
    assert verified.proven, verified.mismatches
    assert result.to_dict()["memories"]["beside"]["peak_bytes"] <= 16384


@pytest.mark.parametrize(
    ("name", "network"),
    [("npu_int8_256k", "sqnxt23v5@resolution=128"), ("npu_int8_2m", "squeezenet_v1_1")],
)
def test_what_fits_these_chips_reads_its_weights_and_moves_nothing_else(name, network):
    plan = plan_run(network, name)
    result = run_plan(plan)
    flash = result.memories["flash"]
    assert set(flash.written_bytes.values()) == {0}
    assert flash.read_bytes["weights"] == sum(flash.read_bytes.values()) <= result.params
    assert run_plan(plan, "events").to_dict() == result.to_dict()
