"""Whole networks on machines whose buffer is given out in whole banks: both engines and the proof."""

import pytest

from accelsim import load_network, run_network
from accelsim.descriptions import read, vary
from accelsim.hardware import Hardware, load_hardware
from accelsim.run import options_for, plan_run, run_plan
from accelsim.verification.schedules import verify_plan

FILE = """\
name: machine
pe_array: {rows: 8, columns: 8}
memories:
- name: dram
  bandwidth: {bytes_per_cycle: 8}
- name: sram
  size_bytes: 65536
  banks: {bank_bytes: 2048}
"""
CHANGES = {
    "any dataflow": {},
    "with padding": {"memories.sram.banks": {"bank_bytes": 2048, "padded": True}},
    "maps stop the array": {"memories.sram.stops_array": ("inputs", "outputs")},
    "weights stream past": {"memories.sram.holds": ("inputs", "outputs", "residual")},
}


def both_agree_and_it_is_proven(network, hardware, batch=None):
    plan = plan_run(network, hardware, options_for(network, batch=batch))
    result = run_plan(plan)
    assert run_plan(plan, "events").to_dict() == result.to_dict()
    verified = verify_plan(plan)
    assert verified.proven, verified.mismatches
    return result


@pytest.mark.parametrize("change", CHANGES)
def test_whole_banks_serve_any_machine(tmp_path, change):
    path = tmp_path / "m.yaml"
    path.write_text(FILE, encoding="utf-8")
    hardware = vary(read(path, Hardware), **CHANGES[change])
    result = both_agree_and_it_is_proven(load_network("mobilenet_v1@width=0.25,resolution=64"), hardware)
    assert result.peak_global_buffer_bytes % 2048 == 0
    assert result.peak_global_buffer_bytes <= 65536


def test_smaller_banks_leave_more_room(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(FILE, encoding="utf-8")
    network = load_network("squeezenet_v1_1@resolution=64")
    hardware = read(path, Hardware)
    pool = vary(hardware, **{"memories.sram.banks": "pool"})
    large = vary(hardware, **{"memories.sram.banks": {"bank_bytes": 8192}})
    coarse, fine, bytewise = (
        run_network(network, machine, objective="energy").energy.total for machine in (large, hardware, pool)
    )
    assert bytewise <= fine <= coarse


@pytest.mark.parametrize(("network", "batch"), [("squeezenet_v1_1@resolution=96", 1), ("shufflenet_v2", 2)])
def test_networks_run_on_eyeriss_and_are_proven(network, batch):
    both_agree_and_it_is_proven(load_network(network), load_hardware("eyeriss"), batch)
