"""The mappings of a run as a mapping file, with what follows from each of them as comments."""

from collections.abc import Sequence
from typing import Any, Final

from accelsim.descriptions import flow_text
from accelsim.descriptions.phrases import counted
from accelsim.mapping.given_file import MappingRule
from accelsim.mapping.given_search import extents_of
from accelsim.mapping.letters import tile_trips
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.search import as_executed
from accelsim.mapping.together import by_layer
from accelsim.report.text.energies import energy_text
from accelsim.report.text.table import quantity
from accelsim.report.text.words import bound_name, off_chip_word
from accelsim.result import LayerResult, RunResult

_HEAD: Final = """\
# {network} on {hardware}: {cycles} cycles, energy {energy}, {moved} to and from {off_chip}.
#
# A rule for each executed layer: its dataflow, the sizes of a tile (N images, G groups, K output and C input
# channels of a group, OY x OX outputs, FY x FX taps), and the loops over tiles, outermost first. Where a rule
# is silent of them, a tile has one image and all taps; whatever else it is silent of is searched for. The
# comment above a rule says what the layer has along each loop, how it is cut, and what came of that.
# {again}
"""
_SAME: Final = (
    "`accelsim run --mapping FILE`, with the same other options, comes to the same cycles, energy and bytes."
)
_PLANNED_ANEW: Final = """\
Layers of a cascade have none, and a layer that has one runs in no cascade: `accelsim run --mapping FILE`
# plans cascades anew among the others, which may come out another way than this."""


def mapping_text(rules: Sequence[MappingRule], schedule: Schedule, result: RunResult) -> str:
    """A mapping file with comments.

    Args:
        rules: Of each layer that runs as a whole, as `chosen_rules` makes them.
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
        again=_SAME if schedule.striped is None else _PLANNED_ANEW,
    )
    of_one = 1 if schedule.images_in_turn > 1 else result.batch
    lines = [head]
    layered, of_layers = by_layer(schedule), iter(rules)
    for step, row in enumerate(result.layers):
        if row.cascade is not None:
            where = f"in cascade {row.cascade.number + 1}"
            lines.append(f"# {row.name} runs stripe by stripe, {where}: left to the machine's compiler")
            continue
        _, layer_images = as_executed(layered.layers[step], of_one)
        lines.append(f"# {_follows(row, layered.mappings[step], layer_images, off_chip)}")
        lines.append(f"- {flow_text(rule_values(next(of_layers)))}")
    return "\n".join(lines) + "\n"


def rule_values(rule: MappingRule) -> dict[str, Any]:
    """What a rule says, as a file has it."""
    values: dict[str, Any] = rule.model_dump(mode="json", exclude_defaults=True)
    return values


def _follows(row: LayerResult, mapping: Mapping, images: int, off_chip: str) -> str:
    """`K64 C3 OY8 OX8, cut into K 2 x OY 2: 4 steps, 345 cycles (bound by MACs), 9 kB to and from DRAM`."""
    extents = extents_of(mapping.layer, images)
    loops = " ".join(f"{letter}{extent}" for letter, extent in extents.items() if extent > 1) or "one output"
    cut = " x ".join(
        f"{letter} {trips}" for letter, trips in tile_trips(mapping, images).items() if trips > 1
    )
    how = f"cut into {cut}" if cut else "in one tile"
    steps, moved = counted(row.tiles, "step"), quantity(row.dram_bytes.total, "B")
    bound = bound_name(row.bound_by, off_chip)
    return (
        f"{loops}, {how}: {steps}, {row.cycles:,} cycles (bound by {bound}), {moved} to and from {off_chip}"
    )
