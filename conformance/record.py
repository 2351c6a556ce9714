"""The record: versioned JSON that holds everything a report shows, and nothing large.

Bodies are deterministic: the same cases on the same machine give the same bytes, whatever the number of workers.
What can't be (environment and timings) stands in blocks of its own. Numbers that JSON can't hold
are the strings "nan", "inf" and "-inf"; `float` reads them all back.
"""

import math
from typing import Literal

import msgspec

from conformance.errors import UsageError
from conformance.numbers import round_up

SCHEMA = 1
"""The version of this layout; it grows when a reader of the one before would go wrong."""

Number = float | Literal["nan", "inf", "-inf"]
Verdict = Literal["agrees", "differs", "undecidable", "vacuous", "unsupported", "error"]
Scale = Literal["bound", "noise", "copy"]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of a record share: values, named fields, nothing unknown."""


class DivergenceRecord(Body):
    """The first element beyond its bound, in the order of the data flow."""

    phase: Literal["forward", "backward"]
    quantity: str
    basis: str
    where: str
    got: Number
    expected: Number
    bound: Number
    share: Number
    absolute: Number
    relative: Number
    ulp: Number


class QuantityRecord(Body, array_like=True):
    """How one quantity came out, over all layers and directions of a case: a row, in the order of the fields.

    `worst_share` and `median_share` are |got - expected| / bound, where the bound is one step's rounding ("bound"),
    many times the problem's rounding noise ("noise") or nothing ("copy"). The sizes of the difference are the
    greatest of each, which need not be at one element. `agrees_to` is the greatest bound over the greatest value.
    `relation` is the law between two runs of the subject that is judged, or "" where it is compared with the reference.
    """

    quantity: str
    relation: str
    verdict: Verdict
    scale: Scale
    agrees_to: Number
    elements: int
    mismatches: int
    undecided: int
    worst_share: Number
    median_share: Number
    worst_where: str
    absolute: Number
    relative: Number
    ulp: Number


class DistanceRecord(Body, array_like=True):
    """How far a result lies from the reference's after both ran freely: a row; told, never judged."""

    quantity: str
    absolute: Number
    relative_to_largest: Number
    ulp: Number


class CaseRecord(Body):
    """What one subject did on one case."""

    case: str
    subject: str
    verdict: Verdict
    reason: str
    quantities: list[QuantityRecord]
    not_shown: list[str]
    distances: list[DistanceRecord]
    first_divergence: DivergenceRecord | None
    third_opinion: str
    reproduce: str


class Timing(Body, array_like=True):
    """Seconds that one case record took, by part: a row."""

    subject: float
    reference: float
    judging: float
    total: float


class Library(Body):
    """A library that computes in threads of its own."""

    name: str
    version: str
    threads: int
    architecture: str


class Environment(Body):
    """Where and with what a record was made."""

    refrnn: str
    python: str
    platform: str
    machine: str
    processor: str
    cores: int
    numpy: str
    torch: str
    torch_threads: int
    torch_capability: str
    libraries: list[Library]
    flushes_subnormals: dict[str, bool]
    variables: dict[str, str]


class Record(Body):
    """A whole run."""

    schema: int
    complete: bool
    suite: str
    seed: int | None
    subjects: list[str]
    summary: dict[str, int]
    cases: list[CaseRecord]
    environment: Environment
    seconds: float
    timings: list[Timing]


def number(value: float) -> Number:
    """Return `value` as JSON can hold it, rounded up to four significant digits: never towards innocence."""
    return exact(round_up(value, 4))


def exact(value: float) -> Number:
    """Return `value` as JSON can hold it, with every digit."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def encode(record: Record) -> bytes:
    """Return the JSON of `record`: keys sorted, a line for every case and timing, so that `diff` shows what changed."""
    lines = [f"{_text(name)}: {_value(getattr(record, name))}" for name in sorted(record.__struct_fields__)]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _value(value: object) -> str:
    """Return a top-level value as text: long lists an entry a line, everything else on one line."""
    if isinstance(value, list) and any(isinstance(entry, Body) for entry in value):
        return "[\n" + ",\n".join(map(_text, value)) + "\n]"
    return _text(value)


def _text(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


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
        if version != SCHEMA:
            message = (
                f"This record has schema {version!r}; this version reads schema {SCHEMA}. Make it again with "
                "this version, or read it with the one that wrote it."
            )
            raise UsageError(message)
        return msgspec.json.decode(data, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"This is no conformance record: {error}. Pass an agreement.json that a run has written."
        raise UsageError(message) from error


def schema() -> dict[str, object]:
    """Return the JSON Schema of a record."""
    return msgspec.json.schema(Record)
