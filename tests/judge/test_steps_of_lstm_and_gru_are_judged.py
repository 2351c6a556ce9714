"""Every quantity of a step of an LSTM or GRU is judged from the subject's own values, gate by gate, and can fail."""

from dataclasses import replace

import numpy as np
import pytest

from conformance import examine, load_subject, parse_id
from conformance.cases import Problem, materialise
from conformance.judge import local_check
from conformance.subjects.observation import Observation, Quantity

CASES = {
    "lstm": "lstm-L2-bi-T6-len3.6.1-B3-bf-I4-H5-f64-s0",
    "projected": "lstm-L2-T5-B3-I4-H5-proj2-f64-s0",
    "gru": "gru-L2-bi-T6-B3-I4-H5-f64-s0",
    "single": "lstm-T5-B3-I4-H5-f32-s0",
    "filled": "lstm-T6-B3-I4-H5-f64-filled-s0",
    "shifted": "gru-T6-B3-I4-H5-f64-shifted-s0",
}
OWN = {"lstm": "ifgoc", "gru": "rzmn"}
RIGHT = ("torch", "torch-steps", "torch-cells", "torch-packed", "torch-double", "torch-native", "reference")


@pytest.mark.parametrize("subject", RIGHT)
@pytest.mark.parametrize("case", CASES.values())
def test_right_implementations_agree(case: str, subject: str) -> None:
    assert examine(parse_id(case), load_subject(subject)).verdict in ("agrees", "unsupported")


@pytest.mark.parametrize("subject", ["torch-steps", "torch-cells", "torch-native", "reference"])
def test_where_onednn_gives_0_for_sigma_steps_agree(subject: str) -> None:
    record = examine(parse_id("lstm-L2-bi-T7-B3-I4-H5-f32-shifted-s0"), load_subject(subject))
    assert record.verdict == "agrees", record.first_divergence


def shown(case: str, subject: str = "reference") -> tuple[Problem, Observation]:
    problem = materialise(parse_id(case))
    return problem, load_subject(subject).run(problem)


@pytest.mark.parametrize("case", CASES.values())
def test_all_that_is_shown_of_steps_is_judged(case: str) -> None:
    problem, found = shown(case)
    judged = {
        (f.comparison.quantity, (f.comparison.layer, f.comparison.direction))
        for f in local_check(problem, found)
    }
    letters = OWN[problem.case.cell]
    blocks = letters[:4] if problem.case.cell == "lstm" else "rzn"
    for place in problem.places:
        wanted = {*letters, "h", "dL/dh", *(f"dL/da_{letter}" for letter in blocks), "h_n", "dL/dh_0"}
        if "c" in letters:
            wanted |= {"dL/dc", "dL/dc from later steps", "c_n", "dL/dc_0"}
        if problem.case.proj_size:
            wanted |= {"dL/dW_hr", "dL/dW_hr of a step"}
        assert {(quantity, place) for quantity in wanted} <= judged


def moved(arrays: dict[Quantity, np.ndarray], key: Quantity, index: tuple[int, ...], to: float) -> dict:
    changed = arrays[key].copy()
    changed[index] = to
    return {**arrays, key: changed}


@pytest.mark.parametrize("subject", ["reference", "torch"])
@pytest.mark.parametrize("case", [CASES["lstm"], CASES["gru"], CASES["filled"]])
def test_an_error_of_twice_the_bound_is_found_at_its_step_and_quantity(case: str, subject: str) -> None:
    """In what steps compute and pass back, one element of every quantity at a time."""
    problem, found = shown(case, subject)
    rng = np.random.default_rng(5)
    fields = {"inner": dict(found.inner), "d_inner": dict(found.d_inner)}
    findings = {
        (f.comparison.quantity, f.comparison.layer, f.comparison.direction): f
        for f in local_check(problem, found)
    }
    for field, arrays in fields.items():
        for (letter, place), array in arrays.items():
            quantity = letter if field == "inner" else f"dL/d{letter}"
            c = findings[quantity, *place].comparison
            real = np.argwhere(np.broadcast_to(problem.active[:, :, np.newaxis], array.shape))
            index = tuple(int(i) for i in rng.choice(real))
            value = c.expected[index] + 2.01 * c.bound[index]
            wrong = replace(found, **{field: moved(arrays, (letter, place), index, value)})
            hit = next(
                f for f in local_check(problem, wrong) if f.comparison.quantity == quantity and f.first
            )
            divergence = hit.first
            assert divergence is not None
            assert (divergence.layer, divergence.direction) == place
            assert tuple(divergence.index.values()) == index


def test_what_is_not_shown_of_a_step_is_recomputed_with_its_own_bound() -> None:
    """Without gates and dL/dc a step is judged from h, c and what later steps pass back, less closely."""
    for case in (CASES["lstm"], CASES["gru"], CASES["projected"]):
        problem, full = shown(case)
        inner = {key: array for key, array in full.inner.items() if key[0] == "c"}
        less = replace(full, inner=inner, d_inner={})
        for findings in (local_check(problem, full), local_check(problem, less)):
            assert {f.verdict for f in findings} <= {"agrees", "vacuous"}
        closer, looser = (
            {
                (f.comparison.quantity, f.comparison.layer, f.comparison.direction): f.comparison.bound
                for f in found
            }
            for found in (local_check(problem, full), local_check(problem, less))
        )
        for key in (("h", 0, 0), ("dL/dW_ih", 0, 0), ("dL/dx", None, None)):
            assert np.all(looser[key] >= closer[key])
            assert np.any(looser[key] > closer[key])


def test_without_c_an_lstm_is_a_black_box() -> None:
    problem, full = shown(CASES["lstm"])
    findings = local_check(problem, replace(full, inner={}, d_inner={}, d_passed={}))
    assert {f.comparison.quantity for f in findings} == {"output", "h_n"}


@pytest.mark.parametrize("case", [CASES["lstm"], CASES["gru"]])
def test_a_network_with_two_gates_exchanged_differs_first_at_a_gate(case: str) -> None:
    problem, _ = shown(case)
    blocks = 4 if problem.case.cell == "lstm" else 3

    def exchanged(w: np.ndarray) -> np.ndarray:
        first, second, *rest = np.split(w, blocks)
        return np.concatenate([second, first, *rest])

    other = replace(problem, weights={name: exchanged(w) for name, w in problem.weights.items()})
    observation = load_subject("reference").run(other)
    first = next(f for f in local_check(problem, observation) if f.verdict == "differs")
    assert first.comparison.quantity == OWN[problem.case.cell][0]
    assert first.first is not None
    assert first.first.index["t"] == 0
