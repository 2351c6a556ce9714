"""docs/record.schema.json describes the records that this version writes, and the recorded one follows it."""

import json
from pathlib import Path

from conformance.record import decode, schema

ROOT = Path(__file__).parents[2]


def test_the_published_schema_is_the_one_in_the_code():
    published = json.loads((ROOT / "docs" / "record.schema.json").read_text(encoding="utf-8"))
    assert published == json.loads(json.dumps(schema())), "make schema writes it anew"


def test_the_recorded_agreement_is_complete_and_can_be_read_by_this_version():
    record = decode((ROOT / "reports" / "agreement.json").read_bytes())
    assert record.complete
    assert record.suite == "standard"
    assert set(record.summary) == {"agrees"}
