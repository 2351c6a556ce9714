"""What a check reads of a network that it was told, or found out, how to call. Whatever is missing isn't checked.

`conformance.handwritten` makes such objects by inference or from a declaration; `adapted` makes one of any subject.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from conformance.cases import Case, Problem
from conformance.observation import Observation
from refrnn import Array


class Bound(Protocol):
    """A subject, and the case that it admits: sizes, head, cotangents, initial state, nonlinearity."""

    name: str
    description: str
    problem_case: Case

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward on `problem` without changing it, and show what came out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One forward and backward call of a network that lives on between calls.

    Attributes
    ----------
    observation
        What it showed.
    before, after
        The arrays that it was handed, by a name a reader knows ("x", "dL/dy"), as they were and as it left them.
    """

    observation: Observation
    before: Mapping[str, Array]
    after: Mapping[str, Array]


@runtime_checkable
class Repeats(Protocol):
    """A bound network whose calls can be repeated on one and the same object, with its weights put back in between."""

    def calls(self, problem: Problem, count: int) -> Sequence[Call]:
        """Build one network, call it `count` times on the same problem, and return what each call did."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnForward:
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
    """

    parameters: Mapping[str, Array]
    outputs: Callable[[Mapping[str, Array]], Array]
    cotangent: Array
    gradients: Mapping[str, Array]


@runtime_checkable
class ShowsOwnForward(Protocol):
    """A network, bound to torch's parameters or not, that can be judged by its own forward pass."""

    def own_forward(self) -> OwnForward:
        """Return it, run once forward and backward."""
        ...
