"""What a file may say of memories that keep tensors, and the line that one reads where it does not."""

import re

import pytest

from accelsim import load_hardware, load_network, run_network
from accelsim.descriptions import read, shipped, vary
from accelsim.errors import AccelsimError, DescriptionError, MappingError
from accelsim.hardware import Hardware, Operand
from accelsim.network.configuration import configure
from accelsim.templates import template

KEEPS = """\
name: machine
pe_array: {rows: 8, columns: 8}
memories:
- name: flash
  holds: [weights]
  bandwidth: {bytes_per_cycle: 8}
- name: sram
  size_bytes: 65536
  banks: pool
  keeps: [activations]
io: {inputs: sram, outputs: sram}
"""
BESIDE = "- {name: beside, holds: [outputs], size_bytes: 4096}\n"
NO_PLACE = (
    "inputs, outputs, residual would have no place outside the chip, and no memory on chip keeps activations"
)
SHARES_ROOM = "must be left out where banks is not pool: what stays shares the room of tiles"
NAMES_NONE = "must be a memory that holds or keeps activations: sram"


def load(tmp_path, text):
    path = tmp_path / "m.yaml"
    path.write_text(text, encoding="utf-8")
    return read(path, Hardware)


def mistakes(tmp_path, *changes):
    """The lines about a file in which some texts were replaced by others, without the file's name."""
    text = KEEPS
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    with pytest.raises(DescriptionError) as error:
        load(tmp_path, text)
    return [line.removeprefix(f"{tmp_path / 'm.yaml'}:") for line in error.value.lines]


def test_activations_may_lie_on_chip_only(tmp_path):
    hardware = load(tmp_path, KEEPS)
    assert hardware.pool is not None
    assert (hardware.pool.memory, hardware.pool.size_bytes) == ("sram", 65536)
    assert hardware.keeps("activations")
    assert hardware.activation_places == ("sram",)


def test_ends_that_are_null_are_left_out(tmp_path):
    """On a chip whose outermost memory holds weights only that is the memory that keeps them."""
    ends = "io: {inputs: sram, outputs: sram}\n"
    said, null, nothing = (
        load(tmp_path, KEEPS.replace(ends, text))
        for text in (ends, "io: {inputs: null, outputs: null}\n", "")
    )
    assert null == nothing
    assert null.input_place == null.output_place == said.input_place == "sram"


def test_the_ends_of_a_network_are_outside_unless_the_file_says_otherwise(tmp_path):
    everything = KEEPS.replace("  holds: [weights]\n", "")
    assert load(tmp_path, everything).input_place == load(tmp_path, everything).output_place == "sram"
    silent = load(tmp_path, everything.replace("io: {inputs: sram, outputs: sram}\n", ""))
    assert (silent.input_place, silent.output_place) == ("flash", "flash")
    only_inside = load(tmp_path, KEEPS.replace("io: {inputs: sram, outputs: sram}\n", ""))
    assert (only_inside.input_place, only_inside.output_place) == ("sram", "sram")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "  bandwidth",
            "  keeps: [weights]\n  bandwidth",
            '6: memories.0.keeps = ["weights"]: must be left out: all that a memory off chip holds stays '
            "there",
        ),
        ("  banks: pool\n", "", f'9: memories.1.keeps = ["activations"]: {SHARES_ROOM}'),
        (
            "banks: pool",
            "banks: {shares: {inputs: 0.3, weights: 0.3, outputs: 0.3}}",
            f'10: memories.1.keeps = ["activations"]: {SHARES_ROOM}',
        ),
        (
            "banks: pool",
            "banks: pond",
            "9: memories.1.banks = 'pond': must be a mapping with the keys shares, bytes, bank_bytes, padded "
            "or 'pool'",
        ),
        (
            "[activations]",
            "activations",
            "10: memories.1.keeps = 'activations': must be a list (each 'activations' or 'weights')",
        ),
        (
            "[activations]",
            "[outputs]",
            "10: memories.1.keeps.0 = 'outputs': must be 'activations' or 'weights'",
        ),
        (
            "[activations]",
            "[activations, activations]",
            '10: memories.1.keeps = ["activations", "activations"]: must name each kind of tensor once',
        ),
        ("[activations]", "[]", f'5: memories.0.holds = ["weights"]: must hold everything: {NO_PLACE}'),
        (
            "  keeps: [activations]\n",
            "",
            f'5: memories.0.holds = ["weights"]: must hold everything: {NO_PLACE}',
        ),
        (
            "holds: [weights]",
            "holds: [weights, inputs]",
            '5: memories.0.holds = ["weights", "inputs"]: must hold everything, or weights alone: outputs, '
            "residual would have no place outside the chip",
        ),
        (
            "holds: [weights]",
            "holds: [inputs, outputs, residual]",
            '5: memories.0.holds = ["inputs", "outputs", "residual"]: must hold everything, or weights '
            "alone: weights would have no place outside the chip",
        ),
        ("inputs: sram", "inputs: dram", f"11: io.inputs = 'dram': {NAMES_NONE}"),
        ("inputs: sram", "inputs: flash", f"11: io.inputs = 'flash': {NAMES_NONE}"),
        ("outputs: sram", "outputs: flash", f"11: io.outputs = 'flash': {NAMES_NONE}"),
        (
            "outputs: sram",
            "outputs: S RAM",
            "11: io.outputs = 'S RAM': must be a name of small letters, digits and underscores",
        ),
        (
            "{inputs: sram, outputs: sram}",
            "sram",
            "11: io = 'sram': must be a mapping with the keys inputs, outputs",
        ),
        (
            "size_bytes: 65536",
            "size_bytes: 13",
            "8: memories.1.size_bytes = 13: must be at least 14: it has to hold two words of each operand",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(tmp_path, old, new, line):
    assert mistakes(tmp_path, (old, new)) == [line]


def test_a_pool_keeps_activations_only_if_it_holds_all_of_them(tmp_path):
    beside = f"  keeps: [activations]\n  holds: [inputs, weights, residual]\n{BESIDE}"
    assert mistakes(tmp_path, ("  keeps: [activations]\n", beside)) == [
        '10: memories.1.keeps = ["activations"]: must not name activations: the memory does not hold outputs'
    ]


def test_a_pool_keeps_weights_only_if_it_holds_them(tmp_path):
    beside = "  keeps: [activations, weights]\n  holds: [inputs, outputs, residual]\n"
    beside += "- {name: w, holds: [weights], size_bytes: 4096}\n"
    assert mistakes(tmp_path, ("  keeps: [activations]\n", beside)) == [
        '10: memories.1.keeps = ["activations", "weights"]: must not name weights: the memory does not hold '
        "weights"
    ]


def test_a_machine_has_one_pool(tmp_path):
    beside = (
        "  holds: [inputs, outputs, residual]\n- {name: w, holds: [weights], size_bytes: 4096, banks: pool}\n"
    )
    assert mistakes(tmp_path, ("io:", f"{beside}io:")) == [
        "12: memories.2.banks = 'pool': must be divided: sram is a pool already, and a machine has one at "
        "most"
    ]


def test_a_divided_memory_becomes_a_pool_that_keeps():
    divided = load_hardware("16x16_128k")
    pooled = vary(divided, **{"memories.global_buffer.banks": "pool"})
    assert pooled.pool is not None
    assert pooled.pool.operands == tuple(Operand)
    assert not pooled.keeps("activations")
    keeping = {"memories.global_buffer.banks": "pool", "memories.global_buffer.keeps": ["activations"]}
    assert vary(divided, **keeping).keeps("activations")
    with pytest.raises(DescriptionError, match="must be left out where banks is not pool"):
        vary(divided, **{"memories.global_buffer.keeps": ["activations"]})


def test_a_newcomers_file_becomes_a_pool_as_its_comments_say(tmp_path):
    text = template("machine", "mine")
    shares = text.index("  banks:  # each is double buffered")
    text = text[:shares] + text[text.index("  energy:", shares) :]
    for line in ("  banks: pool", "  keeps: [activations]", "io: {inputs: sram, outputs: sram}"):
        assert text.count(f"# {line}") == 1
        text = text.replace(f"# {line}", line)
    hardware = load(tmp_path, text)
    assert hardware.keeps("activations")
    assert (hardware.input_place, hardware.output_place) == ("sram", "sram")


def test_other_comments_of_a_newcomers_file_are_keys_where_they_stand(tmp_path):
    given = [line for line in template("machine", "mine").splitlines() if "port_words_per_column" not in line]
    by_comment = {line.removeprefix("# "): number for number, line in enumerate(given)}
    keys = ("  ports:", "    rows: {words_in", "    columns: {words_in", "power: {")
    for key in keys:
        (number,) = [number for line, number in by_comment.items() if line.startswith(key)]
        given[number] = given[number].removeprefix("# ")
    hardware = load(tmp_path, "\n".join(given).replace("unit: MAC", "unit: pJ"))
    assert (hardware.pe_array.ports.rows.words_out, hardware.static_power_mw) == (0, 1.5)
    in_it = by_comment["- name: accumulators"]
    added = [line.removeprefix("# ") for line in given[in_it : in_it + 4]]
    text = "\n".join([*given[:in_it], *added, *given[in_it + 4 :]]).replace("unit: MAC", "unit: pJ")
    text = text.replace("size_bytes: 262144", "size_bytes: 262144\n  holds: [inputs, weights, residual]")
    hardware = load(tmp_path, text.replace(", outputs: 0.25}", "}"))
    assert [memory.name for memory in hardware.on_chip] == ["sram", "accumulators"]


def test_a_tile_too_large_for_a_memory_beside_the_pool_is_refused_by_its_name(tmp_path):
    text = KEEPS.replace("  holds: [weights]\n", "").replace("io: {inputs: sram, outputs: sram}\n", "")
    beside = "holds: [inputs, outputs, residual]\n- {name: beside, holds: [weights], size_bytes: 8}"
    hardware = load(tmp_path, text.replace("keeps: [activations]", beside))
    with pytest.raises(
        MappingError, match=r"the weights take 10 bytes.*; memories\.beside\.size_bytes = 20 would"
    ):
        run_network("mobilenet_v1@width=0.25,resolution=64", hardware)


SHIPPED = ("npu_int8_256k", "npu_int8_2m")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_chips_that_keep_activations_are_dense_and_of_8_bits(name):
    hardware = load_hardware(name)
    assert name in shipped.names("hardware")
    assert (hardware.precision.weights_bits, hardware.precision.activations_bits) == (8, 8)
    assert hardware.precision.partial_sums_bits == 32
    assert hardware.activation_places == ("sram",)
    assert hardware.off_chip[0].holds == (Operand.WEIGHTS,)
    assert hardware.energy.picojoules == 1
    assert "weight_density': 1.0" in str(hardware.pe_array.model_dump())


def test_a_chip_has_a_memory_beside_the_flash_for_what_does_not_stay():
    hardware = load_hardware("npu_int8_psram")
    assert [(channel.memory, channel.bytes_per_cycle) for channel in hardware.channels] == [
        ("flash", 1.0),
        ("psram", 0.8),
    ]
    assert hardware.activation_places == ("psram", "sram")
    assert hardware.input_place == hardware.output_place == "psram"
    result = run_network("mobilenet_v1@width=0.25,resolution=128", hardware)
    assert {tensor.stays for tensor in result.memory_map.activations} == {True, False}
    flash, psram = result.memories["flash"], result.memories["psram"]
    assert flash.read_bytes.keys() == {"weights"}
    assert min(psram.read_bytes["inputs"], psram.written_bytes["outputs"], flash.read_bytes["weights"]) > 0


SMALL = "mobilenet_v1@width=0.5"


def refused(network, hardware):
    with pytest.raises(MappingError) as error:
        run_network(network, hardware)
    return str(error.value)


def test_activations_that_do_not_fit_are_named_with_what_would_help():
    sentence = refused(SMALL, load_hardware("npu_int8_256k"))
    assert sentence == (
        "conv1 on npu_int8_256k: needs 351260 bytes of sram, which has 262144: image (150528 bytes), conv1 "
        "(200704 bytes) and 28 bytes of tiles of weights, and flash holds no activations; would help: "
        "memories.sram.size_bytes = 602124 (as much as stage1.block1.pointwise takes) or images of 144 x 144 "
        "instead of 224 x 224 pixels (resolution=144)"
    )


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "  banks: pool\n",
            "  banks: pool\n  arena_bytes: 65537\n",
            "10: memories.1.arena_bytes = 65537: must be at most size_bytes, which is 65536",
        ),
        (
            "  banks: pool\n",
            "  banks: pool\n  arena_bytes: 13\n",
            "10: memories.1.arena_bytes = 13: must be at least 14: it has to hold two words of each operand",
        ),
        (
            "  banks: pool\n  keeps: [activations]\nio: {inputs: sram, outputs: sram}\n",
            "  arena_bytes: 4096\n",
            "9: memories.1.arena_bytes = 4096: must be left out where banks is not pool: each operand has "
            "banks of its own",
        ),
        (
            "  bandwidth: {bytes_per_cycle: 8}\n",
            "  bandwidth: {bytes_per_cycle: 8}\n  arena_bytes: 4096\n",
            "7: memories.0.arena_bytes = 4096: must be left out: a memory off chip is as large as need be",
        ),
    ],
)
def test_an_arena_is_a_part_of_a_pool(tmp_path, old, new, line):
    assert line in mistakes(tmp_path, (old, new))


def test_an_arena_is_all_that_a_network_has_at_the_prices_of_the_whole_memory():
    """The machine of a pool so small has cheaper accesses; the one with an arena in a larger pool has not."""
    machine = load_hardware("npu_int8_2m")
    small = "mobilenet_v1@width=0.25,resolution=96"
    (limited, smaller, whole) = (
        run_network(small, vary(machine, **{f"memories.sram.{key}": value}))
        for key, value in (("arena_bytes", 81920), ("size_bytes", 81920), ("arena_bytes", None))
    )
    assert limited.memory_map.peak_bytes <= 81920 == limited.memory_map.size_bytes
    assert limited.energy.total > smaller.energy.total
    assert limited.cycles >= whole.cycles


def test_an_arena_that_is_too_small_names_the_step_its_tensors_and_their_bytes():
    limited = vary(load_hardware("npu_int8_2m"), **{"memories.sram.arena_bytes": 262144})
    sentence = refused(SMALL, limited)
    assert sentence.startswith(
        "conv1 on npu_int8_2m: needs 351260 bytes of sram, whose arena has 262144: image (150528 bytes), "
        "conv1 (200704 bytes) and 28 bytes of tiles of weights, and flash holds no activations; would help: "
        "memories.sram.arena_bytes = 602124 (as much as stage1.block1.pointwise takes)"
    )
    assert run_network(SMALL, vary(limited, **{"memories.sram.arena_bytes": 602124})).cycles > 0
    larger = refused("vgg16", limited)
    ((size,),) = [re.findall(r"memories\.sram\.size_bytes = (\d+) without arena_bytes", larger)]
    assert int(size) > 2097152


@pytest.mark.parametrize(
    ("cascade", "line"),
    [
        ("{layers: 1}", "12: cascade.layers = 1: must be a whole number from 2 to 16"),
        ("{layers: 17}", "12: cascade.layers = 17: must be a whole number from 2 to 16"),
        ("{}", "12: cascade.layers: missing, must be a whole number from 2 to 16"),
        ("4", "12: cascade = 4: must be a mapping with the keys layers"),
    ],
)
def test_a_cascade_has_from_2_to_16_layers(tmp_path, cascade, line):
    ends = "io: {inputs: sram, outputs: sram}\n"
    assert mistakes(tmp_path, (ends, f"{ends}cascade: {cascade}\n")) == [line]


def test_a_cascade_needs_a_pool_that_keeps_activations(tmp_path):
    ends = "io: {inputs: sram, outputs: sram}\n"
    assert load(tmp_path, f"{KEEPS}cascade: {{layers: 4}}\n").cascade.layers == 4
    (line,) = mistakes(
        tmp_path,
        ("[activations]", "[weights]"),
        ("  holds: [weights]\n", ""),
        (ends, "cascade: {layers: 4}\n"),
    )
    assert line == (
        '10: cascade = {"layers": 4}: must be left out: no memory here keeps activations, of which rows '
        "would stay"
    )
    with pytest.raises(DescriptionError, match="l2 keeps whole tensors, and rows stay"):
        vary(load_hardware("mcu_l3_l2_l1"), cascade={"layers": 4})


def test_a_machine_without_cascades_has_the_key_that_it_had():
    machine = load_hardware("npu_int8_256k")
    assert vary(vary(machine, cascade={"layers": 4}), cascade=None).digest == machine.digest


def test_who_does_what_the_sentence_says_has_a_machine_or_an_image_that_does():
    hardware = load_hardware("npu_int8_256k")
    sentence = refused(SMALL, hardware)
    ((key, size),) = re.findall(r"(memories\.\S+) = (\d+)", sentence)
    assert run_network(SMALL, vary(hardware, **{key: int(size)})).cycles > 0
    assert "does not" not in refused(SMALL, vary(hardware, **{key: int(size) - 1}))
    (side,) = re.findall(r"resolution=(\d+)", sentence)
    assert run_network(f"{SMALL},resolution={side}", hardware).cycles > 0


@pytest.mark.parametrize(
    ("network", "kib", "side"),
    [("squeezenet_v1_1", 8, 32), ("vgg16", 24, 0), ("vgg16", 48, 0), ("vgg16", 64, 0)],
)
def test_an_image_of_which_the_network_cannot_be_built_is_no_advice(network, kib, side):
    """By areas squeezenet_v1_1 would need 24 x 24, and vgg16 8 x 8 to 24 x 24: both cannot be so small."""
    small = vary(load_hardware("npu_int8_256k"), **{"memories.sram.size_bytes": kib * 1024})
    sentence = refused(network, small)
    assert re.findall(r"resolution=(\d+)", sentence) == ([str(side)] if side else [])
    if side:
        assert run_network(f"{network}@resolution={side}", small).cycles > 0
    else:
        with pytest.raises(AccelsimError):
            run_network(f"{network}@resolution=32", small)  # the smallest that there is


def test_an_image_that_is_not_square_is_made_smaller_in_proportion():
    described = vary(load_network("mobilenet_v2").description, **{"input.height": 192, "input.width": 256})
    hardware = load_hardware("npu_int8_256k")
    sentence = refused(configure(described), hardware)
    sides = re.findall(r"images of (\d+) x (\d+) instead of 192 x 256 pixels$", sentence)
    ((height, width),) = [tuple(map(int, found)) for found in sides]
    smaller = vary(described, **{"input.height": height, "input.width": width})
    assert run_network(configure(smaller), hardware).cycles > 0
    assert (height % 8, width % 8, abs(width / height - 4 / 3) < 0.1) == (0, 0, True)


def test_tiles_that_do_not_fit_are_named_by_what_moves():
    network = "mobilenet_v1@width=0.25,resolution=32"
    hardware = vary(load_hardware("npu_int8_256k"), **{"memories.flash.holds": [*Operand], "io": {}})
    sentence = refused(network, vary(hardware, **{"memories.sram.size_bytes": 40}))
    assert "which has 40: 46 bytes of tiles of inputs, weights and outputs; would help: " in sentence
    sentence = refused(network, vary(hardware, **{"memories.sram.size_bytes": 20}))
    assert "no tile fits: the smallest tiles of weights that are tried take" in sentence
    ((key, size),) = re.findall(r"(memories\.\S+) = (\d+) would hold them$", sentence)
    assert "no tile fits" not in refused(network, vary(hardware, **{key: int(size)}))


def test_where_a_result_of_one_pixel_does_not_fit_no_smaller_image_is_said_to_help():
    small = vary(load_hardware("npu_int8_256k"), **{"memories.sram.size_bytes": 1000})
    sentence = refused("mobilenet_v1@width=0.25,resolution=32", small)
    assert "memories.sram.size_bytes = " in sentence
    assert "images of" not in sentence


@pytest.fixture(scope="module")
def layer_by_layer():
    """A machine on which all images of a batch go through a layer together, and activations stay on chip."""
    ends = {"io.inputs": "l2", "io.outputs": "l2"}
    return vary(load_hardware("mcu_l3_l2_l1"), **{"memories.l3.holds": ["weights"]}, **ends)


def refused_batch(network, hardware, batch):
    with pytest.raises(MappingError) as error:
        run_network(network, hardware, batch=batch)
    return str(error.value)


def test_images_that_run_together_take_room_together(layer_by_layer):
    sentence = refused_batch(f"{SMALL},resolution=128", layer_by_layer, batch=64)
    image_bytes = 64 * 3 * 128 * 128
    assert f"image ({image_bytes} bytes)" in sentence
    assert sentence.endswith("or fewer images than 64 at a time")


def test_images_that_run_in_turn_do_not():
    hardware, network = load_hardware("npu_int8_256k"), f"{SMALL},resolution=128"
    result = run_network(network, hardware, batch=64)
    assert result.memory_map.batch_order.in_turn
    assert result.peak_global_buffer_bytes <= hardware.pool.size_bytes


def test_no_memory_is_named_that_is_larger_than_a_machine_may_have(layer_by_layer):
    sentence = refused_batch(f"{SMALL},resolution=128", layer_by_layer, batch=65536)
    assert "size_bytes" not in sentence
    assert sentence.endswith("; would help: fewer images than 65536 at a time")


def test_an_image_that_has_to_lie_on_chip_is_why_it_does_not_fit(tmp_path):
    text = KEEPS.replace("  holds: [weights]\n", "").replace("outputs: sram}", "outputs: flash}")
    sentence = refused(SMALL, load(tmp_path, text))
    assert "image (150528 bytes)" in sentence
    assert "where io says that the network's ends lie and not in flash" in sentence


WHOLE_BANKS = """\
name: machine
pe_array: {rows: 8, columns: 8}
memories:
- name: dram
  bandwidth: {bytes_per_cycle: 8}
- name: sram
  size_bytes: 65536
  banks: {bank_bytes: 4096}
"""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "bank_bytes: 4096",
            "bank_bytes: 4095",
            "8: memories.1.banks.bank_bytes = 4095: must divide size_bytes, which is 65536",
        ),
        (
            "size_bytes: 65536",
            "size_bytes: 8192",
            "7: memories.1.size_bytes = 8192: must be at least 16384: it has to hold two words of each "
            "operand, in banks of its own",
        ),
        (
            "bank_bytes: 4096",
            "bank_bytes: 4096, shares: {inputs: 1}",
            '8: memories.1.banks = {"bank_bytes": 4096, "shares": {"inputs": 1}}: must give one of shares, '
            "bytes and bank_bytes, or be the word pool",
        ),
        (
            "banks: {bank_bytes: 4096}",
            "banks: {bytes: {inputs: 8, weights: 8, outputs: 8}, padded: true}",
            "8: memories.1.banks.padded = true: must be left out: only banks of bank_bytes hold padding here",
        ),
        (
            "banks: {bank_bytes: 4096}",
            "banks: {bank_bytes: 4096}\n  keeps: [activations]",
            '9: memories.1.keeps = ["activations"]: must be left out where banks is not pool: what stays '
            "shares the room of tiles",
        ),
    ],
)
def test_whole_banks_that_cannot_be_are_refused_with_their_place(tmp_path, old, new, sentence):
    path = tmp_path / "m.yaml"
    path.write_text(WHOLE_BANKS.replace(old, new), encoding="utf-8")
    with pytest.raises(DescriptionError) as error:
        read(path, Hardware)
    assert [line.removeprefix(f"{path}:") for line in str(error.value).splitlines()] == [sentence]


def test_whole_banks_are_a_pool_that_is_given_out_in_them(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(WHOLE_BANKS, encoding="utf-8")
    bank = read(path, Hardware).pool
    assert (bank.size_bytes, bank.unit_bytes, bank.padded) == (65536, 4096, False)
