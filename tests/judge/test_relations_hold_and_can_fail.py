"""Every relation holds for torch and the reference on cases it applies to, and a subject that breaks it differs."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import SUITES, materialise, parse_id
from conformance.errors import Unsupported
from conformance.examination.engine import examine
from conformance.judge import allowances
from conformance.judge.relations import RELATIONS, check, relation_check, relations_for
from conformance.subjects import load_subject
from conformance.subjects.observation import Observation
from conformance.subjects.reference import observe

CASES = {
    "runs repeat": "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0",
    "batch row = single run": "rnn-tanh-L2-bi-T7-len3.7.5-B3-I4-H5-f64-s0",
    "sum of the gradients of two parts = batch gradient": "rnn-relu-L2-T7-len3.7.5-B3-I4-H5-f32-s0",
    "unbatched = batch of one": "rnn-tanh-L2-bi-T7-single-I4-H5-f64-s0",
    "batch first = transposed": "rnn-tanh-L2-bi-T7-B3-bf-I4-H5-f64-s0",
    "prefix = beginning": "rnn-tanh-L2-T7-B3-I4-H5-f64-s0",
    "chunks = whole": "rnn-relu-L2-T7-B3-bf-I4-H5-f32-s0",
    "h_0 omitted = zeros": "rnn-tanh-L2-bi-T7-B3-I4-H5-noh0-f64-s0",
    "reverse = forward on the reversed sequence": "rnn-tanh-bi-T7-B3-I4-H5-f64-s0",
    "equal lengths = none": "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0",
    "samples are independent": "rnn-tanh-L2-bi-T7-B3-bf-I4-H5-f64-s0",
    "one thread = two threads": "rnn-tanh-T50-B130-I6-H9-f32-s0",
    "units in reverse order = the same units": "gru-T5-len5.2.3-B3-I4-H5-f32-s0",
}
FURTHER = (
    "lstm-T6-B3-I4-H5-noc0-f64-s0",
    "lstm-bi-T5-B3-I4-H5-dcn-f32-s0",
    "gru-T4-single-I4-H5-noh0-f64-s0",
)
"""Cases of LSTM and GRU, of which every relation that applies must hold."""


def findings(name, run, case_id=None):
    relation = next(relation for relation in RELATIONS if relation.name == name)
    problem = materialise(parse_id(case_id or CASES[name]))
    assert relation.applies(problem.case)
    with np.errstate(all="ignore"):
        return check._findings(
            problem, run, run(problem), relation, allowances(problem, observe(problem, np.float64))
        )


class Unlawful:
    """A subject whose first run, on the whole problem, is off by 1e-6 in outputs and gradients; later ones aren't."""

    def __init__(self):
        self.calls = 0

    def run(self, problem):
        self.calls += 1
        shown = load_subject("torch-results").run(problem)
        bump = 1e-6 if self.calls == 1 else 0.0
        output = shown.output + np.asarray(bump, shown.output.dtype)
        parameters = {k: g + np.asarray(bump, g.dtype) for k, g in shown.parameters.items()}
        return replace(shown, output=output, parameters=parameters)


def test_every_relation_has_a_case_here():
    assert set(CASES) == {relation.name for relation in RELATIONS}


@pytest.mark.parametrize("subject", ["torch", "torch-steps", "reference"])
@pytest.mark.parametrize("name", CASES)
def test_the_relation_holds(name, subject):
    found = findings(name, load_subject(subject).run)
    assert found
    assert {finding.verdict for finding in found} <= {"agrees", "vacuous"}
    assert any(finding.verdict == "agrees" for finding in found)


@pytest.mark.parametrize("text", FURTHER)
def test_every_relation_that_applies_holds_for_lstm_and_gru(text):
    for relation in relations_for(parse_id(text)):
        found = findings(relation.name, load_subject("torch").run, text)
        assert {finding.verdict for finding in found} <= {"agrees", "vacuous"}, relation.name


@pytest.mark.parametrize("name", CASES)
def test_a_subject_that_breaks_the_relation_differs(name):
    found = findings(name, Unlawful().run, CASES[name].replace("-f32-", "-f64-"))
    assert "differs" in {finding.verdict for finding in found}


def test_every_case_of_the_standard_suite_is_put_to_some_relation_and_every_relation_is_used():
    first = [relations_for(case)[0].name for case in SUITES["standard"].cases()]
    for relation in RELATIONS:
        assert first.count(relation.name) >= 5, relation.name


FORWARD_ONLY = (
    "rnn-tanh-L2-T7-B3-I4-H5-f64-s0",
    "rnn-tanh-bi-T7-B3-bf-I4-H5-f64-s0",
    "rnn-relu-T7-single-I4-H5-noh0-f64-s0",
    "rnn-tanh-T7-B3-I4-H5-O2-f64-s0",
    "lstm-T6-len6.2.4-B3-I4-H5-f64-s0",
)


class ForwardOnly:
    """torch's outputs alone, as an engine for inference shows them, off by 1e-6 in some runs."""

    name = "forward-only"
    description = "outputs alone"

    def __init__(self, shown=("output", "h_n", "c_n", "y"), wrong_at=()):
        self.shown, self.wrong_at, self.runs = shown, wrong_at, 0

    def run(self, problem):
        self.runs += 1
        found = load_subject("torch").run(problem)
        kept = {name: getattr(found, name) for name in self.shown}
        if self.runs in self.wrong_at:
            kept["output"] = kept["output"] + 1e-6
        return Observation(**kept)


@pytest.mark.parametrize("text", FORWARD_ONLY)
def test_what_runs_forward_only_is_put_to_every_law_that_needs_no_more(text):
    case = parse_id(text)
    problem = materialise(case)
    with np.errstate(all="ignore"):  # a row of relu units may be 0 altogether
        allowed = allowances(problem, observe(problem, np.float64))
    for seed in range(12):  # the id decides which law comes first
        record = examine(replace(case, seed=seed), ForwardOnly())
        assert record.verdict == "agrees"
        assert any(q.relation for q in record.quantities)
    for shown in (("output", "h_n", "c_n"), ("output",)):
        subject = ForwardOnly(shown)
        observation = subject.run(problem)
        for relation in relations_for(case):
            if check.needed_results(relation, problem) <= check.results(problem, observation).keys():
                found = check._findings(problem, subject.run, observation, relation, allowed)
                assert {finding.verdict for finding in found} <= {"agrees", "vacuous"}, relation.name


@pytest.mark.parametrize("text", FORWARD_ONLY)
def test_a_forward_pass_that_is_wrong_at_every_second_run_is_found(text):
    for seed in range(12):
        assert examine(replace(parse_id(text), seed=seed), ForwardOnly(wrong_at=(2, 4))).verdict == "differs"


@pytest.mark.parametrize("text", FORWARD_ONLY)
def test_what_is_wrong_only_after_another_problem_is_found(text):
    """Every law is asked twice: the problem is run again, after the law's other side."""
    for seed in range(4):
        case = replace(parse_id(text), seed=seed)
        subject = ForwardOnly()
        assert examine(case, subject).verdict == "agrees"
        assert examine(case, ForwardOnly(wrong_at=(subject.runs,))).verdict == "differs"


def test_a_chaotic_case_is_put_to_an_exact_relation():
    record = examine(parse_id("rnn-tanh-T400-B2-I4-H16-f64-gain10-s0"), load_subject("torch"))
    scales = {q.scale for q in record.quantities if q.relation}
    assert scales == {"copy"}


def test_what_the_subject_cannot_run_passes_the_turn_on():
    problem = materialise(parse_id(CASES["equal lengths = none"]))
    torch, seen = load_subject("torch"), []

    def run(other):
        if other is not problem and other.case != problem.case:
            message = "just this case"
            raise Unsupported(message)
        seen.append(other)
        return torch.run(other)

    found = relation_check(
        problem, run, torch.run(problem), allowances(problem, observe(problem, np.float64))
    )
    assert {f.comparison.relation for f in found} <= {"runs repeat", "samples are independent"}
    assert seen


class Counted:
    """A subject that counts its runs."""

    name = "counted"
    description = "the fused module, counted"

    def __init__(self):
        self.runs = 0

    def run(self, problem):
        self.runs += 1
        return load_subject("torch").run(problem)


@pytest.mark.parametrize(
    "text", ["rnn-tanh-T200-B2-I4-H16-f64-gain10-s0", "rnn-tanh-T90-single-I4-H16-f32-gain10-s0"]
)
def test_a_chaotic_network_is_not_run_for_a_law_that_cannot_be_decided(text):
    subject = Counted()
    record = examine(parse_id(text), subject)
    assert record.verdict == "agrees"
    assert {q.relation for q in record.quantities} <= {"", "runs repeat", "samples are independent"}
    assert subject.runs == 3  # the problem, a law, and the problem once more


def test_torch_is_not_asked_to_pack_what_would_take_gigabytes():
    def packed(text):
        return "equal lengths = none" in {relation.name for relation in relations_for(parse_id(text))}

    assert packed("rnn-relu-L3-bi-T500-B3-I6-H6-f64-s0")
    assert packed("rnn-relu-L3-bi-T50-B130-I6-H6-f64-s0")
    assert not packed("rnn-relu-L3-bi-T500-B130-I6-H6-f64-s0")


@pytest.mark.parametrize("before", [1, 2])
def test_the_other_number_of_threads_is_in_force_for_the_run_alone(before):
    import torch
    from threadpoolctl import threadpool_info

    counts = []

    def run(problem):
        counts.append((torch.get_num_threads(), {library["num_threads"] for library in threadpool_info()}))
        return load_subject("reference").run(problem)

    at_first = torch.get_num_threads()
    torch.set_num_threads(before)
    try:
        findings("one thread = two threads", run)
        assert counts[0][0] == torch.get_num_threads() == before
        assert counts[1] == (3 - before, {3 - before})
    finally:
        torch.set_num_threads(at_first)
