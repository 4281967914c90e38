"""Writes tests/golden/tiny-FAMILY: a model with random weights and what PyTorch says about two sequences, as posteriors.

    python -m training.golden_families

Tensors: tokens (2, length); times (2); log_probabilities (2, length, vocabulary - 2), of the tokens from [EOS] on, temperature 1;
for `gaussian` also vectors (2, length, width) and the last guess, guess_tokens and guess_weights (2, length, 5).
"""

from dataclasses import replace

import torch
from safetensors.torch import save_file
from torch import Tensor

from . import data, gguf_file, golden, process, sample
from .model import TIMED, Transformer

FAMILIES = ("autoregressive", "uniform", "mask_uniform", "gaussian")
TIMES = torch.tensor([0.3, 0.85])


def random_model(family: str) -> Transformer:
    """On the scale of a trained model, its way of the time included."""
    torch.manual_seed(5)
    model = Transformer(replace(golden.TINY, process=family))
    for name, weight in model.named_parameters():
        if name == "token_embd.weight" and family != "gaussian" or name == "position_embd.weight":
            weight.data.normal_(std=0.25)
        elif name.endswith(".bias"):
            weight.data.normal_(std=0.3)
        elif name.startswith(("time_", "self_cond")):
            weight.data.normal_(std=weight.shape[-1] ** -0.5)
    return model


def guess(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Five tokens and their weights, which lack something to one.  # (2, length, 5) each"""
    size = (2, golden.TINY.length, process.SELF_CONDITIONING)
    tokens = torch.randint(data.EOS, golden.TINY.vocabulary, size, generator=generator)
    return tokens, torch.rand(size, generator=generator).softmax(-1) * 0.9


@torch.no_grad()
def record(model: Transformer) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(6)
    tokens = torch.randint(data.EOS, golden.TINY.vocabulary, (2, golden.TINY.length), generator=generator)
    family = model.config.process
    model = model.double()
    times = TIMES.double()
    if family == "autoregressive":
        return {"tokens": tokens, "log_probabilities": process.predicted(model(tokens))}
    if family == "gaussian":
        vectors = torch.randn(2, golden.TINY.length, golden.TINY.width, generator=generator)
        guess_tokens, guess_weights = guess(generator)
        estimates = (guess_weights.double()[..., None] * model.embeddings()[guess_tokens]).sum(-2)
        log_p = process.predicted(model(vectors.double(), times, estimates))
        return {"tokens": tokens, "log_probabilities": log_p, "vectors": vectors} | {
            "guess_tokens": guess_tokens,
            "guess_weights": guess_weights,
        }
    if family == "mask_uniform":
        tokens[:, ::3] = data.MASK
    rules = process.FAMILIES[family](model.config, torch.empty(0))
    return {"tokens": tokens, "log_probabilities": sample.posterior(rules, model, tokens, times)}


def stored(tensor: Tensor) -> Tensor:
    return tensor.contiguous().float() if tensor.is_floating_point() else tensor.contiguous().int()


if __name__ == "__main__":
    for family in FAMILIES:
        name = f"tiny-{family.replace('_', '-')}"
        about = golden.about_tiny() | {"family": family}
        gguf_file.write(
            golden.GOLDEN / f"{name}.gguf", random_model(family), data.word_tokenizer(golden.TINY_WORDS), about, golden.tiny_form
        )
        model, _, _ = gguf_file.read(golden.GOLDEN / f"{name}.gguf")
        tensors = record(model) | ({"times": TIMES} if family in TIMED else {})
        save_file({key: stored(tensor) for key, tensor in tensors.items()}, golden.GOLDEN / f"{name}.safetensors")
