"""Dataflows of other packages: what is kept goes by their code, and what is wrong with one is a line."""

import re
import shutil
import sys

import plug_ins
import pytest
from typer.testing import CliRunner

from accelsim import load_hardware, load_network, run_network
from accelsim.choices import AUTO
from accelsim.cli.app import app
from accelsim.descriptions import vary
from accelsim.errors import PlugInWarning
from accelsim.hardware import dataflow_names, registered
from accelsim.hardware.registry import SHIPPED
from accelsim.mapping.costs import VECTOR
from accelsim.mapping.dataflows.weight_stationary import WEIGHT_STATIONARY
from accelsim.mapping.options import MappingOptions
from accelsim.network.layer import Layer
from accelsim.reuse.cache import Cache
from accelsim.search.evaluate import SearchTask, run_cost
from accelsim.search.explain import explain_network
from accelsim.search.store import TaskKey
from accelsim.search.words import obstacle_words

NETWORK = load_network("squeezenet_v1_1")
LAYER = Layer("layer", "conv", K=8, C=8, OY=4, OX=4, IY=4, IX=4)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """On the path of imports, and as if it had never been there afterwards."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # which goes by whole seconds
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    monkeypatch.undo()
    plug_ins.forget()


def machine():
    return vary(load_hardware("8x8_32k"), **{"pe_array.dataflows": ["slow"]})


def task_key():
    return TaskKey.of(SearchTask(NETWORK, machine()))


def mapping_key(file):
    return Cache(file).layers(machine(), MappingOptions()).mappings.key(LAYER)


CHANGES = (
    {"factor": "FACTOR = 3\n"},
    {"version": "1.1"},
    {"package": "theirs_renamed"},
)
NO_CHANGES = ({}, {"factor": "# twice as slow\nFACTOR = (2)\n"})


def keys_before_and_after(folder, change):
    found = []
    for said in ({}, change):
        for old in folder.glob("*.dist-info"):
            shutil.rmtree(old)
        plug_ins.install(folder, **said)
        key = task_key()
        found.append((key.digest, key.words_digest, mapping_key(folder / "mappings.sqlite")))
    return zip(*found, strict=True)


@pytest.mark.parametrize("change", CHANGES)
def test_the_code_of_a_dataflow_of_another_package_is_in_the_keys_of_results(folder, change):
    assert all(before != after for before, after in keys_before_and_after(folder, change))


@pytest.mark.parametrize("change", NO_CHANGES)
def test_what_is_said_of_that_code_is_not(folder, change):
    assert all(before == after for before, after in keys_before_and_after(folder, change))


def test_a_table_that_the_code_may_read_is_in_the_keys(folder):
    plug_ins.install(folder)
    before = task_key().digest
    (folder / "theirs" / "table.csv").write_text("1, 2\n")
    plug_ins.forget()
    assert task_key().digest != before


def test_a_dataflow_of_another_package_changes_no_key_of_a_machine_without_it(folder, tmp_path):
    shipped = load_hardware("8x8_32k")

    def keys():
        mappings = Cache(tmp_path / "mappings.sqlite").layers(shipped, MappingOptions()).mappings
        return TaskKey.of(SearchTask(NETWORK, shipped)), mappings.key(LAYER)

    before = keys()
    plug_ins.install(folder)
    assert keys() == before


def test_a_file_of_mappings_gives_what_the_code_that_is_there_gives(folder):
    costs = []
    for factor in (1, 3):
        plug_ins.install(folder, factor=f"FACTOR = {factor}\n")
        alone = run_network(NETWORK, machine())
        assert run_network(NETWORK, machine(), cache=Cache(folder / "mappings.sqlite")) == alone
        costs.append(run_cost(SearchTask(NETWORK, machine()), Cache()).cycles)
    assert costs[1] > costs[0]


# --- packages that bring what cannot be used

OFFER = "the package theirs offers the dataflow broken as"
BROKEN = {
    "theirs.slow:NOPE": "module theirs.slow has no attribute NOPE",
    "theirs.slow:SLOW.inner.most": "module theirs.slow has no attribute SLOW.inner.most",
    "theirs.nope:SLOW": "module theirs.nope cannot be imported (ModuleNotFoundError: No module named "
    "'theirs.nope')",
    "theirs.syntax:SLOW": "module theirs.syntax cannot be imported (SyntaxError: invalid syntax (syntax.py, "
    "line 1))",
    "theirs.fails:SLOW": "module theirs.fails cannot be imported (ZeroDivisionError: division by zero)",
    "theirs.leaves:SLOW": "module theirs.leaves cannot be imported (SystemExit: 3)",
    "theirs.slow": "must be an object of a subclass of Dataflow, is ",
    "theirs.slow:Slow": "must be an object of a subclass of Dataflow, is the class Slow",
    "theirs.factor:FACTOR": "must be an object of a subclass of Dataflow, is 2",
    "theirs.slow:SLOW": "its name is 'slow', must be 'broken', as the entry point has it",
    "theirs.others:NO_DESCRIPTION": "its parameters must be a subclass of Description, are ",
    "theirs.others:SILENT": "its class does not say short, title, axes, stationary, parameters",
    ":": "module  cannot be imported (ValueError: Empty module name)",
}
OTHERS = """
from accelsim.mapping.dataflows import Dataflow
from theirs.slow import Slow


class NoDescription(Slow):
    name = "broken"
    parameters = dict


class Silent(Dataflow):
    name = "broken"

    def granularity(self, hardware): ...
    def execute(self, layer, tile, resumes, hardware): ...
    def least_work(self, layer, tile, visits, hardware): ...
    def partial_sums(self, array): ...


NO_DESCRIPTION = NoDescription()
SILENT = Silent()
"""


def install_broken(folder, place):
    plug_ins.install(folder, entries=f"slow = theirs.slow:SLOW\nbroken = {place}")
    for name, source in (
        ("syntax", "def def"),
        ("fails", "1 / 0"),
        ("leaves", "raise SystemExit(3)"),
        ("others", OTHERS),
    ):
        (folder / "theirs" / f"{name}.py").write_text(source)


def machine_file(folder, *dataflows):
    """The least that a machine's file has to say."""
    file = folder / "machine.yaml"
    file.write_text(
        "name: machine\n"
        "pe_array:\n  rows: 8\n  columns: 8\n  dataflows:\n"
        + "".join(f"    {name}: {{}}\n" for name in dataflows)
        + "memories:\n- {name: dram, bandwidth: {bytes_per_cycle: 8}}\n- {name: sram, size_bytes: 65536}\n"
    )
    return file


def accelsim(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("place", BROKEN)
def test_a_dataflow_that_cannot_be_used_is_a_line_that_says_whose_it_is_and_why(folder, place):
    install_broken(folder, place)
    file = machine_file(folder, "slow", "broken")
    for arguments in (["check", file], ["show", file], ["run", "--net", "sqnxt23v5", "--hw", file]):
        answer = accelsim(*arguments)
        assert answer.exit_code == 2, answer.exception
        (line,) = answer.stderr.splitlines()
        assert line.startswith(f"{file}:")
        assert f"pe_array.dataflows.broken = {{}}: {OFFER} {place}: {BROKEN[place]}" in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "hardware"],
        ["run", "--help"],
        ["run", "--net", "squeezenet_v1_1", "--hw", "8x8_32k", "--dataflow", "weight_stationary"],
    ],
)
def test_whoever_does_not_ask_for_it_has_what_there_was_without_it(folder, arguments):
    install_broken(folder, "theirs.fails:SLOW")
    answer = accelsim(*arguments)
    assert (answer.exit_code, answer.stderr) == (0, "")


def test_an_explanation_says_that_it_could_not_be_tried(folder):
    install_broken(folder, "theirs.slow:NOPE")
    found = explain_network("mlperf_tiny_kws", load_hardware("8x8_32k"), layers=0)
    (impossible,) = [remedy for remedy in found.impossible if remedy.name == "broken"]
    assert f"{OFFER} theirs.slow:NOPE: {BROKEN['theirs.slow:NOPE']}" in obstacle_words(impossible)


@pytest.mark.parametrize("name", [AUTO, VECTOR])
def test_names_that_mean_something_else_are_no_dataflows(folder, name):
    plug_ins.install(folder, entries=f"{name} = theirs.slow:SLOW")
    assert name not in dataflow_names()
    answer = accelsim("check", machine_file(folder, name))
    assert answer.exit_code == 2
    assert (
        f"the package theirs offers the dataflow {name} as theirs.slow:SLOW: no dataflow can have this name, "
        "which means something else"
    ) in answer.stderr


def test_two_packages_with_one_name_are_refused_by_name(folder):
    plug_ins.install(folder)
    plug_ins.install(folder, package="theirs_too")
    answer = accelsim("check", machine_file(folder, "slow"))
    assert answer.exit_code == 2
    first, second = re.search(r"the package (\w+) and the package (\w+) all offer", answer.stderr).groups()
    assert {first, second} == {"theirs", "theirs_too"}
    assert "all offer a dataflow slow: only one of them can be installed" in answer.stderr


def test_a_shipped_dataflow_stays_what_it_is_and_a_line_says_so(folder):
    plug_ins.install(folder, entries="weight_stationary = theirs.slow:SLOW")
    file = machine_file(folder, "weight_stationary")
    answer = accelsim("check", file)
    assert answer.exit_code == 0
    assert answer.stderr.splitlines() == [
        "the package theirs offers the dataflow weight_stationary as theirs.slow:SLOW: accelsim's own of "
        "this name is used"
    ]
    assert registered("weight_stationary") is WEIGHT_STATIONARY
    plug_ins.forget()
    with pytest.warns(PlugInWarning, match="accelsim's own of this name is used"):
        assert dataflow_names() == tuple(SHIPPED)


# --- what is walked through to verify a schedule of such a dataflow


VERIFY = ("verify", "--net", "squeezenet_v1_1@resolution=32", "--layers", "fire2.*", "--quiet", "--hw")


def test_a_dataflow_of_another_package_is_verified_by_the_passes_that_it_brings(folder):
    plug_ins.install(folder, passes="slow = theirs.passes:PASSES")
    answer = accelsim(*VERIFY, machine_file(folder, "slow"))
    assert answer.exit_code == 0, answer.output
    assert ": proven" in answer.stdout


def test_passes_that_count_something_else_are_told_from_it(folder):
    plug_ins.install(folder, passes="slow = theirs.wrong:PASSES")
    (folder / "theirs" / "wrong.py").write_text(plug_ins.PASSES.replace("*= FACTOR", "*= FACTOR + 1"))
    answer = accelsim(*VERIFY, machine_file(folder, "slow"))
    assert answer.exit_code == 1
    assert "cycles" in answer.output


PASSES_OFFER = "the package theirs offers passes of the dataflow slow as"


@pytest.mark.parametrize(
    ("passes", "sentence"),
    [
        (
            "",
            "cannot be verified: nobody has written down the passes of the dataflow slow, which a package "
            "brings by the entry point accelsim.passes",
        ),
        (
            "slow = theirs.passes:NOPE",
            f"{PASSES_OFFER} theirs.passes:NOPE: module theirs.passes has no attribute",
        ),
        (
            "slow = theirs.passes:slower",
            f"{PASSES_OFFER} theirs.passes:slower: must be an object of ArrayPasses",
        ),
        (
            "slow = theirs.nope:PASSES",
            f"{PASSES_OFFER} theirs.nope:PASSES: module theirs.nope cannot be imported",
        ),
    ],
)
def test_passes_that_are_not_there_or_cannot_be_used_are_a_line(folder, passes, sentence):
    plug_ins.install(folder, passes=passes)
    answer = accelsim(*VERIFY, machine_file(folder, "slow"))
    assert answer.exit_code == 2, answer.exception
    (line,) = answer.stderr.splitlines()
    assert sentence in line


def test_passes_of_two_packages_are_refused_by_name(folder):
    plug_ins.install(folder, passes="slow = theirs.passes:PASSES")
    plug_ins.install(folder, entries="", passes="slow = theirs.passes:PASSES", package="theirs_too")
    answer = accelsim(*VERIFY, machine_file(folder, "slow"))
    assert answer.exit_code == 2
    assert "all offer passes of the dataflow slow: only one of them can be installed" in answer.stderr
