"""The commands, and what they have in common."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from accelsim.cli.commands import Command
from accelsim.cli.output import exits
from accelsim.version import __version__

HOMES: Final = {
    "run": "accelsim.cli.run:run",
    "compare": "accelsim.cli.run:compare",
    "explain": "accelsim.cli.explain:explain",
    "fit": "accelsim.cli.fit:fit",
    "plot": "accelsim.cli.plot:plot",
    "report": "accelsim.cli.report:report",
    "verify": "accelsim.cli.verify:verify",
    "reproduce": "accelsim.cli.reproduce:reproduce",
    "search": "accelsim.cli.search:search",
    "sweep": "accelsim.cli.sweep:sweep",
    "import": "accelsim.cli.importing:import_",
    "export": "accelsim.cli.importing:export",
    "list": "accelsim.cli.look:list_",
    "show": "accelsim.cli.look:show",
    "check": "accelsim.cli.look:check",
    "new": "accelsim.cli.describe:new",
    "convert": "accelsim.cli.describe:convert",
    "import-energy": "accelsim.cli.import_energy:import_energy",
}
"""Every command, in the order of the help, and where its function (or its group of commands) is."""


class _OnDemand(MutableMapping[str, Any]):
    """The commands; each is imported when it is first asked for, so that none waits for the others."""

    def __init__(self) -> None:
        self.commands: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self.commands:
            module, _, attribute = HOMES[name].partition(":")
            self.commands[name] = _command(name, getattr(import_module(module), attribute))
        return self.commands[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self.commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self.commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*HOMES, *self.commands)))

    def __len__(self) -> int:
        return len({*HOMES, *self.commands})


def _command(name: str, target: Any) -> Any:
    """A function as a command; a group of commands is one already."""
    if isinstance(target, typer.Typer):
        return get_command(target)
    single = typer.Typer(rich_markup_mode=None, add_completion=False)
    single.command(name, cls=Command)(target)
    return get_command(single)


class _Commands(TyperGroup):
    """Commands whose errors leave as exit codes and lines on standard error."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _OnDemand()

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with exits():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with exits():
            return super().invoke(ctx)


app = typer.Typer(
    name="accelsim",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: it is there sooner, and the same in every terminal
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"accelsim {__version__}")
        raise typer.Exit


@app.callback()
def _accelsim(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """What a small neural network costs on an embedded accelerator: cycles, traffic, energy, and why.

    \b
    accelsim run --net sqnxt23v5 --hw 16x16_128k
    accelsim compare --net sqnxt23 --net sqnxt23v5 --hw 8x8_32k --hw 16x16_128k

    Results go to stdout, everything else to stderr. Exit codes: 0 fine, 1 a check did not hold, 2 the input
    is wrong, 130 interrupted.
    """
