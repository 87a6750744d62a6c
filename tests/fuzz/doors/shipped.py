"""Shipped networks, which are large, on machines that somebody might build."""

from dataclasses import dataclass
from random import Random
from typing import Any, Final

from accelsim.descriptions import shipped, vary
from accelsim.network.load import load_network
from accelsim.run import run_network
from fuzz.door import Door
from fuzz.doors.files import machine
from fuzz.judge import check_result

_POSSIBLE: Final[dict[str, tuple[Any, ...]]] = {
    "pe_array.rows": (1, 2, 4, 8, 12, 16, 32, 64, 256),
    "pe_array.columns": (1, 2, 4, 8, 12, 16, 32, 64, 256),
    "pe_array.port_words_per_column": (1, 2, 8),
    "pe_array.weight_stationary.accumulators_per_column": (1, 16, 64, 1024),
    "pe_array.output_stationary.partial_sums_per_pe": (1, 4, 16),
    "pe_array.output_stationary.block_register": ({"rows": 18, "columns": 18}, {"rows": 4, "columns": 71}),
    "global_buffer.size_bytes": (4096, 16384, 65536, 1 << 19, 1 << 23),
    "dram.latency_cycles": (0, 20, 100, 500),
    "dram.bandwidth_bytes_per_cycle": (0.5, 2.0, 16.0, 64.0, 256.0),
    "dma.descriptors": (1, 2, 8, 64),
    "precision.weights_bits": (4, 8, 16, 32),
    "precision.activations_bits": (8, 16, 32),
    "mapper.tiles": ("time", "energy", "edp"),
}


@dataclass(frozen=True)
class Pair:
    """A network by its name, and what the machine has other than the one of the corpus."""

    network: str
    changes: dict[str, Any]


def _make(random: Random) -> Pair:
    names = [name for name in shipped.names("networks") if shipped.packaged("networks", name).is_file()]
    keys = random.sample(sorted(_POSSIBLE), random.choice((1, 2, 3, 4)))
    return Pair(random.choice(names), {key: random.choice(_POSSIBLE[key]) for key in keys})


def _feed(pair: Pair) -> None:
    network = load_network(str(shipped.packaged("networks", pair.network)))
    check_result(run_network(network, vary(machine("published"), **pair.changes)))


DOOR: Final = Door("shipped", _make, _feed, repr, every=20)
