"""What a framework's records come to: verdicts, what it can't do, and its disagreements by what is behind them."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from findings import FINDINGS, Finding

from conformance import Case, CaseRecord, parse_id
from conformance.record import Environment, Record
from conformance.record.summary import VERDICTS

BESIDE = (
    "rnn-relu-T4-B2-I3-H4-f32-nan-s0",
    "rnn-relu-T4-B2-I3-H4-f64-nan-s0",
    "rnn-tanh-T6-B17-I70-H130-f32-s0",
    "rnn-relu-L2-bi-T4-B9-I129-H65-f32-s0",
    "rnn-tanh-T3-B2-I257-H513-f32-s0",
)
"""Cases beside the smoke suite: NaN under relu, and sizes at which kernels change their path."""

SINGLE = re.compile(r"; this case drops with p = [\d.]+(?=\.$)|\b\d+ (?=elements)|(?<=with them): [^.]*")
"""What of a reason is of one case: a probability, a number of elements, names of quantities."""

DISTRIBUTIONS = {
    "onnxruntime": ("onnxruntime",),
    "onnx-reference": ("onnx",),
    "torch-onnx": ("onnxruntime", "onnxscript"),
    "jax": ("jax", "jaxlib"),
    "flax": ("flax", "jax"),
    "keras": ("keras",),
}
"""Whose versions say what a subject is."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A subject as it is run here, on a backend where it has several."""

    label: str
    subject: str
    backend: str = ""

    @property
    def folder(self) -> str:
        """A name for its records."""
        return self.label.replace(" ", "-")

    def versions(self, here: Environment) -> str:
        """Return what runs, in versions."""
        known = here.frameworks | {"torch": here.torch}
        names = dict.fromkeys((*DISTRIBUTIONS[self.subject], *filter(None, (self.backend,))))
        names |= {"torch": None} if self.subject == "torch-onnx" else {}
        return ", ".join(f"{name} {known[name]}" for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """The cases that one finding is behind, or nobody knows what (None)."""

    finding: Finding | None
    cases: list[CaseRecord]

    @property
    def smallest(self) -> CaseRecord:
        """The one with the fewest layers, steps, samples and units."""
        return min(self.cases, key=lambda record: _size(parse_id(record.case)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What came out of one entrant."""

    entrant: Entrant
    versions: str
    complete: bool
    environment: Environment
    verdicts: dict[str, int]
    refused: dict[str, int]
    noted: dict[str, int]
    disagreements: list[Disagreement]


def examined(entrant: Entrant, records: Sequence[Record]) -> Examined:
    """Return what the records of an entrant come to."""
    cases = [case for record in records for case in record.cases]
    counts = Counter(case.verdict for case in cases)
    here = records[0].environments[0]
    behind: dict[Finding | None, list[CaseRecord]] = {}
    for record in cases:
        if record.verdict in ("differs", "error"):
            behind.setdefault(_behind(entrant, record), []).append(record)
    return Examined(
        entrant=entrant,
        versions=entrant.versions(here),
        complete=all(record.complete for record in records),
        environment=here,
        verdicts={verdict: counts[verdict] for verdict in reversed(VERDICTS)},
        refused=_reasons(cases, ("unsupported",)),
        noted=_reasons(cases, ("agrees", "undecidable", "vacuous")),
        disagreements=[Disagreement(finding=finding, cases=shown) for finding, shown in behind.items()],
    )


def _behind(entrant: Entrant, record: CaseRecord) -> Finding | None:
    case = parse_id(record.case)
    return next((f for f in FINDINGS if entrant.label in f.labels and f.shows(case, record)), None)


def _size(case: Case) -> tuple[int, ...]:
    return case.layers * case.directions, len(case.lengths), case.steps * case.batch, case.hidden_size


def _reasons(cases: Sequence[CaseRecord], verdicts: tuple[str, ...]) -> dict[str, int]:
    """Count the reasons of some verdicts, what is of single cases in them left out."""
    found = [case.reason for case in cases if case.verdict in verdicts and case.reason]
    return dict(Counter(SINGLE.sub("", text) for text in found).most_common())
