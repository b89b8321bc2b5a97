"""ONNX Runtime, for prediction: the same network as a graph of Gemm and Relu."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from specs import layers_at_start

from sides.base import Side, rows_one_by_one

NAMES = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "softmax": "Softmax"}


class OnnxRuntime(Side):
    """An inference session; it trains nothing."""

    def versions(self) -> dict[str, str]:
        return {"onnxruntime": onnxruntime.__version__}

    def build(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = self.threads
        model = graph_of(self.spec)
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def run(self) -> dict[str, Any]:
        return {"seconds": 0.0, "cpu_seconds": 0.0, "steps": 1, "curve": []}

    def layers(self) -> list[tuple[Any, Any]]:
        return layers_at_start(self.spec)

    def predict_row(self, calls: int) -> dict[str, Any]:
        """The time of so many calls with one row."""
        return rows_one_by_one(lambda row: self.session.run(None, {"x": row}), self.X, calls)


def graph_of(spec: Any) -> Any:
    """The network at its start as a model."""
    nodes, numbers, name = [], [], "x"
    layers = layers_at_start(spec)
    for number, (weight, bias) in enumerate(layers):
        w, b, z, a = (f"{letter}{number}" for letter in "wbza")
        numbers += [numpy_helper.from_array(np.ascontiguousarray(weight), w)]
        numbers += [numpy_helper.from_array(bias, b)]
        nodes.append(helper.make_node("Gemm", [name, w, b], [z]))
        last = number == len(layers) - 1
        function = NAMES.get(spec.output if last else spec.activation, "Identity")
        nodes.append(helper.make_node(function, [z], [a]))
        name = a
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", spec.units[0]])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", spec.units[-1]])],
        numbers,
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=onnx.IR_VERSION_2021_7_30)
