"""docs/networks.md is up to date, and what docs/how-to shows works as it stands."""

import re
import runpy
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from accelsim.cli import main
from accelsim.network import declaration, operators
from accelsim.network.blocks import block_names, block_of, single
from accelsim.network.blocks.block import BLOCKS
from accelsim.network.lowering import channels, rules
from accelsim.network.operators import moves

ROOT = Path(__file__).parents[2]
GUIDES = ("add-a-network", "add-a-block", "add-an-operator")


def test_the_table_of_networks_is_up_to_date():
    script = runpy.run_path(str(ROOT / "scripts" / "networks.py"))
    text = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
    assert text == script["updated"](text), "run `python scripts/networks.py`"


@pytest.fixture
def _nothing_stays():
    """Puts back what a guide adds to the package."""
    for name in block_names():  # a file that is imported only then would be taken for an addition
        block_of(name)
    modules = [vars(module) for module in (operators, moves, channels, rules, single)]
    places = [*modules, declaration.OPERATORS, BLOCKS, rules.RULES]
    before = [dict(place) for place in places]
    yield
    for place, content in zip(places, before, strict=True):
        place.clear()
        place.update(content)


@pytest.mark.usefixtures("_nothing_stays")
@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_works_as_it_stands(guide, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "how-to" / f"{guide}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", text)
    assert {"yaml", "python"} <= {language for language, _ in blocks}
    names = {}
    for language, code in blocks:
        if language == "yaml":
            write(tmp_path / path_of(code), code)
        elif language == "console":
            follow(code, monkeypatch, capsys)
        elif code.startswith("# accelsim/"):
            add(path_of(code), code)
        else:
            exec(compile(code, guide, "exec"), names)


def path_of(code):
    """The path in the comment on the first line."""
    return code.splitlines()[0].removeprefix("# ")


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def add(path, code):
    """Run code at the end of a module of the package, or as a new one."""
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    module = import_module(name) if (ROOT / path).exists() else ModuleType(name)
    exec(compile(code, path, "exec"), vars(module))


def follow(session, monkeypatch, capsys):
    """Run the commands of a console; each line shown below one is among those that it prints."""
    for command, *shown in (part.splitlines() for part in session.split("$ ")[1:]):
        monkeypatch.setattr(sys, "argv", command.split())
        with pytest.raises(SystemExit) as stop:
            main()
        out = capsys.readouterr().out
        assert stop.value.code in {0, None}, command
        assert set(shown) <= set(out.splitlines()), out
