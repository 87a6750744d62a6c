"""Where a layer may run: by a dataflow of the array, on the vector unit, or on the host.

The host takes what the machine's file gives to it, what no dataflow of the array can run, and what it may
take and is better at.
"""

from collections.abc import Sequence

from accelsim.choices import AUTO
from accelsim.hardware.host import HOST
from accelsim.hardware.machine import Hardware
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.countable import uncountable
from accelsim.mapping.dataflows import dataflow_of
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.precision import unpriced
from accelsim.mapping.unmappable import NoDataflowRuns, NotPriced, Unmappable
from accelsim.network.layer import FOREIGN_ON_HOST, Layer


def array_dataflows(hardware: Hardware, options: MappingOptions) -> tuple[str, ...]:
    """Those of a machine's array that may be chosen."""
    return tuple(hardware.pe_array.dataflows) if options.dataflow == AUTO else (options.dataflow,)


def dataflows_for(
    layer: Layer, dataflows: Sequence[str], hardware: Hardware
) -> tuple[str, ...] | NoDataflowRuns | NotPriced:
    """By what a machine may run a layer.

    Args:
        layer: In the form in which it is executed.
        dataflows: Those of the array that may be chosen.
        hardware: The machine.

    Returns:
        Names of dataflows, or of a unit alone: `vector` or `host`, which may compete with dataflows, as the
        last of them; or why there are none.
    """
    if takes(layer, hardware):
        return (HOST,)
    if not layer.on_array:
        return (VECTOR,)
    if layer.given is not None:
        dataflows = [name for name in dataflows if layer.given.dataflow in (None, name)] or dataflows
    refusals = {name: dataflow_of(name).refusal(layer) for name in dataflows}
    able = tuple([name for name, refusal in refusals.items() if not refusal])
    if able:
        return unpriced(layer, hardware) or able + ((HOST,) if host_competes(layer, hardware) else ())
    return NoDataflowRuns(tuple(refusals.items())) if hardware.host is None else (HOST,)


def host_competes(layer: Layer, hardware: Hardware) -> bool:
    """Whether the host may take a layer that the array can run, if it is better at it."""
    host = hardware.host
    return host is not None and layer.given is None and layer.operator in host.may_take


def unit_of(dataflow: str, hardware: Hardware) -> Hardware:
    """The machine as a layer sees it that runs by a dataflow, or on the host.

    Example:
        >>> from accelsim import load_hardware
        >>> machine = load_hardware("gemmini_16x16")
        >>> unit_of("host", machine).pe_array.pes, unit_of("systolic_weight_stationary", machine).pe_array.pes
        (1, 256)
    """
    return hardware.on_host if dataflow == HOST else hardware


def nowhere(layer: Layer, hardware: Hardware, options: MappingOptions) -> Unmappable | None:
    """Why a layer can run nowhere on a machine, whatever room there is; None where it can."""
    runs_by = dataflows_for(layer, array_dataflows(hardware, options), hardware)
    refused = runs_by if isinstance(runs_by, NoDataflowRuns | NotPriced) else None
    return uncountable(layer, options.batch, hardware) or refused


def takes(layer: Layer, hardware: Hardware) -> bool:
    """Whether a layer runs on the host because the machine's file says so, or the network."""
    if hardware.host is None:
        return False
    return layer.operator == FOREIGN_ON_HOST or layer.operator in hardware.host.takes


def runs_on_chip(layer: Layer, dataflows: Sequence[str], hardware: Hardware) -> bool:
    """Whether the array may run a layer, or the vector unit, be it beside the host or not."""
    runs_by = dataflows_for(layer, dataflows, hardware)
    return not isinstance(runs_by, NoDataflowRuns | NotPriced) and runs_by != (HOST,)


def only_on_host(layers: Sequence[Layer], dataflows: Sequence[str], hardware: Hardware) -> frozenset[int]:
    """Of layers, by their places, those that neither the array nor the vector unit may run."""
    if hardware.host is None:
        return frozenset()
    return frozenset([n for n, layer in enumerate(layers) if not runs_on_chip(layer, dataflows, hardware)])


def fuses_pooling(layer: Layer, hardware: Hardware) -> bool:
    """Whether the vector unit may apply the pooling that a layer carries: the host takes none of its kind."""
    return layer.pooling is None or hardware.host is None or layer.pooling.operator not in hardware.host.takes
