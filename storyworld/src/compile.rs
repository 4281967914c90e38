//! Turns rules and lexicon into the arena of nodes: calls are expanded, inflection becomes tables.

use std::collections::{BTreeSet, HashMap};

use crate::grammar::{Node, NodeId, Parts, Role, SlotId, WordId};
use crate::lexicon::{Class, Entry, Gender, Lexicon};
use crate::morphology::{Agreement, Tense, article, finite};
use crate::notation::{Expression, NotationError, Rule};

/// Name of the slot that holds the tense of the story.
const TENSE_SLOT: &str = "tense";
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
}

/// Slots of the parameters of the rule that is being compiled.
type Bindings<'a> = &'a [(&'a str, SlotId)];

impl Compiler<'_> {
    fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() as u32 - 1)
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
        let missing =
            || NotationError { line: 1, problem: format!("no rule {name} with {} slots", arguments.len()) };
        let rules = self.rules;
        let fits = |rule: &&Rule| rule.name == name && rule.parameters.len() == arguments.len();
        let rule = rules.iter().find(fits).ok_or_else(missing)?;
        let node = self.push(Node::Sequence(Vec::new()));
        self.calls.insert(key, node);
        let bindings: Vec<_> =
            rule.parameters.iter().map(String::as_str).zip(arguments.iter().copied()).collect();
        let locate = |problem| NotationError { line: rule.line, problem: format!("rule {name}: {problem}") };
        let body = self.expression(&rule.body, &bindings).map_err(locate)?;
        self.nodes[node.0 as usize] = Node::Sequence(vec![body]);
        Ok(node)
    }

    fn expression(&mut self, expression: &Expression, bindings: Bindings) -> Result<NodeId, String> {
        let node = match expression {
            Expression::Item(item) => return self.item(item, bindings),
            Expression::Sequence(parts) => {
                let parts: Result<_, String> =
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
                return self.call(&names[0], &arguments?).map_err(|error| error.problem);
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

    /// `pet`, `pet.he` or `pet.food`.
    fn noun(&mut self, path: &str, bindings: Bindings) -> Result<NodeId, String> {
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
    fn verb(&mut self, path: &str, bindings: Bindings) -> Result<NodeId, String> {
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
    fn article(&mut self, path: &str, bindings: Bindings) -> Result<NodeId, String> {
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
