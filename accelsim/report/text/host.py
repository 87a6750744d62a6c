"""What ran on the host, and what that cost, in a sentence."""

from collections import Counter

from accelsim.descriptions.phrases import counted
from accelsim.hardware.host import HOST
from accelsim.report.text.energies import energy_text
from accelsim.report.text.table import percent, si
from accelsim.report.text.words import operator_word
from accelsim.result import RunResult


def host_sentence(result: RunResult) -> str:
    """Which layers a machine's host did, for how long, and for which part of time and energy.

    Args:
        result: Of a machine with a host.

    Returns:
        A sentence without a full stop.
    """
    layers = [layer for layer in result.layers if layer.dataflow == HOST]
    if not layers:
        return f"{result.host} had nothing to do"
    kinds = Counter(operator_word(layer.operator) for layer in layers)
    which = ", ".join(f"{number} {kind}" if number > 1 else kind for kind, number in kinds.items())
    cycles = sum(layer.busy_cycles[HOST] for layer in layers)
    energy = result.energy.by_component[HOST]
    spent = energy_text(energy, result.energy.unit, result.energy.picojoules_per_unit)
    of_time, of_energy = cycles / result.cycles, energy / (result.energy.total or 1.0)
    return (
        f"{result.host} did {counted(len(layers), 'layer')} ({which}): {si(cycles)} cycles, as many as "
        f"{percent(of_time)} of the time, and {spent}, {percent(of_energy)} of the energy"
    )
