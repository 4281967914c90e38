//! How to decode, as one small serialisable value that page, command line and link share.

use serde::{Deserialize, Serialize};

use super::block::Span;
use super::{Correction, Noise, Order, Parallelism, Remasking, SoftFeedback};

/// Everything that decides a run, apart from the starting state and the network.
///
/// In JSON every field may be left out; unknown ones are refused:
/// `{"seed":7,"order":"confidence","parallelism":{"rule":"quota","steps":16},"sampling":{"temperature":0.8}}`.
/// The defaults add no approximation: one random slot per call, temperature 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeSettings {
    /// Seed of every random decision.
    pub seed: u32,
    /// What hides the tokens.
    #[serde(skip_serializing_if = "is_default")]
    pub noise: Noise,
    /// Which slots go first.
    pub order: Order,
    /// Temperature τ at which the order is sampled, from 0, the default (the first of the order go), to 10⁹ (Dream's `alg_temp`, arXiv
    /// 2508.15487): the next slot is drawn with probability ∝ exp(score / τ) among those left, the score being the probability of the
    /// drawn token ([`Order::Confidence`], Dream's `maskgit_plus`), the margin of the best two, or minus the entropy in nats. For these
    /// three orders only, and not with factor and running confidence, which sort by themselves. Costs no call. Known failure: scores lie
    /// within 1 of each other, but for entropies, so that from τ of about 1 on the order is nearly random.
    #[serde(skip_serializing_if = "is_default")]
    pub order_temperature: f64,
    /// How many go at once.
    pub parallelism: Parallelism,
    /// Slots per block: blocks are written from left to right, one after the other (LLaDA's semi-autoregressive
    /// decoding, arXiv 2502.09992), cut from the first slot that is not given on; steps of a schedule are counted anew in
    /// each. 0, the default, makes the whole window one block. Cost: the parallelism's once per block, so up to N
    /// calls in each with a schedule of N steps. Known failure: a block is closed while all right of it is masked; how
    /// long it should be depends on the task (LLaDA on GSM8K, from a summary: 69.4 without blocks, 77.5 with 32
    /// slots, 78.6 with 8).
    #[serde(skip_serializing_if = "is_default")]
    pub block_length: u32,
    /// Spans that are written from left to right, at most one slot of each per call, whatever the order says for the
    /// rest (plain: as an autoregressive model writes). Default none; a span without a slot is refused. Cost: at least
    /// as many calls as the longest span has masked slots; a schedule that comes to its end first stays at its last step
    /// until all is written. Known failure: an early mistake in a span is carried on to its end.
    #[serde(skip_serializing_if = "is_default")]
    pub sequential: Vec<Span>,
    /// Whether committed slots are opened again.
    #[serde(skip_serializing_if = "is_default")]
    pub remasking: Remasking,
    /// What happens to the finished text.
    #[serde(skip_serializing_if = "is_default")]
    pub correction: Option<Correction>,
    /// Whether masked slots show what the last call thought of them.
    #[serde(skip_serializing_if = "is_default")]
    pub soft_feedback: Option<SoftFeedback>,
    /// Once an end of text is committed, masked slots right of it become end of text in the same step, unasked, also
    /// those of later blocks and of spans (plain). Default off. Costs no call and saves calls on short texts. Known
    /// failures: a text can then not be longer than its first end, which an order that is sure of ends commits early;
    /// words that stand right of it already stay; and under uniform noise it does nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub fill_after_end: bool,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Time in (0, 1] at which the starting state was drawn, 1 by default; rules with a schedule go from there to 0.
    pub start_time: f64,
}

impl Default for DecodeSettings {
    fn default() -> Self {
        Self {
            seed: 0,
            noise: Noise::default(),
            order: Order::default(),
            order_temperature: 0.0,
            parallelism: Parallelism::default(),
            block_length: 0,
            sequential: Vec::new(),
            remasking: Remasking::default(),
            correction: None,
            soft_feedback: None,
            fill_after_end: false,
            sampling: Sampling::default(),
            start_time: 1.0,
        }
    }
}

/// Whether a setting need not be written.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How a token is drawn from the denoiser's distribution. No setting costs a call. Decoding rules look at
/// probabilities and entropies at temperature 1 and before `top_k` and `top_p`, whatever is set here.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Softmax temperature, finite and at least 0, applied before `top_k` and `top_p`; 0 takes the most probable
    /// token, of equals the one with the smaller id. Default 1. Known failure: towards 0 diversity collapses, and joint
    /// commits become safer only because rarer texts are never written; between even choices it changes nothing.
    pub temperature: f32,
    /// A token stays in the draw if fewer than this many are strictly more probable, so equals stay together; any
    /// number, 0, the default, turns it off. Known failure: what is cut off is never written, so that even an exact
    /// denoiser no longer gives the right distribution.
    pub top_k: u32,
    /// A token stays in the draw if the strictly more probable ones have less than this mass, in (0, 1]; 1, the
    /// default, turns it off. Known failure: as `top_k`.
    pub top_p: f32,
    /// Never predict end of text, so that all slots are filled with words (an option of LLaDA's code, arXiv
    /// 2502.09992): no id up to that of end of text is drawn, and all probabilities are those among the others. Default
    /// off. Known failure: where a text has ended, words are drawn from the little that is left; a denoiser that
    /// leaves nothing there, as an exact one may, gives an error.
    pub suppress_end_of_text: bool,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 1.0, top_k: 0, top_p: 1.0, suppress_end_of_text: false }
    }
}

impl DecodeSettings {
    /// Number of steps of a run that makes them all, one call each, because what is written may change again.
    pub(super) fn clocked_steps(&self) -> Option<u32> {
        let may_change = self.noise != Noise::Mask || self.remasking.is_ancestral();
        self.parallelism.clock().filter(|_| may_change).map(|(steps, _)| steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Corpus;
    use crate::schedule::Schedule;
    use crate::sequence::{SpecialTokens, TokenId};
    use crate::testing::{decode, share_fits};

    #[test]
    fn an_empty_object_is_the_default() {
        let settings: DecodeSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings, DecodeSettings::default());
        assert_eq!(settings.validate(), Ok(()));
    }

    #[test]
    fn the_json_of_the_documentation() {
        let json = r#"{"seed":7,"order":"confidence","parallelism":{"rule":"quota","steps":16},
                       "sampling":{"temperature":0.8}}"#;
        let expected = DecodeSettings {
            seed: 7,
            order: Order::Confidence,
            parallelism: Parallelism::Quota { steps: 16, schedule: Schedule::Linear },
            sampling: Sampling { temperature: 0.8, ..Sampling::default() },
            ..DecodeSettings::default()
        };
        assert_eq!(serde_json::from_str::<DecodeSettings>(json).unwrap(), expected);
        let written = serde_json::to_string(&expected).unwrap();
        assert_eq!(serde_json::from_str::<DecodeSettings>(&written).unwrap(), expected);
    }

    #[test]
    fn unknown_settings_are_refused() {
        for json in [
            r#"{"sead":7}"#,
            r#"{"order":"alphabetical"}"#,
            r#"{"parallelism":{"rule":"quota","steps":2,"slots":3}}"#,
            r#"{"parallelism":{"rule":"quota"}}"#,
            r#"{"sampling":{"top-k":3}}"#,
        ] {
            assert!(serde_json::from_str::<DecodeSettings>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_suppressed_end_of_text_is_never_written_however_likely_it_is() {
        // One word and then the end with probability .9, three words with .1.
        let special = SpecialTokens::default();
        let [a, b, c] = [3, 4, 5].map(TokenId);
        let end = special.end_of_text;
        let sentences = vec![(vec![a, end, end], 0.9), (vec![a, b, c], 0.1)];
        let mut corpus = Corpus::new(sentences, special.mask).unwrap();
        let runs = 400;
        let mut long = |suppress_end_of_text| {
            let sampling = Sampling { suppress_end_of_text, ..Sampling::default() };
            let is_long = |seed: &u32| {
                let settings = DecodeSettings { seed: *seed, sampling, ..DecodeSettings::default() };
                let run = decode(&mut corpus, settings);
                let text: Vec<TokenId> = run.sequence_at(run.steps.len()).unwrap().tokens().collect();
                text == [a, b, c]
            };
            (0..runs).filter(is_long).count() as u64
        };
        assert_eq!(long(true), u64::from(runs), "every text has its three words");
        assert!(share_fits(long(false), runs.into(), 0.1), "and without it one text in ten");
    }
}
