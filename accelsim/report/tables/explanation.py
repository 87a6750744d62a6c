"""What bounds a network, and what remedies gain: values, and how they look."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from accelsim.network.shapes import layer_shape
from accelsim.power import FrameDemand
from accelsim.report.tables.redesigns import redesign_lines, redesign_values, staying_values
from accelsim.report.text.diagnosis import loop_words, reason
from accelsim.report.text.energies import duration, energy_cell, energy_text
from accelsim.report.text.power import image_cell, rate_or_none, rate_sentence, rate_values
from accelsim.report.text.table import Column, Style, labelled, percent, ratio, si, table, wrapped
from accelsim.report.text.words import bound_word, off_chip_word, shape_word
from accelsim.report.text.zeros import zeros_sentence
from accelsim.report.values.stage_results import cycles_by_bound, tensors_can_go_outside
from accelsim.result import RunResult
from accelsim.search.diagnosis import Diagnosis
from accelsim.search.explain import Explanation, LayerOutcome, WorstLayer
from accelsim.search.words import change_words, obstacle_words

BEST: Final = 3
"""Remedies that are named for each of the worst layers."""
NOTABLY: Final = 0.995
"""Below that part of the time a remedy counts as one that helps a layer."""
_LEGEND: Final = (
    "Each line is a run of the whole network with that one change. time, energy: of the network, against the "
    "run as it is; 1, 2, ...: time of the layers below, in the same run."
)

_HELPED: Final = "The layers at which one remedy gains the network most"
_NOT_HELPED: Final = "No remedy gains time at any layer; these have the most cycles above their lower bounds"


def explanation_report(explained: Explanation, style: Style, demand: FrameDemand | None = None) -> str:
    """What bounds a network and what would help, as `accelsim explain` prints it.

    Args:
        explained: A run with its remedies and its worst layers.
        style: What the place that it goes to can show.
        demand: How often images come, where power at that rate is asked for.

    Returns:
        What bounds the network, a table of remedies, and the worst layers in words; ends in a newline.

    Example:
        >>> from accelsim import run_network
        >>> from accelsim.hardware import load_hardware
        >>> from accelsim.report.text import Style
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> explained = Explanation(result, load_hardware("16x16_128k"), outcomes=(), impossible=(), worst=())
        >>> print(explanation_report(explained, Style()).splitlines()[0])
        mobilenet_v1@width=0.25,resolution=128 on 16x16_128k
    """
    result = explained.result
    batch = f", batch of {result.batch}" if result.batch > 1 else ""
    head, *lines = table(_columns(explained, demand), style.width)
    text = [style.strong(f"{result.network} on {result.hardware}{batch}"), ""]
    text += [*_whole(explained, style, demand), ""]
    text += [style.strong(head), *lines]
    for remedy in explained.impossible:
        sentence = f"{change_words(remedy.change)}: not possible: {obstacle_words(remedy)}"
        text += wrapped(sentence, style, indent=2)
    text += ["", *wrapped(_LEGEND + _joules_words(explained, demand), style)]
    if explained.design is not None:
        text += ["", *redesign_lines(explained, style)]
    if explained.worst:
        helped = explained.worst[0].gained_cycles > 0
        text += ["", *(style.strong(line) for line in wrapped(_HELPED if helped else _NOT_HELPED, style))]
    for number, worst in enumerate(explained.worst, start=1):
        text += ["", *_worst(number, worst, result, style)]
    return "\n".join(text) + "\n"


def _whole(explained: Explanation, style: Style, demand: FrameDemand | None) -> Iterator[str]:
    result = explained.result
    time = f"{duration(result.time_ms)}: {result.cycles:,} cycles{_bounds(explained)}"
    yield from labelled("time", time, style)
    energy = result.energy
    dram = result.off_chip_energy / energy.total if energy.total else 0.0
    text = energy_text(energy.total, energy.unit, energy.picojoules_per_unit)
    yield from labelled("energy", f"{text}, {percent(dram)} of it {off_chip_word(result.off_chip)}", style)
    if demand is not None:
        rate = result.at_frame_rate(demand.frames_per_second)
        yield from labelled("power", f"at {rate_sentence(demand, rate)}", style)
    yield from labelled("utilization", f"{percent(result.utilization)} of the PEs' cycles multiply", style)
    if zeros := zeros_sentence(result):
        yield from labelled("zeros", zeros, style)
    bounds = (
        f"{bound_word(bound, off_chip_word(result.off_chip))} {percent(count / result.cycles)}"
        for bound, count in cycles_by_bound(result.layers).items()
    )
    yield from labelled("bound by", f"{', '.join(bounds)} of the time", style)


def _bounds(explained: Explanation) -> str:
    """The lower bound of the machine as it is, then the other one: with or without what keeping can save."""
    result, if_kept = explained.result, explained.lower_bound_if_kept_cycles
    # Where tensors stay on chip, the bounds of layers by themselves may be above the time.
    own = result.lower_bound_if_kept_cycles or result.lower_bound_cycles
    if not own:
        return ""
    words = f", {ratio(result.cycles / own)} times the lower bound of {own:,}"
    if not if_kept or not tensors_can_go_outside(result):
        return words
    if result.lower_bound_if_kept_cycles:
        other, condition = result.lower_bound_cycles, "if every tensor went outside"
    else:
        other, condition = if_kept, "if all tensors stayed on chip"
    return f"{words}, {ratio(result.cycles / other)} times that of {other:,} {condition}"


def _columns(explained: Explanation, demand: FrameDemand | None) -> list[Column]:
    base, outcomes = explained.result, explained.outcomes
    added_macs = [outcome.result.macs - base.macs for outcome in outcomes]
    columns = [
        Column("what if", [change_words(outcome.remedy.change) for outcome in outcomes], "left", least=16),
        Column("time", [_change(outcome.result.cycles, base.cycles) for outcome in outcomes]),
        Column("energy", [_change(outcome.result.energy.total, base.energy.total) for outcome in outcomes]),
    ]
    columns += _joules([outcome.result for outcome in outcomes], demand)
    if any(added_macs):
        columns.append(Column("MACs", [_difference(macs) for macs in added_macs]))
    for number, worst in enumerate(explained.worst, start=1):
        cycles = {outcome.remedy.name: outcome.cycles for outcome in worst.outcomes}
        names = [outcome.remedy.name for outcome in outcomes]
        cells = [_change(cycles[name], worst.cycles, digits=0) if name in cycles else "-" for name in names]
        columns.append(Column(str(number), cells, rank=number))
    return columns


def _difference(macs: int) -> str:
    """`+14.6M`, `-233k`; nothing where they are as many as before."""
    return f"{'-' if macs < 0 else '+'}{si(abs(macs))}" if macs else ""


def _joules_words(explained: Explanation, demand: FrameDemand | None) -> str:
    """What the columns in joules and watts are."""
    if demand is not None:
        rate = f"{demand.frames_per_second:g} frames/s"
        return f" J/image, mW: energy of an image and average power at {rate}; -: the rate is not kept."
    return "" if explained.result.energy.joules is None else " J: energy of the network in joules."


def _joules(results: Sequence[RunResult], demand: FrameDemand | None) -> list[Column]:
    """Energies of the network in joules where they are known; with a rate, of an image at that rate."""
    if demand is not None:
        rates = [rate_or_none(result, demand) for result in results]
        images = ["-" if rate is None else image_cell(rate) for rate in rates]
        powers = ["-" if rate is None else si(rate.power_mw) for rate in rates]
        return [Column("J/image", images), Column("mW", powers)]
    if all(result.energy.joules is None for result in results):
        return []
    cells = [energy_cell(result.energy.total, result.energy.picojoules_per_unit) for result in results]
    return [Column("J", cells)]


def _change(after: float, before: float, digits: int = 1) -> str:
    """`-22.2%`, `+1.3%`; `0%` where nothing to speak of changes, `x2.3` from twice as much on."""
    if not before:
        return "-"
    times = after / before
    if times >= 2:
        return f"x{times:.3g}"
    text = f"{100 * (times - 1):+.{digits}f}"
    return "0%" if float(text) == 0 else f"{text}%"


def _worst(number: int, worst: WorstLayer, result: RunResult, style: Style) -> Iterator[str]:
    layer = worst.layer
    name = layer.name + (f" and {len(worst.names) - 1} more like it" if len(worst.names) > 1 else "")
    yield from (style.strong(line) for line in wrapped(f"{number}  {name}", style, indent=3))
    dataflow = f", {layer.dataflow.replace('_', ' ')}" if layer.macs else ""
    shape = shape_word(layer_shape(layer.form), style.width)
    yield from _indented(f"{layer.operator.replace('_', ' ')} {shape}{dataflow}", style)
    share = percent(worst.cycles / result.cycles)
    lost = f"{worst.lost_cycles:,}" if worst.lost_cycles > 0 else "none"
    above = f"{lost} of them above the lower bound"
    yield from _indented(f"{worst.cycles:,} cycles, {share} of the time; {above}", style)
    yield from _indented(f"why: {reason(worst.diagnosis)}", style)
    yield from _indented(f"helps most: {_helps(worst, result)}", style)


def _indented(text: str, style: Style) -> list[str]:
    return wrapped(f"   {text}", style, indent=5)


def _helps(worst: WorstLayer, result: RunResult) -> str:
    best = [outcome for outcome in worst.outcomes if outcome.cycles < NOTABLY * worst.cycles][:BEST]
    words = [f"{change_words(outcome.remedy.change)} ({_layer_change(outcome, worst)})" for outcome in best]
    if not words:
        return "none of the remedies"
    share = percent(worst.gained_cycles / result.cycles)
    return f"{', '.join(words)}; the first gains {share} of the network's time here"


def _layer_change(outcome: LayerOutcome, worst: WorstLayer) -> str:
    change = _change(outcome.cycles, worst.cycles, digits=0)
    if worst.macs and outcome.macs != worst.macs:
        change += f", {ratio(outcome.macs / worst.macs)} x the MACs"
    return change


# --- plain values


def explanation_dict(explained: Explanation, demand: FrameDemand | None = None) -> dict[str, Any]:
    """Plain values of `explain --format json`, with the names of `run --format json`."""
    result, if_kept = explained.result, explained.lower_bound_if_kept_cycles
    whole = result.to_dict()
    whole.pop("layers")
    return {
        **whole,
        "lower_bound_cycles": result.lower_bound_cycles,
        **({} if if_kept is None else {"lower_bound_if_kept_cycles": if_kept}),
        **rate_values(result, demand),
        "cycles_by_bound": cycles_by_bound(result.layers),
        "remedies": [
            {
                "name": outcome.remedy.name,
                "kind": outcome.remedy.kind,
                "words": change_words(outcome.remedy.change),
                "cycles": outcome.result.cycles,
                "energy": outcome.result.energy.total,
                **({} if outcome.result.energy.joules is None else {"joules": outcome.result.energy.joules}),
                **rate_values(outcome.result, demand),
                "macs": outcome.result.macs,
                "params": outcome.result.params,
                **redesign_values(outcome.remedy.change),
            }
            for outcome in explained.outcomes
        ],
        "impossible": [
            {
                "name": remedy.name,
                "kind": remedy.kind,
                "words": change_words(remedy.change),
                "reason": obstacle_words(remedy),
            }
            for remedy in explained.impossible
        ],
        "worst_layers": [_worst_dict(worst) for worst in explained.worst],
        **staying_values(explained),
    }


def _worst_dict(worst: WorstLayer) -> dict[str, Any]:
    return {
        "names": list(worst.names),
        "shape": worst.layer.shape,
        "operator": worst.layer.operator,
        "dataflow": worst.layer.dataflow,
        "bound_by": worst.layer.bound_by,
        "cycles": worst.cycles,
        "lower_bound_cycles": worst.lower_bound_cycles,
        **(
            {}
            if worst.layer.lower_bound_if_kept_cycles is None
            else {"lower_bound_if_kept_cycles": worst.least_cycles}
        ),
        "lost_cycles": worst.lost_cycles,
        "gained_cycles": worst.gained_cycles,
        "energy": worst.energy,
        "macs": worst.macs,
        "diagnosis": _diagnosis_dict(worst.diagnosis),
        "remedies": [
            {
                "name": outcome.remedy.name,
                "cycles": outcome.cycles,
                "energy": outcome.energy,
                "macs": outcome.macs,
            }
            for outcome in worst.outcomes
        ],
    }


def _diagnosis_dict(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "reason": reason(diagnosis),
        "busy": diagnosis.busy,
        "array_utilization": diagnosis.array_utilization,
        "zero_weights": diagnosis.by_zero,
        "times_compulsory": diagnosis.times_compulsory,
        "macs_per_byte": diagnosis.macs_per_byte,
        "balance_macs_per_byte": diagnosis.balance,
        "memory": diagnosis.memory,
        "fills": [
            {
                "direction": loop_words(fill),
                "extent": fill.extent,
                "of_a_pass": fill.of_a_pass,
                "passes": fill.passes,
                "filled": fill.filled,
            }
            for fill in diagnosis.fills
        ],
    }


def explanation_rows(explained: Explanation) -> Sequence[dict[str, Any]]:
    """A row for the network and each group of worst layers, as it is and with each remedy."""
    result = explained.result
    runs = [
        ("", "as it is", result),
        *(
            (outcome.remedy.name, change_words(outcome.remedy.change), outcome.result)
            for outcome in explained.outcomes
        ),
    ]
    rows = [_row("", 1, name, words, run.cycles, run.energy.total, run.macs) for name, words, run in runs]
    for worst in explained.worst:
        first, count = worst.names[0], len(worst.names)
        rows.append(_row(first, count, "", "as it is", worst.cycles, worst.energy, worst.macs))
        rows += [
            _row(
                first,
                count,
                outcome.remedy.name,
                change_words(outcome.remedy.change),
                outcome.cycles,
                outcome.energy,
                outcome.macs,
            )
            for outcome in worst.outcomes
        ]
    return [{"network": result.network, "hardware": result.hardware, **row} for row in rows]


def _row(
    layer: str, layers: int, remedy: str, words: str, cycles: int, energy: float, macs: int
) -> dict[str, Any]:
    """`layer` is empty for the network."""
    return {
        "layer": layer,
        "layers": layers,
        "remedy": remedy,
        "words": words,
        "cycles": cycles,
        "energy": energy,
        "macs": macs,
    }
