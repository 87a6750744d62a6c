"""What the guides for machines, plots and dataflows show works as it stands."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from types import ModuleType

import pytest
from matplotlib.figure import Figure
from pages import DOCS, blocks, page, printed, rows

import accelsim
from accelsim.cli.plot import PlotKind
from accelsim.descriptions import vary
from accelsim.execution.processes import Processes
from accelsim.hardware import dataflow_names, registry
from accelsim.hardware.host import Host
from accelsim.report.files import trace
from accelsim.search.metrics import METRICS
from accelsim.search.path import search_path
from accelsim.search.sampling import plan_for
from accelsim.search.spec import SweepDescription, read_sweep
from accelsim.search.sweep import run_sweep

DATAFLOW_PAGE = page("how-to/add-a-dataflow.md")
DATAFLOW_GUIDE = blocks(DATAFLOW_PAGE, "python")
PLOT_GUIDE = blocks(page("how-to/add-a-plot.md"), "python")


def added(code, monkeypatch):
    """The module that a block with a path on its first line is, as if it stood there."""
    name = code.splitlines()[0].removeprefix("# ").removesuffix(".py").replace("/", ".")
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    package, _, own = name.rpartition(".")
    monkeypatch.setattr(import_module(package), own, module, raising=False)
    exec(compile(code, name, "exec"), vars(module))
    return module


# --- the guide for dataflows, to the letter, in a copy


REPOSITORY = DOCS.parent
DATAFLOW_LAWS = ("dataflow", "mapping", "verification", "compression", "run")
"""The files of laws that every registered dataflow joins, whole: about a minute of processor time. Left out
are those of the simulation, which knows steps of so many cycles and not what makes them, and that more is
never worse, which is said of what machines offer."""
ENTRY, PASSES_ENTRY = (DATAFLOW_GUIDE[place] for place in (1, 4))


@pytest.fixture(scope="module")
def with_dataflow(tmp_path_factory):
    """A copy of the repository to which the guide's dataflow was added as the guide says."""
    copy = tmp_path_factory.mktemp("copy")
    for part in ("accelsim", "hardware", "networks", "tests"):
        shutil.copytree(REPOSITORY / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", copy)
    for code in (DATAFLOW_GUIDE[0], DATAFLOW_GUIDE[3]):
        (copy / code.splitlines()[0].removeprefix("# ")).write_text(code)
    inserted(copy / "accelsim/hardware/registry.py", "SHIPPED: Final = {\n", ENTRY)
    passes = copy / "accelsim/verification/passes/__init__.py"
    inserted(passes, "MappingProxyType(\n    {\n", PASSES_ENTRY)
    text = passes.read_text()
    imported, found = re.subn(r"(?<=passes import \()", "no_local_reuse, ", text, count=1)
    assert found
    passes.write_text(imported)
    return copy


def inserted(file, before, text):
    content = file.read_text()
    assert content.count(before) == 1
    file.write_text(content.replace(before, before + text))


def python(copy, *arguments):
    """What Python prints in the copy, which is the package that it imports."""
    of_copy = {"PYTHONPATH": f"{copy}:{copy / 'tests'}", "HYPOTHESIS_PROFILE": "few"}
    environment = {**os.environ, **of_copy}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_dataflow_of_the_guide_counts_what_the_guide_says(with_dataflow):
    python(with_dataflow, "-c", DATAFLOW_GUIDE[2])


def test_the_dataflow_of_the_guide_is_run_verified_and_shown(with_dataflow):
    machine = with_dataflow / "machine.yaml"
    text = (with_dataflow / "hardware" / "8x8_32k.yaml").read_text()
    machine.write_text(
        text.replace("    weight_stationary:\n", "    no_local_reuse: {}\n    weight_stationary:\n", 1)
    )
    run = (
        "-m",
        "accelsim",
        "run",
        "--net",
        "sqnxt23v5@resolution=64",
        "--hw",
        str(machine),
        "--verify",
        "--quiet",
    )
    assert "NLR" in python(with_dataflow, *run, "--dataflow", "no_local_reuse", "--layers", "all")
    python(with_dataflow, *run)


def test_the_entry_points_of_the_guide_are_those_that_are_looked_up():
    groups = [tomllib.loads(code)["project"]["entry-points"] for code in blocks(DATAFLOW_PAGE, "toml")]
    assert [list(group) for group in groups] == [[registry.GROUP], [registry.PASSES_GROUP]]


def test_the_laws_hold_for_the_dataflow_of_the_guide(with_dataflow):
    laws = [f"tests/laws/test_{name}_laws.py" for name in DATAFLOW_LAWS]
    explained = "tests/searches/test_explain_laws.py"
    assert f"tests/laws/test_{{{','.join(DATAFLOW_LAWS)}}}_laws.py {explained}\n" in DATAFLOW_PAGE
    of_the_guide = f"no_local_reuse or not ({' or '.join(dataflow_names())})"  # the others' laws hold here
    for tests in ([*laws, "-k", of_the_guide], [explained, "-k", "dataflow"]):  # a part in little time
        printed = python(with_dataflow, "-m", "pytest", *tests, "-q", "-x", "-p", "no:cacheprovider")
        assert printed.endswith("[100%]\n")


def test_the_python_of_the_guide_to_verifying_proves_what_it_says():
    (code,) = blocks(page("how-to/verify.md"), "python")
    names = {}
    exec(compile(code, "verify", "exec"), names)
    assert names["verified"].layers


def test_the_python_of_the_guide_for_machines_works():
    (code,) = blocks(page("how-to/add-a-machine.md"), "python")
    names = {}
    exec(compile(code, "add-a-machine", "exec"), names)
    assert 1 < names["gain"] < 2


def test_the_plot_of_the_guide_is_drawn(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    module = added(PLOT_GUIDE[0], monkeypatch)
    names = {}
    for code in PLOT_GUIDE[1:]:
        exec(compile(code, "add-a-plot", "exec"), names)
    assert (tmp_path / "energy_shares.png").stat().st_size > 5_000
    axes = Figure().subplots()
    module.plot_energy_shares([names["result"]], axes)
    assert sum(bar.get_width() for bar in axes.patches) == pytest.approx(1)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["sqnxt23v5 on 16x16_128k"]


def test_the_guide_to_timelines_reads_what_its_command_writes(tmp_path, monkeypatch, capsys):
    text = page("how-to/look-at-a-timeline.md")
    command = text.split("```\n")[1].strip()
    printed(command, tmp_path)
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(text, "python")
    names = {}
    exec(compile(code, "look-at-a-timeline", "exec"), names)
    network, hardware = accelsim.load_network("sqnxt23v5"), accelsim.load_hardware("16x16_128k")
    result = accelsim.run_network(network, hardware)
    assert names["busy_cycles"] == sum(layer.busy_cycles["array"] for layer in result.layers)
    assert names["macs"] == result.energy.by_component["mac"] / hardware.energy.mac
    assert capsys.readouterr().out.startswith("busy for ")


def test_the_guide_to_timelines_names_every_track():
    tracks = [cells[0] for cells in rows(page("how-to/look-at-a-timeline.md"))]
    threads = [trace.TIME_THREAD, trace.SPANS_THREAD, trace.DMA_THREAD, *trace.COMPONENT_THREADS.values()]
    assert {name for _, name in threads} <= set(tracks)


def test_the_guide_to_plots_names_every_kind_and_shows_what_its_commands_write():
    text = page("how-to/plot.md")
    assert [cells[0].strip("`") for cells in rows(text)] == [kind.value for kind in PlotKind]
    shown = re.findall(r"\]\(\.\./images/(\w+\.png)\)", text)
    assert re.findall(r"(?m)^accelsim plot .* -o (\w+\.png)$", text) == shown
    assert len(shown) == 8
    for name in shown:
        assert (DOCS / "images" / name).stat().st_size > 10_000


def test_the_python_of_the_guide_to_plots_draws(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(page("how-to/plot.md"), "python")
    names = {}
    exec(compile(code, "plot", "exec"), names)
    assert (tmp_path / "two_machines.png").stat().st_size > 10_000
    assert [axes.get_title() for axes in names["figure"].axes] == ["8x8_32k", "16x16_128k"]


def test_the_python_of_the_guide_to_reports_writes_a_page(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(page("how-to/make-a-report.md"), "python")
    exec(compile(code, "make-a-report", "exec"), {})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<title>2 networks on mine</title>" in text


def test_the_machine_of_the_guide_has_what_the_guide_says(tmp_path):
    code, *_ = blocks(page("how-to/add-a-machine.md"), "yaml")
    file = tmp_path / code.splitlines()[0].removeprefix("# ")
    file.write_text(code, encoding="utf-8")
    machine, reference = accelsim.load_hardware(str(file)), accelsim.load_hardware("16x16_128k")
    assert machine.pe_array.pes == 4 * reference.pe_array.pes
    assert machine.on_chip_bytes == 4 * reference.on_chip_bytes
    assert machine.off_chip == reference.off_chip


def test_the_second_memory_of_the_guide_for_machines_is_run(tmp_path):
    text = page("how-to/add-a-machine.md")
    whole, *others = blocks(text, "yaml")
    (part,) = [code for code in others if code.startswith("memories:")]
    head, _, tail = whole.partition("memories:")
    assert tail
    file = tmp_path / "machine.yaml"
    after = tail[tail.index("vector_unit:") :].split("assumed:")[0]
    file.write_text(head + part + after, encoding="utf-8")
    result = accelsim.run_network("sqnxt23v5", file)
    assert result.memories["accumulators"].written_bytes["outputs"] > 0
    assert result.energy.by_component["accumulators"] > 0


def test_the_chips_of_the_guide_for_machines_differ_in_what_stays_alone(tmp_path):
    chips = {}
    for code in blocks(page("how-to/add-a-machine.md"), "yaml"):
        if not code.startswith("# chip"):
            continue
        file = tmp_path / code.splitlines()[0].removeprefix("# ")
        file.write_text(code, encoding="utf-8")
        chips[file.stem] = accelsim.load_hardware(file)
    shares, pool, keeping = chips["chip_shares"], chips["chip_pool"], chips["chip"]
    assert (shares.pool, keeping.keeps("activations"), pool.keeps("activations")) == (None, True, False)
    assert vary(shares, **{"memories.sram.banks": "pool"}).banks == pool.banks == keeping.banks
    assert shares.off_chip == pool.off_chip == keeping.off_chip
    assert shares.mapper == pool.mapper == keeping.mapper


COMPRESSION_GUIDE = page("how-to/compress-a-network.md")


@pytest.fixture
def compressed(tmp_path, monkeypatch):
    """The folder with the files of the guide for compression."""
    monkeypatch.chdir(tmp_path)
    for code in blocks(COMPRESSION_GUIDE, "yaml"):
        (tmp_path / code.splitlines()[0].removeprefix("# ")).write_text(code, encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("compressed")
def test_the_python_of_the_guide_for_compression_works():
    (code,) = blocks(COMPRESSION_GUIDE, "python")
    names = {}
    exec(compile(code, "compress-a-network", "exec"), names)
    assert names["saved_bytes"] > 5_000_000


def test_the_preset_of_the_guide_for_compression_runs(compressed):
    machine = accelsim.load_hardware("8x8_32k")
    preset = accelsim.run_network(accelsim.load_network(compressed / "squeezenet_pruned.yaml"), machine)
    dense = accelsim.run_network(accelsim.load_network("squeezenet_v1_1"), machine)
    assert preset.energy.total < dense.energy.total


@pytest.mark.usefixtures("compressed")
def test_the_mistake_of_the_guide_for_compression_is_what_is_said():
    (shown,) = (line for line in COMPRESSION_GUIDE.splitlines() if line.endswith("allowed are ..."))
    with pytest.raises(accelsim.AccelsimError) as error:
        accelsim.overlaid(accelsim.load_network("mobilenet_v1"), "pruned.yaml")
    assert error.value.lines[0].startswith(shown.removesuffix("..."))


def test_fewer_bits_may_take_more_cycles_as_the_guide_for_compression_shows(tmp_path):
    overlay = tmp_path / "weights8.yaml"
    overlay.write_text("precision: {weights_bits: 8}\n", encoding="utf-8")
    network, machine = accelsim.load_network("squeezenet_v1_0"), accelsim.load_hardware("16x16_128k")
    small = accelsim.overlaid(network, overlay)
    chosen = [accelsim.run_network(one, machine) for one in (network, small)]
    by_time = [accelsim.run_network(one, machine, objective="time") for one in (network, small)]
    found = [
        [result.layers[0].cycles for result in chosen]
        + [_change(result.layers[0].energy for result in chosen)],
        [result.cycles for result in chosen] + [_change(result.energy.total for result in chosen)],
        [result.cycles for result in by_time] + [_change(result.energy.total for result in by_time)],
    ]
    shown = [cells[1:] for cells in rows(COMPRESSION_GUIDE)]
    assert shown == [[f"{before:,}", f"{after:,}", change] for before, after, change in found]


def _change(energies):
    before, after = energies
    return f"{after / before - 1:+.0%}"


def test_density_1_is_slower_than_silence_where_the_machine_takes_weights_as_zero(tmp_path):
    overlay = tmp_path / "dense.yaml"
    overlay.write_text('compression: [{layers: "*", weight_density: 1.0}]\n', encoding="utf-8")
    network, machine = accelsim.load_network("squeezenet_v1_1"), accelsim.load_hardware("16x16_128k")
    options = {"dataflow": "output_stationary"}
    silent = accelsim.run_network(network, machine, **options)
    said = accelsim.run_network(accelsim.overlaid(network, overlay), machine, **options)
    assert said.cycles > silent.cycles


def test_the_python_of_the_guide_for_depths_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(page("how-to/redistribute-depth.md"), "python")
    names = {}
    exec(compile(code, "redistribute-depth", "exec"), names)
    machine = accelsim.load_hardware("16x16_128k")
    result = accelsim.run_network(accelsim.load_network("best.yaml"), machine)
    assert result.cycles == names["found"].best.cycles


def test_the_python_of_the_guide_for_explanations_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(page("how-to/explain-a-network.md"), "python")
    names = {}
    exec(compile(code, "explain-a-network", "exec"), names)
    assert 0.2 < names["gain"] < 0.3
    assert names["moves"] == ["5x5 instead of 7x7 in conv1", "3x3 instead of 5x5 in conv1"]
    result = accelsim.run_network(accelsim.load_network("better.yaml"), names["hardware"])
    assert result.energy.total == names["walked"].end.energy


def test_the_guide_for_explanations_shows_the_error_that_is_said():
    text = page("how-to/explain-a-network.md")
    with pytest.raises(accelsim.AccelsimError) as error:
        search_path(
            accelsim.load_network("mobilenet_v1"), accelsim.load_hardware("16x16_128k"), max_params=4_000_000
        )
    assert f"\n{error.value}\n" in text


SWEEP_GUIDE = page("how-to/sweep.md")


@pytest.fixture
def swept(tmp_path, monkeypatch):
    """The folder with the files of the guide for sweeps."""
    monkeypatch.chdir(tmp_path)
    for code in blocks(SWEEP_GUIDE, "yaml"):
        (tmp_path / code.splitlines()[0].removeprefix("# ")).write_text(code, encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("swept")
def test_the_python_of_the_guide_for_sweeps_works(capsys):
    (code,) = blocks(SWEEP_GUIDE, "python")
    names = {}
    exec(compile(code, "sweep", "exec"), names)
    assert capsys.readouterr().out == "mobilenet_v1 name: 16x16_128k\n"
    run = accelsim.run_network(names["network"], names["hardware"])
    assert run.cycles == names["frame"]["cycles"][0]


def test_the_first_file_of_the_guide_for_sweeps_is_the_example(swept):
    example = DOCS / "examples" / "small_sweep.yaml"
    assert example.read_text(encoding="utf-8") == (swept / example.name).read_text(encoding="utf-8")


def test_the_file_of_the_guide_to_hosts_is_the_example():
    *_, shown = blocks(page("how-to/use-a-host.md"), "yaml")
    assert (DOCS / "examples" / "npu_with_host.yaml").read_text(encoding="utf-8") == shown


def test_the_guide_to_hosts_shows_every_key():
    shown, *_ = blocks(page("how-to/use-a-host.md"), "yaml")
    assert set(re.findall(r"(?m)^  (\w+):", shown)) == Host.model_fields.keys()


def test_the_guide_for_sweeps_names_every_key_and_metric(swept):
    listed = {name for cells in rows(SWEEP_GUIDE) for name in re.findall(r"`(\w+)`", cells[0])}
    assert listed == SweepDescription.model_fields.keys() - {"title"}
    metrics = SWEEP_GUIDE.partition("\nMetrics: ")[2].partition("What can be told")[0]
    assert METRICS.keys() <= set(re.findall(r"`(\w+)`", metrics))


def test_the_limit_of_the_guide_for_sweeps_excludes_what_it_says(swept):
    (shown,) = (line for line in SWEEP_GUIDE.splitlines() if line.startswith("area_mm2 <= 1: "))
    text = (swept / "small_sweep.yaml").read_text().replace("area_mm2 <= 6", "area_mm2 <= 1")
    (swept / "small_sweep.yaml").write_text(text)
    sweep = read_sweep("small_sweep.yaml")
    with pytest.raises(accelsim.AccelsimError) as error:
        run_sweep(sweep, plan_for(sweep), executor=Processes(1))
    assert str(error.value).startswith(shown.removesuffix("..."))
