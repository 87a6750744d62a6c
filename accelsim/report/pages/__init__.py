"""The report page: runs as one HTML file that needs nothing else; values.py says what, html.py how."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.report.pages.html import check_page, page_html
    from accelsim.report.pages.values import Page, make_page

__all__ = [
    "Page",
    "check_page",
    "make_page",
    "page_html",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "html": (
            "check_page",
            "page_html",
        ),
        "values": (
            "Page",
            "make_page",
        ),
    },
)
