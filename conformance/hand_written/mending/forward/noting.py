"""What hooks in a forward pass do: note on a tape what is computed of what, or move some values.

While it is noted, each read gives a copy: so each use of a value has an adjoint of its own.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.hand_written.mending.forward.rules import COMPUTED, has_rule, is_tracked, of_a_call, sides
from conformance.hand_written.mending.forward.tape import Derived, Tape
from refrnn import Array

Moves = Mapping[tuple[int, int], Array]
"""By the number of a site and the time there, what is added to its value."""


LARGEST = 300
"""Elements of a value that is noted; larger ones are buffers of a whole sequence."""


class Use(Struct, frozen=True):
    """A value at a site: the site's number, the time there, the value itself, a copy, and its elements on a tape."""

    number: int
    time: int
    original: Array
    value: Array
    elements: Array | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Its site and the time there."""
        return self.number, self.time


class Operated(Struct, frozen=True):
    """An operator's result, and what it was made of: the sites of both sides, themselves, and copies."""

    result: Array
    numbers: tuple[int, int]
    operator: str
    originals: tuple[Any, Any]
    values: tuple[Any, Any]


class Hooks:
    """Hooks that leave everything as it is, and count how often a value was met at each site."""

    def __init__(self) -> None:
        self._times: Counter[int] = Counter()

    @property
    def hooks(self) -> dict[str, Callable[..., Any]]:
        """The hooks by their names."""
        names = ("value", "operation", "call", "kept", "stored", "before", "after")
        return {name: getattr(self, name) for name in names}

    def value(self, number: int, value: Any) -> Any:
        """Give back a value; sites of lines of ours have no number."""
        if number < 0 or not is_tracked(value):
            return value
        self._times[number] += 1
        return self.met(number, self._times[number], value)

    def met(self, _number: int, _time: int, value: Array) -> Array:
        """Give back a value that is met at a site for some time."""
        return value

    def operation(self, _left: int, _right: int, operator: str, a: Any, b: Any) -> Any:
        """Compute an operator."""
        return COMPUTED[operator](a, b)

    def call(self, function: Any, /, *arguments: Any, **named: Any) -> Any:
        """Call a function."""
        return function(*arguments, **named)

    def kept(self, value: Any) -> Any:
        """Give back what is about to be stored."""
        return value

    def stored(self, place: Any, *path: int) -> None:
        """Take notice of where that was stored, or a part of it."""

    def before(self, _place: Any, value: Any) -> Any:
        """Give back by what something is about to be changed in place."""
        return value

    def after(self, operator: str, place: Any) -> None:
        """Take notice that it was changed."""


class Moving(Hooks):
    """Moves some values."""

    def __init__(self, moves: Moves) -> None:
        super().__init__()
        self._moves = moves

    def met(self, number: int, time: int, value: Array) -> Array:
        """Move a value if it is one of those."""
        move = self._moves.get((number, time))
        return value if move is None else value + move


class Listing(Hooks):
    """Notes each use of a value."""

    def __init__(self) -> None:
        super().__init__()
        self.uses: list[Use] = []
        self.operations: dict[int, Operated] = {}

    def met(self, number: int, time: int, value: Array) -> Array:
        """Note the use of a value."""
        if value.size <= LARGEST:
            self.uses.append(Use(number, time, value, value.copy()))
        return value


class Noting(Listing):
    """Notes each use of a value, each operator, and how every element came about."""

    def __init__(self) -> None:
        super().__init__()
        self.tape = Tape()
        self._kept: Any = None
        self._before: list[tuple[Any, Any]] = []
        self._paused = False

    def value(self, number: int, value: Any) -> Any:
        """Note a value unless a function is called again."""
        return value if self._paused else super().value(number, value)

    def met(self, number: int, time: int, value: Array) -> Array:
        """Note the use of a value, and give a copy of it."""
        copied = value.copy()
        elements = self.tape.computed(copied, [(self.tape.elements(value), _itself)])
        if value.size <= LARGEST:
            self.uses.append(Use(number, time, value, copied.copy(), elements))
        operated = self.operations.get(id(value))
        if operated is not None and operated.result is value:
            self.operations[id(copied)] = replace(operated, result=copied)
        return copied

    def operation(self, left: int, right: int, operator: str, a: Any, b: Any) -> Any:
        """Compute an operator."""
        result = COMPUTED[operator](a, b)
        if not self._paused and is_tracked(result):
            copies = _copy(a), _copy(b)
            if has_rule(operator, a, b):
                self._by_rule(result, operator, (a, b), copies)
            else:
                self._by_moving(result, COMPUTED[operator], (a, b), {})
            self.operations[id(result)] = Operated(result, (left, right), operator, (a, b), copies)
        return result

    def call(self, function: Any, /, *arguments: Any, **named: Any) -> Any:
        """Call a function; what it computes unseen is known by calling it again."""
        result = function(*arguments, **named)
        if not self._paused and is_tracked(result) and not self.tape.is_known(result):
            self._by_moving(result, function, arguments, named)
        return result

    def kept(self, value: Any) -> Any:
        """Note what is about to be stored."""
        self._kept = value
        return value

    def stored(self, place: Any, *path: int) -> None:
        """Note where that was stored, or a part of it."""
        value = self._kept
        for n in path:
            value = value[n]
        if is_tracked(place) and is_tracked(value) and _fits(value.shape, place.shape):
            self.tape.stored(place, self.tape.elements(value))

    def before(self, place: Any, value: Any) -> Any:
        """Note what is about to be changed in place, and by what."""
        numbers = [self.tape.elements(each) if is_tracked(each) else None for each in (place, value)]
        self._before.append((numbers, (_copy(place), _copy(value))))
        return value

    def after(self, operator: str, place: Any) -> None:
        """Note that it was changed."""
        numbers, values = self._before.pop()
        if is_tracked(place):
            self.tape.computed(
                place,
                [
                    (each, _side(operator, values, n))
                    for n, each in enumerate(numbers)
                    if each is not None and has_rule(operator, *values)
                ],
            )

    def _by_rule(self, result: Array, operator: str, both: tuple[Any, Any], copies: tuple[Any, Any]) -> None:
        of = [
            (self.tape.elements(each), _side(operator, copies, n))
            for n, each in enumerate(both)
            if is_tracked(each)
        ]
        self.tape.computed(result, of)

    def _by_moving(
        self, result: Array, function: Any, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> None:
        self._paused = True
        try:
            of = [
                (self.tape.elements(array), derived)
                for array, derived in of_a_call(function, arguments, named, result)
            ]
        finally:
            self._paused = False
        self.tape.computed(result, of)


def _itself(adjoint: Array) -> Array:
    return adjoint


def _side(operator: str, values: tuple[Any, Any], n: int) -> Derived:
    return lambda s: sides(operator, *values, s)[n]  # type: ignore[return-value]


def _fits(shape: tuple[int, ...], into: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, into) == into
    except ValueError:
        return False


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
