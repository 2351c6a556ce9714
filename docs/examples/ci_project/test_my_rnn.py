"""Every case of a suite, as a test of `MyRNN`."""

from collections.abc import Callable

import pytest
from my_rnn import Shown


@pytest.mark.conformance(Shown(), suite="smoke")
def test_my_rnn_agrees_with_torch(conformance_check: Callable[[], object]) -> None:
    """Hold every step of every case against the reference."""
    conformance_check()
