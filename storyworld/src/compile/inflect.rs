//! Items that depend on slots: each becomes a table of words over the entries of its slots.

use super::{Bindings, Compiler};
use crate::grammar::{Node, NodeId, Role, SlotId};
use crate::lexicon::{Entry, Gender};
use crate::morphology::{Agreement, Tense, article, finite};

/// Name of the slot that holds the tense of the story.
const TENSE_SLOT: &str = "tense";

impl Compiler<'_> {
    /// `pet`, `pet.he` or `pet.food`.
    pub(super) fn noun(&mut self, path: &str, bindings: Bindings) -> Result<NodeId, String> {
        let (name, form) = path.split_once('.').unwrap_or((path, ""));
        let slot = self.slot(name, bindings)?;
        let role =
            if pronoun(Gender::Neuter, form).is_some() { Role::Pronoun(slot) } else { Role::Noun(slot) };
        let one = |entries: &[&Entry]| match (form, pronoun(entries[0].gender, form)) {
            ("", _) => Ok(entries[0].word.clone()),
            (_, Some(pronoun)) => Ok(pronoun.to_string()),
            _ => entries[0]
                .field(form)
                .map(str::to_string)
                .ok_or_else(|| format!("{} has no {form}", entries[0].word)),
        };
        self.inflect(role, vec![slot], one)
    }

    /// `go/hero`, `toy.play/hero`, `!be/pet`, `want/I`.
    pub(super) fn verb(&mut self, path: &str, bindings: Bindings) -> Result<NodeId, String> {
        let (verb, subject) =
            path.split_once('/').ok_or_else(|| format!("verb without a subject: {path}"))?;
        let (verb, fixed) = verb.strip_prefix('!').map_or((verb, None), |verb| (verb, Some(Tense::Present)));
        let mut slots = Vec::new();
        if fixed.is_none() {
            slots.push(self.slot(TENSE_SLOT, &[])?);
        }
        let person = match subject {
            "I" => Some(Agreement::First),
            "they" => Some(Agreement::Plural),
            "it" => Some(Agreement::Singular),
            name => {
                slots.push(self.slot(name, bindings)?);
                None
            }
        };
        let field = verb.split_once('.');
        if let Some((name, _)) = field {
            slots.push(self.slot(name, bindings)?);
        }
        let bases: Vec<String> = match field {
            None => vec![verb.to_string()],
            Some((name, field)) => {
                let entries = &self.class(self.slot(name, bindings)?).entries;
                entries.iter().filter_map(|entry| entry.field(field)).map(str::to_string).collect()
            }
        };
        self.verbs.extend(bases);
        let irregular = &self.lexicon.verbs;
        let form = |entries: &[&Entry]| {
            let mut entries = entries.iter();
            let tense = fixed.or_else(|| entries.next().map(|entry| tense_of(entry))).ok_or("no tense")?;
            let agreement = person
                .or_else(|| entries.next().map(|entry| entry.gender.agreement()))
                .ok_or("no subject")?;
            let base = match field {
                None => verb,
                Some((_, field)) => entries
                    .next()
                    .and_then(|entry| entry.field(field))
                    .ok_or_else(|| format!("no field {path}"))?,
            };
            Ok(finite(base, tense, agreement, irregular))
        };
        self.inflect(Role::Verb, slots, form)
    }

    /// `color` or `color.toy`: the article fits the sound of the first and the number of the last.
    pub(super) fn article(&mut self, path: &str, bindings: Bindings) -> Result<NodeId, String> {
        let slots: Result<Vec<_>, String> = path.split('.').map(|name| self.slot(name, bindings)).collect();
        self.inflect(Role::Article, slots?, |entries| {
            let many =
                entries.last().is_some_and(|entry| matches!(entry.gender, Gender::Plural | Gender::Mass));
            Ok(if many { "some" } else { article(&entries[0].word) }.to_string())
        })
    }

    /// A table of words over all combinations of entries of the slots.
    fn inflect<F>(&mut self, role: Role, slots: Vec<SlotId>, form: F) -> Result<NodeId, String>
    where
        F: Fn(&[&Entry]) -> Result<String, String>,
    {
        let lexicon = self.lexicon;
        let mut rows: Vec<Vec<&Entry>> = vec![Vec::new()];
        for slot in &slots {
            let entries = &lexicon.classes[lexicon.slots[usize::from(slot.0)].1].entries;
            rows =
                rows.iter().flat_map(|row| entries.iter().map(|e| [row.as_slice(), &[e]].concat())).collect();
        }
        let mut words = Vec::with_capacity(rows.len());
        for row in &rows {
            words.push(self.word(&form(row)?));
        }
        Ok(self.push(Node::Inflect { role, slots, words }))
    }
}

fn tense_of(entry: &Entry) -> Tense {
    if entry.word == "past" { Tense::Past } else { Tense::Present }
}

/// The pronoun of a form named after its masculine, or `None` if the form is no pronoun's.
fn pronoun(gender: Gender, form: &str) -> Option<&'static str> {
    let [he, him, his, himself, child] = match gender {
        Gender::Masculine => ["he", "him", "his", "himself", "boy"],
        Gender::Feminine => ["she", "her", "her", "herself", "girl"],
        Gender::Neuter | Gender::Mass => ["it", "it", "its", "itself", "child"],
        Gender::Plural => ["they", "them", "their", "themselves", "children"],
    };
    match form {
        "he" => Some(he),
        "him" => Some(him),
        "his" => Some(his),
        "himself" => Some(himself),
        "child" => Some(child),
        _ => None,
    }
}
