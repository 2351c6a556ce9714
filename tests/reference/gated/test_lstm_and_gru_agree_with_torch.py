"""LSTM and GRU against torch's modules on equal weights: every result and every gradient, over all options."""

from typing import Any

import numpy as np
import pytest
import torch
from oracles import gated
from oracles.gated import assert_agree, drawn, observe, observe_torch

import refrnn
from refrnn._packing import BLOCK

KINDS = pytest.mark.parametrize("kind", ["LSTM", "GRU"])
LENGTHS = [None, (3, 6, 1, 3), (6, 5, 2, 1), (6, 6, 6, 6), (1, 1, 1, 1)]


@pytest.mark.parametrize("layout", ["time first", "batch first", "unbatched"])
@pytest.mark.parametrize("bias", [True, False], ids=["biases", "no biases"])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("kind", "proj"), [("LSTM", 0), ("LSTM", 2), ("GRU", 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_results_and_all_gradients_agree(
    dtype: type,
    kind: str,
    proj: int,
    layers: int,
    directions: int,
    bias: bool,  # noqa: FBT001
    layout: str,
) -> None:
    batch = 1 if layout == "unbatched" else 4
    e = drawn(
        kind,
        proj=proj,
        layers=layers,
        directions=directions,
        bias=bias,
        layout=layout,
        batch=batch,
        dtype=dtype,
    )
    assert_agree(observe(e), observe_torch(e), e)


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("layout", ["time first", "batch first"])
@pytest.mark.parametrize(("kind", "proj"), [("LSTM", 0), ("LSTM", 2), ("GRU", 0)])
def test_lengths_agree_with_packed_sequences(
    kind: str, proj: int, layout: str, lengths: tuple[int, ...] | None
) -> None:
    e = drawn(kind, proj=proj, layers=2, directions=2, lengths=lengths, layout=layout)
    assert_agree(observe(e), observe_torch(e), e)


@KINDS
@pytest.mark.parametrize("missing", ["output", "h", "c", "h and c"])
def test_each_cotangent_may_be_missing(kind: str, missing: str) -> None:
    e = drawn(kind, layers=2, directions=2)
    if missing == "output":
        e = e.but(d_output=None)
    else:
        e = e.but(d_final={letter: None if letter in missing else d for letter, d in e.d_final.items()})
    assert_agree(observe(e), observe_torch(e), e)


def test_a_loss_on_c_n_alone_gives_the_last_output_gate_no_gradient() -> None:
    e = drawn("LSTM", steps=1).but(d_output=None)
    e = e.but(d_final={"h": None, "c": e.d_final["c"]})
    _, gradients = gated.run(e)
    assert not gradients.d_a(0)[..., 3 * e.hidden :].any()
    assert gradients.d_a(0)[..., : 3 * e.hidden].all()


@KINDS
def test_states_that_are_not_given_are_zeros(kind: str) -> None:
    e = drawn(kind, layers=2)
    zeros = e.but(initial={letter: np.zeros_like(state) for letter, state in e.initial.items()})
    expected = gated.network(e)(e.x, gated.handed(e, zeros.initial))
    found = [gated.network(e)(e.x), gated.network(e)(e.x, None)]
    if kind == "LSTM":
        found += [gated.network(e)(e.x, (None, None))]
    for output, final in found:
        assert np.array_equal(output, expected[0])
        assert np.array_equal(np.array(final), np.array(expected[1]))
    if kind == "LSTM":
        own = e.but(initial=e.initial | {"c": None})
        assert np.array_equal(
            gated.network(e)(e.x, gated.handed(own, own.initial))[0],
            gated.network(e)(e.x, (e.initial["h"], zeros.initial["c"]))[0],
        )


@KINDS
def test_sequences_of_several_blocks_agree(kind: str) -> None:
    e = drawn(kind, steps=2 * BLOCK + 3, batch=2, layers=2, directions=2)
    assert_agree(observe(e), observe_torch(e), e)
    padded = drawn(kind, steps=2 * BLOCK + 3, batch=2, directions=2, lengths=(BLOCK + 1, 2 * BLOCK + 3))
    assert_agree(observe(padded), observe_torch(padded), padded)


@pytest.mark.parametrize("sizes", [(6, 4, 1, 5), (6, 4, 3, 1), (1, 1, 1, 1), (2, 3, 9, 2)], ids=str)
@KINDS
def test_sizes_of_one_agree(kind: str, sizes: tuple[int, ...]) -> None:
    steps, batch, inputs, hidden = sizes
    e = drawn(kind, steps=steps, batch=batch, inputs=inputs, hidden=hidden, layers=2, directions=2)
    assert_agree(observe(e), observe_torch(e), e)


@pytest.mark.parametrize("p", [0.5, 1.0])
@pytest.mark.parametrize(("kind", "proj"), [("LSTM", 0), ("LSTM", 2), ("GRU", 0)])
def test_dropout_agrees_when_torch_s_masks_are_replayed(kind: str, proj: int, p: float) -> None:
    e = drawn(kind, proj=proj, layers=3, directions=2, dropout=p)
    e = e.but(masks=gated.torch_masks(e, seed=11))
    assert_agree(observe(e), observe_torch(e, seed=11), e)


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}], ids=str)
@pytest.mark.parametrize(("kind", "more"), [("LSTM", {}), ("LSTM", {"proj_size": 2}), ("GRU", {})])
def test_the_state_dict_has_torch_s_names_shapes_order_and_range(
    kind: str, more: dict[str, int], options: dict[str, Any]
) -> None:
    theirs = getattr(torch.nn, kind)(3, 4, **options, **more).state_dict()
    ours = getattr(refrnn, kind)(3, 4, generator=np.random.default_rng(1), **options, **more).state_dict()
    assert [(name, tuple(value.shape)) for name, value in theirs.items()] == [
        (name, value.shape) for name, value in ours.items()
    ]
    values = np.concatenate([value.ravel() for value in ours.values()])
    assert -0.5 <= values.min() < -0.4 < 0.4 < values.max() <= 0.5  # ±1/√4, whatever P is


def test_the_comparison_can_fail() -> None:
    e = drawn("GRU", layers=2)
    found, expected = observe(e), observe_torch(e)
    for name, array in found.items():
        for wrong in (array * (1 + 1e-9) + 1e-9, np.full_like(array, np.nan), array[..., :-1]):
            with pytest.raises(AssertionError, match=f"{name}: "):
                assert_agree(found | {name: wrong}, expected, e)


# Step by step


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize(
    ("kind", "options"),
    [("LSTM", {}), ("LSTM", {"proj": 2}), ("GRU", {}), ("GRU", {"reset": "before"})],
    ids=str,
)
def test_every_quantity_of_every_step_and_its_gradient_agree_with_autograd(
    kind: str, options: dict[str, Any], directions: int
) -> None:
    e = drawn(kind, directions=directions, **options)
    found, expected = gated.observe_steps(e), gated.step_by_step(e)
    if e.reset == "before":  # there is no product with all of h_{t-1} of which this could be the gradient
        for d in range(directions):
            assert np.array_equal(found.pop(f"dL/drecurrent {d}"), found[f"dL/da {d}"])
    for name in list(expected):
        if name not in found:  # dL/dgate, of which dL/da is the part that goes on
            assert name.split()[0].removeprefix("dL/d") in "ifgorznm"
            del expected[name]
    assert_agree(found, expected, e)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("truncation", [1, 2, 4, 6])
def test_truncation_is_torch_run_in_detached_chunks(kind: str, truncation: int) -> None:
    e = drawn(kind, layers=2, truncation=truncation)
    module, x = gated.torch_module(e), torch.tensor(e.x, requires_grad=True)
    first = [torch.tensor(e.initial[letter], requires_grad=True) for letter in e.letters]
    state, loss = first, torch.zeros((), dtype=torch.float64)
    for start in range(0, e.steps, truncation):
        given = [s if start == 0 else s.detach() for s in state]
        output, final = module(x[start : start + truncation], tuple(given) if len(given) > 1 else given[0])
        state = list(final) if len(given) > 1 else [final]
        loss = loss + (output * torch.tensor(e.d_output[start : start + truncation])).sum()
    for letter, last in zip(e.letters, state, strict=True):
        loss = loss + (last * torch.tensor(e.d_final[letter])).sum()
    loss.backward()
    expected = {"dL/dx": gated.grad(x)} | {f"dL/d{n}": gated.grad(p) for n, p in module.named_parameters()}
    expected |= {f"dL/d{letter}_0": gated.grad(s) for letter, s in zip(e.letters, first, strict=True)}
    found = observe(e)
    assert_agree({name: found[name] for name in expected}, expected, e)


@pytest.mark.parametrize("options", [{}, {"lengths": (3, 6, 1, 3)}, {"truncation": 2}], ids=str)
@pytest.mark.parametrize(
    ("kind", "more"),
    [("LSTM", {"proj": 2}), ("LSTM", {}), ("GRU", {}), ("GRU", {"reset": "before"})],
    ids=str,
)
def test_the_steps_shares_in_a_gradient_add_up_to_it(
    kind: str, more: dict[str, Any], options: dict[str, Any]
) -> None:
    e = drawn(kind, layers=2, directions=2, **options, **more)
    _, gradients = gated.run(e)
    summed = {name: gradients.step_contributions(name).sum(axis=0) for name in e.weights}
    assert_agree(summed, gradients.parameters, e)
