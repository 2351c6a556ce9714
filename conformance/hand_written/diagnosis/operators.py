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


def after_first(spot: Spot) -> Iterator[Edit]:
    """Let an array count at all but the first step of the loop: `h` becomes `h * (t > 0)`."""
    node = spot.node
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and spot.loops:
        yield spot.replaced(f"({ast.unparse(node)} * ({spot.loops[0]} > 0))")


def another_target(spot: Spot) -> Iterator[Edit]:
    """Assign to another variable of the function."""
    node = spot.node
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and spot.loops:
        for name in spot.names:
            if name != node.id and name not in spot.loops:
                yield spot.replaced(name)


def without_index(spot: Spot) -> Iterator[Edit]:
    """Replace `h[0]` by `h`."""
    node = spot.node
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield spot.replaced(node.value)


def added_up(spot: Spot) -> Iterator[Edit]:
    """Turn `g = x` into `g += x`."""
    node = spot.node
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and spot.loops:
        target = ast.unparse(node.targets[0])
        yield spot.replaced(f"{target} += {ast.unparse(node.value)}")
        yield spot.replaced(f"{target} = {target} + {operand(node.value)}")


def set_anew(spot: Spot) -> Iterator[Edit]:
    """Turn `g += x` into `g = x`."""
    node = spot.node
    if isinstance(node, ast.AugAssign):
        yield spot.replaced(f"{ast.unparse(node.target)} = {ast.unparse(node.value)}")


def left_out(spot: Spot) -> Iterator[Edit]:
    """Leave out a statement that changes something in place."""
    node = spot.node
    if isinstance(node, ast.AugAssign) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield spot.replaced("pass")
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = ast.unparse(node.targets[0])
        if any(isinstance(n, ast.expr) and ast.unparse(n) == target for n in ast.walk(node.value)):
            yield spot.replaced("pass")


def one_operand(spot: Spot) -> Iterator[Edit]:
    """Replace `2 * g` by `g`, `g / T` by `g`, `g + g` by `g`."""
    node = spot.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.Add, ast.Sub)):
        yield spot.replaced(node.left)
        if not isinstance(node.op, ast.Div):
            yield spot.replaced(node.right)


def with_the_other_sign(spot: Spot) -> Iterator[Edit]:
    """Turn `a - b` into `a + b`, and `-a` into `a`."""
    node = spot.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield spot.replaced(f"{operand(node.left)} + {operand(node.right)}")
    elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub):
        yield spot.replaced(f"{ast.unparse(node.target)} += {ast.unparse(node.value)}")
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield spot.replaced(node.operand)


def summed(spot: Spot) -> Iterator[Edit]:
    """Replace a mean by a sum, and `g` by `g.sum(axis=0)`."""
    node = spot.node
    if isinstance(node, ast.Attribute) and node.attr == "mean":
        yield spot.replaced(f"{operand(node.value)}.sum")
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield spot.replaced(f"{node.id}.sum(axis=0)")


def other_bounds(spot: Spot) -> Iterator[Edit]:
    """Let a range count through all steps."""
    node = spot.node
    if not isinstance(node, ast.Call) or ast.unparse(node.func) != "range":
        return
    args = [ast.unparse(argument) for argument in node.args]
    if len(args) == 3:
        start = node.args[0]
        lower = ast.unparse(start.left) if isinstance(start, ast.BinOp) else args[0]
        for first in dict.fromkeys((args[0], f"{lower} - 1", f"{args[0]} + 1")):
            for end in ("-1", "0"):
                if (first, end) != (args[0], args[1]):
                    yield spot.replaced(f"range({first}, {end}, {args[2]})")
    elif len(args) == 2:
        for first in ("0", "1"):
            yield spot.replaced(f"range({first}, {args[1]})")
        yield spot.replaced(f"range({args[0]}, {args[1]} + 1)")
    else:
        yield spot.replaced(f"range({args[0]} + 1)")


def backwards(spot: Spot) -> Iterator[Edit]:
    """Let a loop run from the last step to the first."""
    node = spot.node
    if isinstance(node, ast.For):
        text = ast.unparse(node.iter)
        counting = isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "range"
        yield spot.replacing(node.iter, f"reversed({text})" if counting else f"reversed(list({text}))")


def tanh_prime(spot: Spot) -> Iterator[Edit]:
    """Replace an expression by 1 − h² of what it reads."""
    node = spot.node
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.Mult, ast.Sub, ast.Pow)):
        return
    read = [n for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute, ast.Subscript))]
    for text in dict.fromkeys(ast.unparse(n) for n in read):
        yield spot.replaced(f"(1 - {text} ** 2)")
        yield spot.replaced(f"({text} > 0)")
    for name, by in product(spot.names, ("", " + 1", " - 1")):
        if spot.loops and name not in spot.loops and isinstance(node.op, ast.Sub):
            yield spot.replaced(f"(1 - {name}[{spot.loops[0]}{by}] ** 2)")
    if isinstance(node.op, ast.Mult) and isinstance(node.left, ast.BinOp):
        yield spot.replaced(f"{operand(node.left.left)} * (1 - {operand(node.left.right)} ** 2)")


def at_last_only(spot: Spot) -> Iterator[Edit]:
    """Let a product enter at the last step of the loop alone."""
    node = spot.node
    product_of = isinstance(node, ast.Call) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
    )
    if product_of and spot.loops and spot.steps:
        yield spot.replaced(f"({ast.unparse(node)} * ({spot.loops[0]} == {spot.steps} - 1))")


def joined_before(spot: Spot) -> Iterator[Edit]:
    """Turn `a * s + c` into `(a + c) * s`."""
    node = spot.node
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
        return
    for whole, rest in ((node.left, node.right), (node.right, node.left)):
        if isinstance(whole, ast.BinOp) and isinstance(whole.op, ast.Mult):
            for part, slope in ((whole.left, whole.right), (whole.right, whole.left)):
                yield spot.replaced(f"({operand(part)} + {operand(rest)}) * {operand(slope)}")


def with_more(spot: Spot) -> Iterator[Edit]:
    """Add to what is assigned in a loop something else that the function has."""
    node = spot.node
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and spot.loops:
        for name in spot.names:
            if name not in spot.loops:
                yield spot.replacing(node.value, f"{operand(node.value)} + {name}")


def outer_product(spot: Spot) -> Iterator[Edit]:
    """Turn `np.dot(a, b)` into `np.outer(a, b)`, and exchange the arguments of an outer product."""
    node = spot.node
    if isinstance(node, ast.Call) and len(node.args) == 2:
        one, other = map(ast.unparse, node.args)
        yield spot.replaced(f"np.outer({one}, {other})")
        yield spot.replaced(f"np.outer({other}, {one})")
