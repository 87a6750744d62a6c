"""What is said of a model beside its file: sizes that it leaves open, and the part of it that is run."""

from dataclasses import astuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx_models import model, node, save, weight

import accelsim
from accelsim.descriptions import vary
from accelsim.importers.request import requested
from accelsim.network.build import build
from accelsim.network.configuration import name_and_settings
from accelsim.network.graph import Draft, Shape
from accelsim.network.lowered import lowered_network
from accelsim.network.lowering import lower
from accelsim.network.operators import foreign, network_input

CHAIN = [
    node("Conv", "x w1", "a", name="/stem/Conv", pads=[1] * 4),
    node("Relu", "a", "b", name="/stem/Relu"),
    node("Conv", "b w2", "c", name="/body/Conv", pads=[1] * 4),
    node("Sigmoid", "c", "y", name="/head/Sigmoid"),
]
WEIGHTS = [weight("w1", 8, 3, 3, 3), weight("w2", 16, 8, 3, 3)]


@pytest.fixture
def chain(tmp_path):
    """The path of a model of four nodes, whose image is open."""
    return save(model(CHAIN, WEIGHTS, x=("n", 3, "height", "width")), tmp_path)


def refusal(name, **settings):
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.load_network(name, **settings)
    return error.value.lines


@pytest.mark.parametrize(
    ("at", "image", "batch"),
    [
        ("x=1x3x48x320", (3, 48, 320), 1),
        ("input=2x3x48x320", (3, 48, 320), 2),
        ("height=48,width=320", (3, 48, 320), 1),
        ("n=4,height=48,width=320", (3, 48, 320), 4),
        ("resolution=64", (3, 64, 64), 1),
        ("n=4,resolution=64", (3, 64, 64), 4),
    ],
)
def test_a_shape_is_said_by_input_or_by_what_the_file_calls_its_axes(chain, at, image, batch):
    network = accelsim.load_network(f"{chain}@{at}")
    assert (astuple(network.image), network.images()) == (image, batch)
    assert network.name == f"model@{at if 'n=4,r' not in at else 'resolution=64,n=4'}"


def test_the_same_is_said_in_python(chain):
    by_name = accelsim.load_network(f"{chain}@x=1x3x48x320")
    assert accelsim.load_network(chain, shapes={"x": (1, 3, 48, 320)}).description == by_name.description
    assert accelsim.from_onnx(chain, shapes={"height": 48, "width": 320}).image == by_name.image
    result = accelsim.run_network(str(chain), "16x16_128k", shapes={"input": (1, 3, 8, 16)})
    assert result.macs == 8 * 16 * 9 * (3 * 8 + 8 * 16)


def test_every_input_has_a_shape_of_its_own(tmp_path):
    nodes = [
        node("Conv", "x w", "a", name="left"),
        node("Conv", "z v", "b", name="right"),
        node("Concat", "a b", "y", axis=1),
    ]
    path = save(
        model(nodes, [weight("w", 4, 3, 1, 1), weight("v", 4, 1, 1, 1)], x=(1, 3, 8, 8), z=(1, 1, 8, "w")),
        tmp_path,
    )
    assert "z" in refusal(f"{path}@w=8,q=3")[0] or "q: no input and no axis" in refusal(f"{path}@w=8,q=3")[0]


@pytest.mark.parametrize(
    ("at", "sentences"),
    [
        (
            "",
            [
                (
                    "input 'x' is n x 3 x height x width: say how large the image is, as in "
                    "PATH@resolution=224 or PATH@height=224,width=224"
                )
            ],
        ),
        (
            "height=48",
            [
                (
                    "input 'x' is n x 3 x 48 x width: say how large the image is, as in "
                    "PATH@resolution=48 or PATH@width=48"
                )
            ],
        ),
        ("hight=48,width=4", ["hight: no input and no axis has this name, did you mean height?"]),
        ("z=1x3x4x4", ["z: no input has this name: there are x, height, n, width"]),
        ("x=1x3x4", [("input 'x' is n x 3 x height x width: 1 x 3 x 4 has 3 axes, must have 4")]),
        ("x=1x3xax4", ["x = '1x3xax4': must be a size as 8, or a shape as 1x3x224x224"]),
        ("x=1x3x0x4", ["x = '1x3x0x4': must be a size as 8, or a shape as 1x3x224x224"]),
        ("width=99999999999", ["width = '99999999999': must be a size as 8, or a shape as 1x3x224x224"]),
        ("unsupported=skip", ["unsupported = 'skip': must be refuse or host or elementwise"]),
        (
            "resolution=64,until=/stem/Rely",
            [
                (
                    "until = '/stem/Rely': no node or tensor has this name, did you mean "
                    "/stem/Relu, stem/Relu, /stem/Conv?"
                )
            ],
        ),
        (
            "resolution=64,from=Q",
            [
                (
                    "from = 'Q': no node or tensor has this name: there are stem/Conv, "
                    "stem/Relu, body/Conv, head/Sigmoid, x, w1, a, b, w2, c, y, /stem/Conv "
                    "and 3 more"
                )
            ],
        ),
        (
            "resolution=64,from=w1",
            [
                (
                    "from = 'w1': is or reads constants of the model only: must be a tensor that follows "
                    "from its inputs, or a node that reads one"
                )
            ],
        ),
        ("resolution=64,until=a,from=c", ["from = 'c': nothing that the network ends with depends on it"]),
        ("resolution=64,from=/stem/Relu,until=/stem/Conv", ["until and from leave no node between them"]),
    ],
)
def test_what_is_open_and_unsaid_is_asked_for_and_what_is_wrong_is_named(chain, at, sentences):
    name = f"{chain}@{at}" if at else str(chain)
    assert [line.replace(str(chain), "PATH") for line in refusal(name)] == [
        f"PATH: {line}" for line in sentences
    ]


@pytest.mark.parametrize(
    ("at", "rows", "image", "note"),
    [
        (
            "until=/stem/Relu",
            ["stem/Conv", "stem/Relu"],
            (3, 8, 8),
            ("cut until /stem/Relu: 2 nodes of the model are left out (1 Conv, 1 Sigmoid)"),
        ),
        (
            "until=stem/Relu",
            ["stem/Conv", "stem/Relu"],
            (3, 8, 8),
            ("cut until stem/Relu: 2 nodes of the model are left out (1 Conv, 1 Sigmoid)"),
        ),
        (
            "until=b",
            ["stem/Conv", "stem/Relu"],
            (3, 8, 8),
            "cut until b: 2 nodes of the model are left out (1 Conv, 1 Sigmoid)",
        ),
        (
            "from=/body/Conv",
            ["body/Conv", "head/Sigmoid"],
            (8, 8, 8),
            ("cut from /body/Conv: 2 nodes of the model are left out (1 Conv, 1 Relu)"),
        ),
        (
            "from=b,until=c",
            ["body/Conv"],
            (8, 8, 8),
            ("cut from b until c: 3 nodes of the model are left out (1 Conv, 1 Relu, 1 Sigmoid)"),
        ),
    ],
)
def test_a_part_of_a_model_ends_and_begins_where_it_is_said_and_every_result_says_so(
    chain, at, rows, image, note
):
    network = accelsim.load_network(f"{chain}@resolution=8,{at}")
    published = build(network)
    assert [name for name in published if name != "input"] == rows
    assert astuple(network.image) == image
    assert accelsim.run_network(network, "16x16_128k").assumed == {"stages": note}


def test_a_part_reads_only_the_inputs_that_it_depends_on(tmp_path):
    nodes = [
        node("Conv", "x w", "a", name="conv"),
        node("NonMaxSuppression", "a thresholds", "y", name="nms"),
    ]
    path = save(model(nodes, [weight("w", 4, 3, 1, 1)], x=(1, 3, 8, 8), thresholds=("k", "l")), tmp_path)
    assert [*build(accelsim.load_network(f"{path}@until=conv"))] == ["input", "conv"]


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("a.onnx@until=b", [("until", "b")]),
        ('a.onnx@until="b,c=d",from=e', [("until", "b,c=d"), ("from", "e")]),
        ("a.onnx@until=b,until=c", [("until", "b"), ("until", "c")]),
        ("a.onnx@serving:0=1x2", [("serving:0", "1x2")]),
    ],
)
def test_settings_stand_between_commas_but_for_those_in_quotes(name, pairs):
    assert name_and_settings(name) == ("a.onnx", pairs)


def test_a_request_says_in_its_words_what_makes_it():
    settings = {"input": (1, 3, 8, 8), "batch": 4, "until": ["a,b", "c"], "unsupported": "host"}
    request = requested("net", settings)
    _, pairs = name_and_settings(f"net.onnx@{request.words}")
    again = requested("net", {**dict(pairs), "until": [text for key, text in pairs if key == "until"]})
    assert again == request


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("m.onnx", b"\x1c\0\0\0TFL3" + bytes(60), "is a TensorFlow Lite model: let its name end in .tflite"),
        ("m.onnx", b"\x89HDF\r\n\x1a\n", "is a Keras model"),
        ("m.onnx", b"\x1c\0\0\0ORTM", "is a model in the format of ONNX Runtime"),
        ("m.h5", b"\x89HDF\r\n\x1a\n", "is a Keras model"),
        ("m.pt", b"\x80\x02", "is a PyTorch file"),
        ("m.safetensors", b"\x10\0\0\0\0\0\0\0{}", "is weights without a network"),
        ("m.pb", b"\x0a", "is a TensorFlow graph"),
        ("m.csv", b"a,b\n1,2\n", "is no SCALE-Sim topology: its first line must be Layer name"),
        ("m.csv", b"\xff\xfe\0", "is no SCALE-Sim topology: it is not text"),
    ],
)
def test_a_file_of_another_kind_is_said_to_be_one_in_one_line(tmp_path, name, content, sentence):
    path = tmp_path / name
    path.write_bytes(content)
    (line,) = refusal(str(path))
    assert line.startswith(f"{path}: {sentence}")


LSTMS = [
    node("Conv", "x w1", "a", name="conv", pads=[1] * 4),
    node("Det", "a", "b", name="first"),
    node("Relu", "b", "c", name="relu"),
    node("my.ops.Fancy", "c", "d", name="fancy"),
    node("Det", "c", "e", name="second"),
    node("Add", "d e", "y", name="sum"),
]


def with_unknown_nodes(tmp_path):
    """A model with two operators that nothing here is, whose shapes the file says."""
    nodes = [type(entry)() for entry in LSTMS]
    for copy, entry in zip(nodes, LSTMS, strict=True):
        copy.CopyFrom(entry)
        if "." in copy.op_type:
            copy.domain, copy.op_type = "my.ops", "Fancy"
        if copy.op_type == "Det":
            copy.op_type, copy.domain = "Other", "my.ops"
    proto = model(nodes, WEIGHTS[:1], image=(1, 3, 8, 8))
    proto.opset_import.add(domain="my.ops", version=1)
    for name in "bde":
        proto.graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 8, 8, 8)))
    return save(proto, tmp_path)


def test_all_nodes_that_nothing_here_is_are_named_at_once_by_their_operator(tmp_path):
    path = with_unknown_nodes(tmp_path)
    first, second, remedy = refusal(path)
    assert first == f"{path}: first, second (my.ops.Other, 2 nodes): are no supported operators"
    assert second == f"{path}: fancy (my.ops.Fancy): is no supported operator"
    assert remedy.startswith(
        f"{path}: --until conv ends before, --unsupported host or elementwise lets such nodes "
        "pass at a price; docs/how-to/import-a-model.md lists the "
    )


@pytest.mark.parametrize(("mode", "unit"), [("host", "host"), ("elementwise", "vector")])
def test_nodes_that_nothing_here_is_pass_at_a_price_and_every_result_says_so(tmp_path, mode, unit):
    network = accelsim.load_network(with_unknown_nodes(tmp_path), unsupported=mode)
    rows = {node.name: node.operator for node in build(network).nodes}
    assert [name for name, operator in rows.items() if operator.kind == "foreign"] == [
        "first",
        "fancy",
        "second",
    ]
    assert {operator.unit for operator in rows.values() if operator.kind == "foreign"} == {unit}
    note = accelsim.run_network(network, "16x16_128k").assumed["stages"]
    assert note.endswith("without weights: 2 my.ops.Other (first, second); 1 my.ops.Fancy (fancy)")


def test_a_node_that_passes_is_an_operation_for_each_output_and_reads_all_of_its_inputs_once(tmp_path):
    network = accelsim.load_network(with_unknown_nodes(tmp_path), unsupported="elementwise")
    graph = lowered_network(network).graph
    layers = {layer.name: layer for layer in graph.layers}
    assert layers["fancy"].vector_ops == 8 * 8 * 8
    assert layers["fancy"].input_elements == layers["fancy"].output_elements == 8 * 8 * 8
    for machine in ("16x16_128k", "npu_int8_256k"):
        assert accelsim.verify(network, machine).proven
        assert accelsim.run_network(network, machine) == accelsim.run_network(
            network, machine, engine="events"
        )


def test_a_machine_with_a_host_runs_there_what_is_said_to(tmp_path):
    network = accelsim.load_network(with_unknown_nodes(tmp_path), unsupported="host")
    machine = vary(
        accelsim.load_hardware("npu_int8_2m"), host={"name": "cortex_m55", "elements_per_cycle": 0.5}
    )
    result = accelsim.run_network(network, machine)
    on_host = {layer.name for layer in result.layers if layer.dataflow == "host"}
    assert on_host == {"first", "fancy", "second"}
    elementwise = accelsim.load_network(with_unknown_nodes(tmp_path), unsupported="elementwise")
    result = accelsim.run_network(elementwise, machine)
    assert not any(layer.dataflow == "host" for layer in result.layers)


@settings(max_examples=25, deadline=None)
@given(
    inputs=st.lists(st.tuples(*[st.integers(1, 6)] * 3), min_size=1, max_size=3),
    output=st.tuples(*[st.integers(1, 7)] * 3),
)
def test_whatever_the_shapes_what_passes_reads_and_writes_each_element_once(inputs, output):
    draft = Draft()
    sources = [network_input(draft, f"x{index}", Shape(*shape)) for index, shape in enumerate(inputs)]
    channels, height, width = output
    foreign(draft, "y", sources, channels=channels, height=height, width=width)
    (layer,) = lower(draft.graph).layers
    assert layer.input_elements == sum(c * h * w for c, h, w in inputs)
    assert layer.output_elements == layer.vector_ops == channels * height * width
    assert (layer.OX - 1) * layer.stride_x + layer.FX >= layer.IX
