"""Texts to windows of token ids, ended by `[EOS]`, which also fills the rest of the window.

    python -m training.data training/configs/storyworld.toml

Reads the texts that a configuration names and writes training/data/NAME: tokenizer.json (kept if it is there), counts.npy (how
often each token occurs in the training windows, one `[EOS]` a text), train.npy and validation.npy (windows of token ids, 16
bits each), units.npy (words or bytes of every validation window: what its bits are divided by).
"""

import argparse
import os
import tomllib
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Callable, Iterable, Iterator

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

ROOT = Path(__file__).parent.parent
SPECIAL_TOKENS = ["[MASK]", "[UNK]", "[EOS]"]
MASK, UNK, EOS = range(len(SPECIAL_TOKENS))
TEXTS_FOR_ORDER = 400_000  # stories from which the words' order by frequency is taken
CHUNK = 20_000  # texts that one process encodes at a time


@dataclass(frozen=True)
class Data:
    tokenizer: Tokenizer
    counts: Tensor  # (vocabulary)
    train: Tensor  # (texts, length) 16 bits
    validation: Tensor  # (texts, length) 16 bits
    units: Tensor  # (validation texts)


def read_config(path: Path) -> dict:
    """A configuration over its base: tables are merged, entries of the nearer file win."""
    own = tomllib.loads(path.read_text(encoding="utf-8"))
    if "base" not in own:
        return own
    base = read_config(path.parent / own.pop("base"))
    merge = lambda below, above: {**below, **above} if isinstance(above, dict) else above
    return base | {key: merge(base.get(key, {}), value) for key, value in own.items()}


def folder_of(config: dict) -> Path:
    return ROOT / "training" / "data" / config["data"]["name"]


def load(config: dict) -> Data:
    folder = folder_of(config)
    array = lambda name: torch.from_numpy(np.load(folder / f"{name}.npy"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return Data(tokenizer, array("counts"), array("train"), array("validation"), array("units"))


def words_of(tokenizer: Tokenizer) -> list[str]:
    """The ordinary tokens, in the order of their ids."""
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.get)[len(SPECIAL_TOKENS) :]


# Words: one text a line, words parted by spaces.


def word_tokenizer(words: list[str]) -> Tokenizer:
    """Words separated by white space; ids 0-2 are special, `words` follow from 3."""
    vocabulary = {word: token for token, word in enumerate(SPECIAL_TOKENS + words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(SPECIAL_TOKENS)
    return tokenizer


def words_by_frequency(texts: Path, vocabulary: Path) -> list[str]:
    """All words of the language, most frequent first; ties in alphabetical order."""
    with texts.open(encoding="utf-8") as lines:
        counts = Counter(word for line in islice(lines, TEXTS_FOR_ORDER) for word in line.split())
    return sorted(vocabulary.read_text(encoding="utf-8").split(), key=lambda word: (-counts[word], word))


def word_windows(lines: list[str], token_of: dict[str, int], length: int) -> np.ndarray:
    """(texts that fit together with their [EOS], length)"""
    texts = [line.split() for line in lines if line.strip()]
    fitting = [words for words in texts if len(words) < length]
    windows = np.full((len(fitting), length), EOS, dtype=np.int16)
    for row, words in enumerate(fitting):
        windows[row, : len(words)] = [token_of.get(word, UNK) for word in words]
    return windows


# Byte pairs: passages parted by blank lines, cut into windows that begin with a sentence.


def byte_pair_tokenizer(text: Path, size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIAL_TOKENS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator((passage for passage in passages_of(text)), trainer)
    return tokenizer


def passages_of(text: Path) -> list[str]:
    """Paragraphs of a passage are joined: the windows are too short for them."""
    return [" ".join(passage.split()) for passage in text.read_text(encoding="utf-8").split("\n\n") if passage.strip()]


def sentences_of(passage: str) -> list[str]:
    """Cut behind a full stop, question or exclamation mark, and the quotes that follow it."""
    sentences, begin = [], 0
    for index, character in enumerate(passage):
        if character == " " and passage[begin:index].rstrip("\"')").endswith((".", "?", "!")):
            sentences.append(passage[begin:index])
            begin = index + 1
    return [*sentences, passage[begin:]]


def sentence_windows(passages: list[str], tokenizer_json: str, length: int) -> np.ndarray:
    """Windows that begin with a sentence. Two of three are filled to the brim, the third ends with a whole sentence; what
    was cut off begins the next window.  # (windows, length)"""
    tokenizer = Tokenizer.from_str(tokenizer_json)
    windows = []
    for passage in passages:
        sentences = sentences_of(passage)
        first = [encoding.ids for encoding in tokenizer.encode_batch_fast(sentences)]
        later = [encoding.ids for encoding in tokenizer.encode_batch_fast([f" {sentence}" for sentence in sentences])]
        begin = 0
        while begin < len(sentences):
            tokens, end = list(first[begin]), begin + 1
            while end < len(sentences) and len(tokens) + len(later[end]) < length:
                tokens += later[end]
                end += 1
            if end < len(sentences) and len(windows) % 3 < 2:
                tokens += later[end]
            window = tokens[:length]
            windows.append(window + [EOS] * (length - len(window)))
            begin = end
    return np.array(windows, dtype=np.int16).reshape(-1, length)


def chunks_of(texts: Iterable[str]) -> Iterator[list[str]]:
    texts = iter(texts)
    while chunk := list(islice(texts, CHUNK)):
        yield chunk


def parallel(encode: Callable[[list[str]], np.ndarray], texts: Iterable[str]) -> np.ndarray:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(encode, chunks_of(texts))))


def count(windows: np.ndarray, vocabulary: int) -> np.ndarray:
    """Occurrences of every token; of a text's [EOS]s only the first.  # (vocabulary)"""
    padding = (windows == EOS) & (np.roll(windows, 1, axis=1) == EOS)
    padding[:, 0] = False
    return np.bincount(windows[~padding], minlength=vocabulary)


def prepare(config: dict) -> None:
    data, length, folder = config["data"], config["model"]["length"], folder_of(config)
    folder.mkdir(parents=True, exist_ok=True)
    source = lambda name: ROOT / data[name]
    if not (folder / "tokenizer.json").exists():
        if data["tokens"] == "words":
            tokenizer = word_tokenizer(words_by_frequency(source("train"), source("vocabulary")))
        else:
            tokenizer = byte_pair_tokenizer(source("train"), data["vocabulary_size"])
        tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for part in ("train", "validation"):
        if data["tokens"] == "words":
            encode = partial(word_windows, token_of=tokenizer.get_vocab(), length=length)
            windows = parallel(encode, source(part).open(encoding="utf-8"))
        else:
            encode = partial(sentence_windows, tokenizer_json=tokenizer.to_str(), length=length)
            windows = parallel(encode, passages_of(source(part)))
        np.save(folder / f"{part}.npy", windows)
        print(f"{folder / part}: {len(windows)} windows of {length}", flush=True)
        if part == "train":
            np.save(folder / "counts.npy", count(windows, tokenizer.get_vocab_size()))
        else:
            np.save(folder / "units.npy", units(windows, tokenizer, data["tokens"]))


def units(windows: np.ndarray, tokenizer: Tokenizer, tokens: str) -> np.ndarray:
    """Words and the first [EOS] of every window, or bytes of its text.  # (windows)"""
    if tokens == "words":
        return np.minimum((windows != EOS).sum(1) + 1, windows.shape[1])
    texts = tokenizer.decode_batch([row[row != EOS] for row in windows])
    return np.array([len(text.encode()) for text in texts])


class Batches:
    """Batch `step` is a function of the seed and the step alone, so that a resumed run sees what it would have seen."""

    def __init__(self, windows: Tensor, size: int, seed: int):
        assert len(windows) >= size, f"found {len(windows)} texts, expected at least a batch of {size}"
        self.windows, self.size, self.seed = windows, size, seed
        self.epoch, self.order = -1, torch.empty(0, dtype=torch.long)

    def at(self, step: int) -> Tensor:
        """(size, length)"""
        epoch, within = divmod(step, len(self.windows) // self.size)
        if epoch != self.epoch:
            generator = torch.Generator().manual_seed(self.seed * 1000 + epoch)
            order = torch.randperm(len(self.windows), generator=generator)
            self.epoch, self.order = epoch, order.to(self.windows.device)
        rows = self.order[within * self.size : (within + 1) * self.size]
        return self.windows[rows].long()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    prepare(read_config(parser.parse_args().config))
