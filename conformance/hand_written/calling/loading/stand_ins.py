"""What stands for a name of torch in foreign code, and which code speaks of it."""

import inspect
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

from conformance.hand_written.calling.loading.tensors import FUNCTIONS, Tensor

KINDS = {
    **dict.fromkeys(
        ("float", "float16", "float32", "float64", "double", "half", "bfloat16", "get_default_dtype"), float
    ),
    **dict.fromkeys(("long", "int", "int32", "int64"), int),
    "bool": bool,
    "pi": np.pi,
}
"""Types of numbers: all floats are double."""


def of_torch(module: str, name: str) -> Any:
    """Return what stands for a name of torch, or of a part of it that computes; None where nothing does."""
    if module == "torch":
        return Tensor if name == "Tensor" else KINDS.get(name, FUNCTIONS.get(name))
    inside = module in ("torch.nn.functional", "torch.linalg", "torch.cuda", "torch.nn")
    return FUNCTIONS.get(name) if inside else None


def uses_tensors(module: types.ModuleType, functions: Sequence[Any]) -> bool:
    """Tell whether some functions of a module speak of what stands in for torch."""
    known = {name for name, value in vars(module).items() if _is_of_torch(value)}
    return any(known & set(code.co_names) for code in map(_code, functions) if code is not None)


def _code(function: Any) -> types.CodeType | None:
    return getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)


def _is_of_torch(value: Any) -> bool:
    name = getattr(value, "__name__", "")
    return str(name).partition(".")[0] == "torch" or any(value is each for each in FUNCTIONS.values())
