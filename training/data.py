"""Texts to windows of token ids: one text a line, words parted by spaces, `[EOS]` to the end of the window."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .gguf_file import SPECIAL_TOKENS

MASK, UNK, EOS = range(len(SPECIAL_TOKENS))


@dataclass(frozen=True)
class Texts:
    windows: Tensor  # (texts, length) token ids, 16 bits each
    words: Tensor  # (texts,) number of words, [EOS] not counted
    dropped: int  # lines that do not fit into a window together with their [EOS]

    def __len__(self) -> int:
        return len(self.windows)


def vocabulary_of(path: Path) -> list[str]:
    """All words of a text file, most frequent first; ties in alphabetical order."""
    counts = Counter(path.read_text(encoding="utf-8").split())
    return sorted(counts, key=lambda word: (-counts[word], word))


def encode(lines: list[str], vocabulary: list[str], length: int) -> Texts:
    token_of = {word: token for token, word in enumerate(SPECIAL_TOKENS + vocabulary)}
    texts = [line.split() for line in lines if line.strip()]
    fitting = [words for words in texts if len(words) < length]
    windows = np.full((len(fitting), length), EOS, dtype=np.int16)
    for row, words in enumerate(fitting):
        windows[row, : len(words)] = [token_of.get(word, UNK) for word in words]
    counts = torch.tensor([len(words) for words in fitting])
    return Texts(torch.from_numpy(windows), counts, len(texts) - len(fitting))


def load(path: Path, vocabulary: list[str], length: int) -> Texts:
    return encode(path.read_text(encoding="utf-8").splitlines(), vocabulary, length)


class Batches:
    """Batch `step` is a function of the seed and the step alone, so that a resumed run sees what it would have seen."""

    def __init__(self, texts: Texts, size: int, seed: int):
        assert len(texts) >= size, f"found {len(texts)} texts, expected at least a batch of {size}"
        self.texts, self.size, self.seed = texts, size, seed
        self.epoch, self.order = -1, torch.empty(0, dtype=torch.long)

    def at(self, step: int) -> Tensor:
        """(size, length)"""
        epoch, within = divmod(step, len(self.texts) // self.size)
        if epoch != self.epoch:
            generator = torch.Generator().manual_seed(self.seed * 1000 + epoch)
            self.epoch, self.order = epoch, torch.randperm(len(self.texts), generator=generator)
        rows = self.order[within * self.size : (within + 1) * self.size]
        return self.texts.windows[rows].long()
