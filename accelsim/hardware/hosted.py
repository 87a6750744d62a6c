"""The host in place of the chip: a machine as a layer sees it that runs on the host.

Tiles of such a layer are searched for, and priced, as on a machine whose array is the host: a product takes
what one takes there, and so does an operation of the vector unit.
"""

from collections.abc import Sequence
from typing import Any

from accelsim.hardware.array import PEArray
from accelsim.hardware.host import HOST, Host
from accelsim.hardware.memory import Memory
from accelsim.hardware.parts import VectorUnit
from accelsim.hardware.prices import EnergyTable, StaticPower
from accelsim.hardware.static_power import static_power_mw


def in_place_of_chip(
    host: Host | None, energy: EnergyTable, power_mw: float, on_chip: Sequence[Memory]
) -> dict[str, Any]:
    """The fields of a machine that are others to a layer of the host.

    They are not checked: no file may describe a vector unit of half an operation a cycle. What the chip draws
    at all times without its memories is as before. None are others where there is no host.
    """
    if host is None:
        return {}
    drawn_mw = power_mw - static_power_mw(StaticPower(), on_chip, area=None, area_mm2=None)
    array = PEArray.model_construct(rows=1, columns=1, dataflows={HOST: host})
    lanes: Any = host.elements_per_cycle
    vector_unit = VectorUnit.model_construct(lanes=lanes)
    prices = {"mac": host.energy.mac, "vector_op": host.energy.element}
    return {
        "pe_array": array,
        "vector_unit": vector_unit,
        "energy": energy.model_copy(update=prices),
        "power": StaticPower.model_construct(idle_mw=drawn_mw),
        "area": None,
        "host": None,
    }
