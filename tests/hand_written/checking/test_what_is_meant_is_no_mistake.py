"""Gradients that their author calls an approximation are not accused of being one; of any other mistake they are."""

import pytest
from support.small_networks import GRADIENTS, changed, checked, network

from conformance.hand_written.calling.hints.approximations import says_otherwise

CARRY = "carried = self.Wh.T @ da"

APPROXIMATIONS = {
    "chunks": (
        "Truncated BPTT: errors go back to the start of their chunk.",
        CARRY,
        f"{CARRY} * (t % 3 > 0)",
    ),
    "detached": ("The state before is detached at every step.", CARRY, "carried = 0 * da"),
    "every other": ("h-detach: every other step blocks the way back.", CARRY, f"{CARRY} * (t % 2)"),
    "diagonal": ("e-prop: nothing but a unit's own trace.", CARRY, "carried = np.diag(self.Wh) * da"),
    "alignment": (
        "Feedback alignment, with a matrix that never learns.",
        "(self.Wy.T @ dys[t]",
        "(np.cos(np.arange(self.Wy.size)).reshape(self.Wy.shape).T @ dys[t]",
    ),
    "straight": ("Straight-through: tanh lets errors pass.", " * (1 - self.hs[t + 1] ** 2)", ""),
    "frozen": ("The recurrent matrix is frozen.", GRADIENTS, "return dWx, 0 * dWh, dWy, dbh, dby"),
}


def written(text, says):
    return text.replace("def backward", f"# {says}\n    def backward")


@pytest.mark.parametrize("kind", APPROXIMATIONS)
def test_what_a_source_calls_an_approximation_is_not_accused(tmp_path, kind):
    says, before, after = APPROXIMATIONS[kind]
    text = changed(network(), (before, after))
    record = checked(tmp_path, written(text, says))
    assert (record.verdict, record.exit_code) == ("undecided", 5), record.headline
    assert "its source calls them an approximation" in record.headline
    assert not record.fixes
    silent = checked(tmp_path, text)
    assert silent.exit_code == 1, silent.headline


def test_a_mistake_beside_an_approximation_is_accused(tmp_path):
    text = changed(network("return dWx, dWh, -dWy, dbh, dby"), (CARRY, f"{CARRY} * (t % 3 > 0)"))
    record = checked(tmp_path, written(text, "Truncated BPTT, chunks of three steps."))
    assert record.exit_code == 1, record.headline


def test_right_gradients_conform_whatever_their_source_calls_them(tmp_path):
    record = checked(tmp_path, written(network(), "Truncated BPTT."))
    assert record.verdict == "conforms", record.headline


def test_sequences_longer_than_a_truncation_are_not_accused(tmp_path):
    text = changed(network(), (CARRY, f"{CARRY} * (t % 9 > 0)"))
    record = checked(tmp_path, written(text, "Backpropagation is truncated after nine steps."))
    assert record.verdict == "undecided", record.headline
    assert "for 7 steps all is right" in record.headline


def test_another_network_that_is_an_approximation_is_not_accused(tmp_path):
    text = changed(
        network(),
        (
            "np.tanh(self.Wx @ x + self.Wh @ self.hs[-1] + self.bh)",
            "np.sin(self.Wx @ x + self.Wh @ self.hs[-1])",
        ),
        ("(1 - self.hs[t + 1] ** 2)", "np.cos(self.Wx @ self.xs[t] + self.Wh @ self.hs[t])"),
        (CARRY, f"{CARRY} * (t % 2)"),
    )
    assert checked(tmp_path, text).exit_code == 1
    record = checked(tmp_path, written(text, "h-detach: every other step blocks the gradient."))
    assert (record.verdict, record.exit_code) == ("another-network", 5), record.headline


@pytest.mark.parametrize(
    "text",
    [
        "# BPTT sur 5 pas, gradient tronqué",
        "bptt_truncate=4",
        "# Der Gradient wird nach fünf Schritten abgeschnitten.",
        "# обрезанный градиент",
        "# the gradient is only approximated here",
        "# we ignore the\n# recurrent path",
        "W_rec is not trained",
    ],
)
def test_approximations_are_known_by_their_words(text):
    assert says_otherwise(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "# exact gradients, without truncation of BPTT",
        "W = truncated_normal(0, 1)  # initial weights",
        "@dataclass(frozen=True)",
        "# the numerical gradient approximates dW",
        "# not detached",
        "text = text[:100]  # truncate the text",
        "# recurrent dropout",
    ],
)
def test_other_words_say_nothing_of_gradients(text):
    assert says_otherwise(text) is None


def test_a_truncation_that_was_lifted_excuses_nothing():
    assert says_otherwise("# Truncated BPTT", cut_off=False) is None
