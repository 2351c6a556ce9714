"""What torch.nn.RNN refuses and takes is as it was when this was written, and a change is noticed."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from conformance import cli, contracts
from conformance.cases import parse_id
from conformance.contracts import CONTRACTS, Contract, ContractRow, Refuses, Takes, probe_contracts
from conformance.engine import examine
from conformance.subjects import load_subject

BY_ID = {contract.id: contract for contract in CONTRACTS}
SHAPES_TELL_NOTHING = {"state-transposed-square", "state-nonlinearity", "h_0-batch-first-square"}
"""Mistakes in arrays of the right shape: no refusal can name them, only data can."""


def raising(error):
    def experiment():
        raise error

    return experiment


def probed(**changes):
    """Return the row of a small contract, changed."""
    plain = Contract(
        id="x",
        statement="Something.",
        torch=raising(RuntimeError("the size is wrong")),
        expected=Refuses("RuntimeError", "size"),
        refrnn=raising(ValueError("x must have the shape")),
        answer=Refuses("ValueError", "x must"),
    )
    (row,) = probe_contracts([replace(plain, **changes)])
    return row


@pytest.mark.parametrize("name", BY_ID)
def test_the_contract_holds(name):
    (row,) = probe_contracts([BY_ID[name]])
    assert row.holds, row


def test_ids_are_distinct_and_statements_are_sentences():
    assert len(BY_ID) == len(CONTRACTS) > 50
    assert all(contract.statement.endswith(".") for contract in CONTRACTS)
    assert all(" " not in contract.id for contract in CONTRACTS)


def test_what_torch_takes_although_it_is_wrong_is_refused_by_name():
    wrong = [contract for contract in CONTRACTS if contract.wrong]
    assert len(wrong) >= 9
    for contract in wrong:
        assert isinstance(contract.expected, Takes)
        if isinstance(contract.refrnn, str):
            continue  # nothing on the other side that could refuse
        if contract.id in SHAPES_TELL_NOTHING:
            assert isinstance(contract.answer, Takes)
        else:
            assert isinstance(contract.answer, Refuses), contract.id
            assert len(contract.answer.keyword) > 10, contract.id


@pytest.mark.parametrize(
    "changes",
    [
        {"torch": lambda: "runs now"},
        {"torch": raising(ValueError("the size is wrong"))},
        {"torch": raising(RuntimeError("another matter"))},
        {"expected": Takes("runs now")},
        {"torch": lambda: "broadcast", "expected": Takes("rounded")},
        {"refrnn": lambda: "runs now"},
        {"refrnn": raising(TypeError("x must have the shape"))},
        {"answer": None},
    ],
)
def test_a_changed_behaviour_is_noticed(changes):
    assert probed().holds
    assert not probed(**changes).holds


def test_an_error_is_known_by_any_class_it_derives_from():
    class SizeError(RuntimeError):
        pass

    assert probed(torch=raising(SizeError("size\nand more"))) == ContractRow(
        id="x",
        statement="Something.",
        expected="refused: RuntimeError, “size”",
        observed="refused: SizeError: size",
        holds=True,
        reference="refused: ValueError: x must have the shape",
    )


def test_an_error_without_words_and_a_warning_are_outcomes_too():
    import warnings

    assert not probed(torch=raising(RuntimeError())).holds
    assert probed(torch=lambda: warnings.warn("!", stacklevel=1) or "ran", expected=Takes("ran")).holds


def test_probing_leaves_torch_as_it_was():
    import torch

    state = torch.get_rng_state()
    flag = torch._dynamo.config.allow_rnn
    probe_contracts([BY_ID[name] for name in ("autocast-rnn", "state-float64", "compile-allow-rnn")])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch._dynamo.config.allow_rnn is flag
    assert not torch.is_autocast_enabled("cpu")


class Mistaken:
    """torch.nn.RNN with one of the mistakes that no shape tells."""

    name, description = "mistaken", "for this test alone"

    def __init__(self, mistake):
        self.mistake = mistake

    def run(self, problem):
        return load_subject("torch").run(self.mistake(problem))


def transposed(problem):
    changed = {"weight_hh_l0": np.ascontiguousarray(problem.weights["weight_hh_l0"].T)}
    return replace(problem, weights={**problem.weights, **changed})


def with_h_0_batch_first(problem):
    return replace(problem, h_0=np.ascontiguousarray(problem.h_0.swapaxes(0, 1)))


def with_relu(problem):
    return replace(problem, case=replace(problem.case, nonlinearity="relu"))


@pytest.mark.parametrize("mistake", [transposed, with_h_0_batch_first, with_relu])
def test_what_no_shape_tells_is_told_by_data(mistake):
    case = parse_id("rnn-tanh-L3-T7-B3-bf-I4-H5-f64-s0")
    assert examine(case, Mistaken(lambda problem: problem)).verdict == "agrees"
    assert examine(case, Mistaken(mistake)).verdict == "differs"


def test_the_command_prints_every_row_and_leaves_with_0(monkeypatch):
    monkeypatch.setattr(contracts, "probe_contracts", lambda: [probed(), probed(id="y")])
    result = CliRunner().invoke(cli.cli, ["contracts"])
    assert result.exit_code == 0, result.output
    assert "2 of 2 contracts hold." in result.output


def test_the_command_names_what_changed_and_leaves_with_1(monkeypatch):
    monkeypatch.setattr(
        contracts, "probe_contracts", lambda: [probed(), probed(id="y[z]", torch=lambda: "ran")]
    )
    result = CliRunner().invoke(cli.cli, ["contracts"])
    assert result.exit_code == 1
    assert "1 of 2 contracts hold." in result.output
    assert (
        "CHANGED: y[z]: expected refused: RuntimeError, “size”; got taken: ran; refrnn: refused"
        in result.output
    )
