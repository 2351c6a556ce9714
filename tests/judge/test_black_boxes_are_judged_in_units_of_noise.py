"""The end-to-end check: what it lets pass, what it catches, and where it says that nothing can be said."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import FORMATS, materialise, parse_id, random_cases
from conformance.examination.engine import examine
from conformance.judge import Precision, allowances, local_check, results
from conformance.judge.end_to_end import MEANINGLESS, THRESHOLD
from conformance.judge.noise import noise_of, replayed
from conformance.subjects import load_subject
from conformance.subjects.reference import observe

DEEP = "rnn-tanh-L2-bi-T7-B3-I4-H5-{dtype}-s0"
RESULTS = ("output", "h_n", "d_x", "d_h_0")


class Disturbed:
    """The fused module as a black box, one of whose results is scaled, as a whole or in its largest element."""

    name = "disturbed"
    description = "torch.nn.RNN with a planted error"

    def __init__(self, result, size, *, whole):
        self.result, self.size, self.whole = result, size, whole

    def run(self, problem):
        shown = load_subject("torch-results").run(problem)
        if self.result in RESULTS:
            return replace(shown, **{self.result: self.changed(getattr(shown, self.result))})
        changed = self.changed(shown.parameters[self.result])
        return replace(shown, parameters={**shown.parameters, self.result: changed})

    def changed(self, values):
        factor = np.ones(values.shape)
        if self.whole:
            factor += self.size
        else:
            factor.flat[np.abs(values).argmax()] += self.size
        return (values.astype(np.float64) * factor).astype(values.dtype)


def test_correct_code_is_never_accused_on_ordinary_and_hostile_cases():
    subject = load_subject("torch-results")
    verdicts = [examine(case, subject).verdict for case in random_cases(40, seed=77, hostile=0.5)]
    assert set(verdicts) <= {"agrees", "undecidable", "vacuous"}
    assert verdicts.count("agrees") > len(verdicts) / 2


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "largest-element"])
@pytest.mark.parametrize(("dtype", "size"), [("f64", 1e-11), ("f32", 1e-3)])
@pytest.mark.parametrize("result", [*RESULTS, "weight_ih_l0", "weight_hh_l1_reverse", "bias_hh_l0"])
def test_a_small_relative_error_of_any_result_is_caught(result, dtype, size, whole):
    record = examine(parse_id(DEEP.format(dtype=dtype)), Disturbed(result, size, whole=whole))
    assert record.verdict == "differs"
    assert "the subject is off" in record.third_opinion


def test_the_record_tells_down_to_which_size_results_agree():
    record = examine(parse_id(DEEP.format(dtype="f64")), load_subject("torch-results"))
    judged = [q for q in record.quantities if q.scale == "noise" and not q.relation]
    assert judged
    for quantity in judged:
        assert 0 < float(quantity.agrees_to) < 1e-11


def test_a_chaotic_black_box_is_undecidable_and_its_steps_are_not():
    case = parse_id("rnn-tanh-T400-B2-I4-H16-f64-gain10-s0")
    assert examine(case, load_subject("torch-results")).verdict == "undecidable"
    assert examine(case, load_subject("torch")).verdict == "agrees"


ASTRAY = "rnn-tanh-L3-nobias-T217-B2-bf-I2-H16-dout-f64-gain8-s15957"
"""Lost in noise at step 132. At step 166 all replays are near each other by chance, and torch is elsewhere."""


def test_what_follows_a_step_lost_in_noise_is_undecidable():
    record = examine(parse_id(ASTRAY), load_subject("torch-results"))
    assert record.verdict == "undecidable"
    problem = materialise(parse_id(ASTRAY))
    allowed = allowances(problem, observe(problem, np.float64))
    lost = allowed["output"].doubtful.any(axis=(1, 2))
    assert not lost[:100].any()
    assert lost[np.argmax(lost) :].all()
    assert all(allowance.doubtful.all() for name, allowance in allowed.items() if name != "output")


@pytest.mark.parametrize("change", ["", "-bi"])
def test_doubt_about_one_step_reaches_all_that_depends_on_it(change):
    problem = materialise(parse_id(f"rnn-tanh{change}-T60-B2-I4-H16-f32-gain8-s0"))
    output = allowances(problem, observe(problem, np.float64))["output"].doubtful
    assert output[-1].all()
    assert output[0].all() == bool(change)  # in both directions every step depends on every other


def test_overflow_on_the_way_makes_results_undecidable():
    case = parse_id("rnn-relu-L2-T60-B2-I3-H8-f32-gain10-s0")
    assert examine(case, load_subject("torch-results")).verdict == "undecidable"


def test_noise_follows_the_unit_roundoff():
    problem = materialise(parse_id(DEEP.format(dtype="f64")))
    exact = {name: result.value for name, result in results(problem, observe(problem, np.float64)).items()}
    double, single = (noise_of(problem, exact, Precision.of(FORMATS[d])) for d in ("f64", "f32"))
    expected = Precision.of(FORMATS["f32"]).u / Precision.of(FORMATS["f64"]).u
    for name in exact:
        ratio = np.median(single[name].value / double[name].value)
        assert expected / 4 < ratio < expected * 4


def test_replays_are_the_same_in_every_run_and_differ_between_cases():
    problem = materialise(parse_id(DEEP.format(dtype="f64")))
    precision = Precision.of(problem.format)
    first, second = (replayed(problem, precision, 8) for _ in range(2))
    other = replayed(materialise(parse_id(DEEP.format(dtype="f64")[:-1] + "1")), precision, 8)
    for name, values in first.items():
        assert values.tobytes() == second[name].tobytes()
        assert values.tobytes() != other[name].tobytes()


def test_replays_scatter_around_the_exact_result():
    problem = materialise(parse_id(DEEP.format(dtype="f64")))
    true = results(problem, observe(problem, np.float64))
    for name, replays in replayed(problem, Precision.of(problem.format), 8).items():
        spread = replays.std(axis=0)
        assert (spread > 0).mean() > 0.99, name
        assert (
            np.abs(replays.mean(axis=0) - true[name].value) < 8 * np.maximum(spread, spread.mean())
        ).all(), name


def test_units_at_relus_kink_count_as_uncertain():
    """Units that rounding may carry over the kink lie on both sides of it in the replays."""
    problem = materialise(parse_id("rnn-relu-T6-B3-I4-H8-f32-kinks-s0"))
    allowed = allowances(problem, observe(problem, np.float64))["dL/dx"]
    assert np.isfinite(allowed.bound).all()
    record = examine(problem.case, load_subject("torch-results"))
    assert record.verdict in ("agrees", "undecidable")


def test_undecidable_results_are_those_whose_allowance_is_a_hundredth():
    assert pytest.approx(1e-2) == THRESHOLD * MEANINGLESS


def test_where_the_bound_of_a_long_sum_says_too_little_its_noise_decides():
    case = parse_id("rnn-tanh-T1000-B60-I2-H3-f32-s0")
    problem, torch = materialise(case), load_subject("torch")
    shown = torch.run(problem)
    assert any(finding.is_coarse for finding in local_check(problem, shown))
    assert examine(case, torch).verdict == "agrees"

    class Off:
        name, description = "off", "a gradient off by a part in a thousand"

        def run(self, _):
            changed = {name: g * g.dtype.type(1.001) for name, g in shown.parameters.items()}
            return replace(shown, parameters=changed)

    record = examine(case, Off())
    assert record.verdict == "differs"
    assert {q.quantity for q in record.quantities if q.verdict == "differs"} >= {"dL/dW_hh after a free run"}


class TouchesPadding:
    name, description = "touches-padding", "torch.nn.RNN whose dL/dx isn't 0 in padding"

    def run(self, problem):
        shown = load_subject("torch-results").run(problem)
        d_x = problem.layout.time_major(shown.d_x).copy()
        d_x[~problem.active] = 1e-300
        return replace(shown, d_x=problem.layout.restored(d_x))


def test_dl_dx_in_padding_is_exactly_0():
    case = parse_id("rnn-tanh-T7-len5.7.2-B3-I4-H5-f64-s0")
    assert examine(case, load_subject("torch-results")).verdict == "agrees"
    record = examine(case, TouchesPadding())
    assert record.verdict == "differs"
    assert record.first_divergence.quantity == "dL/dx"
    assert record.first_divergence.bound == 0
