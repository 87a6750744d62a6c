"""The report of a run: what each layer costs and why, by stage, and what it adds up to."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from accelsim.descriptions.phrases import counted
from accelsim.hardware.array import DEFAULT_DATAFLOWS
from accelsim.mapping.costs import VECTOR
from accelsim.network.shapes import layer_shape
from accelsim.power import FrameDemand
from accelsim.report.tables.totals import totals
from accelsim.report.text.energies import energy_cell
from accelsim.report.text.table import Column, Style, bar, fitting, ratio, si, table, wrapped
from accelsim.report.text.words import (
    ROOMY,
    SHAPE_LEGEND,
    bound_word,
    dataflow_title,
    dataflow_word,
    name_word,
    off_chip_word,
    off_chip_words,
    operator_word,
    shape_word,
)
from accelsim.report.text.zeros import MARK, MARK_LEGEND, skipped_percent
from accelsim.report.values.stage_results import OPERANDS, StageResult, off_chip_bytes, stages
from accelsim.result import LayerResult, RunResult

LayerChoice: TypeAlias = Literal["all", "top", "none"]
TOP_LAYERS: Final = 10
"""Layers that a table of the slowest has, unless it is said how many."""
_LEGEND: Final = (
    "op: {dataflows}{zeros}. {shape} time: "
    "cycles by which the layer moves the finish. PE%: multiply-accumulates per PE and cycle. {off_chip}, "
    "buffer: bytes{of_use} read and written{operands}. why: what bounds it, see below."
)


class _LayerRow(NamedTuple):
    """A line of the table: a layer, or the sums of a stage."""

    name: str
    values: LayerResult | StageResult

    @property
    def layer(self) -> LayerResult | None:
        return self.values if isinstance(self.values, LayerResult) else None


def run_report(
    result: RunResult,
    style: Style,
    layers: LayerChoice | int = "all",
    demand: FrameDemand | None = None,
) -> str:
    """The table of layers and the totals of a run, as `accelsim run` prints them.

    Args:
        result: A run.
        style: What the place that it goes to can show.
        layers: `all` shows each layer below its stage, `top` the ten that take the most time, a number so
            many of them, `none` only the stages.
        demand: How often images come, where power at that rate is asked for.

    Returns:
        Text that ends in a newline.

    Raises:
        AccelsimError: The machine cannot keep the rate, or its joules are not known.

    Example:
        >>> from accelsim import run_network
        >>> from accelsim.report.text import Style
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> print(run_report(result, Style(), layers="none").splitlines()[0])
        mobilenet_v1@width=0.25,resolution=128 on 16x16_128k
    """
    count = {"all": None, "top": TOP_LAYERS, "none": 0}[layers] if isinstance(layers, str) else layers
    batch = f", batch of {result.batch}" if result.batch > 1 else ""
    rows = list(_top(result, count, style) if count else _by_stage(result, count is None, style))
    columns = fitting(
        [*_bands(rows, style, by_time=bool(count)), *_columns(result, rows, style, by_time=bool(count))],
        style.width,
    )
    head, *body = table(columns, style.width)
    lines = [style.strong(f"{result.network} on {result.hardware}{batch}"), "", style.strong(head)]
    lines += [line if row.layer else style.strong(line) for row, line in zip(rows, body, strict=True)]
    legend = _band_legend(rows, style, by_time=bool(count)) + _legend(result, columns)
    lines += ["", *wrapped(legend, style), "", *totals(result, style, demand)]
    return "\n".join(lines) + "\n"


def _bands(rows: Sequence[_LayerRow], style: Style, *, by_time: bool) -> list[Column]:
    """A column that shows which layers run stripe by stripe together, with the lines of stages between."""
    numbers = [_cascade(row, above) for above, row in zip([None, *rows], rows, strict=False)]
    if all(number is None for number in numbers):
        return []
    from accelsim.report.text.cascades import band_column  # noqa: PLC0415 (few machines have any)

    return band_column(numbers, style, in_order=not by_time)


def _band_legend(rows: Sequence[_LayerRow], style: Style, *, by_time: bool) -> str:
    if not any(row.layer is not None and row.layer.cascade is not None for row in rows):
        return ""
    from accelsim.report.text.cascades import band_words  # noqa: PLC0415 (few machines have any)

    return band_words(style, in_order=not by_time)


def _cascade(row: _LayerRow, above: _LayerRow | None) -> int | None:
    """The number of the cascade that a line is in; a stage's where its layers go on with the one above."""
    if isinstance(row.values, LayerResult):
        return None if row.values.cascade is None else row.values.cascade.number
    if above is None or above.layer is None or above.layer.cascade is None:
        return None
    number, first = above.layer.cascade.number, row.values.layers[0].cascade
    return number if first is not None and first.number == number else None


def _legend(result: RunResult, columns: Sequence[Column]) -> str:
    zeros = f", {MARK_LEGEND}" if result.skipped_macs else ""
    operands = [column.header for column in columns if column.header in OPERANDS]
    off_chip = off_chip_word(result.off_chip)
    whose = off_chip if len(result.off_chip) > 1 else f"{off_chip}'s"
    parts = f"; {', '.join(operands)}: {whose} by operand" if operands else ""
    names = dict.fromkeys(layer.dataflow for layer in result.layers if layer.dataflow != VECTOR)
    ordered = sorted(names, key=[*DEFAULT_DATAFLOWS, *names].index)
    words = [f"{dataflow_word(name)} = {dataflow_title(name)}" for name in ordered]
    none = {1: "no letters", 2: "neither"}.get(len(words), "none")
    legend = _LEGEND.format(
        dataflows=", ".join([*words, f"{none} = on the vector unit"]),
        zeros=zeros,
        shape=SHAPE_LEGEND,
        operands=parts,
        off_chip=off_chip,
        of_use=" of use" if result.moves_bursts else "",
    )
    return legend + off_chip_words(result.off_chip, result.tensor_memory)


def _top(result: RunResult, count: int, style: Style) -> Iterator[_LayerRow]:
    slowest = sorted(result.layers, key=lambda layer: -layer.cycles)[:count]
    return (_LayerRow(name_word(layer.name, "", style.width), layer) for layer in slowest)


def _by_stage(result: RunResult, with_layers: bool, style: Style) -> Iterator[_LayerRow]:
    """Stages with their layers; a stage of a single layer is that layer."""
    for stage in stages(result):
        if len(stage.layers) == 1:
            yield _LayerRow(name_word(stage.layers[0].name, "", style.width), stage.layers[0])
            continue
        yield _LayerRow(stage.name, stage)
        if with_layers:
            for layer in stage.layers:
                yield _LayerRow(" " + name_word(layer.name, stage.name, style.width), layer)


def _columns(result: RunResult, rows: Sequence[_LayerRow], style: Style, *, by_time: bool) -> list[Column]:
    roomy = style.width >= ROOMY
    shapes = [_shape(row.values, style.width) for row in rows]
    values = [row.values for row in rows]
    picojoules, off_chip = result.energy.picojoules_per_unit, off_chip_word(result.off_chip)
    return [
        Column("layer", [row.name for row in rows], "left", least=8),
        Column("op", [_runs(row) for row in rows], "left", least=4),
        Column("shape", shapes, "left", least=6),
        Column(  # names are long where stages are not above them
            "MACs", [si(value.macs) if value.macs else "-" for value in values], rank=int(by_time)
        ),
        Column("time", [si(value.cycles) for value in values]),
        Column("%", [_share(value.cycles / result.cycles) for value in values]),
        Column("", _bars(rows, 10 if roomy else 3, style), "left", gap=int(roomy)),
        Column("PE%", [_utilization(value) for value in values]),
        *_zeros(result, values),
        Column("x bound", [_ratio(value.cycles, value.least_cycles) for value in values], rank=1),
        Column(off_chip, [si(value.dram_bytes.total) for value in values]),
        *_operands(values),
        Column(
            "x least",
            [_ratio(value.dram_bytes.total, value.compulsory_dram_bytes) for value in values],
            rank=2,
        ),
        Column("buffer", [si(value.global_buffer_bytes.total) for value in values], rank=1),
        Column("energy", [energy_cell(value.energy, picojoules) for value in values]),
        Column("why", [bound_word(value.bound_by, off_chip) for value in values], "left"),
        Column("tile", [row.layer.tile if row.layer else "" for row in rows], "left", rank=4),
    ]


def _operands(values: Sequence[LayerResult | StageResult]) -> list[Column]:
    """The bytes that DRAM is read and written for each operand, of those that it is accessed for at all."""
    columns = {operand: [off_chip_bytes(value, operand) for value in values] for operand in OPERANDS}
    return [
        Column(operand, [si(size) if size else "-" for size in sizes], rank=3)
        for operand, sizes in columns.items()
        if any(sizes)
    ]


def _zeros(result: RunResult, values: Sequence[LayerResult | StageResult]) -> list[Column]:
    """Which part of the multiply-accumulates was skipped, if any was."""
    return [Column("zero%", list(map(skipped_percent, values)), rank=1)] if result.skipped_macs else []


def _runs(row: _LayerRow) -> str:
    """What runs and how: `conv WS`, `conv OS*` if zero weights are skipped, `maxpool`."""
    layer = row.layer
    if layer is None:
        return ""
    mark = MARK if layer.skipped_macs else ""
    return f"{operator_word(layer.operator)} {dataflow_word(layer.dataflow)}{mark}".rstrip()


def _shape(value: LayerResult | StageResult, width: int) -> str:
    if isinstance(value, StageResult):
        return counted(len(value.layers), "layer")
    return shape_word(layer_shape(value.form), width)


def _bars(rows: Sequence[_LayerRow], width: int, style: Style) -> list[str]:
    """Shares of the time, the longest layer's bar being full; stages have none."""
    longest = max((row.layer.cycles for row in rows if row.layer), default=0) or 1
    bars = [
        bar(row.layer.cycles / longest, width, ascii_only=style.ascii_only) if row.layer else ""
        for row in rows
    ]
    return [text.ljust(width) for text in bars]


def _share(fraction: float) -> str:
    return f"{100 * fraction:.{1 if fraction < 0.0995 else 0}f}"


def _utilization(value: LayerResult | StageResult) -> str:
    return f"{100 * value.utilization:.0f}" if value.macs else "-"


def _ratio(value: int, least: int) -> str:
    return ratio(value / least) if least else "-"
