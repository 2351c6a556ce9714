"""ONNX Runtime's operator RNN with Relu turns NaN into 0: exits with 1 where it does. Needs onnx and onnxruntime."""

import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

x, y = (
    helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank)
    for name, rank in (("x", 3), ("y", 4))
)
weights = [numpy_helper.from_array(np.ones((1, 1, 1), np.float32), name) for name in "WR"]
node = helper.make_node("RNN", ["x", "W", "R"], ["y"], hidden_size=1, activations=["Relu"])
graph = helper.make_graph([node], "rnn", [x], [y], weights)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
got = session.run(None, {"x": np.array([1, np.nan, 1], np.float32).reshape(3, 1, 1)})[0].ravel()
print(f"x = [1, nan, 1]: states {got}, right: [1, nan, nan]")
sys.exit(not np.isnan(got[1:]).all())
