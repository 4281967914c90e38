//! Names a repair: which kind of violation it is to find one word where the grammar expects another.

use super::hypothesis::Hypothesis;
use super::{Observed, Violation, ViolationKind};
use crate::grammar::{Grammar, Node, NodeId, Role, SlotId, WordId};
use crate::lexicon::Kind;

/// Cost of a repair of each sort. Close relatives of the expected word are the likelier faults, and one wrong word
/// is likelier than a missing one beside an extra one.
fn cost(kind: ViolationKind) -> f64 {
    match kind {
        ViolationKind::Agreement | ViolationKind::Tense => 0.7,
        ViolationKind::Reference | ViolationKind::ObjectIdentity | ViolationKind::Place => 0.8,
        ViolationKind::Duplicate | ViolationKind::UnknownForm => 0.9,
        ViolationKind::WordOrder => 1.0,
    }
}

/// The text has another word at `position` than the one that is due at `node`.
pub(super) fn wrong_word(
    grammar: &Grammar,
    hypothesis: &Hypothesis,
    node: NodeId,
    words: &[Observed],
    position: usize,
) -> (Violation, f64) {
    let Observed::Known(found) = words[position] else {
        let kind = ViolationKind::UnknownForm;
        return (Violation { kind, positions: vec![position] }, cost(kind));
    };
    let kind = kind_of(grammar, hypothesis, node, found);
    // A word that fits is blamed only if another explanation needs more: the first of two names that differ
    // introduces someone, the second is the wrong one.
    let fits = !hypothesis.fillings(grammar, node, found).is_empty();
    let cost = cost(kind) + if fits { 0.15 } else { 0.0 };
    if kind == ViolationKind::WordOrder {
        let (kind, positions) = misplaced(words, position);
        return (Violation { kind, positions }, cost);
    }
    let antecedents = hypothesis.antecedents(grammar, node).into_iter().filter(|other| *other != position);
    (Violation { kind, positions: std::iter::once(position).chain(antecedents).collect() }, cost)
}

/// A word that cannot stand where it stands; a duplicate if it repeats the word before.
fn misplaced(words: &[Observed], position: usize) -> (ViolationKind, Vec<usize>) {
    match words[position] {
        Observed::Unknown => (ViolationKind::UnknownForm, vec![position]),
        word if position > 0 && words[position - 1] == word => {
            (ViolationKind::Duplicate, vec![position, position - 1])
        }
        _ => (ViolationKind::WordOrder, vec![position]),
    }
}

/// The text has a word too many.
pub(super) fn extra_word(words: &[Observed], position: usize) -> (Violation, f64) {
    let (kind, positions) = misplaced(words, position);
    (Violation { kind, positions }, cost(kind) + 0.1)
}

/// A word is missing before the position, or the text breaks off after it.
pub(super) fn gap(position: usize) -> (Violation, f64) {
    (Violation { kind: ViolationKind::WordOrder, positions: vec![position] }, 1.2)
}

fn kind_of(grammar: &Grammar, hypothesis: &Hypothesis, node: NodeId, found: WordId) -> ViolationKind {
    match grammar.node(node) {
        Node::Word(expected) => verb_kind(grammar, &[*expected], found).unwrap_or(ViolationKind::WordOrder),
        Node::Inflect { role, words, .. } => {
            let kind = match role {
                Role::Article => words.contains(&found).then_some(ViolationKind::Agreement),
                Role::Verb => verb_kind(grammar, &hypothesis.possible_words(grammar, node), found),
                Role::Pronoun(slot) => {
                    words.contains(&found).then(|| pronoun_kind(grammar, hypothesis, *slot, found))
                }
                Role::Noun(slot) => noun_kind(grammar, hypothesis, *slot, words, found),
            };
            kind.unwrap_or(ViolationKind::WordOrder)
        }
        _ => ViolationKind::WordOrder,
    }
}

/// Another form of the same verb is a fault of agreement if the tense is right, else of tense.
fn verb_kind(grammar: &Grammar, expected: &[WordId], found: WordId) -> Option<ViolationKind> {
    let forms = |word: &WordId| grammar.verb_forms.get(word).map(Vec::as_slice).unwrap_or_default();
    let pairs = || expected.iter().flat_map(forms).flat_map(|a| forms(&found).iter().map(move |b| (a, b)));
    if pairs().any(|(a, b)| a.verb == b.verb && a.tense == b.tense) {
        Some(ViolationKind::Agreement)
    } else {
        pairs().any(|(a, b)| a.verb == b.verb).then_some(ViolationKind::Tense)
    }
}

/// "it" for "they" is a fault of number, "she" for "he" one of reference.
fn pronoun_kind(grammar: &Grammar, hypothesis: &Hypothesis, slot: SlotId, found: WordId) -> ViolationKind {
    let plural = |word: &str| matches!(word, "they" | "them" | "their" | "themselves" | "children");
    let number_of = |entry: u8| grammar.entry(slot, entry).gender == crate::lexicon::Gender::Plural;
    match hypothesis.state.entry(slot).map(number_of) {
        Some(many) if many != plural(grammar.word(found)) => ViolationKind::Agreement,
        _ => ViolationKind::Reference,
    }
}

fn noun_kind(
    grammar: &Grammar,
    hypothesis: &Hypothesis,
    slot: SlotId,
    words: &[WordId],
    found: WordId,
) -> Option<ViolationKind> {
    if !words.contains(&found) {
        return None;
    }
    let same_lemma = |held: u8| {
        let others = words.iter().enumerate().filter(|(_, word)| **word == found);
        others.into_iter().any(|(entry, _)| grammar.lemma(slot, entry as u8) == grammar.lemma(slot, held))
    };
    if hypothesis.state.entry(slot).is_some_and(same_lemma) {
        return Some(ViolationKind::Agreement);
    }
    Some(match grammar.kind(slot) {
        Kind::Living => ViolationKind::Reference,
        Kind::Object | Kind::Property => ViolationKind::ObjectIdentity,
        Kind::Place => ViolationKind::Place,
        Kind::Tense => ViolationKind::Tense,
    })
}
