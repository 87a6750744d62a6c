"""`accelsim reproduce`: a published table beside the simulated one, and an exit code that can be trusted."""

import csv
import io
import json
from dataclasses import replace

import pytest

from accelsim.validation import reproduction
from accelsim.validation.gemmini_layers import SHIPPED as GEMMINI_LAYERS
from accelsim.validation.pinned import load_pinned
from accelsim.validation.published import load_published
from accelsim.validation.reproduction import compare_with


@pytest.fixture
def simulated(monkeypatch):
    """Makes the simulation give what is pinned, but for the cells that are given."""

    def give(changes):
        def reproduce(table, step):
            return compare_with(table, {**load_pinned(table.name), **changes})

        monkeypatch.setattr(reproduction, "reproduce", reproduce)

    give({})
    return give


@pytest.fixture
def slow_v5(simulated):
    """1.0-SqNxt-23v5 takes a quarter longer on the large machine than was pinned."""
    place = ("sqnxt23v5", "16x16_128k")
    pinned = load_pinned("squeezenext")[place]
    simulated({place: replace(pinned, cycles=pinned.cycles * 5 // 4)})
    return pinned


def test_a_table_that_holds_leaves_with_0_and_says_nothing_else(accelsim, simulated):
    outcome = accelsim("reproduce", "squeezenext")
    assert (outcome.code, outcome.err) == (0, "")
    assert "285 checked, 0 violated" in outcome.out
    assert "26 checked, 0 moved" in outcome.out


def test_the_table_fits_80_columns_and_has_every_cell(accelsim, simulated):
    lines = accelsim("reproduce", "squeezenext").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith(" ") and "e" in line.split()[-2] for line in lines) == 26
    assert any(
        line.split()[0] == "sqnxt23v5" and line.split()[4] == "-" for line in lines if line.startswith(" ")
    )


def test_json_has_the_fixed_names(accelsim, simulated):
    values = json.loads(accelsim("reproduce", "squeezenext", "--format", "json").out)
    assert values.keys() >= {"rows", "time", "energy", "orderings"}
    assert values["time"].keys() == values["energy"].keys() == {"mean_abs_log_error", "max_abs_log_error"}
    assert values["orderings"] == {"checked": 285, "violated": []}
    assert len(values["rows"]) == 26


def test_the_mean_is_that_of_the_errors_in_the_rows(accelsim, simulated):
    values = json.loads(accelsim("reproduce", "squeezenext", "--format", "json").out)
    for quantity, cells in (("time", 24), ("energy", 26)):
        errors = [row[f"{quantity}_log_error"] for row in values["rows"]]
        errors = [abs(error) for error in errors if error is not None]
        assert len(errors) == cells
        assert values[quantity]["mean_abs_log_error"] == pytest.approx(sum(errors) / cells)
        assert values[quantity]["max_abs_log_error"] == max(errors)


def test_csv_has_a_row_for_each_cell(accelsim, simulated):
    rows = list(csv.DictReader(io.StringIO(accelsim("reproduce", "squeezenext", "--format", "csv").out)))
    assert len(rows) == 26
    assert rows[0]["network"] == "alexnet"
    assert [row["time_log_error"] for row in rows if row["network"] == "sqnxt23v5"] == ["", ""]


def test_the_result_goes_to_a_file(accelsim, simulated, folder):
    outcome = accelsim("reproduce", "squeezenext", "--output", "table.json", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert len(json.loads((folder / "table.json").read_text())["rows"]) == 26


def test_a_cell_that_moved_leaves_with_1_and_says_old_new_and_what_to_do(accelsim, slow_v5):
    outcome = accelsim("reproduce", "squeezenext", "--quiet")
    assert outcome.code == 1
    assert (
        f"sqnxt23v5 on 16x16_128k: pinned {slow_v5.cycles} cycles and {slow_v5.energy!r} MAC, "
        f"simulated {slow_v5.cycles * 5 // 4} cycles"
    ) in outcome.err
    assert outcome.err.splitlines()[-1] == (
        "if that is meant: run `python scripts/update_golden.py` and write what moved, by how much and why "
        "into CHANGELOG.md under Results"
    )


def test_an_ordering_that_is_violated_leaves_with_1_and_names_both(accelsim, slow_v5):
    outcome = accelsim("reproduce", "squeezenext", "--format", "json")
    assert outcome.code == 1
    v4 = load_pinned("squeezenext")["sqnxt23v4", "16x16_128k"].cycles
    sentence = f"time on 16x16_128k: sqnxt23v4 ({v4} cycles) must be above sqnxt23v5 ("
    assert sentence in outcome.err
    violated = json.loads(outcome.out)["orderings"]["violated"]
    assert {"more": "sqnxt23v4", "less": "sqnxt23v5"}.items() <= violated[0].items() or len(violated) > 1


def test_a_bar_that_is_missed_leaves_with_1_and_names_the_cell(accelsim, slow_v5):
    outcome = accelsim("reproduce", "squeezenext")
    assert outcome.code == 1
    assert "time: mean error 0." in outcome.err
    assert "time of alexnet on 16x16_128k: error -0." in outcome.err
    assert "must not exceed 0.1 either way" in outcome.err


def test_a_table_that_is_not_there(accelsim):
    outcome = accelsim("reproduce", "mobilenet")
    assert outcome.code == 2
    assert "'squeezenext'" in outcome.err
    assert outcome.out == ""


def test_a_file_that_cannot_be_written_is_said_before_the_work(accelsim, monkeypatch):
    monkeypatch.setattr(reproduction, "reproduce", None)
    outcome = accelsim("reproduce", "squeezenext", "--output", "nowhere/table.json")
    assert outcome.code == 2
    assert outcome.err == "nowhere/table.json: cannot be written: no such folder as nowhere\n"


def test_networks_of_the_working_folder_do_not_stand_in_for_those_of_the_paper(folder):
    (folder / "hardware").mkdir()
    (folder / "hardware" / "8x8_32k.yaml").write_text("rows: 0\n")
    (folder / "alexnet").write_text("not a network")
    jobs = reproduction.jobs_of(load_published("squeezenext"))
    assert jobs[0].hardware.on_chip_bytes == 32 * 1024


# --- gemmini, with layers of one's own


@pytest.fixture
def few_layers(tmp_path):
    """Three measurements that are quickly simulated, two of them of the same."""
    head, *lines = GEMMINI_LAYERS.read_text(encoding="utf-8").splitlines()
    path = tmp_path / "layers.csv"
    chosen = [line for line in lines if line.split(",")[0] in ("121", "195", "2")]
    path.write_text("\n".join([head, *chosen]) + "\n", encoding="utf-8")
    return path


def test_layers_of_ones_own_are_held_against_their_cycles_and_against_no_bar(accelsim, few_layers):
    outcome = accelsim("reproduce", "gemmini", "--layers", str(few_layers))
    assert (outcome.code, outcome.err) == (0, "")
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert "3 measurements of 2 mappings, repeats weighed once" in outcome.out
    assert "Hong" not in outcome.out
    assert few_layers.name in outcome.out.replace("\n", "").replace(" ", "")


def test_so_they_are_in_json(accelsim, few_layers):
    found = json.loads(accelsim("reproduce", "gemmini", "--layers", str(few_layers), "--format", "json").out)
    assert {"layer", "measured", "simulated", "log_error"} <= found["rows"][0].keys()
    assert found["source"] == str(few_layers)
    assert found["time"].keys() == {
        *("mean_abs_log_error", "median_abs_log_error", "max_abs_log_error"),
        *("bias", "within_10_percent", "rank_correlation"),
    }
    assert set(found["fitted"]["parameters"]) == {"cache.hit_cycles", "cache.miss_cycles"}
    assert found["padded_array_above_measured"] == found["moved"] == []


def test_rows_whose_sums_have_no_room_in_the_accumulators_are_marked(accelsim, few_layers):
    """Eight tiles of 64 channels x 64 x 64 sums of four bytes: twice what the accumulators hold."""
    text = few_layers.read_text(encoding="utf-8")
    head, *lines = [line.split(",") for line in text.splitlines()]
    sizes = {"K": 512, "C": 64, "run_OY": 64, "run_OX": 64, "run_IYX": 64, "OY": 64, "OX": 64}
    sizes |= {"tile_K": 64, "tile_C": 32, "tile_OY": 64, "tile_OX": 64}
    changed = dict(zip(head, lines[0], strict=True)) | {"order_inner_to_outer": "N>FX>FY>OX>OY>K>C", "id": 7}
    changed = {key: str(value) for key, value in (changed | sizes | {head[-1]: ""}).items()}
    rows = [head, list(changed.values()), lines[1]]
    few_layers.write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")
    outcome = accelsim("reproduce", "gemmini", "--layers", str(few_layers))
    assert [line.split()[0] for line in outcome.out.splitlines()[1:3]] == ["7*", lines[1][0]]
    assert "*: simulated with larger accumulators than the machine has" in outcome.out
    found = json.loads(accelsim("reproduce", "gemmini", "--layers", str(few_layers), "--format", "json").out)
    assert [row["enlarged_accumulators_bytes"] for row in found["rows"]] == [8 * 2**20, None]


def test_a_wrong_file_of_layers_is_one_line(accelsim, few_layers):
    few_layers.write_text(few_layers.read_text(encoding="utf-8").replace("conv", "pool"), encoding="utf-8")
    outcome = accelsim("reproduce", "gemmini", "--layers", str(few_layers))
    assert outcome.code == 2
    assert outcome.err.strip().endswith("line 2: kind = 'pool': must be conv or matmul")


def test_layers_are_for_gemmini_alone(accelsim, few_layers):
    assert accelsim("reproduce", "squeezenext", "--layers", str(few_layers)).code == 2


# --- gap9


@pytest.fixture
def simulated_gap9(gap9, monkeypatch):
    """Makes the simulation give what it gave before."""
    return lambda: monkeypatch.setattr("accelsim.validation.gap9.reproduce_gap9", lambda *_: gap9)


def test_the_command_prints_both_and_leaves_with_0(accelsim, simulated_gap9):
    outcome = accelsim("reproduce", "gap9", "--format", "json")
    assert outcome.code == 0
    found = json.loads(outcome.out)
    assert [row["predicted"] for row in found["rows"]] == [False, False, True, True]
    assert found["fitted"]["forms_tried"] == 18
    simulated_gap9()
    assert "predicted" in accelsim("reproduce", "gap9").out


def test_a_figure_that_moves_makes_the_command_leave_with_1(accelsim, simulated_gap9, monkeypatch, tmp_path):
    simulated_gap9()
    pinned = tmp_path / "pinned.csv"
    pinned.write_text("network,cycles\nmlperf_tiny_kws,1\n", encoding="utf-8")
    monkeypatch.setattr("accelsim.validation.gap9.PINNED", pinned)
    outcome = accelsim("reproduce", "gap9")
    assert outcome.code == 1
    assert "mlperf_tiny_kws: takes" in outcome.err
    assert "pinned to 1" in outcome.err
