"""conformance.check and conformance.assert_conforms, for notebooks and tests."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gallery.definitions import located
from hand_written.checking.test_checks_tell_what_is_wrong import (
    ActivatedTwice,
    Averaged,
    ConsistentSigmoid,
    Network,
    Raises,
)
from support.small_networks import GRADIENTS, MISTAKE, changed, network

import conformance
from conformance import Check, UsageError, assert_conforms, check
from conformance.hand_written.calling.loading.load import loaded_from
from conformance.hand_written.calling.running.guard import HOMES


def test_a_live_object_is_checked_in_this_process():
    found = check(Network())
    assert isinstance(found, Check)
    assert found.conforms
    assert found.verdict == "conforms"


def test_another_network_does_not_conform_whatever_its_gradients():
    found = check(ConsistentSigmoid())
    assert found.record.exit_code == 0
    assert not found.conforms
    with pytest.raises(AssertionError, match="ANOTHER NETWORK"):
        assert_conforms(ConsistentSigmoid())


@pytest.mark.parametrize("network", [Network, Network()])
def test_a_class_and_an_object_are_checked_alike(network):
    assert check(network).record.quantities == check(Network()).record.quantities


def test_it_prints_as_text_and_shows_as_html_in_notebooks():
    found = check(ActivatedTwice)
    assert str(found).startswith("DIFFERS  ")
    assert repr(found).endswith("ActivatedTwice: differs>")
    assert len(repr(found).splitlines()) == 1
    assert found._repr_html_().startswith('<div class="conformance-check">')


def test_the_line_that_asks_again_is_a_command_where_a_file_defines_the_network():
    assert check(ActivatedTwice()).record.reproduce.endswith(
        "tests/hand_written/checking/test_checks_tell_what_is_wrong.py:ActivatedTwice"
    )

    class Inside(Network):
        pass

    assert check(Inside).record.reproduce.startswith("conformance.check(")


def test_assert_conforms_raises_in_the_grammar_of_a_mismatch():
    assert_conforms(Network)
    assert_conforms(Averaged)
    with pytest.raises(AssertionError) as caught:
        assert_conforms(ActivatedTwice)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("DIFFERS  ")
    assert lines[1].startswith("first divergent step: ")
    assert lines[-1].startswith("reproduce: conformance check ")


def test_the_message_ends_with_the_patch_as_a_unified_diff(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(changed(network(GRADIENTS), MISTAKE), encoding="utf-8")
    with pytest.raises(AssertionError) as raised:
        assert_conforms(f"{path}:Net")
    lines = str(raised.value).splitlines()
    headers = [line for line in lines if line.startswith(("--- a/", "+++ b/"))]
    assert len(headers) == 2
    diff = "\n".join(lines[lines.index(headers[0]) :]) + "\n"
    subprocess.run(["git", "init", "-q"], check=True, cwd=tmp_path)
    subprocess.run(
        ["git", "apply", f"-p{len(path.parts) - 1}", "-"], input=diff, text=True, check=True, cwd=tmp_path
    )
    assert path.read_text(encoding="utf-8") == network(GRADIENTS)


def test_assert_conforms_never_passes_what_could_not_be_judged():
    with pytest.raises(AssertionError, match="W_hx"):
        assert_conforms(Raises)


def test_a_case_can_be_asked_for_and_a_wrong_one_is_refused():
    case = "rnn-tanh-T5-B2-I3-H4-f64-s1"
    assert check(Network, case=case).record.case == case
    assert check(Network, case=conformance.parse_id(case)).record.case == case
    with pytest.raises(UsageError, match="Case id"):
        check(Network, case="rnn-tanh")


def test_a_check_loads_no_torch():
    modules = "conformance.hand_written.checking.worker, conformance.cli.check"
    program = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_code_without_a_file_is_not_judged_by_what_this_package_itself_holds():
    """A class made by exec is in "<string>", as are the constructors of dataclasses, the right gradients' included."""
    source = Path(located("sum_learner.py")).read_text(encoding="utf-8")
    program = (
        source.partition("if __name__ ==")[0] + "\nimport conformance\nprint(conformance.check(RNN).verdict)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "differs"


@pytest.mark.parametrize("nothing", [42, None, [1.0, 2.0], (1, 2), {"W": 1}, np.zeros(3)])
def test_what_is_no_network_is_refused_with_advice(nothing):
    with pytest.raises(UsageError, match=f"tuple of functions.* got {type(nothing).__name__}"):
        conformance.check(nothing)


BESIDE = json.JSONEncoder()
"""An object of a library among the globals of this module."""


def test_nothing_is_sought_in_the_files_of_libraries_that_stand_beside_a_network():
    files = loaded_from(steps).files
    assert __file__ in files
    assert json.encoder.__file__ not in files
    assert not any(file.startswith(HOMES) for file in files)


def steps(xs, W, U, b):
    hs = [np.zeros(len(b))]
    for x in xs:
        hs.append(np.tanh(W @ x + U @ hs[-1] + b))
    return np.array(hs[1:])


def steps_back(dhs, xs, hs, W, U, b):
    dW, dU, db, carry = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b), 0
    for t in reversed(range(len(xs))):
        da = (dhs[t] + carry) * (1 - hs[t] ** 2)
        dW += np.outer(da, xs[t])
        dU += np.outer(da, hs[t - 1] if t else np.zeros(len(b)))
        db += da
        carry = U.T @ da
    return dW, dU, db


def test_functions_are_checked_together():
    found = conformance.check((steps, steps_back))
    assert found.verdict == "conforms"
    assert any("dL/dW_hh" in row.quantity for row in found.record.quantities)
    assert found.record.reproduce == "conformance.check((steps, steps_back))"


def test_what_was_stated_is_asked_for_again_as_stated():
    network = conformance.handwritten(
        steps, forward="h = code.steps(p.x[:, 0], p.W_ih, p.W_hh, p.b)", shown={"h": "h[:, None]"}
    )
    assert "conformance.handwritten('steps'" in conformance.check(network).record.reproduce
