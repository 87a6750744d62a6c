"""Machines with three levels: which memory is which, what layers see, and what is refused in a line."""

import pytest

from accelsim import load_hardware
from accelsim.descriptions import dump, vary
from accelsim.errors import DescriptionError
from accelsim.hardware import Hardware, Operand

FILE = """\
name: levels
source: made up for a test
pe_array: {rows: 8, columns: 8}
memories:
- name: l3
  bandwidth: {bytes_per_cycle: 1}
- name: l2
  size_bytes: 65536
  keeps: [activations]
  bandwidth: {bytes_per_cycle: 8}
  prefetch: 4
- name: l1
  size_bytes: 16384
"""


@pytest.fixture
def load(tmp_path):
    def load_changed(*changes):
        text = FILE
        for old, new in changes:
            assert text.count(old) == 1
            text = text.replace(old, new)
        file = tmp_path / "machine.yaml"
        file.write_text(text)
        return load_hardware(file)

    return load_changed


def test_a_memory_with_a_size_and_a_channel_is_for_tensors_alone(load):
    machine = load()
    assert [memory.name for memory in machine.off_chip] == ["l3"]
    assert [memory.name for memory in machine.on_chip] == ["l2", "l1"]
    assert [memory.name for memory in machine.working] == ["l1"]
    assert machine.tensor_memory.name == "l2"
    assert machine.tensor_bank[:4] == ("l2", "tensors", 65536, ())
    assert {bank.memory for bank in machine.bank_of.values()} == {"l1"}
    assert machine.activation_places == ("l3", "l2")
    assert (machine.input_place, machine.output_place) == ("l3", "l3")
    assert [channel[0] for channel in machine.channels] == ["l3", "l2"]
    assert machine.bytes_per_cycle_off_chip == 1
    assert machine.homes == {"l3": ("inputs", "weights", "outputs", "residual")}


def test_other_machines_have_none():
    for name in ("8x8_32k", "npu_int8_256k"):
        machine = load_hardware(name)
        assert machine.tensor_memory is None
        assert machine.with_places({Operand.INPUTS: "sram"}) is machine
        assert machine.working == machine.on_chip
        assert machine.tensor_bank == machine.pool


def test_what_the_file_leaves_out_is_said(load):
    machine = load()
    said = {key.removeprefix("memories.l2.") for key in machine.assumed if key.startswith("memories.l2.")}
    assert said == {"latency_cycles", "energy"}
    assert machine.tensor_memory.banks is None
    assert machine.prices.memories[1][:] == ("l2", 6.0, 6.0)


@pytest.mark.parametrize(
    ("name", "key", "value", "where"),
    [
        ("npu_int8_psram", "memories.flash.layout", "nchw", "activations are at home in psram"),
        (
            "npu_int8_psram",
            "memories.flash.compress",
            {"activations": {}},
            "activations are at home in psram",
        ),
        ("npu_int8_psram", "memories.psram.compress", {"weights": 0.5}, "weights are at home in flash"),
        ("mcu_l3_l2_l1", "memories.l2.layout", "nchw", None),
        ("mcu_l3_l2_l1", "memories.l3.compress", {"weights": 0.5, "activations": {}}, None),
        ("npu_int8_psram", "memories.psram.layout", "nchw", None),
    ],
)
def test_a_layout_and_a_code_are_of_the_memory_in_which_such_tensors_are_at_home(name, key, value, where):
    changes = {key: value}
    if where is None:
        assert vary(load_hardware(name), **changes)
        return
    with pytest.raises(DescriptionError) as error:
        vary(load_hardware(name), **changes)
    (line,) = error.value.lines
    assert line.endswith(f": must be left out: {where}")


def test_where_no_activations_lie_outside_nothing_is_said_of_them_there(load):
    inside = ("- name: l3\n", "- name: l3\n  holds: [weights]\n")
    assert load(inside).memories[0].layout is None
    with pytest.raises(DescriptionError, match="must be left out: activations are at home in no memory off"):
        load(("- name: l3\n", "- name: l3\n  holds: [weights]\n  layout: nhwc\n"))
    with pytest.raises(DescriptionError, match="'nhwc': must be left out: no activations stay there"):
        load(("  keeps: [activations]\n", "  keeps: [weights]\n  layout: nhwc\n"))


def test_a_file_written_from_it_reads_back(load, tmp_path):
    machine = load()
    file = tmp_path / "dumped.yaml"
    file.write_text(dump(machine))
    assert load_hardware(file) == machine


def test_a_layer_sees_a_machine_with_fixed_homes(load):
    machine = load()
    seen = machine.with_places({Operand.INPUTS: "l2", Operand.OUTPUTS: "l3"})
    homes = {operand.value: seen.channel_of[operand].memory for operand in Operand}
    assert homes == {"inputs": "l2", "weights": "l3", "outputs": "l3", "residual": "l3"}
    assert [channel[2:] for channel in seen.channels] == [channel[2:] for channel in machine.channels]
    assert seen.prices == machine.prices
    assert seen.banks == machine.banks[1:]
    assert seen is machine.with_places({Operand.INPUTS: "l2"})
    assert [channel.memory for channel in machine.with_places({}).channels] == ["l3"]
    fewer = seen.with_idle_rows(3)
    assert (fewer.pe_array.rows, fewer.channels) == (5, seen.channels)


def test_two_memories_off_chip_keep_their_operands(load):
    machine = load(
        ("- name: l3\n", "- name: flash\n  holds: [weights]\n  bandwidth: {bytes_per_cycle: 2}\n- name: l3\n")
    )
    seen = machine.with_places(dict.fromkeys((Operand.OUTPUTS, Operand.RESIDUAL), "l2"))
    homes = {operand.value: seen.channel_of[operand].memory for operand in Operand}
    assert homes == {"inputs": "l3", "weights": "flash", "outputs": "l2", "residual": "l2"}


def test_weights_have_a_second_home_where_they_may_stay(load):
    machine = load(("keeps: [activations]", "keeps: [activations, weights]"))
    assert machine.with_places({Operand.WEIGHTS: "l2"}).channel_of[Operand.WEIGHTS].memory == "l2"


def test_it_is_varied_by_its_name(load):
    machine = vary(load(), **{"memories.l2.size_bytes": 1000, "io.inputs": "l2"})
    assert (machine.tensor_bank.size_bytes, machine.input_place, machine.output_place) == (1000, "l2", "l3")


L2 = FILE[FILE.index("- name: l2") : FILE.index("- name: l1")]
L1 = FILE[FILE.index("- name: l1") :]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            [("  keeps: [activations]\n", "")],
            "7: memories.1.keeps: must name what stays there: a memory with a size and a channel is for that",
        ),
        (
            [("  keeps: [activations]\n", "  keeps: [activations]\n  banks: pool\n")],
            "10: memories.1.banks = 'pool': must be left out: tiles are buffered in the memories after it",
        ),
        (
            [("  keeps: [activations]\n", "  keeps: [activations, activations]\n")],
            '9: memories.1.keeps = ["activations", "activations"]: must name each kind of tensor once',
        ),
        (
            [("  keeps: [activations]\n", "  keeps: [activations]\n  holds: [inputs, outputs]\n")],
            '9: memories.1.keeps = ["activations"]: must not name activations: the memory does not hold '
            "residual",
        ),
        (
            [("  size_bytes: 16384\n", "  size_bytes: 16384\n  banks: pool\n  keeps: [activations]\n")],
            '15: memories.2.keeps = ["activations"]: must be left out: l2 keeps tensors, and one memory of a '
            "machine does at most",
        ),
        (
            [(L1, L2.replace("l2", "l0") + L1)],
            '14: memories.2.keeps = ["activations"]: must be left out: l2 keeps tensors, and one memory of a '
            "machine does at most",
        ),
        (
            [
                (
                    L2 + L1,
                    "- {name: sums, size_bytes: 4096, holds: [outputs]}\n"
                    + L2
                    + L1.rstrip()
                    + "\n  holds: [inputs, weights, residual]\n",
                )
            ],
            "8: memories.2.name = 'l2': must come before the memories with tiles: what l2 keeps moves to "
            "them",
        ),
        (
            [("pe_array", "io: {outputs: l1}\npe_array")],
            "3: io.outputs = 'l1': must be a memory that holds or keeps activations: l3 or l2",
        ),
        (
            [
                ("- name: l3\n", "- name: l3\n  holds: [weights]\n"),
                ("  keeps: [activations]\n", "  holds: [weights]\n  keeps: [weights]\n"),
            ],
            '6: memories.0.holds = ["weights"]: must hold everything: inputs, outputs, residual would have '
            "no place outside the chip, and no memory on chip keeps activations",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(load, changes, line):
    with pytest.raises(DescriptionError) as error:
        load(*changes)
    (found,) = str(error.value).splitlines()
    assert found.endswith(line)


def test_the_outermost_memory_may_hold_weights_alone(load):
    machine = load(
        ("- name: l3\n", "- name: l3\n  holds: [weights]\n"),
        ("pe_array", "io: {inputs: l2, outputs: l2}\npe_array"),
    )
    assert machine.home(Operand.OUTPUTS) is None
    assert machine.activation_places == ("l2",)


def test_sizes_of_words_are_asked_of_memories_with_tiles_only(load):
    assert isinstance(load(("size_bytes: 65536", "size_bytes: 1")), Hardware)
