"""Energy: how often an action happened, times what it costs once (Eyeriss, ISCA 2016, section VII-A).

What an access of a memory costs stands in the machine's file, at the memory; an access of another width than
`word_bits` costs in proportion to its bytes, and a burst costs all of its bytes, of use or not.
"""

import math
from collections.abc import Mapping

import numpy as np

from accelsim.columns import Count, Ints, Real
from accelsim.hardware.counts import ActionCounts, HostCounts
from accelsim.hardware.host import HostEnergy
from accelsim.hardware.prices import AccessPrice, Prices


def energy_by_component(
    counts: ActionCounts[int],
    prices: Prices,
    *,
    macs_by_bits: Mapping[int, int] | None = None,
    cycles: int = 0,
) -> dict[str, float]:
    """Energy of each component.

    Args:
        counts: How often each action happened.
        prices: What each costs once.
        macs_by_bits: The multiply-accumulates of `counts` by the bits of their wider operand; None where all
            cost what `prices.mac` says.
        cycles: For how long static power was drawn.

    Returns:
        By `mac`, `register_file`, `inter_pe`, each memory's name and `vector`, in the unit of the machine's
        table; `host` where the machine has one, and `static` where it draws power at all times.

    Example:
        >>> from accelsim import load_hardware
        >>> energy_by_component(ActionCounts(macs=10), load_hardware("16x16_128k").prices)["mac"]
        10.0
    """
    by_component = {component: float(energy) for component, energy in _components(counts, prices).items()}
    if macs_by_bits is not None:
        by_component["mac"] = math.fsum([macs * prices.mac_of(bits) for bits, macs in macs_by_bits.items()])
    return with_static(by_component, prices, cycles)


def with_static(by_component: dict[str, float], prices: Prices, cycles: int) -> dict[str, float]:
    """The same with what is drawn at all times, of a machine that draws some.

    Args:
        by_component: Energies of what was done.
        prices: Of the machine.
        cycles: For how long.

    Returns:
        The same dictionary where there is no static power.

    Example:
        >>> from accelsim.hardware import EnergyTable, Prices
        >>> with_static({"mac": 5.0}, Prices(EnergyTable(), (), static_per_cycle=0.5), cycles=10)
        {'mac': 5.0, 'static': 5.0}
    """
    static = prices.static_per_cycle
    return {**by_component, "static": static * cycles} if static else by_component


def energies_of_each(
    counts: ActionCounts[Count], prices: Prices, *, macs_by_bits: Mapping[int, Ints] | None, cycles: Ints
) -> list[float]:
    """Energy of all components for each of N networks, what is drawn at all times included.

    Each is what `math.fsum` makes of `energy_by_component`, to the last bit, as long as all counts are below
    2^53: so far an integer, the sum of two and their product with a price are one and the same number of 64
    bits, whether it is computed in a column of floats or one by one.

    Args:
        counts: How often each action happened: columns of N, of floats that are whole numbers.
        prices: What each costs once.
        macs_by_bits: As `energy_by_component` takes it, of columns.
        cycles: For how long static power was drawn.

    Returns:
        N energies, in the unit of the machine's table.

    Example:
        >>> import numpy as np
        >>> from accelsim import load_hardware
        >>> macs, cycles = np.array([10.0, 20.0]), np.array([5.0, 5.0])
        >>> prices = load_hardware("16x16_128k").prices
        >>> energies_of_each(ActionCounts(macs=macs), prices, macs_by_bits=None, cycles=cycles)
        [10.0, 20.0]
    """
    by_component = dict(_components(counts, prices))
    if macs_by_bits is not None:
        of_bits = [(macs * prices.mac_of(bits)).tolist() for bits, macs in macs_by_bits.items()]
        by_component["mac"] = np.array([math.fsum(row) for row in zip(*of_bits, strict=True)])
    if prices.static_per_cycle:
        by_component["static"] = prices.static_per_cycle * cycles
    columns = [np.broadcast_to(energy, cycles.shape).tolist() for energy in by_component.values()]
    return list(map(math.fsum, zip(*columns, strict=True)))


def total_energy(counts: ActionCounts[Count], prices: Prices) -> Real:
    """Dynamic energy of all components: what is drawn at all times is not in it.

    Args:
        counts: How often each action happened, or columns of that.
        prices: What each costs once.

    Returns:
        In the unit of the machine's table.

    Example:
        >>> from accelsim import load_hardware
        >>> total_energy(ActionCounts(macs=10, vector_ops=5), load_hardware("16x16_128k").prices)
        15.0
    """
    return sum(_components(counts, prices).values(), 0.0)


def _components(counts: ActionCounts[Count], prices: Prices) -> dict[str, Real]:
    table, word_bytes = prices.table, prices.word_bytes
    return {
        "mac": counts.macs * prices.mac,
        "register_file": counts.register_file_bytes / word_bytes * table.register_file,
        "inter_pe": counts.inter_pe_bytes / word_bytes * table.inter_pe,
        **{price.memory: _of_memory(counts, price, word_bytes) for price in prices.memories},
        **{cache.memory: _behind(counts, cache, prices) for cache in prices.caches},
        "vector": counts.vector_ops * table.vector_op,
        **({} if prices.host is None else {"host": _of_host(counts.host, prices.host.energy)}),
    }


def _of_host(counts: HostCounts, prices: HostEnergy) -> float:
    return counts.macs * prices.mac + counts.elements * prices.element + counts.calls * prices.call


def _of_memory(counts: ActionCounts[Count], price: AccessPrice, word_bytes: float) -> Real:
    """Bytes at the same price are added up before they are priced, while they are whole numbers."""
    read, written = counts.moved_out_bytes((price.memory,)), counts.moved_in_bytes((price.memory,))
    if price.read == price.write:
        return (read + written) / word_bytes * price.read
    return read / word_bytes * price.read + written / word_bytes * price.write


def _behind(counts: ActionCounts[Count], cache: AccessPrice, prices: Prices) -> Real:
    """Of a memory and the cache before it: what that misses is read, and what it takes in is written once."""
    (price,) = [price for price in prices.memories if price.memory == cache.memory]
    read, written = counts.moved_out_bytes((price.memory,)), counts.moved_in_bytes((price.memory,))
    missed = counts.missed_bytes((price.memory,))
    energy = read * cache.read + missed * price.read + written * (cache.write + price.write)
    return energy / prices.word_bytes
