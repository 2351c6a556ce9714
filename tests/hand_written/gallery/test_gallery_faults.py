"""What truth.toml calls a subject's faults is what the catalogue means: simulated together, they give its gradients."""

import numpy as np
import pytest
from gallery.evidence import evidence
from gallery.running import apart
from gallery.truth import Truth, truths
from msgspec import structs

from conformance.faults import CATALOGUE, Choices, choices_of, simulate
from conformance.hand_written.diagnosis import diagnose
from conformance.subjects.observation import Observation

ROUNDING = 1e-9
"""Two programs of this size in float64 are this near by rounding alone, relative to the largest element."""

NAMED = {
    name: truth
    for name, truth in truths().items()
    if truth.verdict in ("differs", "forward differs")
    and truth.cell == "rnn"  # other cells have names for what a patch mends, and no search
    and all(fault.id for fault in truth.faults)
    and truth.sizes.get("L", 1) == 1  # stacks have a search, and tests, of their own
}
BACKWARD = [name for name, truth in NAMED.items() if truth.verdict == "differs"]


def choices(truth: Truth) -> Choices:
    chosen = choices_of([CATALOGUE[fault.id] for fault in truth.faults])
    return structs.replace(chosen, rate=1.0)  # what drivers give for a learning rate


def pairs(truth: Truth, shown: Observation, simulated: Observation) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what the subject showed next to the simulation."""
    forward = [(shown.y, simulated.y), (shown.output, simulated.output), (shown.h_n, simulated.h_n)]
    found = [(ours, theirs[-len(ours) :]) for ours, theirs in forward if ours is not None]
    if (
        truth.verdict == "forward differs"
    ):  # after a wrong forward pass, people's backward passes go many ways
        return found
    inner = [(shown.d_x, simulated.d_x), (shown.d_h_0, simulated.d_h_0)]
    found += [(ours, theirs) for ours, theirs in inner if ours is not None]
    return found + [(g, simulated.parameters[name]) for name, g in shown.parameters.items()]


@pytest.mark.parametrize("name", NAMED)
def test_the_faults_of_a_subject_simulated_together_show_what_it_shows(name: str) -> None:
    truth = NAMED[name]
    given = evidence(truth, truth.faults)
    compared = pairs(
        truth, given.observation, simulate(given.problem, choices(truth), factor=truth.constant())
    )
    assert compared
    for found, simulation in compared:
        assert apart(found, simulation) <= ROUNDING


@pytest.mark.parametrize("name", BACKWARD)
def test_the_faults_of_a_subject_are_diagnosed(name: str) -> None:
    truth = NAMED[name]
    found = diagnose(evidence(truth, truth.faults))
    assert {fault.id for fault in truth.faults} in [set(found.faults), *map(set, found.equivalents)]


@pytest.mark.parametrize("name", BACKWARD)
def test_the_mended_subject_has_nothing_to_diagnose(name: str) -> None:
    found = diagnose(evidence(NAMED[name], ()))
    assert (found.explained, found.faults) == (True, ())
