"""Run the notebooks and keep the printed text of the cells that are checked, and no other output.

nbval compares a cell marked ``# NBVAL_CHECK_OUTPUT`` with the output stored in the file, and skips one that
was never run. Run this after a change of such a cell, and read what it changed before you commit.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

MARK = "# NBVAL_CHECK_OUTPUT"


def strip(notebook):
    """Take away all outputs but the text that checked cells print."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        is_checked = cell.source.startswith(MARK)
        printed = "".join(each.text for each in cell.outputs if each.get("name") == "stdout")
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=printed)] if is_checked else []
        cell.execution_count = cell.execution_count if is_checked else None


def main(paths):
    for path in paths or sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        metadata = dict(notebook.metadata)
        NotebookClient(notebook, timeout=300).execute()
        strip(notebook)
        notebook.metadata = nbformat.from_dict(metadata)  # without the version of this Python
        nbformat.write(notebook, path)
        print(path)


if __name__ == "__main__":
    main([Path(each) for each in sys.argv[1:]])
