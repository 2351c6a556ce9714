"""Contracts on what is behind nn.RNN: kernels, exporters, sums of 16 bits, and the code in its documentation."""

from __future__ import annotations

import textwrap
from typing import Any

from conformance.subjects.contracts.contract import ByRelease, Contract, Refuses, Takes
from conformance.subjects.contracts.networks import B, H, I, T, apart, tensor, theirs
from conformance.subjects.contracts.transforms import NO_COUNTERPART, where_exported


def _operations(kind: str, dtype_name: str) -> set[str]:
    """Return the names of all operations that a module of this kind leaves in its graph."""
    import torch

    dtype = getattr(torch, dtype_name)
    output, _ = getattr(torch.nn, kind)(I, H, dtype=dtype)(tensor(T, B, I).to(dtype))
    seen: set[Any] = set()
    ahead: list[Any] = [output.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is not None and node not in seen:
            seen.add(node)
            ahead += [below for below, _ in node.next_functions]
    return {node.name() for node in seen}


def _rnn_kernels() -> str:
    found = _operations("RNN", "float32") | _operations("RNN", "float64")
    whole = sorted(name for name in found if "Rnn" in name or "rnn" in name)
    composed = {"AddmmBackward0", "TanhBackward0"} <= found and not whole
    return "addmm and tanh, step by step" if composed else f"whole kernels: {', '.join(whole)}"


def _lstm_kernels() -> str:
    import torch

    used = "MkldnnRnnLayerBackward0" in _operations("LSTM", "float32")
    return "oneDNN where it is there" if used == torch.backends.mkldnn.is_available() else "not as expected"


def _unrolled() -> str:
    """Export a network as the newer ONNX exporter does, and count what its loop over t becomes."""
    import torch
    from torch._decomp import get_decompositions

    try:
        program = torch.export.export(theirs(), (tensor(T, B, I),))
        decomposed = program.run_decompositions(get_decompositions([torch.ops.aten.rnn_tanh.input]))
    finally:
        torch._dynamo.reset()  # noqa: SLF001 - what exporting leaves behind
    steps = sum("tanh" in str(node.target) for node in decomposed.graph.nodes)
    return "a tanh for every step" if steps == T else f"{steps} of tanh for {T} steps"


def _older_exporter() -> str:
    """Return the operator that the older ONNX exporter makes of a network; it needs no onnx for its graph."""
    import torch

    try:
        from torch.onnx._internal.torchscript_exporter import utils
    except ModuleNotFoundError:  # its place up to torch 2.8
        from torch.onnx import utils

    graph, _, _ = utils._model_to_graph(theirs(dtype=torch.float32), (tensor(T, B, I).float(),))  # noqa: SLF001
    kinds = {node.kind() for node in graph.nodes()}
    return "one RNN operator" if "onnx::RNN" in kinds else "no RNN operator"


def _sums(dtype_name: str) -> str:
    import torch

    ones = torch.ones(1, 4096, dtype=getattr(torch, dtype_name))
    return f"{(ones @ ones.T).item():,.0f}"


def _documented() -> dict[str, Any]:
    """Run the code that the documentation of nn.RNN calls equivalent, and return what it defines."""
    import torch

    text = str(torch.nn.RNN.__doc__)
    code = text[text.index("code-block:: python") + len("code-block:: python") : text.index("    Args:")]
    names = {"torch": torch, "nn": torch.nn, "input_size": I, "hidden_size": H, "num_layers": 2}
    exec(textwrap.dedent(code), names)  # noqa: S102 - torch's own documentation
    return names


def _documented_forward() -> str:
    names = _documented()
    x = tensor(T, B, I).float()
    given, right = names["forward"](x)[0], names["rnn"](x)[0]
    return "output is wrong" if apart(given.detach(), right.detach()) else "output is right"


def _documented_backward() -> str:
    output, _ = _documented()["forward"](tensor(T, B, I).float())
    output.sum().backward()
    return "runs"


UNDEFINED = Refuses("NameError", "batch_first")
"""What comes of documented code that uses names which it doesn't define."""

KERNELS = (
    Contract(
        id="kernels-rnn",
        statement="What nn.RNN is made of on the CPU.",
        torch=_rnn_kernels,
        expected=Takes("addmm and tanh, step by step"),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="kernels-lstm",
        statement="What nn.LSTM is made of on the CPU in float32, unlike RNN and GRU.",
        torch=_lstm_kernels,
        expected=Takes("oneDNN where it is there"),
        refrnn=NO_COUNTERPART,
    ),
    *(
        Contract(
            id=f"sums-{dtype}",
            statement=f"A product of 4,096 ones with themselves in {dtype}, added up in float32.",
            torch=lambda dtype=dtype: _sums(dtype),
            expected=Takes("4,096"),
            refrnn=NO_COUNTERPART,
        )
        for dtype in ("float16", "bfloat16")
    ),
    Contract(
        id="export-unrolls",
        statement="The loop over t, decomposed for the newer ONNX exporter.",
        torch=_unrolled,
        expected=where_exported(Takes("a tanh for every step")),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="onnx-older",
        statement="The older ONNX exporter.",
        torch=_older_exporter,
        expected=Takes("one RNN operator"),
        refrnn=NO_COUNTERPART,
    ),
    Contract(
        id="documented-forward",
        statement="The code that torch's documentation of nn.RNN calls equivalent, run forward.",
        torch=_documented_forward,
        expected=ByRelease((("2.6", UNDEFINED), ("2.8", Takes("output is right")))),
        refrnn="refrnn is such code, tested in both directions",
    ),
    Contract(
        id="documented-backward",
        statement="The code that torch's documentation of nn.RNN calls equivalent, run backward.",
        torch=_documented_backward,
        expected=ByRelease((("2.6", UNDEFINED), ("2.8", Refuses("RuntimeError", "inplace")))),
        refrnn="refrnn is such code, tested in both directions",
    ),
)
