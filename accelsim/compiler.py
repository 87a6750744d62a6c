"""What a machine's compiler does: map every layer of a network, and simulate what bounds leave open.

Mapping knows no simulation, and simulation no search; here the one is the other's judge. Whoever wants the
schedule that is run gets it here.
"""

from collections.abc import MutableMapping

from accelsim.hardware import Hardware
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.schedule import Mapper, Schedule
from accelsim.network.executed import ExecutedGraph
from accelsim.network.layer import Layer
from accelsim.simulation.alone import Alone
from accelsim.simulation.fast import Transitions


def make_schedule(
    graph: ExecutedGraph,
    hardware: Hardware,
    options: MappingOptions = MappingOptions(),
    *,
    known: MutableMapping[Layer, Mapping] | None = None,
    transitions: Transitions | None = None,
) -> Schedule:
    """Map every layer of an executed graph. Raises MappingError where one cannot be mapped.

    `known` remembers mappings from one graph to the next, `transitions` what simulations went through; all
    else must be the same for all of them.
    """
    judge = Alone(hardware, Transitions() if transitions is None else transitions)
    return Mapper(hardware, options, judge, {} if known is None else known).schedule(graph)
