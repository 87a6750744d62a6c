"""What plots have in common: colours that colour-blind people can tell apart, and files of figures.

The colours are Okabe and Ito's (Color Universal Design, 2008). Where shapes are large enough, markers or
hatches say the same as the colour.
"""

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final, Literal, TypeAlias

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from accelsim.errors import AccelsimError
from accelsim.report.files.writing import writing
from accelsim.report.labels.geometry import DPI, POINTS_PER_INCH
from accelsim.report.text.table import digits_and_suffix, printable
from accelsim.report.text.words import COMPONENTS
from accelsim.result import Bound, RunResult

BLUE: Final = "#0072B2"
SKY: Final = "#56B4E9"
ORANGE: Final = "#E69F00"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
GREY: Final = "#999999"
YELLOW: Final = "#F0E442"
BLACK: Final = "#000000"

BOUND_COLOURS: Final[dict[Bound, str]] = {
    "compute": BLUE,
    "array_fill": ORANGE,
    "dram": VERMILION,
    "latency": GREY,
    "vector": GREEN,
    "host": PURPLE,
}
BOUND_MARKERS: Final[dict[Bound, str]] = {
    "compute": "o",
    "array_fill": "s",
    "dram": "^",
    "latency": "X",
    "vector": "D",
    "host": "P",
}
COMPONENT_STYLES: Final[dict[str, tuple[str, str]]] = {
    "dram": (VERMILION, ""),
    "global_buffer": (ORANGE, "///"),
    "register_file": (SKY, "..."),
    "inter_pe": (PURPLE, "xxx"),
    "mac": (BLUE, ""),
    "vector": (GREEN, "\\\\\\"),
    "host": (YELLOW, "***"),
    "static": (BLACK, ""),
}
"""Colour and hatch of each component of the energy, in the order in which they are stacked."""
assert COMPONENT_STYLES.keys() == COMPONENTS.keys()
MEMORY_STYLES: Final = ((YELLOW, "+++"), ("#7F3C8D", "ooo"), ("#8C510A", "---"), (GREY, "|||"))
"""Of memories that have names of their own; of more than so many, looks come again."""


def component_styles(components: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colour and hatch of components, in the order in which they are stacked: memories below the others."""
    names = list(components)
    other_names = [name for name in names if name not in COMPONENT_STYLES]
    styles = dict(zip(other_names, cycle(MEMORY_STYLES), strict=False))
    memories = {name: COMPONENT_STYLES[name] for name in ("dram", "global_buffer") if name in names}
    return memories | styles | {name: style for name, style in COMPONENT_STYLES.items() if name in names}


_BLACK_IS_READABLE: Final = math.sqrt(1.05 * 0.05) - 0.05
"""From this luminance on, black has the larger contrast to a colour, and white below it."""


def text_colour(background: str) -> str:
    """Black or white, whichever can be read better on a colour, by the contrast of WCAG 2.

    Example:
        >>> text_colour(BLUE), text_colour(SKY)
        ('white', 'black')
    """
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(background)
    ]
    red, green, blue = linear
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "black" if luminance >= _BLACK_IS_READABLE else "white"


PlotFigure: TypeAlias = Figure
"""What `save` writes, for those who do not import matplotlib."""
SUFFIXES: Final = (".png", ".svg", ".pdf")
ROUND_STEPS: Final = (1, 2, 5, 10)
"""Between the ticks of an axis, times a power of ten."""
_TITLE_POINTS: Final = 12.0
_CHARACTER_WIDTH: Final = 0.62
"""Of a title, on average, in units of the size of its letters."""
_EDGE_POINTS: Final = 0.5
"""Of the white line around a marker."""


@dataclass(frozen=True)
class MarkerStyle:
    """How the points of a group look; the area is in points squared."""

    colour: str
    marker: str
    area: float

    @property
    def radius_points(self) -> float:
        """How far a marker reaches: its corners are further from its middle than its sides."""
        half_side = math.sqrt(self.area) / 2
        return (half_side if self.marker == "o" else half_side * math.sqrt(2)) + _EDGE_POINTS / 2

    def scatter(self, points: Sequence[tuple[float, float]], axes: Axes, zorder: float = 3) -> None:
        """A marker at each place."""
        axes.scatter(
            [x for x, _ in points],
            [y for _, y in points],
            color=self.colour,
            marker=self.marker,
            s=self.area,
            edgecolor="white",
            linewidth=_EDGE_POINTS,
            zorder=zorder,
        )

    def in_legend(self, label: str, linestyle: Literal["", "-", "--"] = "") -> Line2D:
        """What stands for the group in a legend, with the line that joins its points."""
        return Line2D(
            [], [], color=self.colour, marker=self.marker, linestyle=linestyle, linewidth=1.0, label=label
        )


def run_name(result: RunResult) -> str:
    """`sqnxt23v5 on 16x16_128k`, as titles say it."""
    batch = f", batch of {result.batch}" if result.batch > 1 else ""
    return f"{result.network} on {result.hardware}{batch}"


def set_title(text: str, axes: Axes, pad: float | None = None) -> None:
    """A title above the left end of the axes, as large as usual or as fits; the axes' place must be final."""
    room_points = POINTS_PER_INCH * axes.figure.bbox.width / axes.figure.dpi * (1 - axes.get_position().x0)
    size_points = min(_TITLE_POINTS, room_points / (_CHARACTER_WIDTH * len(text)))
    axes.set_title(text, loc="left", pad=pad, fontsize=size_points)


def legend_above(handles: Sequence[Line2D], axes: Axes) -> None:
    """A legend in a row just above the left end of the axes, where it hides no point."""
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 0.995),
        ncols=len(handles),
        borderaxespad=0.0,
        frameon=False,
        fontsize="small",
    )


def plain_log_ticks(axis: Axis) -> None:
    """Ticks of a logarithmic axis as people write numbers: `0.5`, `20`, `5k`, rather than powers of ten.

    The limits of the axis must be final: within a decade there are more ticks.
    """
    low, high = axis.get_view_interval()
    wide = high / low >= 10
    axis.set_major_locator(
        LogLocator(base=10, subs=(1.0, 2.0, 5.0)) if wide else MaxNLocator(6, steps=ROUND_STEPS)
    )
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    axis.set_minor_formatter(NullFormatter())


def plain_linear_ticks(axis: Axis) -> None:
    """Ticks of a linear axis with one suffix and all of their digits: `15.35G`, `15.4G`."""
    axis.set_major_locator(MaxNLocator(7, steps=ROUND_STEPS))
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: _with_suffix(value, max(axis.get_view_interval())))
    )


def _with_suffix(value: float, largest: float) -> str:
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if largest >= size:
            return f"{value / size:.9g}{suffix}"
    return f"{value:.9g}"


def plain(value: float) -> str:
    """`0.05`, `1.5`, `20`, `5k`, `2G`, `1.5e+30`."""
    digits, suffix = digits_and_suffix(value)
    if not suffix:
        return f"{value:.3g}"
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + suffix


def check_suffix(path: Path) -> None:
    """Raise AccelsimError if a figure cannot be saved under that name."""
    if path.suffix.lower() not in SUFFIXES:
        raise AccelsimError(f"{path}: must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")


def _only_text(text: Text) -> None:
    """Keep names from being formulas (`$`), and from what no font has and no SVG may hold."""
    written = text.get_text()
    # Ticks are written when they are drawn, on logarithmic axes with matplotlib's own formulas.
    if written and "\\mathdefault" not in written:
        text.set_text(printable(written))
        text.set_parse_math(False)


def save(figure: Figure, path: Path) -> None:
    """Write a figure, complete or not at all; the same figure gives the same bytes.

    Args:
        figure: Of this room, or of your own.
        path: A name that ends in .png, .svg or .pdf.

    Raises:
        AccelsimError: The name ends in something else, or the file cannot be written.

    Example:
        >>> save(Figure(), Path("figure.gif"))
        Traceback (most recent call last):
        accelsim.errors.AccelsimError: figure.gif: must end in .png, .svg or .pdf
    """
    check_suffix(path)
    kind = path.suffix.lower().removeprefix(".")
    undated = {"png": None, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    drawn = io.BytesIO()
    for artist in figure.findobj():
        if isinstance(artist, Text):
            _only_text(artist)
    with matplotlib.rc_context({"svg.hashsalt": "accelsim", "svg.fonttype": "path", "hatch.linewidth": 0.4}):
        figure.savefig(drawn, format=kind, dpi=DPI, metadata=undated)
    with writing(path) as file:
        file.write(drawn.getvalue())
