"""The report page: its values are those of the runs, its file needs nothing else and lets nothing in."""

import json
import re
import sys
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from machines import keeping_machine, machine

from accelsim.errors import AccelsimError
from accelsim.hardware import load_hardware
from accelsim.network.load import load_network
from accelsim.report.pages.html import check_page, in_script, page_html, title
from accelsim.report.pages.values import layer_columns, make_page, run_values, script_values
from accelsim.report.plots.memory import memory_blocks
from accelsim.report.plots.roofline import roofline_points
from accelsim.report.tables.comparison import Case
from accelsim.report.text.table import si
from accelsim.run import run_network

MOST_BYTES = 6_000_000
MACHINES = ("8x8_32k", "16x16_128k")
EVIL = '</script><!--<img src=x onerror="alert(1)">&'


def make(networks, machines, reference, **options):
    """The page of every network on every machine, simulated."""
    cases = [
        Case(name, hardware, run_network(network, machine, **options))
        for hardware, machine in machines.items()
        for name, network in networks.items()
    ]
    return make_page(cases, reference, networks, machines, {"batch": 1, "dataflow": "auto"} | options)


@pytest.fixture(scope="module")
def page():
    networks = {name: load_network(name) for name in ("sqnxt23v5", "squeezenet_v1_1")}
    return make(networks, {name: load_hardware(name) for name in MACHINES}, "sqnxt23v5")


@pytest.fixture(scope="module")
def html(page):
    return page_html(page)


def without_library(html):
    """The page's own text."""
    scripts = re.findall(r"(?s)<script>.*?</script>", html)
    return html.replace(max(scripts, key=len), "")


class Elements(HTMLParser):
    """Every element of a page, as (tag, attributes)."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


# --- values


def test_columns_have_an_entry_for_each_layer_and_the_sums_of_the_run(page):
    for one in page.compared:
        result = one.case.result
        columns = layer_columns(result, page.machines[one.case.hardware])
        assert {len(column) for column in columns.values()} == {len(result.layers)}
        assert columns["name"] == [layer.name for layer in result.layers]
        assert sum(columns["cycles"]) == result.cycles
        assert sum(columns["dram_bytes_read"]) == result.dram_bytes.read
        assert sum(columns["dram_bytes_write"]) == result.dram_bytes.write
        assert sum(columns["energy"]) == pytest.approx(result.energy.total, rel=1e-5)
        assert sum(columns["time_us"]) == pytest.approx(1000 * result.time_ms, rel=1e-5)


def test_components_of_a_layer_add_up_to_its_energy(page):
    result = page.compared[0].case.result
    columns = layer_columns(result, page.machines["8x8_32k"])
    parts = [columns[name] for name in columns if name.startswith("energy_")]
    for place, energy in enumerate(columns["energy"]):
        assert sum(part[place] for part in parts) == pytest.approx(energy, rel=1e-4)


def test_a_component_of_no_energy_has_no_column(a_layer, a_result):
    columns = layer_columns(a_result(a_layer()), machine())
    assert {name for name in columns if name.startswith("energy_")} == {"energy_mac", "energy_dram"}


def test_the_roofline_of_the_page_is_that_of_the_plot(page):
    result, hardware = page.compared[0].case.result, page.machines["8x8_32k"]
    columns = layer_columns(result, hardware)
    drawn = {point.name: point for point in roofline_points(result, hardware)}
    for name, across, up in zip(
        columns["name"], columns["macs_per_byte"], columns["macs_per_cycle"], strict=True
    ):
        assert (across is None) == (up is None) == (name not in drawn)
        if name in drawn:
            assert across == pytest.approx(drawn[name].macs_per_byte, rel=1e-5)
            assert up == pytest.approx(drawn[name].macs_per_cycle, rel=1e-5)


def test_the_time_of_a_run_is_the_time_of_its_bounds(page):
    for run in script_values(page)["runs"]:
        assert sum(run["bound_ms"].values()) == pytest.approx(run["time_ms"], rel=1e-5)
        assert sum(run["energy_by_component"].values()) == pytest.approx(run["energy"], rel=1e-5)


def test_the_values_of_a_layer_known_by_heart(a_layer, a_result):
    run = run_values(Case("net", "machine", a_result(a_layer())), machine())
    assert (run["cycles"], run["time_ms"], run["bound_ms"]) == (400_000, 0.4, {"compute": 0.4})
    assert (run["peak_macs_per_cycle"], run["dram_bytes_per_cycle"]) == (256, 16)
    layer = {name: values[0] for name, values in run["layers"].items()}
    assert (layer["shape"], layer["dataflow"]) == ("64x3x5x5/2 -> 112x112", "weight stationary")
    assert (layer["time_us"], layer["utilization"], layer["compulsory_dram_bytes"]) == (400, 0.588, 720_000)
    assert layer["macs_per_cycle"] == pytest.approx(256 * 0.588)
    assert layer["macs_per_byte"] == pytest.approx(256 * 0.588 * 400_000 / 900_000, rel=1e-5)


def test_runs_are_those_of_the_cases_in_order(page):
    values = script_values(page)
    assert [(run["hardware"], run["network"]) for run in values["runs"]] == [
        (hardware, network) for hardware in MACHINES for network in ("sqnxt23v5", "squeezenet_v1_1")
    ]
    for run in values["runs"]:
        assert set(run["layers"]["bound_by"]) <= values["bounds"].keys()


# --- the file


def test_the_file_is_small_enough_to_send_and_the_same_every_time(page, html):
    assert len(html.encode()) < MOST_BYTES
    assert page_html(page) == html


def test_nothing_is_asked_of_the_network(html):
    own = without_library(html)
    assert len(own) < len(html) - 1_000_000  # the library was found
    for tag, attributes in Elements(own).found:
        for name in {"src", "href", "srcset", "action", "data"} & attributes.keys():
            assert attributes[name].startswith("data:"), (tag, name)
    assert not re.findall(r"(?i)url\(|@import|fetch\(|XMLHttpRequest|https?://", own)
    policy = next(attrs["content"] for _, attrs in Elements(own).found if "http-equiv" in attrs)
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_the_values_in_the_file_are_those_computed(page, html):
    (text,) = re.findall(r'(?s)<script type="application/json" id="values">(.*?)</script>', html)
    assert json.loads(text) == script_values(page)


def test_the_summary_says_what_each_run_costs(page, html):
    for one in page.compared:
        result = one.case.result
        (row,) = (
            row
            for row in re.findall(r"(?s)<tr data-run=.*?</tr>", html)
            if f">{result.network}<" in row and f">{result.hardware}<" in row
        )
        for text in (si(result.time_ms), si(result.energy.total), f"{one.relative_time:.2f}"):
            assert f">{text}<" in row
    assert "relative to sqnxt23v5 on the same machine" in html


def test_every_assumption_of_a_machine_is_told(page, html):
    own = without_library(html)
    cells = re.findall(r'<tr class="assumed"><th scope="row">(.*?)</th><td>.*?</td><td>(.*?)</td>', own)
    pairs = {(key, unescape(reason)) for key, reason in cells}
    for hardware in page.machines.values():
        assert hardware.assumed
        for key, reason in hardware.assumed.items():
            below = {told for told, why in pairs if why == reason}
            assert any(one == key or one.startswith(f"{key}.") for one in below), key


def test_names_from_files_are_text_and_nothing_else(page):
    network = page.networks["sqnxt23v5"]
    description = network.description.model_copy(update={"title": EVIL, "source": EVIL})
    hardware = page.machines["8x8_32k"].model_copy(
        update={"title": EVIL, "source": EVIL, "assumed": {"clock_mhz": EVIL}}
    )
    result = page.compared[0].case.result
    layer = result.layers[0]._replace(name=EVIL, stage=EVIL, shape=EVIL)
    evil = make_page(
        [Case(EVIL, EVIL, replace(result, layers=(layer, *result.layers[1:])))],
        EVIL,
        {EVIL: replace(network, description=description)},
        {EVIL: hardware},
        {"batch": 1, "dataflow": EVIL},
    )
    tame, wild = (Elements(without_library(page_html(one))).found for one in (page, evil))
    assert {tag for tag, _ in wild} == {tag for tag, _ in tame}
    assert not any("onerror" in attributes for _, attributes in wild)
    own = without_library(page_html(evil))
    assert own.count("</script>") == 2
    (text,) = re.findall(r'(?s)id="values">(.*?)</script>', own)
    assert json.loads(text)["runs"][0]["layers"]["name"][0] == EVIL


def test_a_script_cannot_be_ended_from_within():
    assert in_script('{"a":"</SCRIPT>"}') == '{"a":"\\u003c/SCRIPT>"}'
    assert json.loads(in_script(json.dumps([EVIL]))) == [EVIL]
    assert in_script("a<b") == "a<b"


def test_the_title_says_what_is_compared(page):
    assert title(page) == "2 networks on 2 machines"
    networks = {"sqnxt23v5": page.networks["sqnxt23v5"]}
    machines = {"8x8_32k": page.machines["8x8_32k"]}
    alone = make_page([page.compared[0].case], "8x8_32k", networks, machines, {"batch": 1})
    assert title(alone) == "sqnxt23v5 on 8x8_32k"


def test_without_plotly_one_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(AccelsimError, match=r'pip install "accelsim\[report\]"'):
        check_page(tmp_path / "a.html")


def test_a_short_time_is_not_told_as_none(a_layer, a_result, page):
    case = Case("sqnxt23v5", "8x8_32k", a_result(a_layer(cycles=1_924)))
    networks = {"sqnxt23v5": page.networks["sqnxt23v5"]}
    machines = {"8x8_32k": page.machines["8x8_32k"]}
    assert ">0.00192</td>" in page_html(make_page([case], "8x8_32k", networks, machines))


def test_the_page_of_a_machine_that_keeps_tensors_has_its_memory_map():
    network = load_network("squeezenet_v1_1")
    page = make({EVIL: network}, {"npu": keeping_machine(300 * 1024)}, "npu")
    html = without_library(page_html(page))
    (drawing,) = re.findall(r"(?s)<svg.*?</svg>", html)
    memory_map = page.compared[0].case.result.memory_map
    titles = [unescape(words) for words in re.findall(r"<title>(.*?)</title>", drawing)]
    assert len(titles) == len(memory_blocks(memory_map))
    words = re.compile(r"(fire\S+): tensor that is kept, .* KiB at \d+ to \d+, from \1 to fire\S+")
    assert any(map(words.fullmatch, titles))
    assert "stay in sram" in html
    assert EVIL not in html


def test_the_page_of_machines_that_keep_nothing_has_no_memory_map(html):
    assert "<svg" not in without_library(html)
    assert 'id="memory"' not in html
