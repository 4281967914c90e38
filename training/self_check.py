"""Checks that need no data: python -m unittest training.self_check"""

import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import torch

from . import data, gguf_file, process, quantize, sample
from .golden import TINY, TINY_WORDS, tiny_form, tiny_model
from .model import ModelConfig, Transformer

SMALL = ModelConfig(vocabulary=8, layers=2, width=32, heads=2, head_dim=16, feed_forward=64, length=4)
STEPS = 1000
torch.set_num_threads(1)  # the models here are too small to share
TWO_SENTENCES = ["He likes apple", "I play tennis"]


def trained_on_two_sentences() -> tuple[Transformer, data.Texts]:
    words = sorted(set(" ".join(TWO_SENTENCES).split()))
    texts = data.encode(TWO_SENTENCES, words, SMALL.length)
    torch.manual_seed(0)
    model = Transformer(replace(SMALL, vocabulary=len(words) + 3))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    settings = {"weight_clip": 4.0, "padding_weight": 1.0}
    clean = texts.windows.long().repeat(32, 1)
    for step in range(STEPS):
        generator = torch.Generator().manual_seed(step)
        for group in optimiser.param_groups:
            group["lr"] = 1e-2 * (1 - step / STEPS)
        process.training_loss(model, trunk_of(model), clean, settings, generator).backward()
        optimiser.step()
        optimiser.zero_grad()
    return model, texts


def trunk_of(model: Transformer) -> process.Trunk:
    return lambda tokens: model.residual_stream(tokens)[-1]


class TwoSentences(unittest.TestCase):
    """The corpus holds one bit: which sentence it is."""

    @classmethod
    def setUpClass(cls):
        cls.model, cls.texts = trained_on_two_sentences()

    def test_bound_is_one_bit(self):
        clean = self.texts.windows.long().repeat(500, 1)
        bits = process.bound_bits(self.model, trunk_of(self.model), clean, 4, torch.Generator().manual_seed(1))
        self.assertAlmostEqual(bits.mean().item(), 1.0, delta=0.02)

    def test_one_slot_a_call_draws_only_the_two(self):
        drawn = sample.sample(self.model, 200, seed=0)
        seen = {tuple(row) for row in drawn.tolist()}
        self.assertEqual(seen, {tuple(row) for row in self.texts.windows.tolist()})


class Windows(unittest.TestCase):
    def test_are_filled_with_ends_and_hold_whole_texts_only(self):
        texts = data.encode(["b a", "a b a", "", "a b a b", "c"], ["a", "b"], length=4)
        self.assertEqual(texts.windows.tolist(), [[4, 3, 2, 2], [3, 4, 3, 2], [1, 2, 2, 2]])
        self.assertEqual((texts.words.tolist(), texts.dropped), ([2, 3, 1], 1))

    def test_every_text_comes_once_an_epoch(self):
        texts = data.encode(["a"] * 5 + ["b"] * 3, ["a", "b"], length=2)
        batches = data.Batches(texts, size=4, seed=0)
        epochs = [torch.cat([batches.at(2 * n), batches.at(2 * n + 1)])[:, 0].tolist() for n in range(4)]
        self.assertTrue(all(sorted(epoch) == [3] * 5 + [4] * 3 for epoch in epochs))
        self.assertGreater(len(set(map(tuple, epochs))), 1)


class Masks(unittest.TestCase):
    def test_exactly_k_slots_are_hidden_everywhere_alike(self):
        counts = torch.tensor([1, 3, 8]).repeat(4000)
        hidden = process.hide(counts, 8, torch.Generator().manual_seed(0))
        self.assertTrue(torch.equal(hidden.sum(1), counts))
        share = hidden[counts == 3].float().mean(0)
        self.assertLess((share - 3 / 8).abs().max().item(), 0.03)

    def test_levels_cover_the_unit_interval_evenly(self):
        t = process.low_discrepancy(16, torch.Generator().manual_seed(0)).sort().values
        self.assertTrue(torch.allclose(t.diff(), torch.tensor(1 / 16), atol=1e-6))
        self.assertTrue(0 < t[0] <= 1 / 16 + 1e-6 and t[-1] <= 1)


class Attention(unittest.TestCase):
    def changed_slots(self, causal: bool) -> list[bool]:
        """Which slots' logits move when slot 2 of 4 gets another word."""
        torch.manual_seed(0)
        model = Transformer(replace(SMALL, causal=causal))
        tokens = torch.tensor([[3, 4, 5, 6], [3, 4, 7, 6]])
        first, second = model(tokens)
        self.assertEqual(tuple(first.shape), (SMALL.length, SMALL.vocabulary))
        return ((first - second).abs().amax(1) > 0).tolist()

    def test_bidirectional_sees_both_ways(self):
        self.assertEqual(self.changed_slots(causal=False), [True] * 4)

    def test_causal_sees_the_past_only(self):
        self.assertEqual(self.changed_slots(causal=True), [False, False, True, True])


class Quantization(unittest.TestCase):
    def setUp(self):
        self.weights = np.random.default_rng(0).normal(size=(48, 96)).astype(np.float32)
        self.weights[0, :32] = 0  # a block without a scale

    def test_decodes_as_gguf_does(self):
        for form in quantize.FORMATS:
            stored = quantize.encode(self.weights, form)
            theirs = gguf.dequantize(stored, gguf.GGMLQuantizationType[form])
            np.testing.assert_array_equal(quantize.decode(stored, form), theirs)

    def test_is_no_worse_than_gguf_in_any_block(self):
        for form in ("Q4_0", "Q8_0"):
            ours = quantize.decode(quantize.encode(self.weights, form), form)
            kind = gguf.GGMLQuantizationType[form]
            theirs = gguf.dequantize(gguf.quantize(self.weights, kind), kind)
            errors = [((x - self.weights) ** 2).reshape(-1, 32).sum(1) for x in (ours, theirs)]
            self.assertTrue((errors[0] <= errors[1] * 1.02 + 1e-9).all(), form)


class ModelFile(unittest.TestCase):
    def test_comes_back_as_it_was_written(self):
        model, tokenizer = tiny_model(), gguf_file.word_tokenizer(TINY_WORDS)
        about = {"name": "tiny", "description": "fixture", "provenance": {"tokens_seen": 0}}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.gguf"
            gguf_file.write(path, model, tokenizer, about, tiny_form)
            back, words, provenance = gguf_file.read(path)
        self.assertEqual(replace(back.config, epsilon=TINY.epsilon), TINY)
        self.assertAlmostEqual(back.config.epsilon, TINY.epsilon, delta=1e-12)
        self.assertEqual(provenance, {"tokens_seen": 0})
        self.assertEqual(words.encode("the fox [MASK] zebra").ids, [4, 10, 0, 1])
        tokens = torch.arange(TINY.length)[None]
        self.assertLess((back(tokens) - model(tokens)).abs().mean().item(), 0.5)


if __name__ == "__main__":
    unittest.main()
