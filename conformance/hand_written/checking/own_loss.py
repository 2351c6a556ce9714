"""Gradients held against the loss that the code itself computes: they are its derivative, or they contradict it.

The loss is what the backward call returns, or what a function or method called a loss makes of the very targets that
the backward pass was handed. It is differentiated numerically along random directions of all parameters whose gradients
are shown; the derivatives must be one constant times what the gradients say.
"""

import ast
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from msgspec import Struct

from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.bound import Bound
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import parameters_of
from conformance.hand_written.calling.running.keeping import method_of
from conformance.hand_written.calling.running.limits import sandbox
from conformance.hand_written.calling.running.program import Ran, value, values
from conformance.hand_written.checking.choosing import Candidate
from conformance.hand_written.checking.declared import DIRECTIONS, constant_along
from conformance.hand_written.checking.differences import CLEAR, extrapolated
from conformance.hand_written.checking.judging import Truth
from conformance.hand_written.checking.losses import GIVEN, Losses, OfItsOwn, Whole
from conformance.hand_written.checking.running import Failure, attempt
from conformance.hand_written.checking.updates import at_rate
from conformance.subjects.observation import Observation
from refrnn import Array

NEARBY = 2.0**-5
"""How much smaller than usual the steps of differences are, so that few of them cross a kink of the loss."""


class Constant(Struct, frozen=True, kw_only=True):
    """The constant between a loss and gradients, known up to `error`; NaN where they are those of another loss."""

    factor: float
    error: float

    @property
    def is_one(self) -> bool:
        """Whether they are the same."""
        return abs(self.factor - 1) <= self.error


class OwnLoss(Struct, frozen=True, kw_only=True):
    """A loss that the code computes, and whether its gradients are that loss's, up to one constant."""

    name: str
    agrees: bool


def own_loss(candidate: Candidate, *, returned: bool = False) -> OwnLoss | None:
    """Return the loss that says most about the gradients shown: one they agree with, or one that they contradict.

    None where no loss can be called, or none is smooth enough to say anything. Where it is known what loss its code
    declares, those alone are asked that its passes have `returned`.
    """
    bound, truth = candidate.bound, candidate.answer.truth
    if not isinstance(bound, Binding) or not bound.backward or candidate.outcome.forward == "differs":
        return None
    shown = gradients_of(candidate.answer.tidied.observation)
    whole = Whole(bound=_at_rest(bound), truth=truth, shapes=())
    return _of_what_is_shown(whole, shown, whole.returned_losses() if returned else _losses(whole))


def loss_of_another(candidate: Candidate) -> OwnLoss | None:
    """Return the same of another network than the reference, by its own parameters."""
    bound, truth = candidate.bound, candidate.answer.truth
    if not isinstance(bound, Binding) or not bound.backward:
        return None
    whole, shown = _by_its_own(bound, truth)
    return _of_what_is_shown(whole, shown, _losses(whole)) if shown else None


def loss_beside(bound: Bound, truth: Truth) -> str:
    """Return in words which other pass of a network returns a loss whose gradients aren't its own, "" where none does.

    The gradients of that pass are right. So what it returns is held against them.
    """
    for other in bound.beside if isinstance(bound, Binding) else ():
        whole, shown = _by_its_own(other, truth)
        found = _of_what_is_shown(whole, shown, whole.returned_losses()) if shown else None
        if found is not None and not found.agrees:
            return f"its gradients are right, and {_called(other)} returns another loss than theirs"
    return ""


def constant_of_its_loss(bound: Binding, truth: Truth) -> Constant | None:
    """Return the constant between the loss that a network computes and its gradients; None where nothing tells.

    It is NaN where the gradients are those of another loss.
    """
    whole, shown = _by_its_own(bound, truth)
    with sandbox():
        for _, loss in _losses(whole) if shown else ():
            found = attempt(partial(_constant, shown, whole), loss)
            if isinstance(found, Constant):
                return found
    return None


def _called(bound: Binding) -> str:
    """Return the name of what a backward pass calls."""
    calls = [line.partition("(")[0].rpartition(".")[2] for line in bound.backward if "(" in line]
    return calls[0] if calls else "it"


def _at_rest(bound: Binding) -> Binding:
    """Return a network whose updates move nothing: a loss that is computed after them is that of these parameters."""
    return bound if bound.rate is None else at_rate(bound, 0.0)


def _by_its_own(bound: Binding, truth: Truth) -> tuple[OfItsOwn, dict[str, Array]]:
    """Return a network by its own parameters, whose updates move nothing, and its gradients; none where it fails."""
    whole = OfItsOwn(bound=bound, truth=truth, shapes=())
    texts = {} if bound.own is None else bound.own.gradients
    with sandbox():
        shown = attempt(lambda texts: values(whole.with_backward(whole.ran_unmoved()), texts), texts)
    gradients = {name: np.array(g) for name, g in shown.items()} if isinstance(shown, dict) else {}
    return OfItsOwn(bound=_at_rest(bound), truth=truth, shapes=()), gradients


def _of_what_is_shown(whole: Whole, shown: Mapping[str, Array], losses: Losses) -> OwnLoss | None:
    contradicted = None
    with sandbox():
        for name, loss in losses:
            agrees = attempt(partial(_agrees, shown, whole), loss)
            if agrees is True:
                return OwnLoss(name=name, agrees=True)
            if agrees is False and not whole.bound.own_rate:  # at which it may be that after an update
                contradicted = contradicted or OwnLoss(name=name, agrees=False)
    return contradicted


def _agrees(shown: Mapping[str, Array], whole: Whole, loss: Callable[[Ran], float]) -> bool | None:
    """Tell whether gradients are the derivative of a loss, up to a constant; None where that can't be told."""
    constant = _constant(shown, whole, loss)
    return None if constant is None else not math.isnan(constant.factor)


def _constant(shown: Mapping[str, Array], whole: Whole, loss: Callable[[Ran], float]) -> Constant | None:
    """Return the constant between the derivative of a loss and gradients, NaN where there is none; None if unclear."""
    rng = np.random.default_rng(0)
    directions = [
        {name: NEARBY * rng.standard_normal(g.shape) / np.sqrt(g.size) for name, g in shown.items()}
        for _ in range(DIRECTIONS)
    ]
    slopes = [sum(float(np.vdot(g, v[name])) for name, g in shown.items()) for v in directions]
    lines = [partial(whole.moved, loss, v) for v in directions]
    found = constant_along(lines, slopes)
    if found is not None:
        return Constant(factor=found[0], error=found[1])
    derivatives = [extrapolated(line) for line in lines]
    clear = all(d.error <= CLEAR * abs(d.value) for d in derivatives)  # false of NaN
    clearly_none = clear and any(d.value for d in derivatives)  # a constant is no loss
    return Constant(factor=math.nan, error=0.0) if clearly_none else None


def gradients_of(shown: Observation) -> dict[str, Array]:
    """Return the gradients of all that moves a loss, by name: of parameters, x and h_0."""
    given = {name: getattr(shown, f"d_{name}") for name in GIVEN}
    return dict(shown.parameters) | {name: g for name, g in given.items() if g is not None}


def _losses(whole: Whole) -> Losses:
    """Yield how each loss can be read off a run of the forward pass, and what that is called."""
    yield from whole.returned_losses()
    target = _target(whole)
    if target is None:
        return
    ran = whole.ran_unmoved()
    model, code = ran.names.get("model"), ran.names["code"]
    methods = {f"model.{name}": method_of(model, name) for name in dir(type(model))}
    for call, function in (methods | {f"code.{name}": each for name, each in vars(code).items()}).items():
        name = call.partition(".")[2]
        if not names.CALLED_A_LOSS.fullmatch(name) or not callable(function):
            continue
        outputs = "result[0]" if isinstance(ran.names.get("result"), tuple) else "result"
        more = "".join(f", {each}" for each in _handed_to_both(whole, function))
        for arguments in ("target", "x, target", f"{outputs}, target"):
            loss = partial(_computed, f"float({call}({arguments}{more}))", target)
            if not isinstance(attempt(loss, ran), Failure):
                yield f"{name} computes", loss
                break


def _computed(text: str, target: Any, ran: Ran) -> float:  # noqa: ANN401 - targets come in many forms
    return float(value(ran, text, target=target))


def _handed_to_both(whole: Whole, loss: Callable[..., Any]) -> list[str]:
    """Return the arguments by name that a pass is handed, and that a loss has too: `mask=…`."""
    names_of_loss = {each.name for each in parameters_of(loss) or []}
    keywords = [k for call in _calls((*whole.bound.forward, *whole.bound.backward)) for k in call.keywords]
    handed = {k.arg: ast.unparse(k.value) for k in keywords if k.arg in names_of_loss}
    return [f"{name}={text}" for name, text in handed.items()]


def _target(whole: Whole) -> Any:  # noqa: ANN401
    """Return the targets that the backward pass is handed, None where it isn't handed any."""
    for call in _calls(whole.bound.backward):
        for text in map(ast.unparse, (*call.args, *(keyword.value for keyword in call.keywords))):
            if "p.targets" in text or "- p.d_y" in text or "- p.d_h" in text:
                return value(whole.ran_unmoved(), text, **whole.held)
    return None


def _calls(lines: Iterable[str]) -> Iterator[ast.Call]:
    """Yield the calls of a network's own code in some lines."""
    for node in (node for line in lines for node in ast.walk(ast.parse(line))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).partition(".")[0] in ("model", "code"):
            yield node
