"""ONNX Runtime: Y_h of a sample of length 0 is not its initial_h; exits with 1 then. Needs onnx, onnxruntime."""

import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ranks = {"x": 3, "initial_h": 3, "Y_h": 3}
values = {
    name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank)
    for name, rank in ranks.items()
}
values["lens"] = helper.make_tensor_value_info("lens", TensorProto.INT32, [None])
weights = [numpy_helper.from_array(np.ones((1, 1, 1), np.float32), name) for name in "WR"]
node = helper.make_node("RNN", ["x", "W", "R", "", "lens", "initial_h"], ["", "Y_h"], hidden_size=1)
graph = helper.make_graph(
    [node], "rnn", [values[n] for n in ("x", "lens", "initial_h")], [values["Y_h"]], weights
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
initial_h = np.full((1, 2, 1), 0.5, np.float32)
fed = {"x": np.ones((1, 2, 1), np.float32), "lens": np.array([1, 0], np.int32), "initial_h": initial_h}
got = session.run(None, fed)[0].ravel()
print(f"lengths [1, 0], initial_h 0.5: Y_h {got}, right: [{np.tanh(1.5):.7f} 0.5]")
sys.exit(got[1] != initial_h[0, 1, 0])
