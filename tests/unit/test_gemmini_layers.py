"""Files of measured layers: what they say, and what is wrong with one in a line."""

import csv

import pytest

from accelsim.descriptions import vary
from accelsim.errors import AccelsimError
from accelsim.mapping.loop_order import letters_of
from accelsim.validation.evaluate import shipped_hardware
from accelsim.validation.gemmini import (
    FITTED,
    GemminiReproduction,
    GemminiRow,
    padded_array_cycles,
    reproduce_gemmini,
)
from accelsim.validation.gemmini_layers import SHIPPED, load_layers


def written(folder, *, number=0, without=(), **changes):
    """A file of one of the lines that ship, with other values."""
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        row = list(csv.DictReader(file))[number] | changes
    path = folder / "layers.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        columns = [column for column in row if column not in without]
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerow(row)
    return path


def refusal(folder, **changes):
    path = written(folder, **changes)
    with pytest.raises(AccelsimError) as error:
        load_layers(path)
    sentence = str(error.value)
    assert "\n" not in sentence
    return sentence.removeprefix(f"{path}: ")


def test_loops_of_a_file_are_from_the_innermost_and_of_a_mapping_from_the_outermost(tmp_path):
    (layer,) = load_layers(written(tmp_path, order_inner_to_outer="N>C>FX>FY>K>OX>OY"))
    assert letters_of(layer.order) == ("G", "OY", "OX", "K", "FY", "FX", "C", "N")


def test_a_matrix_product_is_a_row_of_pixels(tmp_path):
    (layer,) = [one for one in load_layers(SHIPPED) if one.id == 2]
    assert (layer.layer.IY, layer.layer.OX, layer.layer.IX) == (1, 128, 128)


def test_other_columns_may_be_there_and_none_may_be_missing(tmp_path):
    assert len(load_layers(written(tmp_path, comment="anything"))) == 1
    assert refusal(tmp_path, without=("tile_K", "kind")) == "line 1: the columns tile_K, kind are missing"
    assert refusal(tmp_path, without=("tile_K",)) == "line 1: the column tile_K is missing"


def text_file(folder, change, lines=1, encoding="utf-8"):
    """The first lines that ship, as text that is changed."""
    path = folder / "layers.csv"
    text = "\n".join(SHIPPED.read_text(encoding="utf-8").splitlines()[: 1 + lines]) + "\n"
    path.write_text(change(text), encoding=encoding)
    return path


def test_a_mark_of_the_byte_order_and_empty_lines_are_nothing(tmp_path):
    path = text_file(tmp_path, lambda text: text.replace("\n", "\n\n"), encoding="utf-8-sig")
    assert load_layers(path) == load_layers(SHIPPED)[:1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda text: text.replace("tile_K", "K"),
            "line 1: the column tile_K is missing",
        ),
        (
            lambda text: text.replace("source", "K"),
            "line 1: the column K is there more than once",
        ),
        (
            lambda text: text[:-1] + ",5\n",
            "line 2: has 27 values: must have 26, as many as the header has columns",
        ),
        (
            lambda text: text.rpartition(",")[0] + "\n",
            "line 2: has 25 values: must have 26, as many as the header has columns",
        ),
    ],
)
def test_columns_are_there_once_and_each_line_has_as_many_values(tmp_path, change, sentence):
    path = text_file(tmp_path, change)
    with pytest.raises(AccelsimError) as error:
        load_layers(path)
    assert str(error.value) == f"{path}: {sentence}"


def in_groups(folder, groups):
    """The first lines that ship, of which three are of one layer and mapping, in these groups."""

    def change(text):
        head, *lines = text.splitlines()
        lines = [f"{line.rpartition(',')[0]},{group}" for line, group in zip(lines, groups, strict=True)]
        return "\n".join([head, *lines])

    return text_file(folder, change, len(groups))


def test_a_measurement_without_a_group_stands_for_itself(tmp_path):
    layers = load_layers(in_groups(tmp_path, ["", " ", "7"]))
    assert [layer.repeats for layer in layers] == [None, None, "7"]
    rows = tuple(GemminiRow(layer, 2 * layer.rtl_cycles, 1) for layer in layers[:1])
    rows += tuple(GemminiRow(layer, layer.rtl_cycles, 1) for layer in layers[1:])
    assert GemminiReproduction(rows, pes=256).time.within_10_percent == pytest.approx(2 / 3)


def test_a_group_of_two_layers_or_mappings_is_refused(tmp_path):
    path = in_groups(tmp_path, ["3", "3", "", "3"])
    with pytest.raises(AccelsimError) as error:
        load_layers(path)
    assert str(error.value) == (
        f"{path}: line 5: same_layer_and_mapping_group = '3': "
        "must be of one layer and mapping; that of line 2 is another"
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"K": "many"}, "line 2: K = 'many': must be a whole number from 1 to 1,000,000,000,000"),
        ({"stride": "0"}, "line 2: stride = '0': must be a whole number from 1 to 1,000,000,000,000"),
        ({"kind": "pool"}, "line 2: kind = 'pool': must be conv or matmul"),
        ({"N": "2"}, "line 2: N = '2': must be 1: what was measured are single images"),
        ({"tile_K": "512"}, "line 2: tile_K = '512': must be 256 at most, as large as the layer is there"),
        (
            {"order_inner_to_outer": "K>C"},
            "line 2: order_inner_to_outer = 'K>C': "
            "must name each of N, K, C, OY, OX, FY, FX once, with > between",
        ),
        (
            {"run_OX": "9", "tile_OX": "9"},
            "line 2: run_OX = '9': "
            "must be fewer: the last windows lie beside the 2 inputs of run_IYX and run_pad",
        ),
    ],
)
def test_a_wrong_value_is_a_line_with_the_file_the_line_the_column_and_what_is_allowed(
    tmp_path, changes, sentence
):
    assert refusal(tmp_path, **changes) == sentence


def test_a_file_of_nothing_and_none_at_all_are_lines_too(tmp_path):
    (tmp_path / "empty.csv").write_text(SHIPPED.read_text(encoding="utf-8").splitlines()[0], encoding="utf-8")
    with pytest.raises(AccelsimError, match="has no layers below its header"):
        load_layers(tmp_path / "empty.csv")
    with pytest.raises(AccelsimError, match="cannot be read"):
        load_layers(tmp_path / "none.csv")


def test_a_tile_that_has_no_room_in_the_scratchpad_is_named_with_both_sizes(tmp_path):
    big = {"K": "4096", "C": "4096", "tile_K": "4096", "tile_C": "4096"}
    with pytest.raises(
        AccelsimError, match=r"47: 4096x4096x1x1@2x2: .* take \d+ bytes .* scratchpad has 4194304"
    ):
        reproduce_gemmini(load_layers(written(tmp_path, **big)))


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"K": "16", "C": "256"}, "take 4096004096 bytes at a time, scratchpad has 4194304"),
        (
            {"K": "16", "C": "1", "tile_C": "1", "tile_OY": "500"},
            "sums of a tile take .* accumulators has 4194304",
        ),
    ],
)
def test_a_tile_that_is_far_too_large_is_refused_before_any_address_is_looked_up(tmp_path, sizes, sentence):
    columns = ("run_OY", "run_OX", "run_IYX", "tile_OY", "tile_OX")
    big = dict.fromkeys(columns, "4000") | {"tile_K": "16"} | sizes
    with pytest.raises(AccelsimError, match=rf"47: \d+x\d+x1x1@4000x4000: .*{sentence}"):
        reproduce_gemmini(load_layers(written(tmp_path, **big)))


def test_what_is_said_to_be_found_by_trials_and_fitted_is_in_the_machine_and_said_there():
    machine = shipped_hardware("gemmini_16x16")
    chosen = FITTED["by_trials_on_all"] | {
        f"memories.dram.{key}": value for key, value in FITTED["parameters"].items()
    }
    for key, value in chosen.items():
        assert vary(machine, **{key: value}).digest == machine.digest
        assert vary(machine, **{key: value + 1}).digest != machine.digest
    said = {key for key, why in machine.assumed.items() if "on the figures" in why or "of the figures" in why}
    assert said == chosen.keys()


def test_the_padded_array_takes_its_passes_times_their_blocks(tmp_path):
    (layer,) = load_layers(written(tmp_path))  # 256 x 256 channels, 2 x 2 pixels: 16 x 16 passes ...
    # ... each of two blocks of two pixels, which take four cycles, the last one sixteen.
    assert padded_array_cycles(layer, shipped_hardware("gemmini_16x16")) == 256 * (4 + 16)
