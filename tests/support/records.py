"""Records for tests of reports: every verdict, every block, and on demand names and texts that mean harm."""

from functools import cache

import numpy as np
from msgspec import structs
from support import planting
from support.planting import Raises, Shows

from conformance import CaseRecord, Unsupported, examine, load_subject, parse_id
from conformance.examination.profiles import profiles
from conformance.record import (
    SCHEMA,
    ContractRecord,
    LackRecord,
    MutantRecord,
    PowerRecord,
    Record,
    Timing,
    Verdict,
)
from conformance.record.environment import environment
from conformance.runs.evidence import SCALES

CASE = parse_id("rnn-tanh-T4-B3-I5-H6-f64-s0")
LONG = [parse_id("rnn-tanh-T40-B2-I4-H6-f64-gain10-s0"), parse_id("rnn-tanh-T50-B2-I4-H6-f32-gain1-s0")]
CHAOTIC = parse_id("rnn-tanh-T400-B2-I4-H16-f64-gain10-s0")

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "'\"`&amp;{{7*7}}{% raw %}${7*7}$\\frac$|\u2028]]>\x00\x1b[31m../../etc/passwd"
)
"""A name that tries to be a script, a template, a formula, a table, a control sequence and a path."""


@cache
def verdicts() -> tuple[CaseRecord, ...]:
    """Return a case record of every verdict, under the name of one subject each."""
    run = planting.judged(CASE, "torch-steps")
    finding = run.finding("h")
    subjects = {
        "agreeing": Shows(run.observation),
        "raising": Raises(ValueError("“quoted”\n\x00")),
        "unable": Raises(Unsupported("no")),
        "wrong": Shows(planting.planted(run, finding, (1, 2, 3), 0.25)),
        "not-a-number": Shows(planting.planted(run, finding, (1, 2, 3), np.nan)),
    }
    found = [structs.replace(examine(CASE, shown), subject=name) for name, shown in subjects.items()]
    return (*found, structs.replace(examine(CHAOTIC, load_subject("torch-results")), subject="chaotic"))


def saying(case: CaseRecord, verdict: Verdict) -> CaseRecord:
    """Return a case record with another verdict, which every count of its quantities bears out."""
    counts = {"mismatches": int(verdict == "differs"), "undecided": int(verdict == "undecidable")}
    within = {"worst_share": 0.0} if verdict == "agrees" else {}
    quantities = [structs.replace(q, verdict=verdict, **counts, **within) for q in case.quantities]
    return structs.replace(
        case,
        verdict=verdict,
        reason="" if verdict == "agrees" else case.reason or "a reason",
        quantities=quantities if verdict in ("agrees", "differs", "undecidable", "vacuous") else [],
        shares={},
        first_divergence=None,
    )


def record_of(cases: list[CaseRecord], **changes: object) -> Record:
    """Return a complete record of these cases, with changes."""
    verdicts = [case.verdict for case in cases]
    plain = Record(
        schema=SCHEMA,
        complete=True,
        suite="selected cases",
        seed=None,
        subjects=list(dict.fromkeys(case.subject for case in cases)),
        descriptions={},
        summary={verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)},
        scales=SCALES,
        cases=cases,
        environments=[environment()],
        seconds=1.5,
        timings=[Timing(subject=0.1, reference=0.2, judging=0.05, total=0.5)] * len(cases),
    )
    return structs.replace(plain, **changes)


@cache
def rich_record() -> Record:
    """Return a record with every verdict and every block."""
    cases = [examine(case, load_subject(name)) for case in (CASE, *LONG) for name in ("torch", "reference")]
    noise = {case.case: float(case.noise or 0) for case in cases}
    power = PowerRecord(
        cases=2,
        probed=1,
        mutants=[
            MutantRecord("no-carry", "The state isn't carried.", CASE.id),
            MutantRecord("missed", "Nothing shows it.", ""),
        ],
        disturbed=2,
        seen=1,
        overlooked=["output (whole) on somewhere"],
        accused=[],
    )
    contracts = [
        ContractRecord(
            id=name,
            statement="A sequence of no steps.",
            expected="refused: RuntimeError",
            observed="refused: RuntimeError: no",
            holds=holds,
            reference="refused: ValueError: no",
        )
        for name, holds in (("steps-0", True), ("steps-1", False))
    ]
    return record_of(
        [*cases, *verdicts()],
        power=power,
        contracts=contracts,
        lacks=[LackRecord(CASE.id, "h_0 is 0", "whether h_0 is read", ["h-0-ignored"])],
        profiles=profiles(LONG, noise, load_subject("torch")),
        descriptions={"torch": "torch.nn.RNN on whole sequences", "reference": "refrnn itself"},
    )


@cache
def hostile_record() -> Record:
    """Return the rich record with `HOSTILE` in every text that isn't checked when a record is read."""
    rich = rich_record()
    texts = ("reason", "subject", "third_opinion", "reproduce")
    cases = [
        structs.replace(
            case,
            **dict.fromkeys(texts, HOSTILE + str(n)),
            not_shown=[HOSTILE],
            quantities=[structs.replace(q, quantity=HOSTILE, worst_where=HOSTILE) for q in case.quantities],
            distances=[structs.replace(d, quantity=HOSTILE) for d in case.distances],
        )
        for n, case in enumerate(rich.cases)
    ]
    named = [structs.replace(p, subject=HOSTILE, quantity=p.quantity + HOSTILE) for p in rich.profiles]
    assert rich.power is not None
    return structs.replace(
        rich,
        suite=HOSTILE,
        cases=cases,
        subjects=[case.subject for case in cases],
        descriptions={case.subject: HOSTILE for case in cases},
        environments=[structs.replace(rich.environments[0], processor=HOSTILE, variables={HOSTILE: HOSTILE})],
        profiles=named,
        lacks=[LackRecord(HOSTILE, HOSTILE, HOSTILE, [HOSTILE])],
        contracts=[structs.replace(row, id=HOSTILE, statement=HOSTILE) for row in rich.contracts],
        power=structs.replace(
            rich.power, accused=[HOSTILE], mutants=[MutantRecord(HOSTILE, HOSTILE, ""), *rich.power.mutants]
        ),
    )
