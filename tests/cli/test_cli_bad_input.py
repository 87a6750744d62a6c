"""What a new user gets wrong: exit code 2, a line for each mistake that says what would be right, no file."""

from pathlib import Path

import pytest

from accelsim import shipped

MACHINE = shipped.find("hardware", "16x16_128k").read_text()


@pytest.fixture
def wrong(accelsim, folder):
    """Runs a network on a machine, with an output asked for; gives back the lines on stderr."""

    def call(network="tiny.yaml", machine="16x16_128k"):
        outcome = accelsim("run", "--net", network, "--hw", machine, "--output", "result.json")
        assert (outcome.code, outcome.out) == (2, "")
        assert not list(folder.glob("*result*"))
        return outcome.err.splitlines()

    return call


def _machine(old, new):
    assert old in MACHINE
    Path("machine.yaml").write_text(MACHINE.replace(old, new))
    return "machine.yaml"


def test_a_misspelt_network_gets_the_nearest_names(wrong):
    (line,) = wrong(network="sqnxt23v6")
    assert line.startswith("sqnxt23v6: no such network, did you mean sqnxt23v5, ")


def test_a_misspelt_machine_gets_the_nearest_names(wrong):
    (line,) = wrong(machine="16x16_128")
    assert line.startswith("16x16_128: no such hardware, did you mean 16x16_128k?")


def test_mistakes_in_network_and_machine_are_reported_together(wrong):
    network, machine = wrong(network="sqnxt", machine="16x16")
    assert network.startswith("sqnxt: ")
    assert machine.startswith("16x16: ")


def test_a_misspelt_key_gets_its_line_and_the_right_key(wrong):
    lines = wrong(machine=_machine("latency_cycles:", "latency_cycle:"))
    (line,) = (line for line in lines if "no such key" in line)
    number = MACHINE[: MACHINE.index("latency_cycles:")].count("\n") + 1
    assert line.startswith(f"machine.yaml:{number}: dram.latency_cycle = 100: ")
    assert "did you mean 'latency_cycles'?" in line


def test_a_file_that_is_not_there(wrong):
    assert wrong(network="absent.yaml") == ["absent.yaml: no such file"]


def test_a_yaml_that_is_a_list(wrong):
    Path("list.yaml").write_text("- conv\n- pool\n")
    assert wrong(network="list.yaml") == ["list.yaml:1: is a list: must be a mapping of keys to values"]


def test_a_tab_in_yaml(wrong):
    Path("tab.yaml").write_text("name: tab\ninput:\n\tchannels: 3\n")
    (line,) = wrong(network="tab.yaml")
    assert line.startswith("tab.yaml:3: is not YAML: a tab cannot indent")


def test_a_directory(wrong):
    Path("folder").mkdir()
    (line,) = wrong(machine="folder")
    assert line.startswith("folder: is a directory: ")


def test_an_empty_file(wrong):
    Path("empty.yaml").write_text("")
    assert wrong(machine="empty.yaml") == ["empty.yaml:1: is empty: must be a mapping of keys to values"]


def test_no_name_at_all(wrong):
    (line,) = wrong(network="")
    assert line.startswith("'': no such network")


def test_a_buffer_of_2_gigabytes(wrong):
    (line,) = wrong(machine=_machine("size_bytes: 131072", "size_bytes: 2147483648"))
    assert "global_buffer.size_bytes = 2147483648: must be a whole number from 1 to 1073741824" in line


def test_an_array_of_no_rows(wrong):
    (line,) = wrong(machine=_machine("rows: 16", "rows: 0"))
    assert "pe_array.rows = 0: must be a whole number from 1 to 4096" in line


def test_a_resolution_too_small_for_the_network(wrong):
    (line,) = wrong(network="sqnxt23v5@resolution=8")
    assert line.startswith(
        "sqnxt23v5@resolution=8: pool1: a kernel of 3 x 3 finds no room in its input of 2 x 2"
    )
    assert line.endswith("9 is the smallest resolution that works")


def test_a_parameter_that_the_network_does_not_have(wrong):
    (line,) = wrong(network="tiny.yaml@depth=3")
    assert "no such parameter" in line
    assert "width" in line


def test_a_value_that_the_parameter_may_not_have(wrong):
    (line,) = wrong(network="tiny.yaml@width=0.3")
    assert "must be 1.0 or 2.0" in line


def test_a_machine_where_a_network_is_expected(wrong):
    lines = wrong(network=str(shipped.find("hardware", "16x16_128k")), machine="16x16_128k")
    assert any("stages: missing" in line for line in lines)


def test_an_option_s_value_that_is_not_among_its_choices_gets_a_sentence_of_its_own(accelsim):
    outcome = accelsim("run", "--net", "tiny.yaml", "--hw", "16x16_128k", "--layers", "many")
    assert (outcome.code, outcome.out) == (2, "")
    assert "Invalid value for '--layers': 'many' is not one of 'all', 'top', 'none'" in outcome.err
