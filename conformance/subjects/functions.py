"""tanh of every library that a subject computes with and that is installed, as a function of arrays."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from refrnn import Array

    Function = Callable[[Array], Array]


def tanhs() -> Iterator[tuple[str, str, Function]]:
    """Yield name, version and tanh of every library that is installed."""
    made = {
        "numpy": lambda: np.tanh,
        "torch": _torch,
        "jax": _jax,
        "onnxruntime": _onnxruntime,
        "tensorflow": _tensorflow,
    }
    for library, make in made.items():
        if find_spec(library) is not None:
            yield library, version(library), make()


def _torch() -> Function:
    import torch

    return lambda values: torch.tanh(torch.from_numpy(values)).numpy()


def _jax() -> Function:
    import jax

    from conformance.subjects.frameworks.jax_scan import in_full_precision

    in_full_precision()
    compiled = jax.jit(jax.numpy.tanh)
    return lambda values: np.array(compiled(values))


def _tensorflow() -> Function:
    import tensorflow as tf

    return lambda values: tf.tanh(values).numpy()


def _onnxruntime() -> Function:
    """Return the operator Tanh, which isn't what the runtime's operator RNN computes."""
    from onnx import TensorProto, helper

    from conformance.subjects.frameworks.onnx_model import IR, OPSET
    from conformance.subjects.frameworks.onnx_runtime import evaluated

    def tanh(values: Array) -> Array:
        number = {np.float32: TensorProto.FLOAT, np.float64: TensorProto.DOUBLE}[values.dtype.type]
        x, y = (helper.make_tensor_value_info(name, number, [len(values)]) for name in "xy")
        graph = helper.make_graph([helper.make_node("Tanh", ["x"], ["y"])], "tanh", [x], [y])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        return evaluated(model.SerializeToString(), {"x": values})[0]

    return tanh
