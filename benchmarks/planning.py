"""How long a plan of what stays on chip takes, and the same run once more.

    python benchmarks/planning.py                      the 13 networks of the published table, and dense ones
    python benchmarks/planning.py --rounds 5           the least of more rounds, for a machine that does other
                                                       things too
    python benchmarks/planning.py --networks nasnet_a  some

Each network is planned on the first of the machines that can run it: nothing remembered, everything imported.
Then it is run with what is remembered. CPU times.
"""

import argparse
import gc
import sys
import time
from collections.abc import Sequence
from typing import Final

from accelsim.errors import MappingError
from accelsim.hardware import load_hardware
from accelsim.network.load import load_network
from accelsim.reuse.cache import Cache
from accelsim.run import plan_run, run_network
from accelsim.validation.published import load_published
from document import markdown, seconds

ROUNDS: Final = 3
MACHINES: Final = ("npu_int8_256k", "npu_int8_2m")
DENSE: Final = ("densenet201", "nasnet_a")
"""Networks in which most tensors live at once."""


def main() -> None:
    """Measure and print."""
    networks = [*load_published("squeezenext").titles, *DENSE]
    parser = argparse.ArgumentParser(description="How long a plan of what stays on chip takes.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--networks", metavar="NAME,...", default=",".join(networks))
    parser.add_argument("--machines", metavar="NAME,...", default=",".join(MACHINES))
    options = parser.parse_args()
    machines = options.machines.split(",")
    times_of("squeezenet_v1_1@resolution=64", machines[-1])  # whatever is imported or known once
    rows = [row(network, machines, options.rounds) for network in options.networks.split(",")]
    sys.stdout.write(markdown(["network", "machine", "plan", "run again"], rows, left=2) + "\n")


def row(network: str, machines: Sequence[str], rounds: int) -> list[str]:
    """A network on the first machine that can run it."""
    for machine in machines:
        try:
            planned, again = zip(*[times_of(network, machine) for _ in range(rounds)], strict=True)
        except MappingError:
            continue
        return [network, machine, seconds(min(planned)), seconds(min(again))]
    return [network, "none", "", ""]


def times_of(network: str, machine: str) -> tuple[float, float]:
    """CPU time of a plan, and of a run that remembers it [s]."""
    described, hardware, cache = load_network(network), load_hardware(machine), Cache()
    gc.collect()
    start = time.process_time()
    plan_run(described, hardware, cache=cache)
    planned = time.process_time()
    run_network(described, hardware, cache=cache)  # for the first time
    simulated = time.process_time()
    run_network(described, hardware, cache=cache)
    return planned - start, time.process_time() - simulated


if __name__ == "__main__":
    main()
