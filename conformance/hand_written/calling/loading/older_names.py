"""Names that later versions of Python and NumPy have removed, put back where code still uses them."""

import ast
import collections
import collections.abc
import functools
import importlib
import inspect
import itertools
import math
import string
import time
import types
from collections.abc import Iterator, Mapping
from functools import partial
from operator import methodcaller
from typing import Any, NamedTuple

import numpy as np


class ArgSpec(NamedTuple):
    """What inspect.getargspec gave."""

    args: list[str]
    varargs: str | None
    keywords: str | None
    defaults: tuple[Any, ...] | None


def _arguments_of(function: Any) -> ArgSpec:
    full = inspect.getfullargspec(function)
    return ArgSpec(full.args, full.varargs, full.varkw, full.defaults)


BUILTINS: Mapping[str, Any] = types.MappingProxyType(
    {
        "xrange": range,
        "raw_input": input,
        "unicode": str,
        "basestring": str,
        "unichr": chr,
        "long": int,
        "reduce": functools.reduce,
    }
)
"""Builtins of Python 2 by their old names, with what does their work now."""

REMOVED: Mapping[str, Mapping[str, Any]] = types.MappingProxyType(
    {
        "numpy": {
            "float": float,
            "int": int,
            "object": object,
            "str": str,
            "complex": complex,
            "float_": np.float64,
            "complex_": np.complex128,
            "unicode_": np.str_,
            "string_": np.bytes_,
            "trapz": np.trapezoid,
            "row_stack": np.vstack,
            "bool8": np.bool_,
            "unicode": str,
            **dict.fromkeys(("Inf", "Infinity", "infty", "PINF"), math.inf),
            "NINF": -math.inf,
            "NaN": math.nan,
            "NAN": math.nan,
            "product": np.prod,
            "asfarray": partial(np.asarray, dtype=float),
            "cumproduct": np.cumprod,
            "alltrue": np.all,
            "sometrue": np.any,
            "in1d": np.isin,
            "mat": np.asmatrix,
            "round_": np.round,
            "asscalar": methodcaller("item"),
        },
        "collections": {name: getattr(collections.abc, name) for name in collections.abc.__all__},
        "fractions": {"gcd": math.gcd},
        "inspect": {"getargspec": _arguments_of},
        "itertools": {"izip": zip, "imap": map, "ifilter": filter, "izip_longest": itertools.zip_longest},
        "string": {
            "letters": string.ascii_letters,
            "lowercase": string.ascii_lowercase,
            "uppercase": string.ascii_uppercase,
        },
        "time": {"clock": time.perf_counter},
    }
)
"""By module, the names that it had once, with what does their work now."""


def put_back(tree: ast.Module) -> Iterator[str]:
    """Put back the names that a source uses and its libraries no longer have; yield each in full."""
    for module, name in sorted(set(_used(tree))):
        found = importlib.import_module(module)
        if name in REMOVED[module] and name not in vars(found):
            setattr(found, name, REMOVED[module][name])
            yield f"{module}.{name}"


def _used(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield every name that a source takes from a module of the table."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {alias.asname or alias.name: alias.name for alias in node.names if alias.name in REMOVED}
        elif isinstance(node, ast.ImportFrom) and node.module in REMOVED:
            yield from ((node.module, alias.name) for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            yield known[node.value.id], node.attr
