"""Models to GGUF files and back, with the keys and tensor names of ARCHITECTURE.md."""

import json
from pathlib import Path

import gguf
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from .model import ModelConfig, Transformer
from .quantize import decode, encode

SPECIAL_TOKENS = ["[MASK]", "[UNK]", "[EOS]"]


def word_tokenizer(words: list[str]) -> Tokenizer:
    """Words separated by white space; ids 0-2 are special, `words` follow from 3."""
    vocabulary = {word: token for token, word in enumerate(SPECIAL_TOKENS + words)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.add_special_tokens(SPECIAL_TOKENS)
    return tokenizer


def default_form(name: str) -> str:
    """Four bits for matrices, eight for the embedding (it is also the head), floats for positions and gains."""
    if name == "token_embd.weight":
        return "Q8_0"
    return "F32" if "norm" in name or name == "position_embd.weight" else "Q4_0"


def as_stored(model: Transformer, form_of=default_form) -> Transformer:
    """The model that a reader of its file gets: every weight quantized and dequantized."""
    stored = Transformer(model.config)
    rounded = {
        name: torch.from_numpy(decode(encode(weights.float().numpy(), form_of(name)), form_of(name)))
        for name, weights in model.state_dict().items()
    }
    stored.load_state_dict(rounded)
    return stored.eval()


def write(path: Path, model: Transformer, tokenizer: Tokenizer, about: dict, form_of=default_form) -> None:
    """`about` holds name, description and provenance (a mapping, stored as JSON)."""
    c = model.config
    writer = gguf.GGUFWriter(path, arch="unmask")
    writer.add_name(about["name"])
    writer.add_license("MIT OR Apache-2.0")
    writer.add_description(about["description"])
    counts = {
        "format_version": 1,
        "block_count": c.layers,
        "embedding_length": c.width,
        "feed_forward_length": c.feed_forward,
        "context_length": c.length,
        "attention.head_count": c.heads,
        "attention.key_length": c.head_dim,
        "vocab_size": c.vocabulary,
    }
    for key, value in counts.items():
        writer.add_uint32(f"unmask.{key}", value)
    writer.add_bool("unmask.attention.causal", c.causal)
    writer.add_float32("unmask.attention.layer_norm_rms_epsilon", c.epsilon)
    writer.add_float32("unmask.rope.freq_base", c.rope_base)
    writer.add_string("unmask.process", "mask")
    writer.add_string("unmask.provenance", json.dumps(about["provenance"]))
    writer.add_string("tokenizer.huggingface.json", tokenizer.to_str())
    for name, weights in model.state_dict().items():
        form = form_of(name)
        stored = encode(weights.float().numpy(), form)
        writer.add_tensor(name, stored, raw_dtype=gguf.GGMLQuantizationType[form])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read(path: Path) -> tuple[Transformer, Tokenizer, dict]:
    """The model as every reader sees it: weights dequantized to f32, with tokenizer and provenance."""
    reader = gguf.GGUFReader(path)
    value = lambda key: reader.fields[key].contents()
    config = ModelConfig(
        vocabulary=value("unmask.vocab_size"),
        layers=value("unmask.block_count"),
        width=value("unmask.embedding_length"),
        heads=value("unmask.attention.head_count"),
        head_dim=value("unmask.attention.key_length"),
        feed_forward=value("unmask.feed_forward_length"),
        length=value("unmask.context_length"),
        causal=value("unmask.attention.causal"),
        epsilon=value("unmask.attention.layer_norm_rms_epsilon"),
        rope_base=value("unmask.rope.freq_base"),
    )
    weights = {t.name: torch.from_numpy(decode(t.data, t.tensor_type.name)) for t in reader.tensors}
    model = Transformer(config)
    model.load_state_dict(weights)
    tokenizer = Tokenizer.from_str(value("tokenizer.huggingface.json"))
    return model.eval(), tokenizer, json.loads(value("unmask.provenance"))
