"""Expressions made of others: operators, calls, slopes; none is ever changed, so that they share their parts."""

import ast
from functools import lru_cache
from typing import Any

from conformance.hand_written.mending.forward.sites import NUMPY, STORED

ANYWHERE = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
"""Where nodes say they are that are in no source; the compiler wants a place."""


def is_a_home(node: ast.expr) -> bool:
    """Return whether a name is one of modules or of the object itself, which hold functions."""
    return isinstance(node, ast.Name) and node.id in (*NUMPY, "self", "cls")


def with_field(node: ast.expr, field: str, index: int | None, new: Any) -> Any:
    """Return a node with another value of one field, or of one entry of it."""
    fields = {name: getattr(node, name) for name in node._fields}
    if index is None:
        fields[field] = new
    else:
        fields[field] = [*fields[field][:index], new, *fields[field][index + 1 :]]
    return type(node)(**fields, **ANYWHERE)


@lru_cache(maxsize=20_000)
def parsed(text: str) -> ast.expr:
    """Return the expression that a text is; it is shared, and must not be changed."""
    return ast.parse(text, mode="eval").body


@lru_cache(maxsize=20_000)
def told(node: ast.expr) -> str:
    """Return the text of an expression."""
    return ast.unparse(node)


def binary(left: ast.expr, operator: ast.operator, right: ast.expr) -> ast.expr:
    """Return left ∘ right."""
    return ast.BinOp(left, operator, right, **ANYWHERE)


def times(left: ast.expr, right: ast.expr) -> ast.expr:
    """Return left * right."""
    return binary(left, ast.Mult(), right)


def plus(left: ast.expr, right: ast.expr) -> ast.expr:
    """Return left + right."""
    return binary(left, ast.Add(), right)


def matrix_product(left: ast.expr, right: ast.expr) -> ast.expr:
    """Return left @ right."""
    return binary(left, ast.MatMult(), right)


def number(value: int) -> ast.expr:
    """Return a number."""
    return ast.Constant(value, **ANYWHERE)


def less(value: ast.expr) -> ast.expr:
    """Return 1 - value."""
    return binary(number(1), ast.Sub(), value)


def square(value: ast.expr) -> ast.expr:
    """Return value ** 2."""
    return binary(value, ast.Pow(), number(2))


def transposed(value: ast.expr) -> ast.expr:
    """Return value.T."""
    return ast.Attribute(value, "T", ast.Load(), **ANYWHERE)


def called(text: str, *arguments: ast.expr) -> ast.expr:
    """Return the call of a function that is named by `text`."""
    return ast.Call(parsed(text), list(arguments), [], **ANYWHERE)


def method(value: ast.expr, name: str, *arguments: ast.expr, **named: ast.expr) -> ast.expr:
    """Return the call of a method of a value."""
    function = ast.Attribute(value, name, ast.Load(), **ANYWHERE)
    keywords = [ast.keyword(key, each, **ANYWHERE) for key, each in named.items()]
    return ast.Call(function, list(arguments), keywords, **ANYWHERE)


def where(value: ast.expr, test: str) -> ast.expr:
    """Return value * (test)."""
    return times(value, parsed(test))


def only_if(value: ast.expr, test: str) -> ast.expr:
    """Return value if test else 0."""
    return ast.IfExp(parsed(test), value, number(0), **ANYWHERE)


def slopes(value: ast.expr) -> list[ast.expr]:
    """Return the slopes of tanh, sigmoid and ReLU by their results."""
    positive = ast.Compare(value, [ast.Gt()], [number(0)], **ANYWHERE)
    return [less(square(value)), times(value, less(value)), positive]


def factors(node: ast.expr) -> list[ast.expr]:
    """Return what a product is made of."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors(node.left), *factors(node.right)]
    return [node]


@lru_cache(maxsize=20_000)
def named_in(node: ast.expr) -> dict[str, ast.expr]:
    """Return the values that an expression names, by their texts."""
    found: dict[str, ast.expr] = {}
    for each in ast.walk(node):
        read = isinstance(each, STORED) and isinstance(each.ctx, ast.Load)
        if read and not is_a_home(each) and not (isinstance(each, ast.Attribute) and each.attr == "T"):
            found.setdefault(told(each), each)
    return found
