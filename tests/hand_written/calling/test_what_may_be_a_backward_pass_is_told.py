"""A forward pass alone has a verdict of its own, and an exit code by what may be a backward pass beside it."""

import pytest
from support.small_networks import MISTAKE, changed, checked, named, network

FORWARD = network().partition("    def backward")[0]

CHANGES = """
    def {}(self, record):
        self.Wx -= record.of_a_class_of_its_author().slopes
"""

READS = """
    def {}(self, record):
        return record.of_a_class_of_its_author().slopes
"""

HELPERS = """
    def tanh_prime(self, h):
        return 1 - h ** 2
    def save(self, path):
        np.savez(path, self.Wx, self.Wh)
    def perplexity(self, targets):
        return float(np.exp(-np.log(targets).mean()))
"""


@pytest.mark.parametrize("rest", ["", HELPERS, READS.format("step")], ids=["nothing", "helpers", "reads"])
def test_a_forward_pass_alone_is_all_that_there_is_to_check(tmp_path, rest):
    record = checked(tmp_path, FORWARD + rest)
    assert (record.verdict, record.exit_code, record.forward) == ("forward-conforms", 0, "agrees")
    assert (record.backward, record.unjudged) == (None, [])
    assert record.conforms
    assert "there is no backward pass to check" in record.headline


@pytest.mark.parametrize(
    ("text", "name"),
    [(READS, "__backward__"), (READS, "train"), (READS, "input_gradients"), (CHANGES, "step")],
)
def test_what_may_be_a_backward_pass_and_could_not_be_called_is_told(tmp_path, text, name):
    record = checked(tmp_path, FORWARD + text.format(name))
    assert (record.verdict, record.exit_code, record.forward) == ("forward-conforms", 5, "agrees")
    assert record.unjudged == [name]
    assert not record.conforms
    assert f"{name} may be a backward pass and could not be called" in record.headline


@pytest.mark.parametrize(
    ("mistake", "verdict", "faults"),
    [((), "conforms", []), ((MISTAKE,), "differs", ["carry-not-transposed"])],
)
def test_a_backward_pass_with_a_name_between_underscores_is_called(tmp_path, mistake, verdict, faults):
    record = checked(tmp_path, changed(network(), ("def backward", "def __backward__"), *mistake))
    assert record.verdict == verdict
    assert named(record) == faults
