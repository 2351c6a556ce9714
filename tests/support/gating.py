"""Records made by hand, with any verdicts, and what becomes of them at the gate."""

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from conformance import CaseRecord, parse_id
from conformance.examination.recording import unjudged
from conformance.record import SCHEMA, QuantityRecord, Record, Timing, Verdict
from conformance.record.environment import environment
from conformance.runs.evidence import SCALES
from conformance.runs.gate import Assessment, Baseline, Expectations, Gate

A = "rnn-tanh-T4-B3-I5-H6-f64-s0"
B = "rnn-relu-T4-B3-I5-H6-f32-s0"
HERE = environment()
AGREEING = QuantityRecord(
    quantity="output",
    relation="",
    verdict="agrees",
    scale="bound",
    agrees_to=1e-15,
    elements=1,
    mismatches=0,
    undecided=0,
    worst_share=0.5,
    median_share=0.5,
    worst_where="t = 0, row 0, unit 0",
    absolute=1e-16,
    relative=1e-16,
    ulp=1.0,
)
NO_TIME = Timing(subject=0.0, reference=0.0, judging=0.0, total=0.0)


def case(verdict: Verdict, case_id: str = A, subject: str = "mine", reason: str = "a reason") -> CaseRecord:
    """Return a record of a case on which nothing was compared, or a single quantity that agrees."""
    made = unjudged(parse_id(case_id).id, subject, verdict, reason)
    return replace(made, reason="", quantities=[AGREEING]) if verdict == "agrees" else made


def record_of(*cases: CaseRecord) -> Record:
    """Return the record of a complete run."""
    return Record(
        schema=SCHEMA,
        complete=True,
        suite="selected cases",
        seed=None,
        subjects=["mine"],
        descriptions={"mine": "mine"},
        summary=dict(Counter(one.verdict for one in cases)),
        scales=SCALES,
        cases=list(cases),
        environments=[HERE],
        seconds=0.0,
        timings=[NO_TIME] * len(cases),
    )


def expecting(*lines: str) -> Gate:
    """Return a gate that expects failures, the file's lines given."""
    return Gate(expectations=Expectations.parse("\n".join(lines), source="known.txt"))


def since(*cases: CaseRecord) -> Gate:
    """Return a gate with a baseline."""
    return Gate(baseline=Baseline.of(record_of(*cases)))


def assessed(gate: Gate, *cases: CaseRecord, pairs: Sequence[tuple[str, str]] | None = None) -> Assessment:
    """Return what becomes of the record of a complete run."""
    return Assessment.of(record_of(*cases), gate, pairs)
