"""What PyTorch says about two sequences, as posteriors, by every family and by every shipped model.

    python -m training.golden_families                     # tests/golden/tiny-FAMILY: random weights
    python -m training.golden_families storyworld-ar       # tests/golden/shipped/storyworld-ar, of static/models; more names may follow

Tensors: tokens (2, length); slots (S), those that are kept; times (2); log_probabilities (2, S, vocabulary - 2), of the tokens from
[EOS] on, temperature 1; for `gaussian` also vectors (2, length, width) and the last guess, guess_tokens and guess_weights
(2, length, 5).
"""

import argparse
from dataclasses import replace

import torch
from safetensors.torch import save_file
from torch import Tensor

from . import data, gguf_file, golden, process, sample
from .model import TIMED, ModelConfig, Transformer

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


def guess(config: ModelConfig, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Five tokens and their weights, which lack something to one.  # (2, length, 5) each"""
    size = (2, config.length, process.SELF_CONDITIONING)
    tokens = torch.randint(data.EOS, config.vocabulary, size, generator=generator)
    return tokens, torch.rand(size, generator=generator).softmax(-1) * 0.9


@torch.no_grad()
def record(model: Transformer, tokens: Tensor, slots: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """Everything that `log_probabilities` follow from, and them, in f64, as they are stored."""
    config, family, model, shown = model.config, model.config.process, model.double(), {}
    if family == "gaussian":
        vectors = torch.randn(2, config.length, config.width, generator=generator)
        guess_tokens, weights = guess(config, generator)
        estimates = (weights.double()[..., None] * model.embeddings()[guess_tokens]).sum(-2)
        log_p = process.predicted(model(vectors.double(), TIMES.double(), estimates))
        shown = {"vectors": vectors, "guess_tokens": guess_tokens, "guess_weights": weights}
    elif family in TIMED:
        if family == "mask_uniform":
            tokens[:, ::3] = data.MASK
        rules = process.FAMILIES[family](config, torch.empty(0))
        log_p = sample.posterior(rules, model, tokens, TIMES.double())
    else:
        tokens = tokens if config.causal else golden.masked_batch(tokens)
        log_p = process.predicted(model(tokens))
    tensors = shown | {"tokens": tokens, "slots": slots, "log_probabilities": log_p[:, slots]}
    tensors |= {"times": TIMES} if family in TIMED else {}
    return {name: stored(tensor) for name, tensor in tensors.items()}


def stored(tensor: Tensor) -> Tensor:
    return tensor.contiguous().float() if tensor.is_floating_point() else tensor.contiguous().int()


def write_tiny(family: str) -> None:
    name = f"tiny-{family.replace('_', '-')}"
    about = golden.about_tiny() | {"family": family}
    words = data.word_tokenizer(golden.TINY_WORDS)
    gguf_file.write(golden.GOLDEN / f"{name}.gguf", random_model(family), words, about, golden.tiny_form)
    model, _, _ = gguf_file.read(golden.GOLDEN / f"{name}.gguf")
    generator = torch.Generator().manual_seed(6)
    size = (2, golden.TINY.length)
    tokens = torch.randint(data.EOS, golden.TINY.vocabulary, size, generator=generator)
    tensors = record(model, tokens, torch.arange(golden.TINY.length), generator)
    save_file(tensors, golden.GOLDEN / f"{name}.safetensors")


def write_shipped(name: str) -> None:
    """Of two of its own texts, at four slots."""
    model, tokens = golden.shipped(name)
    slots = torch.arange(1, model.config.length, model.config.length // 4)
    folder = golden.GOLDEN / "shipped"
    folder.mkdir(exist_ok=True)
    save_file(record(model, tokens, slots, torch.Generator().manual_seed(6)), folder / f"{name}.safetensors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="folders of static/models; none: the tiny models")
    names = parser.parse_args().models
    for name in names:
        write_shipped(name)
    for family in () if names else FAMILIES:
        write_tiny(family)
