"""Checks from Python: of a target by name in a process of its own, or of a live object in this one."""

import inspect
import sys
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.cases import Case, parse_id
from conformance.errors import UsageError
from conformance.hand_written.calling import Binding
from conformance.hand_written.checking.process import TIME_LIMIT, checked_apart
from conformance.hand_written.checking.target import checked_object
from conformance.hand_written.mending.patch import patched, unified
from conformance.hand_written.report.html import check_fragment
from conformance.hand_written.report.text import check_text
from conformance.hand_written.request import Request
from conformance.record.check import CheckRecord, CheckVerdict, DiagnosisRecord


class Check(Struct, frozen=True):
    """What a check found; it prints as the terminal's text, and shows as HTML in notebooks.

    Attributes
    ----------
    record
        Everything that was found, as `--format json` gives it.
    """

    record: CheckRecord

    @property
    def verdict(self) -> CheckVerdict:
        """The verdict in a word, such as "conforms" or "differs"."""
        return self.record.verdict

    @property
    def conforms(self) -> bool:
        """Whether all that was shown agrees with torch.nn.RNN, at most up to one constant on all gradients."""
        return self.record.conforms

    @property
    def diagnosis(self) -> DiagnosisRecord | None:
        """The mistakes that were found, None where nothing was wrong or nothing could be said."""
        return self.record.diagnosis

    @property
    def diff(self) -> str:
        """The patch with which every gradient is right, as a unified diff; empty where none was found."""
        return unified(self.record)

    @property
    def fixed_source(self) -> str:
        """The whole source with that patch made, of several files one after the other; empty where none was found.

        Raises
        ------
        UsageError
            If the source isn't what was checked any more, or is in no file, as the cells of a running notebook.
        """
        return "".join(content.decode() for content in patched(self.record).values())

    def __str__(self) -> str:
        return check_text(self.record)

    def __repr__(self) -> str:
        return f"<Check {self.record.target}: {self.record.verdict}>"

    def _repr_html_(self) -> str:
        return check_fragment(self.record)


def check(
    network: object,
    *,
    case: str | Case = "",
    time_limit: float = TIME_LIMIT,
    execute: bool = False,
    mend: bool | None = None,
) -> Check:
    """Check a hand-written network against torch.nn.RNN.

    Parameters
    ----------
    network
        A class, an object, a function or a module of hand-written code, several functions in a tuple, an adapter with
        `run(problem)`, what `conformance.handwritten` returned; or the name of one as the command line takes it,
        "my_rnn.py:MyRNN".
    case
        The case, or its id, to check it on; by default the one that it admits.
    time_limit
        Seconds of computing after which a check by name, which runs in a process of its own, is ended. A live object
        runs in this process and takes as long as it takes.
    execute
        Whether all of the script of a network by name is run first, as it stands; else only its definitions are.
    mend
        Whether a patch of a wrong backward pass is looked for as long as it takes, up to half a minute, or not at all;
        by default it is where that takes about a second.

    Returns
    -------
    Check
        The verdict and everything found; whatever the code does, this returns.

    Raises
    ------
    UsageError
        If it is no network but a number, an array or a container.

    Examples
    --------
    How the code wants to be called is found out by trying:

    >>> class Cell:
    ...     def __init__(self, n_in, n_hidden):
    ...         self.Wx, self.Wh = np.zeros((n_hidden, n_in)), np.zeros((n_hidden, n_hidden))
    ...         self.b = np.zeros(n_hidden)
    ...
    ...     def forward(self, xs):
    ...         h, hs = np.zeros(len(self.b)), []
    ...         for x in xs:
    ...             h = np.tanh(self.Wx @ x + self.Wh @ h + self.b)
    ...             hs.append(h)
    ...         return hs
    >>> found = check(Cell)
    >>> found.verdict, found.conforms
    ('forward-conforms', True)
    >>> print(found.record.interface.lines[-2])
    states: h in result
    """
    _refuse_what_is_no_network(network)
    wanted = case.id if isinstance(case, Case) else case
    if wanted:
        parse_id(wanted)
    if isinstance(network, str):
        return Check(checked_apart(network, wanted, seconds=time_limit, execute=execute, mend=mend))
    return Check(checked_object(network, wanted, replace(request_for(network), mend=mend)))


def _refuse_what_is_no_network(network: object) -> None:
    functions = isinstance(network, tuple) and bool(network) and all(map(callable, network))
    plain = (int, float, complex, bytes, list, tuple, dict, set, np.ndarray, type(None))
    if isinstance(network, plain) and not functions:
        message = (
            "conformance.check takes a class, an object, a function, a tuple of functions, or a name such as "
            f"'my_rnn.py:MyRNN'; got {type(network).__name__}."
        )
        raise UsageError(message)


def assert_conforms(
    network: object, *, case: str | Case = "", time_limit: float = TIME_LIMIT, execute: bool = False
) -> None:
    """Raise AssertionError unless a hand-written network conforms; takes what `check` takes.

    Raises
    ------
    AssertionError
        If it doesn't, or if that can't be said; the message tells what is wrong, where, and how to mend it, and ends
        with the patch as a unified diff where one was found.

    Examples
    --------
    In a test, where its message is the report:

    >>> def test_my_rnn():
    ...     assert_conforms("my_rnn.py:MyRNN")
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    found = check(network, case=case, time_limit=time_limit, execute=execute)
    if not found.conforms:
        raise AssertionError("\n".join(filter(None, (str(found).rstrip("\n"), _diff_of(found)))))


def _diff_of(found: Check) -> str:
    """Return the patch of a network, empty where there is none or its source is no file."""
    try:
        return found.diff
    except UsageError:
        return ""


def request_for(network: object) -> Request:
    """Return how a reader asks for a live object again: on the command line where a file defines it by name."""
    if isinstance(network, tuple):
        names = ", ".join(getattr(part, "__name__", type(part).__name__) for part in network)
        return Request(target=names, reproduce=f"conformance.check(({names}))")
    if isinstance(network, Binding):
        stated = f"conformance.check(conformance.handwritten({network.name!r}, ...))"
        return Request(target=network.name, reproduce=stated)
    kind = network if isinstance(network, type) or inspect.isroutine(network) else type(network)
    name = getattr(kind, "__qualname__", type(network).__name__)
    python = Request(target=name, reproduce=f"conformance.check({name})")
    if "<locals>" in name or isinstance(network, type(sys)):
        return python
    try:
        path = Path(inspect.getfile(kind))
    except (TypeError, OSError):
        return python
    if not path.is_file():
        return python
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return Request.on_the_command_line(f"{shown}:{name}")
