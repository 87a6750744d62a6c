"""Execute the notebooks and keep what they show, so that what is committed is what the model says now.

    python scripts/execute_notebooks.py [NAME ...]

Without names, all of notebooks/. What is kept depends on the sources and the model only: no times, no
versions. A notebook that fails, or writes to standard error, is left as it was.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import nbformat
from nbclient import NotebookClient

NOTEBOOKS: Final = Path(__file__).parent.parent / "notebooks"
KEY_NUMBERS: Final = "key-numbers"
"""Tag of the cells whose output a test compares with that of the present model."""
TIMEOUT_SECONDS: Final = 60
"""Of each cell; a whole notebook must not take longer either, which the test says."""
KERNEL: Final = {"display_name": "Python 3", "language": "python", "name": "python3"}


def path_of(name: str) -> Path:
    """The file of a notebook."""
    return NOTEBOOKS / f"{name}.ipynb"


def read(name: str) -> Any:
    """A notebook as it is committed."""
    return nbformat.read(path_of(name), as_version=4)


def executed(name: str) -> Any:
    """A notebook with the outputs of a run in a new kernel and an empty folder.

    Raises CellExecutionError, with the traceback, where a cell fails.
    """
    notebook = read(name)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=TIMEOUT_SECONDS,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        client.execute()
    return cleaned(notebook)


def cleaned(notebook: Any) -> Any:
    """The notebook without what differs from run to run or from machine to machine."""
    needs = notebook.metadata.get("accelsim", {})
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    if needs:
        notebook.metadata["accelsim"] = needs
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        for output in cell.get("outputs", []):
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})
    return notebook


def needs(notebook: Any) -> list[str]:
    """Modules that a notebook imports and that come with extras of their own."""
    return list(notebook.metadata.get("accelsim", {}).get("needs", []))


def key_numbers(notebook: Any) -> list[str]:
    """What each of its cells prints that are tagged as key numbers."""
    return [text_of(cell) for cell in notebook.cells if KEY_NUMBERS in cell.metadata.get("tags", [])]


def text_of(cell: Any) -> str:
    """What a cell prints, without figures."""
    texts = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream" and output.name == "stdout":
            texts.append(output.text)
        elif output.output_type == "execute_result":
            texts.append(output.data.get("text/plain", ""))
    return "".join(texts)


def complaints(notebook: Any) -> str:
    """What its cells write to standard error."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(
        output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"
    )


def main(names: list[str]) -> int:
    """Execute and rewrite; 1 if one of them complains."""
    for name in names or sorted(file.stem for file in NOTEBOOKS.glob("*.ipynb")):
        notebook = executed(name)
        if said := complaints(notebook):
            print(f"{name}: writes to standard error:\n{said}", file=sys.stderr)
            return 1
        nbformat.write(notebook, path_of(name))
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
