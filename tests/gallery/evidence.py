"""What a driver's subject showed, as evidence for a diagnosis that doesn't depend on any inference."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from conformance.cases import Head, Problem, materialise, parse_id
from conformance.hand_written.diagnosis import Evidence
from conformance.subjects.observation import Observation
from gallery.question import Question, Shown
from gallery.running import shown
from gallery.truth import Mend, Truth

PARAMETERS = {
    "w_ih": "weight_ih_l0",
    "w_hh": "weight_hh_l0",
    "b_ih": "bias_ih_l0",
    "b_hh": "bias_hh_l0",
    "w_hy": "head.weight",
    "b_y": "head.bias",
}


def evidence(truth: Truth, faults: Sequence[Mend]) -> Evidence:
    """Run a subject with the given faults, and put what it was asked and showed in the suite's words."""
    asked, seen = shown(truth, faults)
    d_y, d_h = cotangents(asked, seen)
    problem = posed(truth, asked, seen, d_y, d_h)
    return Evidence(
        problem=problem,
        observation=observed(asked, seen),
        rate=1.0 if truth.gives in ("in place", "both") else None,
        single="dtype lowered" in truth.contract,
    )


def cotangents(asked: Question, seen: Shown) -> tuple[np.ndarray, np.ndarray]:
    """Return dL/dy (T, B, O) and what of dL/dh (T, B, H) doesn't come through the head, where the subject stands."""
    w = {name: torch.tensor(value) for name, value in asked.weights.items()}
    h, states = torch.tensor(asked.h_0), []
    for x in torch.tensor(asked.x):
        h = torch.tanh(x @ w["w_ih"].T + h @ w["w_hh"].T + w["b_ih"] + w["b_hh"])
        states.append(h)
    hidden = torch.stack(states).requires_grad_()
    y = (hidden.detach() @ w["w_hy"].T + w["b_y"]).requires_grad_()
    if seen.y is not None and seen.y.size == y.numel():
        y = torch.tensor(seen.y, dtype=torch.float64).reshape(y.shape).requires_grad_()
    seen.loss(y, hidden).backward()
    d_y, d_h = (np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy() for leaf in (y, hidden))
    if seen.d_h_n is not None:
        d_h[-1] -= seen.d_h_n
    return d_y, d_h


def posed(truth: Truth, asked: Question, seen: Shown, d_y: np.ndarray, d_h: np.ndarray) -> Problem:
    """Return the problem that the subject was put."""
    headed = d_y.any()
    sees = "" if seen.d_h_n is not None else "-dlast" if not (d_y + d_h.sum())[:-1].any() else "-dout"
    parts = [
        f"rnn-{truth.activation}",
        *(["nobias"] if truth.biases == "none" else []),
        f"T{asked.steps}-B{asked.batch}-I{asked.inputs}-H{asked.hidden}",
        *([f"O{asked.outputs}"] if headed else []),
        *([] if asked.h_0.any() else ["noh0"]),
    ]
    problem = materialise(parse_id("-".join(parts) + f"{sees}-f64-s0"))
    weights = {
        theirs: asked.weights[ours] for ours, theirs in PARAMETERS.items() if theirs in problem.weights
    }
    bias = asked.weights["b_y"] if problem.case.bias else None
    head = Head(weight=asked.weights["w_hy"], bias=bias, d_y=d_y) if headed else None
    return replace(
        problem,
        weights=weights,
        x=asked.x,
        h_0=asked.h_0[np.newaxis] if problem.case.h_0 else None,
        d_output=d_h if head is None else head.d_output,
        d_h_n=None if seen.d_h_n is None else seen.d_h_n[np.newaxis],
        head=head,
    )


def observed(asked: Question, seen: Shown) -> Observation:
    """Return what the subject showed in torch's shapes."""
    shapes = {name: value.shape for name, value in asked.weights.items()}
    whole = seen.h is not None and seen.h.size == asked.d_h.size
    return Observation(
        output=seen.h.reshape(asked.d_h.shape) if whole else None,
        hidden={(0, 0): seen.h.reshape(asked.d_h.shape)} if whole else {},
        h_n=None if seen.h is None or whole else seen.h.reshape(1, asked.batch, asked.hidden),
        y=None if seen.y is None else seen.y.reshape(-1, asked.batch, asked.outputs),
        d_x=seen.gradients["x"].reshape(asked.x.shape) if "x" in seen.gradients else None,
        d_h_0=seen.gradients["h_0"].reshape(1, *asked.h_0.shape) if "h_0" in seen.gradients else None,
        parameters={
            PARAMETERS[name]: np.asarray(g, float).reshape(shapes[name])
            if np.size(g) == np.prod(shapes[name])
            else np.asarray(g, float)
            for name, g in seen.gradients.items()
            if name in PARAMETERS
        },
    )
