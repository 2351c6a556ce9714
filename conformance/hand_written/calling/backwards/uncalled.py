"""Backward passes that a network has by their names, and how far each attempt to call one got.

Where none could be called, nothing was said about the gradients: that isn't the same as there being none.
"""

import inspect
import re
from collections.abc import Collection, Iterator, Sequence

from conformance.hand_written.calling.building.construct import SPECIAL, callable_of, own_callables, own_names
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.walking import adds_up_products, changes, walks_back_and_adds
from conformance.hand_written.calling.interface import HUNG, NUMERICAL, Attempt
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.reach import Reached

SAYS = re.compile(
    r"back(?!up|end|ground)|bptt|bprop|bwd|grad(s|ient|ients)?(?![a-z])|gradient|adjoint|vjp|pullback|sensitivit",
    re.IGNORECASE,
)
"""What the name of a backward pass says."""

HELPS = re.compile(r"tanh|sigm|relu|softmax|activ|clip|norm|prime|deriv|apply|descent", re.IGNORECASE)
"""What the names of helpers say: the slope of one function, or what is done with gradients that are there already."""

HANDED = re.compile(
    r"(d|grad)_?(l|y|ys|h|hs|out|outs|output|outputs|logits|loss)|d_?l_?dy|upstream\w*", re.IGNORECASE
)
"""How the gradient that a backward pass starts from is called."""

TRAINS = re.compile(r"train|fit(?!ness)|learn|optimi[sz]|update|entren|apprent|lern", re.IGNORECASE)
"""What the name of something says that changes parameters."""

TRIED = ("backward ran", HUNG, "backward called")


def uncalled(loaded: Loaded, forward: Forward, attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Return what may be a backward pass in the file of `forward`, each with the attempt that got furthest."""
    weights = {Reached(slot.path, None).name for slot in forward.slots}
    found = []
    for call, function in _beside(loaded, forward):
        own = call == forward.call  # which may be the backward pass as well, by a flag
        if not (walks_back_and_adds(function) if own else _may_be_backward(call, function, weights)):
            continue
        if any(a.what == call and a.reached == NUMERICAL for a in attempts):
            continue
        tried = [a for a in attempts if a.what == call and a.reached in TRIED]
        none = Attempt(what=call, reached="found", problem="no way of calling it was tried")
        found.append(min(tried, key=lambda a: TRIED.index(a.reached), default=none))
    return tuple(found)


def _beside(loaded: Loaded, forward: Forward) -> Iterator[tuple[str, object]]:
    """Yield everything that can be called in a target, a method of several classes once."""
    known: dict[int, object] = {}
    for call in own_callables(loaded, forward.built):
        function = callable_of(forward.built, call)
        known[_identity(function)] = function
        yield call, function
    for name in own_names(loaded):
        value = getattr(loaded.code, name)
        parts = vars(value).items() if inspect.isclass(value) else ()
        for call, function in (
            (f"code.{name}", value),
            *((f"{name}.{part}", inner) for part, inner in parts),
        ):
            if _identity(function) not in known:
                known[_identity(function)] = function
                yield call, function


def _identity(function: object) -> int:
    """Return what tells one function from another, whatever instance it is bound to."""
    return id(getattr(function, "__func__", function))


def _may_be_backward(call: str, function: object, weights: Collection[str]) -> bool:
    """Tell whether a callable may be a backward pass: by its name, what it does to weights, or what it is handed."""
    name = call.rpartition(".")[2]
    if (
        not inspect.isroutine(function)
        or name in SPECIAL
        or HELPS.search(name)
        or names.CHECKS.fullmatch(name)
    ):
        return False
    if SAYS.search(name) or walks_back_and_adds(function) or adds_up_products(function):
        return True
    if TRAINS.search(name) or changes(function, weights):
        return True
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    return any(HANDED.fullmatch(parameter.strip("_")) for parameter in parameters)
