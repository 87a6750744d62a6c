"""What the tutorial says beside the outputs of its commands, which test_docs_pages.py compares."""

import re

import pytest
from pages import DOCS, blocks, page

import accelsim

TEXT = page("tutorial.md")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of someone who follows the tutorial."""
    monkeypatch.chdir(tmp_path)
    (network,) = blocks(TEXT, "yaml")
    (tmp_path / "keywords.yaml").write_text(network, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(folder):
    """Runs a member of the tutorial's family on a machine."""
    return lambda channels, hardware: accelsim.run_network(
        accelsim.load_network(f"keywords.yaml@channels={channels}"), accelsim.load_hardware(hardware)
    )


def test_the_mistake_is_answered_as_the_tutorial_says(folder):
    file = folder / "keywords.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("kernel:", "kernl:", 1), encoding="utf-8")
    (shown,) = re.findall(r"(?m)^(keywords.yaml:\d+: .*)\.\.\.$", TEXT)
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.load_network("keywords.yaml")
    assert error.value.lines[0].startswith(shown)


def test_the_larger_machine_is_less_than_four_times_faster_because_of_dram(run):
    small, large = (run(64, name) for name in ("8x8_32k", "16x16_128k"))
    assert 1 < small.cycles / large.cycles < 4
    assert small.dram_bytes.total == pytest.approx(large.dram_bytes.total, rel=0.01)
    assert large.utilization < 0.5
    assert 0.7 < large.energy.by_component["dram"] / large.energy.total < 0.8
    dram_bound = sum(layer.cycles for layer in large.layers if layer.bound_by == "dram")
    assert dram_bound > large.cycles / 2


def test_80_channels_take_hardly_more_time_than_72_in_pointwise_layers(run):
    times = []
    for channels in (64, 72, 80):
        layers = run(channels, "16x16_128k").layers
        times.append(sum(layer.cycles for layer in layers if layer.name.endswith("pointwise")))
    assert times[1] / times[0] > 1.3
    assert times[2] / times[1] < 1.02


@pytest.mark.usefixtures("folder")
def test_the_python_of_the_tutorial_prints_the_slowest_layers(capsys):
    (code,) = blocks(TEXT, "python")
    exec(compile(code, "tutorial", "exec"), {})
    for line, hardware in zip(capsys.readouterr().out.splitlines(), ("8x8_32k", "16x16_128k"), strict=True):
        name, cycles, layer, bound = line.split()
        assert (name, layer, bound) == (hardware, "stage1.block4.pointwise", "compute")
        assert f"({int(cycles):,} cycles" in TEXT


def test_the_picture_of_the_tutorial_is_there():
    assert (DOCS / "images" / "tutorial.png").stat().st_size > 10_000
