"""`Contract`: one thing that torch.nn.RNN refuses or takes, as an experiment with an expected outcome.

What torch does is matched by the type of an exception and a keyword of its message, or by a short fact that the
experiment establishes itself: whole messages change between versions.
"""

import warnings
from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

Experiment = Callable[[], str]
"""Runs something and returns in a few words what came of it, or raises."""


MOST_WORDS = 110
"""Characters of a message that are shown."""


class Refuses(Struct, frozen=True):
    """An exception of this name, or derived from one of this name, whose message holds a keyword."""

    error: str
    keyword: str

    def __str__(self) -> str:
        return f"refused: {self.error}, “{self.keyword}”"


class Takes(Struct, frozen=True):
    """No exception, and this fact as the outcome."""

    fact: str

    def __str__(self) -> str:
        return f"taken: {self.fact}"


class ByProcessor(Struct, frozen=True, kw_only=True):
    """What surely comes where the processor has `what`, as `has` tells; elsewhere that, or the other outcome."""

    what: str
    has: Callable[[], bool]
    there: Refuses | Takes
    elsewhere: Refuses | Takes

    def __str__(self) -> str:
        return f"{self.there} with {self.what}; without it that, or {self.elsewhere}"


class ByRelease(Struct, frozen=True):
    """What comes from each of these releases of torch on, the oldest first; before that too, what comes first."""

    phases: tuple[tuple[str, Refuses | Takes], ...]

    def __str__(self) -> str:
        return "; ".join(f"from torch {since} on {outcome}" for since, outcome in self.phases)

    def of(self, release: str) -> Refuses | Takes:
        """Return what is to come of a release.

        >>> expected = ByRelease((("2.6", Takes("built")), ("2.9", Refuses("ValueError", "size"))))
        >>> str(expected.of("2.8.1+cpu")), str(expected.of("2.10.0a0+git1234"))
        ('taken: built', 'refused: ValueError, “size”')
        """
        reached = [outcome for since, outcome in self.phases if _numbers(since) <= _numbers(release)]
        return reached[-1] if reached else self.phases[0][1]

    def here(self) -> Refuses | Takes:
        """Return what is to come of the torch that is installed."""
        import torch

        return self.of(str(torch.__version__))


def _numbers(release: str) -> tuple[int, int]:
    """Return the two numbers in which behaviour changes."""
    major, minor = release.split(".")[:2]
    return int(major), int(minor)


Expectation: TypeAlias = Refuses | Takes | ByProcessor | ByRelease


class Contract(Struct, frozen=True, kw_only=True):
    """One thing that torch.nn.RNN refuses or takes, and what refrnn does in the same situation.

    Attributes
    ----------
    id
        A stable name.
    statement
        What is tried, as a sentence.
    torch, expected
        The experiment on torch, and what must come of it.
    refrnn, answer
        The same on refrnn, and what must come of that. Where there is nothing to try, `refrnn` is the reason.
    wrong
        Whether torch takes this silently although what it then computes isn't what was meant.
    """

    id: str
    statement: str
    torch: Experiment
    expected: Expectation
    refrnn: Experiment | str
    answer: Refuses | Takes | None = None
    wrong: bool = False


class ContractRow(Struct, frozen=True, kw_only=True):
    """What came of one contract: `holds` is False where torch or refrnn behaves otherwise than expected.

    `depends_on` names what of the processor has a say in it, "" where nothing has.
    """

    id: str
    statement: str
    expected: str
    observed: str
    holds: bool
    reference: str
    depends_on: str = ""


class Outcome(Struct, frozen=True):
    """What came of an experiment: the names of an exception's classes (none if nothing was raised), and words."""

    errors: tuple[str, ...]
    words: str

    def __str__(self) -> str:
        head = f"refused: {self.errors[0]}: " if self.errors else "taken: "
        line = next(iter(self.words.strip().splitlines()), "")
        return head + (line if len(line) <= MOST_WORDS else line[: MOST_WORDS - 1] + "…")

    def meets(self, expectation: Expectation) -> bool:
        """Return whether this is what was expected."""
        if isinstance(expectation, ByRelease):
            return self.meets(expectation.here())
        if isinstance(expectation, ByProcessor):
            alike = self.meets(expectation.elsewhere) and not expectation.has()
            return self.meets(expectation.there) or alike
        if isinstance(expectation, Takes):
            return not self.errors and self.words == expectation.fact
        return expectation.error in self.errors and expectation.keyword in self.words


def tried(experiment: Experiment) -> Outcome:
    """Run an experiment; whatever it raises is its outcome."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Outcome((), experiment())
        except Exception as error:  # noqa: BLE001 - which error it is gets judged afterwards
            return Outcome(tuple(kind.__name__ for kind in type(error).__mro__), str(error))


def row_of(contract: Contract) -> ContractRow:
    """Put torch and refrnn to a contract."""
    observed = tried(contract.torch)
    holds = observed.meets(contract.expected)
    if isinstance(contract.refrnn, str):
        reference = contract.refrnn
    else:
        answer = tried(contract.refrnn)
        reference, holds = (
            str(answer),
            holds and contract.answer is not None and answer.meets(contract.answer),
        )
    return ContractRow(
        id=contract.id,
        statement=contract.statement,
        expected=str(contract.expected),
        observed=str(observed),
        holds=holds,
        reference=reference,
        depends_on=contract.expected.what if isinstance(contract.expected, ByProcessor) else "",
    )
