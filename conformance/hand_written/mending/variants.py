"""Expressions with one edit: what stands elsewhere in them, what else is in reach, other steps, slopes, transposes."""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from conformance.hand_written.mending.forward.sites import NUMPY, STORED

SMALL = 1.31
"""What edits cost at most that are tried everywhere; the others only where those don't help."""

ANYWHERE = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
"""Where nodes say they are that are in no source; the compiler wants a place."""

Put = Callable[[ast.expr], ast.expr]


class Variant(Struct, frozen=True):
    """An expression with one edit: what it costs, all of it, the node that went and the one that took its place."""

    cost: float
    whole: ast.expr
    old: ast.expr
    new: ast.expr


class Reach(Struct, frozen=True, kw_only=True):
    """What an edit of a unit may use: other values, the variables of loops around it, and how they begin."""

    values: Mapping[str, ast.expr]
    terms: Mapping[str, ast.expr]
    loops: Sequence[str]
    begins: str


def variants(expression: ast.expr, reach: Reach, *, limit: float) -> Iterator[Variant]:
    """Yield an expression with every edit that costs at most `limit`."""
    for node, put in slots(expression, lambda new: new):
        root = node is expression
        for cost, new in _instead(node, reach, limit, root=root):
            if cost <= limit:
                yield Variant(cost, put(new), node, new)


def slots(node: ast.expr, put: Put) -> Iterator[tuple[ast.expr, Put]]:
    """Yield every value in an expression, the whole first, with what puts another in its place."""
    yield node, put
    for field, index, child in _children(node):
        yield from slots(child, lambda new, f=field, n=index: put(_with(node, f, n, new)))


def _children(node: ast.expr) -> Iterator[tuple[str, int | None, ast.expr]]:
    match node:
        case ast.BinOp():
            yield "left", None, node.left
            yield "right", None, node.right
        case ast.UnaryOp():
            yield "operand", None, node.operand
        case ast.Call():
            yield from (
                ("args", n, each) for n, each in enumerate(node.args) if not isinstance(each, ast.Starred)
            )
            if isinstance(node.func, ast.Attribute) and not _is_a_home(node.func.value):
                yield "func", None, node.func
        case ast.Attribute() if node.attr == "T" or not isinstance(node.value, ast.Name):
            yield "value", None, node.value
        case ast.Tuple() | ast.List():
            yield from (("elts", n, each) for n, each in enumerate(node.elts))
        case ast.IfExp():
            yield "body", None, node.body
            yield "orelse", None, node.orelse
        case ast.Compare():
            yield "left", None, node.left
            yield from (("comparators", n, each) for n, each in enumerate(node.comparators))
        case ast.Subscript() if not isinstance(node.value, (ast.Name, ast.Attribute)):
            yield "value", None, node.value
        case _:
            return


def _is_a_home(node: ast.expr) -> bool:
    """Return whether a name is one of modules or of the object itself, which hold functions."""
    return isinstance(node, ast.Name) and node.id in (*NUMPY, "self", "cls")


def _with(node: ast.expr, field: str, index: int | None, new: Any) -> Any:
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


def shifted(node: ast.Subscript, loops: Sequence[str]) -> Iterator[ast.expr]:
    """Yield an entry of a sequence at other steps."""
    indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for n, index in enumerate(indices):
        if isinstance(index, (ast.Slice, ast.Constant)) and not isinstance(index, ast.UnaryOp):
            continue
        own = told(index)
        texts = [f"{own} - 1", f"{own} + 1"]
        if isinstance(index, ast.BinOp) and isinstance(index.right, ast.Constant):
            texts.insert(0, told(index.left))
        texts += [f"{loop}{by}" for loop in loops[:2] for by in ("", " - 1", " + 1")]
        for text in dict.fromkeys(texts):
            if text == own:
                continue
            new = parsed(text)
            whole = _with(node.slice, "elts", n, new) if isinstance(node.slice, ast.Tuple) else new
            yield _with(node, "slice", None, whole)


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
        if read and not _is_a_home(each) and not (isinstance(each, ast.Attribute) and each.attr == "T"):
            found.setdefault(told(each), each)
    return found


def _instead(node: ast.expr, reach: Reach, limit: float, *, root: bool) -> Iterator[tuple[float, ast.expr]]:
    """Yield what may stand in the place of a value, with its cost."""
    yield from _simple(node, reach)
    match node:
        case ast.Call():
            yield from _of_a_call(node)
            yield from _slopes_of(named_in(node), 1.3)
        case ast.BinOp():
            yield from _of_an_operator(node)
            yield from _slopes_of(named_in(node), 1.3)
        case ast.UnaryOp() if isinstance(node.op, ast.USub):
            yield 1, node.operand
        case ast.IfExp():
            yield 1, node.body
            yield 1, node.orelse
        case ast.Subscript():
            yield 1.1, node.value
        case ast.Attribute() if node.attr == "T":
            yield 1, node.value
        case _:
            pass
    if root:
        for value in reach.values.values():
            yield 1.3, times(node, value)
            yield 1.3, plus(node, value)
    if limit > SMALL:
        yield from _rich(node, reach, root=root)


def _simple(node: ast.expr, reach: Reach) -> Iterator[tuple[float, ast.expr]]:
    if isinstance(node, STORED) and not (isinstance(node, ast.Attribute) and node.attr == "T"):
        if isinstance(node, ast.Subscript):
            yield from ((1, each) for each in shifted(node, reach.loops))
        yield from ((1.2, value) for value in reach.values.values())
        yield 1, transposed(node)
        if reach.loops:
            yield 1.6, where(node, f"({reach.loops[0]} > 0)")


def _slopes_of(values: Mapping[str, ast.expr], cost: float) -> Iterator[tuple[float, ast.expr]]:
    for value in values.values():
        yield from ((cost, slope) for slope in slopes(value))


def _of_a_call(node: ast.Call) -> Iterator[tuple[float, ast.expr]]:
    function = node.func
    if node.args and not isinstance(node.args[0], ast.Starred):
        yield 1, node.args[0]
    if len(node.args) == 2 and not any(isinstance(each, ast.Starred) for each in node.args):
        a, b = node.args
        outer = "outer" in ast.unparse(function)
        yield (1.0 if outer else 1.3), _with(node, "args", None, [b, a])
        yield 1.2, called("np.outer", a, b)
        yield 1.3, called("np.outer", b, a)
        yield 1.2, transposed(node)
        yield 1.3, times(a, b)
    if isinstance(function, ast.Attribute):
        if function.attr == "mean":
            yield 1, _with(node, "func", None, _with(function, "attr", None, "sum"))
        if function.attr in ("sum", "dot", "mean", "reshape") and not _is_a_home(function.value):
            yield 1.1, function.value


def _of_an_operator(node: ast.BinOp) -> Iterator[tuple[float, ast.expr]]:
    left, right = node.left, node.right
    yield 1, left
    yield 1, right
    match node.op:
        case ast.MatMult():
            yield 1, transposed(node)
            yield 1.3, matrix_product(right, left)
        case ast.Add():
            yield 1, binary(left, ast.Sub(), right)
            yield 1.2, times(left, right)
            yield from ((1.4, each) for each in _joined(node))
        case ast.Sub():
            yield 1, plus(left, right)
            yield 1, binary(right, ast.Sub(), left)
            yield 1, binary(left, ast.Sub(), square(right))
        case ast.Mult():
            yield 1.2, plus(left, right)
            yield 1.3, binary(left, ast.MatMult(), right)
            yield 1.3, called("np.outer", left, right)
            yield from _of_a_product(node)
        case _:
            pass


def _joined(node: ast.BinOp) -> Iterator[ast.expr]:
    """Yield (a + c) * s of a * s + c."""
    for whole, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(whole, ast.BinOp) and isinstance(whole.op, ast.Mult):
            for a, s in ((whole.left, whole.right), (whole.right, whole.left)):
                yield times(plus(a, other), s)


def _of_a_product(node: ast.BinOp) -> Iterator[tuple[float, ast.expr]]:
    """Yield a product of three factors and more without one of them, or with a slope in the place of two."""
    parts = factors(node)
    if len(parts) <= 2:
        return
    for n in range(len(parts)):
        yield 1, _multiplied([*parts[:n], *parts[n + 1 :]])
    for n in range(len(parts) - 1):
        for value in (named_in(parts[n]) | named_in(parts[n + 1])).values():
            for slope in slopes(value):
                yield 1.2, _multiplied([*parts[:n], slope, *parts[n + 2 :]])


def _multiplied(parts: Sequence[ast.expr]) -> ast.expr:
    whole = parts[0]
    for part in parts[1:]:
        whole = times(whole, part)
    return whole


def _rich(node: ast.expr, reach: Reach, *, root: bool) -> Iterator[tuple[float, ast.expr]]:
    """Yield edits that put something new in: slopes of any value, factors, terms, sums and signs."""
    if isinstance(node, (ast.BinOp, ast.Call)):
        own = named_in(node)
        yield from _slopes_of({text: value for text, value in reach.values.items() if text not in own}, 1.6)
    if root:
        yield from ((1.7, plus(node, term)) for term in reach.terms.values())
    if isinstance(node, ast.Call) and node.args and not isinstance(node.args[0], ast.Starred):
        for value in reach.values.values():
            yield from ((1.8, times(node.args[0], slope)) for slope in slopes(value))
    if isinstance(node, STORED):
        yield 1.5, times(node, less(node))
        yield 1.5, square(node)
        yield 1.7, less(node)
        yield 1.7, less(square(node))
    yield 1.4, ast.UnaryOp(ast.USub(), node, **ANYWHERE)
    zero, one, kept = number(0), number(1), ast.Constant(value=True, **ANYWHERE)
    yield 1.3, method(node, "sum", zero)
    yield 1.3, method(node, "sum", axis=one, keepdims=kept)
    yield 1.4, method(node, "sum", axis=zero, keepdims=kept)
    for value in reach.values.values():
        yield (1.5 if root else 1.7), plus(node, value)
        yield 1.5, times(node, value)
        yield 1.9, times(node, less(value))
        tanh, _, relu = slopes(value)
        yield 1.8, times(node, tanh)
        yield 1.8, times(times(node, value), less(value))
        yield 1.8, times(node, relu)
    if reach.loops:
        yield 1.7, where(node, f"({reach.loops[0]} > 0)")
        if reach.begins:
            yield 1.6, where(node, reach.begins) if root else only_if(node, reach.begins)
