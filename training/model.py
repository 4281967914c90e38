"""The backbone of ARCHITECTURE.md: a pre-RMSNorm transformer that every family shares.

Rotary attention over equal tokens is blind to position: were all slots masked, all would get the same prediction. Hence
the learned position rows that are added to the embedding.

Parameters carry the names of the tensors in the model file, so that `state_dict` and GGUF need no table between them.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .quantize import rounded_q4

TIMED = ("uniform", "mask_uniform", "gaussian")  # what the network must be told the noise level for
TIME_FEATURES = 64
TIME_SCALE = 1000.0


@dataclass(frozen=True)
class ModelConfig:
    vocabulary: int
    layers: int
    width: int
    heads: int
    head_dim: int
    feed_forward: int
    length: int
    process: str = "mask"
    uniform_share: float = 0.1  # of mask_uniform: share of uniform noise at t = 1/2
    embedding_power: float = 14.0  # of gaussian: squared norm of every embedding
    epsilon: float = 1e-6
    rope_base: float = 10000.0

    @property
    def causal(self) -> bool:
        return self.process == "autoregressive"


class RmsNorm(nn.Module):
    """x / sqrt(mean(x^2) + epsilon) * weight, over the last dimension."""

    def __init__(self, size: int, epsilon: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon) * self.weight


def rotation(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Cosine and sine of position * base^(-2j / head_dim), in f64.  # (length, head_dim / 2) each"""
    exponent = torch.arange(0, config.head_dim, 2, dtype=torch.float64) / config.head_dim
    position = torch.arange(config.length, dtype=torch.float64)
    angle = torch.outer(position, config.rope_base**-exponent)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns the pairs (j, j + head_dim / 2): the half-split layout.  # (batch, heads, length, head_dim)"""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class Matrix(nn.Linear):
    """A product without bias whose weights may be seen through the file's 4-bit grid while training.

    The gradient passes straight through the rounding, so that the last part of training fits the weights to the grid
    on which they are shipped.
    """

    on_grid = False  # of all matrices at once; a class attribute, so that compiled code is specialised on it

    def weights(self) -> Tensor:
        if not Matrix.on_grid:
            return self.weight
        return self.weight + (rounded_q4(self.weight) - self.weight).detach()


def products(x: Tensor, *matrices: Matrix) -> list[Tensor]:
    """Several products of one input as one."""
    together = F.linear(x, torch.cat([matrix.weights() for matrix in matrices]))
    return list(together.split([matrix.out_features for matrix in matrices], dim=-1))


class Block(nn.Module):
    def __init__(self, config: ModelConfig):
        super().__init__()
        c, inner = config, config.heads * config.head_dim
        self.config = c
        self.attn_norm = RmsNorm(c.width, c.epsilon)
        self.attn_q = Matrix(c.width, inner, bias=False)
        self.attn_k = Matrix(c.width, inner, bias=False)
        self.attn_v = Matrix(c.width, inner, bias=False)
        self.attn_q_norm = RmsNorm(c.head_dim, c.epsilon)
        self.attn_k_norm = RmsNorm(c.head_dim, c.epsilon)
        self.attn_output = Matrix(inner, c.width, bias=False)
        self.ffn_norm = RmsNorm(c.width, c.epsilon)
        self.ffn_gate = Matrix(c.width, c.feed_forward, bias=False)
        self.ffn_up = Matrix(c.width, c.feed_forward, bias=False)
        self.ffn_down = Matrix(c.feed_forward, c.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.attention(self.attn_norm(x), cos, sin)
        gate, up = products(self.ffn_norm(x), self.ffn_gate, self.ffn_up)
        return x + F.linear(F.silu(gate) * up, self.ffn_down.weights())

    def attention(self, h: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, length, _ = h.shape
        heads = lambda x: x.view(batch, length, self.config.heads, self.config.head_dim)
        q, k, v = map(heads, products(h, self.attn_q, self.attn_k, self.attn_v))
        q, k = self.attn_q_norm(q).transpose(1, 2), self.attn_k_norm(k).transpose(1, 2)
        q, k, v = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype), v.transpose(1, 2)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.config.causal)
        return F.linear(mixed.transpose(1, 2).reshape(batch, length, -1), self.attn_output.weights())


class Transformer(nn.Module):
    """What slots show to logits; the head is the embedding, transposed.

    Slots show token ids (batch, length). For `gaussian` they show vectors (batch, length, width), beside which goes an
    estimate of the clean embeddings (the network's own, of the call before, or zero).
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.is_stored = False  # whether the weights are a file's, rounded, and are taken as they are
        self.token_embd = nn.Embedding(config.vocabulary, config.width)
        self.position_embd = nn.Embedding(config.length, config.width)
        self.blk = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.output_norm = RmsNorm(config.width, config.epsilon)
        if config.process in TIMED:
            self.time_in = nn.Linear(TIME_FEATURES, config.width)
            self.time_out = nn.Linear(config.width, config.width)
        if config.process == "gaussian":
            self.self_cond = Matrix(config.width, config.width, bias=False)
        cos, sin = rotation(config)
        self.register_buffer("cos", cos, persistent=False)  # in f64, rounded where it is used
        self.register_buffer("sin", sin, persistent=False)
        self.initialise()

    def initialise(self) -> None:
        """Normal weights; what writes into the residual stream is scaled down with depth."""
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
            if name.endswith(("attn_output.weight", "ffn_down.weight")):
                weight.data.mul_((2 * self.config.layers) ** -0.5)
        for table in (self.token_embd, self.position_embd):
            nn.init.normal_(table.weight, std=0.02)
        if self.config.process in TIMED:
            nn.init.zeros_(self.time_out.weight)
            nn.init.zeros_(self.time_in.bias)
            nn.init.zeros_(self.time_out.bias)
        if self.config.process == "gaussian":
            nn.init.zeros_(self.self_cond.weight)
            nn.init.normal_(self.token_embd.weight)

    def embeddings(self) -> Tensor:
        """The table as the file holds it; that of `gaussian` has rows of equal length, so that none can outgrow the noise.

        # (vocabulary, width)
        """
        if self.config.process != "gaussian" or self.is_stored:
            return self.token_embd.weight
        return F.normalize(self.token_embd.weight, dim=-1) * self.config.embedding_power**0.5

    def condition(self, times: Tensor) -> Tensor:
        """What the network is told of the noise level.  # (batch) to (batch, 1, width)"""
        rate = 10000.0 ** (-torch.arange(TIME_FEATURES // 2, device=times.device, dtype=times.dtype) * 2 / TIME_FEATURES)
        angle = TIME_SCALE * times[:, None] * rate
        features = torch.cat((angle.cos(), angle.sin()), dim=-1)
        return self.time_out(F.silu(self.time_in(features)))[:, None]

    def vector_input(self, vectors: Tensor, estimates: Tensor, times: Tensor) -> Tensor:
        """Noisy embeddings at unit variance, and what the estimate adds.  # (batch, length, width)"""
        t = times[:, None, None]
        power = self.config.embedding_power / self.config.width
        scale = ((1 - t) * power + t).rsqrt()
        return scale * vectors + F.linear(estimates, self.self_cond.weights())

    def residual_stream(
        self, shown: Tensor, times: Tensor | None = None, estimates: Tensor | None = None
    ) -> list[Tensor]:
        """What the slots show plus position and time, then the output of every layer.  # each (batch, length, width)"""
        if estimates is None:
            x = F.embedding(self.shifted(shown), self.token_embd.weight)
        else:
            x = self.vector_input(shown, estimates, times)
        length = x.shape[1]
        x = x + self.position_embd.weight[:length]
        if self.config.process in TIMED:
            x = x + self.condition(times)
        cos, sin = (table[:length].to(x.dtype) for table in (self.cos, self.sin))
        stream = [x]
        for block in self.blk:
            stream.append(block(stream[-1], cos, sin))
        return stream

    def shifted(self, tokens: Tensor) -> Tensor:
        """An autoregressive network sees at slot i the token before; at slot 0 the mask, as the sign of the beginning."""
        return F.pad(tokens, (1, -1), value=0) if self.config.causal else tokens

    def head(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., vocabulary)"""
        return F.linear(self.output_norm(x), self.embeddings())

    def forward(self, shown: Tensor, times: Tensor | None = None, estimates: Tensor | None = None) -> Tensor:
        """(batch, length) -> (batch, length, vocabulary)"""
        return self.head(self.residual_stream(shown, times, estimates)[-1])
