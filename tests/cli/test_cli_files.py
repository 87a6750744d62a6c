"""Files: no command writes over what it reads, none writes one file twice, names say what is in a file."""

import os
from pathlib import Path

import pytest

from accelsim.descriptions import shipped

MACHINE = shipped.find("hardware", "16x16_128k").read_text()
NET = ("--net", "net.yaml")
HW = ("--hw", "hw.yaml")
SWEEP = "networks: [net.yaml]\nhardware: [hw.yaml]\nobjectives: [time_ms]\n"
COMMANDS = {
    "run": ("run", *NET, *HW),
    "compare": ("compare", *NET, *HW),
    "explain": ("explain", *NET, *HW, "--layers", "0"),
    "depth": ("search", "depth", *NET, *HW),
    "path": ("search", "path", *NET, *HW),
    "sweep": ("sweep", "sweep.yaml"),
    "show": ("show", "net.yaml"),
    "show a machine": ("show", "hw.yaml"),
    "guidelines": ("reproduce", "guidelines", *HW),
}
RESULTS = [
    ("run", "--output"),
    ("run", "--trace"),
    ("run", "--cache"),
    ("compare", "--output"),
    ("explain", "--output"),
    ("depth", "--output"),
    ("depth", "--store"),
    ("path", "--output"),
    ("sweep", "--output"),
    ("sweep", "--store"),
    ("show", "--output"),
    ("show a machine", "--output"),
    ("guidelines", "--output"),
]
"""Every option that names a file which a command writes, but those with an ending of their own."""


@pytest.fixture(autouse=True)
def inputs(folder):
    """A network, a preset of it, a machine, an overlay and a sweep, all of which have to stay as they are."""
    (folder / "tiny.yaml").rename(folder / "base.yaml")
    (folder / "net.yaml").write_text("name: net\ntitle: a preset\nsource: made up\npreset_of: base\n")
    (folder / "hw.yaml").write_text(MACHINE)
    (folder / "bits.yaml").write_text("precision: {weights_bits: 8}\n")
    (folder / "sweep.yaml").write_text(SWEEP)
    before = {file: file.read_bytes() for file in folder.iterdir()}
    yield before
    for file, content in before.items():
        assert file.read_bytes() == content, file.name


def names_of(file, folder):
    """The ways to one file: by its name, another path, a link and a hard link; all without an ending."""
    (folder / "link").symlink_to(file)
    os.link(folder / file, folder / "hard")
    return ["link", "hard", f"{folder}/link", "../" + folder.name + "/hard"]


@pytest.mark.parametrize(("command", "option"), RESULTS)
def test_no_result_is_written_over_what_is_read(accelsim, folder, command, option):
    read = {"sweep": ["sweep.yaml", "net.yaml", "base.yaml", "hw.yaml"], "show": ["net.yaml", "base.yaml"]}
    read |= {"show a machine": ["hw.yaml"], "guidelines": ["hw.yaml"]}
    for file in read.get(command, ["net.yaml", "base.yaml", "hw.yaml"]):
        for name in names_of(file, folder):
            outcome = accelsim(*COMMANDS[command], option, name)
            assert outcome.code == 2, (file, name)
            assert f"{name} must be another file than that of " in outcome.err
            assert "which is read" in outcome.err
        (folder / "link").unlink()
        (folder / "hard").unlink()


def test_an_overlay_is_read_too(accelsim, folder):
    (folder / "link").symlink_to("bits.yaml")
    outcome = accelsim(*COMMANDS["run"], "--overlay", "bits.yaml", "--output", "link")
    assert (outcome.code, outcome.out) == (2, "")
    assert "link must be another file than that of --overlay bits.yaml, which is read" in outcome.err


def test_a_network_is_not_written_over_the_one_it_comes_from(accelsim):
    outcome = accelsim(*COMMANDS["path"], "--write", "base.yaml")
    assert outcome.code == 2
    assert "--write: base.yaml must be another file than that of --net net.yaml, which is read" in outcome.err


def test_a_page_or_a_picture_is_not_written_over_what_it_is_made_of(accelsim, folder):
    for name in ("page.html", "picture.png"):
        (folder / name).symlink_to("net.yaml")
    for arguments in (
        ("report", *NET, *HW, "-o", "page.html"),
        ("plot", "layers", *NET, *HW, "-o", "picture.png"),
    ):
        outcome = accelsim(*arguments)
        assert outcome.code == 2
        assert "must be another file than that of --net net.yaml, which is read" in outcome.err


def test_a_sweep_s_picture_is_not_written_over_its_result(accelsim, folder):
    assert accelsim(*COMMANDS["sweep"], "--output", "found.json").code == 0
    (folder / "picture.png").symlink_to("found.json")
    found = (folder / "found.json").read_text()
    outcome = accelsim("plot", "sweep", "--result", "found.json", "-o", "picture.png")
    assert outcome.code == 2
    assert (folder / "found.json").read_text() == found


@pytest.mark.parametrize(
    ("command", "first", "second"),
    [
        ("run", "--output", "--trace"),
        ("run", "--output", "--cache"),
        ("run", "--trace", "--cache"),
        ("depth", "--output", "--store"),
        ("sweep", "--output", "--store"),
    ],
)
def test_no_file_is_written_twice(accelsim, folder, command, first, second):
    (folder / "x.json").write_text("before")
    (folder / "y.json").symlink_to("x.json")
    for one, other in (("x.json", "x.json"), ("x.json", "y.json"), ("new.json", f"{folder}/new.json")):
        outcome = accelsim(*COMMANDS[command], first, one, second, other)
        assert (outcome.code, outcome.out) == (2, "")
        assert "must be another file than --" in outcome.err
    assert (folder / "x.json").read_text() == "before"


def test_a_device_takes_everything(accelsim):
    outcome = accelsim(*COMMANDS["run"], "--output", "/dev/null", "--trace", "/dev/null", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


# --- what names say


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--output", "x.json", "--format", "csv"), "x.json: --format csv is not what ends in .json"),
        (("--output", "x.csv", "--format", "json"), "x.csv: --format json is not what ends in .csv"),
        (("--output", "x.JSON", "--format", "table"), "x.JSON: --format table is not what ends in .json"),
        (("--output", "x.txt", "--format", "json"), "x.txt: --format json is not what ends in .txt"),
        (("--output", "x.TXT", "--format", "csv"), "x.TXT: --format csv is not what ends in .txt"),
        (
            ("--output", "x.xlsx"),
            "x.xlsx: the name of a result must end in .json, .csv or .txt (a table), or",
        ),
        (("--output", "x.xlsx", "--format", "csv"), "x.xlsx: the name of a result must end in .json, .csv"),
        (("--output", "x.json.gz"), "x.json.gz: the name of a result must end in .json, .csv or .txt"),
        (("--output", "x.dat"), "x.dat: the name of a result must end in .json, .csv or .txt"),
        (
            ("--output", "x.sqlite", "--format", "csv"),
            "x.sqlite: the name of a result must end in .json",
        ),
    ],
)
def test_a_name_that_says_something_else_is_refused(accelsim, folder, arguments, sentence):
    outcome = accelsim(*COMMANDS["show"], *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(sentence)
    assert not list(folder.glob("x.*"))


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (("--output", "x.json"), "{"),
        (("--output", "x.csv"), "name,"),
        (("--output", "x.txt"), "net: a preset"),
        (("--output", "x"), "net: a preset"),
        (("--output", "x", "--format", "json"), "{"),
        (("--output", "x.dat", "--format", "csv"), "name,"),
        (("--output", "x.json", "--format", "json"), "{"),
    ],
)
def test_names_and_formats_that_agree(accelsim, folder, arguments, start):
    assert accelsim(*COMMANDS["show"], *arguments).code == 0
    assert (folder / arguments[1]).read_text().startswith(start)


def test_a_network_is_written_as_yaml_only(accelsim):
    outcome = accelsim(*COMMANDS["path"], "--write", "better.json")
    assert (outcome.code, outcome.err) == (2, "--write better.json: must end in .yaml or .yml\n")


@pytest.mark.parametrize(
    ("command", "option", "noun"),
    [
        (COMMANDS["run"], "--cache", "file of mappings"),
        (COMMANDS["sweep"], "--store", "store"),
        (("search", "depth", "--net", "sqnxt23v5", *HW), "--store", "store"),
    ],
)
@pytest.mark.parametrize("name", ["x.json", "x.CSV", "x.txt", "x.yaml", "x.png", "x.onnx", "x.sqlite.gz"])
def test_what_is_found_out_is_not_kept_under_a_name_that_says_something_else(
    accelsim, folder, command, option, noun, name
):
    outcome = accelsim(*command, option, name)
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line == (
        f"{name}: cannot be used as a {noun}: what ends in {Path(name).suffix} is something else; "
        "let it end in .sqlite, or in nothing"
    )
    assert not list(folder.glob("x.*"))


@pytest.mark.parametrize("name", ["x", "x.sqlite", "x.db", "x.v2"])
def test_what_is_found_out_is_kept_under_any_other_name(accelsim, folder, name):
    assert accelsim(*COMMANDS["sweep"], "--store", name, "--quiet").code == 0
    assert (folder / name).read_bytes().startswith(b"SQLite format 3")


def test_a_store_may_be_renamed_to_anything(accelsim, folder):
    first = accelsim(*COMMANDS["sweep"], "--store", "x.sqlite", "--quiet")
    (folder / "x.sqlite").rename(folder / "x.json")
    again = accelsim(*COMMANDS["sweep"], "--store", "x.json", "--quiet")
    assert (again.code, again.out, again.err) == (0, first.out, "")


# --- modes and links


def test_an_output_keeps_the_mode_of_the_file_that_it_replaces(accelsim, folder):
    for mode in (0o600, 0o640, 0o664):
        (folder / "x.json").write_text("before")
        (folder / "x.json").chmod(mode)
        assert accelsim(*COMMANDS["show"], "--output", "x.json").code == 0
        assert (folder / "x.json").stat().st_mode & 0o777 == mode
        assert (folder / "x.json").read_text().startswith("{")


def test_a_link_that_leads_nowhere_yet_leads_to_the_output_then(accelsim, folder):
    (folder / "there").mkdir()
    (folder / "x.json").symlink_to("there/result.json")
    assert accelsim(*COMMANDS["show"], "--output", "x.json").code == 0
    assert (folder / "x.json").is_symlink()
    assert (folder / "there" / "result.json").read_text().startswith("{")


def test_a_link_to_itself_is_no_place_for_an_output(accelsim, folder):
    (folder / "x.json").symlink_to("x.json")
    outcome = accelsim(*COMMANDS["show"], "--output", "x.json")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("x.json: cannot be written: ")


# --- options given twice


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        ((*COMMANDS["run"], "--dataflow", "auto", "--dataflow", "output_stationary"), "--dataflow"),
        ((*COMMANDS["run"], "--batch", "1", "--batch=2"), "--batch"),
        ((*COMMANDS["run"], "--format", "json", "--format", "json"), "--format"),
        ((*COMMANDS["run"], "--layers", "top", "--layers", "all"), "--layers"),
        ((*COMMANDS["explain"], "--layers", "1"), "--layers"),
        ((*COMMANDS["compare"], "--relative-to", "net", "--relative-to", "net"), "--relative-to"),
        ((*COMMANDS["depth"], *NET), "--net"),
        ((*COMMANDS["depth"], "--top", "1", "--top", "2"), "--top"),
        ((*COMMANDS["path"], "--steps", "1", "--steps", "2"), "--steps"),
        ((*COMMANDS["sweep"], "--seed", "1", "--seed", "2"), "--seed"),
        (("plot", "layers", *NET, *HW, "-o", "a.png", "--output", "b.png"), "--output"),
        (("report", *NET, *HW, "-oa.html", "-o", "b.html"), "--output"),
        (("list", "networks", "--output", "a.json", "--output", "b.json"), "--output"),
    ],
)
def test_an_option_of_one_value_is_not_given_twice(accelsim, folder, arguments, option):
    outcome = accelsim(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"{option}: takes one, is given 2 times\n"
    assert not [file for file in folder.iterdir() if file.suffix in {".png", ".html", ".json"}]


def test_options_of_several_values_and_flags_may_be_repeated(accelsim):
    outcome = accelsim("compare", *NET, "--net", "base.yaml", *HW, "--quiet", "--quiet", "--format", "csv")
    assert (outcome.code, outcome.err) == (0, "")
    assert len(outcome.out.splitlines()) == 3


def test_a_value_that_looks_like_an_option_is_no_repetition(accelsim):
    outcome = accelsim("run", *HW, "--net", "--net")
    assert outcome.err.startswith("--net: no such network")


def test_a_model_is_not_replaced_by_its_own_yaml(accelsim, folder):
    Path("model.onnx").write_bytes(b"not really one")
    outcome = accelsim("import", "model.onnx", "--yaml", "model.onnx")
    assert (outcome.code, outcome.err) == (2, "--yaml model.onnx: must end in .yaml or .yml\n")
