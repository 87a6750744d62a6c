"""An extra that is not installed: one line with the command that installs it, exit code 2, no file."""

import sys

import pytest

SWEEP = """\
networks: [tiny.yaml]
hardware: [8x8_32k]
hardware_parameters: {pe_array.rows: [4, 8]}
objectives: [time_ms]
"""
SCHEDULER = "tcp://127.0.0.1:1"
ON = ("--net", "tiny.yaml", "--hw", "8x8_32k")


@pytest.mark.parametrize(
    ("package", "extra", "arguments"),
    [
        ("onnx", "onnx", ("import", "model.onnx")),
        ("onnx", "onnx", ("run", "--net", "model.onnx", "--hw", "8x8_32k")),
        ("plotly", "report", ("report", *ON, "-o", "a.html")),
        ("optuna", "search", ("sweep", "sweep.yaml", "--sampler", "tpe", "--quiet")),
        ("distributed", "distributed", ("sweep", "sweep.yaml", "--workers", "2", "--quiet")),
        (
            "distributed",
            "distributed",
            ("sweep", "sweep.yaml", "--scheduler", SCHEDULER, "--quiet"),
        ),
    ],
)
def test_what_is_missing_and_how_to_get_it(accelsim, folder, monkeypatch, package, extra, arguments):
    (folder / "sweep.yaml").write_text(SWEEP)
    (folder / "model.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, package, None)
    outcome = accelsim(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.endswith(f'pip install "accelsim[{extra}]"')
    assert not (folder / "a.html").exists()
