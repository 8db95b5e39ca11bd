#!/usr/bin/env python3
"""Makes the linear models and networks whose speed README.md tells.

    python3 -m venv venv && venv/bin/pip install -r ../portscan/requirements.txt
    venv/bin/python make.py models

Writes models/n22_64_64_8.onnx and the like: 22 packet features, hidden layers of 64
and 64 with relu, 8 classes, the label alone. Each has its columns named in the
property skxc.features. Weights are drawn, always the same; those of the first layer
are divided by the typical magnitude of their feature, as a scaler in front would be
once it is folded in. How fast a network is does not depend on what it has learnt.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Name and typical magnitude.
FEATURES = {
    "ip_version": 4,
    "ip_ihl": 5,
    "ip_precedence": 7,
    "ip_dscp": 63,
    "ip_total_length": 1500,
    "ip_id": 65535,
    "ip_flag_df": 1,
    "ip_flag_mf": 1,
    "ip_frag_offset": 8191,
    "ip_ttl": 255,
    "ip_protocol": 255,
    "tcp_source_port": 65535,
    "tcp_dest_port": 65535,
    "tcp_window_size": 65535,
    "tcp_urgent_pointer": 65535,
    "tcp_cwr_flag": 1,
    "tcp_ece_flag": 1,
    "tcp_urg_flag": 1,
    "tcp_ack_flag": 1,
    "tcp_psh_flag": 1,
    "tcp_rst_flag": 1,
    "tcp_syn_flag": 1,
}

# Widths of the layers behind the features.
LAYERS = [(1,), (2,), (8,), (10, 5, 1), (32, 16, 2), (64, 64, 8), (128, 128, 8)]


def network(widths, draw):
    """The graph of a network with these layers."""
    nodes, constants = [], []

    def constant(name, array):
        constants.append(numpy_helper.from_array(array, name))
        return name

    value, inputs = "X", len(FEATURES)
    for layer, width in enumerate(widths):
        weights = draw.standard_normal((inputs, width)) / np.sqrt(inputs)
        if layer == 0:
            weights /= np.array(list(FEATURES.values()))[:, None]
        bias = 0.1 * draw.standard_normal(width)
        weights = constant(f"W{layer}", weights.astype(np.float32))
        bias = constant(f"B{layer}", bias.astype(np.float32))
        nodes.append(helper.make_node("MatMul", [value, weights], [f"m{layer}"]))
        nodes.append(helper.make_node("Add", [f"m{layer}", bias], [f"a{layer}"]))
        value, inputs = f"a{layer}", width
        if layer + 1 < len(widths):
            nodes.append(helper.make_node("Relu", [value], [f"r{layer}"]))
            value = f"r{layer}"
    if widths[-1] == 1:
        zero = constant("zero", np.zeros(1, dtype=np.float32))
        shape = constant("shape", np.array([1], dtype=np.int64))
        nodes.append(helper.make_node("Greater", [value, zero], ["above"]))
        nodes.append(helper.make_node("Cast", ["above"], ["class"], to=TensorProto.INT64))
        nodes.append(helper.make_node("Reshape", ["class", shape], ["label"]))
    else:
        nodes.append(helper.make_node("ArgMax", [value], ["label"], axis=1, keepdims=0))
    rows = helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, len(FEATURES)])
    label = helper.make_tensor_value_info("label", TensorProto.INT64, [None])
    return helper.make_graph(nodes, "network", [rows], [label], constants)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the models go")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for widths in LAYERS:
        graph = network(widths, np.random.default_rng(1))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
        helper.set_model_props(model, {"skxc.features": ",".join(FEATURES)})
        name = "_".join(str(width) for width in (len(FEATURES), *widths))
        onnx.save(model, folder / f"n{name}.onnx")


if __name__ == "__main__":
    main()
