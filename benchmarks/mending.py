"""How many wrong backward passes are mended: those of the gallery, and mistakes planted in LSTMs, GRUs and other cells.

    python benchmarks/mending.py
    python benchmarks/mending.py --only planted --jobs 2 --json mending.json

Each is checked as the command line does it, in a process of its own. A patch counts if the patched copy is checked
again and has right gradients; it is exact if it changes no other lines than those with mistakes. Exits with 1 if a
patch doesn't hold.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from gallery.definitions import SUBJECTS, source_of
from gallery.truth import truths
from planted import PLANTED

import conformance
from conformance.hand_written.mending.patch import patched
from conformance.hand_written.target import Target
from conformance.record.check import CheckRecord

WRONG = ("differs", "not Elman: inconsistent")
"""Verdicts of subjects whose backward pass is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A wrong source, the names to check in it, and the lines that its mistakes are in."""

    name: str
    kind: str
    file: str
    text: str
    names: str
    lines: tuple[int, ...]
    mistakes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one subject; seconds are of computing, the whole check with its mend."""

    name: str
    kind: str
    mistakes: int
    verdict: str
    mended: bool
    exact: bool
    holds: bool
    located: str
    seconds: float


def main() -> int:
    """Mend everything and print the figures."""
    parser = argparse.ArgumentParser(description="Mend wrong backward passes.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these subjects, or 'gallery' or 'planted'")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    options = parser.parse_args()
    wanted = options.only or ("gallery", "planted")
    chosen = [each for each in subjects() if each.kind in wanted or each.name in wanted]
    rows = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for row in pool.map(checked, chosen):
            print(told(row), flush=True)
            rows.append(row)
    print("\n".join(["", *summary(rows)]))
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    return int(any(row.mended and not row.holds for row in rows))


def subjects() -> Iterator[Subject]:
    """Yield every wrong backward pass of the gallery, then what is planted."""
    for name, truth in truths().items():
        if truth.verdict in WRONG:
            asked = Target.parse(truth.target)
            text, changes = source_of(truth.file), [c for fault in truth.faults for c in fault.changes()]
            lines = [n for change in changes for n in lines_of(text, change["line"])]
            yield Subject(
                name=name,
                kind="gallery",
                file=str(SUBJECTS / truth.file),
                text=(SUBJECTS / truth.file).read_text(encoding="utf-8"),
                names=",".join(asked.names),
                lines=tuple(lines),
                mistakes=len(truth.faults),
            )
    for name, planted in PLANTED.items():
        yield Subject(
            name=name,
            kind="planted",
            file=f"{planted.cell}.py",
            text=planted.wrong,
            names=planted.names,
            lines=tuple(sorted(planted.lines)),
            mistakes=len(planted.mistakes),
        )


def lines_of(text: str, stretch: str) -> range:
    """Return the numbers of the lines that a stretch of a text lies in."""
    first = text[: text.index(stretch)].count("\n") + 1
    return range(first, first + stretch.rstrip("\n").count("\n") + 1)


def checked(subject: Subject) -> Row:
    """Check one subject, and its copy with the patch made."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(subject.file).name
        if subject.kind == "gallery":
            for beside in Path(subject.file).parent.glob("*.py"):
                (path.parent / beside.name).write_bytes(beside.read_bytes())
        path.write_text(subject.text, encoding="utf-8")
        target = f"{path}:{subject.names}" if subject.names else str(path)
        before = computed_by_children()
        record = conformance.check(target, mend=True).record
        seconds = computed_by_children() - before
        touched = {n for fix in record.fixes for n in range(fix.first, fix.first + max(1, len(fix.before)))}
        holds = False
        if record.fixes:
            for file, content in patched(record).items():
                file.write_bytes(content)
            again = conformance.check(target, mend=True).record
            holds = is_right_as_it_is(again)
    return Row(
        name=subject.name,
        kind=subject.kind,
        mistakes=subject.mistakes,
        verdict=record.verdict,
        mended=bool(record.fixes),
        exact=bool(record.fixes) and touched <= set(subject.lines),
        holds=holds,
        located=record.located,
        seconds=seconds,
    )


def is_right_as_it_is(record: CheckRecord) -> bool:
    """Tell whether nothing is wrong with a network whose options are left at their defaults."""
    if record.exit_code == 0:
        return not record.fixes
    return any(note.endswith("its default, nothing was found wrong.") for note in record.notes)


def computed_by_children() -> float:
    """Return the seconds of computing of all processes that this one has started and that have ended."""
    times = psutil.Process().cpu_times()
    return times.children_user + times.children_system


def told(row: Row) -> str:
    """Return a subject's line."""
    if row.mended:
        what = "mended" if row.holds else f"PATCHED, NOT RIGHT ({row.verdict})"
        what += "" if row.exact else ", on other lines"
    else:
        what = "located" if row.located else f"nothing ({row.verdict})"
    return f"{row.name:<40} {row.mistakes} mistakes  {row.seconds:5.1f} s  {what}"


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the totals, by kind."""
    for kind in dict.fromkeys(row.kind for row in rows):
        these = [row for row in rows if row.kind == kind]
        times = sorted(row.seconds for row in these)
        mended = [row for row in these if row.mended and row.holds]
        yield (
            f"{kind}: {len(mended)} of {len(these)} mended ({100 * len(mended) // len(these)} %), "
            f"{sum(row.exact for row in mended)} on the lines of the mistakes alone; "
            f"{sum(bool(row.located) for row in these)} located only; "
            f"patches that don't hold: {sum(row.mended and not row.holds for row in these)}; "
            f"{times[len(times) // 2]:.1f} s in the median, {times[-1]:.1f} s at most, the check included"
        )


if __name__ == "__main__":
    sys.exit(main())
