"""`accelsim report`: a page, or a sentence and no file."""

import sys

import pytest


def test_a_page_is_written_and_said_to_be(accelsim, folder):
    machines = ("--hw", "16x16_128k", "--hw", "8x8_32k")
    outcome = accelsim("report", "--net", "tiny.yaml", *machines, "-o", "a.html")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "wrote a.html\n")
    page = (folder / "a.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>tiny on 2 machines</title>" in page
    assert "relative to the same network on 16x16_128k" in page


def test_options_are_told(accelsim, folder):
    options = ("--batch", 4, "--dataflow", "weight_stationary", "--objective", "energy", "--quiet")
    nets = ("--net", "tiny.yaml", "--net", "tiny.yaml@width=2")
    outcome = accelsim("report", *nets, "--hw", "8x8_32k", *options, "-o", "a.htm")
    assert (outcome.code, outcome.err) == (0, "")
    page = (folder / "a.htm").read_text(encoding="utf-8")
    assert "images at once: 4, dataflow: weight_stationary, mappings chosen by: energy." in page
    assert "relative to tiny on the same machine" in page


def test_an_overlay_stands_beside_what_it_changes(accelsim, folder):
    (folder / "int8.yaml").write_text("precision: {weights_bits: 8, activations_bits: 8}\n")
    outcome = accelsim(
        "report", "--net", "tiny.yaml", "--overlay", "int8.yaml", "--hw", "8x8_32k", "-o", "a.html", "--quiet"
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert ">tiny+int8</button>" in (folder / "a.html").read_text(encoding="utf-8")


RUN = ("--net", "tiny.yaml", "--hw", "8x8_32k")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (RUN, "--output"),
        ((*RUN, "-o", "a.pdf"), "a.pdf: must end in .html or .htm"),
        ((*RUN, "-o", "-"), "-: must end in .html or .htm"),
        ((*RUN, "-o", "absent/a.html"), "absent/a.html: cannot be written: no such folder as absent"),
        (("--net", "alexnt", "--hw", "8x8_32k", "-o", "a.html"), "did you mean alexnet"),
        (("--net", "tiny.yaml", "--hw", "8x8_32", "-o", "a.html"), "did you mean 8x8_32k"),
        (("--hw", "8x8_32k", "-o", "a.html"), "--net"),
        (("--net", "tiny.yaml", "-o", "a.html"), "--hw"),
        ((*RUN, "--relative-to", "big", "-o", "a.html"), "'big' must be one of tiny, 8x8_32k"),
    ],
)
def test_what_cannot_be_written_is_said_before_the_work(accelsim, folder, arguments, sentence, monkeypatch):
    monkeypatch.setattr("accelsim.run.run_network", lambda *_, **__: pytest.fail("ran all the same"))
    outcome = accelsim("report", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in " ".join(outcome.err.split())
    assert [path.name for path in folder.iterdir()] == ["tiny.yaml"]


def test_without_plotly_one_is_told_what_to_install(accelsim, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    outcome = accelsim("report", *RUN, "-o", "a.html")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == 'report needs plotly, which is not installed: pip install "accelsim[report]"\n'
    assert not (folder / "a.html").exists()
