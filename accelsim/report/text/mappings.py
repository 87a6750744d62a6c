"""The mappings of a run as a mapping file, with what follows from each of them as comments."""

from collections.abc import Sequence
from typing import Any, Final

from accelsim.descriptions import flow_text
from accelsim.descriptions.phrases import counted
from accelsim.mapping.given_file import CascadeRule, Rule
from accelsim.mapping.given_search import extents_of
from accelsim.mapping.letters import tile_trips
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.search import as_executed
from accelsim.mapping.together import by_layer
from accelsim.report.text.cascades import cascade_words
from accelsim.report.text.energies import energy_text
from accelsim.report.text.table import quantity
from accelsim.report.text.words import bound_name, off_chip_word
from accelsim.report.values.cascades import cascades_of
from accelsim.result import LayerResult, RunResult

_HEAD: Final = """\
# {network} on {hardware}: {cycles} cycles, energy {energy}, {moved} to and from {off_chip}.
#
# A rule for each executed layer: its dataflow, the sizes of a tile (N images, G groups, K output and C input
# channels of a group, OY x OX outputs, FY x FX taps), and the loops over tiles, outermost first. Where a rule
# is silent of them, a tile has one image and all taps; whatever else it is silent of is searched for. The
# comment above a rule says what the layer has along each loop, how it is cut, and what came of that.
{more}"""
_AGAIN: Final = """\
# `accelsim run --mapping FILE`, with the same other options, comes to the same cycles, energy and bytes.
"""
_OF_CASCADES: Final = """\
# Layers that run stripe by stripe are named in one rule, and tiles in those of each layer are of its stripes:
# of fewer rows a tile has all. Where a stripe (from 1 on) has another tile, a rule says so from that one on.
"""


def mapping_text(rules: Sequence[Rule], schedule: Schedule, result: RunResult) -> str:
    """A mapping file with comments.

    Args:
        rules: Of each layer, as `chosen_rules` makes them.
        schedule: That they are of.
        result: What it came to.

    Returns:
        YAML that `--mapping` takes.
    """
    off_chip = off_chip_word(result.off_chip)
    images = f", {result.batch} images" if result.batch > 1 else ""
    energy = result.energy
    head = _HEAD.format(
        network=result.network,
        hardware=f"{result.hardware}{images}",
        cycles=f"{result.cycles:,}",
        energy=energy_text(energy.total, energy.unit, energy.picojoules_per_unit),
        moved=quantity(result.dram_bytes.total, "B"),
        off_chip=off_chip,
        more=_AGAIN if schedule.striped is None else _OF_CASCADES + _AGAIN,
    )
    of_one = 1 if schedule.images_in_turn > 1 else result.batch
    lines = [head]
    layered = by_layer(schedule)
    rows = iter(zip(result.layers, layered.layers, layered.mappings, strict=True))
    cascades = iter(cascades_of(result.layers))
    for rule in rules:
        if isinstance(rule, CascadeRule):
            lines.append(f"# {cascade_words(next(cascades))}")
        elif rule.from_stripe is None:
            row, layer, mapping = next(rows)
            _, layer_images = as_executed(layer, of_one)
            lines.append(f"# {_follows(row, mapping, layer_images, off_chip)}")
        lines.append(f"- {flow_text(rule_values(rule))}")
    return "\n".join(lines) + "\n"


def rule_values(rule: Rule) -> dict[str, Any]:
    """What a rule says, as a file has it."""
    values: dict[str, Any] = rule.model_dump(mode="json", exclude_defaults=True)
    return values


def _follows(row: LayerResult, mapping: Mapping, images: int, off_chip: str) -> str:
    """`K64 C3 OY8 OX8, cut into K 2 x OY 2: 4 steps, 345 cycles (bound by MACs), 9 kB to and from DRAM`; of
    a layer in a cascade what most of its stripes are, and what all of them do.
    """
    extents = extents_of(mapping.layer, images)
    loops = " ".join(f"{letter}{extent}" for letter, extent in extents.items() if extent > 1) or "one output"
    cut = " x ".join(
        f"{letter} {trips}" for letter, trips in tile_trips(mapping, images).items() if trips > 1
    )
    how = f"cut into {cut}" if cut else "in one tile"
    steps, moved = counted(row.tiles, "step"), quantity(row.dram_bytes.total, "B")
    bound = bound_name(row.bound_by, off_chip)
    parts = "" if row.cascade is None or row.cascade.stripes == 1 else "most of its stripes: "
    return (
        f"{parts}{loops}, {how}: {steps}, {row.cycles:,} cycles (bound by {bound}), "
        f"{moved} to and from {off_chip}"
    )
