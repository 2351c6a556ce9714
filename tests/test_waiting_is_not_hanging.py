"""The limit of a case begins when a worker is free for it: what waits behind one that hangs doesn't, nor a start."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from threading import Timer
from time import monotonic

import hostile_units
import pytest

from conformance import parse_id
from conformance.runs import Examined, run_cases, runner
from conformance.runs.crews import ProcessCrew
from conformance.runs.unit import examine_unit

CASE = parse_id("rnn-tanh-T3-B2-I4-H5-f64-s0")
ENDLESS = 0


class Pretended:
    """A crew of this process with one worker and a place to wait, on whom the case with the seed ENDLESS is lost."""

    workers, width = 1, 2

    def __init__(self, _: int) -> None:
        self.stuck = False

    def submit(self, case_id: str, subjects: Sequence[str]) -> Future[Examined]:
        unit: Future[Examined] = Future()
        self.stuck = self.stuck or parse_id(case_id).seed == ENDLESS
        if not self.stuck:
            unit.set_result(examine_unit(case_id, subjects))
        return unit

    def result(self, unit: Future[Examined]) -> Examined:
        return unit.result()

    def dismiss(self, *, kill: bool) -> None:
        assert kill == self.stuck


def test_a_case_that_waits_behind_one_that_hangs_is_run_all_the_same() -> None:
    outcome = run_cases(
        [replace(CASE, seed=seed) for seed in range(4)], ["reference"], recruit=Pretended, limit=0.2
    )
    assert outcome.complete
    assert [record.verdict for record in outcome.records()] == ["error", *3 * ["agrees"]]
    assert "had not finished after 0.2 seconds" in outcome.records()[ENDLESS].reason


class Starting(Pretended):
    """A crew whose worker takes three times the limit to load its libraries, and no time for a case."""

    loading = 0.6

    def __init__(self, _: int) -> None:
        self.ready = monotonic() + self.loading

    @property
    def workers(self) -> int:
        return int(monotonic() >= self.ready)

    def submit(self, case_id: str, subjects: Sequence[str]) -> Future[Examined]:
        unit: Future[Examined] = Future()
        found = examine_unit(case_id, subjects)
        Timer(max(0.0, self.ready + 0.05 - monotonic()), unit.set_result, [found]).start()
        return unit

    def dismiss(self, *, kill: bool) -> None:
        assert not kill


def test_a_worker_that_is_long_in_starting_does_not_hang() -> None:
    outcome = run_cases(
        [replace(CASE, seed=seed) for seed in range(3)], ["reference"], recruit=Starting, limit=0.2
    )
    assert [record.verdict for record in outcome.records()] == ["agrees"] * 3


def test_the_limit_holds_for_a_single_job_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "ProcessCrew", partial(ProcessCrew, unit=hostile_units.unit))
    hanging = [replace(CASE, seed=seed) for seed in (hostile_units.ENDLESS, 1)]
    outcome = run_cases(hanging, ["reference"], jobs=1, limit=8.0)
    assert [record.verdict for record in outcome.records()] == ["error", "agrees"]
    assert "had not finished after 8 seconds" in outcome.records()[0].reason
