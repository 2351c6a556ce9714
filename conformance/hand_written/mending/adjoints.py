"""The true adjoint of every value of a forward pass: dL/dv, by moving v, and through operators by their own rules.

A value that a name, an attribute or a call gives is moved element by element, to either side. What an operator makes
its result of has its adjoint from that of the result: for s = a ⊙ b it is s̄ ⊙ b, for s = A B it is s̄ Bᵀ and Aᵀ s̄.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import Struct

from conformance.hand_written.budget import Budget
from conformance.hand_written.mending.forward_sites import Site, Sited
from conformance.hand_written.mending.functions import Live
from conformance.hand_written.mending.hooks import hooked
from conformance.hand_written.mending.program import Program
from refrnn import Array

STEP = 1e-5
"""Of central differences: truncation costs about its square, rounding the unit roundoff over it, 1e-10 either."""

NUDGE = 1e-3
"""How far all elements are moved at once to see whether a value has any effect."""

FORWARD = 15
"""What a forward pass costs, in units of an evaluated variant."""

LARGEST = 300
"""Elements of a value that is moved one by one; larger ones are buffers of a whole sequence."""


class Adjoint(Struct, frozen=True, kw_only=True):
    """A use of a value: where, for which time there, the value, and dL/d of it through this use alone."""

    site: Site
    number: int
    time: int
    value: Array
    adjoint: Array


class Tape:
    """What hooks do: note values and operators, or move one value."""

    def __init__(self) -> None:
        self.values: list[tuple[int, int, Any, Array]] = []
        self.operations: dict[int, tuple[Any, tuple[int, int], str, tuple[Any, Any], tuple[Any, Any]]] = {}
        self.notes = True
        self.target = -1
        self.left = 0
        self.change: Callable[[Array], None] = lambda _: None
        self._times: dict[int, int] = {}

    def value(self, number: int, value: Any) -> Any:
        """Note a value or, if it is the one, move it."""
        if not self.notes:
            if number == self.target and isinstance(value, np.ndarray) and value.dtype.kind == "f":
                self.left -= 1
                if self.left == 0:
                    moved = np.array(value)
                    self.change(moved)
                    return moved
            return value
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size:
            self._times[number] = time = self._times.get(number, 0) + 1
            self.values.append((number, time, value, value.copy()))
        return value

    def operation(self, left: int, right: int, operator: str, a: Any, b: Any) -> Any:
        """Compute an operator, and note what of."""
        result = COMPUTED[operator](a, b)
        if self.notes and isinstance(result, np.ndarray):
            self.operations[id(result)] = (result, (left, right), operator, (a, b), (_copy(a), _copy(b)))
        return result

    def moving(self, number: int, time: int, change: Callable[[Array], None]) -> None:
        """Move the value of a site when it is met for this time."""
        self.notes, self.target, self.left, self.change = False, number, time, change


COMPUTED: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "@": lambda a, b: a @ b,
    "dot": np.dot,
}


def adjoints(program: Program, live: Live, sited: Sited, budget: Budget) -> list[list[Adjoint]]:
    """Return the adjoint of every value that has an effect on the loss, in the order in which they were met.

    The first list is of the whole loss; where several steps add to it, a list for each of them follows.
    They aren't all there where the budget is over.
    """
    tape = Tape()
    with hooked(value=tape.value, operation=tape.operation), live.running(sited.codes):

        def loss() -> Array:
            budget.spend(FORWARD)
            return program.forward(program.start())

        base = loss()
        noted, operations = tape.values, tape.operations
        found: list[list[Adjoint]] = [[] for _ in range(1 + len(base) * (len(base) > 1))]
        rng = np.random.default_rng(5)
        for number, time, original, value in noted:
            if budget.over:
                break
            moved = _moved(tape, loss, base, (number, time, value), rng)
            if moved is None:
                continue
            for of_one, adjoint in zip(found, (moved.sum(axis=0), *moved), strict=False):
                use = Adjoint(
                    site=sited.sites[number], number=number, time=time, value=value, adjoint=adjoint
                )
                of_one.extend((use, *_through(operations, original, adjoint, time, sited.sites)))
    return found


def _moved(
    tape: Tape,
    loss: Callable[[], Array],
    base: Array,
    met: tuple[int, int, Array],
    rng: np.random.Generator,
) -> Array | None:
    """Return the adjoint of one value for each step of the loss, by moving it; None where it has no effect."""
    number, time, value = met
    nudge = NUDGE * rng.choice([-1, 1], value.shape) * (1 + rng.random(value.shape))
    tape.moving(number, time, lambda moved: np.add(moved, nudge, out=moved))
    try:
        if value.size > LARGEST or not np.abs(loss() - base).max() > 1e-12 * max(1.0, np.abs(base).max()):
            return None
        adjoint = np.zeros((len(base), *value.shape))
        for index in np.ndindex(value.shape):
            sides = []
            for step in (STEP, -STEP):

                def change(moved: Array, index: tuple[int, ...] = index, step: float = step) -> None:
                    moved[index] += step

                tape.moving(number, time, change)
                sides.append(loss())
            adjoint[:, *index] = (sides[0] - sides[1]) / (2 * STEP)
    except Exception:
        return None
    return adjoint


def _through(
    operations: dict[int, Any], result: Any, adjoint: Array, time: int, sites: list[Site]
) -> list[Adjoint]:
    """Return the adjoints of all that operators made `result` of."""
    found: list[Adjoint] = []
    noted = operations.get(id(result))
    if noted is None or noted[0] is not result:
        return found
    _, numbers, operator, originals, values = noted
    for n, side in enumerate(_sides(operator, *values, adjoint)):
        if side is None or not isinstance(values[n], np.ndarray):
            continue
        found.append(
            Adjoint(site=sites[numbers[n]], number=numbers[n], time=time, value=values[n], adjoint=side)
        )
        found += _through(operations, originals[n], side, time, sites)
    return found


def _sides(operator: str, a: Any, b: Any, s: Array) -> tuple[Array | None, Array | None]:
    """Return the adjoints of both sides of an operator whose result has the adjoint `s`."""
    with np.errstate(all="ignore"):
        match operator:
            case "+":
                sides = s, s
            case "-":
                sides = s, -s
            case "*":
                sides = s * b, s * a
            case "/":
                sides = s / b, -s * a / np.square(b)
            case "**":
                sides = s * b * np.power(a, np.subtract(b, 1)), None
            case _:
                return _of_a_product(a, b, s)
    return tuple(
        None if side is None else _shrunk(side, np.shape(v)) for side, v in zip(sides, (a, b), strict=True)
    )


def _of_a_product(a: Any, b: Any, s: Array) -> tuple[Array | None, Array | None]:
    """Return the adjoints of both sides of a product of matrices or vectors, or of many vectors with a matrix."""
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)) or not 0 < b.ndim <= 2 or not a.ndim:
        return None, None
    if a.ndim > 2 and b.ndim != 2:
        return None, None
    left = a.reshape(-1, a.shape[-1])
    right = b.reshape(b.shape[0], -1)
    middle = s.reshape(len(left), right.shape[1])
    return (middle @ right.T).reshape(a.shape), (left.T @ middle).reshape(b.shape)


def _shrunk(adjoint: Array, shape: tuple[int, ...]) -> Array:
    """Return the adjoint of what was spread to the shape that `adjoint` has."""
    while adjoint.ndim > len(shape):
        adjoint = adjoint.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1 and adjoint.shape[axis] != 1:
            adjoint = adjoint.sum(axis=axis, keepdims=True)
    return adjoint


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
