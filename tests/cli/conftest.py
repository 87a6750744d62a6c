"""Commands as a user gives them, in an empty folder, and what comes back."""

import signal
import sys
from dataclasses import dataclass

import pytest

from accelsim.cli import main

TINY = """\
name: tiny
title: A network of four layers
source: made up for these tests
input: {channels: 3, height: 16, width: 16}
parameters:
  width: {default: 1.0, allowed: [1.0, 2.0]}
stages:
  - {block: conv, name: conv1, out_channels: "=8*width", kernel: 3, stride: 2,
     batch_norm: true, activation: relu}
  - {block: conv, name: conv2, stage: body, out_channels: 16, kernel: 3, padding: 1, bias: true}
  - {block: conv, name: conv3, stage: body, out_channels: 16, kernel: 1}
  - {block: fully_connected, name: fc, out_features: 10}
"""


NPU = """\
name: npu
title: Eight rows and columns beside a pool of 3 KiB
precision: {weights_bits: 8, activations_bits: 8, partial_sums_bits: 32}
pe_array: {rows: 8, columns: 8, dataflows: {output_stationary: {partial_sums_per_pe: 4}}}
memories:
  - {name: dram, bandwidth: {bytes_per_cycle: 4}, latency_cycles: 50, prefetch: 8}
  - {name: sram, size_bytes: 3072, banks: pool, keeps: [activations]}
"""


@pytest.fixture(scope="session", autouse=True)
def interrupts_arrive():
    """A shell that starts tests in the background lets them ignore interrupts, and all that they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, but for a network in tiny.yaml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path


@pytest.fixture
def npu(folder):
    """A machine on which activations may stay, in the folder."""
    (folder / "npu.yaml").write_text(NPU)
    return "npu.yaml"


@pytest.fixture
def accelsim(capsys, monkeypatch):
    """Runs a command line in this process."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["accelsim", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Outcome(stop.value.code or 0, out, err)

    return call
