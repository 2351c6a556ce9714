"""The same network in other settings: from an initial state that isn't 0, and for a single step."""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace

from msgspec import structs

from conformance.cases import Case, Problem
from conformance.examination.recording import first_wrong
from conformance.hand_written.calling import Bound
from conformance.hand_written.calling.binding import Binding, is_stated, unlimited
from conformance.hand_written.calling.hints.arguments import parameters_of
from conformance.hand_written.calling.hints.names import STATE
from conformance.hand_written.calling.hints.sources import nodes_of
from conformance.hand_written.checking.answering import answer_to
from conformance.hand_written.checking.choosing import Candidate, judged_on
from conformance.hand_written.checking.judging import Judged, judge
from conformance.hand_written.checking.outcome import Outcome, outcome_of
from conformance.hand_written.checking.running import Failure, attempt
from conformance.hand_written.checking.scale import uncertainty
from conformance.hand_written.remembering import drawn
from conformance.record.check import PartRecord

LONGER = (12, 41)
"""Steps of longer sequences: what holds some of them only goes wrong there."""

MOST_STEPS = 300
"""The longest sequence that is asked for because the code has a whole number that is nearly as large."""

NO_START = "none of its arguments is called like an initial state"
NOT_HANDED = (
    "its backward pass is handed neither h_0 nor anything computed from it: it runs a forward pass of its own"
)

STARTS_OVER = (
    "it sets the state that it starts from to 0 after every backward pass: no sequence starts elsewhere"
)


def from_another_start(candidate: Candidate) -> Candidate | Failure | None:
    """Judge the network from an h_0 that isn't 0, None where its own case has that already."""
    if candidate.case.h_0:
        return None
    case = replace(candidate.case, h_0=True)
    found = judged_on(case, unlimited(candidate.bound), candidate.caught, inside=candidate.inside)
    if not isinstance(found, Candidate):
        return found
    if found.outcome.forward == "differs" and not _names_its_start(found.bound):
        return Failure(NO_START)
    if found.outcome.backward is not None and _never_gets_h_0(found):
        return Failure(NOT_HANDED)
    if found.differs and _starts_over(found):
        return Failure(STARTS_OVER)
    return found


def _names_its_start(bound: Bound) -> bool:
    """Tell whether what is handed h_0 is called like a state; zeros alone, which any argument may be, prove nothing."""
    if not isinstance(bound, Binding) or is_stated(bound):
        return True
    handed = [
        name for line in (*bound.forward, *bound.backward) for name in _parameters_handed_h_0(bound, line)
    ]
    return not handed or any(STATE.fullmatch(name.strip("_")) for name in handed)


def _parameters_handed_h_0(bound: Binding, line: str) -> Iterator[str]:
    """Yield the names of the parameters to which a line hands something made of h_0."""
    for call in (node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call)):
        names = parameter_names(bound, ast.unparse(call.func).rpartition(".")[2])
        pairs = [*zip(names, call.args, strict=False), *((k.arg or "", k.value) for k in call.keywords)]
        yield from (name for name, given in pairs if "p.h_0" in ast.unparse(given))


def parameter_names(bound: Binding, called: str) -> list[str]:
    """Return the names of the parameters of a function or method of the target; none of what isn't its own."""
    code = vars(bound.loaded.code)
    owners = [item for item in code.values() if isinstance(item, type)]
    functions = [code.get(called), *(getattr(owner, called, None) for owner in owners)]
    function = next((each for each in functions if inspect.isroutine(each)), None)
    if function is None:
        return []
    found = [q.name for q in parameters_of(function) or []]
    return found[1:] if found[:1] == ["self"] else found


def _never_gets_h_0(found: Candidate) -> bool:
    """Tell whether the backward pass was never handed the h_0 from which the forward pass started, nor its doing."""
    bound = found.bound
    if not isinstance(bound, Binding):
        return False
    sees = attempt(bound.backward_sees_h_0, found.answer.truth.problem, found.caught)
    return sees is False


def _starts_over(found: Candidate) -> bool:
    """Tell whether no caller can have it start elsewhere: the state that we set is 0 again after each backward pass."""
    bound = found.bound
    if not isinstance(bound, Binding) or bound.stated:
        return False
    return attempt(bound.starts_over, found.answer.truth.problem, found.caught) is True


def of_a_longer_sequence(candidate: Candidate) -> Candidate | None:
    """Return the network judged on the first of some longer sequences on which it goes wrong, None where on none.

    Its cotangents are 2¹⁰ times smaller, so that what limits large gradients isn't reached by the sums over more steps;
    where the loss makes them of ids, they can't be, and the longest sequence is left out. A forward pass goes wrong by
    the length at the same step of whatever data; where it doesn't, it is what is in them: something is cut off.
    """
    bound = of_any_length(candidate.bound, candidate.case.steps)
    fixed = isinstance(bound, Binding) and bound.traits.crossed
    for steps in LONGER[:1] if fixed else longer(bound):
        case = replace(candidate.case, steps=steps)
        found = _on_softened(candidate, bound, case)
        if found is None or not found.differs:
            continue
        others = (_on_softened(candidate, bound, replace(case, seed=case.seed + n)) for n in (1, 2))
        if found.outcome.forward != "differs" or all(
            _goes_wrong_at(o) == _goes_wrong_at(found) for o in others
        ):
            return found
    return None


def _on_softened(candidate: Candidate, bound: Bound, case: Case) -> Candidate | None:
    """Return the network judged on a case with smaller cotangents, None where it gives nothing there."""
    answer = answer_to(bound, softened(drawn(case)), candidate.caught)
    if isinstance(answer, Failure):
        return None
    outcome = outcome_of(answer.truth, answer.tidied.observation)
    return structs.replace(candidate, case=answer.truth.problem.case, answer=answer, outcome=outcome)


def _goes_wrong_at(candidate: Candidate | None) -> int | None:
    """Return the first time step at which a forward pass goes wrong, None where it doesn't."""
    findings = [] if candidate is None else candidate.outcome.judged.of_phase("forward")
    first = first_wrong(findings)
    return None if first is None else first.index.get("t")


def longer(bound: Bound) -> list[int]:
    """Return the steps of longer sequences: some, and more than any number in the code, as of places in a buffer."""
    code = vars(bound.loaded.code).values() if isinstance(bound, Binding) and not bound.stated else ()
    written = [value for value in code if type(value) is int]
    written += [
        node.value
        for value in code
        if inspect.isclass(value) or inspect.isroutine(value)
        for node in nodes_of(value)
        if isinstance(node, ast.Constant) and type(node.value) is int
    ]
    return [
        *LONGER,
        *(n + 2 for n in [max((n for n in written if n < MOST_STEPS), default=0)] if n + 2 > LONGER[-1]),
    ]


def of_any_length(bound: Bound, steps: int) -> Bound:
    """Return a network without its clipping that shows nothing by the number of one of its last steps."""
    if not isinstance(bound, Binding):
        return bound
    shown = {
        name: text
        for name, text in bound.shown.items()
        if all(int(number) < steps - 1 for number in re.findall(r"\[(\d+)\]", text))
    }
    return structs.replace(bound, shown=shown, lifted=True)


def softened(problem: Problem) -> Problem:
    """Return `problem` with smaller cotangents."""
    head, factor = problem.head, 2.0**-10
    if head is not None and head.d_y is not None:
        head = replace(head, d_y=factor * head.d_y)
    smaller = {
        name: factor * array
        for name in ("d_output", "d_h_n")
        if (array := getattr(problem, name)) is not None
    }
    return replace(problem, head=head, **smaller)


def of_a_single_step(candidate: Candidate) -> Candidate | Failure | None:
    """Judge the cell apart from the loop: a sequence of one step; None where that is the case already."""
    if candidate.case.steps == 1:
        return None
    case = replace(candidate.case, steps=1)
    return judged_on(case, unlimited(candidate.bound), candidate.caught, inside=candidate.inside)


def start_record(case: Case, found: Candidate | Failure, *, declares: bool) -> PartRecord:
    """Tell what came out from another initial state; how it is to be handed over, only who states it knows.

    Of a network that `declares` its loss, the constant against the loss that it was asked for is not told.
    """
    case = replace(case, h_0=True)
    if isinstance(found, Failure):
        sentence = f"h_0 ≠ 0: not checked, {found.reason}"
    elif found.outcome.forward == "differs" and not is_stated(found.bound):
        wrong = _wrong(found.outcome.judged)
        reason = f"handed over as here, the forward pass differs ({wrong}): it is ignored, or wanted in another form"
        return PartRecord(
            id="initial-state", case=case.id, holds=None, sentence=f"h_0 ≠ 0: not checked; {reason}"
        )
    elif found.outcome.forward == "differs":
        wrong = _wrong(found.outcome.judged)
        sentence = f"h_0 ≠ 0: the forward pass differs ({wrong}): h_0 is ignored, or another state is used"
    else:
        sentence = f"h_0 ≠ 0: {_described(found.outcome, declares=declares)}"
    return PartRecord(id="initial-state", case=case.id, holds=_holds(found), sentence=sentence)


def cell_record(case: Case, found: Candidate | Failure, *, loop_differs: bool, declares: bool) -> PartRecord:
    """Tell what came out for a single step, and what that says about cell and loop.

    From h_0 = 0 a single step has no use for W_hh, so that it says nothing of what is done with it.
    """
    case = replace(case, steps=1)
    if isinstance(found, Failure):
        sentence = f"a single step (T = 1): not checked, {found.reason}"
    elif found.outcome.agrees:
        elsewhere = (
            "in what passes from step to step"
            if case.h_0
            else "in what passes from step to step, or in the use of W_hh"
        )
        meaning = f": the mistake is {elsewhere}" if loop_differs else ""
        sentence = f"a single step (T = 1): {_described(found.outcome, declares=declares)}{meaning}"
    else:
        meaning = ": wrong already there" if found.differs else ""
        sentence = f"a single step (T = 1): {_described(found.outcome, declares=declares)}{meaning}"
    return PartRecord(id="cell", case=case.id, holds=_holds(found), sentence=sentence)


def _holds(found: Candidate | Failure) -> bool | None:
    if isinstance(found, Failure) or not (found.outcome.agrees or found.differs):
        return None
    return found.outcome.agrees


def _described(outcome: Outcome, *, declares: bool) -> str:
    if outcome.agrees:
        scale = None if declares else outcome.scale
        if scale is None or abs(scale.factor - 1) <= uncertainty(outcome.judged.truth):
            return "agrees"
        return f"agrees, up to the constant {scale.name or f'{scale.factor:.6g}'}"
    beyond = judge(outcome.judged.truth.in_single_precision(), outcome.judged.shown)
    wrong = _wrong(beyond) or _wrong(outcome.judged)
    return f"differs in {wrong}" if wrong else "can't be decided"


def _wrong(judged: Judged) -> str:
    return ", ".join(dict.fromkeys(f.comparison.title for f in judged.findings if f.verdict == "differs"))
