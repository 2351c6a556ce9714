"""Calls with their arguments put into variables first, so that what a call does to what it is handed can be seen."""

import ast
import re
from functools import lru_cache

from msgspec import Struct

KNOWN = (
    (r"x", "x"),
    (r"y", "y"),
    (r".*\bp\.targets.*|.*\((y|p\.y|p\.prob) - .*", "targets"),
    (r".*\bp\.d_y.*", "dL/dy"),
    (r".*\bp\.d_h_n\b.*", "dL/dh_n"),
    (r".*\bp\.d_h\b.*", "dL/dh"),
    (r".*\bp\.h_0.*", "h_0"),
    (r"result\b.*", ""),  # by its own expression
)
"""What a reader calls an argument, by a pattern of its expression. Weights aren't held."""


class Handed(Struct, frozen=True, kw_only=True):
    """One line: what fills its variables, the call that is given them, and what a reader calls each."""

    before: tuple[str, ...]
    call: str
    held: dict[str, str]


@lru_cache(maxsize=200)
def handed(line: str, place: str) -> Handed:
    """Return `line` with the arguments that its caller owns in variables, whose names begin with `place`.

    >>> handed("grads = model.backward(p.d_h, params)", "a")
    Handed(before=('a0 = p.d_h',), call='grads = model.backward(a0, params)', held={'a0': 'dL/dh'})
    """
    tree = ast.parse(line)
    call = getattr(tree.body[0], "value", None) if len(tree.body) == 1 else None
    if not isinstance(call, ast.Call) or not isinstance(tree.body[0], (ast.Assign, ast.Expr)):
        return Handed(before=(), call=line, held={})
    before, held = [], {}
    for n, argument in enumerate([*call.args, *(keyword.value for keyword in call.keywords)]):
        text = ast.unparse(argument)
        name = next((name for pattern, name in KNOWN if re.fullmatch(pattern, text)), None)
        if name is None:
            continue
        variable = f"{place}{n}"
        before.append(f"{variable} = {text}")
        held[variable] = name or f"forward's {text}"
        _put(call, argument, ast.Name(variable))
    return Handed(before=tuple(before), call=ast.unparse(tree), held=held)


def _put(call: ast.Call, argument: ast.expr, other: ast.expr) -> None:
    """Put another argument in the place of one."""
    call.args = [other if each is argument else each for each in call.args]
    for keyword in call.keywords:
        if keyword.value is argument:
            keyword.value = other
