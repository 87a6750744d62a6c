"""The report page in a browser: it loads in silence, sorts, and says the right numbers under the mouse."""

import pytest

from accelsim.descriptions import vary
from accelsim.hardware import load_hardware
from accelsim.network.load import load_network
from accelsim.report.pages.html import page_html
from accelsim.report.pages.values import make_page
from accelsim.report.tables.comparison import Case
from accelsim.report.text.words import BOUND_NAMES
from accelsim.run import run_network

NETWORKS = ("sqnxt23v5", "squeezenet_v1_1")
MACHINES = ("8x8_32k", "16x16_128k")
WAIT_MS = 20_000
EVIL = "<b onmouseover=alert(1)>&amp;</b>"


@pytest.fixture(scope="module")
def cases():
    networks = {name: load_network(name) for name in NETWORKS}
    machines = {name: load_hardware(name) for name in MACHINES}
    return (
        [Case(n, m, run_network(networks[n], machines[m])) for m in MACHINES for n in NETWORKS],
        networks,
        machines,
    )


@pytest.fixture(scope="module")
def file(cases, tmp_path_factory):
    found, networks, machines = cases
    path = tmp_path_factory.mktemp("page") / "report.html"
    options = {"batch": 1, "dataflow": "auto"}
    path.write_text(page_html(make_page(found, NETWORKS[0], networks, machines, options)), encoding="utf-8")
    return path


@pytest.fixture
def heard():
    """What the browser complained of and asked for while the page was open."""
    return []


@pytest.fixture
def tab(chromium, file, heard):
    """The page, open and drawn."""
    tab = chromium.new_page(viewport={"width": 1400, "height": 1000})
    tab.set_default_timeout(WAIT_MS)
    tab.on("console", lambda message: heard.append(f"console {message.type}: {message.text}"))
    tab.on("pageerror", lambda error: heard.append(f"error: {error}"))
    tab.on("request", lambda request: heard.append(f"request: {request.url}"))
    tab.goto(file.as_uri())
    tab.wait_for_selector("#layer-plots [data-plot=traffic] .bars")
    yield tab
    tab.close()


def column(tab, table, place):
    """The texts of a column, from above."""
    return tab.eval_on_selector_all(
        f"#{table} tbody tr", f"rows => rows.map((row) => row.cells[{place}].textContent)"
    )


def hover(tab, plot, trace_name, text):
    """The lines that appear where the mouse is at the middle of the point whose text contains another."""
    place = tab.evaluate(
        """([selector, name, text]) => {
            const plot = document.querySelector(selector);
            plot.scrollIntoView({block: "center"});
            const box = plot.getBoundingClientRect();
            const isIt = (words) => words.includes(text);
            const found = plot._fullData.find((trace) => trace.name === name && trace.hovertext?.some(isIt));
            const at = found.hovertext.findIndex(isIt);
            const {xaxis, yaxis} = plot._fullLayout;
            const isBar = found.type === "bar";
            const y = isBar ? Math.min(found.y[at], yaxis.range[1]) / 2 : Math.log10(found.y[at]);
            const x = isBar ? found.x[at] : Math.log10(found.x[at]);
            return [box.left + xaxis._offset + xaxis.l2p(x), box.top + yaxis._offset + yaxis.l2p(y)];
        }""",
        [plot, trace_name, text],
    )
    tab.mouse.move(*place)
    tab.wait_for_selector(f"{plot} .hoverlayer .hovertext")
    return tab.eval_on_selector_all(
        f"{plot} .hoverlayer .hovertext tspan.line", "lines => lines.map((line) => line.textContent)"
    )


def test_it_loads_without_a_complaint_or_a_request(tab, file, heard):
    assert heard == [f"request: {file.as_uri()}"]
    assert tab.title() == "2 networks on 2 machines"
    assert tab.locator("#layer-plots .js-plotly-plot").count() == 8


def test_no_button_of_a_plot_sends_it_anywhere(tab):
    buttons = tab.eval_on_selector_all(".modebar-btn", "all => all.map((one) => one.dataset.title)")
    assert set(buttons) <= {
        "Download plot as a PNG",
        "Zoom",
        "Pan",
        "Zoom in",
        "Zoom out",
        "Autoscale",
        "Reset axes",
    }


@pytest.mark.parametrize("width", [1400, 420])
def test_plots_are_as_large_as_the_places_they_have(tab, width):
    tab.set_viewport_size({"width": width, "height": 1000})
    tab.wait_for_function(
        """() => [...document.querySelectorAll(".js-plotly-plot")].every((plot) => {
            const drawn = plot.querySelector(".main-svg").getBoundingClientRect();
            const place = plot.getBoundingClientRect();
            return Math.abs(drawn.width - place.width) < 2 && Math.abs(drawn.height - place.height) < 2;
        })"""
    )
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_layer_has_its_row(tab, cases):
    layers = [layer for case in cases[0][:2] for layer in case.result.layers]
    assert column(tab, "layer-table", 1) == [layer.name for layer in layers]
    assert column(tab, "layer-table", 7) == [f"{layer.cycles:,}" for layer in layers]


def test_a_heading_sorts_one_way_and_the_other(tab, cases):
    layers = [layer for case in cases[0][:2] for layer in case.result.layers]
    cycles = sorted((layer.cycles for layer in layers), reverse=True)
    heading = tab.locator("#layer-table th", has_text="cycles")
    heading.click()
    assert column(tab, "layer-table", 7) == [f"{count:,}" for count in cycles]
    assert heading.get_attribute("aria-sort") == "descending"
    heading.press("Enter")
    assert column(tab, "layer-table", 7) == [f"{count:,}" for count in reversed(cycles)]
    names = tab.locator("#layer-table th", has_text="layer")
    names.click()
    assert column(tab, "layer-table", 1)[0] == "conv1"
    assert heading.get_attribute("aria-sort") is None


def test_what_is_empty_is_sorted_to_the_end(tab):
    heading = tab.locator("#layer-table th", has_text="PE%")
    for _ in range(2):
        heading.click()
        shares = column(tab, "layer-table", 9)
        assert "-" in shares
        assert set(shares[shares.index("-") :]) == {"-"}


def test_the_summary_is_sorted_by_its_numbers_not_their_texts(tab, cases):
    tab.locator("#summary-table th", has_text="time [ms]").click()
    slowest = sorted(cases[0], key=lambda case: -case.result.time_ms)
    assert column(tab, "summary-table", 0) == [case.network for case in slowest]
    assert column(tab, "summary-table", 1) == [case.hardware for case in slowest]


def test_hovering_over_a_bar_says_what_the_layer_is_and_costs(tab, cases):
    result = cases[0][0].result
    layer = max(result.layers, key=lambda layer: layer.cycles)
    bound = BOUND_NAMES[layer.bound_by]
    lines = hover(tab, "[data-plot=time][data-run='0']", bound, f"<b>{layer.name}</b>")
    assert lines[0] == f"{layer.name} ({layer.stage})"
    assert lines[1] == f"{layer.operator} {layer.shape}"
    assert lines[2] == f"dataflow: {layer.dataflow.replace('_', ' ')}"
    assert lines[3].startswith(f"{layer.cycles:,} cycles, ")
    assert lines[3].endswith(f" {100 * layer.cycles / result.cycles:.1f}% of the time")
    assert lines[4].startswith(f"bound by {bound}: ")
    assert lines[5].startswith(f"{layer.macs:,} MACs, {100 * layer.utilization:.1f}% of the PE cycles")
    assert lines[6].startswith(
        f"DRAM: {layer.dram_bytes.read:,} bytes read, {layer.dram_bytes.write:,} written"
    )


def test_hovering_over_the_roofline_names_the_layer_below_it(tab, cases):
    layer = next(layer for layer in cases[0][1].result.layers if layer.name == "conv1")
    lines = hover(tab, "[data-plot=roofline][data-run='1']", BOUND_NAMES[layer.bound_by], "<b>conv1</b>")
    assert lines[0] == "conv1 (conv1)"
    assert lines[-1].endswith("a byte of DRAM traffic")


def test_stages_can_be_left_out(tab, cases):
    result = cases[0][0].result
    tab.locator("#second-run").select_option("")
    tab.locator("#no-stage").click()
    assert column(tab, "layer-table", 1) == []
    tab.locator("#stages input[value=stage3]").check()
    names = [layer.name for layer in result.layers if layer.stage == "stage3"]
    assert column(tab, "layer-table", 1) == names
    bars = tab.evaluate(
        "document.querySelector('[data-plot=energy]').data[0].x.length",
    )
    assert bars == len(names)
    tab.locator("#all-stages").click()
    assert len(column(tab, "layer-table", 1)) == len(result.layers)


def test_a_network_of_the_summary_is_shown_when_it_is_clicked(tab, cases, heard):
    tab.locator("#summary-table button").nth(3).click()
    case = cases[0][3]
    assert column(tab, "layer-table", 0)[0] == f"{case.network} on {case.hardware}"
    assert tab.locator("#first-run").input_value() == "3"
    assert len(heard) == 1


def test_dragging_zooms_in(tab):
    before = tab.evaluate("document.querySelector('[data-plot=time]').layout.xaxis.range")
    area = tab.locator("[data-plot=time][data-run='0'] .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    tab.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 30)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 32, steps=5)
    tab.mouse.up()
    after = tab.evaluate("document.querySelector('[data-plot=time]').layout.xaxis.range")
    assert after[1] - after[0] < 0.5 * (before[1] - before[0])


def test_names_are_text_in_plots_too(chromium, cases, tmp_path):
    found, networks, machines = cases
    case = Case(EVIL, "8x8_32k", found[0].result)
    page = make_page([case], EVIL, {EVIL: networks[NETWORKS[0]]}, {"8x8_32k": machines["8x8_32k"]}, {})
    file = tmp_path / "evil.html"
    file.write_text(page_html(page), encoding="utf-8")
    tab = chromium.new_page()
    tab.goto(file.as_uri())
    tab.wait_for_selector("[data-plot=time] .gtitle")
    assert tab.text_content("[data-plot=time] .gtitle") == f"Time and utilization: {EVIL} on 8x8_32k"
    assert tab.locator("[onmouseover]").count() == 0
    tab.close()


def test_it_prints_without_its_controls_and_no_wider_than_the_page(tab):
    tab.emulate_media(media="print")
    assert tab.locator("#choice").is_hidden()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_energies_of_different_units_have_axes_of_their_own(chromium, cases, tmp_path):
    _found, networks, machines = cases
    free = dict.fromkeys(("mac", "vector_op", "register_file", "inter_pe", "global_buffer", "dram"), 0)
    named = {
        "in MAC": machines["8x8_32k"],
        "in pJ": vary(machines["8x8_32k"], **{"energy.unit": "pJ"}),
        "free": vary(machines["8x8_32k"], **{f"energy.{action}": price for action, price in free.items()}),
    }
    network = networks[NETWORKS[0]]
    runs = [Case(network.name, name, run_network(network, machine)) for name, machine in named.items()]
    file = tmp_path / "units.html"
    page = make_page(runs, network.name, {network.name: network}, named)
    file.write_text(page_html(page), encoding="utf-8")
    tab = chromium.new_page()
    tab.on("pageerror", lambda error: pytest.fail(str(error)))
    tab.goto(file.as_uri())
    tab.wait_for_selector("#layer-plots [data-plot=traffic] .bars")
    titles = tab.locator("#summary-plots .xtitle").all_text_contents()
    assert titles == ["time [ms]", "energy [MAC]", "energy [pJ]"]
    tab.close()
