"""docs/torch-behaviours.md names what holds each behaviour of torch.nn.RNN; all that it names exists."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from conformance import load_subject, parse_id
from conformance.cases import crossings, kernels, materialise, together
from conformance.cases.case import REGIMES
from conformance.cases.suites import STANDARD
from conformance.judge import allowances
from conformance.judge.relations import RELATIONS
from conformance.subjects import MODULES
from conformance.subjects.contracts import CONTRACTS
from conformance.subjects.reference import observe

PAGE = Path(__file__).parents[2] / "docs" / "torch-behaviours.md"
KINDS = {
    "contract": {contract.id for contract in CONTRACTS},
    "relation": {relation.name for relation in RELATIONS},
    "subject": set(MODULES),
    "regime": set(REGIMES),
    "crossing": {crossing.__name__ for crossing in STANDARD},
}
HOLDER = re.compile(r"(contract|relation|subject|regime|crossing|test) `([^`]+)`")

ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| behaviour")
]


def there_is(kind: str, name: str) -> bool:
    if kind != "test":
        return name in KINDS[kind]
    file, _, function = name.partition("::")
    return any(
        re.search(rf"^def {re.escape(function)}\(", path.read_text("utf-8"), re.MULTILINE)
        for path in Path(__file__).parents[1].rglob(file)
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_what_holds_a_behaviour_exists(row):
    assert len(row) == 2
    holders = HOLDER.findall(row[1])
    assert holders
    assert row[1].count("`") == 2 * len(holders)
    for kind, name in holders:
        assert there_is(kind, name), f"{kind} {name}"


def test_a_name_that_is_nowhere_would_be_noticed():
    assert not there_is("contract", "no-such-contract")
    assert not there_is("test", "test_special_values.py::test_no_such_thing")
    assert not there_is("test", "no_such_file.py::test_anything")
    assert there_is("test", "test_torch_behaviours_are_held.py::test_what_holds_a_behaviour_exists")


def test_every_contract_that_torch_takes_wrongly_has_a_marked_row():
    marked = {name for text, held in ROWS if text.startswith("⚠") for kind, name in HOLDER.findall(held)}
    assert {contract.id for contract in CONTRACTS if contract.wrong} <= marked


def test_every_crossing_is_part_of_the_standard_suite():
    made = {
        name
        for module in (crossings, kernels)
        for name, value in vars(module).items()
        if callable(value)
        and getattr(value, "__module__", "") == module.__name__
        and not name.startswith("_")
    }
    helpers = {"each", "shapes", "widths", "crossed"}
    assert made - helpers | {together.pairs.__name__} == KINDS["crossing"]


# Facts that nothing else holds.


def run(case_id: str, subject: str = "torch"):
    problem = materialise(parse_id(case_id))
    return problem, load_subject(subject).run(problem)


def test_two_runs_and_two_layouts_give_the_same_bits():
    rnn = torch.nn.RNN(4, 5, 2, bidirectional=True)
    other = torch.nn.RNN(4, 5, 2, bidirectional=True, batch_first=True)
    other.load_state_dict(rnn.state_dict())
    x = torch.randn(7, 3, 4, generator=torch.Generator().manual_seed(0))
    first, again = rnn(x), rnn(x)
    swapped = other(x.transpose(0, 1))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[0], swapped[0].transpose(0, 1))
    assert torch.equal(first[1], swapped[1])


def test_both_bias_gradients_agree_to_rounding_and_are_judged_one_by_one():
    """Two sums of the same T·B terms in two orders: each within γ_n of the exact one."""
    problem, shown = run("rnn-tanh-T50-B3-I4-H16-f32-s0")
    terms = np.abs(shown.d_pre[0, 0].astype(np.float64)).sum(axis=(0, 1))
    n = problem.case.steps * problem.case.batch
    bound = 2 * n * problem.format.u / (1 - n * problem.format.u) * terms
    apart = np.abs(shown.parameters["bias_ih_l0"].astype(np.float64) - shown.parameters["bias_hh_l0"])
    assert (apart <= bound).all()


def test_a_tolerance_that_is_right_for_ten_steps_accuses_right_code_after_five_hundred():
    """Errors of float32 gradients grow with the gradients, each time within what the problem's noise allows."""
    errors, allowed = [], []
    for steps in (10, 500):
        problem, shown = run(f"rnn-tanh-T{steps}-B3-I4-H16-dexpanded-f32-constant-s0")
        truth = observe(problem, np.float64)
        apart = np.abs(shown.parameters["weight_hh_l0"] - truth.parameters["weight_hh_l0"])
        bound = allowances(problem, truth)["weight_hh_l0"].bound
        assert (apart <= bound).all()
        errors.append(apart.max())
        allowed.append(bound.max())
    assert errors[1] > allowed[0]
