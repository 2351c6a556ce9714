"""Backward passes that a network has by their names, and how far each attempt to call one got.

Where none could be called, nothing was said about the gradients: that isn't the same as there being none.
"""

import inspect
import re
from collections.abc import Sequence

from conformance.calling.building.construct import callable_of, own_callables, own_names
from conformance.calling.forwards.passes import Forward
from conformance.calling.hints import names
from conformance.calling.hints.arguments import parameters_of
from conformance.calling.hints.walking import adds_up_products, walks_back_and_adds
from conformance.calling.interface import HUNG, NUMERICAL, Attempt
from conformance.calling.loading.load import Loaded

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

HOLDER = re.compile(
    r"(the_?)?(model|modelo|modele|net|network|netz|netzwerk|red|reseau|rnn|nn|cell)", re.IGNORECASE
)
"""How what trains a network calls the network that it is handed."""

TRIED = ("backward ran", HUNG, "backward called")


def uncalled(loaded: Loaded, forward: Forward, attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Return what reads like a backward pass beside `forward`, each with the attempt that got furthest."""
    beside = own_callables(loaded, forward.built)
    if forward.built.setup.owner != "code":
        beside += [f"code.{name}" for name in own_names(loaded)]
    beside += _of_trainers(loaded)
    found = []
    for call in dict.fromkeys(beside):
        if call == forward.call or not _says_backward(call, _callable(loaded, forward, call)):
            continue
        if any(a.what == call and a.reached == NUMERICAL for a in attempts):
            continue
        tried = [a for a in attempts if a.what == call and a.reached in TRIED]
        none = Attempt(what=call, reached="found", problem="no way of calling it was tried")
        found.append(min(tried, key=lambda a: TRIED.index(a.reached), default=none))
    return tuple(found)


def _callable(loaded: Loaded, forward: Forward, call: str) -> object:
    owner, _, name = call.partition(".")
    if owner == "code":
        return getattr(loaded.code, name, None)
    if owner in own_names(loaded):
        return getattr(getattr(loaded.code, owner), name)
    return callable_of(forward.built, call)


def _of_trainers(loaded: Loaded) -> list[str]:
    """Return the methods of classes that are handed a network: `Trainer.backward` beside a network without any."""
    return [
        f"{name}.{method}"
        for name in own_names(loaded)
        for trainer in [getattr(loaded.code, name)]
        if inspect.isclass(trainer) and any(HOLDER.fullmatch(p.name) for p in parameters_of(trainer) or ())
        for method, value in vars(trainer).items()
        if inspect.isroutine(value)
    ]


def _says_backward(call: str, function: object) -> bool:
    """Tell whether a callable reads like a backward pass: by its name, by what it does, or by what it is handed."""
    name = call.rpartition(".")[2]
    if not inspect.isroutine(function) or HELPS.search(name) or names.CHECKS.fullmatch(name):
        return False
    if SAYS.search(name) or walks_back_and_adds(function) or adds_up_products(function):
        return True
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    return any(HANDED.fullmatch(parameter.strip("_")) for parameter in parameters)
