"""The limit of a case begins when a worker is free for it: what waits behind one that hangs doesn't, nor a start."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from threading import Timer
from time import monotonic

from conformance import parse_id
from conformance.runs import Examined, run_cases
from conformance.runs.unit import examine_unit

CASE = parse_id("rnn-tanh-T3-B2-I4-H5-f64-s0")
ENDLESS = 0


class Pretended:
    """A pool of this process with one worker and a place to wait, on whom the case with the seed ENDLESS is lost."""

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
        [replace(CASE, seed=seed) for seed in range(4)], ["reference"], make_pool=Pretended, limit=0.2
    )
    assert outcome.complete
    assert [record.verdict for record in outcome.records()] == ["error", *3 * ["agrees"]]
    assert "had not finished after 0.2 seconds" in outcome.records()[ENDLESS].reason


class Starting(Pretended):
    """A pool whose worker takes three times the limit to load its libraries, and no time for a case."""

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
        [replace(CASE, seed=seed) for seed in range(3)], ["reference"], make_pool=Starting, limit=0.2
    )
    assert [record.verdict for record in outcome.records()] == ["agrees"] * 3
