"""A subject that shows its results only is judged where they decide, and otherwise neither passed nor accused."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest
from support import planting
from support.planting import Shows

from conformance import SUITES, CaseRecord, Observation, Problem, Subject, examine, load_subject, parse_id

HIDDEN = ("hidden", "d_hidden", "d_pre", "step_parameters")


@dataclass(frozen=True, slots=True)
class BlackBox:
    """A subject of which only the public results are seen."""

    inner: Subject
    name: str = "black box"
    description: str = "shows results only"

    def run(self, problem: Problem) -> Observation:
        return replace(self.inner.run(problem), **{field: {} for field in HIDDEN})


TORCH = BlackBox(load_subject("torch"))


def examined(text: str) -> CaseRecord:
    return examine(parse_id(text), TORCH)


def test_in_the_whole_smoke_suite_a_right_black_box_never_differs() -> None:
    """Float64 agrees nearly everywhere; where steps amplify rounding the answer is that it can't be told."""
    verdicts = Counter()
    for case in SUITES["smoke"].cases():
        record = examine(case, TORCH)
        assert record.verdict in ("agrees", "undecidable"), (case.id, record.first_divergence)
        verdicts[record.verdict] += 1
    assert verdicts["agrees"] > verdicts["undecidable"]


@pytest.mark.parametrize(
    "text",
    [
        "rnn-tanh-T7-B3-I4-H5-f64-s0",
        "rnn-tanh-bi-T7-B3-I4-H5-f64-s0",
        "rnn-relu-T5-len5.2.3-B3-bf-I4-H6-f64-s0",
        "rnn-relu-T5-single-I4-H6-f64-s0",
        "rnn-tanh-L2-bi-T4-B3-I4-H5-f64-tiny-s0",
    ],
)
def test_results_alone_agree_in_ordinary_regimes_and_what_is_missing_is_said(text: str) -> None:
    record = examined(text)
    assert record.verdict == "agrees"
    places = [q for q in record.not_shown if q.startswith("dL/dh of")]
    case = parse_id(text)
    assert len(places) == case.layers * case.directions


@pytest.mark.parametrize(
    "text", ["rnn-tanh-T300-B2-I4-H16-f64-gain10-s0", "rnn-tanh-L2-T100-B2-I4-H16-f32-gain10-s0"]
)
def test_a_chaotic_trajectory_is_undecidable_and_the_reason_is_given(text: str) -> None:
    record = examined(text)
    assert record.verdict == "undecidable"
    assert record.first_divergence is None
    assert "doesn't show its steps" in record.reason
    assert all(quantity.verdict != "differs" for quantity in record.quantities)


def test_a_wrong_gradient_of_a_black_box_differs() -> None:
    run = planting.judged(parse_id("rnn-tanh-L2-T5-B3-I4-H6-f64-s0"), TORCH)
    wrong = {name: 2 * array for name, array in run.observation.parameters.items()}
    assert examine(run.case, Shows(replace(run.observation, parameters=wrong))).verdict == "differs"


@pytest.mark.parametrize("text", ["rnn-tanh-T5-B3-I4-H6-f64-s0", "rnn-relu-bi-T5-len5.2.3-B3-I4-H6-f32-s0"])
def test_a_wrong_output_of_one_layer_differs_since_it_shows_every_state(text: str) -> None:
    run = planting.judged(parse_id(text), TORCH)
    index = (1, 2, 3)
    finding = run.finding("output")
    wrong = planting.planted(run, finding, index, planting.element(run, finding, index) + np.float32(0.25))
    record = examine(run.case, Shows(wrong))
    assert record.verdict == "differs"
    assert record.first_divergence is not None
    assert (record.first_divergence.quantity, record.first_divergence.where) == (
        "h",
        "layer 0 forward, t = 1, row 2, unit 3",
    )


def test_a_wrong_final_state_of_the_last_layer_differs() -> None:
    run = planting.judged(parse_id("rnn-tanh-L2-bi-T5-B3-I4-H6-f64-s0"), TORCH)
    finding = run.finding("h_n", 1, 1)
    wrong = planting.planted(run, finding, (2, 5), planting.element(run, finding, (2, 5)) + 1e-15)
    record = examine(run.case, Shows(wrong))
    assert record.verdict == "differs"
    assert planting.names(record, finding, (2, 5))


def test_a_wrong_final_state_of_a_hidden_layer_differs() -> None:
    run = planting.judged(parse_id("rnn-tanh-L2-bi-T5-B3-I4-H6-f64-s0"), TORCH)
    h_n = run.observation.h_n.copy()
    h_n[1, 2, 5] += 1e-10
    assert examine(run.case, Shows(replace(run.observation, h_n=h_n))).verdict == "differs"


def test_showing_more_never_hides_a_fault() -> None:
    """A subject whose output and states contradict each other differs, whichever of them is wrong."""
    run = planting.judged(parse_id("rnn-tanh-T5-B3-I4-H6-f64-s0"), "torch")
    for field in ("output", "hidden"):
        copy = run.observation.output.copy()
        copy[2, 1, 4] += 1e-12
        wrong = {"output": copy} if field == "output" else {"hidden": {(0, 0): copy}}
        assert examine(run.case, Shows(replace(run.observation, **wrong))).verdict == "differs"
