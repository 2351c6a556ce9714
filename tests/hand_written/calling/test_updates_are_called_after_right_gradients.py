"""A network's own update is called with gradients that are right: what it makes of them is judged too."""

import pytest
from support.small_networks import GRADIENTS, PARAMETERS, checked, network

UPDATE = f"""
    def update(self, {{arguments}}, lr=0.1):
        for n, (p, g) in enumerate(zip({PARAMETERS}, {{gradients}})):
            p -= {{step}}
"""

BY_NAME = {"arguments": "dWx, dWh, dWy, dbh, dby", "gradients": "(dWx, dWh, dWy, dbh, dby)"}
AT_ONCE = {"arguments": "grads", "gradients": "grads"}


def with_update(tmp_path, step, arguments):
    return checked(tmp_path, network(GRADIENTS) + UPDATE.format(step=step, **arguments))


@pytest.mark.parametrize("arguments", [BY_NAME, AT_ONCE])
@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("lr * g", "update moves every parameter against its gradient, at one rate."),
        ("-lr * g", "update moves every parameter along its gradient, at one rate."),
        ("lr * np.clip(g, -0.2, 0.2)", "Its update is made of its gradients by cutting off large elements."),
    ],
)
def test_an_update_by_a_known_rule_is_told(tmp_path, step, said, arguments):
    record = with_update(tmp_path, step, arguments)
    assert record.verdict == "conforms"
    assert said in record.notes


@pytest.mark.parametrize("arguments", [BY_NAME, AT_ONCE])
@pytest.mark.parametrize("step", ["lr * (g.T if n == 1 else g)", "lr * (0 if n == 3 else g)"])
def test_a_network_whose_update_leaves_a_gradient_out_does_not_conform(tmp_path, step, arguments):
    record = with_update(tmp_path, step, arguments)
    assert record.verdict == "undecided"
    wrong = "W_hh" if "T" in step else "b"
    assert f"its gradients are right, and update moves {wrong} by something else" in record.headline


def test_an_update_that_needs_something_unknown_is_told_as_not_judged(tmp_path):
    text = network(GRADIENTS) + "\n    def step(self, optimizer):\n        optimizer.apply(self)\n"
    record = checked(tmp_path, text)
    assert record.verdict == "conforms"
    assert "Not called, so not judged: what step makes of the gradients." in record.notes
