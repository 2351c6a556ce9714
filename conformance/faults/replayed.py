"""What a subject has shown of a problem already, so that it needn't be run again to be judged."""

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
