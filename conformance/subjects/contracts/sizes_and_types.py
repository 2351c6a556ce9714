"""Contracts on constructor arguments, sizes, ranks and dtypes: what both sides refuse, and who names it how."""

from functools import partial

import numpy as np

from conformance.subjects.contracts.contract import ByRelease, Contract, Refuses, Takes
from conformance.subjects.contracts.networks import B, H, I, T, array, ours, shape_of, tensor, theirs
from refrnn import RNN


def _torch_rnn(*arguments: object, **options: object) -> str:
    import torch

    torch.nn.RNN(*arguments, **options)  # pyright: ignore[reportArgumentType]: wrong on purpose
    return "built"


def _our_rnn(*arguments: object, **options: object) -> str:
    RNN(*arguments, **options)  # pyright: ignore[reportArgumentType]: wrong on purpose
    return "built"


def _built(
    name: str,
    statement: str,
    arguments: tuple[object, ...],
    torch: Refuses | ByRelease,
    answer: Refuses,
    **options: object,
) -> Contract:
    """Return the contract that both sides refuse these constructor arguments."""
    return Contract(
        id=name,
        statement=statement,
        torch=partial(_torch_rnn, *arguments, **options),
        expected=torch,
        refrnn=partial(_our_rnn, *arguments, **options),
        answer=answer,
    )


def _called(
    name: str,
    statement: str,
    shapes: tuple[tuple[int, ...], ...],
    torch: Refuses | Takes,
    answer: Refuses | Takes,
    **options: object,
) -> Contract:
    """Return the contract of a call with x, and perhaps h_0, of these shapes."""
    return Contract(
        id=name,
        statement=statement,
        torch=lambda: shape_of(theirs(**options)(*(tensor(*shape) for shape in shapes))),
        expected=torch,
        refrnn=lambda: shape_of(ours(**options)(*(array(*shape) for shape in shapes))),
        answer=answer,
    )


def _warned_of_dropout(make: type) -> str:
    """Return what building one layer with dropout warns of."""
    import warnings

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        make(I, H, 1, dropout=0.5)
    return f"warns: {told[0].category.__name__}" if told else "says nothing"


def _torch_warned() -> str:
    import torch

    return _warned_of_dropout(torch.nn.RNN)


def _empty_batch() -> str:
    rnn = theirs()
    output, h_n = rnn(tensor(T, 0, I))
    (output.sum() + h_n.sum()).backward()
    zero = all(p.grad is not None and not p.grad.any() for p in rnn.parameters())
    return f"{shape_of((output, h_n))}, gradients {'0' if zero else 'not 0'}"


def _torch_dtype(name: str) -> str:
    import torch

    dtype = getattr(torch, name)
    return str(theirs(dtype=dtype)(tensor(T, B, I).to(dtype))[0].dtype)


def _torch_x_dtype() -> str:
    return shape_of(theirs()(tensor(T, B, I).float()))


def _torch_h_dtype() -> str:
    return shape_of(theirs()(tensor(T, B, I), tensor(1, B, H).float()))


CONSTRUCTOR = (
    _built(
        "input-size-0",
        "An input size of 0.",
        (0, H),
        ByRelease((("2.6", Takes("built")), ("2.11", Refuses("ValueError", "input_size")))),
        Refuses("ValueError", "input_size must be"),
    ),
    _built(
        "hidden-size-0",
        "A hidden size of 0.",
        (I, 0),
        Refuses("ValueError", "hidden_size"),
        Refuses("ValueError", "hidden_size must be"),
    ),
    _built(
        "layers-0",
        "No layers.",
        (I, H, 0),
        Refuses("ValueError", "num_layers"),
        Refuses("ValueError", "num_layers must be"),
    ),
    _built(
        "hidden-size-float",
        "A hidden size of 5.0.",
        (I, 5.0),
        Refuses("TypeError", "hidden_size"),
        Refuses("TypeError", "hidden_size must be"),
    ),
    _built(
        "nonlinearity-unknown",
        "The nonlinearity “sigmoid”.",
        (I, H, 1, "sigmoid"),
        Refuses("ValueError", "nonlinearity"),
        Refuses("ValueError", "nonlinearity must be"),
    ),
    _built(
        "nonlinearity-fourth",
        "bias as the fourth positional argument, which is the nonlinearity.",
        (I, H, 1, False),
        Refuses("ValueError", "nonlinearity"),
        Refuses("ValueError", "nonlinearity must be"),
    ),
    _built(
        "dropout-above-1",
        "A dropout of 2.",
        (I, H, 2),
        Refuses("ValueError", "dropout"),
        Refuses("ValueError", "dropout must be"),
        dropout=2.0,
    ),
    Contract(
        id="dropout-one-layer",
        statement="Dropout in a network of one layer, where it does nothing.",
        torch=_torch_warned,
        expected=Takes("warns: UserWarning"),
        refrnn=partial(_warned_of_dropout, RNN),
        answer=Takes("warns: UserWarning"),
    ),
)

SHAPES = (
    _called(
        "steps-0",
        "A sequence of no steps.",
        ((0, B, I),),
        Refuses("RuntimeError", "sequence length"),
        Refuses("ValueError", "no length may be 0"),
    ),
    Contract(
        id="batch-0",
        statement="A batch of no samples.",
        torch=_empty_batch,
        expected=Takes("output (7, 0, 5), gradients 0"),
        refrnn=lambda: shape_of(ours()(array(T, 0, I))),
        answer=Refuses("ValueError", "no length may be 0"),
    ),
    _called(
        "x-rank-1",
        "x with one axis.",
        ((I,),),
        Refuses("ValueError", "2D or 3D"),
        Refuses("ValueError", "x must have the shape"),
    ),
    _called(
        "x-rank-4",
        "x with four axes.",
        ((1, T, B, I),),
        Refuses("ValueError", "2D or 3D"),
        Refuses("ValueError", "x must have the shape"),
    ),
    _called(
        "x-width",
        "x of another width than the input size.",
        ((T, B, I + 1),),
        Refuses("RuntimeError", "input_size"),
        Refuses("ValueError", "x must have the shape"),
    ),
    _called(
        "h_0-rank-batched",
        "h_0 (B, H) for a batch.",
        ((T, B, I), (B, H)),
        Refuses("RuntimeError", "3-D"),
        Refuses("ValueError", "h_0 must have the shape"),
    ),
    _called(
        "h_0-rank-unbatched",
        "h_0 (1, 1, H) for an unbatched sample.",
        ((T, I), (1, 1, H)),
        Refuses("RuntimeError", "2-D"),
        Refuses("ValueError", "h_0 must have the shape"),
    ),
    _called(
        "h_0-not-broadcast",
        "h_0 for one sample, with a batch of three.",
        ((T, B, I), (1, 1, H)),
        Refuses("RuntimeError", "hidden size"),
        Refuses("ValueError", "h_0 must have the shape"),
    ),
    _called(
        "h_0-layers",
        "h_0 for two layers, in a network of one.",
        ((T, B, I), (2, B, H)),
        Refuses("RuntimeError", "hidden size"),
        Refuses("ValueError", "h_0 must have the shape"),
    ),
    _called(
        "h_0-batch-first",
        "h_0 (B, L·D, H) in a batch-first network, B ≠ L·D.",
        ((B, T, I), (B, 2, H)),
        Refuses("RuntimeError", "hidden size"),
        Refuses("ValueError", "h_0 must have the shape"),
        num_layers=2,
        batch_first=True,
    ),
    _called(
        "unbatched-batch-first",
        "x (T, I) in a batch-first network, which then says nothing of it.",
        ((T, I),),
        Takes("output (7, 5)"),
        Takes("output (7, 5)"),
        batch_first=True,
    ),
)

DTYPES = (
    Contract(
        id="x-dtype",
        statement="x in float32, in a float64 network.",
        torch=_torch_x_dtype,
        expected=Refuses("ValueError", "type"),  # up to torch 2.10 “type”, later “dtype”
        refrnn=lambda: shape_of(ours()(array(T, B, I).astype(np.float32))),
        answer=Refuses("TypeError", "x must be float64"),
    ),
    Contract(
        id="h_0-dtype",
        statement="h_0 in float32, in a float64 network.",
        torch=_torch_h_dtype,
        expected=Refuses("RuntimeError", "dtype"),
        refrnn=lambda: shape_of(ours()(array(T, B, I), array(1, B, H).astype(np.float32))),
        answer=Refuses("TypeError", "h_0 must be float64"),
    ),
    *(
        Contract(
            id=f"dtype-{name}",
            statement=f"A network in {name}.",
            torch=partial(_torch_dtype, name),
            expected=Takes(f"torch.{name}"),
            refrnn=partial(_our_rnn, I, H, dtype=name),
            answer=Refuses("TypeError", "dtype must be float32, float64 or long double"),
        )
        for name in ("float16", "bfloat16", "complex64")
    ),
)

SIZES_AND_TYPES = (*CONSTRUCTOR, *SHAPES, *DTYPES)
