"""A forward pass with a hook at every value that it reads, and at every operator of its expressions."""

import ast
import copy
from collections.abc import Sequence

from msgspec import Struct

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
    """Functions with hooks in them; `sites` are what the hooks' numbers stand for."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self.sites: list[Site] = []
        self.codes = {}
        for function in functions:
            if function.node.name not in SKIPPED:
                self._key = function.key
                self.codes[function.key] = function.compiled(self._function(copy.deepcopy(function.node)))

    def _function(self, node: Def) -> Def:
        node.body = [self._statement(each) for each in node.body]
        return node

    def _statement(self, node: ast.stmt) -> ast.stmt:
        """Return a statement whose expressions, and those of the statements in it, have hooks."""
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)):
            if node.value is not None:
                node.value = self._value(node.value)
            return node
        if isinstance(node, ast.ClassDef):
            return node
        for _, value in ast.iter_fields(node):
            if isinstance(value, list):
                value[:] = [self._statement(each) if isinstance(each, ast.stmt) else each for each in value]
                for handler in (each for each in value if isinstance(each, ast.ExceptHandler)):
                    handler.body = [self._statement(each) for each in handler.body]
        return node

    def _number(self, node: ast.expr, text: str = "") -> int:
        self.sites.append(
            Site(
                key=self._key,
                start=(node.lineno, node.col_offset),
                end=(node.end_lineno or 0, node.end_col_offset or 0),
                text=text or ast.unparse(node),
            )
        )
        return len(self.sites) - 1

    def _value(self, node: ast.expr) -> ast.expr:
        """Return an expression with a hook around it where it is a value, and hooks in it."""
        if isinstance(node, STORED):
            if not isinstance(node.ctx, ast.Load) or (isinstance(node, ast.Attribute) and node.attr in PLAIN):
                return node
            return calling("value", node, self._number(node), node)
        if isinstance(node, (ast.BinOp, ast.UnaryOp)) or _product(node):
            number = self._number(node)
            return calling("value", node, number, self._operation(node))
        if isinstance(node, ast.Call):
            number = self._number(node)
            return calling("value", node, number, self._call(node))
        return self._inside(node)

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
            return node if isinstance(node, STORED) else self._inside(node)
        numbers = [self._number(side) for side in sides]
        return calling("operation", node, numbers[0], numbers[1], operator, *map(self._operation, sides))

    def _call(self, node: ast.Call) -> ast.expr:
        """Return a call with hooks at its arguments, and at the object whose method it is."""
        node.args = [self._value(each) for each in node.args]
        for keyword in node.keywords:
            keyword.value = self._value(keyword.value)
        function = node.func
        if isinstance(function, ast.Attribute) and isinstance(
            function.value, (ast.BinOp, ast.Call, ast.Subscript)
        ):
            function.value = self._value(function.value)
        return node


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
