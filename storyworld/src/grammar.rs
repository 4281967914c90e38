//! The grammar as data: an arena of nodes that generator, parser and checker all walk with the same machine.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::compile::compile;
use crate::extent::Extent;
use crate::first::FirstWords;
use crate::lexicon::{Entry, Kind, Lexicon};
use crate::morphology::{Agreement, Tense, finite};
use crate::notation::{NotationError, parse_rules};

/// Index of a word in [`Grammar::vocabulary`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WordId(pub u16);

/// Index of a node in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(pub u32);

/// Index of a slot: a variable of the story, such as its hero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SlotId(pub u8);

/// What a word that depends on slots does in its sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// The noun or name of a slot, or a field of its entry.
    Noun(SlotId),
    /// A pronoun for a slot.
    Pronoun(SlotId),
    /// A verb that agrees with something.
    Verb,
    /// "a", "an" or "some".
    Article,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// Writes a word.
    Word(WordId),
    /// Its parts, one after the other.
    Sequence(Vec<NodeId>),
    /// One of several, with weights.
    Choice(Vec<(f64, NodeId)>),
    /// Fills a slot with an entry of its class.
    Draw(SlotId),
    /// Fills a slot with one given entry.
    Set(SlotId, u8),
    /// Writes the word that the entries in the slots select: `words` is row-major over the slots' classes.
    Inflect { role: Role, slots: Vec<SlotId>, words: Vec<WordId> },
}

/// A compiled grammar: nodes, slots, words.
#[derive(Clone, Debug)]
pub struct Grammar {
    pub(crate) nodes: Vec<Node>,
    /// How long what each node writes can be.
    pub(crate) extents: Vec<Extent>,
    /// Words that each node can begin with.
    pub(crate) first: FirstWords,
    pub(crate) start: NodeId,
    pub(crate) lexicon: Lexicon,
    /// Number of each entry's lemma, class by class: equal numbers mean the same thing. `// (class, entry)`
    pub(crate) lemmas: Vec<Vec<u16>>,
    /// Finite forms by word; a word such as "put" has several.
    pub(crate) verb_forms: HashMap<WordId, Vec<VerbForm>>,
    vocabulary: Vec<String>,
    ids: HashMap<String, WordId>,
}

/// A verb and the form in which a word gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VerbForm {
    /// Number of the verb: forms of one verb share it.
    pub verb: usize,
    pub tense: Tense,
    pub agreement: Agreement,
}

/// Arena, extents, start and words, as the compiler hands them over.
pub(crate) struct Parts {
    pub nodes: Vec<Node>,
    pub extents: Vec<Extent>,
    pub start: NodeId,
    pub vocabulary: Vec<String>,
    /// Base form of every verb that is inflected.
    pub verbs: BTreeSet<String>,
}

impl Grammar {
    /// Compiles a grammar from the text of its lexicon and of its rules; stories start at the rule `story`.
    pub fn parse(lexicon: &str, rules: &str) -> Result<Self, NotationError> {
        let lexicon = Lexicon::parse(lexicon)?;
        let parts = compile(&lexicon, &parse_rules(rules)?)?;
        let ids =
            parts.vocabulary.iter().enumerate().map(|(id, word)| (word.clone(), WordId(id as u16))).collect();
        let mut numbers = HashMap::new();
        let mut number = |lemma: &String| {
            let next = numbers.len() as u16;
            *numbers.entry(lemma.clone()).or_insert(next)
        };
        let lemmas = lexicon
            .classes
            .iter()
            .map(|class| class.entries.iter().map(|entry| number(&entry.lemma)).collect());
        let lemmas = lemmas.collect();
        let Parts { nodes, extents, start, vocabulary, verbs } = parts;
        let verb_forms = verb_forms(&verbs, &lexicon, &ids);
        let first = FirstWords::new(&nodes, vocabulary.len());
        Ok(Grammar { nodes, extents, first, start, lexicon, lemmas, verb_forms, vocabulary, ids })
    }

    /// The grammar of storyworld.
    pub fn storyworld() -> &'static Grammar {
        &STORYWORLD
    }

    /// All words that a story can hold, in a stable order: the identifier of a word is its index.
    pub fn vocabulary(&self) -> &[String] {
        &self.vocabulary
    }

    /// The identifier of a word, if the language knows it.
    pub fn word_id(&self, word: &str) -> Option<WordId> {
        self.ids.get(word).copied()
    }

    /// The identifiers of words, in their order; `None` if any of them is not a word of this grammar.
    pub fn word_ids<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Option<Vec<WordId>> {
        words.into_iter().map(|word| self.word_id(word)).collect()
    }

    /// The word of an identifier of this grammar.
    pub fn word(&self, id: WordId) -> &str {
        &self.vocabulary[usize::from(id.0)]
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// All slots of a story.
    pub(crate) fn slots(&self) -> impl Iterator<Item = SlotId> {
        (0..self.slot_count()).map(|slot| SlotId(slot as u8))
    }

    /// An entry of the class of a slot.
    pub(crate) fn entry(&self, slot: SlotId, entry: u8) -> &Entry {
        &self.lexicon.classes[self.class_of(slot)].entries[usize::from(entry)]
    }

    /// Number of the lemma of an entry of the class of a slot.
    pub(crate) fn lemma(&self, slot: SlotId, entry: u8) -> u16 {
        self.lemmas[self.class_of(slot)][usize::from(entry)]
    }

    /// What the entries of a slot's class are.
    pub(crate) fn kind(&self, slot: SlotId) -> Kind {
        self.lexicon.classes[self.class_of(slot)].kind
    }

    /// The entries that an index into a table over the slots stands for.
    pub(crate) fn entries_at(&self, slots: &[SlotId], mut index: usize) -> Vec<(SlotId, u8)> {
        let mut entries = Vec::with_capacity(slots.len());
        for &slot in slots.iter().rev() {
            let count = self.lexicon.classes[self.class_of(slot)].entries.len();
            entries.push((slot, (index % count) as u8));
            index /= count;
        }
        entries
    }

    /// Number of slots of a story.
    pub(crate) fn slot_count(&self) -> usize {
        self.lexicon.slots.len()
    }

    /// Index of the class of a slot.
    pub(crate) fn class_of(&self, slot: SlotId) -> usize {
        self.lexicon.slots[usize::from(slot.0)].1
    }
}

/// All finite forms of the verbs that are words of the language.
fn verb_forms(
    verbs: &BTreeSet<String>,
    lexicon: &Lexicon,
    ids: &HashMap<String, WordId>,
) -> HashMap<WordId, Vec<VerbForm>> {
    let mut forms: HashMap<WordId, Vec<VerbForm>> = HashMap::new();
    for (verb, base) in verbs.iter().enumerate() {
        for tense in [Tense::Past, Tense::Present] {
            for agreement in [Agreement::First, Agreement::Singular, Agreement::Plural] {
                if let Some(id) = ids.get(&finite(base, tense, agreement, &lexicon.verbs)) {
                    forms.entry(*id).or_default().push(VerbForm { verb, tense, agreement });
                }
            }
        }
    }
    forms
}

const LEXICON: &str = include_str!("../grammar/lexicon.txt");
const RULES: &str = concat!(
    include_str!("../grammar/story.txt"),
    "\n",
    include_str!("../grammar/beats.txt"),
    "\n",
    include_str!("../grammar/home.txt"),
    "\n",
    include_str!("../grammar/family.txt"),
    "\n",
    include_str!("../grammar/outdoors.txt"),
    "\n",
    include_str!("../grammar/animals.txt"),
);

static STORYWORLD: LazyLock<Grammar> =
    LazyLock::new(|| Grammar::parse(LEXICON, RULES).unwrap_or_else(|error| panic!("the embedded {error}")));
