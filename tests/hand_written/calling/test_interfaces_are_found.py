"""How a hand-written network is called is found out: whatever it is found to show agrees with the reference."""

import builtins
import sys
from pathlib import Path

import numpy as np
import pytest
from support.written_abroad import LOGIT, STORED
from support.written_classes import IN_PLACE
from support.written_functions import CELL
from support.written_networks import CONSTANT, RIGHT

from conformance.cases import materialise
from conformance.hand_written.calling import Bound, Unbound, bindings, handwritten, load
from conformance.hand_written.calling.running.limits import Allowance, AskedForInput, TookTooLong
from conformance.subjects.observation import Observation
from conformance.subjects.reference import observe


def found(folder: Path, text: str, name: str = "") -> Bound | Unbound:
    path = folder / "subject.py"
    path.write_text(text, encoding="utf-8")
    return next(iter(bindings(load(f"{path}:{name}" if name else str(path)))))


@pytest.mark.parametrize("form", RIGHT)
def test_a_right_network_is_found_right(form: str, tmp_path: Path) -> None:
    bound = found(tmp_path, RIGHT[form])
    assert not isinstance(bound, Unbound)
    problem = bound.admit(materialise(bound.problem_case))
    shown, right = bound.run(problem), observe(problem, np.float64)
    assert {"weight_ih_l0", "weight_hh_l0"} <= set(shown.parameters)
    for name, gradient in shown.parameters.items():
        np.testing.assert_allclose(
            gradient, CONSTANT.get(form, 1.0) * right.parameters[name], rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("form", RIGHT)
def test_the_adapter_alone_shows_the_same(form: str, tmp_path: Path) -> None:
    bound = found(tmp_path, RIGHT[form])
    assert not isinstance(bound, Unbound)
    problem = bound.admit(materialise(bound.problem_case))
    names: dict[str, object] = {}
    exec(bound.interface.adapter(), names)  # noqa: S102 - an adapter is Python
    assert equal(names["network"].run(problem), bound.run(problem))


def equal(one: Observation, other: Observation) -> bool:
    pairs = [(one.parameters, other.parameters), (one.hidden, other.hidden), ({0: one.y}, {0: other.y})]
    return all(
        list(a) == list(b) and all(np.array_equal(a[key], b[key]) for key in a if a[key] is not None)
        for a, b in pairs
    )


def test_what_nobody_can_call_is_unbound_and_says_why(tmp_path: Path) -> None:
    text = "class Net:\n    def forward(self, x):\n        return open(x[0][0]).mode\n"
    unbound = found(tmp_path, text, "Net")
    assert isinstance(unbound, Unbound)
    assert "open(x[0][0])" in unbound.attempts[0].problem
    assert "network = handwritten(" in unbound.skeleton


def test_weights_as_torch_stores_them_are_handed_over(tmp_path: Path) -> None:
    bound = found(tmp_path, STORED)
    assert not isinstance(bound, Unbound)
    assert bound.loss is None
    problem = bound.admit(materialise(bound.problem_case))
    np.testing.assert_allclose(bound.run(problem).y[-1], observe(problem, np.float64).y[-1], rtol=1e-12)


def test_a_table_of_words_shows_the_gradient_of_the_inputs(tmp_path: Path) -> None:
    bound = found(tmp_path, RIGHT["words in a table"])
    assert not isinstance(bound, Unbound)
    problem = bound.admit(materialise(bound.problem_case))
    np.testing.assert_allclose(
        bound.run(problem).d_x, observe(problem, np.float64).d_x, rtol=1e-9, atol=1e-12
    )


def test_the_loss_of_logits_sees_their_probabilities(tmp_path: Path) -> None:
    bound = found(tmp_path, LOGIT)
    assert not isinstance(bound, Unbound)
    assert bound.loss is not None
    assert (bound.loss.kind, bound.loss.outputs) == ("binary cross-entropy", "sigmoid(y)")


SIGMOID = IN_PLACE.replace("np.tanh(", "(lambda a: 1 / (1 + np.exp(-a)))(").replace(
    "(1 - self.hs[t] ** 2)", "{slope}"
)


@pytest.mark.parametrize(
    ("slope", "agrees"), [("self.hs[t] * (1 - self.hs[t])", True), ("(1 - self.hs[t] ** 2)", False)]
)
def test_another_recurrence_is_judged_by_its_own_forward(slope: str, agrees: bool, tmp_path: Path) -> None:  # noqa: FBT001
    bound = found(tmp_path, SIGMOID.replace("{slope}", slope))
    assert not isinstance(bound, Unbound)
    assert bound.mistake == "activation = sigmoid"
    own = bound.own_forward()
    assert set(own.gradients) == set(own.parameters)
    step, worst = 1e-6, 0.0
    for name, gradient in own.gradients.items():
        direction = np.random.default_rng(0).normal(size=gradient.shape)
        ahead, behind = (
            np.vdot(
                own.outputs({**own.parameters, name: own.parameters[name] + side * direction}), own.cotangent
            )
            for side in (step, -step)
        )
        slope_there = (ahead - behind) / (2 * step)
        worst = max(worst, abs(slope_there - np.vdot(gradient, direction)) / abs(slope_there))
    assert bool(worst < step) == agrees  # the error of central differences is of order step²


def test_a_mistake_that_raises_comes_out_when_it_runs(tmp_path: Path) -> None:
    bound = found(tmp_path, IN_PLACE.replace("dh = self.B.T @ da", "dh = self.B.T @ d_a"))
    assert not isinstance(bound, Unbound)
    with pytest.raises(NameError, match="d_a"):
        bound.run(bound.admit(materialise(bound.problem_case)))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("input('more? ')", AskedForInput),
        ("[x for _ in iter(int, 1)]", TookTooLong),
        ("raise SystemExit(3)", SystemExit),
    ],
)
def test_a_forward_pass_that_asks_hangs_or_leaves_does_so_when_it_runs(
    line: str, error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "conformance.hand_written.calling.running.program.CALLS", Allowance(call=0.2, spare=0.0)
    )
    bound = found(tmp_path, f"class Net:\n    def forward(self, x):\n        {line}\n", "Net")
    assert not isinstance(bound, Unbound)
    with pytest.raises(error):
        bound.run(bound.admit(materialise(bound.problem_case)))


def test_a_right_network_with_a_wrong_backward_is_shown_as_it_is(tmp_path: Path) -> None:
    bound = found(tmp_path, IN_PLACE.replace("dh = self.B.T @ da", "dh = self.B @ da"))
    assert not isinstance(bound, Unbound)
    problem = bound.admit(materialise(bound.problem_case))
    shown, right = bound.run(problem).parameters, observe(problem, np.float64).parameters
    np.testing.assert_allclose(shown["head.weight"], right["head.weight"], rtol=1e-9)
    assert np.abs(shown["weight_hh_l0"] - right["weight_hh_l0"]).max() > 0.01


def test_one_who_asks_for_the_next_way_is_outside_the_sandbox(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path.cwd()
    found(tmp_path, IN_PLACE)
    print("heard")  # noqa: T201 - whether it is heard is the question
    assert capsys.readouterr().out == "heard\n"
    assert Path.cwd() == folder


def test_an_interface_stated_outright_is_called_as_stated(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(IN_PLACE, encoding="utf-8")
    bound = handwritten(
        f"{tmp_path / 'net.py'}:Net",
        build="model = code.Net(p.I, p.H, p.O)",
        weights={
            "model.A": "p.W_ih",
            "model.B": "p.W_hh",
            "model.C": "p.W_hy",
            "model.p": "p.b[:, None]",
            "model.q": "p.b_y[:, None]",
        },
        forward="y = model.forward(p.x[:, 0])",
        backward="model.backward(p.d_y[-1].T, 1.0)",
        shown={"y": "y.T[None]", "W_hh": "p.W_hh - model.B", "b": "(p.b[:, None] - model.p)[:, 0]"},
        case="rnn-tanh-T7-single-I4-H6-O5-noh0-dlast-f64-gain1.2-s0",
    )
    problem = bound.admit(materialise(bound.problem_case))
    shown, right = bound.run(problem), observe(problem, np.float64)
    for name in ("weight_hh_l0", "bias_ih_l0"):
        np.testing.assert_allclose(shown.parameters[name], right.parameters[name], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(shown.y[-1], right.y[-1], rtol=1e-9)


def test_a_right_cell_says_nothing_for_a_wrong_loop_around_it(tmp_path: Path) -> None:
    loop = """
def unroll(xs, h, W, U, b):
    hs, caches = [], []
    for x in xs:
        h, cache = step(x, h, W, U, b)
        hs.append(h)
        caches.append(cache)
    return hs, caches
def unroll_backward(d_hs, caches):
    d_W = d_U = d_b = 0
    for d_h, cache in zip(d_hs[::-1], caches[::-1]):
        _, carried_and_lost, of_W, of_U, of_b = step_backward(d_h, cache)
        d_W, d_U, d_b = d_W + of_W, d_U + of_U, d_b + of_b
    return d_W, d_U, d_b
"""
    bound = found(tmp_path, CELL + loop)
    assert not isinstance(bound, Unbound)
    assert "unroll_backward" in " ".join(bound.backward)
    problem = bound.admit(materialise(bound.problem_case))
    shown, right = bound.run(problem).parameters, observe(problem, np.float64).parameters
    assert np.abs(shown["weight_hh_l0"] - right["weight_hh_l0"]).max() > 0.01


def test_training_that_cannot_be_called_is_a_backward_pass_that_could_not_be_called(tmp_path: Path) -> None:
    reads = IN_PLACE.replace(
        "def backward(self, d_y, lr=0.01):", "def train(self, table, lr=0.01):\n        d_y = table.split()"
    )
    bound = found(tmp_path, reads.replace("            w -= lr * g\n", "            self.A -= lr * dA\n"))
    assert not isinstance(bound, Unbound)
    assert [attempt.what for attempt in bound.uncalled] == ["model.train"]


def test_what_no_argument_can_mend_is_raised(tmp_path: Path) -> None:
    misspelt = IN_PLACE.replace("self.B @ self.hs[t - 1]", "self.B @ self.h[t - 1]")
    bound = found(tmp_path, misspelt)
    assert not isinstance(bound, Unbound)
    assert bound.description.endswith("called as model.forward")
    with pytest.raises(AttributeError, match="has no attribute 'h'"):
        bound.run(bound.admit(materialise(bound.problem_case)))


def test_a_search_that_nobody_finishes_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "subject.py").write_text(IN_PLACE)
    before = (sys.stdout, sys.stderr, Path.cwd(), builtins.input)
    ways = bindings(load(f"{tmp_path / 'subject.py'}:Net"))
    assert not isinstance(next(ways), Unbound)
    assert (sys.stdout, sys.stderr, Path.cwd(), builtins.input) == before
