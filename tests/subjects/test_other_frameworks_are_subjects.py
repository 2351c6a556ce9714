"""Other frameworks are subjects as torch is: they agree where they are right, and refuse with a reason."""

import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from conformance import TimeMajor, UsageError, examine, load_subject, parse_id, subjects
from conformance.cases import materialise
from conformance.extras import EXTRAS
from conformance.report import tell

ROOT = Path(__file__).parents[2]
PLAIN = "rnn-tanh-T5-B3-I4-H6-f32-s0"
RAGGED = "rnn-tanh-L2-bi-T5-len2.5.1.5-B4-bf-I3-H6-f32-s0"
DROPPED = "rnn-tanh-L2-drop0.5-T4-B3-I4-H5-f32-s0"
RELU = "rnn-relu-L2-nobias-T4-single-I3-H5-noh0-f32-s0"
HALF = "rnn-tanh-T4-B3-I4-H5-f16-s0"
LSTM = "lstm-T5-B3-I4-H6-f32-s0"
RAGGED_LSTM = "lstm-L2-bi-nobias-T5-len2.5.1.5-B4-bf-I3-H6-f32-s0"
PROJECTED = "lstm-L2-T5-B3-I4-H6-proj2-noc0-f32-s0"
GRU = "gru-L2-bi-T5-B3-I4-H6-f32-s0"
GRU_WITHOUT_BIASES = "gru-bi-nobias-T5-len2.5.1.5-B4-I3-H6-noh0-f32-s0"
BEFORE = "gru-before-L2-T4-single-I3-H5-f32-s0"
AGREES = {
    "onnxruntime": (PLAIN, RAGGED, RELU, LSTM, RAGGED_LSTM, GRU, GRU_WITHOUT_BIASES, BEFORE),
    "onnx-reference": (PLAIN, LSTM, GRU, BEFORE),
    "torch-onnx": (PLAIN, RELU, LSTM, GRU),
    "jax": (PLAIN, RAGGED, DROPPED, RELU, LSTM, RAGGED_LSTM, PROJECTED, GRU, GRU_WITHOUT_BIASES, BEFORE),
    "flax": (PLAIN, RAGGED, RELU, LSTM, RAGGED_LSTM, GRU_WITHOUT_BIASES),
    "keras": (PLAIN, RAGGED, RELU, LSTM, RAGGED_LSTM, GRU, GRU_WITHOUT_BIASES, BEFORE),
}
REFUSES = {
    "onnxruntime": {
        DROPPED: "no dropout between layers",
        HALF: "float32 and float64 alone",
        PLAIN.replace("f32", "f64"): "Could not find an implementation for RNN",
        GRU.replace("f32", "f64"): "does not support double",
        PROJECTED: "no projection",
    },
    "onnx-reference": {HALF: "float32 and float64 alone", PROJECTED: "no projection"},
    "torch-onnx": {
        RAGGED: "packed sequence",
        DROPPED: "no dropout between layers",
        BEFORE: "after the product",
    },
    "jax": {HALF: "doesn't state in which precision"},
    "flax": {
        HALF: "doesn't state in which precision",
        PROJECTED: "no projection",
        GRU: "no bias b_hn",
        BEFORE: "after the product",
    },
    "keras": {DROPPED: "draws its own dropout masks", HALF: "other precisions", PROJECTED: "no projection"},
}


def loaded(name):
    """Return a subject, or skip the test for lack of what it needs."""
    missing = subjects.lacking(name)
    if missing:
        pytest.skip(f"{', '.join(missing)}: not installed here")
    return load_subject(name)


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, cases in AGREES.items() for case in cases])
def test_a_framework_agrees_where_it_is_right(name, case, monkeypatch):
    monkeypatch.setattr(  # a law would compile other shapes
        "conformance.examination.engine.relation_check", lambda *_: []
    )
    record = examine(parse_id(case), loaded(name))
    assert record.verdict == "agrees", tell(record)


@pytest.mark.parametrize(
    ("name", "case"), [(name, case) for name, cases in REFUSES.items() for case in cases]
)
def test_what_a_framework_cannot_be_asked_has_a_reason(name, case):
    record = examine(parse_id(case), loaded(name))
    assert record.verdict == "unsupported"
    assert REFUSES[name][case] in record.reason
    assert record.reason.endswith(".")


@pytest.mark.parametrize(
    ("name", "case"),
    [(name, case) for name, cases in AGREES.items() for case in (PLAIN, LSTM, GRU) if case in cases],
)
def test_a_wrong_weight_is_caught(name, case, monkeypatch):
    subject, problem = loaded(name), materialise(parse_id(case))
    off = {**problem.weights, "weight_hh_l0": problem.weights["weight_hh_l0"] * np.float32(1.001)}
    monkeypatch.setattr("conformance.cases.problem.drawn_weights", lambda *_: off)
    shown = subject.run(materialise(parse_id(case)))
    monkeypatch.undo()

    class Replayed:
        name, description = "replayed", "what was shown of other weights"

        def run(self, _):
            return shown

    assert examine(parse_id(case), Replayed()).verdict == "differs"


def test_what_every_framework_needs_is_what_its_extra_installs():
    installed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    assert set(AGREES) == set(REFUSES) <= set(subjects.NEEDED) <= set(subjects.MODULES)
    for packages in subjects.NEEDED.values():
        assert set(packages) <= set(EXTRAS)
    for package, extra in EXTRAS.items():
        assert package in {requirement.partition(">=")[0] for requirement in installed[extra]}, extra


@pytest.mark.parametrize("name", AGREES)
def test_without_the_framework_it_is_told_how_to_install_it(name, monkeypatch):
    for package in subjects.NEEDED[name]:
        monkeypatch.setitem(sys.modules, package, None)
    extra = ",".join(dict.fromkeys(EXTRAS[package] for package in subjects.NEEDED[name]))
    with pytest.raises(UsageError, match=rf"needs .*pip install 'refrnn\[{extra}\]'"):
        load_subject(name)


def test_no_framework_is_imported_before_it_runs():
    modules = [subjects.MODULES[name] for name in AGREES]
    script = f"import sys, importlib; [importlib.import_module(m) for m in {modules}]; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"torch", "jax", "flax", "keras", "onnx", "onnxruntime", "tensorflow"}
    assert not heavy & {name.partition(".")[0] for name in done.stdout.split()}


LAYOUTS = ("rnn-tanh-L2-bi-T5-len2.5.1.5-B4-bf-I3-H6-noh0-dout-f64-s0", "rnn-relu-T4-single-I3-H5-dhn-f64-s0")


@pytest.mark.parametrize("case", LAYOUTS)
def test_time_major_holds_the_same_numbers_and_nothing_is_missing_or_nan(case):
    problem = materialise(parse_id(case))
    plain, active = TimeMajor.of(problem), problem.active
    assert plain.active.shape == (*active.shape, 1)
    for given, held in ((problem.x, plain.x), (problem.d_output, plain.d_output)):
        assert held.dtype == problem.dtype
        if given is None:
            assert not held.any()
        else:
            assert np.array_equal(held[active], problem.layout.time_major(given)[active])
            assert not held[~active].any()
    for given, held in ((problem.h_0, plain.h_0), (problem.d_h_n, plain.d_h_n)):
        expected = 0 if given is None else problem.layout.batched_state(given)
        assert np.all(held == expected)
    first, second = list(problem.weights_at((0, 0)).values())[2:]
    assert np.array_equal(plain.bias_at((0, 0)), first + second)


def test_time_major_arrays_may_be_written_to():
    problem = materialise(parse_id(PLAIN))
    plain = TimeMajor.of(problem)
    for array in (plain.x, plain.h_0, plain.d_output, plain.d_h_n):
        array[...] = 7
    assert not np.any(problem.x == 7)


@pytest.mark.parametrize("case", LAYOUTS)
def test_what_is_shown_time_major_comes_back_in_the_layout_of_the_problem(case):
    problem = materialise(parse_id(case))
    plain, reference = TimeMajor.of(problem), load_subject("reference").run(problem)
    layout = problem.layout
    shown = plain.shown(
        output=layout.time_major(reference.output).tolist(),
        h_n=layout.batched_state(reference.h_n),
        d_x=layout.time_major(reference.d_x),
        d_h_0=plain.h_0,
        parameters=reference.parameters,
    )
    for name in ("output", "h_n", "d_x"):
        assert np.array_equal(getattr(shown, name), getattr(reference, name))
    assert (shown.d_h_0 is None) == (problem.h_0 is None)


def test_a_network_without_biases_has_a_bias_of_zeros():
    problem = materialise(parse_id(RELU))
    assert not TimeMajor.of(problem).bias_at((1, 0)).any()


def test_a_subject_in_jax_shows_every_step_of_a_gru():
    for case in (GRU, BEFORE):
        problem = materialise(parse_id(case))
        shown, reference = loaded("jax").run(problem), load_subject("reference").run(problem)
        for name in ("hidden", "d_hidden", "d_pre"):
            assert getattr(shown, name).keys() == getattr(reference, name).keys()


@pytest.mark.skipif(find_spec("onnx") is None, reason="onnx: not installed here")
def test_the_model_is_one_that_onnx_itself_takes():
    import onnx

    from conformance.subjects.frameworks.onnx_model import model_of

    for case in AGREES["onnxruntime"]:
        onnx.checker.check_model(model_of(materialise(parse_id(case))), full_check=True)
