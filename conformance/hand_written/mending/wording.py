"""What a fix changes, in words: it names the mistake where no catalogue does."""

import ast
import itertools
from collections.abc import Sequence
from typing import TypeGuard

from conformance.hand_written.mending.fixes import Fix
from conformance.hand_written.mending.forward.sites import STORED
from conformance.hand_written.mending.variants import OF_ARRAYS

OPPOSITE = {ast.Add: "term", ast.Mult: "factor"}
"""What the sides of an operator are called that may be missing."""


def in_words(fix: Fix) -> str:
    """Return what was wrong in the lines of a fix.

    >>> in_words(Fix(file="f.py", first=1, before=("d = W @ e",), after=("d = W.T @ e",)))
    'W must be transposed'
    >>> in_words(Fix(file="f.py", first=1, before=("d = e @ self.U.T",), after=("d = e @ self.U",)))
    'self.U must not be transposed'
    """
    before, after = (_statement(lines) for lines in (fix.before, fix.after))
    if before is None or after is None:
        return _of_whole_lines(fix)
    if isinstance(before, ast.For) and isinstance(after, ast.For):
        return f"the loop must go over {ast.unparse(after.iter)}"
    if isinstance(before, (ast.Assign, ast.AugAssign)) and type(before) is not type(after):
        target = ast.unparse(before.targets[0] if isinstance(before, ast.Assign) else before.target)
        return f"{target} must be {'added up' if isinstance(after, ast.AugAssign) else 'set, not added up'}"
    pair = _difference(before, after)
    return "" if pair is None else _of_expressions(*pair)


def _statement(lines: Sequence[str]) -> ast.stmt | None:
    """Return the one statement that lines are, or a loop that they open; None for anything else."""
    text = "\n".join(lines).strip()
    for tried in (text, f"{text} pass"):
        try:
            body = ast.parse(tried).body
        except SyntaxError:
            continue
        return body[0] if len(body) == 1 else None
    return None


def _of_whole_lines(fix: Fix) -> str:
    lines = " ".join(line.strip() for line in fix.before), "; ".join(line.strip() for line in fix.after)
    if not fix.before:
        return f"{lines[1]} is missing"
    return f"{lines[0]} must not be there" if not fix.after else ""


def _difference(before: ast.AST, after: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """Return the smallest expressions in which two trees differ, None where they don't or differ in more."""
    if ast.dump(before) == ast.dump(after):
        return None
    if isinstance(before, ast.expr) and isinstance(after, ast.expr) and _is_transposed(before, of=after):
        return before, after
    if type(before) is type(after):
        children = list(itertools.zip_longest(ast.iter_child_nodes(before), ast.iter_child_nodes(after)))
        changed = [
            (one, other)
            for one, other in children
            if one is None or other is None or ast.dump(one) != ast.dump(other)
        ]
        if len(changed) == 1 and all(isinstance(each, ast.expr) for each in changed[0]):
            inner = _difference(*changed[0])
            if inner is not None and (not isinstance(before, STORED) or _is_of_an_array(before)):
                return inner
    if isinstance(before, ast.expr) and isinstance(after, ast.expr):
        return before, after
    return None


def _of_expressions(before: ast.expr, after: ast.expr) -> str:
    old, new = ast.unparse(before), ast.unparse(after)
    if _is_transposed(after, of=before):
        return f"{old} must be transposed"
    if _is_transposed(before, of=after):
        return f"{new} must not be transposed"
    for whole, part, verb in ((after, before, "is missing"), (before, after, "is one too many")):
        if (side := _beside(whole, ast.unparse(part))) is not None:
            return f"the {OPPOSITE[type(whole.op)]} {ast.unparse(side)} {verb}"  # type: ignore[attr-defined]
    if isinstance(after, ast.IfExp) and ast.unparse(after.body) == old:
        return f"{old} belongs only where {ast.unparse(after.test)}"
    return f"{new} belongs in the place of {old}"


def _is_transposed(node: ast.expr, *, of: ast.expr) -> bool:
    return _is_a_transpose(node) and ast.dump(node.value) == ast.dump(of)


def _is_a_transpose(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and node.attr == "T"


def _is_of_an_array(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in OF_ARRAYS


def _beside(whole: ast.expr, part: str) -> ast.expr | None:
    """Return the other side of a sum or product of which one side is `part`."""
    if not isinstance(whole, ast.BinOp) or type(whole.op) not in OPPOSITE:
        return None
    if ast.unparse(whole.left) == part:
        return whole.right
    return whole.left if ast.unparse(whole.right) == part else None
