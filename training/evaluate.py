"""The bound of a model file on held-out texts, in bits per word, with its standard error.

python -m training.evaluate static/models/storyworld-mask/model.gguf training/data/storyworld.validation.txt
"""

import argparse
from pathlib import Path

import torch

from . import data, gguf_file, process
from .model import Transformer

DRAWS = 4


def bound(model: Transformer, texts: data.Texts, count: int) -> tuple[float, float]:
    """Bits per word of the first `count` texts and the standard error, in f32, the same masks every time."""
    trunk = lambda tokens: model.residual_stream(tokens)[-1]
    generator = torch.Generator().manual_seed(0)
    bits = process.bound_bits(model, trunk, texts.windows[:count].long(), DRAWS, generator)
    return process.bits_per_word(bits, texts.words[:count])


def words_of(tokenizer: gguf_file.Tokenizer) -> list[str]:
    """The ordinary words, in the order of their ids."""
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.get)[len(gguf_file.SPECIAL_TOKENS) :]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    arguments = parser.parse_args()
    model, tokenizer, _ = gguf_file.read(arguments.model)
    texts = data.load(arguments.texts, words_of(tokenizer), model.config.length)
    mean, error = bound(model, texts, arguments.count)
    print(f"bound {mean:.4f} +- {error:.4f} bits/word over {min(arguments.count, len(texts))} texts")
