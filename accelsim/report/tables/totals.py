"""What a run adds up to, and in words what bounds it."""

from collections.abc import Iterator, Sequence

from accelsim.descriptions.phrases import counted
from accelsim.power import FrameDemand
from accelsim.report.text.energies import duration, energy_cell, energy_text, engineering
from accelsim.report.text.held_against import held_sentence
from accelsim.report.text.table import (
    LABEL_WIDTH,
    Style,
    bar,
    kibibytes,
    labelled,
    percent,
    quantity,
    ratio,
    si,
)
from accelsim.report.text.words import (
    bound_sentence,
    bound_word,
    component_word,
    memory_word,
    off_chip_word,
    on_chip_word,
)
from accelsim.report.text.zeros import zeros_sentence
from accelsim.report.values.cascades import cascades_of
from accelsim.report.values.stage_results import cycles_by_bound, tensors_can_go_outside
from accelsim.result import FirstInference, RunResult
from accelsim.traffic import MemoryResult, Traffic

BAR_WIDTH = 10


def totals(result: RunResult, style: Style, demand: FrameDemand | None = None) -> list[str]:
    """Time, work, traffic, energy by component, and the share of the time that each bound takes."""
    sums = [line for name, text in _sums(result) for line in labelled(name, text, style)]
    return [*sums, "", *_energy(result, style), *_at_rate(result, style, demand), "", *_bounds(result, style)]


def _sums(result: RunResult) -> Iterator[tuple[str, str]]:
    cycles = f"{result.cycles:,} cycles at {result.clock_mhz:g} MHz"
    yield "time", f"{duration(result.time_ms)}, {si(result.frames_per_second)} frames/s ({cycles})"
    if result.lower_bound_cycles:
        yield "lower bound", _lower_bound(result)
    work = f"{si(result.macs)} MACs, {si(result.params)} parameters"
    part = sum(layer.idle_rows > 0 for layer in result.layers)
    idle_rows = f"; {counted(part, 'layer')} left rows of the array idle" if part else ""
    yield "utilization", f"{percent(result.utilization)} of the PEs' cycles multiply ({work}){idle_rows}"
    if zeros := zeros_sentence(result):
        yield "zeros", zeros
    if any(layer.form.coded for layer in result.layers):
        from accelsim.report.text.coding import coding_sentence  # noqa: PLC0415 (most machines compress nothing)

        if sentence := coding_sentence(result):
            yield "compressed", sentence
    if result.host is not None:
        from accelsim.report.text.host import host_sentence  # noqa: PLC0415 (few machines have one)

        yield "host", host_sentence(result)
    for key, value in result.assumed.items():
        yield "assumed", f"{key}: {value}"
    yield "held against", held_sentence(result.held_against)
    idle = f"; {counted(result.idle_descriptors, 'descriptor')} left idle" if result.idle_descriptors else ""
    bursts = bursts_phrase([result.memories[name] for name in result.off_chip])
    yield off_chip_word(result.off_chip), _traffic(result.dram_bytes) + bursts + idle
    if len(result.off_chip) > 1:
        for name in result.off_chip:
            yield memory_word(name), _streams(result, name)
    if result.tensor_memory is not None:
        held = kibibytes(result.memories[result.tensor_memory].peak_bytes or 0)
        text = f"{_streams(result, result.tensor_memory)}; at most {held} in use"
        yield memory_word(result.tensor_memory), text
    peak = f"at most {kibibytes(result.peak_global_buffer_bytes)} in use"
    yield on_chip_word(result.on_chip), f"{_traffic(result.global_buffer_bytes)}; {peak}"
    if result.memory_map is not None:
        from accelsim.report.text.residency import (  # noqa: PLC0415 (most machines have none)
            batch_sentence,
            kept_sentence,
        )

        yield "tensors", kept_sentence(result.memory_map)
        if result.memory_map.batch_order is not None:
            own = result.cycles, result.energy.total
            yield "batch", batch_sentence(result.memory_map.batch_order, own)
        yield from _cascades(result)
    if result.first_inference is not None:
        yield "first", _first_inference(result, result.first_inference)


def _streams(result: RunResult, name: str) -> str:
    """What one of several memories with a channel moves, and how much of the time that is busy."""
    memory = result.memories[name]
    traffic = Traffic(sum(memory.read_bytes.values()), sum(memory.written_bytes.values()))
    busy = percent((memory.busy_cycles or 0) / result.cycles if result.cycles else 0.0)
    return f"{_traffic(traffic)}{bursts_phrase([memory])}; its channel streams for {busy} of the time"


def bursts_phrase(memories: Sequence[MemoryResult]) -> str:
    """What moves in all where whole bursts move, and how much of it is of use; nothing where none do."""
    if not any(memory.beside_bytes for memory in memories):
        return ""
    moved = sum([sum(memory.moved_bytes.values()) for memory in memories])
    beside = sum([sum(memory.beside_bytes.values()) for memory in memories])
    of_use = percent((moved - beside) / moved if moved else 1.0)
    return f"; {quantity(moved, 'B')} moved in bursts, {of_use} of use"


def _lower_bound(result: RunResult) -> str:
    """The bound; of a machine with a pool with and without the traffic that keeping tensors can save."""
    bound, bound_if_kept = result.lower_bound_cycles, result.lower_bound_if_kept_cycles
    if bound_if_kept and not tensors_can_go_outside(result):
        bound, bound_if_kept = bound_if_kept, None  # no tensor can go outside
    times = ratio(result.cycles / bound)
    if not bound_if_kept:
        return f"{bound:,} cycles; the time is {times} times that"
    times_if_kept = ratio(result.cycles / bound_if_kept)
    return (
        f"{bound:,} cycles where every tensor goes outside, {bound_if_kept:,} where all stay on chip; the "
        f"time is {times} and {times_if_kept} times that"
    )


def _first_inference(result: RunResult, first: FirstInference) -> str:
    """What it takes; all else is of those that follow."""
    off_chip = [first.memories[name] for name in result.off_chip]
    moved = Traffic(
        sum([sum(memory.read_bytes.values()) for memory in off_chip]),
        sum([sum(memory.written_bytes.values()) for memory in off_chip]),
    )
    energy = energy_text(first.energy.total, first.energy.unit, first.energy.picojoules_per_unit)
    time = duration(first.cycles / (result.clock_mhz * 1e3))
    return (
        f"inference, in which pinned weights come: {time} ({first.cycles:,} cycles), {energy}, "
        f"{off_chip_word(result.off_chip)} {_traffic(moved)}"
    )


def _cascades(result: RunResult) -> Iterator[tuple[str, str]]:
    if cascades := cascades_of(result.layers):
        from accelsim.report.text.cascades import cascades_sentence  # noqa: PLC0415 (few machines have any)

        yield "cascades", cascades_sentence(cascades)


def _energy(result: RunResult, style: Style) -> Iterator[str]:
    energy, picojoules = result.energy, result.energy.picojoules_per_unit
    text = energy_text(energy.total, energy.unit, picojoules)
    if result.average_power_mw is not None:
        text += f", {engineering(result.average_power_mw * 1e-3, 'W')} on average"
    yield from labelled("energy", text, style)
    for component, part in sorted(energy.by_component.items(), key=lambda item: -item[1]):
        value = f" {energy_cell(part, picojoules):>6}" if picojoules else si(part)
        yield _part(component_word(component), value, part / (energy.total or 1.0), style)


def _at_rate(result: RunResult, style: Style, demand: FrameDemand | None) -> list[str]:
    """Power at a frame rate, where it is asked for."""
    if demand is None:
        return []
    from accelsim.report.text.power import rate_sentence  # noqa: PLC0415 (most runs are asked for none)

    rate = result.at_frame_rate(demand.frames_per_second)
    return labelled("power", f"at {rate_sentence(demand, rate)}", style)


def _bounds(result: RunResult, style: Style) -> Iterator[str]:
    cycles = cycles_by_bound(result.layers)
    if not cycles:
        return
    main_bound, off_chip = next(iter(cycles)), off_chip_word(result.off_chip)
    words = (
        f"{bound_word(main_bound, off_chip)} for {percent(cycles[main_bound] / result.cycles)} of the time"
    )
    yield from labelled("bound by", words, style)
    for bound, count in cycles.items():
        word, meaning = bound_word(bound, off_chip), bound_sentence(bound, off_chip)
        yield _part(word, si(count), count / result.cycles, style, meaning)


def _part(name: str, value: str, fraction: float, style: Style, meaning: str = "") -> str:
    """` DRAM           1.23G 61.2% ######     the DRAM channel streams`."""
    drawn = bar(fraction, BAR_WIDTH, ascii_only=style.ascii_only)
    label = name if len(name) < LABEL_WIDTH else f"{name} "
    text = f" {label:<{LABEL_WIDTH - 1}}{value:>6} {percent(fraction):>5} {drawn:<{BAR_WIDTH}} {meaning}"
    return text.rstrip()


def _traffic(traffic: Traffic) -> str:
    return f"{quantity(traffic.read, 'B')} read, {quantity(traffic.write, 'B')} written"
