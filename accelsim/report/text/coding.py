"""What lies outside the chip compressed, in words: nothing of it is read or written as it is."""

from collections.abc import Iterator, Sequence

from accelsim.descriptions.phrases import counted
from accelsim.report.text.table import percent
from accelsim.result import RunResult


def coding_sentence(result: RunResult) -> str:
    """What part of their bytes weights and outputs take outside; nothing where all lie as they are."""
    parts = [layer.form.coded for layer in result.layers if layer.form.coded is not None]
    weights = [float(coded.weights) for coded in parts if coded.weights != 1]
    outputs = [
        float(layer.form.coded.outputs)
        for layer in result.layers
        if layer.form.coded is not None and layer.form.coded.outputs != 1 and layer.dram_bytes.write
    ]
    said = [*_of("weights", weights), *_of("outputs", outputs)]
    return f"outside the chip, {' and '.join(said)}; coding costs nothing" if said else ""


def _of(operand: str, parts: Sequence[float]) -> Iterator[str]:
    if parts:
        least, most = percent(min(parts)), percent(max(parts))
        range_text = least if least == most else f"{least} to {most}"
        yield f"{operand} of {counted(len(parts), 'layer')} take {range_text} of their bytes"
