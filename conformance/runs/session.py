"""A session: what is to be run and how, and the record that comes of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Literal

from msgspec import Struct

from conformance.cases import Case, can_be_drawn
from conformance.errors import UsageError
from conformance.record import LackRecord, Record
from conformance.record.environment import environment
from conformance.runs.assembly import NO_EVIDENCE, assembled
from conformance.runs.evidence import Evidence, gathered, lack_records
from conformance.runs.identity import identity_of
from conformance.runs.ledger import Ledger
from conformance.runs.lines import Identity
from conformance.runs.pools import DaskPool, ProcessPool, dask_client
from conformance.runs.runner import MakePool, run_cases
from conformance.runs.sharing import shared
from conformance.runs.unit import Examined, Outcome
from conformance.subjects import load_subject

ExecutorName = Literal["process", "dask"]


class EvidenceInterrupted(KeyboardInterrupt):
    """Ctrl-C while evidence was gathered: all cases were finished, and `record` holds them."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self.record = record


class Session(Struct, frozen=True, kw_only=True):
    """One run of cases on subjects.

    Attributes
    ----------
    suite
        What the record calls the cases.
    seed
        What their seeds were shifted by, if anything.
    jobs
        Worker processes.
    executor, scheduler
        Whether workers are processes of this machine or those of the Dask cluster behind `scheduler`.
    limit
        Seconds after which a case counts as hanging; None for the default of workers, and none in this process.
    evidence
        Whether detection power, contracts and error profiles are measured as well.
    vacuity
        Whether it is told what the data of every case lack.
    """

    suite: str
    cases: Sequence[Case]
    subjects: Sequence[str]
    seed: int | None = None
    jobs: int = 1
    executor: ExecutorName = "process"
    scheduler: str | None = None
    limit: float | None = None
    evidence: bool = False
    vacuity: bool = False

    @property
    def identity(self) -> Identity:
        """What this run and its ledger must have in common."""
        return identity_of(self.suite, self.seed, self.subjects, self.cases)

    def run(
        self,
        on_progress: Callable[[Examined], None] = lambda _: None,
        on_part: Callable[[str], None] = lambda _: None,
        *,
        ledger: Ledger | None = None,
    ) -> Record:
        """Run the cases and return the record, which isn't yet written when this returns.

        `on_progress` gets what every finished case gave, `on_part` the names of what is measured afterwards. Finished
        cases are appended to `ledger` at once, and those that it holds aren't run again.

        Raises
        ------
        UsageError
            If no cluster answers.
        ConformanceError
            If the ledger can't be written.
        EvidenceInterrupted
            If Ctrl-C came after the cases; it holds their record.
        """
        started = perf_counter()
        with self._workers() as make_pool:
            outcome = run_cases(
                self.cases,
                self.subjects,
                jobs=self.jobs,
                make_pool=make_pool,
                limit=self.limit,
                ledger=ledger,
                on_progress=on_progress,
            )
        try:
            evidence, lacks = self._gathered(outcome, on_part)
        except KeyboardInterrupt as interrupt:
            raise EvidenceInterrupted(self._record(outcome, started)) from interrupt
        return self._record(outcome, started, evidence, lacks)

    def _gathered(
        self, outcome: Outcome, on_part: Callable[[str], None]
    ) -> tuple[Evidence, Sequence[LackRecord]]:
        """Return what is told beside the cases, where that is wanted."""
        wanted = self.evidence and outcome.complete
        cases = list(filter(can_be_drawn, self.cases))
        evidence = NO_EVIDENCE
        if wanted:
            with shared(self.jobs if self.executor == "process" else 1) as mapped:
                evidence = gathered(cases, self.subjects, outcome.records(), on_part, mapped)
        return evidence, list(lack_records(cases)) if self.vacuity else []

    def _record(
        self,
        outcome: Outcome,
        started: float,
        evidence: Evidence = NO_EVIDENCE,
        lacks: Sequence[LackRecord] = (),
    ) -> Record:
        return assembled(
            suite=self.suite,
            seed=self.seed,
            descriptions={name: load_subject(name).description for name in self.subjects},
            examined=list(zip(outcome.records(), outcome.timings(), strict=True)),
            here=environment(),
            complete=outcome.complete,
            seconds=round(perf_counter() - started, 3),
            evidence=evidence,
            lacks=lacks,
        )

    @contextmanager
    def _workers(self) -> Iterator[MakePool | None]:
        """Provide where workers come from; None lets one job run in this process, which no limit could end."""
        if self.executor == "process":
            yield None if self.jobs == 1 and self.limit is None else ProcessPool
            return
        if self.scheduler is None:
            message = "--executor dask needs the address of a scheduler: --scheduler tcp://HOST:8786"
            raise UsageError(message)
        with dask_client(self.scheduler) as client:
            yield lambda _: DaskPool(client)
