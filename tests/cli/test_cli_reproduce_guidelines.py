"""`accelsim reproduce guidelines`: what departing from each of them costs, beside what it cost the paper."""

import csv
import io
import json

import pytest

from accelsim.errors import MappingError
from accelsim.validation import guidelines
from accelsim.validation.guidelines import load_guidelines


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Of each guideline, the smallest column that the paper ran on ARM; the whole takes minutes."""
    whole = load_guidelines()
    experiments = []
    for experiment in whole.experiments:
        series = experiment.series[-1]
        rows = [row.model_copy(update={"speeds": row.speeds[:1]}) for row in series.rows]
        short = series.model_copy(update={"columns": series.columns[:1], "rows": tuple(rows)})
        experiments.append(experiment.model_copy(update={"series": (short,)}))
    short_one = whole.model_copy(update={"experiments": tuple(experiments)})
    monkeypatch.setattr(guidelines, "load_guidelines", lambda: short_one)


def test_the_table_fits_80_columns_and_says_how_often_a_departure_is_slower(accelsim):
    outcome = accelsim("reproduce", "guidelines", "--hw", "16x16_128k")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "G1  Equal channel width minimizes memory access cost (table 1)" in lines
    (line,) = (line for line in lines if line.startswith("1:12 "))
    assert line.split() == ["1:12", "16x16_128k", "0.52", "DRAM"]
    assert "ARM            3 of 3 departures over 5% slower, 0.72 to 0.90 x the advised" in lines


def test_json_has_verdicts_and_a_row_for_each_setting_size_and_machine(accelsim):
    hardware = ("--hw", "16x16_128k", "--hw", "8x8_32k")
    values = json.loads(accelsim("reproduce", "guidelines", *hardware, "--format", "json").out)
    assert values.keys() >= {"accelsim", "source", "verdicts", "rows", "slower_by_more_than"}
    assert len(values["rows"]) == 2 * (4 + 4 + 5 + 4)
    assert [verdict["where"] for verdict in values["verdicts"][:3]] == ["16x16_128k", "8x8_32k", "ARM"]
    row = values["rows"][0]
    assert row["network"] == "guidelines/channel_width@c1=32,c2=32"
    assert row["relative_speed"] == row["published_relative_speed"] == row["relative_energy"] == 1
    assert row.keys() >= {"images_per_second", "cycles", "utilization", "energy", "dram_bytes", "bound_by"}


def test_a_row_of_csv_names_the_network_that_it_is_of(accelsim):
    out = accelsim("reproduce", "guidelines", "--hw", "16x16_128k", "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(out)))
    cell = next(row for row in rows if row["setting"] == "1:12")
    run = json.loads(accelsim("run", "--net", cell["network"], "--hw", "16x16_128k", "--format", "json").out)
    assert run["cycles"] == int(cell["cycles"])


def test_a_machine_that_is_not_there_is_said_before_the_work(accelsim, monkeypatch):
    monkeypatch.setattr(guidelines, "cells_of", None)
    outcome = accelsim("reproduce", "guidelines", "--hw", "nowhere.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert "nowhere.yaml: no such file" in outcome.err


def test_squeezenext_has_machines_of_its_own(accelsim):
    outcome = accelsim("reproduce", "squeezenext", "--hw", "8x8_32k")
    assert (outcome.code, outcome.out) == (2, "")
    assert "squeezenext has machines of its own" in outcome.err


def test_a_network_that_cannot_be_mapped_stops_with_the_mapping_s_own_sentence(accelsim, monkeypatch):
    sentence = "blocks.block1.conv1 on 8x8_32k: no tile fits"
    monkeypatch.setattr(
        guidelines, "in_parallel", lambda how, trials, step: [MappingError(sentence)] * len(trials)
    )
    outcome = accelsim("reproduce", "guidelines", "--hw", "8x8_32k")
    assert (outcome.code, outcome.out, outcome.err) == (2, "", f"{sentence}\n")
