"""NaN and infinities spread as data flow: where they must be follows from the data, also of a black box."""

from dataclasses import replace

import numpy as np
import pytest

from conformance import Observation, Problem, examine, load_subject, parse_id
from conformance.cases import Case, materialise
from conformance.cases.kernels import poisoned
from refrnn import Array

DECIDED = (
    "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-nan-s0",
    "rnn-tanh-T7-len7.3.5-B3-I4-H5-f32-inf-s0",
    "rnn-tanh-T7-B3-I4-H5-f32-nanwih-s0",
    "rnn-relu-L2-bi-T7-len7.3.5-B3-I4-H5-f32-nanwih-s0",
    "rnn-tanh-T7-len7.3.5-B3-I4-H5-f64-infwih-s0",
    "rnn-tanh-T7-B3-I4-H5-f64-infh0-s0",
    "rnn-tanh-L2-bi-T7-B3-I4-H5-f32-infdout-s0",
    "rnn-relu-T7-B3-I4-H5-f64-nandhn-s0",
    "lstm-T7-B3-I4-H5-f64-nan-s0",
    "gru-T7-B3-I4-H5-f32-infdhn-s0",
)
"""Cases whose data hold NaN or an infinity, which right programs spread alike."""


def black_box(problem: Problem) -> Observation:
    return load_subject("torch-results").run(problem)


class Swallowing:
    """A right black box that takes NaN and infinities of one of its results for 0."""

    name = "swallowing"
    description = "NaN and infinities of a result are lost"

    def __init__(self, result: str) -> None:
        self.result = result

    def run(self, problem: Problem) -> Observation:
        shown = black_box(problem)
        if self.result in shown.parameters:
            finite = np.nan_to_num(shown.parameters[self.result], posinf=0.0, neginf=0.0)
            return replace(shown, parameters={**shown.parameters, self.result: finite})
        finite = np.nan_to_num(getattr(shown, self.result), posinf=0.0, neginf=0.0)
        return replace(shown, **{self.result: finite})


@pytest.mark.parametrize("text", DECIDED)
def test_a_right_black_box_agrees_and_one_that_loses_them_differs(text: str) -> None:
    case = parse_id(text)
    assert examine(case, load_subject("torch-results")).verdict == "agrees"
    shown = black_box(materialise(case))
    named = {name: getattr(shown, name) for name in ("output", "d_x", "d_h_0")} | dict(shown.parameters)
    lost = [name for name, value in named.items() if not np.isfinite(value).all()]
    assert lost
    for name in lost:
        assert examine(case, Swallowing(name)).verdict == "differs", name


def test_what_is_finite_is_judged_beside_what_is_not() -> None:
    class Off(Swallowing):
        def run(self, problem: Problem) -> Observation:
            shown = black_box(problem)
            return replace(shown, output=shown.output * (1 + 1e-9))

    case = parse_id("rnn-tanh-T7-B3-I4-H5-f64-nan-s0")
    assert np.isfinite(black_box(materialise(case)).output).any()
    assert examine(case, Off("output")).verdict == "differs"


@pytest.mark.parametrize("subject", ["torch-results", "torch", "torch-steps"])
def test_no_right_program_is_accused_of_what_the_data_do(subject: str) -> None:
    for case in [*poisoned()][::5]:
        assert examine(case, load_subject(subject)).verdict in ("agrees", "undecidable"), case.id


def gru_gradients(case: Case, *, products: bool) -> dict[str, Array]:
    """Return δ of the gates of one GRU step with an infinite dL/dh, by one of two right formulas of dL/dz and dL/dn."""
    problem = materialise(case)
    w, h = problem.weights, problem.initial_states["h"][0]
    a = problem.x[0] @ w["weight_ih_l0"].T + w["bias_ih_l0"]
    b = h @ w["weight_hh_l0"].T + w["bias_hh_l0"]
    size = case.hidden_size
    r, z = (1 / (1 + np.exp(-(a + b)[:, n * size : (n + 1) * size])) for n in (0, 1))
    n = np.tanh(a[:, 2 * size :] + r * b[:, 2 * size :])
    d_h = problem.d_output[0] + problem.d_h_n[0]
    d_n = d_h - d_h * z if products else d_h * (1 - z)
    d_z = d_h * h - d_h * n if products else d_h * (h - n)
    d_a_n = d_n * (1 - n * n)
    d_a_r = d_a_n * b[:, 2 * size :] * r * (1 - r)
    d_hh = np.concatenate((d_a_r, d_z * z * (1 - z), d_a_n * r), axis=1)
    d_ih = np.concatenate((d_a_r, d_z * z * (1 - z), d_a_n), axis=1)
    return {
        "weight_ih_l0": d_ih.T @ problem.x[0],
        "weight_hh_l0": d_hh.T @ h,
        "bias_ih_l0": d_ih.sum(axis=0),
        "bias_hh_l0": d_hh.sum(axis=0),
    }


@pytest.mark.parametrize("products", [True, False])
def test_both_right_formulas_of_an_infinite_gradient_of_a_gru_agree(*, products: bool) -> None:
    case = parse_id("gru-T1-B3-I4-H5-f64-infdhn-s0")
    with np.errstate(all="ignore"):
        found, other = (gru_gradients(case, products=one) for one in (products, not products))
    assert (np.isnan(found["bias_ih_l0"]) != np.isnan(other["bias_ih_l0"])).any()

    class Shown:
        """The steps of torch, and the parameters' gradients by this formula."""

        name, description = "gru", "one GRU step by hand"

        def run(self, problem: Problem) -> Observation:
            shown = load_subject("torch-steps").run(problem)
            return replace(shown, parameters=found if problem.case == case else shown.parameters)

    record = examine(case, Shown())
    assert record.verdict == "agrees", record.first_divergence
