"""Which tests a mutant must face: those that execute the changed statement, the quickest first."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
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

    def facing(self, mutant: Mutant) -> list[int]:
        """Return the tests that execute the changed statement, the quickest first."""
        by_line = self.tests_by_line.get(mutant.path.as_posix(), {})
        found = {test for line in mutant.lines for test in by_line.get(line, ())}
        return sorted(found, key=self.seconds.__getitem__)


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
