"""How well `conformance check` knows the gallery of hand-written networks: a confusion table.

    python benchmarks/gallery.py
    python benchmarks/gallery.py --only sum_learner char_rnn --jobs 2

Every subject of tests/gallery is checked as the command line does it, in a process of its own, and what is said is
held against its known truth. Exits with 1 if a right network is accused, or a mistake is named that isn't there.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from gallery.definitions import SUBJECTS
from gallery.grading import Grade, grade
from gallery.truth import Truth, truths

import conformance
from conformance.record.check import CheckRecord

MARKS = {True: "yes", False: "NO ", None: " · "}
"""Right, wrong, and not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One subject, what was said about it, and the seconds of computing that took."""

    truth: Truth
    record: CheckRecord
    grade: Grade
    seconds: float


def main() -> int:
    """Check the gallery and print the table."""
    parser = argparse.ArgumentParser(description="Check the gallery of hand-written networks.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these subjects")
    parser.add_argument(
        "--jobs", type=int, default=1, help="checks at a time; more than there are cores slow each other down"
    )
    parser.add_argument("--json", type=Path, help="write what was said to this file")
    options = parser.parse_args()
    known = truths()
    chosen = [known[name] for name in options.only or known]
    rows = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for row in pool.map(checked, chosen):
            print(told(row), flush=True)
            rows.append(row)
    print("\n".join(["", *summary(rows)]))
    if options.json is not None:
        options.json.write_text(json.dumps(recorded(rows), indent=1) + "\n", encoding="utf-8")
    return int(any(row.grade.accused or row.grade.false_names for row in rows))


def checked(truth: Truth) -> Row:
    """Check one subject; what the processes of the check compute counts, not what this one does."""
    before = computed_by_children()
    record = conformance.check(str(SUBJECTS / truth.target)).record
    seconds = computed_by_children() - before
    return Row(truth=truth, record=record, grade=grade(truth, record), seconds=seconds)


def computed_by_children() -> float:
    """Return the seconds of computing of all processes that this one has started and that have ended."""
    times = psutil.Process().cpu_times()
    return times.children_user + times.children_system


def told(row: Row) -> str:
    """Return a subject's line: found, verdict, named, contracts, and what was said instead where it is wrong."""
    g = row.grade
    marks = " ".join(MARKS[right] for right in (g.found, g.verdict, g.exact, g.contracts))
    line = f"{row.truth.name:<22} {marks}  {row.seconds:5.1f} s  {row.truth.verdict}"
    if not g.verdict:
        line += f", not {g.said}"
    if g.exact is False or g.false_names:
        named = [fault.id for fault in row.record.diagnosis.faults] if row.record.diagnosis else []
        expected = [fault.id or "(not in the catalogue)" for fault in row.truth.faults]
        line += f"; {' + '.join(expected)}, not {' + '.join(named) or 'nothing'}"
    return line + ("  ACCUSED" if g.accused else "") + ("  FALSE NAME" if g.false_names else "")


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the totals, and the table of verdicts."""
    for title, marks in (
        ("interface found", [row.grade.found for row in rows]),
        ("verdict right, of all", [row.grade.verdict for row in rows]),
        ("verdict right, of those found", [row.grade.verdict for row in rows if row.grade.found]),
        ("faults named exactly", [row.grade.exact for row in rows if row.grade.exact is not None]),
        ("contracts told exactly", [row.grade.contracts for row in rows if row.grade.contracts is not None]),
    ):
        yield f"{title:<30} {share(marks)}"
    yield f"{'right networks accused':<30} {sum(row.grade.accused for row in rows)}"
    yield f"{'mistakes named falsely':<30} {sum(bool(row.grade.false_names) for row in rows)}"
    for whose, these in (
        ("all", rows),
        ("right networks", [row for row in rows if row.truth.verdict.startswith("conforms")]),
    ):
        times = sorted(row.seconds for row in these)
        title = f"seconds of computing, {whose}"
        if times:
            yield f"{title:<38} {times[len(times) // 2]:.1f} in the median, {times[-1]:.1f} at most"
    yield ""
    yield from confusion(rows)


def share(marks: Sequence[bool | None]) -> str:
    """Return a count out of all, in per cent rounded down."""
    return f"{sum(map(bool, marks))} of {len(marks)} ({100 * sum(map(bool, marks)) // max(1, len(marks))} %)"


def confusion(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the table of what is true against what was said."""
    counts = Counter((row.truth.verdict, row.grade.said) for row in rows)
    yield f"{'truth':<28} said"
    for (true, said), count in sorted(counts.items()):
        yield f"{true:<28} {said:<28} {count:3}"


def recorded(rows: Sequence[Row]) -> dict[str, object]:
    """Return the grades by name, with the faults that were named."""
    return {
        row.truth.name: asdict(row.grade)
        | {"named": [fault.id for fault in row.record.diagnosis.faults] if row.record.diagnosis else []}
        for row in rows
    }


if __name__ == "__main__":
    sys.exit(main())
