"""From what a network's arrays mean to an observation in the layout of the problem."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.cases import Problem
from conformance.hand_written.calling.asking import HEAD, torch_name
from conformance.hand_written.calling.gates.blocks import assembled, letters_of
from conformance.subjects.observation import Observation
from refrnn import Array

GATES = ("i", "f", "g", "o", "r", "z", "n")
RESULTS = ("y", "h", "c", *GATES, "d_h", "d_c", "x", "h_0", "c_0")


def observed(problem: Problem, **shown: Any) -> Observation:
    """Return the observation of what a network showed.

    Parameters
    ----------
    problem
        The problem it was asked.
    shown
        y (T, B, O) and h (T, B, H), or (1, B, ·) of the last step alone; the gradients d_h (T, B, H) of the states,
        x (T, B, I) and h_0 (B, H); and those of parameters under the short names W_ih, W_hh, b or b_ih and b_hh, W_hy,
        b_y, with a 1 behind those of a second layer. Of an LSTM also c and d_c (T, B, H) and c_0 (B, H); of a cell with
        gates the gates themselves (T, B, H) by torch's letters, and parameters by gate: W_xf, W_hf, b_xf, b_hf, b_f.
    """
    case, layout = problem.case, problem.layout
    given = {name: np.asarray(value) for name, value in shown.items() if value is not None}
    own = {name: g for name, g in given.items() if name not in RESULTS}
    blocks = {name: own.pop(name) for name in list(own) if letters_of(case) and name not in HEAD}
    named = {torch_name(name): g for name, g in own.items()}
    found: dict[str, Any] = {"parameters": assembled(case, blocks) | named}
    if "y" in given:
        found["y"] = layout.restored(_by_step(given["y"], case.steps))
    h = given.get("h")
    if h is not None and len(h) == case.steps and case.steps > 1:
        found["hidden"] = {(case.layers - 1, 0): h}
        found["output"] = layout.restored(h)
    elif h is not None and case.layers == 1:
        found["h_n"] = layout.restored_state(h[-1:])
    inner = {(letter, (0, 0)): given[letter] for letter in ("c", *GATES) if letter in given}
    found["inner"] = {key: array for key, array in inner.items() if len(array) == case.steps > 1}
    if "c" in given and len(given["c"]) == 1 < case.steps:
        found["c_n"] = layout.restored_state(given["c"])
    if "d_c" in given:
        found["d_inner"] = {("c", (0, 0)): given["d_c"]}
    if "c_0" in given and problem.c_0 is not None:
        found["d_c_0"] = layout.restored_state(given["c_0"][np.newaxis])
    if "d_h" in given:
        found["d_hidden"] = {(case.layers - 1, 0): given["d_h"]}
    if "x" in given:
        found["d_x"] = layout.restored(given["x"])
    if "h_0" in given and problem.h_0 is not None and case.layers == 1:
        found["d_h_0"] = layout.restored_state(given["h_0"][np.newaxis])
    return Observation(**found)


def _by_step(values: Array, steps: int) -> Array:
    """Return the outputs of every step; where only the last is shown, those before it are zeros, and never judged."""
    if len(values) == steps:
        return values
    return np.concatenate([np.zeros((steps - 1, *values.shape[1:])), values])


def names_of(shown: Mapping[str, str]) -> list[str]:
    """Return the keys in the order in which an adapter shows them."""
    return sorted(shown, key=lambda name: (name not in RESULTS, list(shown).index(name)))
