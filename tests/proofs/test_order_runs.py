"""A network in the order of least peak runs like any other, and needs less of a pool."""

from accelsim import load_hardware, load_network, run_network, verify
from accelsim.descriptions import vary


def test_a_run_in_the_order_of_least_peak_is_proven_and_needs_less_of_a_pool():
    network, machine = load_network("googlenet"), load_hardware("npu_int8_2m")
    reordered = vary(machine, **{"mapper.order": "least_peak"})
    listed, ordered = run_network(network, machine), run_network(network, reordered)
    assert listed.memory_map is not None
    assert ordered.memory_map is not None
    assert ordered.memory_map.peak_bytes < listed.memory_map.peak_bytes
    assert ordered.dram_bytes == listed.dram_bytes
    assert ordered.cycles == run_network(network, reordered, engine="events").cycles
    assert verify(network, reordered, layers=["inception3a*"]).proven
