"""Reading a machine's file: any format, and what is assumed where it says nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from accelsim.descriptions import check, parse, shipped, value_of
from accelsim.descriptions.arguments import check_path, value_or_named
from accelsim.descriptions.kinds import FileKind, check_kind
from accelsim.hardware.machine import Hardware
from accelsim.hardware.memory import silent_latencies, spelled_out

DEFAULTS: Final = {
    "clock_mhz": "1 GHz, as in the papers on such arrays",
    "precision": "weights and activations of 8 bits and sums of 32, as in quantised networks on small chips",
    "pe_array.dataflows": "both of those that every array here can run",
    "pe_array.port_words_per_column": "one word, the least that streams a pixel per cycle",
    "vector_unit": "an operation for each column and cycle",
    "mapper": "the compiler goes by time",
    "energy": "relative to a multiply-accumulate of 16 bits: Chen et al., Eyeriss, ISCA 2016, section VII-A",
}
"""What a file need not say, and what is taken then."""
OTHERWISE: Final = {"pe_array.port_words_per_column": "pe_array.ports"}
"""Another key of a file that says what such a key does."""
MEMORY_DEFAULTS: Final = {
    "banks": "operands have equal shares",
    "energy": "an access of DRAM costs 200, one of a memory on chip 6 multiply-accumulates: Eyeriss",
}
CHANNEL_DEFAULTS: Final = {
    "latency_cycles": "100 cycles, as of DRAM at 1 GHz",
    "prefetch": "8 steps ahead, which hides that latency",
}


def load_hardware(name: str | Path) -> Hardware:
    """The machine of a path, of ./hardware/NAME.yaml or of that name among those shipped.

    Args:
        name: As `--hw` takes it.

    Returns:
        The machine. `assumed` explains what its file assumes, and what was taken where the file says nothing.

    Raises:
        DescriptionError: With a line for each mistake in the file.

    Example:
        >>> load_hardware("16x16_128k").pe_array.pes
        256
    """
    check_path("name", name, "a machine, or its name")
    document = parse(shipped.find("hardware", name))
    check_kind(document, FileKind.MACHINE)
    return with_defaults_said(check(document, Hardware), Hardware.upgraded(document.data).data)


def hardware_of(hardware: Hardware | str | Path) -> Hardware:
    """A machine, or the one of a name or path.

    Args:
        hardware: As the functions of `accelsim` take it.

    Returns:
        The machine.

    Raises:
        DescriptionError: There is none of that name, its file has mistakes, or it is no machine at all.

    Example:
        >>> hardware_of("8x8_32k").pe_array.rows
        8
    """
    return value_or_named("hardware", hardware, Hardware, load_hardware, "16x16_128k")


def with_defaults_said(hardware: Hardware, data: dict[str, Any]) -> Hardware:
    """The machine with a reason for each value that its data leave out."""
    silent = {key: f"default: {reason}" for key, reason in _defaults(hardware, data)}
    if not silent:
        return hardware
    memories = tuple(
        [
            spelled_out(
                memory,
                off_chip=memory in hardware.off_chip,
                has_activations=memory.name in hardware.activation_places,
            )
            for memory in hardware.memories
        ]
    )
    parts = {
        "memories": memories,
        "pe_array": hardware.pe_array.spelled_out,
        "vector_unit": hardware.vector_unit.spelled_out,
    }
    return hardware.model_copy(update={"assumed": {**silent, **hardware.assumed}, **parts})


def _defaults(hardware: Hardware, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, reason in DEFAULTS.items():
        said_otherwise = value_of(data, OTHERWISE.get(key, key))[1] is not None
        if not value_of(data, key)[0] and not said_otherwise:
            yield key, reason
    for memory in hardware.memories:
        channel = memory not in hardware.working
        for key, reason in (MEMORY_DEFAULTS | (CHANNEL_DEFAULTS if channel else {})).items():
            dotted = f"memories.{memory.name}.{key}"
            if key == "latency_cycles":
                yield from (
                    (f"memories.{memory.name}.{silent}", reason) for silent in silent_latencies(memory)
                )
            elif not (value_of(data, dotted)[0] or (channel and key == "banks")):
                yield dotted, reason
