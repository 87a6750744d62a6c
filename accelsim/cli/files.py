"""The files of a command: it writes none that it reads, and none twice."""

import stat
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import typer


class InputFile(NamedTuple):
    """A file that a command reads."""

    argument: str
    """As the user gave what it is part of: `--net my.yaml`."""
    path: Path


def inputs(
    networks: Iterable[str] = (),
    machines: Iterable[str] = (),
    overlays: Iterable[Path] = (),
    mapping: Path | None = None,
) -> Iterator[InputFile]:
    """The files of networks, with those that they are presets of, of machines, of overlays and of mappings.

    Names are those of networks and machines that could be read.
    """
    from accelsim.descriptions import shipped
    from accelsim.network.configuration import network_files

    for name in networks:
        yield from (InputFile(f"--net {name}", path) for path in network_files(name))
    yield from (InputFile(f"--hw {name}", shipped.find("hardware", name)) for name in machines)
    yield from (InputFile(f"--overlay {path}", path) for path in overlays)
    if mapping is not None:
        yield InputFile(f"--mapping {mapping}", mapping)


def check_outputs(outputs: Mapping[str, Path | None], read: Iterable[InputFile]) -> None:
    """Refuse an output that is a file which the command reads, or another of its outputs.

    Files are the same whatever path leads to them, through links as well.
    """
    written = {option: path for option, path in outputs.items() if path is not None and str(path) != "-"}
    if not written:
        return
    for argument, path in read:
        for option, output in written.items():
            if same_file(output, path):
                raise typer.BadParameter(
                    f"{output} must be another file than that of {argument}, which is read", param_hint=option
                )
    for (first, path), (second, second_path) in combinations(written.items(), 2):
        if same_file(path, second_path):
            raise typer.BadParameter(f"must be another file than {first}", param_hint=second)


def same_file(path: Path, second_path: Path) -> bool:
    """Whether two paths lead to one file, be it there or not; a device is none, it takes everything."""
    try:
        first, second = path.stat(), second_path.stat()
    except (OSError, ValueError):  # one is not there, or no path at all
        return _resolved(path) == _resolved(second_path)
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino) and stat.S_ISREG(first.st_mode)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # links that go round in a circle
        return path.absolute()
