"""What a hardware file may say, and the line that a user reads where it says something else."""

import re

import pytest
from machines import bank_bytes, conv, machine

from accelsim.descriptions import dump, one_of, parse_text, read, vary
from accelsim.errors import DescriptionError, MappingError
from accelsim.hardware import Hardware, dataflow_names, load_hardware
from accelsim.mapping.options import MappingOptions
from accelsim.mapping.search import map_layer
from accelsim.report.tables.machines import hardware_report
from accelsim.report.text.table import Style

GOOD = """\
name: machine
source: made up for a test
clock_mhz: 1000
precision: {weights_bits: 16, activations_bits: 16, partial_sums_bits: 32}
pe_array:
  rows: 16
  columns: 8
  dataflows: [weight_stationary, output_stationary]
  port_words_per_column: 1
  weight_stationary: {accumulators_per_column: 256}
  output_stationary: {partial_sums_per_pe: 8, weight_density: 0.6}
global_buffer:
  size_bytes: 65536
  shares: {inputs: 0.25, weights: 0.5, outputs: 0.25}
dram:
  latency_cycles: 100
  bandwidth_bytes_per_cycle: 16
dma: {descriptors: 8}
vector_unit: {lanes_per_column: 2}
mapper: {tiles: edp, dataflow: time}
energy:
  unit: MAC
  word_bits: 16
  mac: 1
  vector_op: 1
  register_file: 1
  inter_pe: 2
  global_buffer: 6
  dram: 200
"""
A_DATAFLOW = one_of(map(repr, dataflow_names()))
"""What an error says that a name must be: whatever is registered."""


def load(tmp_path, text):
    path = tmp_path / "m.yaml"
    path.write_text(text, encoding="utf-8")
    return read(path, Hardware)


def mistakes(tmp_path, old, new):
    """The lines about a file in which one text was replaced by another, without the file's name."""
    assert GOOD.count(old) == 1
    with pytest.raises(DescriptionError) as error:
        load(tmp_path, GOOD.replace(old, new))
    return [line.removeprefix(f"{tmp_path / 'm.yaml'}:") for line in error.value.lines]


def test_a_file_is_the_machine_that_it_says(tmp_path):
    hardware = load(tmp_path, GOOD)
    assert hardware.pe_array.pes == 16 * 8
    assert hardware.vector_lanes == 2 * 8
    assert bank_bytes(hardware) == {"inputs": 16384, "weights": 32768, "outputs": 16384}
    assert parse_text(dump(hardware), "dumped").data["pe_array"]["rows"] == 16


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("rows: 16", "rows: 0", "6: pe_array.rows = 0: must be a whole number from 1 to 4096"),
        ("rows: 16", "rows: -1", "6: pe_array.rows = -1: must be a whole number from 1 to 4096"),
        ("rows: 16", "rows: 16.5", "6: pe_array.rows = 16.5: must be a whole number from 1 to 4096"),
        ("columns: 8", "columns: 5000", "7: pe_array.columns = 5000: must be a whole number from 1 to 4096"),
        ("dram: 200", "dram: -1", "29: energy.dram = -1: must be a number from 0 to 1000000000"),
        (
            "mac: 1",
            "mac: cheap",
            "24: energy.mac = 'cheap': must be a number from 0 to 1000000000 or a mapping",
        ),
        (
            "[weight_stationary, output_stationary]",
            "[]",
            f"8: pe_array.dataflows = []: must name at least one of {', '.join(dataflow_names())}",
        ),
        (
            "[weight_stationary, output_stationary]",
            "[weight_stationery]",
            f"8: pe_array.dataflows.0 = 'weight_stationery': must be {A_DATAFLOW}",
        ),
        (
            "[weight_stationary, output_stationary]",
            "[output_stationary, output_stationary]",
            '8: pe_array.dataflows = ["output_stationary", "output_stationary"]: '
            "must name each dataflow once",
        ),
        (
            "weight_density: 0.6",
            "weight_density: 0",
            "11: pe_array.output_stationary.weight_density = 0: must be a number from 1e-06 to 1",
        ),
        (
            "outputs: 0.25",
            "outputs: 0.5",
            '14: global_buffer.shares = {"inputs": 0.25, "weights": 0.5, "outputs": 0.5}: '
            "must not exceed 1 together; they are 1.25",
        ),
        (
            "outputs: 0.25",
            "outputs: 0",
            "14: global_buffer.shares.outputs = 0: must be a number from 1e-06 to 1",
        ),
        (
            "size_bytes: 65536",
            "size_bytes: 16",
            "13: global_buffer.size_bytes = 16: must be at least 32: "
            "the share of outputs has to hold two words of 4 bytes",
        ),
        (
            "size_bytes: 65536",
            "size_bytes: 2147483648",
            "13: global_buffer.size_bytes = 2147483648: must be a whole number from 1 to 1073741824",
        ),
        (
            "size_bytes: 65536",
            "size_bytes: 64 KB",
            "13: global_buffer.size_bytes = '64 KB': must be a whole number from 1 to 1073741824",
        ),
        (
            "latency_cycles: 100",
            "latency_cycles: -5",
            "16: dram.latency_cycles = -5: must be a whole number from 0 to 1000000",
        ),
        (
            "bandwidth_bytes_per_cycle: 16",
            "bandwidth_bytes_per_cycle: 0",
            "17: dram.bandwidth_bytes_per_cycle = 0: must be a number from 1e-06 to 1000000",
        ),
        (
            "descriptors: 8",
            "descriptors: 0",
            "18: dma.descriptors = 0: must be a whole number from 1 to 1024",
        ),
        ("tiles: edp", "tiles: speed", "20: mapper.tiles = 'speed': must be 'time', 'energy' or 'edp'"),
        ("clock_mhz: 1000", "clock_mhz: .inf", "3: clock_mhz = Infinity: must be a finite number"),
        (
            "activations_bits: 16",
            "activations_bits: 65",
            "4: precision.activations_bits = 65: must be a whole number from 1 to 64",
        ),
        ("name: machine", "name: ''", "1: name = '': must be text, not empty"),
        ("source: made up for a test\n", "", "1: source: missing, must be text, not empty"),
        ("rows: 16\n", "rows: 16\n  rows: 8\n", "7: pe_array.rows: repeated key, first on line 6"),
    ],
)
def test_an_impossible_value_is_one_line_with_its_place_and_what_is_allowed(tmp_path, old, new, line):
    assert mistakes(tmp_path, old, new) == [line]


FORMAT2 = """\
name: machine
pe_array: {rows: 8, columns: 8}
memories:
- name: dram
  bandwidth: {bytes_per_cycle: 8}
- name: sram
  size_bytes: 65536
  banks: {shares: {inputs: 0.25, weights: 0.5, outputs: 0.25}}
"""
WHAT_LIES_THERE = "results and reports say by this one what lies in a memory, or where"
ANOTHER_COMPONENT = "results have the energy of another component under this one"
ACCUMULATORS = "- {name: accumulators, holds: [outputs], size_bytes: 4096}\n"


def mistakes2(tmp_path, *changes):
    """As `mistakes`, of a file of format 2."""
    text = FORMAT2
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    with pytest.raises(DescriptionError) as error:
        load(tmp_path, text)
    return [line.removeprefix(f"{tmp_path / 'm.yaml'}:") for line in error.value.lines]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "name: sram",
            "name: dram",
            "6: memories.1.name = 'dram': must be another name: a memory before it has this one",
        ),
        (
            "name: sram",
            "name: S RAM",
            "6: memories.1.name = 'S RAM': must be a name of small letters, digits and underscores",
        ),
        (
            "  bandwidth",
            "  holds: [weights]\n  bandwidth",
            '5: memories.0.holds = ["weights"]: must hold everything: inputs, outputs, '
            "residual would have no place outside the chip, and no memory on chip keeps activations",
        ),
        (
            "  bandwidth: {bytes_per_cycle: 8}\n",
            "",
            "4: memories.0.bandwidth: missing, must be a mapping with the key bytes_per_cycle or "
            "bytes_per_second",
        ),
        (
            "  bandwidth",
            "  banks: {bytes: {inputs: 4}}\n  bandwidth",
            '5: memories.0.banks = {"bytes": {"inputs": 4}}: must be left out: tiles are buffered in '
            "the memories on chip",
        ),
        (
            "  bandwidth",
            "  size_bytes: 1000\n  bandwidth",
            "5: memories.0.size_bytes = 1000: must be left out: a memory off chip is as large as need be",
        ),
        ("  size_bytes: 65536\n", "", "6: memories.1.size_bytes: missing, must be a whole number of bytes"),
        (
            "  size_bytes",
            "  bandwidth: {bytes_per_cycle: 4}\n  size_bytes",
            '7: memories.1.bandwidth = {"bytes_per_cycle": 4}: must be left out: only memories '
            "off chip, which have no size, have a channel, and one before this that keeps tensors",
        ),
        (
            "  size_bytes",
            "  latency_cycles: 4\n  size_bytes",
            "7: memories.1.latency_cycles = 4: must be left out: only memories off chip, which have "
            "no size, have a channel, and one before this that keeps tensors",
        ),
        (
            "  size_bytes",
            "  prefetch: 4\n  size_bytes",
            "7: memories.1.prefetch = 4: must be left out: only memories off chip, which have "
            "no size, have a channel, and one before this that keeps tensors",
        ),
        (
            ", outputs: 0.25",
            "",
            '8: memories.1.banks = {"shares": {"inputs": 0.25, "weights": 0.5}}: must have a '
            "bank for the outputs, which it holds",
        ),
        (
            "outputs: 0.25",
            "outputs: 0.5",
            '8: memories.1.banks.shares = {"inputs": 0.25, "weights": 0.5, "outputs": 0.5}: '
            "must not exceed 1 together; they are 1.25",
        ),
        (
            "shares: {inputs: 0.25, weights: 0.5, outputs: 0.25}",
            "bytes: {inputs: 32768, weights: 32768, outputs: 1}",
            '8: memories.1.banks.bytes = {"inputs": 32768, "weights": 32768, "outputs": 1}: '
            "must not exceed size_bytes together; they take 65537 bytes",
        ),
        (
            "outputs: 0.25",
            "outputs: 0.1, residual: 0.1",
            "8: memories.1.banks = {...}: must have no bank for the residual: "
            "its tiles are buffered with the inputs",
        ),
        (
            "  banks: {shares: {inputs: 0.25, weights: 0.5, outputs: 0.25}}\n",
            "  banks: {}\n",
            "8: memories.1.banks = {}: must give one of shares, bytes and bank_bytes, or be the word pool",
        ),
        (
            "rows: 8, columns: 8",
            "rows: 8, columns: 8, dataflows: {}",
            f"2: pe_array.dataflows = {{}}: must name at least one of {', '.join(dataflow_names())}",
        ),
        (
            "rows: 8, columns: 8",
            "rows: 8, columns: 8, dataflows: {weight_stationery: {}}",
            f"2: pe_array.dataflows.weight_stationery = {{}}: must be {A_DATAFLOW}",
        ),
        (
            "rows: 8, columns: 8",
            "rows: 8, columns: 8, dataflows: {weight_stationary: {accumulators_per_column: 0}}",
            "2: pe_array.dataflows.weight_stationary.accumulators_per_column = 0: must be a "
            "whole number from 1 to 65536",
        ),
        (
            "rows: 8, columns: 8}",
            "rows: 8, columns: 8}\nhost: {takes: [softmax, add, softmax]}",
            '3: host.takes = ["softmax", "add", "softmax"]: must name each operator once',
        ),
    ],
)
def test_what_no_machine_here_has_is_refused_with_its_place(tmp_path, old, new, line):
    assert mistakes2(tmp_path, (old, new)) == [line]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        *((component, ANOTHER_COMPONENT) for component in ("mac", "register_file", "inter_pe", "vector")),
        *((row, "reports have a row of this one") for row in ("vector_unit", "pe_array", "energy", "time")),
        *((word, WHAT_LIES_THERE) for word in ("image", "result", "constant", "tiles", "pool", "outside")),
        ("dram", "results call the memory outside the chip by this one"),
    ],
)
def test_a_memory_does_not_go_by_the_name_of_something_else(tmp_path, name, why):
    """The energy of the component would be lost under that of the memory."""
    changes = (("name: dram", "name: outer"), ("name: sram", f"name: {name}"))
    assert mistakes2(tmp_path, *changes) == [f"6: memories.1.name = '{name}': must be another name: {why}"]


def test_the_outermost_memory_does_not_go_by_the_name_of_something_else(tmp_path):
    for name, why in (
        ("mac", ANOTHER_COMPONENT),
        ("global_buffer", "results call the memory on chip by this one"),
    ):
        assert mistakes2(tmp_path, ("name: dram", f"name: {name}")) == [
            f"4: memories.0.name = '{name}': must be another name: {why}"
        ]


def test_names_of_other_keys_are_names_of_memories(tmp_path):
    """They stand in places of their own: nothing is lost."""
    changed = FORMAT2.replace("name: dram", "name: latency").replace("name: sram", "name: total")
    assert [memory.name for memory in load(tmp_path, changed).memories] == ["latency", "total"]


SHARES = "shares: {inputs: 0.25, weights: 0.5, outputs: 0.25}"
WITHOUT_OUTPUTS = ("  banks", "  holds: [inputs, weights, residual]\n  banks")


def test_memories_on_chip_share_the_operands(tmp_path):
    text = (
        FORMAT2.replace(*WITHOUT_OUTPUTS).replace(SHARES, "shares: {inputs: 0.5, weights: 0.5}")
        + ACCUMULATORS
    )
    assert bank_bytes(load(tmp_path, text)) == {"inputs": 32768, "weights": 32768, "outputs": 4096}
    assert mistakes2(tmp_path, ("outputs: 0.25}}\n", f"outputs: 0.25}}}}\n{ACCUMULATORS}")) == [
        '9: memories.2.holds = ["outputs"]: sram holds the outputs too: there is one memory on chip for each '
        "operand, in which its tiles are buffered"
    ]
    assert mistakes2(tmp_path, WITHOUT_OUTPUTS, (SHARES, "shares: {inputs: 0.5, weights: 0.5}")) == [
        '8: memories.1.holds = ["inputs", "weights", "residual"]: no memory on chip holds the outputs: '
        "must be held by one of sram"
    ]
    assert mistakes2(
        tmp_path, WITHOUT_OUTPUTS, ("outputs: 0.25}}\n", f"outputs: 0.25}}}}\n{ACCUMULATORS}")
    ) == ["9: memories.1.banks = {...}: must have no bank for the outputs, which it does not hold"]


def test_a_bank_that_is_given_in_bytes_is_what_has_to_be_larger(tmp_path):
    """A larger memory would leave it as it is."""
    small = (SHARES, "bytes: {inputs: 1, weights: 4000, outputs: 7}")
    assert mistakes2(tmp_path, small) == [
        "8: memories.1.banks.bytes.inputs = 1: must be at least 2: it has to hold two words of 1 byte",
        "8: memories.1.banks.bytes.outputs = 7: must be at least 8: it has to hold two words of 4 bytes",
    ]
    load(tmp_path, FORMAT2.replace(SHARES, "bytes: {inputs: 2, weights: 4000, outputs: 8}"))


@pytest.mark.parametrize(
    ("banks", "key"),
    [
        ("bytes: {inputs: 2, weights: 4000, outputs: 4000}", "memories.sram.banks.bytes.inputs"),
        ("shares: {inputs: 0.0001, weights: 0.5, outputs: 0.4}", "memories.sram.size_bytes"),
    ],
)
def test_who_does_what_an_error_says_would_hold_a_tile_has_a_machine_that_holds_it(tmp_path, banks, key):
    hardware = load(tmp_path, FORMAT2.replace(SHARES, banks))
    layer = conv(8, 4, (20, 20), kernel=(3, 3))
    with pytest.raises(MappingError, match="no tile fits") as error:
        map_layer(layer, hardware, MappingOptions())
    named, size = re.search(r"; (\S+) = (\d+) would hold them", str(error.value)).groups()
    assert named == key
    assert map_layer(layer, vary(hardware, **{key: int(size)}), MappingOptions())
    with pytest.raises(MappingError, match="no tile fits"):
        map_layer(layer, vary(hardware, **{key: int(size) - 1}), MappingOptions())


def test_an_operand_is_named_once(tmp_path):
    repeated = "[inputs, inputs, weights, outputs, residual]"
    (line,) = mistakes2(tmp_path, ("  banks", f"  holds: {repeated}\n  banks"))
    assert line.startswith("8: memories.1.holds = [")
    assert line.endswith(": must name each operand once")


def test_inputs_and_residual_are_held_together(tmp_path):
    holds, banks = (
        ("  banks", "  holds: [inputs, weights]\n  banks"),
        (SHARES, "shares: {inputs: 0.5, weights: 0.5}"),
    )
    other = (
        "weights: 0.5}}\n",
        "weights: 0.5}}\n- {name: other, holds: [outputs, residual], size_bytes: 4096}\n",
    )
    assert all(
        "must name inputs and residual together" in line for line in mistakes2(tmp_path, holds, banks, other)
    )


@pytest.mark.parametrize(
    ("old", "line"),
    [
        ("dma: {descriptors: 8}\n", "1: dma: missing, must be a mapping with the keys descriptors"),
        ("  word_bits: 16\n", "21: energy.word_bits: missing, must be a whole number from 1 to 4096"),
        (
            "accumulators_per_column: 256",
            "10: pe_array.weight_stationary.accumulators_per_column: missing, must be a "
            "whole number from 1 to 65536",
        ),
        ("clock_mhz: 1000\n", "1: clock_mhz: missing, must be a number from"),
        ("  dram: 200\n", "21: energy.dram: missing, must be a number from 0 to 1000000000"),
    ],
)
def test_format_1_takes_nothing_for_granted(tmp_path, old, line):
    (found,) = mistakes(tmp_path, old, "")
    assert found.startswith(line)


def test_a_misspelt_key_is_missing_and_suggests_the_right_one(tmp_path):
    missing, misspelt = mistakes(tmp_path, "latency_cycles: 100", "latency_cycels: 100")
    assert missing == "15: dram.latency_cycles: missing, must be a whole number from 0 to 1000000"
    assert misspelt.startswith("16: dram.latency_cycels = 100: no such key, did you mean 'latency_cycles'?")


@pytest.mark.parametrize(
    ("name", "part", "allowed"),
    [
        ("ethos_u55_128", "cascade", "layers"),
        ("ethos_u55_128", "io", "inputs, outputs"),
        ("ethos_u55_128", "power", "idle_mw"),
        ("gap9_ne16", "host.energy", "mac, element, call"),
        ("eyeriss", "memories.dram.compress.activations", "run_bits, pairs_per_word"),
        ("eyeriss", "memories.global_buffer.banks", "shares, bytes, bank_bytes, padded"),
    ],
)
def test_parts_that_may_be_left_out_name_their_keys_where_another_one_is_given(name, part, allowed):
    with pytest.raises(DescriptionError) as error:
        vary(load_hardware(name), **{part: {"zzz": 1}})
    assert any(line.endswith(f": no such key: allowed are {allowed}") for line in error.value.lines)


def test_every_assumption_that_explains_no_key_is_named_on_its_line(tmp_path):
    assumed = "assumed:\n  dram.latency_cycles: typical\n  dram.speed: fast\n  mapper.tiles.x: why\ndram:"
    assert mistakes(tmp_path, "dram:\n", f"{assumed}\n") == [
        "17: assumed.dram.speed = 'fast': explains 'dram.speed', which is no key of a hardware file",
        "18: assumed.mapper.tiles.x = 'why': explains 'mapper.tiles.x', which is no key of a hardware file",
    ]


def test_an_assumption_may_be_about_a_whole_table(tmp_path):
    text = GOOD + "assumed: {energy: taken from another machine, pe_array.weight_stationary: a guess}\n"
    assert set(load(tmp_path, text).assumed) == {"energy", "pe_array.dataflows.weight_stationary"}


@pytest.mark.parametrize(
    "key",
    [
        "memories.sram.energy",
        "memories.sram.energy.read",
        "memories.1.energy.write",
        "memories.dram.latency_cycles",
        "memories.sram.banks.bytes.inputs",
        "vector_unit.lanes_per_column",
        "energy.picojoules_per_unit",
        "area.pe_mm2",
        "pe_array.dataflows.weight_stationary.accumulators_per_column",
    ],
)
def test_an_assumption_may_be_about_any_key_that_the_file_leaves_out(tmp_path, key):
    assert key in load(tmp_path, f"{FORMAT2}assumed: {{{key}: a guess}}\n").assumed


@pytest.mark.parametrize(
    "key",
    [
        "memories.sram.energy.reads",
        "memories.other.energy",
        "memories.2.energy",
        "memories.energy",
        "memories.sram.banks.bytes.results",
        "area.pe",
        "assumed.area",
        "pe_array.dataflows.nothing_stationary",
        "energy.mac.mac",
        "",
    ],
)
def test_an_assumption_is_not_about_what_no_file_may_say(tmp_path, key):
    (line,) = mistakes2(tmp_path, ("0.25}}\n", f"0.25}}}}\nassumed: {{'{key}': a guess}}\n"))
    assert line.endswith(f"explains {key!r}, which is no key of a hardware file")


def test_all_mistakes_are_reported_in_the_order_of_the_file(tmp_path):
    lines = mistakes(tmp_path, "  rows: 16\n  columns: 8\n", "  rows: 0\n  columns: eight\n")
    assert [line.split(":")[0] for line in lines] == ["6", "7"]


def test_a_variation_is_checked_like_a_file():
    assert vary(machine(), **{"pe_array.rows": 3}).pe_array.rows == 3
    with pytest.raises(DescriptionError, match=r"machine: pe_array.rows = 0: must be a whole number"):
        vary(machine(), **{"pe_array.rows": 0})
    with pytest.raises(DescriptionError, match=r"must be at least 64: the share of inputs has to hold"):
        vary(machine(), **{"global_buffer.size_bytes": 60, "precision.activations_bits": 64})


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("global_buffer.size_bytes", "memories.sram.size_bytes"),
        ("global_buffer.shares.inputs", "memories.sram.banks.shares.inputs"),
        ("dram.latency_cycles", "memories.flash.latency_cycles"),
        ("dma.descriptors", "memories.flash.prefetch"),
        ("energy.dram", "memories.flash.energy"),
    ],
)
def test_a_key_of_format_1_names_what_a_machine_of_other_memories_has_instead(tmp_path, key, instead):
    hardware = load(tmp_path, FORMAT2.replace("name: dram", "name: flash"))
    with pytest.raises(DescriptionError) as error:
        vary(hardware, **{key: 8})
    assert str(error.value) == f"machine: {key} = 8: is a key of format 1; this machine has {instead}"


def test_of_several_memories_a_key_of_format_1_may_mean_each(tmp_path):
    two = FORMAT2.replace(*WITHOUT_OUTPUTS).replace(SHARES, "shares: {inputs: 0.5, weights: 0.5}")
    with pytest.raises(DescriptionError) as error:
        vary(load(tmp_path, two + ACCUMULATORS), **{"global_buffer.size_bytes": 65536})
    assert str(error.value).endswith("memories.sram.size_bytes or memories.accumulators.size_bytes")


def test_shares_that_add_up_to_one_but_for_rounding_are_allowed():
    thirds = dict.fromkeys(
        (f"global_buffer.shares.{bank}" for bank in ("inputs", "weights", "outputs")), 1 / 3
    )
    assert sum(bank_bytes(machine(**thirds)).values()) <= 131072


# --- ports, block registers, lanes

PORTS = "ports: {rows: {words_in: 2, words_out: 0}, columns: {words_in: 1, words_out: 3}}"
OS_KEY = "pe_array.dataflows.output_stationary.block_register"


def array_mistakes(tmp_path, array="", output_stationary="", rest=""):
    """The lines about a machine of 16 x 8 PEs with these keys beside the least that has to be said."""
    path = tmp_path / "m.yaml"
    path.write_text(
        f"name: m\npe_array:\n  rows: 16\n  columns: 8\n  {array}\n"
        f"  dataflows: {{output_stationary: {{{output_stationary}}}}}\n"
        "memories:\n- {name: dram, bandwidth: {bytes_per_cycle: 8}}\n- {name: sram, size_bytes: 65536}\n"
        f"{rest}\n",
        encoding="utf-8",
    )
    try:
        return load_hardware(path)
    except DescriptionError as error:
        return [line.removeprefix(f"{path}:") for line in error.lines]


def test_ports_are_words_in_and_out_of_each_row_and_of_each_column(tmp_path):
    array = array_mistakes(tmp_path, PORTS).pe_array
    words = {side: (array.words_in(side), array.words_out(side)) for side in ("rows", "columns")}
    assert words == {"rows": (2, 0), "columns": (1, 3)}


def test_words_of_a_column_are_taken_in_by_both_sides_and_let_out_by_columns(tmp_path):
    array = array_mistakes(tmp_path, "port_words_per_column: 2").pe_array
    words = {side: (array.words_in(side), array.words_out(side)) for side in ("rows", "columns")}
    assert words == {"rows": (2, 0), "columns": (2, 2)}


def test_a_machine_that_says_nothing_of_ports_has_a_word_and_says_so(tmp_path):
    silent, spelled = (array_mistakes(tmp_path, array) for array in ("", PORTS))
    assert silent.pe_array.port_words_per_column == 1
    assert silent.assumed["pe_array.port_words_per_column"].startswith("default: one word,")
    assert "pe_array.port_words_per_column" not in spelled.assumed


@pytest.mark.parametrize(
    ("array", "output_stationary", "rest", "line"),
    [
        (
            PORTS.replace("words_out: 3", "words_out: 0"),
            "",
            "",
            "5: pe_array.ports.columns.words_out = 0: "
            "must be at least 1: sums leave by the columns, whichever the dataflow",
        ),
        (
            PORTS.replace("words_in: 2", "words_in: 0"),
            "",
            "",
            "5: pe_array.ports.rows.words_in = 0: must be a whole number from 1 to 4096",
        ),
        (
            "ports: {rows: {words_in: 1, words_out: 0}}",
            "",
            "",
            "5: pe_array.ports.columns: missing, must be a mapping with the keys words_in, words_out",
        ),
        (
            f"port_words_per_column: 1\n  {PORTS}",
            "",
            "",
            "6: pe_array.ports = {...}: must be left out, or null, where port_words_per_column is given: "
            "only one of them counts",
        ),
        (
            "",
            "block_register: {rows: 0, columns: 9}",
            "",
            f"6: {OS_KEY}.rows = 0: must be a whole number from 1 to 10000",
        ),
        (
            "",
            "block_register: {rows: 9}",
            "",
            f"6: {OS_KEY}.columns: missing, must be a whole number from 1 to 10000",
        ),
        (
            "",
            "block_register: large",
            "",
            f"6: {OS_KEY} = 'large': must be a mapping with the keys rows, columns or 'as_needed'",
        ),
        (
            "",
            "",
            "vector_unit: {lanes_per_column: 1, lanes: 8}",
            "10: vector_unit.lanes = 8: must be left out, or null, where lanes_per_column is given: "
            "only one of them counts",
        ),
        (
            "",
            "",
            "vector_unit: {lanes: 0}",
            "10: vector_unit.lanes = 0: must be a whole number from 1 to 65536",
        ),
    ],
)
def test_wrong_ports_registers_and_lanes_are_named(tmp_path, array, output_stationary, rest, line):
    assert array_mistakes(tmp_path, array, output_stationary, rest) == [line]


def test_lanes_are_those_of_the_machine_or_of_each_of_its_columns(tmp_path):
    lanes = [
        array_mistakes(tmp_path, rest=f"vector_unit: {{{keys}}}").vector_lanes
        for keys in ("lanes: 12", "lanes_per_column: 3", "")
    ]
    assert lanes == [12, 24, 8]
    twice = {"pe_array.columns": 16}
    assert vary(array_mistakes(tmp_path, rest="vector_unit: {lanes: 12}"), **twice).vector_lanes == 12
    assert vary(array_mistakes(tmp_path), **twice).vector_lanes == 16


def test_a_block_register_has_the_area_of_a_register_file():
    as_needed = load_hardware("16x16_128k")
    described = vary(as_needed, **{OS_KEY: {"rows": 33, "columns": 33}})
    more = {
        part: area - as_needed.area_mm2_by_part[part] for part, area in described.area_mm2_by_part.items()
    }
    kib = 2 * 33 * 33 * 2 / 1024  # of 16 bits, and twice, since the next block is loaded meanwhile
    assert more == pytest.approx({"pe_array": 0, "register_file": 0.08 * kib, "global_buffer": 0, "rest": 0})


# --- area


def test_the_area_of_shidiannaos_parts_is_what_its_table_says():
    """0.66 mm2 for 64 PEs, 3.89 mm2 for 256 KB of buffers, 0.31 mm2 for instructions (ISCA 2015)."""
    parts = vary(load_hardware("8x8_32k"), **{"global_buffer.size_bytes": 256 * 1024}).area_mm2_by_part
    assert parts["pe_array"] == pytest.approx(0.66, rel=0.01)
    assert parts["global_buffer"] == pytest.approx(3.89, rel=0.01)
    assert parts["rest"] == 0.31
    assert sum(parts.values()) - parts["register_file"] == pytest.approx(4.86, rel=0.01)


def test_registers_are_partial_sums_and_accumulators():
    machine = load_hardware("16x16_128k")
    assert machine.register_file_bytes == 2 * (256 * 4 + 16 * 64)
    wide = vary(machine, **{"precision.partial_sums_bits": 32})
    assert wide.register_file_bytes == 2 * machine.register_file_bytes
    assert wide.area_mm2_by_part["register_file"] == 2 * machine.area_mm2_by_part["register_file"]


def test_a_machine_without_a_table_or_with_wider_words_has_no_area():
    machine = load_hardware("8x8_32k")
    assert machine.area_mm2 == pytest.approx(1.58, abs=0.01)
    assert vary(machine, **{"precision.weights_bits": 8}).area_mm2 == machine.area_mm2
    assert vary(machine, **{"precision.weights_bits": 32}).area_mm2 is None
    assert vary(machine, area=None).area_mm2 is None


def test_a_dataflow_that_is_removed_and_added_again_is_said_to_have_default_parameters():
    first = load_hardware("8x8_32k")
    key = "pe_array.dataflows.output_stationary"
    assert first.pe_array.dataflows["output_stationary"].weight_density == 0.6
    assert any(said.startswith(key) for said in first.assumed)
    without = vary(first, **{"pe_array.dataflows": ["weight_stationary"]})
    again = vary(without, **{"pe_array.dataflows": ["weight_stationary", "output_stationary"]})
    assert again.pe_array.dataflows["output_stationary"].weight_density == 1.0
    said = {name: reason for name, reason in again.assumed.items() if name.startswith(key)}
    assert said == {key: "default, where no parameter is given: the machine did not run it before"}
    assert f"assumed: {said[key]}" in " ".join(hardware_report(again, Style(200)).split())
    density = {f"{key}.weight_density": 0.6}
    given = vary(without, **{"pe_array.dataflows": list(first.pe_array.dataflows), **density})
    assert given.pe_array.dataflows["output_stationary"].weight_density == 0.6


def test_dataflows_that_stay_keep_their_parameters_and_what_is_assumed_of_them():
    first = load_hardware("8x8_32k")
    turned = vary(first, **{"pe_array.dataflows": ["output_stationary", "weight_stationary"]})
    assert turned.pe_array.dataflows == first.pe_array.dataflows
    assert turned.assumed == first.assumed


@pytest.mark.parametrize("names", [[1], [["weight_stationary"]], [None], ["row"]])
def test_what_no_dataflow_is_called_is_a_line(names):
    with pytest.raises(DescriptionError, match=f"must be {A_DATAFLOW}"):
        vary(machine(), **{"pe_array.dataflows": names})
