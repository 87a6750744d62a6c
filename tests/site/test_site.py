"""The site of docs/ is built without a warning, needs no other host, and has what it is meant to have."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import accelsim
from accelsim.cli.app import HOMES

pytest.importorskip("mkdocs")
pytest.importorskip("material")
pytest.importorskip("mkdocstrings")

ROOT = Path(__file__).parents[2]
ASSET = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?([^"' >]+)"""
    r"""|<link\b[^>]*\bhref=["']?([^"' >]+)"""
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(folder of the site, what the builder says)."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout + done.stderr


@pytest.fixture(scope="module")
def site(built):
    return built[0]


def text_of(page):
    """The words of a page."""
    return html.unescape(re.sub(r"<[^>]*>", "", page.read_text(encoding="utf-8")))


def test_it_is_built_without_a_warning(built):
    assert "WARNING" not in built[1]


def test_every_page_of_docs_is_on_the_site_and_can_be_reached(site):
    pages = {file.relative_to(ROOT / "docs").with_suffix(".html") for file in (ROOT / "docs").rglob("*.md")}
    pages |= {Path("notebooks", file.name).with_suffix(".html") for file in (ROOT / "notebooks").iterdir()}
    pages |= {Path(name) for name in ("index.html", "changelog.html", "contributing.html")}
    reached, waiting = set(), ["index.html"]
    while waiting:
        name = waiting.pop()
        if name in reached or not (site / name).is_file() or not name.endswith(".html"):
            continue
        reached.add(name)
        links = re.findall(r'href="?([^"# >]+\.html)', (site / name).read_text(encoding="utf-8"))
        waiting += [os.path.normpath(Path(name).parent / link) for link in links if "://" not in link]
    assert pages <= {Path(name) for name in reached}


def test_no_page_needs_another_host(site):
    for page in site.rglob("*.html"):
        assets = ["".join(found) for found in ASSET.findall(page.read_text(encoding="utf-8"))]
        assert assets
        for asset in assets:
            assert "://" not in asset, page
            assert not asset.startswith("//"), page
            file = page.parent / asset.partition("?")[0].partition("#")[0]
            assert page.name == "404.html" or file.exists(), f"{page}: {asset}"


def test_every_command_is_there_with_its_help(site):
    said = text_of(site / "reference" / "commands.html")
    for words in (*HOMES, "search depth"):
        assert f"Usage: accelsim {words} " in said
    assert "--dataflow NAME" in said
    assert "--objective <time|energy|edp>" in said


def test_every_public_name_is_in_the_reference(site):
    page = (site / "reference" / "python.html").read_text(encoding="utf-8")
    names = [name for name in accelsim.__all__ if name != "__version__"]
    for name in names:
        whole = f"{getattr(accelsim, name).__module__}.{name}"
        assert re.search(rf"id=\"?{re.escape(whole)}[\" >]", page), whole


def test_examples_in_the_reference_are_code(site):
    page = (site / "reference" / "python.html").read_text(encoding="utf-8")
    prompts = html.unescape(page).count(">>> ")
    assert prompts > 100
    assert prompts == len(re.findall(r'<span class="?gp"?>(?:>|&gt;){3} </span>', page))


def test_a_notebook_has_its_text_its_outputs_and_its_pictures(site):
    page = site / "notebooks" / "dataflows.html"
    words = text_of(page)
    assert "What this showed" in words
    assert "weight stationary: " in words
    assert "files/notebooks/dataflows_1.png" in page.read_text(encoding="utf-8")
    assert (site / "files" / "notebooks" / "dataflows.ipynb").is_file()


def test_decisions_are_listed_by_their_titles(site):
    words = text_of(site / "decisions" / "index.html")
    for file in (ROOT / "docs" / "decisions").glob("*.md"):
        title = file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        assert re.sub("[`*]", "", title) in words
