"""The expressions of a function that may be wrong: what is assigned, returned, kept or handed on, each by itself."""

import ast
from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from conformance.hand_written.mending.forward.sites import NUMPY, SKIPPED
from conformance.hand_written.mending.functions import Function

Statement = ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Expr


KEEPING = ("append", "insert", "extend", "appendleft")
"""Methods that put something into a container."""


class Unit(Struct, frozen=True, kw_only=True, dict=True):
    """One such expression, where it hangs in its statement, and the loops around that, the innermost first.

    What `begins` is true in the first round of the innermost loop, "t == T - 1" say; empty where that isn't known.
    """

    function: Function
    statement: Statement
    holder: ast.AST
    field: str
    index: int | None
    loops: tuple[str, ...]
    begins: str
    target: str

    @property
    def expression(self) -> ast.expr:
        """The expression."""
        held = getattr(self.holder, self.field)
        return held if self.index is None else held[self.index]

    def put(self, expression: ast.expr) -> None:
        """Put another expression in its place."""
        if self.index is None:
            setattr(self.holder, self.field, expression)
        else:
            getattr(self.holder, self.field)[self.index] = expression

    @cached_property
    def signature(self) -> object:
        """What it is, wherever in its file it stands."""
        return self.function.key, ast.dump(self.statement), self.target, self.field, self.index

    @property
    def keeps(self) -> bool:
        """Whether it is put into a list, a dict, an array or an object, from where it may be read later."""
        if isinstance(self.statement, ast.Assign):
            return any(isinstance(each, (ast.Attribute, ast.Subscript)) for each in self.statement.targets)
        call = self.statement.value if isinstance(self.statement, ast.Expr) else None
        function = call.func if isinstance(call, ast.Call) else None
        return isinstance(function, ast.Attribute) and function.attr in KEEPING

    @property
    def returns(self) -> bool:
        """Whether it is handed back."""
        return isinstance(self.statement, ast.Return)


def units_of(function: Function) -> list[Unit]:
    """Return the units of a function, in an order that its edits leave as it is."""
    return list(_in_block(function, function.node.body, (), "")) if function.node.name not in SKIPPED else []


def _in_block(
    function: Function, body: list[ast.stmt], loops: tuple[str, ...], begins: str
) -> Iterator[Unit]:
    for statement in body:
        if isinstance(statement, Statement):
            if statement.value is not None:
                yield from _of(function, statement, loops, begins)
        elif isinstance(statement, ast.For):
            names = tuple(n.id for n in ast.walk(statement.target) if isinstance(n, ast.Name))
            yield from _in_block(function, statement.body, (*names, *loops), beginning(statement))
            yield from _in_block(function, statement.orelse, loops, begins)
        else:
            for name in ("body", "orelse", "finalbody"):
                yield from _in_block(function, getattr(statement, name, []), loops, begins)


def beginning(loop: ast.For) -> str:
    """Return what is true in the first round of a loop over a range; empty for other loops.

    >>> beginning(ast.parse("for t in reversed(range(T)): pass").body[0])
    't == T - 1'
    """
    iterated, backwards = loop.iter, False
    while (
        isinstance(iterated, ast.Call)
        and ast.unparse(iterated.func) in ("reversed", "list")
        and iterated.args
    ):
        backwards ^= ast.unparse(iterated.func) == "reversed"
        iterated = iterated.args[0]
    is_range = isinstance(iterated, ast.Call) and ast.unparse(iterated.func) == "range" and iterated.args
    if not is_range or not isinstance(loop.target, ast.Name):
        return ""
    texts = [ast.unparse(each) for each in iterated.args]
    if backwards:
        return f"{loop.target.id} == {texts[0 if len(texts) == 1 else 1]} - 1" if len(texts) < 3 else ""
    return f"{loop.target.id} == {texts[0] if len(texts) > 1 else 0}"


def _of(function: Function, statement: Statement, loops: tuple[str, ...], begins: str) -> Iterator[Unit]:
    def unit(holder: ast.AST, field: str, index: int | None, target: str) -> Unit:
        return Unit(
            function=function,
            statement=statement,
            holder=holder,
            field=field,
            index=index,
            loops=loops,
            begins=begins,
            target=target,
        )

    value, target = statement.value, _target(statement)
    if isinstance(value, (ast.Tuple, ast.List)) and value.elts and not _starred(value.elts):
        for n, name in enumerate(_targets(statement, len(value.elts), target)):
            yield unit(value, "elts", n, name)
    elif isinstance(value, ast.Dict):
        for n in range(len(value.values)):
            yield unit(value, "values", n, target)
    else:
        if isinstance(value, ast.Call) and not _of_numpy(value):
            for n, argument in enumerate(value.args):
                if not isinstance(argument, (ast.Constant, ast.Starred)):
                    yield from _of_argument(unit, value, n, ast.unparse(value.func))
        if not isinstance(statement, ast.Expr):
            yield unit(statement, "value", None, target)


def _of_argument(unit, call: ast.Call, n: int, name: str) -> Iterator[Unit]:  # noqa: ANN001
    argument = call.args[n]
    if isinstance(argument, (ast.Tuple, ast.List)) and not _starred(argument.elts):
        for m in range(len(argument.elts)):
            yield unit(argument, "elts", m, name)
    else:
        yield unit(call, "args", n, name)


def _starred(nodes: list[ast.expr]) -> bool:
    return any(isinstance(node, ast.Starred) for node in nodes)


def _of_numpy(call: ast.Call) -> bool:
    """Return whether a call is of NumPy, or of a method of what is computed: nothing of the user's own."""
    function = call.func
    while isinstance(function, ast.Attribute):
        function = function.value
    return not isinstance(function, ast.Name) or function.id in NUMPY


def _target(statement: Statement) -> str:
    if isinstance(statement, ast.Return):
        return "return"
    if isinstance(statement, ast.Expr):
        return ""
    return ast.unparse(statement.targets[0] if isinstance(statement, ast.Assign) else statement.target)


def _targets(statement: Statement, count: int, target: str) -> list[str]:
    """Return the names that the elements of a tuple go to."""
    to = statement.targets[0] if isinstance(statement, ast.Assign) else None
    if isinstance(to, ast.Tuple) and len(to.elts) == count:
        return [ast.unparse(each) for each in to.elts]
    return [target] * count
