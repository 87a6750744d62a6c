"""mkdocstrings: what stands below `Example:` in a docstring is code, as below `Examples:`.

griffe knows the section by its plural only and takes the singular for a remark, whose lists become links.
"""

import re
from typing import Any, Final

from griffe import Extension, Object

SINGULAR: Final = re.compile(r"^( *)Example:$", flags=re.M)


class DocstringExamples(Extension):
    """Renames the section before griffe reads it."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """An object of the package, whose docstring is still a text."""
        if obj.docstring is not None:
            obj.docstring.value = SINGULAR.sub(r"\1Examples:", obj.docstring.value)
