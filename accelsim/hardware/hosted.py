"""The host in place of the chip: a machine as a layer sees it that runs on the host.

Tiles of such a layer are searched for, and priced, as on a machine whose array is the host: a product takes
what one takes there, and so does an operation of the vector unit.
"""

from typing import Any

from accelsim.hardware.array import PEArray
from accelsim.hardware.host import HOST, Host
from accelsim.hardware.parts import VectorUnit
from accelsim.hardware.prices import EnergyTable


def in_place_of_chip(host: Host, energy: EnergyTable) -> dict[str, Any]:
    """The fields of a machine that are others to a layer of the host.

    They are not checked: no file may describe a vector unit of half an operation a cycle.
    """
    array = PEArray.model_construct(rows=1, columns=1, dataflows={HOST: host}, port_words_per_column=1)
    lanes: Any = host.elements_per_cycle
    vector_unit = VectorUnit.model_construct(lanes_per_column=lanes)
    prices = {"mac": host.energy.mac, "vector_op": host.energy.element}
    return {
        "pe_array": array,
        "vector_unit": vector_unit,
        "energy": energy.model_copy(update=prices),
        "host": None,
    }
