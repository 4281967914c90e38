"""Writes the card of a shipped model, MODEL.md, from its file, its samples and the language's own checker.

    python -m training.card training/configs/storyworld-mask.toml
"""

import argparse
import hashlib
import subprocess
from pathlib import Path

from . import data, gguf_file
from .data import ROOT
from .process import FAMILIES

CHECKER = ["cargo", "run", "--quiet", "--release", "-p", "storyworld", "--"]
SHOWN = 10  # samples, the first ones: seeds and order are not chosen

OBJECTIVES = {
    "autoregressive": "Cross-entropy of the next token, every slot.",
    "mask": "Cross-entropy at hidden slots, the bound's weight n/k clipped at {clip:g}.",
    "mask_cart": "Cross-entropy at hidden slots, weighted by the visible slots around them (CART, p = 0.1) instead of n/k.",
    "mask_salience": "GenMD4's bound with exponents fixed by frequency (rarest 1, commonest 3: rare words are hidden first), 1/t "
    "clipped at {clip:g}.",
    "uniform": "The bound itself, x̂ taken as leave-one-out (method of UDLM), its weight of small times clipped at {clip:g} t.",
    "mask_uniform": "The bound itself (GIDD, p_u = 0.1), x̂ taken as leave-one-out, its weight of small times clipped at {clip:g} t.",
    "gaussian": "Cross-entropy at all times alike (CDCD) with self-conditioning on the five best tokens in half of the rows; in "
    "half of the rows some slots are given.",
}
BOUNDS = {
    "autoregressive": "Exact negative log-likelihood by the chain rule.",
    "mask": "Evidence lower bound, exactly k slots hidden, k uniform, weight n/k.",
    "mask_salience": "Evidence lower bound of the process with these exponents.",
    "uniform": "Evidence lower bound in continuous time, t from 0.001 to 0.999.",
    "gaussian": "Variational bound: loss of signal-to-noise times squared error from t = 0.02 on, and reading off below.",
}
BOUNDS |= {"mask_cart": BOUNDS["mask"], "mask_uniform": BOUNDS["uniform"]}
SAMPLER = {
    "autoregressive": "from left to right",
    "uniform": "by as many ancestral steps as there are slots",
    "gaussian": "by as many ancestral steps as there are slots",
}


def clean(samples: list[str]) -> int:
    """How many of the texts the language's own checker finds nothing wrong with."""
    lines = "".join(f"{text}\n" for text in samples)
    found = subprocess.run([*CHECKER, "check"], cwd=ROOT, input=lines, capture_output=True, text=True, check=True).stdout
    verdicts = [line.partition(":")[0] for line in found.splitlines() if not line.startswith(" ")]
    assert len(verdicts) == len(samples), f"the checker answered {len(verdicts)} of {len(samples)} texts"
    return verdicts.count("clean")


def entropy(bound: dict) -> str:
    """Of the very texts that the bound was measured on."""
    command = [*CHECKER, "entropy", "--stories", str(bound["texts"]), "--seed", "1000000000"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    value, _, error = found.splitlines()[-1].split()[3:6]
    return f"{float(value):.3f} ± {float(error):.3f}"


def seen(origin: dict) -> str:
    """How long it was trained, and what the weights that it began with had seen."""
    batch, minutes = origin.get("recipe", {}).get("batch"), origin["training_seconds"] / 60
    windows = f" of {batch} windows" if batch else ""
    own = (
        f"{origin['steps']:,} steps{windows}: {origin['tokens_seen']:,} tokens, padding included, in {minutes:.0f} minutes on one "
        f"{origin['machine']}, which other runs may have shared"
    )
    earlier = origin.get("earlier")
    return f"{own}; it began with the weights of an earlier run as they were shipped: {seen(earlier)}" if earlier else own


def describe(config: dict) -> str:
    folder = ROOT / "static" / "models" / config["name"]
    path = folder / "model.gguf"
    model, _, about = gguf_file.read(path)
    samples = (folder / "samples.txt").read_text(encoding="utf-8").splitlines()
    c, origin, family = model.config, about["provenance"], about["family"]
    parameters = sum(weights.numel() for weights in model.parameters())
    recipe, bound, unit = origin["recipe"], origin["bound"], origin["bound"]["unit"]
    figure = lambda name: "{bits:.3f} ± {standard_error:.3f}".format(**bound[name])
    words = origin["data"]["tokens"] == "words"
    truth = [f"| exact entropy of the same texts | {entropy(bound)} bits per word |"] if words else []
    if words:
        truth.append(f"| samples in the language | {clean(samples)} of {len(samples)} have no fault that `storyworld check` finds |")
    order = SAMPLER.get(family, "by as many ancestral steps as there are slots" if "uniform" in family else "one slot a call in random order")
    rows = [
        f"| family | `{family}` ({FAMILIES[family].__name__} in `training/process.py`) |",
        f"| shape | {c.layers} layers, width {c.width}, {c.heads} heads of {c.head_dim}, feed-forward {c.feed_forward}, {c.length} slots, {c.vocabulary} tokens |",
        f"| parameters | {parameters:,} |",
        "| weights | Q4_0 matrices, Q8_0 embedding, F16 time, F32 positions and gains |",
        f"| file | {path.stat().st_size:,} bytes, sha256 `{hashlib.sha256(path.read_bytes()).hexdigest()}` |",
        f"| data | {config['data']['source']} |",
        f"| licence of the data | {config['data']['licence']} |",
        f"| seen | {seen(origin)} |",
        f"| bound, f32 | {figure('f32')} bits per {unit} |",
        f"| bound, as shipped | {figure('quantized')} bits per {unit} |",
        *truth,
        "| licence | MIT OR Apache-2.0 |",
        f"| made by | `training/run.sh training/configs/{config['name']}.toml` |",
    ]
    return "\n".join([
        f"# {about['name']}\n",
        f"{about['description']} The page needs `model.gguf` only; the other files of this folder are for readers.\n",
        "| | |\n|---|---|",
        *rows,
        f"\n**Bound.** {BOUNDS[family]} {bound['texts']:,} held-out windows, 16 stratified draws each; bits of the whole window, padding "
        + (f"included, over words and first `[EOS]`s" if words else "included, over bytes of text")
        + "; ± one standard error over windows.\n",
        "**Training.** " + OBJECTIVES[family].format(clip=recipe["weight_clip"])
        + f" `[EOS]` after the first counts {recipe['padding_weight']:g}. Muon for the matrices of the layers, AdamW for the rest; warm-up, "
        f"plateau, linear decay to zero over the last {recipe['decay_fraction']:.0%}; the last {recipe['grid_fraction']:.0%} through the file's "
        "own 4-bit rounding; the shipped weights are an exponential moving average. Steps were cut to fit a deadline, so that the "
        "families have seen about, not exactly, the same number of tokens. Curve: `loss.png`, numbers: `loss.csv`.\n",
        f"**Known failures.** {config['failures']}\n",
        f"**Samples**, drawn {order} at temperature 1, the first of seed 0, unselected (more in `samples.txt`):\n",
        *(f"> {text}\n" for text in samples[:SHOWN]),
    ])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    config = data.read_config(parser.parse_args().config)
    (ROOT / "static" / "models" / config["name"] / "MODEL.md").write_text(describe(config), encoding="utf-8")
