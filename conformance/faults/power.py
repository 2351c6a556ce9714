"""Detection power: what the very checks and data of a run would have caught, missed, and falsely accused.

Three measurements on the cases of a suite, all on black boxes, which are the hardest to judge:

    mutants        every fault of the catalogue, and every mistake of an LSTM or GRU, as a network that has it: caught
                   if any case finds that it differs
    disturbances   torch's own results, one of them off by a small relative amount, as a whole or in its largest
                   element: each must differ where its noise is small enough to see that
    the right      torch itself and the right network of the catalogue: neither may differ anywhere
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct, field

from conformance.cases import FORMATS, Case, Problem, materialise
from conformance.errors import UsageError
from conformance.examination.engine import examine
from conformance.faults import CATALOGUE, RIGHT, Fault, Mutant, simulate
from conformance.faults.cell_mutants import CELL_FAULTS, CellMutant, is_plain
from conformance.faults.mutant import results_only
from conformance.record import FREE_RUN
from conformance.subjects import load_subject
from conformance.subjects.observation import Observation, Subject
from refrnn import Array

DISTURBANCE = {"f64": 1e-11, "f32": 1e-3}
"""Relative sizes that are to be seen in each precision."""

SEEN_BELOW = {"f64": 3e-13, "f32": 2.5e-6}
"""Noise over scale up to which a quantity counts as well-conditioned (a thirtieth of the size to be seen)."""


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
        shown = load_subject("torch-results").run(problem)
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
    return [fault for fault in chosen if _hides(case, _mutant(fault))]


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
    return examine(case, mutant).verdict in ("agrees", "vacuous", "undecidable")


def measure(cases: Sequence[Case], probed: Sequence[Case] | None = None) -> Iterator[Power]:
    """Yield the measurement after every mutant and then after every case, the last one complete.

    Mutants are run on the `cases` about their cell until one shows them; disturbances and right code on all that are
    `probed`, by default on all.
    """
    probed = cases if probed is None else probed
    power = Power(cases=len(cases), probed=len(probed))
    mutants: list[tuple[str, str, Subject]] = [
        ("rnn", fault.id, _mutant(fault)) for fault in CATALOGUE.values()
    ]
    mutants += [(cell, id_, CellMutant(cell, id_)) for cell, ids in CELL_FAULTS.items() for id_ in ids]
    for cell, id_, mutant in mutants:
        able = [case for case in cases if case.cell == cell and (cell == "rnn" or is_plain(case))]
        if not able and cell != "rnn":
            continue  # nothing is asked about this cell
        shown = next((case for case in able if examine(case, mutant).verdict == "differs"), None)
        if shown is None:
            power.missed.append(id_)
        else:
            power.caught[id_] = shown.id
        yield power
    for case in probed:
        _accusations(case, power)
        _disturbances(case, power)
        yield power


def _mutant(fault: Fault) -> Subject:
    return Mutant(fault, inner_steps=False)


def _accusations(case: Case, power: Power) -> None:
    """Count right code that is called wrong."""
    ours = RightNetwork() if case.cell == "rnn" else CellMutant(case.cell)
    for subject in (load_subject("torch-results"), load_subject("torch"), ours):
        if examine(case, subject).verdict in ("differs", "error"):
            power.accused.append(f"{subject.name} on {case.id}")


def _disturbances(case: Case, power: Power) -> None:
    """Disturb every result whose noise is small enough, as a whole and in its largest element.

    In 16 bits none is.
    """
    if not FORMATS[case.dtype].decides:
        return
    torch = examine(case, load_subject("torch-results"))
    clear = {
        q.quantity.removesuffix(FREE_RUN)
        for q in torch.quantities
        if q.quantity.endswith(FREE_RUN)
        and q.verdict == "agrees"
        and float(q.agrees_to) <= 30 * SEEN_BELOW[case.dtype]
    }
    shown = load_subject("torch-results").run(materialise(case))
    for result, quantity in _results(case).items():
        value = shown.parameters[result] if result in shown.parameters else getattr(shown, result)
        if quantity not in clear or not value.any():  # nothing scales 0
            continue
        for whole in (True, False):
            disturbed = Disturbance(result=result, size=DISTURBANCE[case.dtype], whole=whole)
            power.disturbed += 1
            if examine(case, disturbed).verdict == "differs":
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
