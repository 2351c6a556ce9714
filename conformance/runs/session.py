"""A session: what is to be run and how, and the record that comes of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Literal

from conformance.cases import Case
from conformance.environment import environment
from conformance.errors import UsageError
from conformance.evidence import Evidence, gathered, lack_records
from conformance.record import Record
from conformance.runs.assembly import assembled
from conformance.runs.crews import DaskCrew, ProcessCrew, dask_client
from conformance.runs.identity import identity_of
from conformance.runs.ledger import Ledger
from conformance.runs.runner import LIMIT, Recruit, run_cases
from conformance.runs.unit import Examined
from conformance.subjects import load_subject

ExecutorName = Literal["process", "dask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
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
        Seconds after which a case counts as hanging.
    ledger
        The file to which finished cases are appended at once, None for none.
    resume
        Whether to go on with the ledger that is there.
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
    limit: float = LIMIT
    ledger: Path | None = None
    resume: bool = False
    evidence: bool = False
    vacuity: bool = False

    def run(
        self,
        on_progress: Callable[[Examined], None] = lambda _: None,
        on_part: Callable[[str], None] = lambda _: None,
    ) -> Record:
        """Run the cases and return the record; a complete one is not yet written when this returns.

        `on_progress` gets what every finished case gave, `on_part` the names of what is measured afterwards.

        Raises
        ------
        UsageError
            If the ledger belongs to another run, or no cluster answers.
        ConformanceError
            If the ledger can't be written.
        """
        started = perf_counter()
        with self._opened_ledger() or nullcontext() as ledger, self._workers() as recruit:
            outcome = run_cases(
                self.cases,
                self.subjects,
                jobs=self.jobs,
                recruit=recruit,
                limit=self.limit,
                ledger=ledger,
                on_progress=on_progress,
            )
        records = outcome.records()
        wanted = self.evidence and outcome.complete
        more = gathered(self.cases, self.subjects, records, on_part) if wanted else Evidence()
        return assembled(
            suite=self.suite,
            seed=self.seed,
            descriptions={name: load_subject(name).description for name in self.subjects},
            examined=list(zip(records, outcome.timings(), strict=True)),
            here=environment(),
            complete=outcome.complete,
            seconds=round(perf_counter() - started, 3),
            evidence=more,
            lacks=list(lack_records(self.cases)) if self.vacuity else (),
        )

    def forget(self) -> None:
        """Delete the ledger, once the record of the whole run is written."""
        if self.ledger is not None:
            self.ledger.unlink(missing_ok=True)

    def _opened_ledger(self) -> Ledger | None:
        if self.ledger is None:
            return None
        identity = identity_of(self.suite, self.seed, self.subjects, self.cases)
        return Ledger(self.ledger, identity, resume=self.resume)

    @contextmanager
    def _workers(self) -> Iterator[Recruit | None]:
        """Provide where workers come from; None lets one job run in this process."""
        if self.executor == "process":
            yield None if self.jobs == 1 else ProcessCrew
            return
        if self.scheduler is None:
            message = "--executor dask needs the address of a scheduler: --scheduler tcp://HOST:8786"
            raise UsageError(message)
        with dask_client(self.scheduler) as client:
            yield lambda _: DaskCrew(client)
