"""Comparisons are laid out and judged many at once; what is found of each is what would be found of it alone."""

import numpy as np
import pytest
from msgspec.structs import fields

from conformance import load_subject, parse_id
from conformance.cases import FORMATS, materialise
from conformance.judge import Comparison, Finding, Precision, decide, local_check
from conformance.judge.decision import TOGETHER, _batches

DOUBLE = Precision.of(FORMATS["f64"])


def comparison(shape: tuple[int, ...], seed: int = 0, **changes: object) -> Comparison:
    """Return a comparison of `shape` whose elements are right, wrong, NaN, infinite, doubtful and not judged."""
    rng = np.random.default_rng(seed)
    expected = rng.standard_normal(shape)
    got = expected + rng.choice([0.0, 1e-3, 1.0], shape)
    for values in (got, expected):
        values[rng.random(shape) < 0.1] = np.nan
        values[rng.random(shape) < 0.1] = np.inf
    parts = {
        "phase": "forward",
        "quantity": "h",
        "layer": 0,
        "direction": 1,
        "axes": ("t", "row", "unit")[: len(shape)],
        "got": got,
        "expected": expected,
        "bound": rng.uniform(1e-3, 1, shape),
        "terms": np.where(rng.random(shape) < 0.1, DOUBLE.largest, 1.0),
        "judged": rng.random((*shape[:-1], 1)) < 0.9,
        "doubtful": rng.random(shape) < 0.1,
    }
    return Comparison(**(parts | changes))


def told(finding: Finding) -> dict[str, object]:
    """Return everything that a finding says."""
    plain = {f.name for f in fields(type(finding))} - {"comparison", "share", "precision"}
    said = {name: getattr(finding, name) for name in (*plain, "verdict", "first", "worst_where")}
    return said | {"share": finding.share.tobytes(), "shape": finding.share.shape}


def test_company_changes_no_finding() -> None:
    mixed = [
        comparison((4, 3, 5)),
        comparison((7,), 1, bound=0.0, terms=0.0, judged=None, doubtful=None),
        comparison((1, 1), 2, backwards=True),
        comparison((TOGETHER, 2), 3, backwards=True),
        comparison((3, 2, 2), 4, doubtful=None),
        comparison((5, 4), 5, judged=np.zeros((5, 1), np.bool_)),
    ]
    together = decide(mixed, DOUBLE)
    assert {finding.verdict for finding in together} > {"differs"}
    for c, finding in zip(mixed, together, strict=True):
        (alone,) = decide([c], DOUBLE)
        assert repr(told(alone)) == repr(told(finding))


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_comparison_without_elements_says_nothing_and_disturbs_none(position: int) -> None:
    around = [comparison((4, 3, 5)), comparison((2, 2), 1)]
    mixed = [*around[:position], comparison((0, 3), 2), *around[position:]]
    findings = decide(mixed, DOUBLE)
    empty = findings.pop(position)
    assert (empty.elements, empty.mismatches, empty.verdict, empty.worst_where) == (0, 0, "vacuous", "")
    assert repr([told(f) for f in findings]) == repr([told(f) for f in decide(around, DOUBLE)])


def test_a_real_case_is_judged_as_its_comparisons_one_by_one() -> None:
    problem = materialise(parse_id("rnn-tanh-L2-bi-T4-len4.2.3-B3-I5-H6-f64-s0"))
    findings = local_check(problem, load_subject("reference").run(problem))
    assert len(findings) > 30
    for finding in findings:
        (alone,) = decide([finding.comparison], DOUBLE)
        assert repr(told(alone)) == repr(told(finding))


def test_comparisons_are_laid_out_together_until_they_have_so_many_elements() -> None:
    sizes = [TOGETHER - 1, 1, TOGETHER - 1, 1, TOGETHER, 0, 5, TOGETHER + 5, 2, 3]
    batches = _batches([comparison((size,), judged=None) for size in sizes])
    assert [[c.got.size for c in batch] for batch in batches] == [
        [TOGETHER - 1, 1],
        [TOGETHER - 1, 1],
        [TOGETHER],
        [0, 5, TOGETHER + 5],
        [2, 3],
    ]
    assert list(_batches([])) == []
