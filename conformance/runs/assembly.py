"""The record of a run, put together from what was examined, wherever and by whichever front end."""

from collections import Counter
from collections.abc import Mapping, Sequence

from conformance.record import SCHEMA, Environment, LackRecord, Record
from conformance.runs.evidence import SCALES, Evidence
from conformance.runs.unit import Examined

NO_EVIDENCE = Evidence()


def assembled(
    *,
    suite: str,
    seed: int | None,
    descriptions: Mapping[str, str],
    examined: Examined,
    here: Environment,
    complete: bool,
    seconds: float,
    evidence: Evidence = NO_EVIDENCE,
    lacks: Sequence[LackRecord] = (),
) -> Record:
    """Return the record; `descriptions` names the subjects, in the order in which reports list them."""
    records = [record for record, _ in examined]
    return Record(
        schema=SCHEMA,
        complete=complete,
        suite=suite,
        seed=seed,
        subjects=list(descriptions),
        descriptions=dict(descriptions),
        summary=dict(Counter(record.verdict for record in records)),
        scales=SCALES,
        cases=records,
        environments=[here],
        seconds=seconds,
        timings=[timing for _, timing in examined],
        power=evidence.power,
        contracts=list(evidence.contracts),
        profiles=list(evidence.profiles),
        lacks=list(lacks),
    )
