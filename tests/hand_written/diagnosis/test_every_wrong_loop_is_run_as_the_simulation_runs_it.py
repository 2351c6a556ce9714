"""Every wrong choice of a backward loop, alone and beside others, is run among many as the simulation runs it."""

from collections.abc import Iterator

import numpy as np
import pytest

from conformance.cases import Problem, materialise, parse_id
from conformance.faults import RIGHT, Choices, simulate
from conformance.faults.seams import alternatives
from conformance.hand_written.diagnosis.axes import Axes, Plans, axes_of
from conformance.hand_written.diagnosis.evidence import Evidence
from conformance.hand_written.diagnosis.forwards import scanned
from conformance.hand_written.diagnosis.loops import Found, Tables
from conformance.hand_written.diagnosis.material import Material
from conformance.subjects.observation import Observation

RATE = 0.2
PROBLEMS = {
    "oblong": "rnn-tanh-T4-B2-I2-H3-O2-f64-gain1.2-s0",
    "square": "rnn-relu-T5-B2-I3-H3-O3-f64-gain1.2-s1",
    "without a head": "rnn-tanh-T4-B1-I2-H3-f64-gain1.2-s0",
}
ROUNDINGS = 1000 * 2.0**-53
"""Of the largest element: far more than sums of these few terms round."""


def tables_of(problem: Problem, base: Choices = RIGHT, scale: float = 1.0) -> Tables:
    material = Material.of(Evidence(problem=problem, observation=Observation(), rate=RATE))
    axes = axes_of(problem, RATE, base)
    return Tables.of(material, axes, scanned(material, base), base, scale)


def run(tables: Tables, plans: Plans) -> Found:
    with np.errstate(all="ignore"):
        return tables.run(plans)


def left_by(problem: Problem, choices: Choices, scale: float) -> dict[str, np.ndarray]:
    full = simulate(problem, choices, factor=scale)
    return {
        "d_h": full.d_hidden[0, 0],
        "d_a": full.d_pre[0, 0],
        "d_h_0": problem.layout.batched_state(full.d_h_0)[0],
    }


def assert_same(found: Found, n: int, wanted: dict[str, np.ndarray], choices: Choices) -> None:
    for name, want in wanted.items():
        off = np.abs(getattr(found, name)[n] - want).max()
        assert off <= ROUNDINGS * np.abs(want).max(), (name, choices.departures(), choices.reach)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize("scale", [1.0, -2.5])
def test_every_single_wrong_choice_is_run_alone_and_among_all_others(problem: str, scale: float) -> None:
    given = materialise(parse_id(problem))
    tables = tables_of(given, scale=scale)
    plans = np.concatenate([*tables.axes.plans(0), *tables.axes.plans(1)])
    together = run(tables, plans)
    for n, plan in enumerate(plans):
        choices = tables.axes.choices(plan)
        wanted = left_by(given, choices, scale)
        assert_same(together, n, wanted, choices)
        assert_same(run(tables, plans[n : n + 1]), 0, wanted, choices)


def pairs(axes: Axes, names: tuple[str, ...]) -> Iterator[Plans]:
    """Yield plans that are wrong at one of these axes, and at another one."""
    columns = [axes.column(name) for name in names]
    for plans in axes.plans(2):
        if (plans[0, columns] > 0).any():
            yield plans


@pytest.mark.parametrize(
    "names",
    [
        *(("slope_at",), ("truncation",), ("joined", "steps"), ("order",)),
        *(("update",), ("carried", "arrives"), ("clip",)),
    ],
    ids=str,
)
def test_pairs_of_wrong_choices_are_run_as_the_simulation_runs_them(names: tuple[str, ...]) -> None:
    given = materialise(parse_id(PROBLEMS["oblong"]))
    tables = tables_of(given)
    plans = np.concatenate(list(pairs(tables.axes, names)))
    plans = plans[np.random.default_rng(0).permutation(len(plans))[:100]]
    found = run(tables, plans)
    for n, plan in enumerate(plans):
        choices = tables.axes.choices(plan)
        assert_same(found, n, left_by(given, choices, 1.0), choices)


def test_a_wrong_forward_pass_makes_the_outputs_that_another_loss_sees() -> None:
    given, base = materialise(parse_id(PROBLEMS["oblong"])), Choices(head_input="before", kept="before")
    tables = tables_of(given, base)
    plans = np.concatenate(list(tables.axes.plans(1)))
    plans = plans[plans[:, tables.axes.column("head_loss")] > 0]
    found = run(tables, plans)
    assert len(plans) == len(alternatives("head_loss")) - 1
    for n, plan in enumerate(plans):
        choices = tables.axes.choices(plan, base)
        assert_same(found, n, left_by(given, choices, 1.0), choices)
