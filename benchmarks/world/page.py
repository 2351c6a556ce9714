"""The pages on the world's RNNs, as sections of sentences and tables."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import sections
from examined import BESIDE, Disagreement, Examined
from findings import FINDINGS
from sections import Section

from conformance.report.words import environment_rows


def written(
    folder: Path, found: Sequence[Examined], absent: Sequence[str], confirmed: Mapping[str, str]
) -> list[Path]:
    """Write both pages and return their paths."""
    return sections.written(folder, "world", list(_sections(found, absent, confirmed)))


def _sections(
    found: Sequence[Examined], absent: Sequence[str], confirmed: Mapping[str, str]
) -> Iterator[Section]:
    verdicts = list(found[0].verdicts)
    yield Section(
        title="The world's RNNs",
        text=f"Other frameworks on the smoke suite and {len(BESIDE)} cases beside it ({', '.join(BESIDE)}). Made by "
        "`make world`. " + (f"Not installed: {', '.join(absent)}." if absent else ""),
        heads=("subject", "versions", *verdicts),
        rows=[(_label(one), one.versions, *map(str, one.verdicts.values())) for one in found],
    )
    yield Section(
        title="Findings",
        text="Every script runs without this project, and says by itself whether the mistake is there; beside it lies "
        "a bug report, ready to be sent.",
        heads=("finding", "its script says", "cases that show it", "script and report"),
        rows=[
            (
                finding.title,
                confirmed[finding.id],
                ", ".join(_counts(found, finding.id)) or "found by hand",
                f"docs/findings/{finding.id}.py, .md",
            )
            for finding in FINDINGS
        ],
    )
    yield Section(
        title="Disagreements",
        text="Of every subject and finding the smallest case, and its first divergent step.",
        heads=("subject", "finding", "cases", "smallest case", "what it shows there"),
        rows=[_row(one, disagreement) for one in found for disagreement in one.disagreements],
    )
    unexplained = [
        (one.entrant.label, record.case, _shown(record))
        for one in found
        for disagreement in one.disagreements
        if disagreement.finding is None
        for record in disagreement.cases
    ]
    yield Section(
        title="Not explained",
        text="" if unexplained else "Every disagreement is explained by a finding.",
        heads=("subject", "case", "what it shows") if unexplained else (),
        rows=unexplained,
    )
    for title, part in (("What each can't do", "refused"), ("What is said of other cases", "noted")):
        rows = [
            (one.entrant.label, str(count), reason)
            for one in found
            for reason, count in getattr(one, part).items()
        ]
        yield Section(title=title, heads=("subject", "cases", "reason"), rows=rows)
    yield Section(
        title="Environment", heads=("what", "which"), rows=list(environment_rows(found[0].environment))
    )


def _label(one: Examined) -> str:
    return one.entrant.label if one.complete else f"{one.entrant.label} (interrupted, so not all cases)"


def _counts(found: Sequence[Examined], finding: str) -> Iterator[str]:
    for one in found:
        for disagreement in one.disagreements:
            if disagreement.finding is not None and disagreement.finding.id == finding:
                yield f"{len(disagreement.cases)} of {one.entrant.label}"


def _row(one: Examined, disagreement: Disagreement) -> tuple[str, ...]:
    known, smallest = disagreement.finding, disagreement.smallest
    title = "not explained" if known is None else known.title
    return one.entrant.label, title, str(len(disagreement.cases)), smallest.case, _shown(smallest)


def _shown(record: object) -> str:
    first = record.first_divergence
    if first is None:
        return record.reason
    return (
        f"{first.quantity}, {first.where}: {first.got} instead of {first.expected}, {first.share} × its bound"
    )
