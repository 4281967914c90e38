//! Guides as a small JSON value, which page, command line and link can share beside the decoding settings.

use serde::{Deserialize, Serialize};

use super::checked::{Checked, Checker};
use super::constrained::{AllowedWords, Constraint};
use super::pattern::{Pattern, Spelling};
use crate::decode::validation::within;
use crate::decode::{SettingsError, Span};
use crate::sequence::TokenId;

/// How a denoiser is guided: classifier-free, and by rules, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guides {
    /// Scale of classifier-free guidance ([`Guided`](super::Guided)), 0 to 100; 0, the default, is none.
    pub scale: f32,
    /// Rules about the text; none by default.
    pub rules: Vec<Rule>,
}

/// A rule about a span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// Only these words: [`AllowedWords`].
    AllowedWords {
        /// Where.
        span: Span,
        /// Which, at least one.
        words: Vec<String>,
    },
    /// A regular expression: [`Pattern`].
    Pattern {
        /// Where.
        span: Span,
        /// The expression.
        pattern: String,
    },
    /// What a checker of the language accepts: [`Checked`].
    Checker {
        /// Where.
        span: Span,
        /// Most probable tokens that are tried, 1 to 1024.
        #[serde(default = "eight")]
        candidates: u32,
    },
}

fn eight() -> u32 {
    8
}

/// Why guides make no sense for a model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// A knob out of range.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A span that is empty or goes past the window.
    #[error("span: found {start} to {end}, expected at least one slot of {length}")]
    Span {
        /// First slot.
        start: u32,
        /// The slot after the last.
        end: u32,
        /// Slots of the window.
        length: usize,
    },
    /// A word that the model does not have, or none at all.
    #[error("allowed word: found \"{found}\", expected a word of the model")]
    Word {
        /// The word; empty if there is none.
        found: String,
    },
    /// No regular expression.
    #[error("pattern \"{pattern}\": {reason}")]
    Pattern {
        /// The expression.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The language of the model has no checker.
    #[error("checker: found a language without one, expected storyworld's")]
    NoChecker,
}

impl Guides {
    /// The rules for a model with these words, over windows of `length` slots; `checker` is that of its language, if it has one.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn constraints(
        &self,
        length: usize,
        spelling: Spelling<'_>,
        checker: Option<impl Checker + Clone + 'static>,
    ) -> Result<Vec<Box<dyn Constraint>>, RuleError> {
        within("scale", self.scale.into(), 0.0, 100.0)?;
        // A checker looks at the best of what the other rules leave.
        let is_checker = |rule: &&Rule| matches!(rule, Rule::Checker { .. });
        let (checked, plain): (Vec<_>, Vec<_>) = self.rules.iter().partition(is_checker);
        let rules = plain.into_iter().chain(checked);
        rules.map(|rule| rule.constraint(length, spelling, checker.clone())).collect()
    }
}

impl Rule {
    fn constraint(
        &self,
        length: usize,
        spelling: Spelling<'_>,
        checker: Option<impl Checker + 'static>,
    ) -> Result<Box<dyn Constraint>, RuleError> {
        let (Self::AllowedWords { span, .. } | Self::Pattern { span, .. } | Self::Checker { span, .. }) =
            self;
        if span.is_empty() || span.end as usize > length {
            return Err(RuleError::Span { start: span.start, end: span.end, length });
        }
        Ok(match self {
            Self::AllowedWords { span, words } => {
                let found = |word: &str| RuleError::Word { found: word.to_owned() };
                let token = |word: &String| {
                    let is_word = |(id, text): (usize, &String)| {
                        (text == word && id >= spelling.first_word as usize).then_some(id)
                    };
                    let id = spelling.texts.iter().enumerate().find_map(is_word);
                    id.map(|id| TokenId(id as u32)).ok_or_else(|| found(word))
                };
                let words: Vec<TokenId> = words.iter().map(token).collect::<Result<_, _>>()?;
                if words.is_empty() {
                    return Err(found(""));
                }
                Box::new(AllowedWords { span: *span, words })
            }
            Self::Pattern { span, pattern } => Box::new(Pattern::new(*span, pattern, spelling)?),
            Self::Checker { span, candidates } => {
                Box::new(Checked::new(*span, *candidates, checker.ok_or(RuleError::NoChecker)?)?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constraints(json: &str, has_checker: bool) -> Result<usize, RuleError> {
        let texts = ["[MASK]", "[UNK]", "[EOS]", "dog", "cat"].map(String::from);
        let spelling = Spelling { texts: &texts, between: " ", mask: TokenId(0), first_word: 3 };
        let guides: Guides = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::from_value::<Guides>(serde_json::to_value(&guides).unwrap()).unwrap(), guides);
        let checker = has_checker.then_some(|_: &[TokenId]| true);
        Ok(guides.constraints(4, spelling, checker)?.len())
    }

    #[test]
    fn nothing_is_no_guide_and_every_rule_has_its_json() {
        assert_eq!(constraints("{}", false), Ok(0));
        let all = r#"{"scale": 1.5, "rules": [
            {"rule": "allowed_words", "span": {"start": 0, "end": 1}, "words": ["dog", "cat"]},
            {"rule": "pattern", "span": {"start": 1, "end": 3}, "pattern": "dog (dog|cat)"},
            {"rule": "checker", "span": {"start": 0, "end": 4}}]}"#;
        assert_eq!(constraints(all, true), Ok(3));
        assert_eq!(constraints(all, false), Err(RuleError::NoChecker));
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_the_first_call() {
        let refused = |json: &str| constraints(json, true).unwrap_err();
        let rule = |rest: &str| refused(&format!(r#"{{"rules": [{{"rule": {rest}}}]}}"#));
        assert!(matches!(refused(r#"{"scale": -1}"#), RuleError::Settings(_)));
        let span = r#""span": {"start": 3, "end": 5}"#;
        assert!(matches!(rule(&format!(r#""pattern", {span}, "pattern": "dog""#)), RuleError::Span { .. }));
        let span = r#""span": {"start": 2, "end": 2}"#;
        assert!(matches!(rule(&format!(r#""checker", {span}"#)), RuleError::Span { .. }));
        let span = r#""span": {"start": 0, "end": 2}"#;
        assert!(matches!(rule(&format!(r#""checker", {span}, "candidates": 0"#)), RuleError::Settings(_)));
        for words in [r#"["zebu"]"#, "[]"] {
            let found = rule(&format!(r#""allowed_words", {span}, "words": {words}"#));
            assert!(matches!(found, RuleError::Word { .. }), "{found}");
        }
    }
}
