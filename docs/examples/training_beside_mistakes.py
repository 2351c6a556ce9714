"""Train two hand-written networks with their mistaken gradients, and with refrnn's beside them.

Run it with `python docs/examples/training_beside_mistakes.py`. Both sides of each table start from the same
weights and see the same data in the same order; only the gradients differ.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import hand_written
import numpy as np
from hand_written import SumLearner

from refrnn import RNN, Linear, SequenceModel, squared_error

SUM = partial(squared_error, reduction="sum")


def one_bias_model(weights: Mapping[str, np.ndarray], **options: object) -> SequenceModel:
    """Build a model from hand-written column weights: one hidden bias, so the second is frozen at zero."""
    hidden, inputs = weights["Wxh"].shape
    rnn, head = RNN(inputs, hidden), Linear(hidden, len(weights["Why"]))
    model = SequenceModel(rnn, head, frozen=["rnn.bias_hh_l0"], **options)  # type: ignore[arg-type]
    model.load_state_dict(
        {
            "rnn.weight_ih_l0": weights["Wxh"],
            "rnn.weight_hh_l0": weights["Whh"],
            "rnn.bias_ih_l0": weights["bh"][:, 0],
            "rnn.bias_hh_l0": np.zeros(hidden),
            "head.weight": weights["Why"],
            "head.bias": weights["by"][:, 0],
        }
    )
    return model


def columns(sequence: Sequence[Sequence[float]]) -> list[np.ndarray]:
    """Return a sequence as a list of (I, 1) columns."""
    return [np.array(x, float)[:, np.newaxis] for x in sequence]


def sums_of_two_numbers() -> None:
    """Learn to add: two mistakes let the loss wander."""
    learner = SumLearner(1, 10, 1, learning_rate=0.01, rng=np.random.default_rng(3))
    model = one_bias_model(vars(learner), loss=SUM)
    pairs = [(1, 2), (0, 5), (3, 4), (2, 1)]
    theirs = learner.train([(columns([[a], [b]]), np.array([[a + b]])) for a, b in pairs], epochs=1000)
    data = [([[float(a)], [float(b)]], [float(a + b)]) for a, b in pairs]
    ours = model.train(data, epochs=1000, learning_rate=0.01)
    print("1 + 2, 0 + 5, 3 + 4 and 2 + 1, H = 10, learning rate 0.01: sum of squared errors of an epoch")
    print("Mistakes: the output gradient enters at every step; tanh' is taken of the activated state.")
    table(theirs, ours, [1, 50, 100, 150, 200, 250, 300, 400, 500, 1000])


def one_target() -> None:
    """Learn one target from three inputs: four mistakes still reach it, along another path."""
    sequence, target = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1.0]
    names = {"Wxh": "W_xh", "Whh": "W_hh", "Why": "W_hy", "bh": "b_h", "by": "b_y"}
    model = one_bias_model({name: getattr(hand_written, mine) for name, mine in names.items()}, loss=SUM)
    inputs, wanted, theirs = columns(sequence), np.array([target]), []
    share = mistaken_share(model, sequence, target)
    for _ in range(100):
        y, h = hand_written.forward(inputs)
        theirs.append(hand_written.squared_loss(y, wanted))
        hand_written.update(hand_written.backward(inputs, wanted, y, h), learning_rate=0.01)
    ours = model.train([(sequence, target)], epochs=100, learning_rate=0.01)
    print("Target 1 from (1,0), (0,1), (1,1), H = 3, learning rate 0.01: squared error")
    print("Mistakes: the last state stands for every step, in tanh' and as the previous state; tanh' is")
    print("taken of the activated state; the factor 2 of the loss is missing.")
    table(theirs, ours, [1, 5, 10, 20, 30, 40, 60, 80, 100])
    print(
        "Before the first update, largest error of each mistaken gradient (100% = its largest right element):"
    )
    print("  " + "  ".join(f"{name} {value:.0%}" for name, value in share.items()) + "\n")


def mistaken_share(
    model: SequenceModel, sequence: Sequence[Sequence[float]], target: Sequence[float]
) -> dict[str, float]:
    """Return max|mistaken - right| / max|right| of every gradient at the first weights."""
    inputs, wanted = columns(sequence), np.array([target])
    y, h = hand_written.forward(inputs)
    right = model.gradients(sequence, target).parameters
    share = {}
    for name, short, mistaken in zip(
        ("rnn.weight_ih_l0", "rnn.weight_hh_l0", "head.weight", "rnn.bias_ih_l0", "head.bias"),
        ("W_xh", "W_hh", "W_hy", "b_h", "b_y"),
        hand_written.backward(inputs, wanted, y, h),
        strict=True,
    ):
        error = np.abs(mistaken.reshape(right[name].shape) - right[name])
        share[short] = float(np.max(error) / np.max(np.abs(right[name])))
    return share


def four_outputs() -> None:
    """Count on: a network whose gradients are those of half the sum of squares, and right."""
    rng = np.random.RandomState(42)  # the recorded outputs began from this generator's numbers
    drawn = {"Wxh": (5, 1), "Whh": (5, 5), "Why": (1, 5)}
    weights = {name: rng.randn(*shape) * 0.01 for name, shape in drawn.items()}
    weights |= {"bh": np.zeros((5, 1)), "by": np.zeros((1, 1))}
    half_sum = partial(squared_error, reduction="half_sum")
    model = one_bias_model(weights, output="every", loss=half_sum)
    x, target = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([[2.0], [3.0], [4.0], [5.0]])
    model.train([(x, target)], epochs=99, learning_rate=0.01)
    print(
        "The next number after 1, 2, 3, 4, H = 5, learning rate 0.01: outputs in epoch 100, before its update"
    )
    print("  " + "  ".join(f"{y:.8f}" for y in model.predict(x)[:, 0]))


def table(theirs: Sequence[float], ours: np.ndarray, epochs: Sequence[int]) -> None:
    """Print two losses beside each other at some epochs, counted from 1."""
    print("  epoch   " + "".join(f"{epoch:9d}" for epoch in epochs))
    print("  mistaken" + "".join(f"{theirs[epoch - 1]:9.2g}" for epoch in epochs))
    print("  refrnn  " + "".join(f"{ours[epoch - 1]:9.2g}" for epoch in epochs) + "\n")


if __name__ == "__main__":
    sums_of_two_numbers()
    one_target()
    four_outputs()
