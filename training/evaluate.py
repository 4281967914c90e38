"""The bound of a model file on its held-out texts, in bits per word or byte, with its standard error.

python -m training.evaluate training/configs/storyworld-mask.toml [static/models/storyworld-mask/model.gguf]
"""

import argparse
from pathlib import Path

import torch

from . import data, gguf_file, process
from .model import Transformer

DRAWS = 16


def bound(model: Transformer, family: str, held_out: data.Data, count: int, draws: int = DRAWS) -> tuple[float, float]:
    """Bits per unit of the first `count` texts and the standard error, in f32, the same noise every time."""
    device = model.token_embd.weight.device
    rules = process.FAMILIES[family](model.config, held_out.counts.to(device))
    generator = torch.Generator(device).manual_seed(0)
    bits = process.bound_bits(rules, model, held_out.validation[:count].to(device).long(), draws, generator)
    return process.ratio_of_means(bits, held_out.units[:count].to(device))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=2000)
    arguments = parser.parse_args()
    config = data.read_config(arguments.config)
    path = arguments.model or data.ROOT / "static" / "models" / config["name"] / "model.gguf"
    model, _, about = gguf_file.read(path)
    held_out = data.load(config)
    mean, error = bound(model, about["family"], held_out, arguments.count)
    texts = min(arguments.count, len(held_out.validation))
    print(f"bound {mean:.4f} +- {error:.4f} bits per {config['data']['unit']} over {texts} texts")
