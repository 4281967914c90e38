"""Writes a trained model as static/models/NAME: model.gguf, its card, its loss curve and samples.

    python -m training.export training/configs/storyworld-mask.toml

Takes the averaged weights of the latest checkpoint, so it may run while training goes on.
"""

import argparse
import hashlib
import shutil
import subprocess
import tomllib
from pathlib import Path

from . import data, evaluate, gguf_file
from .model import Transformer
from .sample import sample, texts_of
from .train import ROOT, checkpoint_folder, load_checkpoint

SAMPLES = 128
CHECKER = ["cargo", "run", "--quiet", "--release", "-p", "storyworld", "--", "check"]
TEXTS_SCORED = 1000


def commit() -> str:
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def averaged_model(state: dict) -> Transformer:
    model = Transformer(state["model_config"])
    model.load_state_dict(state["average"])
    return model.eval()


def measure(config: dict, state: dict, model: Transformer) -> dict:
    """Bounds on the validation texts, before and after quantization."""
    validation = data.load(ROOT / config["data"]["validation"], state["vocabulary"], model.config.length)
    bounds = {}
    for name, candidate in (("f32", model), ("quantized", gguf_file.as_stored(model))):
        mean, error = evaluate.bound(candidate, validation, TEXTS_SCORED)
        bounds[name] = {"bits_per_word": round(mean, 4), "standard_error": round(error, 4)}
    return bounds


def accepted(texts: list[str]) -> int:
    """How many of the texts the language's own checker finds nothing wrong with."""
    lines = "".join(f"{text}\n" for text in texts)
    found = subprocess.run(CHECKER, cwd=ROOT, input=lines, capture_output=True, text=True, check=True).stdout
    verdicts = [line.partition(":")[0] for line in found.splitlines() if not line.startswith(" ")]
    assert len(verdicts) == len(texts), f"the checker answered {len(verdicts)} of {len(texts)} texts"
    return verdicts.count("clean")


def provenance(config: dict, state: dict, bounds: dict) -> dict:
    return {
        "data": config["data"],
        "recipe": config["train"],
        "commit": commit(),
        "steps": state["step"],
        "tokens_seen": state["tokens"],
        "training_seconds": round(state["seconds"]),
        "bound": bounds,
    }


def card(config: dict, state: dict, origin: dict, path: Path, samples: list[str]) -> str:
    recipe, bounds = config["train"], origin["bound"]
    c = state["model_config"]
    parameters = sum(weights.numel() for weights in state["average"].values())
    bound = lambda name: "{bits_per_word:.3f} ± {standard_error:.3f}".format(**bounds[name])
    return f"""# {config["title"]}

{config["description"]} The page needs `model.gguf` only; the other files of this folder are for readers.

| | |
|---|---|
| shape | {c.layers} layers, width {c.width}, {c.heads} heads of {c.head_dim}, feed-forward {c.feed_forward}, {c.length} slots, {c.vocabulary} tokens |
| parameters | {parameters:,} |
| weights | Q4_0 matrices, Q8_0 embedding, F32 positions and gains |
| file | {path.stat().st_size:,} bytes, sha256 `{hashlib.sha256(path.read_bytes()).hexdigest()}` |
| data | {config["data"]["source"]} |
| code | commit `{origin["commit"]}`, `training/configs/{config["name"]}.toml` |
| seen | {state["step"]:,} of {recipe["steps"]:,} steps, {recipe["batch"]} texts each: {state["tokens"]:,} tokens, padding included, in {state["seconds"] / 60:.0f} minutes on two CPU cores |
| bound, f32 | {bound("f32")} bits per word |
| bound, as shipped | {bound("quantized")} bits per word |
| samples in the language | {accepted(samples)} of {len(samples)} have no fault that `storyworld check` finds |
| licence | MIT OR Apache-2.0 |

**Bound.** The negative evidence lower bound of the absorbing-mask process on {TEXTS_SCORED:,} held-out texts: exactly k slots hidden, k
uniform in 1..{c.length}, weight {c.length}/k, {evaluate.DRAWS} stratified draws a text. Bits of the whole window, padding included, over the number of
words and first `[EOS]`s; ± one standard error over texts. It bounds the cross-entropy from above.
{config["data"]["entropy"]}

**Training.** Plain cross-entropy at hidden slots, weight n/k clipped at {recipe["weight_clip"]:g}, `[EOS]` after the first counted
{recipe["padding_weight"]:g}; Muon for the matrices of the layers, AdamW for the rest, warm-up, plateau and linear decay to zero; the
shipped weights are an exponential moving average. Curve: `loss.png`, numbers: `loss.csv`.

**Samples**, drawn one slot a call in random order at temperature 1, unselected (more in `samples.txt`):

""" + "\n".join(f"> {text}\n" for text in samples[:6])


def export(config: dict) -> None:
    state = load_checkpoint(checkpoint_folder(config["name"]) / "checkpoint.pt")
    folder = ROOT / "static" / "models" / config["name"]
    folder.mkdir(parents=True, exist_ok=True)
    model = averaged_model(state)
    tokenizer = gguf_file.word_tokenizer(state["vocabulary"])
    origin = provenance(config, state, measure(config, state, model))
    about = {"name": config["title"], "description": config["description"], "provenance": origin}
    path = folder / "model.gguf"
    gguf_file.write(path, model, tokenizer, about)
    shipped, _, _ = gguf_file.read(path)
    samples = texts_of(sample(shipped, SAMPLES, seed=0), tokenizer)
    (folder / "samples.txt").write_text("".join(f"{text}\n" for text in samples), encoding="utf-8")
    (folder / "MODEL.md").write_text(card(config, state, origin, path, samples), encoding="utf-8")
    for curve in ("loss.csv", "loss.png"):
        shutil.copy(checkpoint_folder(config["name"]) / curve, folder / curve)
    print(f"{path}: {origin['bound']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    export(tomllib.loads(parser.parse_args().config.read_text()))
