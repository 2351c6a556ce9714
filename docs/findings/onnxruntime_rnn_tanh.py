"""ONNX Runtime's operator RNN with Tanh loses small values: exits with 1 where it does. Needs onnx and onnxruntime."""

import math
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

x, y = (
    helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank)
    for name, rank in (("x", 3), ("y", 4))
)
one, zero = (
    numpy_helper.from_array(np.full((1, 1, 1), value, np.float32), name)
    for value, name in ((1, "W"), (0, "R"))
)
graph = helper.make_graph(
    [helper.make_node("RNN", ["x", "W", "R"], ["y"], hidden_size=1)], "rnn", [x], [y], [one, zero]
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
worst = 0.0
for value in (1e-2, 1e-3, 1e-4, 1e-8):
    got = session.run(None, {"x": np.full((1, 1, 1), value, np.float32)})[0].item()
    worst = max(worst, abs(got / math.tanh(value) - 1))
    print(f"tanh({value:g}) = {math.tanh(value):.9g}, operator RNN: {got:.9g}")
sys.exit(worst > 1e-6)
