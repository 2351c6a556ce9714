"""Outputs that remember how they came about: objects of the target's own, whose gradients a method of a loss finds."""

from typing import Any

from conformance.hand_written.calling.building.options import is_class
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import parameters_of
from conformance.hand_written.calling.loading.load import Loaded, own_names
from conformance.hand_written.calling.running.keeping import method_of


def losses_on_a_tape(loaded: Loaded, forward: Forward) -> list[str]:
    """Return the functions of a target that may make a loss of outputs that remember; none for plain outputs."""
    if forward.loop or not remembers(loaded, forward.ran.names.get("result")):
        return []
    return [f"code.{n}" for n in own_names(loaded) if names.LOSS.fullmatch(n) and not is_class(loaded, n)]


def remembers(loaded: Loaded, result: Any) -> bool:
    """Tell whether outputs are objects of the target's own with a method for their gradients."""
    first = result[0] if isinstance(result, (list, tuple)) and result else result
    return bool(way_back(loaded, first))


def way_back(loaded: Loaded, value: Any) -> str:
    """Return the method of an object of the target's own that walks back from it; empty where there is none."""
    if type(value).__module__ != loaded.code.__name__:
        return ""
    for name in dir(type(value)):
        method = method_of(value, name) if names.BACKWARD.fullmatch(name) and name[:2] != "__" else None
        if callable(method) and not any(q.required for q in parameters_of(method) or []):
            return name
    return ""
