"""What every subject of the gallery is asked: weights at a scale that hides no fault, and what it must then show.

Everything here is batched and time-major, in torch's orientation. A driver turns it into what its subject takes, and
what comes out back again, so that no inference has a part in deciding whether a subject is right.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

Arrays = Mapping[str, np.ndarray]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""From y (T, B, O) and h (T, B, H) to the loss."""

SCALE = 0.5
"""Of weights: large enough that tanh(h) and h differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Sizes, weights and data. Biases that a subject lacks are zeros and have no gradient to show.

    A second layer has weights with a 1 behind their names, and one bias.
    """

    steps: int
    batch: int
    inputs: int
    hidden: int
    outputs: int
    layers: int
    weights: Arrays
    x: np.ndarray  # (T, B, I)
    h_0: np.ndarray  # (B, H)
    d_y: np.ndarray  # (T, B, O)
    d_h: np.ndarray  # (T, B, H)
    d_h_n: np.ndarray  # (B, H)
    ids: np.ndarray  # (T, B) input ids
    targets: np.ndarray  # (T, B) target ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a subject showed: y and h by torch's shapes, gradients by the names of `Question.weights`, x and h_0.

    Of another cell, there is no `loss` of y and h; its gradients go by its own names, `own` computes its own loss
    anew, and `at` are the arrays that it depends on, by the same names. Of an LSTM or GRU there may be, in the place of
    these, what autograd says is `right`, by the same names.
    """

    loss: Loss | None = None
    gradients: Arrays = field(default_factory=dict)
    y: np.ndarray | None = None  # (T, B, O), or (B, O) of the last step
    h: np.ndarray | None = None  # (T, B, H), or (B, H) of the last step
    d_h_n: np.ndarray | None = None  # (B, H) what of the loss's gradient was handed in as that of h_n
    own: Callable[[], float] | None = None
    at: Arrays = field(default_factory=dict)
    right: Arrays = field(default_factory=dict)


def ask(
    sizes: Mapping[str, int], *, biases: str = "one", h_0: bool = False, ids: bool = False, seed: int = 1
) -> Question:
    """Draw a question.

    `biases` is none, one, two (in the cell), or one but none in the head; `h_0` whether the initial state isn't
    zero, `ids` whether x is one-hot.
    """
    rng = np.random.default_rng(seed)
    T, B, I, H, O = (sizes[name] for name in "TBIHO")  # noqa: E741 - the letters of the formulas
    layers = sizes.get("L", 1)
    shapes = {
        "w_ih": (H, I),
        "w_hh": (H, H),
        "b_ih": (H,),
        "b_hh": (H,),
        "w_hy": (O, H),
        "b_y": (O,),
    }
    if layers > 1:
        shapes |= {"w_ih1": (H, H), "w_hh1": (H, H), "b_ih1": (H,)}
    drawn = {name: SCALE * rng.standard_normal(shape) for name, shape in shapes.items()}
    absent = {"none": ("b_ih", "b_hh", "b_y"), "one": ("b_hh",), "without b_y": ("b_hh", "b_y"), "two": ()}[
        biases
    ]
    weights = {name: np.zeros_like(w) if name in absent else w for name, w in drawn.items()}
    numbers = rng.integers(I, size=(T, B))
    return Question(
        steps=T,
        batch=B,
        inputs=I,
        hidden=H,
        outputs=O,
        layers=layers,
        weights=weights,
        x=np.eye(I)[numbers] if ids else rng.standard_normal((T, B, I)),
        h_0=rng.standard_normal((B, H)) * h_0,
        d_y=0.1 * rng.standard_normal((T, B, O)),
        d_h=0.1 * rng.standard_normal((T, B, H)),
        d_h_n=0.1 * rng.standard_normal((B, H)),
        ids=numbers,
        targets=rng.integers(O, size=(T, B)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """What torch's autograd says of a question and a loss."""

    y: np.ndarray
    h: np.ndarray
    gradients: Arrays


def right(question: Question, loss: Loss, activation: Callable = torch.tanh) -> Right:
    """Run the network as a formula in torch and differentiate `loss` by autograd."""
    leaves = {name: torch.tensor(w, requires_grad=True) for name, w in question.weights.items()}
    leaves["x"] = torch.tensor(question.x, requires_grad=True)
    leaves["h_0"] = torch.tensor(question.h_0, requires_grad=True)
    hidden = _states(leaves, leaves["x"], leaves["h_0"], activation)
    if question.layers > 1:
        upper = {name.removesuffix("1"): leaf for name, leaf in leaves.items() if name.endswith("1")}
        upper["b_hh"] = torch.zeros_like(leaves["h_0"])
        hidden = _states(upper, hidden, torch.zeros_like(leaves["h_0"]), activation)
    y = hidden @ leaves["w_hy"].T + leaves["b_y"]
    loss(y, hidden).backward()
    gradients = {n: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for n, leaf in leaves.items()}
    return Right(
        y=y.detach().numpy(),
        h=hidden.detach().numpy(),
        gradients={name: gradient.numpy() for name, gradient in gradients.items()},
    )


def _states(
    weights: Mapping[str, torch.Tensor], x: torch.Tensor, h: torch.Tensor, activation: Callable
) -> torch.Tensor:
    """Return the states of one layer, (T, B, H)."""
    states = []
    for step in x:
        bias = weights["b_ih"] + weights["b_hh"]
        h = activation(step @ weights["w_ih"].T + h @ weights["w_hh"].T + bias)
        states.append(h)
    return torch.stack(states)
