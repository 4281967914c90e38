"""Texts from a model itself: temperature 1, as many calls as the text has slots.

    python -m training.sample static/models/storyworld-mask/model.gguf --count 64

Masks are filled one slot a call in random order, autoregressive texts from left to right; the noisy families step back along
their own process, every slot drawn anew from sum_v p(v | x_t) q(x_s | x_t, v).
"""

import argparse
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from . import gguf_file, process
from .data import EOS, MASK
from .model import Transformer
from .process import Noisy


def draw(log_p: Tensor, generator: torch.Generator) -> Tensor:
    """Tokens from log-probabilities over those from [EOS] on.  # (..., vocabulary - 2) to (...)"""
    race = torch.empty_like(log_p).exponential_(generator=generator).log()
    return (log_p - race).argmax(-1) + EOS


def one_by_one(model: Transformer, tokens: Tensor, order: Tensor, generator: torch.Generator) -> Tensor:
    """Fills the slots in the order of each row.  # (count, length)"""
    rows = torch.arange(len(tokens), device=tokens.device)
    for slot in order.T:
        x = model.residual_stream(tokens)[-1][rows, slot]
        tokens[rows, slot] = draw(process.predicted(model.head(x)), generator)
    return tokens


def backwards(family: process.Uniform, model: Transformer, tokens: Tensor, generator: torch.Generator) -> Tensor:
    """Ancestral steps of a process whose tokens may all be noise; from masks or words, whatever t = 1 holds."""
    steps, noise = tokens.shape[1], lambda: torch.rand(tokens.shape, generator=generator, device=tokens.device)
    times = torch.linspace(1, 0, steps + 1, device=tokens.device)
    if family.masses(times[:1])[1] < 0.5:
        tokens = EOS + (noise() * family.words()).long()
    for t, s in zip(times, times[1:]):
        now = t.clamp(process.SMALLEST_TIME, 1 - process.SMALLEST_TIME).expand(len(tokens))
        clean = draw(posterior(family, model, tokens, now), generator)
        tokens = family.step_back(clean, tokens, float(s), float(t), generator)
    return tokens


def posterior(family: process.Uniform, model: Transformer, tokens: Tensor, times: Tensor) -> Tensor:
    """p(clean token | all of x_t): the leave-one-out distribution times q(present token | clean token).  # log"""
    log_p = process.predicted(model(tokens, times))
    kept, _, uniform = (share[:, None] for share in family.masses(times))
    bias = torch.log1p(kept * family.words() / uniform) * (tokens != MASK)
    present = (tokens - EOS).clamp(min=0)[..., None]
    return log_p.scatter_add(-1, present, bias[..., None]).log_softmax(-1)


def denoised(family: process.Gaussian, model: Transformer, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Ancestral steps of Gaussian noise; the clean embedding is that of a drawn token."""
    device = generator.device
    x = torch.randn(*shape, model.config.width, generator=generator, device=device)
    table, estimate = model.embeddings(), torch.zeros_like(x)
    times = torch.linspace(1, 0, shape[1] + 1, device=device)
    for t, s in zip(times, times[1:]):
        now = t.clamp(min=process.FIRST_TIME)
        log_p = process.predicted(model(x, now.expand(shape[0]), estimate))
        clean = draw(log_p, generator)
        best = log_p.topk(process.SELF_CONDITIONING, dim=-1)
        estimate = (best.values.exp()[..., None] * table[best.indices + EOS]).sum(-2)
        share = (1 - t) / (1 - s)  # of the power that a step keeps
        mean = ((1 - s).sqrt() * (1 - share) * table[clean] + share.sqrt() * s * x) / t
        noise = torch.randn(x.shape, generator=generator, device=device)
        x = mean + ((1 - share) * s / t).sqrt() * noise
    return clean


@torch.no_grad()
def sample(model: Transformer, family: str, count: int, seed: int) -> Tensor:
    """(count, length) token ids"""
    device = model.token_embd.weight.device
    generator = torch.Generator(device).manual_seed(seed)
    length = model.config.length
    tokens = torch.full((count, length), MASK, device=device)
    rules = process.FAMILIES[family](model.config, torch.empty(0))
    if isinstance(rules, process.Gaussian):
        return denoised(rules, model, (count, length), generator)
    if isinstance(rules, process.Uniform):
        return backwards(rules, model, tokens, generator)
    order = torch.rand(count, length, generator=generator, device=device).argsort(1)
    if isinstance(rules, process.Autoregressive):
        order = torch.arange(length, device=device).expand(count, -1)
    return one_by_one(model, tokens, order, generator)


def texts_of(tokens: Tensor, tokenizer: Tokenizer) -> list[str]:
    """Text up to the first [EOS]; words have one space between them."""
    rows = [row[: row.index(EOS)] if EOS in row else row for row in tokens.tolist()]
    return [" ".join(text.split()) for text in tokenizer.decode_batch(rows, skip_special_tokens=False)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    model, tokenizer, about = gguf_file.read(arguments.model)
    print(*texts_of(sample(model, about["family"], arguments.count, arguments.seed), tokenizer), sep="\n")
