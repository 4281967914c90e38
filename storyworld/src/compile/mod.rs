//! Turns rules and lexicon into the arena of nodes: calls are expanded, inflection becomes tables.

mod inflect;

use std::collections::{BTreeSet, HashMap};

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
        verbs: BTreeSet::new(),
        line: 1,
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
    let need = compiler.need();
    let endless = need.iter().position(|need| *need == u16::MAX);
    if endless.is_some() {
        return Err(whole("a rule has no end".to_string()));
    }
    let vocabulary = compiler.sort_words();
    let Compiler { nodes, verbs, .. } = compiler;
    Ok(Parts { nodes, need, start, vocabulary, verbs })
}

struct Compiler<'a> {
    lexicon: &'a Lexicon,
    rules: &'a [Rule],
    nodes: Vec<Node>,
    /// Node of each rule with its arguments.
    calls: HashMap<(String, Vec<u8>), NodeId>,
    words: HashMap<String, WordId>,
    /// Base form of every verb that is inflected.
    verbs: BTreeSet<String>,
    /// Line of the rule that is being compiled, for errors.
    line: usize,
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
        let next = WordId(self.words.len() as u16);
        *self.words.entry(word.to_string()).or_insert(next)
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
        let caller = std::mem::replace(&mut self.line, rule.line);
        let body = self.expression(&rule.body, &bindings)?;
        self.line = caller;
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
        Ok(self.push(Node::Word(word)))
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

    /// Fewest words of each node; the largest value marks what has no end.
    fn need(&self) -> Vec<u16> {
        let mut need = vec![u16::MAX; self.nodes.len()];
        loop {
            let before = need.clone();
            for (index, node) in self.nodes.iter().enumerate() {
                let of = |id: &NodeId| need[id.0 as usize];
                need[index] = match node {
                    Node::Word(_) | Node::Inflect { .. } => 1,
                    Node::Draw(_) | Node::Set(..) => 0,
                    Node::Sequence(parts) => parts.iter().map(of).fold(0, u16::saturating_add),
                    Node::Choice(parts) => parts.iter().map(|(_, part)| of(part)).min().unwrap_or(u16::MAX),
                };
            }
            if need == before {
                return need;
            }
        }
    }

    /// Numbers the words anew: punctuation first, then in alphabetical order.
    fn sort_words(&mut self) -> Vec<String> {
        let is_word = |word: &String| word.starts_with(char::is_alphanumeric);
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
