"""Expressions with one edit: what stands elsewhere in them, what else is in reach, other steps, slopes, transposes."""

import ast
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from conformance.hand_written.mending.calls import other_arguments
from conformance.hand_written.mending.forward.sites import STORED
from conformance.hand_written.mending.nodes import (
    ANYWHERE,
    binary,
    called,
    factors,
    is_a_home,
    less,
    matrix_product,
    method,
    named_in,
    number,
    only_if,
    parsed,
    plus,
    slopes,
    square,
    times,
    told,
    transposed,
    where,
    with_field,
)

SMALL = 1.31
"""What edits cost at most that are tried everywhere; the others only where those don't help."""

OF_ARRAYS = ("T", "sum", "mean", "dot", "reshape", "transpose", "copy")
"""What is asked of an array: the array may be another one."""

Put = Callable[[ast.expr], ast.expr]


class Variant(Struct, frozen=True):
    """An expression with one edit: what it costs, all of it, the node that went and the one that took its place."""

    cost: float
    whole: ast.expr
    old: ast.expr
    new: ast.expr


class Reach(Struct, frozen=True, kw_only=True):
    """What an edit of a unit may use: other values, sizes, functions of one value, loops around it, how they begin."""

    values: Mapping[str, ast.expr]
    terms: Mapping[str, ast.expr]
    sizes: Sequence[str]
    functions: Sequence[str]
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
        yield from slots(child, lambda new, f=field, n=index: put(with_field(node, f, n, new)))


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
            if isinstance(node.func, ast.Attribute) and not is_a_home(node.func.value):
                yield "func", None, node.func
        case ast.Attribute() if node.attr in OF_ARRAYS or not isinstance(node.value, ast.Name):
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


def shifted(node: ast.Subscript, loops: Sequence[str]) -> Iterator[ast.expr]:
    """Yield an entry of a sequence at other steps."""
    indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for n, index in enumerate(indices):
        fixed = index.value if isinstance(index, ast.Constant) else None
        if isinstance(index, ast.Slice) or (isinstance(index, ast.Constant) and type(fixed) is not int):
            continue
        own = told(index)
        texts = (
            [f"{own} - 1", f"{own} + 1"]
            if fixed is None
            else [str(fixed + 1), str(fixed - 1)][: 1 + (fixed > 0)]
        )
        if isinstance(index, ast.BinOp) and isinstance(index.right, ast.Constant):
            texts.insert(0, told(index.left))
        texts += [f"{loop}{by}" for loop in loops[:2] for by in ("", " - 1", " + 1")]
        for text in dict.fromkeys(texts):
            if text == own:
                continue
            new = parsed(text)
            whole = with_field(node.slice, "elts", n, new) if isinstance(node.slice, ast.Tuple) else new
            yield with_field(node, "slice", None, whole)


def _instead(node: ast.expr, reach: Reach, limit: float, *, root: bool) -> Iterator[tuple[float, ast.expr]]:
    """Yield what may stand in the place of a value, with its cost."""
    yield from _simple(node, reach)
    match node:
        case ast.Call():
            yield from _of_a_call(node)
            yield from other_arguments(node)
            yield from _slopes_of(named_in(node), 1.3)
        case ast.BinOp():
            yield from _of_an_operator(node)
            yield from _slopes_of(named_in(node), 1.3)
        case _:
            yield from _of_parts(node, reach)
    if root:
        for value in reach.values.values():
            yield 1.3, times(node, value)
            yield 1.3, plus(node, value)
    if limit > SMALL:
        yield from _rich(node, reach, root=root)


def _of_parts(node: ast.expr, reach: Reach) -> Iterator[tuple[float, ast.expr]]:
    """Yield parts of a value in its place, other parts, and its parts in another order."""
    match node:
        case ast.UnaryOp() if isinstance(node.op, ast.USub):
            yield 1, node.operand
        case ast.IfExp():
            yield 1, node.body
            yield 1, node.orelse
        case ast.Subscript():
            yield 1.1, node.value
            yield 1.2, method(node.value, "sum", axis=number(0))
            yield from ((1.2, each) for each in _other_parts(node, reach))
        case ast.Tuple() | ast.List():
            yield from ((1.1, each) for each in _turned(node))
        case ast.Attribute() if node.attr == "T":
            yield 1, node.value
        case _:
            pass


def _simple(node: ast.expr, reach: Reach) -> Iterator[tuple[float, ast.expr]]:
    if isinstance(node, STORED) and not (isinstance(node, ast.Attribute) and node.attr in OF_ARRAYS):
        if isinstance(node, ast.Subscript):
            yield from ((1, each) for each in shifted(node, reach.loops))
        yield from ((1.2, value) for value in reach.values.values())
        yield 1, transposed(node)
        yield from ((1.25, called(function, node)) for function in reach.functions)
        if reach.loops:
            yield 1.6, where(node, f"({reach.loops[0]} > 0)")


def _slopes_of(values: Mapping[str, ast.expr], cost: float) -> Iterator[tuple[float, ast.expr]]:
    """Yield the slopes of functions by their results, and that of tanh by what goes into it: an LSTM keeps c."""
    for value in values.values():
        yield from ((cost, slope) for slope in slopes(value))
        yield cost, less(square(called("np.tanh", value)))


def _of_a_call(node: ast.Call) -> Iterator[tuple[float, ast.expr]]:
    function = node.func
    if node.args and not isinstance(node.args[0], ast.Starred):
        yield 1, node.args[0]
    if len(node.args) == 2 and not any(isinstance(each, ast.Starred) for each in node.args):
        a, b = node.args
        outer = "outer" in ast.unparse(function)
        yield (1.0 if outer else 1.3), with_field(node, "args", None, [b, a])
        yield 1.2, called("np.outer", a, b)
        yield 1.3, called("np.outer", b, a)
        yield 1.2, transposed(node)
        yield 1.3, times(a, b)
    if isinstance(function, ast.Attribute):
        if function.attr == "mean":
            yield 1, with_field(node, "func", None, with_field(function, "attr", None, "sum"))
        if function.attr in ("sum", "dot", "mean", "reshape") and not is_a_home(function.value):
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
            yield from ((1.2, each) for each in _joined(node))
        case ast.Mult():
            yield 1.2, plus(left, right)
            yield 1.3, binary(left, ast.MatMult(), right)
            yield 1.3, called("np.outer", left, right)
            yield from _of_a_product(node)
        case _:
            pass


def _joined(node: ast.BinOp) -> Iterator[ast.expr]:
    """Yield (a ± c) * s of a * s ± c and of c ± a * s, and f(a ± c) of f(a) ± c."""
    for whole, other, first in ((node.left, node.right, True), (node.right, node.left, False)):
        if isinstance(whole, ast.BinOp) and isinstance(whole.op, ast.Mult):
            for a, s in ((whole.left, whole.right), (whole.right, whole.left)):
                yield times(binary(a, node.op, other) if first else binary(other, node.op, a), s)
        if isinstance(whole, ast.Call) and first:
            for n, each in enumerate(whole.args):
                if not isinstance(each, ast.Starred):
                    arguments = [*whole.args[:n], binary(each, node.op, other), *whole.args[n + 1 :]]
                    yield with_field(whole, "args", None, arguments)


def _other_parts(node: ast.Subscript, reach: Reach) -> Iterator[ast.expr]:
    """Yield other halves of what is sliced, up to a size or from it on."""
    indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for n, index in enumerate(indices):
        if not isinstance(index, ast.Slice) or (index.lower is None and index.upper is None):
            continue
        for size in reach.sizes:
            for bounds in ((None, parsed(size)), (parsed(size), None)):
                part = ast.Slice(*bounds, None, **ANYWHERE)
                whole = with_field(node.slice, "elts", n, part) if isinstance(node.slice, ast.Tuple) else part
                yield with_field(node, "slice", None, whole)


def _turned(node: ast.Tuple | ast.List) -> Iterator[ast.expr]:
    """Yield what stands side by side in another order: two have changed places."""
    for one, other in itertools.combinations(range(len(node.elts)), 2):
        elements = list(node.elts)
        elements[one], elements[other] = elements[other], elements[one]
        yield with_field(node, "elts", None, elements)


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
