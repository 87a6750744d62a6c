"""What an ONNX file says of itself, and what it may not: batch, bits, sizes, bombs, damage."""

import math
import random
import time
import tracemalloc

import numpy as np
import onnx
import onnx_zoo_shapes
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import model, node, numbers, save, weight
from onnx_zoo import KINDS, scalar, typed, zeros

import accelsim
from accelsim.descriptions import check, parse_text
from accelsim.importers import onnx_file
from accelsim.importers.onnx_wire import without_large_constants
from accelsim.network.analysis import counted_params
from accelsim.network.build import build
from accelsim.network.compression import total_kept_params
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription
from accelsim.network.graph import total_macs, total_params
from accelsim.network.imported import from_onnx, to_yaml
from accelsim.network.lowering import lower
from accelsim.report.tables.run import run_report
from accelsim.report.text.table import Style

CONV = [node("Conv", "x w", "y")]
MACHINE = accelsim.load_hardware("16x16_128k")
SECONDS = 10
"""That any file may take, on a machine that does other things besides."""


def described(network):
    """A network after a visit in a YAML file."""
    return configure(check(parse_text(to_yaml(network.description), "model.yaml"), NetworkDescription))


@pytest.fixture
def load(tmp_path):
    """The network of a model."""
    return lambda proto, at="": accelsim.load_network(f"{save(proto, tmp_path)}{at}")


@pytest.fixture
def refused(tmp_path):
    """What is said of a model, line by line, without the file's name."""

    def lines(proto, at=""):
        path = save(proto, tmp_path)
        with pytest.raises(accelsim.AccelsimError) as error:
            accelsim.load_network(f"{path}{at}")
        return [line.replace(str(path), "PATH").removeprefix("PATH: ") for line in error.value.lines]

    return lines


# --- the batch


@pytest.mark.parametrize("name", ["columns", "two matrices"])
def test_a_first_dimension_that_is_no_batch_is_not_called_one(name, load):
    of = {
        "columns": model([node("Gemm", "x w", "y", transA=1)], [weight("w", 30, 7)], image=(30, 5)),
        "two matrices": typed(
            [node("MatMul", "x z", "y")],
            [],
            {"x": (TensorProto.FLOAT, (1, 6, 8)), "z": (TensorProto.FLOAT, (8, 5))},
        ),
    }
    network = load(of[name])
    assert network.images() == 1
    assert "batch" not in network.description.source


def test_a_batch_that_the_file_fixes_is_the_one_that_runs(load):
    network = load(KINDS["convolutions_of_a_batch"]())
    assert network.description.batch == 8
    assert network.description.source.endswith("ONNX opset 17, written by tests, batch of 8")
    result = accelsim.run_network(network, MACHINE)
    assert (result.batch, result.macs) == (8, 8 * total_macs(build(network)))
    assert result == accelsim.run_network(network, MACHINE, batch=8)
    assert accelsim.run_network(network, MACHINE, batch=1).batch == 1


def test_a_batch_goes_into_the_yaml_file_and_back(load):
    network = load(KINDS["matrix_product_of_a_batch"]())
    assert described(network).description == network.description
    assert described(network).images() == 256


def test_an_open_batch_is_one_image(load):
    network = load(KINDS["open_batch"]())
    assert network.images() == 1
    assert network.description.source.endswith("open batch taken as 1")


def product(batch, *claims):
    """A matrix product of a batch, of which the file says that its tensors have such shapes."""
    nodes = [node("MatMul", "x w", "h"), node("Relu", "h", "y")]
    proto = model(nodes, [weight("w", 64, 10)], x=(batch, 64))
    output, *between = claims
    proto.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, output))
    proto.graph.value_info.extend(
        helper.make_tensor_value_info("h", TensorProto.FLOAT, shape) for shape in between
    )
    return proto


@pytest.mark.parametrize("claims", [[(16, 10)], [("N", 10), (16, 10)], [(16, 10), (16, 10)]])
def test_an_open_batch_that_the_file_fixes_further_on_is_that_one(load, claims):
    network = load(product("N", *claims))
    assert network.images() == 16
    assert network.description.source.endswith(
        "batch of 16, which the input leaves open and other tensors fix"
    )
    assert total_macs(build(network)) == 640


@pytest.mark.parametrize("claims", [[("N", 10)], [(1, 10), (1, 10)], [(16,)], [("M", 10), ("N", 10)]])
def test_a_batch_that_stays_open_is_one_image(load, claims):
    network = load(product("N", *claims))
    assert network.images() == 1
    assert network.description.source.endswith("open batch taken as 1")


@pytest.mark.parametrize("claims", [[(16, 10), (8, 10)], [(1, 10), (8, 10)]])
def test_an_open_batch_that_the_file_fixes_twice_is_refused(refused, claims):
    (low, high) = sorted(size for size, _ in claims)
    assert refused(product("N", *claims)) == [
        f"the input leaves the batch open, and other tensors have batches of {low} and {high}: "
        "let the exporter fix one"
    ]


@pytest.mark.parametrize("shape", [(0, 64), (1, 0)])
def test_an_input_without_elements_is_refused(refused, shape):
    proto = model([node("Relu", "x", "y")], x=shape)
    size = " x ".join(map(str, shape))
    assert refused(proto) == [f"input 'x' is {size}: it has no elements: let the exporter write what it has"]


def test_a_size_below_zero_is_an_open_one(load):
    assert load(model([node("Relu", "x", "y")], x=(-1, 64))).images() == 1


def test_a_batch_of_a_billion_is_refused(refused):
    (line,) = refused(model(CONV, [zeros("w", 4, 3, 3, 3)], image=(10**9, 3, 8, 8)))
    assert line == "batch = 1000000000: must be a whole number from 1 to 65536"


# --- bits


def bits(network):
    """Bits of weights and activations that a network says, and the words of its source."""
    precision = network.description.precision
    words = network.description.source.rpartition("written by tests")[2].lstrip(", ")
    return precision.weights_bits, precision.activations_bits, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("int8_weights_between_quantisers", (8, 8, "8-bit weights, 8-bit activations")),
        ("int4_weights_between_quantisers", (4, 8, "4-bit weights, 8-bit activations")),
        ("quantised_convolution_and_product", (8, 8, "8-bit weights, 8-bit activations")),
        ("half_precision", (16, 16, "16-bit weights, 16-bit activations")),
        ("weights_of_half_precision_only", (16, None, "16-bit weights")),
        ("image_of_bytes", (None, None, "")),
        ("two_strides", (None, None, "")),
    ],
)
def test_bits_of_the_file_are_the_networks(load, name, expected):
    network = load(KINDS[name]())
    weights, activations, words = bits(network)
    assert (weights, activations, words) == expected
    assert build(network).precision == network.description.precision


def test_what_a_quantised_file_leaves_in_32_bits_has_32(load):
    nodes = [
        node("DequantizeLinear", "q s z", "w"),
        helper.make_node("Conv", ["x", "w"], ["a"], "a[0]*"),
        helper.make_node("Conv", ["a", "w"], ["b"], "b"),
        helper.make_node("Conv", ["b", "v"], ["y"], "c[1]?"),
    ]
    constants = [zeros("q", 3, 3, 1, 1, dtype=np.int8), scalar("s", 1.0), scalar("z", 0, np.int8)]
    network = load(model(nodes, [*constants, zeros("v", 3, 3, 1, 1)]))
    assert bits(network) == (8, None, "8-bit weights (but for 1 of 3 layers)")
    for same in (network, described(network)):
        graph = build(same)
        assert [graph[name].weight_form.bits for name in ("a[0]*", "b", "c[1]?")] == [8, 8, 32]
    layer = lower(build(network)).layers[-1]
    assert layer.weight_bits == 32


def test_activations_that_are_mostly_unquantised_are_the_machines(load):
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("DequantizeLinear", "q s z", "d"),
        node("Conv", "d w", "a"),
        node("Conv", "a w", "b"),
        node("Conv", "b w", "y"),
    ]
    constants = [scalar("s", 1.0), scalar("z", 0, np.uint8), zeros("w", 3, 3, 1, 1)]
    assert bits(load(model(nodes, constants))) == (
        None,
        None,
        "activations of the machine's bits (but for 1 of 3 layers)",
    )


MIXED = [
    node("QuantizeLinear", "x s z", "q"),
    node("DequantizeLinear", "q s z", "d"),
    node("Conv", "d w", "a"),
    node("Conv", "d w", "b"),
    node("Conv", "a w", "c"),
    node("Cast", "b", "h", to=TensorProto.FLOAT16),
    node("Conv", "h v", "i"),
    node("Cast", "i", "j", to=TensorProto.FLOAT),
    node("Add", "c j", "y"),
]
MIXED_CONSTANTS = [
    scalar("s", 1.0),
    scalar("z", 0, np.uint8),
    zeros("w", 3, 3, 1, 1),
    zeros("v", 3, 3, 1, 1, dtype=np.float16),
]


def test_activations_of_several_widths_have_one_and_the_result_says_what_was_assumed(load):
    network = load(model(MIXED, MIXED_CONSTANTS))
    said = {"precision.activations_bits": "8 in every layer; the file has 8 in 2 layers, 32 in 1, 16 in 1"}
    for same in (network, described(network)):
        result = accelsim.run_network(same, MACHINE)
        assert result.assumed == result.to_dict()["assumed"] == said
        assert {layer.form.activation_bits for layer in result.layers} == {8}
    report = " ".join(run_report(result, Style()).split())
    assert "assumed precision.activations_bits: 8 in every layer; the file has 8 in 2 layers" in report


def test_activations_left_to_the_machine_are_said_to_be_where_the_file_has_some_narrower(load):
    nodes = [*MIXED[:3], node("Conv", "a w", "b"), node("Conv", "b w", "y")]
    network = load(model(nodes, MIXED_CONSTANTS[:3]))
    said = "the machine's in every layer; the file has 32 in 2 layers, 8 in 1"
    assert accelsim.run_network(network, MACHINE).assumed == {"precision.activations_bits": said}


def test_nothing_is_assumed_of_a_model_of_one_width(load):
    for name in ("int8_weights_between_quantisers", "half_precision", "two_strides"):
        assert accelsim.run_network(load(KINDS[name]()), MACHINE).assumed == {}


def test_who_says_the_bits_no_longer_assumes_them(load, tmp_path):
    network = load(model(MIXED, MIXED_CONSTANTS))
    for bits, assumed in ((16, {}), (8, network.description.assumed)):
        (tmp_path / "bits.yaml").write_text(f"precision: {{activations_bits: {bits}}}\n")
        assert accelsim.overlaid(network, tmp_path / "bits.yaml").description.assumed == assumed


def test_fewer_bits_move_fewer_bytes(load):
    wide = load(model(CONV, [zeros("w", 64, 3, 3, 3)]))
    narrow = load(KINDS["int8_weights_between_quantisers"]())
    assert accelsim.run_network(narrow, MACHINE).dram_bytes.read < 1.1 * (3 * 64 + 108)
    assert lower(build(wide)).layers[0].weight_bits is None


# --- operators of others


def of_others(nodes, image=(1, 3, 8, 8)):
    """A model in which nodes whose operator has a dot are of another domain, `my.ops`."""
    for each in nodes:
        each.domain, _, each.op_type = each.op_type.rpartition(".")
    proto = model(nodes, [zeros("w", 3, 3, 1, 1), scalar("s", 1.0)], x=image)
    proto.opset_import.add(domain="my.ops", version=1)
    return proto


@pytest.mark.parametrize(
    ("nodes", "line"),
    [
        (
            [node("my.ops.Half", "w", "v"), node("Conv", "x v", "y")],
            "y (Conv): the shape of 'v' is not known: v (my.ops.Half) makes it, an operator that the "
            "package onnx does not know",
        ),
        (
            [node("my.ops.DequantizeLinear", "w s", "v"), node("Conv", "x v", "y")],
            "y (Conv): the shape of 'v' is not known: v (my.ops.DequantizeLinear) makes it, an operator "
            "that the package onnx does not know",
        ),
        (
            [node("my.ops.Shape", "x", "v"), node("Reshape", "x v", "y")],
            "v (my.ops.Shape): is no supported operator",
        ),
        (
            [node("my.ops.Size", "x", "v"), node("Reshape", "x v", "y")],
            "v (my.ops.Size): is no supported operator",
        ),
        (
            [node("my.ops.Relu", "x", "y"), node("Relu", "x", "y")],
            "y (Relu): makes 'y', which is made by y (my.ops.Relu) too",
        ),
        (
            [node("my.ops.Relu", "z", "y"), node("Relu", "x", "z")],
            "y (my.ops.Relu): reads 'z', which no node before it makes",
        ),
        ([node("my.ops.If", "x", "y")], "y (my.ops.If): is no supported operator"),
    ],
)
def test_an_operator_of_another_domain_is_another_one_and_named_with_it(refused, nodes, line):
    assert refused(of_others(nodes))[0] == line


def test_a_transposition_of_another_domain_says_nothing_of_the_image(load, refused):
    ours, others = (
        [node(operator, "x", "t", perm=[0, 3, 1, 2]), node("Conv", "t w", "y")]
        for operator in ("Transpose", "my.ops.Transpose")
    )
    assert load(of_others(ours, (1, 8, 8, 3)), "@resolution=9").image.height == 9
    (line,) = refused(of_others(others, (1, 8, 8, 3)), "@resolution=9")
    assert line == "input 'x' is 1 x 8 x 8 x 3: resolution is for square images: leave it out"


# --- parameters


def test_weights_of_several_layers_are_parameters_once(load):
    network = load(KINDS["weights_of_two_convolutions_shared"]())
    for same in (network, described(network)):
        graph = build(same)
        assert total_params(graph) == counted_params(graph, "weights") == total_kept_params(graph) == 81
        assert [graph[name].operator.weights for name in "ty"] == [81, 81]
        assert sum(layer.params for layer in lower(graph).layers) == 81


def test_weights_in_another_form_are_the_same_parameters(load):
    nodes = [
        node("Gemm", "x w", "h"),
        node("Transpose", "w", "v", perm=[1, 0]),
        node("Identity", "b", "c"),
        node("Gemm", "h v c", "g"),
        node("Gemm", "g w b", "y"),
    ]
    network = load(model(nodes, [zeros("w", 5, 5), zeros("b", 5)], image=(1, 5)))
    assert total_params(build(network)) == 25 + 5


def test_parts_of_one_constant_are_parameters_of_their_own(load):
    nodes = [
        node("Split", "w", "v u", axis=1),
        node("Gemm", "x v", "a"),
        node("Gemm", "x u", "b"),
        node("Concat", "a b", "y", axis=1),
    ]
    assert total_params(build(load(model(nodes, [zeros("w", 10, 8)], image=(1, 10), opset=11)))) == 80


def test_batch_normalisations_that_share_scale_and_shift_count_once(load):
    nodes = [node("BatchNormalization", "x s t m v", "a"), node("BatchNormalization", "a s t m v", "y")]
    network = load(model(nodes, [zeros(name, 3) for name in "stmv"]))
    assert total_params(build(network)) == total_params(build(described(network))) == 6


@pytest.mark.parametrize(
    ("norms", "params"),
    [
        (("s t m v", "s u m v"), 9),  # one scale
        (("s t m v", "u t m v"), 9),  # one shift
        (("s s m v", "s s m v"), 3),  # a scale that is the shift, too
        (("s t m v", "t s m v"), 6),
        (("s t s t", "u v s t"), 12),  # statistics are no parameters, whoever they are
    ],
)
def test_each_constant_of_batch_normalisations_counts_once(load, norms, params):
    first, second = norms
    nodes = [node("BatchNormalization", f"x {first}", "a"), node("BatchNormalization", f"a {second}", "y")]
    network = load(model(nodes, [zeros(name, 3) for name in "stmvu"]))
    assert total_params(build(network)) == total_params(build(described(network))) == params


def test_an_offset_that_is_a_shift_counts_once(load):
    nodes = [node("Conv", "x w b", "c"), node("BatchNormalization", "c s b m v", "y")]
    network = load(model(nodes, [zeros("w", 3, 3, 1, 1), *(zeros(name, 3) for name in "bsmv")]))
    assert total_params(build(network)) == total_params(build(described(network))) == 9 + 3 + 3


def test_trained_slopes_are_parameters(load):
    network = load(KINDS["trained_slopes"]())
    assert total_params(build(network)) == total_params(build(described(network))) == 3 + 81 + 1
    nodes = [node("PRelu", "x s", "a"), node("PRelu", "a s", "y")]
    assert total_params(build(load(model(nodes, [zeros("s", 3, 1, 1)])))) == 3


# --- the resolution


@pytest.mark.parametrize(
    ("image", "at", "sentence"),
    [
        (
            (1, 40),
            "@resolution=64",
            "input 'x' is 1 x 40: resolution is for images, batch x channels x height x width: leave it out",
        ),
        (
            ("n", 3, 40),
            "@resolution=64",
            "input 'x' is n x 3 x 40: resolution is for images, batch x channels x height x width: "
            "leave it out",
        ),
        (
            (1, 3, 48, 320),
            "@resolution=48",
            "input 'x' is 1 x 3 x 48 x 320: resolution is for square images: leave it out",
        ),
        (
            (1, 3, 48, "w"),
            "@resolution=64",
            "input 'x' is 1 x 3 x 48 x w: resolution is its height and width, of which the file fixes one: "
            "must be 48",
        ),
        (
            (1, 3, 48, "w"),
            "",
            "input 'x' is 1 x 3 x 48 x w: say how large the image is, as in PATH@resolution=48 or PATH@w=48",
        ),
        (None, "", "input 'x' has no shape: let the exporter write a shape of numbers"),
        (
            (),
            "",
            "input 'x' is a single number, of shape []: must have 1 to 5 dimensions, as batch x channels "
            "x height x width, batch x channels x length or batch x features",
        ),
    ],
)
def test_a_resolution_does_what_it_says_or_is_refused(refused, image, at, sentence):
    assert refused(model([node("Relu", "x", "y")], x=image), at) == [sentence]


def test_a_resolution_sets_what_is_open_and_what_is_square(load):
    for image in ((1, 3, "h", "w"), (1, 3, 48, "w"), (1, 3, 32, 32)):
        network = load(model([node("Relu", "x", "y")], x=image), "@resolution=48")
        assert (network.image.height, network.image.width) == (48, 48)


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_a_resolution_may_be_a_whole_number_of_numpy(tmp_path, kind):
    path = save(model([node("Relu", "x", "y")], x=("n", 3, "h", "w")), tmp_path)
    network = from_onnx(path, resolution=kind(32))
    assert network.name == "model@resolution=32"
    assert described(network) == described(from_onnx(path, 32))


@pytest.mark.parametrize("resolution", [True, 0, -5, "32", 32.0, 8193, np.float64(32), [32]])
def test_a_resolution_that_is_none_is_the_same_mistake_by_name_and_by_call(tmp_path, resolution):
    path = save(model([node("Relu", "x", "y")], x=("n", 3, "h", "w")), tmp_path)
    sentence = r"resolution = .*: must be a whole number from 1 to 8192$"
    with pytest.raises(accelsim.AccelsimError, match=sentence) as called:
        from_onnx(path, resolution=resolution)
    if not isinstance(resolution, str):
        with pytest.raises(accelsim.AccelsimError) as named:
            accelsim.load_network(path, resolution=resolution)
        assert str(named.value) == str(called.value)


@pytest.mark.parametrize("path", [None, 1, b"model.onnx", ["model.onnx"]])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(accelsim.AccelsimError, match=r"^path = .*: must be the path of an ONNX file$"):
        from_onnx(path)


def test_an_input_that_is_no_tensor_is_refused(refused):
    proto = model([node("Relu", "x", "y")])
    proto.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = 1
    assert refused(proto) == ["input 'x' is no tensor: a network is given an image"]


# --- growth that a constant brings


def test_a_constant_that_is_larger_than_its_tensor_makes_it_larger(load):
    graph = build(load(KINDS["constant_larger_than_a_pixel"]()))
    resized = graph["a.grown"].operator
    assert (resized.kind, str(resized.output)) == ("resize", "3 x 7 x 7")
    assert str(graph["y"].operator.output) == "4 x 5 x 5"


# --- bounds


def chain(length, operator="Relu", name=""):
    """Nodes one after another."""
    return [
        helper.make_node(operator, [f"t{index}" if index else "x"], [f"t{index + 1}"], name)
        for index in range(length)
    ]


def test_more_nodes_than_a_network_has_are_refused(refused, monkeypatch):
    monkeypatch.setattr(onnx_file, "MAX_NODES", 100)
    assert refused(model(chain(101), outputs="t101")) == [
        "has more than 100 nodes, its functions looked into"
    ]


def calling(name, called, times):
    """A function that calls another one so often."""
    body = [
        helper.make_node(called, ["a" if not index else f"v{index}"], [f"v{index + 1}"], domain="own")
        for index in range(times)
    ]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, ["a"], [f"v{times}"], body, opsets)


def with_functions(functions):
    """A model that calls the first function."""
    call = helper.make_node(functions[0].name, ["x"], ["y"], domain="own")
    opsets = [helper.make_opsetid("own", 1)]
    inputs = {"x": (TensorProto.FLOAT, (1, 3, 8, 8))}
    return onnx_zoo_shapes.typed([call], [], inputs, functions=functions, opsets=opsets)


def test_functions_are_counted_before_they_are_looked_into(refused):
    doubling = [calling(f"f{level}", f"f{level + 1}", 2) for level in range(30)]
    assert refused(with_functions(doubling)) == ["has more than 20,000 nodes, its functions looked into"]


def test_functions_that_call_themselves_are_refused(refused):
    circle = [calling("f", "g", 1), calling("g", "f", 1)]
    assert refused(with_functions(circle)) == ["its functions call each other more than 50 deep"]


def test_a_node_with_more_operands_than_any_layer_is_refused(refused):
    proto = model([helper.make_node("Concat", ["x"] * 5000, ["y"], "all", axis=1)])
    assert refused(proto) == ["all (Concat): reads or makes 5,000 tensors: at most 4,096 are possible"]


@pytest.mark.parametrize(
    "nodes",
    [
        [node("ConstantOfShape", "n", "c"), node("NonZero", "c", "d"), node("Reshape", "x d", "y")],
        [node("Expand", "one n", "c"), node("Reshape", "x c", "y")],
        [node("Tile", "one n", "c"), node("Reshape", "x c", "y")],
        [node("Mul", "column row", "c"), node("ReduceMax", "c", "d"), node("Reshape", "x d", "y")],
    ],
)
def test_a_constant_that_would_be_large_is_not_computed(refused, nodes):
    constants = [
        numbers("n", 2**40),
        numbers("one", 1),
        zeros("column", 60000, 1, dtype=np.int64),
        zeros("row", 1, 60000, dtype=np.int64),
    ]
    (line,) = refused(model(nodes, constants))
    assert line.startswith("y (Reshape): the shape of 'y' is not known: ")


def test_constants_that_take_long_in_all_are_not_computed(refused):
    began = time.process_time()
    nodes = [node("GatherND", f"c{index} i", f"c{index + 1}") for index in range(300)]
    nodes += [node("ReduceMax", "c300", "m"), node("Reshape", "x m", "y")]
    places = numbers("i", *range(60000), dims=[60000, 1])
    (line,) = refused(model(nodes, [zeros("c0", 60000, dtype=np.int64), places]))
    assert line.startswith("y (Reshape): ")
    assert time.process_time() - began < SECONDS


def test_nodes_of_one_name_take_time_in_proportion(load):
    times = []
    for length in (1000, 4000):
        least = math.inf  # of three, of processor time: other work on the machine does not count
        for _ in range(3):
            began = time.process_time()
            network = load(model(chain(length, name="same"), outputs=f"t{length}"))
            least = min(least, time.process_time() - began)
        times.append(least)
    names = [row["name"] for row in network.description.model_dump()["stages"][0]["operators"]]
    assert names[:2] == ["same", "same_2"]
    assert len(set(names)) == 4000
    assert times[1] < 10 * times[0]


def test_of_many_mistakes_the_first_are_listed(refused):
    outputs = " ".join(f"t{index}" for index in range(300))
    lines = refused(model([node("Reshape", "x s", name) for name in outputs.split()], outputs=outputs))
    assert len(lines) == 201
    assert lines[200] == "... and 100 mistakes more"


def test_a_tensor_of_thousands_of_axes_is_refused(refused):
    (line,) = refused(model([node("Reshape", "x s", "y")], [numbers("s", *[1] * 5000)]))
    assert line == ("y (Reshape): the shape of 'y' is not known: 'y' has 5000 axes: at most 64 are possible")


# --- damage


def test_a_constant_of_negative_size_is_refused(refused):
    tensor = weight("w", 4, 3, 3, 3)
    tensor.dims[1] = -3
    assert refused(model(CONV, [tensor])) == ["the constant 'w' is 4 x -3 x 3 x 3: no size may be negative"]


def test_a_constant_whose_numbers_do_not_fit_its_shape_has_none(refused):
    tensor = TensorProto(name="s", data_type=TensorProto.INT64, dims=[4], raw_data=b"123")
    (line,) = refused(model([node("Reshape", "x s", "y")], [tensor]))
    assert line.startswith("y (Reshape): the shape of 'y' is not known")


def test_a_name_that_is_no_text_is_a_sentence_about_the_file(tmp_path):
    path = tmp_path / "model.onnx"
    proto = model([node("Relu", "x", "y", name="NAME")])
    path.write_bytes(proto.SerializeToString().replace(b"NAME", b"\xff\xfe\xfd\xfc"))
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.load_network(path)
    assert str(error.value) == f"{path}: is damaged: a name in it is no text: b'\\xff\\xfe\\xfd\\xfc'"


def test_attributes_of_a_wrong_type_are_refused(refused):
    (line,) = refused(model([node("Conv", "x w", "y", auto_pad=[1])], [zeros("w", 4, 3, 3, 3)]))
    assert line == "y (Conv): Mismatched attribute type in ' : auto_pad'. Expected: 'STRING', actual: 'INTS'"


def test_a_file_without_a_version_of_onnx_is_refused(refused):
    proto = model([node("Relu", "x", "y")])
    del proto.opset_import[:]
    (line,) = refused(proto)
    assert line.startswith("is written in opset 0 of ONNX: the package onnx here knows 1 to ")


def test_a_file_too_large_for_a_message_is_refused(tmp_path, monkeypatch):
    path = save(model(CONV, [zeros("w", 4, 3, 3, 3)]), tmp_path)
    monkeypatch.setattr(onnx_file, "MAX_FILE_BYTES", 100)
    with pytest.raises(accelsim.AccelsimError, match="an ONNX model has less than 100, and the weights"):
        accelsim.load_network(path)


def test_names_of_a_file_do_not_reach_the_terminal_as_they_are(refused):
    lines = refused(model([node("Det", "x", "y", name="\x1b[31mred\nline")]))
    assert lines[0] == "_[31mred_line (Det): is no supported operator"


def mutated(data, chance):
    """A file with some bytes changed, or an end cut off."""
    damaged = bytearray(data)
    if chance.random() < 0.2:
        return bytes(damaged[: chance.randrange(len(damaged))])
    for _ in range(chance.choice([1, 1, 2, 5])):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_is_a_network_or_a_sentence(tmp_path, seed):
    chance = random.Random(seed)
    path = tmp_path / "model.onnx"
    files = [KINDS[name]().SerializeToString() for name in sorted(KINDS) if "thousand" not in name]
    for _ in range(100):
        path.write_bytes(mutated(chance.choice(files), chance))
        try:
            lower(build(accelsim.load_network(path)))
        except accelsim.AccelsimError as error:
            assert all(error.lines)


def test_every_size_of_an_attribute_or_constant_is_a_network_or_a_sentence(tmp_path):
    chance = random.Random(0)
    path = tmp_path / "model.onnx"
    for name in sorted(KINDS.keys() - {"chain_of_a_thousand_constants"}):
        proto = KINDS[name]()
        attributes = [each for each in (a for n in proto.graph.node for a in n.attribute) if each.ints]
        places = [*(each.ints for each in attributes), *(each.dims for each in proto.graph.initializer)]
        for sizes in (each for each in places if len(each)):
            changed = chance.randrange(len(sizes))
            before = sizes[changed]
            for value in (0, 2**62):
                sizes[changed] = value
                path.write_bytes(proto.SerializeToString())
                try:
                    lower(build(accelsim.load_network(path)))
                except accelsim.AccelsimError as error:
                    assert all(error.lines)
            sizes[changed] = before
    assert onnx.load(path).graph.node


# --- constants in other files


def reshaped_by(location, offset=0):
    """A model whose reshape is to sizes that stand in another file."""
    sizes = TensorProto(name="sizes", data_type=TensorProto.INT64, dims=[2])
    sizes.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": str(offset), "length": "16"}.items():
        sizes.external_data.add(key=key, value=value)
    return model([node("Reshape", "x sizes", "a"), node("Gemm", "a w", "y")], [sizes, weight("w", 192, 5)])


def test_sizes_in_a_file_beside_the_model_are_read(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "sizes.bin").write_bytes(b"\7" * 8 + np.array([1, -1], dtype="<i8").tobytes())
    path = save(reshaped_by("parts/sizes.bin", offset=8), tmp_path)
    assert accelsim.run_network(str(path), "16x16_128k").macs == 192 * 5


@pytest.mark.parametrize(
    "location", ["../sizes.bin", "/etc/hostname", "a/../../sizes.bin", "link", "C:\\x", "a\0b", ""]
)
def test_a_file_outside_of_the_models_folder_is_refused(tmp_path, location):
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "sizes.bin").write_bytes(np.array([1, -1], dtype="<i8").tobytes())
    (folder / "link").symlink_to(tmp_path / "sizes.bin")
    path = save(reshaped_by(location), folder)
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.load_network(path)
    (line,) = error.value.lines
    assert line.startswith(f"{path}: the constant 'sizes' is in ")
    assert line.endswith(": must be a file within the model's folder")


@pytest.mark.parametrize("content", [None, b"", b"123"])
def test_sizes_that_are_not_where_the_model_says_are_not_known(tmp_path, content):
    if content is not None:
        (tmp_path / "sizes.bin").write_bytes(content)
    path = save(reshaped_by("sizes.bin"), tmp_path)
    with pytest.raises(accelsim.AccelsimError, match="the shape of 'a' is not known"):
        accelsim.load_network(path)


# --- large files


def zeros_of(name, *dims):
    return numpy_helper.from_array(np.zeros(dims, dtype=np.float32), name)


def large_model():
    """A model with large constants in each place where one may stand, and small ones beside them."""
    in_node = node("Constant", "", "v", value=zeros_of("v", 700, 1000))
    nodes = [
        in_node,
        node("Flatten", "x", "f"),
        node("Reshape", "f sizes", "r"),
        node("MatMul", "r w", "a"),
        node("MatMul", "a v", "y"),
    ]
    return model(nodes, [zeros_of("w", 768, 700), numbers("sizes", 1, 768)], image=(1, 3, 16, 16))


def test_a_model_is_the_same_without_the_numbers_of_large_constants():
    content = large_model().SerializeToString()
    kept = without_large_constants(memoryview(content))
    assert len(kept) < 2000 < 4_000_000 < len(content)
    proto = type(large_model()).FromString(kept)
    assert [list(tensor.dims) for tensor in proto.graph.initializer] == [[768, 700], [2]]
    assert [entry.op_type for entry in proto.graph.node] == [
        entry.op_type for entry in large_model().graph.node
    ]
    assert numpy_helper.to_array(proto.graph.initializer[1]).tolist() == [1, 768]
    assert not proto.graph.initializer[0].raw_data


def test_a_large_file_takes_little_memory_and_is_read_whole(load):
    proto = large_model()
    proto.graph.initializer.append(zeros_of("unread", 4000, 4000))
    tracemalloc.start()
    assert total_macs(build(load(proto))) == 768 * 700 + 700 * 1000
    (_, peak), _ = tracemalloc.get_traced_memory(), tracemalloc.stop()
    assert peak < 200_000_000  # of which the test itself writes 64 MB, twice


def test_a_large_file_that_is_cut_off_or_damaged_is_refused(tmp_path):
    content = large_model().SerializeToString()
    path = tmp_path / "model.onnx"
    for damaged in (
        content[:-1000],
        content[: len(content) // 2],
        b"\xff" * 3_000_000,
        content[:40] + b"\xff" * 99,
    ):
        path.write_bytes(damaged)
        with pytest.raises(accelsim.AccelsimError) as error:
            accelsim.load_network(path)
        assert error.value.lines == [f"{path}: is not an ONNX model, or not all of one"]
