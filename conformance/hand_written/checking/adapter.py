"""Any subject as a bound network: the case it is checked on is its own `case`, or the first that it runs."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace

import numpy as np
from msgspec import Struct

from conformance.cases import Case, Problem, materialise, parse_id
from conformance.errors import Unsupported, UsageError
from conformance.hand_written.calling import Call, Interface, Loss, OwnForward
from conformance.hand_written.calling.running.limits import empty_folder
from conformance.hand_written.checking import running
from conformance.subjects.observation import Observation, Subject, copied
from refrnn import Array

CASES = (
    "rnn-tanh-T7-B3-I4-H6-O5-noh0-dout-f64-gain1.2-s0",
    "rnn-tanh-T7-B3-I4-H6-noh0-dout-f64-gain1.2-s0",
    "rnn-tanh-T7-B3-I4-H6-f64-gain1.2-s0",
    "rnn-tanh-T7-B3-I4-H6-O5-noh0-dlast-f64-gain1.2-s0",
    "rnn-tanh-T7-single-I4-H6-f64-gain1.2-s0",
)
"""What a subject is asked that names no case of its own: no size equals another, none of T, B and O divides another."""


class Adapted(Struct, frozen=True, kw_only=True):
    """A subject with the case that it is checked on; `made` gives one in the state in which it was handed over."""

    made: Callable[[], Subject]
    problem_case: Case
    name: str
    description: str = ""
    interface: Interface
    loss: Loss | None = None
    notes: Sequence[str] = ()
    rate: float | None = None
    mistake: str = ""
    contradicted: str = ""

    def admit(self, problem: Problem) -> Problem:
        """Return `problem`: an adapter is asked everything."""
        return problem

    def run(self, problem: Problem) -> Observation:
        """Run the subject on arrays of its own, which it may change without harm."""
        with empty_folder():
            return self.made().run(loose(problem))

    def calls(self, problems: Sequence[Problem]) -> Sequence[Call]:
        """Run the same subject on one problem after the other, on arrays of its own each time."""
        subject, found = self.made(), list[Call]()
        for problem in problems:
            given, before = loose(problem), arrays_of(problem)
            with empty_folder():
                observation = subject.run(given)
            after = {name: array.copy() for name, array in arrays_of(given).items()}
            found.append(Call(observation=copied(observation), before=before, after=after))
        return found

    def own_forward(self) -> OwnForward:
        """Return the subject as a function of the problem's parameters.

        Raises
        ------
        Unsupported
            If it doesn't show the outputs through which the loss sees it, or no gradient of a parameter.
        """
        problem = materialise(self.problem_case)
        gradients = self.run(problem).parameters
        if not gradients:
            message = "it shows no gradient of a parameter"
            raise Unsupported(message)
        return OwnForward(
            parameters=problem.parameters,
            outputs=lambda parameters: seen_by_the_loss(
                self.run(with_parameters(problem, parameters)), problem
            ),
            cotangent=cotangent_of(problem),
            gradients=gradients,
        )


def adapted(subject: Subject | type[Subject], case: Case | None = None, notes: Sequence[str] = ()) -> Adapted:
    """Return a subject, or a class of them, with the case to check it on: `case`, its own, or the first that it runs.

    `notes` tell what happened while it was loaded.

    Raises
    ------
    UsageError
        If the subject's own case is none.
    """
    kind = subject if isinstance(subject, type) else type(subject)
    made = kind if isinstance(subject, type) else lambda: _as_it_was(subject)
    wanted = case or getattr(subject, "case", None)
    if isinstance(wanted, str):
        wanted = parse_id(wanted)
    name = getattr(subject, "name", kind.__name__)
    if wanted is not None and not isinstance(wanted, Case):
        message = f"A subject's case must be a Case or its id; {name} has {wanted!r}."
        raise UsageError(message)
    description = getattr(subject, "description", "")
    lines = tuple(filter(None, (f"through its own {kind.__name__}.run(problem)", description)))
    return Adapted(
        made=made,
        problem_case=wanted or _first(made),
        name=name,
        description=description,
        interface=Interface(target=name, lines=lines),
        notes=notes,
    )


def _as_it_was(subject: Subject) -> Subject:
    """Return a copy of `subject`, so that no run leaves traces in the next; itself where it can't be copied."""
    try:
        return deepcopy(subject)
    except Exception:  # noqa: BLE001 - foreign objects may refuse to be copied in any way they like
        return subject


def _first(made: Callable[[], Subject]) -> Case:
    """Return the first case on which a subject shows anything, one without a head where it shows nothing of it."""
    cases = [parse_id(text) for text in CASES]
    for case in cases:
        with empty_folder():
            found = running.attempt(lambda problem: made().run(problem), loose(materialise(case)))
        if not isinstance(found, Observation):
            continue
        heads = [name for name in found.parameters if name.startswith("head")]
        if not case.output_size or heads or found.y is not None:
            return case
    return cases[1]


def loose(problem: Problem) -> Problem:
    """Return `problem` with arrays of its own that may be written to."""
    head = problem.head
    if head is not None:
        bias = None if head.bias is None else head.bias.copy()
        d_y = None if head.d_y is None else head.d_y.copy()
        head = replace(head, weight=head.weight.copy(), bias=bias, d_y=d_y)
    free = {
        name: None if array is None else array.copy()
        for name in ("x", "h_0", "d_output", "d_h_n")
        for array in [getattr(problem, name)]
    }
    return replace(problem, weights={n: w.copy() for n, w in problem.weights.items()}, head=head, **free)


def arrays_of(problem: Problem) -> dict[str, Array]:
    """Return every array that a subject is handed, by the name that a reader knows."""
    arrays = {
        "x": problem.x,
        "h_0": problem.h_0,
        "dL/doutput": problem.d_output,
        "dL/dh_n": problem.d_h_n,
        "dL/dy": None if problem.head is None else problem.head.d_y,
        **problem.parameters,
    }
    return {name: array for name, array in arrays.items() if array is not None}


def with_parameters(problem: Problem, parameters: Mapping[str, Array]) -> Problem:
    """Return `problem` with other parameters."""
    head = problem.head
    if head is not None:
        head = replace(head, weight=parameters["head.weight"], bias=parameters.get("head.bias"))
    return replace(problem, weights={name: parameters[name] for name in problem.weights}, head=head)


def cotangent_of(problem: Problem) -> Array:
    """Return the cotangents of all outputs that the loss sees, in one vector."""
    d_seen = problem.d_output if problem.head is None else problem.head.d_y
    return np.concatenate([d.ravel() for d in (d_seen, problem.d_h_n) if d is not None])


def seen_by_the_loss(shown: Observation, problem: Problem) -> Array:
    """Return the outputs that the loss sees, in one vector, in the order of `cotangent_of`."""
    seen = []
    if problem.d_output is not None:
        seen.append(shown.output if problem.head is None else shown.y)
    if problem.d_h_n is not None:
        seen.append(shown.h_n)
    if any(array is None for array in seen):
        message = "it doesn't show every output that the loss sees"
        raise Unsupported(message)
    return np.concatenate([array.ravel() for array in seen])
