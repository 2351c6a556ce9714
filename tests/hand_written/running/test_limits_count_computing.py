"""What foreign code may take is computing; waiting has a limit of its own, and a first call may take more."""

import time

import pytest

from conformance.hand_written.calling.running.limits import PATIENCE, Allowance, TookTooLong, time_limit
from conformance.hand_written.checking.process import checked_apart

pytestmark = pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="no such timers here")

COMPILES = """
import time
import numpy as np

class Net:
    compiled = False

    def __init__(self, n_in, n_hidden):
        self.wx, self.wh = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.b = np.zeros(n_hidden)

    def forward(self, xs):
        if not Net.compiled:
            until = time.process_time() + 3
            while time.process_time() < until:
                sum(range(10**6))
            Net.compiled = True
        hs = [np.zeros(len(self.b))]
        for x in xs:
            hs.append(np.tanh(self.wx @ x + self.wh @ hs[-1] + self.b))
        return np.array(hs[1:])
"""


def compute(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_computing_beyond_the_limit_ends():
    with pytest.raises(TookTooLong, match=r"no answer within 0\.1 s of computing"), time_limit(0.1):
        compute(60)


def test_waiting_ends_by_the_clock_and_not_before():
    with time_limit(0.1):
        time.sleep(0.2)
    begun = time.monotonic()
    with pytest.raises(TookTooLong, match=r"no answer within 0\.4 s"), time_limit(0.1):
        time.sleep(60)
    assert time.monotonic() - begun >= PATIENCE * 0.1


def test_a_first_call_may_take_more_and_one_that_hangs_spends_that():
    allowed = Allowance(call=0.1, spare=0.3)
    with allowed.one_call():
        compute(0.25)  # it compiles
    assert allowed.spare < 0.2
    with pytest.raises(TookTooLong), allowed.one_call():
        compute(60)
    assert allowed.spare < 0.05  # a limit may strike that much early, by some ticks of the clock
    with pytest.raises(TookTooLong, match=r"no answer within 0\.[14]\d* s"), allowed.one_call():
        compute(60)
    with allowed.one_call():
        compute(0.05)


def test_calls_follow_the_limit_of_the_check():
    allowed = Allowance()
    usual = (allowed.call, allowed.spare)
    allowed.follow(60.0)
    assert (allowed.call, allowed.spare) == usual
    allowed.follow(600.0)
    assert allowed.call == 10 * usual[0]


def test_a_network_that_compiles_in_its_first_call_is_judged(tmp_path):
    (tmp_path / "net.py").write_text(COMPILES)
    record = checked_apart(f"{tmp_path / 'net.py'}:Net", "")
    assert record.verdict == "forward-conforms", record.headline
