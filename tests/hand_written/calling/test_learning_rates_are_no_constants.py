"""The learning rate of an update in place is taken out, wherever it is kept; the sign of the update is told."""

import pytest
from support.small_networks import MISTAKE, changed, checked, named, told, update

from conformance.hand_written.calling.describing import UPHILL

OWN = "Its update has a learning rate of its own, "

ODD = {
    "an argument": update("p -= pace * g", arguments=", pace=0.05"),
    "an attribute": update("p -= self.pace * g", arguments="", attributes="self.pace = 0.05"),
    "a global": changed(update("p -= PACE * g", arguments=""), ("class Net", "PACE = 0.05\nclass Net")),
    "a number": update("p -= 0.05 * g", arguments=""),
}


@pytest.mark.parametrize("place", ODD)
def test_a_learning_rate_is_no_constant_on_the_gradients(tmp_path, place):
    record = checked(tmp_path, ODD[place])
    assert (record.verdict, record.scale) == ("conforms", None)
    assert UPHILL not in record.notes


@pytest.mark.parametrize("place", ["an attribute", "a number"])
def test_a_mistake_beside_an_odd_learning_rate_is_named(tmp_path, place):
    record = checked(tmp_path, changed(ODD[place], MISTAKE))
    assert (record.verdict, record.backward) == ("differs", "differs")
    assert named(record) == ["carry-not-transposed"]


def test_a_rate_that_is_written_into_the_code_is_told(tmp_path):
    assert f"{OWN}0.05, which is divided out." in told(checked(tmp_path, ODD["a number"]))


def test_a_rate_that_can_be_set_is_not_told_as_one_of_its_own(tmp_path):
    assert OWN not in told(checked(tmp_path, ODD["an argument"]))


@pytest.mark.parametrize(("line", "uphill"), [("p += lr * g", True), ("p -= lr * g", False)])
def test_an_update_that_is_added_is_told_as_going_uphill(tmp_path, line, uphill):
    record = checked(tmp_path, update(line))
    assert (UPHILL in record.notes) == uphill
    assert record.verdict == ("conforms-up-to-a-constant" if uphill else "conforms")
