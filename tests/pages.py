"""Pages of docs/, and what can be executed of them: code, commands and outputs, tables of arithmetic."""

import math
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SIGNS = {
    "\N{MULTIPLICATION SIGN}": "*",
    "\N{MINUS SIGN}": "-",
    "\N{LEFT CEILING}": "ceil(",
    "\N{RIGHT CEILING}": ")",
    "\N{LEFT FLOOR}": "floor(",
    "\N{RIGHT FLOOR}": ")",
}
"""How pages write arithmetic, and how Python does."""


def page(name):
    """The text of a page; lines that were broken to fit stay broken."""
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text, language):
    """Fenced blocks of a language, in order."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)


def printed(command, folder):
    """What a command prints in a folder, in a terminal of 80 columns unless it says how many."""
    columns = re.match(r"COLUMNS=(\d+) ", command)
    environment = os.environ | {
        "COLUMNS": columns[1] if columns else "80",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command[columns.end() :] if columns else command)],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        cwd=folder,
        check=True,
    )
    return done.stdout


def section(text, heading):
    """What stands below a heading, up to the next of its kind."""
    level = heading.partition(" ")[0]
    return text.split(f"\n{heading}\n", 1)[1].split(f"\n{level} ", 1)[0]


def rows(text):
    """The cells of every table row, without those of headers and of the lines below them."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    table = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    rulers = {index for index, cells in enumerate(table) if set("".join(cells)) <= set("-:")}
    return [cells for index, cells in enumerate(table) if index not in rulers and index + 1 not in rulers]


def calculated(formula):
    """The value of arithmetic as a page writes it."""
    code = formula.translate(str.maketrans(SIGNS))
    assert re.fullmatch(r"(?:[-+*/()., 0-9]|ceil|floor|max|min)+", code), formula
    names = {"ceil": lambda x: math.ceil(x - 1e-9), "floor": math.floor, "max": max, "min": min}
    return eval(code, {"__builtins__": {}}, names)


def number(text):
    """`1,605,632` as 1605632, `85.8` as 85.8."""
    plain = text.replace(",", "")
    return float(plain) if "." in plain else int(plain)
