"""A keeper imports what a check takes once, answers question after question, and is replaced where it was ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.hand_written.checking.process import OUT_OF_TIME, Keeper
from conformance.hand_written.request import MENDING, Question, failed_record

NETWORKS = """
import os, time
import numpy as np
from conformance import Observation

COUNT = []

class Shows:
    name, description = "shows", ""

    def run(self, problem):
        COUNT.append(1)
        os.write(1, f"{os.getpid()} {os.getppid()} {len(COUNT)} {os.environ['TMPDIR']};".encode())
        return Observation()

class Sleeps(Shows):
    def run(self, problem):
        time.sleep(600)

class Dies(Shows):
    def run(self, problem):
        os.kill(os.getpid(), 9)

class EndsByASignalOfItsOwn(Shows):
    def run(self, problem):
        os.kill(os.getpid(), 40)
"""


@pytest.fixture
def ask(tmp_path):
    """Return what asks one keeper about a network by its name."""
    (tmp_path / "networks.py").write_text(NETWORKS)
    with Keeper() as keeper:

        def ask(name, seconds=60.0):
            target = f"{tmp_path / 'networks.py'}:{name}"
            return keeper.answer(Question(target=target, case="", seconds=seconds, execute=False, mend=None))

        yield ask


def told(record) -> tuple[str, str, str, str]:
    return tuple(record.printed.split(";")[0].split())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each process is a program of its own")
def test_each_question_is_answered_by_a_copy_that_knows_nothing_of_the_others(ask):
    (one, keeper, first, folder), (other, same_keeper, again, other_folder) = (
        told(ask("Shows")),
        told(ask("Shows")),
    )
    assert keeper == same_keeper
    assert one != other
    assert (first, again) == ("1", "1")
    assert folder != other_folder
    assert not Path(folder).exists()
    assert not Path(other_folder).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each process is a program of its own")
def test_a_keeper_outlives_a_crash_and_is_replaced_where_time_was_up(ask):
    before = told(ask("Shows"))[1]
    assert "SIGKILL" in ask("Dies").headline
    assert told(ask("Shows"))[1] == before
    assert ask("Sleeps", seconds=0.5).verdict == "out-of-time"
    assert told(ask("Shows"))[1] != before


@pytest.mark.skipif(os.name != "posix", reason="signals of its own")
def test_a_signal_without_a_name_is_told_by_its_number(ask):
    assert "died of signal 40" in ask("EndsByASignalOfItsOwn").headline


def test_a_keeper_that_somebody_has_ended_is_replaced(tmp_path):
    (tmp_path / "networks.py").write_text(NETWORKS)
    keeper = Keeper()
    question = Question(
        target=f"{tmp_path / 'networks.py'}:Shows", case="", seconds=60.0, execute=False, mend=None
    )
    with keeper:
        keeper.answer(question)
        keeper._process.kill()
        keeper._process.wait()
        assert keeper.answer(question).verdict == "undecided"


PROGRAMS = """
from conformance.hand_written.checking import keeper, starting
keeper.main(starting.started)
"""


def test_where_processes_can_t_be_copied_each_is_a_program(tmp_path):
    """What is done on macOS and Windows works here as well."""
    (tmp_path / "networks.py").write_text(NETWORKS)
    asked = [
        Question(target=f"{tmp_path / 'networks.py'}:{name}", case="", seconds=60.0, execute=False, mend=None)
        for name in ("Shows", "Dies", "Shows")
    ]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAMS], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as keeper:
        said = []
        for question in asked:
            keeper.stdin.write(question.line)
            keeper.stdin.flush()
            said.append(until_ended(keeper.stderr))
        keeper.stdin.close()
        assert keeper.wait(60) == 0
    kinds = [[line.split(b" ")[0] for line in lines if line.strip()] for lines in said]
    assert [b"record" in found for found in kinds] == [True, False, True]
    assert [lines[-1] for lines in said] == [b'ended "0"\n', b'ended "-9"\n', b'ended "0"\n']


def until_ended(stream) -> list[bytes]:
    """Return the lines up to the one that tells how a process ended."""
    lines = []
    while not lines or not lines[-1].startswith(b"ended "):
        lines.append(stream.readline())
        assert lines[-1], lines
    return lines


@pytest.fixture
def mends_for_ever(monkeypatch):
    """Have a keeper's processes end in the midst of a search for a patch; return what they were asked."""
    asked = []

    def answers(_, messages, *__):
        if asked[-1].mend is False:
            messages.record = failed_record(asked[-1].request, "It differs.")
        messages.steps = ["judging it on its own case", MENDING]
        messages.status = OUT_OF_TIME
        return True

    monkeypatch.setattr(Keeper, "_ask", lambda _, question: asked.append(question))
    monkeypatch.setattr(Keeper, "_take", answers)
    return asked


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no signal says that time was up")
def test_where_the_search_for_a_patch_takes_all_the_time_the_rest_is_told(tmp_path, mends_for_ever):
    (tmp_path / "networks.py").write_text(NETWORKS)
    target = f"{tmp_path / 'networks.py'}:Shows"
    question = Question(target=target, case="", seconds=3.0, execute=False, mend=None)
    record = Keeper().answer(question)
    assert [each.mend for each in mends_for_ever] == [None, False]
    assert record.headline == "It differs."
    assert record.notes[-1].startswith("No patch: No answer within 3 seconds of computing, while mending it")
    assert record.reproduce == f"conformance check {target}"
