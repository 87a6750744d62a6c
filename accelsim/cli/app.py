"""The commands, and what they have in common."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from accelsim import __version__
from accelsim.cli.look import check, list_, show
from accelsim.cli.output import exits
from accelsim.cli.plot import plot
from accelsim.cli.report import report
from accelsim.cli.reproduce import reproduce
from accelsim.cli.run import compare, run
from accelsim.cli.search import search


class _Commands(TyperGroup):
    """Commands whose errors leave as exit codes and lines on standard error."""

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


def _print_version(asked: bool) -> None:
    if asked:
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


app.command()(run)
app.command()(compare)
app.command()(plot)
app.command()(report)
app.command()(reproduce)
app.add_typer(search, name="search")
app.command("list")(list_)
app.command()(show)
app.command()(check)
