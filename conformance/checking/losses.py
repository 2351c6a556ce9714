"""Which functions of a network's code look like a loss: by name, and by taking two arguments."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from conformance.cases import Problem
from conformance.handwritten import Asked, Bound
from conformance.handwritten.binding import Binding
from conformance.handwritten.limits import time_limit
from conformance.handwritten.program import run

LOSS = re.compile(r"loss|mse|cost|error|entropy|criterion|objective|squared", re.IGNORECASE)
SLOPE = re.compile(r"grad|deriv|backward|prime|delta|^d_|_d$", re.IGNORECASE)

SECONDS = 1.0
"""How long one call of a loss may take."""


def loss_functions(bound: Bound, problem: Problem) -> dict[str, Callable[..., Any]]:
    """Return the functions and methods of a network's code that may be its loss, by name; none of an adapter."""
    if not isinstance(bound, Binding):
        return {}
    ran = run(bound.loaded, Asked(problem), bound.build)
    places = {"": vars(bound.loaded.code), "model.": _attributes(ran.names.get("model"))}
    return {
        prefix + name: _limited(value)
        for prefix, names in places.items()
        for name, value in names.items()
        if LOSS.search(name) and not SLOPE.search(name) and _takes_two(value)
    }


def _attributes(model: object) -> dict[str, Any]:
    return {} if model is None else dict(_methods(model))


def _methods(model: object) -> Iterator[tuple[str, Any]]:
    for name in dir(type(model)):
        if not name.startswith("__"):
            yield name, getattr(model, name, None)


def _takes_two(value: object) -> bool:
    """Return whether `value` is a function of two arguments, others having defaults."""
    if not inspect.isroutine(value):
        return False
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return False
    return (
        sum(
            p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
            for p in parameters
        )
        == 2
    )


def _limited(function: Callable[..., Any]) -> Callable[..., Any]:
    def limited(*arguments: Any) -> Any:  # noqa: ANN401 - whatever a loss takes and gives
        with time_limit(SECONDS):
            return function(*arguments)

    return limited
