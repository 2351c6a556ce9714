"""What drivers share: writing weights into a subject, and reading in-place updates."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gallery.question import Question


def put(holder: Any, values: Mapping[str, np.ndarray]) -> None:
    """Set attributes (or entries of a dict) to copies of the values, each in the shape that is there already."""
    for name, value in values.items():
        there = holder[name] if isinstance(holder, dict) else getattr(holder, name)
        fresh = np.array(value, dtype=float).reshape(np.shape(there))
        if isinstance(holder, dict):
            holder[name] = fresh
        else:
            setattr(holder, name, fresh)


def written(
    holder: Any, names: Mapping[str, str], call: Callable[[], object], rate: float = 1.0
) -> dict[str, np.ndarray]:
    """Return what `call` takes from the weights, by our names; `names` maps ours to the subject's."""
    before = {ours: np.array(getattr(holder, theirs)) for ours, theirs in names.items()}
    call()
    return {ours: (before[ours] - np.array(getattr(holder, theirs))) / rate for ours, theirs in names.items()}


def columns_of(question: Question, names: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return weights in torch's orientation, by the subject's names; `names` maps ours to theirs."""
    return {theirs: question.weights[ours] for ours, theirs in names.items()}


def rows_of(question: Question, names: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return weights transposed, by the subject's names; `names` maps ours to theirs."""
    return {theirs: question.weights[ours].T for ours, theirs in names.items()}
