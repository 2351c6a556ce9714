"""From choices at seams to the fewest entries of the catalogue that make them, and a bound that is quickly had."""

from itertools import combinations

import numpy as np
import pytest
from msgspec import structs

from conformance.faults import CATALOGUE, RIGHT, Choices, choices_of
from conformance.hand_written.diagnosis import cover as covering
from conformance.hand_written.diagnosis.cover import RANK, at_least, covers


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_entry_alone_covers_its_own_choices(name: str) -> None:
    fault = CATALOGUE[name]
    choices = choices_of([fault])
    if fault.seam == "scale":
        assert covers(choices) == [()]
        return
    found = covers(choices)
    assert (name,) in found
    assert {len(faults) for faults in found} == {1}
    for (other,) in found:
        assert dict(choices.departures()) == dict(CATALOGUE[other].choices)
    pairs = frozenset(choices.departures().items())
    assert at_least(pairs) == 1
    beside = (
        choices_of(
            [fault],
        )
        if not fault.perhaps
        else structs.replace(choices, **dict(fault.perhaps))
    )
    assert (name,) in covers(beside)


def test_two_entries_cover_what_they_make_together_in_the_catalogue_s_order() -> None:
    names = ("carry-not-transposed", "tanh-prime-of-activated", "b-hh-gradient-dropped")
    for chosen in combinations(sorted(names, key=RANK.__getitem__), 2):
        choices = choices_of([CATALOGUE[name] for name in chosen])
        assert covers(choices) == [chosen]
        assert at_least(frozenset(choices.departures().items())) == 2
    assert covers(RIGHT) == [()]
    assert at_least(frozenset()) == 0


def test_what_no_entry_chooses_is_covered_by_none_and_bounded_all_the_same() -> None:
    assert covers(Choices(inputs="nudged", kept="before", reduce_hh="mean"))
    nowhere = frozenset({("carry", "nothing of the kind"), ("carried", "dh")})
    assert at_least(nowhere) == 2


def test_the_bound_never_exceeds_the_fewest_entries_and_bears_further_choices() -> None:
    rng = np.random.default_rng(0)
    entries = [fault for fault in CATALOGUE.values() if fault.seam != "scale"]
    for _ in range(40):
        chosen = {}
        for fault in rng.choice(np.array(entries, object), 3, replace=False):
            if not set(chosen) & set(fault.choices):
                chosen |= fault.choices
        choices = Choices(**chosen)
        pairs = frozenset(choices.departures().items())
        fewest = len(covers(choices)[0])
        assert at_least(pairs) <= fewest
        for size in range(len(pairs)):
            for part in list(combinations(pairs, size))[:20]:
                assert at_least(frozenset(part)) <= at_least(pairs)


def test_sets_of_equal_size_come_in_the_catalogue_s_order(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, blind = CATALOGUE["carry-missing"], frozenset({"calls"})
    named = {name: structs.replace(chosen, id=name) for name in ("b", "c", "a")}
    monkeypatch.setattr(covering, "CATALOGUE", named)
    monkeypatch.setattr(covering, "RANK", {name: n for n, name in enumerate(named)})
    monkeypatch.setattr(covering, "_parts", covering._parts.__wrapped__)
    assert covering._smallest.__wrapped__(frozenset({("carry", "none")}), blind) == [("b",), ("c",), ("a",)]


def test_what_is_chosen_where_nothing_is_seen_does_not_matter() -> None:
    several = next(f for f in CATALOGUE.values() if {"reduce_ih", "reduce_b"} <= set(f.choices))
    blind = frozenset({"reduce_b", "formed_b", "kept"})
    choices = choices_of([several])
    without = structs.replace(choices, reduce_b="sum")
    assert (several.id,) in covers(without, blind)
    assert (several.id,) in covers(choices, blind)
    assert (several.id,) not in covers(without)
    assert covers(Choices(reduce_b="mean"), blind) == [()]
