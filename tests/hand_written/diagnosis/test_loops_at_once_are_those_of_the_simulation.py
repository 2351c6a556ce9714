"""The loops that a search runs by the thousand find what the catalogue's own simulation finds, one by one."""

import numpy as np
import pytest

from conformance.cases import materialise, parse_id
from conformance.faults import RIGHT, Choices, simulate
from conformance.hand_written.diagnosis.evidence import Evidence
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.setting import Setting
from conformance.subjects.observation import Observation

CASES = (
    "rnn-tanh-T8-B3-I4-H5-O2-noh0-dout-f64-gain1.2-s0",
    "rnn-tanh-T7-B3-I5-H5-O5-f64-gain1.2-s0",
    "rnn-relu-T6-B2-I4-H5-f64-gain1.2-s0",
)


@pytest.mark.parametrize(
    "base", [RIGHT, Choices(activation="sigmoid"), Choices(inputs="after", kept="before")]
)
@pytest.mark.parametrize("case_id", CASES)
def test_a_loop_among_many_finds_what_the_simulation_finds(case_id: str, base: Choices) -> None:
    problem, rng = materialise(parse_id(case_id)), np.random.default_rng(0)
    material = Material.of(Evidence(problem=problem, observation=Observation(), rate=0.1))
    setting = Setting.of(material, base)
    for departures in range(5):
        plans = np.concatenate(list(setting.axes.plans(departures)))
        plans = plans[rng.permutation(len(plans))[:60]]
        with np.errstate(all="ignore"):
            found = setting.tables.run(plans)
        for n, plan in enumerate(plans):
            choices = setting.axes.choices(plan, base)
            simulated = simulate(problem, choices)
            for got, want in ((found.d_a[n], simulated.d_pre), (found.d_h[n], simulated.d_hidden)):
                size = np.abs(want[0, 0]).max()
                assert np.abs(got - want[0, 0]).max() <= 1e-11 * size, choices.departures()


def test_every_set_of_so_many_wrong_choices_is_there_once() -> None:
    material = Material.of(Evidence(problem=materialise(parse_id(CASES[0])), observation=Observation()))
    axes = Setting.of(material, RIGHT).axes
    wrong = [len(axis.alternatives) - 1 for axis in axes.axes]
    pairs = np.concatenate(list(axes.plans(2)))
    assert len(pairs) == len(np.unique(pairs, axis=0)) == (sum(wrong) ** 2 - sum(w * w for w in wrong)) // 2
    assert ((pairs > 0).sum(axis=1) == 2).all()
