"""Running many cases: in this process, or mapped over a pool of workers. Records come out in the suite's order.

A worker that crashes or hangs costs its own case only. When a pool breaks, the few cases that were under way come
into question: each is tried again by a worker of its own, and only one that fails there as well is given up.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from time import monotonic

from msgspec import Struct, field

from conformance.cases import Case
from conformance.record.environment import one_thread
from conformance.runs.ledger import Ledger
from conformance.runs.pools import ProcessPool, WorkerLostError, WorkerPool, interrupts_held_back
from conformance.runs.unit import Examined, Outcome, examine_unit, lost

ATTEMPTS = 3
"""Workers of its own that a case may lose before it is given up: one may be killed by chance, three hardly."""

LIMIT = 600.0
"""Seconds after which a case counts as hanging: a hundred times the longest case of the full suite."""

POLL = 0.1
"""Seconds between looks at whether a worker is ready."""

MakePool = Callable[[int], WorkerPool]
"""Returns a pool of that many workers."""


def run_cases(
    cases: Sequence[Case],
    subjects: Sequence[str],
    *,
    jobs: int = 1,
    make_pool: MakePool | None = None,
    limit: float | None = None,
    ledger: Ledger | None = None,
    on_progress: Callable[[Examined], None] = lambda _: None,
) -> Outcome:
    """Examine every case with every subject and return what came out.

    Parameters
    ----------
    jobs
        Workers; with 1 (and neither `make_pool` nor `limit`) all run in this process, which no limit could end.
    make_pool
        Where workers come from: processes of this machine by default.
    limit
        Seconds after which a case counts as hanging and its worker is ended, counted from when its worker is ready;
        `LIMIT` by default.
    ledger
        Where every finished case is written at once; cases that it holds already aren't run again.

    An interruption (Ctrl-C) ends the run early: the outcome then holds the finished cases and isn't complete.
    """
    outcome = Outcome()
    if ledger is not None:
        done = ledger.finished
        outcome.by_position = {n: done[case.id] for n, case in enumerate(cases) if case.id in done}
    for examined in outcome.by_position.values():
        on_progress(examined)
    owed = {n: case for n, case in enumerate(cases) if n not in outcome.by_position}
    here = jobs == 1 and make_pool is None and limit is None
    results = (
        _in_process(owed, subjects)
        if here
        else Mapped(
            owed, subjects, make_pool or ProcessPool, jobs, LIMIT if limit is None else limit, deque(owed)
        ).run()
    )
    try:
        for position, examined in results:
            if ledger is not None:
                ledger.append(cases[position].id, examined)
            outcome.by_position[position] = examined
            on_progress(examined)
        outcome.complete = True
    except KeyboardInterrupt:
        with interrupts_held_back():  # once is enough: what is finished must still be written
            results.close()
    return outcome


def _in_process(cases: Mapping[int, Case], subjects: Sequence[str]) -> Iterator[tuple[int, Examined]]:
    one_thread()
    for position, case in cases.items():
        yield position, examine_unit(case.id, subjects)


class Handed(Struct):
    """A unit that a pool has: its position, and when its turn came (never, as long as it waits for a worker)."""

    position: int
    started: float = math.inf


UnderWay = dict[Future[Examined], Handed]
"""What a pool has, in the order in which it was handed over."""


class Mapped(Struct):
    """Cases mapped over pools, by their positions in the suite."""

    cases: Mapping[int, Case]
    subjects: Sequence[str]
    make_pool: MakePool
    jobs: int
    limit: float
    waiting: deque[int]
    suspects: deque[int] = field(default_factory=deque)

    def run(self) -> Iterator[tuple[int, Examined]]:
        """Yield results as workers finish them."""
        while self.waiting:
            yield from self._by_pool(min(self.jobs, len(self.waiting)))
            while self.suspects:
                position = self.suspects.popleft()
                yield position, self._alone(position)

    def _by_pool(self, size: int) -> Iterator[tuple[int, Examined]]:
        """Yield the results of one pool, until all is done or the pool is broken."""
        pool = self.make_pool(size)
        under_way: UnderWay = {}
        broken = True
        try:
            self._keep_busy(pool, under_way)
            while under_way:
                found, hanging = self._finished(pool, under_way)
                if not self.suspects and not hanging:
                    self._keep_busy(pool, under_way)
                yield from found
                yield from ((n, self._given_up(n, self._hanging())) for n in hanging)
                if self.suspects or hanging:
                    self.suspects.extend(handed.position for handed in under_way.values())
                    return
            broken = False
        finally:
            pool.dismiss(kill=broken)

    def _keep_busy(self, pool: WorkerPool, under_way: UnderWay) -> None:
        while self.waiting and len(under_way) < pool.width:
            position = self.waiting.popleft()
            under_way[pool.submit(self.cases[position].id, self.subjects)] = Handed(position)
        for handed in islice(under_way.values(), pool.workers):  # the others wait for a worker
            handed.started = min(handed.started, monotonic())

    def _finished(
        self, pool: WorkerPool, under_way: UnderWay
    ) -> tuple[list[tuple[int, Examined]], list[int]]:
        """Wait for a unit, take the finished ones out, and return their results and the positions that hang."""
        oldest = min(handed.started for handed in under_way.values())
        left = POLL if math.isinf(oldest) else max(0.0, oldest + self.limit - monotonic())
        done, _ = wait(under_way, timeout=left, return_when=FIRST_COMPLETED)
        found: list[tuple[int, Examined]] = []
        for unit in done:
            position = under_way.pop(unit).position
            try:
                found.append((position, pool.result(unit)))
            except WorkerLostError:
                self.suspects.append(position)
        late = [unit for unit, handed in under_way.items() if monotonic() - handed.started >= self.limit]
        return found, [under_way.pop(unit).position for unit in late]

    def _alone(self, position: int) -> Examined:
        """Examine a case that may have cost a worker, with a worker of its own."""
        for _ in range(ATTEMPTS):
            pool = self.make_pool(1)
            unit = pool.submit(self.cases[position].id, self.subjects)
            ended = False
            try:
                while not pool.workers and not unit.done():
                    wait([unit], timeout=POLL)
                done, _ = wait([unit], timeout=self.limit)
                if not done:
                    return self._given_up(position, self._hanging())
                examined = pool.result(unit)
                ended = True
            except WorkerLostError:
                continue
            else:
                return examined
            finally:
                pool.dismiss(kill=not ended)
        return self._given_up(
            position,
            f"The worker process died before this case was finished, {ATTEMPTS} times with nothing else to do "
            "(killed, out of memory, or a crash in a library).",
        )

    def _hanging(self) -> str:
        return f"This case had not finished after {self.limit:g} seconds, so its worker was ended."

    def _given_up(self, position: int, reason: str) -> Examined:
        return lost(self.cases[position], self.subjects, reason)
