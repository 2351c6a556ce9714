"""What torch.nn.RNN refuses and takes is as it was when this was written, and a change is noticed."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from msgspec import structs
from support.commands import CASE
from support.records import rich_record

from conformance import cli
from conformance.cases import parse_id
from conformance.examination.engine import examine
from conformance.record import ContractRecord, decode
from conformance.report.files import contents
from conformance.runs import session
from conformance.runs.evidence import Evidence
from conformance.subjects import contracts, load_subject
from conformance.subjects.contracts import (
    CONTRACTS,
    ByRelease,
    Contract,
    ContractRow,
    Refuses,
    Takes,
    probe_contracts,
    transforms,
)

BY_ID = {contract.id: contract for contract in CONTRACTS}
SHAPES_TELL_NOTHING = {
    "state-transposed-square",
    "state-nonlinearity",
    "h_0-batch-first-square",
    "lstm-states-swapped",
}
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
    (row,) = probe_contracts([structs.replace(plain, **changes)])
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
        expected = contract.expected
        assert isinstance(expected.phases[-1][1] if isinstance(expected, ByRelease) else expected, Takes)
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


LSTM = BY_ID["autocast-lstm"]
REFUSED = "could not create a primitive descriptor for the LSTM forward propagation primitive. Run"
"""What torch 2.13 says of an LSTM in bfloat16 on a processor without AVX-512."""


@pytest.mark.parametrize(
    ("has", "outcome", "holds"),
    [
        (True, lambda: "torch.bfloat16", True),
        (True, raising(RuntimeError(REFUSED)), False),
        (False, raising(RuntimeError(REFUSED)), True),
        (False, lambda: "torch.bfloat16", True),
        (False, lambda: "torch.float32", False),
        (False, raising(RuntimeError("another matter")), False),
        (False, raising(TypeError(REFUSED)), False),
    ],
)
def test_a_contract_that_depends_on_the_processor_holds_on_each_and_can_break(has, outcome, holds):
    expected = structs.replace(LSTM.expected, has=lambda: has)
    (row,) = probe_contracts([structs.replace(LSTM, torch=outcome, expected=expected)])
    assert row.holds is holds
    assert row.depends_on == "AVX-512"
    assert row.expected == (
        "taken: torch.bfloat16 with AVX-512; without it that, or refused: RuntimeError, “primitive”"
    )


EXPORTED = ByRelease(
    (("2.6", Takes("runs")), ("2.8", Refuses("RuntimeError", "size")), ("2.10", Takes("runs")))
)


@pytest.mark.parametrize(
    ("release", "outcome", "holds"),
    [
        ("2.5.1", lambda: "runs", True),
        ("2.6.0+cpu", lambda: "runs", True),
        ("2.7.1", raising(RuntimeError("the size")), False),
        ("2.8.0", raising(RuntimeError("the size")), True),
        ("2.8.0", lambda: "runs", False),
        ("2.9.1+cu128", raising(RuntimeError("the size")), True),
        ("2.9.1+cu128", raising(RuntimeError("another matter")), False),
        ("2.10.0a0+git12ab", lambda: "runs", True),
        ("2.10.0", raising(RuntimeError("the size")), False),
        ("3.0.0", lambda: "runs", True),
    ],
)
def test_a_contract_that_depends_on_the_release_holds_in_each_and_can_break(
    monkeypatch, release, outcome, holds
):
    import torch

    monkeypatch.setattr(torch, "__version__", release)
    assert probed(torch=outcome, expected=EXPORTED).holds is holds
    assert probed(torch=outcome, expected=EXPORTED).depends_on == ""


def test_phases_of_a_contract_go_from_the_oldest_release_to_the_newest_and_are_told():
    assert str(EXPORTED) == (
        "from torch 2.6 on taken: runs; from torch 2.8 on refused: RuntimeError, “size”; from torch 2.10 on taken: runs"
    )
    for contract in CONTRACTS:
        if isinstance(contract.expected, ByRelease):
            since = [[int(n) for n in release.split(".")] for release, _ in contract.expected.phases]
            assert since == sorted(since), contract.id
            assert since[0] == [2, 6], contract.id


def test_the_contract_asks_the_processor_and_what_onednn_may_use_of_it(monkeypatch):
    import torch

    for name in transforms.ONEDNN_CAPS:
        monkeypatch.delenv(name, raising=False)
    for has in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_supported", lambda has=has: has)
        assert LSTM.expected.has() is has
    monkeypatch.setattr(torch.cpu, "_is_avx512_supported", lambda: True)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert LSTM.expected.has() is False


@pytest.mark.parametrize("has", [True, False])
def test_on_either_processor_all_contracts_of_autocast_hold(monkeypatch, has):
    """On this processor one of the two is simulated: LSTM taken, or refused as without AVX-512."""
    import torch

    def autocast(kind):
        if kind == "LSTM" and not has:
            raise RuntimeError(REFUSED)
        return "torch.float32" if kind == "GRU" else "torch.bfloat16"

    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_supported", lambda: has)
    monkeypatch.setattr(transforms, "_autocast", autocast)
    rows = probe_contracts([BY_ID[f"autocast-{kind}"] for kind in ("rnn", "lstm", "gru")])
    assert [row.holds for row in rows] == [True] * 3
    assert [bool(row.depends_on) for row in rows] == [False, True, False]


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


def test_the_command_tells_what_depends_on_the_processor(monkeypatch):
    expected = structs.replace(LSTM.expected, has=lambda: False)
    row = probed(torch=raising(RuntimeError(REFUSED)), expected=expected)
    monkeypatch.setattr(contracts, "probe_contracts", lambda: [row])
    result = CliRunner().invoke(cli.cli, ["contracts"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "depends on" in result.output
    assert "AVX-512" in result.output


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


def test_a_run_tells_on_the_terminal_what_changed_and_nothing_of_what_holds(command, monkeypatch):
    rows = (probed(id="holding"), probed(id="broken", torch=lambda: "ran"))
    found = Evidence(contracts=tuple(ContractRecord(**structs.asdict(row)) for row in rows))
    monkeypatch.setattr(session, "gathered", lambda *_: found)
    answer = command("run", "--case", CASE, "--subject", "reference", "--evidence")
    assert answer.code == 0
    assert (
        "CHANGED: broken: expected refused: RuntimeError, “size”; got taken: ran; refrnn: ref" in answer.out
    )
    assert "holding" not in answer.out


def test_reports_tell_what_depends_on_the_processor():
    row = ContractRecord(
        **structs.asdict(
            probed(expected=structs.replace(LSTM.expected, elsewhere=Refuses("RuntimeError", "size")))
        )
    )
    record = structs.replace(rich_record(), contracts=[structs.replace(row, holds=True)])
    made = contents(record)
    assert b"| yes (depends on AVX-512) |" in made["agreement.md"]
    assert b"depends on AVX-512</td>" in made["agreement.html"]
    assert decode(made["agreement.json"]) == record
