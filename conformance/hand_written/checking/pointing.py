"""The lines of a network's source in which its mistakes lie, where its source is at hand."""

import linecache
from dataclasses import replace

from conformance.cases import Case, Problem
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.running.limits import sandbox
from conformance.hand_written.checking.choosing import Candidate
from conformance.hand_written.checking.diagnosing import assumed
from conformance.hand_written.checking.judging import tidied
from conformance.hand_written.checking.running import CaughtWarnings, Failure, attempt
from conformance.hand_written.diagnosis import Diagnosis, Evidence, Suspect, Trial, suspects
from conformance.hand_written.mending.agreement import agreed
from conformance.hand_written.mending.functions import Live
from conformance.hand_written.mending.mend import Mend
from conformance.hand_written.remembering import drawn


def suspected(candidate: Candidate, found: Diagnosis, mend: Mend | None) -> list[Suspect]:
    """Return the lines in which the mistakes of `found` lie, each mended in memory and tried.

    They are those of a patch of the network where that undoes the mistakes that were found.
    """
    bound, problem = candidate.bound, candidate.answer.truth.problem
    if not isinstance(bound, Binding):
        return []

    def rerun(problem: Problem) -> Evidence | None:
        shown = attempt(bound.run, problem, CaughtWarnings())
        if isinstance(shown, Failure):
            return None
        return Evidence(
            problem=problem,
            observation=tidied(problem, shown).observation,
            rate=bound.rate,
            crossed=bound.traits.crossed,
            assumed=assumed(bound),
        )

    files = {file: "".join(linecache.getlines(file)) for file in sorted(bound.loaded.files)}
    others = [bound.admit(drawn(case)) for case in other_cases(candidate.case, h_0=bound.takes_h_0)]
    trial = Trial(rerun=rerun, problem=problem, others=others)
    known: list[Suspect] = []
    with sandbox():  # once for many reruns
        if mend is not None and (fixes := mend.fixes or mend.led_on):
            live = Live.of(mend.files, vars(bound.loaded.code))
            known = list(agreed(found, fixes, mend.files, live, trial))
            if mend.fixes:
                return known
        return known + suspects(
            found,
            files=files,
            namespace=vars(bound.loaded.code),
            trial=trial,
            besides=[suspect.fault for suspect in known],
        )


def other_cases(case: Case, *, h_0: bool) -> list[Case]:
    """Return the cases in which a mend must hold too: another length and other data, and h_0 ≠ 0 where it is taken."""
    longer = replace(case, steps=case.steps + 2, seed=case.seed + 1)
    return [longer, *([replace(longer, h_0=True)] if h_0 else [])]
