"""The same network in other settings: from an initial state that isn't 0, and for a single step."""

from dataclasses import dataclass, replace
from typing import Literal

from conformance.cases import Case
from conformance.checking.asking import asked
from conformance.checking.outcome import Outcome, outcome
from conformance.checking.running import Failure, Said
from conformance.handwritten import Bound
from conformance.judge import Finding
from conformance.record.check import PartRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Another setting in which a network is judged, and how sentences call it."""

    id: Literal["initial-state", "cell"]
    case: Case
    words: str


def initial_state(case: Case) -> Setting:
    """Return the setting with an h_0 that isn't 0."""
    return Setting(
        id="initial-state", case=replace(case, h_0=True), words="from an initial state that isn't 0"
    )


def cell(case: Case) -> Setting:
    """Return the setting of a single step, in which the cell stands apart from the loop."""
    return Setting(id="cell", case=replace(case, steps=1), words="for a single step (T = 1)")


def judged_in(setting: Setting, bound: Bound, said: Said) -> PartRecord:
    """Judge `bound` in another setting and tell what came out in one sentence."""
    found = asked(bound, setting.case, said)
    if isinstance(found, Failure):
        holds, sentence = None, f"{setting.words}: not checked, {found.reason}"
    else:
        came = outcome(found.truth, found.tidied.observation)
        holds, sentence = came.agrees, f"{setting.words}: {_told(came)}"
    return PartRecord(id=setting.id, case=setting.case.id, holds=holds, sentence=sentence)


def _told(came: Outcome) -> str:
    constant = (
        "" if came.scale is None else f", up to the constant {came.scale.name or f'{came.scale.factor:.4g}'}"
    )
    if came.agrees:
        return f"agrees{constant}"
    wrong = _wrong(came.judged.findings)
    return f"differs in {', '.join(wrong)}" if wrong else "can't be decided"


def _wrong(findings: list[Finding]) -> list[str]:
    return list(dict.fromkeys(f.comparison.title for f in findings if f.verdict == "differs"))
