"""The backbone of ARCHITECTURE.md: a pre-RMSNorm transformer, bidirectional unless told otherwise.

Rotary attention over equal tokens is blind to position: were all slots masked, all would get the same prediction. Hence
the learned position rows that are added to the embedding.

Parameters carry the names of the tensors in the model file, so that `state_dict` and GGUF need no table between them.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class ModelConfig:
    vocabulary: int
    layers: int
    width: int
    heads: int
    head_dim: int
    feed_forward: int
    length: int
    causal: bool = False
    epsilon: float = 1e-6
    rope_base: float = 10000.0


class RmsNorm(nn.Module):
    """x / sqrt(mean(x^2) + epsilon) * weight, over the last dimension."""

    def __init__(self, size: int, epsilon: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon) * self.weight


def rotation(config: ModelConfig, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosine and sine of position * base^(-2j / head_dim), computed in f64.  # (length, head_dim / 2) each"""
    exponent = torch.arange(0, config.head_dim, 2, dtype=torch.float64) / config.head_dim
    position = torch.arange(config.length, dtype=torch.float64)
    angle = torch.outer(position, config.rope_base**-exponent)
    return angle.cos().to(dtype), angle.sin().to(dtype)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns the pairs (j, j + head_dim / 2): the half-split layout.  # (batch, heads, length, head_dim)"""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class Block(nn.Module):
    def __init__(self, config: ModelConfig):
        super().__init__()
        c, inner = config, config.heads * config.head_dim
        self.config = c
        self.attn_norm = RmsNorm(c.width, c.epsilon)
        self.attn_q = nn.Linear(c.width, inner, bias=False)
        self.attn_k = nn.Linear(c.width, inner, bias=False)
        self.attn_v = nn.Linear(c.width, inner, bias=False)
        self.attn_q_norm = RmsNorm(c.head_dim, c.epsilon)
        self.attn_k_norm = RmsNorm(c.head_dim, c.epsilon)
        self.attn_output = nn.Linear(inner, c.width, bias=False)
        self.ffn_norm = RmsNorm(c.width, c.epsilon)
        self.ffn_gate = nn.Linear(c.width, c.feed_forward, bias=False)
        self.ffn_up = nn.Linear(c.width, c.feed_forward, bias=False)
        self.ffn_down = nn.Linear(c.feed_forward, c.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.attention(self.attn_norm(x), cos, sin)
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))

    def attention(self, h: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, length, _ = h.shape
        shape = (batch, length, self.config.heads, self.config.head_dim)
        q = self.attn_q_norm(self.attn_q(h).view(shape)).transpose(1, 2)
        k = self.attn_k_norm(self.attn_k(h).view(shape)).transpose(1, 2)
        v = self.attn_v(h).view(shape).transpose(1, 2)
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.config.causal)
        return self.attn_output(mixed.transpose(1, 2).reshape(batch, length, -1))


class Transformer(nn.Module):
    """Token ids to logits; the head is the embedding, transposed."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.token_embd = nn.Embedding(config.vocabulary, config.width)
        self.position_embd = nn.Embedding(config.length, config.width)
        self.blk = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.output_norm = RmsNorm(config.width, config.epsilon)
        self.initialise()

    def initialise(self) -> None:
        """Normal weights; the two that write into the residual stream are scaled down with depth."""
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
            if name.endswith(("attn_output.weight", "ffn_down.weight")):
                weight.data.mul_((2 * self.config.layers) ** -0.5)
        for table in (self.token_embd, self.position_embd):
            nn.init.normal_(table.weight, std=0.02)

    def residual_stream(self, tokens: Tensor) -> list[Tensor]:
        """Embedding plus position, then the output of every layer.  # each (batch, length, width)"""
        length = tokens.shape[1]
        x = self.token_embd(tokens) + self.position_embd.weight[:length]
        cos, sin = (table[:length] for table in rotation(self.config, x.dtype))
        stream = [x]
        for block in self.blk:
            stream.append(block(stream[-1], cos, sin))
        return stream

    def head(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., vocabulary)"""
        return F.linear(self.output_norm(x), self.token_embd.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, length) -> (batch, length, vocabulary)"""
        return self.head(self.residual_stream(tokens)[-1])
