//! A regular expression that a span must match.

use std::collections::HashMap;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

use super::constrained::{Constraint, Room};
use super::description::RuleError;
use crate::decode::Span;
use crate::sequence::TokenId;

/// Most states that a pattern may have between words.
const MOST_STATES: usize = 4096;
/// Most memory that an expression may take while it is compiled.
const MOST_BYTES: usize = 64 << 20;

/// How the text of a span is put together from its tokens.
#[derive(Clone, Copy, Debug)]
pub struct Spelling<'a> {
    /// Text of every token. `// (vocabulary)`
    pub texts: &'a [String],
    /// What stands between two: a space for words, nothing for byte pairs, which bring their own.
    pub between: &'a str,
    /// What stands where nothing is written yet.
    pub mask: TokenId,
    /// Tokens below this (mask, unknown, end of text) never stand in a span.
    pub first_word: u32,
}

/// The text of a span, its tokens joined as [`Spelling`] says, must match a regular expression as a whole.
///
/// Rule: a token is allowed where some words in the other hidden slots of the span would complete the match. The expression becomes a
/// deterministic automaton whose steps are words; one pass from the left and one from the right over the span find what fits (DINGO,
/// Suresh et al., arXiv 2505.23061, finds the likeliest string that way; here each slot is limited alone). Knobs: the span and the
/// expression (syntax of the crate `regex-automata`: no look-around, no back-references). Cost: no call; per row
/// states times vocabulary, and states times their successors times slots. Known failure: slots that are chosen in one call are limited one by one, so together they may break the pattern; the
/// next call then finds nothing allowed, which is an error. One slot per call never does.
#[derive(Clone, Debug)]
pub struct Pattern {
    span: Span,
    mask: TokenId,
    first: Steps,
    later: Steps,
    /// Whether the text may end in a state. `// (states)`
    ends: Vec<bool>,
}

/// Where each state gets by a token: of the first slot, or of a later one.
#[derive(Clone, Debug, Default)]
struct Steps {
    /// None where no match is possible any more. `// (states, vocabulary)`
    by_token: Vec<Vec<Option<u32>>>,
    /// By any word, each state once. `// (states, their successors)`
    by_any: Vec<Vec<u32>>,
}

impl Steps {
    /// Adds what leads from the next state. `// (vocabulary)`
    fn push(&mut self, row: Vec<Option<u32>>) {
        let mut any: Vec<u32> = row.iter().copied().flatten().collect();
        any.sort_unstable();
        any.dedup();
        self.by_any.push(any);
        self.by_token.push(row);
    }
}

impl Pattern {
    /// Compiles an expression for the words of a model.
    ///
    /// # Errors
    /// If it is no expression, or too large.
    pub fn new(span: Span, expression: &str, spelling: Spelling<'_>) -> Result<Self, RuleError> {
        let wrong = |reason: String| RuleError::Pattern { pattern: expression.to_owned(), reason };
        // All ways to match, not the first in the order of the expression; and no more memory than a page has.
        let rules = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(StartKind::Anchored)
            .dfa_size_limit(Some(MOST_BYTES))
            .determinize_size_limit(Some(MOST_BYTES));
        let automaton = dense::Builder::new().configure(rules).build(expression);
        let automaton = automaton.map_err(|error| wrong(error.to_string()))?;
        let begin = automaton
            .start_state(&start::Config::new().anchored(Anchored::Yes))
            .map_err(|error| wrong(error.to_string()))?;
        let mut states = States { automaton: &automaton, numbers: HashMap::new(), order: Vec::new() };
        states.number(begin);
        let (mut first, mut later) = (Steps::default(), Steps::default());
        while let Some(&state) = states.order.get(first.by_token.len()) {
            if states.order.len() > MOST_STATES {
                return Err(wrong(format!("more than {MOST_STATES} states")));
            }
            first.push(states.row(state, "", spelling));
            later.push(states.row(state, spelling.between, spelling));
        }
        let ends = |&state: &StateID| automaton.is_match_state(automaton.next_eoi_state(state));
        let ends = states.order.iter().map(ends).collect();
        Ok(Self { span, mask: spelling.mask, first, later, ends })
    }

    /// What the tokens of a slot lead to.
    fn steps(&self, slot: u32) -> &Steps {
        if slot == self.span.start { &self.first } else { &self.later }
    }

    /// Whether `is` holds of any state that the token of a slot, or any word where none stands, leads to from a state.
    fn leads_to(
        &self,
        sequence: &[TokenId],
        slot: u32,
        state: usize,
        mut is: impl FnMut(usize) -> bool,
    ) -> bool {
        let (steps, token) = (self.steps(slot), sequence[slot as usize]);
        if token == self.mask {
            return steps.by_any[state].iter().any(|&next| is(next as usize));
        }
        let next = steps.by_token[state].get(token.0 as usize).copied().flatten();
        next.is_some_and(|next| is(next as usize))
    }

    /// States in which the text to the left of a slot may be.
    fn reached(&self, sequence: &[TokenId], slot: u32, here: &mut Vec<bool>, next: &mut Vec<bool>) {
        reset(here, self.ends.len());
        here[0] = true;
        for left in self.span.start..slot {
            reset(next, here.len());
            for state in (0..here.len()).filter(|&state| here[state]) {
                self.leads_to(sequence, left, state, |to| {
                    next[to] = true;
                    false
                });
            }
            std::mem::swap(here, next);
        }
    }

    /// States from which what stands to the right of a slot can be completed.
    fn completed(&self, sequence: &[TokenId], slot: u32, after: &mut Vec<bool>, before: &mut Vec<bool>) {
        after.clone_from(&self.ends);
        for right in (slot + 1..self.span.end).rev() {
            before.clear();
            let fits = |state| self.leads_to(sequence, right, state, |next| after[next]);
            before.extend((0..self.ends.len()).map(fits));
            std::mem::swap(after, before);
        }
    }
}

/// An empty set of so many possible members.
fn reset(set: &mut Vec<bool>, members: usize) {
    set.clear();
    set.resize(members, false);
}

impl Constraint for Pattern {
    fn limit(&self, sequence: &[TokenId], slot: u32, _: &[f32], allowed: &mut [bool], room: &mut Room) {
        if !self.span.contains(slot) || self.span.end as usize > sequence.len() {
            return;
        }
        let [reached, completed, fits] = &mut room.sets;
        self.reached(sequence, slot, reached, fits);
        self.completed(sequence, slot, completed, fits);
        reset(fits, allowed.len());
        for state in (0..reached.len()).filter(|&state| reached[state]) {
            let row = &self.steps(slot).by_token[state];
            let is_fit = |next: &Option<u32>| next.is_some_and(|next| completed[next as usize]);
            fits.iter_mut().zip(row).for_each(|(fits, next)| *fits |= is_fit(next));
        }
        allowed.iter_mut().zip(fits).for_each(|(allowed, fits)| *allowed &= *fits);
    }
}

/// The automaton's states that texts of whole words reach, numbered as they are found.
struct States<'a> {
    automaton: &'a dense::DFA<Vec<u32>>,
    numbers: HashMap<StateID, u32>,
    order: Vec<StateID>,
}

impl States<'_> {
    fn number(&mut self, state: StateID) -> u32 {
        *self.numbers.entry(state).or_insert_with(|| {
            self.order.push(state);
            self.order.len() as u32 - 1
        })
    }

    /// Where every token leads from a state.
    fn row(&mut self, state: StateID, before: &str, spelling: Spelling<'_>) -> Vec<Option<u32>> {
        let automaton = self.automaton;
        let after =
            |state, text: &str| text.bytes().fold(state, |state, byte| automaton.next_state(state, byte));
        let begin = after(state, before);
        let token = |(id, text): (usize, &String)| {
            let end = after(begin, text);
            let is_hopeless = automaton.is_dead_state(end) || automaton.is_quit_state(end);
            (id >= spelling.first_word as usize && !is_hopeless).then(|| self.number(end))
        };
        spelling.texts.iter().enumerate().map(token).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeSettings, Decoder, run};
    use crate::exact::Corpus;
    use crate::guide::Constrained;
    use crate::sequence::{Sequence, SpecialTokens};
    use crate::testing::share_fits;

    const WORDS: [&str; 8] = ["[MASK]", "[UNK]", "[EOS]", "red", "dog", "dogs", "run", "runs"];

    fn texts() -> Vec<String> {
        WORDS.map(String::from).to_vec()
    }

    fn pattern(start: u32, end: u32, expression: &str) -> Result<Pattern, RuleError> {
        let spelling = Spelling { texts: &texts(), between: " ", mask: TokenId(0), first_word: 3 };
        Pattern::new(Span { start, end }, expression, spelling)
    }

    /// Words that may stand in a slot; 0 is hidden.
    fn allowed(pattern: &Pattern, sequence: &[u32], slot: u32) -> Vec<&'static str> {
        let sequence: Vec<TokenId> = sequence.iter().copied().map(TokenId).collect();
        let mut allowed = vec![true; WORDS.len()];
        pattern.limit(&sequence, slot, &[], &mut allowed, &mut Room::default());
        (0..WORDS.len()).filter(|&token| allowed[token]).map(|token| WORDS[token]).collect()
    }

    #[test]
    fn what_stands_on_either_side_decides_what_fits_between() {
        let agreement = pattern(0, 3, "(red )?(dog runs|dogs run)( red)?").unwrap();
        assert_eq!(allowed(&agreement, &[0, 0, 0], 0), ["red", "dog", "dogs"]);
        assert_eq!(allowed(&agreement, &[3, 0, 7], 1), ["dog"]);
        assert_eq!(allowed(&agreement, &[3, 5, 0], 2), ["run"]);
        assert_eq!(allowed(&agreement, &[0, 0, 6], 0), ["red"], "three words that end in run begin with red");
        assert_eq!(allowed(&agreement, &[7, 0, 0], 1), Vec::<&str>::new(), "nothing can mend a wrong word");
        assert_eq!(allowed(&agreement, &[2, 0, 0], 1), Vec::<&str>::new(), "nor an end of text");
        let shorter_first = pattern(0, 2, "dog|dog runs").unwrap();
        assert_eq!(allowed(&shorter_first, &[4, 0], 1), ["runs"], "any way to match will do");
        assert!(matches!(pattern(0, 2, "[ab]*a[ab]{40}"), Err(RuleError::Pattern { .. })), "too large");
    }

    #[test]
    fn the_span_alone_is_limited_and_special_tokens_never_fit() {
        let second = pattern(1, 2, ".*").unwrap();
        assert_eq!(allowed(&second, &[0, 0], 0).len(), WORDS.len());
        assert_eq!(allowed(&second, &[0, 0], 1), ["red", "dog", "dogs", "run", "runs"]);
        assert_eq!(allowed(&pattern(1, 9, "x").unwrap(), &[0, 0], 1).len(), WORDS.len(), "past the end");
    }

    #[test]
    fn byte_pairs_are_joined_without_a_space() {
        let texts = ["", "", "", "do", "g", " runs"].map(String::from);
        let spelling = Spelling { texts: &texts, between: "", mask: TokenId(0), first_word: 3 };
        let pattern = Pattern::new(Span { start: 0, end: 3 }, "dog runs", spelling).unwrap();
        let mut fits = [true; 6];
        pattern.limit(&[0, 0, 0].map(TokenId), 1, &[], &mut fits, &mut Room::default());
        assert_eq!(fits, [false, false, false, false, true, false]);
    }

    #[test]
    fn a_run_of_one_slot_per_call_always_matches_and_the_rest_is_as_likely_as_before() {
        let sentence = |a, b, p| (vec![TokenId(a), TokenId(b)], p);
        let sentences =
            vec![sentence(4, 7, 0.4), sentence(5, 6, 0.3), sentence(4, 6, 0.2), sentence(5, 7, 0.1)];
        let corpus = Corpus::new(sentences, TokenId(0)).unwrap();
        let special = SpecialTokens::default();
        let rule = pattern(0, 2, "dog runs?|dogs run").unwrap();
        let text = |seed| {
            let settings =
                DecodeSettings { seed, order: crate::Order::LeftToRight, ..DecodeSettings::default() };
            let decoder = Decoder::new(settings, Sequence::masked(2, special.mask), special).unwrap();
            let run = pollster::block_on(run(&mut Constrained::new(corpus.clone(), rule.clone()), decoder));
            run.unwrap().sequence_at(2).unwrap().tokens().map(|token| token.0).collect::<Vec<_>>()
        };
        let texts: Vec<Vec<u32>> = (0..4000).map(text).collect();
        assert!(texts.iter().all(|text| text != &[5, 7]), "dogs runs");
        let share = |wanted: [u32; 2]| texts.iter().filter(|text| **text == wanted).count() as u64;
        // The first word as before, .6 and .4; then "runs" after "dog" with .4 / .6, and nothing but "run" after "dogs".
        assert!(share_fits(share([4, 7]), 4000, 0.4) && share_fits(share([5, 6]), 4000, 0.4));
    }

    #[test]
    fn what_is_no_expression_is_refused_with_a_reason() {
        assert!(matches!(pattern(0, 2, "(dog"), Err(RuleError::Pattern { .. })));
    }
}
