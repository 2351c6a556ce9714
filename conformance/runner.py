"""Running many cases: in this process, or mapped over a pool of workers. Records come out in the suite's order.

A unit of work is a case id with the subjects to run on it, never arrays, so that it costs nothing to send and the
data are the same wherever it runs. Every process computes in one thread.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass

from conformance.cases import Case, parse_id
from conformance.engine import timed_examination
from conformance.environment import one_thread
from conformance.record import CaseRecord, Timing
from conformance.recording import unjudged
from conformance.subjects import load_subject

Examined = list[tuple[CaseRecord, Timing]]
"""What one case gave: a record and its timing for each subject."""


@dataclass(slots=True)
class Outcome:
    """What a run has so far, by the position of the case in the suite."""

    by_position: dict[int, Examined]
    complete: bool = False

    def records(self) -> list[CaseRecord]:
        """Return the records in the order of the suite."""
        return [record for _, examined in sorted(self.by_position.items()) for record, _ in examined]

    def timings(self) -> list[Timing]:
        """Return the timings in the order of the records."""
        return [timing for _, examined in sorted(self.by_position.items()) for _, timing in examined]


def run_cases(
    cases: Sequence[Case],
    subjects: Sequence[str],
    *,
    jobs: int = 1,
    on_progress: Callable[[Examined], None] = lambda _: None,
) -> Outcome:
    """Examine every case with every subject and return what came out.

    An interruption (Ctrl-C) ends the run early: the outcome then holds the finished cases and isn't complete.
    """
    outcome = Outcome(by_position={})
    results = _in_process(cases, subjects) if jobs == 1 else _in_pool(cases, subjects, jobs)
    try:
        for position, examined in results:
            outcome.by_position[position] = examined
            on_progress(examined)
        outcome.complete = True
    except KeyboardInterrupt:
        results.close()
    return outcome


def examine_unit(case_id: str, subjects: Sequence[str]) -> Examined:
    """Examine one case with every subject: the unit of work that travels."""
    case = parse_id(case_id)
    return [timed_examination(case, load_subject(name)) for name in subjects]


def _in_process(cases: Sequence[Case], subjects: Sequence[str]) -> Iterator[tuple[int, Examined]]:
    one_thread()
    for position, case in enumerate(cases):
        yield position, examine_unit(case.id, subjects)


def _in_pool(cases: Sequence[Case], subjects: Sequence[str], jobs: int) -> Iterator[tuple[int, Examined]]:
    """Yield results as workers finish them; a pool that dies leaves an error for every case it still owed."""
    pool = ProcessPoolExecutor(
        min(jobs, len(cases)) or 1, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
    )
    one_thread()  # the variables are inherited by the workers, whose libraries read them when they load
    try:
        with _interrupts_held_back():  # the parent answers Ctrl-C for all
            units: dict[Future[Examined], int] = {
                pool.submit(examine_unit, case.id, subjects): n for n, case in enumerate(cases)
            }
        for unit in as_completed(units):
            position = units[unit]
            try:
                yield position, unit.result()
            except BrokenProcessPool:
                yield position, _lost(cases[position], subjects)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Deliver Ctrl-C to this process only afterwards, and never to processes started meanwhile."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    one_thread()


def _lost(case: Case, subjects: Sequence[str]) -> Examined:
    """Return an error record for every subject of a case whose worker process died."""
    reason = "The worker process died before this case was finished (killed, out of memory, or a crash in a library)."
    nothing = Timing(subject=0.0, reference=0.0, judging=0.0, total=0.0)
    return [(unjudged(case.id, subject, "error", reason), nothing) for subject in subjects]
