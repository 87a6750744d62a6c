"""What `import accelsim` gives, and what it costs."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import accelsim


@pytest.mark.parametrize("name", accelsim.__all__)
def test_every_public_name_is_there(name):
    assert getattr(accelsim, name) is not None
    assert name in dir(accelsim)


def test_no_other_name_is():
    with pytest.raises(AttributeError, match="no attribute 'run_netwrok'"):
        accelsim.run_netwrok  # noqa: B018


def test_the_version_is_that_of_the_installed_distribution():
    assert accelsim.__version__ == version("accelsim")


def test_importing_it_imports_nothing_else():
    code = "import sys; old = set(sys.modules); import accelsim; print(*sorted(set(sys.modules) - old))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert [
        name for name in done.stdout.split() if name.partition(".")[0] in {"accelsim", "numpy", "typer"}
    ] == ["accelsim"]


def test_a_network_runs_from_python():
    result = accelsim.run_network(accelsim.load_network("sqnxt23v5"), accelsim.load_hardware("16x16_128k"))
    assert result.cycles == sum(layer.cycles for layer in result.layers)
    frame = result.to_dataframe()
    assert len(frame) == len(result.layers)
    assert frame["cycles"].sum() == result.cycles
    assert {"name", "bound_by", "dram_bytes_read", "energy"} <= set(frame.columns)


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
