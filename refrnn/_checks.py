"""Checks at the boundary: every public entry turns bad arguments into a sentence that helps.

Each message says what was expected, what was given, and what to do.
"""

import contextlib
import operator
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from refrnn._types import DTYPES, Array

T = TypeVar("T")
F = TypeVar("F")


LARGEST_SIZE = 10**9
"""Beyond which no size is meant: a network of 10**30 layers would only seem to hang."""


def size(name: str, value: object) -> int:
    """Return `value` as a size of at least 1."""
    counted = (
        None if isinstance(value, (bool, np.bool_)) or is_masked(value) else value
    )  # True would count as 1
    try:
        number = operator.index(counted)  # pyright: ignore[reportArgumentType]: the point of the check
    except TypeError:
        message = f"{name} must be an integer of at least 1; got {value!r}. Pass a whole number."
        raise TypeError(message) from None
    if number < 1:
        message = f"{name} must be at least 1; got {number}. A network needs at least one of each."
        raise ValueError(message)
    if number > LARGEST_SIZE:
        message = (
            f"{name} must be at most {LARGEST_SIZE:,}; got {number}. Nothing of that size can be computed."
        )
        raise ValueError(message)
    return number


def projection(name: str, value: object, hidden_size: int) -> int:
    """Return `value` as the size of a projection: below H, and 0 for none."""
    if type(value) is int and value == 0:
        return 0
    number, hidden_size = size(name, value), size("hidden_size", hidden_size)
    if number >= hidden_size:
        message = (
            f"{name} must be below hidden_size = {hidden_size}, or 0 for no projection; got {number}. Projections make "
            "h shorter; leave it out otherwise."
        )
        raise ValueError(message)
    return number


def flag(name: str, value: object, order: Sequence[str]) -> bool:
    """Return `value` if it is True or False; an argument passed in another's place is caught here."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)  # pyright: ignore[reportUnknownArgumentType]: np.bool_ has an open type parameter
    message = f"{name} must be True or False; got {value!r}. The arguments come in torch's order: {', '.join(order)}."
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
    refuse_masked(name, value)
    if not isinstance(value, (bool, np.bool_, str, bytes)) and getattr(value, "ndim", 0) == 0:
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            return float(value)  # pyright: ignore[reportArgumentType]: the point of the check
    message = f"{name} must be one real number; got {value!r}. Pass a float."
    raise TypeError(message)


def instance(name: str, value: object, kind: type[T], remedy: str) -> T:
    """Return `value` if it is a `kind`."""
    if isinstance(value, kind):
        return value
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    message = f"{name} must be {article} {kind.__name__}; got {type(value).__name__}. {remedy}"
    raise TypeError(message)


def is_pair(value: object) -> bool:
    """Tell a tuple or list of two from anything else."""
    return isinstance(value, (tuple, list)) and len(value) == 2  # pyright: ignore[reportUnknownArgumentType]


def parts(names: Sequence[str], value: object) -> Sequence[object]:
    """Return `value` as one part for every name: itself for one, else a tuple or list of them; None is all None."""
    if len(names) == 1:
        return (value,)
    if value is None:
        return (None,) * len(names)
    if isinstance(value, (tuple, list)) and len(value) == len(names):  # pyright: ignore[reportUnknownArgumentType]
        return value  # pyright: ignore[reportUnknownVariableType]: of anything
    both, given = ", ".join(names), type(value).__name__  # pyright: ignore[reportUnknownArgumentType]
    message = (
        f"The state must be ({both}), a tuple of {len(names)} arrays; got {given}. Pass all of them, "
        "None for zeros in the place of one."
    )
    raise TypeError(message)


def function(name: str, value: F, remedy: str) -> F:
    """Return `value` if it can be called."""
    if callable(value):
        return value
    message = f"{name} must be a function; got {type(value).__name__}. {remedy}"
    raise TypeError(message)


def generator(value: object) -> np.random.Generator | None:
    """Return `value` if it is a generator of random numbers, or None."""
    remedy = "Pass numpy.random.default_rng(seed), or None."
    return None if value is None else instance("generator", value, np.random.Generator, remedy)


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


def array(
    name: str,
    value: object,
    dtype: np.dtype[Any],
    shape: Sequence[int | str],
    *,
    owner: str = "this network",
) -> Array:
    """Return `value` as an array of `dtype` whose shape fits `shape`, without broadcasting.

    A string in `shape` stands for any length of at least 1 and names it in the message. Plain Python
    numbers take on the dtype; what has a dtype must have this one, the dtype of `owner`.
    """
    given = as_array(name, value, dtype)
    if given.shape == shape and given.dtype is dtype:
        return given
    if given.dtype != dtype:
        raise TypeError(_about_dtype(name, given, dtype, owner))
    if not fits(given.shape, shape):
        wanted = ", ".join(str(part) for part in shape)
        message = (
            f"{name} must have the shape ({wanted}); got {given.shape}. Nothing is broadcast and no "
            "length may be 0: reshape or transpose it."
        )
        raise ValueError(message)
    return given


def fits(lengths: tuple[int, ...], wanted: Sequence[int | str]) -> bool:
    """Tell whether every length is the wanted one, or at least 1 where a name stands for it."""
    if len(lengths) != len(wanted):
        return False
    for length, expected in zip(lengths, wanted, strict=True):
        if length != expected and (isinstance(expected, int) or length == 0):
            return False
    return True


def as_array(name: str, value: object, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Return anything array-like as an array: plain Python numbers take on `dtype`, the rest keeps its own."""
    if type(value) is np.ndarray:
        return value
    given = natural(name, value, f"an array of {dtype}")
    literal = plain(value) and (given.dtype.kind == "f" or keeps_digits(given, dtype))
    return given.astype(dtype) if literal else given


def natural(name: str, value: object, expected: str) -> np.ndarray[Any, Any]:
    """Return anything array-like as NumPy reads it by itself; torch tensors are detached, masked arrays refused."""
    refuse_masked(name, value)
    try:
        return np.asarray(detached(value))
    except ValueError:
        problem = "whose parts differ in length. Pad them to one length, or pass an array."
    except TypeError as error:
        problem = f"that NumPy can't read: {error}. Pass an array."
    message = f"{name} must be {expected}; got {type(value).__name__} {problem}"
    raise TypeError(message)


def is_masked(value: object) -> bool:
    """Return whether `value` is a masked array; naming its class would import numpy.ma, which takes 20 ms."""
    return isinstance(value, np.ndarray) and hasattr(value, "mask")  # pyright: ignore[reportUnknownArgumentType]


def refuse_masked(name: str, value: object) -> None:
    """Refuse a masked array, alone or in lists and tuples: NumPy would compute with what the mask hides."""
    if isinstance(value, (list, tuple)):
        for part in value:  # pyright: ignore[reportUnknownVariableType]: of anything
            refuse_masked(name, part)  # pyright: ignore[reportUnknownArgumentType]
    elif is_masked(value):
        message = (
            f"{name} must not be masked; got a masked array, whose hidden values would be computed with. Pass "
            ".filled(value), or .data where nothing is hidden; steps that samples don't have are told by lengths."
        )
        raise TypeError(message)


def detached(value: object) -> object:
    """Return a torch tensor as one that NumPy can read, and anything else as it is."""
    detach = getattr(value, "detach", None)
    return value if detach is None else detach().cpu()


def plain(value: object) -> bool:
    """Tell whether `value` is made of Python's own ints and floats, alone or in lists and tuples."""
    if isinstance(value, (list, tuple)):
        return all(map(plain, value))  # pyright: ignore[reportUnknownArgumentType]: of anything
    return type(value) in (int, float)  # np.float64 is a float too, but one with a dtype


def keeps_digits(given: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> bool:
    """Tell whether `dtype` holds whatever the dtype of `given` may hold, or these very whole numbers."""
    if given.dtype.kind in "iu":
        limit = 2 ** (np.finfo(dtype).nmant + 1)  # up to here no whole number is skipped
        return bool(np.all((given >= -limit) & (given <= limit)))
    return np.can_cast(given.dtype, dtype, casting="safe")


def safe_cast(
    name: str, value: object, dtype: np.dtype[Any], shape: Sequence[int], *, owner: str = "this network"
) -> Array:
    """Return a copy of `value` as `dtype` and exactly `shape`, refusing casts that lose digits.

    `owner` is what has that dtype and shape.
    """
    given = as_array(name, value, dtype)
    if given.shape != tuple(shape):
        message = (
            f"{name} must have the shape {tuple(shape)}; got {given.shape}. Nothing is broadcast: check "
            f"whether it belongs to {owner}, and whether a matrix is transposed."
        )
        raise ValueError(message)
    if not keeps_digits(given, dtype):
        raise TypeError(_about_dtype(name, given, dtype, owner))
    return np.array(given, dtype=dtype)


def _about_dtype(name: str, given: np.ndarray[Any, Any], dtype: np.dtype[Any], owner: str) -> str:
    """Word what is wrong with the dtype of `given`, with advice that works for that dtype."""
    what = f"{name} must be {dtype}, the dtype of {owner}; got {given.dtype}"
    if given.dtype.kind not in "biuf":
        return f"{what}. Convert it to an array of real numbers."
    advice = f"Convert it (NumPy arrays: .astype('{dtype}'))"
    if not keeps_digits(given, dtype):
        what, advice = f"{what}, so that digits would be lost", f"{advice} if that is meant"
    native = given.dtype.newbyteorder("=")
    if native in DTYPES and native != dtype:
        advice = f"{advice}, or give {owner} dtype='{native}'"
    return f"{what}. {advice}."


def lengths(value: object, steps: int, batch: int) -> np.ndarray[Any, Any]:
    """Return the number of steps of every sample: whole numbers (B,) from 1 to T, in any order."""
    given = natural("lengths", value, "whole numbers")
    if given.size and given.dtype.kind not in "iu":  # an empty list would be float64
        message = (
            f"lengths must be whole numbers; got {given.dtype} {given.tolist()!r}. torch would cut fractions "
            "off without a word; pass integers."
        )
        raise TypeError(message)
    if given.shape != (batch,):
        message = (
            f"lengths must have the shape ({batch},), one for each sample; got {given.shape}. torch would "
            "drop samples without a length; give every sample one."
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
