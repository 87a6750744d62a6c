"""Help, version, and commands that are not there."""

import re

import pytest
import typer

import accelsim as package
from accelsim.cli.app import app


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "compare",
        "explain",
        "report",
        "verify",
        "list",
        "show",
        "check",
        "search path",
        "new",
        "convert",
        "import-energy",
    ],
)
def test_each_command_has_help_with_examples(accelsim, command):
    outcome = accelsim(*command.split(), "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert len(re.findall(rf"^  accelsim {command} ", outcome.out, re.MULTILINE)) >= 2
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_the_help_names_the_commands_and_the_exit_codes(accelsim):
    outcome = accelsim("-h")
    assert outcome.code == 0
    for words in (
        "run ",
        "compare ",
        "explain ",
        "report ",
        "verify ",
        "list ",
        "show ",
        "check ",
        "new ",
        "convert ",
        "import-energy ",
        "130 interrupted",
    ):
        assert words in outcome.out


def test_version(accelsim):
    assert accelsim("--version").out == f"accelsim {package.__version__}\n"


def test_without_a_command_there_is_help(accelsim):
    outcome = accelsim()
    assert "Commands:" in outcome.out + outcome.err


def test_an_unknown_command_is_named(accelsim):
    outcome = accelsim("runn")
    assert (outcome.code, outcome.out) == (2, "")
    assert "'runn'" in outcome.err


def commands(group, name=""):
    """Every command below a group, by its words."""
    for word, command in group.commands.items():
        words = f"{name} {word}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, words)
        else:
            yield words, command


def test_every_output_is_o_for_short():
    outputs = {
        words: param.opts
        for words, command in commands(typer.main.get_command(app))
        for param in command.params
        if "--output" in param.opts
    }
    assert {
        "run",
        "compare",
        "explain",
        "verify",
        "sweep",
        "search depth",
        "plot",
        "convert",
    } <= outputs.keys()
    assert all("-o" in opts for opts in outputs.values()), outputs


def test_a_result_goes_where_o_says(accelsim, folder):
    outcome = accelsim("list", "hardware", "-o", "machines.json")
    assert (outcome.code, outcome.out) == (0, "")
    assert (folder / "machines.json").read_text().startswith("[")
