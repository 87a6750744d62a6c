"""Where a name leads: a file, the folder of the current directory, the package."""

import pytest

from accelsim.descriptions import shipped
from accelsim.errors import DescriptionError


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_shipped_networks_and_machines_are_there():
    assert {"alexnet", "mobilenet_v1", "sqnxt23v5", "sqnxt23v5_2x"} <= set(shipped.names("networks"))
    assert shipped.names("networks") == tuple(sorted(shipped.names("networks")))
    assert shipped.find("networks", "alexnet").is_file()


def test_the_folder_of_the_current_directory_comes_before_the_package(tmp_path):
    (tmp_path / "networks").mkdir()
    mine = tmp_path / "networks" / "alexnet.yaml"
    mine.write_text("name: mine\n")
    (tmp_path / "networks" / "new.yaml").write_text("name: new\n")
    assert shipped.find("networks", "alexnet").resolve() == mine
    assert "new" in shipped.names("networks")
    assert list(shipped.names("networks")).count("alexnet") == 1


def test_a_path_comes_before_both(tmp_path):
    (tmp_path / "alexnet").write_text("name: mine\n")
    assert shipped.find("networks", "alexnet").resolve() == tmp_path / "alexnet"
    assert str(shipped.find("hardware", "some/where")) == "some/where"
    assert str(shipped.find("hardware", "absent.yaml")) == "absent.yaml"


def test_a_name_may_have_folders(tmp_path):
    assert shipped.find("networks", "guidelines/channel_width").is_file()
    assert "guidelines/channel_width" not in shipped.names("networks")
    (tmp_path / "networks" / "mine").mkdir(parents=True)
    mine = tmp_path / "networks" / "mine" / "net.yaml"
    mine.write_text("name: net\n")
    assert shipped.find("networks", "mine/net").resolve() == mine


def test_a_folder_that_is_called_like_a_network_does_not_hide_it(tmp_path):
    (tmp_path / "alexnet").mkdir()
    assert shipped.find("networks", "alexnet").is_file()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("sqnxt23v6", "sqnxt23v6: no such network, did you mean sqnxt23v"),
        ("alexnte", "alexnte: no such network, did you mean alexnet?"),
        ("qqqqqq", "qqqqqq: no such network: `accelsim list networks` shows all"),
        ("", "'': no such network"),
    ],
)
def test_a_misspelt_name_gets_the_nearest_ones(name, sentence):
    with pytest.raises(DescriptionError) as error:
        shipped.find("networks", name)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        ("networks", "8x8_32k", "8x8_32k: is a machine, not a network: --hw takes it"),
        ("hardware", "sqnxt23", "sqnxt23: is a network, not a machine: --net takes it"),
        (
            "hardware",
            "mobilenet_v1@width=0.5",
            "mobilenet_v1@width=0.5: is a network, not a machine: --net takes",
        ),
        ("hardware", "guidelines/channel_width", "guidelines/channel_width: is a network, not a machine: "),
    ],
)
def test_a_name_of_the_other_kind_is_told_where_it_belongs(kind, name, sentence):
    with pytest.raises(DescriptionError) as error:
        shipped.find(kind, name)
    assert str(error.value).startswith(sentence)


def test_a_name_that_both_kinds_have_is_of_the_kind_that_is_asked_for(tmp_path):
    for kind in ("networks", "hardware"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "same.yaml").write_text("name: same\n")
    for kind in ("networks", "hardware"):
        assert shipped.find(kind, "same").parent.name == kind


def test_a_directory_is_no_description(tmp_path):
    (tmp_path / "here").mkdir()
    with pytest.raises(DescriptionError, match="here: is a directory: must be a YAML file or the name of a"):
        shipped.find("networks", "here")
