"""Would partial sums that go outside and come back move fewer bytes than those that are held in a pool?

    python scripts/spilled_sums.py [NETWORK ...]

For each layer the mapping that moves least, as it is found, against the least that any mapping moves whose
tiles of sums are written outside and read again for each tile of input channels. The table stands in
docs/decisions/pool-mapping.md.
"""

import sys
from typing import Final

import numpy as np

from accelsim.columns import Ints
from accelsim.descriptions import vary
from accelsim.hardware import Hardware, Operand, load_hardware
from accelsim.mapping.grids import Grids
from accelsim.mapping.pool import layer_tiles
from accelsim.network import load_network, lowered_network
from accelsim.network.layer import Layer

NETWORKS: Final = ("resnet18", "mobilenet_v2", "sqnxt23v5", "vgg16", "squeezenet_v1_1")
POOLS_KIB: Final = (4, 8, 16, 32, 64, 128, 256)
SUM_BYTES: Final = 2
"""Of a partial sum; activations and weights have one byte."""
MOVED: Final = frozenset({Operand.INPUTS, Operand.WEIGHTS, Operand.OUTPUTS})


def machine(pool_kib: int) -> Hardware:
    """SqueezeNext's larger machine with 8 bits and a pool of a size."""
    return vary(
        load_hardware("16x16_128k"),
        **{
            "precision.weights_bits": 8,
            "precision.activations_bits": 8,
            "precision.partial_sums_bits": 8 * SUM_BYTES,
            "memories.global_buffer.banks": "pool",
            "memories.global_buffer.size_bytes": pool_kib * 1024,
        },
    )


def tile_sizes(extent: int) -> list[int]:
    """Sizes of equal tiles, in any number up to 64, then in powers of two."""
    numbers = [*range(1, 65), *(2**power for power in range(7, 13))]
    return sorted({-(-extent // number) for number in numbers if number <= extent})


def least_spilled_bytes(layer: Layer, pool_bytes: int) -> int | None:
    """The least that moves if sums of c < C input channels go outside; None where nothing fits.

    Room is counted as for all mappings in a pool: two tiles of what is moved while the array works.
    """
    shape = tile_sizes(layer.K), tile_sizes(layer.C)[:-1], tile_sizes(layer.OY), tile_sizes(layer.OX)
    k, c, y, x = (axis.ravel() for axis in np.meshgrid(*shape, indexing="ij"))
    k_tiles, c_tiles, y_tiles, x_tiles = (
        -(-extent // size) for extent, size in ((layer.K, k), (layer.C, c), (layer.OY, y), (layer.OX, x))
    )
    input_rows = np.minimum((y - 1) * layer.stride_y + layer.FY, layer.IY)
    input_columns = np.minimum((x - 1) * layer.stride_x + layer.FX, layer.IX)
    weights = k * c * layer.FY * layer.FX
    room: Ints = 2 * (c * input_rows * input_columns + weights + SUM_BYTES * k * y * x)
    p_tiles = y_tiles * x_tiles
    rows_read = np.maximum(y_tiles * input_rows, layer.IY)
    columns_read = np.maximum(x_tiles * input_columns, layer.IX)
    inputs: Ints = layer.G * layer.C * rows_read * columns_read
    all_weights, outputs = layer.weights, layer.G * layer.K * layer.OY * layer.OX
    # Input channels are outermost; of filters and pixels the inner loop has the other one's operand stay.
    filters_inside = inputs + all_weights * np.where(k_tiles == 1, 1, p_tiles)
    pixels_inside = all_weights + inputs * np.where(p_tiles == 1, 1, k_tiles)
    moved = np.minimum(filters_inside, pixels_inside) + outputs + 2 * (c_tiles - 1) * outputs * SUM_BYTES
    fitting = moved[room <= pool_bytes]
    return int(fitting.min()) if len(fitting) else None


def least_held_bytes(layer: Layer, hardware: Hardware) -> int | None:
    """The least that any mapping moves whose sums are held; None where nothing fits."""
    dataflows = tuple(hardware.pe_array.dataflows)
    tiles = layer_tiles(layer.nameless, hardware, dataflows, 1, Grids())
    mappings = tiles.mappings(np.arange(len(tiles)))
    return int(mappings.costs(MOVED).dram_bytes.min()) if len(mappings) else None


def main(networks: list[str]) -> None:
    """Print the table."""
    layers = [
        layer
        for network in networks or NETWORKS
        for layer in lowered_network(load_network(network)).graph.layers
        if layer.on_array and layer.pooling is None
    ]
    head = "| pool | layers | fewer bytes if sums go outside |"
    sys.stdout.write(f"{head}\n| ---: | -----: | -----------------------------: |\n")
    for pool_kib in POOLS_KIB:
        hardware, compared, better = machine(pool_kib), 0, 0
        for layer in layers:
            held = least_held_bytes(layer, hardware)
            if held is not None:
                spilled = least_spilled_bytes(layer, pool_kib * 1024)
                compared, better = compared + 1, better + (spilled is not None and spilled < held)
        sys.stdout.write(f"| {pool_kib} KiB | {compared} | {better} |\n")


if __name__ == "__main__":
    main(sys.argv[1:])
