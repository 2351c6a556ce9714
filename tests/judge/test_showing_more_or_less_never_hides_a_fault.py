"""Ways of getting away with a fault by what is shown, when, and in which arrays; none of them works."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from conformance import Observation, examine, parse_id, tell
from conformance.record import CaseRecord
from conformance.subjects import load_subject

DEEP = parse_id("rnn-tanh-L2-T7-B3-I4-H5-f64-s0")
FLAT = parse_id("rnn-tanh-T7-B3-I4-H5-f64-s0")
REFERENCE = load_subject("reference")


class Doctored:
    """The reference with something done to what it shows; `doctor` gets the observation and the problem."""

    name = "doctored"
    description = "the reference, doctored"

    def __init__(self, doctor):
        self.doctor = doctor

    def run(self, problem):
        return self.doctor(REFERENCE.run(problem), problem)


def doctored(case, doctor) -> CaseRecord:
    return examine(case, Doctored(doctor))


def test_wrong_inner_gradients_are_no_ground_for_the_gradients_that_follow_from_them():
    def sevenfold(o, _):
        return replace(
            o,
            d_hidden={(0, 0): 7 * o.d_hidden[0, 0]},
            d_pre={},
            step_parameters={},
            d_x=7 * o.d_x,
            d_h_0=np.concatenate([7 * o.d_h_0[:1], o.d_h_0[1:]]),
            parameters={n: 7 * g if "_l0" in n else g for n, g in o.parameters.items()},
        )

    assert doctored(DEEP, sevenfold).verdict == "differs"


def test_states_that_nothing_was_checked_against_are_no_ground_for_h_n():
    def made_up(o, _):
        states = np.full_like(o.hidden[1, 0], 0.3)
        return Observation(hidden={(1, 0): states}, h_n=np.concatenate([o.h_n[:1], states[-1:]]))

    assert doctored(DEEP, made_up).verdict == "differs"


@pytest.mark.parametrize(
    "shown",
    [
        lambda o: {"d_pre": {(0, 0): np.full_like(o.d_pre[0, 0], 9.0)}},
        lambda o: {
            "step_parameters": {"weight_ih_l0": np.full_like(o.step_parameters["weight_ih_l0"], 99.0)}
        },
        lambda o: {"d_hidden": {(1, 0): 9 * o.d_hidden[1, 0]}},
        lambda o: {"d_hidden": {(0, 0): 9 * o.d_hidden[0, 0]}},
    ],
    ids=["dL/da", "shares of steps", "dL/dh of the last layer", "dL/dh of a hidden layer"],
)
def test_what_is_shown_but_cannot_be_judged_never_passes(shown):
    results = {"hidden": {}, "d_hidden": {}, "d_pre": {}, "step_parameters": {}}
    record = doctored(DEEP, lambda o, _: replace(o, **(results | shown(o))))
    assert record.verdict == "undecidable"
    assert "nothing to judge it from" in record.reason


def test_a_subject_that_changes_the_question_is_told_so_and_the_next_one_gets_the_right_question():
    def tampering(_, problem):
        torch.from_numpy(problem.weights["bias_hh_l0"]).zero_()
        return REFERENCE.run(problem)

    with pytest.warns(UserWarning, match="not writable"):
        record = doctored(FLAT, tampering)
    assert record.verdict == "differs"
    assert "changed the arrays" in record.reason
    assert examine(FLAT, REFERENCE).verdict == "agrees"


def test_a_step_that_is_missing_from_a_long_sum_is_seen_by_the_noise_where_the_bound_has_grown():
    case = parse_id("rnn-tanh-T1000-B40-I4-H16-f32-s0")

    def without_first_step(o, _):
        name = "weight_ih_l0"
        less = o.parameters[name] - o.step_parameters[name][0]
        return replace(o, parameters={**o.parameters, name: less}, step_parameters={})

    assert doctored(case, without_first_step).verdict == "differs"


def test_a_subject_that_is_right_once_is_found_out_although_it_reuses_its_buffers():
    class Forgetful:
        name = "forgetful"
        description = "right the first time, then off, always in the same array"

        def __init__(self):
            self.calls, self.buffer = 0, None

        def run(self, problem):
            shown = load_subject("torch-results").run(problem)
            self.calls += 1
            if self.buffer is None or self.buffer.shape != shown.output.shape:
                self.buffer = shown.output.copy()
            self.buffer[...] = shown.output + (0 if self.calls == 1 else 1e-3)
            return replace(shown, output=self.buffer)

    verdicts = {examine(replace(FLAT, seed=seed), Forgetful()).verdict for seed in range(6)}
    assert verdicts == {"differs"}


def test_what_is_not_shown_is_told_with_the_verdict():
    record = doctored(FLAT, lambda o, _: Observation(output=o.output))
    assert record.verdict == "agrees"
    assert "not shown, so not judged: h_n, dL/dx" in tell(record)


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        (lambda _: None, "Is a return statement missing?"),
        (lambda o: (o.output, o.h_n), "must return an Observation; got tuple"),
        (lambda o: replace(o, parameters=None), "parameters must map names"),
        (lambda o: replace(o, hidden=[o.hidden[0, 0]]), "hidden must map names or places"),
        (
            lambda o: replace(o, output=np.ma.masked_array(o.output, mask=True)),
            "MaskedArray instead of a plain",
        ),
        (lambda o: replace(o, output=o.output.tolist()), "list instead of a plain NumPy array"),
    ],
)
def test_what_is_no_observation_is_the_subjects_mistake(shown, says):
    record = doctored(FLAT, lambda o, _: shown(o))
    assert record.verdict == "differs"
    assert says in record.reason


def test_any_text_of_an_exception_fits_into_a_record():
    import msgspec

    def raising(*_):
        raise ValueError("caf\udce9")

    record = doctored(FLAT, raising)
    assert record.verdict == "error"
    assert b"udce9" in msgspec.json.encode(record)


def test_a_message_says_where_its_expected_value_comes_from():
    black_box = Doctored(
        lambda o, _: replace(o, hidden={}, d_hidden={}, d_pre={}, step_parameters={}, d_x=2 * o.d_x)
    )
    assert "in the reference's free run" in tell(examine(DEEP, black_box))
    wrong = Doctored(lambda o, _: replace(o, hidden={(0, 0): -o.hidden[0, 0]}, output=-o.output))
    assert "recomputed from the subject's own previous values" in tell(examine(FLAT, wrong))
