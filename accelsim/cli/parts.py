"""Options that ask for a part of a model: what stands after the @ of its name, said apart."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, TypeAlias

import typer


class UnsupportedNodes(StrEnum):
    """What becomes of nodes that nothing here is an operator of."""

    REFUSE = "refuse"
    HOST = "host"
    ELEMENTWISE = "elementwise"


UntilOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--until",
        metavar="NODE",
        help="End a model with this node or tensor; may be repeated. As MODEL@until=NODE.",
    ),
]
FromOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        metavar="NODE",
        help="Begin a model with this node or tensor; may be repeated. As MODEL@from=NODE.",
    ),
]
UnsupportedOption: TypeAlias = Annotated[
    UnsupportedNodes | None,
    typer.Option(
        "--unsupported",
        help="What becomes of a model's nodes that nothing here is an operator of: refused (default), "
        "elements on the host, or one operation of the vector unit for each output. As "
        "MODEL@unsupported=host.",
    ),
]


def parts_of(
    models: Sequence[str],
    until: Sequence[str] | None,
    since: Sequence[str] | None,
    unsupported: UnsupportedNodes | None,
) -> list[str]:
    """The names of models with what the options say after their @."""
    pairs = [*(("from", name) for name in since or ()), *(("until", name) for name in until or ())]
    pairs += [("unsupported", unsupported.value)] if unsupported is not None else []
    if not pairs:
        return [*models]
    from accelsim.importers.request import quoted
    from accelsim.network.configuration import name_and_settings

    settings = ",".join(f"{key}={quoted(name)}" for key, name in pairs)
    return [f"{model}{',' if name_and_settings(model)[1] else '@'}{settings}" for model in models]
