"""What is computed again and again in one check, computed once: problems of cases, and answers to equal arguments."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar, cast

import msgspec
import numpy as np

from conformance.cases import Case, Problem, materialise

P = ParamSpec("P")
R = TypeVar("R")

MOST = 32
"""Answers that are kept of one function: a check asks about some twenty problems."""


@lru_cache(maxsize=MOST)
def drawn(case: Case) -> Problem:
    """Return the problem of `case`, whose arrays can't be written to."""
    return materialise(case)


def once_for_equal(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function`, computed once for arguments of equal content, whatever objects hold it.

    What it returns is handed out again, and mustn't be changed.
    """
    known: dict[Hashable, R] = {}

    @wraps(function)
    def answer(*arguments: P.args, **named: P.kwargs) -> R:
        key = (content(arguments), content(named))
        if key not in known:
            found = function(*arguments, **named)
            if len(known) >= MOST:
                del known[next(iter(known))]
            known[key] = found
        return known[key]

    return answer


def content(value: object) -> Hashable:
    """Return what is equal for values that hold the same numbers in the same places, and for no others."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, Mapping):
        return tuple((name, content(part)) for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(content, value))
    if is_dataclass(value):
        return type(value), tuple(content(getattr(value, field.name)) for field in _fields(type(value)))
    if isinstance(value, msgspec.Struct):
        return type(value), tuple(content(getattr(value, name)) for name in value.__struct_fields__)
    return cast("Hashable", value)


@lru_cache
def _fields(kind: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any dataclass
    return fields(kind)
