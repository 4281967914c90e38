//! Turns rules and lexicon into the arena of nodes: calls are expanded, inflection becomes tables.

mod inflect;

use std::collections::{BTreeSet, HashMap, HashSet};

use self::inflect::Finites;
use crate::extent::{Extent, Marks, extents};
use crate::grammar::{Node, NodeId, Parts, SlotId, WordId};
use crate::lexicon::{Class, Lexicon};
use crate::notation::{Expression, NotationError, Rule};

/// Most entries of one class: a state keeps an entry in one byte, and the last value means "empty".
const MAX_ENTRIES: usize = 255;

/// Compiles all rules that the rule `story` reaches.
pub(crate) fn compile(lexicon: &Lexicon, rules: &[Rule]) -> Result<Parts, NotationError> {
    let mut compiler = Compiler {
        lexicon,
        rules,
        nodes: Vec::new(),
        calls: HashMap::new(),
        words: HashMap::new(),
        tables: HashMap::new(),
        finites: HashMap::new(),
        verbs: BTreeSet::new(),
        line: 1,
        quoted: false,
        ends: HashSet::new(),
    };
    let whole = |problem: String| NotationError { line: 1, problem };
    if let Some(class) = lexicon.classes.iter().find(|class| class.entries.len() > MAX_ENTRIES) {
        return Err(whole(format!(
            "class {} has {} entries, more than {MAX_ENTRIES}",
            class.name,
            class.entries.len()
        )));
    }
    let start = compiler.call("story", &[])?;
    let extents = compiler.extents();
    if !extents.iter().all(|extent| extent.has_end()) {
        return Err(whole("a rule has no end".to_string()));
    }
    let vocabulary = compiler.sort_words();
    let Compiler { nodes, verbs, .. } = compiler;
    Ok(Parts { nodes, extents, start, vocabulary, verbs })
}

struct Compiler<'a> {
    lexicon: &'a Lexicon,
    rules: &'a [Rule],
    nodes: Vec<Node>,
    /// Node of each rule with its arguments.
    calls: HashMap<(String, Vec<u8>), NodeId>,
    words: HashMap<String, WordId>,
    /// Words of every inflected item with its slots: the same item stands in many rules.
    tables: HashMap<(String, Vec<SlotId>), Vec<WordId>>,
    /// Finite forms of verbs, by base.
    finites: HashMap<String, Finites>,
    /// Base form of every verb that is inflected.
    verbs: BTreeSet<String>,
    /// Line of the rule that is being compiled, for errors.
    line: usize,
    /// Whether what is being compiled stands in quotes.
    quoted: bool,
    /// Nodes that write the end of a sentence outside of quotes.
    ends: HashSet<NodeId>,
}

fn is_word(word: &str) -> bool {
    word.starts_with(char::is_alphanumeric)
}

/// Slots of the parameters of the rule that is being compiled.
type Bindings<'a> = &'a [(&'a str, SlotId)];

impl Compiler<'_> {
    fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() as u32 - 1)
    }

    fn error(&self, problem: String) -> NotationError {
        NotationError { line: self.line, problem }
    }

    fn word(&mut self, word: &str) -> WordId {
        if let Some(known) = self.words.get(word) {
            return *known;
        }
        let next = WordId(self.words.len() as u16);
        self.words.insert(word.to_string(), next);
        next
    }

    fn call(&mut self, name: &str, arguments: &[SlotId]) -> Result<NodeId, NotationError> {
        let key = (name.to_string(), arguments.iter().map(|slot| slot.0).collect::<Vec<u8>>());
        if let Some(node) = self.calls.get(&key) {
            return Ok(*node);
        }
        let missing = || self.error(format!("no rule {name} with {} slots", arguments.len()));
        let rules = self.rules;
        let fits = |rule: &&Rule| rule.name == name && rule.parameters.len() == arguments.len();
        let rule = rules.iter().find(fits).ok_or_else(missing)?;
        let node = self.push(Node::Sequence(Vec::new()));
        self.calls.insert(key, node);
        let bindings: Vec<_> =
            rule.parameters.iter().map(String::as_str).zip(arguments.iter().copied()).collect();
        let caller = (self.line, self.quoted);
        (self.line, self.quoted) = (rule.line, false);
        let body = self.expression(&rule.body, &bindings)?;
        if self.quoted {
            return Err(self.error(format!("rule {name} leaves a quote open")));
        }
        (self.line, self.quoted) = caller;
        self.nodes[node.0 as usize] = Node::Sequence(vec![body]);
        Ok(node)
    }

    fn expression(&mut self, expression: &Expression, bindings: Bindings) -> Result<NodeId, NotationError> {
        let node = match expression {
            Expression::Item(item) => {
                return self.item(item, bindings).map_err(|problem| self.error(problem));
            }
            Expression::Sequence(parts) => {
                let parts: Result<_, NotationError> =
                    parts.iter().map(|part| self.expression(part, bindings)).collect();
                Node::Sequence(parts?)
            }
            Expression::Choice(parts) => {
                let mut alternatives = Vec::new();
                for (weight, part) in parts {
                    alternatives.push((*weight, self.expression(part, bindings)?));
                }
                Node::Choice(alternatives)
            }
            Expression::Call(names) => {
                let arguments: Result<Vec<_>, String> =
                    names[1..].iter().map(|name| self.slot(name, bindings)).collect();
                let arguments = arguments.map_err(|problem| self.error(problem))?;
                return self.call(&names[0], &arguments);
            }
        };
        Ok(self.push(node))
    }

    fn item(&mut self, item: &str, bindings: Bindings) -> Result<NodeId, String> {
        if let Some(name) = item.strip_prefix("+$") {
            let slot = self.slot(name, bindings)?;
            let draw = self.push(Node::Draw(slot));
            let noun = self.noun(name, bindings)?;
            return Ok(self.push(Node::Sequence(vec![draw, noun])));
        }
        if let Some(name) = item.strip_prefix('+') {
            let slot = self.slot(name, bindings)?;
            return Ok(self.push(Node::Draw(slot)));
        }
        if let Some(path) = item.strip_prefix('$') {
            return self.noun(path, bindings);
        }
        if let Some(path) = item.strip_prefix('~') {
            return self.verb(path, bindings);
        }
        if let Some(path) = item.strip_prefix("a/") {
            return self.article(path, bindings);
        }
        if let Some((name, entry)) = item.split_once('=') {
            let slot = self.slot(name, bindings)?;
            let entry = self.class(slot).entries.iter().position(|known| known.word == entry);
            let entry = entry.ok_or_else(|| format!("no such entry: {item}"))?;
            return Ok(self.push(Node::Set(slot, entry as u8)));
        }
        let word = self.word(item);
        let node = self.push(Node::Word(word));
        self.note_mark(item, node);
        Ok(node)
    }

    fn slot(&self, name: &str, bindings: Bindings) -> Result<SlotId, String> {
        let name = name.split('.').next().unwrap_or(name);
        if let Some((_, slot)) = bindings.iter().find(|(known, _)| *known == name) {
            return Ok(*slot);
        }
        let index = self.lexicon.slots.iter().position(|(known, _)| known == name);
        index.map(|index| SlotId(index as u8)).ok_or_else(|| format!("no slot {name}"))
    }

    fn class(&self, slot: SlotId) -> &Class {
        &self.lexicon.classes[self.lexicon.slots[usize::from(slot.0)].1]
    }

    /// Keeps track of quotes, and of the marks that end a sentence outside of them.
    fn note_mark(&mut self, item: &str, node: NodeId) {
        match item {
            "\"" => self.quoted = !self.quoted,
            "." | "?" | "!" if !self.quoted => {
                self.ends.insert(node);
            }
            _ => {}
        }
    }

    fn extents(&self) -> Vec<Extent> {
        let marks: HashSet<WordId> =
            self.words.iter().filter(|(word, _)| !is_word(word)).map(|(_, id)| *id).collect();
        extents(&self.nodes, &Marks { is_word: &|word| !marks.contains(&word), ends: &self.ends })
    }

    /// Numbers the words anew: punctuation first, then in alphabetical order.
    fn sort_words(&mut self) -> Vec<String> {
        let ordered: BTreeSet<_> =
            self.words.keys().map(|word| (is_word(word), word.to_lowercase(), word.clone())).collect();
        let vocabulary: Vec<String> = ordered.into_iter().map(|(_, _, word)| word).collect();
        let mut renumbered = vec![WordId(0); vocabulary.len()];
        for (index, word) in vocabulary.iter().enumerate() {
            renumbered[usize::from(self.words[word].0)] = WordId(index as u16);
        }
        for node in &mut self.nodes {
            let words = match node {
                Node::Word(word) => std::slice::from_mut(word),
                Node::Inflect { words, .. } => words.as_mut_slice(),
                _ => continue,
            };
            words.iter_mut().for_each(|word| *word = renumbered[usize::from(word.0)]);
        }
        vocabulary
    }
}
