"""What became of a run at the gate, in words: what is new or unexpected, stale entries, and the count of the rest."""

from collections.abc import Iterator

from conformance.report.words import one_line, tell
from conformance.runs.gate import Assessment, Entry, Ruling


def describe(ruling: Ruling) -> str:
    """Return a case in words, and why it fails where that isn't its verdict alone.

    A reason that is the verdict's own is told by `tell` already.
    """
    text = tell(ruling.case)
    return text if ruling.reason in ("", ruling.case.reason) else f"{text}\n  {ruling.reason}"


def stale(entry: Entry) -> str:
    """Return what is wrong with an entry that matches nothing."""
    return (
        f"{entry.place}: {entry.pattern!r} matches no case of this run ({entry.reason}); remove the entry "
        "or mend its pattern"
    )


def gate_lines(assessment: Assessment) -> Iterator[str]:
    """Yield what a reader needs beside the verdicts; nothing where neither expectations nor a baseline had a say."""
    counts = assessment.counts
    surprising = [ruling for ruling in assessment.failing if ruling.reason]
    for ruling in surprising:
        yield one_line(f"{ruling.case.subject} on {ruling.case.case}: {ruling.reason}")
    for entry in assessment.unmatched:
        yield one_line(stale(entry))
    if surprising or assessment.unmatched or counts["expected"] or counts["known"]:
        yield (
            f"At the gate: {counts['fails']:,} fail, {counts['expected']:,} fail as expected, {counts['known']:,} as "
            f"in the baseline; entries that match nothing: {len(assessment.unmatched):,}."
        )
