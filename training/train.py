"""Trains a model: `python -m training.train training/configs/storyworld-mask.toml`.

Resumes from training/checkpoints/NAME if a checkpoint is there. Writes loss.csv and loss.png beside it.
"""

import argparse
import csv
import os
import time
import tomllib
from pathlib import Path

import torch
from torch import Tensor, nn

from . import data, process
from .model import ModelConfig, Transformer

ROOT = Path(__file__).parent.parent
COLUMNS = ["step", "tokens", "seconds", "learning_rate", "train_nats", "bound_bits_per_word"]


def checkpoint_folder(name: str) -> Path:
    return ROOT / "training" / "checkpoints" / name


def learning_rate(step: int, settings: dict) -> float:
    """Warm-up, plateau, linear decay to zero: the plateau's end may be moved when resuming."""
    total, warmup = settings["steps"], settings["warmup_steps"]
    decay = settings["decay_fraction"] * total
    return settings["learning_rate"] * min(1.0, (step + 1) / warmup, (total - step) / decay)


def optimisers_for(model: nn.Module, settings: dict) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the embedding and the gains."""
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and n.startswith("blk.")]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or not n.startswith("blk.")]
    decay = settings["weight_decay"]
    return [
        torch.optim.Muon(matrices, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


class Trainer:
    def __init__(self, config: dict):
        self.settings = config["train"]
        self.folder = checkpoint_folder(config["name"])
        self.folder.mkdir(parents=True, exist_ok=True)
        train_file = ROOT / config["data"]["train"]
        self.vocabulary = data.vocabulary_of(train_file)
        size = len(self.vocabulary) + len(data.SPECIAL_TOKENS)
        self.model_config = ModelConfig(vocabulary=size, **config["model"])
        self.texts = data.load(train_file, self.vocabulary, self.model_config.length)
        validation = data.load(ROOT / config["data"]["validation"], self.vocabulary, self.model_config.length)
        self.held_out = validation.windows[: self.settings["validation_texts"]].long()
        self.held_out_words = validation.words[: self.settings["validation_texts"]]
        torch.manual_seed(self.settings["seed"])
        self.model = Transformer(self.model_config)
        self.average = Transformer(self.model_config)
        self.average.load_state_dict(self.model.state_dict())
        self.optimisers = optimisers_for(self.model, self.settings)
        self.batches = data.Batches(self.texts, self.settings["batch"], self.settings["seed"])
        self.trunk = self.trunk_of(self.model)
        self.step, self.seconds, self.history = 0, 0.0, []

    def trunk_of(self, model: Transformer) -> process.Trunk:
        trunk = lambda tokens: model.residual_stream(tokens)[-1]
        return torch.compile(trunk) if self.settings["compile"] else trunk

    def run(self) -> None:
        self.resume()
        self.describe()
        started, saved, smoothed = time.time() - self.seconds, time.time(), None
        while self.step < self.settings["steps"]:
            loss = self.advance()
            smoothed = loss if smoothed is None else 0.98 * smoothed + 0.02 * loss
            self.seconds = time.time() - started
            if self.step % self.settings["report_every"] == 0 or self.step == self.settings["steps"]:
                self.report(smoothed)
            if time.time() - saved > self.settings["checkpoint_seconds"] or self.step == self.settings["steps"]:
                self.save()
                saved = time.time()

    def advance(self) -> float:
        """One batch, one update."""
        generator = torch.Generator().manual_seed(self.settings["seed"] * 1_000_003 + self.step)
        rate = learning_rate(self.step, self.settings)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.settings["bf16"]):
            clean = self.batches.at(self.step)
            loss = process.training_loss(self.model, self.trunk, clean, self.settings, generator)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
            optimiser.zero_grad()
        self.step += 1
        self.update_average()
        return loss.item()

    @torch.no_grad()
    def update_average(self) -> None:
        """Exponential moving average in f32; short at first, so that the start is forgotten."""
        keep = min(self.settings["average_decay"], self.step / (self.step + 10))
        pairs = zip(self.average.parameters(), self.model.parameters())
        for average, present in pairs:
            average.lerp_(present, 1 - keep)

    def validation_bits_per_word(self) -> float:
        """The averaged weights on the same texts and masks every time."""
        generator = torch.Generator().manual_seed(0)
        trunk = lambda tokens: self.average.residual_stream(tokens)[-1]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.settings["bf16"]):
            bits = process.bound_bits(self.average, trunk, self.held_out, 2, generator)
        return process.bits_per_word(bits, self.held_out_words)[0]

    def report(self, smoothed: float) -> None:
        bound = self.validation_bits_per_word()
        left = (self.settings["steps"] - self.step) * self.seconds / self.step
        rate = learning_rate(self.step - 1, self.settings)
        self.history.append([self.step, self.tokens_seen(), round(self.seconds), rate, smoothed, bound])
        print(
            f"step {self.step}/{self.settings['steps']}  train {smoothed:.3f} nats  bound {bound:.4f} bits/word  "
            f"{self.tokens_seen() / self.seconds:.0f} tokens/s  {left / 60:.0f} min left",
            flush=True,
        )
        write_curve(self.history, self.folder)

    def tokens_seen(self) -> int:
        return self.step * self.settings["batch"] * self.model_config.length

    def describe(self) -> None:
        parameters = sum(p.numel() for p in self.model.parameters())
        words, texts, dropped = len(self.vocabulary), len(self.texts), self.texts.dropped
        print(f"{parameters} parameters, {words} words, {texts} texts ({dropped} too long), at step {self.step}")

    def save(self) -> None:
        state = {
            "model_config": self.model_config,
            "vocabulary": self.vocabulary,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "tokens": self.tokens_seen(),
            "seconds": self.seconds,
            "history": self.history,
        }
        torch.save(state, self.folder / "checkpoint.part")
        os.replace(self.folder / "checkpoint.part", self.folder / "checkpoint.pt")

    def resume(self) -> None:
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = load_checkpoint(path)
        assert state["model_config"] == self.model_config, f"{path} holds another model; move it away"
        assert state["vocabulary"] == self.vocabulary, f"{path} was trained on other words; move it away"
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"]):
            optimiser.load_state_dict(saved)
        self.step, self.seconds, self.history = state["step"], state["seconds"], state["history"]


def load_checkpoint(path: Path) -> dict:
    with torch.serialization.safe_globals([ModelConfig]):
        return torch.load(path, weights_only=True)


def write_curve(history: list[list], folder: Path) -> None:
    with (folder / "loss.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *history])
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3.5), layout="constrained")
    axes.plot([row[1] / 1e6 for row in history], [row[-1] for row in history])
    axes.set(xlabel="tokens seen (millions)", ylabel="bound (bits per word)", title="held-out texts, averaged weights")
    axes.grid(alpha=0.3)
    figure.savefig(folder / "loss.png", dpi=80)
    pyplot.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    Trainer(tomllib.loads(parser.parse_args().config.read_text())).run()
