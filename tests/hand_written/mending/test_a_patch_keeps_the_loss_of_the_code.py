"""What the loss of the code asks for, no patch takes away: a penalty on weights is no mistake in their gradients."""

import pytest
from support.small_networks import GRADIENTS, MISTAKE, changed, checked, network

LOSS = """
    def loss(self, targets):
        return 0.5 * np.sum((np.array(self.ys) - targets) ** 2){penalty}
"""


def text(*, penalised, in_the_loss):
    source = network(
        GRADIENTS, outputs="self.ys = [self.Wy @ h + self.by for h in self.hs[1:]]\nreturn np.array(self.ys)"
    )
    source = changed(
        source,
        ("def backward(self, dys)", "def backward(self, targets)"),
        (
            "        dWx, dWh, dWy = np",
            "        dys = np.array(self.ys) - targets\n        dWx, dWh, dWy = np",
        ),
        MISTAKE,
    )
    if penalised:
        source = changed(
            source,
            ("np.zeros_like(self.Wx), np.zeros_like(self.Wh)", "np.zeros_like(self.Wx), 0.1 * self.Wh"),
        )
    penalty = " + 0.05 * np.sum(self.Wh ** 2)" if in_the_loss else ""
    return source + LOSS.format(penalty=penalty)


def removes_the_penalty(record):
    return any("0.1 * self.Wh" in line for fix in record.fixes for line in fix.before)


@pytest.mark.parametrize("penalised", [False, True])
def test_without_a_penalty_in_its_loss_a_network_is_mended(tmp_path, penalised):
    record = checked(tmp_path, text(penalised=penalised, in_the_loss=False))
    assert record.verdict == "differs"
    assert record.fixes
    assert removes_the_penalty(record) is penalised


def test_no_patch_takes_a_penalty_away_that_is_in_the_loss(tmp_path):
    record = checked(tmp_path, text(penalised=True, in_the_loss=True))
    assert record.exit_code
    assert not removes_the_penalty(record)
