"""Energy: how often an action happened, times what it costs once (Eyeriss, ISCA 2016, section VII-A).

What an access of a memory costs stands in the machine's file, at the memory; an access of another width than
`word_bits` costs in proportion to its bytes.
"""

from accelsim.columns import Count, Real
from accelsim.hardware.counts import ActionCounts, HostCounts
from accelsim.hardware.host import HostEnergy
from accelsim.hardware.prices import AccessPrice, Prices


def energy_by_component(counts: ActionCounts[int], prices: Prices) -> dict[str, float]:
    """Energy of each component.

    Args:
        counts: How often each action happened.
        prices: What each costs once.

    Returns:
        By `mac`, `register_file`, `inter_pe`, each memory's name, `vector` and, of a machine that has one,
        `host`, in the unit of the machine's table.

    Example:
        >>> from accelsim import load_hardware
        >>> energy_by_component(ActionCounts(macs=10), load_hardware("16x16_128k").prices)["mac"]
        10.0
    """
    return {component: float(energy) for component, energy in _components(counts, prices).items()}


def total_energy(counts: ActionCounts[Count], prices: Prices) -> Real:
    """Energy of all components.

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
        "mac": counts.macs * table.mac,
        "register_file": counts.register_file_bytes / word_bytes * table.register_file,
        "inter_pe": counts.inter_pe_bytes / word_bytes * table.inter_pe,
        **{price.memory: _of_memory(counts, price, word_bytes) for price in prices.memories},
        "vector": counts.vector_ops * table.vector_op,
        **({} if prices.host is None else {"host": _of_host(counts.host, prices.host)}),
    }


def _of_host(counts: HostCounts, prices: HostEnergy) -> float:
    return counts.macs * prices.mac + counts.elements * prices.element + counts.calls * prices.call


def _of_memory(counts: ActionCounts[Count], price: AccessPrice, word_bytes: float) -> Real:
    """Bytes at the same price are added up before they are priced, while they are whole numbers."""
    read, written = counts.read_bytes((price.memory,)), counts.written_bytes((price.memory,))
    if price.read == price.write:
        return (read + written) / word_bytes * price.read
    return read / word_bytes * price.read + written / word_bytes * price.write
