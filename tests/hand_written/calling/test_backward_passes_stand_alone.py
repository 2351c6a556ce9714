"""A backward pass without a forward pass is judged by its gradients, and told as that; nothing else is said of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.backward_passes_alone import ANOTHER_ACTIVATION, LAID_OUT, NAMED, PLAIN, RIGHT, WRONG, walk

import conformance
from conformance.hand_written.calling import bindings, load
from conformance.hand_written.calling.backwards import alone
from conformance.hand_written.calling.backwards.search import Backward
from conformance.record.check import CheckRecord


def checked(folder: Path, text: str, name: str = PLAIN["name"]) -> CheckRecord:
    path = folder / "alone.py"
    path.write_text(text, encoding="utf-8")
    return conformance.check(f"{path}:{name}").record


@pytest.mark.parametrize("form", RIGHT)
def test_a_right_one_conforms_in_its_gradients(form: str, tmp_path: Path) -> None:
    record = checked(tmp_path, walk(RIGHT[form]))
    assert (record.verdict, record.exit_code, record.forward) == ("gradients-conform", 0, None)
    assert "only its gradients were judged" in record.headline
    assert {q.quantity.removesuffix(" after a free run") for q in record.quantities} == {
        "dL/dW_ih",
        "dL/dW_hh",
        "dL/dW_y",
    }


@pytest.mark.parametrize("layout", LAID_OUT)
def test_so_does_one_in_another_layout(layout: str, tmp_path: Path) -> None:
    record = checked(tmp_path, *LAID_OUT[layout])
    assert (record.verdict, record.backward) == ("gradients-conform", "agrees"), record.headline


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_one_is_told_its_mistake(fault: str, tmp_path: Path) -> None:
    record = checked(tmp_path, walk(WRONG[fault]))
    assert (record.verdict, record.exit_code) == ("differs", 1)
    assert record.diagnosis is not None
    assert [each.id for each in record.diagnosis.faults] == [fault]


@pytest.mark.parametrize("activation", ANOTHER_ACTIVATION)
def test_the_derivative_of_another_activation_is_held_against_nobody(activation: str, tmp_path: Path) -> None:
    record = checked(tmp_path, walk(ANOTHER_ACTIVATION[activation]))
    assert (record.verdict, record.exit_code) == ("undecided", 5)
    assert record.diagnosis is None


def test_a_forward_pass_beside_it_is_called_in_place_of_ours(tmp_path: Path) -> None:
    forward = """
def forward(xs, W_x, W_h, W_y):
    hs, ys = [np.zeros(len(W_h))], []
    for x in xs:
        hs.append(np.tanh(W_x @ x + W_h @ hs[-1]))
        ys.append(W_y @ hs[-1])
    return hs, ys
"""
    record = checked(tmp_path, walk(NAMED) + forward, f"forward,{PLAIN['name']}")
    assert (record.verdict, record.forward) == ("conforms", "agrees"), record.headline


WHOLE = """
import numpy as np

W_x, W_h, W_y = np.random.randn(6, 4), np.random.randn(6, 6), np.random.randn(5, 6)

def loss(xs, targets, h):
    hs, ds = {-1: h}, np.zeros_like(W_h)
    for t in range(len(xs)):
        hs[t] = np.tanh(np.dot(W_x, xs[t]) + np.dot(W_h, hs[t - 1]))
    for t in reversed(range(len(xs))):
        ds += np.dot(hs[t], hs[t - 1].T)
    return ds
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"), [(PLAIN["name"], walk(PLAIN), True), ("loss", WHOLE, False)]
)
def test_what_makes_its_states_itself_does_not_stand_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    text: str,
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    asked: list[str] = []

    def noted(_loaded: object, _built: object, call: str, _parameters: object) -> Iterator[Backward]:
        asked.append(call)
        yield from ()

    monkeypatch.setattr(alone, "_of_callable", noted)
    file = tmp_path / "net.py"
    file.write_text(text, encoding="utf-8")
    list(bindings(load(f"{file}:{name}"), share=0.05))
    assert (f"code.{name}" in asked) is expected
