"""What a check said about a subject, held against the truth."""

import math
from dataclasses import dataclass

from conformance.cases import parse_id
from conformance.record.check import CheckRecord
from gallery.truth import Truth

RIGHT_VERDICTS = ("conforms", "conforms up to a constant", "no backward", "not Elman: consistent")
"""Of networks in which nothing is wrong."""

CONTRACTS = {
    "arguments-unchanged": "upstream gradient mutated",
    "gradients-reset": "gradients add up over calls",
    "state-reset": "state leaks between calls",
    "precision-kept": "dtype lowered",
    "whole-numbers": "integers cut gradients off",
}
"""The ids of contract findings, and the words of `truth.toml`."""

FACTOR = 1e-6
"""Within this, relatively, a constant is the one that was expected: others differ by 1/100 at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """How well a check knew a subject.

    Attributes
    ----------
    said
        Its verdict, in the words of the truth.
    found
        Whether it found out how to call the subject, gradients included.
    verdict
        Whether its verdict is right; of a constant, that it is the right one as well.
    exact
        Whether it named exactly the mistakes there are, up to equivalence; None where there are none to name.
    accused
        Whether it says that something is wrong with a network in which nothing is.
    false_names
        Mistakes that it named and that the subject doesn't have.
    contracts
        Whether it told exactly the contracts that the subject breaks; None where it told of none.
    """

    said: str
    found: bool
    verdict: bool
    exact: bool | None
    accused: bool
    false_names: tuple[str, ...]
    contracts: bool | None


def grade(truth: Truth, record: CheckRecord) -> Grade:
    """Hold `record` against `truth`."""
    said, named = verdict_of(record), names_of(record)
    expected = frozenset(fault.id for fault in truth.faults)
    to_name = truth.verdict in ("differs", "forward differs") and "" not in expected
    exact = expected in named if to_name else None
    return Grade(
        said=said,
        found=_found(truth, record),
        verdict=said == truth.verdict and _constant_is_right(truth, record),
        exact=exact,
        accused=truth.verdict in RIGHT_VERDICTS and record.exit_code == 1,
        false_names=() if exact else tuple(sorted(named[0] - expected - set(truth.closest))),
        contracts=_contracts(truth, record),
    )


def verdict_of(record: CheckRecord) -> str:
    """Return the record's verdict in the words of `truth.toml`."""
    match record.verdict:
        case "forward-conforms":
            return "no backward"
        case "conforms-up-to-a-constant":
            return "conforms up to a constant"
        case "differs":
            return "forward differs" if record.forward == "differs" else "differs"
        case "another-network":
            agrees = record.consistency.agrees if record.consistency else None
            return {True: "not Elman: consistent", False: "not Elman: inconsistent", None: "not Elman"}[
                agrees
            ]
        case "failed":
            return "raises"
        case other:
            return other.replace("-", " ")


def names_of(record: CheckRecord) -> list[frozenset[str]]:
    """Return the sets of faults that the diagnosis offers: its own first, then the equivalent ones."""
    if record.diagnosis is None:
        return [frozenset()]
    own = frozenset(fault.id for fault in record.diagnosis.faults)
    return [own, *map(frozenset, record.diagnosis.equivalents)]


def _found(truth: Truth, record: CheckRecord) -> bool:
    """Tell whether the subject was called, both ways where it goes both ways."""
    if truth.verdict in ("raises", "not called"):
        return verdict_of(record) == truth.verdict
    if record.verdict in ("not-called", "failed", "undecided", "out-of-time"):
        return False
    if truth.gives == "nothing" or truth.verdict == "forward differs":
        return True
    return record.backward is not None or record.consistency is not None


def _constant_is_right(truth: Truth, record: CheckRecord) -> bool:
    """Tell whether the constant is right, where the verdict is about one."""
    if truth.verdict != "conforms up to a constant":
        return True
    if record.scale is None or not record.case:
        return False
    case = parse_id(record.case)
    sizes = {
        "T": case.steps,
        "B": case.batch,
        "I": case.input_size,
        "H": case.hidden_size,
        "O": case.output_size,
    }
    return math.isclose(float(record.scale.factor), truth.constant(sizes), rel_tol=FACTOR)


def _contracts(truth: Truth, record: CheckRecord) -> bool | None:
    """Tell whether the broken contracts are the right ones."""
    if not record.contracts:
        return None
    broken = {CONTRACTS.get(finding.id, finding.id) for finding in record.contracts if finding.holds is False}
    return broken == set(truth.contract)
