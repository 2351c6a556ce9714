"""Where code declares its loss: functions of outputs and targets, methods that keep the outputs, values, variables.

What is a function of outputs and targets is handed to `declared`. What needs the whole network (a method that keeps its
outputs, a loss that the backward call returns or writes down in a local variable) is run again with the parameters
moved a little, the targets held still.
"""

import inspect
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import replace as changed_in
from functools import partial
from typing import Any, cast

import numpy as np
from msgspec import Struct, field, structs
from msgspec.structs import replace

from conformance.cases import Problem
from conformance.hand_written.calling import Asked, Bound, Loss
from conformance.hand_written.calling.adapter import with_adapter
from conformance.hand_written.calling.backwards.entries import BINARY, SLOPED, SOFT_TARGETS, SQUARED
from conformance.hand_written.calling.binding import Binding, Own
from conformance.hand_written.calling.running.keeping import method_of
from conformance.hand_written.calling.running.limits import CALLS, sandbox
from conformance.hand_written.calling.running.program import Ran, more, run, value, values
from conformance.hand_written.calling.values.forms import numeric
from conformance.hand_written.checking.adapter import with_parameters
from conformance.hand_written.checking.declared import (
    DIRECTIONS,
    KINDS,
    Declared,
    Kinds,
    constant_along,
    declared_loss,
    target_layouts,
)
from conformance.hand_written.checking.judging import Truth
from conformance.hand_written.checking.running import Failure, attempt
from conformance.hand_written.diagnosis.naming import named
from refrnn import Array

LOSS = re.compile(
    r"loss|mse|sse|cost|err|entropy|criterion|objective|squar|score|nll|likelihood|energy|deviance|"
    r"custo(?!m)|cout|coût|kost|perd|pert(?!urb)|verlust|fehler|abweichung|quadrat|sunshi|eqm|ecm",
    re.IGNORECASE,
)
"""What a loss is called, in English and in other languages that code is written in."""

SLOPE = re.compile(r"grad|deriv|backward|prime|delta|^d_|_d$", re.IGNORECASE)

GIVEN = ("x", "h_0")
"""What a network is given beside its parameters, and may show the gradients of."""

SOFTMAX = "softmax(y)"

Y = "y = "
"""How the line begins that keeps the outputs of which targets are made."""


def loss_of(bound: Bound, truth: Truth, *, methods: bool = False) -> Declared | None:
    """Return the loss that the code of a bound network declares, None where none can be called.

    With `methods`, only what the network itself declares counts, not what stands beside it.

    Cross-entropy is only that of probabilities with targets that are one-hot, so where the outputs are probabilities
    it is asked with those as well.
    """
    if not isinstance(bound, Binding) or bound.loss is None or truth.problem.head is None:
        return None
    found = _declared(bound, truth, methods=methods)
    if found is not None or bound.loss.outputs != SOFTMAX or bound.traits.crossed:
        return found
    return _declared(
        bound, Truth.of(replace(bound.traits, crossed=True).admit(truth.problem)), methods=methods
    )


def _declared(bound: Binding, truth: Truth, *, methods: bool) -> Declared | None:
    head, y = truth.problem.head, truth.exact.y
    if bound.loss is None or head is None or head.d_y is None or y is None:
        return None
    major = truth.problem.layout.time_major
    with sandbox():
        shapes = _shapes_of_targets(bound, truth.problem)
        whole = Whole(bound=bound, truth=truth, shapes=shapes)
        if (found := _of_the_whole_network(whole, whole.returned_losses())) is not None:
            return found
        functions = _functions(bound, truth.problem, methods=methods)
        found = declared_loss(
            functions,
            major(y),
            major(head.d_y),
            last=bound.loss.last,
            kinds=_kinds(bound.loss),
            shapes=shapes,
        )
        return found or _of_the_whole_network(whole, whole.losses())


def _shapes_of_targets(bound: Binding, problem: Problem) -> set[tuple[int, ...]]:
    """Return the shapes of what is handed to both passes: targets of the loss look like those of the backward pass."""
    calls = attempt(bound.calls, [problem])
    return set() if isinstance(calls, Failure) else {np.shape(given) for given in calls[0].before.values()}


def _kinds(loss: Loss | None) -> Kinds:
    """Return the kinds of losses that what the loss sees leaves open."""
    if loss is None:
        return KINDS
    if loss.kind == SQUARED:
        return ()  # of a declared loss only the gradient by y is known, which isn't that of a squared error
    return {"y": KINDS, SOFTMAX: ("crossed",), "log softmax(y)": ("crossed",), "sigmoid(y)": ("binary",)}.get(
        loss.outputs, KINDS
    )


def by_another_loss(bound: Bound) -> Binding | None:
    """Return a network asked for the loss that makes a mistake of what it does, if that is the one it declares.

    It was asked for a loss of softmax(y) and may declare ½·Σ(y − target)², of which its outputs y are; or it was asked
    for the squared error of sigmoid(y) and may declare binary cross-entropy. None for any other.
    """
    if not isinstance(bound, Binding) or bound.loss is None:
        return None
    text = "".join((*bound.forward, *bound.backward))
    if SOFT_TARGETS in text:
        return _asked_otherwise(bound, SOFT_TARGETS, "p.y - ", replace(bound.loss, outputs="y"))
    if bound.loss.kind == SQUARED:
        sloped = next(each for each in SLOPED if each in text)
        return _asked_otherwise(bound, sloped, "p.d_y", replace(bound.loss, kind=BINARY))
    return None


def _asked_otherwise(bound: Binding, before: str, after: str, loss: Loss) -> Binding:
    lines, forward, backward = (
        tuple(line.replace(before, after) for line in part)
        for part in (bound.interface.lines, bound.forward, bound.backward)
    )
    interface = structs.replace(bound.interface, lines=lines)
    return with_adapter(replace(bound, forward=forward, backward=backward, loss=loss, interface=interface))


def _of_the_whole_network(whole: "Whole", losses: "Losses") -> Declared | None:
    """Return the first loss that the network keeps or returns, whose constant the sizes make: another is misread."""
    case = whole.truth.problem.case
    for name, loss in losses:
        found = attempt(whole.constant, loss)
        if found is not None and not isinstance(found, Failure) and named(found[0], case, found[1]):
            return Declared(name=name, factor=found[0], error=found[1])
    return None


class Whole(Struct, frozen=True, kw_only=True):
    """A network run with parameters moved a little, to see what that does to a loss that it keeps or returns."""

    bound: Binding
    truth: Truth
    shapes: Container[tuple[int, ...]]
    kept: dict[str, Any] = field(default_factory=dict)

    def returned_losses(self) -> "Losses":
        """Yield how a loss that a pass returns can be read off a run, and what that is called."""
        yield "its forward pass returns", lambda ran: _only_number(value(ran, "result"))
        yield "its backward pass returns", self.returned

    def losses(self) -> "Losses":
        """Yield how any other loss can be read off a run, and what that is called: local variables, then methods."""
        ran = self.ran_unmoved()
        for text in self._written_down():
            yield f"its variable {text.rpartition('[')[2][1:-2]} holds", partial(self._sum_of, text)
        for arguments in (1, 2):  # targets, or inputs and targets
            for name in _names(ran.names.get("model"), arguments=arguments):
                for target in self._targets():
                    yield f"{name} computes", partial(_kept, name, target, arguments == 2)

    def _targets(self) -> Iterator[Any]:
        major, problem = self.truth.problem.layout.time_major, self.truth.problem
        last = self.bound.loss is not None and self.bound.loss.last
        kinds = _kinds(self.bound.loss)
        found = target_layouts(major(self.truth.exact.y), major(problem.head.d_y), last=last, kinds=kinds)
        yield from sorted(found, key=lambda target: np.shape(target) not in self.shapes)

    def constant(self, loss: Callable[[Ran], float]) -> tuple[float, float] | None:
        """Return the constant between the derivative of `loss` by the parameters and the gradients asked for."""
        exact, parameters = self.truth.exact, self.truth.problem.parameters
        rng = np.random.default_rng(0)
        directions = [
            {n: rng.standard_normal(w.shape) / np.sqrt(w.size) for n, w in parameters.items()}
            for _ in range(DIRECTIONS)
        ]
        slopes = [sum(float(np.vdot(exact.parameters[n], v[n])) for n in parameters) for v in directions]
        return constant_along([partial(self.moved, loss, v) for v in directions], slopes)

    def moved(self, loss: Callable[[Ran], float], direction: Mapping[str, Array], s: float) -> float:
        """Return a loss after `s` times a direction was added to the parameters that it names, and to x and h_0."""
        problem = self.truth.problem
        changed = {name: w + s * direction.get(name, 0.0) for name, w in problem.parameters.items()}
        given = {name: getattr(problem, name) + s * direction[name] for name in GIVEN if name in direction}
        return loss(self._ran(changed_in(with_parameters(problem, changed), **given)))

    def returned(self, ran: Ran) -> float:
        """Return the one number among what the backward pass returns after a run of the forward pass."""
        return _only_number(value(self.with_backward(ran), "grads"))

    @property
    def held(self) -> dict[str, Any]:
        """The outputs of the unmoved network by the name y, as its code has them, where targets are made of them."""
        if not self.kept and any(line.startswith(Y) for line in self.bound.backward):
            lines = [line for line in self.bound.backward if line.startswith(Y)]
            self.kept["y"] = more(self.bound.loaded, self.ran_unmoved(), lines).names["y"]
        return self.kept

    def ran_unmoved(self) -> Ran:
        """Return a run of the forward pass as it is."""
        return self._ran(self.truth.problem)

    def _asked(self, problem: Problem) -> Asked:
        """Return `problem` as the code is asked it, its targets where the unmoved network has them."""
        return Held(problem, Asked(self.truth.problem))

    def _ran(self, problem: Problem) -> Ran:
        ran = run(self.bound.loaded, self._asked(problem), (*self.bound.build, *self.bound.forward))
        if ran.error is not None:
            raise ran.error
        return ran

    def _written_down(self) -> list[str]:
        """Return the expressions of local variables that are called like a loss, in what the backward pass calls."""
        seen = self.with_backward(self.ran_unmoved()).seen
        return [
            f"seen[{function!r}][-1][{name!r}]"
            for function, calls in seen.items()
            for name, held in calls[-1].items()
            if LOSS.search(name) and not SLOPE.search(name) and numeric(held) is not None
        ]

    def _sum_of(self, text: str, ran: Ran) -> float:
        """Return the sum of what a local variable of the backward pass holds."""
        return float(np.sum(value(self.with_backward(ran), text)))

    def with_backward(self, ran: Ran) -> Ran:
        """Return a run of the forward pass with the backward pass after it."""
        ran.names |= self.held
        ran = more(self.bound.loaded, ran, [line for line in self.bound.backward if not line.startswith(Y)])
        if ran.error is not None:
            raise ran.error
        return ran


class OfItsOwn(Whole, frozen=True, kw_only=True):
    """The same of a network that goes by its own parameters."""

    def moved(self, loss: Callable[[Ran], float], direction: Mapping[str, Array], s: float) -> float:
        """Return a loss after `s` times a direction was added to the parameters that it names, as the code has them."""
        bound, own = self.bound, cast("Own", self.bound.own)
        ran = run(bound.loaded, self._asked(self.truth.problem), bound.build)
        named = {name: text for name, text in own.parameters.items() if name in direction}
        ran.names["moved"] = {
            name: np.array(w) + s * direction[name] for name, w in values(ran, named).items()
        }
        ran = more(bound.loaded, ran, [f"{text}[...] = moved[{name!r}]" for name, text in named.items()])
        ran = more(bound.loaded, ran, bound.forward)
        if ran.error is not None:
            raise ran.error
        return loss(ran)


Losses = Iterator[tuple[str, Callable[[Ran], float]]]
"""What a loss is called, and how it is read off a run."""


class Held(Asked):
    """A problem whose targets and outputs stay those of another one, while its parameters move."""

    def __init__(self, problem: Problem, still: Asked) -> None:
        super().__init__(problem)
        self._still = still

    def __getattr__(self, name: str) -> Array:
        if name in ("y", "prob", "odds", "targets", "d_y"):
            return getattr(self.__dict__["_still"], name)
        return super().__getattr__(name)


def _functions(bound: Binding, problem: Problem, *, methods: bool) -> dict[str, Callable[..., Any]]:
    """Return the functions and methods of two arguments that may be the loss, by name."""
    ran = run(bound.loaded, Asked(problem), bound.build)
    model, code = ran.names.get("model"), {} if methods else vars(bound.loaded.code)
    found = {name: item for name, item in code.items() if _may_be_loss(name, item, arguments=2)}
    found |= {name: getattr(model, name) for name in _names(model, arguments=2)}
    return {name: _limited(function) for name, function in found.items()}


def _names(model: object, *, arguments: int) -> list[str]:
    """Return the names of a model's methods that may be its loss."""
    if model is None:
        return []
    names = [name for name in dir(type(model)) if not name.startswith("__")]
    return [name for name in names if _may_be_loss(name, method_of(model, name), arguments=arguments)]


def _may_be_loss(name: str, item: object, *, arguments: int) -> bool:
    """Return whether `item` is called like a loss and takes so many arguments, others having defaults."""
    if not LOSS.search(name) or SLOPE.search(name) or not inspect.isroutine(item):
        return False
    try:
        parameters = inspect.signature(item).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.default is p.empty and p.kind in positional for p in parameters) == arguments


def _kept(name: str, target: Any, read: bool, ran: Ran) -> float:  # noqa: ANN401, FBT001 - targets come in many forms
    """Return what a method of a network that has just run makes of a target, or of the inputs and a target."""
    method = _limited(getattr(ran.names["model"], name))
    return float(method(ran.names["x"], target) if read else method(target))


def _limited(function: Callable[..., Any]) -> Callable[..., Any]:
    def limited(*arguments: Any) -> Any:  # noqa: ANN401 - whatever a loss takes and gives
        with CALLS.one_call():
            return function(*arguments)

    return limited


def _only_number(returned: Any) -> float:  # noqa: ANN401 - whatever the code returns
    """Return the one number among what a call returned.

    Raises
    ------
    TypeError
        If there isn't exactly one.
    """
    if isinstance(returned, float | np.floating):
        return float(returned)
    inner = returned.values() if isinstance(returned, dict) else returned
    parts = list(inner) if isinstance(inner, Iterable) else []
    numbers = [
        part for part in parts if isinstance(part, float | np.floating | np.ndarray) and np.ndim(part) == 0
    ]
    if len(numbers) != 1:
        message = f"{len(numbers)} numbers among what was returned"
        raise TypeError(message)
    return float(numbers[0])
