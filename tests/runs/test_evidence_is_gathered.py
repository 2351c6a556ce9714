"""What a run gathers beside its cases: noise and shares of every case, detection power, contracts, error profiles."""

import os

import numpy as np
import pytest

from conformance import Case, CaseRecord, examine, load_subject, parse_id
from conformance.cases import materialise
from conformance.examination.histograms import histogram
from conformance.examination.profiles import POINTS, chosen, profiles
from conformance.faults import CATALOGUE
from conformance.judge import MEANINGLESS
from conformance.record import SHARE_STEPS
from conformance.runs.evidence import PROBED, contract_at, gathered, power_of, spread
from conformance.runs.sharing import shared

CALM = parse_id("rnn-tanh-T40-B2-I4-H6-f64-gain1-s0")
LONGER = parse_id("rnn-tanh-T250-B2-I4-H6-f32-s0")
CHAOTIC = parse_id("rnn-tanh-T120-B2-I4-H16-f32-gain10-s0")
SHORT = parse_id("rnn-tanh-T4-B3-I5-H6-f64-s0")


def record(case: Case, subject: str = "torch") -> CaseRecord:
    return examine(case, load_subject(subject))


# Noise and shares of a case.


def test_the_noise_of_a_case_says_whether_it_can_be_decided() -> None:
    assert 0 < float(record(CALM).noise or 0) < MEANINGLESS
    assert float(record(CHAOTIC).noise or 0) > MEANINGLESS
    assert record(CHAOTIC, "torch-results").verdict == "undecidable"


def test_every_element_judged_is_counted_once_in_the_histograms() -> None:
    found = record(SHORT)
    assert set(found.shares) == {"bound", "noise"}
    for scale, steps in found.shares.items():
        assert len(steps) == SHARE_STEPS
        assert sum(steps) == sum(q.elements - q.undecided for q in found.quantities if q.scale == scale)
        assert steps[-1] == 0  # nothing lies beyond 1, since all agrees


def test_a_histogram_counts_in_steps_whose_upper_edges_are_powers_of_two() -> None:
    edges = 2.0 ** np.arange(-15, 1)
    assert histogram(edges) == [0, *[1] * 16, 0]
    assert histogram(np.nextafter(edges, 2)) == [0, 0, *[1] * 16]
    assert histogram(np.array([0.0, 0.0, 1e-300, 1e300])) == [2, 1, *[0] * 15, 1]
    assert histogram(np.array([np.nan])) == [0] * SHARE_STEPS


# Error profiles.


def test_a_profile_is_the_error_against_a_more_precise_run() -> None:
    """torch's own float64 run, which shares no code with the oracle, gives the same errors of its float32 run."""
    import torch

    problem = materialise(LONGER)

    def run(dtype: torch.dtype) -> torch.Tensor:
        rnn = torch.nn.RNN(4, 6, dtype=dtype)
        rnn.load_state_dict({name: torch.tensor(w, dtype=dtype) for name, w in problem.weights.items()})
        with torch.no_grad():
            return rnn(torch.tensor(problem.x, dtype=dtype), torch.tensor(problem.h_0, dtype=dtype))[
                0
            ].double()

    true = run(torch.float64)
    errors = ((run(torch.float32) - true).abs().amax((1, 2)) / true.abs().amax((1, 2))).numpy()
    profile = next(p for p in profiles([LONGER], {}, load_subject("torch")) if p.quantity == "output")
    thinned = np.maximum.reduceat(errors, profile.steps)
    assert profile.oracle == "float64"
    assert np.asarray(profile.subject_error, float) == pytest.approx(thinned, rel=1e-3)


def test_profiles_are_thinned_to_the_greatest_of_every_stretch_and_lists_match() -> None:
    for profile in profiles([CALM, LONGER], {}, load_subject("torch")):
        lengths = {
            len(profile.steps),
            len(profile.subject_error),
            len(profile.reference_error),
            len(profile.noise),
        }
        assert lengths == {min(parse_id(profile.case).steps, POINTS)}
        assert profile.steps[0] == 0
        assert profile.steps == sorted(set(profile.steps))


def test_the_longest_and_the_noisiest_of_each_precision_are_pictured() -> None:
    noise = {CALM.id: 1e-15, LONGER.id: 1e-7, CHAOTIC.id: 1.0}
    assert chosen([SHORT, CALM, LONGER, CHAOTIC], noise) == [CALM, LONGER, CHAOTIC]
    half = parse_id(LONGER.id.replace("f32", "f16"))
    assert chosen([SHORT, half], {half.id: 1.0}) == []


def test_a_chaotic_profile_leaves_the_truth_where_its_noise_says_so() -> None:
    profile = next(p for p in profiles([CHAOTIC], {}, load_subject("torch")) if p.quantity == "output")
    errors, noise = (np.asarray(values, float) for values in (profile.subject_error, profile.noise))
    assert errors[0] < 1e-5
    assert errors.max() > 0.1
    assert noise.max() > 0.1


# All of it.


def test_power_is_measured_on_all_cases_and_probed_on_a_few_spread_over_them() -> None:
    found = power_of([SHORT])
    assert found is not None
    assert (found.cases, found.probed) == (1, 1)
    assert [mutant.fault for mutant in found.mutants] == list(CATALOGUE)
    assert {mutant.case for mutant in found.mutants} == {SHORT.id, ""}
    assert found.seen == found.disturbed > 0
    assert found.accused == []
    assert power_of([]) is None
    many = [SHORT] * 7 * PROBED
    assert len(spread(many, PROBED)) == PROBED


def test_a_run_of_the_reference_alone_gathers_all_but_profiles() -> None:
    parts: list[str] = []
    found = gathered([SHORT], ["reference"], [record(SHORT, "reference")], parts.append)
    assert parts == ["contracts of torch", "detection power", "profiles"]
    assert found.power is not None
    assert len(found.contracts) > 50
    assert all(row.holds for row in found.contracts)
    assert found.profiles == ()


def test_work_shared_among_processes_comes_out_as_in_one_and_in_order() -> None:
    with shared(2) as mapped:
        assert list(mapped(contract_at, range(5))) == list(map(contract_at, range(5)))
        pids = set(mapped(_process, range(20)))
    assert os.getpid() not in pids
    with shared(1) as mapped:
        assert set(mapped(_process, range(2))) == {os.getpid()}


def _process(_: int) -> int:
    return os.getpid()
