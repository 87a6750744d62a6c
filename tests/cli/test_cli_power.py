"""Joules, milliwatts, battery hours at a frame rate: `--fps` and `--battery-mwh` of all that report runs."""

import json
import re

import pytest

from accelsim import load_hardware, run_network

MACHINE = """\
name: idler
title: Eight rows and columns beside a pool, of known joules, that draws 2 mW at all times
precision: {weights_bits: 8, activations_bits: 8, partial_sums_bits: 32}
clock_mhz: 100
pe_array: {rows: 8, columns: 8, dataflows: {output_stationary: {partial_sums_per_pe: 4}}}
memories:
  - name: dram
    bandwidth: {bytes_per_cycle: 4}
    latency_cycles: 50
    prefetch: 8
    energy: {read: 100, write: 100}
  - {name: sram, size_bytes: 3072, banks: pool, keeps: [activations], energy: {read: 2, write: 2}}
energy: {unit: pJ, word_bits: 8, mac: 0.3, vector_op: 0.1, register_file: 0.1, inter_pe: 0.1}
power: {idle_mw: 2.0}
"""
OF_ONE = ("--net", "tiny.yaml", "--hw", "idler.yaml")
AT_A_RATE = ("--fps", "10", "--battery-mwh", "100")


@pytest.fixture(autouse=True)
def machine(folder):
    """A machine of known joules, and another that is the same but for those."""
    (folder / "idler.yaml").write_text(MACHINE)
    mac = MACHINE.replace("unit: pJ", "unit: MAC").replace("power: {idle_mw: 2.0}\n", "")
    (folder / "relative.yaml").write_text(mac.replace("name: idler", "name: relative"))


@pytest.fixture
def rate(folder):
    """What the tiny network costs at ten images a second."""
    return run_network("tiny.yaml", load_hardware("idler.yaml")).at_frame_rate(10)


def words(text):
    return " ".join(text.split())


# --- run


def test_a_run_says_power_and_hours_at_a_rate(accelsim, rate):
    out = words(accelsim("run", *OF_ONE, *AT_A_RATE).out)
    assert re.search(
        r"power at 10 frames/s: [\d.]+ mW, [\d.]+ uJ an image, computes for [\d.]+% of the time; "
        r"100 mWh last [\d.]+ hours",
        out,
    )
    assert f"{rate.power_mw:.2f} mW" in out
    assert "static power" in out, "a component of the energy"


def test_data_of_a_run_have_the_rate_only_where_it_is_asked_for(accelsim, rate):
    values = json.loads(accelsim("run", *OF_ONE, *AT_A_RATE, "--format", "json").out)
    assert values["at_frame_rate"] == {
        "frames_per_second": 10.0,
        "duty_cycle": rate.duty_cycle,
        "energy_uj": rate.energy_uj,
        "power_mw": rate.power_mw,
        "battery_mwh": 100.0,
        "battery_hours": 100 / rate.power_mw,
    }
    assert values["static_power_mw"] == 2.0
    assert "at_frame_rate" not in json.loads(accelsim("run", *OF_ONE, "--format", "json").out)
    without = json.loads(accelsim("run", *OF_ONE, "--fps", "10", "--format", "json").out)["at_frame_rate"]
    assert "battery_hours" not in without


def test_energy_of_an_image_is_dynamic_energy_and_static_power_until_the_next(rate, folder):
    result = run_network("tiny.yaml", load_hardware("idler.yaml"))
    dynamic_uj = (result.energy.total - result.energy.by_component["static"]) * 1e-6
    assert rate.energy_uj == pytest.approx(dynamic_uj + 2.0 * 100, rel=1e-9)  # 2 mW for 100 ms


@pytest.mark.parametrize("command", ["run", "explain"])
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--fps", "1e6"), "frames_per_second = 1e+06: must be at most "),
        (("--fps", "0"), "--fps: 0 must be a number above 0, at most 1e+09"),
        (("--fps", "1e-400"), "--fps: 1e-400 is too small to be told from 0: must be a number above 0"),
        (("--fps", "0e-400"), "--fps: 0e-400 must be a number above 0, at most 1e+09"),
        (("--fps", "nan"), "--fps: nan must be a number above 0"),
        (("--fps", "often"), "--fps: 'often' must be a number above 0, at most 1e+09"),
        (("--battery-mwh", "5"), "needs --fps, the rate at which the battery is used"),
        (("--fps", "1", "--battery-mwh", "-1"), "-1 must be a number above 0"),
    ],
)
def test_a_rate_that_cannot_be_kept_and_no_numbers_are_refused(accelsim, folder, command, options, sentence):
    outcome = accelsim(command, *OF_ONE, *options, "-o", "out.json")
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in words(outcome.err)
    assert not (folder / "out.json").exists()


def test_a_machine_of_no_known_joules_has_no_power(accelsim):
    outcome = accelsim("run", "--net", "tiny.yaml", "--hw", "relative.yaml", "--fps", "1")
    assert outcome.code == 2
    assert outcome.err.startswith("energy.picojoules_per_unit: no joules are known of a machine that counts")


@pytest.mark.parametrize("command", ["run", "compare", "explain"])
def test_images_that_come_once_in_an_age_take_no_row_of_digits(accelsim, command):
    options = ("--fps", "1e-300", "--battery-mwh", "1e-300")
    out = accelsim(command, *OF_ONE, *options).out
    assert re.search(r"2\.00e\+297 ?J", words(out)), "2 mW for 1e300 seconds"
    assert re.search(r"5e-301", out) or command == "explain", "hours of 1e-300 mWh, at 2 mW"
    assert not re.search(r"\d{10}", out)
    assert max(map(len, out.splitlines())) <= 80


def test_a_rate_at_which_energies_are_no_numbers_is_refused(accelsim):
    outcome = accelsim("run", *OF_ONE, "--fps", "1e-320")
    assert (outcome.code, outcome.out) == (2, "")
    assert "must be more: an image takes more than numbers hold" in outcome.err


# --- compare


def test_comparison_has_energy_of_an_image_power_and_hours(accelsim, rate):
    out = accelsim("compare", *OF_ONE, *AT_A_RATE).out
    head, _, row, *_ = out.splitlines()
    assert head.split()[-3:] == ["J/image", "mW", "hours"]
    assert row.split()[-2:] == [f"{rate.power_mw:.2f}", f"{100 / rate.power_mw:.1f}"]
    assert max(map(len, out.splitlines())) <= 80


def test_what_does_not_keep_the_rate_or_has_no_joules_has_none(accelsim):
    both = ("compare", *OF_ONE, "--hw", "relative.yaml")
    out = accelsim(*both, "--fps", "10").out
    assert "-: the rate is not kept, or no joules are known." in words(out)
    rows = json.loads(accelsim(*both, "--fps", "10", "--format", "json").out)["rows"]
    assert [row["at_frame_rate"] is None for row in rows] == [False, True]
    assert all(
        row["at_frame_rate"] is None
        for row in json.loads(accelsim(*both, "--fps", "1e6", "--format", "json").out)["rows"]
    )


# --- explain


def test_remedies_say_joules_and_power_at_a_rate(accelsim, rate):
    plain, out = accelsim("explain", *OF_ONE).out, accelsim("explain", *OF_ONE, *AT_A_RATE).out
    assert re.search(r"what if +time +energy +J ", plain)
    assert re.search(r"what if +time +energy +J/image +mW ", out)
    assert f"power at 10 frames/s: {rate.power_mw:.2f} mW" in words(out)
    assert max(map(len, [*plain.splitlines(), *out.splitlines()])) <= 80


def test_remedies_are_ranked_by_energy_where_that_is_the_objective(accelsim):
    def remedies(*options):
        values = json.loads(accelsim("explain", *OF_ONE, "--fps", "10", "--format", "json", *options).out)
        return values["remedies"]

    by_energy = [remedy["energy"] for remedy in remedies("--objective", "energy")]
    by_time = [remedy["cycles"] for remedy in remedies()]
    assert by_energy == sorted(by_energy)
    assert by_time == sorted(by_time)
    for remedy in remedies():
        assert remedy["joules"] == pytest.approx(remedy["energy"] * 1e-12)
        assert remedy["at_frame_rate"]["power_mw"] > 2.0


# --- sweep


SWEEP = """\
networks: [tiny.yaml]
hardware: [idler.yaml]
hardware_parameters: {clock_mhz: [50, 100]}
objectives: [uj_per_inference, battery_hours, power_mw, energy_mj]
"""


def test_a_sweep_ranks_by_energy_of_an_image_at_the_rate_of_its_file(accelsim, folder, rate):
    (folder / "s.yaml").write_text(SWEEP + "frames_per_second: 10\nbattery_mwh: 100\n")
    values = json.loads(accelsim("sweep", "s.yaml", "--format", "json").out)
    assert (values["frames_per_second"], values["battery_mwh"]) == (10.0, 100.0)
    (at_100_mhz,) = [entry for entry in values["candidates"] if entry["settings"]["clock_mhz"] == 100]
    figures = at_100_mhz["figures"]
    assert figures["uj_per_inference"] == pytest.approx(rate.energy_uj)
    assert figures["power_mw"] == pytest.approx(rate.power_mw)
    assert figures["battery_hours"] == pytest.approx(100 / rate.power_mw)
    result = run_network("tiny.yaml", load_hardware("idler.yaml"))
    assert figures["energy_mj"] == pytest.approx(result.energy.joules * 1e3)
    table = accelsim("sweep", "s.yaml").out
    assert "uJ/image  hours" in table
    assert "mW, uJ/image, hours: at 10 frames/s, of 100 mWh." in words(table)


def test_options_go_before_the_file_one_by_one(accelsim, folder):
    (folder / "s.yaml").write_text(SWEEP + "frames_per_second: 10\nbattery_mwh: 100\n")
    values = json.loads(accelsim("sweep", "s.yaml", "--fps", "20", "--format", "json").out)
    assert (values["frames_per_second"], values["battery_mwh"]) == (20.0, 100.0)
    values = json.loads(accelsim("sweep", "s.yaml", "--battery-mwh", "7", "--format", "json").out)
    assert (values["frames_per_second"], values["battery_mwh"]) == (10.0, 7.0)


def test_without_a_rate_power_is_that_of_a_machine_that_never_waits(accelsim, folder):
    (folder / "s.yaml").write_text(SWEEP.replace("battery_hours, ", ""))
    outcome = accelsim("sweep", "s.yaml", "--format", "json")
    figures = json.loads(outcome.out)["candidates"][0]["figures"]
    assert figures["power_mw"] == pytest.approx(figures["energy_mj"] / figures["time_ms"] * 1e3)
    assert figures["battery_hours"] is None


def test_candidates_that_do_not_keep_the_rate_are_not_ranked(accelsim, folder):
    result = run_network("tiny.yaml", load_hardware("idler.yaml"))
    rate = result.frames_per_second * 0.9  # which half the clock does not keep
    (folder / "s.yaml").write_text(SWEEP.replace("battery_hours, ", ""))
    values = json.loads(accelsim("sweep", "s.yaml", "--fps", str(rate), "--format", "json").out)
    ranks = {entry["settings"]["clock_mhz"]: entry["rank"] for entry in values["candidates"]}
    assert ranks == {100: 1, 50: None}
    outcome = accelsim("sweep", "s.yaml", "--fps", str(10 * rate))
    assert (outcome.code, outcome.out) == (2, "")
    assert "no candidate keeps the frame rate" in outcome.err


@pytest.mark.parametrize(
    ("old", "new", "options", "sentence"),
    [
        ("", "", ("--fps", "1"), "s.yaml:4: objectives = ["),
        ("", "", ("--fps", "1"), "battery_hours needs frames_per_second and battery_mwh"),
        ("", "battery_mwh: 5\n", (), "s.yaml:5: battery_mwh = 5: needs frames_per_second"),
        ("", "frames_per_second: 0\n", (), "s.yaml:5: frames_per_second = 0: must be"),
        ("idler", "relative", ("--fps", "1", "--battery-mwh", "1"), "which energy_mj needs"),
        ("energy_mj]", "energy_mj]\nconstraints: [power_mw <= 5]", ("--fps", "1e7"), "battery_hours needs"),
    ],
)
def test_what_a_sweep_cannot_judge_by_is_a_line(accelsim, folder, old, new, options, sentence):
    text = SWEEP.replace(old, new) if old else SWEEP + new
    (folder / "s.yaml").write_text(text)
    outcome = accelsim("sweep", "s.yaml", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in outcome.err


def test_a_bound_on_power_at_a_rate_that_none_keeps_says_so(accelsim, folder):
    text = SWEEP.replace("battery_hours, ", "") + "constraints: [power_mw <= 5]\n"
    (folder / "s.yaml").write_text(text)
    outcome = accelsim("sweep", "s.yaml", "--fps", "1e7")
    assert outcome.err.splitlines()[-1] == (
        "power_mw <= 5: excludes all 2 candidates: none of them keeps 1e+07 frames/s"
    )


# --- pictures and pages


def test_a_plot_by_network_has_the_energy_until_the_next_image(accelsim, folder):
    drawn = accelsim("plot", "energy", *OF_ONE, "--by", "network", "--fps", "10", "-o", "e.svg")
    assert (drawn.code, drawn.err) == (0, "wrote e.svg\n")
    by_layer = accelsim("plot", "energy", *OF_ONE, "--fps", "10", "-o", "l.svg")
    assert "layers do not wait for the next image: --by network" in words(by_layer.err)
    layers = accelsim("plot", "layers", *OF_ONE, "--fps", "10", "-o", "l.svg")
    assert "layers has no waiting; energy --by network has" in words(layers.err)
    assert not (folder / "l.svg").exists()


def test_a_page_has_power_at_the_rate_in_its_summary(accelsim, folder, rate):
    pytest.importorskip("plotly")
    accelsim("report", *OF_ONE, "--hw", "relative.yaml", *AT_A_RATE, "-o", "r.html")
    page = (folder / "r.html").read_text()
    for header in ("image at 10/s", "power at 10/s", "100 mWh last [h]"):
        assert f">{header}</th>" in page
    assert f">{rate.power_mw:.2f} mW</td>" in page
