"""What the units of a network's functions gave, in the order of time, each with the frame that it was computed in."""

import ast
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from conformance.hand_written.calling.running.program import Ran
from conformance.hand_written.mending.functions import Function, Key, Live, functions_of
from conformance.hand_written.mending.hooks import calling, hooked
from conformance.hand_written.mending.program import Program
from conformance.hand_written.mending.units import Unit, units_of

MOST_EVENTS = 5000
"""Values of units in one run, of T = 4 steps: more of them loop without end."""

DEEPEST = 5
"""How deep containers and objects in a frame are copied."""

PLAIN = (
    *(int, float, complex, str, bool, bytes, type(None), range, type),
    *(types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType),
    *(np.ufunc, np.random.Generator, np.random.RandomState),
)
"""What is kept as it is: nothing of a pass is written into it."""


class Event(Struct, frozen=True):
    """A unit gave a value; `frame` is what its function held then, where frames are kept."""

    unit: int
    value: Any
    frame: "Frame | None" = None


class Frame(Struct, frozen=True):
    """The variables of a function before a unit gave its value."""

    local: Mapping[str, Any]
    outside: Mapping[str, Any]


class TooLong(Exception):
    """A run gave too many values."""


class Recorder:
    """The hook of units."""

    def __init__(self, *, frames: bool = False) -> None:
        self.events: list[Event] = []
        self.frames = frames

    def unit(self, number: int, value: Any) -> Any:
        """Note the value of a unit."""
        if len(self.events) > MOST_EVENTS:
            raise TooLong
        frame = None
        if self.frames:
            caller = sys._getframe(1)  # noqa: SLF001 - the function that the unit is in
            frame = Frame(snapshot(dict(caller.f_locals)), caller.f_globals)
        self.events.append(Event(number, snapshot(value), frame))
        return value


class Instrumented:
    """Functions with a hook around every unit that `hooks`; their expressions can be exchanged one at a time."""

    def __init__(self, files: Mapping[str, str], hooks: Callable[[Unit], bool] = lambda _: True) -> None:
        self.functions = [each for file, text in files.items() for each in functions_of(file, text)]
        self.units: list[Unit] = []
        self._copies: dict[Key, tuple[Function, Function]] = {}
        self._wrappers: list[ast.Call] = []
        again = (each for file, text in files.items() for each in functions_of(file, text))
        for function, other in zip(self.functions, again, strict=True):
            inside = units_of(other)
            if not inside:
                continue
            own = units_of(function)
            self.units += own
            wrappers = []
            for n, unit in enumerate(inside, start=len(self._wrappers)):
                expression = unit.expression
                wrappers.append(calling("unit", expression, n, expression))
            for plain, unit, wrapper in zip(own, inside, wrappers, strict=True):
                if hooks(plain):
                    unit.put(wrapper)
            self._wrappers += wrappers
            self._copies[function.key] = (function, other)
        self.codes = {key: function.compiled(other.node) for key, (function, other) in self._copies.items()}

    def code_with(self, unit: int, expression: ast.expr) -> dict[Key, types.CodeType]:
        """Return the code of the function in which one unit has another expression.

        Raises
        ------
        SyntaxError, ValueError, TypeError
            If that is no Python.
        """
        key = self.units[unit].function.key
        function, other = self._copies[key]
        wrapper = self._wrappers[unit]
        before = wrapper.args[1]
        wrapper.args[1] = expression
        try:
            return {key: function.compiled(other.node)}
        finally:
            wrapper.args[1] = before


class Recorded(Struct, frozen=True):
    """One run of both passes: the values of its units, and the gradients that came out."""

    events: list[Event]
    gradients: Mapping[str, np.ndarray]
    ran: Ran


def recorded(
    program: Program, live: Live, codes: Mapping[Key, types.CodeType], *, frames: bool = False
) -> Recorded | None:
    """Run both passes with these codes, None where they fail."""
    recorder = Recorder(frames=frames)
    with hooked(unit=recorder.unit), live.running(codes) as fits:
        if not fits:
            return None
        try:
            ran = program.both()
            gradients = {name: np.array(g) for name, g in program.gradients(ran).items()}
        except KeyboardInterrupt:
            raise
        except BaseException:
            return None
    return Recorded(recorder.events, gradients, ran)


def snapshot(value: Any, held: dict[int, Any] | None = None, depth: int = 0) -> Any:
    """Return a copy of a value that later changes don't reach."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, PLAIN) or depth > DEEPEST:
        return value
    held = {} if held is None else held
    if id(value) in held:
        return held[id(value)]
    if type(value) is tuple:
        return tuple(snapshot(each, held, depth + 1) for each in value)
    if type(value) is list:
        copied: Any = []
        held[id(value)] = copied
        copied += [snapshot(each, held, depth + 1) for each in value]
        return copied
    if type(value) is dict:
        held[id(value)] = copied = {}
        copied.update((key, snapshot(each, held, depth + 1)) for key, each in value.items())
        return copied
    return _object(value, held, depth)


def _object(value: Any, held: dict[int, Any], depth: int) -> Any:
    attributes = getattr(value, "__dict__", None)
    if not isinstance(attributes, dict):
        return value
    try:
        copied = object.__new__(type(value))
    except TypeError:
        return value
    held[id(value)] = copied
    for name, each in attributes.items():
        copied.__dict__[name] = snapshot(each, held, depth + 1)
    return copied
