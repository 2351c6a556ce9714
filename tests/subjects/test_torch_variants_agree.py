"""Every way in which torch runs an RNN agrees or says why it can't, and none hides a wrong weight."""

import os
from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import materialise, parse_id
from conformance.errors import Unsupported
from conformance.examination.engine import examine
from conformance.report import tell
from conformance.subjects import DEFAULT, MODULES, load_subject, torch_compiled, torch_graph
from conformance.subjects.torch_compiled import TorchCompiled
from conformance.subjects.torch_cuda import WORKSPACE, TorchCuda, full_precision

CASES = {
    "plain": "rnn-tanh-T5-B3-I4-H6-f64-s0",
    "relu, two layers, both ways": "rnn-relu-L2-bi-T4-B3-I4-H5-f64-s0",
    "lengths": "rnn-tanh-L2-bi-T5-len2.5.1.5-B4-I3-H6-f64-s0",
    "unbatched": "rnn-tanh-T4-single-I3-H5-f64-s0",
    "batch first": "rnn-tanh-L2-T4-B3-bf-I5-H6-f64-s0",
    "batch first with lengths": "rnn-relu-nobias-T4-len1.4.3-B3-bf-I5-H6-f64-s0",
    "float32": "rnn-tanh-T5-B3-I4-H6-noh0-f32-s0",
    "loss on h_n alone": "rnn-tanh-bi-nobias-T3-B2-I4-H5-dhn-f64-s0",
    "LSTM": "lstm-L2-T5-B3-I4-H5-f64-s0",
    "LSTM, lengths, no c_0, loss on c_n": "lstm-bi-T5-len2.5.1-B3-bf-I4-H5-noc0-dcn-f64-s0",
    "LSTM, projections": "lstm-T4-B3-I4-H5-proj2-f64-s0",
    "LSTM, float32": "lstm-L2-bi-T4-B3-I4-H5-f32-s0",
    "GRU": "gru-L2-bi-T5-B3-I4-H5-f64-s0",
    "GRU, lengths, float32": "gru-T5-len2.5.1-B3-I4-H5-f32-s0",
}
EAGER = ("torch-cells", "torch-native", "torch-packed", "torch-functional", "torch-double")
COMPILED = ("plain", "relu, two layers, both ways", "unbatched", "batch first", "float32")
REFUSED = {
    ("torch-packed", "unbatched"): "can't be packed",
    ("torch-cells", "LSTM, projections"): "no projections",
    ("torch-compiled", "lengths"): "torch.compile refuses this",
}
CHAOS = parse_id("rnn-tanh-T300-B2-I4-H16-f64-gain10-s0")


@pytest.fixture
def cuda_on_the_cpu(monkeypatch):
    """Let torch-cuda run everything but the GPU."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    return TorchCuda(device="cpu")


class WrongWeight:
    """A subject that is given one recurrent weight which is off by one part in a million."""

    name, description = "wrong weight", "for this test alone"

    def __init__(self, subject):
        self.subject = subject

    def run(self, problem):
        w = problem.weights["weight_hh_l0"].copy()
        w[1, 2] *= 1 + 1e-6
        return self.subject.run(replace(problem, weights={**problem.weights, "weight_hh_l0": w}))


def complaint(record, refused=None):
    """Return what speaks against a record: nothing where it agrees, or refuses as it is known to."""
    if refused is not None:
        known = record.verdict == "unsupported" and refused in record.reason and record.reason.endswith(".")
        return None if known else tell(record)
    return None if record.verdict == "agrees" else tell(record)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", EAGER)
def test_a_variant_agrees_or_says_why_it_cannot(name, case):
    record = examine(parse_id(CASES[case]), load_subject(name))
    assert complaint(record, REFUSED.get((name, case))) is None


@pytest.mark.parametrize("case", [*COMPILED, "lengths"])
def test_the_compiled_module_agrees_or_says_why_it_cannot(case, monkeypatch):
    monkeypatch.setattr(
        "conformance.examination.engine.relation_check", lambda *_: []
    )  # it would compile again and again
    record = examine(parse_id(CASES[case]), load_subject("torch-compiled"))
    assert complaint(record, REFUSED.get(("torch-compiled", case))) is None


@pytest.mark.parametrize("case", CASES)
def test_the_way_to_a_device_and_back_agrees(case, cuda_on_the_cpu):
    assert complaint(examine(parse_id(CASES[case]), cuda_on_the_cpu)) is None


def test_without_a_gpu_there_is_a_reason(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    record = examine(parse_id(CASES["plain"]), load_subject("torch-cuda"))
    assert complaint(record, "There is no CUDA device") is None


@pytest.mark.parametrize("name", EAGER)
def test_a_variant_that_shows_its_steps_is_decided_even_in_chaos(name):
    assert complaint(examine(CHAOS, load_subject(name))) is None


def test_a_long_sequence_is_not_compiled():
    assert complaint(examine(CHAOS, load_subject("torch-compiled")), "torch.compile unrolls") is None


@pytest.mark.parametrize("case", ["plain", "lengths"])
@pytest.mark.parametrize("name", EAGER)
def test_a_wrong_weight_is_caught(name, case):
    record = examine(parse_id(CASES[case]), WrongWeight(load_subject(name)))
    assert record.verdict == "differs"
    assert record.first_divergence.phase == "forward"


def test_a_wrong_weight_is_caught_when_compiled():
    assert examine(parse_id(CASES["plain"]), WrongWeight(load_subject("torch-compiled"))).verdict == "differs"


def test_a_wrong_weight_is_caught_on_a_device(cuda_on_the_cpu):
    assert examine(parse_id(CASES["plain"]), WrongWeight(cuda_on_the_cpu)).verdict == "differs"


@pytest.mark.parametrize("name", ["torch-cells", "torch-double", "torch-packed", "torch-functional"])
def test_every_step_is_shown(name):
    problem = materialise(parse_id(CASES["lengths"]))
    shown = load_subject(name).run(problem)
    assert list(shown.hidden) == list(shown.d_hidden) == problem.places
    assert all(np.any(values) for values in shown.d_hidden.values())


def test_what_is_frozen_is_not_shown_and_everything_else_is():
    problem = materialise(parse_id(CASES["relu, two layers, both ways"]))
    shown = load_subject("torch-functional").run(problem)
    frozen = [name for name in problem.weights if name not in shown.parameters]
    assert frozen == list(problem.weights)[1::3]
    assert {name[: name.index("_l")] for name in frozen} == {
        "weight_ih",
        "weight_hh",
        "bias_ih",
        "bias_hh",
    }


@pytest.mark.parametrize("values", [np.arange(12.0).reshape(3, 4), np.arange(5.0), np.ones((1, 1))])
def test_foreign_parameters_are_strided_copies(values):
    import torch

    from conformance.subjects.torch_functional import _strided

    made = _strided(torch.tensor(values))
    assert np.array_equal(made.numpy(), values)
    assert values.size == 1 or not made.is_contiguous()


def test_packing_runs_on_packed_sequences_when_all_lengths_are_equal(monkeypatch):
    import torch

    seen, forward = [], torch.nn.RNN.forward
    monkeypatch.setattr(
        torch.nn.RNN,
        "forward",
        lambda rnn, x, *rest: (seen.append(type(x).__name__), forward(rnn, x, *rest))[1],
    )
    load_subject("torch-packed").run(materialise(parse_id(CASES["plain"])))
    load_subject("torch").run(materialise(parse_id(CASES["plain"])))
    assert seen == ["PackedSequence", "Tensor"]


def test_cells_are_what_runs(monkeypatch):
    monkeypatch.delattr("torch.nn.RNN.forward")
    assert complaint(examine(parse_id(CASES["plain"]), load_subject("torch-cells"))) is None


def test_double_backward_is_what_its_gradients_come_from(monkeypatch):
    """What the third backward pass gives is what is shown: doubled there, it is shown doubled."""
    import torch

    calls, grad = [], torch.autograd.grad

    def counted(*arguments, **options):
        calls.append(options.get("create_graph", False))
        found = grad(*arguments, **options)
        if len(calls) == 3:
            found = [2 * one for one in found]
        return found

    monkeypatch.setattr(torch.autograd, "grad", counted)
    problem = materialise(parse_id(CASES["plain"]))
    twice = load_subject("torch-double").run(problem)
    assert calls == [True, True, False]
    monkeypatch.undo()
    once = load_subject("torch-double").run(problem)
    assert np.array_equal(twice.d_x, 2 * once.d_x)
    assert np.array_equal(twice.d_hidden[0, 0], 2 * once.d_hidden[0, 0])


def test_where_the_graph_looks_different_double_backward_shows_results_alone(monkeypatch):
    monkeypatch.setattr(torch_graph, "tap", lambda *_, **__: None)
    assert complaint(examine(parse_id(CASES["plain"]), load_subject("torch-double"))) is None
    assert load_subject("torch-double").run(materialise(parse_id(CASES["plain"]))).hidden == {}


def test_a_torch_without_the_flag_is_unsupported(monkeypatch):
    import torch

    class WithoutFlag:
        pass

    monkeypatch.setattr(torch._dynamo, "config", WithoutFlag())
    with pytest.raises(Unsupported, match="has no allow_rnn"):
        TorchCompiled().run(materialise(parse_id(CASES["plain"])))


def test_the_limit_of_unrolling_is_where_it_says(monkeypatch):
    monkeypatch.setattr(torch_compiled, "MOST_STEPS", 4)
    with pytest.raises(Unsupported, match="5 steps are more than the 4"):
        TorchCompiled().run(materialise(parse_id(CASES["plain"])))


def test_the_compiler_is_left_as_it_was():
    import torch

    TorchCompiled(backend="eager").run(materialise(parse_id(CASES["plain"])))
    assert torch._dynamo.config.allow_rnn is False


@pytest.mark.parametrize("workspace", [None, ":16:8"])
def test_full_precision_is_for_the_call_alone(workspace, monkeypatch):
    import torch

    if workspace is None:
        monkeypatch.delenv(WORKSPACE, raising=False)
    else:
        monkeypatch.setenv(WORKSPACE, workspace)
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul

    def settings():
        return (
            cudnn.allow_tf32,
            cudnn.deterministic,
            cudnn.benchmark,
            matmul.allow_tf32,
            os.environ.get(WORKSPACE),
        )

    def fail_inside():
        with full_precision():
            assert settings() == (False, True, False, False, workspace or ":4096:8")
            raise KeyError(before)

    found = matmul.allow_tf32
    matmul.allow_tf32 = True
    try:
        before = settings()
        with pytest.raises(KeyError):
            fail_inside()
        assert settings() == before
    finally:
        matmul.allow_tf32 = found


def test_variants_are_there_to_be_asked_for():
    added = {*EAGER, "torch-compiled", "torch-cuda"}
    assert added <= set(MODULES)
    assert not added & set(DEFAULT)
    assert {load_subject(name).name for name in added} == added
