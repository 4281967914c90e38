//! Items that depend on slots: each becomes a table of words over the entries of its slots.

use super::{Bindings, Compiler};
use crate::grammar::{Node, NodeId, Role, SlotId, WordId};
use crate::lexicon::{Entry, Gender};
use crate::morphology::{Agreement, Tense, article, finite};

/// Numbers of a verb's finite forms, as far as they were needed. `// (tense, agreement)`
pub(super) type Finites = [[Option<WordId>; 3]; 2];

/// Name of the slot that holds the tense of the story.
const TENSE_SLOT: &str = "tense";

impl<'a> Compiler<'a> {
    /// `pet`, `pet.he` or `pet.food`.
    pub(super) fn noun(&mut self, path: &str, bindings: Bindings) -> Result<NodeId, String> {
        let (name, form) = path.split_once('.').unwrap_or((path, ""));
        let slot = self.slot(name, bindings)?;
        let role =
            if pronoun(Gender::Neuter, form).is_some() { Role::Pronoun(slot) } else { Role::Noun(slot) };
        let one = |entries: &[&'a Entry]| match (form, pronoun(entries[0].gender, form)) {
            ("", _) => Ok(Form::Word(&entries[0].word)),
            (_, Some(pronoun)) => Ok(Form::Word(pronoun)),
            _ => entries[0]
                .field(form)
                .map(Form::Word)
                .ok_or_else(|| format!("{} has no {form}", entries[0].word)),
        };
        self.inflect(role, path, vec![slot], one)
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
        let form = |entries: &[&'a Entry]| {
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
            Ok(Form::Finite(base, tense, agreement))
        };
        self.inflect(Role::Verb, path, slots, form)
    }

    /// `color` or `color.toy`: the article fits the sound of the first and the number of the last.
    pub(super) fn article(&mut self, path: &str, bindings: Bindings) -> Result<NodeId, String> {
        let slots: Result<Vec<_>, String> = path.split('.').map(|name| self.slot(name, bindings)).collect();
        self.inflect(Role::Article, path, slots?, |entries| {
            let many =
                entries.last().is_some_and(|entry| matches!(entry.gender, Gender::Plural | Gender::Mass));
            Ok(Form::Word(if many { "some" } else { article(&entries[0].word) }))
        })
    }

    fn finite(&mut self, base: &str, tense: Tense, agreement: Agreement) -> WordId {
        let place = (tense as usize, agreement as usize);
        if let Some(word) = self.finites.get(base).and_then(|finites| finites[place.0][place.1]) {
            return word;
        }
        let word = self.word(&finite(base, tense, agreement, &self.lexicon.verbs));
        self.finites.entry(base.to_string()).or_default()[place.0][place.1] = Some(word);
        word
    }

    /// A table of words over all combinations of entries of the slots; `path` says of which item.
    fn inflect<'f, F>(
        &mut self,
        role: Role,
        path: &str,
        slots: Vec<SlotId>,
        form: F,
    ) -> Result<NodeId, String>
    where
        F: Fn(&[&'a Entry]) -> Result<Form<'f>, String>,
    {
        // A noun and an article may have one path; that of a verb has a slash.
        let kind = if role == Role::Article { "a/" } else { "" };
        let key = (format!("{kind}{path}"), slots.clone());
        if let Some(words) = self.tables.get(&key) {
            let words = words.clone();
            return Ok(self.push(Node::Inflect { role, slots, words }));
        }
        let lexicon = self.lexicon;
        let entries_of =
            |slot: &SlotId| lexicon.classes[lexicon.slots[usize::from(slot.0)].1].entries.as_slice();
        let classes: Vec<&[Entry]> = slots.iter().map(entries_of).collect();
        let count = classes.iter().map(|entries| entries.len()).product();
        let mut words = Vec::with_capacity(count);
        let mut row = Vec::with_capacity(classes.len());
        for mut rest in 0..count {
            // The last slot turns fastest: digits of a number, the lowest first.
            row.clear();
            for entries in classes.iter().rev() {
                row.push(&entries[rest % entries.len()]);
                rest /= entries.len();
            }
            row.reverse();
            let word = match form(&row)? {
                Form::Word(word) => self.word(word),
                Form::Finite(base, tense, agreement) => self.finite(base, tense, agreement),
            };
            words.push(word);
        }
        self.tables.insert(key, words.clone());
        Ok(self.push(Node::Inflect { role, slots, words }))
    }
}

/// What an item writes for some entries: spelled out only where no item before wrote it, because tables are large.
enum Form<'f> {
    Word(&'f str),
    Finite(&'f str, Tense, Agreement),
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
