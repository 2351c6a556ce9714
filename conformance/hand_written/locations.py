"""Where a line of a source is, as its reader knows the file: from the current folder, or in a cell of a notebook."""

import re
import sys
from pathlib import Path


def from_here(file: str) -> str:
    """Return a path as one writes it in the current folder, where it lies below that; of a running cell its number.

    The file of a cell is `path.ipynb#number`, as that of a notebook on disk; a running one has no path that is known.
    """
    if number := running_cell(file):
        return f".ipynb#{number}"
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def running_cell(file: str) -> str:
    """Return the number that stands beside the cell which IPython compiled under a name; "" where that is no cell."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None:
        return ""
    name = shell.compile.format_code_name(file)
    found = None if name is None else re.fullmatch(r"In\[(\d+)\]", name[1])
    return "" if found is None else found[1]


def place_of(file: str, line: int = 0) -> str:
    """Return a place in words: the line of a file, or that of a notebook's cell.

    >>> place_of("rnn.py", 7), place_of("rnn.ipynb#2", 7), place_of("rnn.ipynb#2")
    ('rnn.py:7', 'rnn.ipynb, cell 2, line 7', 'rnn.ipynb, cell 2')
    >>> place_of(".ipynb#2", 7)  # of the notebook that runs
    'cell 2, line 7'
    """
    path, mark, cell = file.partition(".ipynb#")
    if not mark:
        return f"{file}:{line}" if line else file
    within = f"cell {cell}" + (f", line {line}" if line else "")
    return f"{path}.ipynb, {within}" if path else within
