"""Arrivals: steps whose inputs may come from outside to the pool once, and stay there for later readers."""

from collections.abc import Sequence

from accelsim.hardware import Hardware
from accelsim.mapping.arrival import may_arrive
from accelsim.mapping.footprint import Footprint
from accelsim.mapping.search import as_executed
from accelsim.mapping.tile import whole_image
from accelsim.network.layer import Layer
from accelsim.planning.residency import Pool
from accelsim.planning.tensors import NetworkTensors


def arrivals(
    network: NetworkTensors, layers: Sequence[Layer], pool: Pool, hardware: Hardware, batch: int
) -> frozenset[int]:
    """The steps that may bring their inputs to a place: those that read one tensor, and all of it.

    It has to have other readers behind them; of the image, which may be read without its halos then, every
    reader counts. Where an end of the network lies in the pool, what is read beside it has to be there, too,
    and nothing arrives: what a step needs at least is known without. Nor where a tensor lies in one place.

    Args:
        network: Tensors and their uses.
        layers: Of each step, for one image.
        pool: Where tensors may lie.
        hardware: The machine.
        batch: Images that run together.
    """
    ends_inside = pool.image_inside or pool.results_inside
    if ends_inside or not (pool.outside and pool.copies and hardware.keeps("activations")):
        return frozenset()
    of_tensors = network.lives
    found = []
    for step, (use, layer) in enumerate(zip(network.uses, layers, strict=True)):
        if len(use.inputs) != 1:
            continue
        tensor, life = network.tensors[use.inputs[0]], of_tensors[use.inputs[0]]
        if (tensor.is_image or life.reads[-1] > step) and _reads_all(
            layer, tensor.size_bytes, hardware, batch
        ):
            found.append(step)
    return frozenset(found)


def _reads_all(layer: Layer, size_bytes: int, hardware: Hardware, batch: int) -> bool:
    """Whether a layer may bring a tensor of that size, of all images: its whole input."""
    executed, images = as_executed(layer, batch)
    footprint = Footprint.of(executed, hardware.precision)
    input_bytes = footprint.inputs(whole_image(executed), executed.IY, executed.IX) * images
    return size_bytes == input_bytes and may_arrive(executed, hardware)
