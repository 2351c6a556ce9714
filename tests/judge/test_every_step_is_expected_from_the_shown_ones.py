"""The local check expects of every step what follows from the steps that were shown, however wrong those are."""

from dataclasses import replace

import numpy as np
import pytest
from oracles.local_check import Oracle, sums

from conformance.cases import FORMATS, Problem, materialise, parse_id
from conformance.judge import Finding, Precision, local_check, results
from conformance.judge.inner import inner_steps
from conformance.judge.local_head import head_gradients, head_outputs
from conformance.judge.setting import Setting
from conformance.subjects.observation import Observation
from conformance.subjects.reference import observe

CASES = [
    "rnn-tanh-L2-bi-T5-len4.2.5-B3-I4-H3-f64-s0",
    "rnn-tanh-L2-bi-T5-B3-I4-H3-O2-f64-s0",
    "rnn-relu-L3-bi-drop0.5-T4-B2-bf-I3-H5-f64-s0",
    "rnn-tanh-nobias-T4-single-I3-H2-noh0-dhn-f64-s0",
    "rnn-tanh-L2-T4-B2-I3-H5-O2-dlast-f32-s0",
    "rnn-relu-T4-B2-I3-H5-O2-dhn-f64-s0",
    "rnn-tanh-L2-drop0.5-T4-len1.4-B2-I3-H2-dout-f64-s0",
]
ROUNDINGS = 1000 * 2.0**-53
"""Relative: far more than sums of these few terms round in float64."""


def wrong_everywhere(problem: Problem) -> Observation:
    """Return what looks like a run of the problem, with every number of its own and rubbish in the padding."""
    rng, right = np.random.default_rng(5), observe(problem, problem.dtype)

    def off(values: np.ndarray) -> np.ndarray:
        return (values + 0.3 * rng.standard_normal(values.shape)).astype(values.dtype)

    def padded(values: np.ndarray) -> np.ndarray:
        return np.where(problem.active[:, :, np.newaxis], off(values), np.array(np.nan, values.dtype))

    inner = {
        field: {place: padded(array) for place, array in getattr(right, field).items()}
        for field in ("hidden", "d_hidden", "d_pre")
    }
    shares = {
        field: {name: off(array) for name, array in getattr(right, field).items()}
        for field in ("parameters", "step_parameters")
    }
    whole = {
        name: off(getattr(right, name))
        for name in ("output", "h_n", "y", "d_x", "d_h_0")
        if getattr(right, name) is not None
    }
    return Observation(**inner, **shares, **whole)


def near(got: np.ndarray, want: np.ndarray) -> bool:
    return got.shape == want.shape and bool((np.abs(got - want) <= ROUNDINGS * np.abs(want).max()).all())


def judged(text: str) -> tuple[Problem, Observation, Oracle, list[Finding]]:
    problem = materialise(parse_id(text))
    shown = wrong_everywhere(problem)
    oracle = Oracle(problem, shown, Precision.of(problem.format))
    return problem, shown, oracle, local_check(problem, shown)


@pytest.mark.parametrize("text", CASES)
def test_states_are_expected_from_the_states_before_them(text: str) -> None:
    problem, shown, oracle, findings = judged(text)
    expected = oracle.forward()
    found = {(c.quantity, c.layer, c.direction): c for c in (f.comparison for f in findings)}
    real = problem.active[:, :, np.newaxis]
    for key, (want, bound) in expected.items():
        c = found[key]
        assert near(np.where(real, c.expected, 0), np.where(real, want.value, 0)), key
        assert near(np.where(real, c.terms, 0), np.where(real, want.terms, 0)), key
        assert near(np.where(real, c.bound, 0), np.where(real, bound, 0)), key
    top = oracle.states(problem.case.layers - 1)
    assert np.array_equal(found["output", None, None].expected, top)
    for place in problem.places:
        last = [oracle.order(b, place)[-1] for b in range(problem.case.batch)]
        ends = np.array([shown.hidden[place][t, b] for b, t in enumerate(last)])
        assert np.array_equal(found["h_n", *place].expected, ends)


@pytest.mark.parametrize("text", CASES)
def test_gradients_are_expected_from_the_gradients_after_them(text: str) -> None:
    problem, _, oracle, findings = judged(text)
    expected = oracle.backward()
    found = {(c.quantity, c.layer, c.direction): c for c in (f.comparison for f in findings)}
    real = problem.active[:, :, np.newaxis]
    for key, want in expected.items():
        if key not in found:
            assert not problem.case.bias
            assert "/db_" in key[0]
            continue
        c, where = found[key], real if key[0] == "dL/dh" else True
        bound = want.bound(oracle.p, *sums(problem.case, key[0], key[1]))
        for name, got, one in (
            ("value", c.expected, want.value),
            ("terms", c.terms, want.terms),
            ("bound", c.bound, bound),
        ):
            assert near(np.where(where, got, 0), np.where(where, one, 0)), (key, name)
    delta, epsilon = oracle.deltas()
    for place in problem.places:
        c = found["dL/da", *place]
        assert near(c.expected, delta[place])
        assert near(np.where(real, c.bound, 0), np.where(real, epsilon[place], 0))
        shown = np.where(real, oracle.shown.d_hidden[place], 0)
        assert near(c.terms, np.abs(shown))


PARAMETERS = {
    "weight_ih": ("dL/dW_ih", ("unit", "input")),
    "weight_hh": ("dL/dW_hh", ("unit", "source")),
    "bias_ih": ("dL/db_ih", ("unit",)),
    "bias_hh": ("dL/db_hh", ("unit",)),
}
STEP = ("t", "row", "unit")


def listed(problem: Problem, shown: Observation) -> list[tuple[object, ...]]:
    """Return phase, quantity, layer, direction, axes, order in time, scale and array of every comparison, in order."""
    major, places = problem.layout.time_major, problem.places

    def state(values: np.ndarray, place: tuple[int, int]) -> np.ndarray:
        return problem.layout.batched_state(values)[places.index(place)]

    found: list[tuple[object, ...]] = []
    for layer, d in places:
        found.append(("forward", "h", layer, d, STEP, d == 1, "bound", shown.hidden[layer, d]))
    found.append(("forward", "output", None, None, STEP, False, "copy", major(shown.output)))
    for layer, d in places:
        found.append(("forward", "h_n", layer, d, STEP[1:], False, "copy", state(shown.h_n, (layer, d))))
    if problem.head is not None:
        out = ("t", "row", "output")
        found.append(("forward", "y", None, None, out, False, "bound", major(shown.y)))
        names = (("head.weight", "dL/dW_y", ("output", "unit")), ("head.bias", "dL/db_y", ("output",)))
        for name, quantity, axes in names if problem.head.d_y is not None else ():
            found.append(("backward", quantity, None, None, axes, False, "bound", shown.parameters[name]))
    for layer in reversed(range(problem.case.layers)):
        for _, d in [place for place in places if place[0] == layer]:
            place = (layer, d)
            for quantity, arrays in (("dL/dh", shown.d_hidden), ("dL/da", shown.d_pre)):
                found.append(("backward", quantity, *place, STEP, d == 0, "bound", arrays[place]))
            found.append(("backward", "dL/dh_0", *place, STEP[1:], False, "bound", state(shown.d_h_0, place)))
            for name in problem.weights_at(place):
                quantity, axes = PARAMETERS[name.partition("_l")[0]]
                by_step, whole = shown.step_parameters[name], shown.parameters[name]
                step = (f"{quantity} of a step", *place, ("t", *axes), d == 0)
                found.append(("backward", *step, "bound", by_step))
                found.append(("backward", quantity, *place, axes, False, "bound", whole))
    axes = ("t", "row", "input")
    found.append(("backward", "dL/dx", None, None, axes, True, "bound", major(shown.d_x)))
    return found


@pytest.mark.parametrize("text", CASES)
def test_everything_shown_is_compared_once_in_the_order_of_the_data_flow(text: str) -> None:
    problem, shown, _, findings = judged(text)
    real = problem.active[:, :, np.newaxis]
    inner = {"h", "dL/dh", "dL/da", "y"}
    for finding, (*names, array) in zip(findings, listed(problem, shown), strict=True):
        c = finding.comparison
        assert [c.phase, c.quantity, c.layer, c.direction, c.axes, c.backwards, c.scale] == names
        assert c.got.dtype == c.expected.dtype == np.float64
        got = np.where(real, array, 0) if c.quantity in inner else array
        assert np.array_equal(c.got, got)
        assert c.relation == ""
        assert c.doubtful is None
        if c.quantity in inner:
            assert np.array_equal(c.judged, real)
        else:
            assert c.judged is None
        if c.scale == "copy":
            assert c.bound == 0


@pytest.mark.parametrize("text", CASES)
def test_results_have_the_names_places_and_axes_of_their_comparisons(text: str) -> None:
    problem, shown, _, _ = judged(text)
    local = {(c[1], c[2], c[3]): c for c in listed(problem, shown)}
    found = results(problem, shown)
    for name, result in found.items():
        layer, direction = (None, None) if result.place is None else result.place
        phase, _, _, _, axes, _, _, array = local[result.quantity, layer, direction]
        assert (result.phase, result.axes) == (phase, axes)
        assert np.array_equal(result.value, array)
        place = () if result.place is None else (str(result.place),)
        parameter = result.quantity not in ("output", "h_n", "y", "dL/dh_0", "dL/dx")
        assert parameter == (name in problem.parameters)
        assert parameter or name.split(" ", 1) == [result.quantity, *place]
    assert len({(r.quantity, r.place) for r in found.values()}) == len(found)
    assert set(problem.weights) <= set(found)


def test_terms_are_those_that_are_finite() -> None:
    problem, shown, _, _ = judged(CASES[0])
    hidden = {place: array.copy() for place, array in shown.hidden.items()}
    hidden[1, 0][:2, 0, 0] = np.inf
    d_hidden = {place: array.copy() for place, array in shown.d_hidden.items()}
    d_hidden[1, 0][:2, 0, 0] = 1.0, -1.0  # two infinite terms, of either sign
    findings = local_check(problem, replace(shown, hidden=hidden, d_hidden=d_hidden))
    for finding in findings:
        assert np.isfinite(finding.comparison.terms).all(), finding.comparison.title
    sums = [f.comparison for f in findings if f.comparison.quantity == "dL/db_ih"]
    assert [(c.layer, c.direction) for c in sums if np.isnan(c.expected).any()] == [(1, 0)]


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (lambda _: {"hidden": {}, "output": None}, {"y", "dL/dW_y"}),
        (
            lambda o: {"parameters": {n: g for n, g in o.parameters.items() if n != "head.weight"}},
            {"dL/dW_y"},
        ),
        (lambda o: {"parameters": {n: g for n, g in o.parameters.items() if n != "head.bias"}}, {"dL/db_y"}),
        (lambda _: {"y": None}, {"y"}),
    ],
    ids=["no states", "no weight", "no bias", "no outputs"],
)
def test_a_head_is_judged_as_far_as_it_is_shown(change, missing: set[str]) -> None:
    problem, shown, oracle, _ = judged(CASES[1])
    findings = local_check(problem, replace(shown, **change(shown)))
    found = {c.quantity: c for c in (f.comparison for f in findings) if c.layer is None}
    assert {"y", "dL/dW_y", "dL/db_y"} - set(found) == missing
    for quantity in {"dL/dW_y", "dL/db_y"} - missing:
        assert near(found[quantity].expected, oracle.backward()[quantity, None, None].value)


def test_sums_that_overflow_are_undecidable_and_no_warning() -> None:
    problem, shown, _, _ = judged(CASES[1])
    head = replace(problem.head, weight=problem.head.weight * 1e300, d_y=problem.head.d_y * 1e300)
    hidden = {place: 1e300 * array for place, array in shown.hidden.items()}
    findings = local_check(replace(problem, head=head), replace(shown, hidden=hidden))
    verdicts = {f.comparison.quantity: f.verdict for f in findings if f.comparison.layer is None}
    assert verdicts["y"] == verdicts["dL/dW_y"] == "undecidable"
    top = [f for f in findings if (f.comparison.quantity, f.comparison.layer) == ("dL/dh", 1)]
    assert {f.undecided for f in top} == {f.elements for f in top}


def test_steps_that_overflow_are_undecidable_and_no_warning() -> None:
    problem, shown, _, _ = judged(CASES[0])
    weights = {name: w * 1e300 for name, w in problem.weights.items()}
    hidden, d_hidden = (
        {place: np.where(np.isnan(array), array, 1e300 * array) for place, array in arrays.items()}
        for arrays in (shown.hidden, shown.d_hidden)
    )
    findings = local_check(
        replace(problem, weights=weights), replace(shown, hidden=hidden, d_hidden=d_hidden)
    )
    assert {f.comparison.quantity for f in findings if f.undecided} >= {"h"}


def test_a_head_would_be_bounded_in_16_bits_as_everything_is() -> None:
    problem, shown, oracle, _ = judged(CASES[1])
    p = Precision.of(FORMATS["bf16"])
    setting = Setting(problem=problem, observation=shown, inner=inner_steps(problem, shown), precision=p)
    (y,) = head_outputs(setting)
    products, stored = sums(problem.case, "y", None)
    assert np.array_equal(y.bound, p.of_sum(products, y.terms, stored=stored))
    for c in head_gradients(setting):
        want = oracle.backward()[c.quantity, None, None]
        assert near(c.bound, want.bound(p, *sums(problem.case, c.quantity, None)))
