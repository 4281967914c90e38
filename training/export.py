"""Writes a trained model as static/models/NAME: model.gguf, its loss curve and samples, and what was measured.

    python -m training.export training/configs/storyworld-mask.toml

Takes the averaged weights of the latest checkpoint, so it may run while training goes on. `training.card` then writes MODEL.md.
"""

import argparse
import json
import shutil
import subprocess
from pathlib import Path

import torch

from . import data, evaluate, gguf_file
from .data import ROOT
from .model import Transformer
from .sample import sample, texts_of
from .train import checkpoint_folder, load_checkpoint

TEXTS_SCORED = 4000


def commit() -> str:
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def averaged_model(state: dict) -> Transformer:
    model = Transformer(state["model_config"])
    model.load_state_dict(state["average"])
    return model.eval()


def measure(config: dict, model: Transformer, held_out: data.Data, device: str) -> dict:
    """Bounds on the validation texts, before and after quantization."""
    bounds = {"texts": min(TEXTS_SCORED, len(held_out.validation)), "unit": config["data"]["unit"]}
    for name, candidate in (("f32", model), ("quantized", gguf_file.as_stored(model))):
        mean, error = evaluate.bound(candidate.to(device), config["family"], held_out, TEXTS_SCORED)
        bounds[name] = {"bits": round(mean, 5), "standard_error": round(error, 5)}
    return bounds


def export(config: dict) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    state = load_checkpoint(checkpoint_folder(config["name"]) / "checkpoint.pt")
    folder = ROOT / "static" / "models" / config["name"]
    folder.mkdir(parents=True, exist_ok=True)
    model, held_out = averaged_model(state), data.load(config)
    origin = {
        "data": config["data"],
        "recipe": config["train"],
        "commit": commit(),
        "steps": state["step"],
        "tokens_seen": state["tokens"],
        "training_seconds": round(state["seconds"]),
        "machine": state["machine"],
        "earlier": state.get("earlier"),
        "bound": measure(config, model, held_out, device),
    }
    about = {
        "name": config["title"],
        "description": config["description"],
        "licence": "MIT OR Apache-2.0",
        "family": config["family"],
        "token_counts": held_out.counts.tolist(),
        "provenance": origin,
    }
    gguf_file.write(folder / "model.gguf", model.cpu(), held_out.tokenizer, about)
    shipped, tokenizer, _ = gguf_file.read(folder / "model.gguf")
    samples = texts_of(sample(shipped.to(device), config["family"], config["export"]["samples"], seed=0), tokenizer)
    (folder / "samples.txt").write_text("".join(f"{text}\n" for text in samples), encoding="utf-8")
    for curve in ("loss.csv", "loss.png"):
        shutil.copy(checkpoint_folder(config["name"]) / curve, folder / curve)
    print(f"{config['name']}: {json.dumps(origin['bound'])}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    export(data.read_config(parser.parse_args().config))
