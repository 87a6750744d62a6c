"""Bring README.md and the pages of docs/ up to date with the model: outputs of commands, and pictures.

    python scripts/update_pages.py                     # all of them
    python scripts/update_pages.py docs/how-to/sweep.md

A block of a console that starts with `$ accelsim` holds what that command prints at 80 columns, in a folder
with the YAML files that the page shows; one that starts with `$ COLUMNS=170 accelsim`, at 170. Where it has
several commands, it shows some lines of each output, known by the words that they begin with. A block that
starts in the same way, but is not said to be a console's, holds the error of a command that is refused.

What other scripts write (docs/guidelines.md, docs/networks.md, docs/performance.md, docs/validation.md) is
theirs.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import accelsim
from accelsim.report.files.writing import write
from accelsim.report.plots.layers import layers_figure
from accelsim.report.plots.style import save
from accelsim.validation.pinned import load_pinned
from accelsim.validation.published import load_published
from accelsim.validation.reproduction import compare_with

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
GUIDE = ROOT / "docs" / "how-to" / "plot.md"
TUTORIAL = ROOT / "docs" / "tutorial.md"
PAGES: Final = (
    README,
    *(
        ROOT / "docs" / name
        for name in (
            "codesign.md",
            "reading-a-report.md",
            "tutorial.md",
            "how-to/add-a-machine.md",
            "how-to/add-a-network.md",
            "how-to/compress-a-network.md",
            "how-to/explain-a-network.md",
            "how-to/fit-a-memory.md",
            "how-to/give-a-mapping.md",
            "how-to/import-a-model.md",
            "how-to/import-energy.md",
            "how-to/plot.md",
            "how-to/redistribute-depth.md",
            "how-to/sweep.md",
            "how-to/use-a-host.md",
            "how-to/verify.md",
        )
    ),
)
"""Every page with outputs; tests hold each of them against the model."""
LAYERS_PICTURE = ROOT / "docs" / "images" / "layers.png"
TUTORIAL_PICTURE = ROOT / "docs" / "images" / "tutorial.png"


def up_to_date(text: str, folder: Path | None = None) -> str:
    """A page with the present output below each of its commands, which run in that folder."""
    return re.sub(
        r"(?ms)(?<=^```)(console)?\n(\$ (?:COLUMNS=\d+ )?accelsim .*?)(?=^```$)",
        lambda block: f"{block[1] or ''}\n{_session(block[2], folder, refused=block[1] is None)}",
        text,
    )


def _session(shown: str, folder: Path | None, *, refused: bool) -> str:
    """The commands of a block, each with what it prints now."""
    commands = re.findall(r"(?m)^\$ (.*)\n((?:(?!\$ ).*\n)*)", shown)
    outputs = [_output(command, folder, refused=refused) for command, _ in commands]
    if len(commands) > 1:
        outputs = [_excerpt(before, now) for (_, before), now in zip(commands, outputs, strict=True)]
    return "".join(f"$ {command}\n{now}" for (command, _), now in zip(commands, outputs, strict=True))


def _excerpt(before: str, now: str) -> str:
    """The lines of an output that begin, up to their first figure, like those that were shown before."""
    lines = []
    for line in before.splitlines(keepends=True):
        words = line[: re.search(r"\d|$", line).start()].rstrip()  # type: ignore[union-attr] (the end is found)
        alike = [other for other in now.splitlines(keepends=True) if other.startswith(words)]
        if len(alike) != 1:
            raise SystemExit(f"{len(alike)} lines begin with {words!r}, where a page shows one:\n{now}")
        lines += alike
    return "".join(lines)


def _output(command: str, folder: Path | None, *, refused: bool) -> str:
    width, _, bare = command.partition("accelsim ")
    columns = width.strip().removeprefix("COLUMNS=") or "80"
    environment = os.environ | {"COLUMNS": columns, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "accelsim", *shlex.split(bare)],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        cwd=folder,
        check=False,
    )
    if done.returncode != (2 if refused else 0):
        raise SystemExit(f"accelsim {bare}: exit code {done.returncode}\n{done.stderr}")
    return done.stderr if refused else done.stdout


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
        r"(?s)(?<=<!-- begin agreement: scripts/update_pages.py -->\n).*?(?=<!-- end)", f"{lines}\n", text
    )


def write_files_of(text: str, folder: Path) -> None:
    """The YAML files that a page shows, by the names in their first lines, and what its scripts make."""
    for block in re.findall(r"(?ms)^```yaml\n(.*?)^```$", text):
        file = folder / block.splitlines()[0].removeprefix("# ")
        file.parent.mkdir(exist_ok=True)
        file.write_text(block, encoding="utf-8")
    for block in re.findall(r"(?ms)^```python\n(# make_\w+\.py\n.*?)^```$", text):
        subprocess.run([sys.executable, "-c", block], cwd=folder, check=True)


def draw_layers(_: Path) -> None:
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


def draw_tutorial(folder: Path) -> None:
    """The picture of the tutorial, of the network that it shows."""
    draw(TUTORIAL, folder)
    shutil.move(folder / "layers.png", TUTORIAL_PICTURE)


def draw_guide(_: Path) -> None:
    """The pictures of the guide to plots."""
    draw(GUIDE, LAYERS_PICTURE.parent)


DRAWN: Final[dict[Path, Callable[[Path], None]]] = {
    README: draw_layers,
    GUIDE: draw_guide,
    TUTORIAL: draw_tutorial,
}
"""Pages whose pictures are of the model."""


def update(page: Path) -> None:
    """Outputs and pictures of one page."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files_of(text, folder)
        current = up_to_date(text, folder)
        write(page, with_agreement(current) if page == README else current)
        if page in DRAWN:
            DRAWN[page](folder)


def main() -> None:
    """The pages that are named, or all of them."""
    parser = argparse.ArgumentParser(description="Bring pages up to date with the model.")
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE", help="all of them, unless named")
    pages = [page.resolve() for page in parser.parse_args().pages] or list(PAGES)
    if strange := [str(page) for page in pages if page not in PAGES]:
        parser.error(f"{', '.join(strange)}: must be among {', '.join(map(str, PAGES))}")
    for page in pages:
        update(page)
        sys.stderr.write(f"{page.relative_to(ROOT)}: written\n")


if __name__ == "__main__":
    main()
