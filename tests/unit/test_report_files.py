"""JSON, CSV, and files that are complete or not there."""

import os
import threading
from pathlib import Path

import pytest

from accelsim.report.files import writing
from accelsim.report.files.formats import to_csv, to_json
from accelsim.report.files.writing import OutputError, check_writable, write


def test_json_keeps_the_order_of_names():
    assert to_json({"b": 1, "a": [None]}) == '{\n  "b": 1,\n  "a": [\n    null\n  ]\n}\n'


def test_json_never_holds_what_is_no_number():
    with pytest.raises(ValueError, match="JSON"):
        to_json({"a": float("nan")})


def test_csv_has_a_column_for_each_name_that_any_row_has():
    assert to_csv([{"a": 1}, {"a": 2, "b": "x,y"}]) == 'a,b\n1,\n2,"x,y"\n'


def test_a_file_is_written_with_the_permissions_of_any_new_file(tmp_path):
    mask = os.umask(0o027)
    try:
        write(tmp_path / "a.txt", "Größe\r\n")
    finally:
        os.umask(mask)
    assert (tmp_path / "a.txt").read_bytes() == "Größe\r\n".encode()
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_what_goes_wrong_while_writing_leaves_the_earlier_file(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("earlier")

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match=r"a\.txt: cannot be written: No space left on device"):
        write(tmp_path / "a.txt", "later")
    assert (tmp_path / "a.txt").read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_an_interrupt_while_writing_leaves_no_draft(tmp_path, monkeypatch):
    def interrupt(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a.txt", "later")
    assert not list(tmp_path.iterdir())


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "a.txt")
    write(tmp_path / "link.txt", "text")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "a.txt").read_text() == "text"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()))
    reader.start()
    check_writable(pipe)
    write(pipe, "text")
    reader.join(timeout=10)
    assert received == ["text"]
    assert pipe.is_fifo()


def test_checking_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "a.txt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("function", [check_writable, lambda path: write(path, "text")])
def test_a_folder_that_is_not_there_is_named(tmp_path, function):
    with pytest.raises(OutputError, match=r"cannot be written: no such folder as .*absent"):
        function(tmp_path / "absent" / "a.txt")


@pytest.mark.parametrize("function", [check_writable, lambda path: write(path, "text")])
def test_a_link_into_a_folder_that_is_not_there_names_that_folder(tmp_path, function):
    (tmp_path / "link.txt").symlink_to(tmp_path / "absent" / "a.txt")
    with pytest.raises(OutputError, match=r"is a link into .*absent, and there is no such folder$"):
        function(tmp_path / "link.txt")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="has no folder that takes no files")
@pytest.mark.parametrize("function", [check_writable, lambda path: write(path, "text")])
def test_a_folder_that_takes_no_files_is_not_said_to_be_absent(function):
    with pytest.raises(OutputError, match=r"^/proc/x.json: cannot be written: no file can be made in /proc$"):
        function(Path("/proc/x.json"))


def test_a_name_that_cannot_be_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        check_writable(tmp_path / "a\0b")


def test_a_name_of_the_greatest_length_can_be_written(tmp_path):
    name = "a" * 255
    writing.write(tmp_path / name, "text")
    assert (tmp_path / name).read_text() == "text"
