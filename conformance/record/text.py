"""Records as JSON: deterministic to write, checked when read."""

from typing import Any

import msgspec

from conformance.errors import UsageError, well_formed
from conformance.record.body import Body
from conformance.record.case import Timing
from conformance.record.run import SCHEMA, Record
from conformance.record.totals import Totals

MOST_LISTED = 300
"""Characters of what a message tells of a text that is no record."""


def encode(record: Record) -> bytes:
    """Return the JSON of `record`: keys sorted, a line for every case, so that `diff` shows what changed.

    Timings, which are others in every run, make a single line.
    """
    lines = [f"{_text(name)}: {_value(getattr(record, name))}" for name in sorted(record.__struct_fields__)]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _value(value: object) -> str:
    """Return a top-level value as text: lists of parts and totals an entry a line, everything else on one line."""
    if isinstance(value, Totals):
        parts = (f"{_text(name)}: {_value(getattr(value, name))}" for name in value.__struct_fields__)
        return "{\n" + ",\n".join(parts) + "\n}"
    if isinstance(value, list) and any(
        isinstance(entry, Body) and not isinstance(entry, Timing) for entry in value
    ):
        return "[\n" + ",\n".join(map(_text, value)) + "\n]"
    return _text(value)


def _text(value: object) -> str:
    return json_of(value).decode()


def decode(data: bytes) -> Record:
    """Return the record that `data` holds.

    Raises
    ------
    UsageError
        If `data` isn't a record of this version; the message says what is wrong with it.
    """
    try:
        head = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        version = msgspec.json.decode(head.get("schema", b"null"))
        if version in (1, 2) and version is not True:
            return msgspec.json.decode(_upgraded(head, version), type=Record)
        if version != SCHEMA:
            message = (
                f"This record has schema {_short(repr(version))}; this version reads schemas 1 to {SCHEMA}. Make it "
                "again with this version, or read it with the one that wrote it."
            )
            raise UsageError(message)
        return msgspec.json.decode(data, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"This is no conformance record: {_short(str(error))}. Pass an agreement.json that a run has written."
        raise UsageError(message) from error


def _short(text: str) -> str:
    """Return text that a record may have made long."""
    return text if len(text) <= MOST_LISTED else text[:MOST_LISTED] + "…"


def _upgraded(head: dict[str, msgspec.Raw], version: int) -> bytes:
    """Return a record of an earlier schema as one of this; schema 1 had one environment and no descriptions."""
    if version == 2:
        return msgspec.json.encode({**head, "schema": SCHEMA})
    environment = msgspec.json.encode([head.pop("environment", msgspec.Raw(b"null"))])
    added = {"schema": SCHEMA, "scales": {"differs_from": 30, "undecidable_from": 3e-3}, "descriptions": {}}
    return msgspec.json.encode({**head, **added, "environments": msgspec.Raw(environment)})


def schema() -> dict[str, object]:
    """Return the JSON Schema of a record."""
    return msgspec.json.schema(Record)


def json_of(value: object) -> bytes:
    """Return the JSON of a value with sorted keys, its texts well-formed."""
    try:
        return msgspec.json.encode(value, order="sorted")
    except UnicodeEncodeError:
        return msgspec.json.encode(_all_well_formed(msgspec.to_builtins(value)), order="sorted")


def _all_well_formed(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list):
        return [_all_well_formed(item) for item in value]
    if isinstance(value, dict):
        return {well_formed(key): _all_well_formed(item) for key, item in value.items()}
    return value
