//! First words: which words a node can begin with. A parser uses them to leave out hopeless alternatives early.

use crate::grammar::{Node, WordId};

/// For each node, the words it can begin with and whether it can also write nothing. An upper bound: slots are
/// taken to hold anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct FirstWords {
    /// One bit per word. `// (node, word / 64)`
    sets: Vec<Vec<u64>>,
    silent: Vec<bool>,
}

impl FirstWords {
    pub fn new(nodes: &[Node], vocabulary: usize) -> Self {
        let sets = vec![vec![0; vocabulary.div_ceil(64)]; nodes.len()];
        let mut first = FirstWords { sets, silent: vec![false; nodes.len()] };
        // Rules may refer to later nodes: repeat until nothing is added.
        while nodes
            .iter()
            .enumerate()
            .fold(false, |changed, (index, node)| first.update(index, node) || changed)
        {}
        first
    }

    /// Whether a node can begin with the word or leave its place to what follows.
    pub fn admits(&self, node: usize, word: WordId) -> bool {
        self.silent[node] || self.sets[node][usize::from(word.0) / 64] & (1 << (word.0 % 64)) != 0
    }

    /// Whether a node can write nothing.
    pub fn may_be_silent(&self, node: usize) -> bool {
        self.silent[node]
    }

    /// Adds what a node's parts are known to begin with; tells whether that is news.
    fn update(&mut self, index: usize, node: &Node) -> bool {
        let mut set = std::mem::take(&mut self.sets[index]);
        let count = |set: &[u64]| set.iter().map(|bits| bits.count_ones()).sum::<u32>();
        // Words are only ever added.
        let before = (count(&set), self.silent[index]);
        match node {
            Node::Word(word) => add(&mut set, *word),
            Node::Inflect { words, .. } => words.iter().for_each(|word| add(&mut set, *word)),
            Node::Draw(_) | Node::Set(..) => self.silent[index] = true,
            Node::Choice(parts) => {
                parts.iter().for_each(|(_, part)| self.join(&mut set, part.0 as usize, index));
                self.silent[index] = parts.iter().any(|(_, part)| self.silent[part.0 as usize]);
            }
            Node::Sequence(parts) => {
                let loud = parts.iter().position(|part| !self.silent[part.0 as usize]);
                let reach = loud.map_or(parts.len(), |loud| loud + 1);
                parts[..reach].iter().for_each(|part| self.join(&mut set, part.0 as usize, index));
                self.silent[index] = loud.is_none();
            }
        }
        let after = (count(&set), self.silent[index]);
        self.sets[index] = set;
        before != after
    }

    /// Adds the words of another node; `home` is the node whose set is being built.
    fn join(&self, set: &mut [u64], other: usize, home: usize) {
        if other != home {
            set.iter_mut().zip(&self.sets[other]).for_each(|(bits, more)| *bits |= more);
        }
    }
}

fn add(set: &mut [u64], word: WordId) {
    set[usize::from(word.0) / 64] |= 1 << (word.0 % 64);
}
