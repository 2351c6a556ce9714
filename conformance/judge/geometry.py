"""Where steps lie in time: the step before, the step after, and the two ends of a scan, by sample.

Sequences are (T, B, ·) in the order of time. A forward scan goes from t = 0 to each sample's last step, a reverse
scan from each sample's last step to t = 0.
"""

import numpy as np

from conformance.cases import Problem
from refrnn import Array


def rows(array: Array) -> Array:
    """Return (T, B, ·) as the rows (T·B, ·) of one batch."""
    return array.reshape(-1, array.shape[-1])


def active(problem: Problem) -> Array:
    """Return where samples have steps, ready to meet sequences: (T, B, 1)."""
    return problem.active[:, :, np.newaxis]


def from_step_before(values: Array, *, reverse: bool) -> Array:
    """Return at every step what the step before it in the scan holds, 0 at the first one."""
    return _moved(values, later=not reverse)


def from_step_after(values: Array, *, reverse: bool) -> Array:
    """Return at every step what the step after it in the scan holds, 0 at the last one."""
    return _moved(values, later=reverse)


def first_steps(problem: Problem, *, reverse: bool) -> Array:
    """Return where each sample's scan takes its first step: (T, B, 1)."""
    return _steps_at(problem, newest=reverse)


def last_steps(problem: Problem, *, reverse: bool) -> Array:
    """Return where each sample's scan takes its last step: (T, B, 1)."""
    return _steps_at(problem, newest=not reverse)


def picked(values: Array, at: Array) -> Array:
    """Return the one step of each sample that `at` (T, B, 1) marks: (T, B, H) -> (B, H)."""
    return np.where(at, values, 0.0).sum(axis=0)


def _moved(values: Array, *, later: bool) -> Array:
    moved = np.zeros_like(values)
    if later:
        moved[1:] = values[:-1]
    else:
        moved[:-1] = values[1:]
    return moved


def _steps_at(problem: Problem, *, newest: bool) -> Array:
    steps, batch = problem.case.steps, problem.case.batch
    lengths = np.full(batch, steps) if problem.lengths is None else problem.lengths
    t = lengths - 1 if newest else np.zeros_like(lengths)
    return (np.arange(steps)[:, np.newaxis] == t)[:, :, np.newaxis]
