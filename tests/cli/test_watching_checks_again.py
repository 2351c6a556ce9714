"""`--watch`: a check at once, another when the file has changed, and none while nothing does."""

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from support.commands import PATIENCE, PROGRAM
from support.without import ROOT

from conformance.cli import watching
from conformance.cli.watching import changes, state


def test_a_file_that_changes_appears_or_goes_is_news_and_nothing_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, looks = tmp_path / "a.py", []
    events = iter(
        [None, lambda: path.write_text("1"), None, lambda: path.write_text("22"), None, path.unlink, None]
    )

    def sleep(_: float) -> None:
        looks.append(state([path]))
        if (event := next(events)) is not None:
            event()

    monkeypatch.setattr(watching, "sleep", sleep)
    news = changes(lambda: [path])
    next(news)
    seen = []
    for _ in range(3):
        next(news)
        seen.append(len(looks))
    assert seen == [3, 5, 7]


def test_an_editor_that_writes_in_several_goes_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.py"
    path.write_text("")
    events = iter([*(lambda n=n: path.write_text("x" * n) for n in (1, 2, 3)), lambda: None])
    monkeypatch.setattr(watching, "sleep", lambda _: next(events)())
    news = changes(lambda: [path])
    next(news)
    next(news)
    assert path.read_text() == "xxx"
    assert next(events, None) is None


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    path = tmp_path / "empty.py"
    path.write_text("x = 1\n")
    started = subprocess.Popen(
        [*PROGRAM, "check", "empty.py", "--watch", "-q"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )
    yield path, started
    started.kill()
    started.communicate()


@pytest.mark.skipif(os.name != "posix", reason="pipes that can be waited for")
def test_the_program_checks_again_and_ends_on_ctrl_c(watched: tuple[Path, subprocess.Popen[str]]) -> None:
    path, program = watched
    assert program.stdout is not None
    assert "NOT CALLED" in program.stdout.readline()
    path.write_text("y = 1\n")
    deadline = monotonic() + PATIENCE
    ready, _, _ = select.select([program.stdout], [], [], max(0.0, deadline - monotonic()))
    assert ready
    assert "NOT CALLED" in program.stdout.readline()
    program.send_signal(signal.SIGINT)
    assert program.wait(PATIENCE) == 130
