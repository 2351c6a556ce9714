"""Dataclasses and named tuples of a target: those that hold its sizes, and those that hold its weights."""

import dataclasses
import inspect
from typing import Any

from conformance.hand_written.calling.hints.arguments import Parameter, parameters_of
from conformance.hand_written.calling.hints.inputs import roles_of
from conformance.hand_written.calling.hints.names import size_hint
from conformance.hand_written.calling.loading.load import Loaded, own_names


def configurations(loaded: Loaded) -> list[str]:
    """Return the expressions of the target's own records of sizes, each field given the size that its name hints at."""
    found = []
    for name, fields in _records(loaded).items():
        sizes = {q.name: size_hint(q.name) for q in fields if q.required or type(q.default) is int}
        hinted = {field: "I" if size == "V" else size for field, size in sizes.items() if size is not None}
        if {"I", "H"} <= set(hinted.values()) and all(q.name in hinted for q in fields if q.required):
            given = ", ".join(f"{field}=p.{size}" for field, size in hinted.items())
            found.append(f"code.{name}({given})")
    return found


def weight_records(loaded: Loaded) -> list[str]:
    """Return the expressions of the target's own records of weights, with ⟨role⟩ for every parameter."""
    found = []
    for name, fields in _records(loaded).items():
        roles = roles_of([q.name for q in fields if q.required])
        if {"W_ih", "W_hh"} <= set(roles.values()) and all(q.name in roles for q in fields if q.required):
            given = ", ".join(f"{field}=⟨{role}⟩" for field, role in roles.items())
            found.append(f"code.{name}({given})")
    return found


def _records(loaded: Loaded) -> dict[str, list[Parameter]]:
    """Return the fields of every dataclass and named tuple of the target that is not itself what was asked for."""
    found = {}
    for name in own_names(loaded):
        value = getattr(loaded.code, name)
        if inspect.isclass(value) and name not in loaded.wanted and is_record(value):
            found[name] = parameters_of(value) or []
    return found


def is_record(value: Any) -> bool:
    """Tell whether something is a dataclass or a named tuple, or an instance of one."""
    return dataclasses.is_dataclass(value) or hasattr(value, "_fields")
