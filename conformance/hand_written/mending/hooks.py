"""Calls of ours in the midst of foreign code: names that every function finds, for as long as a block runs."""

import ast
import builtins
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PREFIX = "conformance_hook_"


@contextmanager
def hooked(**hooks: Callable[..., Any]) -> Iterator[None]:
    """Let code that `calling` made find these functions in the block."""
    names = {PREFIX + name: function for name, function in hooks.items()}
    for name, function in names.items():
        setattr(builtins, name, function)
    try:
        yield
    finally:
        for name in names:
            delattr(builtins, name)


def calling(name: str, at: ast.expr, *arguments: int | str | ast.expr) -> ast.Call:
    """Return the call of a hook in the place of `at`."""
    nodes = [
        each if isinstance(each, ast.expr) else ast.copy_location(ast.Constant(each), at)
        for each in arguments
    ]
    function = ast.copy_location(ast.Name(PREFIX + name, ast.Load()), at)
    return ast.copy_location(ast.Call(function, nodes, []), at)
