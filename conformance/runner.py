"""Running many cases: in this process, or mapped over a pool of workers. Records come out in the suite's order.

A unit of work is a case id with the subjects to run on it, never arrays, so that it costs nothing to send and the
data are the same wherever it runs. Every process computes in one thread.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
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

ATTEMPTS = 2
"""Pools in which a case may lose its worker before it is given up."""

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
        with _interrupts_held_back():  # once is enough: what is finished must still be written
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
    """Yield results as workers finish them.

    A worker that dies takes its pool with it. What the pool still owed is run once more in a new one, where
    cases that end that way again are recorded as errors.
    """
    one_thread()  # the variables are inherited by the workers, whose libraries read them when they load
    owed = dict(enumerate(cases))
    for attempt in range(ATTEMPTS):
        for position, examined in _one_pool(owed, subjects, jobs):
            if examined is not None:
                del owed[position]
                yield position, examined
            elif attempt == ATTEMPTS - 1:
                yield position, _lost(owed[position], subjects)
        if not owed:
            return


def _one_pool(
    cases: Mapping[int, Case], subjects: Sequence[str], jobs: int
) -> Iterator[tuple[int, Examined | None]]:
    """Yield the results of one pool by position, None for what it owed when it died."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(cases)), mp_context=context, initializer=_start_worker)
    try:
        with _interrupts_held_back():  # the parent answers Ctrl-C for all
            units: dict[Future[Examined], int] = {
                pool.submit(examine_unit, case.id, subjects): n for n, case in dict(cases).items()
            }
        for unit in as_completed(units):
            try:
                yield units[unit], unit.result()
            except BrokenProcessPool:
                yield units[unit], None
    except (KeyboardInterrupt, GeneratorExit):
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
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
    threading.Thread(target=_end_with_parent, daemon=True).start()
    one_thread()


def _end_with_parent() -> None:
    """End this worker when its parent has died without telling it (kill -9): nobody waits for its results."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _lost(case: Case, subjects: Sequence[str]) -> Examined:
    """Return an error record for every subject of a case whose worker process died."""
    reason = "The worker process died before this case was finished (killed, out of memory, or a crash in a library)."
    nothing = Timing(subject=0.0, reference=0.0, judging=0.0, total=0.0)
    return [(unjudged(case.id, subject, "error", reason), nothing) for subject in subjects]
