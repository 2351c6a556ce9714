"""Steps of LSTM and GRU lie within half of their bounds of what they are exactly, proved in ball arithmetic.

The bound is that between two programs, each of which may use half of it.
"""

from dataclasses import replace

import numpy as np
import pytest
from flint import arb
from oracles.balls import exactly, precision
from oracles.gated_balls import Value, gru, lstm

from conformance import parse_id
from conformance.cases import Problem, materialise
from conformance.judge import Finding, local_check
from conformance.subjects import load_subject
from conformance.subjects.observation import Observation

STEPS, HIDDEN, INPUTS = 3, 3, 2
REGIMES = ("", "-gain4", "-saturated", "-tiny", "-positive", "-shifted", "-gain0.5")
EXACT = {"lstm": lstm, "gru": gru}


def looked_up(problem: Problem, shown: Observation, t: int) -> Value:
    """Return a function that gives the numbers of one step as balls of radius 0."""
    place = (0, 0)
    own = {"dh": shown.d_hidden[place][t, 0], "x": problem.x[t, 0]}
    for letter in problem.case.carried:
        states = shown.hidden[place] if letter == "h" else shown.inner[letter, place]
        own[f"{letter}'"] = states[t - 1, 0] if t else problem.initial_states[letter][0, 0]
    own |= {letter: values[t, 0] for (letter, _), values in shown.inner.items()}
    own |= {f"d{letter}": values[t, 0] for (letter, _), values in shown.d_inner.items()}

    def value(name: str, *index: int) -> arb:
        array = own[name] if name in own else problem.weights[f"{name}_l0"]
        return exactly(array[index])

    return value


def worst(problem: Problem, shown: Observation) -> dict[str, float]:
    """Return by quantity the largest share of its bound by which a step is off from what it is exactly."""
    findings: dict[str, Finding] = {f.comparison.quantity: f for f in local_check(problem, shown)}
    found: dict[str, float] = {}
    with precision():
        for t in range(STEPS):
            for quantity, unit, ball in EXACT[problem.case.cell](
                looked_up(problem, shown, t), INPUTS, HIDDEN
            ):
                c = findings[quantity].comparison
                off = float((exactly(c.got[t, 0, unit]) - ball).abs_upper())
                share = off / float(np.asarray(c.bound)[t, 0, unit])
                found[quantity] = max(found.get(quantity, 0.0), share)
    return found


@pytest.mark.parametrize("subject", ["reference", "torch-native"])
@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("cell", EXACT)
def test_no_step_is_off_by_more_than_half_of_its_bound(cell: str, dtype: str, subject: str) -> None:
    """With the bound of float32 nearly all belongs to the subject: the recomputation is exact beside it."""
    limit = 0.5 if dtype == "f64" else 1.0
    for n in range(28):
        regime = REGIMES[n % len(REGIMES)]
        problem = materialise(parse_id(f"{cell}-T{STEPS}-B1-I{INPUTS}-H{HIDDEN}-{dtype}{regime}-s{n}"))
        for quantity, share in worst(problem, load_subject(subject).run(problem)).items():
            assert share <= limit, (problem.case.id, quantity, share)


def test_a_step_that_is_off_would_be_noticed() -> None:
    problem = materialise(parse_id(f"gru-T{STEPS}-B1-I{INPUTS}-H{HIDDEN}-f64-s0"))
    shown = load_subject("reference").run(problem)
    z = shown.inner["z", (0, 0)] * (1 + 1e-13)
    found = worst(problem, replace(shown, inner={**shown.inner, ("z", (0, 0)): z}))
    assert found["z"] > 1
