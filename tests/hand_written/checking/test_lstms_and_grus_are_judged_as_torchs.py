"""An LSTM or GRU written by hand is judged as torch's: it conforms, or differs with a line, a mend and a name."""

import pytest
from gallery.definitions import SUBJECTS
from gallery.truth import truths

from conformance.hand_written.calling import Binding, bindings, load
from conformance.hand_written.calling.other_options import Option
from conformance.hand_written.checking.other_options import with_the_same_lines
from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.request import Request
from conformance.record import FREE_RUN
from conformance.record.check import CheckRecord

TRUTHS = truths()

NAMED = {
    "lstm_wrong": ("lstm-dc-next-dropped",),
    "slope_of_c_itself": ("lstm-tanh-prime-of-c",),
}
"""What a subject's patch mends."""

BEFORE = "refrnn.GRU(reset='before')"


def checked(name: str) -> CheckRecord:
    target = str(SUBJECTS / TRUTHS[name].target)
    return checked_target(target, "", Request.on_the_command_line(target), lambda _: None)


@pytest.mark.parametrize(
    ("name", "network", "layout"),
    [
        ("forget_first", "torch.nn.LSTM", "a matrix for each gate, one bias, [h; x] in one matrix"),
        ("as_torch_lays_out", "torch.nn.LSTM", "gates i f g o, two biases"),
        ("side_by_side", "torch.nn.LSTM", "gates f i o g, no bias, [x; h] in one matrix"),
        ("reset_after", "torch.nn.GRU", "gates r z n, two biases"),
        ("gates_of_rows", BEFORE, "a matrix for each gate, one bias, z multiplies the new candidate"),
    ],
)
def test_a_right_one_conforms_and_its_layout_is_told(name: str, network: str, layout: str) -> None:
    record = checked(name)
    assert record.verdict == "conforms"
    assert network in record.headline
    assert any(note.startswith("It is") and note.endswith(f": {layout}.") for note in record.notes)
    assert record.consistency is None


def test_functions_are_handed_h_0_and_c_0() -> None:
    record = checked("lstm_functions")
    (start,) = [part for part in record.parts if part.id == "initial-state"]
    assert start.holds
    assert any("p.h_0, p.c_0" in line for line in record.interface.adapter.splitlines())


@pytest.mark.parametrize("name", NAMED)
def test_a_wrong_one_differs_and_its_patch_has_a_name(name: str) -> None:
    record, truth = checked(name), TRUTHS[name]
    assert record.verdict == "differs"
    assert record.forward == "agrees"
    assert record.first_divergence is not None
    assert [fault for fix in record.fixes for fault in fix.faults] == list(NAMED[name])
    assert [fault.id for fault in record.diagnosis.faults] == list(NAMED[name])
    assert record.diagnosis.explained
    (fix,) = record.fixes
    assert truth.faults[0].line in fix.before[0]


def test_what_has_no_name_has_a_patch_without_one() -> None:
    record = checked("forgotten_forget")
    assert record.verdict == "differs"
    assert record.fixes
    assert {fault for fix in record.fixes for fault in fix.faults} <= {"lstm-dc-without-f"}


def test_a_step_whose_gradient_of_c_is_wrong_is_wrong_by_itself() -> None:
    record = checked("lstm_by_steps")
    assert record.verdict == "differs"
    wrong = {q.quantity.removesuffix(FREE_RUN) for q in record.quantities if q.verdict == "differs"}
    assert wrong == {"dL/dc_0"}


def test_another_option_is_tried_with_the_one_activation_that_an_lstm_has() -> None:
    bound = next(iter(bindings(load(str(SUBJECTS / TRUTHS["forget_first"].target)))))
    assert isinstance(bound, Binding)
    option = Option(of=("LSTM",), name="fast", default=False, value="True")
    assert with_the_same_lines(bound, option) == bound
