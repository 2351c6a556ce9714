"""What foreign objects hold, looked at without running them, and copies of it before the next step overwrites it."""

import copy
import inspect
import types
from typing import Any

import numpy as np

METHODS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    staticmethod,
    classmethod,
)
"""What a class holds of its methods; anything else, such as a property, may run code when it is read."""


def kept(result: Any, owner: Any = None) -> tuple[Any, dict[str, Any]]:
    """Return copies of what a step returned, and of the arrays, lists and dicts that its object holds by now."""
    held = getattr(owner, "__dict__", {})
    return copy.deepcopy(
        (result, {name: value for name, value in held.items() if isinstance(value, (np.ndarray, list, dict))})
    )


def method_of(owner: Any, name: str) -> Any:
    """Return a method of an object, None where that name isn't one: a property's code would run if it were read."""
    found = inspect.getattr_static(type(owner), name, None)
    return getattr(owner, name) if isinstance(found, METHODS) else None
