"""Energy tables of other tools: what is read, which price it is, what the new machine's file says."""

import math
from pathlib import Path

import pytest

from accelsim import load_hardware
from accelsim.descriptions import parse_text
from accelsim.errors import AccelsimError
from accelsim.hardware.energy_tables import Choices, TableFiles, import_energy
from accelsim.hardware.energy_tables.accelergy import read_areas, read_components, read_widths
from accelsim.hardware.energy_tables.cacti import fitted, read_rows

TABLE = """\
ERT:
  version: 0.4
  tables:
  - name: chip.dram
    actions:
    - {name: read, arguments: {}, energy: 512}
    - {name: write, arguments: {}, energy: 480}
    - {name: leak, arguments: {}, energy: 0}
  - name: chip.glb
    actions:
    - {name: read, arguments: {data_delta: 0}, energy: 1.2}
    - {name: read, arguments: {data_delta: 1}, energy: 18.4}
    - {name: write, arguments: {data_delta: 1}, energy: 20.8}
  - name: chip.PE[0..255].psum_spad
    actions:
    - {name: read, arguments: {}, energy: 0.24}
    - {name: update, arguments: {}, energy: 0.36}
  - name: chip.PE[0..255].mac
    actions:
    - {name: mac_gated, arguments: {}, energy: 0.05}
    - {name: mac_random, arguments: {}, energy: 0.56}
  - name: chip.noc
    actions:
    - {name: transfer, arguments: {}, energy: 0.8}
"""
AREAS = """\
ART:
  version: 0.4
  tables:
  - {name: chip.dram, area: 0}
  - {name: chip.glb, area: 2097152}
  - {name: "chip.PE[0..255].psum_spad", area: 400}
  - {name: "chip.PE[0..255].mac", area: 1200}
  - {name: "chip.noc[0..9]", area: 150}
"""
ARCHITECTURE = """\
architecture:
  version: 0.4
  local:
  - {name: chip.dram, attributes: {width: 64, datawidth: 8}}
  - {name: chip.glb, attributes: {memory_width: 64, width: 32}}
  - {name: "chip.PE[0..255].psum_spad", attributes: {depth: 24}}
  - {name: chip.other, attributes: {width: 5ns}}
"""
HEADER = (
    "Tech node (nm), Capacity (bytes), Number of banks, Associativity, Output width (bits), "
    "Access time (ns), Dynamic search energy (nJ), Dynamic read energy (nJ), Dynamic write energy (nJ), "
    "Standby leakage per bank(mW), Area (mm2), \n"
)
ROWS = (
    "45, 524288, 2, 1, 64, 0.9, N/A, 0.0128, 0.0144, 11.5, 0.5, \n"
    "45, 2097152, 4, 1, 64, 2.2, N/A, 0.064, 0.072, 92.4, 6.4, \n"
)
MACHINE = "npu_int8_2m"
"""Counts in pJ, for words of 8 bits; its memories are flash and sram, of 2 MB."""


def components(text):
    return {component.name: component for component in read_components(parse_text(text, "ERT.yaml"))}


@pytest.fixture
def imported(tmp_path):
    """What comes of files that are called and hold so."""

    def call(name, text, machine=MACHINE, choices=None, **others):
        for file, content in ((name, text), *others.values()):
            (tmp_path / file).write_text(content)
        paths = {key: tmp_path / file for key, (file, _) in others.items()}
        process = "45 nm" if "areas" in paths else ""
        return import_energy(TableFiles(tmp_path / name, **paths, process=process), machine, "new", choices)

    return call


def values(outcome):
    return {figure.key: figure.value for figure in outcome.figures}


# --- Accelergy's files


def test_an_action_costs_what_it_costs_with_the_most_costly_arguments():
    glb = components(TABLE)["chip.glb"]
    assert {name: action.energy_pj for name, action in glb.actions.items()} == {"read": 18.4, "write": 20.8}


def test_files_of_version_2_name_what_later_ones_list():
    listed = "ERT: {version: 0.3, tables: [{name: a.b, actions: [{name: read, arguments: null, energy: 3}, \
        {name: idle, energy: 0}]}]}"
    named = "ERT: {version: 0.2, tables: {a.b: {read: [{arguments: {x: 0}, energy: 1}, \
        {arguments: {x: 1}, energy: 3}], idle: {arguments: null, energy: 0}}}}"
    assert components(listed)["a.b"].actions == components(named)["a.b"].actions


@pytest.mark.parametrize(
    "text",
    [
        "ERT_summary: {version: 0.4, table_summary: [{name: a.b, actions: \
            [{name: read, average_energy: 2, max_energy: 3, min_energy: 1}], primitive_estimation(s): []}]}",
        "ERT_summary: {version: null, ERT summaries: {a.b: {read: {average energy: 2, max energy: 3}}}}",
    ],
)
def test_of_a_summary_the_largest_energy_counts(text):
    assert components(text)["a.b"].actions["read"].energy_pj == 3


@pytest.mark.parametrize(
    "entry",
    [
        "{name: a, attributes: {width: 64}, actions: [{name: read, energy: 1}]}",
        "{name: a, actions: [{name: read, arguments: {width: 64}, energy: 1}]}",
    ],
)
def test_a_width_may_be_an_attribute_or_an_argument(entry):
    (component,) = components(f"ERT: {{version: 0.4, tables: [{entry}]}}").values()
    assert component.actions["read"].bits == 64


def test_widths_are_those_of_accesses_and_not_of_words():
    document = parse_text(ARCHITECTURE, "arch.yaml")
    assert read_widths(document, ["chip.dram", "chip.glb[0..3]", "chip.PE[0..255].psum_spad"]) == {
        "chip.dram": 64,
        "chip.glb": 64,
    }


def test_the_flattened_architecture_of_version_2_names_its_components():
    text = "flattened_architecture: {components: {'a.PE[0..3].mac': {attributes: {datawidth: 16}}}}"
    assert read_widths(parse_text(text, "arch.yaml"), ["a.PE.mac"]) == {"a.PE.mac": 16}


def test_areas_are_those_of_a_summary_too():
    summary = "ART_summary: {table_summary: [{name: a, area: 12.5, primitive_estimations: Cacti}]}"
    assert read_areas(parse_text(summary, "ART.yaml")) == {"a": 12.5}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "name: tiny",
            "ERT.yaml: must be an energy reference table of Accelergy: a mapping ERT with tables, "
            "ERT_summary with table_summary or ERT_summary with ERT summaries",
        ),
        ("ART:\n  tables: []", 'ERT.yaml:1: ART = {"tables": []}: is a table of areas: --area takes it'),
        ("ERT:\n  tables: 3", "ERT.yaml:2: ERT.tables = 3: must be a list of entries with names"),
        (
            "ERT:\n  tables:\n  - 3",
            "ERT.yaml:3: ERT.tables.0 = 3: must be a mapping with a name",
        ),
        (
            "ERT:\n  tables:\n  - name: a\n    actions:\n    - {name: read, energy: -1}",
            "ERT.yaml:5: ERT.tables.0.actions.0.energy = -1: must be a number from 0 on",
        ),
        (
            "ERT:\n  tables:\n  - name: a\n    actions:\n    - {name: read, energy: much}",
            "ERT.yaml:5: ERT.tables.0.actions.0.energy = 'much': must be a number from 0 on",
        ),
        (
            "ERT:\n  tables:\n  - name: a\n    actions:\n    - {name: read}",
            'ERT.yaml:5: ERT.tables.0.actions.0 = {"name": "read"}: must be a mapping with energy, '
            "max_energy or max energy",
        ),
        (
            "ERT:\n  tables:\n  - name: a\n    actions:\n    - {name: r, energy: 1, arguments: {width: 0}}",
            "ERT.yaml:5: ERT.tables.0.actions.0.arguments.width = 0: must be a whole number of bits from 1 "
            "to 4096",
        ),
        ("ERT: {}\nERT: {}", "ERT.yaml:2: ERT: repeated key, first on line 1"),
    ],
)
def test_what_is_wrong_with_a_table_is_a_line(text, sentence):
    with pytest.raises(AccelsimError) as error:
        components(text)
    assert str(error.value) == sentence


# --- CACTI's file


def test_a_row_is_a_memory_by_its_columns():
    small, large = read_rows(HEADER + ROWS, "sram.csv")
    assert (small.capacity_bytes, small.bits, small.values["Area (mm2)"]) == (524288, 64, 0.5)
    assert (large.location, large.design) == ("sram.csv:3", "CACTI, 45 nm")


def test_a_row_that_is_there_twice_is_one():
    assert read_rows(HEADER + ROWS + ROWS, "sram.csv") == read_rows(HEADER + ROWS, "sram.csv")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "t.csv:1: has no column 'Capacity (bytes)': must be the CSV that CACTI writes"),
        ("", "t.csv:1: has no column 'Capacity (bytes)': must be the CSV that CACTI writes"),
        (HEADER, "t.csv: has no row: must have one for each capacity"),
        (
            HEADER + ROWS.replace("0.0128", "N/A"),
            "t.csv:2: Dynamic read energy (nJ) = 'N/A': must be a number from 0 to 1000000000",
        ),
        (
            HEADER + ROWS.replace("524288", "0"),
            "t.csv:2: Capacity (bytes) = '0': must be a whole number from 1 to 1125899906842624",
        ),
        (
            HEADER + ROWS.replace(" 64,", " 64.5,"),
            "t.csv:2: Output width (bits) = '64.5': must be a whole number from 1 to 4096",
        ),
        (HEADER + "45, 524288, 2\n", "t.csv:2: Output width (bits): missing, must be a number"),
        (
            HEADER + ROWS.replace("45, 2097152", "32, 2097152"),
            "t.csv:3: Tech node (nm) = 32: must be 45 as in the first row: a file is of one memory",
        ),
        (
            HEADER + ROWS.replace("4, 1, 64", "4, 1, 128"),
            "t.csv:3: Output width (bits) = 128: must be 64 as in the first row: a file is of one memory",
        ),
        (
            HEADER + ROWS.replace("2097152", "524288"),
            "t.csv:3: Capacity (bytes) = 524288: is there with other figures on t.csv:2: must be once",
        ),
    ],
)
def test_what_is_wrong_with_a_csv_is_a_line(text, sentence):
    with pytest.raises(AccelsimError) as error:
        read_rows(text, "t.csv")
    assert str(error.value) == sentence


# --- prices of a machine


def test_names_tell_which_component_is_which_price(imported):
    outcome = imported(
        "ERT.yaml", TABLE, choices=Choices(bits={"sram": 64, "flash": 64, "register_file": 16})
    )
    assert values(outcome) == {
        "energy.mac": 0.56,
        "energy.register_file": 0.15,  # the mean of 0.24 and 0.36, of 8 in 16 bits
        "memories.flash.energy": {"read": 64.0, "write": 60.0},
        "memories.sram.energy": {"read": 2.3, "write": 2.6, "at_bytes": 2097152, "exponent": 0.4644},
    }
    assert (outcome.left, outcome.unused) == (("vector_op", "inter_pe"), ("chip.noc",))


def test_what_the_user_says_goes_before_names(imported):
    outcome = imported("ERT.yaml", TABLE, choices=Choices({"inter_pe": "noc", "register_file": "chip.glb"}))
    assert values(outcome)["energy.inter_pe"] == 0.8
    assert values(outcome)["energy.register_file"] == 19.6
    assert "sram" in outcome.left, "its component is another price's"


def test_components_that_are_called_alike_are_left_to_the_user(imported):
    outcome = imported("ERT.yaml", TABLE.replace("chip.noc", "chip.weights_glb"))
    assert outcome.ambiguous == {"sram": ["chip.glb", "chip.weights_glb"]}
    assert "sram" in outcome.left


def test_a_network_on_chip_is_not_the_memory_that_it_is_called_after(imported):
    outcome = imported("ERT.yaml", TABLE.replace("chip.noc", "chip.psum_NoC"))
    assert values(outcome)["energy.register_file"] == 0.3
    assert outcome.unused == ("chip.psum_NoC",)


def test_an_access_of_unknown_width_is_assumed_to_be_a_word_and_the_file_says_so(imported):
    outcome = imported("ERT.yaml", TABLE, architecture=("arch.yaml", ARCHITECTURE))
    assert values(outcome)["memories.sram.energy"]["read"] == 2.3
    assert values(outcome)["energy.register_file"] == 0.3
    assumed = parse_text(outcome.text, "new.yaml").data["assumed"]
    assert assumed["energy.register_file"] == (
        "an access of chip.PE.psum_spad is taken to be of 8 bits: ERT.yaml does not say"
    )
    assert assumed["memories.sram.energy"] == "how it grows with the size is as of npu_int8_2m"
    assert assumed["energy.mac"] == "the same for operands of any bits: the table has one"


def test_the_new_file_is_the_machine_with_prices_and_their_source(imported, tmp_path):
    outcome = imported("ERT.yaml", TABLE)
    (tmp_path / "new.yaml").write_text(outcome.text)
    new, old = load_hardware(tmp_path / "new.yaml"), load_hardware(MACHINE)
    assert (new.name, new.energy.mac, new.energy.inter_pe) == ("new", 0.56, old.energy.inter_pe)
    assert (new.memories[1].energy.read, new.energy.unit) == (18.4, "pJ")
    changed = {"name", "source", "assumed", "energy", "memories"}
    assert new.model_dump(exclude=changed) == old.model_dump(exclude=changed)
    assert new.source.startswith(old.source)
    assert "Imported from ERT.yaml (Accelergy 0.4): energy.mac is chip.PE.mac: mac_random; " in new.source


def test_areas_are_those_of_the_same_components(imported):
    outcome = imported("ERT.yaml", TABLE, areas=("ART.yaml", AREAS))
    areas = {key: value for key, value in values(outcome).items() if key.startswith("area.")}
    pes, sums_kib = 256, load_hardware(MACHINE).register_file_bytes / 1024
    assert areas == {
        "area.pe_mm2": 1200e-6,
        "area.register_file_mm2_per_kib": pytest.approx(400e-6 * pes / sums_kib, rel=1e-5),
        "area.global_buffer_mm2_per_kib": pytest.approx(2.097152 / 2048),
        "area.rest_mm2": 1500e-6,
    }
    area = parse_text(outcome.text, "new.yaml").data["area"]
    assert (area["process"], area["word_bits"]) == ("45 nm", 8)


def test_a_machine_of_no_known_joules_counts_in_picojoules_once_all_is_priced(imported, tmp_path):
    choices = Choices({"inter_pe": "noc", "vector_op": "chip.PE.mac", "mac": "chip.PE.mac"})
    outcome = imported("ERT.yaml", TABLE, "16x16_128k", choices)
    assert (outcome.unit, outcome.left) == ("pJ", ())
    (tmp_path / "new.yaml").write_text(outcome.text)
    assert load_hardware(tmp_path / "new.yaml").energy.picojoules == 1.0
    with pytest.raises(AccelsimError) as error:
        imported("ERT.yaml", TABLE, "16x16_128k")
    assert str(error.value).endswith(
        "16x16_128k.yaml: energy.unit = 'MAC': is worth no known joules, so ERT.yaml must have all prices, "
        "or energy.picojoules_per_unit be given; vector_op and inter_pe would be left"
    )


def test_prices_are_in_the_unit_of_the_machine(imported, tmp_path):
    text = (Path(__file__).parents[2] / "hardware" / f"{MACHINE}.yaml").read_text()
    (tmp_path / "nano.yaml").write_text(text.replace("unit: pJ", "unit: nJ"))
    outcome = imported("ERT.yaml", TABLE, tmp_path / "nano.yaml")
    assert (outcome.unit, values(outcome)["energy.mac"]) == ("nJ", 0.00056)


def test_the_row_of_a_memorys_capacity_is_its_price_and_says_what_leaks(imported):
    outcome = imported("sram.cfg.out", HEADER + ROWS.splitlines()[1])
    assert values(outcome) == {
        "memories.sram.energy": {"read": 8.0, "write": 9.0, "at_bytes": 2097152, "exponent": 0.4644},
        "memories.sram.leakage_mw_per_kib": pytest.approx(4 * 92.4 / 2048, rel=1e-5),  # of four banks
    }
    assert outcome.figures[0].assumed == "how it grows with the size is as of npu_int8_2m"
    assert outcome.figures[0].origin == "sram: 2,097,152 bytes, 64 bits an access"


def test_a_law_of_size_is_fitted_to_rows_of_several_capacities(imported, tmp_path):
    """Energies that grow with the square root of the capacity, each a bit beside it."""
    rows = [(65536, 0.0101, 0.0121), (262144, 0.0198, 0.0242), (4194304, 0.0804, 0.0962)]
    text = "".join(
        f"45, {size}, 1, 1, 64, 1.0, N/A, {read}, {write}, N/A, 1.0,\n" for size, read, write in rows
    )
    outcome = imported("sram.csv", HEADER + text)
    (figure,) = outcome.figures
    law = figure.value
    assert (law["at_bytes"], law["read"]) == (4194304, 10.05), "the nearest to 2 MB, as it is"
    assert law["exponent"] == pytest.approx(0.5, abs=0.005)
    assert figure.origin == "sram: 4,194,304 bytes, 64 bits an access; fits 3 rows within 1.8%"
    (tmp_path / "new.yaml").write_text(outcome.text)
    machine = load_hardware(tmp_path / "new.yaml")
    (price,) = [price for price in machine.prices.memories if price.memory == "sram"]
    assert price.read == pytest.approx(10.05 * 0.5 ** law["exponent"])


def test_rows_on_a_law_are_fitted_exactly():
    text = "".join(
        f"45, {size}, 1, 1, 64, 1.0, N/A, {0.01 * (size / 65536) ** 0.43}, "
        f"{0.02 * (size / 65536) ** 0.43}, N/A, 1.0,\n"
        for size in (65536, 131072, 1048576, 8388608)
    )
    rows = read_rows(HEADER + text, "sram.csv")
    law = fitted(rows, rows[1])
    assert (law.exponent, law.residual) == (0.43, pytest.approx(0, abs=1e-9))


def test_a_file_called_otherwise_is_the_only_memory_on_chip_or_the_one_that_is_said(imported):
    small, large = ROWS.splitlines()
    assert "memories.sram.energy" in values(imported("out.csv", HEADER + large))
    outcome = imported("out.csv", HEADER + small, "mcu_l3_l2_l1", Choices({"l2": "out"}))
    assert values(outcome)["memories.l2.energy"]["read"] == 1.6


def test_areas_of_the_machines_own_process_are_taken_as_a_law_of_size(imported, tmp_path):
    with_areas = imported("ERT.yaml", TABLE, areas=("ART.yaml", AREAS))
    (tmp_path / "new.yaml").write_text(with_areas.text)
    outcome = imported("sram.csv", HEADER + ROWS, tmp_path / "new.yaml")
    law = values(outcome)["area.global_buffer_mm2_per_kib"]
    assert law == {
        "at_bytes": 2097152,
        "mm2_per_kib": 6.4 / 2048,
        "exponent": pytest.approx(math.log(6.4 / 0.5, 4), abs=1e-4),  # of a memory four times as large
    }
    other = imported("sram.csv", HEADER + ROWS.replace("45, ", "32, "), tmp_path / "new.yaml")
    assert "area.global_buffer_mm2_per_kib" not in values(other)


@pytest.mark.parametrize(
    ("name", "text", "choices", "sentence"),
    [
        ("ERT.yaml", TABLE, Choices({"glb": "chip.glb"}), "glb: no such price: allowed are mac, vector_op, "),
        ("ERT.yaml", TABLE, Choices(bits={"srm": 8}), "srm: no such price, did you mean 'sram'? "),
        ("ERT.yaml", TABLE, Choices({"sram": "gbl"}), "sram=gbl: no such component"),
        (
            "ERT.yaml",
            TABLE.replace("chip.noc", "other.glb"),
            Choices({"sram": "glb"}),
            "sram=glb: is the end of several names: must be chip.glb or other.glb",
        ),
        ("ERT.yaml", TABLE, Choices({"mac": "chip.glb"}), "must have one of the actions compute, mac_random"),
        (
            "ERT.yaml",
            "ERT: {tables: []}",
            None,
            "no component is called as a price of npu_int8_2m: --map PRICE=COMPONENT says which is mac, ",
        ),
        (
            "sram.csv",
            HEADER + ROWS,
            Choices({"mac": "sram"}),
            "mac: is no memory, of which CACTI's files are",
        ),
        (
            "sram.csv",
            HEADER + ROWS.splitlines()[0],
            None,
            "Capacity (bytes) = 524288: sram is of 2097152 bytes: there must be a row of it, or several "
            "rows, from which a law of size is fitted",
        ),
        (
            "sram.csv",
            HEADER + ROWS.replace("2097152", "65536"),
            None,
            "sram.csv:3: 2 rows make an exponent of -0.774: must be from 0 to 2: larger memories cost more",
        ),
        (
            "sram.csv",
            HEADER + ROWS.replace("0.0128", "0"),
            None,
            "sram.csv:2: Dynamic read energy (nJ) = 0: must be above 0 for a law of size",
        ),
        (
            "sram.csv",
            HEADER + ROWS,
            Choices({"flash": "sram"}),
            "Capacity (bytes) = 524288, 2097152: flash has no size, so there must be one row",
        ),
        (
            "ERT.yaml",
            TABLE.replace("0.56", "1e12"),
            None,
            "energy.mac = 1000000000000.0: must be a number from 0 to 1000000000",
        ),
    ],
)
def test_what_cannot_be_imported_is_a_line(imported, name, text, choices, sentence):
    with pytest.raises(AccelsimError) as error:
        imported(name, text, choices=choices)
    assert sentence in str(error.value)
    assert len(error.value.lines) == 1


def test_a_table_of_areas_needs_all_parts_and_the_process(imported, tmp_path):
    with pytest.raises(AccelsimError) as error:
        imported("ERT.yaml", TABLE, areas=("ART.yaml", AREAS.replace("chip.glb", "chip.buf")))
    assert str(error.value).endswith(
        "ART.yaml: must have the areas of mac, register_file and sram; of sram it has none: "
        "--map PRICE=COMPONENT says where"
    )
    with pytest.raises(AccelsimError, match="does not say in which process its areas are: --process must"):
        import_energy(TableFiles(tmp_path / "ERT.yaml", areas=tmp_path / "ART.yaml"), MACHINE, "new")
    with pytest.raises(AccelsimError, match="--process '45 nm': is that of areas: --area must give them"):
        import_energy(TableFiles(tmp_path / "ERT.yaml", process="45 nm"), MACHINE, "new")


@pytest.mark.parametrize("kind", ["architecture", "areas"])
def test_other_files_of_accelergy_do_not_go_with_one_of_cacti(imported, kind):
    with pytest.raises(AccelsimError, match=r"goes with a table of Accelergy's, .*sram\.csv is CACTI's"):
        imported("sram.csv", HEADER + ROWS, **{kind: ("other.yaml", ARCHITECTURE)})


def test_prices_of_a_host_would_be_left_in_a_unit_of_no_known_joules(imported, tmp_path):
    text = (Path(__file__).parents[2] / "hardware" / "16x16_128k.yaml").read_text()
    (tmp_path / "hosted.yaml").write_text(text + "host: {takes: [softmax], energy: {element: 5}}\n")
    choices = Choices({"inter_pe": "noc", "vector_op": "chip.PE.mac", "mac": "chip.PE.mac"})
    with pytest.raises(AccelsimError, match=r"; host would be left$"):
        imported("ERT.yaml", TABLE, tmp_path / "hosted.yaml", choices)
