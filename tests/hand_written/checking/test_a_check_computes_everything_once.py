"""What one check asks about again and again is computed once, and nothing that it doesn't need is imported."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conformance.cases import Case
from conformance.hand_written.checking import judging
from conformance.hand_written.checking.judging import Truth
from conformance.hand_written.remembering import MOST, content, drawn, once_for_equal
from conformance.judge import allowances

CASE = Case(steps=5, batch=3, input_size=2, hidden_size=4, h_0=True, dtype="f64")
GALLERY = Path(__file__).parents[2] / "gallery" / "subjects"


def test_a_case_is_drawn_once_and_its_arrays_can_not_be_written_to():
    problem = drawn(CASE)
    assert drawn(replace(CASE)) is problem
    assert drawn(replace(CASE, seed=CASE.seed + 1)).x[0, 0, 0] != problem.x[0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        problem.x[0, 0, 0] = 1


def test_equal_arguments_are_answered_once_whatever_objects_hold_them():
    asked = []
    double = once_for_equal(lambda array: (asked.append(array), 2 * array)[1])
    first, equal = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3)
    assert double(first) is double(equal)
    first[1, 2] = -1  # what was written to is another argument
    np.testing.assert_array_equal(double(first), 2 * first)
    assert len(asked) == 2


def test_no_more_answers_are_kept_than_a_check_needs():
    asked = []
    double = once_for_equal(asked.append)
    for n in [*range(MOST + 1), 0]:
        double(n)
    assert asked == [*range(MOST + 1), 0]


@pytest.mark.parametrize(
    "other",
    [
        np.arange(6.0).reshape(3, 2),
        np.arange(6).reshape(2, 3),
        np.array([[0.0, 1, 2], [3, 4, np.nan]]),
        np.array([[-0.0, 1, 2], [3, 4, 5]]),
    ],
)
def test_arrays_of_other_shapes_types_and_signs_are_other_arguments(other):
    array = np.arange(6.0).reshape(2, 3)
    assert content(array) == content(array.copy())
    assert content({"a": [array]}) != content({"a": [other]})


def test_problems_differ_in_each_of_their_arrays():
    problem = drawn(CASE)
    assert content(problem) == content(replace(problem, x=problem.x.copy()))
    assert content(problem) != content(replace(problem, x=problem.x + 1))
    assert content(problem) != content(
        replace(problem, weights={**problem.weights, "bias_hh_l0": np.ones(4)})
    )


def test_the_noise_of_a_problem_is_measured_once(monkeypatch):
    measured = []

    def counted(problem, exact):
        measured.append(content((problem, exact)))
        return allowances(problem, exact)

    monkeypatch.setattr(judging, "allowances", counted)
    problem = drawn(replace(CASE, seed=77))
    equal = replace(problem, x=problem.x.copy())
    truths = [
        Truth.of(problem),
        Truth.of(problem).in_single_precision(),
        Truth.of(equal).in_single_precision(),
    ]
    assert len(measured) == len(set(measured)) == 2, "in double precision, and in single"
    assert truths[1].allowed is truths[2].allowed is not truths[0].allowed


def test_a_check_imports_no_masked_arrays():
    """Importing them takes as long as a tenth of what a right network is checked in."""
    target = next(GALLERY.glob("right/classes_for_sequences/*.py"))
    code = (
        "import sys\n"
        "from conformance.hand_written.checking.target import checked_target\n"
        "from conformance.hand_written.request import Request\n"
        f"target = {str(target)!r}\n"
        "request = Request.on_the_command_line(target)\n"
        "print(checked_target(target, '', request, lambda _: None).conforms)\n"
        "print('numpy.ma' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True", "False"], done.stderr
