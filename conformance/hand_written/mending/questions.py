"""From a network that is called to the question of a search: what is true of its forward pass, and what is asked."""

import ast
import linecache
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from conformance.cases import Case, Problem
from conformance.hand_written.budget import Budget
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.running.program import Ran
from conformance.hand_written.mending.forward.adjoints import Adjoint, adjoints
from conformance.hand_written.mending.forward.rules import STEP
from conformance.hand_written.mending.forward.sites import Sited
from conformance.hand_written.mending.functions import Function, Live, functions_of
from conformance.hand_written.mending.hooks import hooked
from conformance.hand_written.mending.known import CLOSE, Entry, Known
from conformance.hand_written.mending.program import SIDES, Program, program_of
from conformance.hand_written.mending.recording import Instrumented, Recorder
from conformance.hand_written.mending.state import Files, Question, near
from conformance.hand_written.mending.units import units_of
from conformance.hand_written.remembering import drawn
from conformance.subjects.reference import observe
from refrnn import Array

STEPS, BATCH = 4, 2
"""How long a search's sequences are, and how many of them there are: long enough for a carry to be carried on."""

BRIEF, MOST = 60_000, 400_000
"""What a search may spend, in evaluated variants: in any check, for each mistake that is known, about 1.5 s of
computing; and on demand, about 15 s."""


def files_of(binding: Binding) -> Files:
    """Return the sources of a network, by the names under which they were compiled."""
    return {file: "".join(linecache.getlines(file)) for file in sorted(binding.loaded.files)}


def question_of(
    binding: Binding, case: Case, budget: Budget, *, by_itself: bool, scale: float | None = None
) -> Question | None:
    """Return what is to be searched, None where the loss can't be made of what is shown, or no gradient is.

    Parameters
    ----------
    binding, case
        The network, and the case on which it is asked.
    budget
        What the search may spend.
    by_itself
        Whether its gradients are held against its own forward pass, and not against torch's.
    scale
        The constant that all gradients carry, where it is known.
    """
    problem = binding.admit(drawn(replace(case, batch=min(BATCH, case.batch))))
    program = program_of(binding, problem, by_itself=by_itself)
    if program is None:
        return None
    files = files_of(binding)
    functions = [each for file, text in files.items() for each in functions_of(file, text)]
    live = Live.of(files, vars(binding.loaded.code))
    by_step = any(map(_loops_in_loops, functions))  # as each step of the loss may be walked back by itself
    found = adjoints(program, live, Sited(functions), budget, by_step=by_step)
    gradients = program.gradients(program.both())
    expected = expected_of(program, gradients, found.parameters)
    if not found.whole or not expected or budget.over:
        return None
    factor = factor_of(gradients, expected) if scale is None else scale
    known = Known(found.whole, factor)
    for of_a_step in found.of_steps:
        known.take(of_a_step)
    given = {
        known.of(factor * each) for c in program.cotangents.values() for step in c for each in (step, *step)
    }
    for entry, each in _of_the_head(program):
        known.add(factor * each, entry)
    for name, each in expected.items():
        known.add(factor * each, Entry(what=name, time=0, over_steps=True))
    return Question(
        program=program,
        live=live,
        known=known,
        effective=_effective(functions, found.whole) | _of_the_forward_pass(program, live, files),
        given=frozenset(id_ for id_ in given if id_ is not None),
        expected={name: factor * each for name, each in expected.items()},
        other=_with_other_cotangents(program),
        forward=found.whole,
        budget=budget,
    )


def _of_the_head(program: Program) -> Iterator[tuple[Entry, Array]]:
    """Yield what each step adds to the gradients of a head's parameters, where its outputs aren't shown."""
    problem = program.problem
    if program.by_itself or problem.head is None or "y" in program.binding.shown:
        return
    output = observe(problem, np.float64).output
    if output is None:
        return
    major = problem.layout.time_major
    for t, (d_y, h) in enumerate(zip(major(problem.head.d_y), major(output), strict=True), start=1):
        yield Entry(what="the outputs", time=t), d_y  # (B, O)
        yield Entry(what="the biases of the head", time=t), d_y.sum(axis=0)  # (O,)
        yield Entry(what="the weights of the head", time=t), d_y.T @ h  # (O, B) @ (B, H) -> (O, H)


def _loops_in_loops(function: Function) -> bool:
    loops = [node for node in ast.walk(function.node) if isinstance(node, ast.For)]
    return any(isinstance(node, ast.For) for loop in loops for node in ast.walk(loop) if node is not loop)


def expected_of(
    program: Program, gradients: Mapping[str, Array], own: Mapping[str, Array]
) -> dict[str, Array]:
    """Return the right gradients of what is shown: the reference's, or by differences those of its own forward pass.

    Of those, `own` are known already if the loss changes as they say.
    """
    if program.by_itself:
        known = own if _fit(program, own) else {}
        return {name: known[name] if name in known else _by_differences(program, name) for name in gradients}
    exact = observe(program.problem, np.float64)
    right = {**exact.parameters, **{name: getattr(exact, name) for name in SIDES}}
    return {name: right[name] for name in gradients if right.get(name) is not None}


def _fit(program: Program, own: Mapping[str, Array]) -> bool:
    """Tell whether the loss changes as gradients say, in one random direction of each parameter."""
    ran, rng = program.start(), np.random.default_rng(7)
    for name, gradient in own.items():
        direction = rng.standard_normal(gradient.shape)
        change, said = _change(program, ran, name, direction), float(np.vdot(gradient, direction))
        if not abs(change - said) <= CLOSE * np.linalg.norm(gradient) * np.linalg.norm(direction):
            return False
    return True


def _by_differences(program: Program, name: str) -> Array:
    ran = program.start()
    found = np.zeros(np.shape(program.own(ran, name)))
    for index in np.ndindex(found.shape):
        direction = np.zeros(found.shape)
        direction[index] = 1.0
        found[index] = _change(program, ran, name, direction)
    return found


def _change(program: Program, ran: Ran, name: str, direction: Array) -> float:
    """Return the derivative of the loss along a direction of one parameter."""
    start = np.array(program.own(ran, name), float)
    there, back = (
        program.forward(program.start({name: start + step * direction})).sum() for step in (STEP, -STEP)
    )
    return float(there - back) / (2 * STEP)


def factor_of(gradients: Mapping[str, Array], expected: Mapping[str, Array]) -> float:
    """Return the constant that gradients carry: that of the head's, or that of the first which is right up to one."""
    found: dict[str, float] = {}
    for name, right in expected.items():
        square = float((right * right).sum())
        got = gradients[name]
        if square and got.shape == right.shape and right.size > 1:
            factor = float((got * right).sum()) / square
            if factor and near(got, factor * right):
                found[name] = factor
    for name in ("head.weight", "head.bias"):
        if name in found:
            return found[name]
    return next(iter(found.values()), 1.0)


def _effective(functions: list, found: list[Adjoint]) -> frozenset[object]:  # type: ignore[type-arg]
    """Return the units in which a value is read that has an effect on the loss."""
    places = {}
    for each in found:
        places.setdefault(each.site.key, []).append(each.site)
    return frozenset(
        unit.signature
        for function in functions
        for unit in units_of(function)
        if any(site.within(unit.expression) for site in places.get(function.key, ()))
    )


def _of_the_forward_pass(program: Program, live: Live, files: Files) -> frozenset[object]:
    """Return the units that the forward pass runs, but for what it keeps; none where one call does both passes."""
    if program.at_once:
        return frozenset()
    recorder, instrumented = Recorder(), Instrumented(files)
    with hooked(unit=recorder.unit), live.running(instrumented.codes):
        program.forward(program.start())
    run = {event.unit for event in recorder.events}
    return frozenset(instrumented.units[k].signature for k in run if not instrumented.units[k].keeps)


def _with_other_cotangents(program: Program) -> Program | None:
    """Return the same program asked with other cotangents."""
    problem, binding = program.problem, program.binding
    rng = np.random.default_rng(11)
    changed = _with_other_targets(problem) if binding.traits.crossed else _scaled(problem, rng)
    other = program_of(binding, changed, by_itself=program.by_itself)
    if other is None:
        return None
    same = all(
        np.array_equal(one, two)
        for one, two in zip(program.cotangents.values(), other.cotangents.values(), strict=True)
    )
    return None if same else other


def _scaled(problem: Problem, rng: np.random.Generator) -> Problem:
    def other(array: Array | None) -> Array | None:
        return None if array is None else array * (1 + rng.random(array.shape))

    head = problem.head
    if head is not None:
        head = replace(head, d_y=other(head.d_y))
        return replace(problem, head=head, d_output=head.d_output, d_h_n=other(problem.d_h_n))
    return replace(problem, d_output=other(problem.d_output), d_h_n=other(problem.d_h_n))


def _with_other_targets(problem: Problem) -> Problem:
    """Return a problem with the next word as each target of softmax with cross-entropy."""
    head = problem.head
    if head is None or head.d_y is None:
        return problem
    hot = np.zeros_like(head.d_y)
    np.put_along_axis(hot, head.d_y.argmin(-1)[..., np.newaxis], 1.0, -1)
    seen = np.any(head.d_y != 0, axis=-1, keepdims=True)
    head = replace(head, d_y=head.d_y + seen * (hot - np.roll(hot, 1, axis=-1)))
    return replace(problem, head=head, d_output=head.d_output)
