"""Objects made of what a function takes from them by attribute or key."""

import ast
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any


def structure(values: Mapping[str, Any]) -> Any:
    """Return an object that holds each value at its path.

    >>> made = structure({".answers[0].column": 1, ".size": 2})
    >>> made.answers[0].column, made.size
    (1, 2)
    >>> structure({"['x']": [3]})
    {'x': [3]}
    """
    if "" in values:
        return values[""]
    inner: dict[str | int, dict[str, Any]] = {}
    attributes = next(iter(values)).startswith(".")
    for path, value in values.items():
        first, rest = _parted(path)
        inner.setdefault(first, {})[rest] = value
    made = {key: structure(held) for key, held in inner.items()}
    if attributes:
        return SimpleNamespace(**{str(key): value for key, value in made.items()})
    if all(isinstance(key, int) for key in made):
        most = max(int(key) for key in made)
        return [made.get(n) for n in range(most + 1)]
    return made


def _parted(path: str) -> tuple[str | int, str]:
    """Return the first attribute or key of a path, and the rest.

    >>> _parted("['a.b'][0].c")
    ('a.b', '[0].c')
    """
    tree = ast.parse(f"it{path}", mode="eval").body
    while isinstance(tree, (ast.Attribute, ast.Subscript)) and not isinstance(tree.value, ast.Name):
        tree = tree.value
    first = ast.unparse(tree).removeprefix("it")
    return (ast.literal_eval(tree.slice) if isinstance(tree, ast.Subscript) else first[1:]), path[
        len(first) :
    ]
