"""Blocks of 32 weights with one f16 scale, bit for bit as GGUF stores them.

Q4_0: value = (code - 8) * scale, code 0..15; byte j holds code j below and code j + 16 above.
Q8_0: value = code * scale, code -128..127, one byte each.

Decoding is fixed by the format; encoding is ours. Q4_0 puts the largest weight of a block at code 0: the grid that the last
part of training sees (`rounded_q4`), so that nothing moves when a model is written.
"""

import numpy as np
import torch
from torch import Tensor

BLOCK = 32
FORMATS = ("Q4_0", "Q8_0", "F16", "F32")


def blocks_of(weights: np.ndarray) -> np.ndarray:
    assert weights.shape[-1] % BLOCK == 0, f"row length {weights.shape[-1]} is no multiple of {BLOCK}"
    return np.ascontiguousarray(weights, dtype=np.float32).reshape(-1, BLOCK)


def codes_for(blocks: np.ndarray, scale: np.ndarray, lowest: int, highest: int) -> np.ndarray:
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale != 0)
    return np.clip(np.rint(blocks * inverse), lowest, highest).astype(np.float32)


def storable(scale: np.ndarray) -> np.ndarray:
    return scale.astype(np.float16).astype(np.float32)


def rounded_q4(weights: Tensor) -> Tensor:
    """What a reader of the file sees of a matrix.  # (outputs, inputs), inputs in blocks of 32"""
    blocks = weights.float().reshape(-1, BLOCK)
    largest = blocks.gather(1, blocks.abs().argmax(1, keepdim=True))
    scale = (largest / -8).half().float()
    inverse = torch.where(scale != 0, 1 / scale, 0.0)
    return (scale * (blocks * inverse).round().clamp(-8, 7)).reshape(weights.shape)


def encode_q4_0(weights: np.ndarray) -> np.ndarray:
    blocks = blocks_of(weights)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(1, keepdims=True), 1)
    scale = storable(largest / -8)
    codes = (codes_for(blocks, scale, -8, 7) + 8).astype(np.uint8)
    packed = codes[:, :16] | (codes[:, 16:] << 4)
    return pack(weights.shape, scale, packed)


def encode_q8_0(weights: np.ndarray) -> np.ndarray:
    blocks = blocks_of(weights)
    scale = storable(np.abs(blocks).max(1, keepdims=True) / 127)
    return pack(weights.shape, scale, codes_for(blocks, scale, -127, 127).astype(np.int8).view(np.uint8))


def pack(shape: tuple[int, ...], scale: np.ndarray, packed: np.ndarray) -> np.ndarray:
    """Scale first, then codes.  # (..., bytes of a row)"""
    together = np.concatenate((scale.astype(np.float16).view(np.uint8), packed), axis=1)
    return together.reshape(*shape[:-1], -1)


def encode(weights: np.ndarray, form: str) -> np.ndarray:
    """Weights as the file holds them: bytes for Q4_0 and Q8_0, numbers for F16 and F32."""
    encoders = {"Q4_0": encode_q4_0, "Q8_0": encode_q8_0, "F16": np.float16, "F32": np.float32}
    return encoders[form](weights)


def decode(stored: np.ndarray, form: str) -> np.ndarray:
    """What a reader of the file sees, in f32."""
    if form in ("F16", "F32"):
        return stored.astype(np.float32)
    bytes_per_block = {"Q4_0": 18, "Q8_0": 34}[form]
    raw = stored.reshape(-1, bytes_per_block)
    scale, packed = raw[:, :2].copy().view(np.float16).astype(np.float32), raw[:, 2:]
    if form == "Q4_0":
        codes = np.concatenate((packed & 15, packed >> 4), axis=1).astype(np.float32) - 8
    else:
        codes = packed.copy().view(np.int8).astype(np.float32)
    return (codes * scale).reshape(*stored.shape[:-1], -1)
