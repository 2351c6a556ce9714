"""Edits of whole statements: added up for set anew, left out, a loop over other steps, a sum that is never made."""

import ast
import itertools
from collections.abc import Iterator

from msgspec import Struct

from conformance.hand_written.mending.changes import Change, segment
from conformance.hand_written.mending.functions import Function
from conformance.hand_written.mending.nodes import named_in
from conformance.hand_written.mending.units import Unit

SUMS = ("{}", "{}.sum(0)", "{}.sum(axis=0, keepdims=True)", "{}.sum(axis=1, keepdims=True)")
"""What may be added to the gradient of a bias at a step."""

UNWRITTEN = ("empty", "empty_like")
"""NumPy's functions that give memory as it is."""


class Rewritten(Struct, frozen=True):
    """A source with one statement edited, and what that costs."""

    cost: float
    source: str


def rewritten(unit: Unit, source: str, *, rich: bool) -> Iterator[Rewritten]:
    """Yield a source with the statement of a unit added up, set anew or left out."""
    node = unit.statement
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and unit.holder is node:
        target = segment(node.targets[0], source)
        if unit.loops and not isinstance(node.targets[0], ast.Tuple):
            value = segment(node.value, source)
            yield Rewritten(1.1, Change.of(node, f"{target} += {value}").applied(source))
            added = Change.of(node, f"{target} += {value}").applied(source)
            yield Rewritten(1.3, before(_outermost(unit.function.node, node), f"{target} = 0", added))
        if rich or ast.unparse(node.targets[0]) in named_in(node.value):
            yield Rewritten(1.2, without(node, unit.function, source))
    elif isinstance(node, ast.AugAssign):
        target = segment(node.target, source)
        value = segment(node.value, source)
        yield from _added_at(node, source)
        if rich:
            yield from _begun_anew(node, unit, source)
        yield Rewritten(1.1, Change.of(node, f"{target} = {value}").applied(source))
        yield Rewritten(1.2, without(node, unit.function, source))
        if not isinstance(node.op, ast.Add):
            yield Rewritten(1.1, Change.of(node, f"{target} += {value}").applied(source))


def _added_at(node: ast.AugAssign, source: str) -> Iterator[Rewritten]:
    """Yield a source that adds to rows by np.add.at: `a[rows] += v` counts a row that is there twice once."""
    if isinstance(node.target, ast.Subscript) and isinstance(node.op, ast.Add):
        array, index, value = (
            segment(each, source) for each in (node.target.value, node.target.slice, node.value)
        )
        yield Rewritten(1.1, Change.of(node, f"np.add.at({array}, {index}, {value})").applied(source))


def _begun_anew(node: ast.AugAssign, unit: Unit, source: str) -> Iterator[Rewritten]:
    """Yield a source in which what an inner loop adds up begins from zeros each time."""
    loops = [each for each in ast.walk(unit.function.node) if isinstance(each, ast.For)]
    around = [each for each in loops if any(inside is node for inside in ast.walk(each))]
    if len(around) > 1:
        target = segment(node.target, source)
        yield Rewritten(1.4, before(around[-1], f"{target} = np.zeros_like({target})", source))


def without(node: ast.stmt, function: Function, source: str) -> str:
    """Return a source without a statement: its lines where it stands alone on them, else `pass` in its place."""
    lines = source.split("\n")
    last = node.end_lineno or node.lineno
    before = lines[node.lineno - 1].encode()[: node.col_offset].strip()
    after = lines[last - 1].encode()[node.end_col_offset or 0 :].strip()
    alone = not before and (not after or after.startswith(b"#"))
    if alone and any(node in block and len(block) > 1 for block in _blocks(function.node)):
        return "\n".join([*lines[: node.lineno - 1], *lines[last:]])
    return Change.of(node, "pass").applied(source)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for each in ast.walk(node):
        for name in ("body", "orelse"):
            block = getattr(each, name, None)
            if isinstance(block, list):
                yield block


def relooped(function: Function, source: str) -> Iterator[Rewritten]:
    """Yield a source in which a loop of a function goes over other steps, or the other way round."""
    for loop in (node for node in ast.walk(function.node) if isinstance(node, ast.For)):
        told = ast.unparse(loop.iter)
        for text in dict.fromkeys(_other_steps(loop.iter, told)):
            if text != told:
                yield Rewritten(1.3, Change.of(loop.iter, text).applied(source))


def _other_steps(iterated: ast.expr, told: str) -> Iterator[str]:
    if isinstance(iterated, ast.Call):
        if ast.unparse(iterated.func) == "reversed" and len(iterated.args) == 1:
            yield ast.unparse(iterated.args[0])
        plain = ast.unparse(iterated.func) == "range"
        yield f"reversed({told})" if plain else f"reversed(list({told}))"
    for node in ast.walk(iterated):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
            for text in _other_ranges(node):
                yield told.replace(ast.unparse(node), text)
            return


def _other_ranges(node: ast.Call) -> Iterator[str]:
    texts = [ast.unparse(each) for each in node.args]
    if len(texts) == 3:
        first = node.args[0]
        count = ast.unparse(first.left) if isinstance(first, ast.BinOp) else texts[0]
        for start in dict.fromkeys((texts[0], f"{count} - 1", f"{texts[0]} + 1")):
            for end in ("-1", "0"):
                yield f"range({start}, {end}, {texts[2]})"
    elif len(texts) == 2:
        yield from (f"range({texts[1]})", f"range(1, {texts[1]})", f"range({texts[0]}, {texts[1]} + 1)")
    else:
        yield f"range({texts[0]} + 1)"


def summed(function: Function, source: str) -> Iterator[Rewritten]:
    """Yield a source in which a loop adds to an array of zeros that nothing is ever added to."""
    zeros = list(_zeros(function.node))
    names = (node for node in ast.walk(function.node) if isinstance(node, ast.Name))
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    for loop in (node for node in ast.walk(function.node) if isinstance(node, ast.For)):
        assigned = {_target(node) for node in ast.walk(loop) if isinstance(node, (ast.Assign, ast.AugAssign))}
        values = {
            node.targets[0].id: node
            for node in loop.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        read = {node.id for node in ast.walk(loop) if isinstance(node, ast.Name)} & bound
        for target in (name for name in zeros if name not in assigned):
            for form in SUMS:
                for name, node in values.items():
                    yield Rewritten(1.5, after(node, f"{target} += {form.format(name)}", source))
                for name in sorted(read - {target}):
                    yield Rewritten(1.6, before(loop.body[0], f"{target} += {form.format(name)}", source))


def begun_at_zero(function: Function, source: str) -> Iterator[Rewritten]:
    """Yield a source in which memory that nobody has written is set to zeros."""
    for node in ast.walk(function.node):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name in UNWRITTEN:
                text = f"{segment(node.func.value, source)}.{name.replace('empty', 'zeros')}"
                yield Rewritten(1.0, Change.of(node.func, text).applied(source))


def copied(function: Function, source: str) -> Iterator[Rewritten]:
    """Yield a source in which what is updated too early is read from a copy that was made before the update."""
    for update in (node for node in ast.walk(function.node) if isinstance(node, ast.AugAssign)):
        if not isinstance(update.target, (ast.Name, ast.Attribute)):
            continue
        target = ast.unparse(update.target)
        place = _outermost(function.node, update)
        reads = [
            node
            for node in ast.walk(function.node)
            if isinstance(node, (ast.Name, ast.Attribute))
            and isinstance(node.ctx, ast.Load)
            and ast.unparse(node) == target
            and (node.lineno, node.col_offset) > (place.lineno, place.col_offset)
        ]
        if not reads:
            continue
        name = f"{target.rpartition('.')[2]}_before"
        changed = source
        for node in sorted(reads, key=lambda node: (node.lineno, node.col_offset), reverse=True):
            changed = Change.of(node, name).applied(changed)
        yield Rewritten(1.6, before(place, f"{name} = {target}.copy()", changed))


def moved(function: Function, source: str) -> Iterator[Rewritten]:
    """Yield a source in which two neighbouring statements are exchanged, or one in a loop stands before it."""
    lines = source.split("\n")
    for block in _blocks(function.node):
        for one, two in itertools.pairwise(block):
            simple = isinstance(one, (ast.Assign, ast.AugAssign)) and isinstance(
                two, (ast.Assign, ast.AugAssign)
            )
            if simple and _depend(one, two):
                first, middle, last = one.lineno - 1, two.lineno - 1, two.end_lineno or two.lineno
                yield Rewritten(
                    1.3, "\n".join([*lines[:first], *lines[middle:last], *lines[first:middle], *lines[last:]])
                )
    for loop in (node for node in ast.walk(function.node) if isinstance(node, ast.For)):
        for node in loop.body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and "zeros" in ast.unparse(node.value)
            ):
                gone = without(node, function, source)
                yield Rewritten(1.3, before(loop, segment(node, source), gone))


def _depend(one: ast.stmt, two: ast.stmt) -> bool:
    """Return whether one of two statements writes what the other one reads."""
    names = [
        {ast.unparse(each) for each in ast.walk(node) if isinstance(each, (ast.Name, ast.Attribute))}
        for node in (one, two)
    ]
    written = [
        {ast.unparse(target) for target in (node.targets if isinstance(node, ast.Assign) else [node.target])}  # type: ignore[attr-defined]
        for node in (one, two)
    ]
    return bool(written[0] & names[1] or written[1] & names[0])


def loop_around(unit: Unit) -> ast.For | None:
    """Return the innermost loop over steps that the statement of a unit is in."""
    loops = [node for node in ast.walk(unit.function.node) if isinstance(node, ast.For)]
    around = [loop for loop in loops if unit.statement in loop.body]
    return around[-1] if around else None


def carried(loop: ast.For) -> set[str]:
    """Return the names that a loop reads before it sets them: what one step hands to the next."""
    found: set[str] = set()
    stored: set[str] = set()
    for node in loop.body:
        names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
        found |= {each.id for each in names if isinstance(each.ctx, ast.Load)} - stored
        stored |= {each.id for each in names if isinstance(each.ctx, ast.Store)}
    return found & stored


def _outermost(function: ast.AST, inside: ast.stmt) -> ast.stmt:
    """Return the outermost loop that a statement is in, or the statement itself."""
    loops = [node for node in ast.walk(function) if isinstance(node, (ast.For, ast.While))]
    around = [loop for loop in loops if any(node is inside for node in ast.walk(loop))]
    return min(around, key=lambda loop: loop.lineno, default=inside)


def before(node: ast.stmt, statement: str, source: str) -> str:
    """Return a source with a statement on a line of its own above another one."""
    lines = source.split("\n")
    first = node.lineno - 1
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    return "\n".join([*lines[:first], indent + statement, *lines[first:]])


def after(node: ast.stmt, statement: str, source: str) -> str:
    """Return a source with a statement on a line of its own below another one."""
    lines = source.split("\n")
    indent = lines[node.lineno - 1][: len(lines[node.lineno - 1]) - len(lines[node.lineno - 1].lstrip())]
    last = node.end_lineno or node.lineno
    return "\n".join([*lines[:last], indent + statement, *lines[last:]])


def _zeros(function: ast.AST) -> Iterator[str]:
    """Yield what is set to zeros, alone or in a tuple."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and "zeros" in ast.unparse(node.value):
            for target in node.targets:
                for each in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(each, (ast.Name, ast.Attribute)):
                        yield ast.unparse(each)


def _target(node: ast.Assign | ast.AugAssign) -> str:
    return ast.unparse(node.target if isinstance(node, ast.AugAssign) else node.targets[0])
