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
    exit_code,
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
    code, found = exit_code(record), Counter(case.verdict for case in record.cases)
    message = {
        EXIT_CONFORMS: f"{found['agrees']:,} comparisons agree",
        EXIT_DISCREPANCY: f"{found['differs']:,} of {len(record.cases):,} differ",
        EXIT_INTERNAL: f"{found['error']:,} of {len(record.cases):,} raised an error",
        EXIT_NOTHING: "nothing checked",
        EXIT_INCONCLUSIVE: f"{found['undecidable']:,} of {len(record.cases):,} undecidable",
        EXIT_INTERRUPTED: "interrupted",
    }[code]
    content = {"schemaVersion": 1, "label": "RNN conformance", "message": message, "color": COLOURS[code]}
    return (json.dumps(content, indent=1) + "\n").encode()
