"""`Bound`: a hand-written network together with the way to call it; and `Unbound`, how far each attempt got."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct, field

from conformance.cases import Case, Problem
from conformance.hand_written.calling.interface import Attempt, Interface
from conformance.subjects.observation import Observation
from refrnn import Array


class Loss(Struct, frozen=True, kw_only=True):
    """How the loss enters the backward pass.

    Attributes
    ----------
    kind
        "dL/dy", "dL/dh", "targets" (dL/dy = y − target times one constant), "binary cross-entropy" (dL/dy =
        sigmoid(y) − target), "squared error of sigmoid(y)" (that times sigmoid′) or "softmax cross-entropy".
    outputs
        What the loss sees: "y", or what the code makes of it, such as "softmax(y)".
    last
        Whether the loss sees the last step only.
    declared
        The loss as the code itself declares it, called on the outputs and targets of one run, where it could be.
    """

    kind: str
    outputs: str = "y"
    last: bool = False
    declared: str = ""


class Call(Struct, frozen=True, kw_only=True):
    """One forward and backward call of a network that lives on between calls.

    `before` and `after` are the arrays that it was handed and those that its forward pass returned, by a name a reader
    knows, as they were and as it left them; `copies`, by their paths, what it keeps where the first call left a copy of
    a gradient, and that gradient; `overwritten`, of the first call, what it returned that later calls changed.
    """

    observation: Observation
    before: Mapping[str, Array]
    after: Mapping[str, Array]
    copies: Mapping[str, tuple[Array, Array]] = {}
    overwritten: tuple[str, ...] = ()


class OwnForward(Struct, frozen=True, kw_only=True):
    """A network by its own parameters, whatever they mean: what its own forward says about its own gradients.

    Attributes
    ----------
    parameters
        Where the gradients were taken, by the code's own names.
    outputs
        From parameters (all of them, by name) to the outputs through which the loss sees the network.
    cotangent
        dL/doutputs that went into the backward pass, of the outputs' shape.
    gradients
        What the backward pass gave, by the same names, as far as it gave any.
    again
        What an equal second call gave, of a network that gave the same outputs in it; nothing where that isn't known.
    moved
        From parameters to the gradients there, with the same data; None where somebody said how it is called.
    """

    parameters: Mapping[str, Array]
    outputs: Callable[[Mapping[str, Array]], Array]
    cotangent: Array
    gradients: Mapping[str, Array]
    again: Mapping[str, Array] = MappingProxyType({})
    moved: Callable[[Mapping[str, Array]], Mapping[str, Array]] | None = None


class Bound(Protocol):
    """A subject, and everything that was found out about calling it."""

    name: str
    description: str
    problem_case: Case  # sizes, head, cotangents, initial state and nonlinearity that it admits
    interface: Interface
    loss: Loss | None  # None without a backward pass
    notes: Sequence[str]
    rate: float | None  # the learning rate with which gradients were read off in-place updates
    mistake: str  # the seam and choice by which its forward pass was recognised, if it is a wrong one
    contradicted: str  # what speaks against it though it agrees: another backward pass of it, another setting

    def admit(self, problem: Problem) -> Problem:
        """Return `problem` as this network can be asked it; `run` runs exactly the problem that this returns.

        What the network lacks is zero (a head without a bias), x is one-hot where
        it takes ids, and dL/dy is what its own loss makes of the targets (softmax(y) − target).
        """
        ...

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward on an admitted problem without changing it, and show what came out."""
        ...

    def calls(self, problems: Sequence[Problem]) -> Sequence[Call]:
        """Build one network, call it on one problem after the other, and return what each call did."""
        ...

    def own_forward(self) -> OwnForward:
        """Return the network by its own parameters, run once forward and backward."""
        ...


class Unbound(Struct, frozen=True, kw_only=True):
    """Nobody found out how to call it: what was tried, the furthest attempt first, and the skeleton to fill in."""

    target: str
    attempts: Sequence[Attempt] = field(default_factory=tuple)
    skeleton: str = ""
