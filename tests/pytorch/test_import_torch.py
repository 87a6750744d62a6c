"""PyTorch modules: what each operator becomes, and that a module is the network that its ONNX or YAML is."""

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason='needs pip install "accelsim[torch]"')

from pages import blocks, page  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import accelsim  # noqa: E402
from accelsim.importers.torch_module import read_torch  # noqa: E402
from accelsim.network.build import build  # noqa: E402
from accelsim.network.graph import Shape, total_macs, total_params  # noqa: E402
from accelsim.network.lowering import lower  # noqa: E402
from accelsim.network.shapes import operator_name  # noqa: E402
from accelsim.network.windows import Padding  # noqa: E402


class Function(nn.Module):
    """A module that does what a function does."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def graph_of(module, *shape):
    """The published graph of a module, or of a function."""
    module = module if isinstance(module, nn.Module) else Function(module)
    return build(accelsim.from_torch(module, torch.zeros(shape or (1, 6, 8, 8))))


def operators(graph):
    """What each node but the image is, in order."""
    return [operator_name(graph[name].operator) for name in list(graph)[1:]]


# --- whole networks


def unit(given, out, kernel, stride=1, groups=1, activation=nn.ReLU):
    """Convolution, normalisation, activation."""
    padding = kernel // 2
    convolution = nn.Conv2d(given, out, kernel, stride, padding, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), activation(inplace=True))


def mobilenet_v1():
    """MobileNet as its paper's table 1 has it, padded on both sides."""
    stages = [
        (64, 1),
        (128, 2),
        (128, 1),
        (256, 2),
        (256, 1),
        (512, 2),
        *[(512, 1)] * 5,
        (1024, 2),
        (1024, 1),
    ]
    parts, given = [unit(3, 32, 3, 2)], 32
    for out, stride in stages:
        parts += [unit(given, given, 3, stride, groups=given), unit(given, out, 1)]
        given = out
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))


class Fire(nn.Module):
    """SqueezeNet's block."""

    def __init__(self, given, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(given, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = functional.relu(self.squeeze(x))
        return torch.cat([functional.relu(self.expand1x1(x)), functional.relu(self.expand3x3(x))], 1)


def squeezenet_v1_1():
    """SqueezeNet v1.1 as its prototxt has it."""
    pool = nn.MaxPool2d(3, 2, ceil_mode=True)
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool, Fire(64, 16, 64), Fire(128, 16, 64), pool),
        *(Fire(128, 32, 128), Fire(256, 32, 128), pool, Fire(256, 48, 192), Fire(384, 48, 192)),
        *(Fire(384, 64, 256), Fire(512, 64, 256), nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Softmax(1)),
    )


def test_a_module_runs_as_its_yaml_does():
    theirs = accelsim.from_torch(squeezenet_v1_1(), torch.zeros(1, 3, 224, 224))
    ours = accelsim.load_network("squeezenet_v1_1")
    published = build(ours), build(theirs)
    assert total_params(published[1]) == total_params(published[0])
    assert total_macs(published[1]) == total_macs(published[0])
    executed = [[layer.nameless for layer in lower(graph).layers] for graph in published]
    assert executed[1] == executed[0]
    hardware, cache = accelsim.load_hardware("16x16_128k"), accelsim.Cache()
    runs = [accelsim.run_network(network, hardware, cache=cache) for network in (ours, theirs)]
    assert runs[1].cycles == runs[0].cycles
    assert runs[1].energy == runs[0].energy
    assert runs[1].dram_bytes == runs[0].dram_bytes


def test_mobilenet_has_the_parameters_and_macs_of_its_paper():
    graph = graph_of(mobilenet_v1(), 1, 3, 224, 224)
    ours = build(accelsim.load_network("mobilenet_v1"))
    assert total_params(graph) == total_params(ours) == 4_231_976
    assert total_macs(graph) == total_macs(ours) == 568_740_352
    assert len(lower(graph)) == len(lower(ours))


def test_a_module_and_its_name_are_left_as_they_were():
    module = nn.Sequential(nn.Conv2d(6, 4, 1), nn.BatchNorm2d(4))
    module.train()
    module[1].eval()
    network = accelsim.from_torch(module, torch.zeros(1, 6, 8, 8))
    assert (module.training, module[0].training, module[1].training) == (True, True, False)
    assert network.name == "Sequential"
    assert network.description.source == f"PyTorch module Sequential, exported by torch {torch.__version__}"
    assert accelsim.from_torch(module, (torch.zeros(1, 6, 8, 8),), name="my net").name == "my_net"


# --- operators


def test_layers_are_called_after_their_modules():
    block = nn.Sequential(nn.Conv2d(6, 4, 1), nn.ReLU())
    graph = graph_of(nn.Sequential(block, Function(lambda x: torch.relu(x) + x)))
    assert list(graph)[1:] == ["0.0", "0.1", "1/relu_1", "1/add"]


@pytest.mark.parametrize(
    ("module", "padding", "size"),
    [
        (nn.Conv2d(6, 4, 3), (0, 0, 0, 0), (6, 6)),
        (nn.Conv2d(6, 4, (3, 5), padding=(1, 2)), (1, 1, 2, 2), (8, 8)),
        (nn.Conv2d(6, 4, 3, padding="same", dilation=2), (2, 2, 2, 2), (8, 8)),
        (nn.Conv2d(6, 4, 3, padding="valid"), (0, 0, 0, 0), (6, 6)),
        (nn.Sequential(nn.ZeroPad2d((1, 2, 3, 4)), nn.Conv2d(6, 4, 3)), (3, 4, 1, 2), (13, 9)),
        (
            lambda x: functional.conv2d(functional.pad(x, (0, 1)), torch.ones(4, 6, 3, 3)),
            (0, 0, 0, 1),
            (6, 7),
        ),
    ],
)
def test_a_convolution_is_padded_as_torch_says(module, padding, size):
    graph = graph_of(module)
    (conv,) = (graph[name].operator for name in list(graph)[1:])
    assert conv.window.padding == Padding(*padding)
    assert conv.output == Shape(4, *size)


def test_convolutions_have_groups_strides_and_biases_and_may_have_one_axis():
    conv = graph_of(nn.Conv2d(6, 4, 3, stride=(2, 1), groups=2, bias=False))["conv2d"].operator
    assert (conv.groups, conv.window.stride, conv.biases, conv.weights) == (2, (2, 1), 0, 108)
    graph = graph_of(nn.Conv1d(6, 4, 3, stride=2, padding=1), 1, 6, 16)
    (conv,) = (graph[name].operator for name in list(graph)[1:])
    assert (conv.output, conv.window.kernel, conv.biases) == (Shape(4, 1, 8), (1, 3), 4)


@pytest.mark.parametrize(
    ("function", "operator", "size"),
    [
        (nn.MaxPool2d(3, 2), "max_pool", (3, 3)),
        (nn.MaxPool2d(3, 2, ceil_mode=True), "max_pool", (4, 4)),
        (nn.AvgPool2d(2), "average_pool", (4, 4)),
        (nn.AdaptiveAvgPool2d((4, 2)), "average_pool", (4, 2)),
        (nn.AdaptiveAvgPool2d(1), "global_average_pool", (1, 1)),
        (nn.AdaptiveMaxPool2d(1), "max_pool", (1, 1)),
        (lambda x: x.mean((2, 3)), "global_average_pool", (1, 1)),
        (lambda x: x.mean((-1, -2), keepdim=True), "global_average_pool", (1, 1)),
        (lambda x: x.amax((2, 3)), "max_pool", (1, 1)),
        (nn.Upsample(scale_factor=2), "resize", (16, 16)),
        (nn.Upsample(size=(12, 10), mode="bilinear"), "resize", (12, 10)),
    ],
)
def test_pooling_and_resizing(function, operator, size):
    graph = graph_of(function)
    assert operators(graph) == [operator]
    assert graph[list(graph)[-1]].operator.output == Shape(6, *size)


@pytest.mark.parametrize(
    ("function", "operator"),
    [
        (nn.ReLU(), "relu"),
        (nn.ReLU6(), "relu6"),
        (nn.Hardtanh(), "clip"),
        (lambda x: x.clamp(min=0), "relu"),
        (lambda x: x.clamp(max=3), "clip"),
        (nn.LeakyReLU(), "leaky_relu"),
        (nn.PReLU(), "leaky_relu"),
        (nn.ELU(), "elu"),
        (nn.SELU(), "elu"),
        (nn.CELU(), "elu"),
        (nn.Softplus(), "softplus"),
        (nn.Sigmoid(), "sigmoid"),
        (nn.Hardsigmoid(), "hard_sigmoid"),
        (nn.Tanh(), "tanh"),
        (nn.SiLU(inplace=True), "swish"),
        (lambda x: x * torch.sigmoid(x), "swish"),
        (nn.Hardswish(), "hard_swish"),
        (lambda x: x * functional.relu6(x + 3) / 6, "hard_swish"),
        (nn.GELU(), "gelu"),
        (nn.Mish(), "mish"),
        (nn.Softmax(1), "softmax"),
        (nn.LogSoftmax(1), "softmax"),
        (nn.BatchNorm2d(6), "batch_norm"),
        (lambda x: x / 255, "linear"),
    ],
)
def test_operators_on_elements(function, operator):
    assert operators(graph_of(function)) == [operator]


def test_what_is_done_in_place_is_seen_by_those_who_read_it_later():
    def block(x):
        shortcut = x + x
        after = functional.relu_(shortcut)
        return after + shortcut

    graph = graph_of(block)
    assert operators(graph) == ["add", "relu", "add"]
    assert graph[list(graph)[-1]].operands == ("relu", "relu")


def test_parts_and_shuffles_of_channels():
    def shuffled(x):
        left, right = x.chunk(2, 1)
        x = torch.cat([torch.relu(right), left[:, :2], left[:, 2:]], 1)
        batch, channels, height, width = x.shape
        x = x.view(batch, 3, channels // 3, height, width).transpose(1, 2)
        return x.reshape(batch, channels, height, width)

    graph = graph_of(shuffled)
    kinds = ["slice", "slice", "relu", "slice", "slice", "concat", "channel_shuffle"]
    assert sorted(operators(graph)) == sorted(kinds)
    assert graph[list(graph)[-1]].operator.groups == 3
    assert operators(graph_of(nn.ChannelShuffle(2))) == ["channel_shuffle"]


def test_an_image_with_its_channels_last_and_a_matrix_product_of_each_pixel():
    graph = graph_of(nn.Sequential(Function(lambda x: x.permute(0, 2, 3, 1)), nn.Linear(6, 5)))
    assert operators(graph) == ["conv"]
    assert graph["1"].operator.output == Shape(5, 8, 8)


def test_several_outputs_are_stored():
    graph = graph_of(lambda x: (torch.relu(x), torch.tanh(torch.relu(x))))
    assert len(graph) == 4
    both = graph_of(lambda x: ((y := torch.relu(x)), torch.tanh(y)))
    assert operators(both) == ["relu", "tanh", "network_output"]


# --- what cannot be


def refused(module, *inputs):
    """What is said of a module, line by line."""
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.from_torch(module, inputs or torch.zeros(1, 6, 8, 8))
    return error.value.lines


def test_every_operator_that_cannot_be_imported_is_named_at_once():
    first, second, remedy = refused(
        Function(lambda x: (torch.fft.fft(x), functional.adaptive_avg_pool2d(x, 3)))
    )
    assert first == "Function: fft_fft (fft_fft): is no supported operator"
    assert second.endswith("(adaptive pooling of [8, 8] to [3, 3]): is no supported operator")
    assert remedy.startswith(
        "Function: --until NODE ends before, --unsupported host or elementwise lets such nodes "
        "pass at a price; docs/how-to/import-a-model.md lists the "
    )


def test_what_depends_on_the_numbers_in_the_image_is_refused():
    (line,) = refused(Function(lambda x: x if x.sum() > 0 else -x))
    assert line.startswith("Function: torch.export cannot export it: ")


def test_a_transposed_convolution_multiplies_each_input_by_all_weights():
    graph = graph_of(nn.ConvTranspose2d(6, 4, 2, 2))
    assert total_macs(graph) == 64 * 6 * 4 * 4
    assert graph[list(graph)[-1]].operator.output == Shape(4, 16, 16)


def test_an_encoder_layer_counts_its_products_and_moves_nothing():
    tokens, width = 10, 48
    graph = graph_of(nn.TransformerEncoderLayer(width, 3, 96, batch_first=True), 1, tokens, width)
    products = 4 * tokens * width**2 + 2 * tokens**2 * width + 2 * tokens * width * 96
    assert total_macs(graph) == products
    assert "rearrange" not in operators(graph)


@pytest.mark.parametrize(
    ("function", "kinds"),
    [
        (lambda x: functional.layer_norm(x, (8,)), ["layer_norm"]),
        (lambda x: functional.group_norm(x, 2), ["group_norm"]),
        (lambda x: functional.pixel_shuffle(torch.cat([x, x], 1), 2), ["concat", "rearrange"]),
        (lambda x: torch.einsum("bchw,bchv->bcwv", x, x), ["rearrange", "rearrange", "product"]),
        (lambda x: x.roll(1, 2), ["gather"]),
        (lambda x: torch.stack([x, x], 1).sum(1), ["concat", "rearrange", "reduce_sum"]),
        (lambda x: x.unbind(1)[0].unsqueeze(0).relu(), ["slice", "relu"]),
        (lambda x: torch.maximum(x, -x), ["negate", "maximum"]),
        (lambda x: x.argmax(1), ["reduce_arg_max"]),
        (lambda x: torch.addcmul(x, x, x.relu()), ["relu", "multiply", "add"]),
        (lambda x: torch.addcmul(torch.ones(8), torch.ones(8), x), ["linear", "linear"]),
        (lambda x: (x * x).sum(1, keepdim=True).rsqrt(), ["multiply", "reduce_sum", "reciprocal"]),
    ],
)
def test_further_operators(function, kinds):
    assert operators(graph_of(function)) == kinds


def test_a_product_that_is_added_to_something_is_both():
    graph = graph_of(lambda x: torch.baddbmm(x, x, x.relu()), 1, 8, 8)
    assert total_macs(graph) == 8 * 8 * 8
    assert [kind for kind in operators(graph) if kind != "rearrange"] == ["relu", "product", "add"]


def test_only_modules_are_networks():
    assert refused(torch.relu) == ["builtin_function_or_method: must be a torch.nn.Module"]


def test_a_module_may_have_several_inputs():
    images = (torch.zeros(1, 6, 8, 8), torch.ones(1, 6, 8, 8))
    published = build(accelsim.from_torch(Function(lambda x, y: x + y), images))
    assert [node.operator.kind for node in published.nodes] == ["input", "input", "add"]


def test_without_torch_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert refused(nn.ReLU()) == ['PyTorch modules take the package torch: pip install "accelsim[torch]"']


def test_a_run_with_no_module_does_not_import_torch():
    code = "import sys, accelsim; accelsim.load_network('sqnxt23v5'); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"


def test_the_module_of_the_guide_is_imported_as_it_says():
    (code,) = (code for code in blocks(page("how-to/import-a-model.md"), "python") if "from_torch" in code)
    names = {}
    exec(compile(code, "import-a-model.md", "exec"), names)
    assert accelsim.run_network(names["network"], accelsim.load_hardware("16x16_128k")).cycles > 0


# --- what the module and its example say of themselves


def test_the_batch_of_the_example_is_the_one_that_runs():
    network = accelsim.from_torch(nn.Linear(10, 4), torch.zeros(32, 10))
    assert network.images() == 32
    assert network.description.source.endswith(", batch of 32")


def test_half_precision_is_the_networks():
    module = nn.Conv2d(6, 4, 3).half()
    network = accelsim.from_torch(module, torch.zeros(1, 6, 8, 8, dtype=torch.float16))
    assert network.description.precision.weights_bits == 16
    assert network.description.precision.activations_bits == 16


def test_a_module_that_is_used_twice_has_its_parameters_once():
    shared = nn.Conv2d(6, 6, 3, padding=1)
    assert total_params(graph_of(nn.Sequential(shared, nn.ReLU(), shared))) == 6 * 6 * 9 + 6
    tied = nn.Sequential(nn.Conv2d(6, 6, 1), nn.Conv2d(6, 6, 1))
    tied[1].weight = tied[0].weight
    assert total_params(graph_of(tied)) == 36 + 6 + 6


def test_batch_normalisations_have_the_parameters_of_their_module():
    assert total_params(graph_of(nn.Sequential(nn.BatchNorm2d(6), nn.BatchNorm2d(6)))) == 24
    assert total_params(graph_of(nn.Sequential(*[nn.BatchNorm2d(6, affine=False)] * 2))) == 0
    tied = nn.Sequential(nn.BatchNorm2d(6), nn.BatchNorm2d(6))
    tied[1].bias = tied[0].bias
    assert total_params(graph_of(tied)) == 6 + 6 + 6


def test_trained_slopes_are_parameters():
    assert total_params(graph_of(nn.Sequential(nn.PReLU(6), nn.PReLU()))) == 6 + 1


def test_places_of_maxima_that_are_read_are_a_second_pooling():
    def unpooled(x):
        values, places = functional.max_pool2d(x, 2, return_indices=True)
        return values + places

    assert operators(graph_of(unpooled)) == ["max_pool", "max_pool", "add"]


def test_a_number_among_the_outputs_is_none_of_the_network():
    graph = graph_of(lambda x: (torch.relu(x), 3))
    assert operators(graph) == ["relu"]


@pytest.mark.parametrize("function", [accelsim.from_torch, read_torch])
def test_the_examples_of_its_docstring_print_what_they_say(function):
    """They are skipped with the others, since torch is not everywhere."""
    (test,) = doctest.DocTestFinder(recurse=False).find(function, globs={function.__name__: function})
    for example in test.examples:
        example.options.pop(doctest.SKIP, None)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


# --- elements that move, and matrices of constants


@pytest.mark.parametrize(
    ("function", "moved", "shape"),
    [
        (lambda x: x.repeat_interleave(2, dim=1), ["gather"], Shape(12, 8, 8)),
        (lambda x: torch.repeat_interleave(x, 3, dim=-1), ["gather"], Shape(6, 8, 24)),
        (lambda x: x.unfold(2, 3, 1), ["gather"], Shape(6, 18, 8)),
    ],
)
def test_elements_that_are_there_several_times_move_once_each(function, moved, shape):
    graph = graph_of(lambda x: torch.relu(function(x)))
    picked = [
        node.operator for node in graph.nodes if operator_name(node.operator) in {"gather", "rearrange"}
    ]
    assert [operator_name(operator) for operator in picked] == moved
    assert picked[0].output == shape


def test_windows_that_do_not_overlap_only_rename_axes():
    graph = graph_of(lambda x: torch.relu(x.unfold(2, 4, 4).unfold(3, 4, 4)))
    assert operators(graph) == ["relu"]


def test_a_copy_is_what_is_copied():
    def copied(x):
        room = torch.empty_like(x)
        room.copy_(torch.relu(x))
        return room + x

    assert operators(graph_of(copied)) == ["relu", "add"]


def test_a_sum_that_runs_is_a_function_of_each_element():
    assert operators(graph_of(lambda x: torch.cumsum(x, dim=1))) == ["cumulative_sum"]


@pytest.mark.parametrize(
    ("shape", "groups", "features"), [((1, 10, 16), 1, 32), ((1, 4, 10, 16), 4, 32), ((4, 10, 16), 4, 32)]
)
def test_a_product_with_several_matrices_is_a_convolution(shape, groups, features):
    matrices = nn.Parameter(torch.ones(4, 16, 8))

    class Product(nn.Module):
        """x times each matrix."""

        def __init__(self):
            super().__init__()
            self.matrices = matrices

        def forward(self, x):
            return torch.matmul(x, self.matrices)

    graph = graph_of(Product(), *shape)
    *_, layer = lower(graph).layers
    assert (groups, features, 16) == (layer.G, layer.G * layer.K, layer.C)
    assert (total_macs(graph), total_params(graph)) == (4 * 10 * 16 * 8, 4 * 16 * 8)
