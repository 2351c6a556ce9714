"""A forward pass with a hook at every value that it reads, and at every operator of its expressions."""

import ast
import copy
import types
from collections.abc import Iterator, Sequence

from msgspec import Struct

from conformance.hand_written.calling.running.watch import ADAPTER
from conformance.hand_written.mending.functions import Def, Function, Key
from conformance.hand_written.mending.hooks import calling

SKIPPED = ("__init__", "__repr__", "__str__")
"""Methods in which nothing of a pass happens."""

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
}
PRODUCTS = ("dot", "matmul")
NUMPY = ("np", "numpy")
STORED = (ast.Name, ast.Attribute, ast.Subscript)
PLAIN = ("shape", "size", "ndim", "dtype")
"""Attributes of arrays that are no values."""


OF_FRAMES = ("super", "locals", "globals", "vars", "dir", "eval", "exec")
"""Functions that look at the frame that they are called from."""


class Site(Struct, frozen=True, kw_only=True):
    """Where a value is read, or computed: in which function, and between which places of its source."""

    key: Key
    start: tuple[int, int]
    end: tuple[int, int]
    text: str

    def within(self, node: ast.expr) -> bool:
        """Return whether it lies in an expression of the same function."""
        begins, ends = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
        return begins <= self.start and self.end <= ends


class Sited:
    """Code with hooks in it; `sites` are what the hooks' numbers stand for, those of lines of ours have none."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self.sites: list[Site] = []
        self.codes = {}
        for function in functions:
            if function.node.name not in SKIPPED:
                self._key: Key | None = function.key
                self.codes[function.key] = function.compiled(self._function(copy.deepcopy(function.node)))
        self._key = None

    def lines(self, lines: tuple[str, ...]) -> types.CodeType:
        """Return the code of lines of ours."""
        tree = ast.parse("\n".join(lines))
        tree.body = self._block(tree.body)
        return compile(tree, ADAPTER, "exec")

    def expression(self, text: str) -> types.CodeType:
        """Return the code of an expression of ours."""
        return compile(ast.Expression(self._value(ast.parse(text, mode="eval").body)), ADAPTER, "eval")

    def _function(self, node: Def) -> Def:
        node.body = self._block(node.body)
        return node

    def _block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        return [made for each in body for made in self._statement(each)]

    def _statement(self, node: ast.stmt) -> list[ast.stmt]:
        """Return a statement whose expressions, and those of statements in it, have hooks; and what notes stores."""
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)):
            if node.value is not None:
                node.value = self._value(node.value)
            return [node, *self._stores(node)]
        if isinstance(node, ast.ClassDef):
            return [node]
        for name in ("body", "orelse", "finalbody"):
            if isinstance(block := getattr(node, name, None), list):
                setattr(node, name, self._block(block))
        for holder in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            holder.body = self._block(holder.body)
        return [node]

    def _stores(self, node: ast.stmt) -> Iterator[ast.stmt]:
        """Yield what notes that a statement wrote into an array, and let its value be noted before."""
        if isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
            node.value = calling("before", node.value, _read(node.target), node.value)
            yield _by_itself(calling("after", node.value, OPERATORS[type(node.op)], _read(node.target)))
        elif isinstance(node, ast.Assign):
            into = [each for target in node.targets for each in _written(target)]
            if into:
                node.value = calling("kept", node.value, node.value)
            for target, path in into:
                yield _by_itself(calling("stored", node.value, _read(target), *path))

    def _number(self, node: ast.expr) -> int:
        if self._key is None:
            return -1
        self.sites.append(
            Site(
                key=self._key,
                start=(node.lineno, node.col_offset),
                end=(node.end_lineno or 0, node.end_col_offset or 0),
                text=ast.unparse(node),
            )
        )
        return len(self.sites) - 1

    def _value(self, node: ast.expr) -> ast.expr:
        """Return an expression with a hook around it where it is a value, and hooks in it."""
        if isinstance(node, STORED):
            if not isinstance(node.ctx, ast.Load) or (isinstance(node, ast.Attribute) and node.attr in PLAIN):
                return node
            number = self._number(node)
            return calling("value", node, number, self._stored(node))
        if isinstance(node, (ast.BinOp, ast.UnaryOp)) or _product(node):
            number = self._number(node)
            return calling("value", node, number, self._operation(node))
        if isinstance(node, ast.Call):
            number = self._number(node)
            return calling("value", node, number, self._call(node))
        return self._inside(node)

    def _stored(self, node: ast.expr) -> ast.expr:
        """Return a part of what is computed, as in `(a @ b).T`, with hooks in that."""
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            inner = node.value
            node.value = self._stored(inner) if isinstance(inner, STORED) else self._value(inner)
        return node

    def _inside(self, node: ast.expr) -> ast.expr:
        if isinstance(node, (ast.Tuple, ast.List)):
            node.elts = [self._value(each) for each in node.elts]
        elif isinstance(node, ast.Dict):
            node.values = [self._value(each) for each in node.values]
        elif isinstance(node, ast.IfExp):
            node.body, node.orelse = self._value(node.body), self._value(node.orelse)
        elif isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            node.elt = self._value(node.elt)
        elif isinstance(node, ast.Starred):
            node.value = self._inside(node.value)
        return node

    def _operation(self, node: ast.expr) -> ast.expr:
        """Return an operand with a hook at every operator in it."""
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            sides, operator = (node.left, node.right), OPERATORS[type(node.op)]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            sides, operator = (node.operand, ast.copy_location(ast.Constant(-1), node)), "*"
        elif found := _product(node):
            sides, operator = found, "dot"
        elif isinstance(node, ast.Call):
            return self._call(node)
        else:
            return self._stored(node) if isinstance(node, STORED) else self._inside(node)
        numbers = [self._number(side) for side in sides]
        return calling("operation", node, numbers[0], numbers[1], operator, *map(self._operation, sides))

    def _call(self, node: ast.Call) -> ast.expr:
        """Return a call with hooks at its arguments, and at the object whose method it is."""
        node.args = [self._value(each) for each in node.args]
        for keyword in node.keywords:
            if keyword.arg != "out":  # it is written, not read
                keyword.value = self._value(keyword.value)
        function = node.func
        if isinstance(function, ast.Attribute) and isinstance(
            function.value, (ast.BinOp, ast.Call, ast.Subscript)
        ):
            function.value = self._value(function.value)
        if isinstance(function, ast.Name) and function.id in OF_FRAMES:
            return node
        made = calling("call", node, function, *node.args)
        made.keywords = node.keywords
        return made


def _written(target: ast.expr, path: tuple[int, ...] = ()) -> Iterator[tuple[ast.Subscript, tuple[int, ...]]]:
    """Yield the entries that a target of an assignment writes to, and which part of the value each gets."""
    if isinstance(target, ast.Subscript):
        yield target, path
    elif isinstance(target, (ast.Tuple, ast.List)) and not any(
        isinstance(each, ast.Starred) for each in target.elts
    ):
        for n, each in enumerate(target.elts):
            yield from _written(each, (*path, n))


def _read(target: ast.expr) -> ast.expr:
    """Return what reads a target of an assignment."""
    reading = copy.deepcopy(target)
    reading.ctx = ast.Load()  # type: ignore[attr-defined]
    return reading


def _by_itself(call: ast.Call) -> ast.stmt:
    return ast.copy_location(ast.Expr(call), call)


def _product(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """Return the two sides of a product written as a call: np.dot(a, b), np.matmul(a, b) or a.dot(b)."""
    if not isinstance(node, ast.Call) or node.keywords or not isinstance(node.func, ast.Attribute):
        return None
    function = node.func
    if function.attr not in PRODUCTS or any(isinstance(each, ast.Starred) for each in node.args):
        return None
    of_numpy = isinstance(function.value, ast.Name) and function.value.id in NUMPY
    if of_numpy and len(node.args) == 2:
        return node.args[0], node.args[1]
    if not of_numpy and len(node.args) == 1 and function.attr == "dot":
        return function.value, node.args[0]
    return None
