"""Texts from a masked model, one slot a call in random order, at temperature 1: draws from the model itself.

python -m training.sample static/models/storyworld-mask/model.gguf --count 64
"""

import argparse
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from . import gguf_file
from .data import EOS, MASK
from .model import Transformer


@torch.no_grad()
def sample(model: Transformer, count: int, seed: int) -> Tensor:
    """(count, length) token ids"""
    generator = torch.Generator().manual_seed(seed)
    length = model.config.length
    tokens = torch.full((count, length), MASK)
    order = torch.rand(count, length, generator=generator).argsort(1)
    rows = torch.arange(count)
    for slot in order.T:
        x = model.residual_stream(tokens)[-1][rows, slot]
        probabilities = model.head(x)[:, EOS:].double().softmax(-1)
        tokens[rows, slot] = torch.multinomial(probabilities, 1, generator=generator)[:, 0] + EOS
    return tokens


def texts_of(tokens: Tensor, tokenizer: Tokenizer) -> list[str]:
    """Words up to the first [EOS], one space between them."""
    vocabulary = tokenizer.get_vocab()
    word_of = {token: word for word, token in vocabulary.items()}
    texts = []
    for row in tokens.tolist():
        end = row.index(EOS) if EOS in row else len(row)
        texts.append(" ".join(word_of[token] for token in row[:end]))
    return texts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    model, tokenizer, _ = gguf_file.read(arguments.model)
    print(*texts_of(sample(model, arguments.count, arguments.seed), tokenizer), sep="\n")
