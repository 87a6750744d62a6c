"""Dataflows of other packages: what is kept goes by their code, and what is wrong with one is a line."""

import shutil
import sys

import plug_ins
import pytest

from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import vary
from accelsim.mapping.options import MappingOptions
from accelsim.memory import Memory
from accelsim.network.layer import Layer
from accelsim.search.evaluate import Task, run_cost
from accelsim.search.store import TaskKey

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
    return TaskKey.of(Task(NETWORK, machine()))


def mapping_key(file):
    return Memory(file).layers(machine(), MappingOptions()).mappings.key(LAYER)


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
        mappings = Memory(tmp_path / "mappings.sqlite").layers(shipped, MappingOptions()).mappings
        return TaskKey.of(Task(NETWORK, shipped)), mappings.key(LAYER)

    before = keys()
    plug_ins.install(folder)
    assert keys() == before


def test_a_file_of_mappings_gives_what_the_code_that_is_there_gives(folder):
    costs = []
    for factor in (1, 3):
        plug_ins.install(folder, factor=f"FACTOR = {factor}\n")
        alone = run_network(NETWORK, machine())
        assert run_network(NETWORK, machine(), memory=Memory(folder / "mappings.sqlite")) == alone
        costs.append(run_cost(Task(NETWORK, machine()), Memory()).cycles)
    assert costs[1] > costs[0]
