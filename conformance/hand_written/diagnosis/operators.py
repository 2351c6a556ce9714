"""Ways of mending one place of a source: each yields the edits that it can make at a spot."""

import ast
from collections.abc import Callable, Iterator
from itertools import product

from conformance.hand_written.diagnosis.edits import Edit, Spot, operand

Operator = Callable[[Spot], Iterator[Edit]]


def unwrapped(spot: Spot) -> Iterator[Edit]:
    """Replace f(x) by x: `np.tanh(h)` by `h`, `np.clip(g, -1, 1)` by `g`, `np.zeros_like(d)` by `d`."""
    node = spot.node
    if isinstance(node, ast.Call) and node.args and not isinstance(node.args[0], ast.Starred):
        yield spot.replaced(node.args[0])


def transposed(spot: Spot) -> Iterator[Edit]:
    """Take `.T` away, or put it where there is none; exchange the arguments of an outer product."""
    node = spot.node
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield spot.replaced(node.value)
    elif isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Load):
        yield spot.replaced(f"{ast.unparse(node)}.T")
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield spot.replaced(f"({ast.unparse(node)}).T")
    elif isinstance(node, ast.Call) and len(node.args) == 2:
        yield spot.replaced(f"{ast.unparse(node)}.T")


def at_another_step(spot: Spot) -> Iterator[Edit]:
    """Index a sequence with the loop's own step, or the one before or after."""
    node = spot.node
    if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
        return
    for index in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
        if isinstance(index, ast.Slice):
            continue
        text = ast.unparse(index)
        shifts = [f"{text} - 1", f"{text} + 1"]
        if isinstance(index, ast.BinOp) and isinstance(index.right, ast.Constant):
            shifts.insert(0, ast.unparse(index.left))
        loops = [f"{t}{by}" for t in spot.loops[:2] for by in ("", " - 1", " + 1")]
        for other in dict.fromkeys([*shifts, *loops]):
            if other != text:
                yield spot.replacing(index, other)


def of_a_sequence(spot: Spot) -> Iterator[Edit]:
    """Replace a variable by what a sequence holds at the loop's step: `h` by `hs[t]`, `hs[t - 1]`, `hs[t + 1]`."""
    node = spot.node
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load) or not spot.loops:
        return
    for name, by in product(spot.names, ("", " - 1", " + 1")):
        if name != node.id and name not in spot.loops:
            yield spot.replaced(f"{name}[{spot.loops[0]}{by}]")


def another_name(spot: Spot) -> Iterator[Edit]:
    """Replace one variable by another one of the function."""
    node = spot.node
    if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
        text = ast.unparse(node)
        for name in spot.names:
            if text in spot.names and name != text and name not in spot.loops:
                yield spot.replaced(name)


def one_operand(spot: Spot) -> Iterator[Edit]:
    """Replace `2 * g` by `g`, `g / T` by `g`, `g + g` by `g`."""
    node = spot.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.Add, ast.Sub)):
        yield spot.replaced(node.left)
        if not isinstance(node.op, ast.Div):
            yield spot.replaced(node.right)


def with_more(spot: Spot) -> Iterator[Edit]:
    """Add to what is assigned in a loop something else that the function has."""
    node = spot.node
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and spot.loops:
        for name in spot.names:
            if name not in spot.loops:
                yield spot.replacing(node.value, f"{operand(node.value)} + {name}")
