"""door: names that a package offers and that are imported from its files when they are first used.

So that the import of a package, which comes before that of any of its files, costs nothing: `accelsim --help`
needs no numpy, a plain run no plots.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

Door = tuple[Callable[[str], object], Callable[[], list[str]]]


def door(package: str, homes: Mapping[str, Iterable[str]]) -> Door:
    """The `__getattr__` and `__dir__` of a package.

    Args:
        package: Its name.
        homes: The names that each of its files gives, by the file's name within the package.

    Example:
        >>> __getattr__, __dir__ = door("accelsim.planning", {"plan": ("Plan",)})
        >>> __getattr__("Plan").__module__
        'accelsim.planning.plan'
    """
    home_of = {name: f"{package}.{file}" for file, names in homes.items() for name in names}

    def get(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(home_of[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home_of})

    return get, names
