"""The verdict as a badge, in the format of shields.io's endpoint."""

import json
from collections import Counter

from conformance.record import Record
from conformance.record.summary import (
    EXIT_CONFORMS,
    EXIT_DISCREPANCY,
    EXIT_INCONCLUSIVE,
    EXIT_INTERNAL,
    EXIT_INTERRUPTED,
    EXIT_NOTHING,
    counting,
    exit_code,
    may_fail,
)

COLOURS = {
    EXIT_CONFORMS: "brightgreen",
    EXIT_DISCREPANCY: "red",
    EXIT_INTERNAL: "red",
    EXIT_NOTHING: "lightgrey",
    EXIT_INCONCLUSIVE: "yellow",
    EXIT_INTERRUPTED: "lightgrey",
}


def badge(record: Record) -> bytes:
    """Return the badge of a record."""
    code, found = exit_code(record), Counter(case.verdict for case in counting(record))
    total = f"{len(record.cases):,}"
    differing = found["differs"]
    surprises = sum(ruling.outcome == "fails" for ruling in record.rulings)
    message = {
        EXIT_CONFORMS: f"{found['agrees']:,} comparisons agree",
        EXIT_DISCREPANCY: f"{differing:,} of {total} differ"
        if differing
        else f"{surprises:,} of {total} unexpected",
        EXIT_INTERNAL: f"{found['error']:,} of {total} raised an error",
        EXIT_NOTHING: "nothing checked",
        EXIT_INCONCLUSIVE: f"{found['undecidable']:,} of {total} undecidable",
        EXIT_INTERRUPTED: "interrupted",
    }[code]
    content = {
        "schemaVersion": 1,
        "label": "RNN conformance",
        "message": "; ".join([message, *may_fail(record)]),
        "color": COLOURS[code],
    }
    return (json.dumps(content, indent=1) + "\n").encode()
