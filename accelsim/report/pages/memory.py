"""The memory maps of runs on the report page: what `accelsim plot memory` draws, as SVG without a script."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Final

from accelsim.memory_map import MemoryMap
from accelsim.report.pages.elements import element, escape
from accelsim.report.plots.memory import STYLES, BlockKind, MapBlock, memory_blocks, memory_title
from accelsim.report.tables.comparison import Case
from accelsim.report.text.residency import kept_sentence
from accelsim.report.text.table import kibibytes
from accelsim.result import RunResult

_WIDTH: Final = 1000.0
_HEIGHT: Final = 280.0
_LEFT: Final = 70.0
_BELOW: Final = 22.0
"""The parts of a drawing, in its own units; the page scales it."""
_TICKS: Final = 4
_CHARACTER: Final = 6.5
"""How wide a character is, about."""


def memory_section(cases: Sequence[Case]) -> str:
    """A section with the memory map of each run on a machine that keeps tensors; nothing where none does."""
    figures = [
        _figure(f"{case.network} on {case.hardware}", case.result, case.result.memory_map)
        for case in cases
        if case.result.memory_map is not None
    ]
    if not figures:
        return ""
    note = (
        "Across: layers in running order, by stage. Up: addresses. Each rectangle is a tensor for as long as "
        "it is kept on chip, or the tiles of a layer; hover over one for its name, size and addresses."
    )
    blocks = [
        block
        for case in cases
        if case.result.memory_map is not None
        for block in memory_blocks(case.result.memory_map)
    ]
    head = element("h2", "What lies where on chip")
    return (
        element(
            "section",
            head,
            element("p", note, class_="note"),
            _legend({block.kind for block in blocks}),
            *figures,
            id="memory",
        )
        + "\n"
    )


def _legend(drawn: Collection[BlockKind]) -> str:
    """What the colours mean, of those that are drawn."""
    entries = [
        element("span", f"{element('span', '&#9632;', style=f'color: {colour}')} {escape(words)}&emsp;")
        for kind, (colour, _, words) in STYLES.items()
        if kind in drawn
    ]
    return element("p", *entries, class_="note")


def _figure(name: str, result: RunResult, memory_map: MemoryMap) -> str:
    drawing = element(
        "svg",
        *_stages(result),
        *[_block(block, result, memory_map) for block in memory_blocks(memory_map)],
        *_axis(memory_map),
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT + _BELOW:g}",
        role="img",
        aria_label=memory_title(result, memory_map),
        style="width: 100%; min-width: 40rem; font-size: 11px",
    )
    words = element("p", escape(f"{memory_title(result, memory_map)}. {kept_sentence(memory_map)}."))
    return element("h3", escape(name)) + words + element("div", drawing, class_="wide")


def _across(step: float, layers: int) -> float:
    return _LEFT + step / layers * (_WIDTH - _LEFT)


def _up(address: float, memory_map: MemoryMap) -> float:
    top = memory_map.size_bytes + memory_map.address_waste_bytes
    return _HEIGHT * (1 - address / top)


def _rectangle(left: float, right: float, top: float, bottom: float, *content: str, **style: str) -> str:
    sizes = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return element("rect", *content, **{name: f"{size:.2f}" for name, size in sizes.items()}, **style)


def _stages(result: RunResult) -> Iterator[str]:
    """Every other stage shaded, with the names for which there is room."""
    layers, first = len(result.layers), 0
    for index, (stage, members) in enumerate(groupby(result.layers, lambda layer: layer.stage)):
        last = first + len(list(members))
        left, right = _across(first, layers), _across(last, layers)
        yield _rectangle(left, right, 0, _HEIGHT, fill="#f0f0f0" if index % 2 else "#ffffff")
        if _CHARACTER * len(stage) <= right - left:
            middle = f"{(left + right) / 2:.1f}"
            yield element("text", escape(stage), x=middle, y=_HEIGHT + 15, text_anchor="middle")
        first = last


def _block(block: MapBlock, result: RunResult, memory_map: MemoryMap) -> str:
    layers = len(result.layers)
    colour, _, words = STYLES[block.kind]
    first, last = (result.layers[index].name for index in (block.first, block.last))
    end = block.address + block.size_bytes
    text = (
        f"{block.name or first}: {words}, {kibibytes(block.size_bytes)} at {block.address} to {end}, "
        f"from {first} to {last}"
    )
    return _rectangle(
        _across(block.first, layers),
        _across(block.last + 1, layers),
        _up(end, memory_map),
        _up(block.address, memory_map),
        element("title", escape(text)),
        fill=colour,
        stroke="#000000" if block.name else "#bbbbbb",
        stroke_width="0.5",
    )


def _axis(memory_map: MemoryMap) -> Iterator[str]:
    """Addresses beside the drawing, and a line where the pool ends."""
    for tick in range(_TICKS + 1):
        address = memory_map.size_bytes * tick // _TICKS
        height = _up(address, memory_map)
        label = kibibytes(address) if address else "0"
        yield element("text", label, x=_LEFT - 6, y=f"{max(height + 4, 10):.1f}", text_anchor="end")
    end = f"{_up(memory_map.size_bytes, memory_map):.2f}"
    yield element("line", x1=_LEFT, x2=_WIDTH, y1=end, y2=end, stroke="#000000")
