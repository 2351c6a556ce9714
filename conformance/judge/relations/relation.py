"""`Relation`: a law that must hold between two runs of the same subject, whatever the right answer is."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

from msgspec import Struct

from conformance.cases import Case, Problem
from conformance.subjects.observation import Observation
from refrnn import Array, Layout

Run = Callable[[Problem], Observation]
"""The subject's `run`."""

Need = Literal["nothing", "output", "final states", "gradients"]
"""What of a run a law builds on: the output; that and the final states; the gradients of all parameters."""


class Pair(Struct, frozen=True, kw_only=True):
    """One result in two ways, time-major and batched, and where it stands in that result of the whole problem.

    `where` indexes the result called `result` (as in `judge.results`), so that the noise of the whole serves both.
    """

    result: str
    got: Array
    expected: Array
    where: tuple[Any, ...] = ()


class Relation(Struct, frozen=True, kw_only=True):
    """A law, to which problems it applies, and the pairs that it makes equal.

    `scale` says how equal: "exact" (bit for bit) or "noise" (as two correct programs on the same problem). `needs` is
    what a subject must show of a problem for it. With `any_head` it leaves the layout and the samples of the problem as
    they are, so that it can be asked of networks with a head as well.
    """

    name: str
    scale: Literal["exact", "noise"]
    applies: Callable[[Case], bool]
    pairs: Callable[[Problem, Run, Observation], Iterator[Pair]]
    needs: Need = "output"
    any_head: bool = False


def variant(problem: Problem, case: dict[str, object], **arrays: Array | Layout | None) -> Problem:
    """Return `problem` with another case and other arrays, given in the new case's layout."""
    return replace(problem, case=replace(problem.case, **case), **arrays)  # pyright: ignore[reportArgumentType]
