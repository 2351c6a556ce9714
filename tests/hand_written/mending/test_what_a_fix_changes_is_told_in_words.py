"""A fix is told in words: what was left out, is one too many, belongs elsewhere, must be added up."""

import pytest

from conformance.hand_written.mending.fixes import Fix, fixes_of, made
from conformance.hand_written.mending.wording import in_words

WORDS = [
    ("dh = W @ da", "dh = W.T @ da", "W must be transposed"),
    ("dh = W.T @ da", "dh = W @ da", "W must not be transposed"),
    ("dh = dy", "dh = dy + carry", "the term carry is missing"),
    ("dh = dy + carry", "dh = dy", "the term carry is one too many"),
    ("da = dh * f", "da = dh", "the factor f is one too many"),
    ("da = dh", "da = dh * (1 - h ** 2)", "the factor 1 - h ** 2 is missing"),
    ("db += d.sum(axis=0)", "db += da.sum(axis=0)", "da belongs in the place of d"),
    ("dW += da @ h[t].T", "dW += da @ h[t - 1].T", "h[t - 1] belongs in the place of h[t]"),
    ("db = da", "db += da", "db must be added up"),
    ("db += da", "db = da", "db must be set, not added up"),
    ("dh = W @ d + c", "dh = (W @ d if t == T - 1 else 0) + c", "W @ d belongs only where t == T - 1"),
    (
        "for t in range(T - 1, 0, -1):",
        "for t in range(T - 1, -1, -1):",
        "the loop must go over range(T - 1, -1, -1)",
    ),
    ("da = dh * (1 - np.tanh(h) ** 2)", "da = dh * (1 - h ** 2)", "h belongs in the place of np.tanh(h)"),
]


@pytest.mark.parametrize(("before", "after", "words"), WORDS)
def test_a_line_in_the_place_of_another_is_told_by_what_differs(before, after, words):
    fix = Fix(file="f.py", first=3, before=(f"        {before}",), after=(f"        {after}",))
    assert in_words(fix) == words


def test_lines_that_come_or_go_are_told_as_they_are():
    assert in_words(Fix(file="f.py", first=1, before=(), after=("    db += da",))) == "db += da is missing"
    assert in_words(Fix(file="f.py", first=1, before=("    d *= 2",), after=())) == "d *= 2 must not be there"


def test_what_cant_be_parsed_is_told_by_nothing():
    assert in_words(Fix(file="f.py", first=1, before=("a = (1 +",), after=("a = (2 +",))) == ""


EDITS = [
    ("a\nb\nc", "a\nB\nc"),
    ("a\nb\nc", "a\nB\nC"),
    ("a\nfor t in x:\nc", "a\nz = 0\nfor t in y:\n    e\nc"),
    ("a\nb\nc", "a\nc"),
    ("a\nb\nc", "z\na\nb\nc"),
    ("a\nb\nc\nd", "b\nc\nnew\nd"),
]


@pytest.mark.parametrize(("before", "after"), EDITS)
def test_fixes_lead_from_one_text_to_the_other(before, after):
    assert made(before, fixes_of({"f": before}, {"f": after})) == after


def test_each_line_is_a_fix_of_its_own():
    before, after = "for t in range(9, 0, -1):\n    b = a", "for t in range(9, -1, -1):\n    e = 1\n    b = a"
    fixes = fixes_of({"f": before}, {"f": after})
    assert [(fix.first, fix.before, fix.after) for fix in fixes] == [
        (1, ("for t in range(9, 0, -1):",), ("for t in range(9, -1, -1):",)),
        (2, (), ("    e = 1",)),
    ]
