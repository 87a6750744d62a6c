"""What only a real process shows: encodings, pipes, signals, terminals, and what is imported."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "accelsim"]
RUN = [*COMMAND, "run", "--net", "tiny.yaml", "--hw", "16x16_128k"]
SEARCH = [*COMMAND, "search", "depth", "--net", "repeating.yaml", "--hw", "16x16_128k"]


@pytest.fixture(autouse=True)
def repeating(tmp_path):
    """A network whose depth can be searched."""
    (tmp_path / "repeating.yaml").write_text(
        "name: repeating\ntitle: Two stages that repeat\nsource: made up\n"
        "input: {channels: 3, height: 16, width: 16}\nstages:\n"
        "  - {block: residual_basic, name: a, out_channels: 8, repeat: 2}\n"
        "  - {block: residual_basic, name: b, out_channels: 16, repeat: 3}\n"
    )


def _run(command, **environment):
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_terminal_of_plain_ascii_gets_plain_ascii():
    done = _run(RUN, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "##" in done.stdout


def test_a_title_that_the_terminal_cannot_show_is_no_error(folder):
    text = (folder / "tiny.yaml").read_text()
    (folder / "tiny.yaml").write_text(text.replace("A network", "Ein Netz für Größeres,"), encoding="utf-8")
    done = _run([*COMMAND, "show", "tiny.yaml"], PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Ein Netz f?r Gr??eres" in done.stdout


def test_json_is_ascii_whatever_the_terminal():
    done = _run([*RUN, "--format", "json"], LC_ALL="C", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["network"] == "tiny"


def test_a_reader_that_leaves_early_is_no_error():
    command = " ".join(COMMAND)
    done = _run(["bash", "-o", "pipefail", "-c", f"{command} show sqnxt23v5 --format json | head -c 10"])
    assert (done.returncode, done.stdout, done.stderr) == (0, '{\n  "name"', "")


WRITING = (
    ("--help",),
    ("--version",),
    ("run", "--help"),
    ("search", "depth", "--help"),
    ("check", "tiny.yaml"),
    ("list", "hardware"),
    ("show", "tiny.yaml"),
    ("run", "--net", "tiny.yaml", "--hw", "8x8_32k"),
    ("run", "--net", "tiny.yaml", "--hw", "8x8_32k", "--format", "json"),
)
"""Commands that write to standard output, each in its own way."""


def _redirected(arguments, redirection):
    done = _run(["sh", "-c", f'"$@" {redirection}', "sh", *COMMAND, *arguments])
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
def test_a_full_disk_is_one_line(arguments):
    done = _redirected(arguments, ">/dev/full")
    assert done.returncode == 2
    assert done.stderr == "standard output: cannot be written: No space left on device\n"


@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
def test_a_closed_standard_output_is_one_line(arguments):
    done = _redirected(arguments, ">&-")
    assert (done.returncode, done.stderr) == (2, "standard output: cannot be written: Bad file descriptor\n")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&-", "<&- >/dev/null 2>&-"])
def test_other_streams_that_are_closed_or_full_change_nothing(redirection):
    assert _redirected(RUN[len(COMMAND) :], redirection).returncode == 0
    wrong = _redirected(("run", "--net", "absent", "--hw", "8x8_32k"), redirection)
    assert wrong.returncode == 2


def test_a_file_is_written_whatever_standard_output_is(folder):
    done = _redirected((*RUN[len(COMMAND) :], "--output", "result.json"), ">&-")
    assert (done.returncode, done.stderr) == (0, "wrote result.json\n")
    assert json.loads((folder / "result.json").read_text())["network"] == "tiny"


def test_a_file_of_mappings_is_all_that_a_process_leaves(folder):
    for _ in range(2):
        assert _run([*RUN, "--cache", "kept.sqlite"]).returncode == 0
        assert sorted(path.name for path in folder.iterdir()) == [
            "kept.sqlite",
            "repeating.yaml",
            "tiny.yaml",
        ]


def test_a_file_that_cannot_be_used_is_one_line_and_changes_no_result(folder):
    for name, options in (("kept.sqlite", RUN), ("found.sqlite", SEARCH)):
        option = "--cache" if options is RUN else "--store"
        fresh = _run(options)
        assert _run([*options, option, name]).stdout == fresh.stdout
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 4096 // 2 * 4096])
        again = _run([*options, option, name])
        assert (again.returncode, again.stdout) == (0, fresh.stdout)
        assert again.stderr.splitlines()[0] == (
            f"{name}: cannot be used (it is damaged): it goes on without; delete it to begin another"
        )


def test_a_file_of_something_else_is_one_line_and_stays_as_it_is(folder):
    (folder / "notes.txt").write_text("on SqueezeNext\n" * 100)
    before = (folder / "notes.txt").read_bytes()
    for options, noun in (
        ([*RUN, "--cache", "notes.txt"], "file of mappings"),
        ([*SEARCH, "--store", "notes.txt"], "store"),
    ):
        done = _run(options)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"notes.txt: cannot be used as a {noun}: it is a file of something else\n"
        assert (folder / "notes.txt").read_bytes() == before


def test_one_file_cannot_hold_both_mappings_and_results(folder):
    assert _run([*RUN, "--cache", "one.sqlite"]).returncode == 0
    before = (folder / "one.sqlite").read_bytes()
    done = _run([*SEARCH, "--store", "one.sqlite"])
    assert done.returncode == 2
    assert done.stderr == "one.sqlite: cannot be used as a store: it is a file of something else\n"
    assert (folder / "one.sqlite").read_bytes() == before


def test_an_interrupt_is_one_line_and_leaves_no_file(folder):
    command = [*COMMAND, "compare", "--hw", "8x8_32k", "--output", "rows.csv"]
    for resolution in range(200, 800):
        command += ["--net", f"sqnxt23@resolution={resolution}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "interrupted\n")
    assert {path.name for path in folder.iterdir()} == {"repeating.yaml", "tiny.yaml"}


INTERRUPTED_AT = """\
import os, signal, sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
sys.argv = ["accelsim", "check", "tiny.yaml"]
from accelsim.cli import main
main()
"""


@pytest.mark.parametrize(
    "module", ["atexit", "accelsim.cli.streams", "typer", "accelsim.cli.look", "pydantic", "accelsim.network"]
)
def test_an_interrupt_while_modules_are_imported_is_one_line(module):
    done = _run([sys.executable, "-c", INTERRUPTED_AT.format(name=module)])
    if module == "atexit" and done.returncode == 0:
        pytest.skip("Python has imported it by itself")
    assert done.returncode in (130, -signal.SIGINT)
    assert (done.stdout, done.stderr) == ("", "interrupted\n")


INTERRUPTED_AS_IT_ENDS = """\
import os, signal, sys, threading
threading._register_atexit(os.kill, os.getpid(), signal.SIGINT)  # Python winds up threads before all else
sys.argv = ["accelsim", "check", {argument!r}]
from accelsim.cli import script
script()
"""


@pytest.mark.parametrize(("argument", "code"), [("tiny.yaml", 0), ("missing.yaml", 2)])
def test_an_interrupt_while_python_winds_up_changes_nothing(argument, code):
    plain = _run([*COMMAND, "check", argument])
    assert plain.returncode == code
    done = _run([sys.executable, "-c", INTERRUPTED_AS_IT_ENDS.format(argument=argument)])
    assert (done.returncode, done.stdout, done.stderr) == (code, plain.stdout, plain.stderr)


def _interrupts_itself(*_, **__):
    signal.raise_signal(signal.SIGINT)


def test_whoever_calls_a_command_from_python_hears_of_interrupts_afterwards(accelsim, monkeypatch):
    heard = signal.getsignal(signal.SIGINT)
    assert accelsim("check", "tiny.yaml").code == 0
    assert signal.getsignal(signal.SIGINT) is heard
    monkeypatch.setattr("accelsim.cli.look.kind_of", _interrupts_itself)
    outcome = accelsim("check", "tiny.yaml")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "interrupted\n")
    assert signal.getsignal(signal.SIGINT) is heard


BEFORE_THE_HOOK = """\
import sys
before = set()
class Notes:
    def find_spec(self, name, path=None, target=None):
        if sys.excepthook is sys.__excepthook__:
            before.add(name)
sys.meta_path.insert(0, Notes())
from accelsim.cli import main
print(*sorted(before))
"""


def test_python_shows_an_interrupt_in_its_own_way_only_until_four_short_files_are_read():
    """What it does before them, it does before the first line of any program."""
    done = _run([sys.executable, "-c", BEFORE_THE_HOOK])
    assert (done.stdout, done.stderr) == (
        "accelsim accelsim.cli accelsim.cli.interrupts accelsim.version\n",
        "",
    )


@pytest.mark.parametrize("times", [2, 3])
def test_interrupts_that_follow_each_other_are_one_line(times):
    command = [*COMMAND, "compare", "--hw", "8x8_32k"]
    for resolution in range(200, 500):
        command += ["--net", f"sqnxt23@resolution={resolution}"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    time.sleep(1)
    for _ in range(times):
        with suppress(ProcessLookupError):  # it has ended already
            os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.01)
    out, err = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)
    assert (out, err) == ("", "interrupted\n")


def _in_a_terminal(command, **environment):
    """What a command shows on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm"} | environment
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return shown.decode()


def test_a_terminal_gets_bold_stages_unless_it_does_not_want_them():
    bold = "\x1b[1mbody"
    assert bold in _in_a_terminal(RUN)
    assert "\x1b" not in _in_a_terminal(RUN, NO_COLOR="1")
    assert "\x1b" not in _in_a_terminal(RUN, TERM="dumb")


def test_a_terminal_sees_what_compare_is_doing():
    command = [*COMMAND, "compare", "--net", "tiny.yaml", "--hw", "8x8_32k", "--hw", "16x16_128k"]
    assert re.search(r"1/2 tiny on (8x8_32k|16x16_128k)", _in_a_terminal(command))
    assert "1/2" not in _in_a_terminal([*command, "--quiet"])


def test_python_does_not_look_for_garbage_in_a_process_that_ends():
    code = (
        "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 0));"
        "from accelsim.cli import settle; settle()"
    )
    assert _run([sys.executable, "-c", code]).stdout == "True\n"


UNUSED_BY_RUNS = (
    *("matplotlib", "plotly", "pandas", "rich", "scipy", "networkx", "simpy", "sqlite3"),
    *("optuna", "dask", "distributed", "onnx", "torch"),
)
UNUSED_ROOMS = (
    *("accelsim.importers", "accelsim.network.overlay", "accelsim.search", "accelsim.validation"),
    *("accelsim.cli.cases", "accelsim.report.files.formats"),
)
HEAVY = (*UNUSED_BY_RUNS, "numpy", "ruamel")


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], HEAVY),
        (["--version"], HEAVY),
        (["run", "--help"], HEAVY),
        (["list", "hardware"], UNUSED_BY_RUNS),
        (["run", "--net", "tiny.yaml", "--hw", "8x8_32k"], (*UNUSED_BY_RUNS, *UNUSED_ROOMS)),
    ],
)
def test_a_command_imports_only_what_it_needs(arguments, absent):
    done = _run([sys.executable, "-X", "importtime", "-m", "accelsim", *arguments])
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "accelsim.cli.app" in imported
    assert not imported & set(absent)


WITHIN_A_LIBRARY = """\
import os, signal, sys
from pydantic import BaseModel, field_serializer
class Described(BaseModel):
    value: int
    @field_serializer("value")
    def written(self, value):
        os.kill(os.getpid(), signal.SIGINT)
        return value
import accelsim.network.load
accelsim.network.load.load_network = lambda *_, **__: Described(value=1).model_dump()
sys.argv = ["accelsim", "show", "sqnxt23"]
from accelsim.cli import main
main()
"""


def test_an_interrupt_that_a_library_turns_into_an_error_of_its_own_is_an_interrupt():
    done = _run([sys.executable, "-c", WITHIN_A_LIBRARY])
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")
