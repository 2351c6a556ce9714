"""Gradients held against the loss that the code itself computes: they are its derivative, or they contradict it.

The loss is what the backward call returns, or what a function or method called a loss makes of the very targets that
the backward pass was handed. It is differentiated numerically along random directions of all parameters whose gradients
are shown; the derivatives must be one constant times what the gradients say.
"""

import ast
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from msgspec import Struct

from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.running.keeping import method_of
from conformance.hand_written.calling.running.limits import sandbox
from conformance.hand_written.calling.running.program import Ran, value, values
from conformance.hand_written.checking.choosing import Candidate
from conformance.hand_written.checking.declared import DIRECTIONS, constant_along
from conformance.hand_written.checking.differences import CLEAR, extrapolated
from conformance.hand_written.checking.losses import GIVEN, Losses, OfItsOwn, Whole
from conformance.hand_written.checking.running import Failure, attempt
from conformance.subjects.observation import Observation
from refrnn import Array

NEARBY = 2.0**-5
"""How much smaller than usual the steps of differences are, so that few of them cross a kink of the loss."""


class OwnLoss(Struct, frozen=True, kw_only=True):
    """A loss that the code computes, and whether its gradients are that loss's, up to one constant."""

    name: str
    agrees: bool


def own_loss(candidate: Candidate) -> OwnLoss | None:
    """Return the loss that says most about the gradients shown: one they agree with, or one that they contradict.

    None where no loss can be called, or none is smooth enough to say anything.
    """
    bound, truth = candidate.bound, candidate.answer.truth
    if not isinstance(bound, Binding) or not bound.backward or candidate.outcome.forward == "differs":
        return None
    shown = gradients_of(candidate.answer.tidied.observation)
    return _of_what_is_shown(Whole(bound=bound, truth=truth, shapes=()), shown)


def loss_of_another(candidate: Candidate) -> OwnLoss | None:
    """Return the same of another network than the reference, by its own parameters."""
    bound, truth = candidate.bound, candidate.answer.truth
    if not isinstance(bound, Binding) or not bound.backward or bound.own is None:
        return None
    whole = OfItsOwn(bound=bound, truth=truth, shapes=())
    with sandbox():
        shown = attempt(
            lambda own: values(whole.with_backward(whole.ran_unmoved()), own.gradients), bound.own
        )
    if not isinstance(shown, dict):
        return None
    return _of_what_is_shown(whole, {name: np.array(g) for name, g in shown.items()})


def _of_what_is_shown(whole: Whole, shown: Mapping[str, Array]) -> OwnLoss | None:
    contradicted = None
    with sandbox():
        for name, loss in _losses(whole):
            agrees = attempt(partial(_agrees, shown, whole), loss)
            if agrees is True:
                return OwnLoss(name=name, agrees=True)
            if agrees is False:
                contradicted = contradicted or OwnLoss(name=name, agrees=False)
    return contradicted


def _agrees(shown: Mapping[str, Array], whole: Whole, loss: Callable[[Ran], float]) -> bool | None:
    """Tell whether gradients are the derivative of a loss, up to a constant; None where that can't be told."""
    rng = np.random.default_rng(0)
    directions = [
        {name: NEARBY * rng.standard_normal(g.shape) / np.sqrt(g.size) for name, g in shown.items()}
        for _ in range(DIRECTIONS)
    ]
    slopes = [sum(float(np.vdot(g, v[name])) for name, g in shown.items()) for v in directions]
    lines = [partial(whole.moved, loss, v) for v in directions]
    if constant_along(lines, slopes) is not None:
        return True
    derivatives = [extrapolated(line) for line in lines]
    clear = all(d.error <= CLEAR * abs(d.value) for d in derivatives)  # false of NaN
    return False if clear and any(d.value for d in derivatives) else None  # a constant is no loss


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
        for arguments in ("target", "x, target", f"{outputs}, target"):
            loss = partial(_computed, f"float({call}({arguments}))", target)
            if not isinstance(attempt(loss, ran), Failure):
                yield f"{name} computes", loss
                break


def _computed(text: str, target: Any, ran: Ran) -> float:  # noqa: ANN401 - targets come in many forms
    return float(value(ran, text, target=target))


def _target(whole: Whole) -> Any:  # noqa: ANN401
    """Return the targets that the backward pass is handed, None where it isn't handed any."""
    for line in whole.bound.backward:
        for call in (node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call)):
            if ast.unparse(call.func).partition(".")[0] not in ("model", "code"):
                continue
            texts = [
                ast.unparse(each) for each in (*call.args, *(keyword.value for keyword in call.keywords))
            ]
            for text in texts:
                if "p.targets" in text or "- p.d_y" in text or "- p.d_h" in text:
                    return value(whole.ran_unmoved(), text, **whole.held)
    return None
