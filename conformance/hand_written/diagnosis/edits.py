"""`Edit`: one expression or statement of a source replaced by another; and the places where that may be done."""

import ast
from collections.abc import Iterator
from itertools import accumulate

from msgspec import Struct

Loops = tuple[str, ...]
"""The variables of loops, those of the innermost first."""


class Edit(Struct, frozen=True, kw_only=True):
    """A piece of text within the lines of a file, and what stands there instead."""

    file: str
    line: int  # from 1, as the file shows it
    start: tuple[int, int]  # line and column in UTF-8 bytes, from 1 and 0
    end: tuple[int, int]
    replacement: str

    def applied(self, text: str) -> str:
        """Return `text` with the edit made; the number of its lines stays."""
        lines = [line.encode() for line in text.splitlines(keepends=True)]
        (first, left), (last, right) = self.start, self.end
        before, after, middle = lines[first - 1][:left], lines[last - 1][right:], self.replacement
        if before.endswith(b"(") and after.startswith(b")") and _enclosed(middle):
            middle = middle[1:-1]
        whole = before + middle.encode() + after
        lines[first - 1 : last] = [whole] + [b"\n"] * (last - first)
        return b"".join(lines).decode()

    def shown(self, text: str) -> tuple[str, str]:
        """Return the line as it stands and as it is mended, without their indentation."""
        return (
            text.splitlines()[self.line - 1].strip(),
            self.applied(text).splitlines()[self.line - 1].strip(),
        )


class Spot(Struct, frozen=True, kw_only=True):
    """One node of a function, with what stands around it.

    `loops` are the variables of the loops around it, the innermost first, and `names` all that the function binds.
    """

    file: str
    function: str
    node: ast.expr | ast.stmt
    loops: Loops
    names: tuple[str, ...]

    def replaced(self, replacement: ast.AST | str) -> Edit:
        """Return the edit that puts something else in place of this node."""
        return self.replacing(self.node, replacement)

    def replacing(self, node: ast.expr | ast.stmt, replacement: ast.AST | str) -> Edit:
        """Return the edit that puts something else in place of `node`."""
        text = replacement if isinstance(replacement, str) else operand(replacement)
        return Edit(
            file=self.file,
            line=node.lineno,
            start=(node.lineno, node.col_offset),
            end=(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset),
            replacement=text,
        )


def _enclosed(text: str) -> bool:
    """Return whether one pair of parentheses encloses all of an expression."""
    depths = accumulate((letter == "(") - (letter == ")") for letter in text[:-1])
    return text.startswith("(") and all(depths)


def spots(file: str, text: str) -> Iterator[Spot]:
    """Yield every node of every function in a source."""
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names = tuple(dict.fromkeys(_bound(function)))
            for statement in function.body:
                for node, loops in _within(statement, ()):
                    yield Spot(file=file, function=function.name, node=node, loops=loops, names=names)


def _within(node: ast.AST, loops: Loops) -> Iterator[tuple[ast.expr | ast.stmt, Loops]]:
    """Yield the expressions and statements of a node, with the loops around each."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return
    if isinstance(node, (ast.expr, ast.stmt)):
        yield node, loops
    inside = loops
    if isinstance(node, ast.For):
        inside = (*(n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)), *loops)
    for name, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        for child in children:
            if isinstance(child, ast.AST):
                yield from _within(child, inside if name == "body" else loops)


def _bound(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Yield what a function calls things: its arguments and local variables, and attributes that it reads."""
    for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
        if argument.arg not in ("self", "cls"):
            yield argument.arg
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            yield ast.unparse(node)


def operand(node: ast.AST) -> str:
    """Return the text of an expression, in parentheses where an operator beside it would take it apart."""
    text = ast.unparse(node)
    return f"({text})" if isinstance(node, (ast.BinOp, ast.IfExp, ast.Compare)) else text
