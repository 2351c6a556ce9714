"""What a diagnosis starts from: a problem, and what a network showed on it."""

from collections.abc import Callable

from msgspec import Struct

from conformance.cases import Case, Problem
from conformance.faults import RIGHT, Choices
from conformance.subjects.observation import Observation


class Evidence(Struct, frozen=True, kw_only=True):
    """One run of a network, whose forward or backward pass is wrong somewhere.

    Attributes
    ----------
    problem
        The question as it was put.
    observation
        What the network showed, in float64; each part is optional, and what is absent tells nothing.
    rate
        The learning rate with which the network updated its own parameters, where it did.
    early
        Whether what it shows may depend on that rate, so that parameters may have been changed before they were used.
    single
        Whether the network computes in single precision somewhere, so that only its rounding can be asked for.
    crossed
        Whether its loss makes dL/dy of its own outputs: softmax(y) − one-hot.
    assumed
        The forward pass that its outputs were recognised by, where they themselves aren't shown.
    """

    problem: Problem
    observation: Observation
    rate: float | None = None
    early: bool = True
    single: bool = False
    crossed: bool = False
    assumed: Choices = RIGHT


Probe = Callable[[Case], Evidence | None]
"""Runs the same network in another case, as far as it admits that; None where it doesn't."""
