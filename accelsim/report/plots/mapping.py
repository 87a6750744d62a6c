"""The mapping of a layer as a picture: its loops, its tiles, what lies in the array, and when.

The loops over tiles stand as a nest with their trips, and behind each what comes anew when it goes on. The
first steps have numbers: on the tiles of the output plane and on those of the other loops that they go
through, and at the bottom when the array works at them.
"""

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from accelsim.descriptions import MOST_NAMES, shortened, unknown
from accelsim.descriptions.phrases import counted
from accelsim.errors import AccelsimError
from accelsim.hardware.array import PEArray
from accelsim.hardware.host import HOST
from accelsim.mapping.given_search import extents_of
from accelsim.mapping.letters import tile_sizes
from accelsim.mapping.loop_order import LETTERS
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.search import as_executed
from accelsim.mapping.together import by_layer
from accelsim.report.files.trace import Timeline, threads_of
from accelsim.report.labels.geometry import POINTS_PER_INCH
from accelsim.report.plots.drawn_mapping import (
    COMES,
    NUMBERED,
    WORDS,
    DrawnMapping,
    full_pass,
    nest_lines,
    on_chip_lines,
    work_words,
)
from accelsim.report.plots.style import BLUE, GREY, SKY, run_name, text_colour
from accelsim.report.plots.timeline import (
    BUSY,
    OPERAND_COLOURS,
    TimelineWindow,
    WorkBar,
    plot_timeline,
    work_bars,
    work_legend,
)
from accelsim.simulation.activity import Component

_CHARACTER_WIDTH: Final = 0.62
"""Of a title, on average, in units of the size of its letters."""
_MOST_CELLS: Final = 32
"""Rows or columns of an array whose PEs are drawn one by one."""
_MOST_LINES: Final = 40
"""Tiles along an axis between which lines are drawn."""
_UNITS: Final[dict[Component, str]] = {"vector": "vector unit", "host": "host"}
"""That have a row only where they are seen at work."""
_SEEN: Final = 0.001
"""Of the width of a timeline, that a bar must have to be seen."""
_OF_PLANE: Final = ("row", "column")
_SIZE: Final = (11.0, 8.4)
_FONT: Final = "small"


def mapping_figure(timeline: Timeline, layer: str) -> Figure:
    """The mapping of one layer of a run, as `accelsim plot mapping` draws it.

    Args:
        timeline: Of the run, with this layer among those to show.
        layer: Its name.

    Returns:
        A figure with axes for the loops, the output plane, the other loops, the array and the timeline.

    Raises:
        AccelsimError: The run has no such layer.

    Example:
        >>> from accelsim import load_hardware, load_network
        >>> from accelsim.pricing import result_of
        >>> from accelsim.run import plan_run
        >>> from accelsim.simulation.events import simulate_events
        >>> hardware = load_hardware("16x16_128k")
        >>> plan = plan_run(load_network("mobilenet_v1@width=0.25,resolution=128"), hardware)
        >>> activity = simulate_events(plan.schedule, hardware, keep_timeline=True)
        >>> timeline = Timeline(result_of(plan, activity), hardware, plan.schedule, activity, [0])
        >>> [axes.get_title("left") for axes in mapping_figure(timeline, "conv1").axes][1]
        'output plane: 64 x 64, in tiles of 16 x 16'
    """
    schedule = timeline.schedule
    index = layer_number(schedule, layer)
    per_layer = 1 if schedule.images_in_turn > 1 else timeline.result.batch
    _, images = as_executed(schedule.layers[index], per_layer)
    drawn = DrawnMapping(schedule.layers[index], timeline.mapping(index), images, timeline.hardware)
    figure = Figure(figsize=_SIZE)
    title = _title(timeline, drawn, index)
    size = min(12.0, 0.94 * POINTS_PER_INCH * _SIZE[0] / (_CHARACTER_WIDTH * len(title)))
    figure.text(0.03, 0.965, title, fontsize=size, va="center")
    extents = extents_of(drawn.mapping.layer, drawn.images)
    others = [loop for loop in LETTERS if loop not in _OF_PLANE and extents[LETTERS[loop]] > 1]
    meant = ", ".join(f"{LETTERS[loop]}: {WORDS[loop]}" for loop in others)
    figure.text(0.97, 0.495, meant, fontsize="x-small", ha="right")
    figure.text(
        0.56, 0.515, f"numbers: the first {NUMBERED} steps; white: tiles of later ones", fontsize=_FONT
    )
    places = {
        "nest": (0.03, 0.54, 0.46, 0.36),
        "plane": (0.56, 0.56, 0.23, 0.33),
        "others": (0.86, 0.56, 0.11, 0.33),
        "array": (0.09, 0.29, 0.19, 0.17),
        "chip": (0.37, 0.27, 0.60, 0.19),
        "time": (0.12, 0.06, 0.85, 0.12),
    }
    axes = {name: figure.add_axes(place) for name, place in places.items()}
    plot_nest(drawn, axes["nest"])
    plot_plane(drawn, axes["plane"])
    plot_other_loops(drawn, axes["others"])
    plot_array(drawn, axes["array"])
    _write_on_chip(drawn, axes["chip"])
    _legend(_plot_time(timeline, index, drawn, axes["time"]), figure)
    return figure


def layer_number(schedule: Schedule, layer: str) -> int:
    """The place of a layer in a schedule; of one that runs stripe by stripe, of a stripe as most are.

    Raises AccelsimError where it has none of that name.
    """
    names = [row.name for row in by_layer(schedule).layers]
    if layer not in names:
        words = unknown(layer, "executed layer", names[:MOST_NAMES], len(names))
        raise AccelsimError(f"{shortened(layer)}: {words}")
    if schedule.striped is None:
        return names.index(layer)
    entries = schedule.striped.entries_of[names.index(layer)]
    programs = [id(schedule.mappings[entry].program) for entry in entries]
    return entries[programs.index(max(programs, key=programs.count))]


def _title(timeline: Timeline, drawn: DrawnMapping, index: int) -> str:
    row = timeline.result.layers[timeline.layer(index)]
    steps = counted(drawn.mapping.totals.steps, "step")
    how = drawn.mapping.dataflow.replace("_", " ")
    cycles = row.cycles if row.cascade is None else timeline.executed[index].cycles
    name = timeline.name(index) if row.cascade is not None else row.name
    return f"Mapping of {name}, {run_name(timeline.result)}: {how}, {steps}, {cycles:,} cycles"


def plot_nest(drawn: DrawnMapping, axes: Axes) -> None:
    """The loops over tiles, outermost first, with what comes anew with each; inside them the array's work."""
    _blank(axes)
    _set_title("loops over tiles, and whose tile is another when each goes on", axes)
    lines = nest_lines(drawn)
    sizes, layer = tile_sizes(drawn.mapping), drawn.mapping.layer
    of_tile = " ".join(f"{letter}{size}" for letter, size in sizes.items() if size > 1) or "one output"
    indent = "  " * len(lines)
    inner = [f"{indent}one step: a tile of {of_tile}", f"{indent}{work_words(drawn)}"]
    if not lines:
        inner.insert(0, "no loops: the layer is one tile")
    height = min(0.1, 0.84 / (len(lines) + len(inner)))
    operands = [operand for operand in COMES if layer.on_array or operand != "weights"]
    columns = {operand: 0.76 + 0.1 * place for place, operand in enumerate(operands)}
    for operand, x in columns.items() if lines else ():
        axes.text(x, 0.96, operand, fontsize="x-small", ha="center", va="center")
    for place, (words, comes) in enumerate([*lines, *((line, []) for line in inner)]):
        y = 0.87 - place * height
        axes.text(0.0, y, words, fontsize=_FONT, family="monospace", va="center")
        for operand in columns.keys() & comes:
            box = (columns[operand] - 0.02, y - 0.025), 0.04, 0.05
            axes.add_patch(Rectangle(*box, color=OPERAND_COLOURS[operand]))


def plot_plane(drawn: DrawnMapping, axes: Axes) -> None:
    """The output plane, cut into tiles; the numbers are the first steps that go through each."""
    layer, tile = drawn.mapping.layer, drawn.mapping.tile
    axes.set_xlim(0, layer.OX)
    axes.set_ylim(layer.OY, 0)
    axes.set_aspect("equal" if 1 / 4 <= layer.OX / layer.OY <= 4 else "auto")
    axes.add_patch(Rectangle((0, 0), layer.OX, layer.OY, facecolor="white", edgecolor="black"))
    for ((top, bottom), (left, right)), numbers in drawn.numbers("row", "column").items():
        colour = SKY if 1 in numbers else BUSY
        box = Rectangle((left, top), right - left, bottom - top, facecolor=colour, edgecolor="black")
        axes.add_patch(box)
        if _has_room((right - left) / layer.OX, (bottom - top) / layer.OY, _spans(numbers)):
            axes.text(
                (left + right) / 2,
                (top + bottom) / 2,
                _spans(numbers),
                ha="center",
                va="center",
                fontsize=_FONT,
                color=text_colour(colour),
            )
    for place in _cuts(layer.OX, tile.x):
        axes.axvline(place, color="black", linewidth=0.6)
    for place in _cuts(layer.OY, tile.y):
        axes.axhline(place, color="black", linewidth=0.6)
    axes.set_xticks([0, layer.OX])
    axes.set_yticks([0, layer.OY])
    axes.tick_params(labelsize=_FONT)
    axes.set_xlabel("OX", fontsize=_FONT, labelpad=-8)
    axes.set_ylabel("OY", fontsize=_FONT, labelpad=-12)
    _set_title(f"output plane: {layer.OY} x {layer.OX}, in tiles of {tile.y} x {tile.x}", axes)


def _has_room(width: float, height: float, words: str) -> bool:
    """Whether words fit in a part of the plane."""
    return width >= 0.05 * len(words) + 0.03 and height >= 0.07


def _cuts(extent: int, size: int) -> range:
    """Where lines between tiles are drawn: at none where there would be too many."""
    return range(size, extent, size) if extent <= _MOST_LINES * size else range(0)


def _spans(numbers: Sequence[int]) -> str:
    """`1-4` for steps that follow each other, `1, 3` for others."""
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(numbers), key=lambda item: item[1] - item[0])
    ]
    words = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return ",".join(words) if len(words) <= 2 else f"{words[0]},.."


def plot_other_loops(drawn: DrawnMapping, axes: Axes) -> None:
    """A bar for each other loop of more than one element: its tiles, and the steps that go through them."""
    extents, sizes = extents_of(drawn.mapping.layer, drawn.images), tile_sizes(drawn.mapping)
    loops = [loop for loop in LETTERS if loop not in _OF_PLANE and extents[LETTERS[loop]] > 1]
    axes.set_ylim(1, 0)
    axes.set_xlim(-0.5, max(len(loops), 3) - 0.5)
    for place, loop in enumerate(loops):
        letter = LETTERS[loop]
        extent, size = extents[letter], sizes[letter]
        axes.add_patch(Rectangle((place - 0.38, 0), 0.76, 1, facecolor="white", edgecolor="black"))
        for ((start, end),), numbers in drawn.numbers(loop).items():
            colour = SKY if 1 in numbers else BUSY
            box = (place - 0.38, start / extent), 0.76, (end - start) / extent
            axes.add_patch(Rectangle(*box, facecolor=colour, edgecolor="black", linewidth=0.6))
            if (end - start) / extent >= 0.07:
                middle = (start + end) / 2 / extent
                axes.text(
                    place,
                    middle,
                    _spans(numbers),
                    ha="center",
                    va="center",
                    fontsize="x-small",
                    color=text_colour(colour),
                )
        for cut in _cuts(extent, size):
            axes.plot([place - 0.38, place + 0.38], [cut / extent] * 2, color="black", linewidth=0.6)
    axes.set_xticks(
        range(len(loops)), [f"{LETTERS[loop]}\n{extents[LETTERS[loop]]}" for loop in loops], fontsize=_FONT
    )
    axes.set_yticks([])
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.tick_params(axis="x", length=0)
    _set_title("other loops", axes)


def plot_array(drawn: DrawnMapping, axes: Axes) -> None:
    """The PEs, and those that a full tile uses at most at a time."""
    array, full = drawn.hardware.pe_array, full_pass(drawn)
    axes.set_xlim(0, array.columns)
    axes.set_ylim(array.rows, 0)
    axes.add_patch(Rectangle((0, 0), array.columns, array.rows, facecolor="white", edgecolor="black"))
    for block in full.blocks if full else ():
        place = (block.column, block.row)
        axes.add_patch(Rectangle(place, block.columns, block.rows, facecolor=BLUE, edgecolor="none"))
    if max(array.rows, array.columns) <= _MOST_CELLS:
        _grid(array, axes)
    axes.set_xticks([0, array.columns])
    axes.set_yticks([0, array.rows])
    axes.tick_params(labelsize=_FONT)
    loops = {axis: f": {' x '.join(letters)}" for axis, letters in full.loops.items()} if full else {}
    axes.set_xlabel(f"columns{loops.get('columns', '')}", fontsize=_FONT, labelpad=-8)
    axes.set_ylabel(f"rows{loops.get('rows', '')}", fontsize=_FONT, labelpad=-8)
    _set_title(f"array: {full.pes if full else 0} of {array.pes} PEs work at a time", axes)


def _grid(array: PEArray, axes: Axes) -> None:
    for place in range(1, array.columns):
        axes.axvline(place, color=GREY, linewidth=0.4)
    for place in range(1, array.rows):
        axes.axhline(place, color=GREY, linewidth=0.4)


def _write_on_chip(drawn: DrawnMapping, axes: Axes) -> None:
    _blank(axes)
    _set_title("what lies on chip during a step", axes)
    lines = list(on_chip_lines(drawn))
    for place, words in enumerate(lines):
        axes.text(0.0, 0.93 - place * min(0.155, 0.98 / len(lines)), words, fontsize=_FONT, va="center")


def _plot_time(timeline: Timeline, index: int, drawn: DrawnMapping, axes: Axes) -> list[WorkBar]:
    """When components work at the first steps of the layer; the bars that say so."""
    own = [busy for busy in timeline.activity.timeline if busy.layer == index and busy.step < NUMBERED]
    start, end = min(busy.start for busy in own), max(busy.end for busy in own)
    window = TimelineWindow(timeline, "", start, max(end - start, 1))
    bars = work_bars(window)
    at_work = {bar.component for bar in bars if bar.end_cycle - bar.start_cycle >= _SEEN * window.cycles}
    briefly = [unit for unit in _UNITS if unit not in at_work and any(bar.component == unit for bar in bars)]
    idle = [unit for unit in _UNITS if unit not in at_work]
    plot_timeline(bars, timeline.hardware, axes, idle)
    axes.set_xlim(0, window.cycles)
    worker = "array" if full_pass(drawn) else "host" if drawn.mapping.dataflow == HOST else "vector"
    steps = [
        (busy.step + 1, busy.start - start, busy.end - start) for busy in own if busy.component == worker
    ]
    middles = [(number, (begin + behind) / 2) for number, begin, behind in steps]
    apart = min([after - before for (_, before), (_, after) in pairwise(middles)], default=window.cycles)
    rows = [str(component) for component, _ in threads_of(timeline.hardware) if component not in idle]
    row = rows.index(worker)
    for number, middle in middles if apart >= 0.03 * window.cycles else middles[:1]:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
        axes.text(middle, row, str(number), ha="center", va="center", fontsize="x-small", bbox=box)
    axes.tick_params(labelsize=_FONT)
    words = "".join(f"; the {_UNITS[unit]} works too briefly to be seen" for unit in briefly)
    axes.set_xlabel(f"cycles since cycle {start:,} of the run{words}", fontsize=_FONT)
    total = drawn.mapping.totals.steps
    which = (
        f"the first {NUMBERED} of {total} steps" if total > NUMBERED else f"all of {counted(total, 'step')}"
    )
    _set_title(f"when: {which}", axes)
    return [bar for bar in bars if bar.component not in idle]


def _legend(bars: Sequence[WorkBar], figure: Figure) -> None:
    """What the colours of these bars mean."""
    patches = work_legend(bars)
    figure.legend(
        handles=patches,
        ncols=max(len(patches), 1),
        loc="lower right",
        bbox_to_anchor=(0.98, 0.183),
        frameon=False,
        fontsize="x-small",
        handlelength=1.2,
        columnspacing=1.2,
        borderaxespad=0.0,
    )


def _set_title(text: str, axes: Axes) -> None:
    axes.set_title(text, loc="left", fontsize="medium")


def _blank(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
