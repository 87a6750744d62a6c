"""docs/guidelines.md shows what the present model gives, and gives the true reason.

All of its figures take minutes; a column of each table and all that the reasons rest on take seconds.
`python scripts/guidelines.py` mends the page.
"""

import importlib.util
import re
from pathlib import Path

import pytest

from accelsim.run import run_network
from accelsim.validation.guidelines import cells_of, guideline_network, load_guidelines

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "guidelines.md").read_text(encoding="utf-8")
MEND = "run `python scripts/guidelines.py`"
SAMPLE = {"G1": "x1", "G2": "x1", "G3": "c=64", "G4": "c=32"}
"""The column of each guideline's ARM table that is simulated here: the smallest networks."""


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("guidelines", ROOT / "scripts" / "guidelines.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def cells(script):
    guidelines = load_guidelines()
    experiments = [
        experiment.model_copy(update={"series": (arm_column(experiment),)})
        for experiment in guidelines.experiments
    ]
    sample = guidelines.model_copy(update={"experiments": tuple(experiments)})
    return cells_of(sample, script.MACHINES)


def arm_column(experiment):
    (series,) = (one for one in experiment.series if one.platform == "ARM")
    (index,) = (i for i, one in enumerate(series.columns) if one.label == SAMPLE[experiment.name])
    rows = [row.model_copy(update={"speeds": (row.speeds[index],)}) for row in series.rows]
    return series.model_copy(update={"columns": (series.columns[index],), "rows": tuple(rows)})


def part(name):
    (text,) = re.findall(rf"(?s)<!-- begin {name} -->(.*?)<!-- end {name} -->", DOCUMENT)
    return text.strip()


def lines(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("name", SAMPLE)
def test_a_column_of_each_table_is_what_is_simulated(script, cells, name):
    arm = lines(part(name).split("\n\n")[-1])
    header, _, *rows = arm
    for row in rows:
        for machine in script.MACHINES:
            (cell,) = (
                one for one in cells if (one.experiment, one.setting, one.hardware) == (name, row[0], machine)
            )
            shown = row[header.index(f"`{machine}` {SAMPLE[name]}")]
            assert shown == script._simulated(cell), MEND
        published = f"{cell.published_relative_speed:.2f} ({cell.published_speed:g}/s)"
        assert row[header.index(f"ARM {SAMPLE[name]}")] == published, MEND


def test_the_controls_and_the_bottleneck_are_what_is_simulated(script):
    assert part("controls") == script.controls_part(()), MEND
    assert part("bottleneck") == script.bottleneck_part(()), MEND


def test_the_array_and_dram_explain_tables_1_and_2_and_the_series_of_3(script, cells):
    """The longer of passes over the array and words of DRAM, to the part that the page says."""
    low, high = map(float, re.findall(r"takes (\S+) to (\S+) times", part("by hand"))[0])
    explained = [cell for cell in cells if cell.experiment != "G4" and "parallel" not in cell.setting]
    assert len(explained) == 2 * (4 + 4 + 3)
    parameters = script._parameters()
    for cell in explained:
        network, given = parameters[cell.experiment, cell.platform, cell.setting, cell.column]
        by_hand = script.expected_cycles(network, given, script.MACHINES[cell.hardware])
        assert low - 0.001 <= cell.measured.cycles / by_hand <= high + 0.001


@pytest.mark.parametrize("machine", ["8x8_32k", "16x16_128k"])
def test_unequal_widths_that_fill_the_array_cost_nothing_while_the_array_is_the_limit(script, machine):
    """1:4, with the same MACs as 1:1: guideline 1 does not hold."""
    cycles = [
        run_network(guideline_network("guidelines/channel_width", widths), script.MACHINES[machine]).cycles
        for widths in ({"c1": 128, "c2": 128}, {"c1": 64, "c2": 256})
    ]
    assert cycles[1] == pytest.approx(cycles[0], rel=0.01)


def test_relu_costs_next_to_nothing_and_a_shortcut_what_it_reads(cells):
    """Guideline 4, at 32 channels."""
    found = {(cell.setting, cell.hardware): cell.relative_speed for cell in cells if cell.experiment == "G4"}
    for machine in ("8x8_32k", "16x16_128k"):
        assert found["ReLU", machine] > 0.96
        assert 0.75 < found["shortcut", machine] < 0.84


def test_a_document_without_the_markers_is_left_alone(script):
    with pytest.raises(SystemExit, match="must have `<!-- begin G1 -->"):
        script.with_part("no markers", "G1", "text")
