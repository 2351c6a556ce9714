"""`Lack`: something that data don't have, with what it hides."""

from collections.abc import Callable

from msgspec import Struct

from conformance.cases import Problem
from conformance.subjects.observation import Observation

Question = Callable[[Problem, Observation], bool]
"""Asked of a problem and of what the reference shows of it."""


class Lack(Struct, frozen=True, kw_only=True):
    """Something that the data of a problem don't have.

    Attributes
    ----------
    name
        What is so, such as "T = 1".
    hides
        What can't show for that, as a clause.
    faults
        The entries of the catalogue that change nothing then.
    applies
        Whether it is so.
    """

    name: str
    hides: str
    faults: tuple[str, ...]
    applies: Question
