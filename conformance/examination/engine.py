"""The engine: one pure function from a case and a subject to a case record. Every front end maps it.

Case -> Problem -> observations of the subject and the reference -> findings -> CaseRecord
"""

import hashlib
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from time import perf_counter

import numpy as np
from msgspec import Struct, field

from conformance.cases import Case, Problem, materialise
from conformance.errors import Unsupported
from conformance.examination.premises import Premises, Trial, differs
from conformance.examination.recording import judged, unjudged, verdict_of
from conformance.judge import (
    Allowance,
    Finding,
    allowances,
    distances,
    greatest_noise,
    malformed,
    not_judged,
    not_shown,
    third_opinion,
    units_of_tanh,
)
from conformance.judge.relations import relation_check
from conformance.record import CaseRecord, Timing, Verdict
from conformance.subjects import library_of
from conformance.subjects.observation import Observation, Subject, copied
from conformance.subjects.reference import observe

PACKAGE = Path(__file__).parents[1]
MOST_FRAMES = 6
"""Lines of a traceback that are told, the innermost ones."""


def examine(case: Case, subject: Subject) -> CaseRecord:
    """Run `subject` on `case` and judge everything that it shows.

    Whatever the subject does, the answer is a record: an exception it raises is the verdict "error" with its
    text, `Unsupported` the verdict of that name with its reason.

    Examples
    --------
    A subject is whatever has a name, a description and `run(problem)`:

    >>> from conformance import Observation, parse_id
    >>> class Forgetful:
    ...     name, description = "forgetful", "h_{t−1} isn't used"
    ...
    ...     def run(self, problem):
    ...         w = problem.weights
    ...         pre = problem.x @ w["weight_ih_l0"].T + w["bias_ih_l0"] + w["bias_hh_l0"]
    ...         return Observation(output=np.tanh(pre))
    >>> case = parse_id("rnn-tanh-T5-B3-I2-H4-f64-s0")
    >>> record = examine(case, Forgetful())
    >>> record.verdict, record.first_divergence.quantity, record.first_divergence.where
    ('differs', 'h', 'layer 0 forward, t = 0, row 0, unit 0')
    """
    return timed_examination(case, subject)[0]


def verdict_on(case: Case, subject: Subject) -> Verdict:
    """Return the verdict of `examine`, found sooner: nothing else is told of the case."""
    with np.errstate(all="ignore"):
        return _examined(case, subject, Clock(), _without_words).verdict


def timed_examination(case: Case, subject: Subject) -> tuple[CaseRecord, Timing]:
    """Return what `examine` returns, and how long each part took."""
    clock = Clock()
    with np.errstate(all="ignore"):  # overflow has its own rule; it is no news here
        record = _examined(case, subject, clock, _in_words)
    return record, clock.timing()


class Clock(Struct):
    """Seconds spent by part since the clock was made."""

    started: float = field(default_factory=perf_counter)
    marks: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=perf_counter)

    def mark(self, part: str) -> None:
        """Count the time since the last mark to `part`."""
        now = perf_counter()
        self.marks[part] = self.marks.get(part, 0.0) + now - self.last
        self.last = now

    def timing(self) -> Timing:
        """Return the parts, and the total with everything between them."""
        parts = {part: round(self.marks.get(part, 0.0), 6) for part in ("subject", "reference", "judging")}
        return Timing(**parts, total=round(perf_counter() - self.started, 6))


class Runner(Struct, frozen=True):
    """Runs a subject on problems, on the clock, and turns what goes wrong into one of two exceptions."""

    subject: Subject
    clock: Clock

    def run(self, problem: Problem) -> Observation:
        """Return copies of what the subject shows; raise `RaisedError`, `MalformedError` or `Unsupported`."""
        before = _fingerprint(problem)
        self.clock.mark("judging")
        try:
            observation = self.subject.run(problem)
        except (Unsupported, KeyboardInterrupt):
            raise
        except BaseException as error:  # a subject that calls sys.exit() must not end the run either
            raise RaisedError(_described(error)) from error
        finally:
            self.clock.mark("subject")
        if _fingerprint(problem) != before:
            _forget_arrays()
            message = "It changed the arrays of the problem that it was given; work on copies."
            raise MalformedError(message)
        if complaints := malformed(problem, observation):
            raise MalformedError(" ".join(complaints))
        return copied(observation)


class RaisedError(Exception):
    """The subject raised; the message tells what."""


class MalformedError(Exception):
    """What the subject showed has a wrong name, shape or precision; the message tells which."""


class Judged(Struct, frozen=True, kw_only=True):
    """All that was found on a problem, and by which allowances."""

    problem: Problem
    subject: Subject
    observation: Observation
    findings: Sequence[Finding]
    allowed: Mapping[str, Allowance]
    premises: Premises

    @property
    def verdict(self) -> tuple[Verdict, str]:
        """What is recorded as the verdict, and why."""
        left = not_judged(self.observation, self.findings)
        return verdict_of(self.findings, not_judged=left, premises=self.premises.sentences)


def _examined(case: Case, subject: Subject, clock: Clock, told: Callable[[Judged], CaseRecord]) -> CaseRecord:
    runner = Runner(subject, clock)
    try:
        return told(_judged(problem_of(case), runner))
    except Unsupported as reason:
        return unjudged(case.id, subject.name, "unsupported", str(reason))
    except MalformedError as complaint:
        return unjudged(case.id, subject.name, "differs", str(complaint))
    except RaisedError as error:
        return unjudged(case.id, subject.name, "error", f"The subject raised {error}")
    except Exception as error:  # noqa: BLE001 - one case must not cost the run; the verdict is an error, never a pass
        return unjudged(case.id, subject.name, "error", f"Internal error: judging raised {_described(error)}")
    finally:
        clock.mark("judging")


def _judged(problem: Problem, runner: Runner) -> Judged:
    case, clock = problem.case, runner.clock
    clock.mark("judging")
    _reference(case)  # before the subject can touch anything
    exact = _exact(case)
    clock.mark("reference")
    allowed = _allowed(case)
    observation = runner.run(problem)
    trial = Trial(
        problem=problem,
        observation=observation,
        exact=exact,
        allowed=allowed,
        tanh=units_of_tanh(library_of(runner.subject), problem.format),
    )
    findings, allowed, premises = trial.judged()
    if not differs(findings):  # what is wrong by itself would break every law as well
        findings += relation_check(problem, runner.run, observation, allowed)
    return Judged(
        problem=problem,
        subject=runner.subject,
        observation=observation,
        findings=findings,
        allowed=allowed,
        premises=premises,
    )


def _in_words(found: Judged) -> CaseRecord:
    """Return the record of a case with everything that is told of it."""
    problem, observation = found.problem, found.observation
    verdict, reason = found.verdict
    return judged(
        problem.case.id,
        found.subject.name,
        found.findings,
        verdict,
        reason,
        not_shown=not_shown(problem, observation),
        distances=distances(problem, observation, _reference(problem.case)),
        third_opinion=_third_opinion(problem, observation, found.findings) if verdict == "differs" else "",
        noise=greatest_noise(found.allowed),
        library=library_of(found.subject),
    )


def _without_words(found: Judged) -> CaseRecord:
    verdict, reason = found.verdict
    return unjudged(found.problem.case.id, found.subject.name, verdict, reason)


def _fingerprint(problem: Problem) -> bytes:
    """Return a digest of every array of `problem`."""
    digest = hashlib.blake2b()
    arrays = [
        *problem.weights.values(),
        problem.x,
        problem.h_0,
        problem.c_0,
        problem.d_output,
        problem.d_h_n,
        problem.d_c_n,
        problem.lengths,
        *([] if problem.head is None else [*problem.head.parameters.values(), problem.head.d_y]),
    ]
    for array in arrays:
        if array is not None:
            digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def _forget_arrays() -> None:
    """Forget cached arrays that can't be trusted any more."""
    for cached in (problem_of, _reference, _exact, _allowed):
        cached.cache_clear()


@lru_cache(maxsize=1)
def problem_of(case: Case) -> Problem:
    """Return the arrays of `case`; the subjects of one case follow each other and share them, read-only."""
    return materialise(case)


@lru_cache(maxsize=1)
def _reference(case: Case) -> Observation:
    """Return what the reference shows of `case`."""
    return observe(problem_of(case), problem_of(case).dtype)


@lru_cache(maxsize=1)
def _exact(case: Case) -> Observation:
    """Return what the reference shows of `case` in float64."""
    return _reference(case) if case.dtype == "f64" else observe(problem_of(case), np.float64)


@lru_cache(maxsize=1)
def _allowed(case: Case) -> dict[str, Allowance]:
    """Return what rounding noise allows for every result of `case`."""
    return allowances(problem_of(case), _exact(case))


def _third_opinion(problem: Problem, observation: Observation, findings: Sequence[Finding]) -> str:
    """Return what a more precise run of the reference says of the two sides, on the results that differ."""
    wider = np.float64 if problem.case.dtype == "f32" else np.longdouble
    if not np.finfo(wider).eps < np.finfo(problem.dtype).eps:
        return "this machine has no precision wider than float64 for a third opinion"
    oracle = observe(problem, wider)
    differing = {f.comparison.quantity for f in findings if f.verdict == "differs"}
    opinion = third_opinion(problem, observation, _reference(problem.case), oracle, differing)
    precision = "float64" if wider is np.float64 else "long double"
    return "" if opinion is None else f"in {precision}, {opinion.verdict}"


def _described(error: BaseException) -> str:
    """Return an exception in one paragraph: what it is, and the lines that led to it outside this package."""
    frames = traceback.extract_tb(error.__traceback__)
    foreign = [frame for frame in frames if not Path(frame.filename).is_relative_to(PACKAGE)] or frames[-1:]
    called = " → ".join(
        f"{_place(frame.filename)}:{frame.lineno} in {frame.name}" for frame in foreign[-MOST_FRAMES:]
    )
    line = foreign[-1].line if foreign else ""
    where = f" ({called}{f': `{line}`' if line else ''})" if foreign else ""
    text = f"{type(error).__name__}: {error}{where}"
    return text.encode("utf-8", "backslashreplace").decode()  # a record must be able to hold it


def _place(filename: str) -> str:
    """Return a file as a reader knows it, the same on every machine: from here, from its library, or its name."""
    path = Path(filename)
    _, library, inside = path.as_posix().rpartition("/site-packages/")  # in a .venv below the folder, too
    if library:
        return inside
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else path.name
