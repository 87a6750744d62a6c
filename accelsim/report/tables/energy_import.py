"""What `accelsim import-energy` took from a table, and what it left."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from accelsim.hardware.energy_tables import EnergyImport, Figure
from accelsim.report.text.table import Column, Style, table, wrapped

AREA: Final = "area."


def energy_import_report(outcome: EnergyImport, style: Style) -> str:
    """What was taken, with what stood there before; what was assumed, and what was left.

    Args:
        outcome: Of an import.
        style: What the place that it goes to can show.

    Returns:
        A table, and lines below it; ends in a newline.

    Example:
        >>> from accelsim.hardware.energy_tables import Figure
        >>> figure = Figure("energy.mac", 0.5, "chip.mac: compute")
        >>> outcome = EnergyImport("", (figure,), {"energy.mac": 0.3}, {}, ("inter_pe",), (), "pJ")
        >>> print(energy_import_report(outcome, Style()), end="")
        price [pJ]  before  now  of
        mac            0.3  0.5  chip.mac: compute
        <BLANKLINE>
        left as it was: inter_pe
    """
    others = [figure for figure in outcome.figures if not is_price(figure.key)]
    prices = [figure for figure in outcome.figures if is_price(figure.key)]
    lines = _figures_table(f"price [{outcome.unit}]", prices, outcome, style)
    if others:
        lines += ["", *_figures_table("area, leakage", others, outcome, style)]
    notes = [line for note in _notes(outcome) for line in wrapped(note, style, indent=4)]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def _figures_table(title: str, figures: Sequence[Figure], outcome: EnergyImport, style: Style) -> list[str]:
    """A line for each figure, or for each direction of one."""
    rows = [row for figure in figures for row in _rows(figure, outcome)]
    names, before, values, origins = (list(cells) for cells in zip(*rows, strict=True))
    columns = [
        Column(title, names, "left"),
        Column("before", before, gap=2),
        Column("now", values, gap=2),
        Column("of", origins, "left", gap=2, least=12),
    ]
    head, *lines = table(columns, style.width)
    return [style.strong(head), *lines]


def _rows(figure: Figure, outcome: EnergyImport) -> Iterator[tuple[str, str, str, str]]:
    before, name = outcome.before.get(figure.key), short_name(figure.key)
    if not isinstance(figure.value, Mapping):
        yield name, _shown(before), _shown(figure.value), figure.origin
        return
    last = [*figure.value][-1]
    price, _, law = figure.origin.partition("; ")  # what is said of a law stands at its exponent
    for number, (part, value) in enumerate(figure.value.items()):
        parts = before if isinstance(before, Mapping) else {"mm2_per_kib": before}  # before it was a law
        own = parts.get(part)
        origin = price if number == 0 else law if part == last else ""
        yield f"{name} {part}", _shown(own), _shown(value), origin


def is_price(key: str) -> bool:
    """Whether a key is of an energy; the others are of areas and leakage."""
    return key.startswith("energy.") or key.endswith(".energy")


def short_name(key: str) -> str:
    """What a price is called by `--map`; an area's own key."""
    return key.removeprefix("energy.").removeprefix("memories.").removesuffix(".energy").removeprefix(AREA)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if not isinstance(value, int | float):
        return "by bits"
    return str(int(value)) if value == int(value) else f"{value:g}"


def _notes(outcome: EnergyImport) -> Iterator[str]:
    yield from (
        f"{short_name(figure.key)}: assumed: {figure.assumed}" for figure in outcome.figures if figure.assumed
    )
    for price, components in outcome.ambiguous.items():
        yield f"{price}: might be {', '.join(components)}: --map {price}=COMPONENT says which"
    if outcome.left:
        yield f"left as it was: {', '.join(outcome.left)}"
    if outcome.unused:
        yield f"of no price: {', '.join(outcome.unused)}"
