"""Each mistake in a YAML file is one line: file, line, key, value and what is allowed."""

import pickle
import time
from typing import Literal

import numpy as np
import pytest
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from accelsim.descriptions import Description, Mistake, dump, parse_text, read, unknown, vary
from accelsim.errors import Complaint, DescriptionError


class Array(Description):
    rows: PositiveInt
    columns: PositiveInt
    dataflows: tuple[Literal["weight_stationary", "output_stationary"], ...] = Field(min_length=1)


class Machine(Description):
    name: str = Field(min_length=1)
    pe_array: Array
    density: float = Field(default=0.6, ge=0, le=1)
    bandwidth: PositiveFloat = 16.0
    energy: dict[str, NonNegativeFloat] = Field(default_factory=dict)
    zero_skipping: bool = False
    pads: tuple[PositiveInt, PositiveInt] | PositiveInt | None = None

    @model_validator(mode="after")
    def _square(self):
        if self.pe_array.rows > 2 * self.pe_array.columns:
            raise ValueError("an array of this machine is at most twice as high as it is wide")
        return self


GOOD = """\
# A machine for tests
name: test
pe_array:
  rows: 16
  columns: 0x10
  dataflows:
    - weight_stationary
    - output_stationary
bandwidth: 16
energy: {mac: 1, dram: 200.0}
"""


def load(tmp_path, text):
    path = tmp_path / "m.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, Machine)


def mistakes(tmp_path, text):
    with pytest.raises(DescriptionError) as error:
        load(tmp_path, text)
    assert "\n".join(error.value.lines) == str(error.value)
    return [line.removeprefix(f"{tmp_path}/") for line in error.value.lines]


def test_a_good_file_becomes_a_frozen_value(tmp_path):
    machine = load(tmp_path, GOOD)
    assert machine.pe_array.columns == 16
    assert machine.bandwidth == 16.0
    assert machine.pe_array.dataflows == ("weight_stationary", "output_stationary")
    with pytest.raises(ValueError, match="frozen"):
        machine.name = "other"


@pytest.mark.parametrize("value", ["0", "-1", "16.0", '"16"', "true", "null", "[16]", "sixteen", "1e2"])
def test_a_whole_number_is_nothing_else(tmp_path, value):
    (line,) = mistakes(tmp_path, GOOD.replace("rows: 16", f"rows: {value}"))
    assert line.startswith("m.yaml:4: pe_array.rows = ")
    assert line.endswith(": must be a whole number of at least 1")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "bandwidth:",
            "bandwith:",
            "m.yaml:9: bandwith = 16: no such key, did you mean 'bandwidth'? allowed are "
            "name, pe_array, density, bandwidth, energy, zero_skipping, pads",
        ),
        (
            "  rows: 16",
            "  rows: 16\n  pes: 3",
            "m.yaml:5: pe_array.pes = 3: no such key: allowed are rows, columns, dataflows",
        ),
        ("  rows: 16\n", "", "m.yaml:3: pe_array.rows: missing, must be a whole number of at least 1"),
        ("name: test\n", "", "m.yaml:2: name: missing, must be text, not empty"),
        ("name: test", "name:", "m.yaml:2: name = null: must be text, not empty"),
        ("name: test", "name: ''", "m.yaml:2: name = '': must be text, not empty"),
        ("name: test", "name: test\nname: two", "m.yaml:3: name: repeated key, first on line 2"),
        (
            "    - output_stationary",
            "    - output_stationery",
            "m.yaml:8: pe_array.dataflows.1 = 'output_stationery': "
            "must be 'weight_stationary' or 'output_stationary'",
        ),
        (
            "bandwidth: 16",
            "density: 1.5",
            "m.yaml:9: density = 1.5: must be a number from 0 to 1",
        ),
        ("bandwidth: 16", "bandwidth: 0", "m.yaml:9: bandwidth = 0: must be a number greater than 0"),
        ("bandwidth: 16", "bandwidth: .inf", "m.yaml:9: bandwidth = Infinity: must be a finite number"),
        ("bandwidth: 16", "bandwidth: .nan", "m.yaml:9: bandwidth = NaN: must be a finite number"),
        (
            "bandwidth: 16",
            "zero_skipping: 1",
            "m.yaml:9: zero_skipping = 1: must be true or false",
        ),
        (
            "bandwidth: 16",
            "pads: [1, 2, 3]",
            "m.yaml:9: pads = [1, 2, 3]: must be a list of 2 values (each a whole number of at least 1) "
            "or a whole number of at least 1",
        ),
        ("bandwidth: 16", "pads: [1, 0]", "m.yaml:9: pads.1 = 0: must be a whole number of at least 1"),
        ("200.0", "-3", "m.yaml:10: energy.dram = -3: must be a number of at least 0"),
        (
            "columns: 0x10",
            "columns: 7",
            "m.yaml:2: an array of this machine is at most twice as high as it is wide",
        ),
        (
            "bandwidth: 16",
            "bandwidth: !!python/name:os.system 16",
            "m.yaml:9: bandwidth = '16': cannot be read as python/name:os.system: must be a plain value",
        ),
        ("bandwidth: 16", "[1, 2]: 16", "m.yaml:9: a key must be a word"),
        (
            GOOD[GOOD.index("pe_array:") : GOOD.index("bandwidth:")],
            "pe_array: 3\n",
            "m.yaml:3: pe_array = 3: must be a mapping with the keys rows, columns, dataflows",
        ),
    ],
)
def test_one_mistake_is_one_line_that_says_what_is_allowed(tmp_path, old, new, line):
    assert old in GOOD
    assert mistakes(tmp_path, GOOD.replace(old, new))[0] == line


def test_all_mistakes_are_reported_together_in_the_order_of_the_file(tmp_path):
    text = "name: 3\npe_array:\n  rows: 0\n  rows: 4\n  colums: 2\nbandwidth: a\n"
    assert mistakes(tmp_path, text) == [
        "m.yaml:1: name = 3: must be text, not empty",
        "m.yaml:2: pe_array.columns: missing, must be a whole number of at least 1",
        "m.yaml:2: pe_array.dataflows: missing, must be a list that is not empty "
        "(each 'weight_stationary' or 'output_stationary')",
        "m.yaml:3: pe_array.rows = 0: must be a whole number of at least 1",
        "m.yaml:4: pe_array.rows: repeated key, first on line 3",
        "m.yaml:5: pe_array.colums = 2: no such key, did you mean 'columns'? "
        "allowed are rows, columns, dataflows",
        "m.yaml:6: bandwidth = 'a': must be a number greater than 0",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "m.yaml:1: is empty: must be a mapping of keys to values"),
        ("# only a comment\n", "m.yaml:1: is empty: must be a mapping of keys to values"),
        ("- a\n- b\n", "m.yaml:1: is a list: must be a mapping of keys to values"),
        ("16x16\n", "m.yaml:1: is '16x16': must be a mapping of keys to values"),
        ("a: 1\n\tb: 2\n", "m.yaml:2: is not YAML: a tab cannot indent or start a value: use spaces"),
        ("a: [1, 2\n", "m.yaml:2: is not YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n b: 2\n", "m.yaml:2: is not YAML: mapping values are not allowed here"),
        ("a: *b\n", "m.yaml:1: is not YAML: found undefined alias 'b'"),
        ("a: 1\n---\nb: 2\n", "m.yaml:2: is not YAML: there is more than one document in the file"),
        ("a: 1\nb: \x07\n", "m.yaml:2: is not YAML: character 0x07 is not allowed"),
        (b"a: 1\nb: \xff\n", "m.yaml:2: is not UTF-8 text (byte 0xff)"),
        ("a: " + "[" * 100_000, "m.yaml: is nested more than 20 levels deep"),
        ("a: " + "[" * 40 + "]" * 40, "m.yaml: is nested more than 20 levels deep"),
        ("a: &a [*a]", "m.yaml:1: has more than 20 levels or 20000 values, aliases expanded"),
        ("x" * 2_000_000, "m.yaml: is larger than 1048576 bytes: must be a short YAML file"),
    ],
)
def test_a_file_that_is_no_description_is_one_line(tmp_path, text, line):
    assert mistakes(tmp_path, text) == [line]


def test_an_anchor_that_is_named_again_stands_for_the_later_value_from_there_on():
    assert parse_text("a: &x 1\nb: *x\nc: &x 2\nd: *x\n", "m.yaml").data == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_an_alias_bomb_is_refused_at_once(tmp_path):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 12)]
    start = time.process_time()
    (line,) = mistakes(tmp_path, "\n".join(levels))
    assert "aliases expanded" in line
    assert time.process_time() - start < 2


def test_a_file_that_is_not_there_and_a_directory(tmp_path):
    with pytest.raises(DescriptionError, match=r"none\.yaml: no such file$"):
        read(tmp_path / "none.yaml", Machine)
    with pytest.raises(DescriptionError, match=r": is a directory: must be a YAML file$"):
        read(tmp_path, Machine)
    with pytest.raises(DescriptionError, match="cannot be read"):
        read("nul\0character", Machine)


def test_a_number_of_ten_thousand_digits_is_a_line_too(tmp_path):
    lines = mistakes(tmp_path, GOOD.replace("rows: 16", "rows: " + "9" * 10_000))
    assert lines[0].endswith("must be a number of at most 40 digits")


@pytest.mark.parametrize("number", ["0x" + "f" * 5_000, "0b" + "1" * 20_000, "-" + "1_" * 50 + "1"])
def test_a_long_number_of_any_base_is_a_line_that_shows_its_beginning(tmp_path, number):
    (line,) = mistakes(tmp_path, GOOD.replace("rows: 16", f"rows: {number}"))
    assert line.startswith(f"m.yaml:4: pe_array.rows = '{number[:20]}")
    assert line.endswith("...': must be a number of at most 40 digits")


def test_half_a_character_is_no_text(tmp_path):
    lines = mistakes(tmp_path, GOOD.replace("rows: 16", '"ro\\udfffws": "\\ud800"'))
    assert all(line.encode("utf-8") for line in lines)
    assert sum("must be text that can be written as UTF-8" in line for line in lines) == 2


def test_leading_zeros_are_no_digits(tmp_path):
    assert load(tmp_path, GOOD.replace("rows: 16", "rows: " + "0" * 100 + "16")).pe_array.rows == 16


@pytest.mark.parametrize("kind", ["int8", "int64", "uint16"])
def test_numbers_of_numpy_are_numbers(tmp_path, kind):
    np = pytest.importorskip("numpy")
    machine = vary(
        load(tmp_path, GOOD), **{"pe_array.rows": getattr(np, kind)(8), "bandwidth": np.float32(0.5)}
    )
    assert (machine.pe_array.rows, machine.bandwidth) == (8, 0.5)
    with pytest.raises(DescriptionError, match="rows = -8: must be a whole number of at least 1"):
        vary(machine, **{"pe_array.rows": np.int64(-8)})


def test_a_byte_order_mark_and_yaml_numbers_are_understood(tmp_path):
    text = "\ufeff" + GOOD.replace("rows: 16", "rows: 1_6").replace("bandwidth: 16", "bandwidth: 1.6e+1")
    machine = load(tmp_path, text)
    assert (machine.pe_array.rows, machine.bandwidth) == (16, 16.0)


def test_vary_changes_dotted_keys_and_checks_like_a_file(tmp_path):
    machine = load(tmp_path, GOOD)
    other = vary(machine, **{"pe_array.rows": np.int64(8), "density": 0.5, "energy.mac": 2})
    assert (other.pe_array.rows, other.density, other.energy["mac"]) == (8, 0.5, 2.0)
    assert machine.pe_array.rows == 16
    array = Array(rows=1, columns=1, dataflows=("weight_stationary",))
    assert vary(machine, pe_array=array).pe_array == array


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"pe_array.rows": 0}, "test: pe_array.rows = 0: must be a whole number of at least 1"),
        (
            {"pe_array.rowz": 1},
            "test: pe_array.rowz = 1: no such key, did you mean 'rows'? allowed are rows, columns, dataflows",
        ),
        ({"pe_aray.rows": 1}, "test: pe_aray.rows = 1: no such key"),
        ({"pe_array.rows.x": 1}, "test: pe_array.rows.x = 1: no such key"),
        ({"pe_array.dataflows.2": "x"}, "test: pe_array.dataflows.2 = 'x': no such key"),
        (
            {"pe_array.dataflows.1": "x"},
            "test: pe_array.dataflows.1 = 'x': must be 'weight_stationary' or 'output_stationary'",
        ),
    ],
)
def test_vary_refuses_what_a_file_may_not_say(tmp_path, changes, line):
    machine = load(tmp_path, GOOD)
    with pytest.raises(DescriptionError) as error:
        vary(machine, **changes)
    assert str(error.value) == line


def test_vary_with_something_that_no_file_can_say_is_a_programming_error(tmp_path):
    with pytest.raises(TypeError, match="cannot stand in a description"):
        vary(load(tmp_path, GOOD), name={1, 2})


def test_a_dump_reads_back_equal(tmp_path):
    machine = load(tmp_path, GOOD)
    assert load(tmp_path, dump(machine)) == machine
    odd = vary(machine, name="a: 'b' # \"c\"\nyes, 1e3")
    assert load(tmp_path, dump(odd)) == odd


def test_lines_are_known_for_nested_keys_and_list_items():
    document = parse_text(GOOD, "m.yaml")
    assert document.line(("pe_array",)) == 3
    assert document.line(("pe_array", "dataflows", 1)) == 8
    assert document.line(("pe_array", "dataflows", 1, "deeper")) == 8
    assert document.line(("energy", "dram")) == 10


def test_sixty_lines_are_read_in_a_few_milliseconds(tmp_path):
    lines = [f"  part_{index}: {index}.5  # why" for index in range(50)]
    path = tmp_path / "m.yaml"
    path.write_text(GOOD.replace("energy: {mac: 1, dram: 200.0}", "energy:\n" + "\n".join(lines)))
    best = 1.0
    for _ in range(5):
        start = time.process_time()
        read(path, Machine)
        best = min(best, time.process_time() - start)
    assert best < 0.1  # measured 0.010 s


def test_of_many_names_a_message_lists_a_dozen_and_first_those_that_are_spelt_alike():
    names = [f"layer{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"] + list("abcdefghijklmn")
    assert unknown("x", "layer", names).endswith(f"allowed are {', '.join(names)}")
    names.append("width")
    assert unknown("x", "layer", names) == (
        "no such layer: allowed are layera, layerb, layerc, layerd, layere, layerf, layerg, layerh, layeri, "
        "layerj, layerk, layerl, ... (41 in all)"
    )
    assert unknown("wdith", "layer", names) == (
        "no such layer, did you mean 'width'? allowed are width, layera, layerb, layerc, layerd, layere, "
        "layerf, layerg, layerh, layeri, layerj, layerk, ... (41 in all)"
    )


def test_of_long_names_a_message_lists_as_many_as_can_be_read():
    names = [f"stage1.block{index}.separable_convolution" for index in range(40)]
    sentence = unknown("stage1.block39.separable", "layer", names)
    assert sentence.startswith(
        "no such layer, did you mean 'stage1.block39.separable_convolution'? allowed are "
    )
    assert sentence.endswith("stage1.block15.separable_convolution, ... (40 in all)")
    assert len(sentence) < 700
    longest = "x" * 1000
    assert (
        unknown("y", "layer", [longest, longest]) == f"no such layer: allowed are {longest}, ... (2 in all)"
    )


def test_names_of_which_only_the_first_are_given_are_said_to_be_more():
    assert unknown("y", "layer", ["a", "b"], 7) == "no such layer: allowed are a, b, ... (7 in all)"


def test_an_error_keeps_the_parts_of_each_line_from_process_to_process():
    document = parse_text("rows: 0\ncolumns: x\n", "array.yaml")
    mistakes = [Mistake(("columns",), "must be a number"), Mistake(("rows",), "must be at least 1")]
    error = pickle.loads(pickle.dumps(document.error(mistakes)))
    assert error.complaints == (
        Complaint("must be at least 1", "array.yaml:1", "rows", "0"),
        Complaint("must be a number", "array.yaml:2", "columns", "'x'"),
    )
    assert [str(complaint) for complaint in error.complaints] == error.lines


def test_an_error_whose_parts_nobody_knows_has_its_lines_as_sentences():
    error = DescriptionError("a: is no file\nb: is no file")
    assert [complaint.sentence for complaint in error.complaints] == error.lines
