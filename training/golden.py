"""Writes tests/golden: the numbers that every back end of the engine is held to.

    python -m training.golden tiny                 # tiny.gguf (random weights) and tiny.safetensors
    python -m training.golden storyworld-mask      # storyworld-mask.safetensors, of the shipped model

Weights are read back from the file, dequantized, and run in f64; results are stored as f32.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from . import data, gguf_file
from .model import ModelConfig, Transformer

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden"
TINY = ModelConfig(vocabulary=51, layers=2, width=64, heads=2, head_dim=32, feed_forward=96, length=16)
TINY_WORDS = """a the and , . ! ? fox hen cat dog bird fish tree river hill house door lamp book cup
red blue old new small warm cold sees finds likes takes gives runs sleeps sings sits under over near
with from then again quietly today always little""".split()


def tiny_form(name: str) -> str:
    """Every weight format once, the same within q, k, v and within gate, up: those may be run as one matrix."""
    forms = {
        "blk.1.attn_q.weight": "Q8_0",
        "blk.1.attn_k.weight": "Q8_0",
        "blk.1.attn_v.weight": "Q8_0",
        "blk.1.ffn_gate.weight": "F16",
        "blk.1.ffn_up.weight": "F16",
        "blk.1.ffn_down.weight": "F32",
    }
    return forms.get(name, gguf_file.default_form(name))


def tiny_model() -> Transformer:
    """Random, but on the scale of a trained model: logits spread by about 2, attention neither flat nor one-hot."""
    torch.manual_seed(1)
    model = Transformer(TINY)
    for name, weight in model.named_parameters():
        if name.endswith("embd.weight"):
            weight.data.normal_(std=0.25)
        elif "q_norm" in name or "k_norm" in name:
            weight.data.normal_(mean=1.5, std=0.3)
        elif "norm" in name:
            weight.data.normal_(mean=1.0, std=0.2)
    return model


def masked_batch(tokens: Tensor) -> Tensor:
    """The first sequence with about half its slots masked, the second all masks but its first four."""
    generator = torch.Generator().manual_seed(2)
    hidden = torch.rand(tokens.shape, generator=generator) < 0.5
    hidden[1] = torch.arange(tokens.shape[1]) >= 4
    return tokens.masked_fill(hidden, 0)


@torch.no_grad()
def record(model: Transformer, tokens: Tensor, slots: Tensor) -> dict[str, Tensor]:
    """Every stage of the forward pass at `slots`, by the names of tests/golden/README.md."""
    model = model.double()
    stream = model.residual_stream(tokens)
    stages = {"embedding": stream[0]} | {f"layer.{n}": x for n, x in enumerate(stream[1:])}
    stages |= {"normed": model.output_norm(stream[-1]), "logits": model.head(stream[-1])}
    return {"tokens": tokens.int(), "slots": slots.int()} | {
        name: stage[:, slots].float().contiguous() for name, stage in stages.items()
    }


def about_tiny() -> dict:
    return {
        "name": "tiny",
        "description": "A fixture with random weights; it knows no language.",
        "licence": "MIT OR Apache-2.0",
        "family": "mask",
        "token_counts": range(TINY.vocabulary),
        "provenance": {"data": "none", "recipe": "training/golden.py, random weights", "tokens_seen": 0},
    }


def write_tiny() -> None:
    assert len(TINY_WORDS) == TINY.vocabulary - len(data.SPECIAL_TOKENS)
    path = GOLDEN / "tiny.gguf"
    gguf_file.write(path, tiny_model(), data.word_tokenizer(TINY_WORDS), about_tiny(), tiny_form)
    model, _, _ = gguf_file.read(path)
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randint(3, TINY.vocabulary, (2, TINY.length), generator=generator)
    stages = record(model, masked_batch(tokens), torch.arange(TINY.length))
    save_file(stages, GOLDEN / "tiny.safetensors")


def shipped(name: str) -> tuple[Transformer, Tensor]:
    """A model of static/models and two of its own texts.  # tokens (2, length)"""
    folder = ROOT / "static" / "models" / name
    model, tokenizer, _ = gguf_file.read(folder / "model.gguf")
    length = model.config.length
    tokens = torch.full((2, length), data.EOS)
    for row, text in enumerate((folder / "samples.txt").read_text().splitlines()[:2]):
        ids = tokenizer.encode(text).ids[:length]
        tokens[row, : len(ids)] = torch.tensor(ids)
    return model, tokens


def write_shipped(name: str) -> None:
    """Every eighth slot: small, yet every layer is covered."""
    model, tokens = shipped(name)
    stages = record(model, masked_batch(tokens), torch.arange(0, model.config.length, 8))
    save_file(stages, GOLDEN / f"{name}.safetensors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="`tiny`, or a folder of static/models")
    name = parser.parse_args().model
    write_tiny() if name == "tiny" else write_shipped(name)
