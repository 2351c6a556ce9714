"""Networks are built, handed their arguments and loaded as they are written, whatever their habits are."""

import pytest
from support.small_networks import (
    GRADIENTS,
    MISTAKE,
    OUTPUTS,
    PARAMETERS,
    broken,
    changed,
    checked,
    named,
    network,
    told,
)


@pytest.mark.parametrize(
    ("mistake", "verdict", "faults"),
    [((), "conforms", []), ((MISTAKE,), "differs", ["carry-not-transposed"])],
)
def test_weights_that_must_not_be_written_are_set_by_other_ones(tmp_path, mistake, verdict, faults):
    locked = f"for p in {PARAMETERS}:\n    p.flags.writeable = False"
    record = checked(tmp_path, changed(network(attributes=locked), *mistake))
    assert record.verdict == verdict
    assert named(record) == faults


def test_a_trained_initial_state_is_no_leak(tmp_path):
    text = network(f"{GRADIENTS}, carried", attributes="self.start = np.zeros(n_hidden)")
    record = checked(tmp_path, changed(text, ("[np.zeros(len(self.bh))]", "[self.start]")))
    assert record.verdict == "conforms"
    assert "leaks" not in broken(record)
    assert next(part for part in record.parts if part.id == "initial-state").holds


START = (
    ("def forward(self, xs):", "def forward(self, xs, anfang=None):"),
    ("[np.zeros(len(self.bh))]", "[np.zeros(len(self.bh)) if anfang is None else anfang]"),
)


def test_an_initial_state_is_handed_in_under_any_name(tmp_path):
    record = checked(tmp_path, changed(network(), *START))
    assert record.verdict == "conforms"
    assert next(part for part in record.parts if part.id == "initial-state").holds


def test_a_mistake_that_only_another_initial_state_shows_is_found_under_any_name(tmp_path):
    forgotten = ("dWh += np.outer(da, self.hs[t])", "dWh += np.outer(da, self.hs[t]) if t else 0")
    record = checked(tmp_path, changed(network(), *START, forgotten))
    assert record.verdict == "differs"
    assert "from h_0 = 0 only" in record.headline
    assert named(record) == ["h-previous-zero-at-first"]


@pytest.mark.parametrize(
    ("line", "told_as"),
    [("dys *= 0", "dL/dy"), ("self.xs *= 0", "x"), ("dys = 0 * dys", ""), ("self.xs = None", "")],
)
def test_arguments_that_are_overwritten_are_told_and_conform(tmp_path, line, told_as):
    record = checked(tmp_path, network(f"{line}\n{GRADIENTS}"))
    assert record.verdict == "conforms"
    assert broken(record) == (
        f"it overwrites arrays of its caller's: {told_as}; work on a copy" if told_as else ""
    )


HANDED = (
    (OUTPUTS, f"{OUTPUTS}, self.hs"),
    ("def backward(self, dys):", "def backward(self, dys, hs):"),
    ("self.hs[t", "hs[t"),
)


@pytest.mark.parametrize(("line", "overwrites"), [("hs[0] += 1", True), ("hs = hs[1:]", False)])
def test_what_forward_returned_must_not_be_overwritten_either(tmp_path, line, overwrites):
    record = checked(tmp_path, changed(network(f"{line}\n{GRADIENTS}"), *HANDED))
    assert record.verdict == "conforms"
    assert ("it overwrites arrays of its caller's" in broken(record)) == overwrites


FROM_GLOBALS = (
    "def __init__(self, n_in, n_hidden, n_out):",
    "def __init__(self):\n        n_in, n_hidden, n_out = inputs, hidden, outputs",
)

MAIN = """
if __name__ == "__main__":
    inputs = 3
    hidden = 5
    outputs = 2
    net = Net()
"""


@pytest.mark.parametrize(
    ("mistake", "verdict", "faults"),
    [((), "conforms", []), ((MISTAKE,), "differs", ["carry-not-transposed"])],
)
def test_sizes_that_only_the_main_block_sets_are_taken_from_there(tmp_path, mistake, verdict, faults):
    record = checked(tmp_path, changed(network(), FROM_GLOBALS, *mistake) + MAIN)
    assert record.verdict == verdict
    assert named(record) == faults
    assert "hidden = 5 is taken from the main block" in told(record)


def test_sizes_that_nothing_sets_are_no_network(tmp_path):
    assert checked(tmp_path, changed(network(), FROM_GLOBALS)).verdict == "not-called"


OWN_LOSS = """def backward(self, targets):
        error = np.array([self.Wy @ h + self.by for h in self.hs[1:]]) - targets
        loss = {}
        dys = {}"""


@pytest.mark.parametrize(
    ("loss", "slope", "constant"),
    [
        ("(error ** 2).mean()", "error", "T·O/2"),
        ("(error ** 2).mean()", "2 * error / error.size", None),
        ("(error ** 2).sum() / 2", "error", None),
        ("(error ** 2).sum() / 2", "2 * error", "2"),
    ],
)
def test_a_loss_that_is_written_down_in_a_local_variable_tells_the_constant(tmp_path, loss, slope, constant):
    record = checked(tmp_path, changed(network(), ("def backward(self, dys):", OWN_LOSS.format(loss, slope))))
    if constant is None:
        assert (record.verdict, record.scale) == ("conforms", None)
    else:
        assert record.verdict == "conforms-up-to-a-constant"
        assert record.headline.endswith(f"up to the constant {constant}.")
        assert record.scale.declared
