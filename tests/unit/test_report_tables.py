"""The report of a run, on results whose every number is known."""

from dataclasses import replace

import pytest

from accelsim import run_network
from accelsim.network.layer import Layer, Pooling
from accelsim.network.shapes import layer_shape
from accelsim.power import Energy
from accelsim.report.tables.machines import dotted
from accelsim.report.tables.run import run_report
from accelsim.report.tables.sweep import axis_word
from accelsim.report.text.table import Style
from accelsim.report.values.stage_results import cycles_by_bound, stages
from accelsim.search.spec import SweepAxis
from accelsim.traffic import MemoryResult, Traffic


def _line(text, start):
    """The only line that starts like this."""
    (line,) = (line for line in text.splitlines() if line.startswith(start))
    return line


def test_a_layer_has_everything_in_one_line(a_layer, a_result):
    other = a_layer(name="fc", stage="fc", cycles=600_000)
    line = _line(run_report(a_result(a_layer(), other), Style(ascii_only=True)), "conv1 ")
    assert " ".join(line.split()) == "conv1 conv WS 64x3x5x5/2@112 60.2M 400k 40## 59 900k 271M MACs"


def test_a_wide_report_has_buffer_traffic_bounds_and_tiles_too(a_layer, a_result):
    text = run_report(a_result(a_layer()), Style(160, ascii_only=True))
    assert "x bound DRAM inputs outputs x least buffer" in text
    line = _line(text, "conv1 ")
    assert "64x3x5x5/2 -> 112x112" in line
    assert " 1.70 " in line  # 400,000 cycles, at least 235,200
    assert " 1.25 " in line  # 900,000 bytes, at least 720,000
    assert line.endswith("K8 C3 Y16 X48 pixels_outer")


def test_a_wide_report_has_dram_traffic_by_operand(a_layer, a_result):
    memory = MemoryResult(
        {"inputs": 300_000, "weights": 20_000, "outputs": 4_000, "residual": 0},
        {"inputs": 0, "weights": 0, "outputs": 400_000, "residual": 0},
        200e6,
        home_of=("inputs", "weights", "outputs", "residual"),
    )
    buffer = MemoryResult({"inputs": 1, "weights": 1, "outputs": 1, "residual": 1}, {}, 0.0)
    added = MemoryResult({"residual": 9_000}, {}, 1e6, home_of=("residual",))
    layers = [
        a_layer(name="s.a", stage="s", memories={"dram": memory, "sram": buffer}),
        a_layer(name="s.b", stage="s", memories={"dram": added}),
    ]
    alone = run_report(a_result(layers[0]), Style(190, ascii_only=True))
    assert " DRAM inputs weights outputs x least " in alone
    text = run_report(a_result(*layers), Style(190, ascii_only=True))
    head, stage, first, second = text.splitlines()[2:6]
    names = ("inputs", "weights", "outputs", "residual")
    places = [slice(head.index(f" {name} "), head.index(f" {name} ") + len(name) + 1) for name in names]
    shown = [[line[place].strip() for place in places] for line in (stage, first, second)]
    assert shown == [
        ["300k", "20.0k", "404k", "9.00k"],
        ["300k", "20.0k", "404k", "-"],
        ["-", "-", "-", "9.00k"],
    ]
    legend = " ".join(text.split())
    assert "bytes read and written; inputs, weights, outputs, residual: DRAM's by operand. why:" in legend
    assert "by operand" not in " ".join(run_report(a_result(*layers), Style()).split())


@pytest.mark.parametrize("width", [80, 100, 120, 140, 160, 180, 200])
def test_no_line_of_a_report_is_wider_than_its_place(width):
    result = run_network("resnet18", "16x16_128k")
    for layers in ("all", "top", "none", 3):
        assert max(map(len, run_report(result, Style(width), layers).splitlines())) <= width


def test_what_the_vector_unit_runs_has_no_dataflow_and_no_utilization(a_layer, a_result):
    form = Layer("", "max_pool", G=64, K=1, C=1, OY=56, OX=56, FY=3, FX=3, stride_y=2, stride_x=2)
    pool = a_layer(name="pool", operator="max_pool", dataflow="vector", macs=0, form=form)
    assert _line(run_report(a_result(pool), Style(ascii_only=True)), "pool ").split()[1:5] == [
        "maxpool",
        "64x3x3/2@56",
        "-",
        "400k",
    ]


POOLED = Pooling(name="", operator="max_pool", OY=13, OX=13, FY=3, FX=3, stride_y=2, stride_x=2)


@pytest.mark.parametrize(
    ("form", "full", "short"),
    [
        (
            Layer("", "conv", G=512, K=1, C=1, OY=7, OX=7, FY=3, FX=3, stride_y=2, stride_x=2),
            "512x512x3x3/2 g512 -> 7x7",
            "512x3x3/2 dw@7",
        ),
        (
            Layer("", "conv", G=8, K=1, C=1, OY=9, OX=9, FY=3, FX=3, dilation_y=2, dilation_x=2),
            "8x8x3x3 g8 d2 -> 9x9",
            "8x3x3 dw d2@9",
        ),
        (
            Layer("", "conv", G=2, K=128, C=48, OY=27, OX=27, FY=5, FX=5, pooling=POOLED),
            "256x96x5x5 g2 -> 27x27 -> 13x13",
            "256x96x5x5 g2@27@13",
        ),
        (Layer("", "conv", K=8, C=8, OY=7, OX=9, FY=3, FX=3), "8x8x3x3 -> 7x9", "8x8x3x3 -> 7x9"),
    ],
)
def test_shapes_are_short_where_space_is(a_layer, a_result, form, full, short):
    assert f" {short} " in run_report(a_result(a_layer(form=form)), Style())
    assert f" {full} " in run_report(a_result(a_layer(form=form)), Style(160))


def test_the_form_of_a_layer_has_the_shape_that_the_result_says():
    for network in ("mobilenet_v2", "alexnet"):
        layers = run_network(network, "16x16_128k").layers
        assert [str(layer_shape(layer.form)) for layer in layers] == [layer.shape for layer in layers]


def test_a_stage_has_the_sums_of_its_layers(a_layer, a_result):
    layers = [
        a_layer(name="s.a", stage="s", cycles=100_000, utilization=0.1, bound_by="dram"),
        a_layer(name="s.b", stage="s", cycles=300_000, utilization=0.9, bound_by="array_fill"),
    ]
    (stage,) = stages(a_result(*layers))
    assert (stage.cycles, stage.macs, stage.bound_by) == (400_000, 2 * 60_211_200, "array_fill")
    assert stage.utilization == pytest.approx(0.7)
    assert stage.dram_bytes == Traffic(1_000_000, 800_000)
    text = run_report(a_result(*layers), Style(ascii_only=True))
    assert " ".join(_line(text, "s ").split()) == "s 2 layers 120M 400k 100 70 1.80M 542M fill"
    assert _line(text, " a ").split()[-1] == "DRAM"


def test_a_stage_that_takes_no_time_is_not_divided_by_it(a_layer, a_result):
    none = a_layer(name="s.a", stage="s", cycles=0, utilization=0.0)
    (_, stage) = stages(a_result(a_layer(), none))
    assert stage.utilization == 0.0


def test_shares_of_the_time_by_bound_add_up(a_layer, a_result):
    layers = [a_layer(cycles=600, bound_by="dram"), a_layer(cycles=300), a_layer(cycles=100, bound_by="dram")]
    assert cycles_by_bound(layers) == {"dram": 700, "compute": 300}
    text = run_report(a_result(*layers), Style(ascii_only=True))
    assert _line(text, "bound by ") == "bound by       DRAM for 70.0% of the time"
    assert _line(text, " DRAM             700 70.0% #######    the DRAM channel streams")
    assert _line(text, " MACs             300 30.0% ###        the array is busy, mostly multiplying")


@pytest.mark.parametrize("bound", ["compute", "array_fill", "dram", "latency", "vector"])
def test_every_bound_has_its_words_within_80_columns(a_layer, a_result, bound):
    text = run_report(a_result(a_layer(bound_by=bound)), Style())
    assert max(map(len, text.splitlines())) <= 80


def test_totals(a_layer, a_result):
    text = run_report(a_result(a_layer()), Style(ascii_only=True))
    assert "time           0.40 ms, 2.50k frames/s (400,000 cycles at 1000 MHz)" in text
    assert "lower bound    235,200 cycles; the time is 1.70 times that" in text
    assert "utilization    58.8% of the PEs' cycles multiply (60.2M MACs, 4.93k parameters)" in text
    assert "DRAM           500 kB read, 400 kB written" in text
    assert "global buffer  3.00 MB read, 1.00 MB written; at most 116 KiB in use" in text
    assert (
        "energy         271M MAC\n DRAM            200M 73.8% #######\n MACs           71.0M 26.2% ###\n"
        in text
    )


def test_rows_and_descriptors_that_are_left_idle_are_told(a_layer, a_result):
    plain = a_result(a_layer(), a_layer(idle_rows=48), a_layer(idle_rows=32))
    text = run_report(replace(plain, idle_descriptors=7), Style(width=120), "none")
    assert "2 layers left rows of the array idle" in text
    assert "written; 7 descriptors left idle" in text
    assert "idle" not in run_report(a_result(a_layer()), Style(width=120))


def test_joules_stand_beside_the_unit_where_they_are_known(a_layer, a_result):
    result = replace(a_result(a_layer()), energy=Energy(271e6, "MAC", {"mac": 271e6}, joules=2.71e-4))
    assert "energy         271M MAC = 271 uJ" in run_report(result, Style())


def test_a_batch_is_in_the_title(a_layer, a_result):
    result = replace(a_result(a_layer()), batch=8)
    assert run_report(result, Style()).startswith("net on machine, batch of 8\n")


@pytest.mark.parametrize("layers", ["all", "top", "none"])
@pytest.mark.parametrize("width", [80, 100, 132, 200])
def test_a_deep_network_fits_every_width(a_deep_result, width, layers):
    lines = run_report(a_deep_result, Style(width), layers).splitlines()
    assert max(map(len, lines)) <= width


def test_all_has_every_layer_below_its_stage(a_deep_result):
    lines = run_report(a_deep_result, Style()).splitlines()
    table = lines[3 : lines.index("", 3)]
    assert len(table) == 134 + 2  # layers, and stages of more than one
    assert sum(line.startswith(" ") for line in table) == 132
    assert table[2].startswith(" 1.projection")


def test_top_has_the_slowest_and_none_only_stages(a_deep_result):
    top = run_report(a_deep_result, Style(120), "top").splitlines()[3:13]
    assert [line.split()[0] for line in top[:3]] == ["conv1", "fc", "stage1.block22.projection"]
    none = run_report(a_deep_result, Style(), "none").splitlines()[3:8]
    assert [line.split()[0] if line else "" for line in none] == ["conv1", "stage1", "stage2", "fc", ""]


def test_stages_and_title_are_bold_on_a_terminal(a_deep_result):
    bold = [line for line in run_report(a_deep_result, Style(bold=True)).splitlines() if "\x1b" in line]
    assert len(bold) == 4  # title, header, two stages


def test_an_ascii_report_is_ascii(a_deep_result):
    assert run_report(a_deep_result, Style(ascii_only=True)).isascii()


def test_a_dataflow_that_has_no_parameters_is_a_key_of_its_machine_too():
    values = {"pe_array": {"rows": 8, "dataflows": {"no_local_reuse": {}, "row_stationary": {"words": 2}}}}
    assert dict(dotted(values)) == {
        "pe_array.rows": "8",
        "pe_array.dataflows.no_local_reuse": "",
        "pe_array.dataflows.row_stationary.words": "2",
    }


@pytest.mark.parametrize(
    ("key", "header"),
    [
        ("energy.mac.8", "mac.8"),
        ("area.pe_mm2.16", "pe_mm2.16"),
        ("energy.mac", "mac"),
        ("pe_array.rows", "rows"),
    ],
)
def test_the_column_of_an_axis_is_no_number(key, header):
    assert axis_word(SweepAxis("hardware_parameters", key, (1, 2))) == header
