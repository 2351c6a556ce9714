"""From what tests sent to the record of the run, the same whatever the number of workers."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from conformance.examination.recording import unjudged
from conformance.pytest_plugin.check import Examination
from conformance.pytest_plugin.plan import Plan, Planned
from conformance.pytest_plugin.settings import Settings
from conformance.record import Record, Timing
from conformance.record.environment import environment
from conformance.record.numbers import shown
from conformance.record.summary import EXIT_NOTHING, VERDICTS, summarise, worse
from conformance.report.gated import gate_lines
from conformance.runs import assembled
from conformance.runs.gate import Assessment

NO_TIME = Timing(subject=0.0, reference=0.0, judging=0.0, total=0.0)


class Reports(Struct, frozen=True, kw_only=True):
    """What is known of the tests of a run.

    Attributes
    ----------
    examined
        What tests found out, as JSON, by test.
    ended
        The outcome of tests that failed or were skipped, and the reason in a line.
    finished
        Tests that ran to their end, or lost their worker.
    """

    examined: Mapping[str, str]
    ended: Mapping[str, tuple[str, str]]
    finished: AbstractSet[str]


class Harvest(Struct, frozen=True, kw_only=True):
    """The record of a run, what becomes of it at the gate, and cases that came out differently the second time."""

    assessment: Assessment
    contradictions: list[tuple[str, str]]
    sharded: bool

    @property
    def fails(self) -> bool:
        """Whether the run fails for a reason that none of its tests can fail for."""
        nothing = self.assessment.exit_code == EXIT_NOTHING and not self.sharded
        return bool(nothing or self.assessment.unmatched or self.contradictions)

    def lines(self) -> Iterator[str]:
        """Yield what the terminal says of the run: the counts of every subject, what is unexpected, the verdict."""
        summary = summarise(self.assessment.record)
        for subject, counts in summary.verdicts.items():
            worst = summary.worst_step(subject)
            said = ", ".join(
                f"{counts[verdict]:,} {verdict}" for verdict in reversed(VERDICTS) if counts[verdict]
            )
            share = "" if worst is None else f"; up to {shown(worst.share)} of the bound ({worst.case})"
            yield f"{subject}: {said or 'nothing run'}{share}"
        for case, subject in self.contradictions:
            yield (
                f"{subject} on {case} was examined twice and came out differently: two subjects of one name, or one "
                "that doesn't answer the same every time"
            )
        yield from gate_lines(self.assessment)
        yield summary.sentence


def harvested(plan: Plan, reports: Reports, settings: Settings, seconds: float) -> Harvest:
    """Return the record of a run and what becomes of it; of a case that came out differently it keeps the worst."""
    found: dict[tuple[str, str], Examination] = {}
    contradictions: dict[tuple[str, str], None] = {}
    for planned in plan.tests:
        examination = _examination(planned, reports)
        if examination is not None:
            first = found.setdefault((planned.case, planned.subject), examination)
            if replace(first.case, reproduce="") != replace(examination.case, reproduce=""):
                contradictions[planned.case, planned.subject] = None
            if worse(examination.case.verdict, first.case.verdict):
                found[planned.case, planned.subject] = examination
    record = _record(plan, list(found.values()), settings, seconds, complete=_complete(plan, reports))
    entries = settings.gate.expectations.entries
    assessment = replace(
        Assessment.of(record, settings.gate, pairs=None),
        unmatched=tuple(entries[n] for n in plan.stale),
    )
    return Harvest(
        assessment=assessment, contradictions=list(contradictions), sharded=settings.shard is not None
    )


def _complete(plan: Plan, reports: Reports) -> bool:
    return all(planned.test in reports.finished for planned in plan.tests)


def _examination(planned: Planned, reports: Reports) -> Examination | None:
    """Return what a test found out; one that ended without a word still gets its record, one that never ran none."""
    text = reports.examined.get(planned.test)
    if text is not None:
        return msgspec.json.decode(text, type=Examination)
    if planned.test not in reports.finished:
        return None
    outcome, reason = reports.ended.get(
        planned.test, ("failed", "The test passed without calling conformance_check().")
    )
    verdict = "unsupported" if outcome == "skipped" else "error"
    return Examination(case=unjudged(planned.case, planned.subject, verdict, reason), timing=NO_TIME)


def _record(
    plan: Plan, examinations: list[Examination], settings: Settings, seconds: float, *, complete: bool
) -> Record:
    name = ", ".join(plan.suites)
    name = f"part of {name}" if plan.partial else name
    return assembled(
        suite=name if settings.shard is None else f"{name}, shard {settings.shard}",
        seed=settings.seed,
        descriptions=plan.descriptions,
        examined=[(examination.case, examination.timing) for examination in examinations],
        here=plan.environment or environment(),
        complete=complete,
        seconds=seconds,
    )
