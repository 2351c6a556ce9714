"""What is known of gradients that no set of faults reproduces: which are right, and how the others look."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from conformance.cases import Case
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.faults import RIGHT, simulate
from conformance.hand_written.diagnosis.constants import name_of
from conformance.hand_written.diagnosis.equivalents import proportional
from conformance.hand_written.diagnosis.evidence import Probe
from conformance.hand_written.diagnosis.fit import SCREEN, fit
from conformance.hand_written.diagnosis.material import Material
from refrnn import Array

NAMES = {
    "weight_ih_l0": "dL/dW_ih",
    "weight_hh_l0": "dL/dW_hh",
    "bias_ih_l0": "dL/db_ih",
    "bias_hh_l0": "dL/db_hh",
    HEAD_WEIGHT: "dL/dW_y",
    HEAD_BIAS: "dL/db_y",
    "d_x": "dL/dx",
    "d_h_0": "dL/dh_0",
}
"""What gradients are called in sentences."""

UNMATCHED = "No known mistake of a forward pass explains its states."


def facts(material: Material, probe: Probe | None) -> Iterator[str]:
    """Yield sentences about the gradients that were shown, next to the right ones."""
    right = _right(material)
    shown = {name: g for name, g in (*material.parameters.items(), *material.inner.items()) if name in right}
    if not shown:
        yield "No gradient was shown."
        return
    constants = {name: _constant(g, right[name], single=material.single) for name, g in shown.items()}
    fitting = [
        name
        for name, constant in constants.items()
        if constant is not None and abs(constant - 1) <= SCREEN[material.single]
    ]
    if fitting:
        yield f"Right: {_listed(fitting)}."
    for name, gradient in shown.items():
        if name not in fitting:
            yield from _fact(name, gradient, right[name], constants[name], material)
    yield from _steps(material)
    if probe is not None:
        yield from _reach(material.problem.case, probe)


def forward_facts(material: Material) -> Iterator[str]:
    """Yield what is known of states and outputs that no wrong forward pass of the catalogue gives."""
    right, shown = simulate(material.problem).hidden[0, 0], material.states
    if shown is None:
        yield "No known mistake of a forward pass explains its outputs."
    elif shown.shape != right.shape:
        yield UNMATCHED
        yield f"The states have the shape {shown.shape}; expected {right.shape}."
    elif not (wrong := _wrong_steps(shown, right, single=material.single)).any():
        yield "The states are right at every step; no pass of the catalogue makes of them what was shown beside."
    else:
        yield UNMATCHED
        first = int(np.argmax(wrong))
        yield (
            f"The states are right up to t = {first - 1}."
            if first
            else "They are wrong from the first step on."
        )
        yield f"They lie between {shown.min():.3g} and {shown.max():.3g}."


def _wrong_steps(shown: Array, right: Array, *, single: bool) -> Array:
    """Return which steps of (T, B, H) differ in more than half of their digits, or aren't numbers."""
    return ~(np.abs(shown - right).max(axis=(1, 2)) <= SCREEN[single] * np.abs(right).max())


def _right(material: Material) -> dict[str, Array]:
    observed, major = simulate(material.problem), material.problem.layout.time_major
    found = dict(observed.parameters)
    if observed.d_x is not None:
        found["d_x"] = major(observed.d_x)
    if observed.d_h_0 is not None:
        found["d_h_0"] = material.problem.layout.batched_state(observed.d_h_0)[0]
    return found


def _constant(shown: Array, right: Array, *, single: bool) -> float | None:
    """Return the constant by which a gradient is off, None where it isn't one."""
    if shown.shape != right.shape:
        return None
    found = fit(right[np.newaxis], shown)
    return float(found.factor[0]) if found.residual[0] <= SCREEN[single] and shown.any() else None


def _fact(name: str, shown: Array, right: Array, constant: float | None, material: Material) -> Iterator[str]:
    called = NAMES[name]
    if shown.shape != right.shape:
        yield f"{called} has the shape {shown.shape}; expected {right.shape}."
    elif not np.isfinite(shown).all():
        yield f"{called} isn't finite in {int((~np.isfinite(shown)).sum())} / {shown.size} elements."
    elif not shown.any():
        yield f"{called} is 0 everywhere."
    elif constant is not None:
        known_as = name_of(constant, material.problem.case, single=material.single)
        yield f"{called} is the right one times {known_as or f'{constant:.6g}'}."
    else:
        off = float(np.abs(shown - right).max() / np.abs(right).max())
        yield f"{called} is wrong by up to {off:.2g} of its largest element{_look(shown, material)}."


def _look(shown: Array, material: Material) -> str:
    """Return what a wrong gradient looks like, where it looks like anything."""
    if shown.ndim != 2 or min(shown.shape) < 2:
        return ""
    sizes = np.linalg.svd(shown, compute_uv=False)
    if sizes[1] > SCREEN[material.single] * sizes[0]:
        return ""
    if np.ptp(shown) <= SCREEN[material.single] * np.abs(shown).max():
        return ", and one number fills it"
    return ", and of rank one, as a single step's outer product is"


def _steps(material: Material) -> Iterator[str]:
    """Yield from which step on gradients of single steps are wrong, where they are shown."""
    right = simulate(material.problem)
    for name, called, true in (
        ("d_hidden", "dL/dh", right.d_hidden[0, 0]),
        ("d_pre", "dL/da", right.d_pre[0, 0]),
    ):
        shown = material.inner.get(name)
        if shown is None or shown.shape != true.shape:
            continue
        wrong = _wrong_steps(shown, true, single=material.single)
        if wrong.all():
            yield f"{called}_t is wrong at every step, the last one included."
        elif wrong.any():
            yield f"{called}_t is right down to t = {int(np.flatnonzero(wrong).max()) + 1} and wrong before."


def _reach(case: Case, probe: Probe) -> Iterator[str]:
    """Yield up to how many steps all gradients are right, where that is less than were asked for."""
    longest = 0
    for steps in range(1, case.steps):
        evidence = probe(replace(case, steps=steps))
        if evidence is None:
            continue
        material = Material.of(evidence)
        if not proportional(material, RIGHT):
            break
        longest = steps
    if longest:
        yield f"All gradients are right for T up to {longest}, and wrong from T = {longest + 1} on."


def _listed(names: list[str]) -> str:
    return ", ".join(NAMES[name] for name in names)
