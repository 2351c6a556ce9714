"""How far tanh is off in libraries: a premise of every bound of a state, since no standard bounds it.

`conformance calibrate --function tanh` measures it where it runs. A library leaves tanh to the
system's where it has none of its own for a processor, so nothing below glibc's error is allowed for any.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from msgspec import Struct

from conformance.cases import Format
from refrnn import Array


class Accuracy(Struct, frozen=True):
    """The greatest error of tanh that was found in a library, in units of u |tanh|, and which one it was."""

    measured: str
    f32: float
    f64: float


GLIBC = Accuracy("glibc 2.36", 2.83, 2.82)

TANH: Mapping[str, Accuracy] = MappingProxyType(
    {
        "torch": Accuracy("torch 2.13.0", 1.00, 1.25),
        "numpy": Accuracy("numpy 2.4.6", 1.83, 1.63),
        "jax": Accuracy("jax 0.10.2", 4.51, 6.92),
        "onnxruntime": Accuracy("onnxruntime 1.32.0, operator Tanh", 5.40, 7.74),
        "tensorflow": Accuracy("tensorflow 2.21.0", 5.67, 7.40),
    }
)
"""What was measured, by the name under which a subject declares its library."""

USUAL = 3.0
"""The units that are allowed where tanh is the system's, NumPy's or torch's: 2.83 was the worst measured."""


def units_of_tanh(library: str, precision: Format) -> float:
    """Return how many units of u |tanh| are allowed to a library, whole ones; to an unknown one the most of all.

    >>> from conformance.cases import FORMATS
    >>> [units_of_tanh(library, FORMATS["f32"]) for library in ("numpy", "jax", "of my own")]
    [3.0, 5.0, 6.0]
    """
    known = [TANH[library]] if library in TANH else list(TANH.values())
    errors = [one.f64 if precision.name == "float64" else one.f32 for one in (GLIBC, *known)]
    return float(math.ceil(max(errors)))


def measured_tanh(
    tanh: Callable[[Array], Array], dtype: type[np.floating], count: int, seed: int = 0
) -> float:
    """Return the greatest error of `tanh` on random arguments, in units of u |tanh|, against a wider NumPy.

    Half of the arguments spread evenly over the powers of ten from 10⁻⁸ to 30, half over 0 to 10, in both signs.
    """
    rng = np.random.default_rng(seed)
    size = np.concatenate([10 ** rng.uniform(-8, 1.5, count // 2), rng.uniform(0, 10, count - count // 2)])
    arguments = (size * rng.choice([-1.0, 1.0], count)).astype(dtype)
    wider = np.float64 if dtype is np.float32 else np.longdouble
    true = np.tanh(arguments.astype(wider))
    error = np.abs(tanh(arguments).astype(wider) - true) / (np.finfo(dtype).eps / 2 * np.abs(true))
    return float(np.where(arguments == 0, 0, error).max())
