"""What a command is beyond typer's: options of one value are given once."""

from collections import Counter
from typing import Any

import typer
from typer.core import TyperCommand


class Command(TyperCommand):
    """A command that refuses a second value for an option that takes one, which would replace the first."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as ever, then look at what was given how often."""
        arguments = list(args)
        rest: list[str] = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            self._refuse_repeated(ctx, arguments)
        return rest

    def _refuse_repeated(self, ctx: Any, arguments: list[str]) -> None:
        order: list[Any] = list(self.make_parser(ctx).parse_args(args=arguments)[2])
        counts = Counter(param.name for param in order)
        for param in order:
            takes_one = param.param_type_name == "option" and not (param.multiple or param.is_flag)
            if takes_one and counts[param.name] > 1:
                hint = max(param.opts, key=len)
                raise typer.BadParameter(f"takes one, is given {counts[param.name]} times", param_hint=hint)
