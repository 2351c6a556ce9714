"""Code over tensors of torch, outside modules, is called with arrays that do what tensors do; torch stays away."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from support.written_with_tensors import BATCHES, BY_AUTOGRAD, RIGHT, RIGHT_CLASS, WRONG

import conformance
from conformance.hand_written.calling.loading.stand_ins import of_torch
from conformance.hand_written.calling.loading.tensors import FUNCTIONS, Tensor, tensor
from conformance.record.check import CheckRecord


def checked(folder: Path, text: str, name: str) -> CheckRecord:
    path = folder / "tensors.py"
    path.write_text(text, encoding="utf-8")
    return conformance.check(f"{path}:{name}").record


@pytest.mark.parametrize("form", RIGHT)
def test_right_gradients_by_hand_conform(form: str, tmp_path: Path) -> None:
    record = checked(tmp_path, *RIGHT[form])
    assert (record.verdict, record.forward, record.backward) == ("conforms", "agrees", "agrees"), (
        record.headline
    )
    assert any("stand in for its tensors" in note for note in record.notes)


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_ones_are_told_their_mistake(fault: str, tmp_path: Path) -> None:
    record = checked(tmp_path, WRONG[fault], "Columns")
    assert record.verdict == "differs"
    assert record.diagnosis is not None
    assert [each.id for each in record.diagnosis.faults] == [fault]


def test_what_autograd_differentiates_is_a_forward_pass_alone(tmp_path: Path) -> None:
    record = checked(tmp_path, BY_AUTOGRAD, "rnn")
    assert (record.verdict, record.exit_code) == ("forward-conforms", 0), record.headline


def test_its_adapter_says_the_same(tmp_path: Path) -> None:
    record = checked(tmp_path, RIGHT_CLASS, "Columns")
    adapter = tmp_path / "adapter.py"
    adapter.write_text(record.interface.adapter, encoding="utf-8")
    assert "tensors=True" in record.interface.adapter
    assert conformance.check(f"{adapter}:network").record.verdict == "conforms"


def test_torch_is_not_imported_for_it(tmp_path: Path) -> None:
    (tmp_path / "tensors.py").write_text(BATCHES)
    asks = (
        "import sys\nfrom conformance.hand_written.calling import bindings, load\n"
        f"next(bindings(load({str(tmp_path / 'tensors.py') + ':forward'!r})))\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", asks], check=True)


X, Y, W = (np.random.default_rng(n).normal(size=shape) for n, shape in enumerate([(3, 4), (3, 4), (4, 5)]))
CALLS = {
    **dict.fromkeys(("tanh", "exp", "sigmoid", "relu", "abs", "sign", "square", "neg", "trace"), (X,)),
    **dict.fromkeys(("sum", "mean", "std", "var", "max", "argmax", "numel", "t", "clone", "flatten"), (X,)),
    **dict.fromkeys(("add", "sub", "mul", "div", "maximum", "mse_loss", "expand_as"), (X, Y)),
    **dict.fromkeys(("unsqueeze", "cumsum", "softmax", "log_softmax", "logsumexp", "pow"), (X, 1)),
    **dict.fromkeys(("mm", "matmul"), (X, W)),
    "outer": (X[0], Y[1]),
    "dot": (X[0], Y[0]),
    "mv": (X, X[1]),
    "addmm": (Y @ W, X, W),
    "addmv": (X[:, 0], Y, X[1]),
    "baddbmm": ((Y @ W)[None], X[None], W[None]),
    "addr": (Y, X[:, 0], X[1]),
    **dict.fromkeys(("addcmul", "addcdiv"), (X, Y, Y + 4)),
    "lerp": (X, Y, 0.3),
    "linear": (X, W.T),
    "cross_entropy": (X, np.array([1, 0, 3])),
    "one_hot": (np.array([1, 0, 3]), 4),
    "clamp": (X, -0.5, 0.5),
    "transpose": (X, 0, 1),
    "gather": (X, 1, np.array([[1], [0], [3]])),
    "index_select": (X, 0, np.array([2, 0])),
}
"""Functions, and what each is handed."""


@pytest.mark.parametrize("name", CALLS)
def test_a_function_gives_what_torchs_gives(name: str) -> None:
    plain = [torch.from_numpy(each) if isinstance(each, np.ndarray) else each for each in CALLS[name]]
    own = [tensor(each) if isinstance(each, np.ndarray) else each for each in CALLS[name]]
    there = getattr(torch, name, None) or getattr(torch.nn.functional, name, None)
    right = there(*plain) if there is not None else getattr(plain[0], name)(*plain[1:])
    np.testing.assert_allclose(FUNCTIONS[name](*own), right, rtol=1e-13, atol=1e-15)
    if hasattr(plain[0], name):
        got = getattr(own[0], name)
        np.testing.assert_allclose(got(*own[1:]), getattr(plain[0], name)(*plain[1:]), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    "text",
    [
        "x.sum(dim=1)", "x.sum(1, keepdim=True)", "x.mean(dim=(0, 1))", "x.max(dim=1).values", "x.max(1)[1]",
        "x.std(0)", "x.view(2, 6)", "x.view(-1)", "x.unsqueeze(0).squeeze(0)", "x.repeat(2, 1)", "x.permute(1, 0)",
        "x.t() @ y", "x[1].dot(y[1])", "x[0, 1].item()", "x.add(y, alpha=2)", "x.size(1)", "x.size()", "x.shape[0]",
        "x.clone().zero_()", "x.clone().add_(y)", "x.clone().mul_(2).sub_(y, alpha=0.5)", "x.argmax(dim=-1)",
        "x.unsqueeze(1).expand(3, 2, 4)", "x.flip(0)", "x.chunk(2, dim=1)[1]", "x.norm()", "(x > 0).long()",
        "x.clone().fill_(3.0)", "x.clone().copy_(y)", "x.detach().numpy()", "len(x)", "x.dim()", "x.split(2)[1]",
        "x.clone().clamp_(-0.1, 0.1)", "x.unbind(1)[2]", "x.new_zeros(2, 3)", "x.data", "x.numel()",
    ],
)  # fmt: skip
def test_a_tensor_does_what_torchs_does(text: str) -> None:
    got, right = (eval(text, {"x": make(X), "y": make(Y)}) for make in (tensor, torch.tensor))  # noqa: S307 - texts of this file
    np.testing.assert_allclose(
        np.asarray(got, dtype=float), np.asarray(right, dtype=float), rtol=1e-13, atol=1e-15
    )


def test_code_in_numpy_that_only_compares_with_torch_gets_plain_arrays(tmp_path: Path) -> None:
    text = """
import numpy as np, torch

class Net:
    def __init__(self, n_in, n_hidden):
        self.W, self.U = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)

    def forward(self, xs):
        h, states = np.zeros(len(self.U)), []
        for x in xs:
            h = np.tanh(self.W @ x + self.U @ h)
            states.append(h)
        return np.array(states)

    def compare_with_torch(self, xs):
        return torch.nn.RNN(4, 6)(torch.tensor(xs))
"""
    record = checked(tmp_path, text, "Net")
    assert record.verdict == "forward-conforms"
    assert not any("stand in for its tensors" in note for note in record.notes)


def test_what_is_not_there_raises() -> None:
    assert of_torch("torch", "fft") is None
    with pytest.raises(AttributeError, match="stands in for torch's tensors has no lstsq"):
        tensor(X).lstsq(Y)
    with pytest.raises(NotImplementedError, match="autograd"):
        tensor(X).sum().backward()


def test_an_element_can_be_changed_in_place() -> None:
    x = tensor(X)
    x[0][1].add_(1)
    assert isinstance(x[0], Tensor)
    assert x[0, 1] == X[0, 1] + 1
