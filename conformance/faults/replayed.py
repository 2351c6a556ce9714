"""What a subject has shown of a problem already, so that it needn't be run again to be judged."""

from collections.abc import Mapping
from dataclasses import fields

import numpy as np
from msgspec import Struct

from conformance.cases import Problem
from conformance.subjects.observation import Observation, Subject


class Replayed(Struct, frozen=True):
    """A subject that shows of one problem what it showed before, and is run on every other."""

    subject: Subject
    problem: Problem
    shown: Observation

    @property
    def name(self) -> str:
        """That of the subject."""
        return self.subject.name

    @property
    def description(self) -> str:
        """That of the subject."""
        return self.subject.description

    def run(self, problem: Problem) -> Observation:
        """Show what is known of `problem`, or run the subject on it."""
        return self.shown if problem is self.problem else self.subject.run(problem)


def same(one: Observation, other: Observation) -> bool:
    """Return whether two observations hold the same arrays bit for bit."""
    return all(_same(getattr(one, part.name), getattr(other, part.name)) for part in fields(one))


def _same(one: object, other: object) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and one.tobytes() == other.tobytes()
    return one is other
