"""Expressions evaluated in a recorded frame without compiling them: thousands of variants share most parts."""

import ast
import builtins
import operator
from collections.abc import Callable, Mapping
from typing import Any

from conformance.hand_written.mending.recording import Frame


class NotEvaluated(Exception):
    """An expression of a kind that isn't evaluated here."""


BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}
UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


CHANGING = ("pop", "popleft", "append", "insert", "extend", "appendleft", "update", "at")
"""Methods that change what they are called on, which is there to be evaluated again."""


class Evaluator:
    """Evaluates expressions in one frame; the values of some nodes, met again and again, are kept."""

    def __init__(self, frame: Frame, kept: ast.expr) -> None:
        self._frame = frame
        self._kept = {id(node): node for node in ast.walk(kept) if isinstance(node, ast.expr)}
        self._values: dict[int, Any] = {}

    def __call__(self, node: ast.expr) -> Any:
        """Return the value of an expression.

        Raises
        ------
        NotEvaluated
            If it is of a kind that isn't evaluated here; whatever the expression itself raises as well.
        """
        key = id(node)
        if key not in self._kept:
            return self._value(node)
        if key not in self._values:
            self._values[key] = self._value(node)
        return self._values[key]

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Name():
                return self._named(node.id)
            case ast.Constant():
                return node.value
            case ast.Attribute():
                return getattr(self(node.value), node.attr)
            case ast.Subscript():
                return self(node.value)[self(node.slice)]
            case ast.Slice():
                return slice(
                    *(None if each is None else self(each) for each in (node.lower, node.upper, node.step))
                )
            case ast.Tuple():
                return tuple(map(self, node.elts))
            case ast.List():
                return list(map(self, node.elts))
            case _:
                return self._computed(node)

    def _computed(self, node: ast.expr) -> Any:
        match node:
            case ast.BinOp() if type(node.op) in BINARY:
                return BINARY[type(node.op)](self(node.left), self(node.right))
            case ast.UnaryOp() if type(node.op) in UNARY:
                return UNARY[type(node.op)](self(node.operand))
            case ast.Compare() if len(node.ops) == 1 and type(node.ops[0]) in COMPARED:
                return COMPARED[type(node.ops[0])](self(node.left), self(node.comparators[0]))
            case ast.IfExp():
                return self(node.body) if self(node.test) else self(node.orelse)
            case ast.Call() if isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
                raise NotEvaluated
            case ast.Call():
                named = {each.arg: self(each.value) for each in node.keywords if each.arg}
                return self(node.func)(*map(self, node.args), **named)
            case _:
                raise NotEvaluated

    def _named(self, name: str) -> Any:
        for names in (self._frame.local, self._frame.outside, vars(builtins)):
            if name in names:
                return names[name]
        raise NameError(name)
