"""Contracts on what torch can do with an nn.RNN besides calling it: transforms, compilers, autograd."""

from __future__ import annotations

import os
from typing import Any

from conformance.subjects.contracts.contract import ByProcessor, ByRelease, Contract, Refuses, Takes
from conformance.subjects.contracts.networks import B, H, I, T, apart, array, ours, shape_of, tensor, theirs

ONEDNN_CAPS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
"""Variables that tell oneDNN to use less than the processor has."""

NO_COUNTERPART = "no counterpart: plain NumPy, arrays in and arrays out"


def _vmap() -> str:
    import torch

    return shape_of(torch.func.vmap(theirs(), in_dims=1)(tensor(T, B, I)))


def _compiled(kind: str, *, allow_rnn: bool) -> str:
    """Compile a network as a whole and run it, by a backend that needs no C++ compiler."""
    import torch
    from torch import _dynamo

    _dynamo.reset()
    try:
        with _dynamo.config.patch(allow_rnn=allow_rnn):
            network = getattr(torch.nn, kind)(I, H, dtype=torch.float64)
            return shape_of(torch.compile(network, backend="eager", fullgraph=True)(tensor(T, B, I)))
    finally:
        _dynamo.reset()


def _compiled_dropout() -> str:
    """Compile a network in training mode that drops everything between its layers, and see whether it does."""
    import torch
    from torch import _dynamo

    rnn = theirs(num_layers=2, dropout=1.0)
    _dynamo.reset()
    try:
        with _dynamo.config.patch(allow_rnn=True):
            compiled, _ = torch.compile(rnn, backend="aot_eager", fullgraph=True)(tensor(T, B, I))
    finally:
        _dynamo.reset()
    kept, _ = rnn.eval()(tensor(T, B, I))
    return "nothing is dropped" if not apart(compiled.detach(), kept.detach()) else "dropped"


def _exported(axis: int, larger: tuple[int, int, int]) -> str:
    """Export a network with one axis of x open, and run the result on another size."""
    import torch

    open_axis = {axis: torch.export.Dim("n", min=2, max=50)}
    try:
        program = torch.export.export(theirs(), (tensor(T, B, I),), dynamic_shapes=(open_axis,))
        return shape_of(program.module()(tensor(*larger)))
    finally:
        torch._dynamo.reset()  # noqa: SLF001 - what exporting leaves behind


def _autocast(kind: str) -> str:
    import torch

    module = getattr(torch.nn, kind)(I, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return str(module(tensor(T, B, I).float())[0].dtype)


def _avx512() -> bool:
    """Return whether oneDNN, which runs LSTM in bfloat16, may use AVX-512 here; without it, it may refuse to."""
    import torch

    capped = any(name in os.environ for name in ONEDNN_CAPS)
    return torch.cpu._is_avx512_supported() and not capped  # noqa: SLF001 - no public name for one feature


def _gradcheck(dtype_name: str) -> str:
    import torch

    dtype = getattr(torch, dtype_name)
    rnn, x = theirs(dtype=dtype), tensor(T, B, I).to(dtype).requires_grad_()
    torch.autograd.gradcheck(_output_of(rnn), (x,))
    return "passes"


def _gradgradcheck() -> str:
    import torch

    torch.autograd.gradgradcheck(_output_of(theirs()), (tensor(3, 2, I).requires_grad_(),))
    return "passes"


def _output_of(rnn: Any) -> Any:  # noqa: ANN401 - a module and a function of tensors
    return lambda x: rnn(x)[0]


def _backward_twice() -> str:
    output, _ = theirs()(tensor(T, B, I))
    output.sum().backward()
    output.sum().backward()
    return "runs twice"


def _our_backward_twice() -> str:
    rnn = ours()
    trace = rnn.forward(array(T, B, I))
    rnn.backward(trace, array(T, B, 5))
    rnn.backward(trace, array(T, B, 5))
    return "runs twice"


def where_exported(outcome: Refuses | Takes) -> ByRelease:
    """Return that this comes of exporting a network, but in the releases of torch that export none at all."""
    refused = Refuses("ValueError", "_flat_weights")
    return ByRelease((("2.6", outcome), ("2.8", refused), ("2.10", outcome)))


TRANSFORMS = (
    Contract(
        id="vmap",
        statement="vmap over the samples of a network.",
        torch=_vmap,
        expected=Refuses("RuntimeError", "atching rule"),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="compile-fullgraph",
        statement="torch.compile of a whole network as it comes.",
        torch=lambda: _compiled("RNN", allow_rnn=False),
        expected=Refuses("Unsupported", "RNN"),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="compile-allow-rnn",
        statement="torch.compile of a whole network with allow_rnn.",
        torch=lambda: _compiled("RNN", allow_rnn=True),
        expected=Takes("output (7, 3, 5)"),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="compile-allow-rnn-gru",
        statement="torch.compile of a whole GRU with allow_rnn.",
        torch=lambda: _compiled("GRU", allow_rnn=True),
        expected=Takes("output (7, 3, 5)"),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="compile-dropout",
        statement="Dropout in training mode, compiled with allow_rnn.",
        torch=_compiled_dropout,
        expected=Takes("nothing is dropped"),
        refrnn=NO_COUNTERPART,
        wrong=True,
    ),
    Contract(
        id="export-dynamic-T",
        statement="torch.export with T left open.",
        torch=lambda: _exported(0, (T + 2, B, I)),
        expected=where_exported(Refuses("UserError", "constant (7)")),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="export-dynamic-B",
        statement="torch.export with B left open.",
        torch=lambda: _exported(1, (T, B + 2, I)),
        expected=where_exported(Takes("output (7, 5, 5)")),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="autocast-rnn",
        statement="RNN under CPU autocast.",
        torch=lambda: _autocast("RNN"),
        expected=Takes("torch.bfloat16"),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="autocast-lstm",
        statement="LSTM under CPU autocast.",
        torch=lambda: _autocast("LSTM"),
        expected=ByProcessor(
            what="AVX-512",
            has=_avx512,
            there=Takes("torch.bfloat16"),
            elsewhere=Refuses("RuntimeError", "primitive"),
        ),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="autocast-gru",
        statement="GRU under CPU autocast, unlike RNN and LSTM.",
        torch=lambda: _autocast("GRU"),
        expected=Takes("torch.float32"),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="gradcheck-float64",
        statement="gradcheck in float64.",
        torch=lambda: _gradcheck("float64"),
        expected=Takes("passes"),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="gradcheck-float32",
        statement="gradcheck in float32, where differences drown in rounding.",
        torch=lambda: _gradcheck("float32"),
        expected=Refuses("GradcheckError", "Jacobian mismatch"),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="double-backward",
        statement="Double backward, by gradgradcheck.",
        torch=_gradgradcheck,
        expected=Takes("passes"),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="backward-twice",
        statement="A second backward pass over the same forward pass.",
        torch=_backward_twice,
        expected=Refuses("RuntimeError", "second time"),
        refrnn=_our_backward_twice,
        answer=Takes("runs twice"),
    ),
)
