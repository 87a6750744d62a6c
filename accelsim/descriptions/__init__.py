"""YAML -> checked, frozen value, or one line for each thing wrong with the file.

A file passes three gates, and the mistakes of all of them are reported together: the YAML syntax tree,
which knows lines and repeated keys; the fields of a `Description`; and whatever a description checks
about its fields together. `vary` and `dump` let a search change a description as data and write it out.
"""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.descriptions.description import Description, check, dump, read, vary
    from accelsim.descriptions.document import (
        MOST_NAMES,
        Document,
        KeyPath,
        Mistake,
        Upgrade,
        in_words,
        native,
        one_of,
        plain,
        shortened,
        shown,
        unknown,
    )
    from accelsim.descriptions.keys import put, value_of
    from accelsim.descriptions.reader import parse, parse_text
    from accelsim.descriptions.sentences import absent, may_hold, mistakes_of, refusal
    from accelsim.descriptions.writer import flow_text, yaml_text

__all__ = [
    "MOST_NAMES",
    "Description",
    "Document",
    "KeyPath",
    "Mistake",
    "Upgrade",
    "absent",
    "check",
    "dump",
    "flow_text",
    "in_words",
    "may_hold",
    "mistakes_of",
    "native",
    "one_of",
    "parse",
    "parse_text",
    "plain",
    "put",
    "read",
    "refusal",
    "shortened",
    "shown",
    "unknown",
    "value_of",
    "vary",
    "yaml_text",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "description": (
            "Description",
            "check",
            "dump",
            "read",
            "vary",
        ),
        "document": (
            "MOST_NAMES",
            "Document",
            "KeyPath",
            "Mistake",
            "Upgrade",
            "in_words",
            "native",
            "one_of",
            "plain",
            "shortened",
            "shown",
            "unknown",
        ),
        "keys": (
            "put",
            "value_of",
        ),
        "reader": (
            "parse",
            "parse_text",
        ),
        "sentences": (
            "absent",
            "may_hold",
            "mistakes_of",
            "refusal",
        ),
        "writer": (
            "flow_text",
            "yaml_text",
        ),
    },
)
