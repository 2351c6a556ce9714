"""One mistake, or two, that all layers and directions of a stack make alike is named; what fits nothing is not."""

import numpy as np
import pytest

from conformance.cases import materialise, parse_id
from conformance.faults import CATALOGUE, choices_of, simulate
from conformance.hand_written.diagnosis import Evidence, diagnose_stack
from conformance.judge import THRESHOLD
from conformance.subjects.observation import Observation

CASES = (
    "rnn-tanh-L2-T7-B3-I4-H6-O5-noh0-dout-f64-gain1.2-s0",
    "rnn-tanh-bi-T7-B3-I4-H6-O5-noh0-dout-f64-gain1.2-s0",
    "rnn-tanh-L2-T7-single-I4-H6-f64-gain1.2-s0",
)


def shown(case_id: str, faults: tuple[str, ...], factor: float = 1.0) -> Evidence:
    problem = materialise(parse_id(case_id))
    full = simulate(problem, choices_of([CATALOGUE[name] for name in faults]), factor=factor)
    return Evidence(
        problem=problem, observation=Observation(output=full.output, y=full.y, parameters=full.parameters)
    )


@pytest.mark.parametrize("factor", [1.0, 0.5])
@pytest.mark.parametrize("case_id", CASES)
@pytest.mark.parametrize("fault", ["carry-not-transposed", "tanh-prime-of-activated", "h-t-for-h-previous"])
def test_a_mistake_of_all_layers_is_named(case_id: str, fault: str, factor: float) -> None:
    found = diagnose_stack(shown(case_id, (fault,), factor))
    assert (fault,) in (found.faults, *found.equivalents)
    assert found.scale == pytest.approx(factor)
    assert found.residual <= THRESHOLD


def test_what_passes_down_between_layers_is_told_from_what_is_carried() -> None:
    for fault in ("dx-without-slope", "dx-before-loop", "d-below-missing"):
        found = diagnose_stack(shown(CASES[0], (fault,)))
        assert (found.faults, found.equivalents) == ((fault,), ())


def test_nothing_is_named_that_does_not_reproduce_every_gradient() -> None:
    evidence = shown(CASES[0], ("carry-missing",))
    gradients = dict(evidence.observation.parameters)
    gradients["weight_hh_l1"] = gradients["weight_hh_l1"] + 1e-6 * np.abs(gradients["weight_hh_l1"]).max()
    found = diagnose_stack(Evidence(problem=evidence.problem, observation=Observation(parameters=gradients)))
    assert not found.explained
    assert found.faults == ()


@pytest.mark.parametrize(
    ("fault", "case_id"),
    [
        ("layer-reads-x", "rnn-tanh-L2-T5-B3-I5-H5-f64-s0"),
        ("layers-share-w-hh", "rnn-tanh-L2-T5-B3-I4-H5-f64-s0"),
        ("layers-share-one-cell", "rnn-tanh-L2-T5-B3-I5-H5-f64-s0"),
        ("h-0-of-first-layer-for-all", "rnn-tanh-L2-T5-B3-I4-H5-f64-s0"),
        ("reverse-not-reversed", "rnn-tanh-bi-T5-B3-I4-H5-f64-s0"),
        ("reverse-output-not-turned-back", "rnn-tanh-bi-T5-B3-I4-H5-f64-s0"),
        ("reverse-with-forward-weights", "rnn-tanh-bi-T5-B3-I4-H5-f64-s0"),
        ("directions-swapped", "rnn-tanh-L2-bi-T5-B3-I4-H5-f64-s0"),
        ("h-n-from-last-output", "rnn-tanh-bi-T5-B3-I4-H5-f64-s0"),
        ("h-n-directions-first", "rnn-tanh-L2-bi-T5-B3-I4-H5-f64-s0"),
        ("h-n-top-layer-first", "rnn-tanh-L2-T5-B3-I4-H5-f64-s0"),
        ("recurrence-transposed", "rnn-tanh-L2-T5-B3-I4-H5-f64-s0"),
    ],
)
@pytest.mark.parametrize("gradients", [False, True])
def test_a_mistake_of_a_forward_pass_is_named_with_its_gradients_and_without(
    fault: str, case_id: str, *, gradients: bool
) -> None:
    problem = materialise(parse_id(case_id))
    full = simulate(problem, choices_of([CATALOGUE[fault]]))
    parameters = full.parameters if gradients else {}
    found = diagnose_stack(
        Evidence(
            problem=problem,
            observation=Observation(
                output=full.output, h_n=full.h_n, hidden=full.hidden, parameters=parameters
            ),
        )
    )
    assert found.explained
    assert (fault,) == found.faults


def test_what_could_not_have_been_seen_is_never_named() -> None:
    """Without a head nothing is wrong with a head, without gradients nothing with a backward pass."""
    problem = materialise(parse_id("rnn-tanh-L2-bi-T5-B3-I4-H5-f64-s0"))
    right = simulate(problem)
    found = diagnose_stack(
        Evidence(problem=problem, observation=Observation(output=0.99 * right.output, h_n=right.h_n))
    )
    assert (found.explained, found.faults, found.equivalents) == (False, (), ())
