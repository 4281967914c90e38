//! Guidance and rules, from their JSON file to the denoiser that follows them.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, anyhow};
use diffusion::decode::Noise;
use diffusion::draw::{DrawError, summarise_with};
use diffusion::guide::{Checker, Constrained, Constraint, Guided, Guides, Spelling};
use diffusion::{
    Candidate, DecodeSettings, Denoiser, FullDenoiser, Prediction, Query, Row, Sequence, SpecialTokens,
    TOP_CANDIDATES, TokenId,
};
use model_loader::Tokenizer;
use model_loader::tokenizer::{END, FIRST_WORD};
use storyworld::{Grammar, check};

use crate::diagnose::read;
use crate::failure::Failure;
use crate::language::storyworld_words;
use crate::model::Model;

/// Guides from a file.
pub fn read_guides(file: &Path) -> Result<Guides, Failure> {
    serde_json::from_str(&read(file)?)
        .with_context(|| format!("{} is no guidance", file.display()))
        .map_err(Failure::Input)
}

/// Guides made ready for a model.
pub struct Guiding {
    /// What they are.
    pub guides: Guides,
    rules: Vec<Box<dyn Constraint>>,
}

/// A denoiser that follows guides.
pub type UnderGuides<'r, D> = Constrained<Guided<D>, &'r Vec<Box<dyn Constraint>>>;

impl Guiding {
    /// For windows of so many slots. Guides are refused where states hold noise of other kinds than masks.
    pub fn new(
        guides: Guides,
        model: &Model,
        settings: &DecodeSettings,
        length: usize,
    ) -> Result<Self, Failure> {
        if settings.noise != Noise::Mask {
            let file = &model.identity.file;
            return Err(Failure::Input(anyhow!(
                "guides need masks: found noise of words for {file}, expected none"
            )));
        }
        let rules = rules(&guides, &model.checkpoint.tokenizer, length)?;
        Ok(Self { guides, rules })
    }

    /// The denoiser under them, guided towards the given slots of `start`.
    pub fn around<D>(&self, denoiser: D, start: &Sequence) -> Result<UnderGuides<'_, D>, Failure> {
        let guided = Guided::new(denoiser, self.guides.scale, start, SpecialTokens::default().mask);
        Ok(Constrained::new(guided.map_err(Failure::input)?, &self.rules))
    }

    /// Sequences that the model is shown for one: a second without the prompt where there is guidance.
    pub fn sequences_per_sequence(&self) -> u32 {
        if self.guides.scale > 0.0 { 2 } else { 1 }
    }
}

/// A denoiser that tells of rows where nothing is possible that nothing is, instead of ending: what a measure asks about tokens that
/// stand already, together against a rule.
pub struct Unbroken<'a, D>(pub &'a mut D);

impl<D: FullDenoiser> Denoiser for Unbroken<'_, D> {
    type Error = D::Error;

    async fn predict(&mut self, query: &Query) -> Result<Vec<Prediction>, D::Error> {
        let all = self.0.distributions(query).await?;
        let rows = query.rows.iter().zip(all.chunks(self.0.vocabulary()));
        let mut sorted = Vec::new();
        let summary = |(row, logs): (&Row, &[f32])| {
            summarise_with(&mut sorted, logs.iter().map(|&log| f64::from(log)), row).unwrap_or_else(|error| {
                match error {
                    DrawError::NoToken { .. } => nothing(f32::NEG_INFINITY),
                    DrawError::Logit { .. } => nothing(f32::NAN),
                }
            })
        };
        Ok(rows.map(summary).collect())
    }
}

/// A summary in which every token has this log-probability.
fn nothing(log_probability: f32) -> Prediction {
    let none = Candidate { token: SpecialTokens::default().mask, log_probability };
    Prediction {
        drawn: none,
        entropy_nats: f32::NAN,
        log_sum_exp: log_probability,
        target_log_probability: log_probability,
        top: [none; TOP_CANDIDATES],
        drift_nats: None,
        tempered_log_probability: None,
    }
}

/// Rules for a model and a window of so many slots.
fn rules(guides: &Guides, tokenizer: &Tokenizer, length: usize) -> Result<Vec<Box<dyn Constraint>>, Failure> {
    let texts: Vec<String> = (0..tokenizer.vocab_size() as u32)
        .map(|token| tokenizer.word(token).unwrap_or_default().to_owned())
        .collect();
    // Byte pairs bring their spaces along.
    let between = if texts.iter().any(|text| text.starts_with(' ')) { "" } else { " " };
    let spelling =
        Spelling { texts: &texts, between, mask: SpecialTokens::default().mask, first_word: FIRST_WORD };
    let checker = storyworld_words(tokenizer).map(|_| StoryChecker { words: texts.clone().into() });
    guides.constraints(length, spelling, checker).map_err(Failure::input)
}

/// Storyworld's checker on a text that may have hidden words.
#[derive(Clone)]
struct StoryChecker {
    words: Rc<[String]>,
}

impl Checker for StoryChecker {
    fn accepts(&self, text: &[TokenId]) -> bool {
        let written = text.iter().take_while(|token| token.0 != END);
        let word = |token: &TokenId| {
            (token.0 >= FIRST_WORD).then(|| self.words.get(token.0 as usize).map(String::as_str)).flatten()
        };
        check(Grammar::storyworld(), &written.map(word).collect::<Vec<_>>()).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use diffusion::decode::Span;
    use diffusion::exact::two_sentences;
    use diffusion::guide::AllowedWords;

    use super::*;

    /// A measure learns that a row has nothing left, where a decoder would have to stop.
    #[test]
    fn a_row_without_a_possible_token_is_told_as_impossible() {
        let special = SpecialTokens::default();
        let [allowed, other] = [two_sentences::FIRST[0], two_sentences::SECOND[1]];
        let rule = AllowedWords { span: Span { start: 0, end: 1 }, words: vec![allowed] };
        let mut denoiser = Constrained::new(two_sentences::corpus(0.5).unwrap(), rule);
        // Behind a word of the second sentence the first word of the first is impossible.
        let query = Query {
            length: 3,
            tokens: vec![special.mask, other, special.mask],
            times: vec![0.5],
            mixtures: Vec::new(),
            vectors: Vec::new(),
            rows: [0, 2].map(|slot| Row::measured(0, slot, 2, two_sentences::SECOND[slot as usize])).to_vec(),
        };
        assert!(pollster::block_on(denoiser.predict(&query)).is_err(), "a draw would be impossible");
        let told = pollster::block_on(Unbroken(&mut denoiser).predict(&query)).unwrap();
        assert_eq!(told[0].target_log_probability, f32::NEG_INFINITY);
        assert!(told[1].target_log_probability.abs() < 1e-6, "{:?}", told[1]);
    }
}
