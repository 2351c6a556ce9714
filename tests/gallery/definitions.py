"""The definitions of a subject, without its training loop: what the gallery's own drivers run."""

import ast
import json
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

SUBJECTS = Path(__file__).parent / "subjects"


class Base:
    """Stands in for a base class from a package that isn't here."""

    def __init__(self, **options: Any) -> None:
        self.__dict__.update(options)


STAND_INS: dict[str, Any] = {"njit": lambda function: function, "tqdm": iter, "Layer": Base}
"""For what subjects import from packages that aren't installed."""


def source_of(name: str) -> str:
    """Return the text of a subject, of a notebook that of its code cells."""
    text = (SUBJECTS / name).read_text(encoding="utf-8")
    if not name.endswith(".ipynb"):
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    lines = [line for cell in cells for line in ["".join(cell["source"])]]
    return "\n".join(line for text in lines for line in text.split("\n") if not line.startswith(("%", "!")))


def definitions(source: str, **supplied: Any) -> dict[str, Any]:
    """Run the imports, functions and classes of `source`, with `supplied` as its other globals."""
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if _defines(node)]
    names: dict[str, Any] = {"__name__": "subject", **STAND_INS, **supplied}
    exec(compile(tree, "subject", "exec"), names)  # noqa: S102 - the text is this project's own
    return names


def _defines(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import):
        return all(find_spec(name.name.partition(".")[0]) for name in node.names)  # no plots are drawn here
    if isinstance(node, ast.ImportFrom):
        return node.level == 0 and find_spec(str(node.module).partition(".")[0]) is not None
    if isinstance(node, ast.Assign):
        return isinstance(node.value, ast.Lambda) or ast.unparse(node.value).startswith("namedtuple(")
    return isinstance(node, ast.FunctionDef | ast.ClassDef)


def mended(source: str, mends: Iterable[dict[str, str]]) -> str:
    """Return `source` with each mend's line in the place of the faulty one, which must occur exactly once."""
    for mend in mends:
        if source.count(mend["line"]) != 1:
            message = f"{mend['line']!r} occurs {source.count(mend['line'])} times, not once."
            raise AssertionError(message)
        source = source.replace(mend["line"], mend["mended"])
    return source


def columns(x: np.ndarray) -> list[np.ndarray]:
    """Turn (T, 1, N) into a list of columns (N, 1)."""
    return [step.T.copy() for step in x]


def one_hot(ids: np.ndarray, size: int) -> np.ndarray:
    """Turn ids (T, B) into vectors (T, B, size)."""
    return np.eye(size)[ids]


def located(target: str) -> str:
    """Return a target of the gallery by its path, wherever in the folders of subjects its file lies."""
    file, _, name = target.partition(":")
    (path,) = SUBJECTS.rglob(file)
    return f"{path}:{name}" if name else str(path)
