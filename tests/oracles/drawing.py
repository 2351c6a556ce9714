"""Random small problems over all options of the reference, each the same for the same number."""

import numpy as np

from oracles import problems
from oracles.problems import HEAD_BIAS, HEAD_WEIGHT, Problem
from oracles.rounding import KinkError, bounds

ATTEMPTS = 20


def drawn(number: int) -> Problem:
    """Return the problem of a number: any layers, directions, options, layout, lengths, cotangents, head, precision.

    A problem with a pre-activation on relu's kink, where rounding decides the derivative, is drawn anew.
    """
    for attempt in range(ATTEMPTS):
        problem = _drawn(np.random.default_rng([number, attempt]))
        try:
            bounds(problem)
        except KinkError:
            continue
        return problem
    message = f"every attempt at problem {number} lies on a kink"
    raise AssertionError(message)


def _drawn(rng: np.random.Generator) -> Problem:
    layout = str(rng.choice(["time first", "batch first", "unbatched"]))
    layers, steps = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    batch = 1 if layout == "unbatched" else int(rng.integers(1, 4))
    ragged, headed = layout != "unbatched" and rng.random() < 0.4, rng.random() < 0.35
    dropout = float(rng.choice([0.0, 0.1, 0.5, 1.0])) if layers > 1 else 0.0
    problem = problems.make(
        seed=int(rng.integers(2**32)),
        initial=bool(rng.random() < 0.7),
        gain=float(rng.choice([0.3, 0.5, 1.0, 2.0])),
        steps=steps,
        batch=batch,
        inputs=int(rng.integers(1, 4)),
        hidden=int(rng.integers(1, 4)),
        layers=layers,
        directions=int(rng.integers(1, 3)),
        nonlinearity=str(rng.choice(["tanh", "relu"])),
        bias=bool(rng.random() < 0.7),
        layout=layout,
        dtype=[np.float32, np.float64][int(rng.integers(2))],
        lengths=tuple(int(n) for n in rng.integers(1, steps + 1, batch)) if ragged and not headed else None,
        dropout=dropout,
        truncation=int(rng.integers(1, 5)) if rng.random() < 0.3 else None,
    )
    if dropout:
        shape = (layers - 1, steps, batch, problem.directions * problem.hidden)
        problem = problem.but(masks=rng.random(shape) >= dropout)
    if headed:
        return with_head(problem, int(rng.integers(1, 4)), rng)
    alone = rng.choice(["both", "d_output", "d_h_n"])
    return problem if alone == "both" else problem.but(**{str(alone): None})


def with_head(problem: Problem, outputs: int, rng: np.random.Generator) -> Problem:
    """Return a problem whose loss sees the outputs through a head."""
    width = problem.directions * problem.hidden
    head = {HEAD_WEIGHT: rng.uniform(-1, 1, (outputs, width)), HEAD_BIAS: rng.uniform(-1, 1, outputs)}
    return problem.but(
        head={name: array.astype(problem.dtype) for name, array in head.items()},
        d_output=None,
        d_y=rng.standard_normal((problem.steps, problem.batch, outputs)).astype(problem.dtype),
    )
