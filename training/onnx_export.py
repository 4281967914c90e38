"""The shipped model as ONNX, for comparing speed with onnxruntime: the same weights, the same forward pass.

    python -m training.onnx_export static/models/storyworld-mask/model.gguf work/bench

Writes f32.onnx (weights dequantized), int4.onnx (the layers' matrices as MatMulNBits, block 32) and single products. Both
models map tokens (1, length) to logits (1, length, vocabulary). Queries, keys and values are one product, and so are gate and up, as in our
own engine; norm, rotation and attention are onnxruntime's fused operators, so that the peer is at its best.
"""

import argparse
from pathlib import Path

import gguf
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .quantize import BLOCK, decode

FUSED = "com.microsoft"
ACCURACY_LEVEL = 4  # lets onnxruntime multiply in 8-bit integers, its fast path
PRODUCTS = [(256, 512, 512), (128, 3072, 768)]  # rows, outputs, inputs


class Graph:
    """Nodes and constants of one model, named as they are made."""

    def __init__(self, file: gguf.GGUFReader, four_bits: bool):
        self.value = lambda key: file.fields[f"unmask.{key}"].contents()
        self.tensors = {tensor.name: tensor for tensor in file.tensors}
        self.four_bits, self.nodes, self.constants = four_bits, [], []

    def weights(self, name: str) -> np.ndarray:
        tensor = self.tensors[name]
        return decode(tensor.data, tensor.tensor_type.name)

    def constant(self, values: np.ndarray) -> str:
        name = f"constant.{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def apply(self, op: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes) -> str | list[str]:
        names = [f"{op}.{len(self.nodes)}.{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def norm(self, x: str, gain: str) -> str:
        epsilon = self.value("attention.layer_norm_rms_epsilon")
        return self.apply("SimplifiedLayerNormalization", x, self.constant(self.weights(gain)), axis=-1, epsilon=epsilon)

    def product(self, x: str, *names: str) -> str:
        """x times the matrices of these names, side by side."""
        if self.four_bits and all(self.tensors[name].tensor_type.name == "Q4_0" for name in names):
            return self.product_of_codes(x, np.concatenate([self.tensors[name].data for name in names]))
        return self.apply("MatMul", x, self.constant(np.concatenate([self.weights(name) for name in names]).T))

    def product_of_codes(self, x: str, stored: np.ndarray) -> str:
        """Q4_0 bytes as MatMulNBits wants them: neighbours share a byte, scales apart in f32."""
        outputs = len(stored)
        raw = stored.reshape(outputs, -1, 18)
        scales = raw[..., :2].copy().view(np.float16).astype(np.float32).reshape(-1)
        codes = np.concatenate((raw[..., 2:] & 15, raw[..., 2:] >> 4), axis=-1)
        packed = codes[..., 0::2] | (codes[..., 1::2] << 4)
        shape = {"N": outputs, "K": raw.shape[1] * BLOCK, "bits": 4, "block_size": BLOCK, "accuracy_level": ACCURACY_LEVEL}
        return self.apply("MatMulNBits", x, self.constant(packed), self.constant(scales), domain=FUSED, **shape)


def rotations(graph: Graph, length: int) -> tuple[str, str]:
    """Constants of cosines and sines.  # (length, head_dim / 2) each"""
    head_dim = graph.value("attention.key_length")
    exponent = np.arange(0, head_dim, 2) / head_dim
    angle = np.outer(np.arange(length), graph.value("rope.freq_base") ** -exponent)
    return graph.constant(np.cos(angle).astype(np.float32)), graph.constant(np.sin(angle).astype(np.float32))


def layer(graph: Graph, x: str, block: str, tables: tuple[str, str], positions: str) -> str:
    heads, head_dim = graph.value("attention.head_count"), graph.value("attention.key_length")
    split = graph.constant(np.array([1, -1, heads, head_dim]))
    joined = graph.constant(np.array([1, -1, heads * head_dim]))

    h = graph.norm(x, f"{block}.attn_norm.weight")
    qkv = graph.product(h, *(f"{block}.attn_{part}.weight" for part in "qkv"))
    parts = graph.apply("Split", qkv, outputs=3, axis=-1, num_outputs=3)
    for index, part in enumerate("qk"):
        normed = graph.norm(graph.apply("Reshape", parts[index], split), f"{block}.attn_{part}_norm.weight")
        flat = graph.apply("Reshape", normed, joined)
        parts[index] = graph.apply("RotaryEmbedding", flat, positions, *tables, domain=FUSED)
    mixed = graph.apply("MultiHeadAttention", *parts, domain=FUSED, num_heads=heads)
    x = graph.apply("Add", x, graph.product(mixed, f"{block}.attn_output.weight"))

    h = graph.norm(x, f"{block}.ffn_norm.weight")
    both = graph.product(h, f"{block}.ffn_gate.weight", f"{block}.ffn_up.weight")
    gate, up = graph.apply("Split", both, outputs=2, axis=-1, num_outputs=2)
    opened = graph.apply("Mul", graph.apply("Mul", gate, graph.apply("Sigmoid", gate)), up)
    return graph.apply("Add", x, graph.product(opened, f"{block}.ffn_down.weight"))


def model(file: gguf.GGUFReader, four_bits: bool) -> onnx.ModelProto:
    graph = Graph(file, four_bits)
    length, vocabulary = graph.value("context_length"), graph.value("vocab_size")
    tables, positions = rotations(graph, length), graph.constant(np.arange(length)[None])
    table = graph.constant(graph.weights("token_embd.weight"))
    x = graph.apply("Add", graph.apply("Gather", table, "tokens"), graph.constant(graph.weights("position_embd.weight")))
    for index in range(graph.value("block_count")):
        x = layer(graph, x, f"blk.{index}", tables, positions)
    graph.product(graph.norm(x, "output_norm.weight"), "token_embd.weight")
    graph.nodes[-1].output[0] = "logits"
    tokens = helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, length])
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, length, vocabulary])
    return finished(helper.make_graph(graph.nodes, "unmask", [tokens], [output], graph.constants))


def product(rows: int, outputs: int, inputs: int) -> onnx.ModelProto:
    """y = x W, with a constant W."""
    weights = np.random.default_rng(0).standard_normal((inputs, outputs), dtype=np.float32)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, inputs])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, outputs])
    node = helper.make_node("MatMul", ["x", "weights"], ["y"])
    return finished(helper.make_graph([node], "product", [x], [y], [numpy_helper.from_array(weights, "weights")]))


def finished(graph: onnx.GraphProto) -> onnx.ModelProto:
    versions = [helper.make_opsetid("", 18), helper.make_opsetid(FUSED, 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=9)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    reader = gguf.GGUFReader(arguments.model)
    for name, four_bits in (("f32", False), ("int4", True)):
        onnx.save(model(reader, four_bits), arguments.folder / f"{name}.onnx")
    for shape in PRODUCTS:
        onnx.save(product(*shape), arguments.folder / f"product-{'x'.join(map(str, shape))}.onnx")
