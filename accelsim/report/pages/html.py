"""How the report page looks: one HTML file that holds its style, its script, its values and plotly.js.

Whatever is not this module's own text is escaped. The Content-Security-Policy forbids every request,
so that it works offline and tells nobody what is in it.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from accelsim.choices import AUTO
from accelsim.errors import AccelsimError, missing_extra
from accelsim.hardware import Hardware
from accelsim.power import FrameDemand
from accelsim.report.pages.elements import element, escape
from accelsim.report.pages.memory import memory_section
from accelsim.report.pages.values import Page, script_values
from accelsim.report.tables.comparison import ComparedCase
from accelsim.report.tables.machines import dotted, peaks
from accelsim.report.text.energies import energy_and_unit, engineering, in_whole_joules
from accelsim.report.text.power import rate_or_none
from accelsim.report.text.table import percent, ratio, si
from accelsim.report.text.words import BOUNDS, SHAPE_LEGEND, bound_name, bound_sentence, off_chip_word
from accelsim.report.values.stage_results import cycles_by_bound
from accelsim.result import RunResult

SUFFIXES: Final = (".html", ".htm")


def check_page(path: Path) -> None:
    """See whether a page of that name can be made; best asked before long work.

    Args:
        path: A name that ends in .html or .htm.

    Raises:
        AccelsimError: It ends in something else, or plotly is missing.

    Example:
        >>> check_page(Path("report.pdf"))
        Traceback (most recent call last):
        accelsim.errors.AccelsimError: report.pdf: must end in .html or .htm
    """
    if path.suffix.lower() not in SUFFIXES:
        raise AccelsimError(f"{path}: must end in {' or '.join(SUFFIXES)}")
    with missing_extra("report", "plotly", "report"):
        import plotly  # noqa: F401, PLC0415  (an extra)


def page_html(page: Page) -> str:
    """A page as one HTML file that works offline.

    Args:
        page: What it shows.

    Returns:
        The file's text; the same page gives the same text.

    Example:
        >>> from accelsim.report.pages import make_page
        >>> from accelsim import load_hardware, load_network, run_network
        >>> from accelsim.report.tables import Case
        >>> network, machine = load_network("alexnet"), load_hardware("8x8_32k")
        >>> cases = [Case("alexnet", "8x8", run_network(network, machine))]
        >>> page = make_page(cases, "8x8", {"alexnet": network}, {"8x8": machine})
        >>> "<title>alexnet on 8x8" in page_html(page)
        True
    """
    from plotly.offline import get_plotlyjs  # noqa: PLC0415  (an extra, and slow to import)

    return Template(_resource("template.html")).substitute(
        title=escape(title(page)),
        style=_resource("style.css"),
        lead=escape(_lead(page)),
        summary=_summary(page),
        relative=escape(_relative(page)),
        legend=_legend(page),
        memory=memory_section([compared.case for compared in page.compared]),
        networks=_networks(page),
        machines="\n".join(_machine(name, machine) for name, machine in page.machines.items()),
        values=in_script(json.dumps(script_values(page), separators=(",", ":"), allow_nan=False)),
        library=in_script(get_plotlyjs()),
        script=_resource("script.js"),
    )


def in_script(text: str) -> str:
    r"""JSON or JavaScript that does not end the script element that it stands in.

    `</script` and `<!--` come in strings only, in which `\u003c` is the same as `<`.
    """
    return re.sub(r"<(?=/script|!--)", r"\\u003c", text, flags=re.IGNORECASE)


def title(page: Page) -> str:
    """`sqnxt23v5 on 16x16_128k`, or how many of which."""
    networks, machines = list(page.networks), list(page.machines)
    first = networks[0] if len(networks) == 1 else f"{len(networks)} networks"
    second = machines[0] if len(machines) == 1 else f"{len(machines)} machines"
    return f"{first} on {second}"


def _resource(name: str) -> str:
    """A file of this folder."""
    return (files("accelsim.report.pages") / name).read_text(encoding="utf-8")


def _lead(page: Page) -> str:
    result = page.compared[0].case.result
    batches = sorted({compared.case.result.batch for compared in page.compared})
    settings = {
        "images at once": " or ".join(map(str, batches)),
        "dataflow": page.options.get("dataflow", AUTO),
    }
    if page.options.get("objective") is not None:
        settings["mappings chosen by"] = page.options["objective"]
    options = ", ".join(f"{name}: {value}" for name, value in settings.items())
    return f"Simulated by accelsim {result.accelsim}; {options}."


def _relative(page: Page) -> str:
    if page.relative_to in page.networks:
        return f"x time and x energy are relative to {page.relative_to} on the same machine."
    return f"x time and x energy are relative to the same network on {page.relative_to}."


# --- the summary


def _summary(page: Page) -> str:
    results = [compared.case.result for compared in page.compared]
    power = any(result.average_power_mw is not None for result in results)
    zeros = any(result.skipped_macs for result in results)
    headers = (
        ("network", "text"),
        ("machine", "text"),
        ("top-1 [%]", "number"),
        ("parameters", "number"),
        ("MACs", "number"),
        ("time [ms]", "number"),
        ("x time", "number"),
        ("energy", "number"),
        ("unit", "text"),
        *((("power", "number"),) if power else ()),
        *((name, "number") for name in _rate_headers(page)),
        ("x energy", "number"),
        ("PE%", "number"),
        *((("zero%", "number"),) if zeros else ()),
        (f"{page.off_chip} [byte]", "number"),
        ("mostly bound by", "text"),
    )
    head = element("tr", *(element("th", escape(name), scope="col", class_=kind) for name, kind in headers))
    rows = (
        element("tr", *_summary_cells(page, index, compared, power, zeros), data_run=index)
        for index, compared in enumerate(page.compared)
    )
    return _table(head, rows, id="summary-table", class_="sortable")


def _summary_cells(page: Page, index: int, compared: ComparedCase, power: bool, zeros: bool) -> Iterator[str]:
    case, result = compared.case, compared.case.result
    network = page.networks[case.network]
    button = element("button", escape(case.network), type="button", data_run=index, title="show its layers")
    yield element("td", button, data_value=case.network)
    yield _text(case.hardware)
    yield _number(network.reported.top1, "{:.1f}".format)
    yield _number(result.params, si)
    yield _number(result.macs, si)
    yield _number(result.time_ms, _milliseconds)
    yield _number(compared.relative_time, ratio)
    energy, unit = energy_and_unit(result)
    yield _number(in_whole_joules(result).energy.total, lambda _: energy)
    yield _text(unit)
    power_mw = result.average_power_mw
    if power:
        yield _number(power_mw, _watts)
    if page.demand is not None:
        yield from _rate_cells(result, page.demand)
    yield _number(compared.relative_energy, ratio)
    yield _number(result.utilization, _share)
    if zeros:
        yield _number(result.skipped_macs / result.macs if result.macs else None, _share)
    yield _number(result.dram_bytes.total, si)
    bound, cycles = next(iter(cycles_by_bound(result.layers).items()))
    yield _text(f"{bound_name(bound, off_chip_word(result.off_chip))} ({percent(cycles / result.cycles)})")


def _rate_headers(page: Page) -> list[str]:
    """Of what images cost at a frame rate, where that is asked for."""
    if page.demand is None:
        return []
    rate = f"at {page.demand.frames_per_second:g}/s"
    battery = page.demand.battery_mwh
    hours = [] if battery is None else [f"{battery:g} mWh last [h]"]
    return [f"image {rate}", f"power {rate}", *hours]


def _rate_cells(result: RunResult, demand: FrameDemand) -> Iterator[str]:
    rate = rate_or_none(result, demand)
    yield _number(None if rate is None else rate.energy_uj, lambda uj: engineering(uj * 1e-6, "J"))
    yield _number(None if rate is None else rate.power_mw, _watts)
    if demand.battery_mwh is not None:
        hours = None if rate is None else demand.battery_hours(rate)
        yield _number(None if hours == math.inf else hours, si)


def _watts(power_mw: float) -> str:
    return engineering(power_mw * 1e-3, "W")


def _text(text: str) -> str:
    return element("td", escape(text), data_value=text)


def _number(value: float | None, form: Callable[[float], str]) -> str:
    if value is None:
        return element("td", "-", class_="number", data_value="")
    return element("td", escape(form(value)), class_="number", data_value=value)


def _share(fraction: float) -> str:
    return f"{100 * fraction:.1f}"


def _milliseconds(time_ms: float) -> str:
    """`217`, `1.23`, and `0.00192` where tables of plain text would have `0.00`."""
    return si(time_ms) if time_ms >= 1 else f"{time_ms:.3g}"


def _table(head: str, rows: Iterable[str], **attributes: object) -> str:
    body = element("tbody", *(f"{row}\n" for row in rows))
    return element("table", element("thead", head), "\n", body, **attributes)


# --- what stands below


def _legend(page: Page) -> str:
    """What bounds layers, of what bounds any of these."""
    off_chip = page.off_chip
    drawn = {layer.bound_by for compared in page.compared for layer in compared.case.result.layers}
    terms = [
        element("dt", escape(bound_name(bound, off_chip)))
        + element("dd", escape(bound_sentence(bound, off_chip)))
        for bound in BOUNDS
        if bound in drawn
    ]
    return element("dl", *terms) + element("p", escape(SHAPE_LEGEND))


def _networks(page: Page) -> str:
    rows = (
        element(
            "tr",
            element("th", escape(name), scope="row"),
            element("td", escape(network.description.title)),
            element("td", escape(network.description.source)),
        )
        for name, network in page.networks.items()
    )
    head = _head("network", "what it is", "described by")
    return _table(head, rows, id="network-table")


def _machine(name: str, machine: Hardware) -> str:
    """Every key of the machine's file with its value, and why it is that where no source says so."""
    values = machine.model_dump(mode="json", exclude={"name", "title", "source", "assumed"})
    rows = (_parameter(key, value, machine.assumed) for key, value in dotted(values))
    head = _head("parameter", "value", "assumed, as no source gives it, because")
    amounts = "; ".join(f"{label}: {text}" for label, text in peaks(machine))
    return element(
        "section",
        element("h3", escape(f"{name}: {machine.title}" if machine.title else name)),
        element("p", escape(f"{amounts}.")),
        element("p", escape(f"Source: {machine.source}")),
        element("div", _table(head, rows), class_="wide"),
    )


def _parameter(key: str, value: str, assumed: Mapping[str, str]) -> str:
    reason = _reason(key, assumed)
    cells = (
        element("th", escape(key), scope="row"),
        element("td", escape(value)),
        element("td", escape(reason)),
    )
    return element("tr", *cells, class_="assumed") if reason else element("tr", *cells)


def _reason(key: str, assumed: Mapping[str, str]) -> str:
    """Why the key, or the nearest of those around it that is explained, is what it is; else nothing."""
    while key and key not in assumed:
        key = key.rpartition(".")[0]
    return assumed.get(key, "")


def _head(*names: str) -> str:
    return element("tr", *(element("th", escape(name), scope="col") for name in names))
