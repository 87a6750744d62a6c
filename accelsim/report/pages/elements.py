"""HTML of texts and elements, in which nothing that is not this package's own text counts as HTML."""

from html import escape as escaped

from accelsim.report.text.table import printable


def escape(text: str) -> str:
    """A text that HTML takes for nothing else, and that is one."""
    return escaped(printable(text))


def element(tag: str, *content: str, **attributes: object) -> str:
    """An HTML element of content that is HTML already; values of attributes are escaped.

    `data_value=3` is written `data-value="3"`, `class_` is `class`.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for name, value in attributes.items()
    )
    return f"<{tag}{written}>{''.join(content)}</{tag}>"
