"""Other layouts of an LSTM's or GRU's parameters: the same network, and gradients that come back where they belong."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from oracles import gated
from oracles.gated import Experiment, drawn

from refrnn import Convention

ORDERS = [
    *(("GRU", "".join(order), update) for order in permutations("rzn") for update in ("old", "new")),
    *(("LSTM", order, "old") for order in ("ifgo", "figo", "ifog", "gifo", "ogif")),
]


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def loss(e: Experiment, gates: str, update: str, own: dict[str, np.ndarray]) -> Any:
    """Run one layer as code with these conventions has it; ½ Σ h² over all steps. May be complex."""
    state, total = {letter: e.initial[letter][0] for letter in e.letters}, 0
    one = own.get("bias_l0", 0)
    b_ih, b_hh = own.get("bias_ih_l0", one), own.get("bias_hh_l0", 0 * one)
    for x in e.x:
        share, recurrent = x @ own["weight_ih_l0"].T + b_ih, state["h"] @ own["weight_hh_l0"].T + b_hh
        s, m = (dict(zip(gates, np.split(a, len(gates), 1), strict=True)) for a in (share, recurrent))
        if e.kind == "LSTM":
            i, f, o = (sigmoid(s[letter] + m[letter]) for letter in "ifo")
            c = f * state["c"] + i * np.tanh(s["g"] + m["g"])
            state = {"h": o * np.tanh(c), "c": c}
        else:
            r, z = (sigmoid(s[letter] + m[letter]) for letter in "rz")
            n, h = np.tanh(s["n"] + r * m["n"]), state["h"]
            state = {"h": (1 - z) * n + z * h if update == "old" else (1 - z) * h + z * n}
        total = total + (state["h"] ** 2).sum() / 2
    return total


@pytest.mark.parametrize("biases", ["two", "one", "none"])
@pytest.mark.parametrize(("kind", "gates", "update"), ORDERS)
def test_a_network_of_that_convention_has_its_loss_and_its_gradients(
    kind: str, gates: str, update: str, biases: str
) -> None:
    e = drawn(kind, bias=biases != "none", steps=3, batch=2, hidden=2)
    own = dict(e.weights)
    if biases == "one":
        own["bias_l0"] = own.pop("bias_ih_l0")
        del own["bias_hh_l0"]
    convention = Convention(gates=gates, update=update)
    trace, gradients = gated.run(
        e.but(weights=convention.to_torch(own), d_final=dict.fromkeys(e.letters)).but(
            d_output=gated.run(e.but(weights=convention.to_torch(own)))[0].output
        )
    )
    assert np.isclose((trace.output**2).sum() / 2, loss(e, gates, update, own), rtol=1e-14, atol=0)  # a few u
    found = convention.gradients(gradients.parameters, own)
    assert list(found) == list(own)
    for name, values in own.items():
        for index in np.ndindex(values.shape):
            moved = values.astype(complex)
            moved[index] += 1e-30j
            slope = loss(e, gates, update, own | {name: moved}).imag / 1e-30
            assert abs(found[name][index] - slope) <= 1e-14 * max(1, np.abs(found[name]).max()), (
                name
            )  # some 50 u


def test_torch_s_own_convention_changes_nothing() -> None:
    for kind, gates in (("LSTM", "ifgo"), ("GRU", "rzn")):
        e = drawn(kind, proj=2 if kind == "LSTM" else 0, layers=2, directions=2)
        found = Convention(gates=gates).to_torch(e.weights)
        assert list(found) == list(e.weights)
        assert all(np.array_equal(found[name], w) for name, w in e.weights.items())


def test_projections_keep_their_rows() -> None:
    e = drawn("LSTM", proj=2)
    convention = Convention(gates="figo")
    assert np.array_equal(convention.to_torch(e.weights)["weight_hr_l0"], e.weights["weight_hr_l0"])
    _, gradients = gated.run(e)
    back = convention.gradients(gradients.parameters, ["weight_hr_l0"])
    assert np.array_equal(back["weight_hr_l0"], gradients.parameters["weight_hr_l0"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Convention(gates="ifg"),
            r"^gates must be the letters 'ifgo' or 'rzn' .*; got 'ifg'\. Name every block",
        ),
        (lambda: Convention(gates=None), r"^gates must be the letters"),
        (lambda: Convention(gates="rrz"), r"^gates must be the letters"),
        (lambda: Convention(gates="rzn", update="z"), r"^update must be 'old' or 'new'; got 'z'"),
        (
            lambda: Convention(gates="ifgo", update="new"),
            r"^update='new' is about the gate z .*'ifgo'\. Leave it out",
        ),
        (
            lambda: Convention(gates="rzn").to_torch({"bias": np.ones(4)}),
            r"^bias must have a block .* 3 gates 'rzn'; got",
        ),
        (lambda: Convention(gates="rzn").to_torch({"bias": 1.0}), r"shape \(\)\. Stack the blocks"),
        (
            lambda: Convention(gates="rzn").gradients({}, ["bias_l0"]),
            r"got 'bias_l0', .* no gradient of 'bias_ih_l0'",
        ),
    ],
)
def test_what_is_no_convention_is_refused_with_advice(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
