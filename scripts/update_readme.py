"""Bring README.md, the tutorial and the guide to plots up to date with the model: outputs and pictures.

    python scripts/update_readme.py

A block of README.md or the tutorial that starts with `$ accelsim` holds what that command prints at 80
columns.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import accelsim
from accelsim.report.files import write
from accelsim.report.plot_layers import layers_figure
from accelsim.report.plot_looks import save
from accelsim.validation.pinned import load_pinned
from accelsim.validation.published import load_published
from accelsim.validation.reproduction import compare_with

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
GUIDE = ROOT / "docs" / "how-to" / "plot.md"
TUTORIAL = ROOT / "docs" / "tutorial.md"
LAYERS_PICTURE = ROOT / "docs" / "images" / "layers.png"
TUTORIAL_PICTURE = ROOT / "docs" / "images" / "tutorial.png"


def up_to_date(text: str, folder: Path | None = None) -> str:
    """A page with the present output below each of its commands, which run in that folder."""
    return re.sub(
        r"(?<=^```console\n)\$ (accelsim .*)\n(?s:.*?)(?=^```$)",
        lambda block: f"$ {block[1]}\n{_output(block[1], folder)}",
        text,
        flags=re.MULTILINE,
    )


def _output(command: str, folder: Path | None) -> str:
    environment = os.environ | {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    arguments = [sys.executable, "-m", *shlex.split(command)]
    done = subprocess.run(
        arguments, capture_output=True, encoding="utf-8", env=environment, cwd=folder, check=True
    )
    return done.stdout


def with_agreement(text: str) -> str:
    """The README with the published table's larger machine beside what is pinned."""
    table = load_published("squeezenext")
    found = compare_with(table, load_pinned(table.name))
    cells = [cell for cell in found.cells if cell.hardware == table.machines[-1]]
    rows = [
        f"| {cell.title} | {cell.published_relative_time:.2f} | {cell.relative_time:.2f} "
        f"| {cell.published_energy / 1e9:.1f} | {cell.energy / 1e9:.2f} |"
        for cell in cells
    ]
    head = [
        f"| {table.machines[-1]} | time, published | simulated | energy, published | simulated |",
        "|---|--:|--:|--:|--:|",
    ]
    units = (
        f"Time relative to {table.titles[table.relative_to]}; energy in units of 10^9 multiply-accumulates."
    )
    lines = "\n".join(["", *head, *rows, "", units, ""])
    return re.sub(
        r"(?s)(?<=<!-- begin agreement: scripts/update_readme.py -->\n).*?(?=<!-- end)", f"{lines}\n", text
    )


def draw_layers() -> None:
    """SqueezeNext's baseline against the version that was designed for the machine."""
    hardware = accelsim.load_hardware("16x16_128k")
    results = [
        accelsim.run_network(accelsim.load_network(name), hardware) for name in ("sqnxt23", "sqnxt23v5")
    ]
    LAYERS_PICTURE.parent.mkdir(parents=True, exist_ok=True)
    save(layers_figure(results), LAYERS_PICTURE)


def draw(page: Path, folder: Path) -> None:
    """The pictures that a page shows, by the commands that it shows, in a folder."""
    commands = re.findall(r"^accelsim plot .* -o \w+\.png$", page.read_text(encoding="utf-8"), re.MULTILINE)
    for command in commands:
        subprocess.run([sys.executable, "-m", *shlex.split(command)], cwd=folder, check=True)


def update_tutorial() -> None:
    """Outputs and picture, in a folder with the file that the tutorial begins with."""
    text = TUTORIAL.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for block in re.findall(r"(?ms)^```yaml\n(.*?)^```$", text):
            (folder / block.splitlines()[0].removeprefix("# ")).write_text(block, encoding="utf-8")
        write(TUTORIAL, up_to_date(text, folder))
        draw(TUTORIAL, folder)
        shutil.move(folder / "layers.png", TUTORIAL_PICTURE)


def main() -> None:
    """All of it."""
    write(README, with_agreement(up_to_date(README.read_text(encoding="utf-8"))))
    draw_layers()
    draw(GUIDE, LAYERS_PICTURE.parent)
    update_tutorial()


if __name__ == "__main__":
    main()
