"""onnx.reference's operator RNN refuses Relu, which the specification lists: exits with 1 where it does. Needs onnx."""

import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 2, 1])
y = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [3, 1, 2, 1])
weights = [numpy_helper.from_array(np.ones((1, 1, 1), np.float32), name) for name in "WR"]
node = helper.make_node("RNN", ["x", "W", "R"], ["Y"], hidden_size=1, activations=["Relu"])
model = helper.make_model(helper.make_graph([node], "rnn", [x], [y], weights))
checker.check_model(model)
try:
    print(
        ReferenceEvaluator(model).run(None, {"x": np.ones((3, 2, 1), np.float32)})[0][:, 0, 0, 0],
        "right: [1 2 3]",
    )
except RuntimeError as refusal:
    sys.exit(f"checked by onnx itself, and refused: {refusal}")
