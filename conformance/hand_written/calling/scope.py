"""What was asked about by name, what that calls, and which loops over time are in it."""

import dis
import inspect
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from operator import attrgetter
from types import CodeType, MappingProxyType
from typing import Any

from conformance.hand_written.calling.building.construct import (
    Built,
    callable_of,
    named_functions,
    named_methods,
    own_callables,
)
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import parameters_of
from conformance.hand_written.calling.hints.walking import adds_up_products, walks_back_and_adds
from conformance.hand_written.calling.loading.load import Loaded, own_names

FOLDS = frozenset(
    {"reduce", "accumulate", "map", "scan", "vectorize", "frompyfunc", "fromiter", "apply_along_axis"}
)
"""Functions that walk over a sequence for whoever hands them a step."""

LIBRARIES = ("numpy", "math", "builtins", "scipy")
"""Packages in which no loop over time is."""

NAME = re.compile(r"[^\W\d]\w*")
"""A name in an expression."""

Calls = Mapping[str, Any]
"""Callables by the expressions that call them."""


def askable(loaded: Loaded, built: Built, *, stepwise: bool) -> list[str]:
    """Return what may be the forward pass of what was named: of functions and methods the named ones, if any.

    What a named one calls may be walked with by a loop of ours (`stepwise`). Where a backward pass alone is named, its
    forward pass is any.
    """
    calls = own_callables(loaded, built)
    named = _named_on(loaded, built)
    methods = built.setup.owner == "model"
    if (methods and not named) or not loaded.wanted or (named and all(map(_says_backward, named))):
        return calls
    return _among(built, calls, named, stepwise=stepwise)


def backward_askable(loaded: Loaded, forward: Forward) -> list[str]:
    """Return what may be the backward pass of what was named: what is named beside `forward`, if anything.

    What the forward pass itself calls is a part of it, unless it is called like a backward pass.
    """
    every = {call: callable_of(forward.built, call) for call in own_callables(loaded, forward.built)}
    below = () if forward.call not in every else _closure(forward.call, every)
    calls = [call for call in every if call not in below or _says_backward(call)]
    named = [call for call in _named_on(loaded, forward.built) if call != forward.call]
    if not named:
        return calls
    return _among(forward.built, calls, named, stepwise=bool(forward.loop))


def _named(loaded: Loaded) -> list[str]:
    return [f"code.{name}" for name in named_functions(loaded)]


def _named_on(loaded: Loaded, built: Built) -> list[str]:
    """Return what was named of a setup's owner: functions of a module, or methods of a class."""
    return [f"model.{m}" for m in named_methods(loaded)] if built.setup.owner == "model" else _named(loaded)


def _among(built: Built, calls: Sequence[str], named: Sequence[str], *, stepwise: bool) -> list[str]:
    """Return what is named, with what that calls where steps will do."""
    found = [call for call in calls if call in named]
    if stepwise:
        every = {call: callable_of(built, call) for call in calls}
        below = {call for each in found for call in _closure(each, every)}
        found += [call for call in calls if call in below and call not in found]
    return found


def _says_backward(call: str) -> bool:
    return names.BACKWARD.fullmatch(call.rpartition(".")[2]) is not None


def walks_back_below(loaded: Loaded, forward: Forward, call: str) -> bool:
    """Tell whether what a callable calls walks back over time, whatever it is called itself."""
    every = {f"code.{name}": getattr(loaded.code, name) for name in own_names(loaded)}
    every |= {each: callable_of(forward.built, each) for each in own_callables(loaded, forward.built)}
    return any(walks_back_and_adds(every[each]) for each in _closure(call, every))


def takes_a_step(loaded: Loaded, built: Built, call: str) -> bool:
    """Tell whether a callable can't walk over time: neither it nor what it calls has a loop, none of it out of sight.

    A sequence handed to it at once would be taken for samples.
    """
    every = {f"code.{name}": getattr(loaded.code, name) for name in own_names(loaded)}
    every |= {each: callable_of(built, each) for each in own_callables(loaded, built)}
    inner = (call, *_closure(call, every))
    known = [inspect.unwrap(getattr(each, "__func__", each)) for each in every.values()]
    held = getattr(built.ran.names.get("model"), "__dict__", {})
    return not _walks(call, every, ()) and not any(
        _leads_elsewhere(every[each], held, known) for each in inner
    )


def _leads_elsewhere(function: Any, held: Mapping[str, Any], known: Sequence[Any]) -> bool:
    """Tell whether a function speaks of code that isn't `known`: a global, of its closure, or held by its object."""
    plain = inspect.unwrap(getattr(function, "__func__", function))
    if not inspect.isfunction(plain):
        return True
    around = inspect.getclosurevars(plain)
    values = [*around.globals.values(), *around.nonlocals.values()]
    values += [value for name, value in held.items() if name in spoken_of(plain)]
    return not all(_is_data(value) or any(value is each for each in known) for value in values)


def _is_data(value: Any) -> bool:
    """Tell whether something is numbers and text, or of a library that has no loop over time."""
    if isinstance(value, (list, tuple)):
        return all(map(_is_data, value))
    if isinstance(value, dict):
        return all(map(_is_data, value.values()))
    module = (
        value.__name__
        if inspect.ismodule(value)
        else getattr(value, "__module__", None) or type(value).__module__
    )
    return str(module).partition(".")[0] in LIBRARIES


def was_asked_about(loaded: Loaded, built: Built) -> bool:
    """Tell whether what a module holds or makes is of what was named: a function, or an instance of a named class."""
    if not loaded.wanted or named_functions(loaded):
        return True
    return built.setup.owner == "model" and type(built.ran.names["model"]).__name__ in loaded.wanted


def is_an_entry(loaded: Loaded, call: str) -> bool:
    """Tell whether a callable is what whoever names a network calls: it by its name, or its `forward`."""
    return call.rpartition(".")[2] in ("forward", "__call__", *loaded.wanted)


def has_a_loop_below(loaded: Loaded, forward: Forward) -> bool:
    """Tell whether a forward pass has a loop, or what it calls has."""
    every = _in_question(loaded, forward)
    return _walks(forward.call, every, ())


def unrun(loaded: Loaded, forward: Forward, ran: Collection[str]) -> tuple[str, ...]:
    """Return the loops over time that were asked about and that did not run, where a loop of ours walked instead.

    They are those that were named, that lead to what `ran`, or that read like a pass over sequences with the same
    recurrent weights.
    """
    every, weights = _in_question(loaded, forward), _recurrent(forward)
    named = _named(loaded)
    return tuple(
        call
        for call in _asked_about(loaded, every)
        if call not in ran
        and _walks(call, every, ran)
        and (call in named or _leads_to(call, every, ran) or _is_a_pass(call, every, weights))
    )


def _recurrent(forward: Forward) -> frozenset[str]:
    """Return how the code calls its recurrent weights; nothing where they have no name."""
    paths = [slot.path for slot in forward.slots if "W_hh" in slot.roles or slot.roles == (slot.path,)]
    paths += [name for name, role in forward.meaning.items() if role == "W_hh"]
    return frozenset(name for path in paths for name in NAME.findall(path)) - {
        "model",
        "params",
        "code",
        "lists",
    }


def _in_question(loaded: Loaded, forward: Forward) -> Calls:
    """Return all callables beside a step; where a whole file is meant, those of its other classes too."""
    own = {call: callable_of(forward.built, call) for call in own_callables(loaded, forward.built)}
    if loaded.wanted:
        named = {f"code.{name}": attrgetter(name)(loaded.code) for name in named_functions(loaded)}
        return MappingProxyType(named | own)
    others = {f"code.{name}": getattr(loaded.code, name) for name in own_names(loaded)}
    methods = {
        f"{call}.{name}"[len("code.") :]: value
        for call, owner in others.items()
        if inspect.isclass(owner) and owner is not type(forward.built.ran.names.get("model"))
        for name, value in vars(owner).items()
        if inspect.isroutine(value)
    }
    functions = {call: value for call, value in others.items() if not inspect.isclass(value)}
    return MappingProxyType(functions | methods | own)


def _asked_about(loaded: Loaded, every: Calls) -> Iterator[str]:
    """Yield what a user may have meant: the named functions, or all; what only checks something is no network."""
    named = _named(loaded) if any(call.startswith("code.") for call in every) else []
    for call in (call for call in every if not loaded.wanted or not named or call in named):
        name = call.rpartition(".")[2]
        hidden = name.startswith("__") and name != "__call__"
        if not hidden and not names.CHECKS.fullmatch(name) and parameters_of(every[call]):
            yield call


def _walks(call: str, every: Calls, ran: Collection[str]) -> bool:
    """Tell whether a callable, or what it calls but for what `ran`, has a loop, or calls itself."""
    inner = [each for each in (call, *_closure(call, every)) if each not in ran]
    return inner.count(call) > 1 or any(has_a_loop(every[each]) for each in inner)


def _leads_to(call: str, every: Calls, ran: Collection[str]) -> bool:
    return any(each in ran for each in _closure(call, every))


def _is_a_pass(call: str, every: Calls, weights: frozenset[str]) -> bool:
    """Tell whether a callable is called like a pass over sequences, or reads like one back over time."""
    name = call.rpartition(".")[2]
    inner = (call, *_closure(call, every))
    if weights and not any(weights & _words_of(every[each]) for each in inner):
        return False
    forward = name == "__call__" or (names.FORWARD.fullmatch(name) and not names.TRAINS.fullmatch(name))
    return bool(forward) or walks_back_and_adds(every[call]) or adds_up_products(every[call])


def _closure(call: str, every: Calls) -> list[str]:
    """Return what a callable calls, and what that calls, by their names alone; itself too where it comes round."""
    by_name: dict[str, list[str]] = {}
    for each in every:
        by_name.setdefault(each.rpartition(".")[2], []).append(each)
    found: list[str] = []
    open_ends = [call]
    while open_ends:
        spoken = spoken_of(every[open_ends.pop()])
        below = [each for name, calls in by_name.items() if name in spoken for each in calls]
        fresh = [each for each in below if each not in found]
        found += fresh
        open_ends += fresh
    return found


def has_a_loop(function: Any) -> bool:
    """Tell whether a function has a loop of any kind, a comprehension included, or has one done by a fold.

    >>> has_a_loop(lambda xs: [x for x in xs]), has_a_loop(lambda x: x + 1)
    (True, False)
    """
    return bool(FOLDS & spoken_of(function)) or any(
        step.opname == "FOR_ITER" or ("JUMP" in step.opname and step.argval < step.offset)
        for code in _codes(function)
        for step in dis.get_instructions(code)
        if "JUMP" in step.opname or step.opname == "FOR_ITER"
    )


def spoken_of(function: Any) -> frozenset[str]:
    """Return the names of globals and attributes that a function speaks of."""
    return frozenset(name for code in _codes(function) for name in code.co_names)


def _words_of(function: Any) -> frozenset[str]:
    """Return all names in a function, those of its variables and of keys as well."""
    return frozenset(
        word
        for code in _codes(function)
        for word in (*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_consts)
        if isinstance(word, str)
    )


def _codes(function: Any) -> Iterator[CodeType]:
    """Yield the code of a function and of all that is defined in it; nothing of what isn't written in Python."""
    plain = inspect.unwrap(getattr(function, "__func__", function))
    code = getattr(plain, "__code__", None)
    left = [code] if isinstance(code, CodeType) else []
    while left:
        yield (code := left.pop())
        left += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
