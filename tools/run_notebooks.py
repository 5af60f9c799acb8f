"""Runs the notebooks from start to end, in a directory of their own; they are kept without outputs.

pip install 'rustorch[notebooks]'
python tools/run_notebooks.py [notebooks/NAME.ipynb ...]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SECONDS = 300  # for a cell


def main() -> int:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    paths = [Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb"))
    failures = 0 if paths else 1
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        kept = [
            i for i, cell in enumerate(notebook.cells) if cell.get("outputs") or cell.get("execution_count")
        ]
        if kept:
            print(f"{path.name}: cells {kept} are kept with outputs; clear them")
            failures += 1
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            resources = {"metadata": {"path": folder}}
            try:
                NotebookClient(
                    notebook, timeout=SECONDS, kernel_name="python3", resources=resources
                ).execute()
            except CellExecutionError as error:
                print(f"{path.name}: {error}")
                failures += 1
                continue
        print(f"{path.name}: {len(notebook.cells)} cells in {time.perf_counter() - begin:.0f} s")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
