"""What `np.empty` gives is no result, right or wrong, by what happens to lie there."""

from pathlib import Path

import pytest
from support.apart import apart
from support.small_networks import broken, changed, checked, checked_here, network

UNSET = ("dWx, dWh, dWy = np.zeros_like(self.Wx)", "dWx, dWh, dWy = np.empty_like(self.Wx)")

BUFFERED = changed(
    network("return self.grads"),
    (
        "self.name = ''",
        "self.grads, self.spare = [0 * self.Wx, 0 * self.Wh, 0 * self.Wy, 0 * self.bh, 0 * self.by], 0",
    ),
    (
        "        self.xs, self.hs",
        "        self.spare = np.empty((50, len(self.bh)))\n        self.xs, self.hs",
    ),
    (
        "        return self.grads",
        "        self.grads[:] = dWx, dWh, dWy, dbh, dby\n        return self.grads",
    ),
)


def test_a_sum_that_begins_from_memory_as_it_is_differs_and_is_mended(tmp_path: Path) -> None:
    record = checked(tmp_path, changed(network(), UNSET))
    assert record.verdict == "differs"
    assert record.diagnosis is not None
    assert "dL/dW_ih isn't finite in 24 / 24 elements." in record.diagnosis.known
    (fix,) = record.fixes
    assert "dWx, dWh, dWy = np.zeros_like(self.Wx)" in fix.after[0]


@pytest.mark.parametrize(
    "form", ["np.empty({})", "np.empty({}, np.float32)", "np.empty(shape={}, dtype=complex)"]
)
def test_memory_of_every_kind_of_floats_holds_nan(tmp_path: Path, form: str) -> None:
    text = changed(
        network(), ("carried = self.Wh.T @ da", f"carried = self.Wh.T @ da + 0 * {form.format('1')}.real")
    )
    assert checked(tmp_path, text).verdict == "differs"


def test_space_that_is_written_before_it_is_read_is_no_parameter(tmp_path: Path) -> None:
    record = checked(tmp_path, BUFFERED)
    assert record.verdict == "conforms"
    assert not broken(record)


def test_numpys_own_functions_are_back_afterwards(tmp_path: Path) -> None:
    assert apart(_own_are_back, tmp_path)


def _own_are_back(folder: Path) -> bool:
    import numpy as np

    own = np.empty, np.empty_like
    checked_here(folder, network())
    return (np.empty, np.empty_like) == own
