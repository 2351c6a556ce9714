"""Where a sum has so many terms that rounding has no bound (n·u ≥ 1), nothing is decided, and no run is lost."""

import numpy as np
import pytest
from msgspec import structs

from conformance import examine, load_subject, parse_id
from conformance.cases import FORMATS
from conformance.judge import Precision

SINGLE = Precision.of(FORMATS["f32"])
CASE = parse_id("rnn-tanh-L2-bi-T9-B8-I3-H4-f32-s0")
BY_TERMS = {"dL/dW_ih", "dL/dW_hh", "dL/db_ih", "dL/db_hh"}


def test_float32_has_no_bound_from_two_to_the_24_terms_on() -> None:
    terms = np.array([[0.0, 1.0, 1e30]])
    assert np.isposinf(SINGLE.of_sum(2**24, terms)).all()
    assert np.isfinite(SINGLE.of_sum(2**24 - 2**10, terms)).all()


def test_a_bound_grows_with_the_number_of_terms_and_with_their_size() -> None:
    sizes = [SINGLE.of_sum(n, np.array(1.0)) for n in (1, 2, 10, 10**3, 10**6, 2**24 - 2**10, 2**24)]
    assert sizes == sorted(sizes)
    assert sizes[0] == pytest.approx(SINGLE.u)
    assert SINGLE.of_sum(3, np.array(0.0)) == 3 * SINGLE.eta


@pytest.mark.parametrize("subject", ["torch", "torch-steps", "torch-results"])
def test_gradients_over_too_many_rows_are_undecidable_and_the_reason_is_given(
    subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a precision of 1/64 the 72 rows of the case are too many, its single steps aren't."""
    coarse = Precision.of(structs.replace(FORMATS["f32"], digits=6, lowest=-144, accumulator=2.0**-6))
    monkeypatch.setattr(Precision, "of", lambda *_, **__: coarse)
    record = examine(CASE, load_subject(subject))
    assert record.verdict == "undecidable"
    if subject != "torch-results":
        assert "too long for its precision" in record.reason
        undecided = {q.quantity for q in record.quantities if q.scale == "bound" and q.undecided}
        assert undecided == BY_TERMS
