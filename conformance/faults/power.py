"""Detection power: what the very checks and data of a run would have caught, missed, and falsely accused.

Three measurements on the cases of a suite, all on black boxes, which are the hardest to judge:

    mutants        every fault of the catalogue, and every mistake of an LSTM or GRU, as a network that has it: caught
                   if any case finds that it differs
    disturbances   torch's own results, one of them off by a small relative amount, as a whole or in its largest
                   element: each must differ where its noise is small enough to see that
    the right      torch itself and the right network of the catalogue: neither may differ anywhere
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import Struct, field

from conformance.cases import FORMATS, Case, Problem, can_be_drawn, parse_id
from conformance.errors import Unsupported, UsageError
from conformance.examination.engine import examine, problem_of, verdict_on
from conformance.faults import CATALOGUE, RIGHT, Fault, Mutant, simulate
from conformance.faults.cell_mutants import CELL_FAULTS, CellMutant, is_plain
from conformance.faults.mutant import results_only
from conformance.faults.replayed import Replayed
from conformance.record import FREE_RUN, CaseRecord
from conformance.subjects import load_subject
from conformance.subjects.observation import Observation, Subject, same
from refrnn import Array

DISTURBANCE = {"f64": 1e-11, "f32": 1e-3}
"""Relative sizes that are to be seen in each precision."""

SEEN_BELOW = {"f64": 3e-13, "f32": 2.5e-6}
"""Noise over scale up to which a quantity counts as well-conditioned (a thirtieth of the size to be seen)."""


MOST_AT_A_TIME = 32
"""Cases that are handed out before it is looked which mutants they show."""

Mapped = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""What `map` is: it applies a function to every item, and gives the results in the order of the items."""


class Power(Struct):
    """What was measured."""

    cases: int
    probed: int  # cases on which disturbances and right code were tried
    caught: dict[str, str] = field(default_factory=dict)  # fault -> the first case that shows it
    missed: list[str] = field(default_factory=list)  # faults that no case shows
    disturbed: int = 0  # disturbances that were due to be seen
    seen: int = 0
    overlooked: list[str] = field(default_factory=list)  # disturbances that were due and not seen
    accused: list[str] = field(default_factory=list)  # right code that was called wrong


class RightNetwork(Struct, frozen=True):
    """The catalogue's network without any fault, as a black box."""

    name: str = "right-network"
    description: str = "the network of the fault catalogue, without faults"

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward as they should be."""
        return results_only(simulate(problem, RIGHT))


class Disturbance(Struct, frozen=True, kw_only=True):
    """torch's results with one of them scaled: by 1 + size as a whole, or in its largest element only."""

    result: str  # a field of Observation, or a parameter's name
    size: float
    whole: bool
    name: str = "disturbed-torch"
    description: str = "torch.nn.RNN with one result slightly off"

    def run(self, problem: Problem) -> Observation:
        """Run torch and disturb what it shows."""
        return self.changed(load_subject("torch-results").run(problem))

    def changed(self, shown: Observation) -> Observation:
        """Return what torch has `shown`, disturbed."""
        if self.result in shown.parameters:
            changed = {**shown.parameters, self.result: self._changed(shown.parameters[self.result])}
            return replace(shown, parameters=changed)
        return replace(shown, **{self.result: self._changed(getattr(shown, self.result))})

    def _changed(self, values: Array) -> Array:
        factor = np.full(values.shape, 1 + self.size if self.whole else 1.0)
        if not self.whole:
            factor.flat[int(np.abs(values).argmax())] += self.size
        return (values.astype(np.float64) * factor).astype(values.dtype)


def blind_spots(case: Case, faults: Sequence[Fault] | None = None) -> list[Fault]:
    """Return the faults that `case` can't show: with them the results are the same to rounding, or undecidable.

    They make the case vacuous for these faults, however closely two sides agree on it.

    Raises
    ------
    UsageError
        If the case isn't about an Elman network, of which the catalogue's faults are: see `hidden_mistakes`.
    """
    if case.cell != "rnn":
        message = (
            f"The faults of the catalogue are those of Elman networks; got {case.id}. Ask of a case rnn-…."
        )
        raise UsageError(message)
    chosen = CATALOGUE.values() if faults is None else faults
    return [fault for fault in chosen if _hides(case, Mutant(fault, inner_steps=False))]


def hidden_mistakes(case: Case) -> dict[str, str]:
    """Return the mistakes of an LSTM or GRU that `case` can't show, by id.

    Raises
    ------
    UsageError
        If the case isn't about an LSTM or GRU of one plain layer, of which these mistakes are.
    """
    if case.cell == "rnn" or not is_plain(case):
        message = (
            f"Mistakes of an LSTM or GRU are those of one layer, one direction, with biases; got {case.id}. "
            "Ask of such a case."
        )
        raise UsageError(message)
    mistakes = CELL_FAULTS[case.cell]
    return {id_: name for id_, name in mistakes.items() if _hides(case, CellMutant(case.cell, id_))}


def _hides(case: Case, mutant: Subject) -> bool:
    return verdict_on(case, mutant) in ("agrees", "vacuous", "undecidable")


def measure(
    cases: Sequence[Case], probed: Sequence[Case] | None = None, *, mapped: Mapped = map
) -> Iterator[Power]:
    """Yield the measurement after every case that mutants were put to and then after every probed one.

    Mutants are run on the `cases` about their cell until one shows them; disturbances and right code on all that are
    `probed`, by default on all. What is done case by case is handed to `mapped`, which may share it among processes:
    the measurement is the same.
    """
    probed = cases if probed is None else probed
    power = Power(cases=len(cases), probed=len(probed))
    missing = {
        id_: None for cell, id_ in _mutants() if cell == "rnn" or any(_able(case, cell) for case in cases)
    }
    for asked in batched(cases):
        tasks = [(case, tuple(missing)) for case in asked]
        for (case, _), shown in zip(tasks, mapped(caught_on, tasks), strict=True):
            for id_ in shown:
                power.caught.setdefault(id_, case.id)
                missing.pop(id_, None)
            yield power
    power.missed.extend(missing)
    for found in mapped(probe, probed):
        power.disturbed += found.disturbed
        power.seen += found.seen
        power.overlooked += found.overlooked
        power.accused += found.accused
        yield power


def batched(cases: Sequence[Case]) -> Iterator[Sequence[Case]]:
    """Cut cases into more and more at a time: most mutants are caught by the first few, and then not run any more."""
    start, size = 0, 2
    while start < len(cases):
        yield cases[start : start + size]
        start, size = start + size, min(2 * size, MOST_AT_A_TIME)


def caught_on(task: tuple[Case, Sequence[str]]) -> list[str]:
    """Return which of the mutants of these ids a case shows.

    Those whose results are the right ones bit for bit are not judged.
    """
    case, ids = task
    own = [id_ for cell, id_ in _mutants() if id_ in ids and _able(case, cell)]
    if not own or not can_be_drawn(case):
        return []
    problem = problem_of(case)
    right = _shown(_right(case.cell), problem)
    found: list[str] = []
    for id_ in own:
        mutant = _mutant(case.cell, id_)
        shown = _shown(mutant, problem)
        if shown is None or (right is not None and same(shown, right)):
            continue
        if verdict_on(case, Replayed(mutant, problem, shown)) == "differs":
            found.append(id_)
    return found


def _able(case: Case, cell: str) -> bool:
    """Return whether the mutants of `cell` are networks that can be put to a case."""
    return case.cell == cell and (cell == "rnn" or is_plain(case))


def _mutants() -> list[tuple[str, str]]:
    """Return every mutant: its cell and id."""
    cells = [(cell, id_) for cell, ids in CELL_FAULTS.items() for id_ in ids]
    return [*(("rnn", id_) for id_ in CATALOGUE), *cells]


def _mutant(cell: str, id_: str) -> Subject:
    return Mutant(CATALOGUE[id_], inner_steps=False) if cell == "rnn" else CellMutant(cell, id_)


def _right(cell: str) -> Subject:
    return RightNetwork() if cell == "rnn" else CellMutant(cell)


def _shown(subject: Subject, problem: Problem) -> Observation | None:
    """Return what a subject shows of a problem, None where it can't run it."""
    try:
        return subject.run(problem)
    except Unsupported:
        return None


def probe(case: Case) -> Power:
    """Try right code and small disturbances on one case."""
    power = Power(cases=0, probed=1)
    torch = load_subject("torch-results")
    shown = examine(case, torch)
    for verdict, name in [
        (shown.verdict, torch.name),
        *((verdict_on(case, right), right.name) for right in (load_subject("torch"), _right(case.cell))),
    ]:
        if verdict in ("differs", "error"):
            power.accused.append(f"{name} on {case.id}")
    if FORMATS[case.dtype].decides:  # in 16 bits nothing is seen
        _disturb(case, _well_conditioned(shown), power)
    return power


def _well_conditioned(shown: CaseRecord) -> set[str]:
    """Return the quantities whose noise is small enough for a disturbance to be due to be seen."""
    dtype = parse_id(shown.case).dtype
    return {
        q.quantity.removesuffix(FREE_RUN)
        for q in shown.quantities
        if q.quantity.endswith(FREE_RUN)
        and q.verdict == "agrees"
        and float(q.agrees_to) <= 30 * SEEN_BELOW[dtype]
    }


def _disturb(case: Case, clear: Collection[str], power: Power) -> None:
    """Disturb every result that is among what is `clear`, as a whole and in its largest element."""
    problem = problem_of(case)
    shown = load_subject("torch-results").run(problem)
    for result, quantity in _results(case).items():
        value = shown.parameters[result] if result in shown.parameters else getattr(shown, result)
        if quantity not in clear or not value.any():  # nothing scales 0
            continue
        for whole in (True, False):
            disturbed = Disturbance(result=result, size=DISTURBANCE[case.dtype], whole=whole)
            power.disturbed += 1
            if verdict_on(case, Replayed(disturbed, problem, disturbed.changed(shown))) == "differs":
                power.seen += 1
            else:
                power.overlooked.append(f"{result} ({'whole' if whole else 'largest element'}) on {case.id}")


def _results(case: Case) -> dict[str, str]:
    """Return one result of every quantity: the field or parameter to disturb, and what reports call the quantity."""
    found = {"output": "output", "d_x": "dL/dx"} | {f"{letter}_n": f"{letter}_n" for letter in case.carried}
    given = () if not case.h_0 else case.carried if case.c_0 else ("h",)
    found |= {f"d_{letter}_0": f"dL/d{letter}_0" for letter in given}
    letter = {"weight": "W", "bias": "b"}
    for name in case.parameters_at(case.layers - 1, case.directions - 1):
        kind, end = name.split("_")[:2]
        found[name] = f"dL/d{letter[kind]}_{end}"
    return found
