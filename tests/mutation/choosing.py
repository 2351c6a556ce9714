"""Which tests a mutant must face: those that execute the changed statement, the most promising first."""

import itertools
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import coverage
import pytest

from mutation.mutants import Mutant


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the tests do without any mutant."""

    seconds: list[float]  # of CPU, by test
    failed: list[str]
    tests_by_line: dict[str, dict[int, list[int]]]  # by file

    def facing(self, mutant: Mutant, longest: float) -> set[int]:
        """Return the tests of at most `longest` seconds that execute the changed statement."""
        by_line = self.tests_by_line.get(mutant.path.as_posix(), {})
        found = {test for line in mutant.lines for test in by_line.get(line, ())}
        return {test for test in found if self.seconds[test] <= longest}


@dataclass(frozen=True, slots=True)
class Kills:
    """Which tests killed how many mutants of a function or a file: they are likely to kill the next."""

    counts: dict[str, Counter[int]] = field(default_factory=dict)

    def add(self, mutant: Mutant, test: int) -> None:
        """Note that a test killed a mutant."""
        for place in _places(mutant):
            self.counts.setdefault(place, Counter())[test] += 1

    def promising(
        self, mutant: Mutant, tests: set[int], seconds: Sequence[float], altogether: float
    ) -> list[int]:
        """Return tests in the order in which they are likely to kill a mutant soon, until their time is up."""
        nearby = [self.counts.get(place, Counter[int]()) for place in _places(mutant)]
        order = sorted(tests, key=lambda test: (*(-counts[test] for counts in nearby), seconds[test]))
        spent = itertools.accumulate((seconds[test] for test in order), initial=0.0)
        return [test for test, before in zip(order, spent, strict=False) if before < altogether]


def _places(mutant: Mutant) -> tuple[str, str]:
    return f"{mutant.path} {mutant.function}", str(mutant.path)


def covered(items: Sequence[pytest.Item], paths: Sequence[Path], failures: list[str]) -> Coverage:
    """Run all tests and note what they execute of the files; `failures` is where failing ones are noted."""
    files = {str(path.resolve()): path.as_posix() for path in paths}
    measuring = coverage.Coverage(data_file=None, config_file=False, include=list(files))
    seconds: list[float] = []
    measuring.start()
    for n, item in enumerate(items):
        measuring.switch_context(str(n))
        start = time.process_time()
        following = items[n + 1] if n + 1 < len(items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        seconds.append(time.process_time() - start)
    measuring.stop()
    data = measuring.get_data()
    by_line = {
        name: {line: [int(n) for n in tests if n] for line, tests in data.contexts_by_lineno(file).items()}
        for file, name in files.items()
    }
    return Coverage(seconds=seconds, failed=failures, tests_by_line=by_line)
