"""Bring README.md and the guide to plots up to date with the model: outputs of commands, pictures.

    python scripts/update_readme.py

A block of README.md that starts with `$ accelsim` holds what that command prints at 80 columns.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import accelsim
from accelsim.report.files import write
from accelsim.report.plot_layers import layers_figure
from accelsim.report.plot_looks import save

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
GUIDE = ROOT / "docs" / "how-to" / "plot.md"
LAYERS_PICTURE = ROOT / "docs" / "images" / "layers.png"


def up_to_date(text: str) -> str:
    """The README with the present output below each of its commands."""
    return re.sub(
        r"(?<=^```console\n)\$ (accelsim .*)\n(?s:.*?)(?=^```$)",
        lambda block: f"$ {block[1]}\n{_output(block[1])}",
        text,
        flags=re.MULTILINE,
    )


def _output(command: str) -> str:
    environment = os.environ | {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    arguments = [sys.executable, "-m", *shlex.split(command)]
    done = subprocess.run(arguments, capture_output=True, encoding="utf-8", env=environment, check=True)
    return done.stdout


def draw_layers() -> None:
    """SqueezeNext's baseline against the version that was designed for the machine."""
    hardware = accelsim.load_hardware("16x16_128k")
    results = [
        accelsim.run_network(accelsim.load_network(name), hardware) for name in ("sqnxt23", "sqnxt23v5")
    ]
    LAYERS_PICTURE.parent.mkdir(parents=True, exist_ok=True)
    save(layers_figure(results), LAYERS_PICTURE)


def draw_guide() -> None:
    """The pictures of the guide to plots, by the commands that it shows."""
    commands = re.findall(r"^accelsim plot .* -o \w+\.png$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    for command in commands:
        subprocess.run([sys.executable, "-m", *shlex.split(command)], cwd=LAYERS_PICTURE.parent, check=True)


def main() -> None:
    """All of it."""
    write(README, up_to_date(README.read_text(encoding="utf-8")))
    draw_layers()
    draw_guide()


if __name__ == "__main__":
    main()
