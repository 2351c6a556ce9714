"""What a forward pass returns decides over what it keeps, and a limit on its states counts where it is reached."""

import pytest
from support.small_networks import OUTPUTS, changed, checked, lstm, named, network

KEPT = "self.ys = " + OUTPUTS.removeprefix("return ") + "\n"


@pytest.mark.parametrize("returned", ["self.ys", "np.tanh(self.ys)", "None"])
def test_outputs_that_are_kept_are_right_where_nothing_contrary_is_returned(tmp_path, returned):
    record = checked(tmp_path, network(outputs=f"{KEPT}return {returned}"))
    assert (record.verdict, record.exit_code) == ("conforms", 0)


def test_outputs_that_are_returned_decide_by_their_own_mistake(tmp_path):
    early = "np.array([self.Wy @ h + self.by for h in self.hs[:-1]])"
    record = checked(tmp_path, network(outputs=f"{KEPT}return {early}"))
    assert (record.verdict, record.forward, record.backward) == ("differs", "differs", "agrees")
    assert named(record) == ["outputs-of-previous-state-forward-only"]


def test_other_outputs_than_those_kept_never_conform(tmp_path):
    assert checked(tmp_path, network(outputs=f"{KEPT}return self.ys ** 3 + 1")).exit_code != 0


STATE = "np.tanh(self.Wx @ x + self.Wh @ self.hs[-1] + self.bh)"


@pytest.mark.parametrize("limit", [1, 100])
@pytest.mark.parametrize(
    "clipped", ["np.clip({state}, -{limit}, {limit})", "np.tanh(np.clip({inner}, -{inside}, {inside}))"]
)
def test_a_limit_that_no_state_reaches_changes_nothing(tmp_path, clipped, limit):
    inner = STATE.removeprefix("np.tanh(").removesuffix(")")
    after = clipped.format(state=STATE, inner=inner, limit=limit, inside=100 * limit)
    assert checked(tmp_path, changed(network(), (STATE, after))).verdict == "conforms"


def test_a_limit_that_states_reach_never_conforms(tmp_path):
    record = checked(tmp_path, changed(network(), (STATE, f"np.clip({STATE}, -0.1, 0.1)")))
    assert record.exit_code != 0


STATES = """
import numpy as np


def forward(x, h, Wx, Wh, b):
    states = [h]
    for x_t in x:
        states.append(np.tanh(x_t @ Wx + states[-1] @ Wh + b))
    return np.stack(states[1:]), {last}, (x, states, Wx, Wh)


def backward(d_h, cache):
    x, states, Wx, Wh = cache
    d_Wx, d_Wh, d_b, carry = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(len(Wh)), 0
    for t in reversed(range(len(x))):
        d_a = (d_h[t] + carry) * (1 - states[t + 1] ** 2)
        d_Wx, d_Wh, d_b = d_Wx + x[t].T @ d_a, d_Wh + states[t].T @ d_a, d_b + d_a.sum(0)
        carry = d_a @ Wh.T
    return d_Wx, d_Wh, d_b
"""


@pytest.mark.parametrize(
    ("last", "verdict"),
    [
        ("states[-1]", "conforms"),
        ("(states[-2], states[-1])", "conforms"),
        ("states[-2]", "undecided"),
        ("states[1]", "undecided"),
        ("*x, states[3]", "undecided"),
    ],
)
def test_a_state_that_is_returned_by_itself_is_the_last_one(tmp_path, last, verdict):
    record = checked(tmp_path, STATES.format(last=last), "forward,backward")
    assert record.verdict == verdict, record.headline
    assert ("an earlier state than the last, by itself" in record.headline) is (verdict == "undecided")


STATEFUL = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hid):
        self.Wx, self.Wh = np.random.randn(n_in, n_hid) * 0.5, np.random.randn(n_hid, n_hid) * 0.5
        self.b = np.zeros(n_hid)
        self.reset()

    def reset(self):
        self.state = np.zeros(len(self.b))

    def forward(self, x):
        self.x, self.hs = x, [self.state]
        for x_t in x:
            self.hs.append(np.tanh(x_t @ self.Wx + self.hs[-1] @ self.Wh + self.b))
        self.state = {last}
        return np.array(self.hs[1:])

    def backward(self, d_h):
        d_Wx, d_Wh, d_b, carry = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b), 0
        for t in reversed(range(len(d_h))):
            d_a = (d_h[t] + carry) * (1 - self.hs[t + 1] ** 2)
            d_Wx, d_Wh, d_b = d_Wx + np.outer(self.x[t], d_a), d_Wh + np.outer(self.hs[t], d_a), d_b + d_a
            carry = self.Wh @ d_a
        return d_Wx, d_Wh, d_b


if __name__ == "__main__":
    net, x = Net(3, 5), np.random.randn(6, 3)
    for piece in range(4):
        h = net.forward(x)
        print("loss", 0.5 * np.sum((h - 0.2) ** 2))
        for W, d in zip((net.Wx, net.Wh, net.b), net.backward(h - 0.2)):
            W -= 0.05 * d
"""


@pytest.mark.parametrize(
    ("last", "verdict"),
    [("self.hs[-1]", "conforms"), ("np.zeros(len(self.b))", "conforms"), ("self.hs[-2]", "undecided")],
)
def test_the_state_that_a_network_goes_on_from_is_the_last_one(tmp_path, last, verdict):
    record = checked(tmp_path, STATEFUL.format(last=last))
    assert record.verdict == verdict, record.headline
    assert ("where its next sequence starts from" in record.denied) is (verdict == "undecided")


@pytest.mark.parametrize(("memory", "verdict"), [("c", "conforms"), ("np.tanh(c)", "undecided")])
def test_a_memory_that_is_returned_beside_the_last_state_is_the_last_one(tmp_path, memory, verdict):
    record = checked(tmp_path, lstm("h, c", "h, c", f"np.array(hs), (h, {memory})"))
    assert record.verdict == verdict, record.headline
    assert ("no c_T" in record.denied) is (verdict == "undecided")
