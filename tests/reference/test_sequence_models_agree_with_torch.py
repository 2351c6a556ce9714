"""`SequenceModel` predicts, differentiates and trains as torch.nn.RNN and torch.nn.Linear do together.

End to end no bound is derived: rounding errors grow through time and training. But they are proportional to
the unit roundoff, so torch tells their size itself, by running once more in float32 on the same numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from oracles import differences
from oracles.closeness import assert_close
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from refrnn import RNN, Linear, SequenceModel, cross_entropy, sgd, squared_error

T, B, I, H, O = 6, 5, 3, 4, 2  # noqa: E741
LENGTHS = (4, 6, 1, 5, 2)

NOISE = 32 * float(np.finfo(np.float64).eps / np.finfo(np.float32).eps)
"""Rounding in float64 against rounding in float32, and 32 since one run shows only one draw of the latter."""

CASES = [
    {},
    {"output": "every"},
    {"bidirectional": True, "num_layers": 2},
    {"bidirectional": True, "output": "every", "batch_first": True},
    {"layout": "unbatched", "bidirectional": True},
    {"layout": "unbatched", "output": "every"},
    {"lengths": LENGTHS, "bidirectional": True, "num_layers": 2},
    {"lengths": LENGTHS, "output": "every", "bidirectional": True},
    {"lengths": LENGTHS, "output": "every", "batch_first": True},
    {"classes": True},
    {"classes": True, "output": "every", "lengths": LENGTHS},
    {"nonlinearity": "relu", "bias": False},
]
EACH = pytest.mark.parametrize("options", CASES, ids=str)


def drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers that float32 holds exactly, as float64."""
    return rng.standard_normal(shape).astype(np.float32).astype(np.float64)


@dataclass(frozen=True, kw_only=True)
class Task:
    """Options and float32 numbers of one model and one batch, for both sides to start from."""

    output: str = "last"
    layout: str = "batched"
    lengths: tuple[int, ...] | None = None
    classes: bool = False
    batch_first: bool = False
    num_layers: int = 1
    bidirectional: bool = False
    nonlinearity: str = "tanh"
    bias: bool = True

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def options(self) -> dict[str, Any]:
        names = ("num_layers", "nonlinearity", "bias", "batch_first", "bidirectional")
        return {name: getattr(self, name) for name in names}

    def axes(self, *, steps: bool) -> tuple[int, ...]:
        if self.layout == "unbatched":
            return (T,) if steps else ()
        if not steps:
            return (B,)
        return (B, T) if self.batch_first else (T, B)

    def data(self) -> dict[str, np.ndarray]:
        """Return x, target, h_0, and NaN or impossible targets in the padding, which must not be read."""
        rng = np.random.default_rng(11)
        states = (self.num_layers * self.directions, *self.axes(steps=False), H)
        x, h_0 = drawn(rng, (*self.axes(steps=True), I)), drawn(rng, states) / 2
        leading = self.axes(steps=self.output == "every")
        target = rng.integers(0, O, leading) if self.classes else drawn(rng, (*leading, O))
        if self.lengths is not None:
            x[~self.real] = np.nan
            if self.output == "every":
                target[~self.real] = 10**6 if self.classes else np.nan
        return {"x": x, "target": target, "h_0": h_0}

    @property
    def real(self) -> np.ndarray:
        there = np.arange(T) < np.array(self.lengths)[:, np.newaxis]
        return there if self.batch_first else there.T

    def model(self, dtype: Any = np.float64, **more: Any) -> SequenceModel:
        rnn = RNN(I, H, **self.options, dtype=dtype, generator=np.random.default_rng(1))
        head = Linear(self.directions * H, O, dtype=dtype, generator=np.random.default_rng(2))
        loss = cross_entropy if self.classes else squared_error
        model = SequenceModel(rnn, head, output=self.output, loss=loss, **more)  # type: ignore[arg-type]
        model.load_state_dict({name: array.astype(np.float32) for name, array in model.parameters.items()})
        return model


class Twin(torch.nn.Module):
    """The same model in torch, by its own fused module, packing and autograd."""

    def __init__(self, task: Task, parameters: Mapping[str, np.ndarray], dtype: torch.dtype) -> None:
        super().__init__()
        self.task = task
        self.rnn = torch.nn.RNN(I, H, **task.options, dtype=dtype)
        self.head = torch.nn.Linear(task.directions * H, O, dtype=dtype)
        self.load_state_dict({name: torch.tensor(array) for name, array in parameters.items()})

    def forward(self, x: torch.Tensor, h_0: torch.Tensor) -> torch.Tensor:
        task, first = self.task, self.task.batch_first
        if task.lengths is None:
            output, h_n = self.rnn(x, h_0)
        else:
            packed = pack_padded_sequence(x, torch.tensor(task.lengths), first, enforce_sorted=False)
            output, h_n = self.rnn(packed, h_0)
            output, _ = pad_packed_sequence(output, first, total_length=T)
        if task.output == "every":
            return self.head(output)
        last = [h_n[-2], h_n[-1]] if task.bidirectional else [h_n[-1]]
        return self.head(torch.cat(last, -1))

    def loss(self, y: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.task.lengths is not None and self.task.output == "every":
            there = torch.tensor(self.task.real)
            y, target = y[there], target[there]
        if self.task.classes:
            return torch.nn.functional.cross_entropy(y, target)
        return torch.nn.functional.mse_loss(y, target)


def observe_torch(
    task: Task, parameters: Mapping[str, np.ndarray], dtype: torch.dtype
) -> dict[str, np.ndarray]:
    twin, data = Twin(task, parameters, dtype), task.data()
    x, h_0 = (torch.tensor(data[name], dtype=dtype, requires_grad=True) for name in ("x", "h_0"))
    target = torch.tensor(data["target"]) if task.classes else torch.tensor(data["target"], dtype=dtype)
    y = twin(x, h_0)
    loss = twin.loss(y, target)
    loss.backward()
    found = {"loss": loss.detach(), "prediction": y.detach(), "x": x.grad, "h_0": h_0.grad}
    found |= {name: p.grad for name, p in twin.named_parameters()}
    return {name: value.double().numpy() for name, value in found.items()}


def assert_same_to_noise(
    found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], in_float32: Mapping[str, np.ndarray]
) -> None:
    """Assert that `found` differs from torch no more than torch's own float32 run does, scaled to float64."""
    assert set(found) == set(expected)
    noise = max(
        np.max(np.abs(in_float32[name] - value)) / np.max(np.abs(value)) for name, value in expected.items()
    )
    for name, array in found.items():
        bound = np.full(array.shape, NOISE * noise * np.max(np.abs(expected[name])))
        assert_close(name, np.asarray(array), expected[name], bound, size=expected[name])


@EACH
def test_losses_predictions_and_gradients_are_those_of_torch(options: dict[str, Any]) -> None:
    task = Task(**options)
    model, data = task.model(), task.data()
    result = model.gradients(data["x"], data["target"], data["h_0"], lengths=task.lengths)
    found = {"loss": result.loss, "prediction": result.prediction, "x": result.x, "h_0": result.h_0}
    found |= result.parameters
    expected, rough = (
        observe_torch(task, model.parameters, dtype) for dtype in (torch.float64, torch.float32)
    )
    if task.lengths is not None and task.output == "every":
        for side in (expected, rough):
            side["prediction"][~task.real] = 0  # torch's head turns padding into its bias
    assert_same_to_noise(found, expected, rough)
    assert np.array_equal(model.predict(data["x"], data["h_0"], lengths=task.lengths), result.prediction)


@EACH
def test_gradients_are_the_slopes_of_the_loss(options: dict[str, Any]) -> None:
    task = Task(**options)
    data, model = task.data(), task.model(np.longdouble)
    x, h_0 = (data[name].astype(np.longdouble) for name in ("x", "h_0"))
    found = model.gradients(x, data["target"], h_0, lengths=task.lengths).parameters

    def loss(value: np.ndarray, name: str) -> np.floating:
        moved = task.model(np.longdouble)
        moved.load_state_dict({**model.parameters, name: value})
        return moved.gradients(x, data["target"], h_0, lengths=task.lengths).loss

    for name in ("rnn.weight_hh_l0", "head.weight"):
        slopes, bound = differences.gradient(lambda value, n=name: loss(value, n), model.parameters[name])
        assert_close(name, found[name], slopes, bound, size=slopes)


def trained_torch(
    task: Task, parameters: Mapping[str, np.ndarray], dtype: torch.dtype
) -> dict[str, np.ndarray]:
    twin, data = Twin(task, parameters, dtype), task.data()
    x, h_0, target = (torch.tensor(data[name], dtype=dtype) for name in ("x", "h_0", "target"))
    twin.rnn.bias_hh_l0.requires_grad_(requires_grad=False)
    optimiser = torch.optim.SGD(twin.parameters(), lr=0.1)
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = twin.loss(twin(x, h_0), target)
        loss.backward()
        torch.nn.utils.clip_grad_value_(twin.parameters(), 0.2)
        optimiser.step()
        losses.append(loss.item())
    found = {name: p.detach().double().numpy() for name, p in twin.named_parameters()}
    return found | {"losses": np.array(losses)}


@pytest.mark.parametrize("options", CASES[:6], ids=str)
def test_training_with_a_frozen_bias_and_clipping_is_that_of_torch(options: dict[str, Any]) -> None:
    task = Task(**options)
    model, data = task.model(frozen=["rnn.bias_hh_l0"]), task.data()
    first = model.parameters
    losses = []
    for _ in range(5):
        result = model.gradients(data["x"], data["target"], data["h_0"])
        model.descend(result, 0.1, clip_value=0.2)
        losses.append(result.loss)
    expected, rough = (trained_torch(task, first, dtype) for dtype in (torch.float64, torch.float32))
    assert_same_to_noise({**model.parameters, "losses": np.array(losses)}, expected, rough)
    assert np.array_equal(model.parameters["rnn.bias_hh_l0"], first["rnn.bias_hh_l0"])


@pytest.mark.parametrize("clipping", [{"clip_norm": 0.5}, {"clip_value": 0.01}, {}], ids=str)
def test_training_returns_what_the_same_steps_by_hand_give(clipping: dict[str, float]) -> None:
    task = Task()
    model, twin, rng = task.model(), task.model(), np.random.default_rng(5)
    samples = [(rng.standard_normal((T, B, I)), rng.standard_normal((B, O))) for _ in range(3)]
    losses = model.train(samples, epochs=4, learning_rate=0.1, **clipping)
    by_hand = np.zeros(4)
    for epoch in range(4):
        for x, target in samples:
            result = twin.gradients(x, target)
            found = {name: result.parameters[name] for name in twin.parameters}
            twin.load_state_dict(sgd(twin.parameters, found, 0.1, **clipping))
            by_hand[epoch] += result.loss
    assert np.array_equal(losses, by_hand)
    for name, array in model.parameters.items():
        assert np.array_equal(array, twin.parameters[name])


def test_a_model_may_be_frozen_as_a_whole() -> None:
    model = SequenceModel(RNN(I, H), Linear(H, O))
    frozen = SequenceModel(model.rnn, model.head, frozen=list(model.parameters))
    first = frozen.state_dict()
    frozen.train([(np.ones((T, I)), [1.0] * O)], epochs=2, learning_rate=0.1)
    assert all(np.array_equal(array, first[name]) for name, array in frozen.parameters.items())


def test_training_in_single_precision_returns_losses_in_it() -> None:
    model = SequenceModel(RNN(I, H, dtype=np.float32), Linear(H, O, dtype=np.float32))
    assert (
        model.train([(np.ones((T, I), np.float32), [1.0] * O)], epochs=2, learning_rate=0.1).dtype
        == np.float32
    )


def test_a_mean_over_padded_batches_is_a_mean_over_real_steps() -> None:
    task = Task(output="every", lengths=LENGTHS)
    data, model = task.data(), task.model()
    whole = model.gradients(data["x"], data["target"], data["h_0"], lengths=LENGTHS)
    total = 0.0
    for b, length in enumerate(LENGTHS):
        one = partial(squared_error, reduction="sum")
        alone = SequenceModel(model.rnn, model.head, output="every", loss=one)
        total += alone.gradients(data["x"][:length, b], data["target"][:length, b], data["h_0"][:, b]).loss
    expected = np.asarray(total / (sum(LENGTHS) * O))
    # Both sides make the same steps, whose products may be grouped otherwise: T · (I + H + 3) roundings on
    # the way to a state, H + 1 in the head, 5 in a square, all of sizes near that of the loss; then the sums
    # of Σ lengths · O positive terms.
    roundings = T * (I + H + 3) + H + 6 + sum(LENGTHS) * O
    bound = 2 * roundings * np.finfo(np.float64).eps * expected
    assert_close("loss", np.asarray(whole.loss), expected, bound, size=expected)


def test_truncation_cuts_what_a_late_step_tells_an_early_one() -> None:
    task = Task(output="every")
    data, model = task.data(), task.model()
    other = data["target"].copy()
    other[2:] += 1  # truncated after two steps, later ones can't reach the first state
    for truncation, reaches in ((2, False), (None, True)):
        first, second = (
            model.gradients(data["x"], target, data["h_0"], truncation=truncation).h_0
            for target in (data["target"], other)
        )
        assert np.array_equal(first, second) is not reaches
        assert np.any(first)


def test_truncation_cuts_the_way_from_the_last_step_to_the_first_state() -> None:
    data, model = Task().data(), Task().model()
    cut, full = (model.gradients(*data.values(), truncation=k) for k in (2, None))
    assert np.any(full.h_0)
    assert not np.any(cut.h_0)
    assert np.array_equal(cut.parameters["head.weight"], full.parameters["head.weight"])


def test_dropout_acts_where_a_generator_is_passed() -> None:
    rnn = RNN(I, H, 2, dropout=0.5, generator=np.random.default_rng(0))
    model = SequenceModel(rnn, Linear(H, O))
    rng = np.random.default_rng(1)
    x, target = rng.standard_normal((T, B, I)), rng.standard_normal((B, O))
    quiet = model.gradients(x, target)
    noisy, again = (model.gradients(x, target, generator=np.random.default_rng(2)) for _ in range(2))
    assert np.array_equal(quiet.prediction, model.predict(x))
    assert not np.array_equal(noisy.prediction, quiet.prediction)
    assert np.array_equal(noisy.x, again.x)


def test_a_refused_state_or_step_leaves_all_parameters_as_they_were() -> None:
    model = Task().model()
    before = model.state_dict()
    changed = {name: 2 * array for name, array in before.items()}
    with pytest.raises(ValueError, match=r"head\.bias must have the shape"):
        model.load_state_dict({**changed, "head.bias": np.zeros(O + 1)})
    rng = np.random.default_rng(0)
    result = model.gradients(rng.standard_normal((T, B, I)), rng.standard_normal((B, O)))
    with pytest.raises(ValueError, match="learning_rate must be finite"):
        model.descend(result, -1)
    for name, array in model.parameters.items():
        assert np.array_equal(array, before[name])
    model.load_state_dict(changed)
    assert all(np.array_equal(model.parameters[name], array) for name, array in changed.items())
