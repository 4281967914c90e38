"""Models to GGUF files and back, with the keys and tensor names of ARCHITECTURE.md."""

import json
from pathlib import Path

import gguf
import torch
from tokenizers import Tokenizer
from torch import Tensor

from .model import ModelConfig, Transformer
from .quantize import decode, encode

SIZES = {
    "block_count": "layers",
    "embedding_length": "width",
    "feed_forward_length": "feed_forward",
    "context_length": "length",
    "attention.head_count": "heads",
    "attention.key_length": "head_dim",
    "vocab_size": "vocabulary",
}
CONSTANTS = {
    "attention.layer_norm_rms_epsilon": "epsilon",
    "rope.freq_base": "rope_base",
    "process.uniform_share": "uniform_share",
    "process.embedding_power": "embedding_power",
}


def default_form(name: str) -> str:
    """Four bits for matrices, eight for the embedding (it is also the head), floats for what is small."""
    if name == "token_embd.weight":
        return "Q8_0"
    if name in ("time_in.weight", "time_out.weight"):
        return "F16"
    return "F32" if "norm" in name or name.endswith(".bias") or name == "position_embd.weight" else "Q4_0"


def weights_of(model: Transformer) -> dict[str, Tensor]:
    """What the file holds, before rounding."""
    return model.state_dict() | {"token_embd.weight": model.embeddings().detach()}


def as_stored(model: Transformer, form_of=default_form) -> Transformer:
    """The model that a reader of its file gets: every weight quantized and dequantized."""
    stored = Transformer(model.config)
    rounded = {
        name: torch.from_numpy(decode(encode(weights.float().cpu().numpy(), form_of(name)), form_of(name)))
        for name, weights in weights_of(model).items()
    }
    stored.load_state_dict(rounded)
    stored.is_stored = True
    return stored.eval()


def write(path: Path, model: Transformer, tokenizer: Tokenizer, about: dict, form_of=default_form) -> None:
    """`about` holds name, description, licence, family, token counts and provenance (a mapping, stored as JSON)."""
    writer = gguf.GGUFWriter(path, arch="unmask")
    writer.add_name(about["name"])
    writer.add_license(about["licence"])
    writer.add_description(about["description"])
    writer.add_uint32("unmask.format_version", 1)
    for key, field in SIZES.items():
        writer.add_uint32(f"unmask.{key}", getattr(model.config, field))
    for key, field in CONSTANTS.items():
        writer.add_float32(f"unmask.{key}", getattr(model.config, field))
    writer.add_bool("unmask.attention.causal", model.config.causal)
    writer.add_string("unmask.process", model.config.process)
    writer.add_string("unmask.family", about["family"])
    writer.add_array("unmask.token_counts", [int(count) for count in about["token_counts"]])
    writer.add_string("unmask.provenance", json.dumps(about["provenance"]))
    writer.add_string("tokenizer.huggingface.json", tokenizer.to_str())
    for name, weights in weights_of(model).items():
        form = form_of(name)
        stored = encode(weights.float().cpu().numpy(), form)
        writer.add_tensor(name, stored, raw_dtype=gguf.GGMLQuantizationType[form])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read(path: Path) -> tuple[Transformer, Tokenizer, dict]:
    """The model as every reader sees it, weights dequantized to f32, with its tokenizer and `about` as in `write`."""
    reader = gguf.GGUFReader(path)
    value = lambda key: reader.fields[key].contents()
    numbers = {field: value(f"unmask.{key}") for key, field in (SIZES | CONSTANTS).items()}
    model = Transformer(ModelConfig(process=value("unmask.process"), **numbers))
    weights = {t.name: torch.from_numpy(decode(t.data, t.tensor_type.name)) for t in reader.tensors}
    model.load_state_dict(weights)
    model.is_stored = True
    about = {
        "name": value("general.name"),
        "description": value("general.description"),
        "licence": value("general.license"),
        "family": value("unmask.family"),
        "token_counts": value("unmask.token_counts"),
        "provenance": json.loads(value("unmask.provenance")),
    }
    return model.eval(), Tokenizer.from_str(value("tokenizer.huggingface.json")), about
