"""Torch modules written by hand, called as they want to be: forward, and what autograd makes of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from msgspec import Struct

from conformance.cases import Case, Problem
from conformance.cases.head import HEAD_BIAS
from conformance.errors import Unsupported
from conformance.hand_written.calling import Call, Interface, Loss, OwnForward
from conformance.hand_written.calling.running.limits import empty_folder
from conformance.hand_written.torch_modules.calls import Calling, Outlet
from conformance.hand_written.torch_modules.plans import START, Plan
from conformance.subjects.observation import Observation
from refrnn import Array

if TYPE_CHECKING:
    import torch

Numbers: TypeAlias = Literal["double", "single"]
"""The precision in which a module runs."""

OWN_CELLS = (
    "its cells are torch's own, and its gradients autograd's: what differs is how it puts them together"
)


def is_module(value: object) -> bool:
    """Return whether `value` is a torch module or a class of them, without importing torch."""
    base = getattr(sys.modules.get("torch.nn"), "Module", None)
    kind = value if isinstance(value, type) else type(value)
    return base is not None and issubclass(kind, base)


class WrittenModule(Struct, frozen=True, kw_only=True):
    """A module with a way to call it.

    Attributes
    ----------
    plan
        What its parameters hold; those that it doesn't name keep numbers of their own.
    calling, outlets
        How it is called, and what is where in its results.
    numbers
        The precision in which it runs.
    of_torchs_cells
        Whether everything that it computes with is a cell of torch's own.
    contradicted
        What speaks against it though it agrees, in words: that it doesn't with another number of layers.
    """

    prototype: torch.nn.Module
    plan: Plan
    calling: Calling
    outlets: Sequence[Outlet] = ()
    numbers: Numbers = "double"
    of_torchs_cells: bool = False
    problem_case: Case
    name: str
    interface: Interface
    description: str = "a torch module, its gradients by autograd"
    loss: Loss | None = None
    notes: Sequence[str] = ()
    rate: float | None = None
    mistake: str = ""
    contradicted: str = ""

    def admit(self, problem: Problem) -> Problem:
        """Return `problem` with zeros for biases that the module doesn't have, and one learned start for all rows."""
        held = {name for part in self.plan.values() for name in part.names}
        kinds = {name.partition("_l")[0] for name in held}
        weights = {
            n: np.zeros_like(w) if n.startswith("bias") and n.partition("_l")[0] not in kinds else w
            for n, w in problem.weights.items()
        }
        head = problem.head
        if head is not None and head.bias is not None and HEAD_BIAS not in held:
            head = replace(head, bias=np.zeros_like(head.bias))
        h_0 = problem.h_0
        if h_0 is not None and START in held:
            first = problem.layout.batched_state(h_0)[:, :1]
            alike = np.repeat(first, problem.case.batch, axis=1)
            h_0 = problem.layout.restored_state(alike)
        return replace(problem, weights=MappingProxyType(weights), head=head, h_0=h_0)

    def run(self, problem: Problem) -> Observation:
        """Run the module and autograd on a copy of it."""
        return self._observed(deepcopy(self.prototype), problem)

    def calls(self, problems: Sequence[Problem]) -> Sequence[Call]:
        """Call one copy of the module on one problem after the other, its gradients left to autograd's own rules."""
        module = deepcopy(self.prototype)
        return [
            Call(observation=self._observed(module, p), before={"x": p.x}, after={"x": p.x}) for p in problems
        ]

    def own_forward(self) -> OwnForward:
        """Return the module as a function of its own parameters, whose gradients are autograd's.

        They agree with the forward pass unless something cuts the graph: a detached state, a function with a backward
        pass of its own.

        Raises
        ------
        Unsupported
            If it is a matter of torch's own cells put together, or runs in single precision.
        """
        if self.of_torchs_cells:
            raise Unsupported(OWN_CELLS)
        if self.numbers == "single":
            message = "it runs in single precision, too coarse for differences"
            raise Unsupported(message)
        from conformance.cases import materialise

        problem, module = self.admit(materialise(self.problem_case)), deepcopy(self.prototype)
        seen, _ = self._run(module, problem)
        (name, cotangent), *_ = cotangents_of(problem, seen)
        gradients = _gradients(module)

        def outputs(parameters: Mapping[str, Array]) -> Array:
            if any(np.iscomplexobj(array) for array in parameters.values()):
                message = "its parameters are real"
                raise Unsupported(message)
            return _array(self._forward(module, problem, parameters)[name])

        return OwnForward(
            parameters=self._values(module, problem),
            outputs=outputs,
            cotangent=cotangent,
            gradients=gradients,
        )

    def seen(self, problem: Problem) -> dict[str, Array]:
        """Return what the module's forward pass gives, time-major and batched, without differentiating it."""
        import torch

        module = deepcopy(self.prototype)
        with torch.no_grad():
            found = self._forward(module, problem, self._values(module, problem))
        return {name: _array(tensor) for name, tensor in found.items()}

    def results(self, problem: Problem) -> Any:  # noqa: ANN401 - whatever a module returns
        """Return what the module itself returns."""
        module = deepcopy(self.prototype)
        self._fill(module, self._values(module, problem))
        return self._results(module, problem)[0]

    def _observed(self, module: torch.nn.Module, problem: Problem) -> Observation:
        seen, (x, h_0) = self._run(module, problem)
        gradients: dict[str, Array] = {}
        for name, gradient in _gradients(module).items():
            if name in self.plan:
                gradients |= self.plan[name].gradients(gradient, problem.parameters)
        layout = problem.layout
        y = seen.get("y", _only_last(seen, problem.case))
        h_n, given = seen.get("h_n"), problem.h_0 is not None and h_0.grad is not None
        return Observation(
            output=None if "output" not in seen else layout.restored(_array(seen["output"])),
            h_n=None if h_n is None else layout.restored_state(_array(h_n)),
            y=None if y is None else layout.restored(_array(y)),
            d_x=None if x.grad is None or not gradients else layout.restored(_array(x.grad)),
            d_h_0=layout.restored_state(_array(h_0.grad)) if given and gradients else None,
            parameters={name: gradient.copy() for name, gradient in gradients.items()},
        )

    def _run(
        self, module: torch.nn.Module, problem: Problem
    ) -> tuple[dict[str, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
        """Run forward and backward, and return what the module gave, and x and h_0 with their gradients."""
        import torch

        if problem.h_0 is not None and not self.calling.state and not self._starts_as_learned:
            message = "it is called without an initial state here"
            raise Unsupported(message)
        for parameter in module.parameters():
            parameter.grad = None
        self._fill(module, self._values(module, problem))
        results, given = self._results(module, problem)
        seen = {outlet.what: outlet.of(results, problem.case) for outlet in self.outlets}
        loss = sum(
            (torch.tensor(cotangent.copy(), dtype=seen[name].dtype) * seen[name]).sum()
            for name, cotangent in cotangents_of(problem, seen)
        )
        if isinstance(loss, torch.Tensor) and loss.requires_grad:
            loss.backward()
        return seen, given

    @property
    def _starts_as_learned(self) -> bool:
        return any(part.names == (START,) for part in self.plan.values())

    def _values(self, module: torch.nn.Module, problem: Problem) -> dict[str, Array]:
        """Return what the module's parameters are set to."""
        arrays = {**problem.parameters, START: problem.initial_state[:, 0].reshape(1, -1)}
        return {
            name: np.ascontiguousarray(self.plan[name].value(arrays))
            if name in self.plan
            else np.random.default_rng(number).normal(0, 0.4, tuple(parameter.shape))
            for number, (name, parameter) in enumerate(module.named_parameters())
        }

    def _fill(self, module: torch.nn.Module, values: Mapping[str, Array]) -> None:
        import torch

        with torch.no_grad():
            for name, parameter in module.named_parameters():
                parameter.copy_(torch.tensor(values[name].copy()))

    def _forward(
        self, module: torch.nn.Module, problem: Problem, values: Mapping[str, Array]
    ) -> dict[str, torch.Tensor]:
        """Return what the module gives with these parameters."""
        self._fill(module, values)
        results, _ = self._results(module, problem)
        return {outlet.what: outlet.of(results, problem.case) for outlet in self.outlets}

    @empty_folder()
    def _results(
        self, module: torch.nn.Module, problem: Problem
    ) -> tuple[Any, tuple[torch.Tensor, torch.Tensor]]:
        """Call the module; return what it returns, and the x (T, B, I) and h_0 (L·D, B, H) that it was handed."""
        import torch

        with numbers_in(self.numbers) as dtype:
            x, h_0 = (
                torch.tensor(np.ascontiguousarray(array), dtype=dtype).requires_grad_()
                for array in (problem.layout.time_major(problem.x).copy(), problem.initial_state.copy())
            )
            return self.calling.results(module, x, h_0), (x, h_0)


@contextmanager
def numbers_in(numbers: Numbers) -> Iterator[torch.dtype]:
    """Let numbers that a module makes without saying in which precision be in this one."""
    import torch

    before = torch.get_default_dtype()
    dtype = torch.float64 if numbers == "double" else torch.float32
    torch.set_default_dtype(dtype)
    try:
        yield dtype
    finally:
        torch.set_default_dtype(before)


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
        yield "h_n", problem.layout.batched_state(problem.d_h_n)
    else:
        message = f"it gives {', '.join(seen) or 'nothing of a known shape'}, which this loss doesn't see"
        raise Unsupported(message)


def _gradients(module: torch.nn.Module) -> dict[str, Array]:
    """Return the gradients of all parameters that are to be trained: 0 for those that none has reached."""
    return {
        name: np.zeros(tuple(p.shape)) if p.grad is None else _array(p.grad)
        for name, p in module.named_parameters()
        if p.requires_grad
    }


def _only_last(seen: Mapping[str, torch.Tensor], case: Case) -> torch.Tensor | None:
    """Return y of the last step as a sequence that holds NaN before it, None where there is no such y."""
    if "y_last" not in seen:
        return None
    last = seen["y_last"]
    return last.new_full((case.steps, *last.shape), np.nan).index_copy(
        0, last.new_tensor([case.steps - 1]).long(), last[None]
    )


def _array(tensor: torch.Tensor) -> Array:
    return tensor.detach().numpy().copy()
