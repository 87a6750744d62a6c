"""Imports point one way (docs/architecture.md): who may import whom, read from the syntax trees."""

import ast
import subprocess
import sys
from pathlib import Path

import networkx
import pytest
from pages import page, rows, section

PACKAGE = Path(__file__).parents[2] / "accelsim"
DIRECT = {
    "errors": (),
    "choices": (),
    "columns": (),
    "door": (),
    "held_against": (),
    "memory_map": (),
    "patience": (),
    "traffic": (),
    "version": (),
    "descriptions": ("errors", "door"),
    "templates": ("errors",),
    "importers": ("errors", "door"),
    "hardware": ("descriptions", "choices", "columns"),
    "energy": ("hardware",),
    "network": ("descriptions", "importers", "columns"),
    "exporters": ("network",),
    "mapping": ("network", "energy", "memory_map"),
    "simulation": ("mapping",),
    "power": ("descriptions",),
    "result": ("network", "held_against", "memory_map", "power", "traffic"),
    "reuse": ("simulation", "result", "version"),
    "planning": ("reuse",),
    "pricing": ("planning",),
    "run": ("pricing",),
    "execution": ("reuse", "patience"),
    "verification": ("run",),
    "validation": ("run", "execution"),
    "search": ("run", "execution"),
    "report": ("search", "validation", "verification"),
    "cli": ("report", "templates", "exporters"),
    "__main__": ("cli",),
}
"""Of each room: the rooms it stands on. It may import those, and whatever they may."""
OF_THE_REPORT = {
    "values": (),
    "text": ("values",),
    "files": ("text",),
    "tables": ("text",),
    "labels": ("text",),
    "plots": ("labels", "files", "tables"),
    "pages": ("plots",),
}
"""The same of the rooms within the report."""
OUTSIDE = {
    "typer": ("cli",),
    "simpy": ("simulation",),
    "matplotlib": ("report",),
    "plotly": ("report",),
    "ruamel": ("descriptions",),
    "onnx": ("importers",),
    "google": ("importers",),
    "torch": ("importers", "network"),
    "tflite": ("importers",),
    "flatbuffers": ("importers",),
    "distributed": ("execution",),
    "optuna": ("search",),
}
"""Packages that are the business of one room."""
VALUES_OF_MAPPING = {
    "accelsim.mapping.loop_order",
    "accelsim.mapping.mapping",
    "accelsim.mapping.regions",
    "accelsim.mapping.schedule",
    "accelsim.mapping.stripes",
    "accelsim.mapping.tile",
    "accelsim.mapping.together",
}
"""What a schedule is, without how it was found."""
SLOW = {
    "networkx",
    "matplotlib",
    "plotly",
    "pandas",
    "simpy",
    "rich",
    "typer",
    "IPython",
    "onnx",
    "torch",
    "tflite",
    "flatbuffers",
    "distributed",
    "dask",
    "optuna",
}
"""Packages that a plain run has no use for."""
PRINTING_OR_EXITING = {"print", "exit", "quit", "sys.exit", "sys.stdout.write", "sys.stderr.write"}


def allowed(room, direct=DIRECT):
    """Every room that a room may import, itself included."""
    return {room}.union(*(allowed(below, direct) for below in direct[room]))


def room_of(module):
    """`mapping` for `accelsim.mapping.search`; nothing for accelsim itself, which is a list of names."""
    return module.split(".")[1] if "." in module else ""


def modules():
    """(name, syntax tree) of every module but the package's own, which imports names when they are used."""
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name != "accelsim":
            yield name, ast.parse(file.read_text(encoding="utf-8"))


def imported(tree):
    """(module, names) of every import of a module, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            names = tuple(alias.name for alias in node.names)
            if node.module == "accelsim":
                yield from ((f"accelsim.{name}", ()) for name in names if name in DIRECT)
            else:
                yield node.module, names


MODULES = dict(modules())


def test_every_room_has_its_place_and_its_line_on_the_page():
    rooms = {room_of(name) for name in MODULES}
    assert rooms <= DIRECT.keys()
    table = rows(section(page("architecture.md"), "## Rooms"))
    listed = {cells[0].strip("`/").removesuffix(".py") for cells in table}
    assert listed == rooms - {"__main__"}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_what_its_room_stands_on(name):
    rooms = {room_of(module) for module, _ in imported(MODULES[name]) if module.startswith("accelsim.")}
    assert rooms <= allowed(room_of(name))


@pytest.mark.parametrize("part", OF_THE_REPORT)
def test_the_rooms_of_the_report_stand_on_each_other_one_way(part):
    used = {
        module.split(".")[2]
        for name in MODULES
        if name.startswith(f"accelsim.report.{part}.")
        for module, _ in imported(MODULES[name])
        if module.startswith("accelsim.report.")
    }
    assert used <= allowed(part, OF_THE_REPORT)


def test_the_report_has_nothing_but_rooms():
    assert {path.name for path in (PACKAGE / "report").iterdir() if path.name != "__pycache__"} == {
        "__init__.py",
        *OF_THE_REPORT,
    }


def files_imported(name):
    """Modules of accelsim that a module imports, wherever the import stands."""
    for module, names in imported(MODULES[name]):
        if module.partition(".")[0] == "accelsim":
            parts = [f"{module}.{part}" for part in names if f"{module}.{part}" in MODULES]
            yield from parts or [module]


def test_no_files_import_each_other_in_a_circle():
    graph = networkx.DiGraph()
    graph.add_edges_from((name, other) for name in MODULES for other in files_imported(name))
    circles = [sorted(files) for files in networkx.strongly_connected_components(graph) if len(files) > 1]
    assert circles == []


def test_network_and_machine_do_not_know_each_other():
    assert "hardware" not in allowed("network")
    assert "network" not in allowed("hardware")


@pytest.mark.parametrize("package", OUTSIDE)
def test_a_package_is_imported_only_where_it_is_the_business(package):
    users = {
        room_of(name)
        for name, tree in MODULES.items()
        if package in {module.partition(".")[0] for module, _ in imported(tree)}
    }
    assert users <= set(OUTSIDE[package])


def test_only_plots_import_matplotlib():
    for name, tree in MODULES.items():
        if "matplotlib" in {module.partition(".")[0] for module, _ in imported(tree)}:
            assert name.startswith(("accelsim.report.plots.", "accelsim.report.labels.")), name


def test_a_simulation_knows_counts_but_no_prices():
    for name, tree in MODULES.items():
        if room_of(name) == "simulation":
            assert not {"accelsim.energy", "accelsim.hardware.prices"} & {
                module for module, _ in imported(tree)
            }


def test_what_verifies_a_schedule_uses_none_of_the_formulas_that_made_it():
    for name, tree in MODULES.items():
        if room_of(name) == "verification":
            of_mapping = {module for module, _ in imported(tree) if module.startswith("accelsim.mapping")}
            assert of_mapping <= VALUES_OF_MAPPING, name


def test_only_the_command_line_prints_and_exits():
    for name, tree in MODULES.items():
        if room_of(name) not in {"cli", "__main__"}:
            calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
            assert calls.isdisjoint(PRINTING_OR_EXITING), name


def test_a_plain_run_imports_nothing_that_is_slow_and_not_needed():
    code = (
        "import sys, accelsim as a;"
        "a.run_network(a.load_network('sqnxt23v5'), a.load_hardware('16x16_128k'));"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert SLOW.isdisjoint(done.stdout.split())
