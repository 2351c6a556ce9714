"""A mutant planted into the running program: the code of its function is replaced wherever the function is held."""

import ast
import gc
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType

from mutation.mutants import Mutant

Functions = Mapping[tuple[str, str], list[FunctionType]]
"""The functions of a file by path and qualified name: one, or several where its module was imported anew."""


def functions_in(paths: list[Path]) -> Functions:
    """Find every function of these files that is alive."""
    files = {str(path.resolve()): path.as_posix() for path in paths}
    found: dict[tuple[str, str], list[FunctionType]] = {}
    for candidate in gc.get_objects():
        if type(candidate) is FunctionType and (name := files.get(candidate.__code__.co_filename)):
            found.setdefault((name, candidate.__code__.co_qualname), []).append(candidate)
    return found


def plant(mutant: Mutant, functions: Functions) -> None:
    """Put the mutant's code and defaults in the place of the original's.

    Raises
    ------
    LookupError
        If no function of that name is alive, or what has that name isn't one function.
    """
    held = functions.get((mutant.path.as_posix(), mutant.function), [])
    if len({function.__code__ for function in held}) != 1:
        message = f"{mutant.path} {mutant.function} must be one function that the tests have imported."
        raise LookupError(message)
    code, default = mutant.code(), mutant.changed_default()
    for function in held:
        function.__code__ = code
        if default is not None:
            _set_default(function, *default)


def _set_default(function: FunctionType, name: str, expression: ast.expr) -> None:
    expected = compile(ast.Expression(expression), function.__code__.co_filename, "eval")
    value = eval(expected, function.__globals__)  # noqa: S307 - a part of the program itself
    if function.__kwdefaults__ and name in function.__kwdefaults__:
        function.__kwdefaults__ = {**function.__kwdefaults__, name: value}
        return
    code, defaults = function.__code__, list(function.__defaults__ or ())
    positional = code.co_varnames[: code.co_argcount]
    defaults[positional.index(name) - len(positional)] = value
    function.__defaults__ = tuple(defaults)
