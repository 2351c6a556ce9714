"""The limit of a case begins when a worker is free for it: what waits behind a case that hangs doesn't hang."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from conformance import parse_id
from conformance.runs import Examined, run_cases
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
