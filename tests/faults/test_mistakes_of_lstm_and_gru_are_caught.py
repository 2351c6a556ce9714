"""Every mistake of an LSTM or GRU is seen by the smoke suite in float64, and the network without one agrees."""

import numpy as np
import pytest
from click.testing import CliRunner

from conformance import SUITES, Case, UsageError, cli, examine, parse_id
from conformance.cases import materialise
from conformance.errors import Unsupported
from conformance.faults.cell_mutants import CELL_FAULTS, CellMutant, is_plain
from conformance.faults.power import blind_spots, hidden_mistakes, measure

EVERY = [(cell, fault) for cell, faults in CELL_FAULTS.items() for fault in faults]
RIGHT = {
    "lstm": (
        "lstm-T5-B3-I4-H5-f64-s0",
        "lstm-T3-single-I4-H5-noc0-dcn-f32-s0",
        "lstm-T1-B2-bf-I3-H4-noh0-f64-s0",
    ),
    "gru": ("gru-T5-B3-I4-H5-f64-s0", "gru-T3-single-I4-H5-dhn-f32-s0", "gru-T1-B2-bf-I3-H4-noh0-f64-s0"),
}


def asked(cell: str) -> list[Case]:
    return [c for c in SUITES["smoke"].cases() if c.cell == cell and c.dtype == "f64" and is_plain(c)]


@pytest.mark.parametrize(("cell", "fault"), EVERY, ids=[fault for _, fault in EVERY])
def test_the_smoke_suite_catches_the_mistake_in_float64(cell: str, fault: str) -> None:
    assert any(examine(case, CellMutant(cell, fault)).verdict == "differs" for case in asked(cell))


@pytest.mark.parametrize("cell", RIGHT)
def test_without_a_mistake_the_network_agrees(cell: str) -> None:
    for text in RIGHT[cell]:
        record = examine(parse_id(text), CellMutant(cell))
        assert record.verdict == "agrees", record.reason


def test_there_are_as_many_mistakes_as_were_collected_and_each_is_told_by_a_sentence() -> None:
    assert {cell: len(faults) for cell, faults in CELL_FAULTS.items()} == {"lstm": 36, "gru": 28}
    for fault, name in ((fault, name) for faults in CELL_FAULTS.values() for fault, name in faults.items()):
        assert fault.startswith(("lstm-", "gru-"))
        assert name.endswith(".")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("gru-T5-B3-I4-H5-f64-s0", set()),
        ("gru-T1-B3-I4-H5-f64-s0", {"gru-last-cache", "gru-gradients-assigned"}),
        (
            "lstm-T1-B3-I4-H5-f64-s0",
            {"lstm-last-cache", "lstm-c-of-the-start-in-df"},
        ),
        ("lstm-T5-B3-I4-H5-dhn-f64-s0", {"lstm-output-replaces-carry"}),
    ],
)
def test_what_a_case_hides_is_told_by_name(text: str, hidden: set[str]) -> None:
    found = set(hidden_mistakes(parse_id(text)))
    assert hidden <= found
    assert bool(hidden) == bool(found)


def test_zero_biases_hide_where_a_bias_stands() -> None:
    hidden = hidden_mistakes(parse_id("gru-T5-B3-I4-H5-f64-tutorial-s0"))
    assert {"gru-bias-outside-of-reset", "gru-one-merged-bias", "gru-bias-missing-in-dr"} <= set(hidden)


def test_a_case_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="one layer, one direction"):
        hidden_mistakes(parse_id("gru-bi-T5-B3-I4-H5-f64-s0"))
    with pytest.raises(UsageError, match="Elman networks"):
        blind_spots(parse_id("gru-T5-B3-I4-H5-f64-s0"))
    with pytest.raises(Unsupported, match="LSTM of one layer"):
        CellMutant("lstm").run(materialise(parse_id("gru-T5-B3-I4-H5-f64-s0")))


def test_the_command_names_the_blind_spots_of_a_gru() -> None:
    result = CliRunner().invoke(cli.cli, ["power", "--case", "gru-T1-B3-I4-H5-f64-s0"])
    assert result.exit_code == 1
    assert "gru-last-cache" in result.output


def test_power_counts_the_mistakes_of_the_cells_that_are_asked_about() -> None:
    *_, found = measure([parse_id("gru-T5-B3-I4-H5-f64-s0")])
    assert set(CELL_FAULTS["gru"]) <= set(found.caught)
    assert not set(CELL_FAULTS["lstm"]) & {*found.caught, *found.missed}
    assert found.accused == []
    assert found.disturbed == found.seen > 0


def test_a_gradient_of_the_right_network_is_a_slope() -> None:
    """By a central difference in one weight: code apart from the reference's, and right by itself."""
    problem = materialise(parse_id(RIGHT["gru"][0]))
    found = CellMutant("gru").run(problem)
    step = 1e-6

    def loss(change: float) -> float:
        from dataclasses import replace

        w = {name: values.copy() for name, values in problem.weights.items()}
        w["weight_hh_l0"][7, 2] += change
        shown = CellMutant("gru").run(replace(problem, weights=w))
        return float(np.sum(shown.output * problem.d_output) + np.sum(shown.h_n * problem.d_h_n))

    slope = (loss(step) - loss(-step)) / (2 * step)
    assert abs(slope - found.parameters["weight_hh_l0"][7, 2]) < 1e-8
