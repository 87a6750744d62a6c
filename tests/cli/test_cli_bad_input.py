"""What a new user gets wrong: exit code 2, a line for each mistake that says what would be right, no file."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from accelsim.cli.app import app
from accelsim.descriptions import shipped

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
    assert line.startswith(f"machine.yaml:{number}: memories.0.latency_cycle = 100: ")
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
    assert "memories.1.size_bytes = 2147483648: must be a whole number from 1 to 1073741824" in line


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
    (line,) = wrong(network=_machine("16x16_128k", "other"))
    assert line == "machine.yaml: is a machine, not a network: --hw takes it"


def test_an_option_s_value_that_is_not_among_its_choices_gets_a_sentence_of_its_own(accelsim):
    outcome = accelsim("run", "--net", "tiny.yaml", "--hw", "16x16_128k", "--layers", "many")
    assert (outcome.code, outcome.out) == (2, "")
    sentence = "'many' must be one of all, top, none, or a number of layers such as 3"
    assert outcome.err == f"--layers: {sentence}\n"


# --- a file of another kind


SWEEP = "networks: [tiny.yaml]\nhardware: [8x8_32k]\nobjectives: [time_ms, energy]\n"
OVERLAY = "precision: {weights_bits: 8}\n"


@pytest.fixture
def files(folder):
    """One of each kind."""
    (folder / "machine.yaml").write_text(MACHINE)
    (folder / "sweep.yaml").write_text(SWEEP)
    (folder / "overlay.yaml").write_text(OVERLAY)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("run", "--net", "machine.yaml", "--hw", "8x8_32k"),
            "machine.yaml: is a machine, not a network: --hw takes it",
        ),
        (
            ("run", "--net", "tiny.yaml", "--hw", "tiny.yaml"),
            "tiny.yaml: is a network, not a machine: --net takes it",
        ),
        (
            ("run", "--net", "overlay.yaml", "--hw", "8x8_32k"),
            "overlay.yaml: is an overlay, not a network: --overlay takes it, beside a network",
        ),
        (
            ("run", "--net", "tiny.yaml", "--hw", "sweep.yaml"),
            "sweep.yaml: is a sweep, not a machine: `accelsim sweep` takes it",
        ),
        (
            ("run", "--net", "tiny.yaml", "--hw", "8x8_32k", "--overlay", "machine.yaml"),
            "machine.yaml: is a machine, not an overlay: --hw takes it",
        ),
        (("sweep", "tiny.yaml"), "tiny.yaml: is a network, not a sweep: --net takes it"),
        (("show", "sweep.yaml"), "sweep.yaml: is a sweep: `accelsim sweep` runs it"),
    ],
    ids=" ".join,
)
def test_a_file_of_another_kind_is_one_line_and_not_one_for_each_key(accelsim, files, arguments, line):
    outcome = accelsim(*arguments)
    assert (outcome.code, outcome.out, outcome.err.splitlines()) == (2, "", [line])


def test_a_slip_in_the_keys_of_a_network_does_not_make_it_another_kind(accelsim, folder):
    text = (
        (folder / "tiny.yaml").read_text().replace("parameters:", "precision: {weights_bits: 8}\ndataflow:")
    )
    (folder / "slip.yaml").write_text(text)
    outcome = accelsim("run", "--net", "slip.yaml", "--hw", "8x8_32k")
    assert outcome.code == 2
    assert outcome.err.startswith("slip.yaml:6: dataflow = {")
    assert ": no such key: allowed are name, title, source, input, batch, parameters, " in outcome.err


# --- numbers and names of any length


LONG = "a" * 300


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("show", LONG), f"{'a' * 97}...: no such network or machine: "),
        (("run", "--net", LONG, "--hw", "8x8_32k"), f"{'a' * 97}...: no such network: "),
        (("run", "--net", "tiny.yaml", "--hw", LONG), f"{'a' * 97}...: no such hardware: "),
        (("run", "--net", f"{LONG}@width=1", "--hw", "8x8_32k"), f"{'a' * 97}...: no such network: "),
        (("run", "--net", f"tiny.yaml@{LONG}", "--hw", "8x8_32k"), "tiny.yaml@aaaa"),
        (
            ("run", "--net", f"tiny.yaml@width={'9' * 5000}", "--hw", "8x8_32k"),
            "tiny: width = Infinity: must be 1.0 or 2.0",
        ),
        (
            ("run", "--net", f"tiny.yaml@resolution={'9' * 5000}", "--hw", "8x8_32k"),
            f"tiny: resolution = '{'9' * 57}...': must be a whole number from 1 to 8192",
        ),
        (("check", f"{LONG}.yaml"), f"{LONG}.yaml: cannot be read: "),
    ],
    ids=lambda argument: argument[0],
)
def test_names_and_numbers_of_any_length_are_one_line(accelsim, arguments, line):
    outcome = accelsim(*arguments)
    (found,) = outcome.err.splitlines()
    assert (outcome.code, outcome.out) == (2, "")
    assert found.startswith(line)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--net", "tiny.yaml", "--hw", "8x8_32k", "--batch", "100000000000"),
        ("run", "--net", "tiny.yaml", "--hw", "8x8_32k", "--batch", "9" * 5000),
        ("sweep", "sweep.yaml", "--seed", "4294967296"),
        ("sweep", "sweep.yaml", "--samples", "10000001"),
        ("sweep", "sweep.yaml", "--workers", "1025"),
        ("search", "depth", "--net", "sqnxt23", "--hw", "8x8_32k", "--max-params", "9" * 400),
        ("search", "depth", "--net", "sqnxt23", "--hw", "8x8_32k", "--max-macs", "1e19"),
        ("search", "depth", "--net", "sqnxt23", "--hw", "8x8_32k", "--total-blocks", "5001"),
        ("search", "depth", "--net", "sqnxt23", "--hw", "8x8_32k", "--fix", f"stage1={'9' * 5000}"),
        ("search", "path", "--net", "sqnxt23", "--hw", "8x8_32k", "--steps", "10001"),
    ],
    ids=lambda arguments: arguments[-2],
)
def test_numbers_of_options_have_bounds(accelsim, files, arguments):
    outcome = accelsim(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith(f"{arguments[-2]}: ")
    assert " must be " in outcome.err


def commands():
    """Each command with its parameters, those of groups too."""
    root = get_command(app)
    for name in root.commands:
        command = root.commands[name]
        inner = getattr(command, "commands", None)
        if inner is None:
            yield (name,), command
        else:
            yield from (((name, key), inner[key]) for key in inner)


def bounds(parameter):
    """What a number may be by the option's help; nothing of what is no number within bounds."""
    found = re.search(r"From (\d+) to (\d+)\.$", parameter.help or "") if hasattr(parameter, "help") else None
    return None if found is None else (int(found[1]), int(found[2]))


RANGED = [
    (words, max(parameter.opts, key=len), *bounds(parameter))
    for words, command in commands()
    for parameter in command.params
    if bounds(parameter)
]


def test_the_options_of_numbers_are_known():
    assert {option for _, option, _, _ in RANGED} == {
        "--batch",
        "--cascade-layers",
        "--min-blocks",
        "--min-resolution",
        "--samples",
        "--seed",
        "--steps",
        "--top",
        "--total-blocks",
        "--workers",
    }


@pytest.mark.parametrize(("words", "option", "least", "most"), RANGED)
def test_a_number_out_of_its_range_is_one_line_in_every_command(accelsim, words, option, least, most):
    sentence = f"must be a whole number from {least} to {most}"
    for given in (least - 1, most + 1, "many", "1.5", "", "9" * 5000, "\u0663"):
        outcome = accelsim(*words, option, str(given))
        assert (outcome.code, outcome.out) == (2, ""), given
        (line,) = outcome.err.splitlines()
        assert line.startswith(f"{option}: ")
        assert line.endswith(f" {sentence}")
        assert len(line) < 170
        assert str(given)[:10] in line


def test_no_number_is_left_to_typer(accelsim):
    for words, _ in commands():
        assert not re.search(r"INTEGER|FLOAT|<int|<float|x<=", accelsim(*words, "--help").out), words


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("run", "--engine", "slow"), "--engine: 'slow' must be one of 'fast', 'events'"),
        (("plot", "bars"), "kind: 'bars' must be one of 'layers', 'roofline', 'energy', "),
    ],
)
def test_a_word_that_is_none_of_a_few_is_one_line(accelsim, arguments, line):
    outcome = accelsim(*arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert outcome.err.startswith(line)
