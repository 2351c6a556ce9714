"""Copies of what one step gave and left behind, before the next one overwrites it."""

import copy
from typing import Any

import numpy as np


def kept(result: Any, owner: Any = None) -> tuple[Any, dict[str, Any]]:
    """Return copies of what a step returned, and of the arrays, lists and dicts that its object holds by now."""
    held = getattr(owner, "__dict__", {})
    return copy.deepcopy(
        (result, {name: value for name, value in held.items() if isinstance(value, (np.ndarray, list, dict))})
    )
