"""The families: what noise shows of a clean text, what that costs a network, and the bound by which models are compared.

Every family has the same three functions:

- `noisy` draws what the network sees of clean windows at times t;
- `bound_losses` gives the integrand of the bound at that draw, in nats for every slot: its mean over t in (0, 1] and noise,
  summed over slots, is an upper bound of -log p(window), for `Autoregressive` its exact value;
- `training_losses` is what training minimises, on draws of `training_noisy`: the same integrand with the weight of its small
  times clipped, unless a family says otherwise. It trains fast and is comparable with nothing.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .data import EOS, MASK
from .model import ModelConfig, Transformer

SMALLEST_TIME = 1e-3
CART_FOCUS = 0.1  # p of CART's geometric distance weights, as in the released checkpoints
EXPONENTS = (1.0, 3.0)  # of salience masking, from the rarest to the commonest token
FIRST_TIME = 0.02  # of Gaussian noise: below, the text is read off by the head
SELF_CONDITIONING = 5  # best tokens whose mean embedding is the estimate


class Noisy(NamedTuple):
    shown: Tensor  # token ids (batch, length), or vectors (batch, length, width)
    times: Tensor  # (batch)
    hidden: Tensor  # slots that the family predicts (batch, length) bool


def predicted(logits: Tensor) -> Tensor:
    """Log-probabilities; mask and unknown word are never predicted.  # (..., vocabulary - 2), from [EOS] on"""
    logits = logits[..., EOS:]
    return (logits if logits.dtype == torch.float64 else logits.float()).log_softmax(-1)


def cross_entropy(logits: Tensor, clean: Tensor) -> Tensor:
    """-log p(clean token), nats.  # (batch, length)"""
    logits = logits[..., EOS:].float()
    return F.cross_entropy(logits.flatten(0, -2), (clean - EOS).flatten(), reduction="none").view(clean.shape)


class Process:
    """A family over a vocabulary; `counts` says how often each token occurs in the training text."""

    def __init__(self, config: ModelConfig, counts: Tensor):
        self.config, self.counts = config, counts

    def noisy(self, clean: Tensor, times: Tensor, generator: torch.Generator) -> Noisy:
        raise NotImplementedError

    def training_noisy(self, clean: Tensor, times: Tensor, generator: torch.Generator) -> Noisy:
        return self.noisy(clean, times, generator)

    def bound_losses(self, model: Transformer, clean: Tensor, noisy: Noisy) -> Tensor:
        raise NotImplementedError

    def training_losses(self, model: Transformer, clean: Tensor, noisy: Noisy, clip: float) -> Tensor:
        gentle = (noisy.times * clip).clamp(max=1.0)[:, None]
        return self.bound_losses(model, clean, noisy) * gentle


class Autoregressive(Process):
    """The chain rule, exactly."""

    def noisy(self, clean: Tensor, times: Tensor, generator: torch.Generator) -> Noisy:
        return Noisy(clean, torch.ones_like(times), torch.ones_like(clean, dtype=torch.bool))

    def bound_losses(self, model: Transformer, clean: Tensor, noisy: Noisy) -> Tensor:
        return cross_entropy(model(noisy.shown), clean)


class Mask(Process):
    """Absorbing: exactly k of n slots hidden, k uniform in 1..n, weight n/k.

    The same bound as hiding each slot with probability t, with far less variance.
    """

    def noisy(self, clean: Tensor, times: Tensor, generator: torch.Generator) -> Noisy:
        length = clean.shape[1]
        counts = (times * length).ceil().clamp(1, length)
        order = torch.rand(clean.shape, generator=generator, device=clean.device).argsort(1).argsort(1)
        hidden = order < counts[:, None]
        return Noisy(clean.masked_fill(hidden, MASK), counts / length, hidden)

    def bound_losses(self, model: Transformer, clean: Tensor, noisy: Noisy) -> Tensor:
        return cross_entropy(model(noisy.shown), clean) * noisy.hidden / noisy.times[:, None]


class Cart(Mask):
    """Masks, trained with context-adaptive weights (CART, Dream): a hidden slot counts by the visible ones around it,
    a visible one at distance d giving p (1 - p)^(d - 1) / 2. The corruption, and so the bound, is that of masks."""

    def training_losses(self, model: Transformer, clean: Tensor, noisy: Noisy, clip: float) -> Tensor:
        place = torch.arange(clean.shape[1], device=clean.device)
        distance = (place[:, None] - place).abs()
        weight = torch.where(distance > 0, CART_FOCUS / 2 * (1 - CART_FOCUS) ** (distance - 1.0), 0.0)
        near = (~noisy.hidden).float() @ weight
        return cross_entropy(model(noisy.shown), clean) * noisy.hidden * near


class Salience(Mask):
    """Masks that fall on rare tokens first: token v is hidden at t with probability t^w_v, w from the token's frequency.

    GenMD4's bound (Shi et al., arXiv 2406.04329, section 6) with exponents that are given instead of learned:
    E (1/t) sum over hidden slots of w_x (-log p_x) - w_x + sum_v w_v p_v.
    """

    def exponents(self) -> Tensor:
        """From the logarithm of the counts.  # (vocabulary)"""
        frequency = (self.counts + 1.0).log()
        rarest, commonest = EXPONENTS
        return rarest + (commonest - rarest) * frequency / frequency.max()

    def noisy(self, clean: Tensor, times: Tensor, generator: torch.Generator) -> Noisy:
        fate = torch.rand(clean.shape, generator=generator, device=clean.device)
        hidden = fate < times[:, None] ** self.exponents()[clean]
        return Noisy(clean.masked_fill(hidden, MASK), times, hidden)

    def bound_losses(self, model: Transformer, clean: Tensor, noisy: Noisy) -> Tensor:
        exponents = self.exponents()
        p = predicted(model(noisy.shown))
        own = exponents[clean]
        right = p.gather(-1, (clean - EOS)[..., None])[..., 0]
        losses = -own * right - own + p.exp() @ exponents[EOS:]
        return losses * noisy.hidden / noisy.times[:, None]


class Uniform(Process):
    """Random words. The network puts out the leave-one-out distribution x̂, p(clean token | all other slots).

    For noise that redraws a token without looking at it the bound's integrand at a slot that shows z is
    w (KL(q_t || q̂_t) + r - log r - 1), r = q_t(z) / q̂_t(z), where q_t is the noisy token's distribution given the clean
    one, q̂_t the same given x̂, and w = (rate at which noise lands on z) / q_t(z) (GIDD, arXiv 2503.04482; equals UDLM's).
    """

    def masses(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Share kept, masked, and drawn uniformly from the words, at t."""
        return 1 - t, torch.zeros_like(t), t

    def rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """At which noise lands on the mask, and on the words together."""
        return torch.zeros_like(t), 1 / (1 - t)

    def words(self) -> int:
        return self.config.vocabulary - EOS

    def noisy(self, clean: Tensor, times: Tensor, generator: torch.Generator) -> Noisy:
        times = times.clamp(SMALLEST_TIME, 1 - SMALLEST_TIME)
        draw = lambda: torch.rand(clean.shape, generator=generator, device=clean.device)
        kept, masked, _ = (share[:, None] for share in self.masses(times))
        word = EOS + (draw() * self.words()).long().clamp(max=self.words() - 1)
        fate = draw()
        shown = torch.where(fate < kept, clean, torch.where(fate < kept + masked, MASK, word))
        return Noisy(shown, times, torch.ones_like(clean, dtype=torch.bool))

    def bound_losses(self, model: Transformer, clean: Tensor, noisy: Noisy) -> Tensor:
        p = predicted(model(noisy.shown, noisy.times)).exp()
        return self.integrand(p, clean, noisy)

    def integrand(self, p: Tensor, clean: Tensor, noisy: Noisy) -> Tensor:
        """With p the leave-one-out distribution.  # (batch, length)"""
        kept, masked, uniform = (share[:, None] for share in self.masses(noisy.times))
        to_mask, to_words = (rate[:, None] for rate in self.rates(noisy.times))
        each = uniform / self.words()
        own = p.gather(-1, (clean - EOS)[..., None])[..., 0]
        is_mask = noisy.shown == MASK
        seen = p.gather(-1, (noisy.shown - EOS).clamp(min=0)[..., None])[..., 0]
        guessed = (kept[..., None] * p + each[..., None]).log()
        guessed_own = (kept * own + each).log()
        divergence = each * (self.words() * each.log() - guessed.sum(-1)) - each * (each.log() - guessed_own)
        divergence = divergence + (kept + each) * ((kept + each).log() - guessed_own)
        true = torch.where(noisy.shown == clean, kept + each, each)
        ratio = true / (kept * seen + each)
        mismatch = torch.where(is_mask, 0.0, ratio - ratio.log() - 1)
        weight = torch.where(is_mask, to_mask / masked.clamp(min=1e-12), to_words / self.words() / true)
        return weight * (divergence + mismatch)


    def step_back(self, clean: Tensor, shown: Tensor, s: float, t: float, generator: torch.Generator) -> Tensor:
        """A draw of q(x_s | x_t, x_0): Bayes' rule over what x_s can be - the clean token, the present one, a mask, or
        any other word.  # (batch, length)"""
        if s == 0:
            return clean
        draw = lambda: torch.rand(clean.shape, generator=generator, device=clean.device)
        early, late = (self.masses(torch.tensor(time, device=clean.device)) for time in (s, t))
        share = late[0] / early[0]  # of tokens that the step from s to t leaves alone
        landing = torch.where(shown == MASK, late[1] - share * early[1], (late[2] - share * early[2]) / self.words())
        each = early[2] / self.words()
        # x_s was the present token and stayed, or was anything and the noise of the step landed on the present token.
        here = torch.where(shown == MASK, early[1], each) + early[0] * (shown == clean)
        stayed = share * here
        of_clean, of_mask, of_word = landing * early[0], landing * early[1], landing * early[2]
        fate = draw() * (stayed + of_clean + of_mask + of_word)
        word = EOS + (draw() * self.words()).long().clamp(max=self.words() - 1)
        moved = torch.where(fate < stayed + of_clean, clean, torch.where(fate < stayed + of_clean + of_mask, MASK, word))
        return torch.where(fate < stayed, shown, moved)


class MaskUniform(Uniform):
    """Mostly masks, some random words (GIDD): c(t) = B sqrt(t (1 - t)), B = 2 p_u / (1 - p_u); kept (1 - t) / (1 + c),
    masked t / (1 + c), uniform c / (1 + c)."""

    def excess(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """c and its derivative."""
        scale = 2 * self.config.uniform_share / (1 - self.config.uniform_share)
        c = scale * (t * (1 - t)).sqrt()
        return c, c * (1 - 2 * t) / (2 * t * (1 - t))

    def masses(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        c, _ = self.excess(t)
        return (1 - t) / (1 + c), t / (1 + c), c / (1 + c)

    def rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        c, slope = self.excess(t)
        return 1 / ((1 - t) * (1 + c)), (c / (1 - t) + slope) / (1 + c)


class Gaussian(Process):
    """Noise on embeddings, variance preserving, power kept 1 - t (CDCD, arXiv 2211.15089): cross-entropy, self-conditioning.

    The bound is that of a Gaussian diffusion (Kingma et al., arXiv 2107.00630): half the loss of signal-to-noise ratio times the
    squared error of the mean embedding, from FIRST_TIME on, and below it the cross-entropy of reading the text off.
    At t = 1 nothing is left, so that the prior costs nothing.
    """

    def noisy(self, clean: Tensor, times: Tensor, generator: torch.Generator) -> Noisy:
        """`shown` holds the noise alone: the embeddings are the model's and learn."""
        size = (*clean.shape, self.config.width)
        noise = torch.randn(size, generator=generator, device=clean.device)
        return Noisy(noise, times.clamp(min=FIRST_TIME), torch.ones_like(clean, dtype=torch.bool))

    def training_noisy(self, clean: Tensor, times: Tensor, generator: torch.Generator) -> Noisy:
        """In half of the rows some slots are given: they show their clean embedding, as a prompt does."""
        noisy = self.noisy(clean, times, generator)
        share = torch.rand(len(clean), 1, generator=generator, device=clean.device) * 2 - 1
        given = torch.rand(clean.shape, generator=generator, device=clean.device) < share
        return noisy._replace(hidden=~given)

    def vectors(self, model: Transformer, clean: Tensor, noisy: Noisy) -> Tensor:
        """What the slots hold.  # (batch, length, width)"""
        t, table = noisy.times[:, None, None], F.embedding(clean, model.embeddings())
        return torch.where(noisy.hidden[..., None], (1 - t).sqrt() * table + t.sqrt() * noisy.shown, table)

    def estimates(self, model: Transformer, vectors: Tensor, noisy: Noisy) -> Tensor:
        """Mean embedding of the best tokens, by a call without an estimate.  # (batch, length, width)"""
        with torch.no_grad():
            p = predicted(model(vectors, noisy.times, torch.zeros_like(vectors)))
            best = p.topk(SELF_CONDITIONING, dim=-1)
            table = F.embedding(best.indices + EOS, model.embeddings())
            mean = (best.values.exp()[..., None] * table).sum(-2).to(vectors.dtype)
            return torch.where(noisy.hidden[..., None], mean, vectors)

    def training_losses(self, model: Transformer, clean: Tensor, noisy: Noisy, clip: float) -> Tensor:
        """Plain cross-entropy at all times alike; every other row has an estimate."""
        vectors = self.vectors(model, clean, noisy)
        asked = Noisy(*(part[::2] for part in noisy))
        estimates = torch.zeros_like(vectors)
        estimates[::2] = self.estimates(model, vectors[::2].detach(), asked)
        return cross_entropy(model(vectors, noisy.times, estimates), clean) * noisy.hidden

    def bound_losses(self, model: Transformer, clean: Tensor, noisy: Noisy) -> Tensor:
        times, table = noisy.times, model.embeddings()
        mean = self.predict(model, clean, noisy).exp() @ table[EOS:]
        error = (F.embedding(clean, table) - mean).square().sum(-1)
        first = noisy._replace(times=torch.full_like(times, FIRST_TIME))
        read = self.predict(model, clean, first).gather(-1, (clean - EOS)[..., None])[..., 0]
        # Times are uniform in (0, 1] but clamped: those below FIRST_TIME stand for the part that is read off.
        inside = (times > FIRST_TIME)[:, None]
        return torch.where(inside, error / (2 * times.square())[:, None], 0.0) - read

    def predict(self, model: Transformer, clean: Tensor, noisy: Noisy) -> Tensor:
        vectors = self.vectors(model, clean, noisy)
        return predicted(model(vectors, noisy.times, self.estimates(model, vectors, noisy)))


FAMILIES = {
    "autoregressive": Autoregressive,
    "mask": Mask,
    "mask_cart": Cart,
    "mask_salience": Salience,
    "uniform": Uniform,
    "mask_uniform": MaskUniform,
    "gaussian": Gaussian,
}


def low_discrepancy(count: int, generator: torch.Generator) -> Tensor:
    """Evenly spread points of (0, 1] with one common random shift.  # (count,)"""
    shift = torch.rand(1, generator=generator, device=generator.device)
    return 1 - (shift + torch.arange(count, device=generator.device) / count) % 1


@torch.no_grad()
def bound_bits(
    process: Process, model: Transformer, clean: Tensor, draws: int, generator: torch.Generator, batch: int = 128
) -> Tensor:
    """An unbiased estimate, for every window, of the bound on -log2 p(window).  # (texts,) bits

    Each window is scored at `draws` times, one from each of `draws` equal parts of (0, 1].
    """
    estimates = []
    for rows in clean.split(batch):
        total = torch.zeros(len(rows), device=rows.device)
        for part in range(draws):
            times = (part + 1 - torch.rand(len(rows), generator=generator, device=rows.device)) / draws
            noisy = process.noisy(rows, times, generator)
            total += process.bound_losses(model, rows, noisy).float().sum(1)
        estimates.append(total / (draws * math.log(2)))
    return torch.cat(estimates)


def ratio_of_means(bits: Tensor, units: Tensor) -> tuple[float, float]:
    """Bits of all windows over all units (words, bytes), and the standard error of that ratio.

    The bits include what the padding costs, so this is a bound for the texts.
    """
    bits, units = bits.double(), units.double()
    ratio = bits.sum() / units.sum()
    residual = bits - ratio * units
    return ratio.item(), (residual.std() / math.sqrt(len(bits)) / units.mean()).item()
