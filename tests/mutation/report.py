"""What became of the mutants, counted by file; recorded as JSON and as a page."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from mutation.mutants import Mutant
from mutation.running import Fate

HEAD = """# Mutation testing

Each mutant is the program with one small change in a function; a test must fail on it. Those that no test can tell from
the program are explained in `tests/mutation/survivors/`, and a run fails if any other survives. Counted by
`make mutants OF=conformance/judge`, for a package or a file of one. The row of a package
sums up its files that were run.

| file | mutants | killed | of these by running too long | explained | not killed |
|---|---:|---:|---:|---:|---:|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many mutants of one file met which fate."""

    file: str
    killed: int
    timeout: int
    explained: int
    unexplained: int

    @property
    def mutants(self) -> int:
        """How many there are."""
        return self.killed + self.timeout + self.explained + self.unexplained

    @property
    def row(self) -> str:
        """The tally as a row of a table."""
        counts = (self.mutants, self.killed + self.timeout, self.timeout, self.explained, self.unexplained)
        return " | ".join([f"| {self.file}", *(f"{count:,}" for count in counts)]) + " |"


def tallies(fates: Iterable[tuple[Mutant, Fate]], explained: Collection[str]) -> list[Tally]:
    """Count the fates by file."""
    found: dict[str, Counter[str]] = {}
    for mutant, fate in fates:
        lives = fate in ("survived", "not reached")
        kind = ("explained" if str(mutant) in explained else "unexplained") if lives else fate
        found.setdefault(mutant.path.as_posix(), Counter())[kind] += 1
    return [
        Tally(file=file, **{kind: n[kind] for kind in ("killed", "timeout", "explained", "unexplained")})
        for file, n in found.items()
    ]


def summed(name: str, parts: Iterable[Tally]) -> Tally:
    """Return the sum of tallies."""
    total = Counter[str]()
    for part in parts:
        total.update({kind: n for kind, n in asdict(part).items() if kind != "file"})
    return Tally(file=name, **total)


def record(folder: Path, found: Iterable[Tally]) -> None:
    """Put the tallies of some files into `mutants.json`, next to those of others, and write the page anew."""
    path = folder / "mutants.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known |= {tally.file: asdict(tally) for tally in found}
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    by_package: dict[str, list[Tally]] = {}
    for file, entry in sorted(known.items()):
        by_package.setdefault(Path(file).parent.as_posix(), []).append(Tally(**entry))
    rows: list[str] = []
    for package, parts in by_package.items():
        rows += [summed(f"**{package}**", parts).row, *(part.row for part in parts)]
    (folder / "mutants.md").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
