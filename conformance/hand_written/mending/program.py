"""`Program`: a network with the lines that call it, to be run again and again under other code of its own."""

from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

import numpy as np
from msgspec import Struct

from conformance.cases import Problem
from conformance.hand_written.calling.asking import Asked
from conformance.hand_written.calling.binding import BOTH, Binding
from conformance.hand_written.calling.running.clipping import clipping
from conformance.hand_written.calling.running.limits import CALLS, seeded
from conformance.hand_written.calling.running.program import Ran, begun, compiled, value, values
from conformance.hand_written.calling.running.watch import Watch, watched
from conformance.hand_written.calling.showing import observed
from conformance.subjects.observation import Observation
from refrnn import Array

SIDES = ("d_x", "d_h_0", "d_c_0")
"""Gradients that are no parameter's."""


class Program(Struct, frozen=True, kw_only=True):
    """A network that is asked one problem, as often as its code is changed.

    Attributes
    ----------
    binding, problem
        How it is called, and what it is asked.
    p
        The problem's arrays, as the lines that call it name them.
    cotangents
        By the expression of what the loss sees, dL/d of it: the loss is the sum of their products.
    by_itself
        Whether gradients are those of its own parameters, under its own names, and not torch's.
    """

    binding: Binding
    problem: Problem
    p: Asked
    cotangents: Mapping[str, Array]
    by_itself: bool = False

    @property
    def at_once(self) -> bool:
        """Whether one call does both passes."""
        return BOTH in self.binding.backward

    @property
    def before_the_loss(self) -> tuple[str, ...]:
        """The lines after which what the loss sees is there."""
        return (*self._forward, *(self.binding.backward if self.at_once else ()))

    @property
    def _forward(self) -> tuple[str, ...]:
        bound = self.binding
        return bound.from_h_0 if self.problem.case.h_0 and bound.from_h_0 else bound.forward

    @property
    def _watches(self) -> bool:
        shown = {**self.binding.shown, **(self.binding.own.gradients if self.binding.own else {})}
        return any("seen" in text for text in (*shown.values(), *self.cotangents))

    def start(self, given: Mapping[str, Array] | None = None) -> Ran:
        """Return the network built; its own parameters are set to what is `given`."""
        self.binding.loaded.reset()
        seeded()
        ran = begun(self.binding.loaded, self.p)
        self._exec(ran, self.binding.build)
        if given:
            ran.names["given"] = given
            own = self.binding.own
            texts = {} if own is None else own.parameters
            self._exec(ran, tuple(f"{texts[name]}[...] = given[{name!r}]" for name in given))
        return ran

    def own(self, ran: Ran, name: str) -> Any:
        """Return one of the network's own parameters."""
        texts = {} if self.binding.own is None else self.binding.own.parameters
        return value(ran, texts[name])

    def forward(self, ran: Ran) -> Array:
        """Run the forward pass, and return what each step adds to the loss (T,); of its own loss, the whole alone (1,).

        It is the product of what the loss sees of that step with its cotangent.
        """
        self.run_forward(ran)
        losses = np.zeros(1 if self.by_itself else self.problem.case.steps)
        for text, cotangent in self.cotangents.items():
            seen = np.asarray(value(ran, text))
            if seen.ndim != cotangent.ndim:
                return np.full(losses.shape, np.nan)
            products = cotangent[-len(seen) :] * seen
            if self.by_itself:
                losses += products.sum()
            else:
                losses[-len(products) :] += products.reshape(len(products), -1).sum(axis=1)
        return losses

    def run_forward(self, ran: Ran, compiling: Callable[[tuple[str, ...]], CodeType] = compiled) -> None:
        """Run the forward pass, our lines that call it compiled so."""
        self._exec(ran, self.before_the_loss, compiling)

    def both(self) -> Ran:
        """Run both passes."""
        ran = self.start()
        self._exec(ran, self._forward)
        with clipping(lifted=self.binding.lifted or not self.at_once):  # no forward pass is cut off by that
            self._exec(ran, self.binding.backward)
        return ran

    def gradients(self, ran: Ran) -> dict[str, Array]:
        """Return what the backward pass gave, by name."""
        bound = self.binding
        if self.by_itself:
            own = {} if bound.own is None else bound.own.gradients
            return {name: np.asarray(g) for name, g in values(ran, own).items()}
        return _gradients(observed(self.problem, **values(ran, bound.shown)))

    def _exec(
        self, ran: Ran, lines: tuple[str, ...], compiling: Callable[[tuple[str, ...]], CodeType] = compiled
    ) -> None:
        code = compiling(lines)
        with CALLS.one_call():
            if self._watches:
                ran.names["seen"] = ran.seen
                with watched(self.binding.loaded.files, Watch(seen=ran.seen, handed=ran.handed)):
                    exec(code, ran.names)
            else:
                exec(code, ran.names)


def _gradients(shown: Observation) -> dict[str, Array]:
    """Return the gradients in an observation by name."""
    sides = {name: getattr(shown, name) for name in SIDES}
    return {**shown.parameters, **{name: g for name, g in sides.items() if g is not None}}


def program_of(binding: Binding, problem: Problem, *, by_itself: bool) -> Program | None:
    """Return a network that is asked an admitted `problem`; None where nothing that the loss sees is shown."""
    p = Asked(problem)
    if by_itself:
        if binding.own is None:
            return None
        plain = Program(binding=binding, problem=problem, p=p, cotangents={}, by_itself=True)
        ran = plain.both()
        cotangents = {binding.own.outputs: np.array(value(ran, binding.own.cotangent), float)}
    else:
        cotangents = _cotangents(binding, p, problem)
    if not cotangents:
        return None
    return Program(binding=binding, problem=problem, p=p, cotangents=cotangents, by_itself=by_itself)


def _cotangents(binding: Binding, p: Asked, problem: Problem) -> dict[str, Array]:
    """Return what the loss sees of the forward pass of torch's network, y or the states, with its cotangent."""
    shown = binding.shown
    if problem.head is not None and "y" in shown:
        return {shown["y"]: p.d_y}
    if "h" not in shown:
        return {}
    found: dict[str, Any] = {}
    if problem.d_output is not None:
        found[shown["h"]] = p.d_h
    if problem.d_h_n is not None:
        found[f"np.asarray({shown['h']})[-1:]"] = p.d_h_n[np.newaxis]
    return found
