"""Layers that are mapped together move, in whole bursts, what each moves by itself."""

from machines import addition, pool

from accelsim import load_hardware
from accelsim.descriptions import vary
from accelsim.mapping.search import map_layers


def test_layers_of_one_and_of_two_operands_are_mapped_together_as_each_alone():
    hardware = vary(load_hardware("16x16_128k"), **{"memories.dram.burst_bytes": 16})
    layers = [
        addition(5, (9, 2)),
        pool(3, (9, 2), (1, 1), (1, 1)),
        pool(7, (64, 64), (1, 1), (1, 1)),
        addition(16, (64, 64), operands=3),
    ]
    together = map_layers(layers, hardware)
    alone = [mapping for layer in layers for mapping in map_layers([layer], hardware)]
    assert [mapping.tile for mapping in together] == [mapping.tile for mapping in alone]
    assert [mapping.estimated_cycles for mapping in together] == [
        mapping.estimated_cycles for mapping in alone
    ]
