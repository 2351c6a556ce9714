"""Settings that every test shares."""

import os
import signal
import sys
import types
from collections.abc import Callable
from dataclasses import replace

import hypothesis
import pytest
import torch
from support.commands import Answer, Command

from conformance import Subject, subjects
from conformance.cli import main

# A shell that starts this in the background has it ignore what programs that tests start are to listen to.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

torch.set_num_threads(1)  # the number of threads changes rounding, and workers share the cores

hypothesis.settings.register_profile("quick", max_examples=30, deadline=None, database=None, derandomize=True)
hypothesis.settings.register_profile("explore", max_examples=2000, deadline=None, database=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

collect_ignore = [
    "gallery/subjects",  # written as people write them: some run for ever
    "mutation",  # a program of its own, which `make mutants` runs
]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs the command line in this process."""

    def run(*arguments: str) -> Answer:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        captured = capsys.readouterr()
        code = caught.value.code or 0  # None means 0
        assert isinstance(code, int)
        return Answer(code, captured.out, captured.err)

    return run


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[[Subject], None]:
    """Return a function that makes a subject known as "planted"."""

    def make_known(subject: Subject) -> None:
        module = types.ModuleType("planted_subject")
        module.SUBJECT = replace(subject, name="planted")  # type: ignore[type-var]
        monkeypatch.setitem(sys.modules, "planted_subject", module)
        monkeypatch.setitem(subjects.MODULES, "planted", "planted_subject")

    return make_known
