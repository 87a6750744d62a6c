"""Templates: commented files from which a newcomer's own machine or network begins."""

import re
from importlib.resources import files
from typing import Final, Literal, TypeAlias

from accelsim.errors import AccelsimError

__all__ = ["Template", "template"]
Template: TypeAlias = Literal["machine", "network"]
"""What a file from which a newcomer begins describes."""
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
"""What may be the name of a file and of what it describes."""


def template(kind: Template, name: str) -> str:
    """The text of a file that describes something of a name, to be changed.

    Args:
        kind: What it is a file of.
        name: Of the machine or network.

    Returns:
        YAML that is valid as it stands.

    Raises:
        AccelsimError: The name can be none of a file.

    Example:
        >>> template("machine", "my_chip").splitlines()[2]
        'name: my_chip'
    """
    if not NAME.fullmatch(name):
        raise AccelsimError(f"{name!r}: must be a name of letters, digits, _ and -, at most 100")
    text = files(__name__).joinpath(f"{kind}.yaml").read_text(encoding="utf-8")
    return text.replace("{name}", name)
