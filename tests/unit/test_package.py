"""What `import accelsim` gives, and what it costs."""

import json
import re
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest

import accelsim
from accelsim.network import (
    changed_network,
    configure,
    network_text,
    read_network,
    read_overlay,
    to_yaml,
)
from accelsim.search import depth_space, plan_for, read_sweep, search_depth, search_path, written_remedy


@pytest.mark.parametrize("name", accelsim.__all__)
def test_every_public_name_is_there(name):
    assert getattr(accelsim, name) is not None
    assert name in dir(accelsim)


def test_no_other_name_is():
    with pytest.raises(AttributeError, match="no attribute 'run_netwrok'"):
        accelsim.run_netwrok  # noqa: B018


def test_the_version_is_that_of_the_installed_distribution():
    assert accelsim.__version__ == version("accelsim")


def test_importing_it_imports_nothing_but_its_version():
    code = "import sys; old = set(sys.modules); import accelsim; print(*sorted(set(sys.modules) - old))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert [
        name for name in done.stdout.split() if name.partition(".")[0] in {"accelsim", "numpy", "typer"}
    ] == ["accelsim", "accelsim.version"]


def test_a_network_runs_from_python():
    result = accelsim.run_network(accelsim.load_network("sqnxt23v5"), accelsim.load_hardware("16x16_128k"))
    assert result.cycles == sum(layer.cycles for layer in result.layers)
    frame = result.to_dataframe()
    assert len(frame) == len(result.layers)
    assert frame["cycles"].sum() == result.cycles
    assert {"name", "bound_by", "dram_bytes_read", "energy"} <= set(frame.columns)


@pytest.mark.parametrize(
    ("network", "hardware", "sentence"),
    [
        ("sqnxt23v6", "16x16_128k", "sqnxt23v6: no such network, did you mean sqnxt23v5, "),
        ("sqnxt23v5", "16x16", "16x16: no such hardware"),
        (None, "16x16_128k", "network = None: must be a Network, or a name or path of one"),
        ("sqnxt23v5", 16, "hardware = 16: must be a Hardware, or a name or path of one"),
    ],
)
def test_what_is_neither_is_a_line(network, hardware, sentence):
    with pytest.raises(accelsim.AccelsimError, match=re.escape(sentence)):
        accelsim.run_network(network, hardware)


def test_numbers_of_numpy_are_numbers():
    network = accelsim.load_network("mobilenet_v1", width=np.float64(0.25), resolution=np.int64(96))
    assert network.name == "mobilenet_v1@width=0.25,resolution=96"
    result = accelsim.run_network(network, "16x16_128k", batch=np.int64(2))
    assert json.loads(json.dumps(result.to_dict()))["batch"] == 2


WITHOUT = """\
import sys
sys.modules[{package!r}] = None
import accelsim
try:
    {code}
except accelsim.AccelsimError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("package", "extra", "code"),
    [
        ("pandas", "pandas", "accelsim.run_network('sqnxt23v5', '16x16_128k').to_dataframe()"),
        ("onnx", "onnx", "accelsim.load_network('model.onnx')"),
        ("torch", "torch", "accelsim.from_torch(None, None)"),
    ],
)
def test_an_extra_that_is_missing_is_a_line_with_the_remedy(package, extra, code):
    text = WITHOUT.format(package=package, code=code)
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    assert line.endswith(f'pip install "accelsim[{extra}]"')


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"batch": 0}, "batch = 0: must be a whole number from 1 to 65536"),
        ({"objective": "speed"}, "objective = 'speed': must be one of None, time, energy, edp"),
        ({"engine": "x"}, "engine = 'x': must be one of fast, events"),
    ],
)
def test_an_option_that_does_not_exist_is_refused(option, sentence):
    network, hardware = accelsim.load_network("sqnxt23v5"), accelsim.load_hardware("16x16_128k")
    with pytest.raises(accelsim.AccelsimError, match=sentence):
        accelsim.run_network(network, hardware, **option)


def test_no_layer_multiplies_more_than_its_pes_can():
    network, hardware = accelsim.load_network("squeezenet_v1_1"), accelsim.load_hardware("16x16_128k")
    assert all(layer.utilization <= 1 for layer in accelsim.run_network(network, hardware).layers)


def test_numbers_of_numpy_are_taken_as_numbers():
    np = pytest.importorskip("numpy")
    network, hardware = (
        accelsim.load_network("alexnet", resolution=np.int64(128)),
        accelsim.load_hardware("8x8_32k"),
    )
    result = accelsim.run_network(network, hardware, batch=np.int32(2))
    assert result == accelsim.run_network(network, hardware, batch=2)
    assert network.name == "alexnet@resolution=128"
    assert type(result.batch) is int


NO_ARGUMENTS = (object(), 7.5, float("nan"), b"x", {}, {1}, [3], (1,), np.array([1, 2]))
"""Values that no argument takes, which a caller may hand over by mistake."""
RUN = {"network": "sqnxt23v5", "hardware": "8x8_32k"}
OPTIONS = ("batch", "dataflow", "objective")
CALLS = (
    (accelsim.run_network, RUN, (*OPTIONS, "engine", "cache")),
    (accelsim.explain_network, RUN, (*OPTIONS, "layers", "step")),
    (accelsim.verify, RUN, (*OPTIONS, "layers", "step")),
    (accelsim.overlaid, {"network": "sqnxt23v5", "path": "absent.yaml"}, ()),
    (accelsim.from_onnx, {"path": "absent.onnx"}, ("resolution",)),
    (accelsim.from_torch, {"module": None, "example_input": None}, ("name",)),
    (accelsim.load_hardware, {"name": "8x8_32k"}, ()),
    (accelsim.load_network, {"name": "mobilenet_v1"}, ("width", "resolution")),
    (accelsim.Cache, {}, ("file", "most_bytes")),
    (search_path, RUN, (*OPTIONS, "max_params", "max_macs", "min_params", "steps", "min_resolution", "step")),
    (depth_space, {"network": "sqnxt23v5"}, ("total_blocks", "min_blocks")),
    (search_depth, {"task": None, "space": None}, ()),
    (plan_for, {"sweep": None}, ()),
    (read_sweep, {"path": "absent.yaml"}, ()),
    (read_network, {"path": "absent.yaml"}, ()),
    (read_overlay, {"path": "absent.yaml"}, ()),
    (configure, {"description": None}, ()),
    (to_yaml, {"description": None}, ()),
    (network_text, {"description": None}, ()),
    (changed_network, {"description": None, "change": None}, ()),
    (written_remedy, {"explained": None, "name": "channels"}, ()),
)


@pytest.mark.parametrize(
    ("function", "right", "argument"),
    [
        pytest.param(function, right, argument, id=f"{function.__name__}-{argument}")
        for function, right, options in CALLS
        for argument in (*right, *options)
    ],
)
def test_an_argument_of_another_kind_is_a_line(function, right, argument):
    for value in NO_ARGUMENTS:
        with pytest.raises(accelsim.AccelsimError) as refused:
            function(**{**right, argument: value})
        (line,) = refused.value.lines
        assert len(line) < 200


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: accelsim.run_network("sqnxt23v5", "8x8_32k", cache="x"),
            "cache = 'x': must be a Cache; Cache(path) keeps mappings in a file",
        ),
        (
            lambda: accelsim.run_network("sqnxt23v5", "8x8_32k", dataflow=None),
            "dataflow = None: must be auto or the name of a dataflow",
        ),
        (
            lambda: accelsim.verify("sqnxt23v5", "8x8_32k", objective="speed"),
            "objective = 'speed': must be one of None, time, energy, edp, peak",
        ),
        (
            lambda: accelsim.verify("sqnxt23v5", "8x8_32k", batch=True),
            "batch = True: must be a whole number from 1 to 65536",
        ),
        (
            lambda: accelsim.verify("sqnxt23v5", "8x8_32k", layers="conv1"),
            "layers = 'conv1': must be a list of patterns of layers",
        ),
        (
            lambda: accelsim.verify("sqnxt23v5", "8x8_32k", step=None),
            "step = None: must be a function, which is told the name of each layer",
        ),
        (
            lambda: accelsim.explain_network("sqnxt23v5", "8x8_32k", layers="a"),
            "layers = 'a': must be a whole number, at least 0",
        ),
        (lambda: accelsim.load_hardware(1), "name = 1: must be the path of a machine, or its name"),
        (lambda: accelsim.load_network(None), "name = None: must be the path of a network, or its name"),
        (lambda: accelsim.overlaid("sqnxt23v5", 1), "path = 1: must be the path of an overlay file"),
        (lambda: accelsim.from_onnx("\0"), "\0: no such file"),
        (
            lambda: depth_space("sqnxt23v5", fixed=0),
            "fixed = 0: must map names of stages to their depths",
        ),
        (lambda: accelsim.Cache(1), "file = 1: must be the path of a file of mappings"),
        (lambda: accelsim.Cache(most_bytes=-1), "most_bytes = -1: must be a whole number, at least 0"),
        (
            lambda: accelsim.load_network("mobilenet_v1", width=b"x"),
            "mobilenet_v1: width = b'x': must be a number from 0.05 to 4",
        ),
    ],
)
def test_what_an_argument_must_be_is_said(call, sentence):
    with pytest.raises(accelsim.AccelsimError) as refused:
        call()
    assert str(refused.value) == sentence


def test_a_cache_takes_the_path_of_its_file_as_text(tmp_path):
    accelsim.run_network("sqnxt23v5", "8x8_32k", cache=accelsim.Cache(str(tmp_path / "file")))
    assert (tmp_path / "file").is_file()
