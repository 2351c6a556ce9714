"""The problem as hand-written code is asked it: batched and time-major, under short names, in fresh copies."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from msgspec import Struct, field

from conformance.cases import Case, Problem
from conformance.hand_written.calling.gates.blocks import blocks_of, letters_of, without
from conformance.hand_written.calling.hints.names import RATE, size_hint
from conformance.hand_written.calling.loading.load import SIZES
from conformance.hand_written.calling.values.softmaxes import outputs_of, sigmoid, softmax
from conformance.hand_written.remembering import drawn
from conformance.subjects.observation import Observation
from conformance.subjects.reference import observe
from refrnn import Array

HEAD = {"W_hy": "head.weight", "b_y": "head.bias"}


class Traits(Struct, frozen=True, kw_only=True):
    """What a network can be asked and what it lacks.

    Attributes
    ----------
    one_hot
        Whether x must be one-hot rows: the code takes ids, or vectors of a vocabulary.
    crossed
        Whether its loss is softmax with cross-entropy on ids, so that dL/dy is softmax(y) − one-hot of a target.
    cell_bias, head_bias
        Whether it has biases b (or b_ih and b_hh) and b_y.
    absent
        The biases of single gates that a cell has not, under their short names.
    memory
        Whether an initial c_0 can be handed to it, where it is an LSTM; otherwise that is 0.
    """

    one_hot: bool = False
    crossed: bool = False
    cell_bias: bool = True
    head_bias: bool = True
    absent: tuple[str, ...] = ()
    memory: bool = True

    def admit(self, problem: Problem) -> Problem:
        """Return `problem` as a network with these traits can be asked it."""
        major = problem.layout.time_major
        weights, x, head = dict(problem.weights), problem.x, problem.head
        if not self.cell_bias:
            weights = {n: np.zeros_like(w) if n.startswith("bias") else w for n, w in weights.items()}
        weights = without(problem.case, weights, self.absent)
        if self.one_hot:
            x = np.zeros_like(problem.x)
            np.put_along_axis(x, problem.x.argmax(-1)[..., np.newaxis], 1.0, -1)
        if head is not None and head.bias is not None and not self.head_bias:
            head = replace(head, bias=np.zeros_like(head.bias))
        c_0 = problem.c_0 if self.memory or problem.c_0 is None else _fixed(np.zeros_like(problem.c_0))
        changed = replace(problem, weights=MappingProxyType(weights), x=_fixed(x), head=head, c_0=c_0)
        if head is not None and self.crossed and head.d_y is not None:
            y = observe(changed, np.float64).y
            d_y = softmax(y)
            places = head.d_y.argmin(-1)[..., np.newaxis]  # where it stays when it is admitted once more
            np.put_along_axis(d_y, places, np.take_along_axis(d_y, places, -1) - 1, -1)
            if problem.case.cotangents == "last":
                major(d_y)[:-1] = 0
            head = replace(head, d_y=_fixed(d_y))
        return replace(changed, head=head, d_output=changed.d_output if head is None else head.d_output)


def _fixed(values: Array) -> Array:
    values.flags.writeable = False
    return values


class Asked:
    """The arrays of a problem as an adapter names them; every access gives a fresh copy.

    T, B, I, H, O, V
        The sizes; O is 0 without a head, V is how many rows `table` has.
    x (T, B, I), ids (T, B)
        The inputs, and where each is largest.
    table (V, I), rows (T, B)
        The inputs as a table, and where each is in it.
    h_0 (B, H)
        The initial state, zeros where none is given; with a second layer h_01 as well.
    W_ih (H, I), W_hh (H, H), b_ih, b_hh, b = b_ih + b_hh (H,)
        The cell; W_ih1, W_hh1, b_ih1, b_hh1, b1 are those of a second layer.
    W_xf (H, I), W_hf (H, H), b_xf, b_hf, b_f (H,)
        The block of a gate f of these, of a cell that has gates, by torch's letters (`gates/blocks.py`).
    c_0 (B, H)
        The initial memory of an LSTM; zeros with any other cell.
    W_hy (O, H), b_y (O,)
        The head.
    d_y (T, B, O), d_h (T, B, H), d_h_n, d_c_n (B, H), targets (T, B)
        The cotangent of the head's outputs, or without a head of the states, of the last of them again and of the last
        memory; where d_y is least, which is the target of softmax with cross-entropy.
    y (T, B, O), h (T, B, H), states (T + 1, B, H)
        The outputs as the reference has them, without a head the states; the states, and those from h_0 on.
    """

    def __init__(self, problem: Problem) -> None:
        case, major = problem.case, problem.layout.time_major
        self.problem = problem
        self.T, self.B, self.I, self.H, self.O = (
            case.steps,
            case.batch,
            case.input_size,
            case.hidden_size,
            case.output_size,
        )
        self.V = words_of(case.steps, case.batch)
        arrays: dict[str, Array] = {"x": major(problem.x), "ids": major(problem.x).argmax(-1)}
        for layer in range(case.layers):
            end = str(layer or "")
            arrays[f"h_0{end}"] = problem.initial_state[layer]
            arrays[f"W_ih{end}"] = problem.weights[f"weight_ih_l{layer}"]
            arrays[f"W_hh{end}"] = problem.weights[f"weight_hh_l{layer}"]
            for bias in ("ih", "hh"):
                zero = np.zeros(case.hidden_size)
                arrays[f"b_{bias}{end}"] = problem.weights.get(f"bias_{bias}_l{layer}", zero)
            arrays[f"b{end}"] = arrays[f"b_ih{end}"] + arrays[f"b_hh{end}"]
        arrays |= blocks_of(case, problem.weights)
        arrays["c_0"] = problem.initial_states.get("c", np.zeros_like(problem.initial_states["h"]))[0]
        if problem.d_output is not None:
            arrays["d_h"] = major(problem.d_output)
        if problem.d_h_n is not None:
            arrays["d_h_n"] = problem.layout.batched_state(problem.d_h_n)[-1]
        if problem.d_c_n is not None:
            arrays["d_c_n"] = problem.layout.batched_state(problem.d_c_n)[-1]
        if problem.head is not None:
            arrays["W_hy"] = problem.head.weight
            arrays["b_y"] = np.zeros(self.O) if problem.head.bias is None else problem.head.bias
            if problem.head.d_y is not None:
                arrays["d_y"] = major(problem.head.d_y)
                arrays["targets"] = arrays["d_y"].argmin(-1)
        self._arrays, self._kind = arrays, np.ndarray

    def of_kind(self, kind: type[np.ndarray]) -> "Asked":
        """Return the same problem with its arrays as those of a subclass."""
        other = object.__new__(Asked)
        vars(other).update(vars(self), _kind=kind)
        return other

    @property
    def settings(self) -> "Settings":
        """Something with an attribute or an entry for every size and rate that its name hints at."""
        return Settings(self)

    @property
    def numbers(self) -> frozenset[float]:
        """All that is handed to code as inputs, states, cotangents and targets."""
        names = ("x", "h_0", "d_h", "d_h_n", "d_y")
        found = [self._arrays[name].ravel() for name in names if name in self._arrays]
        if "d_y" in self._arrays:
            found += [self.y.ravel(), (self.y - self.d_y).ravel()]
        return frozenset(np.concatenate(found).tolist())

    def with_x(self, x: Array) -> "Asked":
        """Return the same problem with other inputs (T, B, I)."""
        return self.holding("ids", x.argmax(-1)).holding("x", x)

    def holding(self, name: str, array: Array) -> "Asked":
        """Return the same problem with another array under one name; what is made of it stays as it is."""
        other = Asked(self.problem)
        other._arrays = self._arrays | {name: array}
        return other

    def __getattr__(self, name: str) -> Array:
        arrays = self.__dict__.get("_arrays", {})
        if name in ("y", "h", "states") and "y" not in arrays:
            right = observe(self.problem, np.float64)
            arrays["y"] = self.problem.layout.time_major(right.output if right.y is None else right.y)
            arrays["h"] = right.hidden[self.problem.case.layers - 1, 0]
            arrays["states"] = np.concatenate([arrays["h_0"][None], arrays["h"]])
        if name == "table" and "table" not in arrays:
            arrays["table"] = table_of(arrays["x"])
        if name == "rows" and "rows" not in arrays:
            arrays["rows"] = np.arange(self.T * self.B).reshape(self.T, self.B)
        if name == "prob" and "prob" not in arrays:
            arrays["prob"] = softmax(self.y)
        if name == "odds" and "odds" not in arrays:
            arrays["odds"] = sigmoid(self.y)
        if name not in arrays:
            message = f"the problem {self.problem.case.id} has no {name}; it has {', '.join(sorted(arrays))}"
            raise AttributeError(message)
        return arrays[name].copy().view(self.__dict__["_kind"])


def words_of(steps: int, batch: int) -> int:
    """Return how many rows a table of inputs has: as many where one sample is asked for as for several."""
    return steps * max(batch, SIZES["B"])


def table_of(x: Array) -> Array:
    """Return inputs (T, B, I) as the first rows of a table (V, I) that is zero otherwise."""
    steps, batch, width = x.shape
    table = np.zeros((words_of(steps, batch), width))
    table[: steps * batch] = x.reshape(-1, width)
    return table


class Settings:
    """A configuration: what it is asked for is answered by what the name hints at."""

    def __init__(self, p: Asked) -> None:
        self._sizes = {
            "T": p.T,
            "B": p.B,
            "I": p.I,
            "V": p.I,
            "H": p.H,
            "O": p.O,
        }  # no arrays: code holds them

    def __getattr__(self, name: str) -> float:
        hint = size_hint(name)
        if hint is not None and not name.startswith("_"):
            return self._sizes[hint]
        if RATE.fullmatch(name):
            return 1.0
        raise AttributeError(name)

    def __getitem__(self, name: str) -> float:
        try:
            return self.__getattr__(name)
        except AttributeError as error:
            raise KeyError(name) from error

    def get(self, name: str, default: object = None) -> object:
        """Return what a dict would."""
        try:
            return self.__getattr__(name)
        except AttributeError:
            return default


class Question(Struct, frozen=True, kw_only=True):
    """One case with traits: the problem, the arrays that code gets, and what is right."""

    case: Case
    traits: Traits
    problem: Problem
    p: Asked
    exact: Observation
    forward: Mapping[str, Array] = field(default_factory=dict)  # (T, B, N) by what it is

    @property
    def width(self) -> int:
        """The number of outputs, or of states where there is no head."""
        return self.case.output_size or self.case.hidden_size


@lru_cache(maxsize=256)
def question(case: Case, traits: Traits) -> Question:
    """Return the question that a case with these traits is."""
    problem = traits.admit(drawn(case))
    exact = observe(problem, np.float64)
    return Question(
        case=case,
        traits=traits,
        problem=problem,
        p=Asked(problem),
        exact=exact,
        forward=shown_by(problem, exact),
    )


def shown_by(problem: Problem, exact: Observation) -> Mapping[str, Array]:
    """Return what is right of a forward pass, (T, B, N) each, by what it is: states, gates, outputs, probabilities."""
    case = problem.case
    truths = {"h": exact.hidden[case.layers - 1, 0]}
    inner = {letter: array for (letter, _), array in exact.inner.items()} if letters_of(case) else {}
    truths |= {letter: inner[letter] for letter in (*case.carried[1:], *letters_of(case))}
    if exact.y is not None:
        y = problem.layout.time_major(exact.y)
        truths = {**outputs_of(y), **truths}
    return truths


def gradients_of(asked: Question) -> dict[str, Array]:
    """Return the true gradients under the short names: W_ih, W_hh, b, W_hy, b_y, x, h_0."""
    exact, found = asked.exact, {}
    for name, gradient in exact.parameters.items():
        found[short_name(name)] = gradient
    found |= blocks_of(asked.case, exact.parameters, gradients=True)
    major = asked.problem.layout.time_major
    if exact.d_x is not None:
        found["x"] = major(exact.d_x)
    return found


def short_name(name: str) -> str:
    """Return the short name of a parameter of torch.

    >>> [short_name(n) for n in ("weight_ih_l0", "bias_hh_l1", "head.weight", "head.bias")]
    ['W_ih', 'b_hh1', 'W_hy', 'b_y']
    """
    if name.startswith("head"):
        return {"head.weight": "W_hy", "head.bias": "b_y"}[name]
    kind, _, layer = name.rpartition("_l")
    return kind.replace("weight", "W").replace("bias", "b") + ("" if layer == "0" else layer)


def torch_name(name: str) -> str:
    """Return torch's name of a parameter; a merged bias goes by that of b_ih.

    >>> [torch_name(n) for n in ("W_ih", "b", "b_hh1", "b_y", "b1")]
    ['weight_ih_l0', 'bias_ih_l0', 'bias_hh_l1', 'head.bias', 'bias_ih_l1']
    """
    if name in HEAD:
        return HEAD[name]
    layer = name[-1] if name[-1].isdigit() else "0"
    kind = name.rstrip("01")
    return ("bias_ih" if kind == "b" else kind.replace("W", "weight").replace("b_", "bias_")) + f"_l{layer}"
