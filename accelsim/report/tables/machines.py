"""Machines as their files describe them: what `list` and `show` say."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from accelsim.descriptions import read, shipped
from accelsim.descriptions.phrases import counted
from accelsim.errors import DescriptionError
from accelsim.hardware import Channel, Hardware, Memory
from accelsim.report.text.energies import engineering
from accelsim.report.text.table import Column, Style, headline, kibibytes, labelled, quantity, table, wrapped
from accelsim.report.text.words import AREAS, OFF_CHIP, memory_word


def known_machines() -> list[dict[str, Any]]:
    """Every machine that has a name here, with its main figures."""
    return [_entry(name) for name in shipped.names("hardware")]


def _entry(name: str) -> dict[str, Any]:
    path = shipped.find("hardware", name)
    try:
        hardware = read(path, Hardware)
    except DescriptionError:
        return {"name": name, "title": "(not valid)"}
    return {
        "name": name,
        "title": hardware.title,
        "pes": hardware.pe_array.pes,
        "global_buffer_bytes": hardware.on_chip_bytes,
        "dram_bytes_per_second": hardware.bytes_per_cycle_off_chip * hardware.clock_mhz * 1e6,
        "clock_mhz": hardware.clock_mhz,
    }


def list_machines(entries: Sequence[Mapping[str, Any]], style: Style) -> str:
    """Machines beside each other, ending in a newline."""
    columns = [
        Column("machine", [entry["name"] for entry in entries], "left"),
        Column("title", [entry["title"] for entry in entries], "left", gap=2, least=12),
        _column("PEs", [entry.get("pes") for entry in entries], str),
        _column("buffer", [entry.get("global_buffer_bytes") for entry in entries], kibibytes),
        _column(OFF_CHIP, [entry.get("dram_bytes_per_second") for entry in entries], _per_second),
        _column("MHz", [entry.get("clock_mhz") for entry in entries], "{:g}".format),
    ]
    head, *lines = table(columns, style.width)
    return "\n".join([style.strong(head), *lines]) + "\n"


def _column(header: str, values: Sequence[Any], form: Callable[[Any], str]) -> Column:
    return Column(header, ["-" if value is None else form(value) for value in values], gap=2)


def _per_second(value: float) -> str:
    return quantity(value, "B/s")


def hardware_report(hardware: Hardware, style: Style) -> str:
    """Every key of a machine, as `accelsim show` prints them.

    Args:
        hardware: The machine.
        style: What the place that it goes to can show.

    Returns:
        Keys with their values, and why they are that where no source says so; ends in a newline.

    Example:
        >>> from accelsim import load_hardware
        >>> from accelsim.report.text import Style
        >>> lines = hardware_report(load_hardware("8x8_32k"), Style()).splitlines()
        >>> [line for line in lines if "GMAC" in line]
        ['PE array       8 x 8 PEs, 64.0 GMAC/s']
    """
    lines = headline(hardware.name, hardware.title, style)
    if hardware.source:
        lines += labelled("source", hardware.source, style)
    for name, text in peaks(hardware):
        lines += labelled(name, text, style)
    lines.append("")
    values = hardware.model_dump(mode="json", exclude={"name", "title", "source", "assumed"})
    text_by_key = dict(dotted(values))
    for key in hardware.assumed.keys() - text_by_key.keys():
        text_by_key = _with_table(text_by_key, key)
    for key, value in text_by_key.items():
        lines += wrapped(f"{key} = {value}" if value else key, style, indent=4)
        if key in hardware.assumed:
            lines += [f"    {line}" for line in _assumption(hardware.assumed[key], style)]
    return "\n".join(lines) + "\n"


def _with_table(text_by_key: dict[str, str], table: str) -> dict[str, str]:
    """The keys with one for a table that is explained as a whole, before the first that is in it."""
    inside = [key for key in text_by_key if key.startswith(f"{table}.")]
    first = inside[0] if inside else None
    return {
        name: text
        for key, value in text_by_key.items()
        for name, text in (((table, ""), (key, value)) if key == first else ((key, value),))
    }


def _assumption(reason: str, style: Style) -> list[str]:
    return wrapped(f"assumed: {reason}", Style(style.width - 4))


def peaks(hardware: Hardware) -> Iterator[tuple[str, str]]:
    """What the keys amount to."""
    array = hardware.pe_array
    per_second = hardware.clock_mhz * 1e6
    yield "PE array", f"{array.rows} x {array.columns} PEs, {quantity(array.pes * per_second, 'MAC/s')}"
    for memory in hardware.on_chip:
        arena = "" if memory.arena_bytes is None else f", {kibibytes(memory.arena_bytes)} for networks"
        size = f"{kibibytes(memory.size_bytes or 0)}{arena}"
        yield memory_word(memory.name), size + _at_its_size(memory, hardware)
    by_name = {memory.name: memory for memory in hardware.memories}
    for channel in hardware.channels:
        words = quantity(channel.bytes_per_cycle * per_second, "B/s")
        memory = by_name[channel.memory]
        notes = [*_in_cycles(memory, channel), *_as_it_lies(memory, channel, hardware)]
        yield memory_word(channel.name), f"{words}: {', '.join(notes)}" if notes else words
    if hardware.static_power_mw:
        yield "static power", engineering(hardware.static_power_mw * 1e-3, "W")
    if hardware.area is not None and (parts := hardware.area_mm2_by_part) is not None:
        areas = ", ".join(f"{AREAS[part]} {area:.2f}" for part, area in parts.items())
        yield "area", f"{sum(parts.values()):.2f} mm2 in {hardware.area.process}: {areas}"


def _at_its_size(memory: Memory, hardware: Hardware) -> str:
    """What an access costs by a law of size, at the memory's own size; nothing of a plain price."""
    if memory.energy is None or memory.energy.at_bytes is None:
        return ""
    cost, unit = memory.energy.at_size(memory.size_bytes), hardware.energy.unit
    word = f"of {counted(hardware.energy.word_bits, 'bit')}"
    if cost.read == cost.write:
        return f": {cost.read:.3g} {unit} an access {word}"
    return f": {cost.read:.3g} {unit} a read, {cost.write:.3g} {unit} a write, {word}"


def _in_cycles(memory: Memory, channel: Channel) -> Iterator[str]:
    """What a channel with a clock of its own comes to in cycles of the chip's; nothing of others."""
    way = None if channel.way is None else getattr(memory, channel.way)
    bandwidth, latency = way or memory.bandwidth, way or memory
    if bandwidth is not None and bandwidth.bytes_per_second is not None:
        yield f"{channel.bytes_per_cycle:.4g} B a cycle"
    if latency.latency_seconds is not None:
        yield f"latency {counted(channel.latency_cycles, 'cycle')}"


def _as_it_lies(memory: Memory, channel: Channel, hardware: Hardware) -> Iterator[str]:
    """In which bursts a channel moves, and how what they move lies in the memory; nothing of plain bytes."""
    if channel.burst_bytes > 1:
        yield f"bursts of {channel.burst_bytes} B"
        if memory.name in hardware.activation_places:
            yield f"activations in {channel.layout}"
    if memory.compress is not None and memory.compress.weights is not None:
        yield f"weights compressed to {memory.compress.weights:g}"
    if memory.compress is not None and memory.compress.activations is not None:
        yield "activations by runs"


def dotted(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Keys of nested values, with dots, and what stands there: nothing in an empty mapping; keys without a
    value are left out.
    """
    for key, value in values.items():
        if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            for item in value:
                inside = {name: entry for name, entry in item.items() if name != "name"}
                yield from dotted(inside, f"{prefix}{key}.{item['name']}.")
        elif isinstance(value, Mapping) and value:
            yield from dotted(value, f"{prefix}{key}.")
        elif isinstance(value, Mapping):
            yield f"{prefix}{key}", ""  # a dataflow that has no parameters
        elif value not in (None, []):
            yield prefix + key, ", ".join(value) if isinstance(value, list) else str(value)
