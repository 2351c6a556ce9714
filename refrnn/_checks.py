"""Checks at the boundary: every public entry turns bad arguments into a sentence that helps.

Each message says what was expected, what was given, and what to do.
"""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from refrnn._types import DTYPES, Array


def size(name: str, value: object) -> int:
    """Return `value` as a size of at least 1."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)  # pyright: ignore[reportArgumentType]: the point of the check
    except TypeError:
        message = f"{name} must be an integer of at least 1; got {value!r}. Pass a whole number."
        raise TypeError(message) from None
    if number < 1:
        message = f"{name} must be at least 1; got {number}. A network needs at least one of each."
        raise ValueError(message)
    return number


def flag(name: str, value: object) -> bool:
    """Return `value` if it is True or False; a nonlinearity passed in its place is caught here."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    message = (
        f"{name} must be True or False; got {value!r}. The arguments come in torch's order: input_size, "
        "hidden_size, num_layers, nonlinearity, bias, batch_first, dropout, bidirectional."
    )
    raise TypeError(message)


def choice(name: str, value: object, allowed: Sequence[str]) -> str:
    """Return `value` if it is one of `allowed`."""
    if isinstance(value, str) and value in allowed:
        return value
    options = " or ".join(repr(option) for option in allowed)
    message = f"{name} must be {options}; got {value!r}. Pass one of these."
    raise ValueError(message)


def probability(name: str, value: object) -> float:
    """Return `value` as a probability in [0, 1]."""
    number = real(name, value)
    if not 0 <= number <= 1:
        message = f"{name} must be a probability in [0, 1]; got {value!r}. Pass a number from 0 to 1."
        raise ValueError(message)
    return number


def positive(name: str, value: object) -> float:
    """Return `value` as a finite number above 0."""
    number = real(name, value)
    if not (number > 0 and np.isfinite(number)):
        message = f"{name} must be finite and above 0; got {value!r}. Pass a positive number."
        raise ValueError(message)
    return number


def real(name: str, value: object) -> float:
    """Return `value` as a float."""
    if isinstance(value, (bool, np.bool_, str, bytes)) or np.ndim(value) != 0:  # pyright: ignore[reportArgumentType]
        message = f"{name} must be one real number; got {value!r}. Pass a float."
        raise TypeError(message)
    try:
        return float(value)  # pyright: ignore[reportArgumentType]: the point of the check
    except (TypeError, ValueError):
        message = f"{name} must be one real number; got {value!r}. Pass a float."
        raise TypeError(message) from None


def float_dtype(name: str, value: object) -> np.dtype[Any]:
    """Return `value` as one of the dtypes in which the reference runs."""
    try:
        dtype = np.dtype(value)  # pyright: ignore[reportArgumentType, reportCallIssue]: the point of the check
    except TypeError:
        dtype = None
    if dtype is None or dtype not in DTYPES:
        message = (
            f"{name} must be float32, float64 or long double; got {value!r}. The reference runs in "
            "these; convert the data first."
        )
        raise TypeError(message)
    return dtype


def array(name: str, value: object, dtype: np.dtype[Any], shape: Sequence[int | str]) -> Array:
    """Return `value` as an array of `dtype` whose shape fits `shape`, without broadcasting.

    A string in `shape` stands for any length of at least 1 and names it in the message. Arrays
    must have the dtype already; plain Python numbers and lists take it on.
    """
    given = as_array(name, value, dtype)
    if given.dtype != dtype:
        message = (
            f"{name} must be {dtype}, the dtype of this network; got {given.dtype}. Convert it with "
            f".astype('{dtype}') if the loss of precision is meant, or build the network with "
            f"dtype='{given.dtype}'."
        )
        raise TypeError(message)
    fits = given.ndim == len(shape) and all(
        length == wanted if isinstance(wanted, int) else length > 0
        for length, wanted in zip(given.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(str(part) for part in shape)
        message = (
            f"{name} must have the shape ({wanted}); got {given.shape}. Nothing is broadcast and no "
            "length may be 0: reshape or transpose it."
        )
        raise ValueError(message)
    return given


def as_array(name: str, value: object, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Return anything array-like as an array: torch tensors are detached, lists take `dtype`."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()  # pyright: ignore
    try:
        if hasattr(value, "dtype") or hasattr(value, "__array__"):
            return np.asarray(value)
        return np.asarray(value, dtype=dtype)
    except (TypeError, ValueError) as error:
        message = f"{name} must be an array of {dtype}; got {type(value).__name__}: {error}. Pass an array."
        raise TypeError(message) from error


def safe_cast(name: str, value: object, dtype: np.dtype[Any], shape: Sequence[int]) -> Array:
    """Return a copy of `value` as `dtype` and exactly `shape`, refusing casts that lose digits."""
    given = as_array(name, value, dtype)
    if given.shape != tuple(shape):
        message = (
            f"{name} must have the shape {tuple(shape)}; got {given.shape}. Nothing is broadcast: check "
            "which network the parameters belong to, and whether a matrix is transposed."
        )
        raise ValueError(message)
    if not np.can_cast(given.dtype, dtype, casting="safe"):
        message = (
            f"{name} is {given.dtype} and this network is {dtype}, so that digits would be lost. Build the "
            f"network with dtype='{given.dtype}', or convert with .astype('{dtype}') if that is meant."
        )
        raise TypeError(message)
    return np.array(given, dtype=dtype)


def lengths(value: object, steps: int, batch: int) -> np.ndarray[Any, Any]:
    """Return the number of steps of every sample: whole numbers (B,) from 1 to T, in any order."""
    given = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)  # pyright: ignore
    if given.dtype.kind not in "iu":
        message = (
            f"lengths must be whole numbers; got {given.dtype} {given.tolist()!r}. torch would cut fractions "
            "off without a word; pass integers."
        )
        raise TypeError(message)
    if given.shape != (batch,):
        message = (
            f"lengths must have the shape ({batch},), one for each sample; got {given.shape}. torch would drop "
            "samples without a length; give every sample one."
        )
        raise ValueError(message)
    wrong = np.flatnonzero((given < 1) | (given > steps))
    if wrong.size:
        row = int(wrong[0])
        message = (
            f"lengths must lie between 1 and T = {steps}; got {int(given[row])} for sample {row}. Drop empty "
            "samples, and pad x to the longest one."
        )
        raise ValueError(message)
    return given.astype(np.intp)
