"""Bits and zeros that a network speaks of: who is asked first, overlays, presets, and each mistake."""

import json
from dataclasses import replace

import pytest
from machines import machine

import accelsim
from accelsim.descriptions import check, dump, parse_text
from accelsim.errors import DescriptionError
from accelsim.mapping import precision
from accelsim.network.build import build
from accelsim.network.compression import stored_bytes, total_kept_params
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.network.load import load_network
from accelsim.network.lowering import lower
from accelsim.network.lowering.splitting import pooling_layer
from accelsim.network.overlay import overlaid
from accelsim.run import run_network

NETWORK = """\
name: small
title: Three layers with weights
source: made up for these tests
input: {channels: 4, height: 8, width: 8}
reported:
  accuracy: {percent: 40.0, metric: mAP}
  top1: 50.0
  top5: 75.0
  params: 500
  kept_params: 400
  stored_bytes: 300
stages:
  - {block: conv, name: conv1, out_channels: 8, kernel: 3, padding: 1, batch_norm: true, activation: relu}
  - {block: max_pool, name: pool, kernel: 2, stride: 2}
  - {block: conv, name: conv2, out_channels: 8, bias: true}
  - {block: fully_connected, name: fc, out_features: 10}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file into an empty working folder; gives back its name."""
    monkeypatch.chdir(tmp_path)

    def to(text, name="small.yaml"):
        (tmp_path / name).write_text(text)
        return name

    return to


def lowered(network):
    return {layer.name: layer for layer in lower(build(network)).layers}


def mistakes(action, *arguments):
    with pytest.raises(DescriptionError) as error:
        action(*arguments)
    return error.value.lines


# --- who is asked first


MACHINE = machine(
    **{
        "precision.weights_bits": 16,
        "precision.activations_bits": 15,
        "precision.partial_sums_bits": 14,
        "precision.pruned_index_bits": 7,
    }
).precision
KEYS = {  # of the network's precision: who is asked, and the machine's word
    "weights_bits": (precision.weight_bits, 16),
    "activations_bits": (precision.activation_bits, 15),
    "partial_sums_bits": (precision.partial_sum_bits, 14),
    "pruned_index_bits": (precision.pruned_index_bits, 7),
}


@pytest.mark.parametrize("key", KEYS)
def test_where_nobody_else_says_the_machine_does(write, key):
    bits, of_the_machine = KEYS[key]
    for layer in lowered(load_network(write(NETWORK))).values():
        assert bits(layer, MACHINE) == of_the_machine


@pytest.mark.parametrize("key", KEYS)
def test_the_network_goes_before_the_machine_and_leaves_the_rest_to_it(write, key):
    network = load_network(write(f"{NETWORK}precision: {{{key}: 5}}\n"))
    for layer in lowered(network).values():
        for other, (bits, of_the_machine) in KEYS.items():
            assert bits(layer, MACHINE) == (5 if other == key else of_the_machine)


def test_activations_of_the_vector_unit_have_the_network_s_bits_too(write):
    text = f"{NETWORK}  - {{block: softmax, name: prob}}\nprecision: {{activations_bits: 5}}\n"
    text = text.replace("name: conv1,", "name: conv1, groups: 2,")
    found = lowered(load_network(write(text)))
    assert {precision.activation_bits(layer, MACHINE) for layer in found.values()} == {5}
    pool = pooling_layer(found["conv1"])
    assert precision.activation_bits(pool, MACHINE) == 5


def test_a_layer_goes_before_the_network(write):
    text = f"{NETWORK}precision: {{weights_bits: 5}}\ncompression: [{{layers: conv1, weight_bits: 3}}]\n"
    found = lowered(load_network(write(text)))
    assert {name: precision.weight_bits(layer, MACHINE) for name, layer in found.items()} == {
        "conv1": 3,
        "conv2": 5,
        "fc": 5,
    }


def test_of_two_entries_the_later_goes_before_the_earlier_key_by_key(write):
    text = f"""{NETWORK}
compression:
  - {{layers: "conv*", weight_bits: 3, weight_density: 0.5}}
  - {{layers: conv2, weight_density: 0.25}}
"""
    found = lowered(load_network(write(text)))
    forms = {name: (layer.weight_bits, layer.weight_density) for name, layer in found.items()}
    assert forms == {"conv1": (3, 0.5), "conv2": (3, 0.25), "fc": (None, None)}


@pytest.mark.parametrize(
    ("pattern", "matched"), [("conv?", [3, 3]), ("conv[2-4]", [None, 3]), ("conv[!2-4]", [3, None])]
)
def test_patterns_are_those_of_file_names(write, pattern, matched):
    found = lowered(load_network(write(f'{NETWORK}compression: [{{layers: "{pattern}", weight_bits: 3}}]\n')))
    bits = [precision.weight_bits(found[name], MACHINE) for name in ("conv1", "conv2")]
    assert bits == [one or MACHINE.weights_bits for one in matched]


def test_an_overlay_goes_before_the_file_but_what_is_said_of_a_layer_before_what_is_said_of_all(write):
    text = f"""{NETWORK}
precision: {{weights_bits: 12, activations_bits: 11}}
compression: [{{layers: conv1, weight_bits: 10}}, {{layers: fc, weight_bits: 9}}]
"""
    overlay = write(
        "precision: {weights_bits: 6}\ncompression: [{layers: fc, weight_bits: 4}]\n", "over.yaml"
    )
    found = lowered(overlaid(load_network(write(text)), overlay))
    assert {name: layer.weight_bits for name, layer in found.items()} == {"conv1": 10, "conv2": 6, "fc": 4}
    assert {layer.activation_bits for layer in found.values()} == {11}


def test_the_word_of_the_network_reaches_the_traffic(write):
    hardware = machine()
    wide = run_network(load_network(write(NETWORK)), hardware)
    narrow = run_network(load_network(write(f"{NETWORK}precision: {{activations_bits: 8}}\n")), hardware)
    # Beside weights and offsets, inputs and outputs are moved, each in half the bytes.
    assert narrow.dram_bytes.write * 2 == wide.dram_bytes.write
    weights = 2 * (8 * 4 * 9 + 8 + 8 * 8 + 8 + 10 * 8 * 16 + 10)
    assert (narrow.dram_bytes.read - weights) * 2 == wide.dram_bytes.read - weights


# --- presets, overlays, data


PRESET = """\
name: preset
title: small, pruned
source: made up for these tests
preset_of: small
precision: {weights_bits: 6}
compression: [{layers: "*", weight_density: 0.5}]
"""


def test_a_preset_may_only_compress_and_follows_what_it_is_a_preset_of(write):
    write(
        f"{NETWORK}precision: {{weights_bits: 8, activations_bits: 8}}\n"
        "compression: [{layers: fc, weight_density: 0.1}, {layers: fc, weight_bits: 3}]\n"
    )
    found = lowered(load_network(write(PRESET, "preset.yaml")))
    assert {(layer.weight_density, layer.activation_bits) for layer in found.values()} == {(0.5, 8)}
    assert {name: layer.weight_bits for name, layer in found.items()} == {"conv1": 6, "conv2": 6, "fc": 3}


def test_a_compressed_network_reads_back_equal_and_can_be_varied(write):
    write(NETWORK)
    description = load_network(write(PRESET, "preset.yaml")).description
    assert check(parse_text(dump(description), "dump"), NetworkDescription) == description
    assert lowered(configure(description)) == lowered(load_network("preset.yaml"))


def test_an_overlaid_network_has_its_own_name_and_no_accuracy(write):
    overlay = write("precision: {weights_bits: 6}\n", "int6.yaml")
    network = overlaid(load_network(write(NETWORK), resolution=16), overlay)
    assert network.name == "small@resolution=16+int6"
    reported = overlaid(load_network("small.yaml"), overlay).reported
    assert (reported.top1, reported.top5, reported.accuracy) == (None,) * 3
    assert (reported.kept_params, reported.stored_bytes) == (None,) * 2
    assert reported.params == 500
    assert accelsim.overlaid is overlaid


def test_what_is_left_and_its_bytes(write):
    graph = build(load_network(write(f"{NETWORK}compression: [{{layers: conv*, weight_density: 0.3}}]\n")))
    rest = 2 * 8 + 8 + (10 * 8 * 16) + 10  # batch normalisation, offsets, fc
    assert total_kept_params(graph) == 87 + 20 + rest  # of 288 and 64, rounded up
    assert stored_bytes(graph) is None  # how many bits a weight has is left to the machine
    text = f"{NETWORK}precision: {{weights_bits: 6}}\ncompression: [{{layers: conv*, weight_density: 0.3}}]\n"
    assert stored_bytes(build(load_network(write(text)))) is None  # nor how far apart the weights are
    text = text.replace("bits: 6", "bits: 6, pruned_index_bits: 4")
    assert stored_bytes(build(load_network(write(text)))) == -(-((87 + 20) * 10 + rest * 6) // 8)


def test_density_1_and_the_machine_s_bits_change_nothing(tmp_path):
    overlay = tmp_path / "same.yaml"
    overlay.write_text(
        "precision: {weights_bits: 16, activations_bits: 16, partial_sums_bits: 32}\n"
        'compression: [{layers: "*", weight_density: 1.0}]\n'
    )
    network = load_network("squeezenet_v1_1@resolution=64")
    plain, same = run_network(network, machine()), run_network(overlaid(network, overlay), machine())
    assert replace(same, network=plain.network) == plain


# --- mistakes


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("title: nothing", "over.yaml:1: changes nothing: must have precision, compression or both"),
        (
            "compression: [{layers: fc}]",
            "must give weight_density, weight_bits, weight_ratio or activation_density",
        ),
        (
            "compression: [{layers: fc, weight_density: 0}]",
            "over.yaml:1: compression.0.weight_density = 0: must be a number from 1e-06 to 1",
        ),
        (
            "compression:\n- {layers: fc, weight_density: 1.5}",
            "over.yaml:2: compression.0.weight_density = 1.5: must be a number from 1e-06 to 1",
        ),
        (
            "compression: [{layers: fc, weight_bits: 0}]",
            "over.yaml:1: compression.0.weight_bits = 0: must be a whole number from 1 to 64",
        ),
        (
            "precision: {weights_bits: 65}",
            "over.yaml:1: precision.weights_bits = 65: must be a whole number from 1 to 64",
        ),
        (
            "precision: {pruned_index_bits: -1}",
            "over.yaml:1: precision.pruned_index_bits = -1: must be a whole number from 0 to 64",
        ),
        (
            "precision: {weight_bits: 6}",
            "over.yaml:1: precision.weight_bits = 6: no such key, did you mean 'weights_bits'? allowed are "
            "weights_bits, activations_bits, partial_sums_bits, pruned_index_bits",
        ),
        (
            "compression: [{layers: fc, density: 0.5}]",
            "over.yaml:1: compression.0.density = 0.5: no such key, did you mean 'weight_density'? allowed "
            "are layers, weight_density, weight_bits, weight_ratio, activation_density",
        ),
        (
            "compression:\n- {layers: fc, weight_bits: 4}\n- {layers: conv3, weight_bits: 4}",
            "over.yaml:3: compression.1.layers = 'conv3': no such layer with weights in small, did you mean "
            "'conv2'? allowed are conv1, conv2, fc",
        ),
        (
            "compression: [{layers: pool, weight_bits: 4}]",
            "over.yaml:1: compression.0.layers = 'pool': no such layer with weights in small: allowed are "
            "conv1, conv2, fc",
        ),
    ],
)
def test_a_mistake_in_an_overlay(write, text, line):
    network = load_network(write(NETWORK))
    (found,) = mistakes(overlaid, network, write(f"{text}\n", "over.yaml"))
    assert found.endswith(line)


def test_every_pattern_that_matches_nothing_gets_its_line(write):
    network = load_network(write(NETWORK))
    text = "compression: [{layers: a*, weight_bits: 4}, {layers: b*, weight_bits: 4}]\n"
    first, second = mistakes(overlaid, network, write(text, "over.yaml"))
    assert "compression.0.layers = 'a*'" in first
    assert "compression.1.layers = 'b*'" in second


def test_of_a_long_network_the_message_lists_the_first_layers(tmp_path):
    (tmp_path / "over.yaml").write_text("compression: [{layers: nothing, weight_bits: 4}]\n")
    (line,) = mistakes(overlaid, load_network("sqnxt23"), tmp_path / "over.yaml")
    assert line.endswith("stage1.block5.conv1x3, ... (112 in all)")
    assert 600 < len(line) < 800


def test_a_pattern_in_a_preset_is_looked_for_in_the_preset_s_own_file(write):
    write(f"{NETWORK}compression: [{{layers: conv1, weight_bits: 4}}]\n")
    network = load_network(write(PRESET.replace('"*"', "absent"), "preset.yaml"))
    (line,) = mistakes(build, network)
    assert line.startswith(
        "preset.yaml:6: compression.0.layers = 'absent': no such layer with weights in preset"
    )


def test_a_pattern_in_a_network_s_own_file_gets_its_line_when_the_network_is_built(write):
    text = f"{NETWORK}compression:\n  - {{layers: absent, weight_bits: 4}}\n"
    (line,) = mistakes(build, load_network(write(text)))
    number = text.splitlines().index("  - {layers: absent, weight_bits: 4}") + 1
    assert line.startswith(f"small.yaml:{number}: compression.0.layers = 'absent'")


def test_a_buffer_too_small_for_a_network_s_wide_numbers_is_said_when_the_network_is_mapped(write):
    network = load_network(write(f"{NETWORK}precision: {{activations_bits: 64, partial_sums_bits: 64}}\n"))
    small = machine(**{"global_buffer.size_bytes": 64, "global_buffer.shares.inputs": 0.25})
    with pytest.raises(accelsim.AccelsimError, match="no tile fits"):
        run_network(network, small)


def test_a_pattern_that_is_one_name_is_that_layer(tmp_path):
    names = ("a[0]", "a0", "b*", "bb")
    rows = [{"name": name, "operator": "conv", "inputs": ["input"], "out_channels": 4} for name in names]
    entries = [{"layers": pattern, "weight_bits": 4} for pattern in ("a[[]0]", "b[*]")]
    data = {
        "name": "names",
        "title": "names",
        "source": "made up",
        "input": {"channels": 3, "height": 8, "width": 8},
        "compression": entries,
        "stages": [{"block": "graph", "name": "all", "operators": rows}],
    }
    path = tmp_path / "names.yaml"
    path.write_text(json.dumps(data))
    graph = build(load_network(path))
    assert [graph[name].weight_form.bits for name in names] == [4, None, 4, None]
