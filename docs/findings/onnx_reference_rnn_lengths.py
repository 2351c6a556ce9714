"""onnx.reference's RNN, LSTM and GRU ignore sequence_lens: exits with 1 where one does. Needs onnx."""

import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

wrong = False
for operator, gates in (("RNN", 1), ("LSTM", 4), ("GRU", 3)):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 2, 1])
    lens = helper.make_tensor_value_info("lens", TensorProto.INT32, [2])
    y = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [3, 1, 2, 1])
    weights = [numpy_helper.from_array(np.ones((1, gates, 1), np.float32), name) for name in "WR"]
    node = helper.make_node(operator, ["x", "W", "R", "", "lens"], ["Y"], hidden_size=1)
    model = helper.make_model(helper.make_graph([node], "rnn", [x, lens], [y], weights))
    checker.check_model(model)
    fed = {"x": np.ones((3, 2, 1), np.float32), "lens": np.array([3, 1], np.int32)}
    got = ReferenceEvaluator(model).run(None, fed)[0][:, 0, 1, 0]
    print(f"{operator}, a sample of length 1: outputs {got}, right: [{got[0]:.7f} 0 0]")
    wrong |= bool(got[1:].any())
sys.exit(wrong)
