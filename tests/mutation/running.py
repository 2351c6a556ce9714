"""Mutants run in forked children, a few at a time, each against the tests that it must face."""

import json
import math
import mmap
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, NoReturn

import pytest

from mutation.choosing import Coverage, Kills, covered
from mutation.mutants import Mutant
from mutation.planting import Functions, functions_in, plant
from mutation.survivors import Plan

Fate = Literal["killed", "survived", "timeout", "not reached"]

PATIENCE = 10
"""How many times as long as without the mutant a test may compute."""

AT_LEAST = 2
"""Seconds of CPU that every test may take on top of that."""

MEMORY = 3 * 2**30
"""Bytes that a mutant may ask for on top of what its parent holds."""

NOT_PLANTED = 77
"""Exit status of a child in which the mutant couldn't be planted."""


@dataclass(slots=True, eq=False)
class MutationRun:
    """A pytest plugin that collects tests as usual, and runs mutants against them instead of the program."""

    mutants: Sequence[Mutant]
    plan: Plan
    jobs: int
    progress: Callable[[Mutant, Fate], None]
    fates: list[Fate] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    in_mutant: bool = False
    kills: Kills = field(default_factory=Kills)
    _current: memoryview = field(init=False)  # the test that each mutant faces, shared with the children

    def __post_init__(self) -> None:
        shared = mmap.mmap(-1, max(1, len(self.mutants)) * struct.calcsize("i"))
        self._current = memoryview(shared).cast("i")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Let Hypothesis stop at the first failure, and no slow data of a busy machine be one."""
        import hypothesis  # pytest warns where it is imported before its own start

        hypothesis.settings.register_profile(
            "mutation",
            hypothesis.settings.get_profile("quick"),
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.load_profile("mutation")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failing test; in a mutant's child it is the end."""
        if report.failed and self.in_mutant:
            os._exit(1)
        elif report.failed:
            self.failures.append(f"{report.nodeid}: {report.longreprtext}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every mutant."""
        paths = sorted({mutant.path for mutant in self.mutants})
        known = self._measured(session.items, paths)
        if known.failed:
            raise pytest.UsageError("Tests fail without any mutant:\n" + "\n".join(known.failed))
        functions = functions_in(paths)
        self.fates = ["not reached"] * len(self.mutants)
        running: dict[int, int] = {}
        for n, mutant in enumerate(self.mutants):
            if facing := known.facing(mutant, self.plan.longest):
                if len(running) == self.jobs:
                    self._reap(running)
                order = self.kills.promising(mutant, facing, known.seconds, self.plan.altogether)
                tests = [(t, session.items[t], AT_LEAST + PATIENCE * known.seconds[t]) for t in order]
                running[_forked(lambda n=n, tests=tests: self._face(n, functions, tests))] = n
            else:
                self.progress(mutant, "not reached")
        while running:
            self._reap(running)
        return True

    def _measured(self, items: Sequence[pytest.Item], paths: Sequence[Path]) -> Coverage:
        """Run the tests without any mutant in a child of their own, so that nothing of it stays."""
        reading, writing = os.pipe()

        def measure() -> None:
            found = covered(items, paths, self.failures)
            with os.fdopen(writing, "w") as stream:
                json.dump(asdict(found), stream)

        child = _forked(measure)
        os.close(writing)
        with os.fdopen(reading) as stream:
            text = stream.read()
        _, status = os.waitpid(child, 0)
        if status:
            message = f"The tests must run without any mutant; they ended with status {status}."
            raise pytest.UsageError(message)
        found = json.loads(text)
        by_line = found.pop("tests_by_line")
        return Coverage(
            **found,
            tests_by_line={
                file: {int(n): tests for n, tests in lines.items()} for file, lines in by_line.items()
            },
        )

    def _face(self, n: int, functions: Functions, tests: list[tuple[int, pytest.Item, float]]) -> None:
        """Let a mutant face its tests, each with its number and the seconds that it may take, in a child."""
        try:
            plant(self.mutants[n], functions)
        except Exception as error:  # noqa: BLE001 - told by the parent
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(NOT_PLANTED)
        self.in_mutant = True
        _limit_memory()
        following = [item for _, item, _ in tests[1:]] + [None]
        for (self._current[n], item, seconds), after in zip(tests, following, strict=True):
            _limit_time(seconds)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)

    def _reap(self, running: dict[int, int]) -> None:
        """Wait for a mutant to end."""
        child, status, usage = os.wait4(-1, 0)
        n = running.pop(child)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == NOT_PLANTED:
            message = f"This mutant couldn't be planted:\n{self.mutants[n]}"
            raise pytest.UsageError(message)
        self.seconds.append(usage.ru_utime + usage.ru_stime)
        self.fates[n] = _fate(status)
        if self.fates[n] != "survived":
            self.kills.add(self.mutants[n], self._current[n])
        self.progress(self.mutants[n], self.fates[n])


def _fate(status: int) -> Fate:
    if os.WIFSIGNALED(status):
        out_of_time = os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM)
        return "timeout" if out_of_time else "killed"
    return "survived" if os.WEXITSTATUS(status) == 0 else "killed"


def _limit_time(seconds: float) -> None:
    """Let this process end after so many more seconds of computing, or ten times as many of waiting."""
    spent = math.ceil(time.process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (spent, resource.RLIM_INFINITY))
    signal.alarm(math.ceil(10 * seconds))


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def _forked(work: Callable[[], None]) -> int:
    """Start a child that does `work` and ends; return its process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        _end_after(work)
    return child


def _end_after(work: Callable[[], None]) -> NoReturn:
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - nothing may return into the parent's code
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)
    os._exit(0)
