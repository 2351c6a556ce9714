"""The lines of a network's source in which its mistakes lie, where its source is at hand."""

import linecache

from conformance.calling.binding import Binding
from conformance.checking.choosing import Candidate
from conformance.checking.diagnosing import assumed
from conformance.checking.judging import tidied
from conformance.checking.running import Failure, Said, attempt
from conformance.diagnose import Diagnosis, Evidence, Suspect, suspects


def suspected(candidate: Candidate, found: Diagnosis) -> list[Suspect]:
    """Return the lines in which the mistakes of `found` lie, each mended in memory and tried."""
    bound, problem = candidate.bound, candidate.answer.truth.problem
    if not isinstance(bound, Binding):
        return []

    def rerun() -> Evidence | None:
        shown = attempt(bound.run, problem, Said())
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
    return suspects(found, files=files, namespace=vars(bound.loaded.code), rerun=rerun)
