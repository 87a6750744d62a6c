"""What mkdocs.yml's site has beside the pages of docs/: README, changelog, notebooks, every command's help.

Links on any page are relative to where it stands in the repository, so that they work there too; here they
are turned to where the site has the same thing. Files that have no page, such as networks, are copied below
files/.
"""

import base64
import posixpath
import re
from pathlib import Path
from typing import Any, Final

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.main import get_command
from typer.testing import CliRunner

from accelsim.cli.app import app

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""Pages that stand outside docs/, and what they are called on the site."""
COPIED: Final = ("LICENSE", "networks/**/*.yaml", "hardware/*.yaml", "notebooks/*.ipynb")
"""Files that pages may link to."""
COMMANDS: Final = "reference/commands.md"
DECISIONS: Final = "decisions/index.md"
HELP_COLUMNS: Final = 80
_LINK: Final = re.compile(r"(?P<before>\]\()(?P<target>[^)#\s]+)(?P<after>(?:#[^)\s]*)?\))")
_FENCE: Final = re.compile(r"(?ms)^(```.*?^```$)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of a folder where the navigation has `FOLDER/*`."""
    named = set(_strings(config.nav))
    config.nav = _expanded(config.nav, named)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is made from files outside docs/."""
    for source, name in PAGES.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text(encoding="utf-8")))
    for pattern in COPIED:
        for path in sorted(ROOT.glob(pattern)):
            name = f"files/{path.relative_to(ROOT).as_posix()}"
            files.append(File.generated(config, name, abs_src_path=str(path)))
    for path in _notebooks():
        text, pictures = notebook_page(path)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=text))
        for name, picture in pictures.items():
            files.append(File.generated(config, f"files/notebooks/{name}", content=picture))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Turn links to what the site has elsewhere; write the two pages that are lists."""
    name = page.file.src_uri
    if name == COMMANDS:
        return markdown + commands_text()
    source = name if name.startswith("notebooks/") else f"docs/{name}"
    source = next((source for source, on_site in PAGES.items() if on_site == name), source)
    parts = _FENCE.split(markdown)
    text = "".join(part if part.startswith("```") else turned_links(part, source, name) for part in parts)
    if name.startswith("notebooks/"):
        file = f"{Path(name).stem}.ipynb"
        text += f"\nThis page is a notebook with its outputs: [{file}](../files/notebooks/{file}).\n"
    return text + decisions_text() if name == DECISIONS else text


def turned_links(text: str, source: str, name: str) -> str:
    """The text of a repository's file with links as they are from its page of the site."""

    def turned(link: re.Match[str]) -> str:
        target = link["target"]
        if re.match(r"[a-z]+:", target):
            return link[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        relative = posixpath.relpath(site_path(path), posixpath.dirname(name) or ".")
        return f"{link['before']}{relative}{link['after']}"

    return _LINK.sub(turned, text)


def site_path(path: str) -> str:
    """Where the site has a file of the repository."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith("notebooks/") and path.endswith(".ipynb"):
        return path.removesuffix(".ipynb") + ".md"
    if path.startswith("docs/"):
        inner = path.removeprefix("docs/")
        return f"{inner}/index.md" if (ROOT / path).is_dir() else inner
    return f"files/{path}"


def notebook_page(path: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook as the text of a page, and the pictures in it."""
    notebook = nbformat.read(path, as_version=4)
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                name = f"{path.stem}_{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode(data["image/png"])
                parts.append(f"![Figure {len(pictures)} of this notebook]({name})")
            else:
                parts.append(f"```text\n{_text(output).rstrip()}\n```")
    return "\n\n".join(parts) + "\n", pictures


def _text(output: Any) -> str:
    return str(output.text if output.output_type == "stream" else output.data["text/plain"])


def _notebooks() -> list[Path]:
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def commands_text() -> str:
    """A heading for each command, and its help."""
    runner = CliRunner()

    def help_of(words: tuple[str, ...], command: Any) -> str:
        shown = runner.invoke(app, [*words, "--help"], prog_name="accelsim", terminal_width=HELP_COLUMNS)
        text = f"\n## accelsim {' '.join(words)}".rstrip() + f"\n\n```text\n{shown.output.strip()}\n```\n"
        inner = getattr(command, "commands", {})
        return text + "".join(help_of((*words, name), one) for name, one in inner.items())

    return help_of((), get_command(app))


def decisions_text() -> str:
    """A line for each decision: its title, which is the choice."""
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"), key=_title)
    return "".join(f"- [{_title(path)}]({path.name})\n" for path in pages if path.stem != "index")


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _strings(entries: Any) -> list[str]:
    """Every page that a part of the navigation names."""
    if isinstance(entries, str):
        return [entries]
    values = entries.values() if isinstance(entries, dict) else entries
    return [name for value in values for name in _strings(value)]


def _expanded(entries: Any, named: set[str]) -> Any:
    """The same part with pages in the place of patterns."""
    if isinstance(entries, dict):
        return {title: _expanded(value, named) for title, value in entries.items()}
    if isinstance(entries, str):
        return entries
    found: list[Any] = []
    for entry in entries:
        if isinstance(entry, str) and entry.endswith("/*"):
            found += sorted(set(_pages_of(entry.removesuffix("/*"))) - named)
        else:
            found.append(_expanded(entry, named))
    return found


def _pages_of(folder: str) -> list[str]:
    if folder == "notebooks":
        return [f"notebooks/{path.stem}.md" for path in _notebooks()]
    return [posixpath.normpath(f"{folder}/{path.name}") for path in (ROOT / "docs" / folder).glob("*.md")]
