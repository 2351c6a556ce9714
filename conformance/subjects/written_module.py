"""Torch modules written by hand, called as it wants to be: forward, and what autograd makes of it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from conformance.calling import Call, Interface, Loss, OwnForward
from conformance.calling.running.limits import empty_folder
from conformance.cases import Case, Problem, materialise
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.errors import Unsupported
from conformance.observation import Observation
from conformance.subjects.module_plans import Plan, Sizes, plans
from refrnn import Array

if TYPE_CHECKING:
    import torch

State: TypeAlias = Literal["", "(B, H)", "(1, B, H)"]
STATES: tuple[State, ...] = ("", "(B, H)", "(1, B, H)")
"""How an initial state is passed; "" for not at all."""

MOST = 24
"""Ways of calling one module that are handed on."""

OURS: Sizes = (4, 6, 5)
"""I, H and O of a module that is built here, T = 7 and B = 3 added: no size equals another."""

LETTERS = {
    "in": 0,
    "feature": 0,
    "embed": 0,
    "hid": 1,
    "unit": 1,
    "state": 1,
    "out": 2,
    "class": 2,
    "vocab": 0,
}
"""Parts of the names of a constructor's arguments, and the size that is meant."""


def is_module(value: object) -> bool:
    """Return whether `value` is a torch module or a class of them, without importing torch."""
    base = getattr(sys.modules.get("torch.nn"), "Module", None)
    kind = value if isinstance(value, type) else type(value)
    return base is not None and issubclass(kind, base)


def module_bounds(value: Any) -> Iterator[WrittenModule]:  # noqa: ANN401 - a module or a class of them
    """Yield the ways of calling a module, or a class of them, that run; the usual ones first.

    Raises
    ------
    Unsupported
        If it can't be built, or if no way of reading its parameters as those of an Elman network runs.
    """
    prototype = (built(value) if isinstance(value, type) else deepcopy(value)).double()
    shapes = {name: tuple(p.shape) for name, p in prototype.named_parameters()}
    readings = (
        (plan, sizes, state)
        for sizes in sizes_of(shapes)
        for plan, state in product(plans(shapes, sizes), STATES)
    )
    found = 0
    for plan, sizes, state in readings:
        bound = running(prototype, plan, sizes, state)
        if bound is not None:
            yield bound
            found += 1
        if found == MOST:
            return
    if not found:
        held = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        message = f"no way of reading its parameters as those of an Elman network runs: it has {held}"
        raise Unsupported(message)


@empty_folder()
def built(kind: type) -> torch.nn.Module:
    """Return a module of our sizes, each argument of the constructor given by what its name means.

    Raises
    ------
    Unsupported
        If the constructor doesn't take that; the message has its own words.
    """
    arguments: dict[str, int] = {}
    for parameter in inspect.signature(kind).parameters.values():
        meant = next((size for part, size in LETTERS.items() if part in parameter.name.lower()), None)
        if meant is not None:
            arguments[parameter.name] = OURS[meant]
        elif parameter.default is parameter.empty:
            arguments[parameter.name] = 1
    try:
        return kind(**arguments)
    except Exception as error:
        message = f"{kind.__name__}({', '.join(f'{k}={v}' for k, v in arguments.items())}) raises {error!r}"
        raise Unsupported(message) from error


def sizes_of(shapes: Mapping[str, tuple[int, ...]]) -> list[Sizes]:
    """Return the sizes I, H, O that parameters of these shapes may have: ours first."""
    dimensions = sorted({n for shape in shapes.values() for n in shape})
    sums = {a - b for a in dimensions for b in dimensions if a > b}
    possible = [n for n in sorted({*dimensions, *sums}) if n > 0]
    found = [
        (i, h, o)
        for h in possible
        for i in possible
        for o in possible
        if (h,) in shapes.values() or (h, h) in shapes.values()
    ]
    return sorted(found, key=lambda sizes: (sizes != OURS, len(set(sizes)) < 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenModule:
    """A module with a way to call it."""

    prototype: torch.nn.Module
    plan: Plan
    state: State
    problem_case: Case
    name: str
    interface: Interface
    description: str = "a torch module, its gradients by autograd"
    loss: Loss | None = None
    notes: Sequence[str] = ()
    rate: float | None = None
    mistake: str = ""

    def admit(self, problem: Problem) -> Problem:
        """Return `problem` with zeros for the biases that the module doesn't have."""
        held = {name for part in self.plan.parts.values() for name in part.names}
        weights = {
            n: w if n in held or not n.startswith("bias") else np.zeros_like(w)
            for n, w in problem.weights.items()
        }
        head = problem.head
        if head is not None and head.bias is not None and HEAD_BIAS not in held:
            head = replace(head, bias=np.zeros_like(head.bias))
        return replace(problem, weights=MappingProxyType(weights), head=head)

    def run(self, problem: Problem) -> Observation:
        """Run the module and autograd on a copy of it."""
        return self._called(deepcopy(self.prototype), problem)

    def calls(self, problem: Problem, count: int) -> Sequence[Call]:
        """Call one copy of the module several times, its gradients left to autograd's own rules."""
        module = deepcopy(self.prototype)
        given = {"x": problem.x}
        return [
            Call(observation=self._called(module, problem), before=given, after=given) for _ in range(count)
        ]

    def own_forward(self) -> OwnForward:
        """Raise `Unsupported`: autograd differentiates whatever its forward pass is.

        Raises
        ------
        Unsupported
            Always.
        """
        message = "they are autograd's, which differentiates whatever the forward pass is"
        raise Unsupported(message)

    @empty_folder()
    def _called(self, module: torch.nn.Module, problem: Problem) -> Observation:
        import torch

        if problem.h_0 is not None and not self.state:
            message = "it is called without an initial state here"
            raise Unsupported(message)
        arrays, major = problem.parameters, problem.layout.time_major
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                parameter.grad = None
                parameter.copy_(torch.tensor(self.plan.parts[name].value(arrays).copy()))
        x = torch.tensor(major(problem.x).copy(), requires_grad=True)
        h_0 = torch.tensor(problem.initial_state[0].copy(), requires_grad=True)
        seen = self._forward(module, x, h_0, problem.case)
        loss = sum(
            (torch.tensor(cotangent.copy()) * seen[name]).sum()
            for name, cotangent in cotangents_of(problem, seen)
        )
        gradients: dict[str, Array] = {}
        if isinstance(loss, torch.Tensor) and loss.requires_grad:
            loss.backward()
            for name, parameter in module.named_parameters():
                if parameter.grad is not None:
                    gradients |= self.plan.parts[name].gradients(parameter.grad.numpy(), arrays)
        return Observation(
            output=_array(seen.get("output")),
            h_n=None if "h_n" not in seen else _array(seen["h_n"][None]),
            y=_array(seen.get("y", _only_last(seen, problem.case))),
            d_x=_array(x.grad),
            d_h_0=None if h_0.grad is None or problem.h_0 is None else _array(h_0.grad[None]),
            parameters={name: gradient.copy() for name, gradient in gradients.items()},
        )

    def _forward(
        self, module: torch.nn.Module, x: torch.Tensor, h_0: torch.Tensor, case: Case
    ) -> dict[str, torch.Tensor]:
        """Call the module and return what its outputs are, time-major: y or y_last, output, h_n."""
        if self.plan.calling == "step by step":
            return self._stepped(module, x, h_0, case)
        inputs = x if self.plan.calling == "(T, B, I)" else x.transpose(0, 1)
        states = {"": (), "(B, H)": (h_0,), "(1, B, H)": (h_0[None],)}[self.state]
        return sorted_out(_flat(module(inputs, *states)), case, batch_first=self.plan.calling == "(B, T, I)")

    def _stepped(
        self, module: torch.nn.Module, x: torch.Tensor, h_0: torch.Tensor, case: Case
    ) -> dict[str, torch.Tensor]:
        import torch

        h, kept = h_0, {"y": [], "output": []}
        for x_t in x:
            results = _flat(module(x_t, h if self.state == "(B, H)" else h[None]))
            widths = {tuple(r.shape): r for r in results}
            state = widths.get((case.batch, case.hidden_size), widths.get((1, case.batch, case.hidden_size)))
            if state is None:
                message = "a step gives no new state"
                raise Unsupported(message)
            h = state.reshape(case.batch, case.hidden_size)
            kept["output"].append(h)
            if (case.batch, case.output_size) in widths:
                kept["y"].append(widths[case.batch, case.output_size])
        return {name: torch.stack(steps) for name, steps in kept.items() if steps}


def running(prototype: torch.nn.Module, plan: Plan, sizes: Sizes, state: State) -> WrittenModule | None:
    """Return the module read by `plan` with the case that its outputs admit, None where it doesn't run so."""
    held = {name for part in plan.parts.values() for name in part.names}
    inputs, hidden, outputs = sizes
    asked = Case(
        nonlinearity="tanh",
        steps=7,
        batch=3,
        input_size=inputs,
        hidden_size=hidden,
        output_size=outputs if HEAD_WEIGHT in held else 0,
        h_0=False,
        cotangents="output",
        dtype="f64",
        regime="gain1.2",
        bias="bias_ih_l0" in held,
    )
    bound = WrittenModule(
        prototype=prototype,
        plan=plan,
        state=state,
        problem_case=asked,
        name=type(prototype).__name__,
        interface=Interface(target=type(prototype).__name__, lines=tuple(lines_of(plan, state))),
    )
    for cotangents in ("output", "last", "h_n"):
        case = replace(asked, cotangents=cotangents)
        try:
            bound.run(bound.admit(materialise(case)))
        except Exception:  # noqa: BLE001, S112 - a module refuses what it isn't meant for in its own ways
            continue
        return replace(bound, problem_case=case)
    return None


def lines_of(plan: Plan, state: State) -> Iterator[str]:
    """Yield how a module is read, a line for each thing."""
    called = "x of one step (B, I)" if plan.calling == "step by step" else f"x {plan.calling}"
    yield f"called with {called}{f', h {state}' if state else ''}; gradients by autograd"
    yield from (f"{name} = {part}" for name, part in plan.parts.items())


def cotangents_of(problem: Problem, seen: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, Array]]:
    """Yield the outputs through which the loss sees a module, with their cotangents.

    Raises
    ------
    Unsupported
        If it doesn't give an output that the problem's loss sees.
    """
    head, case, major = problem.head, problem.case, problem.layout.time_major
    if case.cotangents == "last" and head is not None and "y_last" in seen:
        yield "y_last", major(head.d_y)[-1]
    elif case.cotangents == "output" and head is not None and "y" in seen and head.d_y is not None:
        yield "y", major(head.d_y)
    elif case.cotangents == "output" and head is None and "output" in seen and problem.d_output is not None:
        yield "output", major(problem.d_output)
    elif case.cotangents == "h_n" and head is None and "h_n" in seen and problem.d_h_n is not None:
        yield "h_n", problem.layout.batched_state(problem.d_h_n)[0]
    else:
        message = f"it gives {', '.join(seen) or 'nothing of a known shape'}, which this loss doesn't see"
        raise Unsupported(message)


def sorted_out(results: Iterable[torch.Tensor], case: Case, *, batch_first: bool) -> dict[str, torch.Tensor]:
    """Return what a module's results are by their shapes, sequences time-major."""
    found: dict[str, torch.Tensor] = {}
    for result in results:
        shape, width = tuple(result.shape), result.shape[-1]
        sequence = (case.batch, case.steps) if batch_first else (case.steps, case.batch)
        name = {case.hidden_size: "output", case.output_size: "y"}.get(width)
        if name is not None and shape[:-1] == sequence:
            found[name] = result.transpose(0, 1) if batch_first else result
        elif name == "y" and shape[:-1] == (case.batch,):
            found["y_last"] = result
        elif name == "output" and shape[:-1] in ((case.batch,), (1, case.batch)):
            found["h_n"] = result.reshape(case.batch, -1)
    return found


def _only_last(seen: Mapping[str, torch.Tensor], case: Case) -> torch.Tensor | None:
    """Return y of the last step as a sequence that holds NaN before it, None where there is no such y."""
    if "y_last" not in seen:
        return None
    last = seen["y_last"]
    return last.new_full((case.steps, *last.shape), np.nan).index_copy(
        0, last.new_tensor([case.steps - 1]).long(), last[None]
    )


def _flat(results: Any) -> list[torch.Tensor]:  # noqa: ANN401 - whatever a module returns
    """Return all tensors of nested tuples, lists and dicts."""
    if hasattr(results, "detach"):
        return [results]
    inner = results.values() if isinstance(results, Mapping) else results
    return [tensor for part in inner for tensor in _flat(part)] if isinstance(inner, Iterable) else []


def _array(tensor: torch.Tensor | None) -> Array | None:
    return None if tensor is None else tensor.detach().numpy().copy()
