"""Trains a model: `python -m training.train training/configs/storyworld-mask.toml`, on CPUs, a GPU, or several by `torchrun`.

Resumes from training/checkpoints/NAME if a checkpoint is there. Writes loss.csv and loss.png beside it. With `--carry-on` and no
checkpoint it begins with the weights of the shipped file, static/models/NAME/model.gguf, instead of random ones.
"""

import argparse
import csv
import os
import time
from pathlib import Path

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from . import data, gguf_file, process
from .data import ROOT, read_config
from .model import Matrix, ModelConfig, Transformer
from .optim import optimisers_for

COLUMNS = ["step", "tokens", "seconds", "learning_rate", "train_nats", "bound_bits_per_unit"]
VALIDATION_DRAWS = 2


def checkpoint_folder(name: str) -> Path:
    return ROOT / "training" / "checkpoints" / name


def learning_rate(step: int, progress: float, settings: dict) -> float:
    """Warm-up by steps, then a plateau and a linear decay to zero by the share of the training that is done."""
    return settings["learning_rate"] * min(1.0, (step + 1) / settings["warmup_steps"], (1 - progress) / settings["decay_fraction"])


class Trainer:
    def __init__(self, config: dict, deadline_seconds: float | None = None, carry_on: Path | None = None):
        self.settings, self.deadline = config["train"], deadline_seconds
        self.folder = checkpoint_folder(config["name"])
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rank, self.ranks = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        local = int(os.environ.get("LOCAL_RANK", 0))
        self.device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
        self.data = data.load(config)
        self.model_config = ModelConfig(vocabulary=self.data.tokenizer.get_vocab_size(), **config["model"])
        family = process.FAMILIES[config["family"]]
        self.process = family(self.model_config, self.data.counts.to(self.device))
        held_out = self.settings["validation_texts"]
        self.held_out = self.data.validation[:held_out].to(self.device).long()
        self.held_out_units = self.data.units[:held_out].to(self.device)
        torch.manual_seed(self.settings["seed"])
        self.model = Transformer(self.model_config).to(self.device)
        self.average = Transformer(self.model_config).to(self.device)
        self.average.load_state_dict(self.model.state_dict())
        self.optimisers = optimisers_for(self.model, self.settings["weight_decay"])
        self.batches = data.Batches(self.data.train.to(self.device), self.settings["batch"], self.settings["seed"])
        self.losses = self.process.training_losses
        if self.settings["compile"]:
            self.losses = torch.compile(self.losses, dynamic=False)
        self.step, self.history = 0, []
        self.earlier: dict | None = None  # what was done before the file that training carried on from was written
        self.started = time.time()  # less what training before an interruption took
        self.carry_on = carry_on

    def run(self) -> None:
        self.resume()
        self.describe()
        saved, losses, progress = time.time(), [], self.progress()
        while progress < 1:
            losses.append(self.advance(progress))
            progress = self.progress()
            if self.step % self.settings["report_every"] == 0 or progress >= 1:
                mean = torch.stack(losses).mean().item()  # the only place that waits for the device
                losses = []
                self.report(mean, progress)
            if time.time() - saved > self.settings["checkpoint_seconds"] or progress >= 1:
                self.save()
                saved = time.time()

    def seconds(self) -> float:
        return time.time() - self.started

    def progress(self) -> float:
        """Share of the training that is done: of the steps or, where a deadline comes sooner, of the time. The schedule follows
        it, so that a machine that slows down takes fewer steps and still ends with a learning rate of zero. From 0 to 1."""
        progress = self.step / self.settings["steps"]
        if self.deadline is None:
            return progress
        progress = min(1.0, max(progress, self.seconds() / self.deadline))
        return self.agreed(progress) if self.ranks > 1 else progress

    def agreed(self, progress: float) -> float:
        """Every rank goes by the clock of the first."""
        shared = torch.tensor(progress, dtype=torch.float64, device=self.device)
        distributed.broadcast(shared, 0)
        return shared.item()

    def advance(self, progress: float) -> Tensor:
        """One batch, one update. Every rank takes its part of the batch."""
        Matrix.on_grid = progress >= 1 - self.settings["grid_fraction"]
        place = self.steps_before() + self.step  # another run's windows and noise come before ours
        generator = torch.Generator(self.device).manual_seed(self.settings["seed"] * 1_000_003 + place)
        clean = self.batches.at(place)
        times = process.low_discrepancy(len(clean), generator)
        noisy = self.process.training_noisy(clean, times, generator)
        clean, noisy = clean[self.rank :: self.ranks], process.Noisy(*(part[self.rank :: self.ranks] for part in noisy))
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.settings["bf16"]):
            losses = self.losses(self.model, clean, noisy, self.settings["weight_clip"])
            weights = self.weights(clean)
            loss = (losses * weights).sum() / weights.sum()
        loss.backward()
        self.share_gradients()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        rate = learning_rate(self.step, progress, self.settings)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
            optimiser.zero_grad()
        self.step += 1
        self.update_average()
        return loss.detach()

    def steps_before(self) -> int:
        """Steps of all runs whose weights this one began with."""
        total, earlier = 0, self.earlier
        while earlier:
            total, earlier = total + earlier["steps"], earlier.get("earlier")
        return total

    def weights(self, clean: Tensor) -> Tensor:
        """[EOS] after the first counts little: it is certain once the end is known.  # (batch, length)"""
        padding = (clean == data.EOS) & (clean.roll(1, dims=1) == data.EOS)
        return torch.where(padding, self.settings["padding_weight"], 1.0)

    def share_gradients(self) -> None:
        if self.ranks > 1:
            for parameter in self.model.parameters():
                distributed.all_reduce(parameter.grad, distributed.ReduceOp.AVG)

    @torch.no_grad()
    def update_average(self) -> None:
        """Exponential moving average in f32; short at first, so that the start is forgotten."""
        keep = min(self.settings["average_decay"], self.step / (self.step + 10))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - keep)

    def bound(self) -> float:
        """The averaged weights on the same texts and noise every time, in bits per word or byte."""
        generator = torch.Generator(self.device).manual_seed(0)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.settings["bf16"]):
            bits = process.bound_bits(self.process, self.average, self.held_out, VALIDATION_DRAWS, generator)
        return process.ratio_of_means(bits, self.held_out_units)[0]

    def report(self, train_nats: float, progress: float) -> None:
        bound, seconds = self.bound(), self.seconds()
        rate = learning_rate(self.step - 1, progress, self.settings)
        self.history.append([self.step, self.tokens_seen(), round(seconds), rate, train_nats, bound])
        print(
            f"step {self.step}, {progress:.0%} done  train {train_nats:.3f} nats  bound {bound:.4f} bits per unit  "
            f"{self.tokens_seen() / seconds:.0f} tokens/s  {seconds * (1 / progress - 1) / 60:.1f} min left",
            flush=True,
        )
        if self.rank == 0:
            write_curve(self.history, self.folder)

    def tokens_seen(self) -> int:
        return self.step * self.settings["batch"] * self.model_config.length

    def describe(self) -> None:
        parameters = sum(p.numel() for p in self.model.parameters())
        texts, size = len(self.data.train), self.model_config.vocabulary
        print(f"{parameters} parameters, {size} tokens, {texts} texts, at step {self.step} on {self.device}", flush=True)

    def save(self) -> None:
        if self.rank > 0:
            return
        state = {
            "model_config": self.model_config,
            "tokenizer": self.data.tokenizer.to_str(),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "tokens": self.tokens_seen(),
            "seconds": self.seconds(),
            "earlier": self.earlier,
            "machine": torch.cuda.get_device_name() if self.device.type == "cuda" else f"{os.cpu_count()} CPU cores",
            "history": self.history,
        }
        torch.save(state, self.folder / "checkpoint.part")
        os.replace(self.folder / "checkpoint.part", self.folder / "checkpoint.pt")

    def resume(self) -> None:
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return self.begin_with(self.carry_on) if self.carry_on else None
        state = load_checkpoint(path)
        assert state["model_config"] == self.model_config, f"{path} holds another model; move it away"
        assert state["tokenizer"] == self.data.tokenizer.to_str(), f"{path} was trained on other tokens; move it away"
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"]):
            optimiser.load_state_dict(saved)
        self.step, self.history, self.earlier = state["step"], state["history"], state.get("earlier")
        self.started = time.time() - state["seconds"]

    def begin_with(self, path: Path) -> None:
        """The weights of a model file, whose optimisers' state is lost; `earlier` keeps what they have seen."""
        model, tokenizer, about = gguf_file.read(path)
        assert model.config.process == self.model_config.process, f"{path} holds another process"
        assert tokenizer.to_str() == self.data.tokenizer.to_str(), f"{path} was trained on other tokens"
        for own in (self.model, self.average):
            own.load_state_dict(model.state_dict())
        origin = about["provenance"]
        self.earlier = {key: origin[key] for key in ("steps", "tokens_seen", "training_seconds", "machine", "earlier") if key in origin}


def load_checkpoint(path: Path) -> dict:
    with torch.serialization.safe_globals([ModelConfig]):
        return torch.load(path, weights_only=True, map_location="cpu")


def write_curve(history: list[list], folder: Path) -> None:
    with (folder / "loss.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *history])
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3.5), layout="constrained")
    axes.plot([row[1] / 1e6 for row in history], [row[-1] for row in history])
    axes.set(xlabel="tokens seen (millions)", ylabel="bound (bits per unit)", title="held-out texts, averaged weights")
    axes.grid(alpha=0.3)
    figure.savefig(folder / "loss.png", dpi=80)
    pyplot.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--deadline-seconds", type=float, help="take fewer steps rather than more time")
    parser.add_argument("--carry-on", action="store_true", help="begin with the weights of the shipped file")
    arguments = parser.parse_args()
    config = read_config(arguments.config)
    shipped = ROOT / "static" / "models" / config["name"] / "model.gguf"
    if "WORLD_SIZE" in os.environ:
        distributed.init_process_group()
    Trainer(config, arguments.deadline_seconds, shipped if arguments.carry_on else None).run()
