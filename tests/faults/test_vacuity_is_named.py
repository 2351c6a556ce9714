"""What a case's data could not have shown is told by name: no more than that, and for the usual set-up no less."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from conformance import Unsupported, cli, examine, parse_id
from conformance.cases import materialise
from conformance.faults import CATALOGUE, RIGHT, Mutant, load_fault, simulate
from conformance.faults.power import blind_spots
from conformance.faults.vacuity import BY_NAME, LACKS, hidden_faults, lacks_of
from conformance.record import decode
from conformance.runs.evidence import lack_records
from conformance.subjects.reference import observe

TUTORIAL = "rnn-tanh-T5-single-I4-H5-noh0-dlast-f64-tutorial-s0"
RICH = "rnn-tanh-L2-bi-T7-B3-bf-I4-H5-f64-s0"

PAIRS = {
    "T = 1": ("rnn-tanh-T1-B3-I4-H5-f64-s0", RICH),
    "T ≤ 4": ("rnn-tanh-T4-B3-I4-H5-f64-s0", "rnn-tanh-T5-B3-I4-H5-f64-s0"),
    "x is the same at every step": ("rnn-tanh-T7-B3-I4-H5-f64-constant-s0", RICH),
    "no two samples have the same input at a step": (RICH, "rnn-tanh-T7-B3-I2-H5-f64-ids-s0"),
    "no input comes again": (RICH, "rnn-tanh-T7-B3-I2-H5-f64-ids-s0"),
    "B = 1": ("rnn-tanh-T7-B1-I4-H5-f64-s0", RICH),
    "no h_0": ("rnn-tanh-T7-B3-I4-H5-noh0-f64-s0", RICH),
    "h_0 is given": (RICH, "rnn-tanh-T7-B3-I4-H5-noh0-f64-s0"),
    "no biases": ("rnn-tanh-nobias-T7-B3-I4-H5-f64-s0", RICH),
    "all biases are 0": ("rnn-tanh-T7-B3-I4-H5-f64-tutorial-s0", RICH),
    "the loss doesn't see output": ("rnn-tanh-T7-B3-I4-H5-dhn-f64-s0", RICH),
    "the loss doesn't see h_n": ("rnn-tanh-T7-B3-I4-H5-dout-f64-s0", RICH),
    "the loss sees only one of output and h_n": ("rnn-tanh-T7-B3-I4-H5-dout-f64-s0", RICH),
    "the loss sees output at the last step alone": (
        "rnn-tanh-T7-B3-I4-H5-dlast-f64-s0",
        "rnn-tanh-T7-B3-I4-H5-dout-f64-s0",
    ),
    "the loss sees the last of five steps or fewer alone": (TUTORIAL, "rnn-tanh-T6-B3-I4-H5-dlast-f64-s0"),
    "the same gradient of output at every step": ("rnn-tanh-T7-B3-I4-H5-dexpanded-f64-s0", RICH),
    "no output head": (RICH, "rnn-tanh-T7-B3-I4-H5-O2-f64-s0"),
    "one layer": ("rnn-tanh-bi-T7-B3-I4-H5-f64-s0", RICH),
    "one direction": ("rnn-tanh-L2-T7-B3-I4-H5-f64-s0", RICH),
    "one direction and no lengths": ("rnn-tanh-T7-B3-I4-H5-f64-s0", "rnn-tanh-T7-len3.7.5-B3-I4-H5-f64-s0"),
    "no lengths": (RICH, "rnn-tanh-T7-len3.7.5-B3-I4-H5-f64-s0"),
    "T or B of 1": ("rnn-tanh-T7-B1-bf-I4-H5-f64-s0", RICH),
    "tanh": (RICH, "rnn-relu-T7-B3-I4-H5-f64-s0"),
    "relu": ("rnn-relu-T7-B3-I4-H5-f64-s0", RICH),
    "no unit is exactly 0 before relu": ("rnn-relu-T7-B3-I4-H5-f64-s0", "rnn-relu-T7-B3-I4-H5-f64-zeros-s0"),
    "W_hh is symmetric": ("rnn-tanh-T7-B3-I4-H1-f64-s0", RICH),
    "H = 1": ("rnn-tanh-T7-B3-I4-H1-f64-s0", RICH),
    "no gradient is above 5": ("rnn-tanh-T1-B1-I4-H5-dout-f64-tiny-s0", "rnn-tanh-T7-B3-I4-H5-f64-gain10-s0"),
    "all gradients have a norm of 5 or less": (
        "rnn-tanh-T1-B1-I4-H5-dout-f64-tiny-s0",
        "rnn-tanh-T7-B3-I4-H5-f64-gain10-s0",
    ),
    "nothing above 1 is carried back": (
        "rnn-tanh-T1-B1-I4-H5-dout-f64-tiny-s0",
        "rnn-tanh-T7-B3-I4-H5-f64-gain10-s0",
    ),
    "nothing of a norm above 1 is carried back": (
        "rnn-tanh-T1-B1-I4-H5-dout-f64-tiny-s0",
        "rnn-tanh-T7-B3-I4-H5-f64-gain10-s0",
    ),
    "numbers of 32 bits or fewer": ("rnn-tanh-T7-B3-I4-H5-f32-s0", RICH),
}
"""For every lack that ids can say, a case that has it and one that doesn't."""


def found(problem):
    return lacks_of(problem, observe(problem, np.float64))


def results(shown):
    named = {"output": shown.output, "h_n": shown.h_n, "d_x": shown.d_x, "d_h_0": shown.d_h_0}
    return {**named, **shown.parameters}


def test_lacks_are_named_once_and_hide_faults_of_the_catalogue():
    assert len(BY_NAME) == len(LACKS)
    for lack in LACKS:
        assert lack.faults
        assert set(lack.faults) <= set(CATALOGUE), lack.name
        assert len(set(lack.faults)) == len(lack.faults), lack.name


@pytest.mark.parametrize("name", PAIRS)
def test_a_lack_is_told_where_it_is_so_and_nowhere_else(name):
    with_it, without = PAIRS[name]
    assert name in {lack.name for lack in found(materialise(parse_id(with_it)))}
    assert name not in {lack.name for lack in found(materialise(parse_id(without)))}


@pytest.mark.parametrize("case_id", sorted({case for case, _ in PAIRS.values()}))
def test_what_is_called_hidden_is_never_caught(case_id):
    """In the same words as `conformance power --case`, which tries every fault out."""
    case = parse_id(case_id)
    for fault in hidden_faults(found(materialise(case))):
        assert examine(case, Mutant(load_fault(fault), inner_steps=False)).verdict != "differs", fault


@pytest.mark.parametrize("case_id", [TUTORIAL, RICH, "rnn-tanh-T7-B3-I4-H5-dexpanded-f64-constant-s0"])
def test_every_fault_that_such_a_case_is_blind_to_is_named(case_id):
    case = parse_id(case_id)
    blind = {fault.id for fault in blind_spots(case)}
    assert blind <= set(hidden_faults(found(materialise(case))))
    assert case_id != TUTORIAL or len(blind) >= 15


def saturated(problem):
    return replace(problem, x=problem.x * 1e6, weights={name: w * 1e4 for name, w in problem.weights.items()})


def unseen(problem):
    return replace(problem, d_output=problem.d_output * 0, d_h_n=problem.d_h_n * 0)


@pytest.mark.parametrize(
    ("name", "change"), [("every derivative is 0", saturated), ("every cotangent is 0", unseen)]
)
@pytest.mark.parametrize("case_id", [RICH, "rnn-tanh-T7-B3-I5-H5-noh0-f64-s0"])
def test_where_no_gradient_gets_through_nothing_backward_changes_anything(name, change, case_id):
    plain = materialise(parse_id(case_id))
    problem = change(plain)
    assert name in {lack.name for lack in found(problem)}
    assert name not in {lack.name for lack in found(plain)}
    right = results(simulate(problem, RIGHT))
    for fault in BY_NAME[name].faults:
        try:
            wrong = results(Mutant(load_fault(fault)).run(problem))
        except Unsupported:  # it has no meaning here
            continue
        for key, value in right.items():
            assert value is None or np.array_equal(wrong[key], value), (fault, key)


def test_the_command_names_what_a_chosen_case_is_vacuous_for(tmp_path):
    arguments = ["run", "--case", TUTORIAL, "--subject", "torch", "--report", str(tmp_path)]
    done = CliRunner().invoke(cli.cli, arguments)
    assert done.exit_code == 0
    assert f"faults: {TUTORIAL}" in done.output
    for words in ("VACUOUS for", "no h_0: nothing about the initial state (h-0-ignored", "B = 1: "):
        assert words in done.output
    record = decode((tmp_path / "agreement.json").read_bytes())
    assert record.lacks == list(lack_records([parse_id(TUTORIAL)]))
    assert "What the data could not have shown" in (tmp_path / "agreement.md").read_text()
