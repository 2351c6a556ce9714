"""Which subject of one record is which of another: by name, by description, or as somebody says.

A network of somebody's own has one name in tests, where it is an object, and another in `conformance run`, where it is
asked for by its place.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from conformance.errors import UsageError
from conformance.record import Record


class Taken(Struct, frozen=True):
    """A subject of the old record that is taken for one of the new record which has another name."""

    old: str
    new: str


def taken_by_description(old: Record, new: Record) -> list[Taken]:
    """Return the subjects of one record alone that are described as one of the other record alone is."""
    before, after = (
        by_description(record, [name for name in record.subjects if name not in other.subjects])
        for record, other in ((old, new), (new, old))
    )
    return [Taken(name, after[words]) for words, name in before.items() if words in after]


def by_description(record: Record, names: Sequence[str]) -> dict[str, str]:
    """Return the only one of `names` for each description that one has."""
    described: dict[str, list[str]] = {}
    for name in names:
        described.setdefault(record.descriptions.get(name, ""), []).append(name)
    return {words: found[0] for words, found in described.items() if words and len(found) == 1}


def taken_as_stated(old: Record, new: Record, stated: Sequence[str]) -> list[Taken]:
    """Return which subjects are to be compared, from texts such as "my-rnn=my_rnn.py:Mine", or "torch" for both.

    Raises
    ------
    UsageError
        If a record has no such subject, or one is named twice.
    """
    taken = [Taken(before, after or before) for before, _, after in (text.partition("=") for text in stated)]
    for side, record, names in (
        ("old", old, [one.old for one in taken]),
        ("new", new, [one.new for one in taken]),
    ):
        for name in names:
            if name not in record.subjects:
                message = f"The {side} record has no subject {name!r}; it has {', '.join(record.subjects)}."
                raise UsageError(message)
            if names.count(name) > 1:
                message = (
                    f"Of the {side} record {name!r} is named twice. Say for each subject once which it is."
                )
                raise UsageError(message)
    return taken


def renamed(record: Record, names: Mapping[str, str]) -> Record:
    """Return what a record has of the subjects that have a name there, under that name."""
    kept = {
        "subjects": [names[name] for name in record.subjects if name in names],
        "cases": [
            structs.replace(case, subject=names[case.subject])
            for case in record.cases
            if case.subject in names
        ],
    }
    if record.totals is not None:
        rows = [row for row in record.totals.agreements if row.subject in names]
        agreements = [structs.replace(row, subject=names[row.subject]) for row in rows]
        kept["totals"] = structs.replace(record.totals, agreements=agreements)
    return structs.replace(record, **kept)
