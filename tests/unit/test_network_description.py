"""Stage tables: names, parameters, presets, and each mistake as a line of its own."""

import pytest

from accelsim.descriptions import dump, vary
from accelsim.errors import DescriptionError, NetworkError
from accelsim.network.blocks import block_names
from accelsim.network.build import build
from accelsim.network.configuration import configure, read_network
from accelsim.network.graph import Shape, total_macs, total_params
from accelsim.network.load import load_network

HEAD = """\
name: small
title: A network for tests
source: this file
input: {channels: 3, height: 32, width: 32}
parameters:
  scale: {default: 1.0, minimum: 0.25, maximum: 2}
  groups: {default: 1, allowed: [1, 2, 4]}
  se: {default: false}
  style: {default: plain, allowed: [plain, fancy]}
stages:
"""
ROWS = """\
  - {block: conv, out_channels: "=8*scale", kernel: 3, padding: 1}
  - {block: conv, name: body, out_channels: 8, kernel: 3, padding: 1, stride: 2, repeat: 2, groups: "=groups"}
  - {block: conv, name: tail, stage: end, out_channels: "={'plain': 4, 'fancy': 6}[style]"}
"""


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write(tmp_path):
    def write(text, name="small.yaml"):
        (tmp_path / name).write_text(text)
        return name

    return write


def error_lines(name, **parameters):
    with pytest.raises(DescriptionError) as error:
        load_network(name, **parameters)
    return error.value.lines


# What a network is


def test_rows_are_built_in_order_and_the_stride_is_the_first_ones(write):
    graph = build(load_network(write(HEAD + ROWS)))
    assert list(graph) == ["input", "conv1", "body.block1", "body.block2", "tail"]
    heights = [node.operator.output.height for node in graph.nodes]
    assert heights == [32, 32, 16, 16, 16]
    assert [node.stage for node in graph.nodes][1:] == ["conv1", "body", "body", "end"]
    assert graph["body.block2"].block == "body.block2"


def test_a_row_that_is_repeated_once_is_still_a_stage_of_blocks(write):
    graph = build(load_network(write(HEAD + ROWS.replace("repeat: 2", "repeat: 1"))))
    assert "body.block1" in graph
    assert "body" not in graph


def test_parameters_are_given_after_the_at_sign_or_by_keyword(write):
    path = write(HEAD + ROWS)
    network = load_network(f"{path}@style=fancy,scale=2,groups=2")
    assert network == load_network(path, groups=2, scale=2, style="fancy")
    assert network.name == "small@scale=2.0,groups=2,style=fancy"
    assert network.parameters == {
        "scale": 2.0,
        "groups": 2,
        "se": False,
        "style": "fancy",
        "resolution": 32,
    }
    graph = build(network)
    assert graph["conv1"].operator.output.channels == 16
    assert graph["body.block1"].operator.groups == 2
    assert graph["tail"].operator.output.channels == 6


def test_parameters_at_their_defaults_are_not_part_of_the_name(write):
    assert load_network(write(HEAD + ROWS) + "@scale=1,groups=1").name == "small"
    assert load_network(write(HEAD + ROWS) + "@se=true").name == "small@se=true"


def test_every_network_with_a_square_input_has_a_resolution(write):
    path = write(HEAD + ROWS)
    assert load_network(path).image == Shape(3, 32, 32)
    assert load_network(f"{path}@resolution=48").image == Shape(3, 48, 48)
    graph = build(load_network("mobilenet_v1", resolution=160, width=0.5))
    assert graph["input"].operator.output == Shape(3, 160, 160)


WIDE = HEAD.replace("width: 32", "width: 24")
NOT_SQUARE = (
    "resolution = 32: is for square inputs, which this network's is not: leave it out; "
    "input.height and input.width say its size"
)


def test_a_network_whose_input_is_not_square_has_none(write):
    network = load_network(write(WIDE + ROWS))
    assert network.image == Shape(3, 32, 24)
    assert "resolution" not in network.parameters
    assert "resolution" not in network.description.knobs


@pytest.mark.parametrize("setting", ["resolution=32", "resolution=many", "scale=1,resolution=32"])
def test_one_asked_of_a_network_whose_input_is_not_square_is_refused(write, setting):
    shown = NOT_SQUARE.replace("32:", "'many':") if "many" in setting else NOT_SQUARE.replace("32:", "'32':")
    assert error_lines(f"{write(WIDE + ROWS)}@{setting}") == [f"small: {shown}"]
    assert error_lines(write(WIDE + ROWS), resolution=32) == [f"small: {NOT_SQUARE}"]


def test_nor_may_a_report_or_a_preset_ask_it_for_one(write):
    sentence = NOT_SQUARE.partition(": ")[2]
    report = WIDE.replace("stages:", "reported_at:\n  - {at: {resolution: 32}, top1: 50}\nstages:")
    assert error_lines(write(report + ROWS)) == [
        f"small.yaml:11: reported_at.0.at.resolution = 32: {sentence}"
    ]
    write(WIDE + ROWS)
    preset = write(PRESET.replace("scale: 0.5", "resolution: 32"), "preset.yaml")
    assert error_lines(preset) == [f"preset.yaml:6: parameters.resolution = 32: {sentence}"]


def test_an_expression_of_one_says_which_parameters_there_are(write):
    rows = '  - {block: conv, out_channels: "=resolution // 2"}\n'
    (line,) = error_lines(write(WIDE + rows))
    assert line.endswith("'resolution' is no parameter: there are groups, scale, se, style")
    bare = WIDE[: WIDE.index("parameters:")] + "stages:\n"
    (line,) = error_lines(write(bare + rows))
    assert line.endswith("'resolution' is no parameter: there are none")


def test_an_input_that_is_not_square_is_promised_no_resolution_that_works(write):
    rows = "  - {block: max_pool, kernel: 40}\n"
    with pytest.raises(NetworkError) as error:
        build(load_network(write(WIDE + rows)))
    assert "smallest resolution" not in str(error.value)


def test_an_expression_may_use_the_resolution(write):
    rows = '  - {block: conv, out_channels: "=resolution // 2"}\n'
    graph = build(load_network(write(HEAD + rows) + "@resolution=20"))
    assert graph["conv1"].operator.output.channels == 10


def test_a_file_may_have_an_at_sign_in_its_name(write):
    assert load_network(write(HEAD + ROWS, "small@2.yaml")).name == "small"


# Depth as data


def test_depth_varies_as_data_and_is_written_as_yaml(write):
    base = load_network("sqnxt23v2").description
    assert [row.repeat for row in base.stages if row.repeat] == [6, 6, 8, 1]
    changes = {"stages.2.repeat": 2, "stages.3.repeat": 4, "stages.4.repeat": 14}
    moved = vary(base, name="candidate", **changes)
    graph = build(configure(moved))
    v5 = build(load_network("sqnxt23v5"))
    assert (total_params(graph), total_macs(graph)) == (total_params(v5), total_macs(v5))
    path = write(dump(moved), "candidate.yaml")
    assert read_network(path) == moved
    assert list(build(load_network(path))) == list(graph)


def test_a_depth_that_no_file_may_say_is_refused():
    base = load_network("sqnxt23v2").description
    with pytest.raises(DescriptionError) as error:
        vary(base, **{"stages.2.repeat": 0})
    assert str(error.value) == (
        "sqnxt23v2: stages.2.repeat = 0: must be a whole number from 1 to 1000 or "
        'an expression such as "=2*width"'
    )


# Presets


def test_a_preset_is_another_network_with_its_parameters_set():
    network = load_network("sqnxt23v5_2x")
    assert network.name == "sqnxt23v5_2x"
    assert network.description.reported.top1 == 67.44
    assert total_params(build(network)) == total_params(build(load_network("sqnxt23v5@width=2.0")))
    assert load_network("sqnxt23v5_2x@resolution=128").name == "sqnxt23v5_2x@resolution=128"


PRESET = """\
name: preset
title: A preset
source: this file
preset_of: small
parameters:
  scale: 0.5
"""


def test_a_preset_looks_for_its_network_beside_itself_first(write, tmp_path, monkeypatch):
    write(HEAD + ROWS)
    path = tmp_path / write(PRESET.replace("scale", "resolution: 16\n  scale"), "preset.yaml")
    monkeypatch.chdir("/")
    network = load_network(path)
    assert network.image == Shape(3, 16, 16)
    assert build(network)["conv1"].operator.output.channels == 4
    assert error_lines(f"{path}@scale=1.0") == ["preset: scale = 1.0: must be 0.5"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("scale: 0.5", "scale: 7", "preset.yaml:6: parameters.scale = 7: must be a number from 0.25 to 2"),
        (
            "scale: 0.5",
            "scal: 1",
            "preset.yaml:6: parameters.scal = 1: no such parameter, did you mean 'scale'? "
            "allowed are groups, resolution, scale, se, style",
        ),
        (
            "of: small",
            "of: smal",
            "preset.yaml:4: preset_of = 'smal': smal: no such network: `accelsim list networks` shows all, "
            "and a path to a YAML file works",
        ),
        (
            "of: small",
            "of: preset",
            "preset.yaml:4: preset_of = 'preset': goes round in a circle: one must have stages",
        ),
        (
            "title: A preset",
            "stages: []",
            "preset.yaml:2: stages = []: no such key: allowed are "
            "name, title, source, preset_of, parameters, reported, reported_at, precision, compression",
        ),
    ],
)
def test_a_mistake_in_a_preset(write, old, new, line):
    write(HEAD + ROWS)
    assert line in error_lines(write(PRESET.replace(old, new), "preset.yaml"))


# Mistakes after the @


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ("", "small.yaml@: '': must be key=value, several separated by commas"),
        ("scale", "small.yaml@scale: 'scale': must be key=value, several separated by commas"),
        ("scale=", "small.yaml@scale=: 'scale=': must be key=value, several separated by commas"),
        ("scale=1,,", "small.yaml@scale=1,,: '': must be key=value, several separated by commas"),
        ("scale=1,scale=2", "small.yaml@scale=1,scale=2: scale: given twice"),
        ("scale=3", "small: scale = 3.0: must be a number from 0.25 to 2"),
        ("scale=nan", "small: scale = NaN: must be a number from 0.25 to 2"),
        ("scale=wide", "small: scale = 'wide': must be a number from 0.25 to 2"),
        ("groups=3", "small: groups = 3: must be 1, 2 or 4"),
        ("groups=2.0", "small: groups = '2.0': must be 1, 2 or 4"),
        ("se=1", "small: se = '1': must be true or false"),
        ("style=odd", "small: style = 'odd': must be 'plain' or 'fancy'"),
        ("resolution=0", "small: resolution = 0: must be a whole number from 1 to 8192"),
        ("resolution=9000", "small: resolution = 9000: must be a whole number from 1 to 8192"),
        (
            "sacle=1",
            "small: sacle = '1': no such parameter, did you mean 'scale'? "
            "allowed are groups, resolution, scale, se, style",
        ),
    ],
)
def test_a_mistake_in_a_parameter_says_what_is_allowed(write, settings, line):
    assert error_lines(f"{write(HEAD + ROWS)}@{settings}") == [line]


@pytest.mark.parametrize("settings", ["scale={0},scale=1", "{0}=1,{0}=2", "scale={0},groups", "{0}=1"])
def test_a_mistake_in_a_long_parameter_is_a_short_line(write, settings):
    (line,) = error_lines(f"{write(HEAD + ROWS)}@{settings.format('9' * 5000)}")
    assert len(line) < 400


def test_a_parameter_given_twice_or_of_the_wrong_type(write):
    path = write(HEAD + ROWS)
    assert error_lines(f"{path}@scale=1", scale=1) == [
        "small.yaml@scale=1: scale: given after the @ and by keyword"
    ]
    assert error_lines(path, scale="1", groups=True, resolution=1.5) == [
        "small: scale = '1': must be a number from 0.25 to 2",
        "small: groups = true: must be 1, 2 or 4",
        "small: resolution = 1.5: must be a whole number from 1 to 8192",
    ]


def test_a_value_that_breaks_a_row_is_reported_at_the_row(write):
    rows = '  - {block: conv, out_channels: "=3*scale"}\n  - {block: conv, out_channels: "={1: 4}[groups]"}\n'
    assert error_lines(write(HEAD + rows), scale=0.5, groups=2) == [
        "small.yaml:11: stages.0.out_channels = '=3*scale': must be a whole number from 1 to 1000000, "
        "gives 1.5",
        "small.yaml:12: stages.1.out_channels = '={1: 4}[groups]': no entry for 2: there are 1",
    ]


OF_ANOTHER_WIDTH = HEAD.replace("channels: 3", 'channels: "=3*scale"')


def test_the_channels_of_the_input_may_be_a_rule(write):
    assert load_network(write(OF_ANOTHER_WIDTH + ROWS), scale=2).image == Shape(6, 32, 32)


@pytest.mark.parametrize(
    ("channels", "sentence"),
    [
        ("=3*scale", "must be a whole number from 1 to 1000000, gives 1.5"),
        ("=-1", "must be a whole number from 1 to 1000000, gives -1"),
        ("=scale > 0", "must be a whole number from 1 to 1000000, gives true"),
        ("=width", "'width' is no parameter: there are groups, resolution, scale, se, style"),
    ],
)
def test_a_rule_for_the_channels_that_gives_none_is_reported(write, channels, sentence):
    text = HEAD.replace("channels: 3", f'channels: "{channels}"') + ROWS
    assert error_lines(write(text), scale=0.5) == [f"small.yaml:4: input.channels = '{channels}': {sentence}"]


# Mistakes in the file


ARGUMENTS = (
    "allowed are out_channels, kernel, stride, padding, dilation, groups, bias, batch_norm, activation, "
    "name, stage, repeat, reads"
)


@pytest.mark.parametrize(
    ("row", "lines"),
    [
        (
            "{block: fyre, squeeze: 3}",
            [
                "stages.0.block = 'fyre': no such block, did you mean 'fire'? allowed are fire, "
                + ", ".join(name for name in block_names()[:11])
                + f", ... ({len(block_names())} in all)"
            ],
        ),
        (
            "{block: conv, out_chanels: 3, repeet: 2}",
            [
                "stages.0.out_chanels = 3: no such key of the block conv, did you mean 'out_channels'? "
                + ARGUMENTS,
                "stages.0.repeet = 2: no such key of the block conv, did you mean 'repeat'? " + ARGUMENTS,
                "stages.0.out_channels: missing, must be a whole number from 1 to 1000000",
            ],
        ),
        (
            "{block: conv, out_channels: 8.0, kernel: [3], bias: 1, padding: full}",
            [
                "stages.0.out_channels = 8.0: must be a whole number from 1 to 1000000",
                "stages.0.kernel = [3]: must be a whole number from 1 to 10000 or a list of 2 values "
                "(each a whole number from 1 to 10000)",
                "stages.0.padding = 'full': must be 'same', a whole number from 0 to 10000, "
                "a list of 2 values (each a whole number from 0 to 10000) "
                "or a list of 4 values (each a whole number from 0 to 10000)",
                "stages.0.bias = 1: must be true or false",
            ],
        ),
        (
            "{block: conv, out_channels: '=8*widht', kernel: ['=1/0', 3], repeat: '=groups-1'}",
            [
                "stages.0.out_channels = '=8*widht': 'widht' is no parameter: there are groups, resolution, "
                "scale, se, style",
                "stages.0.kernel.0 = '=1/0': '1 / 0' has no value: division by zero",
                "stages.0.repeat = '=groups-1': must be a whole number from 1 to 1000, gives 0",
            ],
        ),
        (
            "{block: conv, out_channels: 8, repeat: '=odd', name: 3x3}",
            ["stages.0.name = '3x3': must be a word of at most 200 letters, digits, _ and -"],
        ),
        (
            "{block: conv, out_channels: 8, repeat: '=odd'}",
            [
                "stages.0.repeat = '=odd': 'odd' is no parameter: "
                "there are groups, resolution, scale, se, style",
            ],
        ),
        ("{out_channels: 8}", ["stages.0.block: missing, must be the name of a block"]),
        ("conv", ["stages.0 = 'conv': must be a mapping with the keys block, name, stage, repeat, reads"]),
        (
            "{block: sqnxt, out_channels: 8, shortcut: none}",
            ["stages.0.shortcut = 'none': must be 'projection_beside' or 'projection_first'"],
        ),
    ],
)
def test_mistakes_in_a_row(write, row, lines):
    text = f"{HEAD}  - {row}\n"
    expected = [f"small.yaml:11: {line}" for line in lines]
    assert error_lines(write(text)) == expected


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "name: small",
            "name: a b",
            "1: name = 'a b': must be a word of at most 200 letters, digits, _ and -",
        ),
        (
            "channels: 3",
            "channels: 0",
            "4: input.channels = 0: must be a whole number from 1 to 1000000 or an expression such as "
            '"=2*width"',
        ),
        ("height: 32", "height: 0", "4: input.height = 0: must be a whole number from 1 to 1048576"),
        ("  scale:", "  resolution:", "6: parameters.resolution = {...}: is there already"),
        ("  scale:", "  a-b:", "6: parameters.a-b = {...}: must be called by one word of letters"),
        ("[1, 2, 4]", "[2, 4]", '7: parameters.groups = {"default": 1, "allowed": [2, 4]}: its default is 1'),
        (
            "minimum: 0.25",
            "minimum: 1.5",
            "6: parameters.scale = {...}: its default is 1.0, must be a number",
        ),
        ("source:", "sauce:", "1: source: missing, must be text"),
    ],
)
def test_mistakes_in_the_rest_of_the_file(write, old, new, line):
    lines = error_lines(write((HEAD + ROWS).replace(old, new)))
    assert any(found.startswith(f"small.yaml:{line.replace('{...}', '')[:12]}") for found in lines)
    start, _, end = line.partition("{...}")
    assert any(start in found and end in found for found in lines)


def test_rows_of_one_name_are_refused(write):
    row = "  - {block: conv, name: twin, out_channels: 4}\n"
    assert error_lines(write(HEAD + row + row)) == [
        "small.yaml:12: stages.1.name = 'twin': is the name of stages.0 already"
    ]


def test_a_network_without_rows_is_refused(write):
    assert error_lines(write(HEAD + "  []\n"))[0].startswith(
        "small.yaml:10: stages = []: must be a list that is not empty"
    )


# Networks whose layers do not fit


def test_a_layer_that_does_not_fit_is_named_with_its_network(write):
    rows = "  - {block: conv, name: stem, out_channels: 8, groups: 2}\n"
    with pytest.raises(NetworkError, match=r"^small: stem: 3 input channels cannot be split into 2 groups"):
        build(load_network(write(HEAD + rows)))


@pytest.mark.parametrize(
    ("name", "layer", "size", "smallest"),
    [
        ("sqnxt23", "pool1", "1 x 1", 11),
        ("alexnet", "conv1", "8 x 8", 55),
        ("squeezenet_v1_1", "pool3", "1 x 1", 25),
        ("tiny_darknet", "pool4", "1 x 1", 16),
    ],
)
def test_a_resolution_that_is_too_small_says_where_it_runs_out_and_what_would_do(name, layer, size, smallest):
    with pytest.raises(NetworkError) as error:
        build(load_network(f"{name}@resolution=8"))
    assert str(error.value).startswith(f"{name}@resolution=8: {layer}: a kernel of ")
    assert f"finds no room in its input of {size}; enlarge the resolution" in str(error.value)
    assert str(error.value).endswith(f"; {smallest} is the smallest resolution that works")
    build(load_network(f"{name}@resolution={smallest}"))
    with pytest.raises(NetworkError):
        build(load_network(f"{name}@resolution={smallest - 1}"))


def test_a_network_that_fits_no_resolution_promises_none(write):
    rows = "  - {block: global_average_pool}\n  - {block: max_pool, kernel: 2}\n"
    with pytest.raises(NetworkError) as error:
        build(load_network(write(HEAD + rows)))
    assert str(error.value).endswith("or shrink the kernel or the strides before it")


def test_same_padding_fits_any_resolution():
    assert len(build(load_network("mobilenet_v1@resolution=8"))) == 85
