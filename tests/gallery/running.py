"""Subjects run by their drivers, faulty or mended, and how far what they show lies from what is expected."""

import contextlib
import importlib
import io
from collections.abc import Callable, Sequence

import numpy as np

from gallery.definitions import definitions, mended, source_of
from gallery.question import Question, Shown, ask
from gallery.truth import Mend, Truth

STEP = 2.0**-9
"""Of differences that are then extrapolated: their error is of its fourth power, 1.5e-11."""


def question(truth: Truth, seed: int = 1) -> Question:
    return ask(
        truth.sizes,
        biases={"merged": "one"}.get(truth.biases, truth.biases),
        h_0=truth.start == "argument",
        ids=truth.input in ("ids", "one-hot"),
        seed=seed,
    )


def driver(truth: Truth) -> Callable[[dict, Question], Shown]:
    file, _, function = truth.driver.partition(".")
    return getattr(importlib.import_module(f"gallery.drivers.{file}"), function)


def shown(truth: Truth, faults: Sequence[Mend] = (), seed: int = 1) -> tuple[Question, Shown]:
    """Run a subject with all its faults mended but the given ones."""
    mends = [change for fault in truth.faults if fault not in faults for change in fault.changes()]
    asked = question(truth, seed)
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(over="ignore"):
        names = definitions(mended(source_of(truth.file), mends))
        return asked, driver(truth)(names, asked)


def apart(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the greatest difference relative to the greatest element; another shape is as far as can be."""
    found = np.asarray(found, dtype=float)
    if found.size != expected.size:
        return float("inf")
    worst = np.max(np.abs(found.reshape(expected.shape) - expected))
    return float(worst / max(np.max(np.abs(expected)), np.finfo(float).tiny))


def differences(function: Callable[[], float], at: np.ndarray) -> np.ndarray:
    """Return central differences of `function`, which reads `at` anew, extrapolated once."""
    found = np.empty_like(at)
    for index in np.ndindex(at.shape):
        there, slopes = at[index], []
        for step in (STEP, 2 * STEP):
            values = []
            for sign in (1, -1):
                at[index] = there + sign * step
                values.append(function())
            slopes.append((values[0] - values[1]) / (2 * step))
        at[index] = there
        found[index] = (4 * slopes[0] - slopes[1]) / 3
    return found
