"""Records changed anywhere: refused with advice, or told, and never as conforming unless all agrees."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import structs

from conformance import UsageError
from conformance.record import decode, encode
from conformance.record.agreement import totals
from conformance.record.comparing.difference import difference
from conformance.record.contradictions import check
from conformance.record.summary import counting, exit_code, sentence, summarise
from conformance.report.difference import difference_text
from conformance.report.markdown import markdown
from conformance.report.words import tell
from fuzz.choices import Choices, Outcome, refused

RECORDED = Path(__file__).parents[2] / "reports" / "agreement.json"
VALUES = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        -5,
        99_999,
        2**63,
        -(2**63),
        10**400,
        1.5,
        1e308,
        -0.0,
        "",
        "nan",
        "inf",
        "-inf",
    ),
    *(
        "agrees",
        "differs",
        "error",
        "vacuous",
        "<script>",
        "\x1b[2J",
        "../../etc/passwd",
        "\ud800",
        [],
        {},
        [[]],
        "x" * 3000,
    ),
)


@cache
def recorded() -> str:
    """Return a small record made of the recorded agreement, with a case that differs."""
    whole = json.loads(RECORDED.read_text(encoding="utf-8"))
    whole["cases"] = whole["cases"][:3]
    whole["cases"][1]["verdict"] = whole["cases"][1]["quantities"][0][2] = "differs"
    whole["cases"][1]["quantities"][0][6] = 1
    whole["summary"] = {"agrees": 2, "differs": 1}
    whole["power"] |= {"cases": 1, "probed": 1, "mutants": whole["power"]["mutants"][:2]}
    whole["contracts"], whole["profiles"] = whole["contracts"][:2], whole["profiles"][:1]
    record = decode(json.dumps(whole | {"totals": None}).encode())
    record = structs.replace(record, totals=totals(record))
    check(record)
    return encode(record).decode()


def read_record(data: bytes) -> Outcome:
    """Read and tell the record that `data` makes of a right one."""
    choices = Choices(data)
    content = made(choices)
    try:
        record = decode(content)
        check(record)
    except UsageError as refusal:
        return refused(refusal)
    code = exit_code(record)
    if code == 0:
        bad = [c for c in counting(record) if c.verdict in ("differs", "error")]
        bad += [c for c in counting(record) if any(q.verdict == "differs" for q in c.quantities)]
        assert record.cases, "nothing was checked, and that passed"
        assert not bad, "a record with a discrepancy conforms"
    told = [sentence(record), *map(tell, record.cases), difference_text(difference(record, record))]
    if choices.now_and_then(8):
        told.append(markdown(summarise(record)))
    assert all(told)
    assert decode(encode(record)) == record, "it isn't written as it was read"
    return Outcome.RIGHT


def made(choices: Choices) -> bytes:
    if choices.now_and_then(6):
        return _bytes_changed(choices, recorded().encode())
    whole = copy.deepcopy(json.loads(recorded()))
    for _ in range(1 + choices.below(3)):
        _change(choices, whole)
    return json.dumps(whole).encode("utf-8", "surrogatepass")


def _change(choices: Choices, whole: dict[str, Any]) -> None:
    """Change one place somewhere inside."""
    inner: Any = whole
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        if not keys:
            return
        key = choices.one_of(keys)
        if isinstance(inner[key], (dict, list)) and not choices.now_and_then(4):
            inner = inner[key]
            continue
        what = choices.below(4)
        if what == 0:
            del inner[key]
        elif what == 1 and isinstance(inner, list):
            inner.append(copy.deepcopy(inner[key]))
        elif what == 1:
            inner[choices.text(8)] = inner[key]
        else:
            inner[key] = copy.deepcopy(choices.one_of(VALUES))
        return


def _bytes_changed(choices: Choices, content: bytes) -> bytes:
    what = choices.below(3)
    if what == 0:
        return choices.rest()
    if what == 1:
        return content[: choices.below(len(content))]
    place = choices.below(len(content))
    return content[:place] + choices.rest() + content[place:]
