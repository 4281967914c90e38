"""The absorbing-mask process: its training loss, and the bound by which models are compared.

Hiding exactly k of n slots, k uniform in 1..n, gives the same bound as hiding each with probability t, with far less
variance:  -log p(x) <= E_k [ n/k * sum over hidden slots of -log p(x_i | visible) ].
"""

import math
from typing import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .data import EOS, MASK
from .model import Transformer

Trunk = Callable[[Tensor], Tensor]  # tokens to the last layer's output


def low_discrepancy(count: int, generator: torch.Generator) -> Tensor:
    """Evenly spread points of (0, 1] with one common random shift.  # (count,)"""
    shift = torch.rand(1, generator=generator)
    return 1 - (shift + torch.arange(count) / count) % 1


def hide(counts: Tensor, length: int, generator: torch.Generator) -> Tensor:
    """Which slots are hidden: exactly counts[i] in row i, all choices alike.  # (batch, length) bool"""
    noise = torch.rand(len(counts), length, generator=generator)
    return noise.argsort(1).argsort(1) < counts[:, None]


def hidden_losses(model: Transformer, trunk: Trunk, clean: Tensor, hidden: Tensor) -> Tensor:
    """-log p(clean token | visible), nats, at hidden slots, zero elsewhere.  # (batch, length)

    The mask and the unknown word have probability zero: the softmax runs over the tokens from [EOS] on.
    """
    x = trunk(clean.masked_fill(hidden, MASK))
    logits = model.head(x[hidden])[:, EOS:].float()
    losses = F.cross_entropy(logits, clean[hidden] - EOS, reduction="none")
    return torch.zeros(clean.shape).masked_scatter(hidden, losses)


def training_loss(
    model: Transformer, trunk: Trunk, clean: Tensor, settings: dict, generator: torch.Generator
) -> Tensor:
    """Mean of weighted losses; a training weight, not the bound's.

    The bound's weight n/k is clipped at `weight_clip`: it lets single slots of almost clean rows drown the rest.
    [EOS] after the first counts `padding_weight`: it is certain once the end is known.
    """
    length = clean.shape[1]
    counts = (low_discrepancy(len(clean), generator) * length).ceil().long().clamp(1, length)
    hidden = hide(counts, length, generator)
    weight = (length / counts).clamp(max=settings["weight_clip"])[:, None] * hidden
    padding = (clean == EOS) & (clean.roll(1, dims=1) == EOS)
    weight = torch.where(padding, weight * settings["padding_weight"], weight)
    return (weight * hidden_losses(model, trunk, clean, hidden)).sum() / weight.sum()


@torch.no_grad()
def bound_bits(
    model: Transformer, trunk: Trunk, clean: Tensor, draws: int, generator: torch.Generator, batch: int = 128
) -> Tensor:
    """An unbiased estimate, for every window, of the bound on -log2 p(window).  # (texts,) bits

    Each window is scored at `draws` values of k, one from each of `draws` equal parts of 1..n.
    """
    length, estimates = clean.shape[1], []
    for rows in clean.split(batch):
        total = torch.zeros(len(rows))
        for part in range(draws):
            t = (part + 1 - torch.rand(len(rows), generator=generator)) / draws
            counts = (t * length).ceil().long().clamp(1, length)
            losses = hidden_losses(model, trunk, rows, hide(counts, length, generator))
            total += losses.sum(1) * length / counts
        estimates.append(total / (draws * math.log(2)))
    return torch.cat(estimates)


def bits_per_word(bits: Tensor, words: Tensor) -> tuple[float, float]:
    """Bits of all windows over all words, each text's first [EOS] counted as one, and its standard error.

    The bits include what the padding costs, so this is a bound for the texts. The error is that of a ratio of means.
    """
    units = (words + 1).float()
    ratio = bits.sum() / units.sum()
    residual = bits - ratio * units
    return ratio.item(), (residual.std() / math.sqrt(len(bits)) / units.mean()).item()
