//! Texts with their faults marked: what repeats its neighbour, and what breaks a rule of the language where it is known.

use diffusion::TokenId;
use model_loader::Tokenizer;
use storyworld::Violation;

use crate::components::slot_row::Word;
use crate::texts::{fill, say};

/// The words of a text; those that repeat their neighbour or break a rule are marked as faults.
pub fn marked(text: &[TokenId], violations: Option<&[Violation]>, tokenizer: &Tokenizer) -> Vec<Word> {
    let broken: Vec<(usize, &Violation)> = violations
        .into_iter()
        .flatten()
        .filter_map(|violation| violation.positions.first().map(|position| (*position, violation)))
        .collect();
    let word = |(slot, token): (usize, &TokenId)| {
        let repeats = slot > 0 && text[slot - 1] == *token;
        let rule = broken.iter().find(|(position, _)| *position == slot);
        let note = match rule {
            Some((_, violation)) => fill("trap.broken", &[("rule", kind(violation))]),
            None if repeats => say("trap.repeats").to_owned(),
            None => String::new(),
        };
        let state = if repeats || rule.is_some() { "fault" } else { "committed" };
        Word { note, ..Word::of(tokenizer, token.0, state) }
    };
    text.iter().enumerate().map(word).collect()
}

/// What visitors call a kind of violation.
fn kind(violation: &Violation) -> &'static str {
    use storyworld::ViolationKind::{
        Agreement, Duplicate, ObjectIdentity, Place, Reference, Tense, UnknownForm, WordOrder,
    };
    match violation.kind {
        Agreement => say("rule.agreement"),
        Reference => say("rule.reference"),
        ObjectIdentity => say("rule.object"),
        Place => say("rule.place"),
        Tense => say("rule.tense"),
        WordOrder => say("rule.order"),
        Duplicate => say("rule.duplicate"),
        UnknownForm => say("rule.unknown"),
    }
}

/// Which words of a prompt the model does not know; nothing if it knows them all.
pub fn unknown_words(unknown: &[String]) -> Option<String> {
    let words = unknown.iter().map(|word| format!("“{word}”")).collect::<Vec<_>>().join(", ");
    (!unknown.is_empty()).then(|| fill("trap.unknown", &[("words", &words)]))
}

#[cfg(test)]
mod tests {
    use storyworld::ViolationKind;

    use super::*;
    use crate::session::start::tests::tokenizer;

    #[test]
    fn repetitions_and_broken_rules_are_faults_and_the_rest_is_not() {
        let text = [3, 4, 4, 5].map(TokenId);
        let violations = [Violation { kind: ViolationKind::Tense, positions: vec![3, 0] }];
        let words = marked(&text, Some(&violations), &tokenizer());
        let states: Vec<&str> = words.iter().map(|word| word.state).collect();
        assert_eq!(states, ["committed", "committed", "fault", "fault"]);
        assert!(words[3].note.contains("tense"), "{}", words[3].note);
        assert_eq!(marked(&text, None, &tokenizer())[3].state, "committed");
    }

    #[test]
    fn unknown_words_are_named() {
        assert_eq!(unknown_words(&[]), None);
        assert!(unknown_words(&["zebu".into(), "gnu".into()]).unwrap().contains("“zebu”, “gnu”"));
    }
}
