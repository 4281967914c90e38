//! The lexicon: classes of entries from which a story's slots are drawn, read from `grammar/lexicon.txt`.
//!
//! One line holds one statement:
//!
//! - `verb go goes went`: an irregular verb.
//! - `noun mouse mice`: a noun with an irregular plural.
//! - `class animal living`: begins a class; the last word is the kind of thing it holds.
//! - `singular 1: dog move=run food=bone; cat ...`: a group of entries with their fields. The group's weight
//!   (here 1) is shared among its entries by Zipf's law, in the order of the line. Groups are `f`, `m`,
//!   `singular`, `plural` (the word is written in the plural already), `mass`, and `both` (each noun once in
//!   the singular and, at a third of the weight, once in the plural).
//! - `slot pet animal`: a variable of a story and the class from which it is drawn.

use std::collections::HashMap;

use crate::morphology::{Agreement, IrregularVerb, with_s};
use crate::notation::{NotationError, parse_weight};

/// Rank offset of Zipf's law within a group: weight 1 / (rank + offset), rank from 0.
const ZIPF_OFFSET: f64 = 2.0;
/// Share of the plural in a group of kind `both`, relative to the singular.
const PLURAL_SHARE: f64 = 1.0 / 3.0;

/// What the entries of a class are, which decides how a wrong one is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person or an animal.
    Living,
    /// A thing that stays itself.
    Object,
    /// Where something is.
    Place,
    /// A property: an adjective, a number word, a day.
    Property,
    /// The tense of the story.
    Tense,
}

/// Grammatical gender and number of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gender {
    /// he, him, his
    Masculine,
    /// she, her
    Feminine,
    /// it, its
    Neuter,
    /// it, its, and "some" where others have "a"
    Mass,
    /// they, them, their
    Plural,
}

impl Gender {
    /// What a verb with such a subject agrees with.
    pub fn agreement(self) -> Agreement {
        if self == Gender::Plural { Agreement::Plural } else { Agreement::Singular }
    }
}

/// One thing that a slot can stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The word as written in a story.
    pub word: String,
    /// Entries with the same lemma never stand in two slots of one story.
    pub lemma: String,
    /// Gender and number.
    pub gender: Gender,
    /// Relative chance to be drawn.
    pub weight: f64,
    /// Named further words, such as the verb for playing with a toy.
    pub fields: Vec<(String, String)>,
}

impl Entry {
    /// The word in the named field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A named set of entries.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    /// Name in the notation.
    pub name: String,
    /// What its entries are.
    pub kind: Kind,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// Everything that `lexicon.txt` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lexicon {
    /// Irregular verbs.
    pub verbs: HashMap<String, IrregularVerb>,
    /// Irregular plurals: singular, plural.
    pub plurals: Vec<(String, String)>,
    /// The classes.
    pub classes: Vec<Class>,
    /// Slot names and the index of each one's class.
    pub slots: Vec<(String, usize)>,
}

impl Lexicon {
    /// Reads the notation described at the head of this module.
    pub fn parse(text: &str) -> Result<Self, NotationError> {
        let mut lexicon = Lexicon::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                lexicon.statement(line).map_err(|problem| NotationError { line: index + 1, problem })?;
            }
        }
        Ok(lexicon)
    }

    fn statement(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["verb", base, third, past] => {
                let [base, third, past] = [base, third, past].map(str::to_string);
                self.verbs.insert(base, IrregularVerb { third, past });
            }
            ["noun", singular, plural] => self.plurals.push((singular.to_string(), plural.to_string())),
            ["class", name, kind] => {
                self.classes.push(Class {
                    name: name.to_string(),
                    kind: kind_named(kind)?,
                    entries: Vec::new(),
                });
            }
            ["slot", name, class] => {
                let class = self.classes.iter().position(|known| known.name == class);
                let class = class.ok_or_else(|| format!("slot {name} has no known class"))?;
                self.slots.push((name.to_string(), class));
            }
            _ => self.group(line)?,
        }
        Ok(())
    }

    fn group(&mut self, line: &str) -> Result<(), String> {
        let (head, items) = line.split_once(':').ok_or_else(|| format!("not a statement: {line}"))?;
        let (group, weight) =
            head.split_once(' ').ok_or_else(|| format!("group without a weight: {head}"))?;
        let weight = parse_weight(weight.trim())?;
        let items: Vec<&str> = items.split(';').map(str::trim).filter(|item| !item.is_empty()).collect();
        let total: f64 = (0..items.len()).map(zipf).sum();
        let mut entries = Vec::new();
        for (rank, item) in items.iter().enumerate() {
            self.entries(group, item, weight * zipf(rank) / total, &mut entries)?;
        }
        let class = self.classes.last_mut().ok_or("group before any class")?;
        class.entries.append(&mut entries);
        Ok(())
    }

    fn entries(&self, group: &str, item: &str, weight: f64, out: &mut Vec<Entry>) -> Result<(), String> {
        let mut parts = item.split_whitespace();
        let word = parts.next().unwrap_or_default().to_string();
        let fields: Result<Vec<_>, String> = parts
            .map(|part| part.split_once('=').ok_or_else(|| format!("field is not name=word: {part}")))
            .map(|pair| pair.map(|(name, value)| (name.to_string(), value.to_string())))
            .collect();
        let fields = fields?;
        let lemma = word.clone();
        let gender = match group {
            "f" => Gender::Feminine,
            "m" => Gender::Masculine,
            "singular" | "both" => Gender::Neuter,
            "plural" => Gender::Plural,
            "mass" => Gender::Mass,
            other => return Err(format!("unknown group: {other}")),
        };
        if group == "both" {
            let word = self.plural(&lemma);
            let weight = weight * PLURAL_SHARE;
            out.push(Entry {
                word,
                lemma: lemma.clone(),
                gender: Gender::Plural,
                weight,
                fields: fields.clone(),
            });
        }
        out.push(Entry { word, lemma, gender, weight, fields });
        Ok(())
    }

    /// The plural of a noun.
    pub fn plural(&self, singular: &str) -> String {
        let irregular = self.plurals.iter().find(|(known, _)| known == singular);
        irregular.map_or_else(|| with_s(singular), |(_, plural)| plural.clone())
    }
}

fn zipf(rank: usize) -> f64 {
    1.0 / (rank as f64 + ZIPF_OFFSET)
}

fn kind_named(name: &str) -> Result<Kind, String> {
    match name {
        "living" => Ok(Kind::Living),
        "object" => Ok(Kind::Object),
        "place" => Ok(Kind::Place),
        "property" => Ok(Kind::Property),
        "tense" => Ok(Kind::Tense),
        other => Err(format!("unknown kind of class: {other}")),
    }
}
