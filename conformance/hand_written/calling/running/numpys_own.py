"""Numpy's functions, which foreign code may replace: what is judged with them afterwards is judged by that code."""

from typing import Any, Self

import numpy as np
from msgspec import Struct

MODULES = (np, np.linalg, np.random)


class NumpysOwn(Struct, frozen=True):
    """The functions that numpy has come with.

    Types are left out: code that makes `np.bool` what it was once is common, and harmless.
    """

    functions: tuple[tuple[Any, str, Any], ...]

    @classmethod
    def now(cls) -> Self:
        """Return the functions as they are now."""
        return cls(
            tuple(
                (module, name, value)
                for module in MODULES
                for name, value in vars(module).items()
                if callable(value) and not isinstance(value, type)
            )
        )

    def put_back(self) -> list[str]:
        """Put back every function that was replaced or deleted; return their names."""
        gone = [entry for entry in self.functions if vars(entry[0]).get(entry[1]) is not entry[2]]
        for module, name, own in gone:
            setattr(module, name, own)
        return [f"{module.__name__}.{name}" for module, name, _ in gone]
