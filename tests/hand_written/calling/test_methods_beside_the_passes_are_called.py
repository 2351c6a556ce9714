"""Methods that give parameters away and take them back, and those that look at what a network gives, are called."""

from pathlib import Path

import pytest
from support.small_networks import checked, network, told

KEEPS = """
    def state_dict(self):
        return {name: getattr(self, name).copy() for name in ("Wx", "Wh", "Wy", "bh", "by")}
    def load_state_dict(self, state):
        for name in state:
            setattr(self, name, state[name])
"""

SAVES = """
    def save(self, path):
        np.savez(path, Wx=self.Wx, Wh=self.Wh)
    def load(self, path):
        with np.load(path) as kept:
            self.Wx, self.Wh = kept["Wx"], kept["Wh"]
"""

LOOKS = """
    def evaluate(self, pairs):
        return sum(((self.forward(x) - y) ** 2).sum() for x, y in pairs)
    def accuracy(self, xs, ys):
        return (self.forward(xs).argmax(1) == np.argmax(ys, 1)).mean()
"""


@pytest.mark.parametrize("methods", [KEEPS, SAVES, LOOKS])
def test_methods_that_change_nothing_are_judged(tmp_path: Path, methods: str) -> None:
    record = checked(tmp_path, network() + methods)
    assert record.verdict == "conforms"
    assert "Not run" not in told(record)


@pytest.mark.parametrize(
    ("methods", "right", "wrong", "says"),
    [
        (
            KEEPS,
            "state[name])",
            "1.5 * state[name])",
            "load_state_dict makes another network of what state_dict gives",
        ),
        (
            SAVES,
            'self.Wh = kept["Wx"], kept["Wh"]',
            'self.Wh = kept["Wx"], kept["Wh"].T',
            "load makes another network",
        ),
        (
            LOOKS,
            "return sum(",
            "self.Wh -= 0.1 * self.Wh\n        return sum(",
            "evaluate changes its parameters",
        ),
        (LOOKS, "return (self", "self.bh += 1\n        return (self", "accuracy changes its parameters"),
    ],
)
def test_methods_that_change_parameters_deny_that_all_is_right(
    tmp_path: Path, methods: str, right: str, wrong: str, says: str
) -> None:
    assert right in methods
    record = checked(tmp_path, network() + methods.replace(right, wrong))
    assert record.verdict == "undecided"
    assert f"its gradients are right, and {says}" in record.headline


def test_methods_that_cannot_be_called_are_told(tmp_path: Path) -> None:
    methods = "\n    def evaluate(self, a, b, c, d):\n        return 0\n"
    record = checked(tmp_path, network() + methods)
    assert record.verdict == "conforms"
    assert "Not run, so not judged: evaluate." in told(record)
