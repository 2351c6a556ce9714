"""Runs whose workers are killed, for tests: each in a process of its own, whose children are the workers alone.

python tests/support/killed_runs.py killed TIMES | hostile | single
"""

import multiprocessing
import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # where workers find support.hostile_units

from support import hostile_units

from conformance import Case, parse_id
from conformance.runs import Outcome, run_cases, runner
from conformance.runs.pools import ProcessPool

CASE = parse_id("rnn-tanh-T3-B2-I4-H5-f64-s0")


def cases(count: int) -> list[Case]:
    return [replace(CASE, seed=seed) for seed in range(count)]


def verdicts(outcome: Outcome) -> dict[int, str]:
    return {parse_id(record.case).seed: record.verdict for record in outcome.records()}


def killed(times: str) -> None:
    """Kill both workers, and do so again with the next ones."""
    gone: set[int] = set()
    wanted = 2 * int(times)

    def kill(_: object) -> None:
        living = {child.pid for child in multiprocessing.active_children() if child.pid} - gone
        if living and len(gone) < wanted:
            gone.update(living)
            for pid in living:
                os.kill(pid, signal.SIGKILL)

    outcome = run_cases(cases(40), ["reference"], jobs=2, on_progress=kill)
    assert len(gone) >= wanted
    assert outcome.complete
    assert verdicts(outcome) == dict.fromkeys(range(40), "agrees")


def hostile() -> None:
    """Run a case that kills its worker and one that hangs among right ones."""
    make_pool = partial(ProcessPool, unit=hostile_units.unit)
    outcome = run_cases(cases(16), ["reference"], jobs=2, make_pool=make_pool, limit=15.0)
    wrong = {
        hostile_units.DEADLY: "worker process died",
        hostile_units.ENDLESS: "not finished after 15 seconds",
    }
    assert verdicts(outcome) == dict.fromkeys(range(16), "agrees") | dict.fromkeys(wrong, "error")
    reasons = {parse_id(record.case).seed: record.reason for record in outcome.records()}
    assert all(reason in reasons[seed] for seed, reason in wrong.items())
    assert [record.case for record in outcome.records()] == [case.id for case in cases(16)]


def single() -> None:
    """Run a case that hangs and a right one, with a limit and one job, for which a worker is taken on."""
    runner.ProcessPool = partial(ProcessPool, unit=hostile_units.unit)
    hanging = [replace(CASE, seed=seed) for seed in (hostile_units.ENDLESS, 1)]
    outcome = run_cases(hanging, ["reference"], jobs=1, limit=8.0)
    assert verdicts(outcome) == {hostile_units.ENDLESS: "error", 1: "agrees"}
    assert "had not finished after 8 seconds" in outcome.records()[0].reason


if __name__ == "__main__":
    {"killed": killed, "hostile": hostile, "single": single}[sys.argv[1]](*sys.argv[2:])
