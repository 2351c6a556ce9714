"""Building torch modules with copied weights and handing states over, shared by the subjects that run torch."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from conformance.errors import ConformanceError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch

    from conformance.cases import Problem
    from refrnn import Array

    Module = TypeVar("Module", bound=torch.nn.Module)


def tensor(values: Array, *, gradient: bool = False) -> torch.Tensor:
    """Return a tensor that holds a copy of `values`."""
    import torch

    return torch.tensor(values.copy(order="C"), requires_grad=gradient)


def numbers(problem: Problem, values: Array, *, gradient: bool = False) -> torch.Tensor:
    """Return a tensor in the problem's precision that holds a copy of `values`."""
    return tensor(values).to(precision(problem)).requires_grad_(gradient)


def shown(problem: Problem, values: torch.Tensor) -> Array:
    """Return the numbers of a tensor as the problem's arrays hold them."""
    import torch

    held = torch.float64 if problem.case.dtype == "f64" else torch.float32
    return values.detach().cpu().to(held).numpy()


def cotangent(problem: Problem, values: Array) -> torch.Tensor:
    """Return a tensor that holds a copy of `values` with the same strides, those of 0 included.

    torch has no negative strides; their axes are laid out the other way round.
    """
    import torch

    repeated = [stride == 0 for stride in values.strides]
    distinct = values[tuple(slice(1) if again else slice(None) for again in repeated)]
    steps = [abs(stride) // values.itemsize for stride in values.strides]
    size = 1 + sum(step * (n - 1) for step, n in zip(steps, values.shape, strict=True))
    memory = torch.zeros(size, dtype=precision(problem)).as_strided(distinct.shape, steps)
    return memory.copy_(tensor(distinct)).expand(values.shape)


MODULES = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
"""torch's module with each cell; its single step is called so too, with "Cell" behind it."""


def name_of_module(problem: Problem) -> str:
    """Return the name of torch's module with the problem's cell.

    Raises
    ------
    Unsupported
        If torch has none: it has no GRU with its reset gate before the product.
    """
    if problem.case.reset == "before":
        message = "torch.nn.GRU has its reset gate after the product with W_hn."
        raise Unsupported(message)
    return MODULES[problem.case.cell]


def module(problem: Problem, weights: Mapping[str, Array], **options: float) -> torch.nn.RNNBase:
    """Return an nn.RNN, LSTM or GRU of the problem's kind that holds exactly `weights`.

    Raises
    ------
    ConformanceError
        If the module doesn't hold the same bits under the same names afterwards.
    """
    import torch

    case = problem.case
    own: dict[str, Any] = {"nonlinearity": case.nonlinearity} if case.cell == "rnn" else {}
    if case.proj_size:
        own["proj_size"] = case.proj_size
    made = getattr(torch.nn, name_of_module(problem))(
        weights["weight_ih_l0"].shape[1],
        case.hidden_size,
        bias=case.bias,
        dtype=precision(problem),
        **own,
        **options,
    )
    return loaded(made, problem, weights)


def whole_module(problem: Problem) -> torch.nn.RNNBase:
    """Return one module of all layers and directions that holds exactly the problem's weights, in the case's mode."""
    case = problem.case
    made = module(
        problem,
        problem.weights,
        num_layers=case.layers,
        bidirectional=case.bidirectional,
        batch_first=case.layout == "batch-first",
        dropout=case.dropout,
    )
    if case.evaluation:
        made(made.weight_ih_l0.new_ones(case.steps, case.input_size))  # training must leave nothing behind
        made.eval()
    return made


def handed(states: tuple[torch.Tensor, ...]) -> Any:  # noqa: ANN401 - as the modules take and give it
    """Return states as torch's modules take them: none, a tensor, or an LSTM's pair."""
    return None if not states else states if len(states) > 1 else states[0]


def by_letter(problem: Problem, states: Any) -> dict[str, torch.Tensor]:  # noqa: ANN401
    """Return what torch's modules give as the states after some steps, by letter."""
    letters = problem.case.carried
    return dict(zip(letters, states if len(letters) > 1 else (states,), strict=True))


@contextmanager
def seeded(problem: Problem) -> Iterator[None]:
    """Let torch's generator draw the masks of `problem`, and afterwards be what it was."""
    import torch

    with torch.random.fork_rng(devices=[]), undisturbed():
        torch.manual_seed(problem.mask_seed)
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let torch run projections in float32 without a word about oneDNN, which has none: the results are the same."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="LSTM with projections is not supported with oneDNN")
        yield


def precision(problem: Problem) -> torch.dtype:
    """Return torch's name of the problem's precision."""
    import torch

    return getattr(torch, problem.format.name)


def loaded(made: Module, problem: Problem, weights: Mapping[str, Array]) -> Module:
    """Load `weights` into a module and return it.

    Raises
    ------
    ConformanceError
        If the module doesn't hold the same bits under the same names afterwards.
    """
    made.load_state_dict({name: tensor(values) for name, values in weights.items()})
    for name, parameter in made.named_parameters():
        held, given = shown(problem, parameter), np.ascontiguousarray(weights[name])
        if parameter.dtype != precision(problem) or held.tobytes() != given.tobytes():
            kind = type(made).__name__
            message = f"torch.nn.{kind} doesn't hold the weights it was given: {name} differs after loading."
            raise ConformanceError(message)
    return made
